package git

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"storyform/internal/clock"
	"storyform/state"
	"storyform/state/statetest"
	"storyform/story"
)

// environment is that of a runner: nothing of the machine's git but its
// binary.
func environment(name string) string {
	switch name {
	case "PATH", "TMPDIR", "SYSTEMROOT":
		return os.Getenv(name)
	case "GIT_CONFIG_NOSYSTEM":
		return "1"
	case "GIT_CONFIG_GLOBAL":
		return os.DevNull
	case "GIT_AUTHOR_NAME":
		return "CI <of> acme\n"
	case "GIT_AUTHOR_EMAIL":
		return "ci@example.com"
	}
	return ""
}

// command runs git for a test.
func command(t *testing.T, dir string, args ...string) string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "git", args...)
	cmd.Dir = dir
	cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "GIT_CONFIG_NOSYSTEM=1", "GIT_CONFIG_GLOBAL=" + os.DevNull, "GIT_AUTHOR_NAME=a", "GIT_AUTHOR_EMAIL=a@b",
		"GIT_COMMITTER_NAME=a", "GIT_COMMITTER_EMAIL=a@b"}
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("git %v: %v\n%s", args, err, out)
	}
	return string(out)
}

// remote makes an empty bare repository, and a repository whose origin it is.
func remote(t *testing.T) (bare, work string) {
	t.Helper()
	if _, err := exec.LookPath("git"); err != nil {
		t.Skip("git is not installed")
	}
	dir := t.TempDir()
	bare, work = filepath.Join(dir, "brand.git"), filepath.Join(dir, "brand")
	command(t, dir, "init", "--quiet", "--bare", "--initial-branch=main", bare)
	command(t, dir, "init", "--quiet", "--initial-branch=main", work)
	command(t, work, "remote", "add", "origin", bare)
	return bare, work
}

// pushMain gives both a branch with a file, as a configuration has.
func pushMain(t *testing.T, work string) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(work, "brand.story.hcl"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	command(t, work, "add", ".")
	command(t, work, "commit", "--quiet", "-m", "stories")
	command(t, work, "push", "--quiet", "origin", "main")
}

// runner is a clock whose long waits never end and whose short ones are over
// at once.
func runner(now func() time.Time) clock.Clock {
	return clock.Clock{Now: now, Sleep: func(ctx context.Context, d time.Duration) error {
		if d > 5*time.Second {
			<-ctx.Done()
		}
		return context.Cause(ctx)
	}}
}

var start = time.Date(2026, 12, 20, 2, 0, 0, 0, time.UTC)

// open1 opens the state of a clone.
func open1(t *testing.T, work string, now func() time.Time) *Store {
	t.Helper()
	s, err := open(t.Context(), map[string]string{"key": "stories/acme"}, environment, work, runner(now))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

func entry(name string, status story.Status) state.Entry {
	return state.Entry{
		Address: story.Address{Type: "story", Name: name}, Kind: story.Photo, Source: name + ".jpg", Revision: 1, Status: status,
	}
}

func session(t *testing.T, store state.Store, run string) *state.Session {
	t.Helper()
	s, err := state.Open(t.Context(), store, state.Run{ID: run}, func() time.Time { return start })
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func put(t *testing.T, s *state.Session, name string, status story.Status) {
	t.Helper()
	wantErr(t, s.Put(t.Context(), string(status), entry(name, status), nil), nil, "")
}

func wantErr(t *testing.T, err, want error, text string) {
	t.Helper()
	if !errors.Is(err, want) || err != nil && !strings.Contains(err.Error(), text) {
		t.Fatalf("got error %v, want %v with %q", err, want, text)
	}
}

func TestContract(t *testing.T) {
	statetest.Run(t, func(t *testing.T) statetest.Instance {
		_, work := remote(t)
		now := clock.NewFake(start)
		return statetest.Instance{
			Open:   func() state.Store { return open1(t, work, now.Now) },
			Expire: func() { now.Advance(defaultLease + skew + time.Minute) },
		}
	}, nil)
}

// The message of a commit tells of a step what its record has in clear.
func TestMessages(t *testing.T) {
	bare, work := remote(t)
	s := open1(t, work, clock.NewFake(start).Now)
	put(t, session(t, s, "a"), "reveal", story.Uploaded)
	_, records, err := s.Load(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	hidden := func(seq int) state.Record {
		return state.Record{Seq: seq, Lineage: records[0].Lineage, Encrypted: []byte("age")}
	}
	wantErr(t, s.Append(t.Context(), hidden(2)), nil, "")
	wantErr(t, s.AppendAll(t.Context(), []state.Record{hidden(3), hidden(4)}), nil, "")
	log := command(t, bare, "log", "--all", "--format=%B")
	for _, want := range []string{"record 1 after serial 0: uploaded story.reveal\n", "record 2 after serial 0: encrypted\n", "records 3 to 4 after serial 0\n\n3: encrypted\n4: encrypted\n"} {
		if !strings.Contains(log, want) {
			t.Errorf("got messages\n%s\nwant %q among them", log, want)
		}
	}
}
