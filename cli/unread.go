package cli

import (
	"strings"

	"storyform/internal/diag"
	"storyform/plan"
)

// unreadError says which Pages of a plan could not be read, and why where no
// screen has said it. Without it a run would fail without a word.
func unreadError(p *plan.Plan, shown bool, hint string) diag.Diagnostics {
	var names []string
	why := ""
	for _, page := range unreadable(p) {
		names = append(names, page.Address.String())
		why += "\n\n" + page.Address.String() + ": " + strings.TrimSuffix(page.Unread, ".") + "."
	}
	if len(names) == 0 {
		return nil
	}
	summary, there := "Page could not be read", "there"
	if len(names) > 1 {
		summary, there = "Pages could not be read", "on them"
	}
	if shown {
		why = " The plan above says why."
	}
	detail := "What is on " + strings.Join(names, ", ") + " is not known, so that nothing is published " + there + "." + why
	if hint != "" {
		detail += "\n\n" + hint
	}
	return diag.Diagnostics{diag.Errorf(summary, "%s", detail)}
}

// failUnread ends a run that has shown its plan. Lines of JSON have said it all.
func (a *app) failUnread(p *plan.Plan, shown bool, hint string) error {
	if a.events.alone {
		return exit(1)
	}
	return failWith(unreadError(p, shown, hint))
}
