package render

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/sergi/go-diff/diffmatchpatch"

	"storyform/plan"
	"storyform/state"
	"storyform/story"
)

func TestBytes(t *testing.T) {
	for n, want := range map[int64]string{
		-1: "0 B", 0: "0 B", 999: "999 B", 1000: "1.0 kB", 412_334: "412 kB", 9_949: "9.9 kB", 9_950: "10 kB",
		999_499: "999 kB", 999_500: "1.0 MB", 8_123_456: "8.1 MB", 48_000_000: "48 MB", 1 << 62: "4.6 EB",
	} {
		if got := Bytes(n); got != want {
			t.Errorf("Bytes(%d): got %q, want %q", n, got, want)
		}
	}
}

func TestDurations(t *testing.T) {
	for d, want := range map[time.Duration]string{
		-time.Hour: "0s", 0: "0s", 1500 * time.Millisecond: "2s", 59 * time.Second: "59s", time.Minute: "1m",
		3*time.Hour + 12*time.Minute: "3h12m", 47*time.Hour + 59*time.Minute: "47h59m", 48 * time.Hour: "2 days", 100 * 24 * time.Hour: "100 days", 26691 * 24 * time.Hour: "73 years",
	} {
		if got := Duration(d); got != want {
			t.Errorf("Duration(%s): got %q, want %q", d, got, want)
		}
	}
	for d, want := range map[time.Duration]string{
		2 * time.Hour: "2h", 90 * time.Minute: "1h30m", time.Minute: "1m", 10 * time.Minute: "10m", 45 * time.Second: "45s", 100 * time.Minute: "1h40m",
	} {
		if got := shortDuration(d); got != want {
			t.Errorf("shortDuration(%s): got %q, want %q", d, got, want)
		}
	}
	for d, want := range map[time.Duration]string{
		14200 * time.Millisecond: "14.2s", 15 * time.Second: "15s", 65 * time.Second: "1m05s", 59_960 * time.Millisecond: "60s",
	} {
		if got := playtime(d); got != want {
			t.Errorf("playtime(%s): got %q, want %q", d, got, want)
		}
	}
}

func TestZones(t *testing.T) {
	if got, want := Duration(3*time.Hour), "3h"; got != want {
		t.Errorf("three hours: got %q, want %q", got, want)
	}
	for _, tt := range []struct{ zone, want string }{
		{"Asia/Jakarta", "Asia/Jakarta, WIB, UTC+7"},
		{"Asia/Singapore", "Asia/Singapore, UTC+8"},
		{"Asia/Kathmandu", "Asia/Kathmandu, UTC+5:45"},
		{"America/St_Johns", "America/St_Johns, NST, UTC-3:30"},
		{"UTC", "UTC"},
		{"Europe/London", "Europe/London, GMT, UTC"},
	} {
		loc, err := time.LoadLocation(tt.zone)
		if err != nil {
			t.Fatal(err)
		}
		if got := zoneTitle(loc, noon); got != tt.want {
			t.Errorf("zoneTitle(%s): got %q, want %q", tt.zone, got, tt.want)
		}
	}
	if got, want := moment(at("2027-01-02T00:00:00Z"), time.UTC, noon), "Sat 2 Jan 2027 00:00 UTC"; got != want {
		t.Errorf("a moment of another year: got %q, want %q", got, want)
	}
}

// TestClocksThatMove checks that two stories an hour apart, which have the
// same time of day because clocks are put back between them, can be told apart.
func TestClocksThatMove(t *testing.T) {
	p := campaign()
	p.CreatedAt = at("2026-10-24T12:00:00Z")
	p.Pages[0].Timezone = "Europe/Berlin"
	p.Changes = p.Changes[3:5]
	p.Changes[0].PublishAt = at("2026-10-25T00:30:00Z")
	p.Changes[1].PublishAt, p.Changes[1].Action = at("2026-10-25T01:30:00Z"), plan.Schedule
	p.Changes[1].Diffs = []plan.Diff{{Attribute: "publish_at", Old: "2026-10-25T02:30:00+02:00", New: "2026-10-25T02:30:00+01:00"}}
	out := string(drawn(t, func(b *bytes.Buffer) error { return Plan(b, p, Options{}) }))
	for _, want := range []string{"+ 02:30  story", "+ 02:30 CET  story", "02:30 CEST → Sun 25 Oct 02:30 CET"} {
		if !strings.Contains(out, want) {
			t.Errorf("the plan lacks %q:\n%s", want, out)
		}
	}
}

func TestLateStoriesGoOutNow(t *testing.T) {
	p := campaign()
	p.CreatedAt = at("2026-12-21T00:30:00+07:00")
	p.Changes = p.Changes[2:3]
	p.Changes[0].PublishAt = at("2026-12-20T23:30:00+07:00")
	p.Changes[0].Reason = "+1h late, inside its window"
	out := string(drawn(t, func(b *bytes.Buffer) error { return Plan(b, p, Options{}) }))
	for _, want := range []string{"Mon 21 Dec 2026 (today)  page.acme", "+ now    story.teaser", "due Sun 20 Dec 23:30 WIB, +1h late, inside its window"} {
		if !strings.Contains(out, want) {
			t.Errorf("the plan lacks %q:\n%s", want, out)
		}
	}
}

func TestSummary(t *testing.T) {
	for _, tt := range []struct {
		s    plan.Summary
		want string
	}{
		{plan.Summary{}, NoChanges},
		{plan.Summary{Waiting: 9, Live: 3}, NoChanges},
		{plan.Summary{Publish: 2, Schedule: 1, Change: 1, Cancel: 1}, "Plan: 2 to publish, 1 to schedule, 1 to change, 1 to cancel."},
		{plan.Summary{Cancel: 1}, "Plan: 0 to publish, 0 to schedule, 1 to cancel."},
		{plan.Summary{Resume: 1, Adopt: 1, Settle: 1, Missed: 1, Forget: 1},
			"Plan: 0 to publish, 0 to schedule, 1 to resume, 1 to adopt, 1 to settle, 1 missed, 1 to forget."},
	} {
		if got := Summary(tt.s); got != tt.want {
			t.Errorf("got %q, want %q", got, tt.want)
		}
	}
	for _, tt := range []struct {
		c    Counts
		want string
	}{
		{Counts{Published: 2, Scheduled: 1}, "Apply complete! Stories: 2 published, 1 scheduled."},
		{Counts{}, "Apply complete! Stories: 0 published."},
		{Counts{Published: 1, Failed: 1, Unknown: 1, NotAttempted: 2}, "Apply incomplete. Stories: 1 published, 1 failed, 1 unknown, 2 not attempted."},
		{Counts{Missed: 1}, "Apply incomplete. Stories: 1 missed."},
		{Counts{Published: 1, Interrupted: true}, "Apply incomplete. Stories: 1 published."},
		{Counts{Changed: 1, Cancelled: 2, Adopted: 3, Forgotten: 4, Skipped: 5}, "Apply complete! Stories: 1 changed, 2 cancelled, 3 adopted, 4 forgotten, 5 skipped."},
	} {
		if got := ApplySummary(tt.c); got != tt.want {
			t.Errorf("got %q, want %q", got, tt.want)
		}
	}
}

func TestWordDiff(t *testing.T) {
	for _, tt := range [][3]string{
		{"20% off everything", "30% off shoes", "[-20%-]{+30%+} off [-everything-]{+shoes+}"},
		{"a b c", "a b c", "a b c"},
		{"", "new", "{+new+}"},
		{"old", "", "[-old-]"},
		{`x="1", y="2"`, `x="1", y="3"`, `x="1", y="[-2-]{+3+}"`},
	} {
		if got := markWords(diffWords(tt[0], tt[1])); got != tt[2] {
			t.Errorf("%q to %q: got %q, want %q", tt[0], tt[1], got, tt[2])
		}
	}
}

func FuzzWordDiff(f *testing.F) {
	f.Add("20% off everything", "30% off shoes")
	f.Add("\xff a", "\ufffd a")
	for _, x := range payloads {
		f.Add(x, "other "+x)
	}
	f.Fuzz(func(t *testing.T, old, new string) {
		if len(old)+len(new) > 2000 {
			return
		}
		var was, is strings.Builder
		for _, d := range diffWords(old, new) {
			if d.op != diffmatchpatch.DiffInsert {
				was.WriteString(d.text)
			}
			if d.op != diffmatchpatch.DiffDelete {
				is.WriteString(d.text)
			}
		}
		if was.String() != old || is.String() != new {
			t.Errorf("%q to %q: the difference reads %q to %q", old, new, was.String(), is.String())
		}
	})
}

// TestManyWords compares texts with more different words than there are
// characters before the surrogates.
func TestManyWords(t *testing.T) {
	for _, i := range []int{0, 1, 0xd7fe, 0xd7ff, 0xd800, 0xfffff} {
		if r := wordRune(i); wordIndex(r) != i || r >= surrogatesBegin && r < surrogatesEnd {
			t.Errorf("word %d has rune %x, which is word %d", i, r, wordIndex(r))
		}
	}
}

func TestStatusAndHistory(t *testing.T) {
	o := Options{Now: noon, Zone: jakarta, Width: 100}
	doc := document()
	missed, old := doc.Stories[0], doc.Stories[0]
	missed.Address, missed.Status, missed.PublishAt, missed.NotAfter = addr("story.dawn"), story.Missed, noon.Add(-4*time.Hour), noon.Add(-2*time.Hour)
	old.Address, old.Status, old.PublishAt = addr("story.longago"), story.Missed, noon.Add(-400*time.Hour)
	other := doc.Stories[1]
	other.Page, other.Address = addr("page.other"), addr("story.other")
	soon := doc.Stories[0]
	soon.Address, soon.PublishAt = addr("story.soon"), noon.Add(time.Minute)
	doc.Stories = append(doc.Stories, missed, old, other, soon)
	golden(t, "status.txt", drawn(t, func(b *bytes.Buffer) error { return Status(b, doc, o) }))
	golden(t, "status-empty.txt", drawn(t, func(b *bytes.Buffer) error { return Status(b, &state.Document{}, o) }))

	events := []state.Event{
		{At: noon, What: "published", Address: addr(`story.teaser["id"]`), Revision: 1, PageID: pageID, Kind: story.Photo, SHA256: sha1st,
			MediaID: "120000000000001", PostID: "122000000000001", URL: "https://facebook.com/stories/1/abc", PublishAt: noon.Add(-14 * time.Minute),
			PublishedAt: noon, Run: "run-42", Who: "ci@runner", Commit: "0123abc", RunURL: "https://ci.example/run/42"},
		{At: noon.Add(time.Hour), What: "missed", Address: addr(`story.dawn["id"]`), Revision: 1, PageID: pageID, Kind: story.Photo, Run: "run-43", Who: "ci@runner", Note: "window closed"},
	}
	verbose := o
	verbose.Verbose = true
	golden(t, "history.txt", drawn(t, func(b *bytes.Buffer) error { return History(b, events, o) }))
	golden(t, "history-verbose.txt", drawn(t, func(b *bytes.Buffer) error { return History(b, events, verbose) }))
	golden(t, "history-empty.txt", drawn(t, func(b *bytes.Buffer) error { return History(b, nil, o) }))
}

// TestNoChanges checks that a plan without changes says no more than is known.
func TestNoChanges(t *testing.T) {
	for _, test := range []struct {
		name      string
		refreshed bool
		unread    []string // of each Page
		want      string
	}{
		{"all read", true, []string{"", ""}, "No changes. Your Pages match the configuration."},
		{"no Pages", true, nil, "No changes. Your Pages match the configuration."},
		{"one not read", true, []string{"no token", ""}, "No changes. The Pages that could be read match the configuration."},
		{"none read", true, []string{"no token", "no token"}, "No changes. The state matches the configuration; no Page could be read."},
		{"not asked", false, []string{""}, "No changes. The state matches the configuration.\nThe Pages were not asked what is on them."},
	} {
		t.Run(test.name, func(t *testing.T) {
			p := &plan.Plan{Refreshed: test.refreshed}
			for _, why := range test.unread {
				p.Pages = append(p.Pages, plan.Page{Address: addr("page.acme"), Unread: why})
			}
			got := drawn(t, func(b *bytes.Buffer) error { return PlanSummary(b, p, Options{}) })
			if string(got) != test.want+"\n" {
				t.Errorf("got %q, want %q", got, test.want)
			}
		})
	}
}

// Without publish_at a story that is out stands at the time at which it went
// out, and one that never had a time stands without one: a dash there would
// read as the sign of a cancellation.
func TestTimesOfStoriesWithoutOne(t *testing.T) {
	p := campaign()
	c := plan.Change{Address: addr("story.out"), Page: p.Changes[0].Page, PageID: p.Changes[0].PageID, Action: plan.Note, Kind: story.Photo,
		Source: "a.jpg", Reason: "edited", ExpiresAt: at("2026-12-20T22:15:00+07:00")}
	never := c
	never.Address, never.Action, never.ExpiresAt = addr("story.never"), plan.Cancel, time.Time{}
	p.Changes = []plan.Change{c, never}
	out := string(drawn(t, func(b *bytes.Buffer) error { return Plan(b, p, Options{}) }))
	for _, want := range []string{"\nSat 19 Dec 2026", "\n    22:15  story.out", "\n  -        story.never"} {
		if !strings.Contains(out, want) {
			t.Errorf("the plan lacks %q:\n%s", want, out)
		}
	}
}
