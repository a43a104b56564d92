// Package object keeps a state as objects of a bucket: the log of package
// state over a store that can create an object on the condition that there is
// none. Package s3 brings the bucket.
//
// # Objects
//
//	<key>/v/<serial>              a document; never changed
//	<key>/journal/<serial>/<n>    records that follow it, from number n on; never changed
//	<key>/lock                    who holds the lock, and until when; see package lease
//	<key>/orphan/…                what a writer that came too late wanted to write
//
// Numbers are padded with zeros so that listing them by name is listing them
// in order. The newest document is the last under v/. All of them together are
// history and backup; old ones are pruned.
//
// # One position, one writer
//
// Every write of the log is the creation of one object that must not exist. So
// the server decides between two writers, and it needs no more than that one
// condition. An answer that is lost, or a retry of the HTTP client that finds
// its own first try, is settled by reading the object back: own bytes are
// success. For a record there is one more question then, whether anything
// follows it already: the run that was silent for so long may not go on to
// make the call which the record announces, since whoever wrote after it has
// begun to settle that call.
//
// A record is only written behind one that this store has seen and that is no
// seal, and positions have no gaps. So a journal that is sealed takes nothing
// any more, whatever a late writer believes.
//
// A document that moves in from elsewhere skips serials, and nothing seals the
// empty journal of the document before it. So it is written into that journal
// first, as its first object, where a late writer's record would have gone,
// and then under its serial. The first of the two is what counts: whoever
// reads the state in between finds the document there, and whoever writes next
// makes up for the second.
//
// # Pruning
//
// What was pruned could be created a second time. So documents and journals
// are pruned only long after a newer document came, by the server's clock, and
// a writer believes an answer only when, by the same clock, it is not long
// since the writer had seen that its document was the newest. Otherwise it
// lists again, after the write.
package object

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"time"
	"unicode/utf8"

	"storyform/internal/clock"
	"storyform/state"
	"storyform/state/lease"
)

// Options are what a store needs besides its bucket.
type Options struct {
	Where string        // the address of the key, for people
	TTL   time.Duration // of the lock; 0: lease.DefaultTTL
	Clock clock.Clock
}

// Store is a state in a bucket. It is safe for use by several goroutines.
type Store struct {
	bucket Bucket
	key    string
	where  string
	clock  clock.Clock
	locks  *lease.Manager

	mu   sync.Mutex
	seen view
}

var _ state.Store = (*Store)(nil)

// New returns the store of the state under key. It touches nothing.
func New(bucket Bucket, key string, o Options) (*Store, error) {
	if err := CheckKey(key); err != nil {
		return nil, err
	}
	if o.TTL == 0 {
		o.TTL = lease.DefaultTTL
	}
	s := &Store{bucket: bucket, key: key, where: o.Where, clock: o.Clock}
	s.locks = &lease.Manager{Register: lease.Register{Read: s.readLock, Swap: s.swapLock}, TTL: o.TTL, Clock: o.Clock}
	return s, nil
}

// maxKey is the longest key in bytes; S3 allows names of 1,024.
const maxKey = 900

// CheckKey tells what is wrong with the key of a state.
func CheckKey(key string) error {
	switch {
	case key == "":
		return errors.New("the key is empty")
	case len(key) > maxKey:
		return fmt.Errorf("the key has %d bytes, more than %d", len(key), maxKey)
	case !utf8.ValidString(key) || strings.ContainsFunc(key, func(r rune) bool { return r < ' ' || r == 0x7f || r == '\\' }):
		return fmt.Errorf("the key %q has characters that not every store takes", key)
	}
	for part := range strings.SplitSeq(key, "/") {
		if part == "" || part == "." || part == ".." {
			return fmt.Errorf("the key %q must be names with one / between them, and begin and end with a name", key)
		}
	}
	return nil
}

// String returns the address of the key.
func (s *Store) String() string { return s.where }

func (s *Store) versions() string           { return s.key + "/v/" }
func (s *Store) version(n uint64) string    { return fmt.Sprintf("%s/v/%020d", s.key, n) }
func (s *Store) journals() string           { return s.key + "/journal/" }
func (s *Store) journal(base uint64) string { return fmt.Sprintf("%s/journal/%020d/", s.key, base) }
func (s *Store) orphans() string            { return s.key + "/orphan/" }
func (s *Store) lockKey() string            { return s.key + "/lock" }

func (s *Store) record(base uint64, seq int) string {
	return fmt.Sprintf("%s%010d", s.journal(base), seq)
}

// number reads the number in key between prefix and suffix.
func number(key, prefix string) (uint64, bool) {
	digits, ok := strings.CutPrefix(key, prefix)
	if i := strings.IndexByte(digits, '/'); i >= 0 {
		digits = digits[:i]
	}
	n, err := strconv.ParseUint(digits, 10, 64)
	return n, ok && err == nil
}

// address is key as people are told it.
func (s *Store) address(key string) string { return s.where + strings.TrimPrefix(key, s.key) }

// tries is how often an unclear write and a reading of damaged bytes is
// tried.
const tries = 5

// pause is the wait before the second try; it doubles.
const pause = 100 * time.Millisecond

// sleep waits before try n+1.
func (s *Store) sleep(ctx context.Context, n int) error {
	return s.clock.Sleep(ctx, pause<<(n-1))
}

// created is how a creation went.
type created struct {
	date     time.Time // of the answer
	readBack bool      // it is known from reading back only, and may be old
}

// create stores data under a key that must be free. To find data there
// already is success. It fails with ErrConflict when something else is there,
// which whole tells from something damaged.
func (s *Store) create(ctx context.Context, key string, data []byte, whole func([]byte) error) (created, error) {
	for try := 1; ; try++ {
		stored, putErr := s.bucket.Put(ctx, key, data, "")
		if putErr == nil {
			return created{date: stored.Date}, nil
		}
		if errors.Is(putErr, ErrDenied) {
			return created{}, putErr
		}
		there, getErr := s.bucket.Get(ctx, key)
		switch {
		case getErr == nil && bytes.Equal(there.Data, data):
			return created{date: there.Date, readBack: true}, nil
		case getErr == nil && whole(there.Data) == nil:
			return created{}, state.ErrConflict
		case try == tries && getErr == nil:
			return created{}, fmt.Errorf("%w: %s is there and can't be read", state.ErrConflict, s.address(key))
		case try == tries:
			return created{}, putErr
		}
		// It isn't there (yet), or there is no telling: to create it once more
		// does no harm, even if the first try should land later.
		if s.sleep(ctx, try) != nil {
			return created{}, putErr
		}
	}
}

// orphan keeps what was refused where people find it, and says so in the
// error. That it can't be kept is no reason for another error.
func (s *Store) orphan(ctx context.Context, err error, position string, data []byte) error {
	if !errors.Is(err, state.ErrConflict) {
		return err
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), orphanPatience)
	defer cancel()
	sum := sha256.Sum256(data)
	key := fmt.Sprintf("%s%s-%x", s.orphans(), position, sum[:6])
	if _, putErr := s.bucket.Put(ctx, key, data, ""); putErr != nil && !errors.Is(putErr, ErrRefused) {
		return err
	}
	return fmt.Errorf("%w; what this run wanted to write is kept as %s", err, s.address(key))
}

// orphanPatience is how long storing an orphan may take.
const orphanPatience = 15 * time.Second

// wrap says what was done to which state.
func (s *Store) wrap(op string, err error) error { return state.Failed(op, s.where, err) }
