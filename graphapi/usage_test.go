package graphapi

import (
	"net/http"
	"strings"
	"testing"
	"time"
)

func TestUsageOf(t *testing.T) {
	for _, test := range []struct {
		name, header, value string
		app, page           Usage
	}{
		{"app", "X-App-Usage", `{"call_count":28,"total_time":25,"total_cputime":31.5}`, Usage{Percent: 31.5, Of: "app"}, Usage{}},
		{"page", "X-Page-Usage", `{"call_count":80,"total_time":25,"total_cputime":1}`, Usage{}, Usage{Percent: 80, Of: "page"}},
		{"business", "X-Business-Use-Case-Usage",
			`{"1":[{"type":"pages","call_count":10,"total_cputime":1,"total_time":1,"estimated_time_to_regain_access":0}],"2":[{"type":"ads","call_count":5},{"type":"pages","call_count":99}]}`,
			Usage{}, Usage{Percent: 99, Of: "business"}},
		{"minutes", "X-Business-Use-Case-Usage", `{"1":[{"call_count":99},{"call_count":1,"estimated_time_to_regain_access":7}]}`, Usage{}, Usage{Percent: 1, Of: "business", Regain: 7 * time.Minute}},
		{"unbelievable", "X-Business-Use-Case-Usage", `{"1":[{"estimated_time_to_regain_access":1e18}]}`, Usage{}, Usage{Of: "business", Regain: maxTold}},
		{"negative", "X-Business-Use-Case-Usage", `{"1":[{"estimated_time_to_regain_access":-5,"call_count":-1}]}`, Usage{}, Usage{Of: "business"}},
		{"broken", "X-App-Usage", `{"call_count":`, Usage{}, Usage{}},
		{"odd", "X-App-Usage", `{"call_count":"many"}`, Usage{}, Usage{}},
		{"a list", "X-Business-Use-Case-Usage", `[1]`, Usage{}, Usage{}},
	} {
		app, page := usageOf(http.Header{test.header: {test.value}}, start)
		for _, pair := range [][2]Usage{{app, test.app}, {page, test.page}} {
			got, want := pair[0], pair[1]
			if want.Of != "" {
				want.At = start
			}
			if got != want {
				t.Errorf("%s: got %+v, want %+v", test.name, got, want)
			}
		}
	}
}

func TestPauseAt(t *testing.T) {
	last := time.Duration(-1)
	for _, percent := range []float64{-5, 0, 74.9} {
		if got := pauseAt(percent); got != 0 {
			t.Errorf("at %v %%: %s, want no pause", percent, got)
		}
	}
	for percent := 75.0; percent <= 95; percent++ {
		got := pauseAt(percent)
		if got <= last || got < firstStep || got > lastStep {
			t.Errorf("at %v %%: %s after %s, want growing pauses", percent, got, last)
		}
		last = got
	}
	if got := pauseAt(500); got != lastStep {
		t.Errorf("at 500 %%: %s, want %s", got, lastStep)
	}
}

// usagePage is a Page whose status reads answer with a header.
func usagePage(t *testing.T, name, value string) (*Page, *api) {
	t.Helper()
	p, a := setup(t)
	a.replies("GET", "/501", reply{body: `{"status":{}}`, header: map[string]string{name: value}})
	if _, err := p.VideoStatus(t.Context(), "501"); err != nil {
		t.Fatal(err)
	}
	return p, a
}

// TestUsageSlowsDown checks that calls are spread out near a limit, that this
// ends when what is known is old, and who is concerned.
func TestUsageSlowsDown(t *testing.T) {
	p, a := usagePage(t, "X-Page-Usage", `{"call_count":85}`)
	if got := p.Usage(); got.Percent != 85 || got.Of != "page" {
		t.Errorf("got %+v", got)
	}
	before := a.slept()
	p.VideoStatus(t.Context(), "501")
	if got := a.slept() - before; got != 8*time.Second {
		t.Errorf("paused for %s at 85 %%, want 8s", got)
	}
	if _, _, blocked := p.Blocked(); blocked {
		t.Error("blocked at 85 %")
	}
	other := p.client.Page(otherID, NewToken(tokenText))
	if got := other.Usage(); got != (Usage{}) {
		t.Errorf("another Page: got %+v, want nothing", got)
	}
	a.clock.Advance(staleness + time.Second)
	if got := p.Usage(); got != (Usage{}) {
		t.Errorf("later: got %+v, want nothing", got)
	}
}

// TestBlocked checks when nothing should be published, and on which Pages.
func TestBlocked(t *testing.T) {
	for _, test := range []struct {
		name, header, value string
		answer              reply
		until               time.Duration // from the answer; 0 for the rest of the run
		page, others        bool
		reason              string
	}{
		{"used up", "X-Page-Usage", `{"call_count":95}`, reply{}, blockFor, true, false, "95 % of the limit of the page"},
		{"app used up", "X-App-Usage", `{"call_count":96}`, reply{}, blockFor, true, true, "96 % of the limit of the app"},
		{"told when", "X-Business-Use-Case-Usage", `{"1":[{"call_count":50,"estimated_time_to_regain_access":30}]}`, reply{}, 30 * time.Minute, true, false, "limit of the business"},
		{"not yet", "X-Page-Usage", `{"call_count":94}`, reply{}, 0, false, false, ""},
		{"Page throttled", "", "", refusal(80001, 0, "too many"), blockFor, true, false, "too many"},
		{"app throttled", "", "", refusal(4, 0, "too many"), blockFor, true, true, "too many"},
		{"throttled with a time", "Retry-After", "1200", refusal(32, 0, "too many"), 20 * time.Minute, true, false, "too many"},
		{"blocked by Meta", "", "", refusal(368, 0, "abusive"), 0, true, false, "#368"},
	} {
		t.Run(test.name, func(t *testing.T) {
			p, a := setup(t)
			if test.answer.body == "" {
				test.answer = okStory
			}
			test.answer.header = map[string]string{test.header: test.value}
			if test.header == "" {
				test.answer.header = nil
			}
			a.replies("POST", "/"+pageID+"/photo_stories", test.answer)
			p.PublishPhoto(t.Context(), "301")
			until, reason, blocked := p.Blocked()
			if blocked != test.page || !strings.Contains(reason, test.reason) {
				t.Errorf("got %v %q, want %v %q", blocked, reason, test.page, test.reason)
			}
			if want := start.Add(test.until); test.until != 0 && !until.Equal(want) || test.until == 0 && !until.IsZero() {
				t.Errorf("blocked until %s, want %s", until, want)
			}
			if _, _, others := p.client.Page(otherID, NewToken("x")).Blocked(); others != test.others {
				t.Errorf("other Pages blocked: %v, want %v", others, test.others)
			}
			secretFree(t, "reason", reason)
			if test.until != 0 {
				a.clock.Advance(test.until)
				if _, _, blocked := p.Blocked(); blocked {
					t.Error("still blocked when the time is over")
				}
			}
		})
	}
}

// TestBlockedByBoth checks that the longer of two blocks is told.
func TestBlockedByBoth(t *testing.T) {
	p, _ := setup(t)
	p.limit.block(start.Add(time.Minute), "page")
	p.client.app.block(start.Add(time.Hour), "app")
	if until, reason, _ := p.Blocked(); reason != "app" || !until.Equal(start.Add(time.Hour)) {
		t.Errorf("got %s %q, want the app's", until, reason)
	}
	p.limit.shut("for ever")
	if until, reason, _ := p.Blocked(); reason != "for ever" || !until.IsZero() {
		t.Errorf("got %s %q, want the Page's", until, reason)
	}
	p.limit.block(start.Add(2*time.Minute), "shorter")
	if _, reason, _ := p.Blocked(); reason == "shorter" {
		t.Error("a later throttle hides a block for the rest of the run")
	}
}
