package cli

import (
	"bytes"
	"cmp"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/cobra/doc"
	"github.com/spf13/pflag"

	"storyform/internal/atomicfile"
)

// manCommand writes the manual pages.
func manCommand(a *app) *cobra.Command {
	return &cobra.Command{
		Use:   "man [FOLDER]",
		Short: "Write the manual pages of all commands to a folder",
		Long: `Writes a page of section 1 for every command, made from the same tree as the
help, and makes the folder if need be. The pages of one release are always the
same bytes. Without a folder it prints the page of storyform itself.

    storyform man /usr/local/share/man/man1
    storyform man | man -l -`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			pages, err := manPages(cmd.Root())
			if err != nil {
				return fail("Manual pages can't be made", "%v", err)
			}
			if len(args) == 0 {
				_, err := a.Stdout.Write(pages[0].text)
				return err
			}
			return a.writeManPages(args[0], pages)
		},
	}
}

// writeManPages writes pages to a folder, which is made if need be.
func (a *app) writeManPages(folder string, pages []manPage) error {
	if err := os.MkdirAll(a.path(folder), 0o755); err != nil {
		return fail("Manual pages can't be written", "%v", err)
	}
	for _, p := range pages {
		if err := atomicfile.Write(filepath.Join(a.path(folder), p.file), p.text, 0o644); err != nil {
			return fail("Manual pages can't be written", "%v", err)
		}
	}
	a.printf("Wrote %s to %s.\n", count(len(pages), "manual page", "manual pages"), folder)
	return nil
}

// manPage is one page, and the name of its file.
type manPage struct {
	file string
	text []byte
}

// manPages makes the pages of a command tree, that of storyform itself first.
// The tree is of no other use afterwards.
func manPages(root *cobra.Command) ([]manPage, error) {
	root.InitDefaultCompletionCmd()
	root.DisableAutoGenTag = true
	var pages []manPage
	var failed error
	each(root, func(cmd *cobra.Command) {
		if !cmd.IsAvailableCommand() && cmd != root {
			return
		}
		var b bytes.Buffer
		prepareForMan(cmd)
		month := releaseMonth
		err := doc.GenMan(cmd, &doc.GenManHeader{Section: "1", Date: &month, Source: "storyform " + release, Manual: "storyform manual"}, &b)
		failed = cmp.Or(failed, err)
		name := strings.ReplaceAll(cmd.CommandPath(), " ", "-")
		pages = append(pages, manPage{name + ".1", sortSections(optionLists.ReplaceAllString(b.String(), ".TP\n$1\n"))})
	})
	return pages, failed
}

// releaseMonth is the date of the manual pages, which must not be today's:
// pages made from one release are the same everywhere.
var releaseMonth = time.Date(2026, time.November, 1, 0, 0, 0, 0, time.UTC)

// prepareForMan brings a command into the form that cobra's generator wants:
// its texts are Markdown, and a flag shows what stands as its default value.
// What the generator has no section for follows the description.
func prepareForMan(cmd *cobra.Command) {
	cmd.Long = markdownText(cmp.Or(cmd.Long, cmd.Short+"."))
	if !cmd.HasParent() {
		cmd.Long = markdownText(strings.Split(rootHelp, "\n\nExit codes")[0]) // they have a section
	}
	cmd.Long += manSections(cmd)
	if cmd.HasAvailableSubCommands() {
		cmd.Use = cmd.Name() + " COMMAND"
	}
	if cmd.Example != "" {
		cmd.Example = strings.TrimSpace(strings.ReplaceAll(cmd.Example, "\n  ", "\n"))
	}
	show := func(f *pflag.Flag) {
		kind, usage := pflag.UnquoteUsage(f)
		f.Usage = markdownText(upperFirst(usage))
		if !strings.HasSuffix(usage, "?") {
			f.Usage += markdownText(".")
		}
		if f.Value.Type() == "bool" {
			return
		}
		if d := f.DefValue; d != "" && d != "[]" && d != "0" && d != "0s" {
			f.Usage += " The default is " + markdownText(d) + "."
		}
		if f.DefValue = kind; !strings.Contains(kind, "|") { // which lists words as they are typed
			f.DefValue = strings.ToUpper(cmp.Or(kind, "value"))
		}
		f.Value = shown{f.Value}
	}
	cmd.NonInheritedFlags().VisitAll(show)
}

// shown is a flag's value in a manual page: not a string, which would be put
// between quotes.
type shown struct{ pflag.Value }

// Type is no word that the generator knows.
func (shown) Type() string { return "" }

// markdownText is a plain text as Markdown that reads the same: every
// character that could mean something is escaped, except in paragraphs that
// are indented, which are code in both.
func markdownText(s string) string {
	lines := strings.Split(s, "\n")
	for i, line := range lines {
		if !strings.HasPrefix(line, "    ") && !strings.HasPrefix(line, "\t") {
			lines[i] = markdownSpecial.ReplaceAllString(line, `\$0`)
		}
	}
	return strings.Join(lines, "\n")
}

var markdownSpecial = regexp.MustCompile("[][\\\\`*_{}()#+.!<>|~-]")

// manSections are the sections that the generator doesn't know, as Markdown.
func manSections(cmd *cobra.Command) string {
	name := strings.TrimPrefix(cmd.CommandPath(), "storyform ")
	var b strings.Builder
	section := func(title string, rows []manRow) {
		var items strings.Builder
		for _, r := range rows {
			if r.of(cmd, name) {
				items.WriteString("\n\n**" + markdownText(r.name) + "**\n: " + markdownText(r.text))
			}
		}
		if items.Len() > 0 {
			b.WriteString("\n\n# " + title + items.String())
		}
	}
	section("EXIT STATUS", exitRows)
	section("ENVIRONMENT", environmentRows)
	section("FILES", fileRows)
	return b.String()
}

// optionLists finds the options of a page as the generator draws them, the
// text in the same paragraph and a false default behind the name; they are
// redrawn as the lists that the other sections are.
var optionLists = regexp.MustCompile(`(?m)(?:^\.PP\n)?^(\\fB-.*?)(?:\[=false\])?\n\t`)

// sections is the order of a manual page's sections, as man-pages(7) has it.
var sections = []string{
	"NAME", "SYNOPSIS", "DESCRIPTION", "OPTIONS", "OPTIONS INHERITED FROM PARENT COMMANDS", "EXIT STATUS", "ENVIRONMENT", "FILES", "EXAMPLE", "SEE ALSO",
}

// sortSections brings the sections of a page into that order.
func sortSections(page string) []byte {
	const mark = "\n.SH "
	head, rest, _ := strings.Cut(page, mark)
	parts := strings.Split(strings.TrimRight(rest, "\n"), mark)
	rank := func(part string) int {
		title, _, _ := strings.Cut(part, "\n")
		return slices.Index(sections, strings.Trim(title, `"`))
	}
	slices.SortStableFunc(parts, func(a, b string) int { return rank(a) - rank(b) })
	return []byte(head + mark + strings.Join(parts, mark) + "\n")
}
