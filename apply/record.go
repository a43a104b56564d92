package apply

import (
	"context"
	"fmt"
	"slices"
	"time"

	"storyform/plan"
	"storyform/state"
	"storyform/story"
)

// recordAll makes everything durable that needs no call to Meta: what is
// registered, changed, cancelled, forgotten, missed or found. Stories that are
// due are registered here as well, so that a run that ends early leaves them
// to the next one as approved.
func (r *run) recordAll() error {
	for _, m := range r.plan.Moves {
		if err := r.move(m); err != nil {
			return err
		}
	}
	var notes []note
	for i := range r.plan.Changes {
		c := &r.plan.Changes[i]
		if r.soft.Err() != nil {
			r.end(Outcome{Address: c.Address, Page: c.Page, PageID: c.PageID, Action: c.Action,
				Ending: EndNotAttempted, Message: stoppedText}, state.Entry{})
		} else if n, ok := r.record(c); ok {
			notes = append(notes, n)
		}
	}
	return r.putAll(notes)
}

// note is what is to be recorded about a story, and what is told then, if
// anything is.
type note struct {
	state.Step
	tell *Outcome
}

// putAll makes notes durable together, and tells them. One approval covers them
// all: the plan of a run that was killed between two of them would be neither
// what was approved nor done.
func (r *run) putAll(notes []note) error {
	if len(notes) == 0 {
		return nil
	}
	steps := make([]state.Step, 0, len(notes))
	for i := range notes {
		r.crash(before(notes[i].Name))
		steps = append(steps, notes[i].Step)
	}
	if err := r.session.PutAll(context.WithoutCancel(r.ctx), steps); err != nil {
		return fmt.Errorf("record %s of %s: %w", steps[0].Name, steps[0].Entry.Address, err)
	}
	r.wrote.Do(func() { r.dirty = true })
	for i := range notes {
		r.crash(after(notes[i].Name))
		if o := notes[i].tell; o != nil {
			r.end(*o, notes[i].Entry)
		}
	}
	return nil
}

// move writes an entry under its new address and then drops the old one: a
// crash in between must not make the program forget that the story is out.
func (r *run) move(m plan.Move) error {
	e, known := r.session.Entry(m.From)
	if !known {
		return nil
	}
	if _, there := r.session.Entry(m.To); !there {
		e.Address = m.To
		if err := r.put(stepMove, &e, r.event(plan.MovedEvent, &e, plan.MovedNote(m.From))); err != nil {
			return err
		}
	}
	r.crash(before(stepMoved))
	if err := r.session.Drop(context.WithoutCancel(r.ctx), stepMoved, m.From); err != nil {
		return fmt.Errorf("record %s of %s: %w", stepMoved, m.From, err)
	}
	r.crash(after(stepMoved))
	return nil
}

// record is the part of a change that only concerns the state; ok is false when
// there is none.
func (r *run) record(c *plan.Change) (n note, ok bool) {
	e, known := r.session.Entry(c.Address)
	switch c.Action {
	case plan.Schedule, plan.Publish, plan.Modify:
		return r.register(c, e, known)
	case plan.Cancel:
		e.Status, e.Operation, e.Failure = story.Cancelled, nil, nil
		return r.finish(c, e, stepCancel, EndCancelled, "cancelled"), true
	case plan.Forget:
		e.Forgotten = true
		return r.finish(c, e, stepForget, EndForgotten, "forgotten"), true
	case plan.Settle:
		return r.withdraw(c, e)
	case plan.Missed:
		return r.miss(c, e)
	case plan.Adopt:
		if !known || e.Revision != c.Revision {
			e = state.Entry{Address: c.Address, RegisteredAt: r.Clock.Now().UTC(), OutRevision: e.WentOut()}
			declare(&e, c)
		}
		found(&e, c.Found, r.Clock.Now())
		e.Forgotten = e.Forgotten || !c.Declared
		return r.finish(c, e, stepAdopt, EndAdopted, "adopted"), true
	}
	return n, false
}

// miss gives a story up whose window is over, unless that is only what a wrong
// clock says: it could not be taken back.
func (r *run) miss(c *plan.Change, e state.Entry) (n note, ok bool) {
	if page, err := r.Pages.Connect(r.soft, r.pageByID[c.PageID]); err == nil {
		if why := wrongClock(page, r.Clock.Now(), &e); why != "" {
			o := outcomeOf(c, EndNotAttempted)
			o.Message, o.Hint = why, clockHint
			r.end(o, e)
			return n, false
		}
	}
	e.Status = story.Missed
	return r.finish(c, e, stepMissed, EndMissed, "missed"), true
}

// withdraw remembers that what was attempted is not wanted any more. A run that
// still has the former configuration would try it once more. What is due is
// approved by nobody, so a run for that withdraws nothing.
func (r *run) withdraw(c *plan.Change, e state.Entry) (n note, ok bool) {
	if r.Due || !c.Withdrawn || e.Operation == nil || e.Operation.Withdrawn {
		return n, false
	}
	e.Status, e.Operation.Withdrawn = story.Unknown, true
	n.Name, n.Entry = stepUnknown, e
	return n, true
}

// finish is an ending that needs no call to Meta.
func (r *run) finish(c *plan.Change, e state.Entry, step string, ending Ending, what string) note {
	o := outcomeOf(c, ending)
	o.PostID, o.URL, o.Expires = e.PostID, e.URL, e.ExpiresAt
	return note{state.Step{Name: step, Entry: e, Event: r.event(what, &e, c.Reason)}, &o}
}

// outcomeOf is an outcome of a change.
func outcomeOf(c *plan.Change, ending Ending) Outcome {
	return Outcome{Address: c.Address, Page: c.Page, PageID: c.PageID, Action: c.Action, Ending: ending, Message: c.Reason}
}

// register is what a change declares, unless it is registered already.
func (r *run) register(c *plan.Change, e state.Entry, known bool) (n note, ok bool) {
	fresh := !known || !e.Status.Pending()
	if !fresh && len(c.Diffs) == 0 {
		return n, false // registered as declared
	}
	if fresh {
		tried := e.TriedMedia
		if e.Status.Out() {
			tried = nil // of the revision before, which is in the history
		}
		e = state.Entry{Address: c.Address, Status: story.Scheduled, RegisteredAt: r.Clock.Now().UTC(), TriedMedia: tried, OutRevision: e.WentOut()}
	}
	keep := !fresh && sameUpload(c, &e) && e.Status != story.Failed
	declare(&e, c)
	if !keep {
		e.Status, e.MediaID, e.Operation, e.Failure = story.Scheduled, "", nil, nil
	}
	n.Step = state.Step{Name: stepRegister, Entry: e, Event: r.adoptNone(&e)}
	ending := EndScheduled
	switch c.Action {
	case plan.Modify:
		ending = EndChanged
	case plan.Publish:
		return n, true // told when it is out
	}
	o := outcomeOf(c, ending)
	n.tell = &o
	return n, true
}

// adoptNone is the line of history that remembers, once, that no story that
// was on the Pages before is ours.
func (r *run) adoptNone(e *state.Entry) *state.Event {
	if !r.AdoptNone || r.adoptNoted {
		return nil
	}
	r.adoptNoted = true
	return r.event(plan.AdoptNoneEvent, e, "no story that was on the Pages before is ours")
}

// noteAdoptNone remembers --adopt-none where nothing was registered that it could
// stand beside: it is an answer for good, and not for one run.
func (r *run) noteAdoptNone() error {
	if !r.AdoptNone || r.adoptNoted {
		return nil
	}
	doc := r.session.Document()
	noted := slices.ContainsFunc(doc.History, func(ev state.Event) bool { return ev.What == plan.AdoptNoneEvent })
	if noted || len(doc.Stories) == 0 {
		return nil
	}
	e := doc.Stories[0]
	return r.put(stepUpdate, &e, r.adoptNone(&e))
}

// sameUpload reports whether what was uploaded for an entry can serve for a
// change: the same media on the same Page.
func sameUpload(c *plan.Change, e *state.Entry) bool {
	want, have := c.Spec(), e.Spec()
	for _, a := range story.Attributes {
		if a.Identity && a.Text(&want, time.UTC) != a.Text(&have, time.UTC) {
			return false
		}
	}
	return true
}

// declare copies what a change declares into an entry.
func declare(e *state.Entry, c *plan.Change) {
	e.Page, e.PageID, e.Kind, e.Source = c.Page, c.PageID, c.Kind, c.Source
	e.SHA256, e.SampleSHA256, e.Bytes, e.Revision = c.SHA256, c.Media.SampleSHA256, c.Bytes, c.Revision
	e.PublishAt, e.NotAfter, e.Window = c.PublishAt, c.NotAfter, c.Window
	e.After, e.Labels = c.After, c.Labels
	e.Forgotten = false
}

// found writes what the Page's list says into an entry.
func found(e *state.Entry, f *plan.Found, now time.Time) {
	e.MediaID, e.PostID, e.URL = f.MediaID, f.PostID, f.URL
	switch {
	case !f.CreatedAt.IsZero():
		e.PublishedAt = f.CreatedAt.UTC()
	case e.PublishedAt.IsZero() && e.Operation != nil && !e.Operation.AttemptAt.IsZero():
		e.PublishedAt = e.Operation.AttemptAt // the list does not tell the time
	case e.PublishedAt.IsZero():
		e.PublishedAt = now.UTC()
	}
	e.ExpiresAt = e.PublishedAt.Add(story.Lifetime)
	e.Status, e.Operation, e.Failure = story.Live, nil, nil
	if !now.Before(e.ExpiresAt) {
		e.Status = story.Archived
	}
}

// recordUpdates remembers what became true by itself, if the run writes
// anyway or something among it was told and is not to be told again.
func (r *run) recordUpdates() error {
	worth := r.dirty
	for _, u := range r.plan.Updates {
		worth = worth || u.Loud
	}
	if !worth {
		return nil
	}
	for _, u := range r.plan.Updates {
		e, ok := r.session.Entry(u.Address)
		if !ok || !e.Status.Out() {
			continue
		}
		var event *state.Event
		if u.Found != nil {
			found(&e, u.Found, r.Clock.Now())
		} else if u.Status != "" && u.Status != e.Status {
			e.Status = u.Status
			if u.Status == story.Removed {
				event = r.event("removed", &e, "gone before its 24 hours")
			}
		}
		if err := r.put(stepUpdate, &e, event); err != nil {
			return err
		}
	}
	return nil
}
