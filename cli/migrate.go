package cli

import (
	"context"
	"errors"

	"storyform/apply"
	"storyform/state"
)

// # Moving a state
//
// Two states of one configuration publish every story twice. So a state that
// was copied is marked at its old place, as its last document there: whoever
// still comes with the old configuration is told where it went. The mark is
// written after the copy. A crash between the two leaves both places usable;
// the folder's next command says so, and the same command finishes the move. The serials go on across the
// move: n was the last at the old place, n+1 is the mark, n+2 the copy, each
// naming the hash of the one before. So a state can be moved back by the same
// rules.

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
	if there.MovedTo != "" {
		return stateFailure(&state.MovedError{Where: from.String(), To: there.MovedTo})
	}
	finished := here.MovedTo == "" && here.Lineage == there.Lineage && here.Serial > there.Serial && forgets(there, here) == nil
	if err := joinable(here, there); err != nil && !finished {
		return err
	}
	mark, copied, err := a.successors(there, here, to)
	if err != nil {
		return err
	}
	if finished { // all but the mark
		mark.Serial, copied = there.Serial+1, here
	} else if err := to.Commit(ctx, copied); err != nil {
		return stateFailure(err)
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

// joinable refuses to put a state over one that knows what it doesn't know.
func joinable(here, there *state.Document) error {
	switch {
	case here.Serial == 0:
		return nil
	case here.Lineage != there.Lineage:
		return fail("There is another state already", "The state at the new place has the lineage %s, and the one that would be moved %s: they have no common past. Name an empty place in the backend block.", here.Lineage, there.Lineage)
	}
	return forgets(here, there)
}

// successors makes the document that marks the old place, and the one at the
// new place that follows it.
func (a *app) successors(there, here *state.Document, to state.Store) (mark, copied *state.Document, err error) {
	run := a.run()
	next := func(before *state.Document, serial uint64) (*state.Document, error) {
		doc := there.Clone()
		doc.Serial, doc.MovedTo, doc.PrevSHA256 = serial, "", ""
		doc.WrittenBy, doc.WrittenAt, doc.Tool = run.ID, a.Clock.Now().UTC(), run.Tool
		if before.Serial > 0 {
			if doc.PrevSHA256, err = state.Hash(before); err != nil {
				return nil, fail("State can't be moved", "%v.", err)
			}
		}
		return doc, nil
	}
	serial := max(there.Serial, here.Serial)
	if mark, err = next(there, serial+1); err != nil {
		return nil, nil, err
	}
	mark.MovedTo = to.String()
	copied, err = next(mark, serial+2)
	return mark, copied, err
}
