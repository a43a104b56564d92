package cli

import (
	"storyform/plan"
	"storyform/story"
)

// # A state that nobody keeps
//
// Runners of CI are thrown away, and with them a state in a file. The next run
// begins with nothing, and once the stories of this one have left the Page,
// nothing tells it that they were out.

// checkKept refuses a run that publishes from a new state, in a file on a runner
// of CI, what such a run could publish again a day later.
func (a *app) checkKept(f *applyFlags, p *plan.Plan) error {
	trial := a.sandbox || loopbackURL(a.Getenv("STORYFORM_GRAPH_URL"))
	kept := !truthy(a.Getenv("CI")) || trial || f.adoptNone || placeOf(p.Settings).kind != localBackend
	if kept || p.Lineage != "" {
		return nil
	}
	for i := range p.Changes {
		c := &p.Changes[i]
		soon := !c.NotAfter.IsZero() && c.NotAfter.Sub(p.CreatedAt) <= story.Lifetime
		if c.Action == plan.Publish && !soon {
			return fail("State would not be kept",
				"The state is new, it is a file, and CI throws its files away: the next run would know nothing of what this one publishes, and publish %s again.\n\n"+
					"Keep the state elsewhere, with a backend block; storyform init writes one. If this runner keeps its files, say that none of the stories on the Pages is ours:\n    storyform apply --adopt-none", c.Address)
		}
	}
	return nil
}
