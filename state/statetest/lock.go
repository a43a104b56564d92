package statetest

import (
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"storyform/state"
)

// lockInfo returns what a run says of itself when it takes the lock.
func lockInfo(id string) state.LockInfo {
	return state.LockInfo{
		ID: id, Operation: "OperationTypeApply", Info: "https://ci.example.com/runs/7", Who: id + "@ci",
		Version: "0.1.0", Created: start, Path: "stories/acme",
	}
}

// wantHeld checks that the lock can't be taken, and by whom it is held.
func wantHeld(t *testing.T, err error, holder state.LockInfo) {
	t.Helper()
	locked, ok := errors.AsType[*state.LockedError](err)
	if !ok {
		t.Fatalf("got error %v, want a *state.LockedError", err)
	}
	if diff := cmp.Diff(holder, locked.Holder); diff != "" {
		t.Errorf("holder (-want +got):\n%s", diff)
	}
}

func testLock(t *testing.T, in Instance) {
	a, err := in.Open().Lock(t.Context(), lockInfo("a"))
	ok(t, err)
	ok(t, a.Check(0))
	if diff := cmp.Diff(lockInfo("a"), a.Info()); diff != "" {
		t.Errorf("own info (-want +got):\n%s", diff)
	}
	_, err = in.Open().Lock(t.Context(), lockInfo("b"))
	wantHeld(t, err, lockInfo("a"))
	ok(t, a.Unlock(t.Context()))
	wantErr(t, a.Check(0), state.ErrLockLost)
	wantErr(t, a.Unlock(t.Context()), state.ErrLockLost)

	b, err := in.Open().Lock(t.Context(), lockInfo("b"))
	ok(t, err)
	wantErr(t, a.Unlock(t.Context()), state.ErrLockLost) // does b no harm
	_, err = in.Open().Lock(t.Context(), lockInfo("c"))
	wantHeld(t, err, lockInfo("b"))
	ok(t, b.Unlock(t.Context()))
}

// lockers is how many runs fight for one lock.
const lockers = 8

func testOneLock(t *testing.T, in Instance) {
	for range rounds {
		var won atomic.Int32
		var wg sync.WaitGroup
		held := make(chan state.Lock, lockers)
		for range lockers {
			store := in.Open()
			wg.Go(func() {
				l, err := store.Lock(t.Context(), lockInfo(state.NewID()))
				if err == nil {
					won.Add(1)
					held <- l
				} else if _, locked := errors.AsType[*state.LockedError](err); !locked {
					t.Errorf("got error %v, want a *state.LockedError", err)
				}
			})
		}
		wg.Wait()
		if won.Load() != 1 {
			t.Fatalf("got %d holders, want 1", won.Load())
		}
		ok(t, (<-held).Unlock(t.Context()))
	}
}

func testForceUnlock(t *testing.T, in Instance) {
	store := in.Open()
	wantErr(t, store.ForceUnlock(t.Context(), "a"), state.ErrNotLocked)
	a, err := in.Open().Lock(t.Context(), lockInfo("a"))
	ok(t, err)
	wantHeld(t, store.ForceUnlock(t.Context(), "wrong"), lockInfo("a"))
	wantHeld(t, store.ForceUnlock(t.Context(), ""), lockInfo("a"))
	ok(t, a.Check(0))
	ok(t, store.ForceUnlock(t.Context(), "a"))
	wantErr(t, store.ForceUnlock(t.Context(), "a"), state.ErrNotLocked)
	b, err := in.Open().Lock(t.Context(), lockInfo("b"))
	ok(t, err)
	wantErr(t, a.Unlock(t.Context()), state.ErrLockLost)
	ok(t, b.Check(0))
	_, err = in.Open().Lock(t.Context(), lockInfo("c"))
	wantHeld(t, err, lockInfo("b"))
	ok(t, b.Unlock(t.Context()))
}

func testExpiry(t *testing.T, in Instance) {
	a, err := in.Open().Lock(t.Context(), lockInfo("a"))
	ok(t, err)
	ok(t, a.Check(24*time.Hour)) // a new lease is as good as it gets, however short
	in.Expire()
	b, err := in.Open().Lock(t.Context(), lockInfo("b"))
	ok(t, err)
	wantErr(t, a.Check(0), state.ErrLockLost)
	wantErr(t, a.Unlock(t.Context()), state.ErrLockLost)
	_, err = in.Open().Lock(t.Context(), lockInfo("c"))
	wantHeld(t, err, lockInfo("b"))
	ok(t, b.Unlock(t.Context()))
}
