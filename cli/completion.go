package cli

import (
	"io"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"storyform/config"
	"storyform/state"
	"storyform/story"
)

// completer lists what a word may be completed to.
type completer func(cmd *cobra.Command) []string

// addCompletion says what the arguments and flags of commands are completed
// to; a flag whose value is one of several words is completed to them. `storyform completion bash|zsh|fish` prints the script for a shell.
func (a *app) addCompletion(root *cobra.Command) {
	declared := func(cmd *cobra.Command) []string { return a.complete(cmd, declaredNames) }
	stories := func(cmd *cobra.Command) []string { return a.complete(cmd, storyNames) }
	known := func(cmd *cobra.Command) []string { return a.complete(cmd, knownNames) }
	arguments := map[string]completer{
		"import": stories, "resolve": known, "state list": known, "state show": known, "state rm": known, "state mv": known,
		"output":  func(cmd *cobra.Command) []string { return a.complete(cmd, outputNames) },
		"explain": func(*cobra.Command) []string { return explained() },
	}
	flags := map[string]completer{
		"target": declared, "exclude": declared,
		"page":  func(cmd *cobra.Command) []string { return a.complete(cmd, declaredPages) },
		"label": func(cmd *cobra.Command) []string { return a.complete(cmd, declaredLabels) },
	}
	_ = root.MarkPersistentFlagDirname("chdir")
	each(root, func(cmd *cobra.Command) {
		if !cmd.HasSubCommands() && cmd.Args != nil && cmd.Args(cmd, []string{"x"}) != nil && cmd.Args(cmd, []string{"x", "y"}) != nil {
			cmd.ValidArgsFunction = cobra.NoFileCompletions
		}
		if c := arguments[strings.TrimPrefix(cmd.CommandPath(), root.Name()+" ")]; c != nil {
			cmd.ValidArgsFunction = func(cmd *cobra.Command, _ []string, _ string) ([]string, cobra.ShellCompDirective) {
				return c(cmd), cobra.ShellCompDirectiveNoFileComp
			}
		}
		cmd.Flags().VisitAll(func(f *pflag.Flag) {
			c := flags[f.Name]
			if kind, _ := pflag.UnquoteUsage(f); strings.Contains(kind, "|") {
				c = func(*cobra.Command) []string { return strings.Split(kind, "|") }
			}
			if c == nil {
				return
			}
			_ = cmd.RegisterFlagCompletionFunc(f.Name, func(cmd *cobra.Command, _ []string, _ string) ([]string, cobra.ShellCompDirective) {
				return c(cmd), cobra.ShellCompDirectiveNoFileComp
			}) // fails only for a flag that isn't there
		})
	})
}

// completeFlags prepares what a shell asks for. The words about flags lose the
// quotes that name a value in help. A flag that was begun with one dash gets
// one dash: a shell drops what does not begin with what was typed.
func completeFlags(root *cobra.Command, args []string) []string {
	last := len(args) - 1
	if last < 1 || args[0] != cobra.ShellCompRequestCmd && args[0] != cobra.ShellCompNoDescRequestCmd {
		return args
	}
	word := args[last]
	single := len(word) > 1 && word[0] == '-' && word[1] != '-' && !strings.Contains(word, "=")
	root.SetOut(&flagLines{root.OutOrStdout(), single})
	if !single {
		return args
	}
	return append(slices.Clone(args[:last]), "-"+word)
}

// flagLines rewrites the lines of completions that begin with two dashes.
type flagLines struct {
	w      io.Writer
	single bool // leave one
}

// Write writes whole lines, as cobra prints them.
func (f *flagLines) Write(p []byte) (int, error) {
	var out strings.Builder
	for line := range strings.Lines(string(p)) {
		if strings.HasPrefix(line, "--") {
			line = strings.ReplaceAll(line, "`", "")
			if f.single {
				line = line[1:]
			}
		}
		out.WriteString(line)
	}
	if _, err := io.WriteString(f.w, out.String()); err != nil {
		return 0, err
	}
	return len(p), nil
}

// each calls visit for every command of a tree, parents first.
func each(cmd *cobra.Command, visit func(*cobra.Command)) {
	visit(cmd)
	for _, sub := range cmd.Commands() {
		each(sub, visit)
	}
}

// complete lists names from the configuration and the state. What can't be
// read completes to nothing: the command itself will say why.
func (a *app) complete(cmd *cobra.Command, names func(*config.Config, *state.Document) []string) []string {
	ctx := cmd.Context()
	cfg, _ := a.loadAll(ctx, &configFlags{}, nil)
	if cfg == nil {
		return nil
	}
	doc := &state.Document{}
	if store, err := a.openStore(ctx, cfg); err == nil {
		if d, err := a.readState(ctx, store); err == nil {
			doc = d
		}
	}
	out := names(cfg, doc)
	slices.Sort(out)
	return slices.Compact(out)
}

// typed is an address as it is easiest to type: without the quotes, which a
// shell would eat, where ParseAddress does without them.
func typed(a story.Address) string {
	short := a.Block().String() + "[" + a.Key + "]"
	if parsed, err := story.ParseAddress(short); a.Keyed && err == nil && parsed == a && !strings.ContainsAny(a.Key, " '\\$`!*?;&|<>(){}~#\t\n") {
		return short
	}
	return a.String()
}

// declaredNames are the addresses of stories and Pages, and of their blocks.
func declaredNames(cfg *config.Config, doc *state.Document) []string {
	out := append(declaredPages(cfg, doc), knownNames(cfg, doc)...)
	out = append(out, storyNames(cfg, doc)...)
	for i := range cfg.Stories {
		out = append(out, cfg.Stories[i].Address.Block().String())
	}
	return out
}

// storyNames are the addresses of declared stories.
func storyNames(cfg *config.Config, _ *state.Document) []string {
	var out []string
	for i := range cfg.Stories {
		out = append(out, typed(cfg.Stories[i].Address))
	}
	return out
}

// knownNames are the addresses that the state has.
func knownNames(_ *config.Config, doc *state.Document) []string {
	var out []string
	for i := range doc.Stories {
		out = append(out, typed(doc.Stories[i].Address))
	}
	return out
}

// declaredPages are the addresses of Pages.
func declaredPages(cfg *config.Config, _ *state.Document) []string {
	var out []string
	for i := range cfg.Pages {
		out = append(out, typed(cfg.Pages[i].Address))
	}
	return out
}

// declaredLabels are the labels of stories.
func declaredLabels(cfg *config.Config, _ *state.Document) []string {
	var out []string
	for i := range cfg.Stories {
		for name, value := range cfg.Stories[i].Labels {
			out = append(out, name+"="+value)
		}
	}
	return out
}

// outputNames are the names of outputs.
func outputNames(cfg *config.Config, _ *state.Document) []string {
	var out []string
	for i := range cfg.Outputs {
		out = append(out, cfg.Outputs[i].Name)
	}
	return out
}
