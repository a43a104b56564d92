package local

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"storyform/internal/filelock"
	"storyform/state"
	"storyform/story"
)

// step returns a record at a position.
func step(base uint64, seq int, lineage, run string) state.Record {
	e := entry("one", story.Uploaded)
	return state.Record{Base: base, Seq: seq, Lineage: lineage, At: now(), Run: run, Key: e.Address, Entry: &e}
}

func wantConflict(t *testing.T, err error) {
	t.Helper()
	if !errors.Is(err, state.ErrConflict) {
		t.Errorf("got %v, want %v", err, state.ErrConflict)
	}
}

func ok(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// A run that outlived its state can't write into one that was begun anew at
// the same place, even where the positions match.
func TestAnotherLineage(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), DefaultName)
	ok(t, open(t, path).Append(t.Context(), step(0, 1, "new", "a")))
	wantConflict(t, open(t, path).Append(t.Context(), step(0, 2, "old", "b")))
	ok(t, open(t, path).Append(t.Context(), step(0, 2, "new", "b")))
}

// A journal that was replaced by another of the same size is noticed.
func TestJournalOfTheSameSize(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), DefaultName)
	store := open(t, path)
	ok(t, store.Append(t.Context(), step(0, 1, "l", "a")))
	other := filepath.Join(t.TempDir(), DefaultName)
	ok(t, open(t, other).Append(t.Context(), step(0, 1, "l", "b")))
	copyFile(t, other+".journal", path+".journal")
	wantConflict(t, store.Append(t.Context(), step(0, 1, "l", "a")))
	ok(t, store.Append(t.Context(), step(0, 1, "l", "b")))
}

// A document isn't written over records that it may not hold.
func TestCommitOverRecords(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), DefaultName)
	store := open(t, path)
	records := []state.Record{step(0, 1, "l", "a")}
	sealed := append(records, state.Record{Seq: 2, Lineage: "l", Seal: true})
	doc, err := state.Fold(new(state.Document), sealed)
	ok(t, err)

	ok(t, store.Append(t.Context(), records[0]))
	wantConflict(t, store.Commit(t.Context(), doc)) // not sealed
	ok(t, store.Append(t.Context(), sealed[1]))
	later := doc.Clone()
	later.Serial = 7
	wantConflict(t, store.Commit(t.Context(), later)) // not the next one
	ok(t, store.Commit(t.Context(), doc))
	ok(t, store.Commit(t.Context(), later)) // nothing is in the journal now
	wantConflict(t, store.Append(t.Context(), step(1, 1, "l", "a")))
	ok(t, store.Append(t.Context(), step(7, 1, "l", "a")))
}

// A run that folds what another had folded, and whose document was put back
// from the backup since, heals the file.
func TestCommitAfterRollBack(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), DefaultName)
	write(t, path, "one", story.Uploaded)
	write(t, path, "one", story.Live)
	newest := session(t, open(t, path), "r").Document()
	s := session(t, open(t, path), "a")
	put(t, s, "two", story.Scheduled) // an open journal after the newest
	copyFile(t, path+".backup", path)

	ok(t, open(t, path).Commit(t.Context(), newest))
	data, err := os.ReadFile(path)
	ok(t, err)
	if !strings.Contains(string(data), `"serial": 2`) {
		t.Errorf("the document wasn't written:\n%s", data)
	}
	r := session(t, open(t, path), "r")
	if e, _ := r.Entry(entry("two", "").Address); r.Serial() != 2 || e.Status != story.Scheduled {
		t.Errorf("got serial %d, status %q, want 2, %q", r.Serial(), e.Status, story.Scheduled)
	}
	other := newest.Clone()
	other.WrittenBy = "somebody else"
	wantConflict(t, open(t, path).Commit(t.Context(), other))
}

// What a step costs doesn't grow with the state.
func TestPutCostsTheSame(t *testing.T) {
	// Not parallel: what other tests allocate would be counted as well.
	cost := func(stories int) float64 {
		path := filepath.Join(t.TempDir(), DefaultName)
		doc := &state.Document{Lineage: "l", Serial: 1}
		for i := range stories {
			doc.Stories = append(doc.Stories, entry("s"+strings.Repeat("x", i), story.Archived))
			doc.History = append(doc.History, state.Event{At: now(), What: "published"})
		}
		store := open(t, path)
		ok(t, store.Commit(t.Context(), doc))
		s := session(t, store, "a")
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		for range 50 {
			ok(t, s.Put(t.Context(), "test", entry("s", story.Live), &state.Event{What: "published"}))
		}
		runtime.ReadMemStats(&after)
		return float64(after.TotalAlloc - before.TotalAlloc)
	}
	small, large := cost(3), cost(600)
	if large > 1.2*small+20_000 {
		t.Errorf("got %.0f bytes allocated for 50 steps in a large state, %.0f in a small one", large, small)
	}
}

// A reader that is overtaken by writers between its two files reads again:
// it never takes files of different moments for a damaged state, and gives
// what was there at one moment.
func TestLoadWhileOthersWrite(t *testing.T) {
	t.Parallel()
	for _, meanwhile := range []struct {
		name  string
		write func(path string)
		want  uint64
	}{
		{"a run", func(path string) { write(t, path, "one", story.Live) }, 2},
		{"three runs", func(path string) {
			for range 3 {
				write(t, path, "one", story.Live)
			}
		}, 4},
		{"an open journal", func(path string) { put(t, session(t, open(t, path), "other"), "one", story.Live) }, 1},
	} {
		t.Run(meanwhile.name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), DefaultName)
			write(t, path, "one", story.Uploaded)
			reader := open(t, path)
			once := false
			reader.failpoint = func(at string) error {
				if at == stepRead && !once {
					once = true
					meanwhile.write(path)
				}
				return nil
			}
			s := session(t, reader, "reader")
			if e, _ := s.Entry(entry("one", "").Address); s.Serial() != meanwhile.want || e.Status != story.Live {
				t.Errorf("got status %q at serial %d, want %q at %d", e.Status, s.Serial(), story.Live, meanwhile.want)
			}
		})
	}
}

// A reader that is overtaken all the time gives up.
func TestLoadGivesUp(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), DefaultName)
	write(t, path, "one", story.Uploaded)
	reader := open(t, path)
	reader.failpoint = func(string) error { // as if the journal had been cut
		copyFile(t, path+".journal", path+".new")
		return os.Rename(path+".new", path+".journal")
	}
	_, _, err := reader.Load(t.Context())
	if err == nil || !strings.Contains(err.Error(), "write to it all the time") {
		t.Errorf("got %v, want an error", err)
	}
}

// A process that is stopped while it writes holds up the others no longer
// than they want to wait, and they write nothing.
func TestGuardIsHeld(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), DefaultName)
	store := open(t, path)
	ok(t, store.Append(t.Context(), step(0, 1, "l", "a")))
	guard, err := os.OpenFile(filepath.Join(filepath.Dir(path), ".storyform.state.json.guard"), os.O_RDWR, 0)
	ok(t, err)
	ok(t, filelock.Try(guard))
	impatient, cancel := context.WithCancel(t.Context())
	cancel()
	if err := store.Append(impatient, step(0, 2, "l", "a")); !errors.Is(err, filelock.ErrBusy) || !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want %v and %v", err, filelock.ErrBusy, context.Canceled)
	}
	if _, records, err := store.Load(t.Context()); err != nil || len(records) != 1 {
		t.Errorf("got %d records, error %v, want 1", len(records), err)
	}
	ok(t, guard.Close())
	ok(t, store.Append(t.Context(), step(0, 2, "l", "a")))
}
