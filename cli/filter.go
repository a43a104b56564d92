package cli

import (
	"slices"
	"strings"

	"github.com/spf13/pflag"

	"storyform/internal/diag"
	"storyform/internal/suggest"
	"storyform/plan"
	"storyform/story"
)

// # A part of a plan
//
// --target, --page and --label choose stories, and --exclude takes some out.
// Several of one kind of flag widen the choice, except labels: each must be
// there. Different kinds narrow each other. Then two rules keep the promise of
// `after` whole. A story that is chosen brings along what it comes after: it
// could not go out without it. A story that is left out by --exclude keeps
// what comes after it out as well.
//
// What is not chosen is not in the plan: no change, no rename, no fact to be
// recorded, no mistake. The fingerprint is that of what is left.

// filterFlags choose a part of a plan.
type filterFlags struct {
	targets, excludes, pages, labels []string
}

// register adds the flags.
func (f *filterFlags) register(flags *pflag.FlagSet) {
	flags.StringArrayVar(&f.targets, "target", nil, "only the story or Page with this `address`, and what it comes after; may be repeated")
	flags.StringArrayVar(&f.excludes, "exclude", nil, "all but the story or Page with this `address`, and what comes after it; may be repeated")
	flags.StringArrayVar(&f.pages, "page", nil, "only stories on this `page`: its address, label or id; may be repeated")
	flags.StringArrayVar(&f.labels, "label", nil, "only stories with this label, as `name=value` or name; may be repeated")
}

// used reports whether any flag was given.
func (f *filterFlags) used() bool {
	return len(f.targets)+len(f.excludes)+len(f.pages)+len(f.labels) > 0
}

// subject begins a sentence with the flags that were given.
func (f *filterFlags) subject() string {
	var used []string
	for _, flag := range []struct {
		name   string
		values []string
	}{{"--target", f.targets}, {"--exclude", f.excludes}, {"--page", f.pages}, {"--label", f.labels}} {
		if len(flag.values) > 0 {
			used = append(used, flag.name)
		}
	}
	if len(used) == 1 {
		return used[0] + " limits"
	}
	return strings.Join(used[:len(used)-1], ", ") + " and " + used[len(used)-1] + " limit"
}

// subject is a story that can be chosen.
type subject struct {
	address story.Address
	page    story.Address
	pageID  string
	labels  map[string]string
}

// on reports whether the subject is at an address: its own, that of its block,
// or that of its Page.
func (s *subject) on(a story.Address) bool {
	for _, own := range []story.Address{s.address, s.address.Block(), s.page, s.page.Block()} {
		if own == a {
			return true
		}
	}
	return false
}

// choice is what the flags mean.
type choice struct {
	targets, excludes []story.Address
	pages             []func(s *subject) bool
	labels            [][2]string // name and value; a name alone ends in "*"
	understood        []string    // addresses that were written in another way, and what they were taken for
}

// parse reads the flags against what there is, and suggests what may be meant
// where something is unknown.
func (f *filterFlags) parse(known []subject, pages []plan.Page) (*choice, diag.Diagnostics) {
	c := &choice{}
	var ds diag.Diagnostics
	names := addressNames(known, pages)
	addresses := func(flag string, args []string) []story.Address {
		var out []story.Address
		for _, arg := range args {
			addr, err := story.ParseAddress(arg)
			switch {
			case err != nil:
				ds = append(ds, diag.Errorf("Invalid address", "--%s: %v.%s", flag, err, meantStory(arg, names)))
			case !slices.Contains(names, addr.String()):
				ds = append(ds, diag.Errorf("Unknown address", "--%s: neither the configuration nor the state has %s.%s", flag, addr, meant(addr.String(), names)))
			default:
				out = append(out, addr)
				if arg != addr.String() {
					c.understood = append(c.understood, arg+" is "+addr.String())
				}
			}
		}
		return out
	}
	c.targets, c.excludes = addresses("target", f.targets), addresses("exclude", f.excludes)
	for _, arg := range f.pages {
		match, ok := pageMatcher(arg, known, pages)
		if !ok {
			ds = append(ds, diag.Errorf("Unknown page", "--page: there is no page %s.%s", arg, meant(arg, pageNames(pages))))
		}
		c.pages = append(c.pages, match)
	}
	for _, arg := range f.labels {
		name, value, valued := strings.Cut(arg, "=")
		if !slices.ContainsFunc(known, func(s subject) bool { return hasLabel(s.labels, name, value, valued) }) {
			ds = append(ds, diag.Errorf("Unknown label", "--label: no story has the label %s.%s", arg, meant(arg, labelNames(known))))
		}
		if !valued {
			value = anyValue
		}
		c.labels = append(c.labels, [2]string{name, value})
	}
	return c, ds
}

// anyValue stands for every value of a label; no label can have it.
const anyValue = "\x00"

// hasLabel reports whether labels have a name, and its value if it matters.
func hasLabel(labels map[string]string, name, value string, valued bool) bool {
	got, ok := labels[name]
	return ok && (!valued || got == value)
}

// meant is the sentence that suggests a name.
func meant(given string, names []string) string {
	if like := suggest.Nearest(given, names); like != "" {
		return " Did you mean " + like + "?"
	}
	return ""
}

// meantStory is the sentence that suggests an address where something else was
// given, as a name alone.
func meantStory(given string, names []string) string {
	if full := "story." + given; slices.Contains(names, full) {
		return " Did you mean " + full + "?"
	}
	return meant(given, names)
}

// addressNames lists every address that can be given: of stories, of blocks
// and of Pages.
func addressNames(known []subject, pages []plan.Page) []string {
	var names []string
	for _, s := range known {
		names = append(names, s.address.String(), s.address.Block().String())
	}
	for _, p := range pages {
		names = append(names, p.Address.String(), p.Address.Block().String())
	}
	return names
}

// pageNames lists what --page takes.
func pageNames(pages []plan.Page) []string {
	var names []string
	for _, p := range pages {
		names = append(names, p.Address.String(), p.Address.Block().String(), p.Address.Name, p.ID)
	}
	return names
}

// labelNames lists what --label takes.
func labelNames(known []subject) []string {
	var names []string
	for _, s := range known {
		for name, value := range s.labels {
			names = append(names, name, name+"="+value)
		}
	}
	return names
}

// pageMatcher finds the Page that is meant by its address, with or without
// "page.", or by its id. ok is false when there is none.
func pageMatcher(arg string, known []subject, pages []plan.Page) (match func(s *subject) bool, ok bool) {
	addr, err := story.ParseAddress(arg)
	if err != nil {
		addr, err = story.ParseAddress("page." + arg)
	}
	is := func(page story.Address, id string) bool {
		return id == arg || err == nil && (page == addr || page.Block() == addr)
	}
	match = func(s *subject) bool { return is(s.page, s.pageID) }
	ok = slices.ContainsFunc(pages, func(p plan.Page) bool { return is(p.Address, p.ID) }) ||
		slices.ContainsFunc(known, func(s subject) bool { return match(&s) })
	return match, ok
}

// holds reports whether the flags choose a story by itself.
func (c *choice) holds(s *subject) bool {
	if len(c.targets) > 0 && !slices.ContainsFunc(c.targets, s.on) {
		return false
	}
	if len(c.pages) > 0 && !slices.ContainsFunc(c.pages, func(match func(*subject) bool) bool { return match(s) }) {
		return false
	}
	for _, l := range c.labels {
		if !hasLabel(s.labels, l[0], l[1], l[1] != anyValue) {
			return false
		}
	}
	return true
}

// chosen is the set of stories that are left, with what they bring along and
// what they take with them.
func (c *choice) chosen(p *plan.Plan, known []subject) map[story.Address]bool {
	set, out := map[story.Address]bool{}, map[story.Address]bool{}
	for i := range known {
		s := &known[i]
		set[s.address] = c.holds(s)
		out[s.address] = slices.ContainsFunc(c.excludes, s.on)
	}
	for again := true; again; { // chains of after are short
		again = false
		for i := range p.Changes {
			change := &p.Changes[i]
			if !slices.Contains(outgoing, change.Action) {
				continue // the order does not matter to it
			}
			for _, dep := range change.After {
				if set[change.Address] && !set[dep] {
					set[dep], again = true, true
				}
				if pending(p, dep) && out[dep] && !out[change.Address] {
					out[change.Address], again = true, true
				}
			}
		}
	}
	for addr := range out {
		set[addr] = set[addr] && !out[addr]
	}
	return set
}

// outgoing are the actions that bring a story out, now or later.
var outgoing = []plan.Action{plan.Publish, plan.Schedule, plan.Modify, plan.Resume, plan.Upload, plan.Settle}

// pending reports whether a plan has something to do before a story is out.
func pending(p *plan.Plan, addr story.Address) bool {
	return slices.ContainsFunc(p.Changes, func(c plan.Change) bool {
		return c.Address == addr && slices.Contains(outgoing, c.Action)
	})
}

// filterPlan returns the part of a plan that the flags choose. known are the
// stories that the configuration and the state have.
func filterPlan(p *plan.Plan, f *filterFlags, known []subject) (*plan.Plan, diag.Diagnostics) {
	c, ds := f.parse(known, p.Pages)
	if ds.HasErrors() {
		return nil, ds
	}
	set := c.chosen(p, known)
	keep := func(a story.Address) bool { return set[a] }
	out := *p
	out.Changes = kept(p.Changes, func(c *plan.Change) bool { return keep(c.Address) })
	out.Updates = kept(p.Updates, func(u *plan.Update) bool { return keep(u.Address) })
	out.Moves = kept(p.Moves, func(m *plan.Move) bool { return keep(m.To) })
	out.Imports = kept(p.Imports, func(m *plan.Import) bool { return keep(m.To) })
	out.Unchanged = kept(p.Unchanged, func(c *plan.Change) bool { return keep(c.Address) })
	out.Upcoming = kept(p.Upcoming, func(n *plan.Next) bool { return keep(n.Address) })
	onPage := map[story.Address]bool{}
	for _, s := range known {
		onPage[s.page] = onPage[s.page] || keep(s.address)
	}
	out.Pages = kept(p.Pages, func(page *plan.Page) bool { return onPage[page.Address] })
	out.Summary = plan.Summarize(out.Changes)
	for _, page := range out.Pages {
		out.Summary.Live += page.Live
		out.Summary.Waiting += page.Waiting
	}
	out.CancelsAll = p.CancelsAll && out.Summary.Cancel == p.Summary.Cancel
	out.Fingerprint = plan.FingerprintOf(out.Changes)
	out.Diagnostics = append(partDiagnostics(p, &out, keep, onPage), partWarning(f, c.understood, p, &out))
	return &out, nil
}

// kept returns the elements that are kept.
func kept[T any](list []T, keep func(*T) bool) []T {
	var out []T
	for i := range list {
		if keep(&list[i]) {
			out = append(out, list[i])
		}
	}
	return out
}

// The summaries of the messages of package plan that are about a plan as a
// whole.
const (
	bulkSummary      = "More stories than max_publish"
	cancelAllSummary = "Every scheduled story is cancelled"
)

// partDiagnostics are the messages about what is left. Those about the whole
// plan stay, unless it is only the rest that made them true.
func partDiagnostics(whole, part *plan.Plan, keep func(story.Address) bool, onPage map[story.Address]bool) diag.Diagnostics {
	limit := whole.Settings.MaxPublish
	var out diag.Diagnostics
	for _, d := range whole.Diagnostics {
		addr, err := story.ParseAddress(d.Address)
		switch {
		case d.Address != "" && err == nil && !keep(addr) && !onPage[addr]:
		case d.Address == "" && d.Summary == bulkSummary && part.Publications() <= limit:
		case d.Address == "" && d.Summary == cancelAllSummary && !part.CancelsAll:
		default:
			out = append(out, d)
		}
	}
	return out
}

// partWarning reminds of what is left out.
func partWarning(f *filterFlags, understood []string, whole, part *plan.Plan) diag.Diagnostic {
	n, also := 0, ""
	if len(understood) > 0 {
		also = " " + strings.Join(understood, ", ") + "."
	}
	for _, c := range whole.Changes {
		if c.Action != plan.Note {
			n++
		}
	}
	for _, c := range part.Changes {
		if c.Action != plan.Note {
			n--
		}
	}
	if n == 0 {
		return diag.Warnf("Plan is limited to a part", "%s this plan to a part; nothing that would be done is left out.%s", f.subject(), also)
	}
	return diag.Warnf("Plan is limited to a part",
		"%s this plan to a part: %s of other stories %s left out.%s", f.subject(), count(n, "change", "changes"), isAre(n), also)
}

// isAre is the verb for n things.
func isAre(n int) string {
	if n == 1 {
		return "is"
	}
	return "are"
}
