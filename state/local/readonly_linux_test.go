package local

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"

	"storyform/state"
	"storyform/story"
)

// asNobody runs f with the file permissions of an ordinary user. They belong
// to the thread, which ends with the goroutine.
func asNobody(t *testing.T, f func()) {
	t.Helper()
	if os.Geteuid() != 0 {
		f()
		return
	}
	done := make(chan error)
	go func() {
		runtime.LockOSThread()
		const nobody = 65534
		err := syscall.Setfsuid(nobody)
		if err == nil {
			f()
		}
		done <- err
	}()
	if err := <-done; err != nil {
		t.Fatal(err)
	}
}

// passable makes a folder of t.TempDir one that everybody may enter.
func passable(t *testing.T, dir string) {
	t.Helper()
	for _, d := range []string{dir, filepath.Dir(dir)} {
		if err := os.Chmod(d, 0o755); err != nil {
			t.Fatal(err)
		}
	}
}

// Where nothing may be written a state can be read; a write says what was
// refused, and changes nothing.
func TestReadOnlyFolder(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, DefaultName)
	write(t, path, "one", story.Live)
	for _, name := range names(t, dir) {
		if err := os.Chmod(filepath.Join(dir, name), 0o444); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Remove(filepath.Join(dir, ".storyform.state.json.guard")); err != nil {
		t.Fatal(err)
	}
	passable(t, dir)
	if err := os.Chmod(dir, 0o555); err != nil {
		t.Fatal(err)
	}
	defer os.Chmod(dir, 0o755)
	asNobody(t, func() {
		store, err := Open(path)
		if err != nil {
			t.Error(err)
			return
		}
		defer store.Close()
		s, err := state.Open(t.Context(), store, state.Run{ID: "a"}, now)
		if err != nil {
			t.Error(err)
			return
		}
		if e, ok := s.Entry(entry("one", "").Address); !ok || e.Status != story.Live {
			t.Errorf("got %v %q, want the live story", ok, e.Status)
		}
		_, lockErr := store.Lock(t.Context(), state.LockInfo{})
		for op, err := range map[string]error{
			"write to the journal of": s.Put(t.Context(), "test", entry("one", story.Archived), nil),
			"lock":                    lockErr,
			"write":                   store.Commit(t.Context(), &state.Document{Lineage: "x", Serial: 9}),
		} {
			if !errors.Is(err, fs.ErrPermission) || !strings.HasPrefix(err.Error(), op+" the state "+path+": ") {
				t.Errorf("%s: got error %v, want permission denied", op, err)
			}
		}
	})
}

// A state that may not be read is an error, never an empty state.
func TestUnreadable(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, DefaultName)
	write(t, path, "one", story.Live)
	passable(t, dir)
	asNobody(t, func() {
		store, err := Open(path)
		if err != nil {
			t.Error(err)
			return
		}
		defer store.Close()
		if err := os.Chmod(path, 0o000); err != nil && os.Geteuid() != 0 {
			t.Error(err)
		}
		if doc, _, err := store.Load(t.Context()); !errors.Is(err, fs.ErrPermission) || !strings.Contains(err.Error(), path) {
			t.Errorf("got %v, %v, want permission denied", doc, err)
		}
	})
}
