package state

import (
	"bytes"
	"context"
	"errors"
	"runtime"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"storyform/story"
)

// envelope returns an encrypted document. What is in it can't be read: nothing
// here opens it.
func envelope(serial uint64) *Document {
	return &Document{Version: EnvelopeVersion, Lineage: "l", Serial: serial, Tool: "0.2.0", Envelope: &Envelope{Data: []byte("age")}}
}

// covered returns an encrypted record.
func covered(base uint64, seq int, seal bool) Record {
	return Record{Base: base, Seq: seq, Lineage: "l", Seal: seal, Encrypted: []byte{byte(seq)}}
}

// What is stored of an encrypted document and record, to the byte.
func TestEnvelopeForm(t *testing.T) {
	data, err := Encode(envelope(7))
	if err != nil {
		t.Fatal(err)
	}
	want := `{
  "version": 2,
  "lineage": "l",
  "serial": 7,
  "storyform_version": "0.2.0",
  "encrypted": "YWdl"
}
`
	if diff := cmp.Diff(want, string(data)); diff != "" {
		t.Errorf("document (-want +got):\n%s", diff)
	}
	back, err := Decode("s", data)
	if diff := cmp.Diff(envelope(7), back); diff != "" || err != nil {
		t.Errorf("error %v, read back (-want +got):\n%s", err, diff)
	}
	line, err := EncodeRecord(covered(7, 2, true))
	if err != nil {
		t.Fatal(err)
	}
	if got, want := string(line[crcWidth:]), `{"version":2,"base":7,"seq":2,"lineage":"l","seal":true,"encrypted":"Ag=="}`+"\n"; got != want {
		t.Errorf("got record %s, want %s", got, want)
	}
	rec, err := DecodeRecord("j", line)
	if diff := cmp.Diff(covered(7, 2, true), rec); diff != "" || err != nil {
		t.Errorf("error %v, read back (-want +got):\n%s", err, diff)
	}
}

// Nothing may stand in clear beside what is encrypted: it would be believed by
// one reader and not by another.
func TestEnvelopeRefused(t *testing.T) {
	for _, test := range []struct{ want, data string }{
		{"unknown field", `{"version":2,"lineage":"l","serial":1,"encrypted":"YWdl","stories":[]}`},
		{"unknown field", `{"version":2,"lineage":"l","serial":1,"encrypted":"YWdl","prev_sha256":"x"}`},
		{"unknown field", `{"version":1,"lineage":"l","serial":1,"encrypted":"YWdl"}`},
		{"unknown field", `{"version":1,"lineage":"l","serial":1,"stories":[],"Envelope":{}}`},
		{"is missing", `{"version":2,"lineage":"l","serial":1}`},
		{"is missing", `{"version":2,"lineage":"l","serial":1,"encrypted":""}`},
		{"serial is 0", `{"version":2,"lineage":"l","encrypted":"YWdl"}`},
		{"no lineage", `{"version":2,"serial":1,"encrypted":"YWdl"}`},
		{"illegal base64", `{"version":2,"lineage":"l","serial":1,"encrypted":"?"}`},
		{"isn't sealed", `{"version":2,"lineage":"l","serial":1,"journal":[]}`},
		{"isn't sealed", `{"version":2,"lineage":"l","serial":1,"base":{"version":1,"lineage":"l","serial":1,"stories":[]}}`},
		{"not a record", `{"version":2,"lineage":"l","serial":1,"journal":["x"]}`},
	} {
		_, err := Decode("s", []byte(test.data))
		if _, ok := errors.AsType[*CorruptError](err); !ok || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: got error %v, want a *CorruptError with %q", test.data, err, test.want)
		}
	}
	for _, test := range []struct{ want, body string }{
		{"unknown field", `{"version":2,"base":1,"seq":1,"lineage":"l","encrypted":"YWdl","step":"live"}`},
		{"unknown field", `{"version":1,"base":1,"seq":1,"lineage":"l","encrypted":"YWdl"}`},
		{"nothing in it", `{"version":2,"base":1,"seq":1,"lineage":"l"}`},
		{"count from 1", `{"version":2,"base":1,"lineage":"l","encrypted":"YWdl"}`},
		{"no lineage", `{"version":2,"base":1,"seq":1,"encrypted":"YWdl"}`},
	} {
		_, err := DecodeRecord("j", checksummed([]byte(test.body)))
		if _, ok := errors.AsType[*CorruptError](err); !ok || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: got error %v, want a *CorruptError with %q", test.body, err, test.want)
		}
	}
	open := envelope(1)
	open.Stories = []Entry{entry("a", story.Live)}
	rec := covered(1, 1, false)
	rec.Step = "live"
	_, docErr := Encode(open)
	_, recErr := EncodeRecord(rec)
	for _, err := range []error{docErr, recErr} {
		if err == nil || !strings.Contains(err.Error(), "holds something in clear") {
			t.Errorf("got error %v, want one about what is in clear", err)
		}
	}
}

// stored is a store that only loads.
type stored struct {
	Store
	doc     *Document
	records []Record
}

func (s stored) Load(context.Context) (*Document, []Record, error) { return s.doc, s.records, nil }
func (s stored) String() string                                    { return "here" }

// An encrypted state is never taken for an empty one, and an encrypted record
// never for none.
func TestEncryptedIsNotEmpty(t *testing.T) {
	clear := record(1, 1, entry("a", story.Live))
	for _, s := range []stored{
		{doc: envelope(1)},
		{doc: new(Document), records: []Record{covered(0, 1, false)}},
		{doc: document(), records: []Record{clear, covered(1, 2, true)}},
		{doc: envelope(1), records: []Record{clear}},
	} {
		_, err := Open(t.Context(), s, Run{}, nil)
		if !errors.Is(err, ErrEncrypted) || !strings.Contains(err.Error(), "here") {
			t.Errorf("got error %v, want %v", err, ErrEncrypted)
		}
		if err := newLog(s.doc).apply(covered(s.doc.Serial, 1, false)); !errors.Is(err, ErrEncrypted) {
			t.Errorf("got error %v for a record, want %v", err, ErrEncrypted)
		}
	}
	if _, err := Hash(envelope(1)); !errors.Is(err, ErrEncrypted) {
		t.Errorf("got error %v from Hash, want %v", err, ErrEncrypted)
	}
	if _, err := Fold(document(), []Record{covered(1, 1, false)}); !errors.Is(err, ErrEncrypted) {
		t.Errorf("got error %v from Fold of an open journal, want %v", err, ErrEncrypted)
	}
}

// Folding without a key keeps what is folded, gives the same bytes each time,
// and can be gone on with.
func TestFoldEncrypted(t *testing.T) {
	clear := record(1, 1, entry("a", story.Live))
	for _, test := range []struct {
		name  string
		doc   *Document
		first []Record
	}{
		{"encrypted", envelope(1), []Record{covered(1, 1, false), covered(1, 2, true)}},
		{"begun in clear", document(entry("b", story.Live)), []Record{clear, covered(1, 2, true)}},
		{"ended in clear", envelope(1), []Record{covered(1, 1, false), seal(1, 2)}},
		{"all in clear on what is encrypted", envelope(1), []Record{clear, seal(1, 2)}},
		{"the first document", new(Document), []Record{covered(0, 1, false), covered(0, 2, true)}},
	} {
		t.Run(test.name, func(t *testing.T) {
			once, err := Fold(test.doc, test.first)
			if err != nil || once.Serial != test.doc.Serial+1 || once.Lineage != "l" {
				t.Fatalf("got %+v, error %v", once, err)
			}
			next := once.Serial
			twice, err := Fold(once, []Record{covered(next, 1, false), covered(next, 2, true)})
			if err != nil || twice.Serial != next+1 || len(twice.Envelope.Lines) != 4 {
				t.Fatalf("got %+v, error %v", twice, err)
			}
			for _, doc := range []*Document{once, twice} {
				data, err := Encode(doc)
				if err != nil {
					t.Fatal(err)
				}
				back, err := Decode("s", data)
				if diff := cmp.Diff(doc, back); diff != "" || err != nil {
					t.Errorf("error %v, read back (-want +got):\n%s", err, diff)
				}
				wrong := bytes.Replace(data, []byte(`"serial": `), []byte(`"serial": 1`), 1)
				if _, err := Decode("s", wrong); err == nil || !strings.Contains(err.Error(), "what is in it gives serial") {
					t.Errorf("got error %v for another serial", err)
				}
			}
		})
	}
	for _, records := range [][]Record{
		nil,
		{covered(1, 2, true)},
		{covered(2, 1, true)},
		{covered(1, 1, true), covered(1, 2, true)},
		{{Base: 1, Seq: 1, Lineage: "other", Seal: true, Encrypted: []byte{1}}},
	} {
		if _, err := Fold(envelope(1), records); err == nil {
			t.Errorf("got no error for %+v", records)
		}
	}
}

// inner and outer are stores around each other.
type (
	inner struct{ Store }
	outer struct{ Store }
)

func (inner) Probe() string   { return "probed" }
func (s outer) Unwrap() Store { return s.Store }

// A document of many journals costs no more than it has bytes: whoever may write
// to a store could make others read for hours otherwise.
func TestManyJournals(t *testing.T) {
	d := &Document{Version: EnvelopeVersion, Lineage: "l", Serial: 8000, Envelope: new(Envelope)}
	for base := range d.Serial {
		line, err := EncodeRecord(covered(base, 1, true))
		if err != nil {
			t.Fatal(err)
		}
		d.Envelope.Lines = append(d.Envelope.Lines, strings.TrimSuffix(string(line), "\n"))
	}
	data, err := Encode(d)
	if err != nil {
		t.Fatal(err)
	}
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	back, err := Decode("s", data)
	runtime.ReadMemStats(&after)
	if err != nil || back.Serial != d.Serial || len(back.Envelope.Lines) != 8000 {
		t.Fatalf("got serial %d and error %v", back.Serial, err)
	}
	if n := after.TotalAlloc - before.TotalAlloc; n > 200*uint64(len(data)) {
		t.Errorf("%d bytes were allocated for %d", n, len(data))
	}
}

func TestFind(t *testing.T) {
	type prober = interface{ Probe() string }
	if p, ok := Find[prober](outer{outer{inner{}}}); !ok || p.Probe() != "probed" {
		t.Errorf("got %v, %v, want the inner store", p, ok)
	}
	if p, ok := Find[prober](outer{stored{}}); ok {
		t.Errorf("got %v, want nothing", p)
	}
}
