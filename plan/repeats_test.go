package plan

import (
	"strings"
	"testing"
)

func TestRepeats(t *testing.T) {
	tests := []struct {
		name                 string
		declared, remembered []string
		edit                 func(*Input)
		want                 string // in the detail; "" for no warning
	}{
		{"two that are declared", []string{"a: later", "b: moved"}, nil, nil, "story.b shows the same photo as story.a"},
		{"other media", []string{"a: later", "b: moved media=b"}, nil, nil, ""},
		{"another Page", []string{"a: later", "b: moved page=" + pageTwo}, nil, nil, ""},
		{"one that was out", []string{"b: later"}, []string{"a: archived due sent=30h"}, nil, "as story.a on page.acme, published Sat 19 Dec 13:00 WIB"},
		{"what a story that is out names now", []string{"a: due media=b", "b: later media=b"}, []string{"a: live due sent=1h"}, nil, ""},
		{"its own earlier revision", []string{"a: later rev=2"}, []string{"a: archived due sent=30h"}, nil, ""},
		{"allowed", []string{"a: later", "b: moved"}, nil, func(in *Input) { in.Stories[1].AllowRepeat = true }, ""},
		{"registered before is told no more", []string{"a: later", "b: moved"}, []string{"a: scheduled later", "b: scheduled moved"}, nil, ""},
		{"the same clip in another file", []string{"a: later kind=video", "b: moved kind=video media=b"}, nil, func(in *Input) {
			in.Stories[0].Media.SampleSHA256, in.Stories[1].Media.SampleSHA256 = "s", "s"
		}, "story.b shows the same video as story.a"},
		{"only in the history", []string{"b: later"}, nil, func(in *Input) {
			ev := published("old", 1)
			ev.PageID, ev.SHA256, ev.PublishedAt = pageID, strings.Repeat("a", 64), ev.At
			in.State.History = append(in.State.History, ev)
		}, "as story.old"},
		{"hosted files have no bytes to compare", []string{"a: later url=x", "b: moved url=x"}, nil, nil, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			in := world(t, tt.declared, tt.remembered, "empty")
			if tt.edit != nil {
				tt.edit(&in)
			}
			var details []string
			for _, d := range Build(in).Diagnostics {
				if d.Summary == "Same media as another story" {
					details = append(details, d.Detail)
				}
			}
			got := strings.Join(details, "\n")
			if (tt.want == "") != (got == "") || !strings.Contains(got, tt.want) {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}
