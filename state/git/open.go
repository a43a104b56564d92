package git

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"time"

	"storyform/internal/clock"
	"storyform/state"
	"storyform/state/lease"
)

// binary is the program that does the work.
const binary = "git"

// DefaultBranch is the branch where nothing else is said.
const DefaultBranch = "storyform-state"

// defaultLease is how long a lock outlives its holder by itself. Each renewal
// is a commit, so it lasts longer than in other stores.
const defaultLease = 3 * time.Minute

// The bounds of a lease.
const (
	minLease = 3 * time.Second
	maxLease = time.Hour
)

// Arguments returns the arguments of the backend block.
func Arguments() []state.Argument {
	return []state.Argument{
		{Name: "key", Required: true, Description: "the folder of this state on the branch, one for each configuration, such as \"stories/acme\""},
		{Name: "repository", Description: "the address of a repository, or the name of a remote of the one that the configuration is in; its remote \"origin\" by default"},
		{Name: "branch", Description: "the branch, which storyform makes itself; \"" + DefaultBranch + "\" by default"},
		{Name: "lease", Description: "how long the lock outlives a runner that died, such as \"3m\", which is the default; each renewal, after a third of it, is a commit"},
	}
}

// passedOn are the environment variables that git gets: what it needs to find
// its configuration, its helpers and its way through the network. Those that
// would turn it to another repository, or make it talkative, are left out.
var passedOn = []string{
	"PATH", "HOME", "USER", "LOGNAME", "TMPDIR", "TEMP", "TMP", "LD_LIBRARY_PATH",
	"SYSTEMROOT", "USERPROFILE", "HOMEDRIVE", "HOMEPATH", "APPDATA", "LOCALAPPDATA", "PROGRAMDATA", "PROGRAMFILES", "COMSPEC", "PATHEXT",
	"XDG_CONFIG_HOME", "GIT_CONFIG_GLOBAL", "GIT_CONFIG_SYSTEM", "GIT_CONFIG_NOSYSTEM", "GIT_EXEC_PATH",
	"GIT_SSH", "GIT_SSH_COMMAND", "GIT_SSH_VARIANT", "SSH_AUTH_SOCK", "SSH_AGENT_PID", "GIT_ASKPASS",
	"GIT_SSL_CAINFO", "GIT_SSL_CAPATH", "GIT_SSL_CERT", "GIT_SSL_KEY", "GIT_SSL_NO_VERIFY", "SSL_CERT_FILE", "SSL_CERT_DIR", "CURL_CA_BUNDLE",
	"http_proxy", "https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY", "no_proxy", "NO_PROXY",
}

// Open returns the store that the arguments name. dir is the configuration's
// folder; a repository around it lends its remotes and credentials. env looks
// up environment variables: GIT_AUTHOR_NAME and the like, and what git needs to
// work. Open sends nothing. The store must be closed.
func Open(ctx context.Context, args map[string]string, env func(string) string, dir string) (*Store, error) {
	return open(ctx, args, env, dir, clock.System())
}

// open is Open for tests, which bring a clock.
func open(ctx context.Context, args map[string]string, env func(string) string, dir string, clk clock.Clock) (*Store, error) {
	set, err := parse(args)
	if err != nil {
		return nil, err
	}
	repo, err := newRepository(ctx, args["repository"], env, dir)
	if err != nil {
		return nil, err
	}
	s := &Store{
		repo: repo, ref: "refs/heads/" + set.branch, key: args["key"], clock: clk,
		where: fmt.Sprintf("%s (branch %s, %s)", credentials.ReplaceAllString(repo.url, "$1"), set.branch, args["key"]),
	}
	s.locks = &lease.Manager{Register: lease.Register{Read: s.readLock, Swap: s.swapLock}, TTL: set.lease, Clock: clk}
	return s, nil
}

// Check tells what is wrong with arguments, as Open would, without running
// git. The error is a *state.ArgumentError.
func Check(args map[string]string, _ func(string) string) error {
	_, err := parse(args)
	return err
}

// parsed are the arguments, checked.
type parsed struct {
	branch string
	lease  time.Duration
}

// parse checks the arguments. Its errors name the one that is wrong.
func parse(args map[string]string) (*parsed, error) {
	if err := state.CheckArguments("git", Arguments(), args); err != nil {
		return nil, err
	}
	wrong := func(name, format string, a ...any) (*parsed, error) {
		return nil, state.WrongArgument("git", name, format, a...)
	}
	set := &parsed{branch: args["branch"], lease: defaultLease}
	if set.branch == "" {
		set.branch = DefaultBranch
	}
	if !validBranch(set.branch) {
		return wrong("branch", "%q is not the name of a branch", set.branch)
	}
	if why := checkKey(args["key"]); why != "" {
		return wrong("key", "%q %s", args["key"], why)
	}
	if v := args["lease"]; v != "" {
		d, err := time.ParseDuration(v)
		if err != nil || d < minLease || d > maxLease {
			return wrong("lease", "%q is not a duration from %v to %v", v, minLease, maxLease)
		}
		set.lease = d
	}
	name := args["repository"]
	if strings.HasPrefix(name, "-") || strings.HasPrefix(name, "ext::") || strings.ContainsAny(name, "\n\x00") {
		return wrong("repository", "it is not the address of a repository")
	}
	if u := credentials.FindString(name); strings.Contains(u, ":") && strings.Count(u, ":") > 1 {
		return wrong("repository", "it holds a password, which would get into plan files; use a credential helper, or what CI sets up for its checkout")
	}
	return set, nil
}

// branchName is what a branch may be called here: less than what git allows.
var branchName = regexp.MustCompile(`^[A-Za-z0-9_][A-Za-z0-9_.-]*(/[A-Za-z0-9_][A-Za-z0-9_.-]*)*$`)

func validBranch(name string) bool {
	return branchName.MatchString(name) && len(name) <= 200 && !strings.Contains(name, "..") && !strings.HasSuffix(name, ".") &&
		!strings.HasSuffix(name, ".lock") && !strings.Contains(name, ".lock/") && !strings.Contains(name, "./")
}

// keyName is what a part of a key may be.
var keyName = regexp.MustCompile(`^[^\x00-\x1f\x7f"\\:*?<>|/]+$`)

// checkKey tells what is wrong with a key.
func checkKey(key string) string {
	if len(key) > 200 {
		return "has more than 200 bytes"
	}
	for part := range strings.SplitSeq(key, "/") {
		if part == "" || part == "." || part == ".." || strings.EqualFold(part, ".git") || !keyName.MatchString(part) {
			return "must be names with one / between them"
		}
	}
	return ""
}

// newRepository makes the bare repository for a server.
func newRepository(ctx context.Context, name string, env func(string) string, dir string) (*repository, error) {
	base := append(copyEnv(env), "LC_ALL=C", "GIT_TERMINAL_PROMPT=0", "GCM_INTERACTIVE=never", "GIT_OPTIONAL_LOCKS=0")
	around, err := readConfig(ctx, base, env, dir)
	if err != nil {
		return nil, err
	}
	url, err := around.resolve(ctx, base, name, dir)
	if err != nil {
		return nil, err
	}
	r := &repository{git: binary, url: url, env: append(base, around.pass()...)}
	if env("GIT_SSH_COMMAND") == "" && env("GIT_SSH") == "" && around.last["core.sshcommand"] == "" {
		r.env = append(r.env, "GIT_SSH_COMMAND=ssh -o BatchMode=yes") // never asks
	}
	r.author, r.committer = around.identities(env)
	if r.dir, err = os.MkdirTemp(env("TMPDIR"), "storyform-git-"); err != nil {
		return nil, fmt.Errorf("make a temporary folder for git: %w", err)
	}
	format := "--object-format=sha1"
	if around.last["extensions.objectformat"] == "sha256" {
		format = "--object-format=sha256"
	}
	if _, err := r.run(ctx, nil, "init", "--quiet", "--bare", "--template=", format, "."); err != nil {
		return nil, errors.Join(err, r.remove())
	}
	return r, nil
}

// config is git's configuration as the repository around the configuration's
// folder sees it.
type config struct {
	entries []setting
	last    map[string]string // the last value of each key
}

type setting struct{ scope, key, value string }

// readConfig reads git's configuration in a folder, with that of the
// repository around it, if there is one.
func readConfig(ctx context.Context, base []string, env func(string) string, dir string) (*config, error) {
	own := base
	for _, name := range []string{"GIT_CONFIG_COUNT", "GIT_CONFIG_PARAMETERS"} {
		if v := env(name); v != "" {
			own = append(own[:len(own):len(own)], name+"="+v)
		}
	}
	for i := range maxEnvConfig {
		for _, name := range []string{fmt.Sprintf("GIT_CONFIG_KEY_%d", i), fmt.Sprintf("GIT_CONFIG_VALUE_%d", i)} {
			if v := env(name); v != "" {
				own = append(own[:len(own):len(own)], name+"="+v)
			}
		}
	}
	out, err := run(ctx, binary, dir, own, nil, "config", "--list", "--includes", "--show-scope", "--null")
	if err != nil {
		return nil, err
	}
	c := &config{last: map[string]string{}}
	fields := strings.Split(string(out), "\x00")
	for i := 0; i+1 < len(fields); i += 2 {
		key, value, _ := strings.Cut(fields[i+1], "\n")
		c.entries = append(c.entries, setting{fields[i], key, value})
		c.last[key] = value
	}
	return c, nil
}

// maxEnvConfig is how many settings of the environment (GIT_CONFIG_KEY_<n>)
// are looked up.
const maxEnvConfig = 20

// passedKeys match what a repository's own configuration says about reaching
// servers.
var passedKeys = regexp.MustCompile(`^(http\..+|credential\..+|url\..+|ssh\..+|protocol\..+|core\.(sshcommand|gitproxy|askpass)|safe\..+)$`)

// pass returns the environment variables that give git what the repository
// around knows and others don't. They may hold credentials.
func (c *config) pass() []string {
	var vars []string
	n := 0
	for _, e := range c.entries {
		if e.scope == "system" || e.scope == "global" || !passedKeys.MatchString(e.key) || settingsHave(e.key) {
			continue
		}
		vars = append(vars, fmt.Sprintf("GIT_CONFIG_KEY_%d=%s", n, e.key), fmt.Sprintf("GIT_CONFIG_VALUE_%d=%s", n, e.value))
		n++
	}
	return append(vars, fmt.Sprintf("GIT_CONFIG_COUNT=%d", n))
}

// settingsHave reports whether a key is among those that every call sets.
func settingsHave(key string) bool {
	for _, s := range settings {
		if name, _, ok := strings.Cut(s, "="); ok && strings.EqualFold(name, key) {
			return true
		}
	}
	return false
}

// resolve finds the address of the repository that the argument names.
func (c *config) resolve(ctx context.Context, base []string, name, dir string) (string, error) {
	remote := name
	if remote == "" {
		remote = "origin"
	}
	if url := c.last["remote."+remote+".url"]; url != "" {
		if push := c.last["remote."+remote+".pushurl"]; push != "" {
			url = push
		}
		top, err := run(ctx, binary, dir, base, nil, "rev-parse", "--show-toplevel")
		if err != nil {
			return "", err
		}
		return absolute(url, strings.TrimSpace(string(top))), nil
	}
	if name == "" {
		return "", state.WrongArgument("git", "repository", "%s is in no repository with a remote called origin; name a repository", dir)
	}
	return absolute(name, dir), nil
}

// absolute makes a path that is relative to a folder one that isn't. What
// isn't the path of something that exists there is an address.
func absolute(url, dir string) string {
	if strings.Contains(url, "://") || filepath.IsAbs(url) {
		return url
	}
	local := filepath.Join(dir, filepath.FromSlash(url))
	if info, err := os.Stat(local); err != nil || !info.IsDir() {
		return url
	}
	if abs, err := filepath.Abs(local); err == nil {
		return abs
	}
	return local
}

// identities returns who is named as author and committer.
func (c *config) identities(env func(string) string) (author, committer string) {
	of := func(names ...string) string {
		for _, v := range names {
			if v = strings.Map(identityRune, v); v != "" {
				return v
			}
		}
		return ""
	}
	name, email := c.last["user.name"], c.last["user.email"]
	authorName := of(env("GIT_AUTHOR_NAME"), name, "storyform")
	authorEmail := of(env("GIT_AUTHOR_EMAIL"), email, "storyform@localhost")
	author = fmt.Sprintf("%s <%s>", authorName, authorEmail)
	committer = fmt.Sprintf("%s <%s>", of(env("GIT_COMMITTER_NAME"), authorName), of(env("GIT_COMMITTER_EMAIL"), authorEmail))
	return author, committer
}

// identityRune drops what git doesn't allow in a name.
func identityRune(r rune) rune {
	if r < ' ' || r == '<' || r == '>' || r == 0x7f {
		return -1
	}
	return r
}
