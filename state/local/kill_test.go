package local

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"storyform/state"
	"storyform/state/statetest"
	"storyform/story"
)

// childEnv holds, for a copy of the test binary that is to be a run of the
// program, the path of the state and the run's name.
const childEnv = "STORYFORM_TEST_STATE_RUN"

func TestMain(m *testing.M) {
	if spec := os.Getenv(childEnv); spec != "" {
		path, name, _ := strings.Cut(spec, "|")
		if err := child(path, name); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	statetest.Main(m, func(where string) (state.Store, error) { return Open(where) })
}

const (
	processes     = 3
	lives         = 10 // of each process; all but the last end with SIGKILL
	sessionsALife = 3
	stepsASession = 3
)

// child is one life of a process: sessions one after the other, each step
// told on stdout before it is tried and after it is acknowledged.
func child(path, name string) error {
	breaks := 5
	for n := range sessionsALife {
		store, err := Open(path)
		if err != nil {
			return err
		}
		for try := 0; ; try++ {
			err := childRun(store, fmt.Sprintf("%s-session%d-try%d", name, n, try), &breaks)
			if err == nil {
				break
			}
			if !errors.Is(err, state.ErrConflict) && !errors.Is(err, state.ErrLockLost) {
				return err
			}
		}
		if err := store.Close(); err != nil {
			return err
		}
	}
	return nil
}

// childRun is one run of the program under the lock.
func childRun(store *Store, id string, breaks *int) error {
	ctx := context.Background()
	held, err := childLock(ctx, store, id, breaks)
	if err != nil {
		return err
	}
	s, err := state.Open(ctx, store, state.Run{ID: id}, now)
	if err != nil {
		return err
	}
	for step := range stepsASession {
		note := fmt.Sprintf("%s-step%d", id, step)
		fmt.Println("try", note)
		e := entry(fmt.Sprintf("s%d", step), story.Scheduled)
		if err := s.Put(ctx, "test", e, &state.Event{What: "test", Note: note}); err != nil {
			return errors.Join(err, held.Unlock(ctx))
		}
		fmt.Println("ack", note)
	}
	if err := s.Close(ctx); err != nil {
		return errors.Join(err, held.Unlock(ctx))
	}
	link, err := statetest.LinkOf(s.Document())
	if err != nil {
		return err
	}
	fmt.Println("commit", link.Serial, link.Hash, "prev"+link.Prev)
	return held.Unlock(ctx)
}

// childLock waits for the lock. As long as it has breaks left it doesn't wait:
// it breaks the lock, two runs write at once, and only the journal keeps them
// apart. Their number is bounded, for runs that break each
// other's locks again and again may spoil each other for ever.
func childLock(ctx context.Context, store *Store, id string, breaks *int) (state.Lock, error) {
	for {
		held, err := store.Lock(ctx, state.LockInfo{ID: id, Who: id})
		locked, ok := errors.AsType[*state.LockedError](err)
		if !ok {
			return held, err
		}
		if *breaks > 0 {
			*breaks--
			err := store.ForceUnlock(ctx, locked.Holder.ID)
			if _, other := errors.AsType[*state.LockedError](err); err != nil && !other && !errors.Is(err, state.ErrNotLocked) {
				return nil, err
			}
		}
		time.Sleep(time.Millisecond)
	}
}

// Processes that are killed at random moments, and that break each other's
// locks, lose no step that was acknowledged and keep the chain whole.
func TestKilledProcesses(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("starts processes")
	}
	path := filepath.Join(t.TempDir(), DefaultName)
	var audit statetest.Audit
	var wg sync.WaitGroup
	for p := range processes {
		wg.Go(func() {
			random := rand.New(rand.NewPCG(1, uint64(p)))
			for life := range lives {
				killAfter := 1 + random.IntN(sessionsALife*2*stepsASession)
				if life == lives-1 {
					killAfter = -1
				}
				live(t, &audit, path, fmt.Sprintf("p%d-life%d", p, life), killAfter)
			}
		})
	}
	wg.Wait()

	store := open(t, path)
	held, err := store.Lock(t.Context(), state.LockInfo{})
	if err != nil {
		t.Fatalf("the lock of the dead isn't free: %v", err)
	}
	s := session(t, store, "auditor")
	put(t, s, "last", story.Scheduled)
	if err := s.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	link, err := statetest.LinkOf(s.Document())
	if err != nil {
		t.Fatal(err)
	}
	audit.Committed(link)
	audit.Check(t, s.Document())
	if got, want := len(s.Document().History), processes*sessionsALife*stepsASession; got < want {
		t.Errorf("got %d events, want at least the %d of those that lived", got, want)
	}
	if err := held.Unlock(t.Context()); err != nil {
		t.Error(err)
	}
}

// live is one life of a process, which is killed after some lines of output
// unless killAfter is negative.
func live(t *testing.T, audit *statetest.Audit, path, name string, killAfter int) {
	cmd := exec.CommandContext(t.Context(), os.Args[0])
	cmd.Env = append(os.Environ(), childEnv+"="+path+"|"+name)
	var stderr strings.Builder
	cmd.Stderr = &stderr
	stdout, err := cmd.StdoutPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		t.Error(err)
		return
	}
	lines := bufio.NewScanner(stdout)
	for n := 0; lines.Scan(); n++ {
		if n == killAfter {
			cmd.Process.Kill()
		}
		what, rest, _ := strings.Cut(lines.Text(), " ")
		switch what {
		case "try":
			audit.Tried(rest)
		case "ack":
			audit.Acknowledged(rest)
		case "commit":
			var link statetest.Link
			if _, err := fmt.Sscanf(rest, "%d %s prev%s", &link.Serial, &link.Hash, &link.Prev); err != nil && link.Serial != 1 {
				t.Errorf("%s: %q: %v", name, rest, err)
			}
			audit.Committed(link)
		}
	}
	if err := cmd.Wait(); err != nil && killAfter < 0 {
		t.Errorf("%s: %v\n%s", name, err, &stderr)
	}
	if stderr.Len() > 0 {
		t.Errorf("%s: %s", name, &stderr)
	}
}
