package config

import (
	"fmt"
	"maps"
	"math/big"
	"strconv"
	"strings"
	"time"
	"unicode"

	"github.com/hashicorp/hcl/v2"
	"github.com/zclconf/go-cty/cty"

	"storyform/internal/diag"
	"storyform/internal/suggest"
	"storyform/story"
)

// instance is one instance of a story block while it is being put together.
type instance struct {
	block   *block
	addr    story.Address
	ctx     *hcl.EvalContext
	desired story.Desired
	broken  bool // it can't become part of the Config
	paged   bool // desired.Page is known
	media   *mediaFile
	self    cty.Value // for preconditions
	after   cty.Value
}

// loadStories evaluates every instance of every story block but for what
// needs the media or the other stories.
func (l *loader) loadStories() {
	l.listPages()
	for _, b := range l.blocks["story"] {
		in := l.keys[b.address().String()]
		sound := l.checkStoryRefs(b)
		if in == nil {
			continue
		}
		ranges := attrRanges(b)
		for i, addr := range in.addresses(b.address()) {
			ctx := l.eval.dir(b.file.dir)
			if in.keyed {
				ctx = l.eval.with(b.file.dir, in.names(i))
			}
			s := &instance{block: b, addr: addr, ctx: ctx, broken: !sound}
			s.desired = story.Desired{Address: addr, Revision: 1, Order: len(l.stories), Range: *rangeOf(b.header()), Ranges: ranges}
			l.loadStory(s)
			l.stories = append(l.stories, s)
		}
	}
}

// checkStoryRefs checks the references in a story block once for all
// instances. Attributes with wrong ones are unknown from then on.
func (l *loader) checkStoryRefs(b *block) bool {
	sound := true
	sc := scope{each: b.attrs["for_each"] != nil}
	for _, a := range sortedAttrs(b.syn.Body) {
		if b.attrs[a.Name] == nil || a.Name == "for_each" {
			continue
		}
		_, ok, diags := l.checkRefs(a.Expr, sc)
		l.report(b.address(), diags...)
		if !ok {
			sound = false
			b.disable(a.Name)
		}
	}
	sc.self = true
	for _, rule := range b.blocks {
		for _, a := range sortedAttrs(rule.syn.Body) {
			if rule.attrs[a.Name] == nil {
				continue
			}
			if _, ok, diags := l.checkRefs(a.Expr, sc); !ok {
				l.report(b.address(), diags...)
				rule.disable(a.Name)
			}
		}
	}
	return sound
}

// attrRanges maps each attribute of a block to where its value stands.
func attrRanges(b *block) map[string]diag.Range {
	ranges := make(map[string]diag.Range, len(b.attrs))
	for name, a := range b.attrs {
		ranges[name] = *rangeOf(a.Expr.Range())
	}
	return ranges
}

// loadStory evaluates the attributes of one instance.
func (l *loader) loadStory(s *instance) {
	before := l.reported[hcl.DiagError]
	d, b := &s.desired, s.block
	l.storyPage(s)
	l.storyMedia(s)
	l.storyTimes(s)
	if n, set := l.attrInt(s.addr, b, "revision", s.ctx, 1); set {
		d.Revision = n
	}
	d.Labels = l.storyLabels(s)
	d.Allow, _ = l.attrStrings(s.addr, b, "allow", s.ctx)
	d.AllowRepeat, _ = l.attrBool(s.addr, b, "allow_repeat", s.ctx)
	if expr := b.expr("after"); expr != nil {
		v, diags := evaluate(expr, s.ctx)
		l.report(s.addr, diags...)
		s.after = v
	}
	s.broken = s.broken || l.reported[hcl.DiagError] != before
}

// storyPage evaluates the page of an instance, which must be the value of a
// page block and nothing that merely looks like it.
func (l *loader) storyPage(s *instance) {
	expr, broken := s.block.expr("page"), s.broken
	s.broken = true
	if expr == nil {
		return
	}
	v, diags := evaluate(expr, s.ctx)
	l.report(s.addr, diags...)
	if diags.HasErrors() || !v.IsWhollyKnown() {
		l.noteUnknown(expr)
		return
	}
	if p, ok := l.pageOf(v); ok {
		s.desired.Page, s.paged, s.broken = p, true, broken
		return
	}
	how := "Refer to a page block, as in page = page.acme."
	if names := l.pageNames(); len(names) > 0 {
		how = fmt.Sprintf("Refer to a page block, as in page = %s.", names[0])
	}
	v, _ = v.UnmarkDeep()
	switch text, isString := knownString(v); {
	case isString && l.partOfPage(expr) != "":
		how = "This is only a part of it. Write page = " + l.partOfPage(expr) + "."
	case isString:
		how = l.pageHint(text, how)
	case v.Type().IsMapType() && v.Type().ElementType().Equals(pageType):
		how = "This is all Pages of a page block with for_each, and a story goes to one. Write for_each = page.name and page = each.value in the story, or name one as page.name[\"key\"]."
	case v.IsNull():
		how = "This is null. " + how
	default:
		how = "This is " + kindOf(v.Type()) + ". " + how
	}
	l.report(s.addr, errIn(expr, s.ctx, "Not a page", "A story's page must be a page. %s", how))
}

// partOfPage returns the Page that an expression names an attribute of, as
// page.acme.id does, and page.acme["id"] where page.acme has no for_each.
func (l *loader) partOfPage(expr hcl.Expression) string {
	t, diags := hcl.AbsTraversalForExpr(expr)
	if diags.HasErrors() || len(t) < 3 || t.RootName() != "page" {
		return ""
	}
	v, diags := t[:len(t)-1].TraverseAbs(l.eval.dir(""))
	if p, ok := l.pageOf(v); !diags.HasErrors() && ok {
		return p.Address.String()
	}
	return ""
}

// knownString returns the text of a string value.
func knownString(v cty.Value) (string, bool) {
	if v.Type() != cty.String || v.IsNull() || !v.IsKnown() {
		return "", false
	}
	return v.AsString(), true
}

// pageHint answers a string where a page is wanted: people write the name,
// the reference, or the id of a Page.
func (l *loader) pageHint(text, how string) string {
	for _, p := range l.pageList {
		if text == p.ID || text == p.Address.Name || text == p.Address.String() {
			return fmt.Sprintf("This is a string. Write page = %s, without quotes.", p.Address)
		}
	}
	if pageID.MatchString(text) {
		return fmt.Sprintf("This is the id of a Page. Declare it with page \"name\" { id = %q }, and write page = page.name.", text)
	}
	if s := suggest.Nearest(text, l.pageNames()); s != "" {
		return fmt.Sprintf("This is a string. Did you mean page = %s, without quotes?", s)
	}
	return "This is a string. " + how
}

// storyTimes evaluates publish_at, not_after and window.
func (l *loader) storyTimes(s *instance) {
	d := &s.desired
	publish, okPublish := l.storyTime(s, "publish_at")
	notAfter, okNotAfter := l.storyTime(s, "not_after")
	window, hasWindow := l.attrDuration(s.addr, s.block, "window", s.ctx)
	d.PublishAt, d.NotAfter = publish, notAfter
	switch {
	case hasWindow && !notAfter.IsZero():
		l.report(s.addr, errAt(s.block.expr("window").Range(), "Two ends of the window",
			"window and not_after both say how late the story may go out. Take one out."))
	case hasWindow && !publish.IsZero():
		d.NotAfter = publish.Add(window)
	case hasWindow && okPublish:
		d.Window = window
	case !publish.IsZero() && notAfter.IsZero() && okNotAfter && s.unset("window"):
		d.NotAfter = publish.Add(story.DefaultWindow)
	case !publish.IsZero() && !notAfter.IsZero() && !notAfter.After(publish):
		l.report(s.addr, errIn(s.block.expr("not_after"), s.ctx, "Window ends before it begins",
			"The story may not go out after %s, and not before %s (publish_at). Make not_after later than publish_at.",
			localTime(notAfter, d.Page), localTime(publish, d.Page)))
	}
}

// unset reports whether an attribute is not there, or null on purpose.
func (s *instance) unset(name string) bool {
	expr := s.block.expr(name)
	if expr == nil {
		return true
	}
	v, diags := evaluate(expr, s.ctx)
	return !diags.HasErrors() && v.IsKnown() && v.IsNull()
}

// localTime renders an instant by the clock of a Page.
func localTime(t time.Time, p story.Page) string {
	return t.In(p.Location()).Format("2006-01-02 15:04 -07:00")
}

// storyTime evaluates an attribute that is a time. ok is false when it is
// wrong, which has been reported; a time that is not set is zero and ok.
func (l *loader) storyTime(s *instance, name string) (t time.Time, ok bool) {
	before := l.reported[hcl.DiagError]
	text, set := l.attrString(s.addr, s.block, name, s.ctx)
	if !set {
		return time.Time{}, l.reported[hcl.DiagError] == before
	}
	loc := time.UTC
	if s.paged && s.desired.Page.Timezone != "" {
		loc, _ = l.location(s.desired.Page.Timezone)
	}
	t, err := parseTime(text, loc)
	if err == nil {
		l.checkZoned(s, name, text)
		return t, true
	}
	summary, detail := wordsOf(err, "Invalid time")
	if !s.paged && summary != "Invalid time" {
		return time.Time{}, false // the zone isn't known, so nothing can be said about gaps
	}
	l.report(s.addr, errIn(s.block.expr(name), s.ctx, summary, "%s", detail))
	return time.Time{}, false
}

// checkZoned warns of a wall-clock time on a Page without a time zone, once
// for each page block: it is probably meant by another clock than that of UTC.
func (l *loader) checkZoned(s *instance, name, text string) {
	page := s.desired.Page
	if _, err := time.Parse(time.RFC3339, text); err == nil || !s.paged || page.Timezone != "" || l.zoneless[page.Address.Block()] {
		return
	}
	l.zoneless[page.Address.Block()] = true
	d := errIn(s.block.expr(name), s.ctx, "Page has no time zone",
		"The Page has no time zone, so this time is read as UTC. Set timezone on %s, such as timezone = \"Asia/Jakarta\"; if UTC is meant, timezone = \"UTC\".", page.Address.Block())
	d.Severity = hcl.DiagWarning
	l.report(s.addr, d)
}

// What labels may hold: they end up in flags, comments and file names.
const (
	maxLabels      = 64
	maxLabelLength = 256
)

// storyLabels evaluates labels.
func (l *loader) storyLabels(s *instance) map[string]string {
	expr := s.block.expr("labels")
	if expr == nil {
		return nil
	}
	v, diags := evaluate(expr, s.ctx)
	l.report(s.addr, diags...)
	v, set := l.converted(s.addr, "labels", expr, s.ctx, wholeAsText(v), cty.Map(cty.String))
	if !set {
		return nil
	}
	labels := make(map[string]string, v.LengthInt())
	for it := v.ElementIterator(); it.Next(); {
		k, e := it.Element()
		labels[k.AsString()] = e.AsString()
	}
	problem := ""
	for name, value := range maps.All(labels) {
		switch {
		case name == "" || len(name) > maxLabelLength || len(value) > maxLabelLength:
			problem = fmt.Sprintf("Names and values of labels have 1 to %d bytes.", maxLabelLength)
		case strings.ContainsAny(name, "=,") || strings.ContainsFunc(name+value, unicode.IsControl):
			problem = "The name of a label has no = and no comma in it, and neither it nor its value a control character."
		}
	}
	if len(labels) > maxLabels {
		problem = fmt.Sprintf("A story has at most %d labels.", maxLabels)
	}
	if problem != "" {
		l.report(s.addr, errIn(expr, s.ctx, "Invalid labels", "%s", problem))
		return nil
	}
	return labels
}

// wholeAsText writes out the whole numbers in an object. The conversion of cty
// gives the same, but looks for the shortest digits of a 512-bit number, which
// takes longer than all the rest of a story.
func wholeAsText(v cty.Value) cty.Value {
	if !v.Type().IsObjectType() || v.IsMarked() || v.IsNull() || !v.IsKnown() || v.LengthInt() == 0 {
		return v
	}
	elements := v.AsValueMap()
	for name, e := range elements {
		if e.Type() != cty.Number || e.IsMarked() || e.IsNull() || !e.IsKnown() {
			continue
		}
		if n, accuracy := e.AsBigFloat().Int64(); accuracy == big.Exact {
			elements[name] = cty.StringVal(strconv.FormatInt(n, 10))
		}
	}
	return cty.ObjectVal(elements)
}
