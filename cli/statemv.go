package cli

import (
	"context"

	"github.com/spf13/cobra"

	"storyform/plan"
	"storyform/state"
	"storyform/story"
)

// stateMvCommand gives stories in the state another address.
func stateMvCommand(a *app) *cobra.Command {
	var f configFlags
	var dryRun bool
	cmd := &cobra.Command{
		Use:   "mv SOURCE DESTINATION",
		Short: "Give a story in the state another address",
		Long: `Renames a story in the state, or all instances of a block, so that a block that
was renamed is not a cancelled story and a new one. A moved block in the
configuration does the same and can be reviewed; see storyform plan.`,
		Args: cobra.ExactArgs(2),
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.stateMv(cmd.Context(), &f, args[0], args[1], dryRun)
		},
	}
	f.register(cmd.Flags())
	cmd.Flags().BoolVar(&dryRun, "dry-run", false, "only say what would be moved")
	return cmd
}

// rename is one entry's old and new address.
type rename struct{ from, to story.Address }

// stateMv is the command state mv.
func (a *app) stateMv(ctx context.Context, f *configFlags, source, destination string, dryRun bool) error {
	from, err := parseStory(source)
	if err != nil {
		return err
	}
	to, err := parseStory(destination)
	if err != nil {
		return err
	}
	_, store, err := a.storeOf(ctx, f)
	if err != nil {
		return err
	}
	if dryRun {
		doc, err := a.readState(ctx, store)
		if err != nil {
			return err
		}
		renames, err := renamesOf(doc, from, to)
		for _, r := range renames {
			a.printf("Would move %s to %s\n", r.from, r.to)
		}
		return err
	}
	return a.withState(ctx, store, "state mv", func(s *state.Session) error {
		renames, err := renamesOf(s.Document(), from, to)
		if err != nil {
			return err
		}
		for _, r := range renames {
			if err := a.moveEntry(ctx, s, r); err != nil {
				return err
			}
		}
		return nil
	})
}

// parseStory reads the address of a story.
func parseStory(arg string) (story.Address, error) {
	addr, err := story.ParseAddress(arg)
	switch {
	case err != nil:
		return addr, fail("Invalid address", "%v.", err)
	case addr.Type != "story":
		return addr, fail("Invalid address", "%s is not a story. Pages have no state of their own, so a page can be renamed without more.", addr)
	}
	return addr, nil
}

// renamesOf lists what is to be renamed: the entry at an address, or every
// instance of its block.
func renamesOf(doc *state.Document, from, to story.Address) ([]rename, error) {
	if from == to {
		return nil, fail("Nothing to move", "Both addresses are %s.", from)
	}
	at := map[story.Address]*state.Entry{}
	var renames []rename
	for i := range doc.Stories {
		e := &doc.Stories[i]
		at[e.Address] = e
		switch {
		case e.Address == from:
			renames = append(renames, rename{e.Address, to})
		case !from.Keyed && !to.Keyed && e.Address.Keyed && e.Address.Block() == from:
			renames = append(renames, rename{e.Address, to.At(e.Address.Key)})
		case !from.Keyed && to.Keyed && e.Address.Keyed && e.Address.Block() == from:
			return nil, fail("Ambiguous move", "%s has several instances and %s is one. Name the instance that is meant, such as %s.", from, to, e.Address)
		}
	}
	if len(renames) == 0 {
		return nil, notInState(doc, from)
	}
	for _, r := range renames {
		if other := at[r.to]; other != nil && !half(at[r.from], other) {
			return nil, fail("Address is taken", "The state has %s already, as %s. Move that one first, or take it out with storyform state rm.", r.to, other.Status)
		}
	}
	return renames, nil
}

// half reports whether an earlier move ended between its two steps: both
// entries are there, and the new one is a copy of the old.
func half(old, new *state.Entry) bool {
	copied := old.Clone()
	copied.Address = new.Address
	a, errA := state.Encode(&state.Document{Version: 1, Lineage: "x", Serial: 1, Stories: []state.Entry{copied}})
	b, errB := state.Encode(&state.Document{Version: 1, Lineage: "x", Serial: 1, Stories: []state.Entry{new.Clone()}})
	return errA == nil && errB == nil && string(a) == string(b)
}

// moveEntry writes an entry under its new address and then drops the old one:
// a crash in between must not make the program forget that the story is out.
func (a *app) moveEntry(ctx context.Context, s *state.Session, r rename) error {
	e, ok := s.Entry(r.from)
	if !ok {
		return nil
	}
	if _, there := s.Entry(r.to); !there {
		e.Address = r.to
		told := &state.Event{What: plan.MovedEvent, Revision: e.Revision, PageID: e.PageID, Kind: e.Kind, Note: plan.MovedNote(r.from)}
		if err := s.Put(ctx, "state mv", e, told); err != nil {
			return stateFailure(err)
		}
	}
	if err := s.Drop(ctx, "state mv", r.from); err != nil {
		return stateFailure(err)
	}
	a.printf("Moved %s to %s\n", r.from, r.to)
	return nil
}
