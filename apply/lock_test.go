package apply_test

import (
	"context"
	"path/filepath"
	"testing"
	"time"

	"storyform/apply"
	"storyform/internal/clock"
	"storyform/plan"
	"storyform/state"
	"storyform/state/local"
)

// TestStopWhileLocked asks a run to stop that waits for somebody else's lock:
// it ends at once, not when its patience is over, and has done nothing.
func TestStopWhileLocked(t *testing.T) {
	store, err := local.Open(filepath.Join(t.TempDir(), "state.json"))
	if err != nil {
		t.Fatal(err)
	}
	held, err := store.Lock(t.Context(), state.LockInfo{ID: "other"})
	if err != nil {
		t.Fatal(err)
	}
	defer held.Unlock(context.WithoutCancel(t.Context()))
	stop := make(chan struct{})
	clk := clock.NewFake(time.Date(2026, 12, 20, 2, 0, 0, 0, time.UTC)).Clock()
	sleeps, told := 0, 0
	clk.Sleep = func(ctx context.Context, _ time.Duration) error {
		if sleeps++; sleeps < 3 {
			return nil
		}
		close(stop)
		<-ctx.Done()
		return context.Cause(ctx)
	}
	result, err := apply.Run(t.Context(), &plan.Plan{}, apply.Options{
		Store: store, Lock: state.LockInfo{ID: "mine"}, LockTimeout: time.Hour, Clock: clk, Stop: stop, Locked: func() { told++ },
	})
	if err == nil || !result.Interrupted || len(result.Outcomes) > 0 || sleeps != 3 || told != 1 {
		t.Errorf("got error %v, interrupted %v, %d outcomes, %d sleeps, told %d times", err, result.Interrupted, len(result.Outcomes), sleeps, told)
	}
	if got := result.ExitCode(false); got != apply.ExitInterrupted {
		t.Errorf("got exit code %d, want %d", got, apply.ExitInterrupted)
	}
}
