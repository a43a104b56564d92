package object

import (
	"context"
	"errors"
	"time"

	"storyform/state"
	"storyform/state/lease"
)

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

// readLock is lease.Register.Read.
func (s *Store) readLock(ctx context.Context) (lease.Value, error) {
	o, err := s.bucket.Get(ctx, s.lockKey())
	if errors.Is(err, ErrNotFound) {
		return lease.Value{}, nil
	}
	return lease.Value{Data: o.Data, Version: o.Version, Age: age(o)}, err
}

// age is for how long at least an object has stood by the store's clock, or
// negative when it doesn't say. HTTP's times are whole seconds, cut off.
func age(o Object) time.Duration {
	if o.Modified.IsZero() || o.Date.IsZero() {
		return -1
	}
	return max(0, o.Date.Sub(o.Modified)-time.Second)
}

// swapLock is lease.Register.Swap.
func (s *Store) swapLock(ctx context.Context, old string, data []byte) (string, error) {
	stored, err := s.bucket.Put(ctx, s.lockKey(), data, old)
	if errors.Is(err, ErrRefused) {
		err = lease.ErrChanged
	}
	return stored.Version, err
}
