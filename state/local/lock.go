package local

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"sync"
	"time"

	"storyform/internal/filelock"
	"storyform/state"
)

// maxLockInfo bounds what is read of a lock file.
const maxLockInfo = 64 << 10

// lock is a held lock: an open file with a lock of the kernel on it, which
// holds the info. A holder that dies, however it dies, holds nothing any more.
type lock struct {
	store *Store
	info  state.LockInfo

	mu   sync.Mutex
	file *os.File // nil once released
}

// Lock takes the lock or fails at once with a *state.LockedError that names
// the holder. It fills in an ID and the path where info has none. What a
// killed holder left behind is taken over.
func (s *Store) Lock(ctx context.Context, info state.LockInfo) (state.Lock, error) {
	if info.ID == "" {
		info.ID = state.NewID()
	}
	if info.Path == "" {
		info.Path = s.path
	}
	var held *lock
	err := s.exclusively(ctx, func() error {
		f, err := s.root.OpenFile(s.lockName(), os.O_RDWR|os.O_CREATE, perm)
		if err != nil {
			return err
		}
		if err := filelock.Try(f); errors.Is(err, filelock.ErrBusy) {
			defer f.Close()
			return &state.LockedError{Holder: s.holder(f)}
		} else if err != nil {
			return errors.Join(err, f.Close())
		}
		if err := s.writeInfo(f, info); err != nil {
			return errors.Join(err, f.Close())
		}
		held = &lock{store: s, info: info, file: f}
		return nil
	})
	if err != nil {
		return nil, pathError("lock", s.path, err)
	}
	return held, nil
}

// writeInfo makes info the content of a lock file that is held.
func (s *Store) writeInfo(f *os.File, info state.LockInfo) error {
	data, err := json.MarshalIndent(info, "", "  ")
	if err != nil {
		return err
	}
	if err := f.Truncate(0); err != nil {
		return err
	}
	_, err = s.write(f, append(data, '\n'))
	return err
}

// holder reads who holds the lock file f.
func (s *Store) holder(f *os.File) state.LockInfo {
	info := state.LockInfo{}
	data, err := io.ReadAll(io.LimitReader(f, maxLockInfo))
	if err == nil {
		err = json.Unmarshal(data, &info)
	}
	if err != nil {
		return state.LockInfo{Who: "a process that left no name", Path: s.path}
	}
	return info
}

// ForceUnlock releases the lock that has this ID by taking the lock file away
// from under its holder, whose own lock is worth nothing from then on.
func (s *Store) ForceUnlock(ctx context.Context, id string) error {
	err := s.exclusively(ctx, func() error {
		f, err := s.root.OpenFile(s.lockName(), os.O_RDWR, perm)
		if errors.Is(err, fs.ErrNotExist) {
			return state.ErrNotLocked
		}
		if err != nil {
			return err
		}
		defer f.Close()
		switch err := filelock.Try(f); {
		case err == nil: // left behind by a holder that is dead
			return errors.Join(state.ErrNotLocked, s.root.Remove(s.lockName()))
		case !errors.Is(err, filelock.ErrBusy):
			return err
		}
		if holder := s.holder(f); holder.ID != id {
			return &state.LockedError{Holder: holder}
		}
		return s.root.Remove(s.lockName())
	})
	return pathError("unlock", s.path, err)
}

// Info is what others see of this lock.
func (l *lock) Info() state.LockInfo { return l.info }

// Check fails with ErrLockLost when the lock file isn't ours any more. Such a
// lock doesn't expire, so that margin doesn't matter.
func (l *lock) Check(time.Duration) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	return pathError("check the lock of", l.store.path, l.check())
}

// check tells whether the lock file at its path is the one that is held.
func (l *lock) check() error {
	if l.file == nil {
		return fmt.Errorf("%w: it was released", state.ErrLockLost)
	}
	ours, err := l.file.Stat()
	if err != nil {
		return fmt.Errorf("%w: %w", state.ErrLockLost, err)
	}
	there, err := l.store.root.Stat(l.store.lockName())
	if err != nil || !os.SameFile(ours, there) {
		return fmt.Errorf("%w: it was broken with force-unlock, or its file was deleted", state.ErrLockLost)
	}
	return nil
}

// Unlock releases the lock and removes its file. When the lock was lost it
// fails with ErrLockLost and leaves the new holder's file alone.
func (l *lock) Unlock(ctx context.Context) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	err := l.store.exclusively(ctx, func() error {
		if err := l.check(); err != nil {
			return err
		}
		return l.store.root.Remove(l.store.lockName())
	})
	if l.file != nil {
		err = errors.Join(err, l.file.Close())
		l.file = nil
	}
	return pathError("unlock", l.store.path, err)
}
