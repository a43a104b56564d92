package cli

import (
	"context"
	"encoding/json"
	"os"
	"path/filepath"

	"storyform/internal/atomicfile"
	"storyform/state"
)

// backendFile remembers where the state of a folder was the last time, so that
// a backend block that names another place is not taken for a state without
// memory. It never leaves the folder and runs don't need it.
const backendFile = sandboxFolder + "/backend.json"

// maxBackendFile is the size in bytes up to which it is read.
const maxBackendFile = 1 << 20

// rememberedPlace is what backendFile holds. Secrets are no arguments of
// backends.
type rememberedPlace struct {
	Type string            `json:"type"`
	Args map[string]string `json:"args,omitempty"`
	// Where is the store's address; arguments that don't change it, such as
	// the length of a lease, may change.
	Where string `json:"where"`
}

// whereIs is the address of a place: that of a store, and of a state file its
// path as it is configured, which doesn't depend on the working folder.
func whereIs(p place, store state.Store) string {
	if p.kind != localBackend {
		return store.String()
	}
	if name := p.args["path"]; name != "" {
		return filepath.ToSlash(filepath.Clean(name))
	}
	return stateFile
}

// recallPlace reads where the state was the last time; ok is false when that
// isn't known.
func (a *app) recallPlace() (p rememberedPlace, ok bool) {
	info, err := os.Stat(a.path(backendFile))
	if err != nil || !info.Mode().IsRegular() || info.Size() > maxBackendFile {
		return p, false
	}
	data, err := os.ReadFile(a.path(backendFile))
	if err != nil || json.Unmarshal(data, &p) != nil {
		return rememberedPlace{}, false
	}
	_, known := backends[p.Type]
	return p, known
}

// rememberPlace writes where the state is. That it can't be written is no
// reason to do anything else.
func (a *app) rememberPlace(p place, store state.Store) {
	now := rememberedPlace{p.kind, p.args, whereIs(p, store)}
	if old, ok := a.recallPlace(); ok && old.Type == now.Type && old.Where == now.Where {
		return
	}
	data, err := json.MarshalIndent(now, "", "  ")
	if err != nil || os.MkdirAll(a.path(sandboxFolder), 0o755) != nil {
		return
	}
	_ = atomicfile.Write(a.path(backendFile), append(data, '\n'), 0o600)
}

// former is a state that the configuration doesn't name any more.
type former struct {
	store state.Store
	doc   *state.Document
	// copied says that the place which is named now has a state with the same
	// past, and that this one was not marked as moved.
	copied bool
}

// formerPlace finds the state that a folder had before its configuration named
// another place, when it still counts: there are stories in it, it was not
// moved, and here is nothing yet or a copy. It returns nil when there is none.
func (a *app) formerPlace(ctx context.Context, p place, store state.Store) (*former, error) {
	was, ok := a.recallPlace()
	if !ok {
		was = rememberedPlace{Type: localBackend, Where: stateFile} // what a folder begins with
	}
	if was.Type == p.kind && (was.Where == whereIs(p, store) || !ok) {
		return nil, nil
	}
	if was.Type == localBackend {
		if _, err := os.Stat(a.path(filepath.FromSlash(was.Where))); err != nil {
			return nil, nil // there never was one, or somebody took it away
		}
	}
	here, err := a.readAnyState(ctx, store)
	if err != nil {
		return nil, err
	}
	f := new(former)
	old := place{was.Type, was.Args, p.recipients}
	if f.store, err = a.openPlace(ctx, old); err == nil {
		f.doc, err = a.readAnyState(ctx, f.store)
	}
	if err == nil && whereIs(old, f.store) != was.Where {
		err = fail("Environment was changed", "the environment variables of the %s backend name %s now", was.Type, f.store)
	}
	if err != nil && here.Serial == 0 {
		return nil, fail("Former state can't be read", "The backend was changed, nothing was written to the new one yet, and the state of this folder was in %s, which can't be read now: %s\n\n"+
			"Where it can be read, move it with storyform init -migrate-state. To begin without it, storyform init -reconfigure.", was.Where, asExit(err).diags[0].Detail)
	}
	f.copied = here.Serial > 0
	if err != nil || len(f.doc.Stories) == 0 && len(f.doc.History) == 0 || f.doc.MovedTo != "" || f.copied && f.doc.Lineage != here.Lineage {
		return nil, nil
	}
	return f, nil
}

// readAnyState reads a state, also one that was moved elsewhere.
func (a *app) readAnyState(ctx context.Context, store state.Store) (*state.Document, error) {
	session, err := state.Reopen(ctx, store, a.run(), a.Clock.Now)
	if err != nil {
		return nil, stateFailure(err)
	}
	return session.Document(), nil
}

// checkBackendKept refuses to work with an empty state while the folder's own
// is elsewhere.
func (a *app) checkBackendKept(ctx context.Context, p place, store state.Store) error {
	f, err := a.formerPlace(ctx, p, store)
	if err != nil {
		return err
	}
	if f == nil {
		a.rememberPlace(p, store)
		return nil
	}
	return backendChanged(f, store)
}

// backendChanged says what to do about a state that is elsewhere.
func backendChanged(f *former, store state.Store) error {
	stories := count(len(f.doc.Stories), "story", "stories")
	if f.copied {
		return fail("State is in two places", "The state of this folder is in %s, with %s, and there is a copy in %s, which the configuration names now. The old one is not marked as moved: runs with the old configuration would publish what the new state publishes, too.\n\n"+
			"To finish the move:\n    storyform init -migrate-state\n\nTo leave the old one:\n    storyform init -reconfigure", f.store, stories, store)
	}
	return fail("Backend was changed", "The state of this folder is in %s, with %s, and the configuration now names %s, where there is none. To plan from nothing would publish everything once more.\n\n"+
		"To move the state:\n    storyform init -migrate-state\n\nTo begin without it:\n    storyform init -reconfigure", f.store, stories, store)
}
