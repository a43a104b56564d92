package cli

import (
	"context"
	"fmt"
	"slices"

	"github.com/spf13/cobra"

	"storyform/apply"
	"storyform/config"
	"storyform/graphapi"
	"storyform/render"
	"storyform/state"
)

// statusCommand shows one screen a Page, from the state.
func statusCommand(a *app) *cobra.Command {
	var f configFlags
	var remote remoteFlags
	var refresh bool
	cmd := &cobra.Command{
		Use:   "status",
		Short: "Show what is live, what comes next, and what went wrong",
		Long: `Shows one screen for each Page: what is live and for how long, what comes next,
what was missed or is in doubt, and how many stories are there that storyform
does not manage. With --refresh=false it asks no Page and needs no token.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, args []string) error {
			cfg, doc, err := a.stateOf(cmd.Context(), &f)
			if err != nil {
				return err
			}
			if err := render.Status(a.Stdout, doc, a.zonedOptions(cfg)); err != nil || !refresh {
				return err
			}
			return a.unmanaged(cmd.Context(), cfg, doc, remote.parallelism)
		},
	}
	f.register(cmd.Flags())
	remote.register(cmd.Flags())
	cmd.Flags().BoolVar(&refresh, "refresh", true, "also ask the Pages for stories that are not managed here")
	return cmd
}

// unmanaged tells which Pages show stories that the state does not know. A
// Page that can't be read is told, and no failure: the state was shown.
func (a *app) unmanaged(ctx context.Context, cfg *config.Config, doc *state.Document, parallelism int) error {
	if len(cfg.Pages) == 0 {
		return nil
	}
	pages, err := a.remote(ctx, cfg.Settings.APIVersion)
	if err != nil {
		return err
	}
	observed, err := apply.Observe(ctx, pages, planPages(cfg.Pages), &state.Document{}, a.Clock, parallelism)
	if err != nil {
		return fail("Reading the Pages was interrupted", "%v", err)
	}
	now := a.Clock.Now()
	for _, p := range cfg.Pages {
		if err := observed.Unread[p.ID]; err != nil {
			a.printf("\n")
			a.hang("", fmt.Sprintf("%s could not be asked what else is on it: %s", p.Address, graphapi.Reason(err)))
			continue
		}
		n := 0
		for _, s := range observed.Views[p.ID].Stories {
			if s.Published && now.Before(s.ExpiresAt()) && managedAs(doc, s).IsZero() {
				n++
			}
		}
		if n > 0 {
			a.printf("\n%s live on %s, not managed here; storyform stories lists them.\n", count(n, "other story is", "other stories are"), p.Address)
		}
	}
	return nil
}

// historyCommand lists what was published and how every story ended.
func historyCommand(a *app) *cobra.Command {
	var f configFlags
	var page string
	var last int
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "history",
		Short: "List what was published when, by whom, from which commit",
		Long: `Lists how stories ended, as the state remembers it: when, which story, who ran
storyform, and from which commit where CI has told. No Page is asked.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, args []string) error {
			cfg, doc, err := a.stateOf(cmd.Context(), &f)
			if err != nil {
				return err
			}
			events := state.Told(doc.History)
			if page != "" {
				ids := pageIDs(doc, page)
				events = slices.DeleteFunc(events, func(e state.Event) bool { return !ids[e.PageID] })
			}
			if last > 0 {
				events = events[max(0, len(events)-last):]
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
	cmd.Flags().Var((*positive)(&last), "last", "only the newest so many, as a `number`")
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return cmd
}

// pageIDs are the ids of a Page, given by its id or by the address under which
// the state knows it: an address may have meant another Page before.
func pageIDs(doc *state.Document, page string) map[string]bool {
	ids := map[string]bool{page: true}
	for i := range doc.Stories {
		if doc.Stories[i].Page.String() == page {
			ids[doc.Stories[i].PageID] = true
		}
	}
	return ids
}
