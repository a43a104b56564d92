package atomicfile

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// content returns what is in a file, and fails when something lies beside it.
func content(t *testing.T, path string) string {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	entries, err := os.ReadDir(filepath.Dir(path))
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if strings.Contains(e.Name(), ".tmp") {
			t.Errorf("%s was left behind", e.Name())
		}
	}
	return string(data)
}

func TestWrite(t *testing.T) {
	path := filepath.Join(t.TempDir(), "plan")
	for _, want := range []string{"first", "", "a longer second"} {
		if err := Write(path, []byte(want), 0o660); err != nil {
			t.Fatal(err)
		}
		if got := content(t, path); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
		if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o660 && os.PathSeparator == '/' {
			t.Errorf("got mode %v, error %v, want 660 whatever the umask", info.Mode(), err)
		}
	}
}

func TestWriteThroughALink(t *testing.T) {
	dir := t.TempDir()
	path, link := filepath.Join(t.TempDir(), "plan"), filepath.Join(dir, "link")
	if err := os.WriteFile(path, []byte("old"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(path, link); err != nil {
		t.Fatal(err)
	}
	if err := Write(link, []byte("new"), 0o600); err != nil {
		t.Fatal(err)
	}
	if got := content(t, path); got != "new" {
		t.Errorf("got %q, want %q", got, "new")
	}
	if to, err := os.Readlink(link); err != nil || to != path {
		t.Errorf("got a link to %q, error %v, want %q", to, err, path)
	}
}

func TestWriteRefuses(t *testing.T) {
	dir := t.TempDir()
	for _, path := range []string{dir, os.DevNull, filepath.Join(dir, "none", "plan")} {
		if err := Write(path, []byte("x"), 0o600); err == nil {
			t.Errorf("%s: got no error", path)
		}
	}
	if info, err := os.Stat(os.DevNull); err != nil || info.Mode().IsRegular() {
		t.Fatalf("%s is %v, error %v", os.DevNull, info, err)
	}
}

// A file that a crash left behind is no obstacle, a folder in its place is an
// error, and until Commit the old content is there.
func TestStage(t *testing.T) {
	dir := t.TempDir()
	root, err := os.OpenRoot(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer root.Close()
	path := filepath.Join(dir, "state")
	for _, name := range []string{"state", ".tmp"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte("old"), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	staged, err := Stage(root, "state", ".tmp", []byte("new"), 0o600)
	if err != nil {
		t.Fatal(err)
	}
	if got, _ := os.ReadFile(path); string(got) != "old" {
		t.Errorf("got %q before the commit, want %q", got, "old")
	}
	if err := staged.Commit(); err != nil {
		t.Fatal(err)
	}
	if got := content(t, path); got != "new" {
		t.Errorf("got %q, want %q", got, "new")
	}
	if err := os.MkdirAll(filepath.Join(dir, ".tmp", "full"), 0o700); err != nil {
		t.Fatal(err)
	}
	if _, err := Stage(root, "state", ".tmp", []byte("newer"), 0o600); err == nil {
		t.Error("got no error for a folder in the way")
	}
	if got, _ := os.ReadFile(path); string(got) != "new" {
		t.Errorf("got %q, want %q", got, "new")
	}
}

// A rename that fails leaves nothing behind.
func TestCommitFails(t *testing.T) {
	dir := t.TempDir()
	root, err := os.OpenRoot(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer root.Close()
	if err := os.MkdirAll(filepath.Join(dir, "state", "full"), 0o700); err != nil {
		t.Fatal(err)
	}
	staged, err := Stage(root, "state", ".tmp", []byte("new"), 0o600)
	if err != nil {
		t.Fatal(err)
	}
	if err := staged.Commit(); err == nil {
		t.Error("got no error for a folder in the way")
	}
	if _, err := os.Lstat(filepath.Join(dir, ".tmp")); !os.IsNotExist(err) {
		t.Errorf("got %v, want the staged file gone", err)
	}
	if err := staged.Discard(); err != nil {
		t.Errorf("got %v for what is gone already", err)
	}
}
