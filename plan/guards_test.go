package plan

import (
	"strings"
	"testing"
	"time"

	"storyform/story"
)

// TestGuards reads: with this guard and these stories on the Page at noon UTC
// (19:00 in Jakarta), what is done about the declared ones?
func TestGuards(t *testing.T) {
	night := []story.QuietHours{{From: 18 * 60, To: 21 * 60}} // 11:00 to 14:00 UTC
	tests := []struct {
		name                 string
		guard                story.Guard
		declared, remembered []string
		listed, want, diag   string
	}{
		{"no limit", story.Guard{}, []string{"a: due"}, nil, "empty", "a publish", ""},
		{"quiet hours hold a due story back", story.Guard{QuietHours: night}, []string{"a: due"}, nil, "empty", "a schedule", ""},
		{"and keep holding it", story.Guard{QuietHours: night}, []string{"a: due"}, []string{"a: scheduled due"}, "empty", "a note", ""},
		{"quiet hours refuse a declared time", story.Guard{QuietHours: night}, []string{"a: later"}, nil, "empty", "a schedule", "Story breaks a guard of its Page"},
		{"and warn of a registered one", story.Guard{QuietHours: night}, []string{"a: later"}, []string{"a: scheduled later"}, "empty", "", "Registered story breaks a guard"},
		{"the day is full, with a story made by hand", story.Guard{MaxPerDay: 1}, []string{"a: due"}, nil, "m9", "a schedule", ""},
		{"yesterday does not count", story.Guard{MaxPerDay: 1}, []string{"a: due"}, nil, "m9@22h", "a publish", ""},
		{"the second of two is held", story.Guard{MaxPerDay: 1}, []string{"a: due", "b: due media=b"}, nil, "empty", "a publish, b schedule", ""},
		{"too many visible", story.Guard{MaxLive: 1}, []string{"a: due"}, nil, "m9@23h", "a schedule", ""},
		{"visible no more", story.Guard{MaxLive: 1}, []string{"a: due"}, nil, "m9@24h30m", "a publish", ""},
		{"too soon after the last", story.Guard{MinGap: 2 * time.Hour}, []string{"a: due"}, nil, "m9@1h", "a schedule", ""},
		{"long enough after the last", story.Guard{MinGap: time.Hour}, []string{"a: due"}, nil, "m9@1h", "a publish", ""},
		{"what the state knows counts without a list", story.Guard{MinGap: 2 * time.Hour}, []string{"a: due", "b: due media=b"}, []string{"b: live due sent=1h media=b"}, "", "a schedule", ""},
		{"what comes after a held story is held, too", story.Guard{MaxPerDay: 1}, []string{"a: due", "b: due after=a media=b"}, nil, "m9", "a schedule, b schedule", ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			in := world(t, tt.declared, tt.remembered, tt.listed)
			in.Pages[0].Guard = &tt.guard
			p := Build(in)
			if got := actions(p.Changes); got != tt.want {
				t.Errorf("got %q, want %q\n%s", got, tt.want, tell(p.Changes))
			}
			var diags []string
			for _, d := range p.Diagnostics {
				diags = append(diags, d.Summary)
			}
			if got := strings.Join(diags, ", "); got != tt.diag {
				t.Errorf("diagnostics: got %q, want %q", got, tt.diag)
			}
		})
	}
}

// TestGuardsOtherPage: a guard is about its own Page only.
func TestGuardsOtherPage(t *testing.T) {
	in := world(t, []string{"a: due page=" + pageTwo}, nil, "m9")
	in.Pages[0].Guard = &story.Guard{MaxPerDay: 1}
	if got := actions(Build(in).Changes); got != "a publish" {
		t.Errorf("got %q, want the other Page's story to go out", got)
	}
}
