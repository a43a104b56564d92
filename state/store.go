package state

import (
	"context"
	"errors"
	"fmt"
	"time"

	"storyform/story"
)

// Record is one durable step: the after-image of one entry at one position of
// the log.
type Record struct {
	Base uint64 `json:"base"` // the serial of the document that it follows
	Seq  int    `json:"seq"`  // 1, 2, … within Base
	// Lineage is that of the document, so that a journal is never folded into
	// a state that it doesn't belong to. The first record of a new state
	// brings the lineage.
	Lineage string `json:"lineage"`

	At    time.Time     `json:"at"`
	Run   string        `json:"run"`
	Step  string        `json:"step"` // "register", "intend", "session", "uploaded", "publishing", "live", …: for people
	Key   story.Address `json:"address"`
	Entry *Entry        `json:"entry"` // nil: the entry is dropped
	Event *Event        `json:"event,omitempty"`
	// Seal closes the journal of Base: nothing may follow. Key, Entry and
	// Event are empty. With it the document of the next serial is determined
	// to the byte, whoever writes it.
	Seal bool `json:"seal,omitempty"`
	// Tool is the version of the storyform that sealed the journal.
	Tool string `json:"storyform_version,omitempty"`
	// Encrypted is an age file with the record in it, as EncodeRecord writes
	// it. Of the fields above only Base, Seq, Lineage and Seal are known then.
	Encrypted []byte `json:"-"`
}

// Store keeps one configuration's state. Every backend implements it and
// passes the suite of package statetest; nothing above it knows which one is
// in use.
//
// All methods may be called by several processes at once. An operation whose
// answer was lost is read back by the store itself: finding its own bytes
// means success, never a conflict.
//
// A store that can make several records durable at the cost of one also has
//
//	AppendAll(ctx context.Context, recs []Record) error
//
// which is Append for records at consecutive positions: all of them or none.
type Store interface {
	// Load returns the newest document and the records that follow it, in
	// order. A state that was never written is a document with serial 0 and
	// no lineage. A journal that is sealed but whose document is missing (a
	// crash while folding) is returned as it is.
	Load(ctx context.Context) (*Document, []Record, error)

	// Append makes rec durable at its position (Base, Seq). It fails with
	// ErrConflict when that position is taken by other bytes, when the
	// journal of Base is sealed, or when a newer document exists.
	Append(ctx context.Context, rec Record) error

	// Commit writes doc as the document of its serial. It fails with
	// ErrConflict when other bytes hold that serial or a newer one exists. The
	// document before it is kept. A journal that holds records must be sealed
	// before its document is committed, which must then be of the next
	// serial; a session does so. Over an empty journal any higher serial may
	// be committed, which is how a state moves in from elsewhere; it shuts out
	// a writer that still knows the older serial, as a seal would.
	Commit(ctx context.Context, doc *Document) error

	// Lock takes the lock or fails at once with a *LockedError that names the
	// holder.
	Lock(ctx context.Context, info LockInfo) (Lock, error)

	// ForceUnlock releases the lock that has this ID, whoever holds it. It
	// fails with a *LockedError when another ID holds it and with
	// ErrNotLocked when nobody does.
	ForceUnlock(ctx context.Context, id string) error

	// String names where the state is, for people: a path or an address.
	fmt.Stringer
}

// Lock is a held lock.
type Lock interface {
	// Info is what others see of this lock.
	Info() LockInfo
	// Check fails with ErrLockLost when the lock is no longer ours or may
	// expire within margin; of a lease shorter than twice the margin, half
	// must be left. It asks nobody: it tells what is known.
	Check(margin time.Duration) error
	// Unlock releases the lock. Releasing a lost lock is an error and does no
	// harm to its new holder.
	Unlock(ctx context.Context) error
}

// LockInfo tells who holds a lock, in Terraform's seven fields.
type LockInfo struct {
	ID        string    `json:"ID"`
	Operation string    `json:"Operation"`
	Info      string    `json:"Info"` // the CI run's address, where there is one
	Who       string    `json:"Who"`
	Version   string    `json:"Version"`
	Created   time.Time `json:"Created"`
	Path      string    `json:"Path"`
}

// The errors that callers branch on.
var (
	// ErrConflict means that another writer took the position: this run no
	// longer may have public effects.
	ErrConflict = errors.New("the state was changed by another run")
	// ErrLockLost means that the lock was broken or has expired.
	ErrLockLost = errors.New("the state lock was lost")
	// ErrNotLocked means that there is no lock to break.
	ErrNotLocked = errors.New("the state is not locked")
)

// LockedError says that somebody else holds the lock.
type LockedError struct {
	Holder LockInfo
}

// Error names the holder on one line.
func (e *LockedError) Error() string {
	return fmt.Sprintf("the state is locked by %s since %s (%s, lock ID %s)",
		e.Holder.Who, e.Holder.Created.UTC().Format(time.RFC3339), e.Holder.Operation, e.Holder.ID)
}

// MovedError says that the state is elsewhere now.
type MovedError struct {
	Where string // the store that was opened
	To    string // the store that the state was moved to
}

// Error tells where it is.
func (e *MovedError) Error() string {
	return fmt.Sprintf("the state %s was moved to %s", e.Where, e.To)
}

// CorruptError says that a stored document or record can't be read, with
// where it is and what can be done.
type CorruptError struct {
	Where string // path or address
	Err   error
	Hint  string // what to do next
}

// Error tells what is unreadable and why.
func (e *CorruptError) Error() string { return fmt.Sprintf("%s can't be read: %v", e.Where, e.Err) }

// Unwrap returns the cause.
func (e *CorruptError) Unwrap() error { return e.Err }

// VersionError says that a document was written by a newer storyform.
type VersionError struct {
	Where string
	Got   int
	Tool  string
}

// Error tells which version is needed.
func (e *VersionError) Error() string {
	by := ""
	if e.Tool != "" {
		by = " (written by storyform " + e.Tool + ")"
	}
	return fmt.Sprintf("%s has state format %d%s; this storyform reads formats up to %d: use a newer storyform", e.Where, e.Got, by, EnvelopeVersion)
}

// Failed is err with what was done to which state, such as "read" and its
// address, unless err tells where by itself.
func Failed(op, where string, err error) error {
	if err == nil {
		return nil
	}
	_, corrupt := errors.AsType[*CorruptError](err)
	_, version := errors.AsType[*VersionError](err)
	_, locked := errors.AsType[*LockedError](err)
	if corrupt || version || locked {
		return err
	}
	return fmt.Errorf("%s the state %s: %w", op, where, err)
}

// Hinted is err with what to do next, where it is a *CorruptError that doesn't
// say so yet.
func Hinted(err error, hint string) error {
	if corrupt, ok := errors.AsType[*CorruptError](err); ok && corrupt.Hint == "" {
		corrupt.Hint = hint
	}
	return err
}

// Find returns what store has of T, such as a Probe, or what a store that it
// wraps has. One that wraps another has a method Unwrap.
//
// It is for what a backend offers besides the methods of Store. AppendAll isn't
// among that: a wrapper that doesn't have it must not be passed by.
func Find[T any](store Store) (T, bool) {
	for {
		if found, ok := any(store).(T); ok {
			return found, true
		}
		wrapper, ok := store.(interface{ Unwrap() Store })
		if !ok {
			var none T
			return none, false
		}
		store = wrapper.Unwrap()
	}
}
