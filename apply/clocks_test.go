package apply_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"storyform/graphapi/sandbox"
	"storyform/story"
)

// wrongBy makes the clock of the next runs wrong.
func (w *world) wrongBy(d time.Duration) {
	w.time = w.clock.Clock()
	w.time.Now = func() time.Time { return w.clock.Now().Add(d) }
}

// A run is killed right after its publish call, and the next one begins at
// once, on a runner whose clock is hours away: it doesn't take hours for past
// that aren't, and makes no other call before lists have had their time. Meta
// would take the media a second time.
func TestClocksApart(t *testing.T) {
	for name, wrong := range map[string][2]time.Duration{
		"the second is ahead": {0, 3 * time.Hour},
		"the first is behind": {-3 * time.Hour, 0},
		"both are wrong":      {-3 * time.Hour, 20 * time.Hour},
	} {
		for _, file := range []string{"a.jpg", "a.mp4"} {
			t.Run(name+"/"+file, func(t *testing.T) {
				w := newWorld(t)
				w.set("listing_lag=4m republish=" + sandbox.RepublishAgain)
				w.declare(w.local("story", file, func(d *story.Desired) { d.NotAfter = start.Add(100 * time.Hour) }))
				w.wrongBy(wrong[0])
				if _, died := w.crashRun(func(_ int, point string) bool { return point == "after photo_stories" || point == "after finish" }); !died {
					t.Fatal("the run was not killed")
				}
				w.wrongBy(wrong[1])
				for range 3 {
					if _, result, err := w.planAndApply(); err != nil {
						t.Fatalf("%v: %v", err, result.Diagnostics)
					}
				}
				if shown := w.sim.Stories(pageID); len(shown) != 1 {
					t.Errorf("the Page shows %d stories: %+v", len(shown), shown)
				}
				w.wrongBy(0)
				w.converge()
				w.assertOnce()
			})
		}
	}
}

// A story goes out at its time, not at what a wrong clock takes for it.
func TestClockDecidesNothing(t *testing.T) {
	for _, test := range []struct {
		now, wrong time.Duration // since the start, and by how much our clock is wrong
		want       int
	}{
		{0, 90 * time.Minute, 0},
		{0, 30 * time.Hour, 0}, // past its window, and not given up
		{58 * time.Minute, 10 * time.Minute, 1},
		{180 * time.Minute, -90 * time.Minute, 0},
		{122 * time.Minute, -10 * time.Minute, 1},
	} {
		for _, file := range []string{"a.jpg", "a.mp4"} {
			w := newWorld(t)
			w.declare(w.local("story", file, func(d *story.Desired) {
				d.PublishAt, d.NotAfter = start.Add(time.Hour), start.Add(2*time.Hour)
			}))
			w.mustApply()
			w.clock.Advance(test.now)
			w.wrongBy(test.wrong)
			w.mustApply()
			if got := len(w.sim.Stories(pageID)); got != test.want {
				t.Errorf("%s, wrong by %s: %d are out, want %d: %s", file, test.wrong, got, test.want, w.requestLines(0))
			}
			if got := w.entry("story").Status; test.want == 0 && got != story.Scheduled {
				t.Errorf("%s, wrong by %s: it is %s, want scheduled", file, test.wrong, got)
			}
		}
	}
}

// A run is killed before its publish call, and the next one takes the window for
// closed: a wrong clock gives the story up no more than it publishes it.
func TestClockGivesNothingUp(t *testing.T) {
	w := newWorld(t)
	w.declare(w.local("story", "a.jpg", func(d *story.Desired) { d.NotAfter = start.Add(10 * time.Hour) }))
	w.mustCrash("before photo_stories")
	w.clock.Advance(6 * time.Minute)
	w.wrongBy(30 * time.Hour)
	w.mustApply()
	if got := w.entry("story").Status; got != story.Unknown {
		t.Errorf("it is %s, want unknown", got)
	}
	w.wrongBy(0)
	w.converge()
	w.assertOnce()
}

// A machine sleeps while the answer to an upload is on its way: that the answer
// is old by then doesn't mean that the clock is wrong, and the call that is
// announced next is not an old one.
func TestSleptOverAnswer(t *testing.T) {
	w := newWorld(t)
	w.set("listing_lag=4m republish=" + sandbox.RepublishAgain)
	w.declare(w.local("story", "a.jpg"))
	w.route = func(next http.RoundTripper) http.RoundTripper {
		return roundTripper(func(r *http.Request) (*http.Response, error) {
			resp, err := next.RoundTrip(r)
			if strings.HasSuffix(r.URL.Path, "/photos") {
				w.clock.Advance(20 * time.Minute)
			}
			return resp, err
		})
	}
	w.mustCrash("after photo_stories")
	w.route = nil
	if _, result, err := w.planAndApply(); err != nil {
		t.Fatalf("%v: %v", err, result.Diagnostics)
	}
	w.converge()
	w.assertOnce()
}
