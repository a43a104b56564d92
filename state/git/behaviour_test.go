package git

import (
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"storyform/internal/clock"
	"storyform/state"
	"storyform/story"
)

// wrap puts a script in front of a store's git: fault runs with the
// arguments of git, and git runs where fault says "real".
func wrap(t *testing.T, s *Store, fault string) {
	t.Helper()
	script := filepath.Join(t.TempDir(), "git")
	text := "#!/bin/sh\nreal() { git \"$@\"; }\npush=\nfor a in \"$@\"; do if [ \"$a\" = push ]; then push=1; fi; done\nif [ -z \"$push\" ]; then real \"$@\"; exit; fi\n" + fault + "\n"
	if err := os.WriteFile(script, []byte(text), 0o700); err != nil {
		t.Fatal(err)
	}
	s.repo.git = script
}

// The answer to every push is lost: no step is a conflict, and none is
// written twice.
func TestLostAnswers(t *testing.T) {
	bare, work := remote(t)
	store := open1(t, work, start.Local)
	wrap(t, store, `real "$@"; echo "fatal: the remote end hung up unexpectedly" >&2; exit 128`)
	l, err := store.Lock(t.Context(), state.LockInfo{ID: "a", Who: "ci"})
	wantErr(t, err, nil, "")
	s := session(t, store, "a")
	put(t, s, "reveal", story.Uploaded)
	put(t, s, "reveal", story.Live)
	wantErr(t, s.Close(t.Context()), nil, "")
	wantErr(t, l.Unlock(t.Context()), nil, "")
	if got := strings.Count(command(t, bare, "log", "--format=%s", DefaultBranch), "\n"); got != 6 {
		t.Errorf("got %d commits, want 6", got)
	}
}

// Every other push fails before it has an effect.
func TestFailingPushes(t *testing.T) {
	_, work := remote(t)
	store := open1(t, work, start.Local)
	wrap(t, store, `cd "$(dirname "$0")"; if [ -e failed ]; then rm failed; cd "$OLDPWD"; real "$@"; exit; fi; touch failed; exit 128`)
	s := session(t, store, "a")
	put(t, s, "reveal", story.Uploaded)
	put(t, s, "reveal", story.Live)
	wantErr(t, s.Close(t.Context()), nil, "")
}

// A server that refuses says why, and it is no conflict.
func TestRefusedPush(t *testing.T) {
	bare, work := remote(t)
	hook := "#!/bin/sh\necho 'GH006: Protected branch' >&2\nexit 1\n"
	if err := os.WriteFile(filepath.Join(bare, "hooks", "pre-receive"), []byte(hook), 0o700); err != nil {
		t.Fatal(err)
	}
	s := session(t, open1(t, work, start.Local), "a")
	err := s.Put(t.Context(), "register", entry("a", story.Scheduled), nil)
	if err == nil || errors.Is(err, state.ErrConflict) || !strings.Contains(err.Error(), "GH006: Protected branch") {
		t.Errorf("got error %v, want the server's reason and no conflict", err)
	}
	_, err = open1(t, work, start.Local).Lock(t.Context(), state.LockInfo{ID: "a"})
	if err == nil || !strings.Contains(err.Error(), "GH006: Protected branch") {
		t.Errorf("got error %v, want the server's reason", err)
	}
}

// The user's repository stays as it is: files, index, branches, refs, objects
// and hooks.
func TestCheckoutUntouched(t *testing.T) {
	_, work := remote(t)
	pushMain(t, work)
	for _, hook := range []string{"pre-push", "reference-transaction", "post-commit"} {
		text := "#!/bin/sh\ntouch \"" + work + "/hook-ran\"\nexit 1\n"
		if err := os.WriteFile(filepath.Join(work, ".git", "hooks", hook), []byte(text), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(filepath.Join(work, "dirty"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	look := func() string {
		files := ""
		filepath.Walk(work, func(path string, info os.FileInfo, err error) error {
			if err != nil {
				return err
			}
			files += fmt.Sprintln(path, info.Size(), info.ModTime())
			return nil
		})
		return files
	}
	before := look()
	store := open1(t, work, start.Local)
	s := session(t, store, "a")
	put(t, s, "reveal", story.Live)
	wantErr(t, s.Close(t.Context()), nil, "")
	if diff := cmp.Diff(before, look()); diff != "" {
		t.Errorf("the repository changed (-before +after):\n%s", diff)
	}
	if _, err := os.Stat(store.repo.dir); err != nil {
		t.Fatal(err)
	}
	wantErr(t, store.Close(), nil, "")
	if _, err := os.Stat(store.repo.dir); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("got error %v, want the temporary folder to be gone", err)
	}
}

// The branch's history is the state's: a commit for each step, said in words.
func TestHistory(t *testing.T) {
	bare, work := remote(t)
	pushMain(t, work)
	store := open1(t, work, start.Local)
	l, err := store.Lock(t.Context(), state.LockInfo{ID: "a", Who: "ci@acme", Operation: "apply"})
	wantErr(t, err, nil, "")
	s := session(t, store, "a")
	e := entry("reveal", story.Uploaded)
	e.Address = e.Address.At("line\nbreak")
	wantErr(t, s.Put(t.Context(), "uploaded", e, nil), nil, "")
	wantErr(t, s.Close(t.Context()), nil, "")
	wantErr(t, l.Unlock(t.Context()), nil, "")
	want := `storyform: lock: taken by ci@acme (apply)
storyform: record 1 after serial 0: uploaded story.reveal["line\nbreak"]
storyform: record 2 seals the journal of serial 0
storyform: serial 1
storyform: lock: released by ci@acme
`
	if diff := cmp.Diff(want, command(t, bare, "log", "--reverse", "--format=%s", DefaultBranch)); diff != "" {
		t.Errorf("log (-want +got):\n%s", diff)
	}
	if got := command(t, bare, "log", "-1", "--format=%an <%ae> %cn <%ce>", DefaultBranch); got != "CI of acme <ci@example.com> CI of acme <ci@example.com>\n" {
		t.Errorf("got author and committer %q", got)
	}
	if got := command(t, bare, "rev-list", "--max-parents=0", "--count", DefaultBranch, "main"); got != "2\n" {
		t.Errorf("got %s commits without a parent, want one for each branch", got)
	}
	want = "STORYFORM-STATE.md\nstories/acme/journal\nstories/acme/lock\nstories/acme/state.json\n"
	if diff := cmp.Diff(want, command(t, bare, "ls-tree", "-r", "--name-only", DefaultBranch)); diff != "" {
		t.Errorf("files (-want +got):\n%s", diff)
	}
	command(t, bare, "fsck", "--strict")
}

// Two configurations share a branch, and whoever comes between them is no
// conflict.
func TestTwoKeys(t *testing.T) {
	_, work := remote(t)
	openKey := func(key string) *Store {
		s, err := open(t.Context(), map[string]string{"key": key}, environment, work, runner(start.Local))
		wantErr(t, err, nil, "")
		t.Cleanup(func() { s.Close() })
		return s
	}
	acme, other := session(t, openKey("acme"), "a"), session(t, openKey("été/b c"), "b")
	var wg sync.WaitGroup
	for _, s := range []*state.Session{acme, other} {
		wg.Go(func() {
			for i := range 4 {
				if err := s.Put(t.Context(), "x", entry(fmt.Sprint("s", i), story.Scheduled), nil); err != nil {
					t.Error(err)
				}
			}
			if err := s.Close(t.Context()); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	for _, key := range []string{"acme", "été/b c"} {
		if s := session(t, openKey(key), "c"); s.Serial() != 1 || len(s.Document().Stories) != 4 {
			t.Errorf("%s: got serial %d with %d stories, want 1 with 4", key, s.Serial(), len(s.Document().Stories))
		}
	}
}

// What a late writer wanted to write is kept on the branch.
func TestOrphans(t *testing.T) {
	bare, work := remote(t)
	zombie := session(t, open1(t, work, start.Local), "zombie")
	put(t, zombie, "reveal", story.Uploaded)
	other := session(t, open1(t, work, start.Local), "other")
	put(t, other, "reveal", story.Live)
	wantErr(t, other.Close(t.Context()), nil, "")
	err := zombie.Put(t.Context(), "live", entry("reveal", story.Live), nil)
	wantErr(t, err, state.ErrConflict, "what this run wanted to write is kept on the branch as stories/acme/orphan/0-2-")
	name := strings.TrimSpace(command(t, bare, "ls-tree", "-r", "--name-only", DefaultBranch, "stories/acme/orphan/"))
	rec, err := state.DecodeRecord(name, []byte(command(t, bare, "show", DefaultBranch+":"+name)))
	if err != nil || rec.Run != "zombie" || rec.Step != "live" {
		t.Errorf("got record %+v, error %v, want the zombie's", rec, err)
	}
	wantErr(t, session(t, open1(t, work, start.Local), "c").Close(t.Context()), nil, "")
}

// A branch that isn't ours, or that somebody edited, is left alone.
func TestForeign(t *testing.T) {
	for _, test := range []struct {
		name   string
		branch string
		damage func(t *testing.T, dir string)
		want   string
	}{
		{"another branch", "main", nil, "the branch main exists and isn't one of storyform's"},
		{"journal deleted", "", func(t *testing.T, dir string) { os.Remove(filepath.Join(dir, "journal")) }, "its journal is missing"},
		{"journal cut", "", func(t *testing.T, dir string) { edit(t, dir, "journal", "00000000 {") }, "its journal ends in the middle"},
		{"journal edited", "", func(t *testing.T, dir string) { edit(t, dir, "journal", "00000000 {}\n") }, "record 1 can't be read: its checksum doesn't match"},
		{"document cut", "", func(t *testing.T, dir string) { edit(t, dir, "state.json", `{"version": 1,`) }, "it ends in the middle"},
		{"document from later", "", func(t *testing.T, dir string) { edit(t, dir, "state.json", `{"version": 9}`) }, "use a newer storyform"},
		{"a folder in its place", "", func(t *testing.T, dir string) {
			os.Remove(filepath.Join(dir, "state.json"))
			os.Mkdir(filepath.Join(dir, "state.json"), 0o700)
			edit(t, filepath.Join(dir, "state.json"), "x", "")
		}, "stories/acme/state.json on the branch: it is not a file"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			_, work := remote(t)
			pushMain(t, work)
			store := open1(t, work, start.Local)
			s := session(t, store, "a")
			put(t, s, "reveal", story.Live)
			wantErr(t, s.Close(t.Context()), nil, "")
			if test.damage != nil {
				command(t, work, "fetch", "--quiet", "origin", DefaultBranch)
				command(t, work, "checkout", "--quiet", "FETCH_HEAD")
				test.damage(t, filepath.Join(work, "stories", "acme"))
				command(t, work, "add", "-A")
				command(t, work, "commit", "--quiet", "-m", "x")
				command(t, work, "push", "--quiet", "origin", "HEAD:refs/heads/"+DefaultBranch)
			}
			args := map[string]string{"key": "stories/acme", "branch": test.branch}
			again, err := open(t.Context(), args, environment, work, runner(start.Local))
			wantErr(t, err, nil, "")
			t.Cleanup(func() { again.Close() })
			if _, _, err := again.Load(t.Context()); err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("got error %v, want one with %q", err, test.want)
			}
			if test.damage == nil {
				return
			}
			err = s.Put(t.Context(), "x", entry("b", story.Scheduled), nil) // closed
			if err == nil {
				t.Error("a closed session wrote")
			}
			e := entry("b", story.Scheduled)
			rec := state.Record{Base: 1, Seq: 1, Lineage: s.Lineage(), At: start, Run: "a", Key: e.Address, Entry: &e}
			if err := store.Append(t.Context(), rec); err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("got error %v when writing, want one with %q", err, test.want)
			}
		})
	}
}

func edit(t *testing.T, dir, name, content string) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
}

// A lease runs out after this process has watched it for long enough, however
// wrong its clock is; or by the time in it, with an allowance.
func TestLeaseWithoutServerClock(t *testing.T) {
	_, work := remote(t)
	holder := clock.NewFake(start)
	dead := open1(t, work, holder.Now)
	_, err := dead.Lock(t.Context(), state.LockInfo{ID: "dead", Who: "dead"})
	wantErr(t, err, nil, "")

	behind := clock.NewFake(start.Add(-5 * time.Hour))
	watcher := open1(t, work, behind.Now)
	held := func(s *Store) {
		t.Helper()
		_, err := s.Lock(t.Context(), state.LockInfo{ID: "other"})
		if _, locked := errors.AsType[*state.LockedError](err); !locked {
			t.Fatalf("got error %v, want a *state.LockedError", err)
		}
	}
	held(watcher)
	behind.Advance(defaultLease)
	held(watcher)
	ahead := clock.NewFake(start.Add(defaultLease + skew))
	held(open1(t, work, ahead.Now))
	behind.Advance(time.Second)
	l, err := watcher.Lock(t.Context(), state.LockInfo{ID: "watcher"})
	wantErr(t, err, nil, "")
	wantErr(t, l.Unlock(t.Context()), nil, "")

	_, err = dead.Lock(t.Context(), state.LockInfo{ID: "dead again"})
	wantErr(t, err, nil, "")
	ahead.Advance(time.Second)
	_, err = open1(t, work, ahead.Now).Lock(t.Context(), state.LockInfo{ID: "by the time"})
	wantErr(t, err, nil, "")
}

// What CI put into the repository's own configuration to reach the server is
// passed on, and shows in no error.
func TestCredentials(t *testing.T) {
	_, work := remote(t)
	var mu sync.Mutex
	var got []string
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		got = append(got, r.Header.Get("Authorization"))
		mu.Unlock()
		w.WriteHeader(http.StatusForbidden)
	}))
	t.Cleanup(server.Close)
	secret := "Basic " + base64.StdEncoding.EncodeToString([]byte("x-access-token:hunter2"))
	command(t, work, "config", "http."+server.URL+"/.extraheader", "AUTHORIZATION: "+secret)
	command(t, work, "remote", "set-url", "origin", strings.Replace(server.URL, "://", "://me:hunter2@", 1)+"/acme/brand.git")
	s := open1(t, work, start.Local)
	_, _, err := s.Load(t.Context())
	if err == nil || strings.Contains(err.Error(), "hunter2") || strings.Contains(err.Error(), secret) || strings.Contains(s.String(), "hunter2") {
		t.Errorf("got error %v of %s, want one without credentials", err, s)
	}
	if len(got) == 0 || got[0] != secret {
		t.Skipf("git didn't get as far as the server (is git-remote-http installed?): %v, %v", got, err)
	}
}

// A repository of SHA-256 objects.
func TestSHA256(t *testing.T) {
	dir := t.TempDir()
	remote(t) // skips without git
	bare, work := filepath.Join(dir, "bare"), filepath.Join(dir, "work")
	command(t, dir, "init", "--quiet", "--bare", "--object-format=sha256", bare)
	command(t, dir, "init", "--quiet", "--object-format=sha256", work)
	command(t, work, "remote", "add", "origin", bare)
	s := session(t, open1(t, work, start.Local), "a")
	put(t, s, "reveal", story.Live)
	wantErr(t, s.Close(t.Context()), nil, "")
}

func TestArguments(t *testing.T) {
	bare, work := remote(t)
	command(t, work, "remote", "add", "upstream", "https://me:hunter2@git.example.com/acme/brand.git")
	command(t, work, "remote", "add", "relative", "../brand.git")
	empty := t.TempDir()
	for _, test := range []struct {
		name string
		args map[string]string
		dir  string
		want string // of the error, or else of String
	}{
		{"origin", map[string]string{"key": "k"}, work, bare + " (branch storyform-state, k)"},
		{"other branch", map[string]string{"key": "k", "branch": "x/y"}, work, bare + " (branch x/y, k)"},
		{"other remote", map[string]string{"key": "k", "repository": "upstream"}, work, "https://git.example.com/acme/brand.git (branch"},
		{"relative remote", map[string]string{"key": "k", "repository": "relative"}, work, filepath.Join(filepath.Dir(work), "brand.git") + " (branch"},
		{"address", map[string]string{"key": "k", "repository": "git@github.com:acme/brand.git"}, empty, "git@github.com:acme/brand.git (branch"},
		{"path", map[string]string{"key": "k", "repository": bare}, empty, bare + " (branch"},
		{"no key", nil, work, `needs the argument "key"`},
		{"no repository", map[string]string{"key": "k"}, empty, `argument "repository": ` + empty + ` is in no repository with a remote called origin`},
		{"option as repository", map[string]string{"key": "k", "repository": "--upload-pack=touch x"}, work, `argument "repository": it is not the address`},
		{"command as repository", map[string]string{"key": "k", "repository": "ext::sh -c x"}, work, `argument "repository": it is not the address`},
		{"password", map[string]string{"key": "k", "repository": "https://me:hunter2@git.example.com/x"}, work, `argument "repository": it holds a password`},
		{"bad branch", map[string]string{"key": "k", "branch": "a..b"}, work, `argument "branch": "a..b" is not the name`},
		{"option as branch", map[string]string{"key": "k", "branch": "-d"}, work, `argument "branch": "-d" is not the name`},
		{"locked branch", map[string]string{"key": "k", "branch": "a.lock/b"}, work, `argument "branch"`},
		{"bad key", map[string]string{"key": "../k"}, work, `argument "key": "../k" must be names`},
		{"git as key", map[string]string{"key": "a/.GIT"}, work, `argument "key": "a/.GIT" must be names`},
		{"bad lease", map[string]string{"key": "k", "lease": "soon"}, work, `argument "lease": "soon" is not a duration from 3s`},
		{"typo", map[string]string{"key": "k", "brunch": "x"}, work, `no argument "brunch"; did you mean "branch"?`},
	} {
		t.Run(test.name, func(t *testing.T) {
			s, err := Open(t.Context(), test.args, environment, test.dir)
			got := ""
			if err != nil {
				got = err.Error()
			} else {
				got = s.String()
				wantErr(t, s.Close(), nil, "")
			}
			if !strings.Contains(got, test.want) || strings.Contains(got, "hunter2") {
				t.Errorf("got %q, want %q", got, test.want)
			}
		})
	}
}
