package plan

import (
	"fmt"
	"slices"
	"time"

	"storyform/internal/diag"
	"storyform/story"
)

// # Guards
//
// A Page's guard limits what may go out on it: quiet hours, stories a day, the
// gap between two, how many are visible at once. It counts every story of the
// Page, managed or not, and every publication that is planned. A declared time
// that breaks it is an error at the attribute while the story can still be
// changed without anybody noticing; a story that is due now and would break it
// is held back, goes out once the guard allows it, inside its window, and is
// missed otherwise.

// outing is a story that went out on a Page, or is to.
type outing struct {
	at     time.Time
	change int            // index of its change, -1 for none
	wait   *story.Desired // a registered story that needs nothing
}

// checkGuards lays the guards of the Pages over the changes.
func (b *builder) checkGuards() {
	for i := range b.Pages {
		p := &b.Pages[i]
		if p.Guard == nil {
			continue
		}
		planned := b.outings(p)
		past := b.wentOutOn(p)
		for _, o := range planned {
			if why := breach(p, o.at, past); why != "" {
				b.guarded(p, o, why)
				if o.change >= 0 && !goesOut(b.changes[o.change].Action) && !o.at.After(b.Now) {
					continue // held back: it takes up no room
				}
			}
			past = append(past, o.at)
		}
	}
}

// outings lists what is planned for a Page, in the order of time.
func (b *builder) outings(p *story.Page) []outing {
	var planned []outing
	for i := range b.changes {
		c := &b.changes[i]
		switch {
		case c.PageID != p.ID:
		case c.Action == Publish || c.Action == Resume:
			planned = append(planned, outing{at: b.Now, change: i})
		case c.Action == Schedule || c.Action == Modify:
			if c.PublishAt.After(b.Now) {
				planned = append(planned, outing{at: c.PublishAt, change: i})
			}
		}
	}
	for _, d := range b.waiting {
		if d.Page.ID == p.ID {
			planned = append(planned, outing{at: d.PublishAt, change: -1, wait: d})
		}
	}
	slices.SortStableFunc(planned, func(x, y outing) int { return x.at.Compare(y.at) })
	return planned
}

// wentOutOn lists when stories went out on a Page: those that it lists, and
// those that only the state knows.
func (b *builder) wentOutOn(p *story.Page) []time.Time {
	var past []time.Time
	view := b.Views[p.ID]
	if view != nil {
		for _, o := range view.Stories {
			past = append(past, o.CreatedAt)
		}
	}
	for i := range b.State.Stories {
		e := &b.State.Stories[i]
		if _, listed := e.ListedIn(view); e.PageID == p.ID && e.Status.Out() && !listed && !e.PublishedAt.IsZero() {
			past = append(past, e.PublishedAt)
		}
	}
	slices.SortFunc(past, time.Time.Compare)
	return past
}

// breach says which guard a story breaks that goes out at a time, after the
// stories that went out before; "" for none.
func breach(p *story.Page, at time.Time, past []time.Time) string {
	g, loc := p.Guard, p.Location()
	wall := at.In(loc)
	for _, q := range g.QuietHours {
		if q.Contains(wall) {
			return fmt.Sprintf("%s has quiet hours from %s to %s", p.Address, clockText(q.From), clockText(q.To))
		}
	}
	day, live, last := 0, 0, time.Time{}
	for _, t := range past {
		if sameDay(t.In(loc), wall) {
			day++
		}
		if !t.After(at) && at.Before(t.Add(story.Lifetime)) {
			live++
		}
		if !t.After(at) && t.After(last) {
			last = t
		}
	}
	switch {
	case g.MaxPerDay > 0 && day >= g.MaxPerDay:
		return fmt.Sprintf("%s allows %s a day, and %s has %d before it", p.Address, count(g.MaxPerDay, "story", "stories"), wall.Format("Mon 2 Jan"), day)
	case g.MaxLive > 0 && live >= g.MaxLive:
		return fmt.Sprintf("%s allows %s to be visible at once, and %d would be", p.Address, count(g.MaxLive, "story", "stories"), live)
	case g.MinGap > 0 && !last.IsZero() && at.Sub(last) < g.MinGap:
		return fmt.Sprintf("%s wants %s between two stories, and one goes out at %s", p.Address, g.MinGap, last.In(loc).Format("15:04"))
	}
	return ""
}

// guarded acts on a breach: a due story is held back, a new or changed one is
// an error, one that was registered before is a warning.
func (b *builder) guarded(p *story.Page, o outing, why string) {
	if o.change < 0 {
		b.diags = append(b.diags, diag.Warnf("Registered story breaks a guard",
			"%s is registered for %s, and %s. It is held back then, unless its time or the guard is changed.",
			o.wait.Address, local(o.at, p.Location()), why).At(o.wait.RangeOf("publish_at")).For(o.wait.Address))
		return
	}
	c := &b.changes[o.change]
	if goesOut(c.Action) {
		b.hold(c, why+"; it goes out once that allows it, inside its window")
		return
	}
	if d := b.declared[c.Address]; d != nil {
		b.errorf(d, "publish_at", "Story breaks a guard of its Page", "%s is to go out at %s, and %s. Choose another time, or change the guard of %s.",
			c.Address, local(o.at, p.Location()), why, p.Address)
	}
}

// sameDay reports whether two wall clock times are on one calendar day.
func sameDay(a, b time.Time) bool { return a.Year() == b.Year() && a.YearDay() == b.YearDay() }

// clockText renders minutes after midnight as 22:00.
func clockText(minutes int) string { return fmt.Sprintf("%02d:%02d", minutes/60, minutes%60) }
