package state

import (
	"testing"
	"time"
)

func TestTold(t *testing.T) {
	at := time.Date(2026, 12, 20, 9, 0, 0, 0, time.UTC)
	got := Told([]Event{
		{What: "published", MediaID: "1", PublishedAt: at},
		{What: "published", MediaID: "2", PostID: "20"},
		{What: Listed, MediaID: "1", PostID: "10", URL: "https://facebook.com/stories/1", PublishedAt: at.Add(time.Second)},
		{What: "cancelled"},
		{What: Listed, MediaID: "2", PostID: "21", URL: "https://facebook.com/stories/2"},
	})
	if len(got) != 3 || got[0].URL == "" || got[0].PostID != "10" || !got[0].PublishedAt.Equal(at.Add(time.Second)) || got[1].PostID != "20" || got[1].URL == "" {
		t.Errorf("got %+v, want the urls at the publications, and three lines", got)
	}
	if got := Told([]Event{{What: Listed, MediaID: "9"}}); len(got) != 1 {
		t.Errorf("a line that adds to nothing is lost: %+v", got)
	}
}
