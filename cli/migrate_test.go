package cli

import (
	"testing"
	"time"

	"storyform/internal/clock"
	"storyform/state"
	"storyform/state/statetest"
	"storyform/story"
)

// named is a state in memory with a place of its own.
type named struct {
	statetest.Memory
	place string
}

func (n *named) String() string { return n.place }

// Two machines move one state at once, to two places or to one, after one of
// them has broken the other's lock: one place has the state afterwards, and
// whoever comes to another one is told.
func TestMoveTwice(t *testing.T) {
	for _, test := range []struct {
		name, second, want string
	}{
		{"to two places", "c", "c"},
		{"to one place", "b", "b"},
	} {
		t.Run(test.name, func(t *testing.T) {
			a := &app{Env: Env{Clock: clock.NewFake(time.Date(2026, 12, 20, 2, 0, 0, 0, time.UTC)).Clock()}}
			from, b, c := &named{place: "a"}, &named{place: "b"}, &named{place: "c"}
			places := map[string]*named{"b": b, "c": c}
			first := &state.Document{Version: state.FormatVersion, Lineage: "l", Serial: 1, Stories: []state.Entry{{
				Address: story.Address{Type: "story", Name: "a"}, Page: story.Address{Type: "page", Name: "acme"}, PageID: "104857600000001",
				Kind: story.Photo, Source: "a.jpg", Revision: 1, Status: story.Scheduled,
			}}}
			if err := from.Commit(t.Context(), first); err != nil {
				t.Fatal(err)
			}
			from.Before = func(call statetest.Call) error {
				if call.Op != statetest.OpCommit {
					return nil
				}
				from.Before = nil
				return a.move(t.Context(), from, places[test.second]) // the copy is there, the mark isn't
			}
			err := a.move(t.Context(), from, b)
			if (err == nil) != (test.second == "b") {
				t.Errorf("the slower move: %v", err)
			}
			var usable []string
			for _, n := range []*named{from, b, c} {
				doc, _, err := n.Load(t.Context())
				if err != nil {
					t.Fatal(err)
				}
				if doc.Serial > 0 && doc.MovedTo == "" {
					usable = append(usable, n.place)
				} else if doc.Serial > 0 && doc.MovedTo != test.want {
					t.Errorf("%s says that the state was moved to %s", n.place, doc.MovedTo)
				}
			}
			if len(usable) != 1 || usable[0] != test.want {
				t.Errorf("the state is in %v, want %s", usable, test.want)
			}
		})
	}
}
