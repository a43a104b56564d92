package plan

import (
	"strings"
	"testing"
	"time"

	"storyform/internal/diag"
	"storyform/state"
	"storyform/story"
)

// decision is a row: one story, and what is decided about it.
type decision struct {
	declared string // "none": its block is not in the configuration
	state    string // "none": never registered
	listed   string // "": the Page was not asked
	want     string // the action and a part of the reason, "error: summary", "waiting", or "nothing"
	update   string // the update: its status, "!" when it is loud, and the media_id that was found
}

// decisions is the specification of the package, case by case.
var decisions = map[string][]decision{
	"never registered": {
		{"due", "none", "empty", "publish: +30m late, inside its window", ""},
		{"due", "none", "other", "publish", ""},
		{"due", "none", "", "publish", ""},
		{"later", "none", "empty", "schedule", ""},
		{"closed", "none", "empty", "error: Window already closed", ""},
		{"open", "none", "empty", "publish", ""},
		{"until", "none", "empty", "publish", ""},
		{"window=1h", "none", "empty", "publish", ""},
		{"none", "none", "other", "nothing", ""},
	},
	"registered and waiting": {
		{"later", "scheduled later", "empty", "waiting", ""},
		{"later", "scheduled later", "", "waiting", ""},
		{"due", "scheduled due", "empty", "publish: late, inside its window", ""},
		{"open", "scheduled open", "empty", "publish", ""},
		{"window=2h", "scheduled window=2h", "empty", "publish", ""},
		{"none", "scheduled later", "empty", "cancel: its block is gone; nothing was published", ""},
		{"none", "scheduled due", "empty", "cancel", ""},
		{"none", "scheduled closed", "empty", "cancel", ""},
	},
	"changed before it is out": {
		{"later media=b", "scheduled later", "empty", "change", ""},
		{"later url=b", "scheduled later", "empty", "change", ""},
		{"later kind=video", "scheduled later", "empty", "change", ""},
		{"moved", "scheduled later", "empty", "change", ""},
		{"later", "scheduled due", "empty", "change", ""},
		{"later rev=2", "scheduled later", "empty", "change", ""},
		{"later", "scheduled later rev=2", "empty", "change", ""},
		{"later label=xmas", "scheduled later", "empty", "change", ""},
		{"later after=teaser", "scheduled later", "empty", "change", ""},
		{"later page=104857600000002", "scheduled later", "empty", "change", ""},
		{"due media=b", "scheduled due", "empty", "publish", ""},
		{"due", "scheduled later", "empty", "publish", ""},
		{"open", "scheduled later", "empty", "publish", ""},
		{"due rev=2", "scheduled due", "empty", "publish", ""},
		{"later media=b", "uploaded due uploaded-at=1h", "empty", "change: what was uploaded for it is abandoned", ""},
		{"later", "uploaded due uploaded-at=1h", "empty", "change", ""},
	},
	"interrupted": {
		{"due", "uploading due", "empty", "resume: before its id was known; it is made again", ""},
		{"due", "uploading due kind=photo id=m1", "empty", "resume", ""},
		{"due kind=video", "uploading due kind=video id=v1", "empty", "resume: the server holds 7 of 0 bytes", ""},
		{"due kind=video", "uploading due kind=video id=gone", "empty", "resume: the upload session is over", ""},
		{"due kind=video", "uploading due kind=video id=over", "empty", "resume: the upload session is over", ""},
		{"due kind=video url=x", "uploading due kind=video url=x id=v1", "empty", "resume: Meta was asked to fetch the file", ""},
		{"due", "uploaded due uploaded-at=1h", "empty", "resume: it only has to be published", ""},
		{"due", "uploaded due uploaded-at=22h59m", "empty", "resume: it only has to be published", ""},
		{"due", "uploaded due uploaded-at=23h1m", "empty", "resume: more than 23 hours ago; it is uploaded again", ""},
		{"due kind=video", "uploaded due kind=video uploaded-at=23h1m", "empty", "resume: it only has to be published", ""},
		{"later", "uploaded later uploaded-at=1h", "empty", "waiting", ""},
		{"closed", "uploaded closed uploaded-at=2h", "empty", "missed: its window closed at Sun 20 Dec 18:00 WIB, 1h00m ago", ""},
		{"none", "uploading due", "empty", "cancel", ""},
		{"none", "uploaded due uploaded-at=1h", "empty", "cancel", ""},
		// With a difference it is a publication, which registers the difference
		// first: a resumed story would keep its old revision, and the new one
		// would be published after it.
		{"due rev=2", "uploading due", "empty", "publish", ""},
		{"due rev=2", "uploaded due uploaded-at=1h", "empty", "publish", ""},
		{"due", "uploaded closed uploaded-at=1h", "empty", "publish", ""},
		{"due label=x", "uploaded due uploaded-at=1h", "empty", "publish", ""},
		{"due media=b", "uploaded due uploaded-at=1h", "empty", "publish: the upload is made again: it was begun for other media", ""},
		{"due kind=video", "uploading due", "empty", "publish: it was begun for other media", ""},
		{"due page=104857600000002", "uploaded due uploaded-at=1h", "empty", "publish: it was begun for other media", ""},
	},
	"failed": {
		{"due", "failed due", "empty", "publish: it failed before: the reason was not recorded", ""},
		{"due", "failed due attempted=m1", "empty", "publish: it failed before", ""},
		{"due media=b", "failed due", "empty", "publish: it failed before", ""},
		{"due rev=2", "failed due attempted=m1", "empty", "publish: it failed before", ""},
		{"later", "failed later", "empty", "waiting", ""},
		{"moved", "failed due", "empty", "change", ""},
		{"closed", "failed closed", "empty", "missed: the last try failed", ""},
		{"none", "failed due", "empty", "cancel", ""},
		{"due", "failed due attempted=m1", "m1", "adopt: our media_id m1", ""}, // the refusal was none
		{"none", "failed due attempted=m1", "m1", "adopt", ""},
		{"due rev=2", "failed due attempted=m1", "m1", "adopt", ""},
	},
	"window over": {
		{"closed", "scheduled closed", "empty", "missed: and it is not published any more", ""},
		{"closed", "scheduled closed", "", "missed", ""},
		{"window=30m", "scheduled window=30m", "empty", "missed: its window closed at Sun 20 Dec 18:30 WIB, 30m ago", ""},
		{"window=2h", "scheduled window=30m", "empty", "publish", ""},
		{"closed", "scheduled due", "empty", "error: Window already closed", ""},
		{"window=30m", "scheduled window=2h", "empty", "error: Window already closed", ""},
		{"window=30m", "scheduled later", "empty", "error: Window already closed", ""},
		{"due", "scheduled closed", "empty", "publish", ""},
		{"later", "scheduled closed", "empty", "change", ""},
		{"closed media=b", "scheduled closed", "empty", "missed", ""},
	},
	"missed": {
		{"closed", "missed closed", "empty", "nothing", ""},
		{"closed media=b", "missed closed", "empty", "nothing", ""},
		{"due", "missed closed", "empty", "publish: it was missed and has a new window", ""},
		{"later", "missed closed", "empty", "schedule: it was missed and has a new window", ""},
		{"window=2h", "missed window=30m", "empty", "publish: it was missed and has a new window", ""},
		{"due", "missed closed attempted=m1", "empty", "note: it may have been out; a new window does not publish it again. Set revision = 2 for that", ""},
		{"closed", "missed due attempted=m1", "empty", "nothing", ""},
		{"later", "missed closed tried=3h", "empty", "note: a new window does not publish it again", ""},
		{"due rev=2", "missed closed attempted=m1", "empty", "publish: declared again after it was missed", ""},
		{"later rev=2", "missed closed", "empty", "schedule", ""},
		{"closed rev=2", "missed closed", "empty", "error: Window already closed", ""},
		{"none", "missed closed", "empty", "nothing", ""},
		{"closed", "missed closed attempted=m1", "m1", "adopt", ""},
		{"none", "missed closed attempted=m1", "m1", "adopt", ""},
	},
	"cancelled": {
		{"none", "cancelled later", "empty", "nothing", ""},
		{"later", "cancelled later", "empty", "schedule: declared again after it was cancelled", ""},
		{"due", "cancelled later", "empty", "publish: declared again after it was cancelled", ""},
		{"due rev=2", "cancelled later", "empty", "publish", ""},
		{"closed", "cancelled closed", "empty", "error: Window already closed", ""},
		{"none", "cancelled due attempted=m1", "m1", "adopt", ""},
		{"due", "cancelled due attempted=m1", "m1", "adopt", ""},
	},
	"visible": {
		{"due", "live due sent=1h", "m1", "nothing", ""},
		{"due", "live due sent=1h", "", "nothing", ""},
		{"closed", "live closed sent=1h", "m1", "nothing", ""},
		{"due", "live due sent=1h nourl", "m1", "nothing", "live! m1"},
		{"due", "live due sent=4m", "empty", "nothing", ""}, // lists lag
		{"due", "live due sent=5m", "empty", "nothing", ""},
		{"due", "live due sent=6m", "empty", "note: removed outside storyform", "removed!"},
		{"due", "live due sent=6m", "other", "note: removed outside storyform", "removed!"},
		{"due", "live due sent=6m", "", "nothing", ""},                     // not asked
		{"due", "live due sent=1h", "m1:archived", "nothing", ""},          // its 24 hours are not over by our clock
		{"none", "live due sent=6m", "empty", "note: removed", "removed!"}, // told, although undeclared
		{"due media=b", "live due sent=1h", "m1", "note: can't be edited; it stays visible until Mon 21 Dec 18:00 WIB. Set revision = 2", ""},
		{"moved", "live due sent=1h", "m1", "note: it went out at Sun 20 Dec 18:00 WIB", ""},
		{"closed", "live due sent=1h", "m1", "note", ""},
		{"due page=104857600000002", "live due sent=1h", "m1", "note", ""},
		{"due kind=video", "live due sent=1h", "m1", "note", ""},
		{"due", "live due rev=2 sent=1h", "m1", "note", ""}, // the revision was lowered
		{"none", "live due sent=1h", "m1", "forget: the story stays visible until Mon 21 Dec 18:00 WIB", ""},
		{"none", "live due sent=1h forgotten", "m1", "nothing", ""},
		{"due", "live due sent=1h forgotten", "m1", "nothing", ""}, // a tombstone is not published again
		{"moved", "live due sent=1h forgotten", "m1", "nothing", ""},
		{"due media=b", "live due sent=1h forgotten", "m1", "note", ""},
	},
	"over": {
		{"due", "live due sent=24h", "empty", "nothing", "archived"},
		{"due", "live due sent=24h", "", "nothing", "archived"},
		{"due", "live due sent=25h", "m1:archived@25h", "nothing", "archived"},
		{"due media=b", "live due sent=25h", "empty", "nothing", "archived"},
		{"none", "live due sent=25h", "empty", "nothing", "archived"},
		{"due", "archived due sent=25h", "empty", "nothing", ""},
		{"due media=b", "archived due sent=25h", "empty", "nothing", ""},
		{"moved", "archived due sent=25h", "empty", "note: another time does not publish it again. Set revision = 2 for that", ""},
		{"later", "archived later sent=25h", "empty", "nothing", ""},
		{"moved", "removed due sent=2h", "empty", "note: another time does not publish it again", ""},
		{"moved", "live due sent=25h", "empty", "note: another time does not publish it again", "archived"},
		{"due", "archived due rev=2 sent=25h", "empty", "nothing", ""},
		{"none", "archived due sent=25h", "empty", "nothing", ""},
		{"due", "removed due sent=2h", "empty", "nothing", ""},
		{"due", "removed due sent=2h", "", "nothing", ""},
		{"due media=b", "removed due sent=2h", "empty", "nothing", ""},
		{"none", "removed due sent=2h", "empty", "nothing", ""},
		{"due", "removed due sent=2h", "m1", "nothing", "live m1"}, // it was only the list
		{"due", "removed due sent=2h", "m1:archived", "nothing", ""},
		{"due", "removed due sent=25h", "m1", "nothing", "archived"},
	},
	"a higher revision": {
		{"due rev=2", "live due sent=1h", "m1", "publish: revision 2, on purpose a second time; revision 1 went out at Sun 20 Dec 18:00 WIB and stays visible", ""},
		{"later rev=2", "live due sent=1h", "m1", "schedule: revision 2, on purpose", ""},
		{"due rev=2", "archived due sent=25h", "empty", "publish: revision 2, on purpose", ""},
		{"due rev=2", "removed due sent=2h", "empty", "publish", ""},
		{"closed rev=2", "live due sent=1h", "m1", "error: Window already closed", ""},
		// What became of the old revision is said, and never recorded: the
		// entry is the new revision's when it would be.
		{"due rev=2", "live due sent=2h", "empty", "publish: went out at Sun 20 Dec 17:00 WIB and was removed", ""},
		{"due rev=2", "live due sent=25h", "empty", "publish: went out at Sat 19 Dec 18:00 WIB", ""},
		{"due rev=2", "live due sent=1h nourl", "m1", "publish", ""},
	},
	"in doubt": {
		{"due", "publishing due tried=10s", "empty", "settle: its answer was lost; the Page does not list it yet", ""},
		{"due", "unknown due tried=6m", "empty", "settle: does not list it 5m0s after the attempt; one more call with the same media", ""},
		{"due", "unknown due tried=6m", "", "settle: the Page has not been asked yet", ""},
		{"due", "unknown due tried=6m attempt=2", "empty", "settle: 2 publish calls were made", ""},
		{"closed", "unknown closed tried=2h", "empty", "settle: its window is closed and the Page does not list it", ""},
		{"due", "unknown due tried=6m", "m1", "adopt: the Page lists our media_id m1", ""},
		{"due", "publishing due tried=6m", "m1@6m", "adopt", ""},
		{"due", "unknown due tried=25h", "m1:archived@25h", "adopt", ""},
		{"none", "unknown due tried=6m", "m1", "adopt", ""},
		// Whatever the configuration says now, nothing but settling is done,
		// and what nobody declares any more is not tried again.
		{"none", "unknown due tried=6m", "empty", "settle: it was declared otherwise since, it is not tried again", ""},
		{"none", "publishing due tried=6m", "empty", "settle: not tried again", ""},
		{"due rev=2", "unknown due tried=6m", "empty", "settle: not tried again; what changed in the configuration is looked at afterwards", ""},
		{"due", "unknown due rev=2 tried=6m", "empty", "settle: not tried again", ""},
		{"due media=b", "unknown due tried=6m", "empty", "settle: not tried again", ""},
		{"moved", "unknown due tried=6m", "empty", "settle: not tried again", ""},
		{"closed", "unknown due tried=6m", "empty", "settle: not tried again", ""},
		{"due kind=video", "unknown due tried=6m", "empty", "settle: not tried again", ""},
		{"due page=104857600000002", "unknown due tried=6m", "empty", "settle: not tried again", ""},
		{"due label=x", "unknown due tried=6m", "empty", "settle: one more call with the same media; what changed", ""},
		{"due rev=2", "unknown due tried=6m", "m1", "adopt", ""},
	},
	"our media on the Page": {
		{"due", "uploading due id=m1", "m1", "adopt", ""},
		{"due", "uploaded due uploaded-at=1h", "m1", "adopt", ""},
		{"due", "uploading due id=m1", "m1:archived@30h", "adopt", ""},
		{"due", "uploading due id=m2 attempted=m1", "m1", "adopt: m1", ""}, // of an earlier attempt
		{"due rev=2", "uploaded due uploaded-at=1h", "m1", "adopt", ""},
		{"none", "uploading due id=m1", "m1", "adopt", ""},
		{"due", "scheduled due", "m1 m2", "publish", ""}, // not ours: nothing was uploaded
	},
}

// check compares one decision with its row.
func (d decision) check(t *testing.T) {
	t.Helper()
	var declared, remembered []string
	if d.declared != "none" {
		declared = []string{"a:" + d.declared}
	}
	if d.state != "none" {
		remembered = []string{"a:" + d.state}
	}
	in := world(t, declared, remembered, d.listed)
	in.Videos = map[string]story.VideoView{
		"v1": {VideoID: "v1", At: noon, Offset: 7}, "gone": {VideoID: "gone", Gone: true}, "over": {VideoID: "over", Expired: true},
	}
	if strings.Contains(d.declared, "after=teaser") {
		in.Stories = append(in.Stories, desired(t, "teaser", "due"))
		in.State.Stories = append(in.State.Stories, entry(t, "teaser", "archived due sent=25h"))
	}
	p := Build(in)
	got := "nothing"
	switch {
	case p.Diagnostics.HasErrors():
		got = "error: " + p.Diagnostics[0].Summary
	case len(p.Changes) > 0:
		got = strings.TrimPrefix(tell(p.Changes), "a ")
	case p.Summary.Waiting == 1:
		got = "waiting"
	}
	action, reason, _ := strings.Cut(d.want, ": ")
	if gotAction, _, _ := strings.Cut(got, ": "); gotAction != action || !strings.Contains(got, reason) || len(p.Changes) > 1 {
		t.Errorf("declared %q, state %q, listed %q:\n got %s\nwant %s", d.declared, d.state, d.listed, got, d.want)
	}
	var update string
	for _, u := range p.Updates {
		update += string(u.Status)
		if u.Loud {
			update += "!"
		}
		if u.Found != nil {
			update += " " + u.Found.MediaID
		}
	}
	if update != d.update {
		t.Errorf("declared %q, state %q, listed %q: got update %q, want %q", d.declared, d.state, d.listed, update, d.update)
	}
}

func TestDecisions(t *testing.T) {
	for name, rows := range decisions {
		t.Run(name, func(t *testing.T) {
			for _, row := range rows {
				row.check(t)
			}
		})
	}
}

// A revert of `revision = 2` must not publish revision 1 once more: what was
// registered for the second publication is cancelled.
func TestLoweredRevision(t *testing.T) {
	for _, test := range []struct{ declared, state, want string }{
		{"due", "scheduled later rev=2", "a cancel: revision 2 is not declared any more; revision 1 went out before and is not published again"},
		{"later", "scheduled later rev=2", "a cancel: revision 2"},
		{"due", "uploaded due rev=2 uploaded-at=1h", "a cancel: revision 2"},
		{"due", "failed due rev=2", "a cancel: revision 2"},
		{"due", "cancelled due rev=2", ""},
		{"due", "missed closed rev=2", ""},
		{"due", "unknown due rev=2 tried=6m", "a settle: "},
		{"due", "live due rev=2 sent=1h", "a note: "},
		{"due rev=2", "cancelled due rev=2", "a publish: "},
		{"due rev=2", "scheduled due rev=2", "a publish: "},
		{"due rev=3", "scheduled due rev=2", "a publish: "},
	} {
		in := world(t, []string{"a:" + test.declared}, []string{"a:" + test.state + " out=1"}, "empty")
		if got := tell(Build(in).Changes); !strings.HasPrefix(got, test.want) || (got == "") != (test.want == "") {
			t.Errorf("declared %q, state %q: got %q, want %q", test.declared, test.state, got, test.want)
		}
	}
	in := world(t, []string{"a:due"}, []string{"a:scheduled later rev=2"}, "empty")
	in.State.History = []state.Event{published("a", 1)} // of another story, which had this name before
	if got, want := actions(Build(in).Changes), "a publish"; got != want {
		t.Errorf("got %q, want %q: revision 1 was never out", got, want)
	}
}

// What a plan says of a change besides its action.
func TestChanges(t *testing.T) {
	in := world(t, []string{"new:due media=b after=out label=x", "moved:later media=b", "out:due media=b"},
		[]string{"moved:scheduled due", "out:live due sent=1h", "lost:unknown due tried=6m", "gone:live due sent=2h id=m2"}, "m1 m2 lost@1h")
	in.State.Stories[2].MediaID, in.State.Stories[2].TriedMedia = "lost", []string{"lost"}
	in.Stories[0].Range = diag.Range{Filename: "a.story.hcl", Start: diag.Pos{Line: 3}}
	p := Build(in)
	byName := map[string]Change{}
	for _, c := range p.Changes {
		byName[c.Address.Name] = c
	}
	if c := byName["new"]; !c.Declared || c.Registered || c.SHA256 != strings.Repeat("b", 64) || c.Range == nil || c.Range.Start.Line != 3 || c.Prior != "" {
		t.Errorf("new: got %+v", c)
	}
	if c := byName["moved"]; len(c.Diffs) != 4 || c.Diffs[0] != (Diff{"sha256", strings.Repeat("a", 64), strings.Repeat("b", 64)}) ||
		c.Diffs[2] != (Diff{"publish_at", "2026-12-20T18:30:00+07:00", "2026-12-20T20:00:00+07:00"}) || !c.Registered || c.Prior == "" {
		t.Errorf("moved: got %+v, want diffs of sha256, source, publish_at and not_after in the Page's zone", c)
	}
	if c := byName["lost"]; c.Action != Adopt || c.Found == nil || *c.Found != (Found{PostID: "post-lost", MediaID: "lost", URL: "https://facebook.com/stories/lost", CreatedAt: noon.Add(-time.Hour)}) ||
		!c.ExpiresAt.Equal(noon.Add(23*time.Hour)) || c.Declared {
		t.Errorf("lost: got %+v", c)
	}
	if c := byName["gone"]; c.Action != Forget || !c.ExpiresAt.Equal(noon.Add(22*time.Hour)) || c.Declared {
		t.Errorf("gone: got %+v", c)
	}
	if got, want := p.Summary, (Summary{Publish: 1, Change: 1, Adopt: 1, Forget: 1, Live: 3}); got != want {
		t.Errorf("summary: got %+v, want %+v", got, want)
	}
	if p.Lineage != "l" || p.Serial != 3 || p.FormatVersion != FormatVersion || !p.CreatedAt.Equal(noon) {
		t.Errorf("head: got %+v", p)
	}
}

func TestPages(t *testing.T) {
	in := world(t, []string{"a:later", "b:moved", "c:due", "d:later page=104857600000002"},
		[]string{"a:scheduled later", "b:scheduled moved", "c:live due sent=1h", "d:scheduled later page=104857600000002", "old:live due sent=2h id=m2 forgotten"},
		"m1 m2 x1 x2:archived x3@25h tried before")
	in.State.Stories[0].TriedMedia = []string{"tried"} // of an attempt that was refused; adopted, so neither waiting nor unmanaged
	in.State.History = []state.Event{{What: "published", MediaID: "before"}}
	in.Unread = map[string]string{pageTwo: "the token expired"}
	p := Build(in)
	acme, other := p.Pages[0], p.Pages[1]
	if acme.Live != 3 || acme.Unmanaged != 1 || acme.Waiting != 1 || acme.Next == nil || acme.Next.Address != addr("b") || acme.Unread != "" {
		t.Errorf("got %+v, want 3 live, 1 unmanaged, 1 waiting: b", acme)
	}
	if other.Live != 0 || other.Unmanaged != 0 || other.Waiting != 1 || other.Unread != "the token expired" {
		t.Errorf("got %+v, want 1 waiting, unread", other)
	}
	if got, want := p.Summary, (Summary{Adopt: 1, Waiting: 2, Live: 3}); got != want {
		t.Errorf("summary: got %+v, want %+v", got, want)
	}
}

func TestHasChanges(t *testing.T) {
	for _, test := range []struct {
		declared, state string
		changes, loud   bool
	}{
		{"due", "live due sent=1h", false, false},
		{"due media=b", "live due sent=1h", false, false}, // a note
		{"due", "live due sent=25h", false, false},
		{"due", "live due sent=1h id=away", false, true}, // removed
		{"due", "live due sent=1h nourl", false, true},   // the list tells it for a day
		{"due", "none", true, false},
		{"closed", "scheduled closed", true, false}, // missed
	} {
		var remembered []string
		if test.state != "none" {
			remembered = []string{"a:" + test.state}
		}
		p := Build(world(t, []string{"a:" + test.declared}, remembered, "m1"))
		if p.HasChanges() != test.changes || p.HasLoudUpdates() != test.loud {
			t.Errorf("%q, %q: got %v, %v, want %v, %v", test.declared, test.state, p.HasChanges(), p.HasLoudUpdates(), test.changes, test.loud)
		}
	}
}

// The diagnostic of a closed window points at an attribute and says what to
// do; a window that counts from the registration names that.
func TestWindowClosedText(t *testing.T) {
	for _, test := range []struct{ declared, state, attr, want string }{
		{"closed", "", "not_after", "is due at Sun 20 Dec 16:00 WIB and may go out until Sun 20 Dec 18:00 WIB, and it is Sun 20 Dec 19:00 WIB now"},
		{"closed", "", "publish_at", "Check the year"},
		{"window=30m", "a:scheduled later", "window", "story.a was registered at Sun 20 Dec 18:00 WIB and may go out for 30m0s from then"},
	} {
		var remembered []string
		if test.state != "" {
			remembered = append(remembered, test.state)
		}
		in := world(t, []string{"a:" + test.declared}, remembered, "empty")
		in.Stories[0].Ranges = map[string]diag.Range{test.attr: {Filename: "a.story.hcl", Start: diag.Pos{Line: 7}}}
		ds := Build(in).Diagnostics
		if len(ds) != 1 || ds[0].Subject == nil || ds[0].Subject.Start.Line != 7 || !strings.Contains(ds[0].Detail, test.want) || ds[0].Address != "story.a" {
			t.Errorf("%q: got %v, want %q at line 7", test.declared, ds, test.want)
		}
	}
}
