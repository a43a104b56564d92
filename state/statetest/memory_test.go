package statetest

import (
	"errors"
	"testing"

	"storyform/state"
	"storyform/story"
)

func TestMemory(t *testing.T) {
	Run(t, func(*testing.T) Instance {
		m := new(Memory)
		return Instance{Open: func() state.Store { return m }}
	}, nil)
}

// A hook's error before the effect leaves nothing behind; one after it loses
// the answer only.
func TestMemoryHooks(t *testing.T) {
	errHook := errors.New("hook")
	for _, test := range []struct {
		name string
		set  func(m *Memory, hook func(Call) error)
		want int
	}{
		{"before", func(m *Memory, hook func(Call) error) { m.Before = hook }, 1},
		{"after", func(m *Memory, hook func(Call) error) { m.After = hook }, 2},
	} {
		t.Run(test.name, func(t *testing.T) {
			m := new(Memory)
			s := session(t, m, "a")
			put(t, s, "teaser", story.Uploaded)
			test.set(m, func(c Call) error {
				if c.Op == OpAppend && c.Record.Entry.Status == story.Publishing {
					return errHook
				}
				return nil
			})
			wantErr(t, s.Put(t.Context(), "publishing", entry("teaser", story.Publishing), nil), errHook)
			wantErr(t, s.Put(t.Context(), "live", entry("teaser", story.Live), nil), errHook)
			wantErr(t, s.Close(t.Context()), errHook)
			if got := len(m.Records()); got != test.want {
				t.Errorf("got %d records, want %d", got, test.want)
			}
			if got := len(m.Documents()); got != 0 {
				t.Errorf("got %d documents, want none: the session is broken", got)
			}
		})
	}
}

// A hook may be the other run that comes first.
func TestMemoryHookUsesTheStore(t *testing.T) {
	m := new(Memory)
	s := session(t, m, "a")
	m.Before = func(c Call) error {
		if c.Op != OpAppend {
			return nil
		}
		m.Before = nil
		return m.Append(t.Context(), record(0, 1, "b"))
	}
	wantErr(t, s.Put(t.Context(), "register", entry("teaser", story.Scheduled), nil), state.ErrConflict)
}
