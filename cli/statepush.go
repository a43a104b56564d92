package cli

import (
	"bytes"
	"context"
	"io"
	"os"
	"slices"
	"time"

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
		Long: `Writes a document, as state pull prints it, as the state: to put back a copy, or
what a run could not write (errored.state.json, or the log of CI that has it
between two markers). To move a state to another backend, use init
--migrate-state.

It refuses a document of another lineage, one that is not newer than the state,
and one that does not know what the state knows to be published: an older state
would publish it again. There is no way to force it.`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error { return a.statePush(cmd.Context(), &f, args[0]) },
	}
	f.register(cmd.Flags())
	return cmd
}

// statePush is the command state push.
func (a *app) statePush(ctx context.Context, f *configFlags, name string) error {
	_, store, err := a.storeOf(ctx, f)
	if err != nil {
		return err
	}
	pushed, err := a.readPushed(store, name)
	if err != nil {
		return err
	}
	base, _, err := store.Load(ctx)
	if err != nil {
		return stateFailure(err)
	}
	return a.withState(ctx, store, "state push", func(s *state.Session) error {
		if err := s.Fold(ctx); err != nil {
			return stateFailure(err)
		}
		current := s.Document()
		if err := rejoin(base, current, pushed); err != nil {
			return err
		}
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

// readPushed reads a document from a file or, with -, from standard input: as
// state pull prints it, or in the middle of a log.
func (a *app) readPushed(store state.Store, name string) (*state.Document, error) {
	in, err := a.Stdin, error(nil)
	if name != "-" {
		var f *os.File
		if f, err = os.Open(a.path(name)); err == nil {
			defer f.Close()
			in = f
		}
	}
	var data []byte
	if err == nil {
		data, err = io.ReadAll(io.LimitReader(in, state.MaxDocument+1))
	}
	if err == nil {
		data, err = unarmor(data)
	}
	if err != nil {
		return nil, fail("State can't be read", "%v.", err)
	}
	pushed, err := state.Decode(name, data)
	if s, ok := state.Find[sealer](store); ok && err == nil {
		pushed, err = s.Unseal(pushed)
	}
	if err != nil {
		return nil, stateFailure(err)
	}
	if pushed.MovedTo != "" {
		return nil, fail("State was moved", "%s is the mark of a state that was moved to %s. Pull the state there.", name, pushed.MovedTo)
	}
	return pushed, nil
}

// rejoin makes a document that a run could not write the successor of the
// current one: both follow the same document, which is base, and the journal
// since then has nothing that the run didn't know.
func rejoin(base, current, pushed *state.Document) error {
	if base.Serial == current.Serial || pushed.Serial != base.Serial+1 || pushed.Lineage != current.Lineage {
		return nil
	}
	hash := func(d *state.Document) (string, error) {
		if d.Serial == 0 {
			return "", nil
		}
		return state.Hash(d)
	}
	if sum, err := hash(base); err != nil || sum != pushed.PrevSHA256 {
		return nil
	}
	known := map[story.Address]bool{}
	for i := range pushed.Stories {
		known[pushed.Stories[i].Address] = true
	}
	for i := range current.Stories {
		if addr := current.Stories[i].Address; !known[addr] {
			return fail("State has gone on", "Another run has recorded %s since. Run storyform plan to see where things stand.", addr)
		}
	}
	if n := len(current.History); len(pushed.History) < n || !slices.Equal(pushed.History[:n], current.History) {
		return fail("State has gone on", "Another run has recorded since what became of stories. Run storyform plan to see where things stand.")
	}
	sum, err := hash(current)
	if err != nil {
		return fail("State can't be read", "%v.", err)
	}
	pushed.Serial, pushed.PrevSHA256 = current.Serial+1, sum
	return nil
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
	return false, forgets(current, pushed)
}

// forgets refuses a document that doesn't know of a publish call that the
// current one knows of.
func forgets(current, pushed *state.Document) error {
	for i := range current.Stories {
		e := &current.Stories[i]
		if (e.Status.Out() || e.Attempted()) && !remembers(pushed, e) {
			return fail("State would forget a story", "A publish call was made for %s, and the document does not know of it: the next apply could publish it again.", e.Address)
		}
	}
	return nil
}

// remembers reports whether a document knows of the publish calls that an entry
// tells of: in the entry of that story, or as a publication in the history.
func remembers(doc *state.Document, e *state.Entry) bool {
	for i := range doc.Stories {
		if other := &doc.Stories[i]; other.Address == e.Address && knowsCalls(other, e) {
			return true
		}
	}
	return slices.ContainsFunc(doc.History, func(ev state.Event) bool {
		return ev.Address == e.Address && ev.Revision >= e.Revision && ev.MediaID != "" && ev.MediaID == e.MediaID && (ev.What == "published" || ev.What == "adopted")
	})
}

// knowsCalls reports whether an entry tells of every publish call that an
// earlier one of the same story tells of, and not less of how they ended.
func knowsCalls(got, was *state.Entry) bool {
	switch {
	case got.Revision < was.Revision:
		return false
	case got.Status.Out():
		return true
	case was.Status.Out():
		return false
	case got.Revision > was.Revision:
		return true
	}
	for _, id := range was.TriedMedia {
		if !slices.Contains(got.TriedMedia, id) {
			return false
		}
	}
	if !was.Status.Doubtful() {
		return true
	}
	// The newest call counts: its end, or at least that it was made.
	if got.Status.Doubtful() {
		return !attemptAt(got).Before(attemptAt(was))
	}
	return got.Failure != nil && !got.Failure.At.Before(attemptAt(was))
}

// attemptAt is when an entry's newest publish call was announced.
func attemptAt(e *state.Entry) time.Time {
	if e.Operation == nil {
		return time.Time{}
	}
	return e.Operation.AttemptAt
}
