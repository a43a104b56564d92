package plan

import (
	"testing"
	"time"

	"storyform/state"
	"storyform/story"
)

// TestUnchanged: what waits and what is live as declared is listed, and
// nothing that has a change.
func TestUnchanged(t *testing.T) {
	now := time.Date(2026, 12, 20, 2, 0, 0, 0, time.UTC)
	page := story.Page{Address: story.Address{Type: "page", Name: "acme"}, ID: "1", Timezone: "Asia/Jakarta"}
	addr := func(name string) story.Address { return story.Address{Type: "story", Name: name} }
	media := story.Media{Kind: story.Photo, SHA256: "aa", Bytes: 7}
	in := Input{Now: now, State: &state.Document{Version: 1, Lineage: "x", Serial: 1}, Pages: []story.Page{page}}
	for _, s := range []struct {
		name   string
		at     time.Time
		status story.Status // "": not in the state
		sha    string
	}{
		{"waits", now.Add(time.Hour), story.Scheduled, "aa"}, {"moved", now.Add(2 * time.Hour), story.Scheduled, "bb"}, {"new", now.Add(3 * time.Hour), "", ""},
		{"live", now.Add(-time.Hour), story.Live, "aa"}, {"edited", now.Add(-2 * time.Hour), story.Live, "bb"}, {"over", now.Add(-30 * time.Hour), story.Archived, "aa"},
	} {
		d := story.Desired{Address: addr(s.name), Page: page, Kind: story.Photo, Source: "a.jpg", Media: media, PublishAt: s.at, NotAfter: s.at.Add(story.DefaultWindow), Revision: 1}
		in.Stories = append(in.Stories, d)
		if s.status == "" {
			continue
		}
		e := state.Entry{
			Address: d.Address, Page: page.Address, PageID: "1", Kind: story.Photo, Source: "a.jpg", SHA256: s.sha, Bytes: 7, Revision: 1,
			Status: s.status, PublishAt: d.PublishAt, NotAfter: d.NotAfter,
		}
		if s.status.Out() {
			e.PostID, e.MediaID, e.PublishedAt, e.ExpiresAt = "9"+s.name, "8"+s.name, s.at, s.at.Add(story.Lifetime)
		}
		in.State.Stories = append(in.State.Stories, e)
	}
	p := Build(in)
	got := map[string]string{}
	for _, c := range p.Unchanged {
		got[c.Address.Name] = c.Reason
		if c.Action != Note {
			t.Errorf("%s is a %s", c.Address, c.Action)
		}
	}
	if len(got) != 2 || got["waits"] != "unchanged; it waits for its time" || got["live"] != "unchanged; live until Mon 21 Dec 08:00 WIB" {
		t.Errorf("got %v", got)
	}
	if p.Summary.Waiting != 1 || p.Summary.Live != 2 {
		t.Errorf("got %+v, want one waiting and two live", p.Summary)
	}
}
