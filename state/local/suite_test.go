package local

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"

	"storyform/state"
	"storyform/state/statetest"
)

func TestContract(t *testing.T) {
	statetest.Run(t, func(t *testing.T) statetest.Instance {
		path := filepath.Join(t.TempDir(), DefaultName)
		return statetest.Instance{
			Open: func() state.Store { return open(t, path) },
			Tear: func() { tear(t, path+".journal") },
		}
	}, nil)
}

// tear cuts the last line of a file in the middle.
func tear(t *testing.T, path string) {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	start := bytes.LastIndexByte(bytes.TrimSuffix(data, []byte("\n")), '\n') + 1
	if err := os.WriteFile(path, data[:(start+len(data))/2], 0o600); err != nil {
		t.Fatal(err)
	}
}
