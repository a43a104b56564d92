package local

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"

	"storyform/internal/atomicfile"
	"storyform/state"
)

// The steps of a read and of a write, in their order, at which a test can end
// it or come between.
const (
	stepRead          = "document read, journal not yet"
	stepAppended      = "record written, not synced"
	stepStaged        = "staged "
	stepBackupStaged  = stepStaged + ".backup"
	stepBackup        = "backup replaced"
	stepRenamed       = "document replaced"
	stepJournalStaged = stepStaged + ".journal"
	stepCut           = "journal cut"
)

// Append makes rec durable at the end of the journal. Its own record found
// there, as the newest, is success.
func (s *Store) Append(ctx context.Context, rec state.Record) error {
	line, err := state.EncodeRecord(rec)
	if err != nil {
		return err
	}
	err = s.exclusively(ctx, func() error {
		if err := s.refresh(); err != nil {
			return err
		}
		m := &s.seen
		switch {
		case rec.Base == m.base && rec.Seq == m.seq && bytes.Equal(line, m.last):
			return s.rewrite()
		case rec.Base != m.base, rec.Seq != m.seq+1, m.sealed, m.lineage != "" && rec.Lineage != m.lineage:
			return fmt.Errorf("record %d of serial %d: %w (it is at record %d of serial %d now)", rec.Seq, rec.Base, state.ErrConflict, m.seq, m.base)
		}
		if err := s.appendLine(line); err != nil {
			return err
		}
		m.seq, m.sealed, m.lineage = rec.Seq, rec.Seal, rec.Lineage
		m.size, m.last = m.size+int64(len(line)), line
		return nil
	})
	return pathError("write to the journal of", s.path, err)
}

// refresh makes sure that what is remembered is what is on the disk, and that
// the journal ends with a whole line.
func (s *Store) refresh() error {
	if ok, err := s.current(); ok || err != nil {
		return err
	}
	before := s.seen
	v, err := s.scan()
	if err != nil {
		return err
	}
	if v.torn {
		if err := s.replace(s.journalName(), v.journal); err != nil {
			return err
		}
	}
	s.remember(v)
	if before.valid && before.base == s.seen.base && before.docSum != s.seen.docSum {
		return fmt.Errorf("%w: the document of serial %d was edited or replaced meanwhile", state.ErrConflict, before.base)
	}
	return nil
}

// appendLine writes a line at the end of the journal and waits until it is
// on the disk.
func (s *Store) appendLine(line []byte) error {
	f, err := s.root.OpenFile(s.journalName(), os.O_WRONLY|os.O_APPEND|os.O_CREATE, perm)
	if err != nil {
		return err
	}
	defer f.Close()
	if n, err := s.write(f, line); err != nil {
		return err
	} else if n < len(line) {
		return io.ErrShortWrite
	}
	if err := s.failpoint(stepAppended); err != nil {
		return err
	}
	if err := s.sync(f); err != nil {
		return err
	}
	if err := f.Close(); err != nil {
		return err
	}
	if s.seen.size == 0 { // the file may be new
		return atomicfile.SyncDir(s.root)
	}
	return nil
}

// rewrite makes what is in the journal durable when a former attempt failed
// after writing it. To sync once more would prove nothing: the system may have
// given up on the data when it reported the failure.
func (s *Store) rewrite() error {
	data, _, err := s.read(s.journalName(), state.MaxJournal)
	if err != nil {
		return err
	}
	return s.replace(s.journalName(), data)
}

// Commit writes doc as the document of its serial. Its own bytes found there
// are success. While the journal holds records that the newest document
// doesn't, only the document of the next serial is taken, and only once the
// journal is sealed. Without such records any higher serial is taken: so a
// state moves in from another store.
func (s *Store) Commit(ctx context.Context, doc *state.Document) error {
	data, err := state.Encode(doc)
	if err != nil {
		return err
	}
	err = s.exclusively(ctx, func() error {
		v, err := s.scan()
		if err != nil {
			return err
		}
		if !bytes.Equal(v.docData, data) {
			if err := v.admits(doc, data); err != nil {
				return err
			}
			s.seen.valid = false
			if err := s.writeDocument(v.docData, data); err != nil {
				return err
			}
		}
		if err := s.cut(v, doc, data); err != nil {
			// The document is durable and the journal is right, only longer
			// than it needs to be: the next Commit cuts it.
			s.seen.valid = false
		}
		return nil
	})
	return pathError("write", s.path, err)
}

// admits fails with ErrConflict when doc may not become the newest document.
// data are doc's bytes.
func (v *view) admits(doc *state.Document, data []byte) error {
	conflict := func(format string, args ...any) error {
		return fmt.Errorf("serial %d: %w (%s)", doc.Serial, state.ErrConflict, fmt.Sprintf(format, args...))
	}
	if v.doc.Serial >= doc.Serial {
		// A document that was put back and rolled forward may be written again.
		if own, err := state.Encode(v.doc); err == nil && bytes.Equal(own, data) {
			return nil
		}
		return conflict("it has serial %d now", v.doc.Serial)
	}
	if n := len(v.records); n > 0 && (!v.records[n-1].Seal || doc.Serial != v.doc.Serial+1) {
		return conflict("its journal holds %d records that follow serial %d", n, v.doc.Serial)
	}
	return nil
}

// writeDocument replaces the document, and the backup by what the document
// was. Until the new document has its name the old one keeps it.
func (s *Store) writeDocument(old, data []byte) error {
	staged, err := atomicfile.Stage(s.root, s.name, tempName(s.name), data, perm)
	if err != nil {
		return err
	}
	err = s.failpoint(stepStaged)
	if err == nil && old != nil {
		err = s.replace(s.backupName(), old)
	}
	if err == nil {
		err = s.failpoint(stepBackup)
	}
	if err != nil {
		if discardErr := staged.Discard(); discardErr != nil {
			return errors.Join(err, discardErr)
		}
		return err
	}
	if err := staged.Commit(); err != nil {
		return err
	}
	return s.failpoint(stepRenamed)
}

// cut shortens the journal to the records that made the document of serial,
// and those that follow it, and remembers the result.
func (s *Store) cut(v *view, doc *state.Document, data []byte) error {
	var kept []byte
	after := &view{docData: data, doc: doc}
	for _, e := range v.epochs {
		if e.base+1 >= doc.Serial {
			kept = append(kept, e.lines...)
		}
		if e.base == doc.Serial {
			after.records = e.records
		}
	}
	if after.journal = kept; len(kept) < len(v.journal) || v.torn {
		if err := s.replace(s.journalName(), kept); err != nil {
			return err
		}
	}
	info, err := s.stat(s.name)
	if err != nil {
		return err
	}
	after.docInfo = info
	s.remember(after)
	return s.failpoint(stepCut)
}
