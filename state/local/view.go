package local

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"os"

	"storyform/state"
)

// view is what the files hold at one moment.
type view struct {
	docInfo fs.FileInfo // nil: there is no document
	docData []byte
	journal []byte // without a torn line at its end
	torn    bool   // the journal's file has more than that
	epochs  []epoch

	doc     *state.Document // the newest: the file's, rolled forward if it was put back
	records []state.Record  // those that follow doc
}

// epoch is the journal of one serial.
type epoch struct {
	base    uint64
	records []state.Record // at least one
	lines   []byte
}

// sealed reports whether nothing may follow in e.
func (e *epoch) sealed() bool { return e.records[len(e.records)-1].Seal }

// seen is what a store remembers of its last view, to find out without
// reading the files whether they are still the same.
type seen struct {
	valid   bool
	doc     fs.FileInfo
	docSum  [sha256.Size]byte
	lineage string // "" before the first record
	base    uint64
	seq     int
	sealed  bool
	size    int64  // of the journal
	last    []byte // its last line
}

// attempts is how often Load reads again when it is overtaken by a writer.
const attempts = 100

// Load returns the newest document and the records that follow it. It takes
// no lock and writes nothing, so that it also works where nothing may be
// written.
func (s *Store) Load(ctx context.Context) (*state.Document, []state.Record, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for range attempts {
		if ctx.Err() != nil {
			return nil, nil, pathError("read", s.path, context.Cause(ctx))
		}
		v, stable, err := s.look()
		if !stable {
			continue
		}
		if err != nil {
			return nil, nil, pathError("read", s.path, err)
		}
		s.remember(v)
		return v.doc, v.records, nil
	}
	return nil, nil, pathError("read", s.path, errors.New("other storyform processes write to it all the time"))
}

// look scans the files and reports whether what it found was there at one
// moment. The document is read first. A writer that replaces it while the
// journal stays, or only grows, does no harm: the journal has what makes the
// newer document of the older. It is when the journal was cut in between that
// the two may not fit.
func (s *Store) look() (v *view, stable bool, err error) {
	before, err := s.stat(s.journalName())
	if err != nil {
		return nil, true, err
	}
	v, err = s.scan()
	after, statErr := s.stat(s.journalName())
	if statErr != nil {
		return nil, true, statErr
	}
	grown := err == nil && before != nil && after != nil && os.SameFile(before, after) && after.Size() > before.Size()
	return v, same(before, after) || grown, err
}

// scan reads the files. Its errors are about their content, with a hint, or
// come from the system.
func (s *Store) scan() (*view, error) {
	v := &view{doc: new(state.Document)}
	var err error
	if v.docData, v.docInfo, err = s.read(s.name, state.MaxDocument); err != nil {
		return nil, err
	}
	if v.docInfo != nil {
		if v.doc, err = state.Decode(s.path, v.docData); err != nil {
			return nil, state.Hinted(err, s.backupHint())
		}
	}
	if err := s.failpoint(stepRead); err != nil {
		return nil, err
	}
	data, info, err := s.read(s.journalName(), state.MaxJournal)
	if err != nil {
		return nil, err
	}
	if info != nil && len(data) > state.MaxJournal {
		return nil, s.misfit("it has more than %d bytes", state.MaxJournal)
	}
	records, size, err := state.DecodeJournal(s.path+".journal", data)
	if err != nil {
		return nil, state.Hinted(err, "Its lines are steps of runs, some of them publish calls, so nothing is skipped. Restore the file from a copy, or compare what can be read of it with the Pages (storyform stories --all) before you move it away.")
	}
	v.journal, v.torn = data[:size], size < len(data)
	if err := v.split(records); err != nil {
		return nil, s.misfit("%w", err)
	}
	return v, s.rollForward(v)
}

// split sorts the records into epochs and checks that each is whole.
func (v *view) split(records []state.Record) error {
	rest := v.journal
	for _, rec := range records {
		end := bytes.IndexByte(rest, '\n') + 1
		line := rest[:end]
		rest = rest[end:]
		if n := len(v.epochs); n > 0 && v.epochs[n-1].base == rec.Base {
			e := &v.epochs[n-1]
			if rec.Seq != len(e.records)+1 || e.sealed() {
				return fmt.Errorf("after record %d of serial %d comes record %d", len(e.records), e.base, rec.Seq)
			}
			e.records = append(e.records, rec)
			e.lines = e.lines[:len(e.lines)+end] // lines of one epoch lie together
			continue
		} else if n > 0 && (v.epochs[n-1].base > rec.Base || !v.epochs[n-1].sealed()) {
			return fmt.Errorf("records of serial %d come after those of serial %d", rec.Base, v.epochs[n-1].base)
		}
		if rec.Seq != 1 {
			return fmt.Errorf("the first record of serial %d has the number %d", rec.Base, rec.Seq)
		}
		v.epochs = append(v.epochs, epoch{base: rec.Base, records: []state.Record{rec}, lines: line})
	}
	return nil
}

// rollForward finds the newest document: that of the file and, where it was
// put back from the backup, what the journal makes of it.
func (s *Store) rollForward(v *view) error {
	serial := v.doc.Serial
	for i, e := range v.epochs {
		switch {
		case e.base < v.doc.Serial:
			if !e.sealed() {
				return s.misfit("it has %d records that follow serial %d and aren't in the document, which has serial %d already", len(e.records), e.base, serial)
			}
		case e.base > v.doc.Serial && v.docInfo == nil:
			return s.misfit("it follows serial %d, and there is no document", e.base)
		case e.base > v.doc.Serial:
			return s.misfit("it follows serial %d, and the document has serial %d only", e.base, serial)
		case e.sealed() && i < len(v.epochs)-1:
			next, err := state.Fold(v.doc, e.records)
			if err != nil {
				return s.misfit("%w", err)
			}
			v.doc = next
		default:
			v.records = e.records
		}
	}
	return nil
}

// backupHint says what to do about a document that can't be read.
func (s *Store) backupHint() string {
	if info, err := s.stat(s.backupName()); err != nil || info == nil {
		return "There is no earlier version beside it. Restore the file from a copy, or compare with the Pages what was published (storyform stories --all) before you move it away."
	}
	return fmt.Sprintf("The version before it is in %s.backup. Copy that over %s: the journal beside it holds what happened since, and the next run takes it up.", s.path, s.path)
}

// misfit is the error of a journal that doesn't belong to its document.
func (s *Store) misfit(format string, args ...any) error {
	return &state.CorruptError{
		Where: s.path + ".journal", Err: fmt.Errorf(format, args...),
		Hint: fmt.Sprintf("%[1]s and %[1]s.journal are not of one piece: one of them was copied, restored, edited or deleted without the other. Put back the newer document (see %[1]s.backup), or both files from the same moment. Move the journal away only if you know that no story of its records is out.", s.path),
	}
}

// remember keeps what is needed to notice that the files changed.
func (s *Store) remember(v *view) {
	m := seen{valid: true, doc: v.docInfo, docSum: sha256.Sum256(v.docData), lineage: v.doc.Lineage, base: v.doc.Serial}
	if n := len(v.records); n > 0 {
		newest := v.records[n-1]
		m.seq, m.sealed, m.lineage = newest.Seq, newest.Seal, newest.Lineage
	}
	m.size = int64(len(v.journal))
	if m.size > 0 {
		start := bytes.LastIndexByte(v.journal[:m.size-1], '\n') + 1
		m.last = bytes.Clone(v.journal[start:])
	}
	s.seen = m
}

// current reports whether the files are as remembered, at a cost that
// doesn't depend on their size.
func (s *Store) current() (bool, error) {
	doc, err := s.stat(s.name)
	if err != nil || !s.seen.valid || !same(doc, s.seen.doc) {
		return false, err
	}
	f, err := s.root.Open(s.journalName())
	if errors.Is(err, fs.ErrNotExist) {
		return s.seen.size == 0, nil
	}
	if err != nil {
		return false, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil || info.Size() != s.seen.size {
		return false, err
	}
	last := make([]byte, len(s.seen.last))
	if _, err := f.ReadAt(last, s.seen.size-int64(len(last))); err != nil && len(last) > 0 {
		return false, err
	}
	return bytes.Equal(last, s.seen.last), nil
}
