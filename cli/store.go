package cli

import (
	"context"
	"errors"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"storyform/config"
	"storyform/plan"
	"storyform/state"
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

// backends maps the types of backend blocks to what opens them. A new backend
// is a row.
var backends = map[string]func(ctx context.Context, a *app, args map[string]string) (state.Store, error){
	"local": openLocal,
	"s3":    openS3,
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
		return openLocal(ctx, a, map[string]string{"path": sandboxStateFile})
	}
	kind, args := s.Backend, s.BackendArgs
	if kind == "" {
		kind = "local"
	}
	open, ok := backends[kind]
	if !ok {
		return nil, fail("Unknown backend", "There is no backend %q; this storyform knows: %s.", kind, strings.Join(slices.Sorted(maps.Keys(backends)), ", "))
	}
	return open(ctx, a, args)
}

// openLocal opens a state file; its path is relative to the configuration.
func openLocal(_ context.Context, a *app, args map[string]string) (state.Store, error) {
	name := args["path"]
	if name == "" {
		name = stateFile
	}
	for key := range args {
		if key != "path" {
			return nil, fail("Unknown backend argument", "The local backend has no argument %q; it takes path.", key)
		}
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

// openS3 opens a state in a bucket.
func openS3(ctx context.Context, a *app, args map[string]string) (state.Store, error) {
	store, err := s3.Open(ctx, args, a.Getenv)
	if err != nil {
		return nil, fail("Backend can't be used", "%v.", err)
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
	return session.Document(), nil
}

// stateFailure explains why the state can't be used.
func stateFailure(err error) error {
	if ce, ok := errors.AsType[*state.CorruptError](err); ok {
		return fail("State can't be read", "%v.\n\n%s", err, ce.Hint)
	}
	if _, ok := errors.AsType[*state.VersionError](err); ok {
		return fail("State is of a newer version", "%v.", err)
	}
	return fail("State can't be used", "%v.", err)
}
