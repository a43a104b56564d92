// Package encrypted is a state.Store around another one that keeps everything
// encrypted with age: whoever can read a bucket, a branch or a server sees that
// there is a state and how it grows, not what is in it. Every backend gains it
// without a change.
//
// # Envelopes
//
// A document goes to the inner store as an envelope that has its lineage, its
// serial and its storyform's version in clear; a record as one that has its
// position, its lineage and whether it seals. That is what the log needs to
// put it in its place and what a server like GitLab looks at. All else is
// inside, prev_sha256 too: it is the hash of what was encrypted before, and
// would tell whoever guesses at that when the guess is right. What stands in
// clear stands inside once more, and must be the same. So an envelope that was
// moved to another position, or into another state, isn't opened.
//
// The hash chain is one of what is inside: it reads the same whether and for
// whom documents were encrypted, and those who can open them can check it.
//
// What was written in clear is read as it is, and what is encrypted is opened
// whatever the configuration says now; the configuration decides about what is
// written next. So encryption is turned on and off, and keys are changed, by
// changing the configuration and writing, and a journal may be of both kinds.
//
// # Whose write it was
//
// Stores settle a lost answer, and two runs that finish one fold, by comparing
// bytes: own bytes at the position are success. age is randomized, so the same
// record encrypted twice has two forms. Within one call that changes nothing:
// the inner store tries again with the bytes that it was given. When a call
// ends in a conflict, though, what is there may be the same record or document,
// in a form that another run or an earlier call gave it. So it is read, opened
// and compared as it would have been written in clear. What is found to be
// equal, and the newest, is success.
//
// That is as safe as comparing the stored bytes, because it is the comparison
// that a store without encryption makes: what is compared are the bytes of
// state.EncodeRecord and state.Encode, which name the run, the time and the
// position. A run that wrote the record before, and lost the answer, finds it.
// One that wrote another record at that position, even of the same step of the
// same story, has another run's name in it, and is told of the conflict. The
// record must also be the newest, and the document the newest: after a run
// that came later has built on it, silence isn't rewarded with success. And the
// comparison never makes a position free: all that is decided by it is what a
// refused write is called, never whether something is written.
//
// # Stores that fold
//
// The stores fold by themselves where a document was put back from a backup or
// deleted, and where a reader is overtaken by a writer between two requests.
// They can't open anything, so what they return then is a document that holds
// the older one and the journal, unfolded (state.Envelope), and it is folded
// here. A reader that was overtaken reads again first, since a whole document
// is there by then.
//
// # What it is not
//
// age says nothing about who encrypted: whoever may write to the store and
// knows a recipient, which is public, can write a state that opens. Nor does
// anything here notice that a whole state, document and journal, was put back
// to what it was earlier. Both is for the store's own access rights to prevent.
package encrypted

import (
	"bytes"
	"context"
	"errors"
	"io"
	"sync"

	"filippo.io/age"

	"storyform/state"
)

// Keys are who may read a state.
type Keys struct {
	// Recipients are whom writes are encrypted for. None: writes are in clear.
	Recipients []age.Recipient
	// Identities are what opens them. With recipients, one of them must
	// belong to a recipient, or nothing is written: the next run could not
	// read it.
	Identities []age.Identity
}

// Store is a state that is encrypted in another store. It is safe for use by
// several goroutines.
type Store struct {
	state.Store
	keys Keys

	mu      sync.Mutex
	checked bool // what is encrypted can be opened again
	kept    Kept
}

// Kept is what Load found, in documents and records.
type Kept struct{ Encrypted, Clear int }

// together is a Store around one that can write several records at once.
type together struct {
	*Store
	appendAll func(ctx context.Context, recs []state.Record) error
}

// New returns a store that keeps in inner what is written, encrypted for the
// recipients, and opens what is encrypted with the identities. It offers
// AppendAll if inner does.
func New(inner state.Store, keys Keys) state.Store {
	s := &Store{Store: inner, keys: keys}
	several, ok := inner.(interface {
		AppendAll(ctx context.Context, recs []state.Record) error
	})
	if !ok {
		return s
	}
	return &together{s, several.AppendAll}
}

// Unwrap returns the inner store; see state.Find. Documents that one gets from
// it past this store are envelopes.
func (s *Store) Unwrap() state.Store { return s.Store }

// Seal returns doc as Commit would store it, for a document that has to be kept
// elsewhere for a while.
func (s *Store) Seal(doc *state.Document) (*state.Document, error) { return s.sealDocument(doc) }

// Unseal returns what is in a document that came from elsewhere.
func (s *Store) Unseal(doc *state.Document) (*state.Document, error) { return s.openDocument(doc) }

// Close closes the inner store, where that is something to close.
func (s *Store) Close() error {
	if c, ok := s.Store.(io.Closer); ok {
		return c.Close()
	}
	return nil
}

// Kept returns what the last Load found.
func (s *Store) Kept() Kept {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.kept
}

// attempts is how often Load reads again where it gets a document that the
// inner store had to leave unfolded.
const attempts = 3

// Load returns the newest document and the records that follow it, opened. It
// fails with state.ErrEncrypted where no identity opens one, and with a
// *state.CorruptError where one isn't what it says.
func (s *Store) Load(ctx context.Context) (*state.Document, []state.Record, error) {
	for try := 1; ; try++ {
		doc, records, err := s.Store.Load(ctx)
		if err != nil {
			return nil, nil, err
		}
		if doc.Envelope != nil && doc.Envelope.Lines != nil && try < attempts {
			continue
		}
		return s.openAll(doc, records)
	}
}

// Append makes rec durable at its position.
func (s *Store) Append(ctx context.Context, rec state.Record) error {
	return s.write(ctx, []state.Record{rec}, func(ctx context.Context, recs []state.Record) error {
		return s.Store.Append(ctx, recs[0])
	})
}

// AppendAll is Append for records at consecutive positions.
func (t *together) AppendAll(ctx context.Context, recs []state.Record) error {
	return t.write(ctx, recs, t.appendAll)
}

// write encrypts records and writes them.
func (s *Store) write(ctx context.Context, recs []state.Record, write func(context.Context, []state.Record) error) error {
	sealed := make([]state.Record, len(recs))
	for i, rec := range recs {
		var err error
		if sealed[i], err = s.sealRecord(rec); err != nil {
			return err
		}
	}
	err := write(ctx, sealed)
	if errors.Is(err, state.ErrConflict) && s.endsWith(ctx, recs) {
		return nil
	}
	return err
}

// endsWith reports whether recs are the newest records that are there.
func (s *Store) endsWith(ctx context.Context, recs []state.Record) bool {
	doc, records, err := s.Load(ctx)
	if err != nil || len(records) < len(recs) {
		return false
	}
	newest := records[len(records)-len(recs):]
	for i := range recs {
		there, err := state.EncodeRecord(newest[i])
		if err != nil {
			return false
		}
		own, err := state.EncodeRecord(recs[i])
		if err != nil || recs[i].Base != doc.Serial || !bytes.Equal(there, own) {
			return false
		}
	}
	return true
}

// Commit writes doc as the document of its serial.
func (s *Store) Commit(ctx context.Context, doc *state.Document) error {
	sealed, err := s.sealDocument(doc)
	if err != nil {
		return err
	}
	err = s.Store.Commit(ctx, sealed)
	if errors.Is(err, state.ErrConflict) && s.newestIs(ctx, doc) {
		return nil
	}
	return err
}

// newestIs reports whether doc is the newest document.
func (s *Store) newestIs(ctx context.Context, doc *state.Document) bool {
	newest, _, err := s.Load(ctx)
	if err != nil || newest.Serial != doc.Serial {
		return false
	}
	there, err := state.Encode(newest)
	if err != nil {
		return false
	}
	own, err := state.Encode(doc)
	return err == nil && bytes.Equal(there, own)
}
