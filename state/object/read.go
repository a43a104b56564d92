package object

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"storyform/state"
)

// view is what the bucket held at one moment.
type view struct {
	valid   bool
	base    uint64 // the serial of the newest document
	missing []byte // its bytes, when it may not be under its serial yet
	seq     int    // of the newest record; 0: the journal is empty
	sealed  bool
	lineage string
	// listed is when, by the store's clock, base was the newest serial. Zero:
	// the store didn't say.
	listed   time.Time
	versions []Item // the documents then
}

// parallel is how many objects are read, or deleted, at once.
const parallel = 16

// attempts is how often Load reads again when it is overtaken by a writer
// that prunes.
const attempts = 5

// errOvertaken means that a listed object is gone.
var errOvertaken = errors.New("objects that were just listed are gone: somebody deletes them")

// Load returns the newest document and the records that follow it. It writes
// nothing.
func (s *Store) Load(ctx context.Context) (*state.Document, []state.Record, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	doc, records, err := s.load(ctx)
	return doc, records, s.wrap("read", err)
}

// load is Load for those who hold mu.
func (s *Store) load(ctx context.Context) (doc *state.Document, records []state.Record, err error) {
	for try := 1; try <= attempts; try++ {
		var v view
		if v, doc, records, err = s.look(ctx); !errors.Is(err, errOvertaken) {
			s.seen = v
			return doc, records, err
		}
		if err := s.sleep(ctx, try); err != nil {
			return nil, nil, err
		}
	}
	return nil, nil, err
}

// look reads the state once. Between its requests others may write. That does
// no harm: what it read is what was there, and a newer document follows from
// the journal that it read, or takes a position that it believes to be free.
func (s *Store) look(ctx context.Context) (view, *state.Document, []state.Record, error) {
	fail := func(err error) (view, *state.Document, []state.Record, error) { return view{}, nil, nil, err }
	listing, err := s.bucket.List(ctx, s.versions(), "", 0)
	if err != nil {
		return fail(err)
	}
	v := view{listed: listing.Date, versions: s.numbered(listing.Items)}
	doc := new(state.Document)
	if n := len(v.versions); n > 0 {
		key := v.versions[n-1].Key
		v.base, _ = number(key, s.versions())
		if doc, err = s.document(ctx, key, v.base); err != nil {
			return fail(err)
		}
	}
	epochs, err := s.readJournals(ctx, v.base)
	if err != nil {
		return fail(err)
	}
	doc, records, err := s.rollForward(&v, doc, epochs)
	if err != nil {
		return fail(err)
	}
	v.valid, v.lineage = true, doc.Lineage
	if n := len(records); n > 0 {
		v.seq, v.sealed, v.lineage = records[n-1].Seq, records[n-1].Seal, records[n-1].Lineage
	}
	return v, doc, records, nil
}

// epoch is the journal of one serial: its records, or the document that moved
// in instead of them.
type epoch struct {
	base    uint64
	items   []Item
	batches [][]state.Record // of each item
	moved   *state.Document
	data    []byte // moved's
}

// rollForward finds the newest document from the newest under its serial and
// the journals from there on: another run has gone on meanwhile, or documents
// were deleted that the journals still know.
func (s *Store) rollForward(v *view, doc *state.Document, epochs []*epoch) (*state.Document, []state.Record, error) {
	for i, e := range epochs {
		if e.base != v.base {
			return nil, nil, s.corrupt(e.items[0].Key, fmt.Errorf("it follows serial %d, and the newest document has serial %d", e.base, v.base))
		}
		records, err := s.join(e)
		if err != nil {
			return nil, nil, err
		}
		sealed := len(records) > 0 && records[len(records)-1].Seal
		switch last := i == len(epochs)-1; {
		case e.moved != nil && e.moved.Serial > e.base:
			doc, v.missing = e.moved, e.data
		case e.moved != nil:
			return nil, nil, s.corrupt(e.items[0].Key, fmt.Errorf("it follows serial %d and has serial %d", e.base, e.moved.Serial))
		case last:
			return doc, records, nil
		case !sealed:
			return nil, nil, s.corrupt(epochs[i+1].items[0].Key, fmt.Errorf("it follows serial %d, and the journal of serial %d isn't sealed", epochs[i+1].base, e.base))
		default:
			if doc, err = state.Fold(doc, records); err != nil {
				return nil, nil, s.corrupt(e.items[0].Key, err)
			}
			if v.missing, err = state.Encode(doc); err != nil {
				return nil, nil, err
			}
		}
		v.base = doc.Serial
	}
	return doc, nil, nil
}

// numbered returns the items whose names are serials, in order.
func (s *Store) numbered(items []Item) []Item {
	items = slices.DeleteFunc(items, func(i Item) bool {
		n, ok := number(i.Key, s.versions())
		return !ok || i.Key != s.version(n) // of another length, or in a folder
	})
	slices.SortFunc(items, func(a, b Item) int { return bytes.Compare([]byte(a.Key), []byte(b.Key)) })
	return items
}

// get reads an object that was listed until it is whole, as decode finds.
func (s *Store) get(ctx context.Context, key string, decode func(data []byte) error) error {
	for try := 1; ; try++ {
		o, err := s.bucket.Get(ctx, key)
		if errors.Is(err, ErrNotFound) {
			return errOvertaken
		}
		if err != nil {
			return err
		}
		if err = decode(o.Data); err == nil {
			return nil
		}
		if _, newer := errors.AsType[*state.VersionError](err); newer || try == tries {
			return err
		}
		if err := s.sleep(ctx, try); err != nil {
			return err
		}
	}
}

// document reads the document of a serial.
func (s *Store) document(ctx context.Context, key string, serial uint64) (doc *state.Document, err error) {
	err = s.get(ctx, key, func(data []byte) error {
		if doc, err = state.Decode(s.address(key), data); err != nil {
			return state.Hinted(err, restoreHint)
		}
		if doc.Serial != serial {
			return s.corrupt(key, fmt.Errorf("it holds serial %d", doc.Serial))
		}
		return nil
	})
	return doc, err
}

// readJournals reads the journals of serial base and of those after it, in
// order.
func (s *Store) readJournals(ctx context.Context, base uint64) ([]*epoch, error) {
	listing, err := s.bucket.List(ctx, s.journals(), strings.TrimSuffix(s.journal(base), "/"), 0)
	if err != nil {
		return nil, err
	}
	var epochs []*epoch
	for _, item := range listing.Items {
		base, ok := number(item.Key, s.journals())
		seq, ok2 := number(item.Key, s.journal(base))
		if !ok || !ok2 || item.Key != s.record(base, int(seq)) {
			continue // none of ours, such as the mark of a folder
		}
		if n := len(epochs); n == 0 || epochs[n-1].base != base {
			epochs = append(epochs, &epoch{base: base})
		}
		e := epochs[len(epochs)-1]
		e.items = append(e.items, item)
	}
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(parallel)
	for _, e := range epochs {
		e.batches = make([][]state.Record, len(e.items))
		for i := range e.items {
			group.Go(func() error { return s.readItem(ctx, e, i) })
		}
	}
	return epochs, group.Wait()
}

// readItem reads one object of a journal. The first may be a document.
func (s *Store) readItem(ctx context.Context, e *epoch, i int) error {
	key := e.items[i].Key
	return s.get(ctx, key, func(data []byte) (err error) {
		if i == 0 && isDocument(data) {
			e.data = data
			e.moved, err = state.Decode(s.address(key), data)
			return state.Hinted(err, restoreHint)
		}
		e.batches[i], err = s.lines(key, data)
		return err
	})
}

// isDocument tells a document from records, whose lines begin with a
// checksum.
func isDocument(data []byte) bool { return bytes.HasPrefix(data, []byte("{")) }

// lines decodes an object of a journal, which has whole lines only.
func (s *Store) lines(key string, data []byte) ([]state.Record, error) {
	records, size, err := state.DecodeJournal(s.address(key), data)
	if err != nil {
		return nil, state.Hinted(err, restoreHint)
	}
	if size < len(data) || size == 0 {
		return nil, s.corrupt(key, errors.New("it ends in the middle"))
	}
	return records, nil
}

// join returns the records of a journal, which must be without gaps. An
// object's key tells which is the first in it.
func (s *Store) join(e *epoch) ([]state.Record, error) {
	if e.moved != nil {
		if len(e.items) > 1 {
			return nil, s.corrupt(e.items[1].Key, errors.New("it follows a document that moved in"))
		}
		e.batches = nil
	}
	var records []state.Record
	for i, batch := range e.batches {
		key := e.items[i].Key
		if next := len(records) + 1; key != s.record(e.base, next) {
			return nil, s.corrupt(key, fmt.Errorf("record %d, which goes before it, is missing", next))
		}
		for _, rec := range batch {
			next := len(records) + 1
			if rec.Base != e.base || rec.Seq != next {
				return nil, s.corrupt(key, fmt.Errorf("it holds record %d of serial %d", rec.Seq, rec.Base))
			}
			if next > 1 && records[next-2].Seal {
				return nil, s.corrupt(key, errors.New("it follows the seal of its journal"))
			}
			records = append(records, rec)
		}
	}
	return records, nil
}

// restoreHint is what to do about an object that is damaged or missing.
const restoreHint = "Restore the object from the bucket's own versions or backup. Nothing under the key may be deleted or edited one by one: the documents under v/ and the records under journal/ belong together."

// corrupt is the error of an object that can't be what it is.
func (s *Store) corrupt(key string, err error) error {
	return &state.CorruptError{Where: s.address(key), Err: err, Hint: restoreHint}
}
