package cli

import (
	"context"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"storyform/apply"
	"storyform/config"
	"storyform/render"
	"storyform/state"
	"storyform/story"
)

// storiesFlags are the flags of stories.
type storiesFlags struct {
	config configFlags
	remote remoteFlags
	all    bool
	json   bool
}

// storiesCommand lists what is on the Pages.
func storiesCommand(a *app) *cobra.Command {
	var f storiesFlags
	cmd := &cobra.Command{
		Use:   "stories",
		Short: "List the stories that are on the Pages now, managed or not",
		Long: `Asks each Page which stories are on it now, and tells which of them are managed
here and how long they stay. --all also lists archived ones of the last 25
hours, where the archive of the Page is on. The number behind a story is its
post_id, which storyform import takes.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, args []string) error { return a.runStories(cmd.Context(), &f) },
	}
	f.config.register(cmd.Flags())
	f.remote.register(cmd.Flags())
	cmd.Flags().BoolVar(&f.all, "all", false, "also list archived stories of the last 25 hours")
	cmd.Flags().BoolVar(&f.json, "json", false, "print JSON")
	return cmd
}

// runStories is the command stories.
func (a *app) runStories(ctx context.Context, f *storiesFlags) error {
	cfg, err := a.loadOfflineConfig(ctx, &f.config)
	if err != nil {
		return err
	}
	store, err := a.openStore(ctx, cfg)
	if err != nil {
		return err
	}
	doc, err := a.readState(ctx, store)
	if err != nil {
		return err
	}
	pages, err := a.remote(ctx, cfg.Settings.APIVersion)
	if err != nil {
		return err
	}
	observed, err := apply.Observe(ctx, pages, planPages(cfg.Pages), &state.Document{}, a.Clock, f.remote.parallelism)
	if err != nil {
		return fail("Reading the Pages was interrupted", "%v", err)
	}
	rows := a.storyRows(cfg, doc, observed, f.all)
	switch {
	case f.json:
		err = render.Value(a.Stdout, rows)
	case len(rows) > 0 || len(observed.Unread) == 0: // else nobody knows that there are none
		err = render.Stories(a.Stdout, rows, a.zonedOptions(cfg))
	}
	if err != nil {
		return fail("Stories can't be written", "%v", err)
	}
	return a.unreadPages(cfg.Pages, observed)
}

// unreadPages reports the Pages that could not be read.
func (a *app) unreadPages(pages []story.Page, o *apply.Observation) error {
	var errs []error
	for _, p := range pages {
		if err := o.Unread[p.ID]; err != nil {
			errs = append(errs, err)
			a.diagnose(pageUnread(p.Address, err))
		}
	}
	if len(errs) > 0 {
		return exit(1)
	}
	return nil
}

// storyRows joins what the Pages list with what the state knows.
func (a *app) storyRows(cfg *config.Config, doc *state.Document, o *apply.Observation, all bool) []render.StoryRow {
	now := a.Clock.Now()
	rows := []render.StoryRow{}
	for _, p := range cfg.Pages {
		view := o.Views[p.ID]
		if view == nil {
			continue
		}
		stories := slices.Clone(view.Stories)
		slices.SortStableFunc(stories, func(x, y story.Observed) int { return y.CreatedAt.Compare(x.CreatedAt) })
		for _, s := range stories {
			if !all && (!s.Published || !now.Before(s.ExpiresAt())) {
				continue
			}
			rows = append(rows, render.StoryRow{
				Address: managedAs(doc, s), Page: p.Address, PageID: p.ID, Kind: s.Kind, PostID: s.PostID, MediaID: s.MediaID,
				Visible: s.Published, PublishedAt: s.CreatedAt.UTC(), ExpiresAt: s.ExpiresAt().UTC(), URL: s.URL,
			})
		}
	}
	return rows
}

// managedAs is the address under which the state knows a listed story; the
// zero address when it does not.
func managedAs(doc *state.Document, s story.Observed) story.Address {
	for i := range doc.Stories {
		e := &doc.Stories[i]
		if e.MediaID != "" && e.MediaID == s.MediaID || e.PostID != "" && e.PostID == s.PostID || slices.Contains(e.TriedMedia, s.MediaID) {
			return e.Address
		}
	}
	for _, ev := range doc.History {
		if ev.MediaID != "" && ev.MediaID == s.MediaID {
			return ev.Address
		}
	}
	return story.Address{}
}

// zones tells the time zone of a Page by its address.
func zones(pages []story.Page) func(story.Address) *time.Location {
	byAddress := make(map[story.Address]*time.Location, len(pages))
	for _, p := range pages {
		byAddress[p.Address] = p.Location()
	}
	return func(page story.Address) *time.Location { return byAddress[page] }
}
