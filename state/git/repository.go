package git

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// repository is a bare repository in a temporary folder, and the server that
// it fetches from and pushes to.
type repository struct {
	git               string // the binary
	dir               string
	url               string
	env               []string // of git
	author, committer string   // "Name <email>"
}

// tipRef is the ref in the bare repository that keeps what was fetched.
const tipRef = "refs/storyform/tip"

// patience bounds one call of git.
const patience = 2 * time.Minute

// settings are given to every call of git: nothing of the user's may run,
// sign, pack or follow along.
var settings = []string{
	"-c", "core.hooksPath=" + os.DevNull, "-c", "gc.auto=0", "-c", "maintenance.auto=false",
	"-c", "push.followTags=false", "-c", "push.recurseSubmodules=no", "-c", "push.gpgSign=false", "-c", "push.pushOption=",
	"-c", "fetch.recurseSubmodules=no", "-c", "fetch.prune=false", "-c", "core.logAllRefUpdates=false", "-c", "advice.pushUpdateRejected=false",
	"-c", "fastimport.unpackLimit=1000",
}

// gitError is a call of git that failed.
type gitError struct {
	command string
	code    int // exit code; -1: it didn't end by itself
	text    string
}

// Error tells what git said, without credentials.
func (e *gitError) Error() string {
	return fmt.Sprintf("git %s failed: %s", e.command, e.text)
}

// run calls git in the bare repository and returns its standard output.
func (r *repository) run(ctx context.Context, stdin []byte, args ...string) ([]byte, error) {
	return run(ctx, r.git, r.dir, r.env, stdin, args...)
}

// run calls git in a folder. It has no terminal and no standard input but
// stdin.
func run(ctx context.Context, git, dir string, env []string, stdin []byte, args ...string) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	cmd := exec.CommandContext(ctx, git, append(append([]string{}, settings...), args...)...)
	cmd.Dir, cmd.Env, cmd.WaitDelay = dir, env, 5*time.Second
	if stdin != nil {
		cmd.Stdin = bytes.NewReader(stdin)
	}
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	err := cmd.Run()
	switch {
	case err == nil:
		return stdout.Bytes(), nil
	case errors.Is(err, exec.ErrNotFound):
		return nil, errors.New("git is not installed, or not in PATH")
	case ctx.Err() != nil:
		return nil, &gitError{args[0], -1, fmt.Sprintf("it was ended after %v at most: %v", patience, context.Cause(ctx))}
	}
	text := readable(stderr.Bytes())
	if text == "" {
		text = err.Error()
	}
	code := -1
	if exit, ok := errors.AsType[*exec.ExitError](err); ok {
		code = exit.ExitCode()
	}
	return nil, &gitError{args[0], code, text}
}

// credentials matches what stands before the host of an address.
var credentials = regexp.MustCompile(`(\w://)[^/@\s]*@`)

// maxText is how much of git's words is shown.
const maxText = 500

// readable makes one line of what git said, without credentials.
func readable(stderr []byte) string {
	text := credentials.ReplaceAllString(strings.ToValidUTF8(string(stderr), "?"), "$1")
	text = strings.Map(func(r rune) rune {
		if r < ' ' && r != '\n' && r != '\t' || r == 0x7f {
			return '?'
		}
		return r
	}, text)
	text = strings.Join(strings.Fields(text), " ")
	if len(text) > maxText {
		text = strings.ToValidUTF8(text[:maxText], "") + "…"
	}
	return text
}

// remove deletes the bare repository.
func (r *repository) remove() error { return os.RemoveAll(r.dir) }

// tip returns the commit of a branch on the server; "" when there is no such
// branch.
func (r *repository) tip(ctx context.Context, ref string) (string, error) {
	out, err := r.run(ctx, nil, "ls-remote", "--quiet", r.url, ref)
	if err != nil {
		return "", err
	}
	for line := range strings.Lines(string(out)) {
		if hash, name, ok := strings.Cut(strings.TrimSpace(line), "\t"); ok && name == ref {
			return hash, nil
		}
	}
	return "", nil
}

// fetch gets the newest commit of a branch, without its history.
func (r *repository) fetch(ctx context.Context, ref string) error {
	_, err := r.run(ctx, nil, "fetch", "--quiet", "--no-tags", "--depth=1", r.url, "+"+ref+":"+tipRef)
	return err
}

// blob is a file of a commit, or the commit.
type blob struct {
	id   string
	data []byte
}

// files reads the name of a commit and files of it; nil for one that isn't
// there.
func (r *repository) files(ctx context.Context, commit string, names ...string) (string, []*blob, error) {
	var in strings.Builder
	fmt.Fprintf(&in, "%s^{commit}\n", commit)
	for _, name := range names {
		fmt.Fprintf(&in, "%s:%s\n", commit, name)
	}
	out, err := r.run(ctx, []byte(in.String()), "cat-file", "--batch")
	if err != nil {
		return "", nil, err
	}
	head, out, err := object(out, "commit")
	if err == nil && head == nil {
		err = fmt.Errorf("git cat-file finds no commit %s", commit)
	}
	if err != nil {
		return "", nil, err
	}
	blobs := make([]*blob, len(names))
	for i := range names {
		if blobs[i], out, err = object(out, "blob"); err != nil {
			return "", nil, fmt.Errorf("%s on the branch: %w", names[i], err)
		}
	}
	return head.id, blobs, nil
}

// object takes the first object from the output of cat-file; nil for one that
// is missing.
func object(out []byte, kind string) (*blob, []byte, error) {
	head, rest, ok := bytes.Cut(out, []byte("\n"))
	if !ok {
		return nil, nil, errors.New("git cat-file returned less than was asked for")
	}
	if bytes.HasSuffix(head, []byte(" missing")) {
		return nil, rest, nil
	}
	fields := strings.Fields(string(head))
	if len(fields) != 3 || fields[1] != kind {
		return nil, nil, errors.New("it is not a file")
	}
	size, err := strconv.Atoi(fields[2])
	if err != nil || size < 0 || size >= len(rest) {
		return nil, nil, errors.New("git cat-file returned less than it said")
	}
	return &blob{fields[0], rest[:size:size]}, rest[size+1:], nil
}

// commit makes a commit that changes files of its parent, "" for none, and
// returns it. Everything else that the parent has stays.
func (r *repository) commit(ctx context.Context, parent, message string, now time.Time, changed files) (string, error) {
	var in bytes.Buffer
	data := func(b []byte) {
		fmt.Fprintf(&in, "data %d\n", len(b))
		in.Write(b)
		in.WriteByte('\n')
	}
	when := fmt.Sprintf("%d +0000", now.Unix())
	fmt.Fprintf(&in, "commit refs/storyform/new\nmark :1\nauthor %s %s\ncommitter %s %s\n", r.author, when, r.committer, when)
	data([]byte("storyform: " + message + "\n"))
	if parent != "" {
		fmt.Fprintf(&in, "from %s\n", parent)
	}
	for name, content := range changed {
		fmt.Fprintf(&in, "M 100644 inline %s\n", quote(name))
		data(content)
	}
	in.WriteString("done\n")
	marks := filepath.Join(r.dir, "storyform-marks")
	if _, err := r.run(ctx, in.Bytes(), "fast-import", "--quiet", "--force", "--done", "--date-format=raw", "--export-marks="+marks); err != nil {
		return "", err
	}
	text, err := os.ReadFile(marks)
	if err != nil {
		return "", err
	}
	mark, hash, ok := strings.Cut(strings.TrimSpace(string(text)), " ")
	if !ok || mark != ":1" {
		return "", errors.New("git fast-import made no commit")
	}
	return hash, nil
}

// quote writes a path as fast-import reads it.
func quote(name string) string {
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\n", `\n`).Replace(name) + `"`
}

// push replaces old by commit on the server, "" for a branch that isn't there
// yet. After an error it may have done so or not.
func (r *repository) push(ctx context.Context, ref, old, commit string) error {
	_, err := r.run(ctx, nil, "push", "--quiet", "--no-verify", "--force-with-lease="+ref+":"+old, r.url, commit+":"+ref)
	return err
}
