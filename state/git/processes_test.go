//go:build unix

package git

import (
	"context"
	"strings"
	"testing"
	"time"

	"storyform/internal/clock"
	"storyform/state"
	"storyform/state/lease"
	"storyform/state/statetest"
)

// openShort opens the state of a clone with the shortest lease.
func openShort(work string) (state.Store, error) {
	args := map[string]string{"key": "stories/acme", "lease": lease.MinTTL.String()}
	return open(context.Background(), args, environment, work, clock.System())
}

func TestMain(m *testing.M) { statetest.Main(m, openShort) }

// Processes that are stopped for longer than their lease write nothing that
// counts afterwards, and what they wanted to write is kept.
func TestProcesses(t *testing.T) {
	if testing.Short() {
		t.Skip("starts processes and waits for leases")
	}
	t.Parallel()
	bare, work := remote(t)
	refused := statetest.Processes{Where: work, Stall: lease.MinTTL + 4*time.Second, Open: func() state.Store {
		s, err := openShort(work)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { s.(*Store).Close() })
		return s
	}}.Run(t)
	orphans := strings.Fields(command(t, bare, "ls-tree", "-r", "--name-only", DefaultBranch, "stories/acme/orphan/"))
	if refused == 0 || len(orphans) < refused {
		t.Errorf("got %d steps refused and orphans %v, want some, and one for each", refused, orphans)
	}
	command(t, bare, "fsck", "--strict")
}
