package cli

import (
	"fmt"
	"time"

	"storyform/state"
)

// # A state that was put back
//
// Yesterday's state file, an older commit on the branch, an older version of a
// bucket: each looks like a current state that doesn't know what was published
// since. No store can tell, so the folder remembers how far the state had come,
// beside where it is. What it remembers was durable, and is compared with what
// is read later: a serial never falls, whoever writes meanwhile. So where it
// can't be written, or is forgotten, too little is noticed and never too much.
// Another lineage is another state, and another place has nothing to do with
// it. CI throws its folders away, and remembers nothing.

// seenState is the newest state that a folder saw at its place.
type seenState struct {
	Lineage string    `json:"lineage"`
	Serial  uint64    `json:"serial"`
	At      time.Time `json:"at"`
}

// noteSeen remembers a state that is durable at the place that is in use.
func (a *app) noteSeen(lineage string, serial uint64) {
	if a.here == nil || serial == 0 {
		return
	}
	now, ok, err := a.recallPlace()
	if !ok || err != nil || !now.same(*a.here) { // another configuration was here meanwhile
		return
	}
	if s := now.Seen; s == nil || s.Lineage != lineage || s.Serial < serial {
		now.Seen = &seenState{lineage, serial, a.Clock.Now().UTC()}
		a.writePlace(now)
	}
}

// checkNotRewound refuses a state that is older than one that this folder had
// seen before it read this one.
func (a *app) checkNotRewound(store state.Store, doc *state.Document) error {
	if a.here == nil || !a.here.Seen.after(doc) {
		return nil
	}
	return fail("State was put back", "%s It does not know what was published since, which could be published again.\n\n"+
		"To put back the newer one, from a copy of it:\n    storyform state push FILE\n\nTo see what is on the Pages:\n    storyform stories -all\n\nTo go on from the earlier one:\n    storyform init -reconfigure",
		a.here.Seen.rewound(store, doc))
}

// after reports whether s is newer than doc, of the same state.
func (s *seenState) after(doc *state.Document) bool {
	return s != nil && s.Lineage == doc.Lineage && s.Serial > doc.Serial
}

// rewound says what became of a state.
func (s *seenState) rewound(store state.Store, doc *state.Document) string {
	return fmt.Sprintf("The state %s has serial %d, and on %s it had serial %d: somebody put back an earlier one, or its server returns one.",
		store, doc.Serial, s.At.Format("2 January 2006 at 15:04 MST"), s.Serial)
}
