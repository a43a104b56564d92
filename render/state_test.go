package render

import (
	"bytes"
	"strings"
	"testing"

	"storyform/state"
	"storyform/story"
)

func TestState(t *testing.T) {
	o := Options{Now: noon, Zone: jakarta, Width: 100}
	narrow, verbose := o, o
	narrow.Width = 0
	verbose.Verbose = true
	golden(t, "state.txt", drawn(t, func(b *bytes.Buffer) error { return State(b, document(), o) }))
	golden(t, "state-80.txt", drawn(t, func(b *bytes.Buffer) error { return State(b, document(), narrow) }))
	golden(t, "state-verbose.txt", drawn(t, func(b *bytes.Buffer) error { return State(b, document(), verbose) }))
	golden(t, "state-empty.txt", drawn(t, func(b *bytes.Buffer) error { return State(b, &state.Document{}, o) }))
	golden(t, "entry.txt", drawn(t, func(b *bytes.Buffer) error { return Entry(b, &document().Stories[2], o) }))
}

// What decides about a story's future can be seen.
func TestEntryDecided(t *testing.T) {
	e := document().Stories[2]
	e.OutRevision, e.Operation = 1, &state.Operation{Run: "r", Attempt: 1, Withdrawn: true}
	got := drawn(t, func(b *bytes.Buffer) error { return Entry(b, &e, Options{Now: noon, Zone: jakarta, Width: 100}) })
	for _, want := range []string{"out_revision   1 (was out before)", "withdrawn      it was declared otherwise since"} {
		if !strings.Contains(string(got), want) {
			t.Errorf("got %s, want %q", got, want)
		}
	}
}

// listed are stories on two Pages.
func listed() []StoryRow {
	id := addr(`page.acme["id"]`)
	return []StoryRow{
		{Address: addr(`story.teaser["id"]`), Page: id, PageID: pageID, Kind: story.Photo, PostID: "122000000000001", Visible: true,
			PublishedAt: at("2026-12-20T09:00:03+07:00"), ExpiresAt: at("2026-12-21T09:00:03+07:00"), URL: "https://facebook.com/stories/1/abc"},
		{Page: id, PageID: pageID, Kind: story.Video, PostID: "122000000000002", Visible: true,
			PublishedAt: at("2026-12-19T20:30:00+07:00"), ExpiresAt: at("2026-12-20T20:30:00+07:00"), URL: "https://facebook.com/stories/1/def"},
		{Page: addr("page.other"), PageID: pageSG, Kind: story.Photo, PostID: "122000000000009",
			PublishedAt: at("2026-12-10T09:00:00+07:00"), ExpiresAt: at("2026-12-11T09:00:00+07:00")},
	}
}

func TestStories(t *testing.T) {
	o := Options{Now: noon, Zone: jakarta, Width: 120}
	golden(t, "stories.txt", drawn(t, func(b *bytes.Buffer) error { return Stories(b, listed(), o) }))
	o.Width = 80
	golden(t, "stories-80.txt", drawn(t, func(b *bytes.Buffer) error { return Stories(b, listed(), o) }))
}
