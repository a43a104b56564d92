package statetest

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"

	"storyform/state"
	"storyform/story"
)

// Audit compares what many runs were told with what the state holds in the
// end. Its zero value is ready for use, by several goroutines.
type Audit struct {
	mu      sync.Mutex
	tried   map[string]bool
	acked   map[string]bool
	commits map[uint64]Link
	broken  []error
}

// Link is one document of the chain, as the run that committed it knows it.
type Link struct {
	Serial     uint64
	Hash, Prev string // SHA-256 of this document and of the one before
}

// LinkOf returns the link of a document.
func LinkOf(doc *state.Document) (Link, error) {
	hash, err := state.Hash(doc)
	return Link{Serial: doc.Serial, Hash: hash, Prev: doc.PrevSHA256}, err
}

// Tried notes that a run is about to write the event with this note.
func (a *Audit) Tried(note string) { a.note(&a.tried, note) }

// Acknowledged notes that the store told a run that it is durable.
func (a *Audit) Acknowledged(note string) { a.note(&a.acked, note) }

func (a *Audit) note(set *map[string]bool, note string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if *set == nil {
		*set = map[string]bool{}
	}
	(*set)[note] = true
}

// Committed notes that the store told a run that a document is durable.
func (a *Audit) Committed(l Link) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.commits == nil {
		a.commits = map[uint64]Link{}
	}
	if other, ok := a.commits[l.Serial]; ok && other != l {
		a.broken = append(a.broken, fmt.Errorf("two documents of serial %d were committed: %s and %s", l.Serial, other.Hash, l.Hash))
	}
	a.commits[l.Serial] = l
}

// Check reports every acknowledged event that isn't in the history of doc,
// every event that is in it twice or that nobody wrote, and every break in
// the chain of documents.
func (a *Audit) Check(t testing.TB, doc *state.Document) {
	t.Helper()
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, err := range a.broken {
		t.Error(err)
	}
	times := map[string]int{}
	for _, ev := range doc.History {
		times[ev.Note]++
	}
	for note, n := range times {
		if n > 1 {
			t.Errorf("%s is in the history %d times", note, n)
		}
		if !a.tried[note] {
			t.Errorf("%s is in the history and nobody wrote it", note)
		}
	}
	for note := range a.acked {
		if times[note] == 0 {
			t.Errorf("%s was acknowledged and is lost", note)
		}
	}
	for serial, link := range a.commits {
		if before, ok := a.commits[serial-1]; ok && link.Prev != before.Hash {
			t.Errorf("serial %d names %s as the hash of the document before it, which is %s", serial, link.Prev, before.Hash)
		}
		if serial > doc.Serial {
			t.Errorf("serial %d was committed and the newest is %d", serial, doc.Serial)
		}
	}
}

// audited is a store that reports its commits to an Audit.
type audited struct {
	state.Store
	audit *Audit
}

// Commit commits and tells the audit.
func (s audited) Commit(ctx context.Context, doc *state.Document) error {
	if err := s.Store.Commit(ctx, doc); err != nil {
		return err
	}
	link, err := LinkOf(doc)
	s.audit.Committed(link)
	return err
}

// Watch returns store with its commits reported to a.
func (a *Audit) Watch(store state.Store) state.Store { return audited{store, a} }

const (
	workers     = 4
	runsEach    = 4
	stepsPerRun = 3
	fairTries   = 5 // of one run in the crowd; then it gets its turn alone
)

// testManyRuns lets runs fight without a lock: a conflict is the only thing
// that keeps them apart. The one that loses starts again.
func testManyRuns(t *testing.T, in Instance) {
	var audit Audit
	var wg sync.WaitGroup
	var turn sync.RWMutex
	attempt := func(store state.Store, id string, try int) error {
		if try < fairTries {
			turn.RLock()
			defer turn.RUnlock()
		} else { // without this all could spoil each other's runs for ever
			turn.Lock()
			defer turn.Unlock()
		}
		return oneRun(t.Context(), store, &audit, fmt.Sprintf("%s-try%d", id, try))
	}
	for w := range workers {
		store := audit.Watch(in.Open())
		wg.Go(func() {
			for run := range runsEach {
				err := state.ErrConflict
				for try := 0; errors.Is(err, state.ErrConflict) && try <= fairTries; try++ {
					err = attempt(store, fmt.Sprintf("w%d-run%d", w, run), try)
				}
				if err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	wg.Wait()
	s := session(t, in.Open(), "auditor")
	audit.Check(t, s.Document())
	if got := len(s.Document().History); got < workers*runsEach*stepsPerRun {
		t.Errorf("got %d events, want at least %d", got, workers*runsEach*stepsPerRun)
	}
}

// oneRun opens a session, writes some steps and closes it.
func oneRun(ctx context.Context, store state.Store, audit *Audit, id string) error {
	s, err := state.Open(ctx, store, state.Run{ID: id, Tool: "0.1.0"}, start.Local)
	if err != nil {
		return err
	}
	for step := range stepsPerRun {
		note := fmt.Sprintf("%s-step%d", id, step)
		audit.Tried(note)
		e := entry(fmt.Sprintf("s%d", step), story.Scheduled)
		if err := s.Put(ctx, "test", e, &state.Event{What: "test", Note: note}); err != nil {
			return errors.Join(err, s.Close(ctx))
		}
		audit.Acknowledged(note)
	}
	return s.Close(ctx)
}
