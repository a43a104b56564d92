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
const fingerprintPrefix = "p2-"

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

// FingerprintOf identifies what a reader of the changes is asked to approve:
// for each story its address and action, and every pinned attribute of its
// table. No clock, serial, formatting or commit goes in, so it survives a
// merge. Neither does a story that goes out just as it was registered: that was
// approved before, `apply --due` may publish it at any minute, and when it does
// the fingerprint must not change.
func FingerprintOf(changes []Change) string { return fingerprint(changes, unapproved) }

// Approved reports whether the approval of a plan with the given fingerprint
// covers this plan. It does when this plan asks for the same; for nothing, as
// after a run that registered everything and then failed; or when it did all of
// what this plan does, of which a run that broke off has registered a part.
func (p *Plan) Approved(expected string) bool {
	return FingerprintOf(p.Changes) == expected || fingerprint(p.Changes, needsApproval) == expected ||
		!slices.ContainsFunc(p.Changes, func(c Change) bool { return unapproved(&c) })
}

// needsApproval reports whether a change is one that somebody approves at some time.
func needsApproval(c *Change) bool { return approvals[c.Action] != "" }

// unapproved reports whether a change needs an approval that it has not got by
// being registered. That the plan says so is not enough, because a plan file
// can be edited: the declaration must be the one that the state remembered.
func unapproved(c *Change) bool {
	spec := c.Spec()
	return needsApproval(c) && (c.Action == Cancel || notRegistered(c) != "" || c.Prior != specID(&spec))
}

// fingerprint hashes the changes that pick takes, whatever their order.
func fingerprint(changes []Change, pick func(*Change) bool) string {
	var rows []string
	for i := range changes {
		c := &changes[i]
		if !pick(c) {
			continue
		}
		row := []string{c.Address.String(), approvals[c.Action]}
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
