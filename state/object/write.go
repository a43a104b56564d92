package object

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"time"

	"storyform/state"
)

// Append makes rec durable at its position: one small object.
func (s *Store) Append(ctx context.Context, rec state.Record) error {
	line, err := state.EncodeRecord(rec)
	if err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if err = s.append(ctx, rec, line); err != nil {
		s.seen.valid = false
		err = s.orphan(ctx, err, fmt.Sprintf("%d-%d", rec.Base, rec.Seq), line)
	}
	return s.wrap(fmt.Sprintf("write record %d after serial %d to", rec.Seq, rec.Base), err)
}

// append is Append for those who hold mu.
func (s *Store) append(ctx context.Context, rec state.Record, line []byte) error {
	v := &s.seen
	if !v.valid || rec.Base != v.base || rec.Seq != v.seq+1 {
		_, records, err := s.load(ctx)
		if err != nil {
			return err
		}
		if n := len(records); n > 0 && rec.Base == v.base && rec.Seq == v.seq {
			if own, err := state.EncodeRecord(records[n-1]); err == nil && bytes.Equal(own, line) {
				return nil
			}
		}
	}
	if rec.Base != v.base || rec.Seq != v.seq+1 || v.sealed || v.lineage != "" && rec.Lineage != v.lineage {
		return fmt.Errorf("%w (it is at record %d of serial %d now)", state.ErrConflict, v.seq, v.base)
	}
	if err := s.storeMissing(ctx); err != nil {
		return err
	}
	key := s.record(rec.Base, rec.Seq)
	c, err := s.create(ctx, key, line, func(data []byte) error {
		if isDocument(data) {
			_, err := state.Decode(key, data)
			return err
		}
		_, err := s.lines(key, data)
		return err
	})
	if err != nil {
		return err
	}
	if c.readBack && !rec.Seal {
		if err := s.checkLast(ctx, rec); err != nil {
			return err
		}
	}
	if err := s.checkNewest(ctx, c.date); err != nil {
		return err
	}
	v.seq, v.sealed, v.lineage = rec.Seq, rec.Seal, rec.Lineage
	return nil
}

// checkLast makes sure that nothing follows a record that was written some
// time ago, as it turned out.
func (s *Store) checkLast(ctx context.Context, rec state.Record) error {
	_, err := s.bucket.Get(ctx, s.record(rec.Base, rec.Seq+1))
	switch {
	case errors.Is(err, ErrNotFound):
		return nil
	case err != nil:
		return err
	}
	return fmt.Errorf("%w: another run has gone on from this record", state.ErrConflict)
}

// trust is how long after a listing a writer believes that what it creates
// can't have been pruned. It is far below the age at which anything is.
const trust = minAge / 4

// checkNewest makes sure that what was created at date doesn't revive a
// position that was pruned; see the package comment.
func (s *Store) checkNewest(ctx context.Context, date time.Time) error {
	v := &s.seen
	if !date.IsZero() && !v.listed.IsZero() && date.Sub(v.listed) < trust {
		return nil
	}
	listing, err := s.bucket.List(ctx, s.versions(), s.version(v.base), 1)
	if err != nil {
		return err
	}
	if len(s.numbered(listing.Items)) > 0 {
		return fmt.Errorf("%w: serial %d was superseded long ago", state.ErrConflict, v.base)
	}
	v.listed = listing.Date
	return nil
}

// storeMissing writes the newest document under its serial, if it may not be
// there yet.
func (s *Store) storeMissing(ctx context.Context) error {
	v := &s.seen
	if v.missing == nil {
		return nil
	}
	if _, err := s.create(ctx, s.version(v.base), v.missing, s.wholeDocument); err != nil {
		return err
	}
	v.missing = nil
	return nil
}

// wholeDocument tells a whole document from a damaged one.
func (s *Store) wholeDocument(data []byte) error {
	_, err := state.Decode("", data)
	return err
}

// Commit writes doc as the document of its serial. Its own bytes found there
// are success. Over an empty journal it moves in; see the package comment.
func (s *Store) Commit(ctx context.Context, doc *state.Document) error {
	data, err := state.Encode(doc)
	if err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.commit(ctx, doc, data); err != nil {
		s.seen.valid = false
		err = s.orphan(ctx, err, fmt.Sprint(doc.Serial), data)
		return s.wrap(fmt.Sprintf("write serial %d of", doc.Serial), err)
	}
	s.prune(ctx)
	return nil
}

// commit is Commit for those who hold mu.
func (s *Store) commit(ctx context.Context, doc *state.Document, data []byte) error {
	v := &s.seen
	if !v.valid {
		if _, _, err := s.load(ctx); err != nil {
			return err
		}
	}
	if doc.Serial <= v.base {
		return s.checkOwn(ctx, doc, data)
	}
	if v.seq > 0 && (!v.sealed || doc.Serial != v.base+1) {
		return fmt.Errorf("%w: its journal holds %d records that follow serial %d", state.ErrConflict, v.seq, v.base)
	}
	if err := s.storeMissing(ctx); err != nil {
		return err
	}
	if v.seq == 0 {
		if _, err := s.create(ctx, s.record(v.base, 1), data, s.wholeMove); err != nil {
			return err
		}
	}
	c, err := s.create(ctx, s.version(doc.Serial), data, s.wholeDocument)
	if err != nil {
		return err
	}
	date := v.listed
	*v = view{valid: true, base: doc.Serial, lineage: doc.Lineage, listed: v.listed, versions: append(v.versions, Item{s.version(doc.Serial), c.date})}
	if err := s.checkNewest(ctx, c.date); err != nil {
		return err
	}
	if v.listed == date && !c.readBack && !c.date.IsZero() {
		v.listed = c.date // it was created just now, so it was the newest
	}
	return nil
}

// wholeMove tells what can be first in a journal from what is damaged.
func (s *Store) wholeMove(data []byte) error {
	if isDocument(data) {
		return s.wholeDocument(data)
	}
	_, err := s.lines("", data)
	return err
}

// checkOwn succeeds when doc, whose serial isn't above the newest, is stored
// under it.
func (s *Store) checkOwn(ctx context.Context, doc *state.Document, data []byte) error {
	if v := &s.seen; v.missing != nil && v.base == doc.Serial && bytes.Equal(v.missing, data) {
		return s.storeMissing(ctx)
	}
	own := false
	err := s.get(ctx, s.version(doc.Serial), func(there []byte) error {
		own = bytes.Equal(there, data)
		return s.wholeDocument(there)
	})
	switch {
	case err == nil && own:
		return nil
	case err != nil && !errors.Is(err, errOvertaken):
		return err
	}
	return fmt.Errorf("%w: it has serial %d now", state.ErrConflict, s.seen.base)
}
