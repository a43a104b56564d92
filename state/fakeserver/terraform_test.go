package fakeserver

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// The fake is judged by the real terraform: what it takes for a server of its
// protocol is one.
func TestTerraformBinary(t *testing.T) {
	binary, err := exec.LookPath("terraform")
	if err != nil {
		t.Skip("terraform is not installed")
	}
	for _, kind := range []Kind{Plain, GitLab, Gitea} {
		t.Run(fmt.Sprint(kind), func(t *testing.T) {
			t.Parallel()
			fake := &Terraform{Kind: kind, Username: "ci", Password: "hunter2"}
			server := httptest.NewServer(fake)
			t.Cleanup(server.Close)
			dir := t.TempDir()
			terraform := func(args ...string) (string, error) {
				ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
				defer cancel()
				cmd := exec.CommandContext(ctx, binary, args...)
				cmd.Dir = dir
				cmd.Env = append(os.Environ(), "TF_IN_AUTOMATION=1", "CHECKPOINT_DISABLE=1", "TF_HTTP_USERNAME=ci", "TF_HTTP_PASSWORD=hunter2", "TF_HTTP_ADDRESS="+server.URL+"/state",
					"TF_HTTP_LOCK_ADDRESS="+server.URL+"/state", "TF_HTTP_UNLOCK_ADDRESS="+server.URL+"/state", "TF_HTTP_RETRY_MAX=0")
				if fake.forge() {
					cmd.Env = append(cmd.Env, "TF_HTTP_LOCK_ADDRESS="+server.URL+"/state/lock", "TF_HTTP_UNLOCK_ADDRESS="+server.URL+"/state/lock",
						"TF_HTTP_LOCK_METHOD=POST", "TF_HTTP_UNLOCK_METHOD=DELETE")
				}
				out, err := cmd.CombinedOutput()
				return string(out), err
			}
			mustRun := func(args ...string) {
				t.Helper()
				if out, err := terraform(args...); err != nil {
					t.Fatalf("terraform %v: %v\n%s", args, err, out)
				}
			}
			config := func(value string) {
				text := fmt.Sprintf("terraform {\n  backend \"http\" {}\n}\n\nresource \"terraform_data\" \"x\" {\n  input = %q\n}\n", value)
				if err := os.WriteFile(filepath.Join(dir, "main.tf"), []byte(text), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			config("one")
			mustRun("init", "-no-color", "-input=false")
			mustRun("apply", "-no-color", "-auto-approve")
			config("two")
			mustRun("apply", "-no-color", "-auto-approve")
			var state struct {
				Version, Serial int
				Lineage         string
			}
			if err := json.Unmarshal(fake.State(), &state); err != nil || state.Version != 4 || state.Serial < 2 || state.Lineage == "" {
				t.Errorf("got state %s, error %v", fake.State(), err)
			}

			fake.mu.Lock()
			fake.holder = []byte(`{"ID":"held-by-a-test","Operation":"apply","Info":"","Who":"somebody@else","Version":"1","Created":"2026-12-20T02:00:00Z","Path":""}`)
			fake.mu.Unlock()
			out, err := terraform("apply", "-no-color", "-auto-approve")
			if err == nil || !strings.Contains(out, "Error acquiring the state lock") || !strings.Contains(out, "held-by-a-test") {
				t.Errorf("got error %v, want that the state is locked:\n%s", err, out)
			}
		})
	}
}
