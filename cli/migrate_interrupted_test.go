package cli

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"filippo.io/age"

	"storyform/internal/clock"
	"storyform/state"
	"storyform/state/encrypted"
	"storyform/state/statetest"
	"storyform/story"
)

// live records that a story went out, as a run at a place would.
func live(t *testing.T, store state.Store, names ...string) {
	t.Helper()
	now := time.Date(2026, 12, 20, 2, 0, 0, 0, time.UTC)
	s, err := state.Open(t.Context(), store, state.Run{ID: state.NewID()}, func() time.Time { return now })
	for _, name := range names {
		addr := story.Address{Type: "story", Name: name}
		if err == nil {
			err = s.Put(t.Context(), "live", state.Entry{
				Address: addr, Page: story.Address{Type: "page", Name: "acme"}, PageID: "104857600000001", Kind: story.Photo,
				Source: "a.jpg", Revision: 1, Status: story.Live, MediaID: name, TriedMedia: []string{name},
			}, &state.Event{What: "published", Revision: 1, MediaID: name})
		}
	}
	if err != nil {
		t.Fatal(err)
	}
	if names[0] != "open" { // else the run is killed, and leaves its journal
		if err := s.Close(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
}

// A move ends at every of its operations, before or after its effect, also
// when the state comes back to where it was and when encryption is turned on by
// it; runs at the old place may go on in between. Moving once more finishes it,
// and no story is forgotten.
func TestMoveInterrupted(t *testing.T) {
	identity, err := age.GenerateX25519Identity()
	if err != nil {
		t.Fatal(err)
	}
	fault := errors.New("the runner is gone")
	for _, after := range []bool{false, true} {
		for _, back := range []bool{false, true} {
			for _, meanwhile := range []bool{false, true} {
				for n := range 8 {
					t.Run(fmt.Sprintf("%v %v %v %d", after, back, meanwhile, n), func(t *testing.T) {
						a := &app{Env: Env{Clock: clock.NewFake(time.Date(2026, 12, 20, 2, 0, 0, 0, time.UTC)).Clock()}}
						inner := []*named{{place: "a"}, {place: "b"}}
						keys := encrypted.Keys{Recipients: []age.Recipient{identity.Recipient()}, Identities: []age.Identity{identity}}
						from, to := encrypted.New(inner[0], keys), encrypted.New(inner[1], keys)
						live(t, inner[0], "a")
						if back { // it was there before
							live(t, inner[1], "a")
							inner[0] = &named{place: "a"}
							from = encrypted.New(inner[0], keys)
							if err := a.move(t.Context(), to, from); err != nil {
								t.Fatal(err)
							}
						}
						live(t, from, "open", "b")
						calls := 0
						hook := func(statetest.Call) error {
							if calls++; calls > n {
								return fault
							}
							return nil
						}
						for _, m := range inner {
							if after {
								m.After = hook
							} else {
								m.Before = hook
							}
						}
						first := a.move(t.Context(), from, to)
						for _, m := range inner {
							m.After, m.Before = nil, nil
						}
						want := []string{"a", "b", "open"}
						if doc, _, err := from.Load(t.Context()); err != nil || meanwhile && doc.MovedTo == "" {
							if err != nil {
								t.Fatal(err)
							}
							live(t, from, "c")
							want = []string{"a", "b", "c", "open"}
						}
						again := a.move(t.Context(), from, to)
						if moved, _, err := from.Load(t.Context()); err != nil || moved.MovedTo != "b" {
							t.Fatalf("the old place says %q, %v (%v, then %v)", moved.MovedTo, err, first, again)
						}
						doc, _, err := to.Load(t.Context())
						if err != nil || doc.MovedTo != "" {
							t.Fatalf("the new place: %v, %v", doc.MovedTo, err)
						}
						var got []string
						for _, e := range doc.Stories {
							got = append(got, e.Address.Name)
						}
						if fmt.Sprint(got) != fmt.Sprint(want) {
							t.Errorf("got %v, want %v", got, want)
						}
					})
				}
			}
		}
	}
}
