package state

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"storyform/story"
)

// Run identifies one run of the program in records and in the history.
type Run struct {
	ID     string // random
	Who    string // user@host, or the CI actor
	Commit string // the commit of the configuration, where known
	URL    string // the CI run's address, where there is one
	Tool   string // storyform's version
}

// Session is one run's view of a store: the document with the journal folded
// in, and the position for the next record. It is safe for use by several
// goroutines. Records are written one after the other; those that come in while
// a write is under way are written together after it.
//
// A run that only reads opens a session and drops it. A run that writes holds
// the store's lock, and calls Close at the end, also when it failed.
type Session struct {
	store     Store
	run       Run
	now       func() time.Time
	recovered int

	queueMu sync.Mutex
	queue   []*pending    // what waits to be written
	turn    chan struct{} // full while somebody writes

	mu    sync.Mutex
	log   *log
	wrote bool     // this run appended a record that isn't folded yet
	err   error    // why nothing may be written any more
	lost  []Record // what could not be written, for Unsaved
}

// errClosed is the error of a write after Close.
var errClosed = errors.New("the state session is closed")

// Open reads the store and returns a session on what it holds. It writes
// nothing: what a crashed run left behind, be it an open journal or a sealed
// one whose document is missing, is part of what Document and Entry show, and
// it is folded into a document by the first run that writes; see Put and
// Close. A state that was moved elsewhere is a *MovedError.
func Open(ctx context.Context, store Store, run Run, now func() time.Time) (*Session, error) {
	s, err := Reopen(ctx, store, run, now)
	if err != nil {
		return nil, err
	}
	if to := s.log.base.MovedTo; to != "" {
		return nil, &MovedError{Where: store.String(), To: to}
	}
	return s, nil
}

// Reopen is Open also for a state that was moved elsewhere: for what moves it
// back, or on.
func Reopen(ctx context.Context, store Store, run Run, now func() time.Time) (*Session, error) {
	doc, records, err := store.Load(ctx)
	if err != nil {
		return nil, err
	}
	if encryptedLog(doc, records) {
		return nil, fmt.Errorf("read the state %s: %w", store, ErrEncrypted)
	}
	s := &Session{store: store, run: run, now: now, log: newLog(doc), turn: make(chan struct{}, 1)}
	for _, rec := range records {
		if err := s.log.apply(rec); err != nil {
			return nil, &CorruptError{
				Where: store.String(), Err: fmt.Errorf("its journal doesn't fit: %w", err),
				Hint: "The document and its journal are not of one piece: one of them was copied, restored or edited without the other. Restore both from the same moment.",
			}
		}
		if !rec.Seal {
			s.recovered++
		}
	}
	return s, nil
}

// Document returns a deep copy of the current document, records folded in. A
// state that was never written has serial 0.
func (s *Session) Document() *Document {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.log.document()
}

// Entry returns a copy of the entry of a story.
func (s *Session) Entry(addr story.Address) (Entry, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	e, ok := s.log.entries[addr]
	return e.Clone(), ok
}

// Serial returns the serial of Document.
func (s *Session) Serial() uint64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.log.serial()
}

// Lineage returns the lineage of Document; "" for a state that was never
// written.
func (s *Session) Lineage() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.log.lineage
}

// Recovered returns how many records Open found that no document held yet:
// the steps of a run that crashed, or of one that is still going on.
func (s *Session) Recovered() int { return s.recovered }

// Put makes the after-image of one entry durable, with an optional line of
// history, before it returns. What event leaves empty of At, Address, Run,
// Who, Commit and RunURL is filled in. After any error nothing may be assumed
// about whether it was written, and the session refuses further writes with
// the same error: the run must stop having effects.
//
// A sealed journal of a crashed run is folded first. An open one is carried
// on: the position after its newest record is as good a fence against the
// former run, should it still be alive, as a new journal.
func (s *Session) Put(ctx context.Context, step string, e Entry, event *Event) error {
	return s.PutAll(ctx, []Step{{step, e, event}})
}

// Step is the after-image of one entry, under the name of the step that led to
// it, with an optional line of history.
type Step struct {
	Name  string
	Entry Entry
	Event *Event
}

// PutAll is Put for several steps. Up to maxBatch of them are written at once
// where the store can do that: all of them or none.
func (s *Session) PutAll(ctx context.Context, steps []Step) error {
	recs := make([]Record, 0, len(steps))
	for i := range steps {
		recs = append(recs, Record{Step: steps[i].Name, Key: steps[i].Entry.Address, Entry: &steps[i].Entry, Event: steps[i].Event})
	}
	return s.write(ctx, recs...)
}

// Drop makes the removal of an entry durable. To give an entry another
// address, first Put it there and then Drop it here: a crash in between must
// not make the program forget that the story is out.
func (s *Session) Drop(ctx context.Context, step string, addr story.Address) error {
	return s.write(ctx, Record{Step: step, Key: addr})
}

// pending is a record that waits to be written.
type pending struct {
	rec  Record
	done bool
	err  error
}

// maxBatch is how many records are written at once.
const maxBatch = 64

// write makes records durable at the next positions. What comes in while another
// write is under way waits for it together, and is then written at once by the
// first who gets to it, with that caller's context.
func (s *Session) write(ctx context.Context, recs ...Record) error {
	own := make([]*pending, 0, len(recs))
	for _, rec := range recs {
		own = append(own, &pending{rec: rec})
	}
	s.queueMu.Lock()
	s.queue = append(s.queue, own...)
	s.queueMu.Unlock()
	s.turn <- struct{}{}
	defer func() { <-s.turn }()
	var err error
	for _, p := range own { // to the last, also after an error: what is not written is kept as lost
		for !p.done {
			s.writeBatch(ctx)
		}
		err = cmp.Or(err, p.err)
	}
	return err
}

// writeBatch writes what is in the queue. The caller has the turn.
func (s *Session) writeBatch(ctx context.Context) {
	s.queueMu.Lock()
	batch := s.queue[:min(len(s.queue), maxBatch)]
	s.queue = s.queue[len(batch):]
	s.queueMu.Unlock()
	s.mu.Lock()
	defer s.mu.Unlock()
	written := 0
	if s.err == nil {
		written, s.err = s.append(ctx, batch)
	}
	for i, p := range batch {
		p.done = true
		if i >= written {
			p.err = s.err
			s.lost = append(s.lost, p.rec)
		}
	}
}

// Unsaved returns the document that this run would have left behind, had the
// store taken everything; nil when nothing is missing, and when another run has
// gone on meanwhile: then it is not for this state. It is the successor of
// the document that the journal follows, also where the journal holds records
// that are in the store. A publish call that was announced in it may not have
// been made: that is for the next run to find out, as ever.
func (s *Session) Unsaved() (*Document, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.lost) == 0 || errors.Is(s.err, ErrConflict) {
		return nil, nil
	}
	doc, base := s.log.document(), s.log.base
	if s.log.seal != nil {
		base = doc
	}
	for _, rec := range s.lost {
		doc.Stories = slices.DeleteFunc(doc.Stories, func(e Entry) bool { return e.Address == rec.Key })
		if rec.Entry != nil {
			doc.Stories = append(doc.Stories, rec.Entry.Clone())
		}
		if rec.Event != nil {
			rec.At, rec.Run = s.now(), s.run.ID
			doc.History = append(doc.History, *s.signed(*rec.Event, rec))
		}
	}
	if doc.Lineage == "" {
		doc.Lineage = NewID()
	}
	doc.PrevSHA256 = ""
	if base.Serial > 0 {
		hash, err := Hash(base)
		if err != nil {
			return nil, err
		}
		doc.PrevSHA256 = hash
	}
	doc.Serial, doc.WrittenBy, doc.WrittenAt, doc.Tool = base.Serial+1, s.run.ID, s.now(), s.run.Tool
	return doc, nil
}

// append gives records their positions, stores them and takes them over into
// the memory, in the form in which a later run will read them. It returns how
// many are durable. The caller holds mu.
func (s *Session) append(ctx context.Context, batch []*pending) (written int, err error) {
	if s.log.seal != nil {
		if err := s.commit(ctx); err != nil {
			return 0, err
		}
	}
	recs := make([]Record, len(batch))
	lineage := s.log.lineage
	if lineage == "" {
		lineage = NewID()
	}
	for i, p := range batch {
		rec := p.rec
		rec.Base, rec.Seq, rec.Lineage = s.log.base.Serial, s.log.seq+1+i, lineage
		rec.At, rec.Run = s.now(), s.run.ID
		if rec.Event != nil {
			rec.Event = s.signed(*rec.Event, rec)
		}
		line, err := EncodeRecord(rec)
		if err != nil {
			return 0, err
		}
		if recs[i], err = DecodeRecord("a record", line); err != nil {
			return 0, fmt.Errorf("a record doesn't read as it was written: %w", err)
		}
	}
	written, err = s.persist(ctx, recs)
	for _, rec := range recs[:written] {
		s.wrote = true
		if err := s.log.apply(rec); err != nil {
			return 0, err
		}
	}
	return written, err
}

// persist makes records durable, all at once where the store can do that, and
// otherwise one by one. It returns how many are.
func (s *Session) persist(ctx context.Context, recs []Record) (written int, err error) {
	several, ok := s.store.(interface {
		AppendAll(ctx context.Context, recs []Record) error
	})
	if ok && len(recs) > 1 {
		if err := several.AppendAll(ctx, recs); err != nil {
			return 0, err
		}
		return len(recs), nil
	}
	for i, rec := range recs {
		if err := s.store.Append(ctx, rec); err != nil {
			return i, err
		}
	}
	return len(recs), nil
}

// signed fills in what the caller left out of a line of history.
func (s *Session) signed(ev Event, rec Record) *Event {
	if ev.At.IsZero() {
		ev.At = rec.At
	}
	if ev.Address.IsZero() {
		ev.Address = rec.Key
	}
	for _, f := range []struct {
		field *string
		value string
	}{{&ev.Run, s.run.ID}, {&ev.Who, s.run.Who}, {&ev.Commit, s.run.Commit}, {&ev.RunURL, s.run.URL}} {
		if *f.field == "" {
			*f.field = f.value
		}
	}
	return &ev
}

// Close folds the journal into the document of the next serial, when this
// run wrote to it; records that a crashed run had left in it are folded along
// with them. A run that wrote nothing writes nothing here either, so that one
// that only reads never seals the journal under one that is at work.
//
// After an error of Put or Drop it writes nothing and returns that error:
// what was acknowledged is in the journal, and the next run finds it. The
// session takes no writes any more. Closing it again returns nil, or the
// error.
func (s *Session) Close(ctx context.Context) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.err == nil && s.wrote {
		s.err = s.fold(ctx)
	}
	if errors.Is(s.err, errClosed) {
		return nil
	}
	err := s.err
	if err == nil {
		s.err = errClosed
	}
	return err
}

// Fold folds the journal into the document of the next serial now, whoever
// wrote it, and the session goes on after it. With an empty journal it does
// nothing. Only a run that holds the lock may call it. It is for what needs
// everything in one document: moving a state to another store, or replacing
// it.
func (s *Session) Fold(ctx context.Context) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.err == nil {
		s.err = s.fold(ctx)
	}
	return s.err
}

// fold seals the journal and commits the document that follows from it. The
// caller holds mu.
func (s *Session) fold(ctx context.Context) error {
	if s.log.seq == 0 {
		return nil
	}
	if s.log.seal == nil {
		seal := &pending{rec: Record{Step: "seal", Seal: true, Tool: s.run.Tool}}
		if _, err := s.append(ctx, []*pending{seal}); err != nil {
			return err
		}
	}
	return s.commit(ctx)
}

// commit writes the document of a sealed journal and starts a new journal
// after it. The caller holds mu.
func (s *Session) commit(ctx context.Context) error {
	doc := s.log.document()
	if err := s.store.Commit(ctx, doc); err != nil {
		return err
	}
	s.log, s.wrote = newLog(doc), false
	return nil
}
