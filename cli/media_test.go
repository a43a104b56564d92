package cli

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"storyform/internal/clock"
	"storyform/internal/testmedia"
)

// TestMediaAllAtOnce checks that a file with several faults gets one command
// that mends them all, besides one for each, and a file with one fault does not.
func TestMediaAllAtOnce(t *testing.T) {
	for name, test := range map[string]struct {
		fault func(v *testmedia.Video)
		last  []string // what the last command does
		all   bool
	}{
		"one":     {func(v *testmedia.Video) { v.Frames = 2000 }, []string{"-t 60"}, false},
		"several": {func(v *testmedia.Video) { v.Frames, v.Width = 2000, 1920 }, []string{"-t 60", "pad=1080:1920"}, true},
	} {
		t.Run(name, func(t *testing.T) {
			v := testmedia.Good()
			test.fault(&v)
			file := filepath.Join(t.TempDir(), "a.mp4")
			if err := os.WriteFile(file, v.MP4(), 0o644); err != nil {
				t.Fatal(err)
			}
			var out, diags bytes.Buffer
			code := Main(t.Context(), Env{
				Args: []string{"media", file}, Dir: filepath.Dir(file), Stdin: strings.NewReader(""), Stdout: &out, Stderr: &diags,
				Clock: clock.NewFake(time.Date(2026, 12, 20, 2, 0, 0, 0, time.UTC)).Clock(),
			})
			if code != 1 || diags.Len() > 0 {
				t.Fatalf("got exit code %d and %s, want 1 and no message", code, &diags)
			}
			if got := strings.Contains(out.String(), "\n  all at once\n"); got != test.all {
				t.Errorf("all at once: got %t, want %t:\n%s", got, test.all, &out)
			}
			last := out.String()[strings.LastIndex(out.String(), "ffmpeg "):]
			for _, part := range test.last {
				if !strings.Contains(last, part) {
					t.Errorf("got the last command %s, want it to hold %s", last, part)
				}
			}
		})
	}
}

// The command that mends a file stands on a line of its own, to be copied.
func TestMediaErrorsKeepTheirLines(t *testing.T) {
	var out strings.Builder
	a := &app{Env: Env{Stdout: &out, Clock: clock.System()}}
	a.printError("Git LFS pointer: Run\n\n    git lfs pull\n\nor clone again")
	want := "  error      Git LFS pointer: Run\n\n                 git lfs pull\n\n             or clone again\n"
	if got := out.String(); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}
