package cli

import (
	"context"

	"storyform/plan"
	"storyform/state"
	"storyform/story"
)

// # A state that nobody keeps
//
// Runners of CI are thrown away, and with them a state in a file. The next run
// begins with nothing, and once the stories of this one have left the Page,
// nothing tells it that they were out.

// checkKept refuses to publish from a state that was never written, where this
// folder has seen one before: what was out, and has left the Page, only that one
// knew. With carryOut, a plan is not only shown, and it also refuses what a run
// that begins like this one could publish again.
func (a *app) checkKept(ctx context.Context, d *draft, adoptNone, carryOut bool) error {
	if d.plan.Lineage != "" || d.store == nil || a.sandbox || adoptNone || d.plan.Publications() == 0 {
		return nil
	}
	doc, err := a.readState(ctx, d.store)
	if err == nil {
		err = a.checkNotGone(d.store, doc)
	}
	if err != nil || doc.Serial > 0 || len(doc.Stories) > 0 || !carryOut {
		return err
	}
	return a.checkKeepable(d.plan)
}

// checkNotGone refuses nothing where this folder has seen a state.
func (a *app) checkNotGone(store state.Store, doc *state.Document) error {
	if doc.Serial > 0 || len(doc.Stories) > 0 || a.here == nil || a.here.Seen == nil {
		return nil
	}
	return fail("State is gone",
		"There is nothing in %s, and this folder has seen the state there with serial %d. What was published from it could be published again.\n\n"+
			"Put it back: the backend keeps former ones, and storyform state push writes a copy. To begin anew, say that none of the stories on the Pages is ours:\n    storyform apply --adopt-none", store, a.here.Seen.Serial)
}

// checkKeepable refuses a run that publishes from a new state, in a file on a
// runner of CI, what such a run could publish again a day later.
func (a *app) checkKeepable(p *plan.Plan) error {
	if !truthy(a.Getenv("CI")) || loopbackURL(a.Getenv("STORYFORM_GRAPH_URL")) || placeOf(p.Settings).kind != localBackend {
		return nil
	}
	for i := range p.Changes {
		c := &p.Changes[i]
		soon := !c.NotAfter.IsZero() && c.NotAfter.Sub(p.CreatedAt) <= story.Lifetime
		if c.Action == plan.Publish && !soon {
			return fail("State would not be kept",
				"The state is new, it is a file, and CI throws its files away: the next run would know nothing of what this one publishes, and publish %s again.\n\n"+
					"Keep the state elsewhere, with a backend in the storyform block, such as a branch of this repository:\n    backend \"git\" {\n      key = \"stories\"\n    }\n\n"+
					"If this machine keeps its files, say once that none of the stories on the Pages is ours:\n    storyform apply --adopt-none", c.Address)
		}
	}
	return nil
}
