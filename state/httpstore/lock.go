package httpstore

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"time"

	"storyform/state"
)

// lock is a held lock. It doesn't expire: the protocol has no leases.
type lock struct {
	store *Store
	info  state.LockInfo

	mu    sync.Mutex
	ended error // wraps state.ErrLockLost: why it isn't held any more
}

// Lock takes the lock or fails with a *state.LockedError that names the
// holder.
func (s *Store) Lock(ctx context.Context, info state.LockInfo) (state.Lock, error) {
	if info.ID == "" {
		info.ID = state.NewID()
	}
	if info.Path == "" {
		info.Path = s.where
	}
	holder, err := s.take(ctx, info)
	if err != nil {
		return nil, s.wrap("lock", err)
	}
	if holder != nil {
		return nil, &state.LockedError{Holder: *holder}
	}
	l := &lock{store: s, info: info}
	s.mu.Lock()
	s.held = l
	s.mu.Unlock()
	return l, nil
}

// take sends the request to lock, and returns the holder when it is somebody
// else.
func (s *Store) take(ctx context.Context, info state.LockInfo) (*state.LockInfo, error) {
	body, err := json.Marshal(info)
	if err != nil {
		return nil, err
	}
	a, _, err := s.retry(ctx, s.set.lockMethod, s.set.lockAddress, body)
	if err != nil {
		return nil, err
	}
	switch a.status {
	case http.StatusOK, http.StatusCreated, http.StatusNoContent:
		return nil, nil
	case http.StatusLocked, http.StatusConflict:
		refused := a.refused()
		if refused.holder == nil {
			return &state.LockInfo{Who: "somebody whom the server doesn't name" + refused.text, Path: s.where}, nil
		}
		if refused.holder.ID == info.ID {
			return nil, nil // taken by a try whose answer was lost
		}
		return refused.holder, nil
	}
	return nil, a.failure()
}

// ForceUnlock releases the lock that has this ID. The protocol doesn't tell
// who holds a lock, except to those who want it; so the lock is tried first.
func (s *Store) ForceUnlock(ctx context.Context, id string) error {
	own := state.LockInfo{ID: state.NewID(), Operation: "force-unlock", Who: "storyform force-unlock", Created: s.clock.Now().UTC(), Path: s.where}
	holder, err := s.take(ctx, own)
	switch {
	case err != nil:
		return s.wrap("unlock", err)
	case holder == nil:
		return s.wrap("unlock", errors.Join(state.ErrNotLocked, s.release(ctx, own)))
	case id == "" || holder.ID != "" && holder.ID != id:
		return &state.LockedError{Holder: *holder}
	}
	holder.ID = id // where the server names nobody, it decides
	return s.wrap("unlock", s.release(ctx, *holder))
}

// release sends the request to unlock. It fails with ErrLockLost when the
// server says that this isn't the lock.
func (s *Store) release(ctx context.Context, info state.LockInfo) error {
	body, err := json.Marshal(info)
	if err != nil {
		return err
	}
	a, tries, err := s.retry(ctx, s.set.unlockMethod, s.set.unlockAddress, body)
	switch {
	case err != nil:
		return err
	case a.status == http.StatusOK, a.status == http.StatusNoContent:
		return nil
	case a.status != http.StatusConflict && a.status != http.StatusLocked && a.status != http.StatusNotFound && a.status != http.StatusUnprocessableEntity:
		return a.failure()
	}
	refused := a.refused()
	if tries > 1 && refused.holder == nil {
		return nil // nobody holds it: a try whose answer was lost has released it
	}
	return fmt.Errorf("%w: %w", state.ErrLockLost, refused)
}

// Info is what others see of this lock.
func (l *lock) Info() state.LockInfo { return l.info }

// Check fails with ErrLockLost when a write or a release has shown that the
// lock isn't held any more. Such a lock doesn't expire, so that margin doesn't
// matter.
func (l *lock) Check(time.Duration) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.ended
}

// lose notes why the lock isn't held any more.
func (l *lock) lose(why string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.ended == nil {
		l.ended = fmt.Errorf("%w: %s", state.ErrLockLost, why)
	}
}

// Unlock releases the lock.
func (l *lock) Unlock(ctx context.Context) error {
	if err := l.Check(0); err != nil {
		return err
	}
	err := l.store.release(ctx, l.info)
	if err == nil || errors.Is(err, state.ErrLockLost) {
		l.lose("it was released")
		l.store.mu.Lock()
		if l.store.held == l {
			l.store.held = nil
		}
		l.store.mu.Unlock()
	}
	return l.store.wrap("unlock", err)
}
