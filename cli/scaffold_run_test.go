package cli

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"
)

// Stand-ins for what the steps of a workflow call: each writes down how it was
// called. gh takes from GitHub's answer what it is asked for.
const (
	fakeGH = `#!/bin/sh
echo "gh $*" >> "$CALLS"
test -z "$GH_FAILS" || exit 1
case "$2" in
  */pulls) echo "$PULLS" | jq -r "$4" ;;
  */commits/beef/status) echo "$STATUSES" | jq -r "$4" ;;
esac
`
	fakeStoryform = `#!/bin/sh
echo "storyform $*" >> "$CALLS"
case "$1" in show) echo '{"fingerprint": "p2-0123456789abcdef"}' ;; esac
`
)

// runStep runs a step of a job as GitHub does, with stand-ins, and returns how
// they were called.
func runStep(t *testing.T, job, name string, env ...string) (calls []string, failed bool) {
	t.Helper()
	for _, tool := range []string{"bash", "jq"} {
		if _, err := exec.LookPath(tool); err != nil {
			t.Skipf("there is no %s", tool)
		}
	}
	var w workflow
	if err := yaml.Unmarshal([]byte(fileFor(t, "github", "/repo", "/repo", "storyform.yml")), &w); err != nil {
		t.Fatal(err)
	}
	steps := w.Jobs[job].Steps
	i := slices.IndexFunc(steps, func(s step) bool { return s.Name == name })
	if i < 0 {
		t.Fatalf("job %s has no step %q", job, name)
	}
	dir := t.TempDir()
	for name, text := range map[string]string{"gh": fakeGH, "storyform": fakeStoryform} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	log := filepath.Join(dir, "calls")
	cmd := exec.Command("bash", "-e", "-c", steps[i].Run)
	cmd.Env = append(env, "PATH="+dir+":"+os.Getenv("PATH"), "CALLS="+log, "RUNNER_TEMP=/tmp/r", "GITHUB_REPOSITORY=brand/stories", "GITHUB_SHA=feed")
	failed = cmd.Run() != nil
	text, _ := os.ReadFile(log) // there is none when nothing was called
	return strings.FieldsFunc(string(text), func(r rune) bool { return r == '\n' }), failed
}

// TestReviewedPlanIsRemembered runs the step of a pull request that ties the
// plan's fingerprint to the commit.
func TestReviewedPlanIsRemembered(t *testing.T) {
	calls, failed := runStep(t, "plan", "Remember which plan is reviewed", "HEAD=beef")
	want := []string{
		"storyform show -json /tmp/r/reviewed.plan",
		"gh api repos/brand/stories/statuses/beef -f state=success -f context=storyform/plan -f description=p2-0123456789abcdef",
	}
	if failed || !slices.Equal(calls, want) {
		t.Errorf("failed = %v, calls:\n%s", failed, strings.Join(calls, "\n"))
	}
}

// TestOnlyReviewedIsApplied runs the step that applies what was merged: it
// demands the plan that was reviewed, and does nothing when it can't ask.
func TestOnlyReviewedIsApplied(t *testing.T) {
	const apply, plan = "storyform apply -lock-timeout=15m", " /tmp/r/merged.plan"
	const merged = `PULLS=[{"merged_at": null, "head": {"sha": "cafe"}}, {"merged_at": "2026-12-01T09:00:00Z", "head": {"sha": "beef"}}]`
	for _, test := range []struct {
		name string
		env  []string
		want string // the last call
	}{
		{"a pull request", []string{merged, `STATUSES={"state": "success", "statuses": [{"context": "ci", "description": "ok"}, {"context": "storyform/plan", "description": "p2-aa"}]}`}, apply + " -expect=p2-aa" + plan},
		{"a pull request whose plan was not remembered, as from a fork", []string{merged, `STATUSES={"state": "pending", "statuses": [{"context": "ci", "description": "ok"}]}`}, apply + " -expect=none" + plan},
		{"a push", []string{"PULLS=[]"}, apply + plan},
		{"a push of what is in an open pull request, too", []string{`PULLS=[{"merged_at": null, "head": {"sha": "cafe"}}]`}, apply + plan},
	} {
		calls, failed := runStep(t, "apply", "Apply it, if it is what was reviewed", test.env...)
		if failed || len(calls) == 0 || calls[len(calls)-1] != test.want || !strings.HasPrefix(calls[0], "gh api repos/brand/stories/commits/feed/pulls ") {
			t.Errorf("%s: failed = %v, calls:\n%s", test.name, failed, strings.Join(calls, "\n"))
		}
	}
	calls, failed := runStep(t, "apply", "Apply it, if it is what was reviewed", "GH_FAILS=1")
	if !failed || len(calls) != 1 {
		t.Errorf("GitHub does not answer: failed = %v, calls:\n%s", failed, strings.Join(calls, "\n"))
	}
	for adopt, want := range map[string]string{"": "false", "false": "false", "true": "true"} {
		calls, failed = runStep(t, "apply", "Apply what was approved by hand", "APPROVED=p2-aa", "ADOPT_NONE="+adopt)
		if failed || calls[0] != apply+" -adopt-none="+want+" -expect=p2-aa" {
			t.Errorf("by hand: failed = %v, calls:\n%s", failed, strings.Join(calls, "\n"))
		}
	}
}
