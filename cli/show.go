package cli

import (
	"context"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"storyform/config"
	"storyform/internal/diag"
	"storyform/plan"
	"storyform/render"
	"storyform/state"
)

// showCommand shows a saved plan or the state.
func showCommand(a *app) *cobra.Command {
	var f configFlags
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "show [PLANFILE]",
		Short: "Show a saved plan, or the state",
		Long: `Shows a plan that plan --out has saved; without a PLANFILE, what the state knows
of every story. --json prints the whole document, for scripts.`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) == 1 {
				return a.showPlanFile(args[0], asJSON)
			}
			return a.showState(cmd.Context(), &f, asJSON)
		},
	}
	f.register(cmd.Flags())
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return cmd
}

// showPlanFile shows a saved plan.
func (a *app) showPlanFile(name string, asJSON bool) error {
	p, err := a.loadPlan("show", name)
	if err != nil {
		return err
	}
	if asJSON {
		return render.JSON(a.Stdout, p)
	}
	return a.showPlan(p)
}

// showState shows the state.
func (a *app) showState(ctx context.Context, f *configFlags, asJSON bool) error {
	cfg, doc, err := a.stateOf(ctx, f)
	if err != nil {
		return err
	}
	if asJSON && doc.Serial == 0 {
		return render.Value(a.Stdout, &state.Document{Version: state.FormatVersion, Stories: []state.Entry{}}) // never written
	}
	if asJSON {
		data, err := state.Encode(doc)
		if err != nil {
			return fail("State can't be written", "%v", err)
		}
		a.printf("%s", data)
		return nil
	}
	return render.State(a.Stdout, doc, a.zonedOptions(cfg))
}

// zonedOptions are the options for screens that show times of Pages.
func (a *app) zonedOptions(cfg *config.Config) render.Options {
	o := a.renderOptions(a.StdoutTerminal)
	o.Zone = zones(cfg.Pages)
	return o
}

// stateOf reads the configuration and its state. Where there is neither, the
// folder is probably not the one that was meant, and that nothing is live would
// be a wrong answer.
func (a *app) stateOf(ctx context.Context, f *configFlags) (*config.Config, *state.Document, error) {
	cfg, store, err := a.storeOf(ctx, f)
	if err != nil {
		return nil, nil, err
	}
	doc, err := a.readState(ctx, store)
	if err == nil && doc.Serial == 0 && !a.hasConfig() {
		err = fail("No configuration and no state", "The folder has no files that end in \".story.hcl\", and no state. Name the folder that has them with --chdir, or run \"storyform init\" to begin with an example.")
	}
	return cfg, doc, err
}

// storeOf reads the configuration and opens the state that it names. In a
// folder without a configuration that is the default one.
func (a *app) storeOf(ctx context.Context, f *configFlags) (*config.Config, state.Store, error) {
	if !a.hasConfig() {
		store, err := a.openPlanStore(ctx, plan.Settings{})
		return &config.Config{Dir: a.dir()}, store, err
	}
	cfg, diags := a.loadAll(ctx, f, nil)
	switch {
	case diags.HasErrors() && !onlyStories(diags):
		return nil, nil, failWith(diags)
	case diags.HasErrors():
		a.diagnose(diag.Diagnostics{diag.Warnf("Configuration has errors", "storyform validate shows them. They are about stories, and not about where the state is.")})
	}
	store, err := a.openStore(ctx, cfg)
	return cfg, store, err
}

// onlyStories reports whether all errors are about single stories. Then the
// Pages and the backend are what the configuration says, and a draft with a
// mistake keeps nobody from looking at the state or from releasing its lock. A
// list that was cut off may hide another error.
func onlyStories(ds diag.Diagnostics) bool {
	return !slices.ContainsFunc(ds, func(d diag.Diagnostic) bool {
		return d.Severity == diag.Error && !strings.HasPrefix(d.Address, "story.") || d.Summary == "Too many problems"
	})
}
