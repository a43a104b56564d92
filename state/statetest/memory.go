package statetest

import (
	"bytes"
	"context"
	"fmt"
	"sync"
	"time"

	"storyform/state"
)

// Op names an operation of a store.
type Op string

// The operations.
const (
	OpLoad        Op = "load"
	OpAppend      Op = "append"
	OpCommit      Op = "commit"
	OpLock        Op = "lock"
	OpUnlock      Op = "unlock"
	OpForceUnlock Op = "force-unlock"
)

// Call is one operation of a Memory, as its hooks see it.
type Call struct {
	Op       Op
	Record   state.Record    // of OpAppend
	Document *state.Document // of OpCommit
}

// Memory is a store in memory for tests: it keeps the bytes that a real store
// would keep, and fails on demand. Its zero value is a state that was never
// written. Sessions that share a Memory are runs that share a state.
//
// The hooks are called without any lock held, so that they may use the
// Memory themselves, for instance to be the other run that comes first.
type Memory struct {
	// Before, when set, is called before each operation. When it returns an
	// error the operation has no effect and fails with that error.
	Before func(Call) error
	// After, when set, is called after each operation that succeeded. When it
	// returns an error the operation fails with it although it took effect:
	// the answer was lost, and asking again failed too.
	After func(Call) error

	mu       sync.Mutex
	docs     [][]byte            // all documents, oldest first
	journals map[uint64][][]byte // lines by the serial that they follow
	records  []state.Record      // all records, oldest first
	newest   uint64
	holder   *memoryLock
}

var _ state.Store = (*Memory)(nil)

// String says that the state is in memory.
func (m *Memory) String() string { return "memory" }

// do runs an operation between the hooks.
func (m *Memory) do(ctx context.Context, call Call, effect func() error) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	if m.Before != nil {
		if err := m.Before(call); err != nil {
			return err
		}
	}
	m.mu.Lock()
	err := effect()
	m.mu.Unlock()
	if err == nil && m.After != nil {
		err = m.After(call)
	}
	return err
}

// Load returns what was stored, decoded anew.
func (m *Memory) Load(ctx context.Context) (doc *state.Document, records []state.Record, err error) {
	err = m.do(ctx, Call{Op: OpLoad}, func() error {
		doc = new(state.Document)
		if n := len(m.docs); n > 0 {
			if doc, err = state.Decode("memory", m.docs[n-1]); err != nil {
				return err
			}
		}
		records, _, err = state.DecodeJournal("memory", bytes.Join(m.journals[m.newest], nil))
		return err
	})
	if err != nil {
		return nil, nil, err
	}
	return doc, records, nil
}

// Append stores rec at its position.
func (m *Memory) Append(ctx context.Context, rec state.Record) error {
	line, err := state.EncodeRecord(rec)
	if err != nil {
		return err
	}
	return m.do(ctx, Call{Op: OpAppend, Record: rec}, func() error {
		journal := m.journals[rec.Base]
		if n := len(journal); rec.Base == m.newest && rec.Seq == n && bytes.Equal(journal[n-1], line) {
			return nil
		}
		if rec.Base != m.newest || rec.Seq != len(journal)+1 || m.sealed() {
			return fmt.Errorf("record %d of serial %d: %w", rec.Seq, rec.Base, state.ErrConflict)
		}
		stored, err := state.DecodeRecord("memory", line)
		if err != nil {
			return err
		}
		if m.journals == nil {
			m.journals = map[uint64][][]byte{}
		}
		m.journals[rec.Base] = append(journal, line)
		m.records = append(m.records, stored)
		return nil
	})
}

// sealed reports whether the newest journal is.
func (m *Memory) sealed() bool {
	journal := m.journals[m.newest]
	if len(journal) == 0 {
		return false
	}
	newest, err := state.DecodeRecord("memory", journal[len(journal)-1])
	return err == nil && newest.Seal
}

// Commit stores doc as the document of its serial.
func (m *Memory) Commit(ctx context.Context, doc *state.Document) error {
	data, err := state.Encode(doc)
	if err != nil {
		return err
	}
	return m.do(ctx, Call{Op: OpCommit, Document: doc.Clone()}, func() error {
		if n := len(m.docs); n > 0 && bytes.Equal(m.docs[n-1], data) {
			return nil
		}
		pending := len(m.journals[m.newest]) > 0
		if doc.Serial <= m.newest || pending && (!m.sealed() || doc.Serial != m.newest+1) {
			return fmt.Errorf("serial %d: %w", doc.Serial, state.ErrConflict)
		}
		m.docs, m.newest = append(m.docs, data), doc.Serial
		return nil
	})
}

// Records returns every record that was ever appended, oldest first.
func (m *Memory) Records() []state.Record {
	m.mu.Lock()
	defer m.mu.Unlock()
	return append([]state.Record(nil), m.records...)
}

// Documents returns every document that was ever committed, oldest first.
func (m *Memory) Documents() []*state.Document {
	m.mu.Lock()
	defer m.mu.Unlock()
	var docs []*state.Document
	for _, data := range m.docs {
		doc, err := state.Decode("memory", data)
		if err != nil {
			panic(err) // Encode wrote it
		}
		docs = append(docs, doc)
	}
	return docs
}

// memoryLock is a held lock of a Memory.
type memoryLock struct {
	m    *Memory
	info state.LockInfo
}

// Lock takes the lock or fails with a *state.LockedError.
func (m *Memory) Lock(ctx context.Context, info state.LockInfo) (state.Lock, error) {
	if info.ID == "" {
		info.ID = state.NewID()
	}
	l := &memoryLock{m: m, info: info}
	err := m.do(ctx, Call{Op: OpLock}, func() error {
		if m.holder != nil {
			return &state.LockedError{Holder: m.holder.info}
		}
		m.holder = l
		return nil
	})
	if err != nil {
		return nil, err
	}
	return l, nil
}

// ForceUnlock releases the lock that has this ID.
func (m *Memory) ForceUnlock(ctx context.Context, id string) error {
	return m.do(ctx, Call{Op: OpForceUnlock}, func() error {
		switch {
		case m.holder == nil:
			return state.ErrNotLocked
		case m.holder.info.ID != id:
			return &state.LockedError{Holder: m.holder.info}
		}
		m.holder = nil
		return nil
	})
}

// Info is what others see of the lock.
func (l *memoryLock) Info() state.LockInfo { return l.info }

// Check fails with ErrLockLost when the lock isn't ours any more.
func (l *memoryLock) Check(time.Duration) error {
	l.m.mu.Lock()
	defer l.m.mu.Unlock()
	if l.m.holder != l {
		return state.ErrLockLost
	}
	return nil
}

// Unlock releases the lock.
func (l *memoryLock) Unlock(ctx context.Context) error {
	return l.m.do(ctx, Call{Op: OpUnlock}, func() error {
		if l.m.holder != l {
			return state.ErrLockLost
		}
		l.m.holder = nil
		return nil
	})
}
