package local

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"storyform/state"
	"storyform/story"
)

// write puts one story into the state at path and folds it.
func write(t *testing.T, path, name string, status story.Status) {
	t.Helper()
	s := session(t, open(t, path), "writer")
	put(t, s, name, status)
	if err := s.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
}

// names lists a folder.
func names(t *testing.T, dir string) []string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, e := range entries {
		names = append(names, e.Name())
	}
	slices.Sort(names)
	return names
}

func TestFiles(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	path := filepath.Join(dir, DefaultName)
	if err := os.WriteFile(path+".journal", nil, 0o644); err != nil { // left by something else
		t.Fatal(err)
	}
	write(t, path, "one", story.Scheduled)
	write(t, path, "one", story.Live)
	want := []string{".storyform.state.json.guard", "storyform.state.json", "storyform.state.json.backup", "storyform.state.json.journal"}
	if diff := cmp.Diff(want, names(t, dir)); diff != "" {
		t.Errorf("files (-want +got):\n%s", diff)
	}
	for _, name := range names(t, dir) {
		info, err := os.Stat(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		if got := info.Mode().Perm(); got != 0o600 && os.PathSeparator == '/' {
			t.Errorf("%s: got mode %o, want 600", name, got)
		}
	}
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"{\n  \"version\": 1,\n", "\"serial\": 2,", "\"address\": \"story.one\"", "\"status\": \"live\""} {
		if !bytes.Contains(data, []byte(want)) {
			t.Errorf("the document lacks %q:\n%s", want, data)
		}
	}
}

func TestOpenRefuses(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	file := filepath.Join(dir, "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("loop", filepath.Join(dir, "loop")); err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct{ path, want string }{
		{dir, "it is a folder, not a file"},
		{filepath.Join(dir, "none", DefaultName), "its folder doesn't exist"},
		{filepath.Join(file, DefaultName), "not a directory"},
		{filepath.Join(dir, "loop"), "too many symbolic links"},
		{os.DevNull, "not a regular file"},
	} {
		_, err := Open(test.path)
		if err == nil || !strings.Contains(err.Error(), test.want) || !strings.Contains(err.Error(), test.path) {
			t.Errorf("%s: got error %v, want one with the path and %q", test.path, err, test.want)
		}
	}
}

// A link is written through, also one that leads nowhere yet, and everybody
// who comes by another way shares the files beside the target.
func TestSymbolicLink(t *testing.T) {
	t.Parallel()
	for _, target := range []string{"absolute", "relative"} {
		t.Run(target, func(t *testing.T) {
			dir, home := t.TempDir(), t.TempDir()
			real := filepath.Join(home, "real.json")
			to := real
			if target == "relative" {
				rel, err := filepath.Rel(dir, real)
				if err != nil {
					t.Fatal(err)
				}
				to = rel
			}
			link := filepath.Join(dir, DefaultName)
			if err := os.Symlink(to, link); err != nil {
				t.Fatal(err)
			}
			write(t, link, "one", story.Scheduled)
			write(t, real, "one", story.Live)
			write(t, link, "two", story.Scheduled)
			if got, err := os.Readlink(link); err != nil || got != to {
				t.Errorf("got link %q, error %v, want %q", got, err, to)
			}
			if got := session(t, open(t, real), "r").Document(); got.Serial != 3 || len(got.Stories) != 2 {
				t.Errorf("got serial %d with %d stories, want 3 with 2", got.Serial, len(got.Stories))
			}
			if diff := cmp.Diff([]string{DefaultName}, names(t, dir)); diff != "" {
				t.Errorf("files beside the link (-want +got):\n%s", diff)
			}
		})
	}
}

// What can't be read or doesn't fit is refused with a hint, and nothing is
// written over it.
func TestRefusesToLoad(t *testing.T) {
	t.Parallel()
	line := func(base uint64, seq int, sealed bool) string {
		rec := state.Record{Base: base, Seq: seq, Lineage: "other", Seal: sealed}
		if !sealed {
			e := entry("one", story.Live)
			rec.Key, rec.Entry = e.Address, &e
		}
		data, err := state.EncodeRecord(rec)
		if err != nil {
			t.Fatal(err)
		}
		return string(data)
	}
	for _, test := range []struct {
		name, doc, journal, want string // doc "": as it is; "-": deleted
	}{
		{"empty document", " \n", "", "it is empty"},
		{"torn document", `{"version": 1, "lin`, "", "ends in the middle"},
		{"merge conflict", "<<<<<<< HEAD\n{}\n", "", "conflict markers"},
		{"two documents", `{"version":1,"lineage":"x","serial":1,"stories":[]} {}`, "", "follows its end"},
		{"unknown field", `{"version":1,"lineage":"x","serial":1,"stories":[],"storeis":[]}`, "", "unknown field"},
		{"other JSON", `{}`, "", "not a storyform state"},
		{"bad line in the middle", "", "00000000 {}\n" + line(3, 1, false), "line 1"},
		{"bad line at the end", "", line(2, 1, false) + "00000000 {}\n", "line 2"},
		{"gap", "", line(2, 1, false) + line(2, 3, false), "after record 1 of serial 2 comes record 3"},
		{"starts late", "", line(2, 2, false), "has the number 2"},
		{"after a seal", "", line(2, 1, true) + line(2, 2, false), "comes record 2"},
		{"older after newer", "", line(2, 1, true) + line(1, 1, true), "serial 1 come after those of serial 2"},
		{"unsealed in the middle", "", line(1, 1, false) + line(2, 1, false), "come after those of serial 1"},
		{"records that nobody folded", "", line(1, 1, false), "1 records that follow serial 1"},
		{"document too old", "", line(7, 1, false), "the document has serial 2 only"},
		{"document deleted", "-", line(1, 1, true), "there is no document"},
		{"journal of another state", "", line(2, 1, false), "belongs to another state"},
		{"sealed journal of another state", "", line(2, 1, true) + line(3, 1, false), "belongs to another state"},
	} {
		t.Run(test.name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), DefaultName)
			write(t, path, "one", story.Scheduled)
			write(t, path, "one", story.Live)
			switch test.doc {
			case "":
			case "-":
				os.Remove(path)
			default:
				overwrite(t, path, test.doc)
			}
			if test.journal != "" {
				overwrite(t, path+".journal", test.journal)
			}
			docBefore, _ := os.ReadFile(path)
			journalBefore, _ := os.ReadFile(path + ".journal")
			_, err := state.Open(t.Context(), open(t, path), state.Run{}, now)
			if !isCorrupt(err, test.want) {
				t.Errorf("got %v, want a *state.CorruptError with a hint and %q", err, test.want)
			}
			rec := state.Record{Base: 2, Seq: 1, Lineage: "x", Seal: true}
			if err := open(t, path).Append(t.Context(), rec); err == nil {
				t.Error("it could be written to")
			}
			docAfter, _ := os.ReadFile(path)
			journalAfter, _ := os.ReadFile(path + ".journal")
			if !bytes.Equal(docBefore, docAfter) || !bytes.Equal(journalBefore, journalAfter) {
				t.Error("the files were changed")
			}
		})
	}
}

func overwrite(t *testing.T, path, data string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(data), 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestNewerFormat(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), DefaultName)
	overwrite(t, path, `{"version": 3, "storyform_version": "3.1.0", "new": {}, "stories": {}}`)
	_, _, err := open(t, path).Load(t.Context())
	newer, ok := errors.AsType[*state.VersionError](err)
	if !ok || newer.Got != 3 || newer.Tool != "3.1.0" || newer.Where != path {
		t.Errorf("got %v, want a *state.VersionError", err)
	}
}

// A document that is edited by hand while a run goes on stops the run.
func TestEditedMeanwhile(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), DefaultName)
	write(t, path, "one", story.Scheduled)
	s := session(t, open(t, path), "a")
	put(t, s, "two", story.Scheduled)
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	overwrite(t, path, strings.Replace(string(data), "scheduled", "cancelled", 1))
	if err := s.Put(t.Context(), "test", entry("two", story.Uploading), nil); !errors.Is(err, state.ErrConflict) {
		t.Errorf("got %v, want %v", err, state.ErrConflict)
	}
}

// A document of which only the layout was changed is the same document.
func TestReformatted(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), DefaultName)
	write(t, path, "one", story.Scheduled)
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	overwrite(t, path, strings.ReplaceAll(string(data), "\n", "\r\n"))
	write(t, path, "two", story.Scheduled)
	if got := session(t, open(t, path), "r").Document(); len(got.Stories) != 2 || got.Serial != 2 {
		t.Errorf("got %d stories at serial %d, want 2 at 2", len(got.Stories), got.Serial)
	}
}

// An error of the system names the operation and the path as it was given.
func TestPathError(t *testing.T) {
	t.Parallel()
	err := pathError("read", "s.json", &fs.PathError{Op: "openat", Path: ".s.json.tmp", Err: fs.ErrPermission})
	if got, want := fmt.Sprint(err), "read the state s.json: permission denied"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}
