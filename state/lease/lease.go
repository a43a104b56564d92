// Package lease is the lock of a store that has no lock of its own, only a
// register: one value that can be read, and replaced on the condition that it
// is still the one that was read.
//
// # The algorithm
//
// The value names the holder and how long the lease lasts. The holder renews
// it, at a third of that time, by replacing the value with one that differs in
// its beat. Whoever finds a value that nobody replaced for longer than its
// lease takes over by replacing it, which fails when the holder turns out to
// be alive after all: of a renewal and a take-over of one value one succeeds.
// Releasing replaces the value too. Nothing is ever deleted, since many
// servers ignore the condition of a deletion.
//
// # Whose clock
//
// That a lease ran out is told from the register's own clock, how long the
// value has stood, never by comparing the clocks of two runners. That the lease
// still runs is told by the holder's own clock, counted from before the
// request that renewed it was sent, so that the holder always thinks less of
// its lease than others do. It looks at the monotonic clock and at the wall
// clock and believes the one that went further: the former stands still while
// a machine sleeps, the latter can be set back.
//
// # What it is worth
//
// It keeps honest runs from colliding and tells a run to stop. A run that was
// stopped between a check and the call that the check was for can't be kept by
// any lease from making that call; that the record which announces the call
// has its one position in the log is what keeps two runs from making the same.
package lease

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"storyform/internal/clock"
	"storyform/state"
)

// DefaultTTL is how long a lease lasts where nothing else is said: a minute
// after a runner died, the next can go on.
const DefaultTTL = time.Minute

// The bounds of what may be said: renewals come at a third of it, and times of
// HTTP have whole seconds.
const (
	MinTTL = 3 * time.Second
	MaxTTL = time.Hour
)

// ParseTTL reads the argument "lease" of a backend; otherwise is what "" means.
func ParseTTL(text string, otherwise time.Duration) (time.Duration, error) {
	if text == "" {
		return otherwise, nil
	}
	d, err := time.ParseDuration(text)
	if err != nil || d < MinTTL || d > MaxTTL {
		return 0, fmt.Errorf("%q is not a duration from %v to %v", text, MinTTL, MaxTTL)
	}
	return d, nil
}

// maxTTL bounds what a holder may claim.
const maxTTL = 24 * time.Hour

// ErrChanged means that the register holds another version than the one to be
// replaced.
var ErrChanged = errors.New("the lock was changed by somebody else")

// Register is where the value is. Both functions may be called by several
// goroutines.
type Register struct {
	// Read returns the value.
	Read func(ctx context.Context) (Value, error)
	// Swap replaces the value that has the version old, or creates it when old
	// is empty, and returns the version of the new one. It fails with
	// ErrChanged when that isn't the version any more. After any other error
	// the value may have been replaced or not.
	Swap func(ctx context.Context, old string, data []byte) (version string, err error)
}

// Value is what a register holds.
type Value struct {
	Data    []byte
	Version string // empty: there is no value
	// Age is for how long at least the value has stood, by the register's
	// clock. A negative age is an unknown one, and such a lease never runs out
	// by itself.
	Age time.Duration
}

// body is the value: Terraform's seven fields and the lease.
type body struct {
	state.LockInfo
	TTLSeconds float64 // how long after the newest replacement the lease lasts
	Fence      uint64  // rises with each holder
	Beat       uint64  // rises with each renewal
	Released   bool
	Broken     bool `json:",omitempty"` // by force-unlock
}

// Manager gives out the lock that a register keeps.
type Manager struct {
	Register Register
	TTL      time.Duration // of the leases that are taken
	Clock    clock.Clock
}

// tries is how often a replacement is tried whose outcome is unclear, and how
// often a reading that was overtaken is repeated.
const tries = 4

// pause is the wait before the second try; it doubles.
const pause = 200 * time.Millisecond

// Lock takes the lock or fails with a *state.LockedError. The lease is renewed
// in the background until it is released or lost, whatever becomes of ctx. A
// lock that has the ID of info already is taken over: it was left behind by a
// try whose answer was lost.
func (m *Manager) Lock(ctx context.Context, info state.LockInfo) (*Lock, error) {
	for range tries {
		v, err := m.readWhole(ctx)
		if err != nil {
			return nil, err
		}
		now := m.parse(v)
		if v.Version != "" && !now.Released && now.ID != info.ID && !m.expired(v, now) {
			return nil, &state.LockedError{Holder: now.LockInfo}
		}
		next := body{LockInfo: info, TTLSeconds: m.TTL.Seconds(), Fence: now.Fence + 1}
		sent := m.Clock.Now()
		version, err := m.swap(ctx, v.Version, next)
		if errors.Is(err, ErrChanged) {
			continue // somebody was faster: see who
		}
		if err != nil {
			return nil, err
		}
		return m.hold(ctx, next, version, sent), nil
	}
	return nil, &state.LockedError{Holder: state.LockInfo{Who: "other runs that take and release it all the time"}}
}

// ForceUnlock releases the lock that has this ID, whoever holds it. See
// state.Store.
func (m *Manager) ForceUnlock(ctx context.Context, id string) error {
	v, err := m.readWhole(ctx)
	if err != nil {
		return err
	}
	now := m.parse(v)
	if v.Version == "" || now.Released {
		return state.ErrNotLocked
	}
	if now.ID != id {
		return &state.LockedError{Holder: now.LockInfo}
	}
	now.Released, now.Broken = true, true
	_, err = m.swap(ctx, v.Version, now)
	return err
}

// readWhole reads the value, again if it comes damaged.
func (m *Manager) readWhole(ctx context.Context) (Value, error) {
	for try := 1; ; try++ {
		v, err := m.Register.Read(ctx)
		if err != nil || try == tries || v.Version == "" || m.parse(v).ID != unreadableID {
			return v, err
		}
		if err := m.Clock.Sleep(ctx, pause); err != nil {
			return Value{}, err
		}
	}
}

// unreadableID is what a lock that can't be read has for an ID, so that it
// can be broken.
const unreadableID = "unreadable"

// parse reads a value. One that can't be read is held by somebody unknown,
// and runs out like any other.
func (m *Manager) parse(v Value) body {
	var b body
	if v.Version == "" {
		return b
	}
	if err := json.Unmarshal(v.Data, &b); err != nil || b.ID == "" {
		b = body{LockInfo: state.LockInfo{ID: unreadableID, Who: "somebody whose lock can't be read"}}
	}
	return b
}

// expired reports whether a lease ran out.
func (m *Manager) expired(v Value, b body) bool {
	ttl := m.TTL
	if b.TTLSeconds > 0 {
		ttl = time.Duration(min(b.TTLSeconds, maxTTL.Seconds()) * float64(time.Second))
	}
	return v.Age > ttl
}

// swap replaces the value and reads it back when the outcome is unclear: to
// find one's own value is success, whatever was answered, and to find another
// beat of the same holder is no reason to stop. It fails with ErrChanged when
// the value is somebody else's.
func (m *Manager) swap(ctx context.Context, old string, next body) (string, error) {
	data, err := json.MarshalIndent(next, "", "  ")
	if err != nil {
		return "", err
	}
	data = append(data, '\n')
	wait := pause
	for try := 1; ; try++ {
		version, swapErr := m.Register.Swap(ctx, old, data)
		if swapErr == nil {
			return version, nil
		}
		v, readErr := m.readWhole(ctx)
		switch {
		case readErr == nil && v.Version != "" && bytes.Equal(v.Data, data):
			return v.Version, nil
		case readErr == nil && v.Version != old && !next.sameHolder(m.parse(v)):
			return "", fmt.Errorf("%w: %s", ErrChanged, m.describe(v))
		case try == tries:
			return "", swapErr
		case readErr == nil && v.Version != old:
			old = v.Version // a renewal whose answer was lost, or one in between
			continue
		}
		// Nothing has changed, or nothing can be read. Replacing the old value
		// once more does no harm, even if the first try should land later.
		if m.Clock.Sleep(ctx, wait) != nil {
			return "", swapErr
		}
		wait *= 2
	}
}

// sameHolder reports whether now is held by the holder of b.
func (b *body) sameHolder(now body) bool {
	return now.ID == b.ID && now.Fence == b.Fence && !now.Released
}

// describe tells what became of the lock.
func (m *Manager) describe(v Value) string {
	switch b := m.parse(v); {
	case v.Version == "":
		return "it was deleted"
	case b.Broken:
		return "it was broken with force-unlock"
	case b.Released:
		return fmt.Sprintf("%s (lock ID %s) took it over and has released it", b.Who, b.ID)
	default:
		return fmt.Sprintf("%s took it over (%s, lock ID %s)", b.Who, b.Operation, b.ID)
	}
}
