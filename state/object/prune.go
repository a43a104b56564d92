package object

import (
	"context"
	"time"

	"golang.org/x/sync/errgroup"

	"storyform/state"
)

// What is kept: always the newest documents and all that were superseded not
// long ago; of the others those of the last month, as long as all of them fit
// on one page of a listing.
const (
	minVersions = 100
	maxVersions = 900
	minAge      = 48 * time.Hour
	maxAge      = 30 * 24 * time.Hour
	orphanAge   = 90 * 24 * time.Hour
)

// pruneBatch is how many documents must be prunable before pruning is worth
// its requests, and pruneLimit how many objects of a kind are deleted at once.
const (
	pruneBatch = 10
	pruneLimit = 200
)

// prunable returns how many of the documents, oldest first, may go. now is the
// store's time. A document's age counts from when the next one came.
func prunable(documents []Item, now time.Time) int {
	for i := range documents {
		if i+minVersions >= len(documents) {
			return i
		}
		age := now.Sub(documents[i+1].Modified)
		if documents[i+1].Modified.IsZero() || age < minAge || age < maxAge && len(documents)-i <= maxVersions {
			return i
		}
	}
	return 0
}

// prune deletes what is old enough by the store's clock: first the journals,
// then the documents that they followed. It is housekeeping: where the store
// doesn't allow it everything is kept, and no run fails for it.
func (s *Store) prune(ctx context.Context) {
	v := &s.seen
	if v.listed.IsZero() {
		return
	}
	n := min(prunable(v.versions, v.listed), pruneLimit)
	if n < pruneBatch {
		return
	}
	kept, _ := number(v.versions[n].Key, s.versions())
	journals, err := s.bucket.List(ctx, s.journals(), "", pruneLimit)
	if err != nil {
		return
	}
	var old []string
	for _, item := range journals.Items {
		if base, ok := number(item.Key, s.journals()); ok && base < kept {
			old = append(old, item.Key)
		}
	}
	more := len(old) == pruneLimit
	if err := s.deleteAll(ctx, old); err != nil || more {
		return // the documents go once their journals are gone
	}
	old = nil
	for _, item := range v.versions[:n] {
		old = append(old, item.Key)
	}
	if s.deleteAll(ctx, old) == nil {
		v.versions = v.versions[n:]
	}
	s.pruneOrphans(ctx, v.listed)
}

// pruneOrphans deletes orphans that nobody asked for in a long time.
func (s *Store) pruneOrphans(ctx context.Context, now time.Time) {
	listing, err := s.bucket.List(ctx, s.orphans(), "", pruneLimit)
	if err != nil {
		return
	}
	var old []string
	for _, item := range listing.Items {
		if !item.Modified.IsZero() && now.Sub(item.Modified) > orphanAge {
			old = append(old, item.Key)
		}
	}
	s.deleteAll(ctx, old) // at the next time, then
}

// deleteAll deletes objects, several at once.
func (s *Store) deleteAll(ctx context.Context, keys []string) error {
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(parallel)
	for _, key := range keys {
		group.Go(func() error { return s.bucket.Delete(ctx, key) })
	}
	return group.Wait()
}

// History returns the serials of the documents that are kept, oldest first.
func (s *Store) History(ctx context.Context) ([]uint64, error) {
	listing, err := s.bucket.List(ctx, s.versions(), "", 0)
	if err != nil {
		return nil, s.wrap("list the versions of", err)
	}
	var serials []uint64
	for _, item := range s.numbered(listing.Items) {
		n, _ := number(item.Key, s.versions())
		serials = append(serials, n)
	}
	return serials, nil
}

// Version returns the document of a serial that History names.
func (s *Store) Version(ctx context.Context, serial uint64) (*state.Document, error) {
	doc, err := s.document(ctx, s.version(serial), serial)
	return doc, s.wrap("read a version of", err)
}
