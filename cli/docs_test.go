package cli

import (
	"flag"
	"fmt"
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
		if cmd.Example != "" {
			b.WriteString("```sh\n" + strings.TrimPrefix(strings.ReplaceAll(cmd.Example, "\n  ", "\n"), "  ") + "\n```\n\n")
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
		checkProof(t, cells)
	}
	if rows < 130 {
		t.Errorf("got %d rows, want at least 130", rows)
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

// checkProof checks that what stands behind a row is words, or files that
// exist and show what the row says: every flag of Terraform's in it, or else
// one of the words of the row.
func checkProof(t *testing.T, cells []string) {
	t.Helper()
	if strings.TrimSpace(cells[2]) == "" {
		t.Errorf("row %s has neither a test nor a reason", cells[0])
	}
	var proof strings.Builder
	for _, name := range regexp.MustCompile(`[a-z_/]+\.(?:txtar|go)`).FindAllString(cells[2], -1) {
		path := filepath.Join("..", name)
		if strings.HasSuffix(name, ".txtar") {
			path = filepath.Join("..", "testdata", "script", name)
		}
		text, err := os.ReadFile(path)
		if err != nil {
			t.Errorf("there is no %s", name)
		}
		proof.Write(text)
	}
	if proof.Len() == 0 {
		return // the row gives a reason
	}
	one := false
	for i, word := range proofWords(cells[0], cells[1]) {
		shown := strings.Contains(proof.String(), word)
		one = one || shown
		if flag := strings.HasPrefix(word, "-") && i < len(proofWords(cells[0], "")); flag && !shown && !strings.Contains(cells[0], "-no-color") {
			t.Errorf("row %s: %s does not use %s", cells[0], cells[2], word)
		}
	}
	if !one {
		t.Errorf("row %s: %s shows none of %q", cells[0], cells[2], proofWords(cells[0], cells[1]))
	}
}

// proofWords are what a script has of the words of a row: commands by their
// names, flags without their values, names of variables without what stands
// for any name, exit codes as scripts expect them.
func proofWords(cells ...string) []string {
	var out []string
	for _, cell := range cells {
		for _, m := range regexp.MustCompile("`([^`]+)`").FindAllStringSubmatch(cell, -1) {
			word := strings.TrimPrefix(m[1], "storyform ")
			switch name, _, _ := strings.Cut(word, "="); {
			case regexp.MustCompile(`^[0-9]+$`).MatchString(word):
				out = append(out, "exec-code "+word, map[string]string{"0": "exec storyform", "1": "! exec storyform"}[word])
			case strings.HasPrefix(word, "-"):
				out = append(out, name)
			default:
				word, _, _ = strings.Cut(word, " -")
				out = append(out, strings.TrimPrefix(strings.TrimSuffix(word, "name"), "*"))
			}
		}
	}
	return slices.DeleteFunc(out, func(w string) bool { return w == "" })
}

// TestProofs makes sure that the test above can fail.
func TestProofs(t *testing.T) {
	for _, test := range []struct {
		first, second string
		want          []string
	}{
		{" `plan` ", " `storyform plan -out=FILE` ", []string{"plan", "plan"}},
		{" `-lock=false`, `-id` ", " answered ", []string{"-lock", "-id"}},
		{" `TF_VAR_name` ", " `STORYFORM_VAR_name` ", []string{"TF_VAR_", "STORYFORM_VAR_"}},
		{" `1` on a lock ", " 5 ", []string{"exec-code 1", "! exec storyform"}},
		{" `*.auto.tfvars` ", " `*.auto.vars.hcl` ", []string{".auto.tfvars", ".auto.vars.hcl"}},
	} {
		if diff := cmp.Diff(test.want, proofWords(test.first, test.second)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", test.first, diff)
		}
	}
}
