package plan

import (
	"fmt"
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
	case e == nil:
		b.decideNew(d, nil)
	case b.adoptable(e):
		b.adopt(d, e)
	case e.Status.Doubtful():
		b.settle(d, e)
	case e.Status.Out():
		b.decideOut(d, e)
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
		b.windowClosed(d)
		return
	}
	c := b.change(d, Publish, "")
	if before != nil && before.Status.Out() {
		c.Reason = fmt.Sprintf("revision %d, on purpose a second time; revision %d went out at %s",
			d.Revision, before.Revision, local(before.PublishedAt, d.Page.Location()))
		if before.Status == story.Live {
			c.Reason += " and stays visible until " + local(before.ExpiresAt, d.Page.Location())
		}
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

// decidePending handles a registered story that is not out and for which no
// publish call is open: scheduled, interrupted or failed.
func (b *builder) decidePending(d *story.Desired, e *state.Entry) {
	diffs, identity := b.diffs(d, e)
	switch {
	case b.closedFor(d, e) && len(diffs) > 0 && !b.closedEntry(e):
		b.windowClosed(d)
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
	case e.Status == story.Failed:
		c := b.change(d, Publish, "it failed before: "+failureText(e))
		c.Diffs = diffs
		b.changes = append(b.changes, c)
	case !identity && (e.Status == story.Uploading || e.Status == story.Uploaded):
		b.resume(d, e, diffs)
	default:
		c := b.change(d, Publish, b.lateReason(d))
		c.Diffs = diffs
		if e.Status != story.Scheduled {
			c.Reason = "the upload is made again: it was begun for other media"
		}
		b.changes = append(b.changes, c)
	}
}

// resume handles an upload that an earlier run began and did not finish.
func (b *builder) resume(d *story.Desired, e *state.Entry, diffs []Diff) {
	c := b.change(d, Resume, "")
	c.Diffs = diffs
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
	expired := b.refreshOut(e)
	if e.Revision < d.Revision {
		b.decideNew(d, e)
		return
	}
	diffs, _ := b.diffs(d, e)
	if expired || e.Status != story.Live || len(diffs) == 0 {
		return
	}
	if e.Forgotten && sameContent(diffs) {
		return
	}
	c := b.change(d, Note, fmt.Sprintf(
		"it went out at %s and can't be edited; it stays visible until %s. Set revision = %d to publish the new version as well",
		local(e.PublishedAt, d.Page.Location()), local(e.ExpiresAt, d.Page.Location()), e.Revision+1))
	c.Diffs, c.ExpiresAt = diffs, e.ExpiresAt
	b.changes = append(b.changes, c)
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

// refreshOut notes what the clock and the list say about a story that is
// out, counts it when it is visible, and reports whether it has expired.
func (b *builder) refreshOut(e *state.Entry) (expired bool) {
	view := b.Views[e.PageID]
	listed, isListed := e.ListedIn(view)
	switch {
	case e.Status != story.Live && !(e.Status == story.Removed && isListed && listed.Published):
		return true
	case !b.Now.Before(e.ExpiresAt):
		b.updates = append(b.updates, Update{Address: e.Address, Status: story.Archived})
		return true
	case isListed:
		if e.URL == "" || e.PostID == "" || e.Status == story.Removed {
			b.updates = append(b.updates, Update{Address: e.Address, Status: story.Live, Found: foundOf(listed)})
		}
	case b.takenDown(e, view):
		b.updates = append(b.updates, Update{Address: e.Address, Status: story.Removed, Loud: true})
		b.noteRemoved(e)
		return true
	}
	b.live[e.PageID]++
	return false
}

// takenDown reports whether the list, read long enough after publication,
// lacks a story that should still be visible.
func (b *builder) takenDown(e *state.Entry, view *story.PageView) bool {
	return view != nil && !e.PublishedAt.IsZero() &&
		view.At.After(e.PublishedAt.Add(b.Settings.SettleAfter)) && view.Since.Before(e.PublishedAt)
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
	moved := false
	for _, diff := range diffs {
		moved = moved || diff.Attribute == "publish_at" || diff.Attribute == "not_after" || diff.Attribute == "window"
	}
	if !moved || e.Attempted() || b.closed(d) {
		return
	}
	c := b.change(d, Publish, "it was missed and has a new window")
	c.Diffs = diffs
	if b.later(d) {
		c.Action = Schedule
	}
	b.changes = append(b.changes, c)
}

// settle handles a story with an open publish call.
func (b *builder) settle(d *story.Desired, e *state.Entry) {
	c := b.entryChange(e, Settle, b.settleReason(e))
	if d != nil {
		c.Declared, c.Order = true, d.Order
		c.Range = &d.Range
		if diffs, _ := b.diffs(d, e); len(diffs) > 0 {
			c.Reason += "; what changed in the configuration is looked at afterwards"
		}
	}
	b.changes = append(b.changes, c)
}

// settleReason says what the evidence at hand amounts to.
func (b *builder) settleReason(e *state.Entry) string {
	ev := Evidence{Now: b.Now, SettleAfter: b.Settings.SettleAfter, List: b.Views[e.PageID]}
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
		c.Declared, c.Order = true, d.Order
		c.Range = &d.Range
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
