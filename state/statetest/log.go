package statetest

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"storyform/state"
	"storyform/story"
)

// empty is the document of a state that was never written.
func empty() *state.Document { return new(state.Document) }

func testNeverWritten(t *testing.T, in Instance) {
	store := in.Open()
	wantLoad(t, store, empty())
	if store.String() == "" {
		t.Error("the store doesn't say where the state is")
	}
	s := session(t, store, "a")
	ok(t, s.Close(t.Context()))
	wantLoad(t, in.Open(), empty())
}

func testAppend(t *testing.T, in Instance) {
	store := in.Open()
	first, second := record(0, 1, "a"), record(0, 2, "a")
	second.Entry = nil // a drop
	ok(t, store.Append(t.Context(), first))
	wantLoad(t, in.Open(), empty(), first)
	ok(t, store.Append(t.Context(), second))
	wantLoad(t, in.Open(), empty(), first, second)
	wantLoad(t, store, empty(), first, second)
}

func testEveryField(t *testing.T, in Instance) {
	const hostile = "<a href=\"x\">&amp;\u2028\x00\n\r\t'\\ ünï 🎄 \U0010ffff"
	at := start.Add(time.Nanosecond)
	e := entry("full", story.Unknown)
	e.Address = e.Address.At(hostile)
	e.Source, e.SHA256, e.Bytes, e.Revision = hostile, strings.Repeat("0f", 32), 1<<40, 1<<30
	e.PublishAt, e.NotAfter, e.PublishedAt, e.ExpiresAt, e.Window = at, at, at, at, time.Hour
	e.After = []story.Address{addr("one"), addr("two").At(hostile)}
	e.Labels = map[string]string{hostile: hostile, "": ""}
	e.MediaID, e.TriedMedia, e.PostID, e.URL = "1", []string{"1", "2"}, "2_3", "https://example.com/?a=1&b=<2>"
	e.Operation = &state.Operation{Run: "a", StartedAt: at, UploadURL: "https://rupload.facebook.com/x?a=b&c", UploadedAt: at, Attempt: 2, AttemptAt: at}
	e.Failure = &state.Failure{At: at, Op: "photo_stories", Code: 1, Subcode: 2, Message: strings.Repeat(hostile, 4000), TraceID: "A"}
	e.Forgotten, e.Resolution = true, &state.Resolution{At: at, Who: hostile, Published: true, PostID: "4"}
	ev := state.Event{At: at, What: "resolved", Address: e.Address, Revision: 2, PageID: "1", Kind: story.Video, SHA256: "ff",
		MediaID: "1", PostID: "2", URL: "u", PublishAt: at, PublishedAt: at, Run: "a", Who: hostile, Commit: "c", RunURL: "r", Note: hostile}
	rec := record(0, 1, hostile)
	rec.Key, rec.Entry, rec.Event, rec.At = e.Address, &e, &ev, at

	store := in.Open()
	ok(t, store.Append(t.Context(), rec))
	wantLoad(t, in.Open(), empty(), rec)
	ok(t, store.Append(t.Context(), seal(0, 2, "a")))
	next := fold(t, empty(), rec, seal(0, 2, "a"))
	ok(t, store.Commit(t.Context(), next))
	wantLoad(t, in.Open(), next)
}

func testCommit(t *testing.T, in Instance) {
	store := in.Open()
	doc := empty()
	for serial := uint64(1); serial <= 3; serial++ {
		rec, end := record(serial-1, 1, "a"), seal(serial-1, 2, "a")
		ok(t, store.Append(t.Context(), rec))
		ok(t, store.Append(t.Context(), end))
		doc = fold(t, doc, rec, end)
		ok(t, store.Commit(t.Context(), doc))
		if doc.Serial != serial {
			t.Fatalf("got serial %d, want %d", doc.Serial, serial)
		}
		wantLoad(t, in.Open(), doc)
		wantLoad(t, store, doc)
	}
}

func testMoveIn(t *testing.T, in Instance) {
	doc := fold(t, empty(), record(0, 1, "a"), seal(0, 2, "a"))
	doc.Serial, doc.PrevSHA256 = 12, strings.Repeat("ab", 32)
	ok(t, in.Open().Commit(t.Context(), doc))
	wantLoad(t, in.Open(), doc)
	s := session(t, in.Open(), "a")
	put(t, s, "next", story.Scheduled)
	ok(t, s.Close(t.Context()))
	if got, _, err := in.Open().Load(t.Context()); err != nil || got.Serial != 13 || got.Lineage != lineage {
		t.Errorf("got serial %d, lineage %s, error %v, want 13, %s", got.Serial, got.Lineage, err, lineage)
	}
}

func testMoveInShutsOut(t *testing.T, in Instance) {
	first := session(t, in.Open(), "first")
	put(t, first, "teaser", story.Uploaded)
	ok(t, first.Close(t.Context()))
	late := session(t, in.Open(), "late") // at serial 1, with an empty journal

	doc := first.Document()
	doc.Serial = 5
	ok(t, in.Open().Commit(t.Context(), doc))
	wantErr(t, late.Put(t.Context(), "publishing", entry("teaser", story.Publishing), nil), state.ErrConflict)
	wantLoad(t, in.Open(), doc)
}

func testOwnRecordAgain(t *testing.T, in Instance) {
	rec := record(0, 1, "a")
	ok(t, in.Open().Append(t.Context(), rec))
	ok(t, in.Open().Append(t.Context(), rec)) // the first answer was lost
	end := seal(0, 2, "a")
	ok(t, in.Open().Append(t.Context(), end))
	ok(t, in.Open().Append(t.Context(), end))
	wantLoad(t, in.Open(), empty(), rec, end)
}

func testOwnDocumentAgain(t *testing.T, in Instance) {
	store := in.Open()
	doc := fold(t, empty(), record(0, 1, "a"), seal(0, 2, "a"))
	ok(t, store.Append(t.Context(), record(0, 1, "a")))
	ok(t, store.Append(t.Context(), seal(0, 2, "a")))
	ok(t, store.Commit(t.Context(), doc))
	ok(t, store.Commit(t.Context(), doc))
	ok(t, in.Open().Commit(t.Context(), doc))
	wantLoad(t, in.Open(), doc)
}

func testPositionTaken(t *testing.T, in Instance) {
	store := in.Open()
	ok(t, store.Append(t.Context(), record(0, 1, "a")))
	wantErr(t, store.Append(t.Context(), record(0, 1, "b")), state.ErrConflict)
	wantErr(t, in.Open().Append(t.Context(), record(0, 1, "b")), state.ErrConflict)
	wantErr(t, in.Open().Append(t.Context(), seal(0, 1, "b")), state.ErrConflict)
	wantLoad(t, in.Open(), empty(), record(0, 1, "a"))
}

// rounds is how often a race is run.
const rounds = 10

func testOneOfTwo(t *testing.T, in Instance) {
	for round := range rounds {
		runs := []*state.Session{session(t, in.Open(), "a"), session(t, in.Open(), "b")}
		errs := make([]error, len(runs))
		var wg sync.WaitGroup
		for i, s := range runs {
			wg.Go(func() { errs[i] = s.Put(t.Context(), "publishing", entry("reveal", story.Publishing), nil) })
		}
		wg.Wait()
		won := 0
		for _, err := range errs {
			if err == nil {
				won++
			} else {
				wantErr(t, err, state.ErrConflict)
			}
		}
		if won != 1 {
			t.Fatalf("round %d: got %d winners at one position, want 1: %v", round, won, errs)
		}
	}
	_, records, err := in.Open().Load(t.Context())
	ok(t, err)
	if len(records) != rounds {
		t.Errorf("got %d records, want %d", len(records), rounds)
	}
}

func testSeal(t *testing.T, in Instance) {
	store, late := in.Open(), in.Open()
	rec, end := record(0, 1, "a"), seal(0, 2, "a")
	ok(t, store.Append(t.Context(), rec))
	if _, _, err := late.Load(t.Context()); err != nil { // it knows the position before the seal
		t.Fatal(err)
	}
	ok(t, store.Append(t.Context(), end))
	wantErr(t, store.Append(t.Context(), record(0, 3, "a")), state.ErrConflict)
	wantErr(t, late.Append(t.Context(), record(0, 2, "b")), state.ErrConflict)
	wantErr(t, late.Append(t.Context(), record(0, 3, "b")), state.ErrConflict)
	wantErr(t, in.Open().Append(t.Context(), seal(0, 3, "b")), state.ErrConflict)
	wantLoad(t, in.Open(), empty(), rec, end)
}

func testStaleSerial(t *testing.T, in Instance) {
	late := in.Open()
	if _, _, err := late.Load(t.Context()); err != nil {
		t.Fatal(err)
	}
	for _, run := range []string{"a", "b"} {
		s := session(t, in.Open(), run)
		put(t, s, "teaser", story.Scheduled)
		ok(t, s.Close(t.Context()))
	}
	now, _, err := in.Open().Load(t.Context())
	ok(t, err)
	for serial := uint64(1); serial <= 2; serial++ {
		doc := fold(t, empty(), record(0, 1, "zombie"), seal(0, 2, "zombie"))
		doc.Serial = serial
		wantErr(t, late.Commit(t.Context(), doc), state.ErrConflict)
	}
	wantErr(t, late.Append(t.Context(), record(0, 1, "zombie")), state.ErrConflict)
	wantErr(t, in.Open().Append(t.Context(), record(1, 1, "zombie")), state.ErrConflict)
	wantLoad(t, in.Open(), now)
}

func testStalledRun(t *testing.T, in Instance) {
	stalled := session(t, in.Open(), "stalled")
	put(t, stalled, "reveal", story.Uploaded)

	other := session(t, in.Open(), "other") // broke its lock
	if e, found := other.Entry(addr("reveal")); !found || e.Status != story.Uploaded || other.Recovered() != 1 {
		t.Fatalf("got status %q, %d records, want %q, 1", e.Status, other.Recovered(), story.Uploaded)
	}
	put(t, other, "reveal", story.Publishing)

	wantErr(t, stalled.Put(t.Context(), "publishing", entry("reveal", story.Publishing), nil), state.ErrConflict)
	wantErr(t, stalled.Put(t.Context(), "live", entry("reveal", story.Live), nil), state.ErrConflict)
	wantErr(t, stalled.Close(t.Context()), state.ErrConflict)
	put(t, other, "reveal", story.Live)
	ok(t, other.Close(t.Context()))
	if e, _ := session(t, in.Open(), "reader").Entry(addr("reveal")); e.Status != story.Live {
		t.Errorf("got status %q, want %q", e.Status, story.Live)
	}
}

func testStalledAfterFold(t *testing.T, in Instance) {
	stalled, idle := session(t, in.Open(), "stalled"), session(t, in.Open(), "idle")
	put(t, stalled, "reveal", story.Uploaded)
	other := session(t, in.Open(), "other")
	put(t, other, "reveal", story.Live)
	ok(t, other.Close(t.Context()))
	wantErr(t, stalled.Drop(t.Context(), "drop", addr("reveal")), state.ErrConflict)
	wantErr(t, idle.Put(t.Context(), "publishing", entry("reveal", story.Publishing), nil), state.ErrConflict)
	doc, records, err := in.Open().Load(t.Context())
	ok(t, err)
	if len(records) != 0 || len(doc.Stories) != 1 || doc.Stories[0].Status != story.Live {
		t.Errorf("got %v and %d records, want the live story alone", doc.Stories, len(records))
	}
}

// crashing is a store whose run dies before it commits.
type crashing struct{ state.Store }

// errCrash is the end of a crashing run.
var errCrash = errors.New("crashed")

// Commit does nothing.
func (crashing) Commit(context.Context, *state.Document) error { return errCrash }

func testCrashBeforeCommit(t *testing.T, in Instance) {
	crashed := session(t, crashing{in.Open()}, "crashed")
	put(t, crashed, "teaser", story.Live)
	wantErr(t, crashed.Close(t.Context()), errCrash)

	reader := session(t, in.Open(), "reader")
	if e, _ := reader.Entry(addr("teaser")); e.Status != story.Live || reader.Serial() != 1 || reader.Recovered() != 1 {
		t.Fatalf("got status %q at serial %d, %d records, want %q at 1, 1", e.Status, reader.Serial(), reader.Recovered(), story.Live)
	}
	ok(t, reader.Close(t.Context())) // wrote nothing, so it folds nothing
	if _, records, err := in.Open().Load(t.Context()); err != nil || len(records) != 2 {
		t.Fatalf("got %d records, error %v, want 2", len(records), err)
	}
	next := session(t, in.Open(), "next")
	put(t, next, "reveal", story.Scheduled)
	ok(t, next.Close(t.Context()))
	doc, records, err := in.Open().Load(t.Context())
	ok(t, err)
	if doc.Serial != 2 || len(doc.Stories) != 2 || len(records) != 0 {
		t.Errorf("got serial %d, %d stories, %d records, want 2, 2, 0", doc.Serial, len(doc.Stories), len(records))
	}
}

func testTwoFolders(t *testing.T, in Instance) {
	crashed := session(t, crashing{in.Open()}, "crashed")
	put(t, crashed, "teaser", story.Live)
	wantErr(t, crashed.Close(t.Context()), errCrash)
	folders := []*state.Session{session(t, in.Open(), "a"), session(t, in.Open(), "b")}
	errs := make([]error, len(folders))
	var wg sync.WaitGroup
	for i, s := range folders {
		wg.Go(func() { errs[i] = s.Fold(t.Context()) })
	}
	wg.Wait()
	ok(t, errors.Join(errs...))
	doc, records, err := in.Open().Load(t.Context())
	ok(t, err)
	if doc.Serial != 1 || doc.WrittenBy != "crashed" || len(records) != 0 {
		t.Errorf("got serial %d written by %s, %d records, want 1 by crashed, 0", doc.Serial, doc.WrittenBy, len(records))
	}
}

func testTorn(t *testing.T, in Instance) {
	store := in.Open()
	kept, torn, again := record(0, 1, "a"), record(0, 2, "a"), record(0, 2, "b")
	ok(t, store.Append(t.Context(), kept))
	ok(t, store.Append(t.Context(), torn))
	in.Tear()
	wantLoad(t, in.Open(), empty(), kept)
	ok(t, in.Open().Append(t.Context(), again))
	ok(t, store.Append(t.Context(), record(0, 3, "a")))
	wantLoad(t, in.Open(), empty(), kept, again, record(0, 3, "a"))
}

// together is what a store has that makes several records durable at once.
type together = func(ctx context.Context, recs []state.Record) error

// appendAll returns how a store does that; nil: it doesn't.
func appendAll(store state.Store) together {
	if s, ok := store.(interface {
		AppendAll(ctx context.Context, recs []state.Record) error
	}); ok {
		return s.AppendAll
	}
	return nil
}

func testTogether(t *testing.T, in Instance) {
	store := in.Open()
	write, late := appendAll(store), appendAll(in.Open())
	if write == nil {
		t.Skip("the store takes one record at a time")
	}
	batch := []state.Record{record(0, 1, "a"), record(0, 2, "a"), record(0, 3, "a")}
	other := []state.Record{record(0, 1, "b"), record(0, 2, "b")}
	ok(t, write(t.Context(), batch))
	wantLoad(t, in.Open(), empty(), batch...)
	ok(t, write(t.Context(), batch)) // the first answer was lost
	ok(t, late(t.Context(), batch))
	wantErr(t, late(t.Context(), other), state.ErrConflict)
	wantErr(t, late(t.Context(), []state.Record{record(0, 2, "a"), record(0, 3, "a"), record(0, 4, "a")}), state.ErrConflict)
	wantErr(t, in.Open().Append(t.Context(), record(0, 2, "b")), state.ErrConflict)
	wantErr(t, in.Open().Append(t.Context(), record(0, 3, "b")), state.ErrConflict)

	more := []state.Record{record(0, 4, "b"), record(0, 5, "b"), seal(0, 6, "b")}
	ok(t, late(t.Context(), more))
	wantErr(t, write(t.Context(), []state.Record{record(0, 4, "a"), record(0, 5, "a")}), state.ErrConflict)
	wantErr(t, write(t.Context(), []state.Record{record(0, 7, "a"), record(0, 8, "a")}), state.ErrConflict)
	all := append(batch, more...)
	wantLoad(t, in.Open(), empty(), all...)
	doc := fold(t, empty(), all...)
	ok(t, store.Commit(t.Context(), doc))
	wantLoad(t, in.Open(), doc)
}
