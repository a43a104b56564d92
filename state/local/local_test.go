package local

import (
	"errors"
	"path/filepath"
	"testing"
	"time"

	"storyform/state"
	"storyform/story"
)

func entry(name string, status story.Status) state.Entry {
	return state.Entry{
		Address: story.Address{Type: "story", Name: name}, Page: story.Address{Type: "page", Name: "acme"},
		PageID: "104857600000001", Kind: story.Photo, Source: "media/" + name + ".jpg", Revision: 1, Status: status,
	}
}

func now() time.Time { return time.Date(2026, 12, 20, 2, 0, 0, 0, time.UTC) }

func open(t *testing.T, path string) *Store {
	t.Helper()
	s, err := Open(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

func session(t *testing.T, store state.Store, run string) *state.Session {
	t.Helper()
	s, err := state.Open(t.Context(), store, state.Run{ID: run, Tool: "0.1.0"}, now)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func put(t *testing.T, s *state.Session, name string, status story.Status) {
	t.Helper()
	if err := s.Put(t.Context(), "test", entry(name, status), nil); err != nil {
		t.Fatal(err)
	}
}

func TestSessionOnFiles(t *testing.T) {
	path := filepath.Join(t.TempDir(), DefaultName)
	a := session(t, open(t, path), "a")
	put(t, a, "one", story.Scheduled)
	put(t, a, "one", story.Uploading)
	b := session(t, open(t, path), "b")
	if got, want := b.Recovered(), 2; got != want {
		t.Errorf("got %d records, want %d", got, want)
	}
	put(t, b, "one", story.Uploaded)
	if err := a.Put(t.Context(), "test", entry("one", story.Publishing), nil); !errors.Is(err, state.ErrConflict) {
		t.Errorf("got %v, want a conflict", err)
	} else {
		t.Log(err)
	}
	if err := b.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	c := session(t, open(t, path), "c")
	if e, ok := c.Entry(story.Address{Type: "story", Name: "one"}); !ok || e.Status != story.Uploaded || c.Serial() != 1 {
		t.Errorf("got %v %v at serial %d", ok, e.Status, c.Serial())
	}
}
