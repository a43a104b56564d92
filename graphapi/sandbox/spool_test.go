package sandbox

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// names are the files of a folder.
func names(t *testing.T, dir string) (out []string) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		out = append(out, e.Name())
	}
	return out
}

// TestSpool: accepted photos are kept under their hash, refused ones and
// halves are not.
func TestSpool(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "photos")
	c := newClient(t, Options{Spool: dir})
	c.photo([]byte("no photo"), "published", "false")
	c.photo(append(jpeg, make([]byte, maxPhoto)...), "published", "false")
	c.faults("photos cut=100")
	c.photo(jpeg, "published", "false")
	if got := names(t, dir); len(got) != 0 {
		t.Errorf("got %v, want nothing kept of refused photos", got)
	}
	c.text(c.photo(jpeg, "published", "false"), "id")
	if got := names(t, dir); len(got) != 1 || got[0] != hashOf(jpeg) {
		t.Errorf("got %v, want the photo", got)
	}
}

func TestSpoolIsBounded(t *testing.T) {
	dir := t.TempDir()
	c := newClient(t, Options{Spool: dir})
	for n := range maxSpooled + 5 {
		name := filepath.Join(dir, fmt.Sprintf("%064x", n))
		if err := os.WriteFile(name, nil, 0o600); err != nil {
			t.Fatal(err)
		}
		at := time.Unix(int64(n), 0)
		if err := os.Chtimes(name, at, at); err != nil {
			t.Fatal(err)
		}
	}
	other := filepath.Join(dir, "notes.txt")
	if err := os.WriteFile(other, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	c.text(c.photo(jpeg, "published", "false"), "id")
	got := strings.Join(names(t, dir), " ")
	if n := strings.Count(got, " ") + 1; n != maxSpooled+1 || !strings.Contains(got, "notes.txt") || !strings.Contains(got, hashOf(jpeg)) {
		t.Errorf("got %d files, want the newest %d and the one that is none of ours", n, maxSpooled)
	}
	if strings.Contains(got, fmt.Sprintf("%064x", 5)) {
		t.Errorf("the oldest photo is still there")
	}
}

// TestSpoolThatFails: without a usable folder there are no pictures, and
// nothing else is different.
func TestSpoolThatFails(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	c := newClient(t, Options{Spool: file})
	c.photoStory(jpeg)
	if a := c.control("GET", "/photos/"+hashOf(jpeg), ""); a.status != 404 {
		t.Errorf("got %d, want 404", a.status)
	}
}
