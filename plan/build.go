package plan

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"storyform/internal/diag"
	"storyform/state"
	"storyform/story"
)

// # How a plan is made
//
// Each story is decided by itself, from four things: what is declared, what
// the state remembers, what its Page lists, and the time. decide.go holds one
// function for each situation. Then the rules that concern several stories
// are laid over the result: `after`, the order on a Page, the state that is
// suspiciously empty, the bulk limit.
//
// Two rules come before everything else for a story that has an entry:
//
//  1. If our media_id is on the Page, the story is out, whatever the state
//     says: adopt.
//  2. If a publish call was made whose outcome is open, nothing but
//     settling is done about it, whatever the configuration says now.
//
// And absence never decides anything: a story that the state knows as out is
// never published again without another revision.

// Input is everything that a plan is made from.
type Input struct {
	Now      time.Time
	Tool     string // storyform's version
	Settings Settings
	Pages    []story.Page
	Stories  []story.Desired
	State    *state.Document // nil: never written
	// Views are the readings of the Pages by Page id; a Page without one was
	// not asked. Refreshed says whether asking was intended at all.
	Refreshed bool
	Views     map[string]*story.PageView
	Videos    map[string]story.VideoView // by video_id
	// Unread says for a Page id why it could not be read.
	Unread map[string]string
	// Moved are the moved blocks, in the order of the source, and Imports the
	// import blocks.
	Moved   []Move
	Imports []Import
	// Stage: upload media ahead, as Settings.UploadAhead says.
	Stage bool
	// AdoptNone states that stories that are live while the state is empty
	// are not ours.
	AdoptNone bool
}

// builder collects the plan while the stories are decided.
type builder struct {
	Input
	entries  map[story.Address]*state.Entry
	declared map[story.Address]*story.Desired
	changes  []Change
	updates  []Update
	waiting  []*story.Desired
	live     map[string]int // by Page id
	moves    []Move         // the renames that Moved leads to
	// approvedAt is when the plan was made that is made anew; zero otherwise.
	approvedAt time.Time
	diags      diag.Diagnostics
}

// Build makes the plan. It is a pure function of in.
func Build(in Input) *Plan { return newBuilder(in).build() }

// build decides about each story and lays the rules about several over it.
func (b *builder) build() *Plan {
	for i := range b.Stories {
		if d := &b.Stories[i]; b.declared[d.Address] == d { // one decision for each address, whatever comes in
			b.decide(d, b.entries[d.Address])
		}
	}
	for i := range b.State.Stories {
		if e := &b.State.Stories[i]; b.declared[e.Address] == nil && b.entries[e.Address] == e {
			b.decideUndeclared(e)
		}
	}
	b.checkAfter()
	sortChanges(b.changes) // a guard's room goes to those that are carried out first
	b.checkGuards()
	b.checkAfter() // for those behind a story that a guard held back
	b.checkEmptyState()
	b.checkBulk()
	b.checkCancelAll()
	b.checkRepeats(b.checkRenamed())
	b.suggestMoves()
	b.noteMoves(b.moves)
	for i := range b.changes {
		b.changes[i].Prior = priorOf(b.entries[b.changes[i].Address])
	}
	sortChanges(b.changes)
	return b.plan()
}

// newBuilder indexes the input.
func newBuilder(in Input) *builder {
	if in.State == nil {
		in.State = &state.Document{}
	}
	doc, moves, diags := moveEntries(in.State, in.Moved)
	in.State = doc
	b := &builder{
		Input:    in,
		moves:    moves,
		diags:    diags,
		entries:  make(map[story.Address]*state.Entry, len(in.State.Stories)),
		declared: make(map[story.Address]*story.Desired, len(in.Stories)),
		live:     map[string]int{},
	}
	for i := range in.State.Stories {
		e := &in.State.Stories[i]
		b.entries[e.Address] = e
	}
	for i := range in.Stories {
		b.declared[in.Stories[i].Address] = &in.Stories[i]
	}
	return b
}

// plan puts the document together.
func (b *builder) plan() *Plan {
	p := &Plan{
		FormatVersion: FormatVersion,
		Tool:          b.Tool,
		CreatedAt:     b.Now.UTC(),
		Fingerprint:   FingerprintOf(b.changes),
		Lineage:       b.State.Lineage,
		Serial:        b.State.Serial,
		Refreshed:     b.Refreshed,
		Settings:      b.Settings,
		Pages:         b.pages(),
		Changes:       b.changes,
		Moves:         b.moves,
		Imports:       b.Imports,
		Updates:       b.updates,
		Diagnostics:   b.diags,
	}
	p.Summary = Summarize(p.Changes)
	p.Unchanged = b.unchanged()
	p.Upcoming, p.CancelsAll = b.upcoming(), b.cancelsAll(p.Summary.Cancel)
	p.Summary.Waiting = len(b.waiting)
	for _, page := range p.Pages {
		p.Summary.Live += page.Live
	}
	return p
}

// upcoming lists the waiting stories by time.
func (b *builder) upcoming() []Next {
	next := make([]Next, 0, len(b.waiting))
	for _, d := range b.waiting {
		next = append(next, Next{Address: d.Address, PublishAt: d.PublishAt})
	}
	slices.SortStableFunc(next, func(x, y Next) int { return x.PublishAt.Compare(y.PublishAt) })
	return next
}

// Summarize counts changes by action.
func Summarize(changes []Change) Summary {
	var s Summary
	count := map[Action]*int{
		Publish: &s.Publish, Schedule: &s.Schedule, Modify: &s.Change, Cancel: &s.Cancel, Resume: &s.Resume,
		Adopt: &s.Adopt, Forget: &s.Forget, Settle: &s.Settle, Missed: &s.Missed, Upload: &s.Upload,
	}
	for i := range changes {
		if n := count[changes[i].Action]; n != nil {
			*n++
		}
	}
	return s
}

// HasChanges reports whether apply would have anything to do that a person
// would want to know about. Notes and silent updates are not changes.
func (p *Plan) HasChanges() bool {
	return len(p.Moves) > 0 || slices.ContainsFunc(p.Changes, func(c Change) bool { return c.Action != Note })
}

// HasLoudUpdates reports whether something became true by itself that was
// told and is to be remembered, so that it is not told again.
func (p *Plan) HasLoudUpdates() bool {
	return slices.ContainsFunc(p.Updates, func(u Update) bool { return u.Loud })
}

// pages describes each declared Page and what is visible on it.
func (b *builder) pages() []Page {
	pages := make([]Page, 0, len(b.Pages))
	for _, declared := range b.Pages {
		p := Page{
			Address: declared.Address, ID: declared.ID, Timezone: declared.Timezone, TokenEnv: declared.TokenEnv,
			Guard: declared.Guard, Live: b.live[declared.ID], Unmanaged: b.unmanaged(declared.ID), Unread: b.Unread[declared.ID],
		}
		for _, d := range b.waiting {
			if d.Page.ID != declared.ID {
				continue
			}
			p.Waiting++
			if p.Next == nil || d.PublishAt.Before(p.Next.PublishAt) {
				p.Next = &Next{Address: d.Address, PublishAt: d.PublishAt}
			}
		}
		pages = append(pages, p)
	}
	slices.SortStableFunc(pages, func(x, y Page) int { return x.Address.Compare(y.Address) })
	return pages
}

// unmanaged counts the stories that are visible on a Page and were not
// published by storyform.
func (b *builder) unmanaged(pageID string) int {
	view := b.Views[pageID]
	if view == nil {
		return 0
	}
	n := 0
	for _, o := range view.Stories {
		if o.Published && b.Now.Before(o.ExpiresAt()) && !b.ours(o) {
			n++
		}
	}
	return n
}

// ours reports whether the state knows a listed story, as an entry's current
// revision or in the history.
func (b *builder) ours(o story.Observed) bool {
	for i := range b.State.Stories {
		e := &b.State.Stories[i]
		if e.MediaID != "" && e.MediaID == o.MediaID || e.PostID != "" && e.PostID == o.PostID || slices.Contains(e.TriedMedia, o.MediaID) {
			return true
		}
	}
	return slices.ContainsFunc(b.State.History, func(ev state.Event) bool { return ev.MediaID != "" && ev.MediaID == o.MediaID })
}

// sortChanges orders changes as they are carried out and shown: by Page, then
// by the time of publication, then as they stand in the source. `after` is
// stronger than time (see checkAfter).
func sortChanges(changes []Change) {
	slices.SortStableFunc(changes, func(x, y Change) int {
		return cmp.Or(
			x.Page.Compare(y.Page),
			cmp.Compare(x.PageID, y.PageID),
			x.PublishAt.Compare(y.PublishAt),
			cmp.Compare(x.Order, y.Order),
			x.Address.Compare(y.Address),
		)
	})
	afterFirst(changes)
}

// afterFirst moves each change behind the ones it comes after, keeping the
// order otherwise. Cycles, which the configuration refuses, are left alone.
func afterFirst(changes []Change) {
	index := make(map[story.Address]int, len(changes))
	for i := range changes {
		index[changes[i].Address] = i
	}
	sorted := make([]Change, 0, len(changes))
	seen := make([]bool, len(changes))
	var visit func(i int)
	visit = func(i int) {
		if seen[i] {
			return
		}
		seen[i] = true
		for _, dep := range changes[i].After {
			if j, ok := index[dep]; ok {
				visit(j)
			}
		}
		sorted = append(sorted, changes[i])
	}
	for i := range changes {
		visit(i)
	}
	copy(changes, sorted)
}

// errorf reports a mistake of the configuration at an attribute of d.
func (b *builder) errorf(d *story.Desired, attr, summary, detail string, args ...any) {
	b.diags = append(b.diags, diag.Errorf(summary, detail, args...).At(d.RangeOf(attr)).For(d.Address))
}

// local renders an instant in the Page's zone, for sentences.
func local(t time.Time, loc *time.Location) string {
	t = t.In(loc)
	return t.Format("Mon 2 Jan 15:04 ") + story.ZoneName(t)
}

// lateness renders how long ago an instant was, coarsely, for sentences.
func lateness(d time.Duration) string {
	switch {
	case d < time.Minute:
		return d.Round(time.Second).String()
	case d < time.Hour:
		return fmt.Sprintf("%dm", int(d.Minutes()))
	case d < 48*time.Hour:
		return fmt.Sprintf("%dh%02dm", int(d.Hours()), int(d.Minutes())%60)
	}
	return fmt.Sprintf("%d days", int(d.Hours())/24)
}
