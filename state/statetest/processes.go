//go:build unix

package statetest

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"storyform/state"
	"storyform/story"
)

// processEnv holds, for a copy of a test binary that is to be a run of the
// program, its name and where its state is.
const processEnv = "STORYFORM_TEST_PROCESS"

// Main is for the TestMain of a backend's tests. In a copy of the test binary
// that Processes.Run has started, it is that process: open opens the state of
// Processes.Where. Otherwise it runs the tests.
func Main(m *testing.M, open func(where string) (state.Store, error)) {
	name, where, ok := strings.Cut(os.Getenv(processEnv), "|")
	if !ok {
		os.Exit(m.Run())
	}
	if err := process(name, where, open); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// Processes is a test with real processes that share one state. Each makes
// several runs under the lock. Half of them are stopped in one of these, with
// their renewals, for longer than their lease, and then go on without asking
// whether the lock is still theirs: zombies. What keeps the state right then is
// the log alone.
type Processes struct {
	Where string             // the state, for the processes
	Open  func() state.Store // the same, for the test
	// Stall is longer than a lease by all that it takes to notice its end.
	Stall time.Duration
	// Break says that locks don't expire: the others break that of a process
	// that holds it for too long.
	Break bool
}

const (
	processes      = 4
	stalling       = 2 // of them
	runsAProcess   = 3
	stepsAProcess  = 3
	lockPoll       = 100 * time.Millisecond
	breakAfter     = 1500 * time.Millisecond
	processTimeout = 2 * time.Minute
)

// Run starts the processes and checks, when all have ended, that no step that
// was acknowledged is lost, that no step that was refused is there, and that
// the chain of documents is whole. It returns how many steps were refused.
func (p Processes) Run(t *testing.T) (refused int) {
	var audit Audit
	var zombies atomic.Int32
	var wg sync.WaitGroup
	for n := range processes {
		wg.Go(func() { zombies.Add(p.watch(t, &audit, fmt.Sprintf("p%d", n))) })
	}
	wg.Wait()
	last := session(t, p.Open(), "auditor")
	put(t, last, "last", story.Scheduled)
	ok(t, last.Close(t.Context()))
	link, err := LinkOf(last.Document())
	ok(t, err)
	audit.Committed(link)
	audit.Check(t, last.Document())
	if got, want := len(last.Document().History), processes*runsAProcess*stepsAProcess; got < want {
		t.Errorf("got %d events, want at least %d", got, want)
	}
	return int(zombies.Load())
}

// watch is the life of one process, as its parent sees it. It returns how
// many of its steps were refused.
func (p Processes) watch(t *testing.T, audit *Audit, name string) (refused int32) {
	ctx, cancel := context.WithTimeout(t.Context(), processTimeout)
	defer cancel()
	cmd := exec.CommandContext(ctx, os.Args[0])
	if p.Break {
		name += "-breaks"
	}
	cmd.Env = append(os.Environ(), processEnv+"="+name+"|"+p.Where)
	var stderr strings.Builder
	cmd.Stderr = &stderr
	stdin, err := cmd.StdinPipe()
	if err != nil {
		t.Error(err)
		return 0
	}
	stdout, err := cmd.StdoutPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		t.Error(err)
		return 0
	}
	for lines := bufio.NewScanner(stdout); lines.Scan(); {
		what, rest, _ := strings.Cut(lines.Text(), " ")
		switch what {
		case "try":
			audit.Tried(rest)
		case "ack":
			audit.Acknowledged(rest)
		case "refused":
			refused++
		case "commit":
			var link Link
			if _, err := fmt.Sscanf(rest, "%d %s prev%s", &link.Serial, &link.Hash, &link.Prev); err != nil && link.Serial != 1 {
				t.Errorf("%s: %q: %v", name, rest, err)
			}
			audit.Committed(link)
		case "stall":
			cmd.Process.Signal(syscall.SIGSTOP)
			time.Sleep(p.Stall)
			cmd.Process.Signal(syscall.SIGCONT)
			io.WriteString(stdin, "\n")
		}
	}
	if err := cmd.Wait(); err != nil || stderr.Len() > 0 {
		t.Errorf("%s: %v\n%s", name, err, &stderr)
	}
	return refused
}

// process makes the runs of one process.
func process(name, where string, open func(where string) (state.Store, error)) error {
	store, err := open(where)
	if err != nil {
		return err
	}
	if closer, ok := store.(io.Closer); ok {
		defer closer.Close()
	}
	number := 0
	fmt.Sscanf(name, "p%d", &number)
	for run := range runsAProcess {
		for try := 0; ; try++ {
			err := processRun(store, fmt.Sprintf("%s-run%d-try%d", name, run, try), number < stalling && run == 1 && try == 0)
			if err == nil {
				break
			}
			if !errors.Is(err, state.ErrConflict) && !errors.Is(err, state.ErrLockLost) || try == 100 {
				return err
			}
			fmt.Println("refused", err)
		}
	}
	return nil
}

// processRun is one run under the lock, which it takes for its own until the
// end.
func processRun(store state.Store, id string, stall bool) error {
	ctx := context.Background()
	held, err := processLock(ctx, store, id)
	if err != nil {
		return err
	}
	s, err := state.Open(ctx, store, state.Run{ID: id, Tool: "0.1.0"}, start.Local)
	if err != nil {
		return err
	}
	for step := range stepsAProcess {
		if stall && step == 1 {
			fmt.Println("stall")
			if _, err := bufio.NewReader(os.Stdin).ReadString('\n'); err != nil {
				return err
			}
		}
		note := fmt.Sprintf("%s-step%d", id, step)
		fmt.Println("try", note)
		if err := s.Put(ctx, "test", entry(fmt.Sprint("s", step), story.Scheduled), &state.Event{What: "test", Note: note}); err != nil {
			return errors.Join(err, held.Unlock(ctx))
		}
		fmt.Println("ack", note)
	}
	if err := s.Close(ctx); err != nil {
		return errors.Join(err, held.Unlock(ctx))
	}
	link, err := LinkOf(s.Document())
	if err != nil {
		return err
	}
	fmt.Println("commit", link.Serial, link.Hash, "prev"+link.Prev)
	if err := held.Unlock(ctx); !errors.Is(err, state.ErrLockLost) {
		return err
	}
	return nil // everything was written all the same: nobody came before
}

// processLock waits for the lock.
func processLock(ctx context.Context, store state.Store, id string) (state.Lock, error) {
	holder, since := "", time.Now()
	for {
		held, err := store.Lock(ctx, state.LockInfo{ID: id, Who: id, Operation: "test", Version: "0.1.0", Created: time.Now()})
		locked, ok := errors.AsType[*state.LockedError](err)
		if !ok {
			return held, err
		}
		if locked.Holder.ID != holder {
			holder, since = locked.Holder.ID, time.Now()
		}
		if strings.Contains(id, "-breaks") && time.Since(since) > breakAfter {
			err := store.ForceUnlock(ctx, holder)
			if _, other := errors.AsType[*state.LockedError](err); err != nil && !other && !errors.Is(err, state.ErrNotLocked) {
				return nil, err
			}
		}
		time.Sleep(lockPoll)
	}
}
