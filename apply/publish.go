package apply

import (
	"context"
	"fmt"
	"slices"
	"time"

	"storyform/graphapi"
	"storyform/internal/clock"
	"storyform/plan"
	"storyform/state"
	"storyform/story"
)

// publishTimeout bounds one publish call. It is not cut short by a stop
// request: a call that was begun is waited for.
const publishTimeout = 90 * time.Second

// publish makes the one call with a public effect and records what came of
// it. The order here is the promise of the program:
//
//  1. the record "publishing" is durable, or the call is not made;
//  2. the call is made once;
//  3. its answer is recorded; any doubt goes to settle, never back to 1.
func (w *worker) publish(c *plan.Change, e *state.Entry) error {
	if err := w.lock.Check(lockMargin); err != nil {
		return fmt.Errorf("before publishing %s: %w", e.Address, err)
	}
	if e.Operation == nil {
		e.Operation = &state.Operation{Run: w.Run.ID, StartedAt: w.Clock.Now().UTC()}
	}
	e.Status = story.Publishing
	e.Operation.Attempt++
	if !slices.Contains(e.TriedMedia, e.MediaID) {
		e.TriedMedia = append(e.TriedMedia, e.MediaID)
	}
	if err := w.announce(e); err != nil {
		return err
	}
	w.report(story.EventPublishStarted, e, nil)
	postID, op, err, ended := w.call(e)
	switch {
	case ended != nil:
		return ended
	case err == nil:
		return w.live(c, e, postID, EndPublished)
	case graphapi.AlreadyPosted(err):
		// Somebody's earlier call with these media took effect: a lost one of
		// ours, or one that a proxy repeated. The list will show it.
		return w.settleAfter(c, e, op, err)
	case graphapi.OutcomeOf(err) == graphapi.NotDone && e.Operation.Attempt == 1:
		return w.failed(e, op, err)
	case graphapi.OutcomeOf(err) == graphapi.NotDone && e.Kind == story.Video && !graphapi.Unsent(err):
		// A video is tried again only when its status says not_published, so
		// that neither call had an effect.
		return w.failed(e, op, err)
	case graphapi.OutcomeOf(err) == graphapi.NotDone:
		// The second try was refused or not even sent, so it was none. That
		// says nothing about the first, which is as doubtful as before.
		e.Operation.Attempt--
		e.Failure = w.failure(op, err)
		return w.frozen(e, "the answer to the first call was lost, and the one more try had no effect")
	default:
		return w.settleAfter(c, e, op, err)
	}
}

// announcementLife is how long after its announcement a publish call may still
// begin. With the time that the call may take it is shorter than any
// settle_after, from which on another run may take an announced call for one
// that was never made.
const announcementLife = 30 * time.Second

const _ = uint(min(plan.ShortestSettle, plan.VideoGrace) - announcementLife - publishTimeout - 1) // not negative

// announce makes the record durable without which no publish call is made.
func (w *worker) announce(e *state.Entry) error {
	w.announced = w.Clock.Now()
	_, at := atMeta(w.page, w.announced)
	e.Operation.AttemptAt = at.UTC()
	return w.put(stepPublishing, e, nil)
}

// call makes the publish call of a photo or video. ended, when it is not nil,
// is why it was not made after all.
func (w *worker) call(e *state.Entry) (postID, op string, err, ended error) {
	ctx, cancel := context.WithTimeout(w.ctx, publishTimeout)
	defer cancel()
	op, publish := effectPhotoStory, w.page.PublishPhoto
	if e.Kind == story.Video {
		op, publish = effectFinish, w.page.FinishVideo
	}
	err = w.effect(op, func() error {
		if ended = w.lastCheck(e); ended != nil {
			return ended
		}
		postID, err = publish(ctx, e.MediaID)
		return err
	})
	return postID, op, err, ended
}

// lastCheck is made between the record and the call: a process may have been
// stopped there for an hour, while its lock was broken and another run settled
// the story, or while its window closed. A lost lock ends the run and leaves
// the record behind; whether the call was made is then for others to settle.
// Not every lock can tell that it was lost. So a call that is late is announced
// once more, which fails when another run has written since.
func (w *worker) lastCheck(e *state.Entry) error {
	for {
		if err := w.lock.Check(lockMargin); err != nil {
			return fmt.Errorf("before publishing %s: %w", e.Address, err)
		}
		now := w.Clock.Now()
		if deadline := e.Deadline(); !deadline.IsZero() && now.After(deadline) {
			return w.missed(e, closedText(deadline))
		}
		if clock.Elapsed(w.announced, now) <= announcementLife {
			return nil
		}
		if err := w.announce(e); err != nil {
			return err
		}
	}
}

// live records that a story is out, and then looks for it on the Page.
func (w *worker) live(c *plan.Change, e *state.Entry, postID string, ending Ending) error {
	now := w.Clock.Now().UTC()
	e.Status, e.PostID, e.Failure = story.Live, postID, nil
	e.PublishedAt, e.ExpiresAt = now, now.Add(story.Lifetime)
	if e.Operation != nil && !e.Operation.AttemptAt.IsZero() && ending == EndAdopted {
		e.PublishedAt = e.Operation.AttemptAt
		e.ExpiresAt = e.PublishedAt.Add(story.Lifetime)
	}
	e.Operation = nil
	e.Forgotten = e.Forgotten || !c.Declared
	if err := w.put(stepLive, e, w.event("published", e, "")); err != nil {
		return err
	}
	if err := w.confirm(c, e); err != nil {
		return err
	}
	w.ok(c, e, ending)
	return nil
}

// adopted records a story that was found on the Page.
func (w *worker) adopted(c *plan.Change, e *state.Entry, f *plan.Found, ending Ending) error {
	found(e, f, w.Clock.Now())
	e.Forgotten = e.Forgotten || !c.Declared
	if err := w.put(stepAdopt, e, w.event("adopted", e, "the Page lists its media_id")); err != nil {
		return err
	}
	w.ok(c, e, ending)
	return nil
}

// ok records the good ending of a story.
func (w *worker) ok(c *plan.Change, e *state.Entry, ending Ending) {
	w.end(Outcome{
		Address: c.Address, Page: c.Page, PageID: c.PageID, Action: c.Action,
		Ending: ending, PostID: e.PostID, URL: e.URL, Expires: e.ExpiresAt,
	}, *e)
}

// confirmFor is how long to look for a story on the Page's list after its
// publish call succeeded. Finishing a video only begins its publication, and
// the next story of the Page must not overtake it.
var confirmFor = map[story.Kind]time.Duration{
	story.Photo: 10 * time.Second,
	story.Video: 2 * time.Minute,
}

// confirm looks for a published story on the list, to learn its url and time
// and, for a video, whether Meta failed on it after all. That it isn't listed
// in time proves nothing, and nothing is concluded from it.
func (w *worker) confirm(c *plan.Change, e *state.Entry) error {
	end := w.Clock.Now().Add(confirmFor[e.Kind])
	for delay := time.Second; ; delay = min(2*delay, 15*time.Second) {
		ev := w.look(c, e)
		if o, ok := e.ListedIn(ev.List); ok {
			found(e, &plan.Found{PostID: o.PostID, MediaID: o.MediaID, URL: o.URL, CreatedAt: o.CreatedAt}, w.Clock.Now())
			return w.put(stepListed, e, w.event(state.Listed, e, ""))
		}
		if ev.List != nil && ev.failed != nil {
			e.PostID, e.PublishedAt, e.ExpiresAt = "", time.Time{}, time.Time{}
			return w.failed(e, effectFinish, ev.failed)
		}
		if !w.Clock.Now().Add(delay).Before(end) || w.pause(delay) != nil {
			return nil
		}
	}
}
