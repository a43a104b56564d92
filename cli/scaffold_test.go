package cli

import (
	"bytes"
	"image/jpeg"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"

	"storyform/internal/clock"
)

// step is a step of a workflow on GitHub.
type step struct {
	Name string
	Uses string
	Run  string
	If   string
	With map[string]any
	Env  map[string]string
}

// workflow is the part of a workflow on GitHub that matters here.
type workflow struct {
	On          map[string]any
	Permissions map[string]string
	Jobs        map[string]struct {
		If          string
		Permissions map[string]string
		Concurrency map[string]any
		Env         map[string]string
		Steps       []step
	}
}

// fileFor is a file of the scaffold.
func fileFor(t *testing.T, ci, root, dir, suffix string) string {
	t.Helper()
	files, err := scaffoldOf(ci, root, dir)
	if err != nil {
		t.Fatal(err)
	}
	i := slices.IndexFunc(files, func(f newFile) bool { return strings.HasSuffix(f.path, suffix) })
	if i < 0 {
		t.Fatalf("there is no %s", suffix)
	}
	if text := string(files[i].content); regexp.MustCompile(`@[A-Z]+@`).MatchString(text) {
		t.Errorf("%s is not filled in:\n%s", suffix, text)
	}
	return string(files[i].content)
}

// TestGitHubWorkflow reads the workflow as GitHub does, and checks what keeps
// it safe: permissions, pinned actions, tokens only where they are needed,
// runs that can't overtake or break off each other.
func TestGitHubWorkflow(t *testing.T) {
	text := fileFor(t, "github", "/repo", "/repo/brand", "storyform.yml")
	var w workflow
	dec := yaml.NewDecoder(strings.NewReader(text))
	if err := dec.Decode(&w); err != nil {
		t.Fatal(err)
	}
	for _, event := range []string{"pull_request", "push", "schedule"} {
		if _, ok := w.On[event]; !ok {
			t.Errorf("nothing happens on %s", event)
		}
	}
	if len(w.Permissions) != 1 || w.Permissions["contents"] != "read" || len(w.Jobs) != 2 {
		t.Errorf("got permissions %v and %d jobs, want reading only and 2 jobs", w.Permissions, len(w.Jobs))
	}
	for name, job := range w.Jobs {
		if job.If == "" || job.Concurrency["group"] == nil || len(job.Steps) < 6 || job.Steps[0].With["lfs"] != true {
			t.Errorf("job %s lacks a condition, a group, steps or large files: %+v", name, job)
		}
		for _, s := range job.Steps {
			if s.Uses != "" && !regexp.MustCompile(`@[0-9a-f]{40}$`).MatchString(s.Uses) {
				t.Errorf("%s is not pinned", s.Uses)
			}
			if strings.Contains(s.Run, "${{") {
				t.Errorf("step %q of %s puts an expression into a shell: %s", s.Name, name, s.Run)
			}
		}
	}
	if strings.Contains(workflowPart(text, "plan:", "apply:"), "secrets.") {
		t.Error("the plan of a pull request sees a secret")
	}
	if w.Jobs["apply"].Concurrency["cancel-in-progress"] != false || w.Jobs["apply"].Env["STORYFORM_TOKEN"] == "" {
		t.Errorf("apply can be broken off, or has no token: %+v", w.Jobs["apply"])
	}
	checkScaffoldCommands(t, text, []string{"storyform -chdir=brand plan", "storyform -chdir=brand apply -lock-timeout=15m", "apply -due -wait=14m", "brand/*.story.hcl"})
}

// workflowPart is what stands between two jobs.
func workflowPart(text, from, to string) string {
	_, text, _ = strings.Cut(text, "\n  "+from+"\n")
	text, _, _ = strings.Cut(text, "\n  "+to+"\n")
	return text
}

// checkScaffoldCommands checks that a workflow has some commands, and that
// every storyform command in it is one, with flags that there are.
func checkScaffoldCommands(t *testing.T, text string, want []string) {
	t.Helper()
	for _, w := range want {
		if !strings.Contains(text, w) {
			t.Errorf("the workflow lacks %q", w)
		}
	}
	root := (&app{}).root()
	n := 0
	for line := range strings.Lines(text) {
		if m := regexp.MustCompile(`^(?:run: |- )?storyform (.*[^:])$`).FindStringSubmatch(strings.TrimSpace(line)); m != nil {
			checkCommandLine(t, root, strings.Join(slices.DeleteFunc(splitWords(m[1]), func(w string) bool { return strings.HasPrefix(w, "$") }), " "))
			n++
		}
	}
	if n < 4 {
		t.Errorf("got %d commands, want at least 4", n)
	}
}

// TestGitLabPipeline reads the pipeline as GitLab does.
func TestGitLabPipeline(t *testing.T) {
	text := fileFor(t, "gitlab", "/repo", "/repo", ".gitlab/storyform.yml")
	var jobs map[string]struct {
		Extends       string
		Script        []string
		Rules         []map[string]string
		Needs         []string
		ResourceGroup string `yaml:"resource_group"`
	}
	if err := yaml.Unmarshal([]byte(text), &jobs); err != nil {
		t.Fatal(err)
	}
	for name, commands := range map[string]int{"storyform plan": 2, "storyform merged": 2, "storyform apply": 1, "storyform due": 2} {
		if j := jobs[name]; jobs[j.Extends].Extends == "" && j.Extends != ".storyform" || len(j.Script) != commands || len(j.Rules) != 1 {
			t.Errorf("job %s lacks something: %+v", name, j)
		}
	}
	if jobs["storyform apply"].ResourceGroup == "" || jobs["storyform due"].Script[0] != jobs["storyform merged"].Script[0] {
		t.Error("apply has no resource group, or due does not check the backend")
	}
	if !slices.Contains(jobs["storyform apply"].Needs, "storyform merged") || jobs["storyform apply"].Rules[0]["if"] != jobs["storyform merged"].Rules[0]["if"] {
		t.Error("apply does not wait for the plan of what was merged, or runs when there is none")
	}
	checkScaffoldCommands(t, text, []string{"storyform plan -refresh=false", "storyform apply -due"})
	var include map[string][]map[string]string
	if err := yaml.Unmarshal(scaffoldFile("gitlab-ci.yml"), &include); err != nil || include["include"][0]["local"] != ".gitlab/storyform.yml" {
		t.Errorf("got %v, %v", include, err)
	}
}

// TestFolderInWorkflow puts folders with unusual names into workflows.
func TestFolderInWorkflow(t *testing.T) {
	for _, ci := range []string{"github", "gitlab"} {
		var any map[string]any
		text := fileFor(t, ci, "/repo", "/repo/brand stories/été", "storyform.yml")
		if err := yaml.Unmarshal([]byte(text), &any); err != nil || !strings.Contains(text, "-chdir='brand stories/été' validate") || !strings.Contains(text, "'brand stories/été/'*.story.hcl") {
			t.Errorf("%s: %v:\n%s", ci, err, text)
		}
		for _, dir := range []string{"/repo/a: b", "/repo/$x", "/repo/it's", "/repo/a\"b", "/repo/a\nb"} {
			if _, err := scaffoldOf(ci, "/repo", dir); err == nil {
				t.Errorf("%s: %s is taken", ci, dir)
			}
		}
	}
}

func TestSamplePhoto(t *testing.T) {
	first, err := samplePhoto()
	if err != nil {
		t.Fatal(err)
	}
	again, err := samplePhoto()
	if err != nil || !bytes.Equal(first, again) || len(first) > 200_000 {
		t.Errorf("got %d and %d bytes, %v; want the same, and few", len(first), len(again), err)
	}
	if c, err := jpeg.DecodeConfig(bytes.NewReader(first)); err != nil || c.Width != 1080 || c.Height != 1920 {
		t.Errorf("got %d x %d, %v", c.Width, c.Height, err)
	}
}

func TestRepositoryOf(t *testing.T) {
	dir := t.TempDir()
	if got := repositoryOf(dir); got != dir {
		t.Errorf("outside of a repository: got %s, want %s", got, dir)
	}
	if got := guessCI(filepath.Join(dir, "nowhere")); got != "github" {
		t.Errorf("got %s, want github", got)
	}
}

// TestBackendGuard runs the step that keeps a runner from applying with a
// state that would be thrown away with it.
func TestBackendGuard(t *testing.T) {
	sh, err := exec.LookPath("sh")
	if err != nil {
		t.Skip("there is no sh")
	}
	var w workflow
	if err := yaml.Unmarshal([]byte(fileFor(t, "github", "/repo", "/repo", "storyform.yml")), &w); err != nil {
		t.Fatal(err)
	}
	steps := w.Jobs["apply"].Steps
	i := slices.IndexFunc(steps, func(s step) bool { return strings.Contains(s.Run, "backend") })
	if i < 0 {
		t.Fatal("no step looks for a backend")
	}
	for text, want := range map[string]bool{
		string(forFolder("stories.story.hcl", "github", "")):                 false,
		"storyform {\n  backend \"local\" {\n    path = \"x\"\n  }\n}\n":     false,
		"storyform {\n  backend \"s3\" {\n    bucket = \"x\"\n  }\n}\n":      true,
		"storyform {\n\tbackend \"git\" {}\n}\n":                             true,
		"page \"backend\" {\n  id = \"1\" # backend \"s3\" comes later\n}\n": false,
	} {
		dir := t.TempDir()
		for name, text := range map[string]string{"a.story.hcl": text, "b.story.hcl": "page \"x\" {\n  id = \"2\"\n}\n"} {
			if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		cmd := exec.Command(sh, "-e", "-c", steps[i].Run)
		cmd.Dir = dir
		out, err := cmd.CombinedOutput()
		if (err == nil) != want || want == strings.Contains(string(out), "::error::") {
			t.Errorf("passes = %v, want %v\n%s%s", err == nil, want, text, out)
		}
	}
}

// TestBackendHints takes the comment signs off the backend of each scaffold:
// it must be one that works, with the variables that the workflow sets.
func TestBackendHints(t *testing.T) {
	for _, ci := range []string{"github", "gitlab", "none"} {
		text := string(forFolder("stories.story.hcl", ci, "brand stories/"))
		_, below, _ := strings.Cut(text, "# must be where every run finds it:\n  #\n")
		hint, _, _ := strings.Cut(below, "  #\n")
		text = strings.Replace(text, hint, strings.ReplaceAll(hint, "  # ", "  "), 1)
		dir := t.TempDir()
		if err := os.MkdirAll(filepath.Join(dir, "media"), 0o700); err != nil {
			t.Fatal(err)
		}
		photo, err := samplePhoto()
		if err != nil {
			t.Fatal(err)
		}
		for name, data := range map[string][]byte{"s.story.hcl": []byte(text), "media/hello.jpg": photo} {
			if err := os.WriteFile(filepath.Join(dir, name), data, 0o600); err != nil {
				t.Fatal(err)
			}
		}
		var out, diags bytes.Buffer
		a := &app{Env: Env{
			Dir: dir, Stdout: &out, Stderr: &diags, Clock: clock.System(),
			Environ: []string{"STORYFORM_HTTP_ADDRESS=https://gitlab.example.com/s", "STORYFORM_HTTP_LOCK_ADDRESS=https://gitlab.example.com/s/lock", "PATH=" + os.Getenv("PATH")},
		}}
		cfg, err := a.loadOfflineConfig(t.Context(), &configFlags{})
		if err != nil || cfg.Settings.Backend == nil {
			t.Errorf("%s: %v, backend %v\n%s", ci, err, cfg, text)
			continue
		}
		if want := map[string]string{"github": "git", "gitlab": "http", "none": "git"}[ci]; cfg.Settings.Backend.Type != want {
			t.Errorf("%s: got backend %s, want %s", ci, cfg.Settings.Backend.Type, want)
		}
		if key := cfg.Settings.Backend.Args["key"]; ci != "gitlab" && key != "brand-stories" {
			t.Errorf("%s: got key %q, want brand-stories", ci, key)
		}
		if _, err := a.openStore(t.Context(), cfg); err != nil && !strings.Contains(err.Error(), "origin") {
			t.Errorf("%s: %v", ci, err)
		}
	}
}
