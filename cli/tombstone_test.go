package cli

import (
	"testing"

	"storyform/state"
	"storyform/story"
)

// Of a story that state rm takes out nothing may be left only when no revision
// of it can be out.
func TestNeedsTombstone(t *testing.T) {
	for name, test := range map[string]struct {
		status  story.Status
		tried   []string
		history []state.Event
		want    bool
	}{
		"only scheduled":                     {status: story.Scheduled},
		"live":                               {status: story.Live, want: true},
		"tried and refused":                  {status: story.Failed, tried: []string{"1"}, want: true},
		"an earlier revision was published":  {status: story.Scheduled, history: []state.Event{{What: "published"}}, want: true},
		"an earlier revision was adopted":    {status: story.Scheduled, history: []state.Event{{What: "adopted"}}, want: true},
		"somebody said that it was out":      {status: story.Scheduled, history: []state.Event{{What: "resolved", PostID: "7"}}, want: true},
		"somebody said that it was not":      {status: story.Scheduled, history: []state.Event{{What: "resolved"}}},
		"an earlier revision was cancelled":  {status: story.Scheduled, history: []state.Event{{What: "cancelled"}}},
		"another story's publication is not": {status: story.Scheduled, history: []state.Event{{What: "published", Address: addr("b")}}},
	} {
		for i := range test.history {
			if test.history[i].Address.IsZero() {
				test.history[i].Address = addr("a")
			}
		}
		e := state.Entry{Address: addr("a"), Status: test.status, TriedMedia: test.tried}
		if got := needsTombstone(&state.Document{History: test.history}, &e); got != test.want {
			t.Errorf("%s: got %v, want %v", name, got, test.want)
		}
	}
}
