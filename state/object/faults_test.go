package object

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"storyform/internal/clock"
	"storyform/state"
	"storyform/state/statetest"
	"storyform/story"
)

var start = time.Date(2026, 12, 20, 2, 0, 0, 0, time.UTC)

func entry(name string, status story.Status) state.Entry {
	return state.Entry{
		Address: story.Address{Type: "story", Name: name}, Kind: story.Photo, Source: name + ".jpg", Revision: 1, Status: status,
	}
}

func session(t *testing.T, store state.Store, run string) *state.Session {
	t.Helper()
	s, err := state.Open(t.Context(), store, state.Run{ID: run}, func() time.Time { return start })
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func put(t *testing.T, s *state.Session, name string, status story.Status) {
	t.Helper()
	wantErr(t, s.Put(t.Context(), string(status), entry(name, status), nil), nil, "")
}

func wantErr(t *testing.T, err, want error, text string) {
	t.Helper()
	if !errors.Is(err, want) || err != nil && !strings.Contains(err.Error(), text) {
		t.Fatalf("got error %v, want %v with %q", err, want, text)
	}
}

// write makes documents up to a serial.
func write(t *testing.T, m *memory, serial int) *state.Document {
	t.Helper()
	for {
		s := session(t, m.open(t, 0), "writer")
		if int(s.Serial()) >= serial {
			return s.Document()
		}
		put(t, s, fmt.Sprintf("s%d", s.Serial()), story.Live)
		wantErr(t, s.Close(t.Context()), nil, "")
	}
}

// A run that goes through whatever goes wrong: random faults at every call,
// of readings too. No acknowledged step is lost and the chain stays whole.
func TestRandomFaults(t *testing.T) {
	m := newMemory()
	random := rand.New(rand.NewPCG(7, 11))
	m.fault = func(verb, _ string) fault {
		if random.IntN(100) < 75 {
			return none
		}
		return fault(1 + random.IntN(int(dateless)))
	}
	var audit statetest.Audit
	var wg sync.WaitGroup
	for w := range 4 {
		store := audit.Watch(m.open(t, time.Duration(w-2)*time.Hour))
		wg.Go(func() {
			for run, try := 0, 0; run < 6 && try < 2000; try++ {
				if oneRun(t, store, &audit, fmt.Sprintf("w%d-run%d-try%d", w, run, try)) == nil {
					run++
				}
			}
		})
	}
	wg.Wait()
	m.fault = nil
	doc := session(t, m.open(t, 0), "auditor").Document()
	audit.Check(t, doc)
	if got, want := len(doc.History), 4*6*2; got < want {
		t.Errorf("got %d events, want at least %d", got, want)
	}
}

func oneRun(t *testing.T, store state.Store, audit *statetest.Audit, id string) error {
	s, err := state.Open(t.Context(), store, state.Run{ID: id}, func() time.Time { return start })
	if err != nil {
		return err
	}
	for step := range 2 {
		note := fmt.Sprintf("%s-step%d", id, step)
		audit.Tried(note)
		if err := s.Put(t.Context(), "test", entry("a", story.Scheduled), &state.Event{What: "test", Note: note}); err != nil {
			return errors.Join(err, s.Close(t.Context()))
		}
		audit.Acknowledged(note)
	}
	return s.Close(t.Context())
}

// A durable step costs one request that stores one small object, and the end
// of a run two: the seal and the document.
func TestCost(t *testing.T) {
	m := newMemory()
	write(t, m, 3)
	s := session(t, m.open(t, 0), "a")
	m.calls = nil
	for range 3 {
		put(t, s, "reveal", story.Uploaded)
	}
	wantErr(t, s.Close(t.Context()), nil, "")
	base := "put stories/acme/journal/00000000000000000003/"
	want := []string{base + "0000000001", base + "0000000002", base + "0000000003", base + "0000000004", "put stories/acme/v/00000000000000000004"}
	if diff := cmp.Diff(want, m.calls); diff != "" {
		t.Errorf("calls (-want +got):\n%s", diff)
	}
}

// The answer to a record is lost, and while its writer is silent another run
// goes on from it. To find one's own bytes is not enough then.
func TestLateReadBack(t *testing.T) {
	for _, follow := range []struct {
		name string
		by   func(t *testing.T, m *memory)
		want error
	}{
		{"nobody", func(*testing.T, *memory) {}, nil},
		{"a record", func(t *testing.T, m *memory) { put(t, session(t, m.open(t, 0), "b"), "reveal", story.Live) }, state.ErrConflict},
		{"a document", func(t *testing.T, m *memory) {
			wantErr(t, session(t, m.open(t, 0), "b").Fold(t.Context()), nil, "")
		}, state.ErrConflict},
	} {
		t.Run(follow.name, func(t *testing.T) {
			m := newMemory()
			s := session(t, m.open(t, 0), "a")
			put(t, s, "reveal", story.Uploaded)
			stalled := false
			m.fault = func(verb, key string) fault {
				switch {
				case verb == "put" && strings.HasSuffix(key, "journal/00000000000000000000/0000000002"):
					return lost
				case verb == "get" && !stalled:
					stalled, m.fault = true, nil
					m.mu.Unlock()
					follow.by(t, m)
					m.mu.Lock()
				}
				return none
			}
			err := s.Put(t.Context(), "publishing", entry("reveal", story.Publishing), nil)
			wantErr(t, err, follow.want, "")
			if !stalled {
				t.Error("it wasn't read back")
			}
		})
	}
}

// A writer that slept for a month creates its record at a position that was
// pruned. That must not look like success.
func TestRevivedPosition(t *testing.T) {
	for _, f := range []fault{none, lost, again, dateless} {
		m := newMemory()
		zombie := session(t, m.open(t, 0), "zombie")
		put(t, zombie, "reveal", story.Uploaded)
		write(t, m, 150)
		m.clock.Advance(maxAge + time.Hour)
		write(t, m, 152)
		if slices.ContainsFunc(m.keys(), func(key string) bool { return strings.Contains(key, "journal/00000000000000000000/") }) {
			t.Fatal("the journal wasn't pruned")
		}
		m.fault = always("put", f)
		wantErr(t, zombie.Put(t.Context(), "publishing", entry("reveal", story.Publishing), nil), state.ErrConflict, "")
	}
}

// The same for a run that is sealed and pruned before it commits.
func TestRevivedDocument(t *testing.T) {
	m := newMemory()
	store := m.open(t, 0)
	s := session(t, store, "zombie")
	put(t, s, "reveal", story.Uploaded)
	m.fault = func(verb, key string) fault {
		if verb == "put" && key == "stories/acme/v/00000000000000000001" {
			m.fault = nil
			m.mu.Unlock()
			write(t, m, 150)
			m.clock.Advance(maxAge + time.Hour)
			write(t, m, 152)
			m.mu.Lock()
		}
		return none
	}
	wantErr(t, s.Close(t.Context()), state.ErrConflict, "superseded long ago")
}

// What a late writer wanted to write is kept.
func TestOrphans(t *testing.T) {
	m := newMemory()
	zombie := session(t, m.open(t, 0), "zombie")
	put(t, zombie, "reveal", story.Uploaded)
	write(t, m, 2)
	err := zombie.Put(t.Context(), "live", entry("reveal", story.Live), nil)
	wantErr(t, err, state.ErrConflict, "what this run wanted to write is kept as memory://stories/acme/orphan/0-2-")
	late := write(t, newMemory(), 1)
	err = m.open(t, 0).Commit(t.Context(), late)
	wantErr(t, err, state.ErrConflict, "is kept as memory://stories/acme/orphan/1-")

	var kept []string
	for _, key := range m.keys() {
		if strings.HasPrefix(key, "stories/acme/orphan/") {
			kept = append(kept, string(m.objects[key].Data))
		}
	}
	want, _ := state.Encode(late)
	if len(kept) != 2 || kept[1] != string(want) && kept[0] != string(want) {
		t.Fatalf("got orphans %q, want two with %q", kept, want)
	}
	for _, data := range kept {
		if data == string(want) {
			continue
		}
		if rec, err := state.DecodeRecord("orphan", []byte(data)); err != nil || rec.Run != "zombie" || rec.Step != "live" {
			t.Errorf("got record %+v, error %v, want the zombie's", rec, err)
		}
	}
}

// A store that refuses says so at once.
func TestDenied(t *testing.T) {
	m := newMemory()
	b := m.bucket()
	puts := 0
	errPut := fmt.Errorf("%w: AccessDenied", ErrDenied)
	b.Put = func(ctx context.Context, key string, data []byte, old string) (Stored, error) {
		puts++
		return Stored{}, errPut
	}
	s, err := New(b, "k", Options{Where: "memory://k", Clock: clock.System()})
	if err != nil {
		t.Fatal(err)
	}
	err = session(t, s, "a").Put(t.Context(), "register", entry("a", story.Scheduled), nil)
	wantErr(t, err, ErrDenied, "write record 1 after serial 0 to the state memory://k: the store refused the request: AccessDenied")
	if puts != 1 {
		t.Errorf("got %d tries, want 1", puts)
	}
}
