// Package snapshot is the log of package state for stores that keep it as one
// whole: the newest document and the records after it, replaced together on the
// condition that they are still what was read. It says what may follow what;
// reading, replacing and the condition are the store's.
package snapshot

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strings"

	"storyform/state"
)

// Snapshot is the whole log at one moment. It is never changed.
type Snapshot struct {
	Document *state.Document // serial 0: never written
	Raw      []byte          // its bytes; nil for serial 0
	Records  []state.Record  // those that follow it
	Lines    []string        // Records as state.EncodeRecord has them, without newlines
}

// Empty returns the snapshot of a state that was never written.
func Empty() *Snapshot { return &Snapshot{Document: new(state.Document)} }

// Decode reads a document, nil for one that was never written, and the lines
// after it. where names their place in errors, which are *state.CorruptError
// without a hint or *state.VersionError.
func Decode(where string, document []byte, lines []string) (*Snapshot, error) {
	s := Empty()
	if document != nil {
		doc, err := state.Decode(where, document)
		if err != nil {
			return nil, err
		}
		if s.Raw, err = state.Encode(doc); err != nil {
			return nil, &state.CorruptError{Where: where, Err: err}
		}
		s.Document = doc
	}
	for i, line := range lines {
		line = strings.TrimSuffix(line, "\n")
		rec, err := state.DecodeRecord(fmt.Sprintf("%s, record %d", where, i+1), []byte(line))
		if err != nil {
			return nil, err
		}
		switch {
		case rec.Base != s.Document.Serial || rec.Seq != i+1:
			return nil, &state.CorruptError{Where: where, Err: fmt.Errorf("after record %d of serial %d comes record %d of serial %d", i, s.Document.Serial, rec.Seq, rec.Base)}
		case s.Sealed():
			return nil, &state.CorruptError{Where: where, Err: errors.New("a record follows the seal")}
		}
		s.Records, s.Lines = append(s.Records, rec), append(s.Lines, line)
	}
	return s, nil
}

// Sealed reports whether nothing may follow the newest record.
func (s *Snapshot) Sealed() bool {
	n := len(s.Records)
	return n > 0 && s.Records[n-1].Seal
}

// Lineage is that of the document or, before the first, of the records.
func (s *Snapshot) Lineage() string {
	if n := len(s.Records); n > 0 {
		return s.Records[n-1].Lineage
	}
	return s.Document.Lineage
}

// Append returns the snapshot that follows when recs are written, or nil when
// they are the newest already. It fails with state.ErrConflict when their
// positions, which must be consecutive, aren't free.
func (s *Snapshot) Append(recs ...state.Record) (*Snapshot, error) {
	lines := make([]string, len(recs))
	for i, rec := range recs {
		data, err := state.EncodeRecord(rec)
		if err != nil {
			return nil, err
		}
		lines[i] = strings.TrimSuffix(string(data), "\n")
	}
	first, n, lineage := recs[0], len(s.Records), s.Lineage()
	if start := n - len(recs); first.Base == s.Document.Serial && first.Seq == start+1 && start >= 0 && slices.Equal(s.Lines[start:], lines) {
		return nil, nil
	}
	next := *s
	for i, rec := range recs {
		if rec.Base != s.Document.Serial || rec.Seq != n+1+i || next.Sealed() || lineage != "" && rec.Lineage != lineage {
			return nil, fmt.Errorf("%w (it is at record %d of serial %d now)", state.ErrConflict, n, s.Document.Serial)
		}
		next.Records = append(next.Records[:n+i:n+i], rec)
		lineage = rec.Lineage
	}
	next.Lines = append(s.Lines[:n:n], lines...)
	return &next, nil
}

// Commit returns the snapshot that follows when doc is written, or nil when
// doc is the newest already. It fails with state.ErrConflict when another
// document is, or when there are records that doc can't follow.
func (s *Snapshot) Commit(doc *state.Document) (*Snapshot, error) {
	data, err := state.Encode(doc)
	if err != nil {
		return nil, err
	}
	n := len(s.Records)
	switch {
	case bytes.Equal(s.Raw, data):
		return nil, nil
	case doc.Serial <= s.Document.Serial:
		return nil, fmt.Errorf("%w: it has serial %d now", state.ErrConflict, s.Document.Serial)
	case n > 0 && (!s.Sealed() || doc.Serial != s.Document.Serial+1):
		return nil, fmt.Errorf("%w: its journal holds %d records that follow serial %d", state.ErrConflict, n, s.Document.Serial)
	}
	return &Snapshot{Document: doc, Raw: data}, nil
}
