package plan

import (
	"fmt"
	"slices"
	"time"

	"storyform/state"
	"storyform/story"
)

// # Settling a doubtful publish
//
// A publish call has no idempotency key. When its answer is lost (a time-out,
// a reset, an error that does not prove a refusal, a process killed between
// recording the attempt and reading the answer), the story may be out or not,
// and a second upload would make a second story that nobody can delete. So
// the outcome is established by evidence, and this is the whole list of what
// counts:
//
//   - The Page's list shows a story whose media_id is the one we uploaded. It
//     is out. Nothing else in the list matters: the newest story may be
//     somebody else's.
//   - For a video, the upload's own status says not_published, nothing is in
//     progress, and some time has passed since the call. It is not out, and
//     the same video_id may be finished once more.
//   - A photo has no status to ask. When the list, read settleAfter or more
//     after the attempt, still does not show it, it is taken as not out, and
//     the same photo_id may be published once more. If that guess were wrong,
//     Meta refuses media that were already posted, which is evidence again.
//   - Absence before that proves nothing: lists lag. A list that shows a story
//     of that time without its media_id shows no absence. Absence from one that
//     does not reach back to the attempt proves nothing either, and neither
//     does absence 24 hours later, when the story would be gone anyway.
//
// There is one such second try, always with the same media_id, and none for a
// story that is no longer declared as it was attempted: nobody wants that one
// any more. After it, doubt remains doubt until the list or a person settles
// it. When the window has closed, or 24 hours have passed, there is nothing
// left to try, and the story ends as missed; its media_id is kept, and should
// it turn up in a list later it is adopted.

// Verdict is what the evidence says about a doubtful story.
type Verdict string

// The verdicts.
const (
	// Out: it was published; record it.
	Out Verdict = "out"
	// TryAgain: it is not out; one more publish call with the same media.
	TryAgain Verdict = "try again"
	// Wait: the evidence does not suffice yet.
	Wait Verdict = "wait"
	// GiveUp: nothing may be tried any more and it is not on the Page.
	GiveUp Verdict = "give up"
)

// Tries is how many publish calls may be made for one upload.
const Tries = 2

// VideoGrace is how long after a publish call was announced a video's
// "not_published" is not yet believed: the call may begin some time later and
// take its time, and publishing is asynchronous.
const VideoGrace = 150 * time.Second

// defaultSettleAfter stands in for a setting that is missing: without any
// time for lists to lag, absence would be believed at once.
const defaultSettleAfter = 5 * time.Minute

// ShortestSettle is the shortest setting that counts: a call may begin some
// time after its announcement, and then take its time. Until both are surely
// over, absence says nothing, however fast lists are.
const ShortestSettle = 3 * time.Minute

// settleAfter is how long after a publish call was announced a list may still
// lag.
func settleAfter(setting time.Duration) time.Duration {
	if setting <= 0 {
		return defaultSettleAfter
	}
	return max(setting, ShortestSettle)
}

// Evidence is what is known about a doubtful story.
type Evidence struct {
	Now         time.Time
	SettleAfter time.Duration
	List        *story.PageView  // nil: the Page was not asked
	Video       *story.VideoView // nil: not a video, or not asked
	// Withdrawn: what was attempted is not what is declared now, so that no
	// other call may be made for it.
	Withdrawn bool
}

// Judge weighs the evidence about an entry whose publish was attempted. Why
// is one sentence for people; found is set for Out when the list showed it.
func Judge(e *state.Entry, ev Evidence) (v Verdict, found *Found, why string) {
	if o, ok := e.ListedIn(ev.List); ok {
		return Out, foundOf(o), "the Page lists our media_id " + o.MediaID
	}
	if ev.List == nil {
		return Wait, nil, "the Page has not been asked yet"
	}
	attempted := attemptedAt(e)
	if attempted.IsZero() {
		return Wait, nil, "the Page does not list it, and when it was tried is not recorded"
	}
	settled := !ev.List.At.Before(attempted.Add(settleAfter(ev.SettleAfter)))
	if ev.Video != nil && ev.Video.Publish == "published" {
		if settled {
			return Out, nil, "the video's status says published, although the Page does not list it"
		}
		return Wait, nil, "the video's status says published; waiting for the Page to list it"
	}
	deadline := e.Deadline()
	closed := !deadline.IsZero() && ev.Now.After(deadline)
	withdrawn := ev.Withdrawn || e.Operation.Withdrawn
	mayTry := !closed && !withdrawn && e.Operation.Attempt < Tries
	if mayTry && notPublished(e, ev, attempted) {
		return TryAgain, nil, "the video's status says not_published"
	}
	if closed || ev.Now.After(attempted.Add(story.Lifetime)) {
		return ended(closed, settled)
	}
	if withdrawn {
		return Wait, nil, "the Page does not list it, and as it was declared otherwise since, it is not tried again"
	}
	if e.Operation.Attempt >= Tries {
		return Wait, nil, fmt.Sprintf("%d publish calls were made and the Page does not list it", e.Operation.Attempt)
	}
	if nameless(e, ev, attempted) {
		return Wait, nil, "the Page lists a story without a media_id that may be it"
	}
	if e.Kind == story.Photo && settled && !ev.List.Since.After(attempted) {
		return TryAgain, nil, fmt.Sprintf("the Page does not list it %s after the attempt", settleAfter(ev.SettleAfter))
	}
	return Wait, nil, "the Page does not list it yet"
}

// ended is the verdict about a story for which nothing may be tried any more,
// because its window is closed or because it would have left the Page by now.
func ended(closed, settled bool) (Verdict, *Found, string) {
	switch {
	case !settled:
		return Wait, nil, "the Page does not list it yet, and it is too late to try it again"
	case closed:
		return GiveUp, nil, "its window is closed and the Page does not list it"
	}
	return GiveUp, nil, "the attempt is more than 24 hours old, so that the Page would not list it any more"
}

// nameless reports whether a list shows a story that may be an entry's, were its
// media_id told: a list that leaves them out shows no absence. What was posted
// before the attempt, or after it could still take effect, is somebody else's.
func nameless(e *state.Entry, ev Evidence, attempted time.Time) bool {
	from, until := attempted.Add(-time.Minute), attempted.Add(settleAfter(ev.SettleAfter)+time.Minute) // clocks differ
	return slices.ContainsFunc(ev.List.Stories, func(o story.Observed) bool {
		then := o.CreatedAt.IsZero() || o.CreatedAt.After(from) && o.CreatedAt.Before(until)
		return o.MediaID == "" && mayBe(o, e.Kind) && then
	})
}

// mayBe reports whether a listed story may be of a kind.
func mayBe(o story.Observed, kind story.Kind) bool {
	return o.Kind == kind || o.Kind != story.Photo && o.Kind != story.Video
}

// notPublished reports positive evidence that a video is not out.
func notPublished(e *state.Entry, ev Evidence, attempted time.Time) bool {
	v := ev.Video
	return e.Kind == story.Video && v != nil && v.Publish == "not_published" && !v.Busy && !v.Gone &&
		!v.At.Before(attempted.Add(VideoGrace)) && !ev.List.At.Before(attempted.Add(VideoGrace))
}

// attemptedAt is when the newest publish call was announced.
func attemptedAt(e *state.Entry) time.Time {
	if e.Operation == nil {
		return time.Time{}
	}
	return e.Operation.AttemptAt
}

// foundOf is a listed story as a plan carries it.
func foundOf(o story.Observed) *Found {
	return &Found{PostID: o.PostID, MediaID: o.MediaID, URL: o.URL, CreatedAt: o.CreatedAt}
}
