package cli

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/spf13/cobra"

	"storyform/apply"
	"storyform/state"
)

// addLockTimeout gives every command that takes the lock of the state the flag
// that says how long to wait for it.
func (a *app) addLockTimeout(root *cobra.Command) {
	for name := range strings.SplitSeq(locking, ",") {
		if cmd, _, err := root.Find(strings.Fields(name)); err == nil {
			cmd.Flags().DurationVar(&a.lockTimeout, "lock-timeout", 0, "how long to wait for somebody else's state lock")
		}
	}
}

// lockPatience is how long the lock of the state may take before somebody who
// watches is told what is waited for.
const lockPatience = 400 * time.Millisecond

// announceLock says that the lock is being waited for, unless the function
// that it returns is called before that is worth saying.
func (a *app) announceLock() (taken func()) {
	if a.events.alone {
		return func() {}
	}
	t := time.AfterFunc(lockPatience, func() {
		fmt.Fprintln(a.Stderr, "Acquiring state lock. This may take a few moments...")
	})
	return sync.OnceFunc(func() { t.Stop() })
}

// underLock does something under the lock of a state. An interrupt ends the
// wait for it.
func (a *app) underLock(ctx context.Context, store state.Store, operation string, do func() error) error {
	taken := a.announceLock()
	patient := a.Clock
	patient.Sleep = func(ctx context.Context, d time.Duration) error { return a.sleepUntil(ctx, a.Clock.Now().Add(d)) }
	lock, err := apply.AcquireLock(ctx, store, a.lockInfo(operation), a.lockTimeout, patient)
	taken()
	if errors.Is(err, errStopped) {
		return a.interrupted()
	}
	if held, ok := errors.AsType[*state.LockedError](err); ok {
		return a.locked(held)
	}
	if err != nil {
		return stateFailure(err)
	}
	defer lock.Unlock(context.WithoutCancel(ctx))
	return do()
}
