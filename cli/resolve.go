package cli

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"storyform/plan"
	"storyform/state"
	"storyform/story"
)

// resolveFlags are the flags of resolve.
type resolveFlags struct {
	config       configFlags
	published    string
	notPublished bool
	at           string
}

// resolveCommand settles a doubtful story by hand.
func resolveCommand(a *app) *cobra.Command {
	var f resolveFlags
	cmd := &cobra.Command{
		Use:   "resolve ADDRESS --published POST_ID | --not-published",
		Short: "Say what became of a story whose outcome is unknown",
		Long: `A publish call was made and its answer was lost. Apply settles such a story by
asking the Page; where that can't decide, somebody who has looked at the Page
can. The state remembers who it was.

--not-published lets the next apply publish the story: be sure, because a story
can't be removed through the API. It is refused in the first three minutes after
the call.`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error { return a.resolve(cmd.Context(), &f, args[0]) },
	}
	f.config.register(cmd.Flags())
	cmd.Flags().StringVar(&f.published, "published", "", "the story is out, with this `POST_ID`")
	cmd.Flags().BoolVar(&f.notPublished, "not-published", false, "the story is not out")
	cmd.Flags().StringVar(&f.at, "at", "", "the `time` at which it went out (RFC 3339); default: when the publish call was made")
	cmd.MarkFlagsMutuallyExclusive("published", "not-published")
	cmd.MarkFlagsOneRequired("published", "not-published")
	return cmd
}

// resolve is the command resolve.
func (a *app) resolve(ctx context.Context, f *resolveFlags, arg string) error {
	addr, err := story.ParseAddress(arg)
	if err != nil {
		return fail("Invalid address", "%v.", err)
	}
	at, err := parseAt(f.at)
	if err != nil {
		return err
	}
	if !f.notPublished && strings.Trim(f.published, "0123456789") != "" {
		return fail("Invalid post_id", "A post_id is a number, as storyform stories shows it, not %q.", f.published)
	}
	_, store, err := a.storeOf(ctx, &f.config)
	if err != nil {
		return err
	}
	return a.withState(ctx, store, "resolve", func(s *state.Session) error {
		e, ok := s.Entry(addr)
		if !ok {
			return notInState(s.Document(), addr)
		}
		if !e.Status.Doubtful() {
			return fail("Nothing to resolve", "%s is %s; only a story whose outcome is unknown can be resolved.", addr, e.Status)
		}
		if err := a.tooSoon(&e, f); err != nil {
			return err
		}
		a.decide(&e, f, at)
		event := &state.Event{
			At: a.Clock.Now().UTC(), What: "resolved", Address: e.Address, Revision: e.Revision, PageID: e.PageID, Kind: e.Kind,
			SHA256: e.SHA256, MediaID: e.MediaID, PostID: e.PostID, PublishAt: e.PublishAt, PublishedAt: e.PublishedAt,
			Run: a.run().ID, Who: a.who(), Commit: a.commit(), RunURL: a.runURL(),
			Note: fmt.Sprintf("by hand: published = %t", e.Resolution.Published),
		}
		if err := s.Put(ctx, "resolve", e, event); err != nil {
			return stateFailure(err)
		}
		a.printf("Resolved %s: it is %s now.\n", addr, e.Status)
		return nil
	})
}

// tooSoon refuses to take a story for not published while its publish call may
// still be under way: in a run that was stopped, or at Meta.
func (a *app) tooSoon(e *state.Entry, f *resolveFlags) error {
	if !f.notPublished || e.Operation == nil {
		return nil
	}
	over := e.Operation.AttemptAt.Add(plan.ShortestSettle)
	if !a.Clock.Now().Before(over) {
		return nil
	}
	return fail("Publish call may still be under way", "A publish call for %s was announced at %s, and what the Page shows says nothing before %s: published now, the story could be out twice. Look at the Page again then.",
		e.Address, e.Operation.AttemptAt.UTC().Format(time.RFC3339), over.UTC().Format(time.RFC3339))
}

// decide writes the decision into an entry.
func (a *app) decide(e *state.Entry, f *resolveFlags, at time.Time) {
	now := a.Clock.Now().UTC()
	e.Resolution = &state.Resolution{At: now, Who: a.who(), Published: !f.notPublished, PostID: f.published}
	if f.notPublished {
		e.Status = story.Failed
		e.Failure = &state.Failure{At: now, Op: "resolve", Message: "decided by hand: it was not published"}
		// The next apply uploads anew. TriedMedia stays: should the old media
		// turn up on the Page after all, the story is adopted instead.
		e.Operation, e.MediaID = nil, ""
		return
	}
	if at.IsZero() && e.Operation != nil {
		at = e.Operation.AttemptAt
	}
	e.Status, e.PostID, e.PublishedAt, e.ExpiresAt = story.Live, f.published, at.UTC(), at.UTC().Add(story.Lifetime)
	e.Operation, e.Failure = nil, nil
	if !now.Before(e.ExpiresAt) {
		e.Status = story.Archived
	}
}
