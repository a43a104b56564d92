package cli

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"storyform/config"
	"storyform/plan"
	"storyform/story"
)

// importCommand takes over a story that is on the Page.
func importCommand(a *app) *cobra.Command {
	var f applyFlags
	cmd := &cobra.Command{
		Use:   "import ADDRESS POST_ID",
		Short: "Record that a story on the Page is the one declared at an address",
		Long: `Takes over a story that was posted by hand, or that the state has lost: it looks
for the post_id on the Page's list, and records its ids, times and url. Nothing
is published, and the declared story is not published any more.`,
		Args: cobra.ExactArgs(2),
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.importStory(cmd.Context(), &f, args[0], args[1])
		},
	}
	f.config.register(cmd.Flags())
	f.remote.register(cmd.Flags())
	return cmd
}

// importStory is the command import: a plan of one adoption, carried out.
func (a *app) importStory(ctx context.Context, f *applyFlags, address, postID string) error {
	addr, err := story.ParseAddress(address)
	if err != nil {
		return fail("Invalid address", "%v.", err)
	}
	if addr.Type == "page" {
		return fail("Invalid address", "%s is a Page; what can be imported is a story on it: storyform import story.NAME POST_ID.", addr)
	}
	cfg, err := a.load(ctx, &f.config)
	if err != nil {
		return err
	}
	declared, ok := cfg.Story(addr)
	if !ok {
		return fail("Unknown address", "The configuration declares no %s. Write its block first: its Page says where to look.", addr)
	}
	cfg.Imports = []config.Import{{To: addr, ID: postID}}
	d, err := a.draftPlan(ctx, cfg, draftOptions{refresh: true, adoptNone: true, parallelism: f.remote.parallelism})
	if err != nil {
		return err
	}
	d.plan.Changes = slices.DeleteFunc(d.plan.Changes, func(c plan.Change) bool { return c.Address != addr })
	d.plan.Updates, d.plan.Moves = nil, nil
	d.plan.Summary, d.plan.Fingerprint = plan.Summarize(d.plan.Changes), plan.FingerprintOf(d.plan.Changes)
	for _, diagnostic := range d.plan.Diagnostics {
		if diagnostic.Address == addr.String() {
			return failWith(d.plan.Diagnostics)
		}
	}
	if len(d.plan.Changes) == 0 || d.plan.Changes[0].Action != plan.Adopt {
		why := fmt.Sprintf("the state knows it as published already; storyform state show %s shows what it knows", addr)
		if i := slices.IndexFunc(d.plan.Pages, func(p plan.Page) bool { return p.Address == declared.Page.Address }); i >= 0 && d.plan.Pages[i].Unread != "" {
			why = strings.TrimSuffix(d.plan.Pages[i].Unread, ".")
		} else if len(d.plan.Changes) > 0 {
			why = d.plan.Changes[0].Reason
		}
		return fail("Story was not imported", "%s: %s.", addr, why)
	}
	if err := a.showPlan(d.plan); err != nil {
		return err
	}
	return a.carryOut(ctx, f, d)
}
