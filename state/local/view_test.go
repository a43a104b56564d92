package local

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"storyform/state"
	"storyform/story"
)

// Whatever whole records a journal holds, in whatever order, it is refused or
// it gives a document with records that fold into it and that leave nothing
// out: every story of a record that follows the file's document is there.
func TestAnyJournal(t *testing.T) {
	t.Parallel()
	random := rand.New(rand.NewPCG(1, 2))
	accepted := 0
	for range 20_000 {
		doc := &state.Document{Version: state.FormatVersion, Lineage: "l", Serial: uint64(1 + random.IntN(3))}
		v := &view{doc: doc}
		var records []state.Record
		base, seq := uint64(1+random.IntN(2)), 1
		for n := range random.IntN(6) {
			e := entry(fmt.Sprintf("s%d", n), story.Live)
			rec := state.Record{Base: base, Seq: seq, Lineage: "l", Run: "r", Key: e.Address, Entry: &e}
			if seq++; random.IntN(3) == 0 {
				rec = state.Record{Base: base, Seq: rec.Seq, Lineage: "l", Run: "r", Seal: true}
				base, seq = base+1, 1
			}
			switch random.IntN(12) { // and sometimes what no store writes
			case 0:
				base++
			case 1:
				seq = random.IntN(4)
			case 2:
				rec.Base += uint64(random.IntN(2))
			}
			line, err := state.EncodeRecord(rec)
			if err != nil {
				continue
			}
			v.journal, records = append(v.journal, line...), append(records, rec)
		}
		store := &Store{path: "s.json"}
		if v.split(records) != nil || store.rollForward(v) != nil {
			continue
		}
		newest, err := state.Fold(v.doc, v.records)
		if err != nil {
			t.Fatalf("an accepted journal doesn't fold: %v\n%s", err, v.journal)
		}
		accepted++
		known := map[story.Address]bool{}
		for _, e := range newest.Stories {
			known[e.Address] = true
		}
		for _, rec := range records {
			if rec.Base >= doc.Serial && rec.Entry != nil && !known[rec.Key] {
				t.Fatalf("serial %d: %s was left out\n%s", doc.Serial, rec.Key, v.journal)
			}
		}
	}
	if accepted < 1000 {
		t.Errorf("got %d accepted journals, too few to say anything", accepted)
	}
}
