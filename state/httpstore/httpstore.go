// Package httpstore keeps a state behind an address that speaks the protocol
// of Terraform's http backend, so that GitLab (since 13.0), Gitea (since 1.26)
// and every other server made for Terraform can keep it.
//
// # The protocol
//
//	GET    address            200 and the state; 204, 404 or an empty body: none yet
//	POST   address?ID=<lock>  the new state; 200, 201, 204
//	LOCK   lock_address       200; 423 or 409 with the holder's info
//	UNLOCK unlock_address     200
//
// The bodies are JSON, with Content-MD5, and basic authentication. All methods
// can be renamed: GitLab and Gitea take POST and DELETE for the last two. It
// is the protocol of Terraform 1.11 (its client, read and seen on the wire in
// November 2026).
//
// # A log in one document
//
// The server keeps one document, so each durable step writes the whole of it:
// the document of package state, the records after it, and around them a serial
// that rises with every write, not only with every document. That serial and
// the lineage stand where Terraform has them, because servers read them there.
//
// # One position, one writer
//
// How well two writers are kept apart depends on the server.
//
// GitLab stores the serial as the version's number, and refuses a number that
// exists, with 422. That is the primitive that package state asks for.
//
// A server that refuses a write whose lock ID isn't that of the lock (409 or
// 423) keeps a run out whose lock was broken.
//
// Against a server that does neither, the store can only look: it reads before
// each write, to find out whether what it builds on is still the newest, and
// after it, to find out whether what it wrote is. That leaves a gap between
// reading and writing. Probe finds such a server out.
//
// The reading before and after goes with every write, also because it is what
// settles a lost answer: own content is success, and a refusal is a conflict
// only when somebody else's content is there.
package httpstore

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"time"

	"storyform/internal/clock"
	"storyform/state"
	"storyform/state/snapshot"
)

// Store is a state behind an address. It is safe for use by several
// goroutines.
type Store struct {
	set   *settings
	where string
	http  *http.Client
	clock clock.Clock

	mu   sync.Mutex
	held *lock // the lock whose ID goes with writes; nil: none
}

var _ state.Store = (*Store)(nil)

// Open returns the store that the arguments name. env looks up environment
// variables: each argument can also come from STORYFORM_HTTP_<NAME>, and, as
// Terraform has it, from TF_HTTP_<NAME>. Open sends nothing.
func Open(_ context.Context, args map[string]string, env func(string) string) (*Store, error) {
	return open(args, env, clock.System())
}

// Check tells what is wrong with arguments, as Open would. The error is a
// *state.ArgumentError, or about the addresses together.
func Check(args map[string]string, env func(string) string) error {
	_, err := parse(args, env)
	return err
}

// open is Open for tests, which bring a clock.
func open(args map[string]string, env func(string) string, clk clock.Clock) (*Store, error) {
	set, err := parse(args, env)
	if err != nil {
		return nil, err
	}
	return &Store{set: set, where: display(set.address), http: set.client(), clock: clk}, nil
}

// String returns the address, without what may be secret in it.
func (s *Store) String() string { return s.where }

// Which tells apart stores whose addresses differ only in what String doesn't
// show: a hash of it, or "" where there is nothing of the kind.
func (s *Store) Which() string {
	if s.set.address.RawQuery == "" {
		return ""
	}
	return fmt.Sprintf("%x", sha256.Sum256([]byte(s.set.address.RawQuery)))
}

// Load returns the newest document and the records that follow it.
func (s *Store) Load(ctx context.Context) (*state.Document, []state.Record, error) {
	c, err := s.read(ctx)
	if err != nil {
		return nil, nil, s.wrap("read", err)
	}
	return c.Document, c.Records, nil
}

// Append makes rec durable at its position, by writing everything with it.
func (s *Store) Append(ctx context.Context, rec state.Record) error {
	return s.AppendAll(ctx, []state.Record{rec})
}

// AppendAll is Append for records at consecutive positions: one write.
func (s *Store) AppendAll(ctx context.Context, recs []state.Record) error {
	err := s.change(ctx, func(c *content) (*content, error) { return c.follow(c.Append(recs...)) })
	return s.wrap(fmt.Sprintf("write record %d after serial %d to", recs[0].Seq, recs[0].Base), err)
}

// Commit writes doc as the document of its serial.
func (s *Store) Commit(ctx context.Context, doc *state.Document) error {
	err := s.change(ctx, func(c *content) (*content, error) { return c.follow(c.Commit(doc)) })
	return s.wrap(fmt.Sprintf("write serial %d of", doc.Serial), err)
}

// change reads the content, lets next make the one that follows, writes it
// and reads it back. next returns nil when there is nothing to do any more,
// since what was to be written is there.
func (s *Store) change(ctx context.Context, next func(*content) (*content, error)) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	var unclear error
	for try := 0; ; try++ {
		now, err := s.read(ctx)
		if err != nil {
			return errors.Join(unclear, err)
		}
		wanted, err := next(now)
		if wanted == nil || err != nil {
			return err
		}
		if unclear != nil {
			if try > s.set.retryMax {
				return unclear
			}
			if err := s.wait(ctx, try); err != nil {
				return unclear
			}
		}
		postErr := s.post(ctx, wanted)
		if refused, ok := errors.AsType[*refusedError](postErr); ok {
			return s.judge(ctx, refused, now, next)
		}
		if _, denied := errors.AsType[*deniedError](postErr); denied {
			return postErr
		}
		// Written or not: the next reading tells. After a clear answer too,
		// because a server that keeps nobody out gives the same to two writers.
		if unclear = postErr; unclear == nil {
			unclear = errors.New("the server says that it wrote the state, and returns an older one; use another server")
		}
	}
}

// judge decides what a refused write means: success when its content is there
// all the same, written by a try whose answer was lost; a conflict when
// another content is there, or the lock isn't ours any more; and otherwise
// that the server doesn't want it.
func (s *Store) judge(ctx context.Context, refused *refusedError, before *content, next func(*content) (*content, error)) error {
	now, err := s.read(ctx)
	if err != nil {
		return errors.Join(refused, err)
	}
	if wanted, err := next(now); wanted == nil || err != nil {
		return err
	}
	if now.serial != before.serial {
		return fmt.Errorf("%w: %w", state.ErrConflict, refused)
	}
	if refused.status != http.StatusConflict && refused.status != http.StatusLocked {
		return refused
	}
	if s.held == nil {
		return fmt.Errorf("%w: %w", state.ErrConflict, refused)
	}
	s.held.lose("the server refuses its ID" + refused.who())
	return fmt.Errorf("%w: %w: %w", state.ErrConflict, state.ErrLockLost, refused)
}

// Probe finds out whether the server keeps two writers apart: whether it
// refuses a second write of one serial, or at least a write with another ID
// than the lock's. It takes the lock for that, and writes what is there
// already once more; a state that was never written it makes an empty one.
func (s *Store) Probe(ctx context.Context) error {
	l, err := s.Lock(ctx, state.LockInfo{Operation: "init", Who: "storyform init", Created: s.clock.Now().UTC()})
	if err != nil {
		return err
	}
	for try := 1; ; try++ {
		err = s.probe(ctx)
		_, denied := errors.AsType[*deniedError](err)
		if err == nil || denied || try > s.set.retryMax || s.wait(ctx, try) != nil {
			break // else it may be bad luck
		}
	}
	return errors.Join(s.wrap("probe", err), l.Unlock(context.WithoutCancel(ctx)))
}

func (s *Store) probe(ctx context.Context) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	now, err := s.read(ctx)
	if err != nil {
		return err
	}
	if !now.exists {
		now = &content{Snapshot: snapshot.Empty(), serial: 1, exists: true}
		if err := s.post(ctx, now); err != nil {
			return fmt.Errorf("write an empty state: %w", err)
		}
	}
	again := s.post(ctx, now)
	if _, refused := errors.AsType[*refusedError](again); refused {
		return nil
	}
	if again != nil {
		return again
	}
	other := s.postAs(ctx, now, state.NewID())
	if _, refused := errors.AsType[*refusedError](other); refused {
		return nil
	}
	if other != nil {
		return other
	}
	return &deniedError{"the server takes a second write of one serial, and also writes of those who don't hold the lock, so that two runs could publish one story twice; use one that refuses either, such as GitLab's"}
}

// wrap says what was done to which state.
func (s *Store) wrap(op string, err error) error { return state.Failed(op, s.where, err) }

// wait waits before retry n, twice as long each time.
func (s *Store) wait(ctx context.Context, n int) error {
	d := s.set.waitMin
	for range n - 1 {
		d = min(2*d, s.set.waitMax)
	}
	return s.clock.Sleep(ctx, min(d, s.set.waitMax))
}

// patience bounds one request.
const patience = 2 * time.Minute
