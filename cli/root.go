package cli

import (
	"context"
	"path/filepath"
	"slices"

	"github.com/spf13/cobra"

	"storyform/internal/diag"
	"storyform/render"
)

// app is one invocation: the world and the flags that every command has.
type app struct {
	Env
	chdir   string
	noColor bool
	sandbox bool
	// sources are the configuration's files, for snippets in diagnostics.
	sources map[string][]byte
	// events is where plan and apply tell what happens as lines of JSON.
	events events
	// annotations are the diagnostics so far, for GitHub Actions.
	annotations diag.Diagnostics
	// cleanup is what must be closed before the program ends.
	cleanup []func()
}

// commands lists the constructors of all commands, in the order of the help.
// A new command is a file with its constructor and a row here.
var commands = []func(*app) *cobra.Command{
	validateCommand, fmtCommand, planCommand, applyCommand, showCommand,
	statusCommand, storiesCommand, historyCommand, mediaCommand, stateCommand, importCommand, resolveCommand, forceUnlockCommand,
	explainCommand, sandboxCommand, versionCommand,
}

// Main runs the program and returns its exit code.
func Main(ctx context.Context, env Env) int {
	a := &app{Env: env}
	defer func() {
		for _, f := range slices.Backward(a.cleanup) {
			f()
		}
	}()
	root := a.root()
	root.SetArgs(a.arguments(root))
	err := root.ExecuteContext(ctx)
	if err == nil {
		return 0
	}
	exit := asExit(err)
	a.diagnose(exit.diags)
	return exit.code
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
	flags := root.PersistentFlags()
	flags.StringVar(&a.chdir, "chdir", "", "work in this folder instead of the current one")
	flags.BoolVar(&a.noColor, "no-color", false, "print without colours")
	flags.BoolVar(&a.sandbox, "sandbox", false, "use the built-in simulator instead of Facebook, with a state of its own")
	for _, command := range commands {
		root.AddCommand(command(a))
	}
	return root
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
	cmd, _, err := root.Find(args)
	if err != nil || cmd == root {
		return args
	}
	top := cmd
	for top.Parent() != root {
		top = top.Parent()
	}
	at := slices.Index(args, cmd.CalledAs())
	if at < 0 {
		at = slices.Index(args, cmd.Name())
	}
	if at < 0 {
		return args
	}
	return slices.Insert(args, at+1, longFlags(root, extraArgs(&a.Env, top.Name()))...)
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
		render.Diagnostics(a.Stderr, ds, a.sources, a.renderOptions(a.StderrTerminal))
	}
}

// renderOptions are the options for output to a stream.
func (a *app) renderOptions(terminal bool) render.Options {
	return render.Options{Color: a.color(terminal), Width: a.Width, Now: a.Clock.Now(), Boxed: terminal}
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
