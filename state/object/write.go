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
	return s.AppendAll(ctx, []state.Record{rec})
}

// AppendAll is Append for records at consecutive positions: one small object,
// which bears the number of the first.
func (s *Store) AppendAll(ctx context.Context, recs []state.Record) error {
	first, last := recs[0], recs[len(recs)-1]
	var data []byte
	for i, rec := range recs {
		line, err := state.EncodeRecord(rec)
		if err != nil {
			return err
		}
		if rec.Base != first.Base || rec.Seq != first.Seq+i || rec.Lineage != first.Lineage || rec.Seal && i < len(recs)-1 {
			return fmt.Errorf("record %d of serial %d can't follow record %d of serial %d", rec.Seq, rec.Base, first.Seq+i-1, first.Base)
		}
		data = append(data, line...)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	err := s.append(ctx, first, last, data)
	if err != nil {
		s.seen.valid = false
		err = s.orphan(ctx, err, fmt.Sprintf("%d-%d", first.Base, last.Seq), data)
	}
	return s.wrap(fmt.Sprintf("write record %d after serial %d to", first.Seq, first.Base), err)
}

// append is AppendAll for those who hold mu. data are the lines of the records
// from first to last.
func (s *Store) append(ctx context.Context, first, last state.Record, data []byte) error {
	v := &s.seen
	if !v.valid || first.Base != v.base || first.Seq != v.seq+1 {
		_, records, err := s.load(ctx)
		if err != nil {
			return err
		}
		if last.Base == v.base && last.Seq == v.seq && tail(records, first.Seq, data) {
			return nil
		}
	}
	if first.Base != v.base || first.Seq != v.seq+1 || v.sealed || v.lineage != "" && first.Lineage != v.lineage {
		return fmt.Errorf("%w (it is at record %d of serial %d now)", state.ErrConflict, v.seq, v.base)
	}
	if err := s.storeMissing(ctx); err != nil {
		return err
	}
	c, err := s.create(ctx, s.record(first.Base, first.Seq), data, s.wholeFirst)
	if err != nil {
		return err
	}
	if c.readBack && !last.Seal {
		if err := s.checkLast(ctx, last); err != nil {
			return err
		}
	}
	if err := s.checkNewest(ctx, c.date); err != nil {
		return err
	}
	v.seq, v.sealed, v.lineage = last.Seq, last.Seal, last.Lineage
	return nil
}

// tail reports whether the records from number first on are stored as data.
func tail(records []state.Record, first int, data []byte) bool {
	var there []byte
	for _, rec := range records[min(max(first-1, 0), len(records)):] {
		line, err := state.EncodeRecord(rec)
		if err != nil {
			return false
		}
		there = append(there, line...)
	}
	return bytes.Equal(there, data)
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
		if _, err := s.create(ctx, s.record(v.base, 1), data, s.wholeFirst); err != nil {
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

// wholeFirst tells what can be first in a journal from what is damaged.
func (s *Store) wholeFirst(data []byte) error {
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
