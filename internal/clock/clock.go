// Package clock passes the time in, so that code that waits can be tested
// without waiting.
package clock

import (
	"context"
	"sync"
	"time"
)

// Clock tells the time and sleeps. The zero value is not usable; use System
// or a Fake.
type Clock struct {
	Now   func() time.Time
	Sleep func(ctx context.Context, d time.Duration) error
}

// Elapsed is how much time passed between two times of one clock, by the one of
// its two hands that went further: the monotonic one stands still while a
// machine sleeps, and the other one can be set back.
func Elapsed(from, to time.Time) time.Duration {
	return max(to.Sub(from), to.Round(0).Sub(from.Round(0)))
}

// System returns the clock of the machine.
func System() Clock {
	return Clock{Now: time.Now, Sleep: sleep}
}

// sleep waits for d or until ctx is done, and then returns its error.
func sleep(ctx context.Context, d time.Duration) error {
	if d <= 0 {
		return ctx.Err()
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// Fake is a clock that stands still except when it is moved or slept on: a
// sleep of d takes no real time and moves it by d. It is safe for use by
// several goroutines.
type Fake struct {
	mu  sync.Mutex
	now time.Time
}

// NewFake returns a fake clock that shows start.
func NewFake(start time.Time) *Fake { return &Fake{now: start} }

// Clock returns f as a Clock.
func (f *Fake) Clock() Clock { return Clock{Now: f.Now, Sleep: f.Sleep} }

// Now returns the time that f shows.
func (f *Fake) Now() time.Time {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.now
}

// Advance moves f by d.
func (f *Fake) Advance(d time.Duration) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.now = f.now.Add(d)
}

// Sleep moves f by d at once, or returns the error of ctx when it is done.
func (f *Fake) Sleep(ctx context.Context, d time.Duration) error {
	if err := ctx.Err(); err != nil {
		return context.Cause(ctx)
	}
	if d > 0 {
		f.Advance(d)
	}
	return nil
}
