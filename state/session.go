package state

import (
	"context"
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
// goroutines; records of different stories are serialised.
type Session struct {
	// implementation: store, run, now, mutex, document, index by address, base, seq, dirty
}

// Open reads the store and returns a session on what it holds. A sealed
// journal whose document is missing is folded on the first write, not here:
// Open writes nothing.
func Open(ctx context.Context, store Store, run Run, now func() time.Time) (*Session, error) {
	panic("contract only")
}

// Document returns a deep copy of the current document, records folded in.
func (s *Session) Document() *Document { panic("contract only") }

// Entry returns a copy of the entry of a story.
func (s *Session) Entry(addr story.Address) (Entry, bool) { panic("contract only") }

// Put makes the after-image of one entry durable, with an optional line of
// history, before it returns. After any error nothing may be assumed about
// whether it was written, and the session refuses further writes with the
// same error: the run must stop having effects.
func (s *Session) Put(ctx context.Context, step string, e Entry, event *Event) error {
	panic("contract only")
}

// Drop makes the removal of an entry durable.
func (s *Session) Drop(ctx context.Context, step string, addr story.Address) error {
	panic("contract only")
}

// Close folds the records of this run into the document of the next serial.
// With no records it writes nothing.
func (s *Session) Close(ctx context.Context) error { panic("contract only") }
