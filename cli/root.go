package cli

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"runtime/debug"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"storyform/internal/diag"
	"storyform/render"
	"storyform/state"
)

// app is one invocation: the world and the flags that every command has.
type app struct {
	Env
	screens *screens
	chdir   string
	noColor bool
	sandbox bool
	// verbose shows everything about a plan, and every warning.
	verbose bool
	// lockTimeout is how long to wait for somebody else's lock of the state.
	lockTimeout time.Duration
	// sources are the configuration's files, for snippets in diagnostics.
	sources map[string][]byte
	// enclosing names the block around a place in them; nil before they are read.
	enclosing func(diag.Range) string
	// warnings are what was said of the configuration when it was read.
	warnings diag.Diagnostics
	// events is where plan and apply tell what happens as lines of JSON.
	events events
	// annotations are the diagnostics so far, for GitHub Actions.
	annotations diag.Diagnostics
	// tokenEnvs are the names of variables that hold tokens.
	tokenEnvs []string
	// stores are the states that are open, by their places.
	stores map[string]state.Store
	// here is the place that is in use, as this folder remembered it before it
	// read the state; nil with --sandbox.
	here *rememberedPlace
	// cleanup is what must be closed before the program ends.
	cleanup []func()
}

// commands lists the constructors of all commands, in the order of the help.
// A new command is a file with its constructor and a row here.
var commands = []func(*app) *cobra.Command{
	initCommand, validateCommand, fmtCommand, planCommand, applyCommand, showCommand,
	statusCommand, storiesCommand, historyCommand, mediaCommand, stateCommand, importCommand, resolveCommand, forceUnlockCommand,
	outputCommand, consoleCommand, graphCommand, doctorCommand, explainCommand, sandboxCommand, manCommand, versionCommand,
}

// The groups of commands in the help, and which commands are in the first.
const (
	mainGroup  = "main"
	otherGroup = "other"
)

var mainCommands = []string{"init", "validate", "plan", "apply", "status", "stories"}

// Main runs the program and returns its exit code.
func Main(ctx context.Context, env Env) (code int) {
	a := &app{Env: env}
	a.screens = a.share()
	a.Stdin = &stdin{env.Stdin, env.Stop}
	defer func() {
		if v := recover(); v != nil {
			code = a.crashed(v, debug.Stack())
		}
	}()
	defer func() {
		for _, f := range slices.Backward(a.cleanup) {
			f()
		}
		a.annotate()
	}()
	root := a.root()
	root.SetArgs(completeFlags(root, a.arguments(root)))
	err := root.ExecuteContext(ctx)
	if err == nil {
		return 0
	}
	exit := asExit(flagGroups(unknownCommand(root, err)))
	a.diagnose(exit.diags)
	return exit.code
}

// unknownCommand tells cobra's complaint about an unknown word in ours.
func unknownCommand(root *cobra.Command, err error) error {
	rest, ok := strings.CutPrefix(err.Error(), "unknown command \"")
	if !ok {
		return err
	}
	word, _, _ := strings.Cut(rest, "\"")
	return group(root, []string{word})
}

// root is the command tree.
func (a *app) root() *cobra.Command {
	root := &cobra.Command{
		Use:           "storyform",
		Short:         "Publish Facebook Page Stories that are declared in files, exactly once",
		Long:          rootHelp,
		SilenceErrors: true,
		SilenceUsage:  true,
		Version:       Version(),
	}
	root.SetIn(a.Stdin)
	root.SetOut(a.Stdout)
	root.SetErr(a.Stderr)
	root.SetVersionTemplate(versionLine())
	root.AddGroup(&cobra.Group{ID: mainGroup, Title: "Main commands:"}, &cobra.Group{ID: otherGroup, Title: "All other commands:"})
	flags := root.PersistentFlags()
	flags.StringVar(&a.chdir, "chdir", "", "work in this `folder` instead of the current one")
	flags.BoolVar(&a.noColor, "no-color", false, "print without colours")
	flags.BoolVar(&a.sandbox, "sandbox", false, "use the built-in simulator instead of Facebook, with a state of its own")
	for _, command := range commands {
		cmd := command(a)
		cmd.GroupID = otherGroup
		if slices.Contains(mainCommands, cmd.Name()) {
			cmd.GroupID = mainGroup
		}
		root.AddCommand(cmd)
	}
	root.SetUsageFunc(usage)
	root.SetHelpCommand(helpCommand())
	root.SetHelpCommandGroupID(otherGroup)
	root.SetCompletionCommandGroupID(otherGroup)
	root.InitDefaultHelpCmd()
	root.InitDefaultCompletionCmd()
	addWords(root)
	each(root, (*cobra.Command).InitDefaultHelpFlag) // known before the command is looked for: -help plan is no flag with a value
	a.addLockTimeout(root)
	addForeignFlags(root)
	root.SetFlagErrorFunc(flagError)
	a.checkArgs(root)
	a.addCompletion(root)
	a.stopAtFirst(root)
	return root
}

// checkArgs tells wrong arguments of every command in the words of ours, with
// its usage.
func (a *app) checkArgs(cmd *cobra.Command) {
	for _, sub := range cmd.Commands() {
		a.checkArgs(sub)
	}
	check := cmd.Args
	if cmd.HasSubCommands() {
		cmd.Args, cmd.RunE = cobra.ArbitraryArgs, group
		return
	}
	if check == nil {
		return
	}
	cmd.Args = func(cmd *cobra.Command, args []string) error {
		if err := check(cmd, args); err != nil {
			return fail("Invalid command line", "%s\n\nUsage: %s", a.wrongArgs(cmd, args), cmd.UseLine())
		}
		return nil
	}
}

// wrongArgs says what is wrong with the arguments of a command. A folder among
// them is what older Terraforms took.
func (a *app) wrongArgs(cmd *cobra.Command, args []string) string {
	if len(args) > 0 {
		last := args[len(args)-1]
		if info, err := os.Stat(a.path(last)); err == nil && info.IsDir() {
			return fmt.Sprintf("%s takes no folder. To work in another one:\n    %s -chdir=%s %s", cmd.CommandPath(), cmd.Root().Name(), shellQuote(last), strings.TrimPrefix(cmd.CommandPath(), cmd.Root().Name()+" "))
		}
	}
	words := strings.Fields(cmd.Use)[1:]
	switch {
	case len(words) == 0:
		return fmt.Sprintf("%s takes no arguments, and got %q.", cmd.CommandPath(), args[0])
	case len(args) < len(words):
		return fmt.Sprintf("%s needs %s.", cmd.CommandPath(), strings.TrimSuffix(strings.Join(words[len(args):], " "), "..."))
	}
	return fmt.Sprintf("%s takes no more arguments than %s, and got %q, too.", cmd.CommandPath(), strings.Join(words, " "), args[len(args)-1])
}

// group is a command that has others below it: by itself it shows its help,
// and fails, because nothing was done.
func group(cmd *cobra.Command, args []string) error {
	if len(args) == 0 {
		_ = cmd.Help() // what can't be printed can't be told about
		return exit(1)
	}
	var names []string
	for _, sub := range cmd.Commands() {
		if sub.IsAvailableCommand() {
			names = append(names, sub.Name())
		}
	}
	return fail("Unknown command", "There is no %s %s.%s %s --help lists the commands.", cmd.CommandPath(), args[0], meant(args[0], names), cmd.CommandPath())
}

// upperFirst begins a sentence.
func upperFirst(s string) string {
	if s == "" {
		return s
	}
	return strings.ToUpper(s[:1]) + s[1:]
}

const rootHelp = `storyform publishes photos and videos as stories on Facebook Pages, as they are
declared in *.story.hcl files: plan shows what would be published, apply does
exactly that, once.

Exit codes: 0 done or nothing to do; 1 error, declined, missed; 2 changes are
pending (with --detailed-exitcode); 3 applied in part; 4 an outcome is unknown;
5 the state is locked; 130 interrupted.`

// arguments are the words to parse: those of the command line with the extra
// ones of the environment behind the command's name, and with Terraform's
// single dashes doubled.
func (a *app) arguments(root *cobra.Command) []string {
	args := longFlags(root, a.Args)
	cmd, at := commandAt(root, args)
	if cmd == root || cmd.DisableFlagParsing {
		return args
	}
	name := strings.TrimPrefix(cmd.CommandPath(), root.Name()+" ")
	return slices.Insert(args, at, longFlags(root, extraArgs(&a.Env, name))...)
}

// commandAt finds the command that args name, and the place behind its name.
func commandAt(root *cobra.Command, args []string) (cmd *cobra.Command, at int) {
	cmd = root
	for i := 0; i < len(args) && cmd.HasSubCommands(); i++ {
		arg := args[i]
		if flag, ok := strings.CutPrefix(arg, "--"); ok {
			if f := root.PersistentFlags().Lookup(flag); f != nil && f.NoOptDefVal == "" {
				i++ // its value is the next word
			}
			continue
		}
		j := slices.IndexFunc(cmd.Commands(), func(c *cobra.Command) bool { return c.Name() == arg })
		if j < 0 {
			break
		}
		cmd, at = cmd.Commands()[j], i+1
	}
	return cmd, at
}

// dir is the folder of the configuration.
func (a *app) dir() string {
	if filepath.IsAbs(a.chdir) {
		return filepath.Clean(a.chdir)
	}
	return filepath.Join(a.Dir, a.chdir)
}

// path resolves a path from the command line against the working folder,
// which --chdir changes.
func (a *app) path(name string) string {
	if filepath.IsAbs(name) {
		return name
	}
	return filepath.Join(a.dir(), name)
}

// diagnose tells diagnostics on standard error, or as lines of JSON.
func (a *app) diagnose(ds diag.Diagnostics) {
	a.events.tell(func(l *render.JSONLines) error { return l.Diagnostics(ds) })
	if a.events.alone {
		a.annotations = append(a.annotations, ds...)
		return
	}
	a.diagnoseText(ds)
}

// diagnoseText prints diagnostics to standard error only.
func (a *app) diagnoseText(ds diag.Diagnostics) {
	a.annotations = append(a.annotations, ds...)
	if len(ds) > 0 {
		a.screens.standApart()
		render.Diagnostics(a.Stderr, ds, a.sources, a.renderOptions(a.StderrTerminal))
		a.screens.standApart()
	}
}

// renderOptions are the options for output to a stream.
func (a *app) renderOptions(terminal bool) render.Options {
	return render.Options{Verbose: a.verbose, Color: a.color(terminal), Width: a.Width, Now: a.Clock.Now(), Boxed: terminal && !a.noColor && a.Getenv("TERM") != "dumb"}
}

// color decides whether a stream gets colours: see no-color.org and
// bixense.com/clicolors.
func (a *app) color(terminal bool) bool {
	if a.noColor {
		return false
	}
	if _, set := a.LookupEnv("NO_COLOR"); set && a.Getenv("NO_COLOR") != "" {
		return false
	}
	if truthy(a.Getenv("CLICOLOR_FORCE")) {
		return true
	}
	return terminal && a.Getenv("TERM") != "dumb"
}
