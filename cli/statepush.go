package cli

import (
	"context"
	"errors"
	"io"
	"os"

	"github.com/spf13/cobra"

	"storyform/state"
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
	return a.withState(ctx, store, "state push", func(s *state.Session) error {
		base, _, err := store.Load(ctx) // under the lock: what a run folded since is not the journal that pushed knows
		if err == nil {
			err = s.Fold(ctx)
		}
		if err != nil {
			return stateFailure(err)
		}
		current := s.Document()
		pushed, err := state.Rejoin(base, current, pushed)
		if err != nil {
			return successionFailure(err)
		}
		same, err := state.MayFollow(current, pushed)
		if same {
			a.printf("The state is that document already.\n")
		}
		if same || err != nil {
			return successionFailure(err)
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

// successionFailure explains why a document can't become the state.
func successionFailure(err error) error {
	forgets, isForgets := errors.AsType[*state.ForgetsError](err)
	switch {
	case err == nil:
		return nil
	case isForgets:
		return fail("State would forget a story", "A publish call was made for %s, and the document does not know of it, or less of how it ended: the next apply could publish it again.", forgets.Address)
	case errors.Is(err, state.ErrOtherLineage):
		return fail("State of another lineage", "The two states have no common past: one would forget what the other has published. Their lineages are in storyform state pull.")
	case errors.Is(err, state.ErrNotNewer):
		return fail("State is not newer", "The document's serial is not higher than the state's: it would forget what was done since.")
	case errors.Is(err, state.ErrWentOn):
		return fail("State has gone on", "%s. Run storyform plan to see where things stand.", upperFirst(err.Error()))
	}
	return stateFailure(err)
}
