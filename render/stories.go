package render

import (
	"io"
	"slices"
	"time"

	"storyform/story"
)

// StoryRow is one story on a Page, managed or not.
type StoryRow struct {
	Address     story.Address `json:"address,omitzero"` // zero: not managed by storyform
	Page        story.Address `json:"page,omitzero"`
	PageID      string        `json:"page_id"`
	Kind        story.Kind    `json:"kind"`
	PostID      string        `json:"post_id"`
	MediaID     string        `json:"media_id,omitempty"`
	Visible     bool          `json:"visible"` // false: archived
	PublishedAt time.Time     `json:"published_at"`
	ExpiresAt   time.Time     `json:"expires_at"`
	URL         string        `json:"url,omitempty"`
}

// Stories draws what is on the Pages, each Page under a heading, in the order
// in which rows come.
func Stories(w io.Writer, rows []StoryRow, o Options) error {
	s := newScreen(o)
	if len(rows) == 0 {
		s.line(text("There are no stories on these Pages."))
		return s.flush(w)
	}
	for len(rows) > 0 {
		n := slices.IndexFunc(rows, func(r StoryRow) bool { return r.Page != rows[0].Page || r.PageID != rows[0].PageID })
		if n < 0 {
			n = len(rows)
		}
		if s.b.Len() > 0 {
			s.blank()
		}
		s.storiesOf(rows[:n])
		rows = rows[n:]
	}
	return s.flush(w)
}

// storiesOf draws the stories of one Page.
func (s *screen) storiesOf(rows []StoryRow) {
	page := rows[0].Page.String()
	if page == "" {
		page = "Page " + rows[0].PageID
	}
	loc := s.zone(rows[0].Page)
	s.line(styled(bold, page), text(" ("+zoneTitle(loc, rows[0].PublishedAt)+")"))
	table := [][]span{}
	for _, r := range rows {
		name := text("(not managed)")
		if !r.Address.IsZero() {
			name = text(r.Address.String())
		}
		left := styled(green, leftText(r.ExpiresAt, s.Now))
		if !r.Visible {
			left = styled(dim, "archived")
		}
		at := ""
		if !r.PublishedAt.IsZero() {
			at = r.PublishedAt.In(loc).Format(fullForm)
		}
		table = append(table, []span{text(at), left, text(string(r.Kind)), name, text(r.PostID), text(r.URL)})
	}
	s.columns(2, 0, table)
}
