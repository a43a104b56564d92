package lease

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"storyform/internal/clock"
	"storyform/state"
)

// fake is a register in memory with a clock of its own, that of the bubble
// shifted by hours, so that nothing works by comparing clocks.
type fake struct {
	mu      sync.Mutex
	data    []byte
	version int
	stored  time.Time
	ageless bool // the server doesn't say when

	// before and after, when set, fail a replacement before its effect or lose
	// its answer. reading fails a reading.
	before, after, reading func() error
}

func run(f func() error) error {
	if f == nil {
		return nil
	}
	return f()
}

func (f *fake) register() Register { return Register{Read: f.read, Swap: f.swap} }

func (f *fake) read(context.Context) (Value, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if err := run(f.reading); err != nil {
		return Value{}, err
	}
	if f.version == 0 {
		return Value{}, nil
	}
	age := time.Since(f.stored)
	if f.ageless {
		age = -1
	}
	return Value{Data: f.data, Version: fmt.Sprint(f.version), Age: age}, nil
}

func (f *fake) swap(_ context.Context, old string, data []byte) (string, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if err := run(f.before); err != nil {
		return "", err
	}
	if now := fmt.Sprint(f.version); old != now && (old != "" || f.version != 0) {
		return "", ErrChanged
	}
	f.data, f.stored = data, time.Now()
	f.version++
	if err := run(f.after); err != nil {
		return "", err
	}
	return fmt.Sprint(f.version), nil
}

// body returns what the register holds.
func (f *fake) body(t *testing.T) body {
	t.Helper()
	var b body
	if err := json.Unmarshal(f.data, &b); err != nil {
		t.Fatal(err)
	}
	return b
}

const ttl = time.Minute

// manager returns a manager whose clock is off by skew and never stops.
func (f *fake) manager(skew time.Duration) *Manager {
	clk := clock.System()
	now := clk.Now
	clk.Now = func() time.Time { return now().Add(skew) }
	return &Manager{Register: f.register(), TTL: ttl, Clock: clk}
}

// stalled returns a manager whose renewals never come.
func (f *fake) stalled() *Manager {
	m := f.manager(0)
	m.Clock.Sleep = func(ctx context.Context, _ time.Duration) error { <-ctx.Done(); return ctx.Err() }
	return m
}

func take(t *testing.T, m *Manager, id string) *Lock {
	t.Helper()
	l, err := m.Lock(t.Context(), state.LockInfo{ID: id, Who: id + "@ci", Operation: "apply"})
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func wantErr(t *testing.T, err, want error, text string) {
	t.Helper()
	if !errors.Is(err, want) || err != nil && !strings.Contains(err.Error(), text) {
		t.Fatalf("got error %v, want %v with %q", err, want, text)
	}
}

func wantHeld(t *testing.T, m *Manager, holder string) {
	t.Helper()
	_, err := m.Lock(t.Context(), state.LockInfo{ID: "other"})
	locked, ok := errors.AsType[*state.LockedError](err)
	if !ok || locked.Holder.ID != holder {
		t.Fatalf("got error %v, want a lock held by %s", err, holder)
	}
}

func TestRenewedLeaseNeverRunsOut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := new(fake)
		l := take(t, f.manager(3*time.Hour), "a")
		for range 20 {
			time.Sleep(ttl / 2)
			wantErr(t, l.Check(ttl/2), nil, "")
			wantHeld(t, f.manager(-3*time.Hour), "a")
		}
		wantErr(t, l.Unlock(t.Context()), nil, "")
		if b := f.body(t); !b.Released || b.Beat < 20 || b.Fence != 1 || b.TTLSeconds != 60 {
			t.Errorf("got %+v, want it released after many beats", b)
		}
	})
}

func TestTakeOver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := new(fake)
		dead := take(t, f.stalled(), "dead")
		time.Sleep(ttl)
		wantHeld(t, f.manager(5*time.Hour), "dead") // its clock is far ahead, the lease isn't over
		time.Sleep(time.Second)
		wantErr(t, dead.Check(0), state.ErrLockLost, "its lease of 1m0s was renewed 1m1s ago")
		l := take(t, f.manager(-5*time.Hour), "next")
		if b := f.body(t); b.Fence != 2 {
			t.Errorf("got fence %d, want 2", b.Fence)
		}
		wantErr(t, dead.Unlock(t.Context()), state.ErrLockLost, "next@ci took it over")
		wantErr(t, l.Check(0), nil, "")
		wantErr(t, l.Unlock(t.Context()), nil, "")
	})
}

// A holder that was stopped for long and that nobody replaced goes on; one
// that was replaced learns it at its next renewal.
func TestStalledHolder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for _, replaced := range []bool{false, true} {
			f := new(fake)
			down := errors.New("no route to host")
			l := take(t, f.manager(0), "a")
			set := func(err func() error) { f.mu.Lock(); f.before, f.reading = err, err; f.mu.Unlock() }
			set(func() error { return down })
			time.Sleep(2 * ttl)
			wantErr(t, l.Check(0), state.ErrLockLost, "its lease")
			set(nil)
			var other *Lock
			if replaced {
				other = take(t, f.stalled(), "b")
			}
			time.Sleep(ttl / 3)
			if !replaced {
				wantErr(t, l.Check(ttl/2), nil, "")
				wantErr(t, l.Unlock(t.Context()), nil, "")
				continue
			}
			wantErr(t, l.Check(0), state.ErrLockLost, "b@ci took it over (apply, lock ID b)")
			wantErr(t, l.Unlock(t.Context()), state.ErrLockLost, "")
			wantErr(t, other.Unlock(t.Context()), nil, "")
		}
	})
}

// A machine that slept: the monotonic clock stood still, the wall clock
// didn't. And one whose wall clock was set back.
func TestCheckBelievesTheFartherClock(t *testing.T) {
	f := new(fake)
	now := time.Now()
	m := f.stalled()
	m.Clock.Now = func() time.Time { return now }
	l := take(t, m, "a")
	defer l.stop()
	wantErr(t, l.Check(0), nil, "")
	start := now
	now = start.Round(0).Add(2 * ttl) // without a monotonic reading, as after a sleep
	wantErr(t, l.Check(0), state.ErrLockLost, "its lease")
	now = start.Add(2 * ttl)
	wantErr(t, l.Check(0), state.ErrLockLost, "its lease")
}

// A server that doesn't say how old a value is never lets a lease run out,
// but force-unlock works.
func TestUnknownAge(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := &fake{ageless: true}
		dead := take(t, f.stalled(), "dead")
		time.Sleep(100 * ttl)
		wantHeld(t, f.manager(0), "dead")
		wantErr(t, f.manager(0).ForceUnlock(t.Context(), "dead"), nil, "")
		wantErr(t, dead.Unlock(t.Context()), state.ErrLockLost, "broken with force-unlock")
		l := take(t, f.manager(0), "next")
		wantErr(t, l.Unlock(t.Context()), nil, "")
	})
}

// Every replacement loses its answer, or half of them fail: taking, renewing,
// breaking and releasing work all the same, and nobody sees a conflict.
func TestLostAnswers(t *testing.T) {
	errLost := errors.New("connection reset by peer")
	n := 0
	for name, spoil := range map[string]func(f *fake){
		"every answer lost":     func(f *fake) { f.after = func() error { return errLost } },
		"the SDK tries again":   func(f *fake) { f.after = func() error { return ErrChanged } },
		"every other one fails": func(f *fake) { f.before = func() error { n++; return [...]error{errLost, nil}[n%2] } },
		"some readings fail too": func(f *fake) {
			f.after = func() error { return errLost }
			f.reading = func() error { n++; return [...]error{nil, errLost}[n%2] }
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f := new(fake)
				spoil(f)
				l := lockPatiently(t, f.manager(0), "a")
				time.Sleep(5 * ttl)
				wantErr(t, l.Check(ttl/4), nil, "")
				wantErr(t, l.Unlock(t.Context()), nil, "")
				l = lockPatiently(t, f.manager(0), "b")
				for f.manager(0).ForceUnlock(t.Context(), "b") == errLost {
				}
				wantErr(t, l.Unlock(t.Context()), state.ErrLockLost, "")
			})
		})
	}
}

// lockPatiently takes the lock where readings fail now and then.
func lockPatiently(t *testing.T, m *Manager, id string) *Lock {
	t.Helper()
	for range tries {
		if l, err := m.Lock(t.Context(), state.LockInfo{ID: id}); err == nil {
			return l
		}
	}
	t.Fatal("the lock can't be taken")
	return nil
}

// A renewal that landed and of which nothing could be learned is no reason
// to think that the lock is lost.
func TestReleaseAfterAnUnknownRenewal(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := new(fake)
		errLost := errors.New("connection reset by peer")
		l := take(t, f.manager(0), "a")
		f.mu.Lock()
		f.after = func() error { f.reading = func() error { return errLost }; return errLost }
		f.mu.Unlock()
		time.Sleep(ttl/3 + time.Second)
		f.mu.Lock()
		f.after, f.reading = nil, nil
		if b := f.body(t); b.Beat != 1 {
			t.Errorf("got beat %d, want 1", b.Beat)
		}
		f.mu.Unlock()
		wantErr(t, l.Unlock(t.Context()), nil, "")
	})
}

func TestUnreadable(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := &fake{data: []byte("\x00 not JSON"), version: 1, stored: time.Now()}
		wantHeld(t, f.manager(0), unreadableID)
		wantErr(t, f.manager(0).ForceUnlock(t.Context(), unreadableID), nil, "")
		l := take(t, f.manager(0), "a")
		wantErr(t, l.Unlock(t.Context()), nil, "")
	})
}

// The lease that counts is the holder's, within reason.
func TestHoldersTTL(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for claimed, want := range map[float64]time.Duration{600: 10 * time.Minute, 1e300: maxTTL, -1: ttl, 0: ttl} {
			data, _ := json.Marshal(body{LockInfo: state.LockInfo{ID: "a"}, TTLSeconds: claimed})
			f := &fake{data: data, version: 1, stored: time.Now()}
			time.Sleep(want)
			wantHeld(t, f.manager(0), "a")
			time.Sleep(time.Second)
			l := take(t, f.manager(0), "b")
			wantErr(t, l.Unlock(t.Context()), nil, "")
		}
	})
}

// A lock that is held already by the same ID is that of a try whose answer
// was lost for good.
func TestSameIDAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := new(fake)
		lost := take(t, f.stalled(), "a")
		lost.stop()
		l := take(t, f.manager(0), "a")
		wantErr(t, l.Check(0), nil, "")
		wantErr(t, l.Unlock(t.Context()), nil, "")
		wantErr(t, l.Unlock(t.Context()), state.ErrLockLost, "it was released")
		wantErr(t, l.Check(0), state.ErrLockLost, "it was released")
	})
}

func TestWhatOthersRead(t *testing.T) {
	f := new(fake)
	created := time.Date(2026, 12, 20, 2, 0, 0, 0, time.UTC)
	l, err := f.stalled().Lock(t.Context(), state.LockInfo{ID: "a", Operation: "apply", Who: "w", Version: "v", Created: created, Path: "p"})
	if err != nil {
		t.Fatal(err)
	}
	defer l.stop()
	const want = `{
  "ID": "a",
  "Operation": "apply",
  "Info": "",
  "Who": "w",
  "Version": "v",
  "Created": "2026-12-20T02:00:00Z",
  "Path": "p",
  "TTLSeconds": 60,
  "Fence": 1,
  "Beat": 0,
  "Released": false
}
`
	if got := string(f.data); got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}
