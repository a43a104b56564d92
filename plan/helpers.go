package plan

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"storyform/internal/diag"
	"storyform/state"
	"storyform/story"
)

// change is a change of a declared story.
func (b *builder) change(d *story.Desired, a Action, reason string) Change {
	c := Change{
		Address: d.Address, Action: a, Reason: reason,
		Page: d.Page.Address, PageID: d.Page.ID,
		Kind: d.Kind, Source: d.Source, SHA256: d.Media.SHA256, Bytes: d.Media.Bytes, Media: d.Media,
		PublishAt: utc(d.PublishAt), NotAfter: utc(d.NotAfter), Window: d.Window,
		Revision: d.Revision, After: d.After, Labels: d.Labels, Order: d.Order,
		Declared: true, Range: rangeOf(d),
	}
	if e := b.entries[d.Address]; e != nil {
		c.Registered = e.Status.Pending() && e.Revision == d.Revision
	}
	return c
}

// rangeOf is where a story is declared; nil when that is not known.
func rangeOf(d *story.Desired) *diag.Range {
	if d.Range.IsZero() {
		return nil
	}
	r := d.Range
	return &r
}

// entryChange is a change of what the state remembers, whether or not it is
// still declared.
func (b *builder) entryChange(e *state.Entry, a Action, reason string) Change {
	c := Change{
		Address: e.Address, Action: a, Reason: reason,
		Page: e.Page, PageID: e.PageID,
		Kind: e.Kind, Source: e.Source, SHA256: e.SHA256, Bytes: e.Bytes,
		PublishAt: utc(e.PublishAt), NotAfter: utc(e.NotAfter), Window: e.Window,
		Revision: e.Revision, After: e.After, Labels: e.Labels,
	}
	if d := b.declared[e.Address]; d != nil {
		c.Declared, c.Order, c.Media = true, d.Order, d.Media
	}
	return c
}

// utc is t in UTC, keeping the zero time zero.
func utc(t time.Time) time.Time {
	if t.IsZero() {
		return time.Time{}
	}
	return t.UTC()
}

// diffs compares what is declared with what is registered. identity says
// whether other media or another Page are among the differences.
func (b *builder) diffs(d *story.Desired, e *state.Entry) (diffs []Diff, identity bool) {
	want, have := d.Spec(), e.Spec()
	loc := d.Page.Location()
	for _, a := range story.Attributes {
		was, is := a.Text(&have, loc), a.Text(&want, loc)
		if was != is {
			diffs = append(diffs, Diff{Attribute: a.Name, Old: was, New: is})
			identity = identity || a.Identity
		}
	}
	return diffs, identity
}

// approvalDiffers reports whether what differs is anything that an approval is
// about: other media, another Page, time, window or revision.
func approvalDiffers(diffs []Diff) bool {
	return slices.ContainsFunc(diffs, func(d Diff) bool {
		return slices.ContainsFunc(story.Attributes, func(a story.Attribute) bool {
			return a.Name == d.Attribute && (a.Identity || a.Pinned)
		})
	})
}

// later reports whether a declared story is due after now.
func (b *builder) later(d *story.Desired) bool { return d.PublishAt.After(b.Now) }

// closed reports whether a story that is not registered yet could no longer
// be published.
func (b *builder) closed(d *story.Desired) bool {
	return !d.NotAfter.IsZero() && b.Now.After(d.NotAfter)
}

// windowEnd is the last instant at which a registered story may go out, as it
// is declared now; zero when nothing bounds it. A window that counts from the
// registration began there.
func windowEnd(d *story.Desired, e *state.Entry) time.Time {
	if d.NotAfter.IsZero() && d.PublishAt.IsZero() && d.Window > 0 {
		return e.RegisteredAt.Add(d.Window)
	}
	return d.NotAfter
}

// closedFor reports whether the window of a registered story is over, as it
// is declared now.
func (b *builder) closedFor(d *story.Desired, e *state.Entry) bool {
	end := windowEnd(d, e)
	return !end.IsZero() && b.Now.After(end)
}

// closedEntry reports whether the window is over as it was registered.
func (b *builder) closedEntry(e *state.Entry) bool {
	deadline := e.Deadline()
	return !deadline.IsZero() && b.Now.After(deadline)
}

// windowClosed reports that a story is declared with a window that ended in
// the past.
func (b *builder) windowClosed(d *story.Desired, end time.Time) {
	attr := "not_after"
	for _, name := range []string{"publish_at", "window"} {
		if _, ok := d.Ranges[attr]; !ok {
			attr = name
		}
	}
	loc := d.Page.Location()
	detail := fmt.Sprintf("%s may go out until %s, and it is %s now, so it can never be published.",
		d.Address, local(end, loc), local(b.Now, loc))
	if d.NotAfter.IsZero() {
		detail = fmt.Sprintf("%s was registered at %s and may go out for %s from then, which is over.",
			d.Address, local(end.Add(-d.Window), loc), d.Window)
	}
	if !d.PublishAt.IsZero() {
		detail = fmt.Sprintf("%s is due at %s and may go out until %s, and it is %s now, so it can never be published.",
			d.Address, local(d.PublishAt, loc), local(end, loc), local(b.Now, loc))
	}
	detail += " Check the year and the time zone; move publish_at or not_after, give it a longer window, or remove the block."
	b.errorf(d, attr, "Window already closed", "%s", detail)
}

// lateReason says how late a story goes out; "" when it is on time.
func (b *builder) lateReason(d *story.Desired) string {
	if d.PublishAt.IsZero() || b.Now.Sub(d.PublishAt) < time.Minute {
		return ""
	}
	return "+" + lateness(b.Now.Sub(d.PublishAt)) + " late, inside its window"
}

// missedReason says why a registered story was not published in its window.
func (b *builder) missedReason(d *story.Desired, e *state.Entry) string {
	deadline := windowEnd(d, e)
	text := fmt.Sprintf("its window closed at %s, %s ago, and it is not published any more",
		local(deadline, d.Page.Location()), lateness(b.Now.Sub(deadline)))
	if e.Status == story.Failed {
		text += "; the last try failed: " + failureText(e)
	}
	return text
}

// failureText is an entry's failure on one line.
func failureText(e *state.Entry) string {
	if e.Failure == nil {
		return "the reason was not recorded"
	}
	return e.Failure.Op + ": " + strings.TrimPrefix(e.Failure.Message, e.Failure.Op+": ") // most messages begin with the call
}

// uploadedAt is when the upload of an entry was complete or, if that is not
// known, begun.
func uploadedAt(e *state.Entry) time.Time {
	if e.Operation == nil {
		return time.Time{}
	}
	if e.Operation.UploadedAt.IsZero() {
		return e.Operation.StartedAt
	}
	return e.Operation.UploadedAt
}

// location is the time zone of an entry's Page.
func (b *builder) location(e *state.Entry) *time.Location {
	for _, p := range b.Pages {
		if p.Address == e.Page || p.ID == e.PageID {
			return p.Location()
		}
	}
	return time.UTC
}
