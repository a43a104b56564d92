package git

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"storyform/state"
	"storyform/story"
)

// authorizations serves an address that wants a password, and returns what
// clients sent for one. It refuses everybody.
func authorizations(t *testing.T) (url string, got func() []string) {
	t.Helper()
	var mu sync.Mutex
	var all []string
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		if user, password, ok := r.BasicAuth(); ok {
			all = append(all, user+":"+password)
			w.WriteHeader(http.StatusForbidden)
			return
		}
		w.Header().Set("WWW-Authenticate", `Basic realm="git"`)
		w.WriteHeader(http.StatusUnauthorized)
	}))
	t.Cleanup(server.Close)
	return server.URL, func() []string {
		mu.Lock()
		defer mu.Unlock()
		return all
	}
}

// from is environment, with some variables that git shall see.
func from(t *testing.T, vars map[string]string) func(string) string {
	t.Helper()
	for name, value := range vars {
		t.Setenv(name, value)
	}
	return func(name string) string {
		if v, ok := vars[name]; ok {
			return v
		}
		return environment(name)
	}
}

// gitOf puts a script in front of every git.
func gitOf(t *testing.T, script string) {
	t.Helper()
	dir := t.TempDir()
	path := os.Getenv("PATH")
	text := fmt.Sprintf("#!/bin/sh\nPATH='%s'\n%s\n", path, script)
	if err := os.WriteFile(filepath.Join(dir, "git"), []byte(text), 0o700); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", dir+string(os.PathListSeparator)+path)
}

// A credential helper gets the environment that it takes the token from, as the
// checkout's own pushes give it; not the tokens of Pages.
func TestHelperEnvironment(t *testing.T) {
	_, work := remote(t)
	url, got := authorizations(t)
	command(t, work, "remote", "set-url", "origin", url+"/acme/brand.git")
	command(t, work, "config", "credential.helper", `!f() { echo username=ci; echo "password=$BRAND_TOKEN$STORYFORM_TOKEN"; }; f`)
	env := from(t, map[string]string{"BRAND_TOKEN": "from-env", "STORYFORM_TOKEN": "of-a-page"})
	s, err := open(t.Context(), map[string]string{"key": "k"}, env, work, runner(start.Local))
	wantErr(t, err, nil, "")
	t.Cleanup(func() { s.Close() })
	if _, _, err := s.Load(t.Context()); err == nil {
		t.Error("got no error")
	}
	if !slices.Contains(got(), "ci:from-env") {
		t.Errorf("the server got %v, want what the helper says", got())
	}
}

// What the user's configuration says for this folder only (includeIf) reaches
// git, and what it says everywhere reaches it once.
func TestIncludeIf(t *testing.T) {
	_, work := remote(t)
	url, got := authorizations(t)
	command(t, work, "remote", "set-url", "origin", url+"/acme/brand.git")
	home := t.TempDir()
	for name, text := range map[string]string{
		"global": fmt.Sprintf("[includeIf \"gitdir:%s/\"]\n\tpath = work\n[http]\n\textraHeader = X-Everywhere: 1\n", work),
		"work":   "[credential]\n\thelper = \"!f() { echo username=ci; echo password=of-the-folder; }; f\"\n",
	} {
		if err := os.WriteFile(filepath.Join(home, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	env := from(t, map[string]string{"GIT_CONFIG_GLOBAL": filepath.Join(home, "global")})
	s, err := open(t.Context(), map[string]string{"key": "k"}, env, work, runner(start.Local))
	wantErr(t, err, nil, "")
	t.Cleanup(func() { s.Close() })
	if _, _, err := s.Load(t.Context()); err == nil {
		t.Error("got no error")
	}
	if !slices.Contains(got(), "ci:of-the-folder") {
		t.Errorf("the server got %v, want what the helper says", got())
	}
	if all := strings.Join(s.repo.env, "\n"); strings.Contains(all, "X-Everywhere") {
		t.Errorf("what git reads by itself is passed on once more:\n%s", all)
	}
}

// However many settings a devcontainer or a wrapper gives git by environment.
func TestManySettings(t *testing.T) {
	_, work := remote(t)
	vars := map[string]string{"GIT_CONFIG_COUNT": "30"}
	for i := range 30 {
		vars[fmt.Sprintf("GIT_CONFIG_KEY_%d", i)], vars[fmt.Sprintf("GIT_CONFIG_VALUE_%d", i)] = fmt.Sprintf("x.y%d", i), "z"
	}
	s, err := open(t.Context(), map[string]string{"key": "k"}, from(t, vars), work, runner(start.Local))
	wantErr(t, err, nil, "")
	t.Cleanup(func() { s.Close() })
	put(t, session(t, s, "a"), "reveal", story.Live)
}

// What is wrong with the machine is said, with what to do.
func TestUnusable(t *testing.T) {
	_, work := remote(t)
	for _, test := range []struct{ name, script, want string }{
		{"old", `case "$*" in *" version") echo "git version 2.25.1";; *) exit 129;; esac`, "git 2.25.1 is too old: the git backend needs 2.31 or newer"},
		{"somebody else's checkout", `GIT_TEST_ASSUME_DIFFERENT_OWNER=1 exec git "$@"`, "detected dubious ownership in repository"},
	} {
		t.Run(test.name, func(t *testing.T) {
			gitOf(t, test.script)
			_, err := open(t.Context(), map[string]string{"key": "k"}, environment, work, runner(start.Local))
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("got error %v, want one with %q", err, test.want)
			}
		})
	}
}

// What a person or a company set for git in general changes nothing: nothing is
// signed, run or followed, and every step is a commit.
func TestUserSettings(t *testing.T) {
	bare, work := remote(t)
	home := t.TempDir()
	command(t, work, "remote", "set-url", "origin", "brand:acme")
	text := fmt.Sprintf(`[commit]
	gpgSign = true
[tag]
	gpgSign = true
[gpg]
	program = /bin/false
[push]
	gpgSign = true
	default = nothing
	followTags = true
	negotiate = true
	useForceIfIncludes = true
	autoSetupRemote = true
[core]
	hooksPath = %[1]s
	fsmonitor = /bin/false
	bigFileThreshold = 1
	autocrlf = true
	editor = /bin/false
	pager = /bin/false
	fsync = all
[safe]
	bareRepository = explicit
[fetch]
	prune = true
	fsckObjects = true
	writeCommitGraph = true
	negotiationAlgorithm = noop
[transfer]
	fsckObjects = true
[protocol]
	version = 0
[submodule]
	recurse = true
[init]
	templateDir = %[1]s
	defaultBranch = x
[i18n]
	commitEncoding = ISO-8859-1
[color]
	ui = always
[gc]
	auto = 1
[user]
	useConfigOnly = true
[url "%[2]s"]
	insteadOf = brand:acme
`, home, bare)
	for name, text := range map[string]string{"global": text, "pre-push": "#!/bin/sh\nexit 1\n"} {
		if err := os.WriteFile(filepath.Join(home, name), []byte(text), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	env := from(t, map[string]string{"GIT_CONFIG_GLOBAL": filepath.Join(home, "global"), "GIT_DIR": filepath.Join(work, ".git"), "GIT_INDEX_FILE": "x", "GIT_WORK_TREE": work})
	s, err := open(t.Context(), map[string]string{"key": "k"}, env, work, runner(start.Local))
	wantErr(t, err, nil, "")
	t.Cleanup(func() { s.Close() })
	l, err := s.Lock(t.Context(), state.LockInfo{ID: "a", Who: "ci"})
	wantErr(t, err, nil, "")
	run := session(t, s, "a")
	put(t, run, "réveil", story.Live)
	wantErr(t, run.Close(t.Context()), nil, "")
	wantErr(t, l.Unlock(t.Context()), nil, "")
	again, err := open(t.Context(), map[string]string{"key": "k"}, env, work, runner(start.Local))
	wantErr(t, err, nil, "")
	t.Cleanup(func() { again.Close() })
	if n := session(t, again, "b").Serial(); n != 1 {
		t.Errorf("got serial %d, want 1", n)
	}
}
