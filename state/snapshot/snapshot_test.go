package snapshot

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"storyform/state"
	"storyform/state/statetest"
	"storyform/story"
)

// store is the simplest store over a snapshot: it replaces it under a mutex,
// and reads it from bytes each time. Locks are Memory's.
type store struct {
	*statetest.Memory
	*shared
}

type shared struct {
	mu    sync.Mutex
	doc   []byte
	lines []string
}

func (s store) String() string { return s.Memory.String() }

func (s store) Load(context.Context) (*state.Document, []state.Record, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	now, err := Decode("memory", s.doc, s.lines)
	if err != nil {
		return nil, nil, err
	}
	return now.Document, now.Records, nil
}

func (s store) change(next func(*Snapshot) (*Snapshot, error)) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	now, err := Decode("memory", s.doc, s.lines)
	if err != nil {
		return err
	}
	after, err := next(now)
	if after != nil && err == nil {
		s.doc, s.lines = after.Raw, after.Lines
	}
	return err
}

func (s store) Append(_ context.Context, rec state.Record) error {
	return s.change(func(now *Snapshot) (*Snapshot, error) { return now.Append(rec) })
}

func (s store) Commit(_ context.Context, doc *state.Document) error {
	return s.change(func(now *Snapshot) (*Snapshot, error) { return now.Commit(doc) })
}

func TestContract(t *testing.T) {
	statetest.Run(t, func(t *testing.T) statetest.Instance {
		s := store{new(statetest.Memory), new(shared)}
		return statetest.Instance{Open: func() state.Store { return s }}
	}, nil)
}

func line(t *testing.T, base uint64, seq int, seal bool) string {
	t.Helper()
	rec := state.Record{Base: base, Seq: seq, Lineage: "l", At: time.Date(2026, 12, 20, 2, 0, 0, 0, time.UTC), Run: "a", Seal: seal}
	if !seal {
		rec.Key = story.Address{Type: "story", Name: "a"}
	}
	data, err := state.EncodeRecord(rec)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

func TestDecodeCorrupt(t *testing.T) {
	for _, test := range []struct {
		name, doc string
		lines     []string
		want      string
	}{
		{"empty document", " ", nil, "here can't be read: it is empty"},
		{"damaged document", `{"version":1`, nil, "here can't be read: it ends in the middle"},
		{"newer document", `{"version":7}`, nil, "here has state format 7"},
		{"damaged record", "", []string{line(t, 0, 1, false)[:50]}, "here, record 1 can't be read"},
		{"gap", "", []string{line(t, 0, 1, false), line(t, 0, 3, false)}, "after record 1 of serial 0 comes record 3 of serial 0"},
		{"other serial", "", []string{line(t, 4, 1, false)}, "after record 0 of serial 0 comes record 1 of serial 4"},
		{"behind the seal", "", []string{line(t, 0, 1, true), line(t, 0, 2, false)}, "a record follows the seal"},
	} {
		t.Run(test.name, func(t *testing.T) {
			var doc []byte
			if test.doc != "" {
				doc = []byte(test.doc)
			}
			_, err := Decode("here", doc, test.lines)
			_, newer := errors.AsType[*state.VersionError](err)
			_, corrupt := errors.AsType[*state.CorruptError](err)
			if err == nil || !strings.Contains(err.Error(), test.want) || !newer && !corrupt {
				t.Errorf("got error %v, want one with %q", err, test.want)
			}
		})
	}
}

// What follows a snapshot never shows in it, nor in what else follows it.
func TestSnapshotsDontShare(t *testing.T) {
	first, err := Decode("here", nil, []string{line(t, 0, 1, false)})
	if err != nil {
		t.Fatal(err)
	}
	append2 := func(run string) *Snapshot {
		rec := first.Records[0]
		rec.Seq, rec.Run = 2, run
		next, err := first.Append(rec)
		if err != nil {
			t.Fatal(err)
		}
		return next
	}
	a, b := append2("a"), append2("b")
	if len(first.Records) != 1 || a.Records[1].Run != "a" || b.Records[1].Run != "b" || a.Lines[1] == b.Lines[1] {
		t.Errorf("got %v, %v and %v", first.Lines, a.Lines, b.Lines)
	}
}
