package git

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
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

// Arguments returns the arguments of the backend block.
func Arguments() []state.Argument {
	return []state.Argument{
		{Name: "key", Required: true, Description: "the folder of this state on the branch, one for each configuration, such as \"stories/acme\""},
		{Name: "repository", Description: "the address of a repository, or the name of a remote of the one that the configuration is in; its remote \"origin\" by default"},
		{Name: "branch", Description: "the branch, which storyform makes itself; \"" + DefaultBranch + "\" by default"},
		{Name: "lease", Description: "how long the lock outlives a runner that died, such as \"3m\", which is the default; each renewal, after a third of it, is a commit"},
	}
}

// passedOn are those of git's own environment variables that git gets. The
// others would turn it to another repository, or make it talkative.
var passedOn = []string{
	"GIT_CONFIG_GLOBAL", "GIT_CONFIG_SYSTEM", "GIT_CONFIG_NOSYSTEM", "GIT_EXEC_PATH", "GIT_DISCOVERY_ACROSS_FILESYSTEM", "GIT_ALLOW_PROTOCOL",
	"GIT_SSH", "GIT_SSH_COMMAND", "GIT_SSH_VARIANT", "GIT_ASKPASS",
	"GIT_SSL_CAINFO", "GIT_SSL_CAPATH", "GIT_SSL_CERT", "GIT_SSL_KEY", "GIT_SSL_NO_VERIFY",
}

// keptBack are the beginnings of the names of variables that git doesn't get
// otherwise: its own, what asks a person, and ours, which may hold tokens. The
// caller leaves out the tokens of Pages that have other names.
var keptBack = []string{"GIT_", "SSH_ASKPASS", "STORYFORM_"}

// copyEnv returns the environment of git, looked up by env: all but what is
// kept back, since a helper of git may need any of it, such as the token that
// it gives for a password.
func copyEnv(env func(string) string) []string {
	names := slices.Clone(passedOn)
	for _, v := range os.Environ() {
		name, _, _ := strings.Cut(v, "=")
		if !slices.ContainsFunc(keptBack, func(prefix string) bool { return strings.HasPrefix(strings.ToUpper(name), prefix) }) {
			names = append(names, name)
		}
	}
	var vars []string
	for _, name := range names {
		if v := env(name); v != "" {
			vars = append(vars, name+"="+v)
		}
	}
	return vars
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
	set := &parsed{branch: args["branch"]}
	if set.branch == "" {
		set.branch = DefaultBranch
	}
	if !validBranch(set.branch) {
		return wrong("branch", "%q is not the name of a branch", set.branch)
	}
	if why := checkKey(args["key"]); why != "" {
		return wrong("key", "%q %s", args["key"], why)
	}
	var err error
	if set.lease, err = lease.ParseTTL(args["lease"], defaultLease); err != nil {
		return wrong("lease", "%v", err)
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
	if err := checkVersion(ctx, base, dir); err != nil {
		return nil, err
	}
	around, err := readConfig(ctx, append(base[:len(base):len(base)], given(env)...), dir)
	if err != nil {
		return nil, err
	}
	url, err := around.resolve(ctx, base, name, dir)
	if err != nil {
		return nil, err
	}
	r := &repository{git: binary, url: url, env: base}
	r.author, r.committer = around.identities(env)
	if r.dir, err = os.MkdirTemp(env("TMPDIR"), "storyform-git-"); err != nil {
		return nil, fmt.Errorf("make a temporary folder for git: %w", err)
	}
	format := "--object-format=sha1"
	if around.last["extensions.objectformat"] == "sha256" {
		format = "--object-format=sha256"
	}
	_, err = r.run(ctx, nil, "init", "--quiet", "--bare", "--template=", format, ".")
	if err == nil {
		r.env = append(base[:len(base):len(base)], "GIT_DIR="+r.dir) // safe.bareRepository wants it said
		var here *config
		if here, err = readConfig(ctx, r.env, r.dir); err == nil {
			r.env = append(r.env, around.pass(here)...)
		}
	}
	if err != nil {
		return nil, errors.Join(err, r.remove())
	}
	if env("GIT_SSH_COMMAND") == "" && env("GIT_SSH") == "" && around.last["core.sshcommand"] == "" {
		r.env = append(r.env, "GIT_SSH_COMMAND=ssh -o BatchMode=yes") // never asks
	}
	return r, nil
}

// version is what git says of itself.
var version = regexp.MustCompile(`^git version ((\d+)\.(\d+)\S*)`)

// checkVersion makes sure that git isn't older than settings in environment
// variables, without which it wouldn't reach the server as the checkout does.
func checkVersion(ctx context.Context, base []string, dir string) error {
	out, err := run(ctx, binary, dir, base, nil, "version")
	if err != nil {
		return err
	}
	if v := version.FindStringSubmatch(string(out)); v != nil {
		major, _ := strconv.Atoi(v[2])
		if minor, _ := strconv.Atoi(v[3]); major < 2 || major == 2 && minor < 31 {
			return fmt.Errorf("git %s is too old: the git backend needs 2.31 or newer", v[1])
		}
	}
	return nil
}

// config is git's configuration as it is seen in a folder.
type config struct {
	entries []setting
	last    map[string]string // the last value of each key
}

type setting struct{ scope, key, value string }

// readConfig reads git's configuration in a folder, with that of the
// repository around it, if there is one.
func readConfig(ctx context.Context, vars []string, dir string) (*config, error) {
	out, err := run(ctx, binary, dir, vars, nil, "config", "--list", "--includes", "--show-scope", "--null")
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

// given returns the environment variables that hold settings for git.
func given(env func(string) string) []string {
	names := []string{"GIT_CONFIG_COUNT", "GIT_CONFIG_PARAMETERS"}
	n, _ := strconv.Atoi(env("GIT_CONFIG_COUNT")) // what is no number is for git to refuse
	for i := range min(n, maxEnvConfig) {
		names = append(names, fmt.Sprintf("GIT_CONFIG_KEY_%d", i), fmt.Sprintf("GIT_CONFIG_VALUE_%d", i))
	}
	var vars []string
	for _, name := range names {
		vars = append(vars, name+"="+env(name))
	}
	return vars
}

// maxEnvConfig is how many settings of the environment (GIT_CONFIG_KEY_<n>)
// are looked up.
const maxEnvConfig = 1000

// passedKeys match what a configuration says about reaching servers.
var passedKeys = regexp.MustCompile(`^(http\..+|credential\..+|url\..+|ssh\..+|protocol\..+|core\.(sshcommand|gitproxy|askpass)|safe\..+)$`)

// pass returns the environment variables that give git what is known around
// and not here: what is known in both, it would have twice, and send twice.
// They may hold credentials.
func (c *config) pass(here *config) []string {
	var vars []string
	n := 0
	for _, e := range c.entries {
		if !passedKeys.MatchString(e.key) || slices.Contains(here.entries, e) {
			continue
		}
		vars = append(vars, fmt.Sprintf("GIT_CONFIG_KEY_%d=%s", n, e.key), fmt.Sprintf("GIT_CONFIG_VALUE_%d=%s", n, e.value))
		n++
	}
	return append(vars, fmt.Sprintf("GIT_CONFIG_COUNT=%d", n))
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
		_, err := run(ctx, binary, dir, base, nil, "rev-parse", "--git-dir")
		if git, ok := errors.AsType[*gitError](err); ok && strings.Contains(git.text, "dubious ownership") {
			return "", err // the checkout is somebody else's; git says what to do
		}
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
