package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"storyform/config"
	"storyform/internal/diag"
	"storyform/plan"
	"storyform/state"
	"storyform/state/git"
	"storyform/state/httpstore"
	"storyform/state/local"
	"storyform/state/s3"
)

// Where the state is when no backend is declared, and where --sandbox keeps
// its own, both in the configuration's folder.
const (
	stateFile        = "storyform.state.json"
	sandboxFolder    = ".storyform"
	sandboxStateFile = sandboxFolder + "/sandbox.state.json"
)

// localBackend is the type of the backend where none is declared.
const localBackend = "local"

// backend is a place for states.
type backend struct {
	arguments func() []state.Argument
	// check tells what is wrong with arguments, before anything is opened.
	check func(args map[string]string, env func(string) string) error
	open  func(ctx context.Context, a *app, args map[string]string) (state.Store, error)
	// byEnv says that arguments may come from the environment, too, so that one
	// that is missing in the configuration isn't missed before it is needed.
	byEnv bool
}

// backends maps the types of backend blocks to what opens them. A new backend
// is a row.
var backends = map[string]backend{
	localBackend: {arguments: localArguments, check: checkLocal, open: openLocal},
	"s3": {arguments: s3.Arguments, check: s3.Check, open: func(ctx context.Context, a *app, args map[string]string) (state.Store, error) {
		return s3.Open(ctx, args, a.Getenv)
	}},
	"http": {arguments: httpstore.Arguments, check: httpstore.Check, byEnv: true, open: func(ctx context.Context, a *app, args map[string]string) (state.Store, error) {
		return httpstore.Open(ctx, args, a.Getenv)
	}},
	"git": {arguments: git.Arguments, check: git.Check, open: func(ctx context.Context, a *app, args map[string]string) (state.Store, error) {
		return git.Open(ctx, args, a.getenvForGit, a.dir())
	}},
}

// backendTypes lists the types of backend blocks, sorted.
func backendTypes() []string { return slices.Sorted(maps.Keys(backends)) }

// place is where a state is: a backend with its arguments, and whom it is
// encrypted for.
type place struct {
	kind       string
	args       map[string]string
	recipients []string
}

// placeOf is the place that settings name.
func placeOf(s plan.Settings) place {
	if s.Backend == "" {
		return place{kind: localBackend, recipients: s.Recipients}
	}
	return place{s.Backend, s.BackendArgs, s.Recipients}
}

// openStore opens the state of a configuration.
func (a *app) openStore(ctx context.Context, cfg *config.Config) (state.Store, error) {
	store, err := a.openPlanStore(ctx, settings(cfg))
	return store, a.atBackend(cfg, err)
}

// openPlanStore opens the state that settings name; with --sandbox, the
// simulator's own.
func (a *app) openPlanStore(ctx context.Context, s plan.Settings) (state.Store, error) {
	if a.sandbox {
		if err := os.MkdirAll(a.path(sandboxFolder), 0o755); err != nil {
			return nil, fail("Simulator's folder can't be made", "%v", err)
		}
		return a.openPlace(ctx, place{kind: localBackend, args: map[string]string{"path": sandboxStateFile}})
	}
	p := placeOf(s)
	store, err := a.openPlace(ctx, p)
	if err != nil {
		return nil, err
	}
	return store, a.checkBackendKept(ctx, p, store)
}

// getenvForGit is the environment without the tokens of Pages: git hands it on
// to whatever a user has configured.
func (a *app) getenvForGit(name string) string {
	if slices.Contains(a.tokenEnvs, name) {
		return ""
	}
	return a.Getenv(name)
}

// openPlace opens the state at a place. The same place twice is one store,
// which is closed when the program ends.
func (a *app) openPlace(ctx context.Context, p place) (state.Store, error) {
	key := fmt.Sprintf("%s %q %q", p.kind, p.args, p.recipients) // the format sorts maps
	if store, ok := a.stores[key]; ok {
		return store, nil
	}
	b, ok := backends[p.kind]
	if !ok {
		return nil, fail("Unknown backend", "%s", unknownBackend(p.kind))
	}
	store, err := b.open(ctx, a, p.args)
	if _, ok := errors.AsType[*exitError](err); ok {
		return nil, err
	}
	if err != nil {
		return nil, fail("Backend can't be used", "%s", sentence(err))
	}
	if closer, ok := store.(io.Closer); ok {
		a.cleanup = append(a.cleanup, func() { closer.Close() }) // only temporary files can be left
	}
	if !a.sandbox {
		if store, err = a.encrypted(store, p.recipients); err != nil {
			return nil, err
		}
	}
	if a.stores == nil {
		a.stores = map[string]state.Store{}
	}
	a.stores[key] = store
	return store, nil
}

// sentence is an error as a sentence of its own.
func sentence(err error) string {
	text := upperFirst(err.Error())
	if strings.HasSuffix(text, "?") {
		return text
	}
	return text + "."
}

// unknownBackend says which backends there are.
func unknownBackend(kind string) string {
	names := backendTypes()
	return fmt.Sprintf("There is no backend %q; this storyform knows: %s.%s", kind, strings.Join(names, ", "), meant(kind, names))
}

// checkBackend holds the backend block of a configuration against what its
// backend takes, unless something is known to be wrong with it.
func (a *app) checkBackend(cfg *config.Config, known diag.Diagnostics) diag.Diagnostics {
	block := cfg.Settings.Backend
	if block == nil || wrongArguments(block, known) {
		return nil
	}
	b, ok := backends[block.Type]
	if !ok {
		return diag.Diagnostics{diag.Errorf("Unknown backend", "%s", unknownBackend(block.Type)).At(block.Range)}
	}
	err := b.check(block.Args, a.Getenv)
	if err == nil {
		return nil
	}
	at := block.Range
	if wrong, ok := errors.AsType[*state.ArgumentError](err); ok {
		if wrong.Missing && b.byEnv {
			return nil
		}
		if r, ok := block.ArgRanges[wrong.Name]; ok {
			at = r
		}
	}
	return diag.Diagnostics{diag.Errorf("Invalid backend argument", "%s", sentence(err)).At(at)}
}

// wrongArguments reports whether one of ds is about an argument of a block.
func wrongArguments(block *config.Backend, ds diag.Diagnostics) bool {
	return slices.ContainsFunc(ds, func(d diag.Diagnostic) bool {
		if d.Severity != diag.Error || d.Subject == nil {
			return false
		}
		for _, r := range block.ArgRanges {
			if r.Filename == d.Subject.Filename && r.Start.Line == d.Subject.Start.Line {
				return true
			}
		}
		return false
	})
}

// localArguments are the arguments of the local backend.
func localArguments() []state.Argument {
	return []state.Argument{{Name: "path", Description: "the state file, relative to the configuration's folder; \"" + stateFile + "\" by default"}}
}

// checkLocal checks the arguments of the local backend.
func checkLocal(args map[string]string, _ func(string) string) error {
	return state.CheckArguments(localBackend, localArguments(), args)
}

// openLocal opens a state file; its path is relative to the configuration.
func openLocal(_ context.Context, a *app, args map[string]string) (state.Store, error) {
	if err := checkLocal(args, nil); err != nil {
		return nil, err
	}
	name := args["path"]
	if name == "" {
		name = stateFile
	}
	if name = filepath.FromSlash(name); !filepath.IsAbs(name) {
		name = filepath.Join(a.chdir, name) // as short as people would write it
	}
	store, err := local.Open(name)
	if err != nil {
		return nil, stateFailure(err)
	}
	return store, nil
}

// readState reads the newest state, with what a killed run left in the
// journal. It takes no lock and writes nothing.
func (a *app) readState(ctx context.Context, store state.Store) (*state.Document, error) {
	session, err := state.Open(ctx, store, a.run(), a.Clock.Now)
	if err != nil {
		return nil, stateFailure(err)
	}
	doc := session.Document()
	a.noteSeen(doc.Lineage, doc.Serial)
	return doc, nil
}

// stateFailure explains why the state can't be used.
func stateFailure(err error) error {
	if ce, ok := errors.AsType[*state.CorruptError](err); ok {
		return fail("State can't be read", "%v.\n\n%s", err, ce.Hint)
	}
	if _, ok := errors.AsType[*state.VersionError](err); ok {
		return fail("State is of a newer version", "%v.", err)
	}
	if moved, ok := errors.AsType[*state.MovedError](err); ok {
		return fail("State was moved", "The state %s was moved to %s, and what was published since is only known there. Use a configuration whose backend block names that place; to move the state back, write this place into its backend block and run storyform init -migrate-state there.", moved.Where, moved.To)
	}
	return fail("State can't be used", "%v.", err)
}
