package apply

import (
	"context"
	"errors"
	"fmt"
	"time"

	"storyform/graphapi"
	"storyform/plan"
	"storyform/state"
	"storyform/story"
)

// How long an upload may take to be complete, and how often it is tried.
const (
	photoShelfLife = 23 * time.Hour   // see package plan: an unpublished photo is kept about 24 hours
	processFor     = 10 * time.Minute // for Meta to report that it has all bytes
	fruitless      = 5                // upload requests in a row that bring no byte forward
	maxSessions    = 3                // upload sessions for one story in one run
	longestPause   = time.Minute      // within an upload; a longer one is for the next run, as others wait for the lock
)

// errSessionOver says that an upload session can't be used any more.
var errSessionOver = errors.New("the upload session is over")

// upload makes sure that the story's media are at Meta and recorded. It has
// no public effect and may be repeated; what it leaves behind is invisible.
func (w *worker) upload(c *plan.Change, e *state.Entry) error {
	if w.uploaded(e) {
		return nil
	}
	if c.Media.Hosted || c.SHA256 == "" {
		return w.uploadWith(c, e, nil)
	}
	src, err := openSource(w.Open, c)
	if err != nil {
		return w.failed(e, "media", err)
	}
	defer src.Close()
	return w.uploadWith(c, e, src)
}

// uploaded reports whether an earlier run's upload can be published as it is.
func (w *worker) uploaded(e *state.Entry) bool {
	if e.Status != story.Uploaded || e.MediaID == "" || e.Operation == nil {
		return false
	}
	return e.Kind == story.Video || w.Clock.Now().Sub(e.Operation.UploadedAt) < photoShelfLife
}

// uploadWith uploads a local file, or has Meta fetch a hosted one when src is
// nil.
func (w *worker) uploadWith(c *plan.Change, e *state.Entry, src *source) error {
	w.report(story.EventUploadStarted, e, nil)
	var err error
	if e.Kind == story.Photo {
		err = w.uploadPhoto(c, e, src)
	} else {
		err = w.uploadVideo(c, e, src)
	}
	if err != nil {
		return w.uploadFailed(e, err)
	}
	e.Status = story.Uploaded
	e.Operation.UploadedAt = w.Clock.Now().UTC()
	e.Operation.UploadURL = ""
	e.Failure = nil
	if err := w.put(stepUploaded, e, nil); err != nil {
		return err
	}
	w.report(story.EventUploadDone, e, func(ev *story.Event) { ev.Bytes = ev.Total })
	return nil
}

// stateError wraps an error of the state, which ends the run.
type stateError struct{ error }

// Unwrap returns the error of the state.
func (s stateError) Unwrap() error { return s.error }

// uploadFailed decides what an upload's error means for the story. Nothing
// was visible, so a definite refusal ends the try and anything else leaves
// the upload to be resumed.
func (w *worker) uploadFailed(e *state.Entry, err error) error {
	if se, ok := errors.AsType[stateError](err); ok {
		return se.error
	}
	if w.soft.Err() != nil {
		return &problem{ending: EndNotAttempted, message: "the run was stopped during its upload, which can be resumed", stopPage: true}
	}
	op := "upload"
	if ge, ok := errors.AsType[*graphapi.Error](err); ok {
		op = ge.Op
	}
	_, changed := errors.AsType[*changedError](err)
	// Of what says that nothing was done, a bad network, a throttle and a bad
	// token are no verdict on the media: what was sent may be gone on with.
	passing := graphapi.Unsent(err) && graphapi.Retriable(err) || graphapi.Throttled(err) || graphapi.StopsPage(err)
	if changed || graphapi.OutcomeOf(err) == graphapi.NotDone && !passing {
		return w.failed(e, op, err)
	}
	e.Failure = w.failure(op, err)
	if putErr := w.put(stepFailed, e, nil); putErr != nil {
		return putErr
	}
	p := w.refused(op, err)
	p.stopPage = p.stopPage || graphapi.Throttled(err)
	return p
}

// intend records that an upload is about to begin, from nothing.
func (w *worker) intend(e *state.Entry) error {
	e.Status, e.MediaID = story.Uploading, ""
	e.Operation = &state.Operation{Run: w.Run.ID, StartedAt: w.Clock.Now().UTC()}
	if err := w.put(stepIntend, e, nil); err != nil {
		return stateError{err}
	}
	return nil
}

// uploadPhoto uploads an unpublished photo and takes its id.
func (w *worker) uploadPhoto(c *plan.Change, e *state.Entry, src *source) error {
	if err := w.intend(e); err != nil {
		return err
	}
	var id string
	err := w.effect(effectPhotos, func() (err error) {
		if src == nil {
			id, err = w.page.UploadHostedPhoto(w.soft, c.Source)
			return err
		}
		id, err = w.page.UploadPhoto(w.soft, fileName(c.Source), mimeOf(c.Media.Format), src, src.size, w.progress(e, 0))
		return err
	})
	if err != nil {
		return err
	}
	e.MediaID = id
	if src == nil {
		return nil
	}
	return src.verify(c.Source)
}

// uploadVideo brings a video to Meta, through an earlier run's session when
// there is one, and waits until Meta has all of it.
func (w *worker) uploadVideo(c *plan.Change, e *state.Entry, src *source) error {
	resumed := e.Status == story.Uploading && e.MediaID != "" && e.Operation != nil && e.Operation.UploadURL != ""
	for n := 0; ; n++ {
		if !resumed {
			if err := w.openSession(e); err != nil {
				return err
			}
		}
		err := w.sendVideo(c, e, src, resumed)
		if !errors.Is(err, errSessionOver) || n+1 == maxSessions {
			return err
		}
		resumed = false
	}
}

// openSession opens an upload session and records it at once.
func (w *worker) openSession(e *state.Entry) error {
	if err := w.intend(e); err != nil {
		return err
	}
	var session graphapi.VideoSession
	err := w.effect(effectStart, func() (err error) {
		session, err = w.page.StartVideo(w.soft)
		return err
	})
	if err != nil {
		return err
	}
	e.MediaID, e.Operation.UploadURL = session.VideoID, session.UploadURL
	if err := w.put(stepSession, e, nil); err != nil {
		return stateError{err}
	}
	return nil
}

// sendVideo sends what the server does not have yet, as often as that brings
// it forward, and waits for the upload to be complete.
func (w *worker) sendVideo(c *plan.Change, e *state.Entry, src *source, resumed bool) error {
	session := graphapi.VideoSession{VideoID: e.MediaID, UploadURL: e.Operation.UploadURL}
	offset, complete := int64(0), false
	if resumed {
		var err error
		if offset, complete, err = w.serverOffset(e); err != nil {
			return err
		}
	}
	idle := 0
	for !complete {
		err := w.send(c, e, session, src, offset)
		if err == nil {
			break
		}
		if w.soft.Err() != nil || !graphapi.Retriable(err) && graphapi.OutcomeOf(err) == graphapi.NotDone {
			return err
		}
		idle++
		delay := graphapi.RetryDelay(err, idle)
		if idle >= fruitless || delay > longestPause || w.pause(delay) != nil {
			return err
		}
		held, done, statusErr := w.serverOffset(e)
		switch {
		case errors.Is(statusErr, errSessionOver):
			return statusErr
		case statusErr != nil:
			continue // ask for the offset again with the next try
		case held > offset:
			idle = 0
		}
		offset, complete = held, done
	}
	if src != nil {
		if err := src.verify(c.Source); err != nil {
			return err
		}
	}
	return w.awaitUpload(e)
}

// send makes one upload request, from offset to the end.
func (w *worker) send(c *plan.Change, e *state.Entry, session graphapi.VideoSession, src *source, offset int64) error {
	return w.effect(effectUpload, func() error {
		if src == nil {
			return w.page.UploadHostedVideo(w.soft, session, c.Source)
		}
		if err := src.skip(offset); err != nil {
			return fmt.Errorf("read media: %w", err)
		}
		return w.page.UploadVideo(w.soft, session, src, src.size, offset, w.progress(e, offset))
	})
}

// serverOffset asks how many bytes the server holds, and whether that is all.
func (w *worker) serverOffset(e *state.Entry) (offset int64, complete bool, err error) {
	status, err := w.page.VideoStatus(w.soft, e.MediaID)
	switch {
	case graphapi.NotFound(err):
		return 0, false, errSessionOver
	case err != nil:
		return 0, false, err
	case status.Expired():
		return 0, false, errSessionOver
	case status.Err() != nil:
		return 0, false, status.Err()
	}
	return min(status.Offset(), e.Bytes), status.UploadComplete(), nil
}

// awaitUpload waits until Meta reports that it has the whole upload. Values
// of the status that are not known mean that it is still working.
func (w *worker) awaitUpload(e *state.Entry) error {
	end := w.Clock.Now().Add(processFor)
	last := "nothing yet"
	for delay := time.Second; ; delay = min(2*delay, 10*time.Second) {
		status, err := w.page.VideoStatus(w.soft, e.MediaID)
		switch {
		case err != nil && graphapi.OutcomeOf(err) == graphapi.NotDone && !graphapi.Retriable(err):
			return err
		case err != nil:
			last = err.Error()
		case status.Err() != nil:
			return status.Err()
		case status.Expired():
			return errSessionOver
		case status.UploadComplete():
			return nil
		default:
			last = status.String()
		}
		w.report(story.EventUploadWaiting, e, func(ev *story.Event) { ev.Message = last })
		if !w.Clock.Now().Add(delay).Before(end) {
			return fmt.Errorf("the upload of %s was not reported as complete within %s; the last status was: %s", e.MediaID, processFor, last)
		}
		if err := w.pause(delay); err != nil {
			return context.Cause(w.soft)
		}
	}
}

// progress is a callback that tells how many bytes of the file were sent.
func (w *worker) progress(e *state.Entry, from int64) func(sent int64) {
	if w.Report == nil {
		return nil
	}
	started := w.Clock.Now()
	entry := *e
	return func(sent int64) {
		w.report(story.EventUploadProgress, &entry, func(ev *story.Event) {
			ev.Bytes = from + sent
			ev.Elapsed = ev.Time.Sub(started)
		})
	}
}
