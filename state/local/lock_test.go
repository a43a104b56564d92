package local

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"storyform/state"
)

func TestCheckNoticesTheLoss(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name string
		lose func(store *Store, lockFile string) error
	}{
		{"force-unlock", func(store *Store, _ string) error { return store.ForceUnlock(t.Context(), "a") }},
		{"file deleted", func(_ *Store, lockFile string) error { return os.Remove(lockFile) }},
	} {
		t.Run(test.name, func(t *testing.T) {
			dir := t.TempDir()
			store := open(t, filepath.Join(dir, DefaultName))
			held, err := store.Lock(t.Context(), state.LockInfo{ID: "a", Who: "me"})
			if err != nil {
				t.Fatal(err)
			}
			if err := held.Check(0); err != nil {
				t.Errorf("got %v before the loss", err)
			}
			if err := test.lose(store, filepath.Join(dir, ".storyform.state.json.lock")); err != nil {
				t.Fatal(err)
			}
			if err := held.Check(0); !errors.Is(err, state.ErrLockLost) {
				t.Errorf("got %v, want %v", err, state.ErrLockLost)
			}
			if err := held.Unlock(t.Context()); !errors.Is(err, state.ErrLockLost) {
				t.Errorf("got %v, want %v", err, state.ErrLockLost)
			}
		})
	}
}

// What a dead holder left behind locks nothing, and says nothing to others.
func TestLeftLockFile(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	path := filepath.Join(dir, DefaultName)
	store := open(t, path)
	overwrite(t, filepath.Join(dir, ".storyform.state.json.lock"), `{"ID": "dead", "Who": "`+strings.Repeat("x", 1000)+`"}`)
	if err := store.ForceUnlock(t.Context(), "dead"); !errors.Is(err, state.ErrNotLocked) {
		t.Errorf("got %v, want %v", err, state.ErrNotLocked)
	}
	overwrite(t, filepath.Join(dir, ".storyform.state.json.lock"), `{"ID": "dead", "Who": "`+strings.Repeat("x", 1000)+`"}`)
	held, err := store.Lock(t.Context(), state.LockInfo{Who: "me"})
	if err != nil {
		t.Fatal(err)
	}
	if got := held.Info(); got.ID == "" || got.Path != path {
		t.Errorf("got %+v, want an ID and the path", got)
	}
	_, err = store.Lock(t.Context(), state.LockInfo{Who: "other"})
	locked, ok := errors.AsType[*state.LockedError](err)
	if !ok || locked.Holder != held.Info() {
		t.Errorf("got %v, want %+v", err, held.Info())
	}
	if err := held.Unlock(t.Context()); err != nil {
		t.Error(err)
	}
}

// A lock file that somebody wrote over still locks.
func TestUnreadableLockFile(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	store := open(t, filepath.Join(dir, DefaultName))
	held, err := store.Lock(t.Context(), state.LockInfo{ID: "a"})
	if err != nil {
		t.Fatal(err)
	}
	overwrite(t, filepath.Join(dir, ".storyform.state.json.lock"), "what?")
	_, err = store.Lock(t.Context(), state.LockInfo{ID: "b"})
	locked, ok := errors.AsType[*state.LockedError](err)
	if !ok || locked.Holder.Who == "" || locked.Holder.Path == "" {
		t.Errorf("got %v, want a holder without a name", err)
	}
	if err := held.Unlock(t.Context()); err != nil {
		t.Error(err)
	}
}
