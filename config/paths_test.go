package config

import (
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
)

// TestLinks checks that symbolic links are followed inside of the folder, and
// never out of it.
func TestLinks(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("making symbolic links needs a privilege")
	}
	dir := write(t, map[string]string{
		"media/a.jpg": "kind=photo", ".git/config": "token", "sub/x.txt": "x", "media/deep/b.jpg": "kind=photo",
	})
	outside := write(t, map[string]string{"secret.txt": "secret", "media/a.jpg": "kind=photo"})
	for link, target := range map[string]string{
		"in.jpg": "media/a.jpg", "chain.jpg": "in.jpg", "abs.jpg": filepath.Join(dir, "media/a.jpg"), "up.jpg": "sub/../media/a.jpg",
		"out.txt": filepath.Join(outside, "secret.txt"), "out": outside, "rel": "../" + filepath.Base(outside),
		"config": ".git/config", "git": ".git", "loop1": "loop2", "loop2": "loop1", "dangling": "nowhere", "indir": "media",
	} {
		if err := os.Symlink(target, filepath.Join(dir, link)); err != nil {
			t.Fatal(err)
		}
	}
	f, err := openFolder(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer f.root.Close()
	tests := []struct{ path, want string }{ // the resolved path, or the summary of the error
		{"media/a.jpg", "media/a.jpg"}, {"./media//a.jpg", "media/a.jpg"}, {"sub/../media/a.jpg", "media/a.jpg"},
		{"in.jpg", "media/a.jpg"}, {"chain.jpg", "media/a.jpg"}, {"abs.jpg", "media/a.jpg"}, {"up.jpg", "media/a.jpg"},
		{"indir/deep/b.jpg", "media/deep/b.jpg"},
		{"out.txt", "Path outside the folder"}, {"out/secret.txt", "Path outside the folder"}, {"out/media/a.jpg", "Path outside the folder"},
		{"rel/secret.txt", "Path outside the folder"}, {"out", "Path outside the folder"},
		{"config", "Private folder"}, {"git/config", "Private folder"}, {".git/config", "Private folder"}, {"sub/../.git/config", "Private folder"},
		{"loop1", "File can't be read"}, {"dangling", "File not found"}, {"media", "Folder instead of a file"}, {"indir", "Folder instead of a file"},
		{"../" + filepath.Base(dir) + "/media/a.jpg", "Path outside the folder"},
	}
	for _, test := range tests {
		at, err := f.file("", test.path)
		got := at.real
		if err != nil {
			got, _ = wordsOf(err, "")
			if strings.Contains(err.Error(), dir) || strings.Contains(err.Error(), outside) {
				t.Errorf("%s: the error names a path of this machine: %v", test.path, err)
			}
		}
		if got != test.want {
			t.Errorf("%s: got %q (%v), want %q", test.path, got, err, test.want)
		}
	}
}

// TestConfigLink checks that a configuration file can't be a link to a file
// outside, whose lines a diagnostic would quote.
func TestConfigLink(t *testing.T) {
	outside := write(t, map[string]string{"secret.txt": "root:x:0:0\n"})
	dir := t.TempDir()
	if err := os.Symlink(filepath.Join(outside, "secret.txt"), filepath.Join(dir, "a.story.hcl")); err != nil {
		t.Skip(err)
	}
	c, ds := Load(t.Context(), Options{Dir: dir})
	if !ds.HasErrors() || len(c.Sources) != 0 || strings.Contains(describe(ds, nil), "root:x") {
		t.Errorf("got %v and sources %v, want an error and no source", ds, c.Sources)
	}
}

func TestGlob(t *testing.T) {
	tests := []struct {
		pattern, name string
		want          bool
	}{
		{"*.jpg", "a.jpg", true}, {"*.jpg", "b/a.jpg", false}, {"**/*.jpg", "a.jpg", true}, {"**/*.jpg", "b/c/a.jpg", true},
		{"media/**", "media/a/b", true}, {"media/**", "medias/a", false}, {"a/**/b/**/c", "a/b/c", true},
		{"a/**/b/**/c", "a/x/y/b/z/c", true}, {"a/**/b/**/c", "a/x/c", false}, {"**/b", "a/b/c/b", true},
		{"{a,b}/*.{jpg,png}", "b/x.png", true}, {"{a,b}/*.{jpg,png}", "c/x.png", false}, {"{a,{b,c}}", "c", true},
		{"?.jpg", "é.jpg", true}, {"[a-c].jpg", "b.jpg", true}, {"[a-c].jpg", "d.jpg", false}, {"./a/../b", "b", true},
	}
	for _, test := range tests {
		g, err := parseGlob(test.pattern)
		if err != nil {
			t.Errorf("%s: %v", test.pattern, err)
			continue
		}
		if got := g.match(test.name); got != test.want {
			t.Errorf("%s matches %s: got %v, want %v", test.pattern, test.name, got, test.want)
		}
	}
	for _, pattern := range []string{"[", "{a", "a{b", strings.Repeat("{a,b}", 8)} {
		if _, err := parseGlob(pattern); err == nil {
			t.Errorf("%s: got no error, want one", pattern)
		}
	}
}

func TestDiscover(t *testing.T) {
	dir := write(t, map[string]string{
		"b.story.hcl": "", "a.story.hcl": "", ".#a.story.hcl": "", ".hidden.story.hcl": "", "a.story.hcl~": "", "c.hcl": "", "d.story.hcl/x": "", "#a.story.hcl": "",
	})
	got, err := Discover(dir)
	if want := "a.story.hcl b.story.hcl"; err != nil || strings.Join(got, " ") != want {
		t.Errorf("got %v (%v), want %s", got, err, want)
	}
	if _, err := Discover(filepath.Join(dir, "nowhere")); err == nil {
		t.Error("got no error for a missing folder, want one")
	}
}
