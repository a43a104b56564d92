package cli

import (
	"context"
	"errors"

	"storyform/apply"
	"storyform/state"
)

// migrate moves a state, under both locks.
func (a *app) migrate(ctx context.Context, from, to state.Store) error {
	return a.locking(ctx, from, "init", func() error {
		return a.locking(ctx, to, "init", func() error { return a.move(ctx, from, to) })
	})
}

// locking does something under a store's lock.
func (a *app) locking(ctx context.Context, store state.Store, operation string, do func() error) error {
	lock, err := apply.AcquireLock(ctx, store, a.lockInfo(operation), 0, a.Clock)
	if locked, ok := errors.AsType[*state.LockedError](err); ok {
		return a.locked(locked)
	}
	if err != nil {
		return stateFailure(err)
	}
	defer lock.Unlock(context.WithoutCancel(ctx))
	return do()
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
	if err := from.Commit(ctx, mark); err != nil {
		return fail("Former state can't be marked", "The state is in %s now, and its former place could not be told so: %v.\n\nRun the same command again: until then, runs with the old configuration would publish what the new state publishes, too.", to, err)
	}
	return nil
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
