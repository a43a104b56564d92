package plan

import (
	"slices"

	"storyform/internal/diag"
	"storyform/story"
)

// Unregistered is a story that is due and that the cron job may not publish,
// because nobody registered it as it is declared now, or something is wrong with
// it.
type Unregistered struct {
	Address story.Address `json:"address"`
	Why     string        `json:"why"`
}

// Due reduces a plan to what `apply --due` may do: publish registered stories
// whose declaration, media included, is still the registered one, and settle
// what is in doubt. It registers, changes and cancels nothing, so that a cron
// job can never publish what was not reviewed. A story that is due and was not
// registered is not published, but told: a silent miss would be the worst
// outcome.
func Due(p *Plan) *Plan {
	out := *p
	out.Changes = nil
	for _, c := range p.Changes {
		switch c.Action {
		case Settle, Adopt, Missed, Upload:
			out.Changes = append(out.Changes, c)
		case Publish, Resume:
			if why := notRegistered(&c); why != "" {
				out.Unregistered = append(out.Unregistered, Unregistered{c.Address, why})
			} else {
				out.Changes = append(out.Changes, c)
			}
		}
	}
	out.Diagnostics = slices.Clone(p.Diagnostics)
	for i, d := range out.Diagnostics {
		addr, err := story.ParseAddress(d.Address)
		if d.Severity != diag.Error || err != nil {
			continue
		}
		// What is wrong with one story must not keep the others from going out.
		out.Diagnostics[i].Severity = diag.Warning
		if slices.ContainsFunc(p.Changes, func(c Change) bool { return c.Address == addr && c.PublishAt.After(p.CreatedAt) }) {
			continue // there is time to mend it
		}
		out.Changes = slices.DeleteFunc(out.Changes, func(c Change) bool {
			return c.Address == addr && (c.Action == Publish || c.Action == Resume)
		})
		if !slices.ContainsFunc(out.Unregistered, func(u Unregistered) bool { return u.Address == addr }) {
			out.Unregistered = append(out.Unregistered, Unregistered{addr, d.Summary})
		}
	}
	waiting, live := out.Summary.Waiting, out.Summary.Live
	out.Summary = Summarize(out.Changes)
	out.Summary.Waiting, out.Summary.Live = waiting, live
	out.Fingerprint = FingerprintOf(out.Changes)
	return &out
}

// notRegistered says why a publication is not what was registered; "" when it
// is.
func notRegistered(c *Change) string {
	switch {
	case !c.Registered:
		return "it was never registered: the apply that should have done it did not run or failed"
	case len(c.Diffs) > 0:
		return "its " + c.Diffs[0].Attribute + " is not the one that was registered"
	}
	return ""
}
