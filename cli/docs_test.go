package cli

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

var update = flag.Bool("update", false, "rewrite documents that are made from the code")

// golden compares a document of ../docs with what it is made from.
func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("..", "docs", name)
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("docs/%s is out of date; run go test ./cli -update (-want +got):\n%s", name, diff)
	}
}

// TestCommandsDocument keeps docs/commands.md as the command tree says.
func TestCommandsDocument(t *testing.T) {
	root := (&app{}).root()
	root.InitDefaultCompletionCmd()
	var b strings.Builder
	b.WriteString("# Commands\n\nMade from the program by `go test ./cli -update`. Long flags work with one dash, too, as in Terraform.\n\n" +
		"Every command takes:\n\n" + flagTable(root.PersistentFlags()) + "\n")
	each(root, func(cmd *cobra.Command) {
		if cmd == root || !cmd.IsAvailableCommand() || cmd.HasParent() && cmd.Parent().Name() == "completion" {
			return
		}
		use := cmd.UseLine()
		if cmd.HasAvailableSubCommands() {
			use = cmd.CommandPath() + " COMMAND"
		}
		fmt.Fprintf(&b, "## %s\n\n%s.\n\n```\n%s\n```\n\n", strings.TrimPrefix(cmd.CommandPath(), "storyform "), cmd.Short, use)
		if cmd.Long != "" && cmd.Name() != "completion" {
			b.WriteString("```text\n" + strings.TrimSpace(cmd.Long) + "\n```\n\n")
		}
		if table := flagTable(cmd.LocalNonPersistentFlags()); table != "" {
			b.WriteString(table + "\n")
		}
	})
	golden(t, "commands.md", strings.TrimSpace(b.String())+"\n")
}

// flagTable lists the flags that the help shows.
func flagTable(flags *pflag.FlagSet) string {
	var b strings.Builder
	flags.VisitAll(func(f *pflag.Flag) {
		if f.Hidden || f.Name == "help" {
			return
		}
		kind, usage := pflag.UnquoteUsage(f)
		name := "`--" + f.Name
		if kind != "" {
			name += " " + strings.ReplaceAll(kind, "|", "\\|")
		}
		if f.DefValue != "" && f.DefValue != "false" && f.DefValue != "[]" && f.DefValue != "0" && f.DefValue != "0s" {
			usage += " (default " + f.DefValue + ")"
		}
		fmt.Fprintf(&b, "| %s` | %s |\n", name, strings.ReplaceAll(usage, "|", "\\|"))
	})
	if b.Len() == 0 {
		return ""
	}
	return "| flag | |\n|---|---|\n" + b.String()
}

// TestBackendsDocument checks that docs/backends.md has the arguments of every
// backend, as the program describes them. With -update it writes them there.
func TestBackendsDocument(t *testing.T) {
	path := filepath.Join("..", "docs", "backends.md")
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	want := string(text)
	for name, b := range backends {
		var table strings.Builder
		table.WriteString("| argument | |\n|---|---|\n")
		for _, a := range b.arguments() {
			required := ""
			if a.Required {
				required = " (required)"
			}
			fmt.Fprintf(&table, "| `%s`%s | %s |\n", a.Name, required, a.Description)
		}
		section := regexp.MustCompile(`(?s)(\n## ` + name + `\n.*?\n)(?:ARGUMENTS \w+\n|\| argument \|.*?\n\n|\| argument \|[^#]*$)`)
		if !section.MatchString(want) {
			t.Errorf("docs/backends.md has no section with the arguments of %s", name)
			continue
		}
		want = section.ReplaceAllStringFunc(want, func(old string) string {
			head := section.FindStringSubmatch(old)[1]
			end := ""
			if strings.HasSuffix(old, "\n\n") {
				end = "\n"
			}
			return head + table.String() + end
		})
	}
	golden(t, "backends.md", want)
}

// TestTerraformDocument checks that docs/terraform.md names only commands and
// flags that there are, and that every row names its test or gives a reason.
func TestTerraformDocument(t *testing.T) {
	text, err := os.ReadFile(filepath.Join("..", "docs", "terraform.md"))
	if err != nil {
		t.Fatal(err)
	}
	root := (&app{}).root()
	root.InitDefaultCompletionCmd()
	rows := 0
	for i, line := range strings.Split(string(text), "\n") {
		cells := regexp.MustCompile(`(?:[^|\\]|\\.)+`).FindAllString(line, -1)
		if !strings.HasPrefix(line, "| `") {
			continue
		}
		rows++
		if len(cells) != 3 {
			t.Errorf("line %d has %d cells, want 3: %s", i+1, len(cells), line)
			continue
		}
		for _, m := range regexp.MustCompile("`storyform ([^`]+)`").FindAllStringSubmatch(cells[1], -1) {
			checkCommandLine(t, root, m[1])
		}
		checkProof(t, cells[2])
	}
	if rows < 60 {
		t.Errorf("got %d rows, want at least 60", rows)
	}
	for _, w := range words {
		if !strings.Contains(string(text), "| `"+w.name) {
			t.Errorf("docs/terraform.md does not tell about %s", w.name)
		}
	}
	for _, f := range foreignFlags {
		if !strings.Contains(string(text), "`-"+f.name) {
			t.Errorf("docs/terraform.md does not tell about -%s", f.name)
		}
	}
}

// checkCommandLine checks that a command exists with the flags after it.
func checkCommandLine(t *testing.T, root *cobra.Command, line string) {
	t.Helper()
	words := longFlags(root, strings.Fields(line))
	cmd, at := commandAt(root, words)
	if cmd == root && !strings.HasPrefix(words[0], "-") {
		t.Errorf("there is no storyform %s", line)
		return
	}
	for _, w := range words[at:] {
		name, isFlag := strings.CutPrefix(w, "--")
		name, _, _ = strings.Cut(name, "=")
		if isFlag && cmd.Flags().Lookup(name) == nil && root.PersistentFlags().Lookup(name) == nil {
			t.Errorf("storyform %s: there is no flag --%s", line, name)
		}
	}
}

// checkProof checks that what stands behind a row is a script that exists, or
// words.
func checkProof(t *testing.T, cell string) {
	t.Helper()
	if strings.TrimSpace(cell) == "" {
		t.Error("a row has neither a test nor a reason")
	}
	for _, name := range regexp.MustCompile(`[a-z_/]+\.(?:txtar|go)`).FindAllString(cell, -1) {
		path := filepath.Join("..", name)
		if strings.HasSuffix(name, ".txtar") {
			path = filepath.Join("..", "testdata", "script", name)
		}
		if _, err := os.Stat(path); err != nil {
			t.Errorf("there is no %s", name)
		}
	}
}
