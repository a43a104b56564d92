package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"storyform/state"
	"storyform/state/local"
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
	// Which tells apart places whose addresses are shown alike.
	Which string `json:"which,omitempty"`
	// Seen is how far the state was, wherever it was.
	Seen seen `json:"seen,omitzero"`
}

// same reports whether p and q are one place.
func (p rememberedPlace) same(q rememberedPlace) bool {
	return p.Type == q.Type && p.Where == q.Where && p.Which == q.Which
}

// remembered is a place as it is remembered.
func remembered(p place, store state.Store) rememberedPlace {
	r := rememberedPlace{Type: p.kind, Args: p.args, Where: whereIs(p, store)}
	if s, ok := state.Find[interface{ Which() string }](store); ok {
		r.Which = s.Which()
	}
	return r
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
// isn't known. It fails when it was known and can't be understood.
func (a *app) recallPlace() (p rememberedPlace, ok bool, err error) {
	info, err := os.Stat(a.path(backendFile))
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return p, false, nil
	case err != nil:
		return p, false, err
	case !info.Mode().IsRegular() || info.Size() > maxBackendFile:
		return p, false, errors.New("it is no file of storyform")
	}
	data, err := os.ReadFile(a.path(backendFile))
	if err == nil {
		err = json.Unmarshal(data, &p)
	}
	if _, known := backends[p.Type]; err == nil && !known {
		err = fmt.Errorf("it names a backend %q", p.Type)
	}
	if err != nil {
		return rememberedPlace{}, false, err
	}
	return p, true, nil
}

// rememberPlace writes where the state is.
func (a *app) rememberPlace(p place, store state.Store) {
	now := remembered(p, store)
	old, ok, _ := a.recallPlace()
	if ok && old.same(now) {
		return
	}
	now.Seen = old.Seen
	a.writePlace(now)
}

// former is a state that the configuration doesn't name any more.
type former struct {
	store state.Store
	doc   *state.Document
	here  *state.Document // at the place that is named now
}

// foreign reports whether the place that is named now has a state of its own,
// which has nothing in common with this one.
func (f *former) foreign() bool { return f.here.Serial > 0 && f.here.Lineage != f.doc.Lineage }

// formerPlace finds the state that a folder had before its configuration named
// another place, when there is anything in it and it was not moved. It returns
// nil when there is none, and fails when nobody knows what was published,
// because it was moved and is not here.
func (a *app) formerPlace(ctx context.Context, p place, store state.Store) (*former, error) {
	was, ok, err := a.recallPlace()
	if err != nil {
		return nil, a.unknownPlace(ctx, store, err)
	}
	if !ok {
		was = rememberedPlace{Type: localBackend, Where: stateFile} // what a folder begins with
	}
	if was.same(remembered(p, store)) {
		return nil, nil
	}
	if was.Type == localBackend && !local.Exists(a.path(filepath.FromSlash(was.Where))) {
		return nil, nil // there never was one, or somebody took it away
	}
	f := new(former)
	if f.here, err = a.readAnyState(ctx, store); err != nil {
		return nil, err
	}
	old := place{was.Type, was.Args, p.recipients}
	if f.store, err = a.openPlace(ctx, old); err == nil {
		f.doc, err = a.readAnyState(ctx, f.store)
	}
	if err == nil && !remembered(old, f.store).same(was) {
		err = fail("Environment was changed", "the environment variables of the %s backend name %s now", was.Type, f.store)
	}
	empty := f.here.Serial == 0
	switch {
	case err != nil && empty:
		return nil, fail("Former state can't be read", "The backend was changed, nothing was written to the new one yet, and the state of this folder was in %s, which can't be read now: %s\n\n"+
			"Where it can be read, move it with storyform init -migrate-state. To begin without it, storyform init -reconfigure.", was.Where, asExit(err).diags[0].Detail)
	case err != nil, len(f.doc.Stories) == 0 && len(f.doc.History) == 0, f.doc.MovedTo != "" && !empty:
		return nil, nil
	case f.doc.MovedTo != "":
		return nil, fail("State was moved", "The state of this folder was in %s, from where it was moved to %s, and the configuration now names %s, where there is none. To plan from nothing would publish everything once more.\n\n"+
			"Name the place that it was moved to in the backend block; from there it can be moved on. To begin without it, storyform init -reconfigure.", f.store, f.doc.MovedTo, store)
	}
	return f, nil
}

// unknownPlace is why nothing may be planned from nothing where nobody can tell
// any more where the state was; nil where there is a state.
func (a *app) unknownPlace(ctx context.Context, store state.Store, why error) error {
	here, err := a.readAnyState(ctx, store)
	if err != nil || here.Serial > 0 || len(here.Stories) > 0 {
		return err
	}
	return fail("Former state is not known", "%s says where the state of this folder is, and can't be read: %v. In %s there is none: to plan from nothing could publish everything once more.\n\n"+
		"Name the place where the state is in the backend block. To begin without one, storyform init -reconfigure.", backendFile, why, store)
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
	if f == nil || f.foreign() {
		a.rememberPlace(p, store)
		return nil
	}
	return backendChanged(f, store)
}

// backendChanged says what to do about a state that is elsewhere.
func backendChanged(f *former, store state.Store) error {
	stories := count(len(f.doc.Stories), "story", "stories")
	forgets, isForgets := errors.AsType[*state.ForgetsError](state.Remembers(f.here, f.doc))
	switch {
	case f.here.MovedTo != "":
		return stateFailure(&state.MovedError{Where: store.String(), To: f.here.MovedTo})
	case f.here.Serial > 0 && isForgets:
		return fail("State is in two places", "The state of this folder is in %s, with %s, and there is a copy in %s, which the configuration names now. A publish call was made for %s since, of which only the old one knows: to leave that one could publish it again.\n\n"+
			"To finish the move:\n    storyform init -migrate-state", f.store, stories, store, forgets.Address)
	case f.here.Serial > 0:
		return fail("State is in two places", "The state of this folder is in %s, with %s, and there is a copy in %s, which the configuration names now. The old one is not marked as moved: runs with the old configuration would publish what the new state publishes, too.\n\n"+
			"To finish the move:\n    storyform init -migrate-state\n\nTo leave the old one:\n    storyform init -reconfigure", f.store, stories, store)
	}
	return fail("Backend was changed", "The state of this folder is in %s, with %s, and the configuration now names %s, where there is none. To plan from nothing would publish everything once more.\n\n"+
		"To move the state:\n    storyform init -migrate-state\n\nTo begin without it:\n    storyform init -reconfigure", f.store, stories, store)
}
