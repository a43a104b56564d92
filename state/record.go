package state

import (
	"bytes"
	"errors"
	"fmt"
	"hash/crc32"
	"slices"
	"strconv"
)

// MaxRecord is the largest record in bytes that is read or written, before it
// is encrypted if it is.
const MaxRecord = 1 << 20

// MaxJournal is the largest journal in bytes that is read.
const MaxJournal = 256 << 20

// storedRecord is a record as it is stored: with the format's version, since
// a record of a remote store stands alone.
type storedRecord struct {
	Version int `json:"version"`
	Record
}

// crcWidth is the length of the checksum at the head of a line, with the
// space that follows it.
const crcWidth = 9

// castagnoli is the polynomial of CRC-32C, which finds every burst of up to
// 32 bits and is computed in hardware.
var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// EncodeRecord returns the line that is stored for rec: the CRC-32C of what
// follows as eight hex digits, a space, the record as JSON in UTC times, and
// a newline. Equal records give equal lines. It refuses a record that
// DecodeRecord would refuse.
func EncodeRecord(rec Record) ([]byte, error) {
	rec = rec.clone()
	rec.utc()
	if err := rec.check(); err != nil {
		return nil, fmt.Errorf("encode a record: %w", err)
	}
	var stored any = storedRecord{FormatVersion, rec}
	limit := MaxRecord
	if len(rec.Encrypted) > 0 {
		stored = storedRecordEnvelope{EnvelopeVersion, rec.Base, rec.Seq, rec.Lineage, rec.Seal, rec.Encrypted}
		limit = maxRecordEnvelope
	}
	body, err := encodeJSON(stored, "")
	if err != nil {
		return nil, fmt.Errorf("encode a record: %w", err)
	}
	if len(body) > limit {
		return nil, fmt.Errorf("encode the record of %s: %w", rec.Key, tooLarge(len(body), limit))
	}
	return checksummed(bytes.TrimSuffix(body, []byte("\n"))), nil
}

// checksummed returns the line that stores body.
func checksummed(body []byte) []byte {
	return fmt.Appendf(nil, "%08x %s\n", crc32.Checksum(body, castagnoli), body)
}

// DecodeRecord reads one line of EncodeRecord, with or without its newline.
// where names its place in errors, which are *CorruptError without a hint or
// *VersionError.
func DecodeRecord(where string, line []byte) (Record, error) {
	corrupt := func(err error) (Record, error) { return Record{}, &CorruptError{Where: where, Err: err} }
	line = bytes.TrimSuffix(line, []byte("\n"))
	if len(line) < crcWidth || line[crcWidth-1] != ' ' {
		return corrupt(errors.New("it is not a record"))
	}
	if len(line) > maxRecordEnvelope+crcWidth {
		return corrupt(tooLarge(len(line), maxRecordEnvelope))
	}
	body := line[crcWidth:]
	sum, err := strconv.ParseUint(string(line[:crcWidth-1]), 16, 32)
	if err != nil || uint32(sum) != crc32.Checksum(body, castagnoli) {
		return corrupt(errors.New("its checksum doesn't match"))
	}
	var stored storedRecord
	err = decodeJSON(body, &stored)
	version, tool := stored.Version, stored.Tool
	if err != nil {
		version, tool = versionOf(body)
	}
	rec := stored.Record
	switch {
	case version > EnvelopeVersion:
		return Record{}, &VersionError{Where: where, Got: version, Tool: tool}
	case version == EnvelopeVersion:
		rec, err = decodeRecordEnvelope(body)
	case err != nil:
	case version < 1:
		err = errUnknownVersion
	case len(line) > MaxRecord+crcWidth:
		err = tooLarge(len(line), MaxRecord)
	default:
		err = rec.check()
	}
	if err != nil {
		return corrupt(err)
	}
	return rec, nil
}

// DecodeJournal reads the lines of a journal, in order, and returns them with
// the number of bytes that they take.
//
// A crash can leave a torn line at the end, one without its newline. It was
// never acknowledged, so it is left out. Any other line that can't be read is
// a *CorruptError: it may be a step that was acknowledged, and to leave it
// out might publish a story a second time.
func DecodeJournal(where string, data []byte) (records []Record, size int, err error) {
	for n := 1; ; n++ {
		line, _, whole := bytes.Cut(data[size:], []byte("\n"))
		if !whole {
			return records, size, nil
		}
		rec, err := DecodeRecord(fmt.Sprintf("%s, line %d", where, n), line)
		if err != nil {
			return nil, 0, err
		}
		records, size = append(records, rec), size+len(line)+1
	}
}

// clone returns a deep copy of rec.
func (rec *Record) clone() Record {
	c := *rec
	if rec.Entry != nil {
		c.Entry = new(rec.Entry.Clone())
	}
	c.Event = clonePointer(rec.Event)
	c.Encrypted = slices.Clone(rec.Encrypted)
	return c
}

// utc puts every time of rec in UTC. It may change what rec points to.
func (rec *Record) utc() {
	inUTC(&rec.At)
	if rec.Entry != nil {
		rec.Entry.utc()
	}
	if rec.Event != nil {
		rec.Event.utc()
	}
}

// check tells what is wrong with a record by itself.
func (rec *Record) check() error {
	switch {
	case rec.Seq < 1:
		return fmt.Errorf("its number is %d; records count from 1", rec.Seq)
	case rec.Lineage == "":
		return errors.New("it has no lineage")
	case len(rec.Encrypted) > 0:
		return rec.checkEncrypted()
	case rec.Seal:
		if !rec.Key.IsZero() || rec.Entry != nil || rec.Event != nil {
			return errors.New("it seals the journal and holds an entry")
		}
		return nil
	case rec.Key.Type != "story":
		return fmt.Errorf("%q is not the address of a story", rec.Key)
	case rec.Entry == nil:
		return nil
	case rec.Entry.Address != rec.Key:
		return fmt.Errorf("it holds %s and is about %s", rec.Entry.Address, rec.Key)
	}
	return rec.Entry.check()
}
