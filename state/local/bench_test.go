package local

import (
	"fmt"
	"path/filepath"
	"testing"

	"storyform/state"
	"storyform/story"
)

// sizes of states, in stories.
var sizes = []int{10, 10_000}

// filled returns a store with a state of n stories.
func filled(b *testing.B, n int) *Store {
	b.Helper()
	store, err := Open(filepath.Join(b.TempDir(), DefaultName))
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { store.Close() })
	doc := &state.Document{Lineage: "l", Serial: 1}
	for i := range n {
		e := entry(fmt.Sprintf("s%d", i), story.Archived)
		doc.Stories = append(doc.Stories, e)
		doc.History = append(doc.History, state.Event{At: now(), What: "published", Address: e.Address, Kind: e.Kind, Run: "r"})
	}
	if err := store.Commit(b.Context(), doc); err != nil {
		b.Fatal(err)
	}
	return store
}

// A durable step costs the same whatever the state holds.
func BenchmarkPut(b *testing.B) {
	for _, n := range sizes {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			store := filled(b, n)
			s, err := state.Open(b.Context(), store, state.Run{ID: "r"}, now)
			if err != nil {
				b.Fatal(err)
			}
			b.ReportAllocs()
			for b.Loop() {
				if err := s.Put(b.Context(), "bench", entry("s1", story.Live), &state.Event{What: "published"}); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkLoad(b *testing.B) {
	for _, n := range sizes {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			store := filled(b, n)
			for b.Loop() {
				if _, _, err := store.Load(b.Context()); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// BenchmarkRun is a whole run with one step: open, put, close.
func BenchmarkRun(b *testing.B) {
	for _, n := range sizes {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			store := filled(b, n)
			for b.Loop() {
				s, err := state.Open(b.Context(), store, state.Run{ID: "r"}, now)
				if err != nil {
					b.Fatal(err)
				}
				if err := s.Put(b.Context(), "bench", entry("s1", story.Live), nil); err != nil {
					b.Fatal(err)
				}
				if err := s.Close(b.Context()); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
