package cli

import (
	"context"
	"errors"

	"storyform/state"
)

// migrate moves a state, under both locks.
func (a *app) migrate(ctx context.Context, from, to state.Store) error {
	return a.underLock(ctx, from, "init", func() error {
		return a.underLock(ctx, to, "init", func() error { return a.move(ctx, from, to) })
	})
}

// move is migrate for those who hold the locks.
func (a *app) move(ctx context.Context, from, to state.Store) error {
	there, err := a.folded(ctx, from)
	if err != nil {
		return err
	}
	here, err := a.folded(ctx, to)
	if err != nil {
		return err
	}
	mark, copied, err := state.Move(there, here, to.String(), a.run(), a.Clock.Now())
	if moved, ok := errors.AsType[*state.MovedError](err); ok {
		moved.Where = from.String()
	}
	if err != nil {
		return successionFailure(err)
	}
	if copied != nil {
		if err := to.Commit(ctx, copied); err != nil {
			return stateFailure(err)
		}
	}
	err = from.Commit(ctx, mark)
	if errors.Is(err, state.ErrConflict) {
		if other, readErr := a.readAnyState(ctx, from); readErr == nil && other.MovedTo != "" {
			return a.withdraw(ctx, from, to, copied, other)
		}
	}
	if err != nil {
		return fail("Former state can't be marked", "The state is in %s now, and its former place could not be told so: %v.\n\nRun the same command again: until then, runs with the old configuration would publish what the new state publishes, too.", to, err)
	}
	return nil
}

// withdraw takes back the copy of a move that another move, of somebody who
// broke the lock, was faster than: it is marked as moved to where the other one
// went. Otherwise there would be two states that know nothing of each other.
// other is the other one's mark; nothing is left to do when it went to the same
// place.
func (a *app) withdraw(ctx context.Context, from, to state.Store, copied, other *state.Document) error {
	if other.MovedTo == to.String() {
		return nil
	}
	if copied != nil {
		mark, _, err := state.Move(copied, other, other.MovedTo, a.run(), a.Clock.Now())
		if err == nil {
			err = to.Commit(ctx, mark)
		}
		if err != nil {
			return fail("State was moved twice", "Another run has moved the state %s to %s, and the copy in %s could not be marked as not being the state: %v.\n\nWhat uses that copy would publish once more what is published from the other one. Remove it.", from, other.MovedTo, to, err)
		}
	}
	return stateFailure(&state.MovedError{Where: from.String(), To: other.MovedTo})
}

// folded reads a state and folds what its journal holds.
func (a *app) folded(ctx context.Context, store state.Store) (*state.Document, error) {
	session, err := state.Reopen(ctx, store, a.run(), a.Clock.Now)
	if err != nil {
		return nil, stateFailure(err)
	}
	if err := session.Fold(ctx); err != nil {
		return nil, stateFailure(err)
	}
	return session.Document(), nil
}
