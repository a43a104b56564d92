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
		status story.Status
		tried  []string
		out    int
		want   bool
	}{
		"only scheduled":                    {status: story.Scheduled},
		"live":                              {status: story.Live, want: true},
		"tried and refused":                 {status: story.Failed, tried: []string{"1"}, want: true},
		"an earlier revision was published": {status: story.Scheduled, out: 1, want: true},
		"an earlier revision was refused":   {status: story.Scheduled},
	} {
		e := state.Entry{Address: addr("a"), Status: test.status, TriedMedia: test.tried, Revision: 2, OutRevision: test.out}
		if got := needsTombstone(&e); got != test.want {
			t.Errorf("%s: got %v, want %v", name, got, test.want)
		}
	}
}
