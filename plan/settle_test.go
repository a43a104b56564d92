package plan

import (
	"strings"
	"testing"
	"time"

	"storyform/story"
)

// evidence is what is known in a row: the list in words, how long ago it was
// read and how far it reaches back, and a video's status in words.
type evidence struct {
	list  string        // "": not asked
	read  time.Duration // ago
	since time.Duration // ago; 0: 25 hours
	video string        // "published", "not_published", "busy", "gone", "silent"; "": not asked
	asked time.Duration // ago: when the video was asked
	never bool          // withdrawn
}

func (ev evidence) evidence(t *testing.T) Evidence {
	out := Evidence{Now: noon, SettleAfter: 5 * time.Minute, List: listing(t, ev.list), Withdrawn: ev.never}
	if out.List != nil {
		out.List.At = noon.Add(-ev.read)
		if ev.since != 0 {
			out.List.Since = noon.Add(-ev.since)
		}
	}
	if ev.video != "" {
		v := &story.VideoView{VideoID: "m1", At: noon.Add(-ev.asked), Busy: ev.video == "busy", Gone: ev.video == "gone", Publish: "not_published"}
		switch ev.video {
		case "published":
			v.Publish = "published"
		case "silent":
			v.Publish = ""
		}
		out.Video = v
	}
	return out
}

func TestJudge(t *testing.T) {
	const minute = time.Minute
	for _, test := range []struct {
		essay string
		entry string
		ev    evidence
		want  Verdict
		why   string
	}{
		{"The Page's list shows our media_id", "unknown due tried=10s", evidence{list: "other m1"}, Out, "the Page lists our media_id m1"},
		{"also when it is archived already", "unknown due tried=23h", evidence{list: "m1:archived@23h"}, Out, "m1"},
		{"also that of an earlier upload", "unknown due tried=10s id=m2", evidence{list: "m1"}, Out, "m1"},
		{"also when the window is closed", "unknown closed tried=2h", evidence{list: "m1@2h"}, Out, "m1"},
		{"also after both tries", "unknown due tried=1h attempt=2", evidence{list: "m1"}, Out, "m1"},
		{"also when nobody wants it any more", "unknown due tried=1h", evidence{list: "m1", never: true}, Out, "m1"},
		{"also when the time of the attempt is lost", "unknown due id=m1", evidence{list: "m1"}, Out, "m1"},
		{"the newest story may be somebody else's", "unknown due tried=10s", evidence{list: "m11 1m m"}, Wait, "the Page does not list it yet"},
		{"no media_id is no match", "unknown due tried=10s id=", evidence{list: "other"}, Wait, ""},

		{"a video that is not published", "unknown due kind=video tried=150s", evidence{list: "empty", video: "not_published"}, TryAgain, "not_published"},
		{"some time must have passed", "unknown due kind=video tried=149s", evidence{list: "empty", video: "not_published"}, Wait, ""},
		{"before the status was asked", "unknown due kind=video tried=150s", evidence{list: "empty", video: "not_published", asked: time.Second}, Wait, ""},
		{"and the list read", "unknown due kind=video tried=150s", evidence{list: "empty", read: time.Second, video: "not_published"}, Wait, ""},
		{"and nothing may be in progress", "unknown due kind=video tried=1h", evidence{list: "empty", video: "busy"}, Wait, ""},
		{"a video that is not known proves nothing", "unknown due kind=video tried=1h", evidence{list: "empty", video: "gone"}, Wait, ""},
		{"nor does a status that is not told", "unknown due kind=video tried=1h", evidence{list: "empty", video: "silent"}, Wait, ""},
		{"nor one that was not asked", "unknown due kind=video tried=1h", evidence{list: "empty"}, Wait, ""},
		{"the status alone is not enough", "unknown due kind=video tried=1h", evidence{video: "not_published"}, Wait, "has not been asked"},
		{"a status says published", "unknown due kind=video tried=5m", evidence{list: "empty", video: "published"}, Out, "although the Page does not list it"},
		{"but the list may know its post_id soon", "unknown due kind=video tried=4m", evidence{list: "empty", video: "published"}, Wait, "waiting for the Page to list it"},
		{"and it holds after the window", "unknown closed kind=video tried=2h", evidence{list: "empty", video: "published"}, Out, ""},

		{"a photo that is absent long enough", "unknown due tried=5m", evidence{list: "empty"}, TryAgain, "does not list it 5m0s after the attempt"},
		{"other stories are no evidence for it", "unknown due tried=5m", evidence{list: "other m2"}, TryAgain, ""},
		{"but one without a media_id may be it", "unknown due tried=6m", evidence{list: ":photo@6m"}, Wait, "a story without a media_id"},
		{"unless it was there before", "unknown due tried=6m", evidence{list: ":photo@8m"}, TryAgain, ""},
		{"or is of another kind", "unknown due tried=6m", evidence{list: ":video@6m"}, TryAgain, ""},
		{"or was posted when the call was over", "unknown open tried=2h", evidence{list: ":photo@113m"}, TryAgain, ""},
		{"but not while it may have been under way", "unknown open tried=2h", evidence{list: ":photo@115m"}, Wait, "a story without a media_id"},
		{"absence before that proves nothing", "unknown due tried=4m59s", evidence{list: "empty"}, Wait, "the Page does not list it yet"},
		{"the time of the reading counts", "unknown due tried=6m", evidence{list: "empty", read: 61 * time.Second}, Wait, "yet"},
		{"no reading at all", "unknown due tried=6m", evidence{}, Wait, "the Page has not been asked yet"},
		{"a killed process is no different", "publishing due tried=5m", evidence{list: "empty"}, TryAgain, ""},
		{"an attempt in the future of our clock", "unknown due tried=-5m", evidence{list: "empty"}, Wait, ""},
		{"a list that does not reach back", "unknown due tried=6m", evidence{list: "empty", since: 5 * minute}, Wait, "yet"},
		{"a list that does", "unknown due tried=6m", evidence{list: "empty", since: 6 * minute}, TryAgain, ""},
		{"a video's absence is no evidence", "unknown due kind=video tried=1h", evidence{list: "empty"}, Wait, ""},
		{"an attempt of an unknown time", "unknown due id=m1", evidence{list: "empty"}, Wait, "when it was tried is not recorded"},

		{"there is one second try", "unknown due tried=5m attempt=2", evidence{list: "empty"}, Wait, "2 publish calls were made"},
		{"also of a video", "unknown due kind=video tried=1h attempt=2", evidence{list: "empty", video: "not_published"}, Wait, "2 publish calls were made"},
		{"none for what is not declared", "unknown due tried=6m", evidence{list: "empty", never: true}, Wait, "not tried again"},
		{"also of a video", "unknown due kind=video tried=6m", evidence{list: "empty", video: "not_published", never: true}, Wait, "not tried again"},
		{"nor for what was taken back before", "unknown due tried=6m withdrawn", evidence{list: "empty"}, Wait, "not tried again"},
		{"which ends like any other", "unknown closed tried=2h", evidence{list: "empty", never: true}, GiveUp, ""},

		{"the window is closed", "unknown closed tried=2h", evidence{list: "empty"}, GiveUp, "its window is closed"},
		{"after any number of tries", "unknown closed tried=2h attempt=2", evidence{list: "empty"}, GiveUp, ""},
		{"but not before lists can be believed", "unknown closed tried=4m", evidence{list: "empty"}, Wait, "too late to try it again"},
		{"nor from an old reading", "unknown closed tried=2h", evidence{list: "empty", read: 118 * minute}, Wait, ""},
		{"nor without one", "unknown closed tried=2h", evidence{}, Wait, ""},
		{"a video whose window is closed", "unknown closed kind=video tried=2h", evidence{list: "empty", video: "not_published"}, GiveUp, ""},
		{"a window from the registration", "unknown window=59m tried=30m", evidence{list: "empty"}, GiveUp, ""},
		{"one that is not over", "unknown window=61m tried=30m", evidence{list: "empty"}, TryAgain, ""},
		{"24 hours have passed", "unknown open tried=24h1s", evidence{list: "empty"}, GiveUp, "more than 24 hours old"},
		{"and not yet", "unknown open tried=24h", evidence{list: "empty"}, TryAgain, ""},
		{"whatever the window is", "unknown window=2000h tried=25h", evidence{list: "empty"}, GiveUp, "more than 24 hours old"},
		{"but a status still counts", "unknown window=2000h kind=video tried=25h", evidence{list: "empty", video: "not_published"}, TryAgain, ""},
	} {
		e := entry(t, "a", test.entry)
		v, found, why := Judge(&e, test.ev.evidence(t))
		if v != test.want || !strings.Contains(why, test.why) || (found != nil) != (v == Out && strings.Contains(why, "lists our")) {
			t.Errorf("%s: got %s, %v (%s), want %s (%s)", test.essay, v, found, why, test.want, test.why)
		}
		if found != nil && (found.MediaID != "m1" || found.PostID != "post-m1" || found.URL == "" || found.CreatedAt.IsZero()) {
			t.Errorf("%s: got %+v, want what is listed of m1", test.essay, found)
		}
	}
}

// A plan without settle_after must not believe an absence at once.
func TestJudgeWithoutSettleAfter(t *testing.T) {
	for _, setting := range []time.Duration{0, -time.Hour} {
		for tried, want := range map[string]Verdict{"4m59s": Wait, "5m": TryAgain} {
			e := entry(t, "a", "unknown due tried="+tried)
			if got, _, _ := Judge(&e, Evidence{Now: noon, List: listing(t, "empty"), SettleAfter: setting}); got != want {
				t.Errorf("settle_after %s, tried %s ago: got %s, want %s", setting, tried, got, want)
			}
		}
	}
	// A call that was announced two minutes ago may still be under way.
	for tried, want := range map[string]Verdict{"2m59s": Wait, "3m": TryAgain} {
		e := entry(t, "a", "unknown due tried="+tried)
		if got, _, _ := Judge(&e, Evidence{Now: noon, List: listing(t, "empty"), SettleAfter: time.Minute}); got != want {
			t.Errorf("settle_after 1m, tried %s ago: got %s, want %s", tried, got, want)
		}
	}
	in := world(t, []string{"a:due"}, []string{"a:live due sent=1m"}, "empty")
	in.Settings.SettleAfter = 0
	if p := Build(in); len(p.Updates) > 0 {
		t.Errorf("got %v, want nothing: lists lag", p.Updates)
	}
}

// Meta's clock and ours need not agree: a story that Meta dates an hour into
// our future or past is neither removed nor archived for it.
func TestClockSkew(t *testing.T) {
	for _, test := range []struct{ sent, since, want string }{
		{"-1h", "25h", ""},       // listed a moment ago, with a time in our future
		{"1h", "25h", "removed"}, // it was listed, and is not any more
		{"1h", "59m", ""},        // the list begins after it
		{"23h59m", "25h", "removed"},
		{"24h", "25h", "archived"},
	} {
		in := world(t, []string{"a:due"}, []string{"a:live due sent=" + test.sent}, "empty")
		in.Views[pageID].Since = noon.Add(-duration(t, test.since))
		got := ""
		for _, u := range Build(in).Updates {
			got += string(u.Status)
		}
		if got != test.want {
			t.Errorf("dated %s ago, listed since %s ago: got %q, want %q", test.sent, test.since, got, test.want)
		}
	}
}
