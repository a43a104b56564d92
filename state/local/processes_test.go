//go:build unix

package local

import (
	"path/filepath"
	"testing"
	"time"

	"storyform/state"
	"storyform/state/statetest"
)

// Processes whose locks are broken while they are stopped write nothing that
// counts afterwards.
func TestProcesses(t *testing.T) {
	if testing.Short() {
		t.Skip("starts processes and waits for them")
	}
	t.Parallel()
	path := filepath.Join(t.TempDir(), DefaultName)
	refused := statetest.Processes{Where: path, Stall: 4 * time.Second, Break: true, Open: func() state.Store { return open(t, path) }}.Run(t)
	if refused == 0 {
		t.Error("no step was refused")
	}
}
