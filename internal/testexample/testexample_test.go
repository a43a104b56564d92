package testexample

import (
	"os"
	"path/filepath"
	"slices"
	"testing"
)

func TestCopy(t *testing.T) {
	from, to := t.TempDir(), t.TempDir()
	for _, name := range []string{"a/s.story.hcl", "a/media/a.jpg", "a/.storyform/sandbox.json", "a/storyform.state.json", "a/storyform.state.json.journal", "a/.storyform.state.json.lock"} {
		path := filepath.Join(from, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, nil, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if err := Copy(filepath.Join(to, "examples"), from); err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, pattern := range []string{"examples/a/*", "examples/a/.s*", "examples/a/media/*"} {
		names, err := filepath.Glob(filepath.Join(to, filepath.FromSlash(pattern)))
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range names {
			got = append(got, filepath.Base(name))
		}
	}
	if want := []string{"media", "s.story.hcl", "a.jpg"}; !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}
