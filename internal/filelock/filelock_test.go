package filelock

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"sync"
	"testing"
)

func open(t *testing.T, path string) *os.File {
	t.Helper()
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	return f
}

func TestTry(t *testing.T) {
	path := filepath.Join(t.TempDir(), "lock")
	a, b := open(t, path), open(t, path)
	if err := Try(a); err != nil {
		t.Fatal(err)
	}
	if err := Try(b); !errors.Is(err, ErrBusy) {
		t.Errorf("got %v, want %v", err, ErrBusy)
	}
	if _, err := b.WriteString("others can write and read"); err != nil {
		t.Error(err)
	}
	if err := a.Close(); err != nil {
		t.Fatal(err)
	}
	if err := Try(b); err != nil {
		t.Errorf("got %v after the holder closed its file", err)
	}
	if err := Try(a); err == nil || errors.Is(err, ErrBusy) {
		t.Errorf("got %v for a closed file, want another error", err)
	}
}

func TestWaitGivesUp(t *testing.T) {
	path := filepath.Join(t.TempDir(), "lock")
	a, b := open(t, path), open(t, path)
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(errors.New("too late"))
	if err := Wait(ctx, a); err != nil {
		t.Errorf("got %v for a lock that is free", err)
	}
	err := Wait(ctx, b)
	if !errors.Is(err, ErrBusy) || err.Error() != ErrBusy.Error()+": too late" {
		t.Errorf("got %v, want %v and the cause", err, ErrBusy)
	}
}

// One at a time holds the lock, and everybody gets it.
func TestWaitExcludes(t *testing.T) {
	path := filepath.Join(t.TempDir(), "lock")
	var wg sync.WaitGroup
	inside, total := 0, 0
	var order sync.Mutex
	for range 8 {
		wg.Go(func() {
			f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
			if err != nil {
				t.Error(err)
				return
			}
			defer f.Close()
			if err := Wait(t.Context(), f); err != nil {
				t.Error(err)
				return
			}
			order.Lock()
			inside++
			total++
			if inside != 1 {
				t.Errorf("got %d holders, want 1", inside)
			}
			order.Unlock()
			runtime.Gosched()
			order.Lock()
			inside--
			order.Unlock()
		})
	}
	wg.Wait()
	if total != 8 {
		t.Errorf("got %d turns, want 8", total)
	}
}
