package state

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"storyform/story"
)

// record returns the record that puts e at a position.
func record(base uint64, seq int, e Entry) Record {
	return Record{Base: base, Seq: seq, Lineage: "l", At: at(9), Run: "r", Step: "test", Key: e.Address, Entry: &e}
}

// seal returns the seal at a position.
func seal(base uint64, seq int) Record {
	return Record{Base: base, Seq: seq, Lineage: "l", At: at(11), Run: "sealer", Step: "seal", Seal: true, Tool: "0.2.0"}
}

func TestFold(t *testing.T) {
	base := document(entry("a", story.Scheduled), entry("c", story.Live))
	base.WrittenBy, base.History = "before", []Event{{What: "published", Note: "1"}}
	published := record(1, 2, entry("a", story.Live))
	published.Event = &Event{What: "published", Note: "2"}
	drop := record(1, 3, entry("c", story.Live))
	drop.Entry = nil
	records := []Record{record(1, 1, entry("b", story.Scheduled)), published, drop}

	open, err := Fold(base, records)
	if err != nil {
		t.Fatal(err)
	}
	want := document(entry("a", story.Live), entry("b", story.Scheduled))
	want.WrittenBy, want.History = "before", []Event{{What: "published", Note: "1"}, {What: "published", Note: "2"}}
	if diff := cmp.Diff(want, open); diff != "" {
		t.Errorf("open journal (-want +got):\n%s", diff)
	}

	sealed, err := Fold(base, append(records, seal(1, 4)))
	if err != nil {
		t.Fatal(err)
	}
	want.Serial, want.WrittenBy, want.WrittenAt, want.Tool = 2, "sealer", at(11), "0.2.0"
	if want.PrevSHA256, err = Hash(base); err != nil || len(want.PrevSHA256) != 64 {
		t.Fatal(want.PrevSHA256, err)
	}
	if diff := cmp.Diff(want, sealed); diff != "" {
		t.Errorf("sealed journal (-want +got):\n%s", diff)
	}
	if len(base.Stories) != 2 || base.Stories[0].Status != story.Scheduled || len(base.History) != 1 {
		t.Error("Fold changed the document")
	}
}

func TestFirstFold(t *testing.T) {
	first, err := Fold(new(Document), []Record{record(0, 1, entry("a", story.Scheduled)), seal(0, 2)})
	if err != nil {
		t.Fatal(err)
	}
	if first.Serial != 1 || first.Lineage != "l" || first.PrevSHA256 != "" || first.Version != FormatVersion {
		t.Errorf("got serial %d, lineage %q, previous %q, version %d", first.Serial, first.Lineage, first.PrevSHA256, first.Version)
	}
}

// A document from before there was out_revision does not forget what was out.
func TestFoldOutRevision(t *testing.T) {
	a := story.Address{Type: "story", Name: "a"}
	old := &Document{Version: FormatVersion, Lineage: "l", Serial: 3, Stories: []Entry{{Address: a, Revision: 4, Status: story.Scheduled}}}
	for i, what := range []string{"published", "missed", "adopted", "published"} {
		old.History = append(old.History, Event{What: what, Address: a, Revision: []int{1, 3, 2, 4}[i]})
	}
	before := old.Clone()
	got, err := Fold(old, nil)
	if err != nil || got.Stories[0].OutRevision != 2 {
		t.Errorf("got %+v, error %v, want revision 2 to have been out", got, err)
	}
	if d := cmp.Diff(before, old); d != "" {
		t.Errorf("the document was changed (-before +after):\n%s", d)
	}
}

func TestFoldRefuses(t *testing.T) {
	a := entry("a", story.Live)
	change := func(rec Record, f func(*Record)) Record { f(&rec); return rec }
	last := document()
	last.Serial = 1<<64 - 1
	for _, test := range []struct {
		want    string
		doc     *Document
		records []Record
	}{
		{"record 1 follows serial 0, and the document has serial 1", document(), []Record{record(0, 1, a)}},
		{"record 1 follows serial 2, and the document has serial 1", document(), []Record{record(2, 1, a)}},
		{"record 2 follows record 0", document(), []Record{record(1, 2, a)}},
		{"record 3 follows record 1", document(), []Record{record(1, 1, a), record(1, 3, a)}},
		{"record 1 follows record 1", document(), []Record{record(1, 1, a), record(1, 1, a)}},
		{"record 2 follows the seal", document(), []Record{seal(1, 1), record(1, 2, a)}},
		{"record 2 follows the seal", document(), []Record{seal(1, 1), seal(1, 2)}},
		{"belongs to another state", document(), []Record{change(record(1, 1, a), func(r *Record) { r.Lineage = "m" })}},
		{"belongs to another state", new(Document), []Record{record(0, 1, a), change(record(0, 2, a), func(r *Record) { r.Lineage = "m" })}},
		{"it has no lineage", new(Document), []Record{change(record(0, 1, a), func(r *Record) { r.Lineage = "" })}},
		{"it holds story.a and is about story.b", document(), []Record{change(record(1, 1, a), func(r *Record) { r.Key = addr("b") })}},
		{`"page.x" is not the address of a story`, document(), []Record{change(record(1, 1, a), func(r *Record) { r.Key.Type, r.Key.Name = "page", "x" })}},
		{`unknown status ""`, document(), []Record{record(1, 1, entry("a", ""))}},
		{"seals the journal and holds an entry", document(), []Record{change(record(1, 1, a), func(r *Record) { r.Seal = true })}},
		{"can't rise", last, []Record{change(seal(1, 1), func(r *Record) { r.Base = last.Serial })}},
	} {
		if _, err := Fold(test.doc, test.records); err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("got error %v, want %q", err, test.want)
		}
	}
}

// history makes n random records that follow serial 1.
func history(random *rand.Rand, n int) []Record {
	var records []Record
	for seq := 1; seq <= n; seq++ {
		status := story.Statuses[random.IntN(len(story.Statuses))]
		rec := record(1, seq, entry(fmt.Sprintf("s%d", random.IntN(5)), status))
		switch random.IntN(4) {
		case 0:
			rec.Entry = nil
		case 1:
			rec.Event = &Event{What: "published", Address: rec.Key, Note: fmt.Sprint(seq)}
		}
		records = append(records, rec)
	}
	return records
}

// Folding in two goes gives the stories and the history of folding in one.
func TestFoldInTwoGoes(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	for range 200 {
		base := document(entry("s0", story.Scheduled), entry("s9", story.Live))
		records := history(random, 1+random.IntN(12))
		whole, err := Fold(base, records)
		if err != nil {
			t.Fatal(err)
		}
		cut := random.IntN(len(records) + 1)
		half, err := Fold(base, append(records[:cut:cut], seal(1, cut+1)))
		if err != nil {
			t.Fatal(err)
		}
		rest := append([]Record(nil), records[cut:]...)
		for i := range rest {
			rest[i].Base, rest[i].Seq = half.Serial, i+1
		}
		both, err := Fold(half, rest)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(whole.Stories, both.Stories); diff != "" {
			t.Fatalf("stories (-in one +in two):\n%s", diff)
		}
		if diff := cmp.Diff(whole.History, both.History); diff != "" {
			t.Fatalf("history (-in one +in two):\n%s", diff)
		}
	}
}

// journal encodes records.
func journal(t testing.TB, records []Record) []byte {
	t.Helper()
	var lines []byte
	for _, rec := range records {
		line, err := EncodeRecord(rec)
		if err != nil {
			t.Fatal(err)
		}
		lines = append(lines, line...)
	}
	return lines
}

// A journal that is cut anywhere gives the records before the cut; one with a
// byte changed gives an error, except where the last newline is gone.
func TestDamagedJournal(t *testing.T) {
	records := history(rand.New(rand.NewPCG(3, 4)), 3)
	data := journal(t, records)
	starts := []int{0}
	for i, b := range data {
		if b == '\n' {
			starts = append(starts, i+1)
		}
	}
	for cut := range len(data) {
		got, size, err := DecodeJournal("j", data[:cut])
		want := 0
		for want+1 < len(starts) && starts[want+1] <= cut {
			want++
		}
		if err != nil || len(got) != want || size != starts[want] {
			t.Fatalf("cut at %d: got %d records in %d bytes, error %v, want %d in %d", cut, len(got), size, err, want, starts[want])
		}
	}
	for i := range data {
		for _, b := range []byte{0, data[i] ^ 1, data[i] ^ 0x20, '\n'} {
			if b == data[i] {
				continue
			}
			damaged := bytes.Clone(data)
			damaged[i] = b
			got, _, err := DecodeJournal("j", damaged)
			_, corrupt := errors.AsType[*CorruptError](err)
			upperHex := err == nil && len(got) == len(records) // "1a2b" and "1A2B" are one checksum
			if torn := i == len(data)-1 && len(got) == len(records)-1; !corrupt && !torn && !upperHex {
				t.Fatalf("byte %d is %q: got %d records, error %v", i, b, len(got), err)
			}
			if diff := cmp.Diff(records[:len(got)], got); len(got) > 0 && diff != "" {
				t.Fatalf("byte %d is %q: the records differ:\n%s", i, b, diff)
			}
		}
	}
}

func TestZeroesAtTheEndAreTorn(t *testing.T) {
	data := journal(t, history(rand.New(rand.NewPCG(5, 6)), 2))
	for _, tail := range []string{"\x00\x00\x00", "1234abcd {\x00\x00", "\x00"} {
		records, size, err := DecodeJournal("j", append(bytes.Clone(data), tail...))
		if err != nil || len(records) != 2 || size != len(data) {
			t.Errorf("%q: got %d records in %d bytes, error %v, want 2 in %d", tail, len(records), size, err, len(data))
		}
	}
	if _, _, err := DecodeJournal("j", append(bytes.Clone(data), "\x00\x00\n"...)); err == nil {
		t.Error("got no error for a whole line of zeroes")
	}
}

func TestRecordOfNewerFormat(t *testing.T) {
	line, err := EncodeRecord(record(1, 1, entry("a", story.Live)))
	if err != nil {
		t.Fatal(err)
	}
	body := bytes.Replace(line[crcWidth:len(line)-1], []byte(`"version":1`), []byte(`"version":3,"new":1`), 1)
	_, err = DecodeRecord("j", checksummed(body))
	if newer, ok := errors.AsType[*VersionError](err); !ok || newer.Got != 3 {
		t.Errorf("got %v, want a *VersionError", err)
	}
}

// Whatever DecodeRecord accepts it can write and read again, to the same
// bytes; and folding what is accepted never panics.
func FuzzRecord(f *testing.F) {
	event := record(1, 1, entry("a", story.Live))
	event.Event = &Event{What: "published", Address: addr("a")}
	drop := record(1, 2, entry("a", story.Live))
	drop.Entry = nil
	for _, rec := range []Record{event, drop, seal(1, 1), covered(1, 1, false), covered(1, 2, true)} {
		line, err := EncodeRecord(rec)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(line[crcWidth : len(line)-1])
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		rec, err := DecodeRecord("x", checksummed(body))
		if err != nil {
			return
		}
		first, err := EncodeRecord(rec)
		if err != nil {
			t.Fatalf("EncodeRecord refuses what DecodeRecord accepted: %v", err)
		}
		again, err := DecodeRecord("x", first)
		if err != nil {
			t.Fatalf("DecodeRecord refuses what EncodeRecord wrote: %v\n%s", err, first)
		}
		if second, err := EncodeRecord(again); err != nil || !bytes.Equal(first, second) {
			t.Errorf("error %v; the second time differs:\n%s%s", err, first, second)
		}
		d := document(entry("a", story.Scheduled))
		d.Serial, d.Lineage = max(rec.Base, 1), rec.Lineage
		if folded, err := Fold(d, []Record{rec}); err == nil {
			if _, err := Encode(folded); err != nil {
				t.Errorf("a folded document can't be written: %v", err)
			}
		}
	})
}

// Any bytes are a journal, a torn one or an error; what is accepted reads the
// same again.
func FuzzJournal(f *testing.F) {
	data := journal(f, history(rand.New(rand.NewPCG(7, 8)), 3))
	f.Add(data)
	f.Add(data[:len(data)-7])
	f.Add(append(bytes.Clone(data), 0, 0, 0))
	f.Fuzz(func(t *testing.T, data []byte) {
		records, size, err := DecodeJournal("x", data)
		if err != nil {
			return
		}
		again, sizeAgain, err := DecodeJournal("x", data[:size])
		if err != nil || sizeAgain != size || len(again) != len(records) {
			t.Errorf("got %d records in %d bytes, error %v, want %d in %d", len(again), sizeAgain, err, len(records), size)
		}
	})
}
