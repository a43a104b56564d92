package cli

import (
	"context"
	"encoding/json"
	"os"

	"storyform/internal/atomicfile"
	"storyform/state"
)

// # A state that goes back in time
//
// An older copy that is put in the place of a state, by hand or by a backup of
// the folder, has forgotten what was published since, and looks like any other
// state. But its serial never falls by itself, wherever the state is moved. So
// the folder remembers the highest that it has seen.

// seen is how far a state was when this folder saw it last.
type seen struct {
	Lineage string `json:"lineage,omitempty"`
	Serial  uint64 `json:"serial,omitempty"`
}

// readPresent reads the state, to plan from it, and refuses one that is older
// than the folder knows it.
func (a *app) readPresent(ctx context.Context, store state.Store) (*state.Document, error) {
	was, _, _ := a.recallPlace() // before the state, which others may be writing
	doc, err := a.readState(ctx, store)
	if err != nil {
		return nil, err
	}
	if last := was.Seen; !a.sandbox && doc.Lineage == last.Lineage && doc.Serial < last.Serial {
		return nil, fail("State went back in time", "The state %s has serial %d, and this folder has seen it with %d: an older copy was put in its place, which knows nothing of what was published since. It would be published again.\n\n"+
			"Put the newest state back: the backend keeps former ones, and storyform state push writes a copy. To go on with this one all the same:\n    storyform init -reconfigure", store, doc.Serial, last.Serial)
	}
	a.saw(doc.Lineage, doc.Serial)
	return doc, nil
}

// saw remembers how far the state is.
func (a *app) saw(lineage string, serial uint64) {
	p, ok, err := a.recallPlace()
	if a.sandbox || !ok || err != nil || serial == 0 || p.Seen.Lineage == lineage && p.Seen.Serial >= serial {
		return
	}
	p.Seen = seen{lineage, serial}
	a.writePlace(p)
}

// writePlace writes where the state is and how far. That it can't be written is
// no reason to do anything else.
func (a *app) writePlace(p rememberedPlace) {
	data, err := json.MarshalIndent(p, "", "  ")
	if err != nil || os.MkdirAll(a.path(sandboxFolder), 0o755) != nil {
		return
	}
	_ = atomicfile.Write(a.path(backendFile), append(data, '\n'), 0o600)
}
