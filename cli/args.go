package cli

import (
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// longFlags turns -name and -name=value into --name and --name=value where
// name is a long flag of some command: Terraform's users type one dash.
// Shorthands, which are single letters, and everything after -- stay.
func longFlags(root *cobra.Command, args []string) []string {
	names := map[string]bool{"help": true, "version": true}
	var collect func(cmd *cobra.Command)
	collect = func(cmd *cobra.Command) {
		add := func(f *pflag.Flag) { names[f.Name] = true }
		cmd.Flags().VisitAll(add)
		cmd.PersistentFlags().VisitAll(add)
		for _, sub := range cmd.Commands() {
			collect(sub)
		}
	}
	collect(root)
	out := slices.Clone(args)
	for i, arg := range out {
		if arg == "--" {
			break
		}
		if !strings.HasPrefix(arg, "-") || strings.HasPrefix(arg, "--") {
			continue
		}
		name, _, _ := strings.Cut(arg[1:], "=")
		if len(name) > 1 && names[name] {
			out[i] = "-" + arg
		}
	}
	return out
}

// extraArgs are the words of STORYFORM_CLI_ARGS and STORYFORM_CLI_ARGS_name,
// which are put behind the command's name, such as "state list", where blanks
// and dashes become underscores. Quotes group words as in a shell.
func extraArgs(env *Env, command string) []string {
	extra := splitWords(env.Getenv("STORYFORM_CLI_ARGS"))
	name := strings.NewReplacer("-", "_", " ", "_").Replace(command)
	return append(extra, splitWords(env.Getenv("STORYFORM_CLI_ARGS_"+name))...)
}

// splitWords splits at blanks outside of single and double quotes.
func splitWords(s string) []string {
	var words []string
	var word strings.Builder
	inWord, quote := false, rune(0)
	for _, r := range s {
		switch {
		case quote != 0 && r == quote:
			quote = 0
		case quote == 0 && (r == '\'' || r == '"'):
			quote, inWord = r, true
		case quote == 0 && (r == ' ' || r == '\t' || r == '\n'):
			if inWord {
				words = append(words, word.String())
				word.Reset()
				inWord = false
			}
		default:
			word.WriteRune(r)
			inWord = true
		}
	}
	if inWord {
		words = append(words, word.String())
	}
	return words
}
