package local

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"

	"storyform/state"
	"storyform/story"
)

// crash is what a failpoint panics with: nothing of the write runs after it,
// except what the end of a process does too, the closing of files.
type crash struct{}

// crashAt makes the store die at a step, the nth time that it comes by.
func crashAt(s *Store, step string, nth int) {
	s.failpoint = func(at string) error {
		if at == step {
			if nth--; nth == 0 {
				panic(crash{})
			}
		}
		return nil
	}
}

// dying runs f and reports whether it crashed.
func dying(f func()) (crashed bool) {
	defer func() {
		if r := recover(); r != nil {
			if _, crashed = r.(crash); !crashed {
				panic(r)
			}
		}
	}()
	f()
	return false
}

// steps are all points at which a run of TestCrash can die.
var steps = []string{stepAppended, stepStaged, stepBackupStaged, stepBackup, stepRenamed, stepJournalStaged, stepCut}

// A run that dies at any point of any write leaves a state in which every
// acknowledged step is there, that the next run goes on with, and that
// forgets nothing when the backup is put back.
func TestCrash(t *testing.T) {
	t.Parallel()
	for _, step := range steps {
		t.Run(step, func(t *testing.T) {
			t.Parallel()
			nth := 1
			for crashesAt(t, step, nth) {
				nth++
			}
			if nth == 1 {
				t.Error("no write comes by")
			}
		})
	}
}

// crashesAt lets a run die when it comes by a step for the nth time, and
// checks what is left. It reports whether it came by that often.
func crashesAt(t *testing.T, step string, nth int) (crashed bool) {
	t.Helper()
	path := filepath.Join(t.TempDir(), DefaultName)
	write(t, path, "one", story.Live)
	acked := story.Live
	store := open(t, path)
	crashAt(store, step, nth)
	crashed = dying(func() {
		s := session(t, store, "dying")
		for _, status := range []story.Status{story.Archived, story.Removed} {
			put(t, s, "one", status)
			acked = status
		}
		if err := s.Close(t.Context()); err != nil {
			t.Errorf("%s, %d: %v", step, nth, err)
		}
	})
	checkSurvivor(t, path, step, acked)
	return crashed
}

// checkSurvivor checks what a run finds after a crash, carries the state on
// and checks again.
func checkSurvivor(t *testing.T, path, step string, acked story.Status) {
	t.Helper()
	// A record that was written and not acknowledged may be there too.
	order := []story.Status{story.Live, story.Archived, story.Removed}
	at := func(s story.Status) int {
		for i, o := range order {
			if o == s {
				return i
			}
		}
		return -1
	}
	next := session(t, open(t, path), "next")
	got, _ := next.Entry(entry("one", "").Address)
	if i := at(got.Status); i < at(acked) || i > at(acked)+1 {
		t.Errorf("crash at %q: got status %q, want %q or the one after it", step, got.Status, acked)
	}
	serial := next.Serial()
	put(t, next, "two", story.Scheduled)
	if err := next.Close(t.Context()); err != nil {
		t.Fatalf("crash at %q: %v", step, err)
	}
	if want := serial + 1; next.Serial() != want {
		t.Errorf("crash at %q: got serial %d, want %d", step, next.Serial(), want)
	}
	before := session(t, open(t, path), "reader").Document()
	copyFile(t, path+".backup", path)
	after := session(t, open(t, path), "reader").Document()
	if diff := cmp.Diff(before, after); diff != "" {
		t.Errorf("crash at %q: the backup forgets (-before +after):\n%s", step, diff)
	}
	if left, _ := filepath.Glob(filepath.Join(filepath.Dir(path), "*.tmp")); len(left) > 0 {
		t.Errorf("crash at %q: left %v", step, left)
	}
}

func copyFile(t *testing.T, from, to string) {
	t.Helper()
	data, err := os.ReadFile(from)
	if err == nil {
		err = os.WriteFile(to, data, 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// A state that was put back from the backup is rolled forward through a
// folded journal and the open one after it, and can be written again.
func TestRollForward(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), DefaultName)
	for _, status := range []story.Status{story.Uploaded, story.Live} {
		s := session(t, open(t, path), "a")
		put(t, s, "one", status)
		if err := s.Close(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	open2 := session(t, open(t, path), "b")
	put(t, open2, "two", story.Publishing) // and it crashes
	copyFile(t, path+".backup", path)

	c := session(t, open(t, path), "c")
	one, _ := c.Entry(entry("one", "").Address)
	two, _ := c.Entry(entry("two", "").Address)
	if one.Status != story.Live || two.Status != story.Publishing || c.Serial() != 2 || c.Recovered() != 1 {
		t.Errorf("got %q, %q at serial %d with %d records, want live, publishing at 2 with 1", one.Status, two.Status, c.Serial(), c.Recovered())
	}
	put(t, c, "two", story.Live)
	if err := c.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := session(t, open(t, path), "d").Serial(); got != 3 {
		t.Errorf("got serial %d, want 3", got)
	}
	// The first document deleted: its journal makes it again.
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	if _, err := state.Open(t.Context(), open(t, path), state.Run{}, now); !isCorrupt(err, "there is no document") {
		t.Errorf("got %v, want an error about the missing document", err)
	}
}

// isCorrupt reports whether err is a *state.CorruptError with a hint that
// says what.
func isCorrupt(err error, what string) bool {
	corrupt, ok := errors.AsType[*state.CorruptError](err)
	return ok && corrupt.Hint != "" && strings.Contains(corrupt.Error(), what)
}

// The journal holds two epochs at most, however many runs there were.
func TestJournalIsBounded(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), DefaultName)
	var sizes []int64
	for range 6 {
		s := session(t, open(t, path), "a")
		put(t, s, "one", story.Scheduled)
		if err := s.Close(t.Context()); err != nil {
			t.Fatal(err)
		}
		info, err := os.Stat(path + ".journal")
		if err != nil {
			t.Fatal(err)
		}
		sizes = append(sizes, info.Size())
	}
	if first, last := sizes[0], sizes[len(sizes)-1]; last > first+16 { // serials get longer
		t.Errorf("got a journal of %d bytes after 6 runs, want %d as after the first", last, first)
	}
}

// A disk that is full at any step loses nothing that was acknowledged, and
// says what couldn't be written.
func TestDiskFull(t *testing.T) {
	t.Parallel()
	full := &fs.PathError{Op: "write", Path: "x", Err: syscall.ENOSPC}
	for _, test := range []struct {
		step    string
		written bool // the state is right all the same
	}{
		{"half a record", false}, {stepAppended, false}, {stepStaged, false}, {stepBackupStaged, false},
		{stepBackup, false}, {stepJournalStaged, true}, {stepCut, true},
	} {
		t.Run(test.step, func(t *testing.T) {
			t.Parallel()
			path := filepath.Join(t.TempDir(), DefaultName)
			first := session(t, open(t, path), "first")
			put(t, first, "one", story.Scheduled)
			if err := first.Close(t.Context()); err != nil {
				t.Fatal(err)
			}
			store := open(t, path)
			s := session(t, store, "a")
			put(t, s, "one", story.Live)
			if test.step == "half a record" {
				store.write = func(f *os.File, b []byte) (int, error) {
					n, _ := f.Write(b[:len(b)/2])
					return n, full
				}
			}
			store.failpoint = func(at string) error {
				if at == test.step {
					return full
				}
				return nil
			}
			err := s.Close(t.Context())
			if test.written != (err == nil) {
				t.Errorf("got error %v, want an error: %v", err, !test.written)
			}
			if err != nil && (!errors.Is(err, syscall.ENOSPC) || !strings.Contains(err.Error(), "the state "+path+": ")) {
				t.Errorf("got error %q, want one that names the path and the full disk", err)
			}
			next := session(t, open(t, path), "next")
			if e, _ := next.Entry(entry("one", "").Address); e.Status != story.Live {
				t.Errorf("got status %q, want %q", e.Status, story.Live)
			}
			put(t, next, "one", story.Archived)
			if err := next.Close(t.Context()); err != nil {
				t.Error(err)
			}
		})
	}
}

// A record that couldn't be synced is not acknowledged, although it can be
// read; the same record again is.
func TestSyncFails(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), DefaultName)
	store := open(t, path)
	syncs := 0
	store.sync = func(f *os.File) error { syncs++; return f.Sync() }
	ok(t, store.Append(t.Context(), step(0, 1, "l", "a")))
	ok(t, store.Append(t.Context(), step(0, 2, "l", "a")))
	if syncs != 2 {
		t.Errorf("got %d syncs for 2 records", syncs)
	}
	store.sync = func(*os.File) error { return syscall.EIO }
	if err := store.Append(t.Context(), step(0, 3, "l", "a")); !errors.Is(err, syscall.EIO) {
		t.Errorf("got %v, want %v", err, syscall.EIO)
	}
	before, err := os.Stat(path + ".journal")
	ok(t, err)
	ok(t, store.Append(t.Context(), step(0, 3, "l", "a")))
	after, err := os.Stat(path + ".journal")
	ok(t, err)
	if os.SameFile(before, after) || before.Size() != after.Size() {
		t.Error("the journal wasn't written anew")
	}
	ok(t, open(t, path).Append(t.Context(), step(0, 4, "l", "a")))
}
