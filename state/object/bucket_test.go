package object

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"storyform/internal/clock"
	"storyform/state"
	"storyform/state/statetest"
)

// memory is a bucket in memory with a clock of its own, in whole seconds, as
// HTTP has it.
type memory struct {
	clock *clock.Fake

	mu      sync.Mutex
	objects map[string]Object
	puts    int
	calls   []string // verb and key of every call
	// fault, when set, is asked at each call, with mu held, and says what is
	// to go wrong.
	fault func(verb, key string) fault
}

// fault is what goes wrong with a call.
type fault int

const (
	none  fault = iota
	early       // an error before the effect
	lost        // an error after the effect
	again       // the client of the store lost the answer and sent it again
	busy        // 409, without an effect
	torn        // half of the bytes are read
	dateless
)

var errReset = errors.New("connection reset by peer")

func newMemory() *memory {
	return &memory{clock: clock.NewFake(time.Date(2026, 12, 20, 2, 0, 0, 5e8, time.UTC)), objects: map[string]Object{}}
}

func (m *memory) bucket() Bucket {
	return Bucket{Get: m.get, Put: m.put, List: m.list, Delete: m.delete}
}

func (m *memory) call(verb, key string) fault {
	m.calls = append(m.calls, verb+" "+key)
	if m.fault == nil {
		return none
	}
	return m.fault(verb, key)
}

func (m *memory) date() time.Time { return m.clock.Now().Truncate(time.Second) }

func (m *memory) get(ctx context.Context, key string) (Object, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	f := m.call("get", key)
	o, ok := m.objects[key]
	switch {
	case ctx.Err() != nil:
		return Object{}, ctx.Err()
	case f == early:
		return Object{}, errReset
	case !ok:
		return Object{}, ErrNotFound
	case f == torn:
		o.Data = o.Data[:len(o.Data)/2]
	}
	o.Date = m.date()
	return o, nil
}

func (m *memory) put(ctx context.Context, key string, data []byte, old string) (Stored, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	f := m.call("put", key)
	switch {
	case ctx.Err() != nil:
		return Stored{}, ctx.Err()
	case f == early:
		return Stored{}, errReset
	case f == busy:
		return Stored{}, ErrBusy
	case m.objects[key].Version != old:
		return Stored{}, ErrRefused
	}
	m.puts++
	version := fmt.Sprint("v", m.puts)
	m.objects[key] = Object{Data: bytes.Clone(data), Version: version, Modified: m.date()}
	switch f {
	case lost:
		return Stored{}, errReset
	case again:
		return Stored{}, ErrRefused
	case dateless:
		return Stored{Version: version}, nil
	}
	return Stored{version, m.date()}, nil
}

func (m *memory) list(ctx context.Context, prefix, after string, limit int) (Listing, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if f := m.call("list", prefix); f == early {
		return Listing{}, errReset
	}
	l := Listing{Date: m.date()}
	for _, key := range slices.Sorted(maps.Keys(m.objects)) {
		if strings.HasPrefix(key, prefix) && key > after && (limit == 0 || len(l.Items) < limit) {
			l.Items = append(l.Items, Item{key, m.objects[key].Modified})
		}
	}
	return l, nil
}

func (m *memory) delete(_ context.Context, key string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if f := m.call("delete", key); f == early {
		return ErrDenied
	}
	delete(m.objects, key)
	return nil
}

// keys returns the keys of all objects, in order.
func (m *memory) keys() []string {
	m.mu.Lock()
	defer m.mu.Unlock()
	return slices.Sorted(maps.Keys(m.objects))
}

// open returns a store whose runner's clock is off by skew. Short waits are
// over at once; the renewals of locks never come.
func (m *memory) open(t *testing.T, skew time.Duration) *Store {
	t.Helper()
	s, err := New(m.bucket(), "stories/acme", Options{Where: "memory://stories/acme", Clock: clock.Clock{
		Now: func() time.Time { return m.clock.Now().Add(skew) },
		Sleep: func(ctx context.Context, d time.Duration) error {
			if d > 5*time.Second {
				<-ctx.Done()
			}
			return context.Cause(ctx)
		},
	}})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// alternate makes every other call of a verb go wrong.
func alternate(verb string, f fault) func(v, key string) fault {
	seen := map[string]int{}
	return func(v, key string) fault {
		if v != verb {
			return none
		}
		if seen[key]++; seen[key]%2 == 0 {
			return none
		}
		return f
	}
}

// always makes every call of a verb go wrong.
func always(verb string, f fault) func(v, key string) fault {
	return func(v, _ string) fault {
		if v == verb {
			return f
		}
		return none
	}
}

// The contract holds whatever goes wrong on the way, and whatever the
// runners' clocks say.
func TestContract(t *testing.T) {
	for name, newFault := range map[string]func() func(verb, key string) fault{
		"perfect":                  func() func(verb, key string) fault { return nil },
		"every answer lost":        func() func(verb, key string) fault { return always("put", lost) },
		"every write sent twice":   func() func(verb, key string) fault { return always("put", again) },
		"no server dates":          func() func(verb, key string) fault { return always("put", dateless) },
		"every other write fails":  func() func(verb, key string) fault { return alternate("put", early) },
		"every other write busy":   func() func(verb, key string) fault { return alternate("put", busy) },
		"every other reading torn": func() func(verb, key string) fault { return alternate("get", torn) },
	} {
		t.Run(name, func(t *testing.T) {
			statetest.Run(t, func(t *testing.T) statetest.Instance {
				m := newMemory()
				m.fault = newFault()
				opened := 0
				return statetest.Instance{
					Open: func() state.Store {
						opened++
						return m.open(t, time.Duration(opened%5-2)*3*time.Hour)
					},
					Expire: func() { m.clock.Advance(2 * time.Minute) },
				}
			}, nil)
		})
	}
}
