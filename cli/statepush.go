package cli

import (
	"bytes"
	"context"
	"io"
	"os"

	"github.com/spf13/cobra"

	"storyform/state"
	"storyform/story"
)

// statePushCommand writes a document as the state.
func statePushCommand(a *app) *cobra.Command {
	var f configFlags
	cmd := &cobra.Command{
		Use:   "push FILE|-",
		Short: "Write a document of state pull as the state",
		Long: `Writes a document, as state pull prints it, as the state: to move a state to
another backend, or to put a copy back. It refuses a document of another
lineage, one that is not newer than the state, and one that does not know what
the state knows to be published: an older state would publish it again. There
is no way to force it.`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error { return a.statePush(cmd.Context(), &f, args[0]) },
	}
	f.register(cmd.Flags())
	return cmd
}

// statePush is the command state push.
func (a *app) statePush(ctx context.Context, f *configFlags, name string) error {
	var data []byte
	var err error
	if name == "-" {
		data, err = io.ReadAll(io.LimitReader(a.Stdin, state.MaxDocument+1))
	} else {
		data, err = os.ReadFile(a.path(name))
	}
	if err != nil {
		return fail("State can't be read", "%v.", err)
	}
	pushed, err := state.Decode(name, data)
	if err != nil {
		return stateFailure(err)
	}
	_, store, err := a.storeOf(ctx, f)
	if err != nil {
		return err
	}
	return a.withState(ctx, store, "state push", func(s *state.Session) error {
		if err := s.Fold(ctx); err != nil {
			return stateFailure(err)
		}
		current := s.Document()
		if same, err := mayFollow(current, pushed); err != nil || same {
			if same {
				a.printf("The state is that document already.\n")
			}
			return err
		}
		if err := store.Commit(ctx, pushed); err != nil {
			return stateFailure(err)
		}
		a.printf("The state has been written: serial %d, %s.\n", pushed.Serial, count(len(pushed.Stories), "story", "stories"))
		return nil
	})
}

// mayFollow refuses a document that can't be what became of the current one;
// same reports that it is the current one.
func mayFollow(current, pushed *state.Document) (same bool, err error) {
	if current.Serial == 0 && len(current.Stories) == 0 {
		return false, nil // never written: whatever comes is newer
	}
	a, errA := state.Encode(current)
	b, errB := state.Encode(pushed)
	switch {
	case errA == nil && errB == nil && bytes.Equal(a, b):
		return true, nil
	case pushed.Lineage != current.Lineage:
		return false, fail("State of another lineage", "The document's lineage is %s and the state's is %s: they have no common past, and one would forget what the other has published.", pushed.Lineage, current.Lineage)
	case pushed.Serial <= current.Serial:
		return false, fail("State is not newer", "The document's serial is %d and the state's is %d: it would forget what was done since.", pushed.Serial, current.Serial)
	}
	for i := range current.Stories {
		e := &current.Stories[i]
		if (e.Status.Out() || e.Attempted()) && !remembers(pushed, e) {
			return false, fail("State would forget a story", "A publish call was made for %s, and the document does not know of it: the next apply could publish it again.", e.Address)
		}
	}
	return false, nil
}

// remembers reports whether a document knows what an entry's publish calls
// were made with: as the same revision of a story or a later one, or in the
// history.
func remembers(doc *state.Document, e *state.Entry) bool {
	for i := range doc.Stories {
		if other := &doc.Stories[i]; other.Address == e.Address && other.Revision >= e.Revision && knowsOutcome(other.Status, e.Status) {
			return true
		}
	}
	for i := range doc.History {
		if ev := &doc.History[i]; ev.Address == e.Address && ev.Revision >= e.Revision && ev.MediaID != "" && ev.MediaID == e.MediaID {
			return true
		}
	}
	return false
}

// knowsOutcome reports whether a status still tells what another one did: of
// a story that is out, nothing less will do.
func knowsOutcome(got, was story.Status) bool { return got.Out() || !was.Out() }
