package apply

import (
	"context"
	"errors"
	"time"

	"storyform/internal/clock"
	"storyform/state"
)

// lockPolls is how long to wait between tries to take a lock; the last one
// repeats.
var lockPolls = []time.Duration{time.Second, 2 * time.Second, 4 * time.Second, 8 * time.Second, 16 * time.Second}

// AcquireLock takes the lock of a store, waiting up to timeout for somebody
// else's. The error is a *state.LockedError that names the holder.
func AcquireLock(ctx context.Context, store state.Store, info state.LockInfo, timeout time.Duration, clk clock.Clock) (state.Lock, error) {
	deadline := clk.Now().Add(timeout)
	for i := 0; ; i++ {
		lock, err := store.Lock(ctx, info)
		if _, held := errors.AsType[*state.LockedError](err); !held {
			return lock, err
		}
		left := deadline.Sub(clk.Now())
		if left <= 0 {
			return nil, err
		}
		if err := clk.Sleep(ctx, min(left, lockPolls[min(i, len(lockPolls)-1)])); err != nil {
			return nil, err
		}
	}
}

// stopping is a clock whose sleeps end when a stop is asked for: whoever waits
// for a lock has nothing to finish.
func stopping(clk clock.Clock, stop <-chan struct{}) clock.Clock {
	if stop == nil {
		return clk
	}
	sleep := clk.Sleep
	clk.Sleep = func(ctx context.Context, d time.Duration) error {
		ctx, cancel := context.WithCancelCause(ctx)
		defer cancel(nil)
		go func() {
			select {
			case <-stop:
				cancel(errStopped)
			case <-ctx.Done():
			}
		}()
		return sleep(ctx, d)
	}
	return clk
}
