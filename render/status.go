package render

import (
	"cmp"
	"io"
	"slices"
	"strings"
	"time"

	"storyform/state"
	"storyform/story"
)

// recent is how long a status screen still mentions what was missed, failed
// or taken down, after it was due.
const recent = 48 * time.Hour

// statusOrder is the order of a status screen: what is seen now, what comes
// next, what needs somebody.
var statusOrder = []story.Status{
	story.Live, story.Uploading, story.Uploaded, story.Scheduled, story.Publishing, story.Unknown, story.Failed, story.Missed, story.Removed,
}

// Status draws one screen a Page from the state: what is live and for how
// long, what is next, and what is missed, failed or unknown.
func Status(w io.Writer, doc *state.Document, o Options) error {
	s := newScreen(o)
	pages := map[story.Address][]*state.Entry{}
	for i := range doc.Stories {
		if e := &doc.Stories[i]; s.current(e) {
			pages[e.Page] = append(pages[e.Page], e)
		}
	}
	if len(pages) == 0 {
		s.line(text("Nothing is live, and nothing is waiting."))
	}
	addresses := make([]story.Address, 0, len(pages))
	for a := range pages {
		addresses = append(addresses, a)
	}
	slices.SortFunc(addresses, story.Address.Compare)
	for i, a := range addresses {
		if i > 0 {
			s.blank()
		}
		s.statusOf(a, pages[a])
	}
	return s.flush(w)
}

// current reports whether an entry belongs on a status screen.
func (s *screen) current(e *state.Entry) bool {
	switch e.Status {
	case story.Live:
		return s.Now.IsZero() || e.ExpiresAt.After(s.Now)
	case story.Missed, story.Removed, story.Failed:
		due := cmp.Or(e.PublishAt, e.PublishedAt, e.RegisteredAt)
		return s.Now.IsZero() || s.Now.Sub(due) < recent
	}
	return slices.Contains(statusOrder, e.Status)
}

// statusOf draws the screen of one Page.
func (s *screen) statusOf(page story.Address, entries []*state.Entry) {
	slices.SortStableFunc(entries, func(a, b *state.Entry) int {
		return cmp.Or(
			cmp.Compare(slices.Index(statusOrder, a.Status), slices.Index(statusOrder, b.Status)),
			cmp.Or(a.ExpiresAt, a.PublishAt).Compare(cmp.Or(b.ExpiresAt, b.PublishAt)),
			a.Address.Compare(b.Address),
		)
	})
	s.line(styled(bold, page.String()), text(" ("+zoneTitle(s.zone(page), s.Now)+")"))
	rows := make([][]span, len(entries))
	for i, e := range entries {
		rows[i] = []span{styled(statusStyle(e.Status), statusText(e)), text(e.Address.String()), text(s.when(e))}
	}
	s.columns(2, 0, rows)
}

// History draws lines of the history, as they come: when, what, which story,
// who, and where it can be seen. With Verbose each has its run, commit and
// ids too.
func History(w io.Writer, events []state.Event, o Options) error {
	s := newScreen(o)
	if len(events) == 0 {
		s.line(text("The history is empty."))
		return s.flush(w)
	}
	rows := make([][]span, len(events))
	for i := range events {
		e := &events[i]
		rows[i] = []span{
			text(e.At.UTC().Format("2006-01-02 15:04:05 MST")), styled(bold, e.What), text(e.Address.String()), text(e.Who), text(lateness(e)), text(e.URL),
		}
	}
	if !s.Verbose {
		s.columns(0, 0, rows)
		return s.flush(w)
	}
	widths := columnWidths(rows)
	for i := range events {
		s.tableRow(0, rows[i], widths)
		s.pairs(4, plain, eventDetails(&events[i]))
	}
	return s.flush(w)
}

// lateness says how late a story went out; "" when it was on time or the
// event is of another kind.
func lateness(e *state.Event) string {
	if e.PublishAt.IsZero() || e.PublishedAt.IsZero() || e.PublishedAt.Sub(e.PublishAt) < time.Minute {
		return ""
	}
	return "+" + Duration(e.PublishedAt.Sub(e.PublishAt)) + " late"
}

// eventDetails are the rest of a line of the history.
func eventDetails(e *state.Event) [][2]string {
	all := [][2]string{
		{"page_id", e.PageID}, {"kind", string(e.Kind)}, {"sha256", e.SHA256}, {"media_id", e.MediaID}, {"post_id", e.PostID},
		{"url", e.URL}, {"run", e.Run}, {"commit", e.Commit}, {"run_url", e.RunURL}, {"note", e.Note},
	}
	return slices.DeleteFunc(all, func(p [2]string) bool { return strings.TrimSpace(p[1]) == "" })
}
