package encrypted_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"filippo.io/age"
	"github.com/google/go-cmp/cmp"

	"storyform/state"
	"storyform/state/encrypted"
	"storyform/state/local"
	"storyform/state/statetest"
	"storyform/story"
)

var start = time.Date(2026, 12, 20, 2, 0, 0, 0, time.UTC)

func ok(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func wantErr(t *testing.T, err, want error, text string) {
	t.Helper()
	if err == nil || want != nil && !errors.Is(err, want) || !strings.Contains(err.Error(), text) {
		t.Fatalf("got error %v, want %v with %q", err, want, text)
	}
}

func entry(name string) state.Entry {
	return state.Entry{
		Address: story.Address{Type: "story", Name: name}, Page: story.Address{Type: "page", Name: "acme"}, PageID: "104857600000001",
		Kind: story.Photo, Source: "media/" + name + ".jpg", SHA256: strings.Repeat("5f", 32), Revision: 1, Status: story.Live,
	}
}

func session(t *testing.T, store state.Store, run string) *state.Session {
	t.Helper()
	s, err := state.Open(t.Context(), store, state.Run{ID: run, Who: run + "@ci", Tool: "0.1.0"}, func() time.Time { return start })
	ok(t, err)
	return s
}

func put(t *testing.T, s *state.Session, name string) {
	t.Helper()
	ok(t, s.Put(t.Context(), "live", entry(name), &state.Event{What: "published", Note: name}))
}

// write makes a run that publishes a story.
func write(t *testing.T, store state.Store, name string) *state.Document {
	t.Helper()
	s := session(t, store, "run-"+name)
	put(t, s, name)
	ok(t, s.Close(t.Context()))
	return s.Document()
}

// kept is what the last Load of a store found.
func kept(t *testing.T, store state.Store) encrypted.Kept {
	t.Helper()
	s, ok := state.Find[interface{ Kept() encrypted.Kept }](store)
	if !ok {
		t.Fatal("the store doesn't say what is kept")
	}
	return s.Kept()
}

// What lies in the store tells nothing of what is in the state.
func TestNothingInClear(t *testing.T) {
	path := filepath.Join(t.TempDir(), local.DefaultName)
	store := encrypted.New(openLocal(t, path), keysOf(identity(t)))
	write(t, store, "teaser")
	write(t, store, "reveal")
	put(t, session(t, store, "open"), "third")
	files, err := os.ReadDir(filepath.Dir(path))
	ok(t, err)
	for _, f := range files {
		data, err := os.ReadFile(filepath.Join(filepath.Dir(path), f.Name()))
		ok(t, err)
		for _, secret := range []string{"teaser", "reveal", "third", "104857600000001", "5f5f5f", "published", "run-", "@ci", "prev_sha256", "written_at"} {
			if strings.Contains(string(data), secret) {
				t.Errorf("%s has %q in clear:\n%s", f.Name(), secret, data)
			}
		}
	}
	if len(files) < 3 {
		t.Errorf("got %d files only", len(files))
	}
}

// A state goes from clear to encrypted and back with the next writes, and the
// chain of hashes doesn't notice.
func TestMigration(t *testing.T) {
	inner, id := new(statetest.Memory), identity(t)
	keys, clear := keysOf(id), encrypted.Keys{Identities: []age.Identity{id}}
	first := write(t, inner, "one")

	on := encrypted.New(inner, keys)
	s := session(t, on, "two")
	if diff := cmp.Diff(first, s.Document()); diff != "" || kept(t, on) != (encrypted.Kept{Clear: 1}) {
		t.Errorf("got %+v, document (-want +got):\n%s", kept(t, on), diff)
	}
	put(t, s, "two")
	other := session(t, on, "two-b")
	if got := kept(t, on); got != (encrypted.Kept{Encrypted: 1, Clear: 1}) || len(other.Document().Stories) != 2 {
		t.Errorf("got %+v", got)
	}
	ok(t, s.Close(t.Context()))
	session(t, on, "reader")
	if got := kept(t, on); got != (encrypted.Kept{Encrypted: 1}) {
		t.Errorf("got %+v, want one encrypted document", got)
	}

	off := encrypted.New(inner, clear)
	third := write(t, off, "three")
	hash, err := state.Hash(s.Document())
	ok(t, err)
	if third.PrevSHA256 != hash || third.Serial != 3 || len(third.History) != 3 {
		t.Errorf("got serial %d after %s, %d events, want 3 after %s, 3", third.Serial, third.PrevSHA256, len(third.History), hash)
	}
	if diff := cmp.Diff(third, session(t, inner, "bare").Document()); diff != "" {
		t.Errorf("it isn't in clear again (-want +got):\n%s", diff)
	}
}

// Runs that finish one fold all succeed, whatever each writes it as, and what
// they wrote is one document.
func TestManyFinishOneFold(t *testing.T) {
	id, other := identity(t), identity(t)
	keys := []encrypted.Keys{keysOf(id), keysOf(id, other), {Identities: []age.Identity{id}}}
	for name, newInner := range map[string]func(t *testing.T) func() state.Store{
		"memory": memoryStore, "local": localStore, "bucket": func(t *testing.T) func() state.Store { return new(bucket).open(t) }, "http": httpStore,
	} {
		t.Run(name, func(t *testing.T) {
			open := newInner(t)
			put(t, session(t, encrypted.New(open(), keys[0]), "crashed"), "teaser")
			crashed := state.Record{Base: 0, Seq: 2, Lineage: session(t, encrypted.New(open(), keys[0]), "x").Lineage(), At: start, Run: "crashed", Step: "seal", Seal: true, Tool: "0.1.0"}
			ok(t, encrypted.New(open(), keys[0]).Append(t.Context(), crashed))
			var audit statetest.Audit
			var runs []*state.Session
			for i := range 6 {
				runs = append(runs, session(t, audit.Watch(encrypted.New(open(), keys[i%len(keys)])), fmt.Sprint(i)))
			}
			audit.Tried("teaser")
			audit.Acknowledged("teaser")
			for _, s := range runs {
				ok(t, s.Fold(t.Context()))
			}
			last := session(t, encrypted.New(open(), keys[1]), "auditor")
			audit.Check(t, last.Document())
			if last.Serial() != 1 || last.Recovered() != 0 {
				t.Errorf("got serial %d, %d records, want 1, 0", last.Serial(), last.Recovered())
			}
			// All may go on: the position after it is free for one of them.
			won := 0
			for i, s := range runs {
				if err := s.Put(t.Context(), "live", entry(fmt.Sprint("s", i)), nil); err == nil {
					won++
				} else {
					wantErr(t, err, state.ErrConflict, "")
				}
			}
			if won != 1 {
				t.Errorf("got %d runs that went on, want 1", won)
			}
		})
	}
}

// The answer to a record is lost for good. Who asks again finds it, until
// somebody has gone on from it.
func TestLostAnswer(t *testing.T) {
	inner, id := new(statetest.Memory), identity(t)
	store := func() state.Store { return encrypted.New(inner, keysOf(id)) }
	errLost := errors.New("lost")
	e := entry("teaser")
	rec := state.Record{Seq: 1, Lineage: "l", At: start, Run: "a", Step: "publishing", Key: e.Address, Entry: &e}
	inner.After = func(c statetest.Call) error { return errLost }
	wantErr(t, store().Append(t.Context(), rec), errLost, "")
	inner.After = nil
	ok(t, store().Append(t.Context(), rec))
	ok(t, store().Append(t.Context(), rec))
	twin := rec // the same step of the same story, by another run
	twin.Run = "b"
	wantErr(t, store().Append(t.Context(), twin), state.ErrConflict, "")

	put(t, session(t, store(), "b"), "reveal")
	wantErr(t, store().Append(t.Context(), rec), state.ErrConflict, "")
	if got := len(inner.Records()); got != 2 {
		t.Errorf("got %d records, want 2", got)
	}
}

// Documents: the same, and what is equal but for who wrote it is a conflict.
func TestOwnDocument(t *testing.T) {
	inner, id := new(statetest.Memory), identity(t)
	store := func() state.Store { return encrypted.New(inner, keysOf(id)) }
	doc := write(t, store(), "teaser")
	ok(t, store().Commit(t.Context(), doc))
	other := doc.Clone()
	other.WrittenBy = "somebody else"
	wantErr(t, store().Commit(t.Context(), other), state.ErrConflict, "")
	write(t, store(), "reveal")
	wantErr(t, store().Commit(t.Context(), doc), state.ErrConflict, "")
}

// Who can't read says so and writes nothing.
func TestWithoutTheKey(t *testing.T) {
	owner, stranger := identity(t), identity(t)
	written := new(statetest.Memory)
	write(t, encrypted.New(written, keysOf(owner)), "teaser")
	put(t, session(t, encrypted.New(written, keysOf(owner)), "b"), "reveal")
	documents, records := len(written.Documents()), len(written.Records())
	rec := state.Record{Base: 0, Seq: 1, Lineage: "l", Seal: true}
	for _, test := range []struct {
		name        string
		keys        encrypted.Keys
		read, write string
	}{
		{"no identity", encrypted.Keys{}, "set STORYFORM_AGE_IDENTITY", ""},
		{"no identity to write with", encrypted.Keys{Recipients: keysOf(owner).Recipients}, "set STORYFORM_AGE_IDENTITY", "set STORYFORM_AGE_IDENTITY"},
		{"another identity", keysOf(stranger), "no identity of this run opens it", ""},
		{"not one's own recipient", encrypted.Keys{Recipients: keysOf(owner).Recipients, Identities: []age.Identity{stranger}}, "no identity of this run opens it", "add the public key of one"},
	} {
		t.Run(test.name, func(t *testing.T) {
			store := encrypted.New(written, test.keys)
			_, _, err := store.Load(t.Context())
			wantErr(t, err, state.ErrEncrypted, test.read)
			_, err = state.Open(t.Context(), store, state.Run{}, nil)
			wantErr(t, err, state.ErrEncrypted, test.read)
			if err := store.Append(t.Context(), rec); err == nil {
				t.Error("got no error from Append")
			}
			if test.write == "" {
				return
			}
			fresh := new(statetest.Memory) // there is nothing to be read yet
			s := session(t, encrypted.New(fresh, test.keys), "a")
			wantErr(t, s.Put(t.Context(), "publishing", entry("teaser"), nil), nil, test.write)
			wantErr(t, encrypted.New(fresh, test.keys).Commit(t.Context(), &state.Document{Lineage: "l", Serial: 1}), nil, test.write)
			if len(fresh.Records())+len(fresh.Documents()) > 0 {
				t.Error("something was written")
			}
		})
	}
	if len(written.Documents()) != documents || len(written.Records()) != records {
		t.Error("something was written")
	}
}

// Keys are changed by writing with the new ones; several identities are tried.
func TestRotation(t *testing.T) {
	inner, before, after := new(statetest.Memory), identity(t), identity(t)
	write(t, encrypted.New(inner, keysOf(before)), "one")
	both := encrypted.Keys{Recipients: keysOf(after).Recipients, Identities: []age.Identity{before, after}}
	s := session(t, encrypted.New(inner, both), "two")
	put(t, s, "two")
	_, _, err := encrypted.New(inner, keysOf(after)).Load(t.Context()) // the document is still the old one
	wantErr(t, err, state.ErrEncrypted, "no identity")
	ok(t, s.Close(t.Context()))
	if got := write(t, encrypted.New(inner, keysOf(after)), "three"); len(got.Stories) != 3 {
		t.Errorf("got %d stories, want 3", len(got.Stories))
	}
	_, _, err = encrypted.New(inner, keysOf(before)).Load(t.Context())
	wantErr(t, err, state.ErrEncrypted, "no identity")
}

// What a backend offers besides is reached through the wrapper.
func TestUnwrap(t *testing.T) {
	keys := keysOf(identity(t))
	wrapped := encrypted.New(new(bucket).open(t)(), keys)
	probe, found := state.Find[interface {
		Probe(ctx context.Context) error
	}](wrapped)
	if !found {
		t.Fatal("the bucket's Probe isn't found")
	}
	ok(t, probe.Probe(t.Context()))
	several := func(s state.Store) bool {
		_, ok := s.(interface {
			AppendAll(ctx context.Context, recs []state.Record) error
		})
		return ok
	}
	if !several(wrapped) {
		t.Error("a bucket takes several records at once, and its wrapper doesn't")
	}
	if several(encrypted.New(new(statetest.Memory), keys)) {
		t.Error("a Memory takes one record at a time, and its wrapper more")
	}
	path := filepath.Join(t.TempDir(), local.DefaultName)
	s, err := local.Open(path)
	ok(t, err)
	store := encrypted.New(s, keys)
	if store.String() != path {
		t.Errorf("got %s, want %s", store, path)
	}
	ok(t, store.(*encrypted.Store).Close())
	if _, _, err := store.Load(t.Context()); err == nil {
		t.Error("the inner store is still open")
	}
}
