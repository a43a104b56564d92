package state

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
)

// EnvelopeVersion is the version of documents and records that are encrypted.
// What is inside of one has a version of its own. A storyform that knows
// nothing of encryption takes it for what it is: something newer.
const EnvelopeVersion = 2

// ErrEncrypted means that a document or a record is encrypted and was not
// opened, so that nothing can be told from it. A state with one in it must
// never be taken for an empty one.
var ErrEncrypted = errors.New("it is encrypted")

// Envelope is what an encrypted document has instead of its content; in clear
// are only its lineage, its serial and the version of the storyform that wrote
// it. Package encrypted makes and opens envelopes.
type Envelope struct {
	// Data is an age file with the document in it, as Encode writes it.
	Data []byte
	// Base and Lines stand instead of Data where Fold was called without a
	// key: the encoded document, nil for one that was never written, and the
	// lines of the journals which, folded into it one after the other, give
	// this document.
	Base  []byte
	Lines []string
}

// storedEnvelope is an encrypted document as it is stored.
type storedEnvelope struct {
	Version   int             `json:"version"`
	Lineage   string          `json:"lineage"`
	Serial    uint64          `json:"serial"`
	Tool      string          `json:"storyform_version,omitempty"`
	Encrypted []byte          `json:"encrypted,omitempty"`
	Base      json.RawMessage `json:"base,omitempty"`
	Journal   []string        `json:"journal,omitempty"`
}

// storedRecordEnvelope is an encrypted record as it is stored.
type storedRecordEnvelope struct {
	Version   int    `json:"version"`
	Base      uint64 `json:"base"`
	Seq       int    `json:"seq"`
	Lineage   string `json:"lineage"`
	Seal      bool   `json:"seal,omitempty"`
	Encrypted []byte `json:"encrypted"`
}

// maxRecordEnvelope is the largest encrypted record in bytes: room for every
// record that may be written in clear, which grows by a third, and for many
// recipients. A document has no such room: MaxDocument bounds it as it is
// stored, encrypted or not, since no store reads more.
const maxRecordEnvelope = 2 * MaxRecord

// encodeEnvelope is Encode for an encrypted document.
func encodeEnvelope(d *Document) ([]byte, error) {
	e := d.Envelope
	switch {
	case d.Serial == 0:
		return nil, errors.New("its serial is 0")
	case d.Lineage == "":
		return nil, errors.New("it has no lineage")
	case d.PrevSHA256 != "" || d.WrittenBy != "" || !d.WrittenAt.IsZero() || len(d.Stories)+len(d.History) > 0:
		return nil, errors.New("it is encrypted and holds something in clear")
	case (len(e.Data) > 0) == (len(e.Lines) > 0) || len(e.Data) > 0 && e.Base != nil:
		return nil, errors.New("it is encrypted, and what is in it is missing or there twice")
	}
	return encodeJSON(storedEnvelope{EnvelopeVersion, d.Lineage, d.Serial, d.Tool, e.Data, e.Base, e.Lines}, "  ")
}

// decodeEnvelope reads what encodeEnvelope wrote.
func decodeEnvelope(where string, data []byte) (*Document, error) {
	var s storedEnvelope
	if err := decodeJSON(data, &s); err != nil {
		return nil, err
	}
	d := &Document{Version: s.Version, Lineage: s.Lineage, Serial: s.Serial, Tool: s.Tool, Envelope: &Envelope{Data: s.Encrypted}}
	if s.Base != nil || s.Journal != nil {
		folded, err := refold(where, s.Base, s.Journal)
		if err != nil {
			return nil, err
		}
		if folded.Lineage != s.Lineage || folded.Serial != s.Serial {
			return nil, fmt.Errorf("it says that it has serial %d, and what is in it gives serial %d, or it is of another lineage", s.Serial, folded.Serial)
		}
		d.Envelope.Base, d.Envelope.Lines = folded.Envelope.Base, folded.Envelope.Lines
	}
	_, err := encodeEnvelope(d)
	return d, err
}

// refold folds again what a document holds that was folded without a key.
func refold(where string, base []byte, lines []string) (*Document, error) {
	doc := new(Document)
	if base != nil {
		var err error
		if doc, err = Decode(where, base); err != nil {
			return nil, err
		}
		if doc.Envelope != nil && doc.Envelope.Lines != nil {
			return nil, errors.New("a document is in it that was itself folded unopened")
		}
	}
	var journal []Record
	for _, line := range lines {
		rec, err := DecodeRecord(where, []byte(line))
		if err != nil {
			return nil, err
		}
		if journal = append(journal, rec); !rec.Seal {
			continue
		}
		if doc.Envelope != nil && doc.Envelope.Lines != nil {
			err = doc.extend(journal) // in place: there may be many journals
		} else {
			doc, err = foldEncrypted(doc, journal)
		}
		if err != nil {
			return nil, err
		}
		journal = journal[:0]
	}
	if len(journal) > 0 || doc.Envelope == nil || doc.Envelope.Lines == nil {
		return nil, errors.New("the journal in it isn't sealed")
	}
	return doc, nil
}

// encryptedLog reports whether anything of a log is encrypted.
func encryptedLog(doc *Document, records []Record) bool {
	return doc.Envelope != nil || slices.ContainsFunc(records, func(rec Record) bool { return len(rec.Encrypted) > 0 })
}

// foldEncrypted is Fold where something is encrypted. What the document of the
// next serial holds can't be told without a key. What it follows from can: so
// it holds that, the same to the byte whoever folds, and it is for those who
// have a key to make a document of it.
func foldEncrypted(doc *Document, records []Record) (*Document, error) {
	d := &Document{Version: EnvelopeVersion, Lineage: doc.Lineage, Serial: doc.Serial, Envelope: new(Envelope)}
	if e := doc.Envelope; e != nil && e.Lines != nil {
		d.Envelope = e.clone()
	} else if doc.Serial > 0 {
		var err error
		if d.Envelope.Base, err = Encode(doc); err != nil {
			return nil, err
		}
	}
	if err := d.extend(records); err != nil {
		return nil, err
	}
	return d, nil
}

// extend folds a sealed journal into a document that holds one already, or is
// to, and makes it that of the next serial.
func (d *Document) extend(records []Record) error {
	sealed := false
	for i, rec := range records {
		if err := rec.follows(d.Serial, i, sealed, d.Lineage); err != nil {
			return err
		}
		line, err := EncodeRecord(rec)
		if err != nil {
			return err
		}
		d.Envelope.Lines = append(d.Envelope.Lines, strings.TrimSuffix(string(line), "\n"))
		d.Lineage, sealed = rec.Lineage, rec.Seal
	}
	if !sealed {
		return fmt.Errorf("the journal is open: %w", ErrEncrypted)
	}
	if d.Serial++; d.Serial == 0 {
		return errTopSerial
	}
	return nil
}

// clone returns a deep copy of e.
func (e *Envelope) clone() *Envelope {
	return &Envelope{Data: slices.Clone(e.Data), Base: slices.Clone(e.Base), Lines: slices.Clone(e.Lines)}
}

// checkEncrypted tells what is wrong with an encrypted record by itself.
func (rec *Record) checkEncrypted() error {
	if !rec.At.IsZero() || rec.Run != "" || rec.Step != "" || !rec.Key.IsZero() || rec.Entry != nil || rec.Event != nil || rec.Tool != "" {
		return errors.New("it is encrypted and holds something in clear")
	}
	return nil
}

// decodeRecordEnvelope reads an encrypted record.
func decodeRecordEnvelope(body []byte) (Record, error) {
	var s storedRecordEnvelope
	if err := decodeJSON(body, &s); err != nil {
		return Record{}, err
	}
	if len(s.Encrypted) == 0 {
		return Record{}, errors.New("it is encrypted and there is nothing in it")
	}
	rec := Record{Base: s.Base, Seq: s.Seq, Lineage: s.Lineage, Seal: s.Seal, Encrypted: s.Encrypted}
	return rec, rec.check()
}
