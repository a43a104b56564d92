package cli

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// numbered is a text of n lines, of which some say something else.
func numbered(n int, changed ...int) string {
	var b strings.Builder
	for i := 1; i <= n; i++ {
		text := fmt.Sprintf("line %d\n", i)
		for _, c := range changed {
			if c == i {
				text = fmt.Sprintf("other %d\n", i)
			}
		}
		b.WriteString(text)
	}
	return b.String()
}

func TestLineDiff(t *testing.T) {
	got := lineDiff("a.hcl", numbered(30), numbered(30, 2, 9, 20))
	want := `--- old/a.hcl
+++ new/a.hcl
@@ -1,12 +1,12 @@
 line 1
-line 2
+other 2
 line 3
 line 4
 line 5
 line 6
 line 7
 line 8
-line 9
+other 9
 line 10
 line 11
 line 12
@@ -17,7 +17,7 @@
 line 17
 line 18
 line 19
-line 20
+other 20
 line 21
 line 22
 line 23
`
	if got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

// TestLineDiffApplies gives differences to git, which must make the new version
// of them.
func TestLineDiffApplies(t *testing.T) {
	git, err := exec.LookPath("git")
	if err != nil {
		t.Skip("there is no git here")
	}
	for name, texts := range map[string][2]string{
		"far apart":         {numbered(40), numbered(40, 1, 20, 40)},
		"just one hunk":     {numbered(20), numbered(20, 5, 12)},
		"just two hunks":    {numbered(20), numbered(20, 5, 13)},
		"no newline before": {"a\nb", "a\nb\n"},
		"no newline after":  {"a\nb\n", "a\nb"},
		"from nothing":      {"", "a\nb\n"},
		"lines taken out":   {numbered(9), numbered(3)},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			file := filepath.Join(dir, "a.hcl")
			if err := os.WriteFile(file, []byte(texts[0]), 0o644); err != nil {
				t.Fatal(err)
			}
			diff := lineDiff("a.hcl", texts[0], texts[1])
			cmd := exec.Command(git, "apply", "-")
			cmd.Dir, cmd.Stdin = dir, strings.NewReader(diff)
			cmd.Env = append(os.Environ(), "GIT_CEILING_DIRECTORIES="+filepath.Dir(dir))
			if out, err := cmd.CombinedOutput(); err != nil {
				t.Fatalf("%v: %s\n%s", err, out, diff)
			}
			if got, err := os.ReadFile(file); err != nil || string(got) != texts[1] {
				t.Errorf("got %q, %v, want %q, of\n%s", got, err, texts[1], diff)
			}
		})
	}
}
