package state_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"storyform/state"
	"storyform/state/statetest"
	"storyform/story"
)

var run = state.Run{ID: "run-1", Who: "ci@runner", Commit: "abc", URL: "https://ci.example.com/1", Tool: "0.1.0"}

func now() time.Time { return time.Date(2026, 12, 20, 9, 0, 0, 0, time.FixedZone("WIB", 7*60*60)) }

func entry(name string, status story.Status) state.Entry {
	return state.Entry{
		Address: story.Address{Type: "story", Name: name}, Page: story.Address{Type: "page", Name: "acme"},
		PageID: "104857600000001", Kind: story.Photo, Source: "media/" + name + ".jpg", Revision: 1, Status: status,
	}
}

func open(t *testing.T, store state.Store) *state.Session {
	t.Helper()
	s, err := state.Open(t.Context(), store, run, now)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func ok(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func TestSession(t *testing.T) {
	m := new(statetest.Memory)
	s := open(t, m)
	if s.Serial() != 0 || s.Lineage() != "" || s.Recovered() != 0 {
		t.Errorf("got serial %d, lineage %q, %d records of a new state", s.Serial(), s.Lineage(), s.Recovered())
	}
	e := entry("teaser", story.Live)
	e.PublishAt, e.Labels = now(), map[string]string{"campaign": "xmas"}
	ok(t, s.Put(t.Context(), "live", e, &state.Event{What: "published", PostID: "1_2"}))
	ok(t, s.Put(t.Context(), "register", entry("promo", story.Scheduled), nil))
	ok(t, s.Drop(t.Context(), "drop", entry("promo", "").Address))
	e.Labels["campaign"] = "changed by the caller"

	got, found := s.Entry(e.Address)
	if !found || got.Labels["campaign"] != "xmas" || got.PublishAt.Location() != time.UTC {
		t.Errorf("got %v, %+v, want the entry as it was put, in UTC", found, got)
	}
	if _, found := s.Entry(entry("promo", "").Address); found {
		t.Error("the dropped entry is there")
	}
	wantEvent := state.Event{
		At: now(), What: "published", Address: e.Address, PostID: "1_2",
		Run: run.ID, Who: run.Who, Commit: run.Commit, RunURL: run.URL,
	}
	if diff := cmp.Diff([]state.Event{wantEvent}, s.Document().History); diff != "" {
		t.Errorf("history (-want +got):\n%s", diff)
	}
	lineage := s.Lineage()
	if len(lineage) != 36 || s.Serial() != 0 {
		t.Errorf("got lineage %q at serial %d, want a UUID at 0", lineage, s.Serial())
	}
	ok(t, s.Close(t.Context()))
	doc, records, err := m.Load(t.Context())
	ok(t, err)
	if diff := cmp.Diff(s.Document(), doc); diff != "" || len(records) != 0 {
		t.Errorf("stored with %d records (-session +stored):\n%s", len(records), diff)
	}
	if doc.Serial != 1 || doc.Lineage != lineage || doc.WrittenBy != run.ID || doc.Tool != run.Tool || !doc.WrittenAt.Equal(now()) {
		t.Errorf("got %+v, want serial 1 of the same lineage, signed by the run", doc)
	}
	if steps := m.Records(); steps[0].Step != "live" || steps[0].Run != run.ID || !steps[0].At.Equal(now()) || steps[3].Step != "seal" {
		t.Errorf("got records %+v", steps)
	}
}

func TestSessionGivesCopies(t *testing.T) {
	s := open(t, new(statetest.Memory))
	e := entry("teaser", story.Uploading)
	e.Operation = &state.Operation{Run: run.ID}
	ok(t, s.Put(t.Context(), "intend", e, &state.Event{What: "x"}))
	got, _ := s.Entry(e.Address)
	got.Operation.Attempt = 7
	doc := s.Document()
	doc.Stories[0].Operation.Attempt, doc.History[0].What = 8, "y"
	if again, _ := s.Entry(e.Address); again.Operation.Attempt != 0 || s.Document().History[0].What != "x" {
		t.Error("the caller changed the session's memory")
	}
}

// A run that wrote nothing writes nothing when it ends, even where another
// run's journal is open: that one is perhaps still at work.
func TestReaderLeavesTheJournalOpen(t *testing.T) {
	m := new(statetest.Memory)
	writer := open(t, m)
	ok(t, writer.Put(t.Context(), "uploaded", entry("teaser", story.Uploaded), nil))
	reader := open(t, m)
	if reader.Recovered() != 1 {
		t.Errorf("got %d records, want 1", reader.Recovered())
	}
	ok(t, reader.Close(t.Context()))
	ok(t, writer.Put(t.Context(), "publishing", entry("teaser", story.Publishing), nil))
	ok(t, writer.Close(t.Context()))
}

func TestFoldWithoutWriting(t *testing.T) {
	m := new(statetest.Memory)
	ok(t, open(t, m).Put(t.Context(), "uploaded", entry("teaser", story.Uploaded), nil)) // and it crashes
	s := open(t, m)
	ok(t, s.Fold(t.Context()))
	ok(t, s.Fold(t.Context())) // nothing is left to fold
	if len(m.Documents()) != 1 || s.Serial() != 1 || len(s.Document().Stories) != 1 {
		t.Errorf("got %d documents, serial %d, want 1, 1", len(m.Documents()), s.Serial())
	}
	ok(t, s.Put(t.Context(), "publishing", entry("teaser", story.Publishing), nil))
	ok(t, s.Close(t.Context()))
	docs := m.Documents()
	if prev, err := state.Hash(docs[0]); err != nil || docs[1].PrevSHA256 != prev || docs[1].Lineage != docs[0].Lineage {
		t.Errorf("the second document doesn't follow the first: %+v", docs[1])
	}
}

func TestClosedSession(t *testing.T) {
	m := new(statetest.Memory)
	s := open(t, m)
	ok(t, s.Put(t.Context(), "uploaded", entry("teaser", story.Uploaded), nil))
	ok(t, s.Close(t.Context()))
	ok(t, s.Close(t.Context()))
	if err := s.Put(t.Context(), "late", entry("teaser", story.Live), nil); err == nil || !strings.Contains(err.Error(), "closed") {
		t.Errorf("got %v, want an error", err)
	}
	ok(t, s.Close(t.Context()))
	if e, _ := open(t, m).Entry(entry("teaser", "").Address); e.Status != story.Uploaded {
		t.Errorf("got status %q, want %q", e.Status, story.Uploaded)
	}
}

// After any error the session writes nothing more and says so each time, and
// the memory keeps what was acknowledged.
func TestErrorEndsTheSession(t *testing.T) {
	errDown := errors.New("the store is down")
	bad := entry("teaser", "no such status")
	cancelled, cancel := context.WithCancel(t.Context())
	cancel()
	for _, test := range []struct {
		name string
		fail func(m *statetest.Memory, s *state.Session) error
		want string
	}{
		{"store down", func(m *statetest.Memory, s *state.Session) error {
			m.Before = func(statetest.Call) error { return errDown }
			defer func() { m.Before = nil }()
			return s.Put(t.Context(), "live", entry("teaser", story.Live), nil)
		}, errDown.Error()},
		{"invalid entry", func(_ *statetest.Memory, s *state.Session) error { return s.Put(t.Context(), "live", bad, nil) }, "unknown status"},
		{"cancelled", func(_ *statetest.Memory, s *state.Session) error {
			return s.Put(cancelled, "live", entry("teaser", story.Live), nil)
		}, "context canceled"},
		{"fold", func(m *statetest.Memory, s *state.Session) error {
			m.Before = func(c statetest.Call) error {
				if c.Op == statetest.OpCommit {
					return errDown
				}
				return nil
			}
			defer func() { m.Before = nil }()
			return s.Close(t.Context())
		}, errDown.Error()},
	} {
		t.Run(test.name, func(t *testing.T) {
			m := new(statetest.Memory)
			s := open(t, m)
			ok(t, s.Put(t.Context(), "publishing", entry("teaser", story.Publishing), nil))
			first := test.fail(m, s)
			if first == nil || !strings.Contains(first.Error(), test.want) {
				t.Fatalf("got %v, want %q", first, test.want)
			}
			before := len(m.Records())
			for _, err := range []error{
				s.Put(t.Context(), "live", entry("teaser", story.Live), nil),
				s.Drop(t.Context(), "drop", entry("teaser", "").Address),
				s.Fold(t.Context()),
				s.Close(t.Context()),
			} {
				if err != first {
					t.Errorf("got %v, want %v again", err, first)
				}
			}
			if got := len(m.Records()); got != before || len(m.Documents()) != 0 {
				t.Errorf("got %d records and %d documents, want %d and none", got, len(m.Documents()), before)
			}
			if e, _ := s.Entry(entry("teaser", "").Address); e.Status != story.Publishing {
				t.Errorf("got status %q, want %q", e.Status, story.Publishing)
			}
			next := open(t, m)
			ok(t, next.Put(t.Context(), "live", entry("teaser", story.Live), nil))
			ok(t, next.Close(t.Context()))
		})
	}
}

func TestOpenRefusesAJournalThatDoesNotFit(t *testing.T) {
	for _, test := range []struct {
		want string
		rec  state.Record
	}{
		{"record 2 follows record 0", state.Record{Seq: 2, Lineage: "l", Seal: true}},
		{"follows serial 3, and the document has serial 0", state.Record{Base: 3, Seq: 1, Lineage: "l", Seal: true}},
	} {
		_, err := state.Open(t.Context(), &broken{records: []state.Record{test.rec}}, run, now)
		corrupt, isCorrupt := errors.AsType[*state.CorruptError](err)
		if !isCorrupt || !strings.Contains(err.Error(), test.want) || corrupt.Hint == "" || corrupt.Where != "memory" {
			t.Errorf("got %v, want a *state.CorruptError with a hint and %q", err, test.want)
		}
	}
}

// broken is a store with a journal that doesn't fit its document.
type broken struct {
	statetest.Memory
	records []state.Record
}

// Load returns an empty document and the journal.
func (b *broken) Load(context.Context) (*state.Document, []state.Record, error) {
	return new(state.Document), b.records, nil
}

// Pages publish side by side: their steps go through one session.
func TestPutFromManyGoroutines(t *testing.T) {
	const pages, steps = 8, 20
	m := new(statetest.Memory)
	s := open(t, m)
	var wg sync.WaitGroup
	for p := range pages {
		wg.Go(func() {
			for range steps {
				e := entry(fmt.Sprintf("s%d", p), story.Scheduled)
				if err := s.Put(t.Context(), "test", e, &state.Event{What: "test"}); err != nil {
					t.Error(err)
				}
				s.Entry(e.Address)
				s.Document()
			}
		})
	}
	wg.Wait()
	ok(t, s.Close(t.Context()))
	if doc := s.Document(); len(doc.Stories) != pages || len(doc.History) != pages*steps {
		t.Errorf("got %d stories, %d events, want %d, %d", len(doc.Stories), len(doc.History), pages, pages*steps)
	}
}

// What the errors say to people.
func TestErrorTexts(t *testing.T) {
	for _, test := range []struct {
		err  error
		want string
	}{
		{&state.LockedError{Holder: state.LockInfo{ID: "7", Operation: "apply", Who: "ci@runner", Created: now()}},
			"the state is locked by ci@runner since 2026-12-20T02:00:00Z (apply, lock ID 7)"},
		{&state.CorruptError{Where: "s.json", Err: errors.New("it is empty")}, "s.json can't be read: it is empty"},
		{&state.VersionError{Where: "s.json", Got: 3, Tool: "3.0"},
			"s.json has state format 3 (written by storyform 3.0); this storyform reads formats up to 2: use a newer storyform"},
	} {
		if got := test.err.Error(); got != test.want {
			t.Errorf("got %q, want %q", got, test.want)
		}
	}
}
