package state

import (
	"errors"
	"fmt"
	"maps"
	"slices"

	"storyform/story"
)

// Fold applies a journal to the document that it follows and returns a new
// document; it changes neither. It is pure: the same inputs give the same
// document wherever and whenever it is called, which is what lets any later
// run finish the fold that a crashed one began.
//
// The records must be those of doc's serial, numbered 1, 2, … without a gap,
// of doc's lineage, and none may follow a seal. A sealed journal gives the
// document of the next serial, as it is to be written: with the hash of doc,
// and signed by the run that sealed. An open journal gives what is known so
// far, under doc's own serial.
//
// Where something is encrypted, a sealed journal gives a document that holds
// doc and the journal as they are; see Envelope. With an open one it fails
// with ErrEncrypted.
func Fold(doc *Document, records []Record) (*Document, error) {
	if encryptedLog(doc, records) {
		return foldEncrypted(doc, records)
	}
	l := newLog(doc)
	for _, rec := range records {
		if err := l.apply(rec.clone()); err != nil {
			return nil, err
		}
	}
	return l.document(), nil
}

// log is a document with a journal being applied to it. Applying a record
// costs the same however many stories and events there are.
type log struct {
	base    *Document // never changed
	lineage string    // base's, or that of the first record
	entries map[story.Address]Entry
	events  []Event // those of the journal
	seq     int     // of the newest record; 0: the journal is empty
	seal    *Record
	prev    string // the hash of base, once sealed
}

// newLog starts with the document and an empty journal. It keeps doc, which
// must not be changed any more, and never changes it.
func newLog(doc *Document) *log {
	l := &log{base: doc, lineage: doc.Lineage, entries: make(map[story.Address]Entry, len(doc.Stories))}
	for _, e := range doc.Stories {
		if e.OutRevision == 0 && e.Revision > 1 {
			e.OutRevision = doc.wentOut(e.Address, e.Revision)
		}
		l.entries[e.Address] = e
	}
	return l
}

// wentOut finds in the history the highest revision of a story below another one
// that was out: documents from before there was OutRevision tell it only there.
func (d *Document) wentOut(addr story.Address, below int) (revision int) {
	for i := range d.History {
		if ev := &d.History[i]; ev.Address == addr && ev.Revision < below && ev.Publication() {
			revision = max(revision, ev.Revision)
		}
	}
	return revision
}

// apply appends a record, which must not be changed any more.
func (l *log) apply(rec Record) error {
	if err := rec.follows(l.base.Serial, l.seq, l.seal != nil, l.lineage); err != nil {
		return err
	}
	if len(rec.Encrypted) > 0 {
		return fmt.Errorf("record %d: %w", rec.Seq, ErrEncrypted)
	}
	l.seq, l.lineage = rec.Seq, rec.Lineage
	switch {
	case rec.Seal:
		return l.close(&rec)
	case rec.Entry != nil:
		l.entries[rec.Key] = *rec.Entry
	default:
		delete(l.entries, rec.Key)
	}
	if rec.Event != nil {
		l.events = append(l.events, *rec.Event)
	}
	return nil
}

// follows tells what is wrong with rec as the next record of a journal: that
// of a serial, with seq records in it, sealed or not. lineage is "" before the
// first record of a new state.
func (rec *Record) follows(serial uint64, seq int, sealed bool, lineage string) error {
	switch {
	case rec.Base != serial:
		return fmt.Errorf("record %d follows serial %d, and the document has serial %d", rec.Seq, rec.Base, serial)
	case rec.Seq != seq+1:
		return fmt.Errorf("record %d follows record %d", rec.Seq, seq)
	case sealed:
		return fmt.Errorf("record %d follows the seal", rec.Seq)
	case lineage != "" && rec.Lineage != lineage:
		return fmt.Errorf("record %d belongs to another state: its lineage is %s, that of the document is %s", rec.Seq, rec.Lineage, lineage)
	}
	if err := rec.check(); err != nil {
		return fmt.Errorf("record %d: %w", rec.Seq, err)
	}
	return nil
}

// errTopSerial ends a state after some 10^19 documents.
var errTopSerial = errors.New("the serial can't rise any further")

// close takes the seal.
func (l *log) close(seal *Record) error {
	if l.serial()+1 == 0 {
		return errTopSerial
	}
	if l.base.Serial > 0 {
		hash, err := Hash(l.base)
		if err != nil {
			return err
		}
		l.prev = hash
	}
	l.seal = seal
	return nil
}

// serial is that of the document that l gives.
func (l *log) serial() uint64 {
	if l.seal != nil {
		return l.base.Serial + 1
	}
	return l.base.Serial
}

// document returns what l holds, as described at Fold. The result shares
// nothing with l.
func (l *log) document() *Document {
	d := *l.base
	d.Version, d.Lineage, d.Serial = FormatVersion, l.lineage, l.serial()
	if l.seal != nil {
		d.PrevSHA256 = l.prev
		d.WrittenBy, d.WrittenAt, d.Tool = l.seal.Run, l.seal.At, l.seal.Tool
	}
	d.Stories = slices.SortedFunc(maps.Values(l.entries), func(a, b Entry) int { return a.Address.Compare(b.Address) })
	d.History = slices.Concat(l.base.History, l.events)
	return d.Clone()
}
