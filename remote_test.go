package main

import (
	"bytes"
	"errors"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"storyform/graphapi/sandbox"
	"storyform/state/fakeserver"
)

// runner is a CI job: a folder with nothing but the configuration and its
// media, which is thrown away afterwards.
type runner struct {
	dir string
	env []string
}

// newRunner makes a runner whose state is in a bucket.
func newRunner(t *testing.T, graph, bucket string) *runner {
	t.Helper()
	r := &runner{dir: t.TempDir(), env: append(os.Environ(),
		"STORYFORM_GRAPH_URL="+graph, "STORYFORM_TOKEN=sandbox-user",
		"AWS_ACCESS_KEY_ID=test", "AWS_SECRET_ACCESS_KEY=test", "AWS_REGION=us-east-1", "AWS_EC2_METADATA_DISABLED=true",
	)}
	config := `
variable "brand" {
  default = "acme"
}

storyform {
  backend "s3" {
    bucket   = "state"
    key      = "stories/${var.brand}" # variables are allowed here
    endpoint = "` + bucket + `"
    lease    = "3s"
  }
}
` + oneVideo + `
story "b" {
  page   = page.acme
  photo  = "b.jpg"
  window = "2h"
}
`
	files := map[string][]byte{"s.story.hcl": []byte(config)}
	for name, media := range map[string]string{"a.mp4": "good.mp4", "b.jpg": "good.jpg"} {
		text, err := os.ReadFile(filepath.Join("testdata/media", media))
		if err != nil {
			t.Fatal(err)
		}
		files[name] = text
	}
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(r.dir, name), text, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return r
}

// start begins a command of the runner.
func (r *runner) start(t *testing.T, out *bytes.Buffer, extra []string, args ...string) *exec.Cmd {
	t.Helper()
	cmd := exec.Command("storyform", args...)
	cmd.Dir, cmd.Env = r.dir, append(r.env, extra...)
	cmd.Stdout, cmd.Stderr = out, out
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	return cmd
}

// run runs a command and returns what it printed and its exit code, -1 for a
// process that was killed.
func (r *runner) run(t *testing.T, extra []string, args ...string) (string, int) {
	t.Helper()
	var out bytes.Buffer
	err := r.start(t, &out, extra, args...).Wait()
	if ee, ok := errors.AsType[*exec.ExitError](err); err != nil && !ok {
		t.Fatal(err)
	} else if ok {
		return out.String(), ee.ExitCode()
	}
	return out.String(), 0
}

// TestRemoteRunners applies from runners that are killed and thrown away, with
// nothing but a bucket in common: uploads are resumed, doubt is settled, and
// every story is on the Page once.
func TestRemoteRunners(t *testing.T) {
	t.Parallel() // it waits for leases to run out
	sim := sandbox.New(sandbox.Options{AutoPages: true})
	graph := httptest.NewServer(sim)
	t.Cleanup(graph.Close)
	s3 := &fakeserver.S3{Bucket: "state"}
	bucket := httptest.NewServer(s3)
	t.Cleanup(bucket.Close)
	for _, point := range []string{"after session#1", "after uploaded#1", "after finish#1"} {
		r := newRunner(t, graph.URL, bucket.URL)
		// A killed runner's lease must run out first, which takes 3 seconds.
		out, code := r.run(t, []string{"STORYFORM_TEST_CRASH=" + point}, "apply", "-auto-approve", "-lock-timeout=20s")
		if code != -1 && !strings.Contains(out, "published") {
			t.Fatalf("%s: exit code %d, output:\n%s", point, code, out)
		}
	}
	last := newRunner(t, graph.URL, bucket.URL)
	if out, code := last.run(t, nil, "apply", "-auto-approve", "-lock-timeout=20s"); code != 0 {
		t.Errorf("exit code %d:\n%s", code, out)
	}
	if got := sim.Stories("104857600000001"); len(got) != 2 {
		t.Errorf("the Page shows %d stories, want 2: %+v", len(got), got)
	}
	fresh := newRunner(t, graph.URL, bucket.URL)
	if out, code := fresh.run(t, nil, "plan", "-detailed-exitcode"); code != 0 || !strings.Contains(out, "No changes") {
		t.Errorf("a plan from a fresh runner: exit code %d\n%s", code, out)
	}
	for _, key := range s3.Keys() {
		if !strings.HasPrefix(key, "stories/acme/") {
			t.Errorf("the object %s is outside of the key", key)
		}
	}
	if _, err := os.Stat(filepath.Join(fresh.dir, "storyform.state.json")); err == nil {
		t.Error("there is a local state, too")
	}
}

// TestRemoteTwoAtOnce runs two applies at once on one bucket: every story is
// published once.
func TestRemoteTwoAtOnce(t *testing.T) {
	t.Parallel()
	sim := sandbox.New(sandbox.Options{AutoPages: true})
	graph := httptest.NewServer(sim)
	t.Cleanup(graph.Close)
	bucket := httptest.NewServer(&fakeserver.S3{Bucket: "state"})
	t.Cleanup(bucket.Close)
	var outs [2]bytes.Buffer
	var cmds []*exec.Cmd
	for i := range outs {
		cmds = append(cmds, newRunner(t, graph.URL, bucket.URL).start(t, &outs[i], nil, "apply", "-auto-approve", "-lock-timeout=30s"))
	}
	for i, cmd := range cmds {
		if err := cmd.Wait(); err != nil {
			t.Errorf("%v\n%s", err, outs[i].String())
		}
	}
	if got := sim.Stories("104857600000001"); len(got) != 2 {
		t.Errorf("the Page shows %d stories, want 2\n%s\n%s", len(got), outs[0].String(), outs[1].String())
	}
}
