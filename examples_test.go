package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"storyform/internal/testexample"
)

// storyform runs a command line in a folder, with everything in the built-in
// simulator's hands and the clock at the start of the scripts.
func storyform(t *testing.T, dir, line string) (string, error) {
	t.Helper()
	cmd := exec.Command("sh", "-c", line)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "STORYFORM_TEST_NOW="+scriptStart.Format("2006-01-02T15:04:05Z07:00"), "USER=someone")
	out, err := cmd.CombinedOutput()
	return string(out), err
}

// TestExamples validates, formats, plans and applies every folder under
// examples, and compares its plan with the plan.txt that the folder holds, and
// its outputs, where it has some, with output.txt.
func TestExamples(t *testing.T) {
	folders, err := filepath.Glob("examples/*")
	if err != nil || len(folders) < 3 {
		t.Fatalf("got %d examples, %v", len(folders), err)
	}
	for _, folder := range folders {
		t.Run(filepath.Base(folder), func(t *testing.T) {
			dir := t.TempDir()
			if err := testexample.Copy(dir, folder); err != nil {
				t.Fatal(err)
			}
			for _, line := range []string{
				"storyform fmt -check", "storyform validate", "storyform apply -sandbox -auto-approve", "storyform plan -sandbox -detailed-exitcode",
			} {
				if out, err := storyform(t, dir, line); err != nil {
					t.Fatalf("%s: %v\n%s", line, err, out)
				}
			}
			compareExample(t, dir, filepath.Join(folder, "plan.txt"), "storyform plan -offline")
			if _, err := os.Stat(filepath.Join(folder, "output.txt")); err == nil {
				compareExample(t, dir, filepath.Join(folder, "output.txt"), "storyform output -sandbox")
			}
		})
	}
}

// compareExample compares what a command prints in a folder with a file.
func compareExample(t *testing.T, dir, golden, line string) {
	t.Helper()
	got, err := storyform(t, dir, line)
	if err != nil {
		t.Fatalf("%s: %v\n%s", line, err, got)
	}
	if *update {
		if err := os.WriteFile(golden, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("%s prints something else than %s has; run go test . -run Examples -update and review it:\n%s", line, golden, got)
	}
}

// TestReadme runs what the README tells people to run.
func TestReadme(t *testing.T) {
	text, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	blocks := regexp.MustCompile("(?s)```sh\n(.*?)```").FindAllStringSubmatch(string(text), -1)
	if len(blocks) != 2 {
		t.Fatalf("the README has %d blocks of commands, want 2", len(blocks))
	}
	dir := t.TempDir()
	if err := testexample.Copy(filepath.Join(dir, "examples"), "examples"); err != nil {
		t.Fatal(err)
	}
	first := strings.ReplaceAll(strings.TrimSpace(blocks[0][1]), "go run .", "storyform")
	for i, want := range []string{"Stories: 2 published, 1 scheduled.", "No changes. Your Pages match the configuration."} {
		out, err := storyform(t, dir, first)
		if err != nil || !strings.Contains(out, want) || !strings.Contains(out, "story.reveal") {
			t.Errorf("run %d of the README's first command: %v, want %q in\n%s", i+1, err, want, out)
		}
	}
	if got := strings.TrimSpace(blocks[1][1]); got != "go test ./..." {
		t.Errorf("the README's second command is %q, and this test is run by go test ./...", got)
	}
	script, err := os.ReadFile(".ci/run")
	if err != nil || !strings.Contains(string(script), "\ngo test ./...\n") {
		t.Errorf("CI does not run the README's second command: %v", err)
	}
	checkInlineCommands(t, string(text))
	checkReadmeConfig(t, string(text))
}

// checkInlineCommands checks that every storyform command that the README's
// prose names exists with the flags that it names.
func checkInlineCommands(t *testing.T, text string) {
	t.Helper()
	n := 0
	for _, m := range regexp.MustCompile("`storyform ([a-z-]+)((?: [^`]*)?)`").FindAllStringSubmatch(text, -1) {
		n++
		help, err := storyform(t, t.TempDir(), "storyform "+m[1]+" --help")
		if err != nil {
			t.Errorf("the README names storyform %s: %v\n%s", m[1], err, help)
		}
		for _, flag := range regexp.MustCompile(`(?:^| )--?([a-z-]{2,})`).FindAllStringSubmatch(m[2], -1) {
			if !slices.Contains(strings.Fields(help), "--"+flag[1]) {
				t.Errorf("the README names storyform %s -%s, which its help does not", m[1], flag[1])
			}
		}
	}
	if n < 5 {
		t.Errorf("found %d commands in the README, want more", n)
	}
}

// checkReadmeConfig validates the configuration that the README shows, and
// compares the plan that it shows.
func checkReadmeConfig(t *testing.T, text string) {
	t.Helper()
	m := regexp.MustCompile("(?s)```hcl\n(.*?)```").FindStringSubmatch(text)
	if m == nil {
		t.Fatal("the README shows no configuration")
	}
	dir := t.TempDir()
	if err := testexample.Copy(dir, "examples/quickstart"); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "stories.story.hcl"), []byte(m[1]), 0o644); err != nil {
		t.Fatal(err)
	}
	os.Remove(filepath.Join(dir, "stories.state.json"))
	for _, line := range []string{"storyform validate", "storyform fmt -check", "storyform plan -offline"} {
		if out, err := storyform(t, dir, line); err != nil {
			t.Errorf("%s of the README's configuration: %v\n%s", line, err, out)
		}
	}
	shown := regexp.MustCompile("(?s)```text\n(.*?)```").FindStringSubmatch(text)
	if out, err := storyform(t, dir, "storyform plan -sandbox"); err != nil || shown == nil || out != shown[1] {
		t.Errorf("the README shows another plan of its configuration than this: %v\n%s", err, out)
	}
}
