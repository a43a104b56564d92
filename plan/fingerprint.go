package plan

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"slices"
	"time"

	"storyform/state"
	"storyform/story"
)

// fingerprintPrefix names the version of the recipe below.
const fingerprintPrefix = "p1-"

// approvals maps each action that somebody approves to the word that goes
// into the fingerprint. Publishing now, registering for later, changing what
// was registered and going on with an interrupted upload are one approval:
// which of them it is depends on the clock and on earlier runs, and the
// fingerprint of a reviewed plan must still hold after the merge. What is
// missing here (adopt, settle, forget, missed, note) records facts or
// completes what was approved before.
var approvals = map[Action]string{
	Publish: "publish", Schedule: "publish", Modify: "publish", Resume: "publish",
	Cancel: "cancel",
}

// FingerprintOf identifies what a reader of the changes approves: for each
// story its address and action, and every pinned attribute of its table. No
// clock, serial, formatting or commit goes in, so it survives a merge.
func FingerprintOf(changes []Change) string {
	rows := make([]string, 0, len(changes))
	for i := range changes {
		c := &changes[i]
		word, ok := approvals[c.Action]
		if !ok {
			continue
		}
		row := []string{c.Address.String(), word}
		spec := c.Spec()
		for _, a := range story.Attributes {
			if a.Pinned {
				row = append(row, a.Name, a.Text(&spec, time.UTC))
			}
		}
		text, _ := json.Marshal(row) // strings always encode; JSON keeps them apart
		rows = append(rows, string(text))
	}
	slices.Sort(rows)
	h := sha256.New()
	for _, row := range rows {
		h.Write([]byte(row + "\n"))
	}
	return fingerprintPrefix + hex.EncodeToString(h.Sum(nil))[:16]
}

// specID identifies what a registration approves: every pinned attribute, and
// those that say which media and which Page.
func specID(s *story.Spec) string {
	var row []string
	for _, a := range story.Attributes {
		if a.Pinned || a.Identity {
			row = append(row, a.Name, a.Text(s, time.UTC))
		}
	}
	text, _ := json.Marshal(row) // strings always encode; JSON keeps them apart
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:])[:16]
}

// priorOf identifies what the state remembers of a story, as far as an
// approval rests on it: what was registered, and whether that is cancelled or
// out. It is empty for nothing.
func priorOf(e *state.Entry) string {
	if e == nil {
		return ""
	}
	spec := e.Spec()
	switch {
	case e.Status == story.Cancelled:
		return "cancelled-" + specID(&spec)
	case e.Status.Out():
		return "out-" + specID(&spec)
	}
	return specID(&spec)
}
