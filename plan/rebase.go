package plan

import (
	"fmt"
	"slices"

	"storyform/internal/diag"
	"storyform/state"
	"storyform/story"
)

// # Applying what was approved, later
//
// Between the review of a plan and its apply, hours may pass: cron publishes,
// another merge registers, a run is killed half-way. Refusing a plan because
// the state's serial moved would make every reviewed plan stale, so a plan is
// stale per story. Apply makes the plan anew from the approved declarations
// and the present state, and carries out an action only where it is what was
// approved or a part of it: what was approved as "publish" may by now be a
// "resume", a "settle", or nothing at all, but never the other way round.
//
// What the state remembers must be what it was when the plan was made, or what
// the plan itself registers. If another run has registered something else since,
// or cancelled the story, then somebody approved that later, and the plan's
// approval is the older one. A state that went back in time, as a lost or
// restored one does, can't be told apart from one that forgot a publication,
// and nothing is done from it.

// follows lists, for each approved action, what may be done in its place.
var follows = map[Action][]Action{
	Publish:  {Publish, Resume, Adopt, Settle, Missed, Schedule},
	Schedule: {Publish, Schedule, Modify, Resume, Adopt, Settle, Missed},
	Modify:   {Publish, Modify, Schedule, Resume, Adopt, Settle, Missed},
	Resume:   {Publish, Resume, Adopt, Settle, Missed},
	Adopt:    {Adopt},
	Settle:   {Adopt, Settle},
	Cancel:   {Cancel},
	Forget:   {Forget},
	Missed:   {Missed, Adopt},
	Upload:   {Upload, Publish, Resume},
	Note:     {Note},
}

// Stale says why an approved change is not carried out.
type Stale struct {
	Address story.Address
	Action  Action // what was approved
	Why     string
	// Done: there is nothing left to do, which is no failure.
	Done bool
}

// Rebase makes the approved plan anew for the present: in has the present
// state, time and readings; its Stories and Pages are ignored in favour of
// what was approved. The result holds only approved changes that can still be
// carried out, and Stale tells about the others.
func Rebase(approved *Plan, in Input) (*Plan, []Stale) {
	in.Pages = approvedPages(approved)
	in.Stories = approvedStories(approved, in.Pages)
	in.Settings, in.Moved, in.Imports = approved.Settings, approved.Moves, approved.Imports
	in.Stage = approved.Summary.Upload > 0
	b := newBuilder(in)
	b.approvedAt = approved.CreatedAt
	fresh := b.build()

	left := make(map[story.Address]Change, len(fresh.Changes))
	for _, c := range fresh.Changes {
		left[c.Address] = c
	}
	var kept []Change
	var stale []Stale
	for i := range approved.Changes {
		want := &approved.Changes[i]
		got, ok := left[want.Address]
		delete(left, want.Address) // whatever the file says, a story has one change
		if s := b.stale(want, &got, ok); s != nil {
			stale = append(stale, *s)
		} else if ok && slices.Contains(follows[want.Action], got.Action) {
			if got.Action == Settle && want.Withdrawn && !got.Withdrawn {
				got.Withdrawn, got.Reason = true, want.Reason
			}
			kept = append(kept, got)
		}
	}
	sortChanges(kept)
	fresh.Changes = kept
	fresh.Updates = toldUpdates(fresh.Updates, approved)
	fresh.Diagnostics = b.rebaseDiagnostics(approved)
	waiting, live := fresh.Summary.Waiting, fresh.Summary.Live
	fresh.Summary = Summarize(kept)
	fresh.Summary.Waiting, fresh.Summary.Live = waiting, live
	fresh.Fingerprint, fresh.CancelsAll = approved.Fingerprint, approved.CancelsAll
	return fresh, stale
}

// stale says why an approved change is not carried out; nil when it is, and
// for a note, of which nothing was approved. got is what would be done now,
// if there is anything.
func (b *builder) stale(want, got *Change, ok bool) *Stale {
	s := &Stale{Address: want.Address, Action: want.Action}
	refusal := b.refusal(want.Address)
	switch {
	case want.Action == Note:
		return nil
	case refusal != "":
		s.Why = refusal
	case !ok:
		s.Why, s.Done = b.nothingLeft(want)
	case got.Action == Note:
		s.Why = got.Reason
	case !slices.Contains(follows[want.Action], got.Action):
		s.Why = fmt.Sprintf("the plan says %s, but since it was made the story has moved on and would now need: %s", want.Action, got.Action)
	case approvals[got.Action] != "":
		if s.Why = superseded(want, b.entries[want.Address]); s.Why == "" {
			return nil
		}
	default:
		return nil
	}
	return s
}

// refusal is the error that stands against a story; "" for none.
func (b *builder) refusal(addr story.Address) string {
	for _, d := range b.diags {
		if d.Address == addr.String() && d.Severity == diag.Error {
			return d.Summary + ": " + d.Detail
		}
	}
	return ""
}

// nothingLeft explains an approved change for which there is nothing to do.
func (b *builder) nothingLeft(want *Change) (why string, done bool) {
	e := b.entries[want.Address]
	if e != nil && approvals[want.Action] == approvals[Publish] && (e.Status == story.Missed || e.Status == story.Cancelled) {
		return fmt.Sprintf("another run has recorded it as %s since the plan was made", e.Status), false
	}
	return "another run has done it since the plan was made", true
}

// superseded says what the state remembers that neither was there when the
// plan was made nor comes from it; "" when there is nothing of the kind.
func superseded(want *Change, e *state.Entry) string {
	if priorOf(e) == want.Prior {
		return ""
	}
	if e == nil {
		return "the state does not know the story any more: it was removed or renamed, or the state was lost"
	}
	if e.Status == story.Cancelled {
		return "another run has cancelled it since the plan was made"
	}
	if e.Status.Out() && approvals[want.Action] == approvals[Publish] {
		return fmt.Sprintf("revision %d has gone out since the plan was made, and that %d is to be published as well was not approved", e.Revision, want.Revision)
	}
	have, approved := e.Spec(), want.Spec()
	if specID(&have) != specID(&approved) {
		return "another run has registered it differently since the plan was made"
	}
	return ""
}

// toldUpdates leaves out what the reader of the approved plan was not told:
// the next plan tells it, and then it is remembered.
func toldUpdates(updates []Update, approved *Plan) []Update {
	return slices.DeleteFunc(updates, func(u Update) bool {
		return u.Loud && u.Found == nil && !slices.ContainsFunc(approved.Updates, func(told Update) bool {
			return told.Address == u.Address && told.Status == u.Status
		})
	})
}

// rebaseDiagnostics are those that stale changes don't already tell.
func (b *builder) rebaseDiagnostics(approved *Plan) diag.Diagnostics {
	known := make(map[string]bool, len(approved.Changes))
	for i := range approved.Changes {
		known[approved.Changes[i].Address.String()] = true
	}
	ds := slices.DeleteFunc(slices.Clone(b.diags), func(d diag.Diagnostic) bool { return known[d.Address] })
	if b.State.Serial < approved.Serial {
		ds = append(ds, diag.Errorf("State is older than the plan",
			"The plan was made from serial %d of the state, and this is serial %d. The state was lost, restored from a backup, or is another one; "+
				"it may have forgotten stories that are out. Make sure that it is the right state, and make the plan again.", approved.Serial, b.State.Serial))
	}
	return ds
}

// approvedPages is the plan's Pages as declarations.
func approvedPages(p *Plan) []story.Page {
	pages := make([]story.Page, 0, len(p.Pages))
	for _, page := range p.Pages {
		pages = append(pages, story.Page{Address: page.Address, ID: page.ID, Timezone: page.Timezone, TokenEnv: page.TokenEnv, Guard: page.Guard})
	}
	return pages
}

// approvedStories is the plan's declared changes as declarations.
func approvedStories(p *Plan, pages []story.Page) []story.Desired {
	byID := make(map[string]story.Page, len(pages))
	for _, page := range pages {
		byID[page.ID] = page
	}
	var stories []story.Desired
	for i := range p.Changes {
		c := &p.Changes[i]
		if !c.Declared {
			continue
		}
		page, ok := byID[c.PageID]
		if !ok {
			page = story.Page{Address: c.Page, ID: c.PageID}
		}
		d := story.Desired{
			Address: c.Address, Page: page, Kind: c.Kind, Source: c.Source, Media: c.Media,
			PublishAt: c.PublishAt, NotAfter: c.NotAfter, Window: c.Window, Revision: c.Revision,
			After: c.After, Labels: c.Labels, Order: c.Order, AllowRepeat: true, // it was approved
		}
		d.Media.SHA256, d.Media.Bytes = c.SHA256, c.Bytes
		d.Media.Hosted = c.SHA256 == ""
		if c.Range != nil {
			d.Range = *c.Range
		}
		stories = append(stories, d)
	}
	return stories
}
