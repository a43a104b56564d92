package cli

import (
	"fmt"
	"sync"
	"time"
)

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
