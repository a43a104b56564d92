package plan

import (
	"fmt"
	"slices"

	"storyform/internal/diag"
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
	in.Settings = approved.Settings
	in.AdoptNone = in.AdoptNone || approved.Serial > 0
	fresh := Build(in)

	byAddress := make(map[story.Address]Change, len(fresh.Changes))
	for _, c := range fresh.Changes {
		byAddress[c.Address] = c
	}
	var kept []Change
	var stale []Stale
	for _, want := range approved.Changes {
		got, ok := byAddress[want.Address]
		switch {
		case !ok:
			if want.Action != Note {
				stale = append(stale, nothingLeft(want, fresh.Diagnostics))
			}
		case !slices.Contains(follows[want.Action], got.Action):
			if want.Action != Note && got.Action != Note {
				stale = append(stale, Stale{Address: want.Address, Action: want.Action, Why: fmt.Sprintf(
					"the plan says %s, but since it was made the story has moved on and would now need: %s", want.Action, got.Action)})
			} else if want.Action != Note {
				stale = append(stale, Stale{Address: want.Address, Action: want.Action, Why: got.Reason, Done: got.Reason == ""})
			}
		default:
			kept = append(kept, got)
		}
	}
	fresh.Changes = kept
	fresh.Diagnostics = withoutAddresses(fresh.Diagnostics, approved)
	sortChanges(fresh.Changes)
	waiting, live := fresh.Summary.Waiting, fresh.Summary.Live
	fresh.Summary = Summarize(kept)
	fresh.Summary.Waiting, fresh.Summary.Live = waiting, live
	fresh.Fingerprint = approved.Fingerprint
	return fresh, stale
}

// nothingLeft explains an approved change for which there is nothing to do.
func nothingLeft(want Change, diags diag.Diagnostics) Stale {
	s := Stale{Address: want.Address, Action: want.Action}
	for _, d := range diags {
		if d.Address == want.Address.String() && d.Severity == diag.Error {
			s.Why = d.Summary + ": " + d.Detail
			return s
		}
	}
	s.Done = true
	s.Why = "another run has done it since the plan was made"
	return s
}

// withoutAddresses drops the diagnostics that nothingLeft has turned into
// stale changes.
func withoutAddresses(ds diag.Diagnostics, approved *Plan) diag.Diagnostics {
	known := make(map[string]bool, len(approved.Changes))
	for _, c := range approved.Changes {
		known[c.Address.String()] = true
	}
	return slices.DeleteFunc(slices.Clone(ds), func(d diag.Diagnostic) bool { return d.Address != "" && known[d.Address] })
}

// approvedPages is the plan's Pages as declarations.
func approvedPages(p *Plan) []story.Page {
	pages := make([]story.Page, 0, len(p.Pages))
	for _, page := range p.Pages {
		pages = append(pages, story.Page{Address: page.Address, ID: page.ID, Timezone: page.Timezone, TokenEnv: page.TokenEnv})
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
			After: c.After, Labels: c.Labels, Order: c.Order,
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
