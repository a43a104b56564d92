package lease

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"storyform/internal/clock"
	"storyform/state"
)

// Lock is a held lock.
type Lock struct {
	m    *Manager
	info state.LockInfo
	stop context.CancelFunc // ends the renewals
	done chan struct{}      // closed when they have ended

	mu      sync.Mutex
	body    body
	version string
	sent    time.Time // when the request was sent that confirmed the lease last
	ended   error     // wraps state.ErrLockLost: why the lock isn't held any more
}

var _ state.Lock = (*Lock)(nil)

// hold starts the renewals of a lock that was taken.
func (m *Manager) hold(ctx context.Context, b body, version string, sent time.Time) *Lock {
	ctx, stop := context.WithCancel(context.WithoutCancel(ctx))
	l := &Lock{m: m, info: b.LockInfo, stop: stop, done: make(chan struct{}), body: b, version: version, sent: sent}
	go l.keep(ctx)
	return l
}

// Info is what others see of this lock.
func (l *Lock) Info() state.LockInfo { return l.info }

// Check fails with ErrLockLost when the lock is no longer ours or its lease
// may run out within margin. It asks nobody. Of a lease that is too short for
// the margin half must be left: a third is when it is renewed.
func (l *Lock) Check(margin time.Duration) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.ended != nil {
		return l.ended
	}
	margin = min(margin, l.m.TTL/2)
	since := clock.Elapsed(l.sent, l.m.Clock.Now())
	if left := l.m.TTL - since; left <= margin {
		return fmt.Errorf("%w: its lease of %v was renewed %v ago, and %v of it must be left", state.ErrLockLost, l.m.TTL, since.Round(time.Second), margin)
	}
	return nil
}

// Unlock releases the lock. It fails with ErrLockLost when it was lost.
func (l *Lock) Unlock(ctx context.Context) error {
	l.stop()
	<-l.done
	l.mu.Lock()
	b, version, ended := l.body, l.version, l.ended
	l.mu.Unlock()
	if ended != nil {
		return ended
	}
	b.Released = true
	_, err := l.m.swap(ctx, version, b)
	switch {
	case err == nil:
		l.end("it was released")
		return nil
	case errors.Is(err, ErrChanged):
		return l.end(reason(err))
	}
	return fmt.Errorf("%w; it runs out by itself in %v at most", err, l.m.TTL)
}

// keep renews the lease until the lock is released or lost. A renewal that
// fails is tried again soon, also after the lease ran out: as long as nobody
// took over, a renewal proves that nobody held the lock in between.
func (l *Lock) keep(ctx context.Context) {
	defer close(l.done)
	wait := l.m.TTL / 3
	for l.m.Clock.Sleep(ctx, wait) == nil {
		err := l.renew(ctx)
		switch {
		case errors.Is(err, ErrChanged):
			l.end(reason(err))
			return
		case err != nil:
			wait = l.m.TTL / 12
		default:
			wait = l.m.TTL / 3
		}
	}
}

// renew replaces the value by one with the next beat. Releasing the lock
// waits for a renewal that is under way instead of ending it.
func (l *Lock) renew(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), max(l.m.TTL/2, time.Second))
	defer cancel()
	l.mu.Lock()
	b, version := l.body, l.version
	l.mu.Unlock()
	b.Beat++
	sent := l.m.Clock.Now()
	version, err := l.m.swap(ctx, version, b)
	if err != nil {
		return err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.body, l.version, l.sent = b, version, sent
	return nil
}

// end notes why the lock isn't held any more, and returns it as an error.
func (l *Lock) end(why string) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.ended == nil {
		l.ended = fmt.Errorf("%w: %s", state.ErrLockLost, why)
	}
	return l.ended
}

// reason is what err says besides ErrChanged.
func reason(err error) string {
	return strings.TrimPrefix(err.Error(), ErrChanged.Error()+": ")
}
