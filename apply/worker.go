package apply

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"storyform/graphapi"
	"storyform/plan"
	"storyform/state"
	"storyform/story"
)

// lockMargin is how long the lock must still be held when a publish call
// begins: longer than most calls take. One that takes longer is safe because
// nobody judges it before plan.ShortestSettle is over.
const lockMargin = 30 * time.Second

// worker publishes the stories of one Page, one after another.
type worker struct {
	*run
	id      string
	address story.Address
	changes []*plan.Change
	page    *graphapi.Page
	// announced is when the newest publish call was, by our clock.
	announced time.Time
}

// problem is why a story was not brought to its end. It is an error so that
// the steps can return it; it ends the story, not the run.
type problem struct {
	ending   Ending
	message  string
	hint     string
	stopPage bool // nothing more can be done on this Page in this run
}

// Error is the problem's message.
func (p *problem) Error() string { return p.message }

// instead is the ending of a story whose turn does not come because of what
// stopped its Page. A story whose outcome is open is in doubt as before.
func (p *problem) instead(c *plan.Change) *problem {
	if c.Action == plan.Settle {
		return &problem{ending: EndUnknown, message: "whether it was published is not known, and its Page was not asked: " + p.message, hint: p.hint}
	}
	return &problem{ending: EndNotAttempted, message: p.message, hint: p.hint}
}

// work carries out the Page's changes in order. Its error is fatal for the
// run; what went wrong with a story or the Page is in the result.
func (w *worker) work() error {
	stopped := w.connect()
	for _, c := range w.changes {
		if stopped == nil && w.soft.Err() != nil {
			stopped = &problem{ending: EndNotAttempted, message: stoppedText, stopPage: true}
		}
		if stopped != nil {
			w.endProblem(c, stopped.instead(c))
			continue
		}
		err := w.story(c)
		if p, ok := errors.AsType[*problem](err); ok {
			w.endProblem(c, p)
			if p.stopPage {
				stopped = p
			}
		} else if err != nil {
			return err
		}
	}
	return nil
}

// connect prepares the Page; a Page that can't be used stops all its stories.
func (w *worker) connect() *problem {
	page, ok := w.pageByID[w.id]
	if !ok {
		page = plan.Page{Address: w.address, ID: w.id}
	}
	connected, err := w.Pages.Connect(w.soft, page)
	if err != nil && w.soft.Err() != nil {
		return nil // no fault of the Page's; work sees that the run is to stop
	}
	if unread := w.unread[w.id]; err == nil && unread != nil {
		// Without its list, nobody knows what the Page shows already.
		err = unread
	}
	if err != nil {
		p := &problem{ending: EndNotAttempted, message: reason(err), hint: graphapi.Hint(err), stopPage: true}
		if w.Report != nil {
			w.Report(story.Event{Time: w.Clock.Now(), Kind: story.EventPageUnavailable, Page: w.address, PageID: w.id, Message: p.message})
		}
		return p
	}
	w.page = connected
	return nil
}

// endProblem records the ending of a story with a problem.
func (w *worker) endProblem(c *plan.Change, p *problem) {
	e, _ := w.session.Entry(c.Address)
	w.end(Outcome{
		Address: c.Address, Page: c.Page, PageID: c.PageID, Action: c.Action,
		Ending: p.ending, Message: p.message, Hint: p.hint, PostID: e.PostID, URL: e.URL,
	}, e)
}

// story brings one story to its end.
func (w *worker) story(c *plan.Change) error {
	e, ok := w.session.Entry(c.Address)
	if !ok {
		return fmt.Errorf("%s is not in the state, although it was registered", c.Address)
	}
	if c.Action == plan.Settle {
		w.report(story.EventSettling, &e, nil)
		return w.settle(c, &e, EndAdopted)
	}
	if !e.Status.Pending() {
		return &problem{ending: EndNotAttempted, message: fmt.Sprintf("it is %s in the state", e.Status), hint: "make the plan again"}
	}
	if err := w.mayGoOn(c, &e); err != nil {
		return err
	}
	if err := w.upload(c, &e); err != nil {
		return err
	}
	if c.Action == plan.Upload {
		w.ok(c, &e, EndUploaded)
		return nil
	}
	if err := w.mayGoOn(c, &e); err != nil {
		return err
	}
	return w.publish(c, &e)
}

// mayGoOn checks, before an upload and again before the publish call, what
// may have changed in the meantime.
func (w *worker) mayGoOn(c *plan.Change, e *state.Entry) error {
	if w.soft.Err() != nil {
		return &problem{ending: EndNotAttempted, message: stoppedText, stopPage: true}
	}
	for _, dep := range c.After {
		if c.Action == plan.Upload {
			break // nothing becomes visible
		}
		if before, ok := w.session.Entry(dep); !ok || !before.Status.Out() {
			return &problem{ending: EndNotAttempted, message: fmt.Sprintf("it comes after %s, which is not out", dep)}
		}
	}
	if why := wrongClock(w.page, w.Clock.Now(), e); why != "" && c.Action != plan.Upload {
		return &problem{ending: EndNotAttempted, message: why, hint: clockHint}
	}
	if deadline := e.Deadline(); !deadline.IsZero() && w.Clock.Now().After(deadline) {
		return w.missed(e, closedText(deadline))
	}
	if until, why, blocked := w.page.Blocked(); blocked {
		text := why
		if !until.IsZero() {
			text += "; the Page may be used again at " + until.UTC().Format(time.RFC3339)
		}
		return &problem{ending: EndNotAttempted, message: text, hint: "apply again later; what was not attempted remains planned", stopPage: true}
	}
	return nil
}

// maxEarly is how much too early or too late a story may go out, or be given up,
// because of a clock that is wrong: minutes do less harm than a story that does
// not go out.
const maxEarly = 15 * time.Minute

// clockHint is what to do about a clock.
const clockHint = "set this machine's clock; storyform doctor tells how far it is off"

// wrongClock says what Meta's clock has against what ours says of a story's time:
// that it has come, that it is not over, or that it is. It is "" when the two
// agree well enough.
func wrongClock(page *graphapi.Page, now time.Time, e *state.Entry) string {
	earliest, latest := atMeta(page, now)
	deadline := e.Deadline()
	by := func(t time.Time, what string, limit time.Time, wrong string) string {
		return fmt.Sprintf("by Meta's clock it is %s, and %s at %s: this machine's clock is %s", t.UTC().Format(time.RFC3339), what, limit.UTC().Format(time.RFC3339), wrong)
	}
	switch {
	case e.PublishAt.After(latest.Add(maxEarly)):
		return by(latest, "it is due", e.PublishAt, "ahead")
	case now.After(deadline) && deadline.After(latest.Add(maxEarly)):
		return by(latest, "its window closes", deadline, "ahead")
	case !deadline.IsZero() && !now.After(deadline) && earliest.After(deadline.Add(maxEarly)):
		return by(earliest, "its window closed", deadline, "behind")
	}
	return ""
}

// closedText says that a story's window closed during the run.
func closedText(deadline time.Time) string {
	return "its window closed at " + deadline.UTC().Format(time.RFC3339) + " while it was prepared"
}

// missed records that a story's window is over.
func (w *worker) missed(e *state.Entry, why string) error {
	e.Status = story.Missed
	if err := w.put(stepMissed, e, w.event("missed", e, why)); err != nil {
		return err
	}
	return &problem{ending: EndMissed, message: why, hint: "give it a new window, or a higher revision if a publish call was made"}
}

// failed records a definite refusal and returns it as the story's ending.
func (w *worker) failed(e *state.Entry, op string, err error) error {
	e.Status = story.Failed
	e.Failure = w.failure(op, err)
	if putErr := w.put(stepFailed, e, w.event("failed", e, op+": "+reason(err))); putErr != nil {
		return putErr
	}
	return w.refused(op, err)
}

// refused is a definite refusal as the ending of a story.
func (w *worker) refused(op string, err error) *problem {
	return &problem{
		ending: EndFailed, message: reason(err), hint: graphapi.Hint(err), stopPage: graphapi.StopsPage(err),
	}
}

// failure is what the state remembers of an error.
func (w *worker) failure(op string, err error) *state.Failure {
	f := &state.Failure{At: w.Clock.Now().UTC(), Op: op, Message: reason(err)}
	if ge, ok := errors.AsType[*graphapi.Error](err); ok {
		f.Code, f.Subcode, f.TraceID = ge.Code, ge.Subcode, ge.TraceID
	}
	return f
}

// reason is an error's text without what to do about it, which is shown on a
// line of its own.
func reason(err error) string {
	return strings.TrimSuffix(err.Error(), "; what to do: "+graphapi.Hint(err))
}

// effect makes a call that changes something at Meta, with the crash points
// around it.
func (w *worker) effect(name string, call func() error) error {
	w.crash(before(name))
	err := call()
	w.crash(after(name))
	return err
}

// pause sleeps unless the run is to stop.
func (w *worker) pause(d time.Duration) error {
	if err := w.Clock.Sleep(w.soft, d); err != nil {
		return err
	}
	return context.Cause(w.soft)
}
