package plan

import (
	"fmt"
	"slices"
	"time"

	"storyform/state"
	"storyform/story"
)

// photoShelfLife is how long an uploaded, unpublished photo is relied on.
// Meta keeps it "about 24 hours" (Graph API reference of /{page_id}/photos,
// v26.0, read in 2026); an hour is left for the call itself.
const photoShelfLife = 23 * time.Hour

// decide says what is to be done about a declared story.
func (b *builder) decide(d *story.Desired, e *state.Entry) {
	switch {
	case b.decideImport(d, e):
	case e == nil:
		b.decideNew(d, nil)
	case b.adoptable(e):
		b.adopt(d, e)
	case e.Status.Doubtful():
		b.settle(d, e)
	case e.Status.Out():
		b.decideOut(d, e)
	case d.Revision < e.Revision && d.Revision <= e.OutRevision:
		b.decideLowered(d, e)
	case e.Revision < d.Revision && e.Status.Converged():
		b.decideNew(d, e)
	case e.Status == story.Cancelled:
		b.decideNew(d, e)
	case e.Status == story.Missed:
		b.decideMissed(d, e)
	default:
		b.decidePending(d, e)
	}
}

// adoptable reports whether the Page lists the media of an entry that the
// state does not know as out.
func (b *builder) adoptable(e *state.Entry) bool {
	_, listed := e.ListedIn(b.Views[e.PageID])
	return listed && !e.Status.Out()
}

// decideNew handles a story of which this revision was never registered.
func (b *builder) decideNew(d *story.Desired, before *state.Entry) {
	if b.closed(d) {
		b.windowClosed(d, d.NotAfter)
		return
	}
	c := b.change(d, Publish, "")
	if before != nil && before.Status.Out() {
		c.Reason = b.againReason(d, before)
	} else if before != nil {
		c.Reason = "declared again after it was " + string(before.Status)
	}
	if b.later(d) {
		c.Action = Schedule
	} else if c.Reason == "" {
		c.Reason = b.lateReason(d)
	}
	b.changes = append(b.changes, c)
}

// againReason says of a higher revision what became of the one before.
func (b *builder) againReason(d *story.Desired, before *state.Entry) string {
	loc := d.Page.Location()
	text := fmt.Sprintf("revision %d, on purpose a second time; revision %d went out at %s",
		d.Revision, before.Revision, local(before.PublishedAt, loc))
	switch now, _ := b.standing(before); now {
	case story.Live:
		text += " and stays visible until " + local(before.ExpiresAt, loc)
	case story.Removed:
		text += " and was removed before its 24 hours were over"
	}
	return text
}

// decideLowered handles a revision that went out, declared once more after a
// higher one was registered: typically, raising it was reverted. It is out, so
// it is not published again, and the higher one is not wanted any more.
func (b *builder) decideLowered(d *story.Desired, e *state.Entry) {
	if !e.Status.Pending() {
		return
	}
	c := b.entryChange(e, Cancel, fmt.Sprintf(
		"revision %d is not declared any more; revision %d went out before and is not published again", e.Revision, e.OutRevision))
	c.Declared = false // this revision is not
	b.changes = append(b.changes, c)
}

// decidePending handles a registered story that is not out and for which no
// publish call is open: scheduled, interrupted or failed.
func (b *builder) decidePending(d *story.Desired, e *state.Entry) {
	diffs, identity := b.diffs(d, e)
	switch {
	case b.closedFor(d, e) && len(diffs) > 0 && !b.closedEntry(e):
		b.windowClosed(d, windowEnd(d, e))
	case b.closedFor(d, e):
		c := b.change(d, Missed, b.missedReason(d, e))
		b.changes = append(b.changes, c)
	case b.later(d) && len(diffs) > 0:
		c := b.change(d, Modify, "")
		c.Diffs = diffs
		if identity && (e.Status == story.Uploading || e.Status == story.Uploaded) {
			c.Reason = "what was uploaded for it is abandoned; nothing was visible"
		}
		b.changes = append(b.changes, c)
	case b.later(d):
		b.waiting = append(b.waiting, d)
		if b.uploadNow(d, e) {
			b.changes = append(b.changes, b.change(d, Upload, "due "+local(d.PublishAt, d.Page.Location())+"; its media are uploaded ahead"))
		}
	case e.Status == story.Failed:
		c := b.change(d, Publish, "it failed before: "+failureText(e))
		c.Diffs = diffs
		b.changes = append(b.changes, c)
	case len(diffs) == 0 && (e.Status == story.Uploading || e.Status == story.Uploaded):
		b.resume(d, e)
	default:
		c := b.change(d, Publish, b.lateReason(d))
		c.Diffs = diffs
		if e.Status != story.Scheduled && identity {
			c.Reason = "the upload is made again: it was begun for other media"
		}
		b.changes = append(b.changes, c)
	}
}

// uploadNow reports whether a waiting story's media are to be uploaded ahead.
func (b *builder) uploadNow(d *story.Desired, e *state.Entry) bool {
	if !b.Stage || d.PublishAt.Sub(b.Now) > b.Settings.UploadAhead {
		return false
	}
	return e.Status != story.Uploaded || e.Kind == story.Photo && b.Now.Sub(uploadedAt(e)) > photoShelfLife
}

// resume handles an upload that an earlier run began and did not finish. What
// is declared is what is registered: otherwise it is a publication, which
// registers the difference first. A resumed story that kept an old revision
// would be published once more under the new one.
func (b *builder) resume(d *story.Desired, e *state.Entry) {
	c := b.change(d, Resume, "")
	video := b.Videos[e.MediaID]
	switch {
	case e.MediaID == "":
		c.Reason = "the upload was interrupted before its id was known; it is made again (what was sent is never visible)"
	case e.Kind == story.Photo && b.Now.Sub(uploadedAt(e)) > photoShelfLife:
		c.Reason = "uploaded, but more than 23 hours ago; it is uploaded again"
	case e.Status == story.Uploaded:
		c.Reason = "uploaded by an earlier run; it only has to be published"
	case video.Gone || video.Expired:
		c.Reason = "the upload session is over; it is uploaded again"
	default:
		c.Offset = video.Offset
		c.Reason = fmt.Sprintf("the upload was interrupted; the server holds %d of %d bytes", video.Offset, e.Bytes)
		if d.Media.Hosted {
			c.Reason = "Meta was asked to fetch the file, and the run ended before it had it"
		}
	}
	b.changes = append(b.changes, c)
}

// decideOut handles a story that is out: nothing is ever published for it
// again, except for a higher revision.
func (b *builder) decideOut(d *story.Desired, e *state.Entry) {
	if e.Revision < d.Revision {
		// What became true of the old revision is not recorded: its entry is
		// about to be the new one's.
		if now, _ := b.standing(e); now == story.Live {
			b.live[e.PageID]++
		}
		b.decideNew(d, e)
		return
	}
	expired := b.refreshOut(e)
	diffs, _ := b.diffs(d, e)
	loc := d.Page.Location()
	switch {
	case expired && b.later(d) && retimed(diffs):
		b.note(d, diffs, fmt.Sprintf("it went out at %s and another time does not publish it again. Set revision = %d for that", local(e.PublishedAt, loc), e.Revision+1))
	case expired, len(diffs) == 0, e.Forgotten && sameContent(diffs):
	default:
		c := b.note(d, diffs, fmt.Sprintf("it went out at %s and can't be edited; it stays visible until %s. Set revision = %d to publish the new version as well",
			local(e.PublishedAt, loc), local(e.ExpiresAt, loc), e.Revision+1))
		c.ExpiresAt = e.ExpiresAt
	}
}

// note says what a difference does not lead to.
func (b *builder) note(d *story.Desired, diffs []Diff, text string) *Change {
	c := b.change(d, Note, text)
	c.Diffs = diffs
	b.changes = append(b.changes, c)
	return &b.changes[len(b.changes)-1]
}

// retimed reports whether the time or the window is among the differences.
func retimed(diffs []Diff) bool {
	return slices.ContainsFunc(diffs, func(d Diff) bool {
		return d.Attribute == "publish_at" || d.Attribute == "not_after" || d.Attribute == "window"
	})
}

// sameContent reports whether none of the differences shows in the story.
func sameContent(diffs []Diff) bool {
	for _, d := range diffs {
		if d.Attribute == "sha256" || d.Attribute == "page" {
			return false
		}
	}
	return true
}

// standing is the status that the clock and the list give to a story that is
// out, and our story as the Page lists it, where that is worth recording.
func (b *builder) standing(e *state.Entry) (story.Status, *Found) {
	view := b.Views[e.PageID]
	listed, isListed := e.ListedIn(view)
	back := e.Status == story.Removed && isListed && listed.Published
	switch {
	case e.Status != story.Live && !back:
		return e.Status, nil
	case !b.Now.Before(e.ExpiresAt):
		return story.Archived, nil
	case isListed && (e.URL == "" || e.PostID == "" || back):
		return story.Live, foundOf(listed)
	case !isListed && b.takenDown(e, view):
		return story.Removed, nil
	}
	return story.Live, nil
}

// refreshOut notes what became of a story that is out, counts it when it is
// visible, and reports whether it has expired.
func (b *builder) refreshOut(e *state.Entry) (expired bool) {
	now, listed := b.standing(e)
	if now != e.Status || listed != nil {
		// The list forgets after a day what it tells now: that is written at once.
		told := listed != nil && (e.URL == "" && listed.URL != "" || e.PostID == "" && listed.PostID != "")
		b.updates = append(b.updates, Update{Address: e.Address, Status: now, Found: listed, Loud: now == story.Removed || told})
	}
	if now == story.Removed && e.Status != story.Removed {
		b.noteRemoved(e)
	}
	if now == story.Live {
		b.live[e.PageID]++
	}
	return now != story.Live
}

// takenDown reports whether the list, read long enough after publication,
// lacks a story that should still be visible.
func (b *builder) takenDown(e *state.Entry, view *story.PageView) bool {
	return view != nil && !e.PublishedAt.IsZero() &&
		view.At.After(e.PublishedAt.Add(settleAfter(b.Settings.SettleAfter))) && view.Since.Before(e.PublishedAt)
}

// noteRemoved tells that a story is gone before its time.
func (b *builder) noteRemoved(e *state.Entry) {
	c := b.entryChange(e, Note, fmt.Sprintf(
		"it was removed outside storyform, by hand or by Meta, before its 24 hours were over; it is not published again. Set revision = %d to post it anew",
		e.Revision+1))
	c.ExpiresAt = e.ExpiresAt
	b.changes = append(b.changes, c)
}

// decideMissed handles a story whose window closed unpublished. It is over,
// unless no publish call was ever made and it was given a new window.
func (b *builder) decideMissed(d *story.Desired, e *state.Entry) {
	diffs, _ := b.diffs(d, e)
	if !retimed(diffs) || b.closed(d) {
		return
	}
	if e.Attempted() {
		b.note(d, diffs, fmt.Sprintf("it was missed, but a publish call was made for it, so that it may have been out; a new window does not publish it again. Set revision = %d for that", e.Revision+1))
		return
	}
	c := b.change(d, Publish, "it was missed and has a new window")
	c.Diffs = diffs
	if b.later(d) {
		c.Action = Schedule
	}
	b.changes = append(b.changes, c)
}

// settle handles a story with an open publish call. When the declaration has
// changed since, or is gone, nobody wants what was attempted any more: it is
// found out what became of it, but no other call is made.
func (b *builder) settle(d *story.Desired, e *state.Entry) {
	withdrawn := d == nil
	var diffs []Diff
	if d != nil {
		diffs, _ = b.diffs(d, e)
		withdrawn = approvalDiffers(diffs)
	}
	c := b.entryChange(e, Settle, b.settleReason(e, withdrawn))
	c.Withdrawn = withdrawn
	if d != nil {
		c.Range = rangeOf(d)
	}
	if len(diffs) > 0 {
		c.Reason += "; what changed in the configuration is looked at afterwards"
	}
	b.changes = append(b.changes, c)
}

// settleReason says what the evidence at hand amounts to.
func (b *builder) settleReason(e *state.Entry, withdrawn bool) string {
	ev := Evidence{Now: b.Now, SettleAfter: b.Settings.SettleAfter, List: b.Views[e.PageID], Withdrawn: withdrawn}
	if v, ok := b.Videos[e.MediaID]; ok {
		ev.Video = &v
	}
	verdict, _, why := Judge(e, ev)
	text := "a publish call was made and its answer was lost; " + why
	if verdict == TryAgain {
		text += "; one more call with the same media"
	}
	return text
}

// adopt handles a story that turns out to be on the Page.
func (b *builder) adopt(d *story.Desired, e *state.Entry) {
	o, _ := e.ListedIn(b.Views[e.PageID])
	c := b.entryChange(e, Adopt, "the Page lists our media_id "+o.MediaID+": it was published, and its answer was lost")
	c.Found = foundOf(o)
	c.ExpiresAt = o.ExpiresAt()
	if d != nil {
		c.Range = rangeOf(d)
	}
	if b.Now.Before(c.ExpiresAt) {
		b.live[e.PageID]++
	}
	b.changes = append(b.changes, c)
}

// decideUndeclared handles an entry whose block is not in the configuration.
func (b *builder) decideUndeclared(e *state.Entry) {
	switch {
	case b.adoptable(e):
		b.adopt(nil, e)
	case e.Status.Doubtful():
		b.settle(nil, e)
	case e.Status.Out():
		if b.refreshOut(e) || e.Forgotten {
			return
		}
		c := b.entryChange(e, Forget, "its block is gone; the story stays visible until "+
			local(e.ExpiresAt, b.location(e))+" and can't be removed through the API")
		c.ExpiresAt = e.ExpiresAt
		b.changes = append(b.changes, c)
	case e.Status.Pending():
		c := b.entryChange(e, Cancel, "its block is gone; nothing was published")
		b.changes = append(b.changes, c)
	}
}
