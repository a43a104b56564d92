// Package git keeps a state on a branch of a git repository: usually the one
// that the configuration is in, so that whoever may push there needs nothing
// else. The branch has a history of its own (its first commit has no parent)
// and is never checked out.
//
// # Files
//
//	STORYFORM-STATE.md     says what the branch is for; a branch without it isn't touched
//	<key>/state.json       the document
//	<key>/journal          the records after it, one line each
//	<key>/lock             who holds the lock; see package lease
//	<key>/orphan/…         what a writer that came too late wanted to write
//
// Each durable step is a commit, so that `git log -p` of the branch is the
// state's history, and the documents before the newest are kept there.
//
// # One position, one writer
//
// A commit is pushed with --force-with-lease, naming the commit that it was
// made from: the server replaces that one and no other, under its own lock. So
// of two writers who build on one state, one wins, and the other reads again
// and finds its position taken. The same makes the lock: a file of the same
// branch that is replaced only if it is the one that was read.
//
// A push whose answer was lost is settled by reading the branch: what was to
// be written is there, or it isn't.
//
// # Without a checkout
//
// Everything happens in a bare repository in a temporary folder, with
// fast-import and push: no file, index, branch or hook of the user's
// repository is touched. What that repository knows about reaching its
// servers (credentials that CI put there, proxies, rewritten addresses) is
// passed on to git in environment variables. git never asks for anything.
//
// # The lock's clock
//
// A git server tells no time. So a lease counts as run out when this process
// has watched it unchanged for that long, by its own clock; or when the time
// that the holder wrote into it is past by so much more that clocks which are
// wrong by two minutes don't matter. A clock that is more wrong can break a
// lock too early. That costs a run, not a story: the records don't look at
// clocks.
package git

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"path"
	"strings"
	"sync"
	"time"

	"storyform/internal/clock"
	"storyform/state"
	"storyform/state/lease"
)

// marker is the file that tells a branch of ours from others, and what it
// says to people.
const (
	marker     = "STORYFORM-STATE.md"
	markerText = `This branch is the memory of storyform: which stories were registered, uploaded and published.

Don't edit, merge, rebase or delete it: storyform would forget what is out. To look at it,
use "storyform state pull", or read its history with "git log -p".
`
)

// Store is a state on a branch. It is safe for use by several goroutines.
// Close removes its temporary folder.
type Store struct {
	repo  *repository
	ref   string // full name of the branch
	key   string
	where string
	clock clock.Clock
	locks *lease.Manager

	mu   sync.Mutex
	tree *tree // as last read; nil: not yet
	// seenLock is when the lock was first seen as it is, for leases without a
	// server's clock.
	seenLock struct {
		version string
		since   time.Time
	}
}

var _ state.Store = (*Store)(nil)

// String returns the address of the repository, the branch and the key.
func (s *Store) String() string { return s.where }

// Close removes the temporary folder. Locks that are still held stay held
// until their lease runs out.
func (s *Store) Close() error { return s.repo.remove() }

// name is the path of one of this state's files on the branch.
func (s *Store) name(file string) string { return path.Join(s.key, file) }

// Load returns the newest document and the records that follow it.
func (s *Store) Load(ctx context.Context) (*state.Document, []state.Record, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	t, err := s.read(ctx)
	if err != nil {
		return nil, nil, s.wrap("read", err)
	}
	return t.log.Document, t.log.Records, nil
}

// Append makes rec durable at its position: one commit.
func (s *Store) Append(ctx context.Context, rec state.Record) error {
	return s.AppendAll(ctx, []state.Record{rec})
}

// AppendAll is Append for records at consecutive positions: one commit.
func (s *Store) AppendAll(ctx context.Context, recs []state.Record) error {
	first, last := recs[0], recs[len(recs)-1]
	var data []byte
	for _, rec := range recs {
		line, err := state.EncodeRecord(rec)
		if err != nil {
			return err
		}
		data = append(data, line...)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	err := s.update(ctx, stepMessage(recs), func(t *tree) (files, error) {
		next, err := t.log.Append(recs...)
		if next == nil || err != nil {
			return nil, err
		}
		return files{s.name("journal"): journal(next.Lines)}, nil
	})
	err = s.orphan(ctx, err, fmt.Sprintf("%d-%d", first.Base, last.Seq), data)
	return s.wrap(fmt.Sprintf("write record %d after serial %d to", first.Seq, first.Base), err)
}

// stepMessage is the message of a commit that adds records: of one in its
// first line, of several in lines of their own.
func stepMessage(recs []state.Record) string {
	if len(recs) > 1 {
		text := fmt.Sprintf("records %d to %d after serial %d\n", recs[0].Seq, recs[len(recs)-1].Seq, recs[0].Base)
		for _, rec := range recs {
			text += fmt.Sprintf("\n%d: %s", rec.Seq, stepText(rec))
		}
		return text
	}
	rec := recs[0]
	if rec.Seal {
		return fmt.Sprintf("record %d seals the journal of serial %d", rec.Seq, rec.Base)
	}
	return fmt.Sprintf("record %d after serial %d: %s", rec.Seq, rec.Base, stepText(rec))
}

// stepText tells what a record is about, unless it is encrypted.
func stepText(rec state.Record) string {
	if len(rec.Encrypted) > 0 {
		return "encrypted"
	}
	return fmt.Sprintf("%s %s", rec.Step, rec.Key)
}

// Commit writes doc as the document of its serial, and empties the journal:
// one commit.
func (s *Store) Commit(ctx context.Context, doc *state.Document) error {
	data, err := state.Encode(doc)
	if err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	err = s.update(ctx, fmt.Sprintf("serial %d", doc.Serial), func(t *tree) (files, error) {
		next, err := t.log.Commit(doc)
		if next == nil || err != nil {
			return nil, err
		}
		return files{s.name("state.json"): next.Raw, s.name("journal"): journal(nil)}, nil
	})
	err = s.orphan(ctx, err, fmt.Sprint(doc.Serial), data)
	return s.wrap(fmt.Sprintf("write serial %d of", doc.Serial), err)
}

// journal returns the content of the journal's file. It is never absent once
// there was one, so that a missing file is noticed.
func journal(lines []string) []byte {
	if len(lines) == 0 {
		return []byte{}
	}
	return []byte(strings.Join(lines, "\n") + "\n")
}

// orphanPatience is how long storing an orphan may take.
const orphanPatience = 30 * time.Second

// orphan keeps what was refused on the branch, and says so in the error. That
// it can't be kept is no reason for another error.
func (s *Store) orphan(ctx context.Context, err error, position string, data []byte) error {
	if !errors.Is(err, state.ErrConflict) {
		return err
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), orphanPatience)
	defer cancel()
	sum := sha256.Sum256(data)
	name := s.name(fmt.Sprintf("orphan/%s-%x", position, sum[:6]))
	putErr := s.update(ctx, "keep what came too late for "+position, func(t *tree) (files, error) {
		return files{name: data}, nil
	})
	if putErr != nil {
		return err
	}
	return fmt.Errorf("%w; what this run wanted to write is kept on the branch as %s", err, name)
}

// Lock takes the lease or fails at once with a *state.LockedError.
func (s *Store) Lock(ctx context.Context, info state.LockInfo) (state.Lock, error) {
	if info.ID == "" {
		info.ID = state.NewID()
	}
	if info.Path == "" {
		info.Path = s.where
	}
	lock, err := s.locks.Lock(ctx, info)
	if err != nil {
		return nil, s.wrap("lock", err)
	}
	return lock, nil
}

// ForceUnlock releases the lock that has this ID.
func (s *Store) ForceUnlock(ctx context.Context, id string) error {
	return s.wrap("unlock", s.locks.ForceUnlock(ctx, id))
}

// skew is how wrong two runners' clocks may be together before one of them
// takes a lease for run out that isn't.
const skew = 2 * time.Minute

// readLock is lease.Register.Read.
func (s *Store) readLock(ctx context.Context) (lease.Value, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	t, err := s.read(ctx)
	if err != nil || t.lock == nil {
		return lease.Value{}, err
	}
	now := s.clock.Now()
	if s.seenLock.version != t.lockVersion {
		s.seenLock.version, s.seenLock.since = t.lockVersion, now
	}
	written, data := splitLock(t.lock)
	age := now.Sub(s.seenLock.since)
	if !written.IsZero() {
		age = max(age, now.Round(0).Sub(written)-skew)
	}
	return lease.Value{Data: data, Version: t.lockVersion, Age: age}, nil
}

// swapLock is lease.Register.Swap.
func (s *Store) swapLock(ctx context.Context, old string, data []byte) (string, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	content := joinLock(s.clock.Now(), data)
	swapped := false
	err := s.update(ctx, lockMessage(data), func(t *tree) (files, error) {
		if swapped && string(t.lock) == string(content) {
			return nil, nil // it landed, though the push failed
		}
		if t.lockVersion != old {
			return nil, lease.ErrChanged
		}
		swapped = true
		return files{s.name("lock"): content}, nil
	})
	if err != nil {
		return "", err
	}
	return s.tree.lockVersion, nil
}

// wrap says what was done to which state.
func (s *Store) wrap(op string, err error) error { return state.Failed(op, s.where, err) }
