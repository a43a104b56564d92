package cli

import (
	"context"
	"fmt"
	"slices"

	"github.com/spf13/cobra"

	"storyform/internal/suggest"
	"storyform/render"
	"storyform/state"
	"storyform/story"
)

// stateCommand groups the commands that look at the state or correct it.
func stateCommand(a *app) *cobra.Command {
	cmd := &cobra.Command{Use: "state", Short: "Look at the state, or correct it"}
	cmd.AddCommand(stateListCommand(a), stateShowCommand(a), stateMvCommand(a), stateRmCommand(a), statePullCommand(a), statePushCommand(a))
	return cmd
}

// stateListCommand lists addresses.
func stateListCommand(a *app) *cobra.Command {
	var f configFlags
	var id string
	cmd := &cobra.Command{
		Use:   "list [ADDRESS...]",
		Short: "List the stories in the state",
		Long: `Lists the addresses that the state knows, one a line. An ADDRESS of a block,
such as story.daily, lists all its instances.`,
		RunE: func(cmd *cobra.Command, args []string) error {
			_, doc, err := a.stateOf(cmd.Context(), &f)
			if err != nil {
				return err
			}
			wanted, err := a.wanted(doc, args)
			if err != nil {
				return err
			}
			for _, e := range doc.Stories {
				if (wanted == nil || wanted[e.Address]) && (id == "" || id == e.PostID || id == e.MediaID) {
					a.printf("%s\n", e.Address)
				}
			}
			return nil
		},
	}
	f.register(cmd.Flags())
	cmd.Flags().StringVar(&id, "id", "", "only the story with this `post_id` or media_id")
	return cmd
}

// wanted is the set of entries that addresses select; nil selects all. The
// address of a block with for_each selects its instances.
func (a *app) wanted(doc *state.Document, args []string) (map[story.Address]bool, error) {
	if len(args) == 0 {
		return nil, nil
	}
	set := map[story.Address]bool{}
	for _, arg := range args {
		addr, err := story.ParseAddress(arg)
		if err != nil {
			return nil, fail("Invalid address", "%v.", err)
		}
		found := false
		for _, e := range doc.Stories {
			if e.Address == addr || !addr.Keyed && e.Address.Block() == addr {
				set[e.Address], found = true, true
			}
		}
		if !found {
			return nil, notInState(doc, addr)
		}
	}
	return set, nil
}

// notInState says that an address is unknown, and which one may be meant.
func notInState(doc *state.Document, addr story.Address) error {
	detail := fmt.Sprintf("There is no %s in the state.", addr)
	known := make([]string, 0, len(doc.Stories))
	for _, e := range doc.Stories {
		known = append(known, e.Address.String(), e.Address.Block().String())
	}
	if like := suggest.Nearest(addr.String(), known); like != "" {
		detail += fmt.Sprintf(" Did you mean %s?", like)
	} else {
		detail += " storyform state list shows what there is."
	}
	return fail("Unknown address", "%s", detail)
}

// stateShowCommand shows one entry.
func stateShowCommand(a *app) *cobra.Command {
	var f configFlags
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "show ADDRESS",
		Short: "Show what the state knows of a story",
		Args:  cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			cfg, doc, err := a.stateOf(cmd.Context(), &f)
			if err != nil {
				return err
			}
			addr, err := story.ParseAddress(args[0])
			if err != nil {
				return fail("Invalid address", "%v.", err)
			}
			i := slices.IndexFunc(doc.Stories, func(e state.Entry) bool { return e.Address == addr })
			if i < 0 {
				return notInState(doc, addr)
			}
			if asJSON {
				return render.Value(a.Stdout, &doc.Stories[i])
			}
			return render.Entry(a.Stdout, &doc.Stories[i], a.zonedOptions(cfg))
		},
	}
	f.register(cmd.Flags())
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON: post_id, url, published_at and all else")
	return cmd
}

// rmFlags are the flags of state rm.
type rmFlags struct {
	config        configFlags
	force, dryRun bool
}

// stateRmCommand takes entries out of the state.
func stateRmCommand(a *app) *cobra.Command {
	var f rmFlags
	cmd := &cobra.Command{
		Use:   "rm ADDRESS...",
		Short: "Make the state forget stories",
		Long: `Takes stories out of the state. Nothing happens on the Page.

A story that is out, or may be, leaves a tombstone: declaring it again does not
publish it a second time. --no-tombstone forgets it altogether, and the next
apply may then publish it again.`,
		Args: cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.stateRm(cmd.Context(), &f, args)
		},
	}
	f.config.register(cmd.Flags())
	cmd.Flags().BoolVar(&f.force, "no-tombstone", false, "also forget that a story was published")
	cmd.Flags().BoolVar(&f.dryRun, "dry-run", false, "only say what would be removed")
	return cmd
}

// stateRm takes entries out of the state, under the lock.
func (a *app) stateRm(ctx context.Context, f *rmFlags, args []string) error {
	_, store, err := a.storeOf(ctx, &f.config)
	if err != nil {
		return err
	}
	if f.dryRun {
		return a.wouldRemove(ctx, store, args)
	}
	return a.withState(ctx, store, "state rm", func(s *state.Session) error {
		doc := s.Document()
		wanted, err := a.wanted(doc, args)
		if err != nil {
			return err
		}
		for _, e := range doc.Stories {
			if !wanted[e.Address] {
				continue
			}
			if err := a.removeEntry(ctx, s, e, f.force); err != nil {
				return err
			}
		}
		return nil
	})
}

// wouldRemove says what state rm would remove.
func (a *app) wouldRemove(ctx context.Context, store state.Store, args []string) error {
	doc, err := a.readState(ctx, store)
	if err != nil {
		return err
	}
	wanted, err := a.wanted(doc, args)
	if err != nil {
		return err
	}
	for _, e := range doc.Stories {
		if wanted[e.Address] {
			a.printf("Would remove %s\n", e.Address)
		}
	}
	return nil
}

// removeEntry removes one entry or leaves its tombstone.
func (a *app) removeEntry(ctx context.Context, s *state.Session, e state.Entry, force bool) error {
	switch {
	case e.Status.Doubtful() && !force:
		return fail("Outcome is open", "A publish call was made for %s and its outcome is not known. Settle it first with storyform apply, or with storyform resolve.", e.Address)
	case force || !needsTombstone(&e):
		if err := s.Drop(ctx, "state rm", e.Address); err != nil {
			return stateFailure(err)
		}
		a.printf("Removed %s\n", e.Address)
		return nil
	}
	e.Forgotten = true
	if e.Status.Pending() {
		e.Status = story.Cancelled // of this revision nothing is out
	}
	if err := s.Put(ctx, "state rm", e, nil); err != nil {
		return stateFailure(err)
	}
	a.printf("Removed %s (it was published; declaring it again needs a higher revision)\n", e.Address)
	return nil
}

// needsTombstone reports whether a story, or an earlier revision of it, is
// out, or a publish call was ever made for it: forgetting that could publish
// it a second time.
func needsTombstone(e *state.Entry) bool { return e.WentOut() > 0 || e.Attempted() }

// withState runs a change of the state under its lock and writes it.
func (a *app) withState(ctx context.Context, store state.Store, operation string, change func(*state.Session) error) error {
	return a.underLock(ctx, store, operation, func() error {
		session, err := state.Open(ctx, store, a.run(), a.Clock.Now)
		if err != nil {
			return stateFailure(err)
		}
		if err := change(session); err != nil {
			return err
		}
		if err := session.Close(ctx); err != nil {
			return stateFailure(err)
		}
		a.noteSeen(session.Lineage(), session.Serial())
		return nil
	})
}

// statePullCommand prints the document.
func statePullCommand(a *app) *cobra.Command {
	var f configFlags
	cmd := &cobra.Command{
		Use:   "pull",
		Short: "Print the state document as JSON",
		Args:  cobra.NoArgs,
		RunE:  func(cmd *cobra.Command, args []string) error { return a.showState(cmd.Context(), &f, true) },
	}
	f.register(cmd.Flags())
	return cmd
}
