package apply

import (
	"errors"
	"fmt"
	"time"

	"storyform/graphapi"
	"storyform/plan"
	"storyform/state"
	"storyform/story"
)

// settleFor is how long one run keeps asking about one doubtful story before
// it leaves it to the next run.
const settleFor = 3 * time.Minute

// evidence is plan.Evidence and, for a video, the error that its status shows.
type evidence struct {
	plan.Evidence
	failed error
}

// look asks the Page, and for a video its status, about an entry. What can't
// be read is missing from the evidence.
func (w *worker) look(c *plan.Change, e *state.Entry) evidence {
	ev := evidence{Evidence: plan.Evidence{Now: w.Clock.Now(), SettleAfter: w.plan.Settings.SettleAfter, Withdrawn: c.Withdrawn}}
	view, err := listStories(w.soft, w.page, w.id, w.Clock)
	if err != nil {
		return ev
	}
	ev.List = view
	ev.Now, _ = atMeta(w.page, ev.Now) // as the times of the attempt and of the list are
	if _, listed := e.ListedIn(view); listed || e.Kind != story.Video {
		return ev
	}
	if v, failed, err := videoView(w.soft, w.page, e.MediaID, w.Clock); err == nil {
		ev.Video, ev.failed = &v, failed
	}
	return ev
}

// settleAfter settles a story after a publish call of this run whose answer
// is no answer.
func (w *worker) settleAfter(c *plan.Change, e *state.Entry, op string, err error) error {
	e.Failure = w.failure(op, err)
	w.report(story.EventSettling, e, func(ev *story.Event) { ev.Message = reason(err) })
	err = w.settle(c, e, EndPublished)
	return err
}

// settle establishes what became of a story whose publish call is open; see
// the essay in package plan. good is the ending when it turns out to be out.
func (w *worker) settle(c *plan.Change, e *state.Entry, good Ending) error {
	end := w.Clock.Now().Add(settleFor)
	for delay := time.Second; ; delay = min(2*delay, 30*time.Second) {
		ev := w.look(c, e)
		verdict, listed, why := plan.Judge(e, ev.Evidence)
		switch verdict {
		case plan.Out:
			if listed == nil {
				return w.live(c, e, "", good)
			}
			return w.adopted(c, e, listed, good)
		case plan.TryAgain:
			if refusedAsPosted(e) {
				// Meta refused these media the first time, and the Page still
				// does not show them: they are not wanted, now or again.
				return w.failed(e, e.Failure.Op, errors.New(e.Failure.Message))
			}
			return w.tryAgain(c, e, why)
		case plan.GiveUp:
			return w.missed(e, why+"; whether it was ever visible is not known")
		}
		if !w.Clock.Now().Add(delay).Before(end) || w.pause(delay) != nil {
			return w.undecided(c, e, good, why)
		}
	}
}

// tryAgain makes the one more publish call that the evidence allows, unless
// something else stands in its way.
func (w *worker) tryAgain(c *plan.Change, e *state.Entry, why string) error {
	err := w.mayGoOn(c, e)
	if p, ok := errors.AsType[*problem](err); ok && p.ending == EndNotAttempted {
		return w.frozen(e, why+", and it may be tried once more, but "+p.message)
	} else if err != nil {
		return err
	}
	return w.publish(c, e)
}

// undecided ends the run for a story that asking did not settle. A refusal
// because the media were already posted decides it all the same: to a second
// try it says that the first one took effect, to a first try that Meta does
// not want these media.
func (w *worker) undecided(c *plan.Change, e *state.Entry, good Ending, why string) error {
	f := e.Failure
	if f == nil || !graphapi.AlreadyPostedCode(f.Code, f.Subcode) || w.soft.Err() != nil {
		return w.frozen(e, why)
	}
	if e.Operation.Attempt > 1 {
		return w.live(c, e, "", good)
	}
	return w.frozen(e, why) // lists may still lag
}

// refusedAsPosted reports whether the first and only publish call of an entry
// was refused because its media were already posted.
func refusedAsPosted(e *state.Entry) bool {
	return e.Failure != nil && e.Operation != nil && e.Operation.Attempt == 1 && graphapi.AlreadyPostedCode(e.Failure.Code, e.Failure.Subcode)
}

// frozen records doubt: nothing is done about the story until it is settled.
func (w *worker) frozen(e *state.Entry, why string) error {
	e.Status = story.Unknown
	if err := w.put(stepUnknown, e, nil); err != nil {
		return err
	}
	stop := false
	message := "whether it was published is not known: " + why
	if f := e.Failure; f != nil {
		message = fmt.Sprintf("%s failed (%s), and %s", f.Op, f.Message, message)
		stop = graphapi.StopsPageCode(f.Code, f.Subcode)
	}
	return &problem{
		ending: EndUnknown, message: message, stopPage: stop,
		hint: fmt.Sprintf("the next apply settles it first; if you can see on the Page what became of it, say so: storyform resolve '%s' --published POST_ID, or --not-published", e.Address),
	}
}
