package cli

import (
	"slices"

	"github.com/spf13/cobra"

	"storyform/render"
	"storyform/state"
)

// statusCommand shows one screen a Page, from the state.
func statusCommand(a *app) *cobra.Command {
	var f configFlags
	cmd := &cobra.Command{
		Use:   "status",
		Short: "Show for each Page what is live, what comes next, and what went wrong",
		Long: `Shows one screen for each Page, from the state alone: what is live and for how
long, what comes next, what was missed or is in doubt. It asks no Page; stories
and plan do.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, args []string) error {
			cfg, doc, err := a.stateOf(cmd.Context(), &f)
			if err != nil {
				return err
			}
			return render.Status(a.Stdout, doc, a.zonedOptions(cfg))
		},
	}
	f.register(cmd.Flags())
	return cmd
}

// historyCommand lists what was published and how every story ended.
func historyCommand(a *app) *cobra.Command {
	var f configFlags
	var page string
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "history",
		Short: "List what was published when, by whom, from which commit",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, args []string) error {
			cfg, doc, err := a.stateOf(cmd.Context(), &f)
			if err != nil {
				return err
			}
			events := slices.Clone(doc.History)
			if page != "" {
				events = slices.DeleteFunc(events, func(e state.Event) bool { return !onPage(doc, e, page) })
			}
			if asJSON {
				if events == nil {
					events = []state.Event{}
				}
				return render.Value(a.Stdout, events)
			}
			return render.History(a.Stdout, events, a.zonedOptions(cfg))
		},
	}
	f.register(cmd.Flags())
	cmd.Flags().StringVar(&page, "page", "", "only this `page`, as an address such as page.acme or an id")
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return cmd
}

// onPage reports whether an event happened on a Page, given by its id or by
// the address under which the state knows it.
func onPage(doc *state.Document, e state.Event, page string) bool {
	if e.PageID == page {
		return true
	}
	for i := range doc.Stories {
		if doc.Stories[i].Page.String() == page && doc.Stories[i].PageID == e.PageID {
			return true
		}
	}
	return false
}
