package state

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"time"

	"storyform/story"
)

// # Documents from elsewhere
//
// A document that isn't made from the journal comes from a person (a copy that
// is put back), from a run that could not write, or from another place. It may
// only follow the current one when it knows of every publish call that the
// current one knows of, and not less of how they ended: what a state forgets
// is published once more.

// The reasons why a document can't follow another one.
var (
	ErrOtherLineage = errors.New("the two states have no common past")
	ErrNotNewer     = errors.New("the document is not newer than the state")
	ErrWentOn       = errors.New("another run has written since")
)

// ForgetsError says that a document doesn't know of a publish call that the
// current one knows of.
type ForgetsError struct{ Address story.Address }

// Error names the story.
func (e *ForgetsError) Error() string {
	return fmt.Sprintf("the document does not know of a publish call that was made for %s", e.Address)
}

// MayFollow tells why next can't be what becomes of current: ErrOtherLineage,
// ErrNotNewer or a *ForgetsError. Anything may follow a state that was never
// written. same says that next is current.
func MayFollow(current, next *Document) (same bool, err error) {
	if current.Serial == 0 && len(current.Stories) == 0 {
		return false, nil
	}
	a, errA := Encode(current)
	b, errB := Encode(next)
	switch {
	case errA == nil && errB == nil && bytes.Equal(a, b):
		return true, nil
	case next.Lineage != current.Lineage:
		return false, ErrOtherLineage
	case next.Serial <= current.Serial:
		return false, ErrNotNewer
	}
	return false, Remembers(next, current)
}

// Remembers returns a *ForgetsError unless doc knows of every publish call that
// before knows of, those of earlier revisions in the history included: should
// one of them be declared again, nothing else tells that it was out.
func Remembers(doc, before *Document) error {
	type publication struct {
		address  story.Address
		revision int
		media    string
	}
	told := map[publication]bool{}
	for i := range doc.History {
		if ev := &doc.History[i]; ev.Publication() {
			told[publication{ev.Address, ev.Revision, ev.MediaID}] = true
		}
	}
	for i := range before.History {
		if ev := &before.History[i]; ev.Publication() && !told[publication{ev.Address, ev.Revision, ev.MediaID}] {
			return &ForgetsError{ev.Address}
		}
	}
	for i := range before.Stories {
		if e := &before.Stories[i]; (e.Status.Out() || e.Attempted()) && !doc.remembers(e) {
			return &ForgetsError{e.Address}
		}
	}
	return nil
}

// remembers reports whether d knows of the publish calls that an entry tells
// of: in the entry of that story, or as a publication in the history.
func (d *Document) remembers(e *Entry) bool {
	for i := range d.Stories {
		if other := &d.Stories[i]; other.Address == e.Address && other.knowsCalls(e) {
			return true
		}
	}
	return slices.ContainsFunc(d.History, func(ev Event) bool {
		return ev.Address == e.Address && ev.Revision >= e.Revision && ev.MediaID != "" && ev.MediaID == e.MediaID && ev.Publication()
	})
}

// Publication reports whether ev says that a story went out: by a run, by what
// a Page listed, or by what a person decided.
func (ev *Event) Publication() bool {
	return ev.What == "published" || ev.What == "adopted" || ev.What == "resolved" && ev.PostID != ""
}

// knowsCalls reports whether e tells of every publish call that an earlier
// entry of the same story tells of, and not less of how they ended.
func (e *Entry) knowsCalls(was *Entry) bool {
	switch {
	case e.Revision < was.Revision:
		return false
	case e.Status.Out():
		return true
	case was.Status.Out():
		return false
	}
	for _, id := range was.TriedMedia {
		if !slices.Contains(e.TriedMedia, id) {
			return false
		}
	}
	if !was.Status.Doubtful() || e.Revision > was.Revision {
		return true // a revision is only registered once the one before is settled
	}
	if r := e.Resolution; r != nil && !r.At.Before(was.attemptAt()) {
		return true // somebody looked at the Page
	}
	// The newest call counts: how it ended, or at least that it was made. That
	// its end was written down later is not enough: the answer to an earlier
	// call may have come after another one was announced.
	refused := e.Status == story.Failed && e.Failure != nil && !e.Failure.At.Before(was.attemptAt())
	if !refused && (!e.Status.Doubtful() || was.withdrawn() && !e.withdrawn()) {
		return false
	}
	switch e.attemptAt().Compare(was.attemptAt()) {
	case -1:
		return false
	case 0:
		return true
	}
	return e.attempts() >= was.attempts() // clocks may be wrong
}

// attemptAt is when the newest publish call was announced.
func (e *Entry) attemptAt() time.Time {
	if e.Operation == nil {
		return time.Time{}
	}
	return e.Operation.AttemptAt
}

// withdrawn reports whether no other call may be made.
func (e *Entry) withdrawn() bool { return e.Operation != nil && e.Operation.Withdrawn }

// attempts is how many publish calls were announced with the newest upload.
func (e *Entry) attempts() int {
	if e.Operation == nil {
		return 0
	}
	return e.Operation.Attempt
}

// Rejoin returns unsaved, which a run could not write, as the successor of
// current: both follow the document base, and the journal since then, which
// current has in it, holds nothing that the run didn't know. It fails with
// ErrWentOn when it does. A document of another kind is returned as it is.
func Rejoin(base, current, unsaved *Document) (*Document, error) {
	if base.Serial == current.Serial || unsaved.Serial != base.Serial+1 || unsaved.Lineage != current.Lineage {
		return unsaved, nil
	}
	if sum, err := hashOf(base); err != nil || sum != unsaved.PrevSHA256 {
		return unsaved, err
	}
	known := map[story.Address]bool{}
	for i := range unsaved.Stories {
		known[unsaved.Stories[i].Address] = true
	}
	for i := range current.Stories {
		if addr := current.Stories[i].Address; !known[addr] {
			return nil, fmt.Errorf("%w: it has recorded %s", ErrWentOn, addr)
		}
	}
	if n := len(current.History); len(unsaved.History) < n || !slices.Equal(unsaved.History[:n], current.History) {
		return nil, fmt.Errorf("%w: it has recorded what became of stories", ErrWentOn)
	}
	next := unsaved.Clone()
	var err error
	next.Serial = current.Serial + 1
	next.PrevSHA256, err = hashOf(current)
	return next, err
}

// hashOf is Hash, and "" of a state that was never written.
func hashOf(d *Document) (string, error) {
	if d.Serial == 0 {
		return "", nil
	}
	return Hash(d)
}

// # Moving a state
//
// Two states of one configuration publish every story twice. So a state that
// is moved is marked at its old place, as its last document there: whoever
// still comes with the old configuration is told where it went. The copy is
// written first and the mark after it. A crash between the two leaves both
// places usable, and moving once more finishes the move. The serials go on
// across it: n was the last at the old place, n+1 is the mark, n+2 the copy,
// each naming the hash of the one before. So a state can be moved back by the
// same rules.

// Move returns the two documents that move the state there to the place called
// to, where there is here: the copy, which is nil when it is there already, and
// the mark for the old place. It fails with a *MovedError when the state is
// elsewhere already, with ErrOtherLineage, or with a *ForgetsError when the new
// place knows of a publish call that the old one doesn't know of.
func Move(there, here *Document, to string, run Run, now time.Time) (mark, copied *Document, err error) {
	if there.MovedTo != "" {
		return nil, nil, &MovedError{To: there.MovedTo}
	}
	finished := here.MovedTo == "" && here.Lineage == there.Lineage && here.Serial > there.Serial && Remembers(here, there) == nil
	if !finished && here.Serial > 0 {
		if here.Lineage != there.Lineage {
			return nil, nil, ErrOtherLineage
		}
		if err := Remembers(there, here); err != nil {
			return nil, nil, err
		}
	}
	next := func(before *Document, serial uint64, to string) (*Document, error) {
		doc := there.Clone()
		doc.Serial, doc.MovedTo = serial, to
		doc.WrittenBy, doc.WrittenAt, doc.Tool = run.ID, now.UTC(), run.Tool
		doc.PrevSHA256, err = hashOf(before)
		return doc, err
	}
	if finished {
		mark, err = next(there, there.Serial+1, to)
		return mark, nil, err
	}
	serial := max(there.Serial, here.Serial)
	if mark, err = next(there, serial+1, to); err == nil {
		copied, err = next(mark, serial+2, "")
	}
	return mark, copied, err
}
