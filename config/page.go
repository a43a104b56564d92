package config

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/hashicorp/hcl/v2"
	"github.com/zclconf/go-cty/cty"

	"storyform/internal/diag"
	"storyform/story"
)

var (
	// pageID matches the id of a Page.
	pageID = regexp.MustCompile(`^[0-9]{1,25}$`)
	// postID matches the id of a post, with or without the Page's id before it.
	postID = regexp.MustCompile(`^[0-9]{1,25}(_[0-9]{1,25})?$`)
	// envName matches the name of an environment variable.
	envName = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)
)

// expandPage evaluates the instances of a page block and gives the block its
// value. An instance with a mistake is left out of the Config but still has a
// value where others refer to it, so that they don't fail for its sake.
func (l *loader) expandPage(b *block, in *instances, deps []string) {
	values := make([]cty.Value, 0, len(in.keys))
	for i, addr := range in.addresses(b.address()) {
		ctx := l.eval.partial(b.file.dir, deps).NewChild()
		ctx.Variables = in.names(i)
		p, ok := l.page(b, addr, ctx)
		if !ok {
			values = append(values, cty.UnknownVal(pageType))
			continue
		}
		v := pageValue(*p)
		l.pages[addr.String()], l.pageVals[addr.String()] = p, v
		values = append(values, v)
	}
	l.eval.values[b.address().String()] = in.value(values, pageType)
}

// page evaluates one instance.
func (l *loader) page(b *block, addr story.Address, ctx *hcl.EvalContext) (*story.Page, bool) {
	before := l.errors()
	p := &story.Page{Address: addr, Range: *rangeOf(b.header())}
	p.ID, _ = l.attrString(addr, b, "id", ctx)
	if expr := b.expr("id"); expr != nil && l.errors() == before && !pageID.MatchString(p.ID) {
		l.reportPageID(addr, expr, ctx, p.ID)
	}
	if zone, set := l.attrString(addr, b, "timezone", ctx); set {
		p.Timezone = zone
		if _, problem := l.location(zone); problem != "" {
			l.report(addr, errIn(b.expr("timezone"), ctx, "Unknown time zone", "%s", problem))
		}
	}
	if env, set := l.attrString(addr, b, "token_env", ctx); set {
		p.TokenEnv = env
		l.checkTokenEnv(addr, b.expr("token_env"), ctx, env)
	}
	if g := b.child("guard"); g != nil {
		p.Guard = l.guard(addr, g, ctx)
	}
	return p, l.errors() == before && p.ID != ""
}

// reportPageID says that an id is not the id of a Page, unless it is unknown
// because of a mistake elsewhere.
func (l *loader) reportPageID(addr story.Address, expr hcl.Expression, ctx *hcl.EvalContext, id string) {
	if id == "" {
		if v, diags := evaluate(expr, ctx); diags.HasErrors() || !v.IsKnown() {
			return
		}
	}
	if looksSecret(id) {
		l.addSecret(id)
	}
	l.report(addr, errIn(expr, ctx, "Invalid Page id",
		"%s is not the id of a Page, which is a number such as \"104857600000001\". It is shown under About, Page transparency.", shortString(id)))
}

// checkTokenEnv refuses what can't be the name of an environment variable,
// without ever showing what may be a token.
func (l *loader) checkTokenEnv(addr story.Address, expr hcl.Expression, ctx *hcl.EvalContext, env string) {
	switch {
	case looksSecret(env) && len(expr.Variables()) == 0 && slices.Contains(l.secrets, env):
		// It is in this file, and was reported there.
	case looksSecret(env):
		l.addSecret(env)
		l.report(addr, errAt(expr.Range(), "Token in token_env",
			"token_env takes the NAME of an environment variable, and this looks like a token itself. A token must never be in a file: "+
				"revoke it, put a new one into an environment variable such as ACME_TOKEN, and write token_env = \"ACME_TOKEN\"."))
	case !envName.MatchString(env):
		l.report(addr, errIn(expr, ctx, "Invalid token_env",
			"token_env takes the name of an environment variable: letters, digits and underscores, such as \"ACME_TOKEN\"."))
	}
}

// guard evaluates the guard block of an instance.
func (l *loader) guard(addr story.Address, b *block, ctx *hcl.EvalContext) *story.Guard {
	g := &story.Guard{}
	g.MaxPerDay, _ = l.attrInt(addr, b, "max_per_day", ctx, 1)
	g.MaxLive, _ = l.attrInt(addr, b, "max_live", ctx, 1)
	g.MinGap, _ = l.attrDuration(addr, b, "min_gap", ctx)
	for _, text := range l.oneOrMore(addr, b, "quiet_hours", ctx) {
		q, err := parseQuietHours(text)
		if err != nil {
			l.report(addr, errIn(b.expr("quiet_hours"), ctx, "Invalid quiet hours", "%s: %v.", shortString(text), err))
			continue
		}
		g.QuietHours = append(g.QuietHours, q)
	}
	return g
}

// oneOrMore is an attribute that is a string or a list of strings.
func (l *loader) oneOrMore(addr story.Address, b *block, name string, ctx *hcl.EvalContext) []string {
	expr := b.expr(name)
	if expr == nil {
		return nil
	}
	if v, diags := evaluate(expr, ctx); !diags.HasErrors() && v.Type() == cty.String {
		s, set := l.attrString(addr, b, name, ctx)
		if !set {
			return nil
		}
		return []string{s}
	}
	texts, _ := l.attrStrings(addr, b, name, ctx)
	return texts
}

// parseQuietHours reads "22:00-07:00".
func parseQuietHours(s string) (story.QuietHours, error) {
	from, to, ok := strings.Cut(s, "-")
	a, errA := time.Parse("15:04", strings.TrimSpace(from))
	b, errB := time.Parse("15:04", strings.TrimSpace(to))
	if !ok || errA != nil || errB != nil {
		return story.QuietHours{}, fmt.Errorf(`write two times of day, such as "22:00-07:00"`)
	}
	q := story.QuietHours{From: a.Hour()*60 + a.Minute(), To: b.Hour()*60 + b.Minute()}
	if q.From == q.To {
		return story.QuietHours{}, fmt.Errorf("quiet hours that end when they begin are never or always")
	}
	return q, nil
}

// listPages puts the Pages into source order and refuses two with one id:
// each would take the other's stories for unmanaged ones.
func (l *loader) listPages() {
	first := map[string]*story.Page{}
	for _, b := range l.blocks["page"] {
		in := l.keys[b.address().String()]
		if in == nil {
			continue
		}
		for _, addr := range in.addresses(b.address()) {
			p := l.pages[addr.String()]
			if p == nil {
				continue
			}
			if other := first[p.ID]; other != nil {
				l.report(addr, errAt(b.expr("id").Range(), "Duplicate Page id",
					"%s has the same id as %s at %s. Declare each Page once and refer to it.", addr, other.Address, other.Range))
				continue
			}
			first[p.ID] = p
			l.pageList = append(l.pageList, p)
		}
	}
}

// errors counts the errors so far.
func (l *loader) errors() int {
	n := 0
	for _, d := range l.diags {
		if d.Severity == diag.Error {
			n++
		}
	}
	return n
}

// pageNames lists the addresses of all Pages, for suggestions.
func (l *loader) pageNames() []string {
	var names []string
	for _, p := range l.pageList {
		names = append(names, p.Address.String())
	}
	slices.Sort(names)
	return names
}
