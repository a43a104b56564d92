package plan

import (
	"fmt"
	"strings"
	"time"

	"storyform/internal/diag"
	"storyform/story"
)

// goesOut are the actions after which a story is, or may be, on its Page in
// the same run.
func goesOut(a Action) bool {
	return a == Publish || a == Resume || a == Adopt || a == Settle
}

// checkAfter holds back each story whose predecessor is not out and does not
// go out in this plan: never before it, never without it.
func (b *builder) checkAfter() {
	planned := make(map[story.Address]*Change, len(b.changes))
	for i := range b.changes {
		planned[b.changes[i].Address] = &b.changes[i]
	}
	for again := true; again; {
		again = false
		for i := range b.changes {
			c := &b.changes[i]
			if c.Action != Publish && c.Action != Resume {
				continue
			}
			if why := b.blocked(c, planned); why != "" {
				b.hold(c, why)
				again = true
			}
		}
	}
}

// blocked says which predecessor holds a change back; "" for none.
func (b *builder) blocked(c *Change, planned map[story.Address]*Change) string {
	for _, dep := range c.After {
		if p := planned[dep]; p != nil && goesOut(p.Action) {
			continue
		}
		e := b.entries[dep]
		d := b.declared[dep]
		if e != nil && e.Status.Out() && (d == nil || e.Revision >= d.Revision) {
			continue
		}
		state := "not out yet"
		if e != nil && e.Status.Converged() {
			state = string(e.Status)
		}
		return fmt.Sprintf("it comes after %s, which is %s", dep, state)
	}
	return ""
}

// hold turns a publication into what can be done without it: registering a
// story that is new, and waiting otherwise.
func (b *builder) hold(c *Change, why string) {
	e := b.entries[c.Address]
	c.Reason = why
	switch {
	case e == nil || !e.Status.Pending() || e.Revision < c.Revision:
		c.Action = Schedule
	case len(c.Diffs) > 0:
		c.Action = Modify
	default:
		c.Action = Note
	}
}

// AdoptNoneEvent is the line of history that remembers --adopt-none.
const AdoptNoneEvent = "adopt-none"

// checkEmptyState refuses to publish while stories like the ones to be
// published are live that are older than the state: this is what a lost state
// looks like, and the one moment at which it would publish twice. A state that
// was never written is younger than everything; one that was begun today may
// have lost what was published yesterday. Of what is only registered, and due
// before those stories are gone, it warns: when it is due, cron can ask nobody. A
// Page that could not be read may show anything, but apply publishes nothing
// there.
func (b *builder) checkEmptyState() {
	born, known := b.born()
	if b.AdoptNone || !b.Refreshed || !known {
		return
	}
	for i := range b.changes {
		c := &b.changes[i]
		if c.Action != Publish && c.Action != Schedule && c.Action != Modify {
			continue
		}
		like := b.looksPublished(c, born)
		if len(like) == 0 {
			continue
		}
		severity, refused := diag.Error, ""
		if c.Action != Publish {
			severity, refused = diag.Warning, ", so that it will be refused when it is due"
		}
		d := b.declared[c.Address]
		b.errorf(d, "publish_at", "State is new, but the Page is not",
			b.beginning(born, d.Page.Location())+", and %s already shows %s (%s) that could be %s. If the state was lost, "+
				"publishing it would post it twice%s.\n\nIf it is that story, record it:\n    storyform import '%s' %s\n\n"+
				"If it is not, say so:\n    storyform apply --adopt-none",
			c.Page, count(len(like), "live "+string(c.Kind)+" story", "live "+string(c.Kind)+" stories"), postIDs(like), c.Address, refused, c.Address, like[0].PostID)
		b.diags[len(b.diags)-1].Severity = severity
	}
}

// beginning says for a sentence since when the state knows anything.
func (b *builder) beginning(born time.Time, loc *time.Location) string {
	if born.After(b.Now) {
		return "The state has never been written"
	}
	return "The state knows nothing from before " + local(born, loc)
}

// born is when the state was begun: the time of the first thing that it
// remembers. One that was never written is younger than everything, whatever
// the clocks say. known is false when that can't be told, and when somebody
// said that no older story is ours.
func (b *builder) born() (born time.Time, known bool) {
	born, known = b.Now.Add(story.Lifetime), b.State.Serial == 0 && len(b.State.Stories) == 0
	earlier := func(t time.Time) {
		if !t.IsZero() && (!known || t.Before(born)) {
			born, known = t, true
		}
	}
	earlier(b.State.WrittenAt) // of one that knows nothing, it is all that tells
	for i := range b.State.Stories {
		earlier(b.State.Stories[i].RegisteredAt)
	}
	for i := range b.State.History {
		if b.State.History[i].What == AdoptNoneEvent {
			return born, false
		}
		earlier(b.State.History[i].At)
	}
	return born, known
}

// looksPublished finds stories, older than the state and live when a change is
// due, that could be the change's: of the same kind, or of one that is not known
// here. When they went out says nothing: the state that was lost would have told
// that publish_at was moved afterwards.
func (b *builder) looksPublished(c *Change, born time.Time) []story.Observed {
	view := b.Views[c.PageID]
	if view == nil {
		return nil
	}
	due := b.Now
	if c.PublishAt.After(due) {
		due = c.PublishAt
	}
	var like []story.Observed
	for _, o := range view.Stories {
		if o.Published && due.Before(o.ExpiresAt()) && mayBe(o, c.Kind) && o.CreatedAt.Before(born) && !b.ours(o) {
			like = append(like, o)
		}
	}
	return like
}

// postIDs lists the post_ids of stories for a sentence, at most five.
func postIDs(stories []story.Observed) string {
	ids := make([]string, 0, len(stories))
	for i, o := range stories {
		if i == 5 {
			ids = append(ids, "…")
			break
		}
		ids = append(ids, o.PostID)
	}
	return "post_id " + strings.Join(ids, ", ")
}

// count renders "1 story" or "3 stories".
func count(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, many)
}

// cancelsAll reports whether a plan cancels every story that waits to be
// published, and more than one: that is what an empty folder, or the wrong
// one, looks like.
func (b *builder) cancelsAll(cancelled int) bool {
	pending := 0
	for i := range b.State.Stories {
		if b.State.Stories[i].Status.Pending() {
			pending++
		}
	}
	return cancelled > 1 && cancelled == pending
}

// Publications counts the stories that applying the plan may publish.
func (p *Plan) Publications() int { return p.Summary.Publish + p.Summary.Resume }

// checkCancelAll warns of a plan that cancels everything that waits.
func (b *builder) checkCancelAll() {
	if n := Summarize(b.changes).Cancel; b.cancelsAll(n) {
		b.diags = append(b.diags, diag.Warnf("Every scheduled story is cancelled",
			"This plan cancels all %d stories that wait to be published. Is this the right folder? If that is intended, apply with --allow-cancel-all.", n))
	}
}

// checkBulk warns of a plan that publishes more than max_publish stories.
func (b *builder) checkBulk() {
	s := Summarize(b.changes)
	n, limit := s.Publish+s.Resume, b.Settings.MaxPublish
	if limit > 0 && n > limit {
		b.diags = append(b.diags, diag.Warnf("More stories than max_publish",
			"This plan publishes %d stories at once and max_publish in the storyform block is %d. If that is intended, apply with --allow-bulk.", n, limit))
	}
}
