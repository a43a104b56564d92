package encrypted_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"filippo.io/age"
	"github.com/google/go-cmp/cmp"

	"storyform/state"
	"storyform/state/encrypted"
	"storyform/state/local"
)

// shelf is a store on which a test puts what it likes, and which keeps what is
// written to it.
type shelf struct {
	state.Store
	docs    []*state.Document // what Load returns, one after the other; the last for ever
	records []state.Record
	loads   int
}

func (s *shelf) Load(context.Context) (*state.Document, []state.Record, error) {
	s.loads++
	return s.docs[min(s.loads, len(s.docs))-1], s.records, nil
}

func (s *shelf) Append(_ context.Context, rec state.Record) error {
	s.records = append(s.records, rec)
	return nil
}

func (s *shelf) Commit(_ context.Context, doc *state.Document) error {
	s.docs = append(s.docs, doc)
	return nil
}

func (s *shelf) String() string { return "shelf" }

// document is one of a serial, with a story.
func document(serial uint64, lineage string) *state.Document {
	return &state.Document{Version: state.FormatVersion, Lineage: lineage, Serial: serial, Tool: "0.1.0", WrittenAt: start, Stories: []state.Entry{entry("teaser")}}
}

// record is one at a position, of a story or a seal.
func record(base uint64, seq int, lineage string, seal bool) state.Record {
	rec := state.Record{Base: base, Seq: seq, Lineage: lineage, At: start, Run: "a", Step: "live", Seal: seal}
	if !seal {
		e := entry("teaser")
		rec.Key, rec.Entry = e.Address, &e
	}
	return rec
}

// stored returns what a store with these keys writes of a document and of
// records.
func stored(t testing.TB, keys encrypted.Keys, doc *state.Document, records ...state.Record) (*state.Document, []state.Record) {
	t.Helper()
	s := new(shelf)
	store := encrypted.New(s, keys)
	for _, rec := range records {
		ok(t, store.Append(context.Background(), rec))
	}
	if doc == nil {
		return nil, s.records
	}
	ok(t, store.Commit(context.Background(), doc))
	return s.docs[0], s.records
}

// load opens what is on a shelf.
func load(t testing.TB, keys encrypted.Keys, doc *state.Document, records ...state.Record) (*state.Document, []state.Record, error) {
	t.Helper()
	return encrypted.New(&shelf{docs: []*state.Document{doc}, records: records}, keys).Load(context.Background())
}

// wantCorrupt checks for a *state.CorruptError that tells what to do.
func wantCorrupt(t *testing.T, what string, err error) {
	t.Helper()
	if c, ok := errors.AsType[*state.CorruptError](err); !ok || c.Hint == "" || !strings.HasPrefix(c.Where, "shelf, ") {
		t.Errorf("%s: got error %v, want a *state.CorruptError with a hint", what, err)
	}
}

// An envelope is opened only where it was written for: every change of what is
// in clear is found, and every envelope that stands in another's place.
func TestMoved(t *testing.T) {
	keys := keysOf(identity(t))
	doc, records := stored(t, keys, document(3, "l"), record(3, 1, "l", false), record(3, 2, "l", true))
	step, seal := records[0], records[1]
	if _, _, err := load(t, keys, doc, records...); err != nil {
		t.Fatal(err)
	}
	other, _ := stored(t, keys, document(4, "l"))
	for what, change := range map[string]func(d *state.Document){
		"serial":             func(d *state.Document) { d.Serial++ },
		"lineage":            func(d *state.Document) { d.Lineage = "m" },
		"tool":               func(d *state.Document) { d.Tool = "0.2.0" },
		"another document":   func(d *state.Document) { d.Envelope = other.Envelope },
		"a record in it":     func(d *state.Document) { d.Envelope = &state.Envelope{Data: step.Encrypted} },
		"nothing":            func(d *state.Document) { d.Envelope = &state.Envelope{Data: nil} },
		"something in clear": func(d *state.Document) { d.Envelope = &state.Envelope{Data: []byte("{}")} },
	} {
		d := doc.Clone()
		change(d)
		_, _, err := load(t, keys, d)
		wantCorrupt(t, what, err)
	}
	for what, change := range map[string]func(r *state.Record){
		"base":             func(r *state.Record) { r.Base++ },
		"number":           func(r *state.Record) { r.Seq++ },
		"lineage":          func(r *state.Record) { r.Lineage = "m" },
		"seal":             func(r *state.Record) { r.Seal = true },
		"another record":   func(r *state.Record) { r.Encrypted = seal.Encrypted },
		"a document in it": func(r *state.Record) { r.Encrypted = doc.Envelope.Data },
	} {
		r := step
		change(&r)
		_, _, err := load(t, keys, doc, r)
		wantCorrupt(t, what, err)
	}
	unsealed := seal
	unsealed.Seal = false
	_, _, err := load(t, keys, doc, step, unsealed)
	wantCorrupt(t, "a seal that is none", err)
}

// What is encrypted twice over is refused: nothing here writes it, and it would
// be a way around the checks.
func TestNested(t *testing.T) {
	id := identity(t)
	keys := keysOf(id)
	doc, records := stored(t, keys, document(3, "l"), record(3, 1, "l", false))
	inner, err := state.Encode(doc)
	ok(t, err)
	line, err := state.EncodeRecord(records[0])
	ok(t, err)
	doc.Envelope.Data, records[0].Encrypted = encrypt(t, id, inner), encrypt(t, id, line)
	_, _, err = load(t, keys, doc)
	wantCorrupt(t, "document", err)
	_, _, err = load(t, keys, document(3, "l"), records[0])
	wantCorrupt(t, "record", err)
}

// encrypt is what somebody does who knows the recipient only.
func encrypt(t testing.TB, id *age.X25519Identity, plain []byte) []byte {
	t.Helper()
	var b bytes.Buffer
	w, err := age.Encrypt(&b, id.Recipient())
	ok(t, err)
	_, err = w.Write(plain)
	ok(t, err)
	ok(t, w.Close())
	return b.Bytes()
}

// Not one bit of an envelope can be changed, and not one byte left out.
func TestDamaged(t *testing.T) {
	keys := keysOf(identity(t))
	doc, _ := stored(t, keys, document(3, "l"))
	data := doc.Envelope.Data
	wantRefused := func(what string, at int, changed []byte) {
		t.Helper()
		d := doc.Clone()
		d.Envelope.Data = changed
		_, _, err := load(t, keys, d)
		_, isCorrupt := errors.AsType[*state.CorruptError](err)
		// A damaged recipient looks like somebody else's.
		if !isCorrupt && !errors.Is(err, state.ErrEncrypted) || len(err.Error()) > 1000 {
			t.Fatalf("%s at byte %d of %d: got error %v", what, at, len(data), err)
		}
	}
	for i := range data {
		flipped := bytes.Clone(data)
		flipped[i] ^= 1 << (i % 8)
		wantRefused("flip", i, flipped)
		if i%7 == 0 || len(data)-i < 20 {
			wantRefused("cut", i, data[:i])
		}
	}
	wantRefused("more", 0, append(bytes.Clone(data), 0))
	long := append([]byte("age-encryption.org/v1\n"), bytes.Repeat([]byte("-> X25519 x\nx\n"), 1<<20)...)
	wantRefused("a header without end", 0, long)
}

// A local state is put back from its backup: the journal, which the store can't
// read, rolls it forward all the same.
func TestPutBackFromBackup(t *testing.T) {
	path := filepath.Join(t.TempDir(), local.DefaultName)
	keys := keysOf(identity(t), identity(t))
	open := func() state.Store { return encrypted.New(openLocal(t, path), keys) }
	write(t, open(), "one")
	newest := write(t, open(), "two")
	put(t, session(t, open(), "crashed"), "three")
	backup, err := os.ReadFile(path + ".backup")
	ok(t, err)
	ok(t, os.WriteFile(path, backup, 0o600))

	doc, records, err := open().Load(t.Context())
	ok(t, err)
	if diff := cmp.Diff(newest, doc); diff != "" || len(records) != 1 {
		t.Errorf("got %d records, document (-want +got):\n%s", len(records), diff)
	}
	ok(t, open().Commit(t.Context(), newest)) // as a run does that was late to fold
	wantErr(t, open().Commit(t.Context(), &state.Document{Lineage: newest.Lineage, Serial: 2}), state.ErrConflict, "")
	if got := write(t, open(), "four"); got.Serial != 3 || len(got.Stories) != 4 {
		t.Errorf("got serial %d, %d stories, want 3, 4", got.Serial, len(got.Stories))
	}
	if _, _, err := encrypted.New(openLocal(t, path), keysOf(identity(t))).Load(t.Context()); !errors.Is(err, state.ErrEncrypted) {
		t.Errorf("got error %v from a stranger, want %v", err, state.ErrEncrypted)
	}
}

// Documents are deleted from a bucket, and the journals still know them. What
// is written in their place needs no key, and is read as they were.
func TestDeletedDocuments(t *testing.T) {
	b := new(bucket)
	keys := keysOf(identity(t))
	newInner := b.open(t)
	open := func() state.Store { return encrypted.New(newInner(), keys) }
	for _, name := range []string{"one", "two", "three"} {
		write(t, open(), name)
	}
	newest := session(t, open(), "x").Document()
	put(t, session(t, open(), "crashed"), "four")
	for _, key := range []string{"acme/v/00000000000000000002", "acme/v/00000000000000000003"} {
		if _, there := b.objects[key]; !there {
			t.Fatalf("there is no %s", key)
		}
		delete(b.objects, key)
	}
	doc, records, err := open().Load(t.Context())
	ok(t, err)
	if diff := cmp.Diff(newest, doc); diff != "" || len(records) != 1 {
		t.Errorf("got %d records, document (-want +got):\n%s", len(records), diff)
	}
	put(t, session(t, open(), "next"), "five") // writes document 3 as it can
	if data := string(b.objects["acme/v/00000000000000000003"].Data); !strings.Contains(data, `"journal": [`) || strings.Contains(data, "three") {
		t.Errorf("got document 3\n%s", data)
	}
	if got := write(t, open(), "six"); got.Serial != 4 || len(got.Stories) != 6 || len(got.History) != 6 {
		t.Errorf("got serial %d, %d stories, %d events, want 4, 6, 6", got.Serial, len(got.Stories), len(got.History))
	}
}

// What the store left unfolded is checked like all else.
func TestUnfolded(t *testing.T) {
	keys := keysOf(identity(t))
	base, records := stored(t, keys, document(3, "l"), record(3, 1, "l", false), record(3, 2, "l", true))
	unfolded, err := state.Fold(base, records)
	ok(t, err)
	whole, err := state.Fold(document(3, "l"), []state.Record{record(3, 1, "l", false), record(3, 2, "l", true)})
	ok(t, err)
	got, _, err := load(t, keys, unfolded)
	ok(t, err)
	if diff := cmp.Diff(whole, got); diff != "" {
		t.Errorf("document (-want +got):\n%s", diff)
	}
	_, moved := stored(t, keys, nil, record(3, 2, "l", false))
	for what, change := range map[string]func(d *state.Document){
		"serial":   func(d *state.Document) { d.Serial++ },
		"lineage":  func(d *state.Document) { d.Lineage = "m" },
		"unsealed": func(d *state.Document) { d.Envelope.Lines = d.Envelope.Lines[:1] },
		"no base":  func(d *state.Document) { d.Envelope.Base = nil },
		"a moved record": func(d *state.Document) {
			r := moved[0]
			r.Seq = 1
			line, err := state.EncodeRecord(r)
			ok(t, err)
			d.Envelope.Lines[0] = strings.TrimSuffix(string(line), "\n")
		},
		"a damaged line": func(d *state.Document) { d.Envelope.Lines[0] = d.Envelope.Lines[0][1:] },
	} {
		d := unfolded.Clone()
		change(d)
		_, _, err := load(t, keys, d)
		wantCorrupt(t, what, err)
	}
	// A reader that was overtaken finds the whole document when it reads again.
	written, _ := stored(t, keys, whole)
	s := &shelf{docs: []*state.Document{unfolded, written}}
	if got, _, err := encrypted.New(s, keys).Load(t.Context()); err != nil || s.loads != 2 || got.Serial != 4 {
		t.Errorf("got serial %d after %d readings, error %v", got.Serial, s.loads, err)
	}
}

// Every record that may be written in clear may be written encrypted, and what
// is written is read.
func TestLargestRecord(t *testing.T) {
	keys := hybridKeys(t)
	for len(keys.Recipients) < 32 {
		keys.Recipients = append(keys.Recipients, keys.Recipients[0])
	}
	rec := record(1, 1, "l", false)
	rec.Entry.Failure = &state.Failure{}
	line, err := state.EncodeRecord(rec)
	ok(t, err)
	rec.Entry.Failure.Message = strings.Repeat("x", state.MaxRecord-len(line)+9)
	_, sealed := stored(t, keys, nil, rec)
	line, err = state.EncodeRecord(sealed[0])
	ok(t, err)
	back, err := state.DecodeRecord("j", line)
	ok(t, err)
	_, got, err := load(t, keys, new(state.Document), back)
	ok(t, err)
	if diff := cmp.Diff([]state.Record{rec}, got); diff != "" {
		t.Errorf("record (-want +got):\n%s", diff)
	}
	rec.Entry.Failure.Message += "x"
	if err := encrypted.New(new(shelf), keys).Append(t.Context(), rec); err == nil || !strings.Contains(err.Error(), "more than the") {
		t.Errorf("got error %v for a larger one, want one about the size", err)
	}
}

// Whatever lies in the store, opening it ends with what was written there, an
// error that says why not, or what somebody wrote who knows the recipient.
func FuzzOpen(f *testing.F) {
	id := identity(f)
	keys := keysOf(id)
	doc, records := stored(f, keys, document(3, "l"), record(3, 1, "l", false))
	f.Add(uint64(3), "l", doc.Envelope.Data, []byte("{}"))
	f.Add(uint64(3), "l", records[0].Encrypted, []byte(`{"version":1,"lineage":"l","serial":3,"stories":[]}`))
	f.Add(uint64(3), "l", []byte("age-encryption.org/v1\n-> X25519 x\n\n--- x\n"), []byte(`{"version":2,"lineage":"l","serial":3,"encrypted":"eA=="}`))
	f.Fuzz(func(t *testing.T, serial uint64, lineage string, data, plain []byte) {
		for _, data := range [][]byte{data, encrypt(t, id, plain)} {
			d := &state.Document{Version: state.EnvelopeVersion, Lineage: lineage, Serial: serial, Envelope: &state.Envelope{Data: data}}
			got, _, err := load(t, keys, d)
			_, isCorrupt := errors.AsType[*state.CorruptError](err)
			_, isNewer := errors.AsType[*state.VersionError](err)
			switch {
			case err != nil && !isCorrupt && !isNewer && !errors.Is(err, state.ErrEncrypted):
				t.Errorf("got error %T: %v", err, err)
			case err == nil && (got.Serial != serial || got.Lineage != lineage || got.Envelope != nil):
				t.Errorf("got serial %d of %q from an envelope of serial %d of %q", got.Serial, got.Lineage, serial, lineage)
			}
			rec := state.Record{Base: serial, Seq: 1, Lineage: lineage, Encrypted: data}
			_, recs, err := load(t, keys, new(state.Document), rec)
			if err == nil && (recs[0].Base != serial || recs[0].Seq != 1 || recs[0].Lineage != lineage || len(recs[0].Encrypted) > 0) {
				t.Errorf("got %+v", recs[0])
			}
		}
	})
}

// sized is a document of about so many bytes.
func sized(b *testing.B, size int) *state.Document {
	b.Helper()
	doc := document(1, "l")
	one, err := state.Encode(doc)
	ok(b, err)
	for i := range size / (len(one) - 100) { // 100: of the document itself
		e := entry("teaser")
		e.Address = e.Address.At(fmt.Sprint(i))
		doc.Stories = append(doc.Stories, e)
	}
	return doc
}

// BenchmarkCommit and BenchmarkLoad tell what encryption costs, without a disk
// or a network.
func BenchmarkCommit(b *testing.B) {
	benchmark(b, func(b *testing.B, store state.Store, s *shelf, doc *state.Document) {
		ok(b, store.Commit(b.Context(), doc))
		s.docs = s.docs[:0]
	})
}

func BenchmarkLoad(b *testing.B) {
	benchmark(b, func(b *testing.B, store state.Store, s *shelf, doc *state.Document) {
		if len(s.docs) == 0 {
			ok(b, store.Commit(b.Context(), doc))
		}
		_, _, err := store.Load(b.Context())
		ok(b, err)
	})
}

func benchmark(b *testing.B, f func(*testing.B, state.Store, *shelf, *state.Document)) {
	id := identity(b)
	two, hybrid := keysOf(id, identity(b)), hybridKeys(b)
	for _, size := range []struct {
		name  string
		bytes int
	}{{"20kB", 20e3}, {"2MB", 2e6}} {
		for _, keys := range []struct {
			name string
			keys encrypted.Keys
		}{{"two", two}, {"hybrid", hybrid}} {
			b.Run(size.name+"/"+keys.name, func(b *testing.B) {
				s := new(shelf)
				store, doc := encrypted.New(s, keys.keys), sized(b, size.bytes)
				data, err := state.Encode(doc)
				ok(b, err)
				b.SetBytes(int64(len(data)))
				for b.Loop() {
					f(b, store, s, doc)
				}
			})
		}
	}
}

func BenchmarkAppend(b *testing.B) {
	s := new(shelf)
	store, rec := encrypted.New(s, keysOf(identity(b), identity(b))), record(1, 1, "l", false)
	for b.Loop() {
		ok(b, store.Append(b.Context(), rec))
		s.records = s.records[:0]
	}
}
