package cli

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// pagesForTest makes the manual pages of a tree of their own.
func pagesForTest(t *testing.T) map[string]string {
	t.Helper()
	pages, err := manPages((&app{}).root())
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]string{}
	for _, p := range pages {
		out[p.file] = string(p.text)
	}
	return out
}

// TestManPages holds the pages against the command tree: every command has
// one, with all of its flags and its sections in the usual order.
func TestManPages(t *testing.T) {
	pages := pagesForTest(t)
	root := (&app{}).root()
	root.InitDefaultCompletionCmd()
	each(root, func(cmd *cobra.Command) {
		if !cmd.IsAvailableCommand() && cmd != root {
			return
		}
		name := strings.ReplaceAll(cmd.CommandPath(), " ", "-") + ".1"
		page := pages[name]
		delete(pages, name)
		for _, want := range []string{`.TH "STORYFORM`, `"1" "Nov 2026" "storyform ` + release + `"`, "\n.SH EXIT STATUS\n", "\n.SH ENVIRONMENT\n", "\n.SH SEE ALSO\n", "STORYFORM_CLI_ARGS"} {
			if !strings.Contains(page, want) {
				t.Errorf("%s lacks %q", name, want)
			}
		}
		cmd.LocalFlags().VisitAll(func(f *pflag.Flag) {
			if shown := strings.Contains(page, `\fB--`+f.Name+`\fP`); shown == f.Hidden {
				t.Errorf("%s: --%s is shown = %v", name, f.Name, shown)
			}
		})
		checkRoff(t, name, page)
	})
	for name := range pages {
		t.Errorf("%s is the page of no command", name)
	}
}

// checkRoff checks that a page uses only macros of man(7), has its sections
// in order and nothing left of Markdown.
func checkRoff(t *testing.T, name, page string) {
	t.Helper()
	last := -1
	for line := range strings.Lines(page) {
		line = strings.TrimSuffix(line, "\n")
		if title, ok := strings.CutPrefix(line, ".SH "); ok {
			rank := slices.Index(sections, strings.Trim(title, `"`))
			if rank <= last {
				t.Errorf("%s: section %s is unknown or out of order", name, title)
			}
			last = rank
		}
		if regexp.MustCompile(`^['.]`).MatchString(line) && !regexp.MustCompile(`^\.(TH|SH|PP|TP|EX|EE|RS|RE|nh)\b`).MatchString(line) {
			t.Errorf("%s has the macro %q", name, line)
		}
		if strings.Contains(line, "**") || strings.Contains(line, "``") || regexp.MustCompile(`(^|[^\\])\\[^&fe.-]`).MatchString(line) {
			t.Errorf("%s has text that is not as it was written: %q", name, line)
		}
	}
}

// TestManPagesAreReproducible makes them twice, in another year.
func TestManPagesAreReproducible(t *testing.T) {
	first := pagesForTest(t)
	t.Setenv("SOURCE_DATE_EPOCH", "1000000000")
	if diff := cmp.Diff(first, pagesForTest(t)); diff != "" {
		t.Errorf("(-first +second):\n%s", diff)
	}
}

// TestManRows checks that every row belongs to a command, and that no
// variable that the program reads is missing.
func TestManRows(t *testing.T) {
	root := (&app{}).root()
	root.InitDefaultCompletionCmd()
	var named strings.Builder
	for _, r := range slices.Concat(exitRows, environmentRows, fileRows) {
		named.WriteString(r.name + " ")
		found := false
		each(root, func(cmd *cobra.Command) {
			found = found || cmd.HasParent() && r.of(cmd, strings.TrimPrefix(cmd.CommandPath(), "storyform "))
		})
		if !found {
			t.Errorf("no command has %s: %s", r.name, r.commands)
		}
		for name := range strings.SplitSeq(r.commands, ",") {
			if cmd, _, err := root.Find(strings.Fields(name)); !strings.HasPrefix(name, "--") && (err != nil || name != "" && cmd == root) {
				t.Errorf("%s: there is no command %q", r.name, name)
			}
		}
	}
	files, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range regexp.MustCompile(`(?:Getenv|LookupEnv)\("((?:STORYFORM|TF)_[A-Z_]+)"`).FindAllStringSubmatch(string(text), -1) {
			if all := named.String() + environmentText(); !strings.HasSuffix(file, "_test.go") && !strings.Contains(all, m[1]) {
				t.Errorf("%s reads %s, which no manual page tells", file, m[1])
			}
		}
	}
}

// environmentText is what the rows about the environment say.
func environmentText() string {
	var b strings.Builder
	for _, r := range environmentRows {
		b.WriteString(r.text + " ")
	}
	return b.String()
}

// TestMarkdownText checks that plain text survives the generator.
func TestMarkdownText(t *testing.T) {
	for text, want := range map[string]string{
		"*.story.hcl and *.vars.hcl": `\*\.story\.hcl and \*\.vars\.hcl`,
		"a_b [c] <d> 1. -x":          `a\_b \[c\] \<d\> 1\. \-x`,
		"x:\n\n    a | b *":          "x:\n\n    a | b *",
	} {
		if got := markdownText(text); got != want {
			t.Errorf("%q: got %q, want %q", text, got, want)
		}
	}
}
