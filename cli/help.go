package cli

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// helpWidth is how wide the lines of the help are: as its texts are written.
const helpWidth = 80

// usage prints what follows the description in the help: how a command is
// called, examples, and the commands and flags that it has.
func usage(cmd *cobra.Command) error {
	var b strings.Builder
	use := cmd.UseLine()
	if cmd.HasAvailableSubCommands() {
		use = cmd.CommandPath() + " COMMAND [flags]"
	}
	fmt.Fprintf(&b, "Usage:\n  %s\n", use)
	if cmd.Example != "" {
		fmt.Fprintf(&b, "\nExamples:\n%s\n", cmd.Example)
	}
	groups := cmd.Groups()
	if len(groups) == 0 {
		groups = []*cobra.Group{{Title: "Commands:"}}
	}
	for _, g := range groups {
		b.WriteString(commandList(cmd, g))
	}
	flagList(&b, "Flags", cmd.LocalFlags())
	flagList(&b, "Flags of every command", cmd.InheritedFlags())
	if cmd.HasAvailableSubCommands() {
		fmt.Fprintf(&b, "\n%s COMMAND --help tells more about a command.\n", cmd.CommandPath())
	}
	_, err := io.WriteString(cmd.OutOrStderr(), b.String())
	return err
}

// commandList lists the commands of a group, "" for none.
func commandList(cmd *cobra.Command, g *cobra.Group) string {
	var rows []string
	for _, sub := range cmd.Commands() {
		if sub.GroupID == g.ID && (sub.IsAvailableCommand() || sub.Name() == "help") {
			rows = append(rows, fmt.Sprintf("  %-12s %s\n", sub.Name(), sub.Short))
		}
	}
	if len(rows) == 0 {
		return ""
	}
	return "\n" + g.Title + "\n" + strings.Join(rows, "")
}

// flagList lists flags below a title, and nothing where there are none.
func flagList(b *strings.Builder, title string, flags *pflag.FlagSet) {
	if flags.HasAvailableFlags() {
		fmt.Fprintf(b, "\n%s:\n%s", title, flags.FlagUsagesWrapped(helpWidth))
	}
}

// helpCommand shows the help of a command: cobra's answers a name that there
// is not with the whole list, as if that had been asked for.
func helpCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "help [COMMAND]",
		Short: "Show what a command does, and its flags",
		ValidArgsFunction: func(cmd *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
			var names []string
			if parent, rest, err := cmd.Root().Find(args); err == nil && len(rest) == 0 {
				for _, sub := range parent.Commands() {
					if sub.IsAvailableCommand() {
						names = append(names, sub.Name()+"\t"+sub.Short)
					}
				}
			}
			return names, cobra.ShellCompDirectiveNoFileComp
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			target, rest, err := cmd.Root().Find(args)
			switch {
			case err != nil:
				return unknownCommand(cmd.Root(), err)
			case target.Hidden && target.RunE != nil: // a word of Terraform's, which is answered
				target.SetContext(cmd.Context())
				return target.RunE(target, nil)
			case len(rest) > 0 && target.HasSubCommands():
				return group(target, rest)
			}
			target.InitDefaultHelpFlag()
			target.InitDefaultVersionFlag()
			return target.Help()
		},
	}
}

// flagGroups tells what cobra says about flags that go together or not in words
// of ours; other errors stay what they are.
func flagGroups(err error) error {
	names := func(text string) string {
		text, _, _ = strings.Cut(text, "]")
		_, text, _ = strings.Cut(text, "[")
		words := strings.Fields(text)
		slices.Sort(words)
		return "--" + strings.Join(words, " and --")
	}
	_, set, exclude := strings.Cut(err.Error(), "set none of the others can be; ")
	switch {
	case exclude:
		return fail("Flags exclude each other", "%s can't be given together.", names(set))
	case strings.HasPrefix(err.Error(), "at least one of the flags in the group "):
		return fail("Flag is missing", "One of %s is needed.", names(err.Error()))
	}
	return err
}
