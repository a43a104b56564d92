package cli

import (
	"context"
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"storyform/config"
	"storyform/state"
)

// initFlags are the flags of init.
type initFlags struct {
	config               configFlags
	migrate, reconfigure bool
	forceCopy, input     bool
	backend              bool
	scaffold             scaffoldFlags
}

// initCommand makes a first configuration, or prepares the backend of the one
// that is there.
func initCommand(a *app) *cobra.Command {
	var f initFlags
	cmd := &cobra.Command{
		Use:   "init",
		Short: "Make a first configuration, or check folder and backend",
		Long: `In a folder without a configuration, writes one that works against the simulator
as it is, with a photo, a .gitignore and a workflow for CI. It never overwrites
a file.

Else it reads the configuration, opens the state that it names, and makes sure
that it can be written and that its backend keeps two runs apart: where a server
has to do that, a second write of one thing is tried, and must be refused. Runs
don't need it: there are no providers or modules to download, and the state is
made by the first apply.

When the backend block was changed, --migrate-state moves the state to the new
place. The old one is kept, and marked, so that no run publishes from it any
more. --reconfigure begins a state at the new place without the old one.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, args []string) error { return a.runInit(cmd.Context(), &f) },
	}
	f.config.register(cmd.Flags())
	flags := cmd.Flags()
	flags.BoolVar(&f.migrate, "migrate-state", false, "move the state to the backend that the configuration names now")
	flags.BoolVar(&f.reconfigure, "reconfigure", false, "begin a state in the backend that the configuration names now")
	flags.BoolVar(&f.forceCopy, "force-copy", false, "with --migrate-state: don't ask")
	flags.BoolVar(&f.backend, "backend", true, "open and probe the backend; --backend=false only reads the configuration")
	flags.BoolVar(&f.input, "input", true, "ask before the state is moved; --input=false fails instead")
	f.scaffold.register(flags)
	cmd.MarkFlagsMutuallyExclusive("migrate-state", "reconfigure")
	return cmd
}

// runInit is the command init.
func (a *app) runInit(ctx context.Context, f *initFlags) error {
	if !a.hasConfig() {
		return a.scaffold(&f.scaffold)
	}
	cfg, err := a.loadOfflineConfig(ctx, &f.config)
	if err != nil {
		return err
	}
	ready := "the configuration is valid"
	if f.backend {
		has, err := a.initState(ctx, f, cfg)
		if err != nil {
			return err
		}
		ready += ", and the state has " + has
	}
	a.printf("storyform is ready: %s.\n", ready)
	if !a.automated() {
		a.printf("\nNext: storyform plan shows what would be published.\n")
	}
	return nil
}

// initState prepares the state that a configuration names, and returns how much
// is in it.
func (a *app) initState(ctx context.Context, f *initFlags, cfg *config.Config) (has string, err error) {
	if !a.sandbox {
		if err := a.initBackend(ctx, f, placeOf(settings(cfg))); err != nil {
			return "", a.atBackend(cfg, err)
		}
	}
	store, err := a.openStore(ctx, cfg)
	if err != nil {
		return "", err
	}
	doc, err := a.readState(ctx, store)
	if err != nil {
		return "", err
	}
	verdict, what, do := encryption(store, cfg)
	if verdict == broken {
		return "", fail("State can't be encrypted", "%s.", upperFirst(what))
	}
	if what != "" {
		a.printf("%s.\n", upperFirst(what))
	}
	if do != "" {
		a.printf("What to do: %s.\n", do)
	}
	return count(len(doc.Stories), "story", "stories"), nil
}

// initBackend opens and probes a backend, and moves the state there from where
// it was before.
func (a *app) initBackend(ctx context.Context, f *initFlags, p place) error {
	store, err := a.openPlace(ctx, p)
	if err != nil {
		return err
	}
	if err := a.probe(ctx, store); err != nil {
		return err
	}
	was, err := a.formerPlace(ctx, p, store)
	if err != nil && !f.reconfigure {
		return err
	}
	switch {
	case f.reconfigure:
		a.writePlace(remembered(p, store)) // whatever was seen before
	case was != nil && was.foreign():
		if f.migrate {
			return fail("State of another lineage", "The state of this folder is in %s, with %s, and there is a state in %s already that has nothing in common with it: one would forget what the other has published. Nothing was moved.\n\n"+
				"To work with the one that is there:\n    storyform init -reconfigure", was.store, count(len(was.doc.Stories), "story", "stories"), store)
		}
	case was != nil:
		if err := a.agreeToMove(f, was, store); err != nil {
			return err
		}
		if err := a.migrate(ctx, was.store, store); err != nil {
			return err
		}
		a.printf("The state has been moved from %s to %s. The old one is kept, and marked as moved.\n", was.store, store)
	case f.migrate:
		a.printf("There is nothing to move: no other state of this folder is known, or it was moved already.\n")
	}
	a.rememberPlace(p, store)
	return nil
}

// probe makes sure that a backend keeps two writers apart, where it is one
// that can fail to.
func (a *app) probe(ctx context.Context, store state.Store) error {
	prober, ok := state.Find[interface {
		Probe(ctx context.Context) error
	}](store)
	if !ok {
		return nil
	}
	err := prober.Probe(ctx)
	if locked, ok := errors.AsType[*state.LockedError](err); ok {
		return a.locked(locked)
	}
	if err != nil {
		return fail("Backend can't be used", "%v.", err)
	}
	a.printf("The backend is ready: %s\n", store)
	return nil
}

// agreeToMove asks whether the state is to be moved, unless the flags say so.
func (a *app) agreeToMove(f *initFlags, was *former, store state.Store) error {
	asking := f.input && !envOff(a.Getenv("STORYFORM_INPUT"))
	switch {
	case f.migrate && f.forceCopy:
		return nil
	case !asking && !f.migrate, !asking && !f.forceCopy, !f.migrate && !a.StdinTerminal:
		if f.migrate {
			return fail("Nobody can be asked for approval", "Input is disabled, so moving the state needs --migrate-state with --force-copy.")
		}
		return backendChanged(was, store)
	}
	fmt.Fprintf(a.Stderr, `
Do you want to move the existing state to the new backend?
  %s has %s.
  They will be copied to %s, and the old state will be marked as moved:
  runs with the old configuration stop with an error from then on.
  Only 'yes' will be accepted to approve.

  Enter a value: `, was.store, count(len(was.doc.Stories), "story", "stories"), store)
	return a.saysYes("Init cancelled. The state was not moved.", "Moving the state needs --migrate-state with --force-copy.")
}
