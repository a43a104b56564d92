package apply_test

import (
	"fmt"
	"testing"
	"time"

	"storyform/apply"
	"storyform/graphapi/sandbox"
	"storyform/plan"
	"storyform/story"
)

// twoPages declares two stories on each of two Pages.
func twoPages(w *world) {
	w.declare(w.local("one", "a.jpg"), w.local("two", "b.mp4"), w.local("far", "c.jpg", on(otherID)), w.local("farther", "d.mp4", on(otherID)))
}

// usage is a usage header for all calls of a Page: percent used, and in how
// many minutes there will be room again.
func usage(page string, percent, regain int) string {
	return fmt.Sprintf(`any pass page=%s times=always header="X-Business-Use-Case-Usage:{\"%s\":[{\"type\":\"pages\",\"call_count\":%d,\"total_time\":1,\"total_cputime\":1,\"estimated_time_to_regain_access\":%d}]}"`,
		page, page, percent, regain)
}

// A Page whose limit is used up, or nearly, stops, and the others go on. What
// was not attempted stays planned, and goes out when there is room again.
func TestRatesStopThePage(t *testing.T) {
	for name, fault := range map[string]string{
		"95 percent": usage(pageID, 95, 0), "100 percent": usage(pageID, 100, 0), "regain told": usage(pageID, 30, 7),
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			twoPages(w)
			w.fault(fault)
			result := w.mustApply()
			want := map[string]apply.Ending{"one": apply.EndNotAttempted, "two": apply.EndNotAttempted, "far": apply.EndPublished, "farther": apply.EndPublished}
			for story, ending := range want {
				if got := endOf(result, story); got != ending {
					t.Errorf("%s: got %s, want %s", story, got, ending)
				}
			}
			if got := result.ExitCode(false); got != apply.ExitPartly {
				t.Errorf("got exit code %d, want %d", got, apply.ExitPartly)
			}
			for _, r := range w.asked(0, append(publishCalls, uploadCalls...)...) {
				if r.Page == pageID {
					t.Errorf("on the Page that stopped, %s was called", r.Edge)
				}
			}
			must(t, w.sim.ClearFaults())
			made := w.process().plan()
			if actionOf(made, "one") != plan.Publish || actionOf(made, "two") != plan.Publish {
				t.Errorf("the next plan is %v, want both published", describe(made))
			}
			w.clock.Advance(8 * time.Minute)
			w.converge()
			w.assertOnce()
		})
	}
}

// A limit that is reached in the middle of a Page's stories leaves the rest.
func TestRatesInTheMiddle(t *testing.T) {
	for _, code := range []string{"613", "80001", "32", "17"} {
		t.Run(code, func(t *testing.T) {
			w := newWorld(t)
			twoPages(w)
			w.fault("start before code=" + code + " page=" + pageID + " times=always")
			result := w.mustApply()
			if endOf(result, "one") != apply.EndPublished || endOf(result, "two") == apply.EndPublished || result.Count(apply.EndPublished) != 3 {
				t.Errorf("got %v, want all but the second", endings(result))
			}
			if got := len(w.asked(0, sandbox.EdgeStart)); got > 5 {
				t.Errorf("a throttled Page was called %d times", got)
			}
			must(t, w.sim.ClearFaults())
			w.clock.Advance(10 * time.Minute)
			w.converge()
			w.assertOnce()
		})
	}
}

// A limit of the whole app stops every Page.
func TestRatesOfTheApp(t *testing.T) {
	w := newWorld(t)
	twoPages(w)
	w.set("throttle=4 regain=9m")
	result := w.mustApply()
	if got := result.Count(apply.EndNotAttempted); got != 4 || result.ExitCode(false) != apply.ExitError {
		t.Errorf("got %v, want nothing attempted", endings(result))
	}
	if posts := w.posts(0); len(posts) > 0 {
		t.Errorf("a throttled app sent %v", posts)
	}
	w.clock.Advance(10 * time.Minute)
	w.converge()
	w.assertOnce()
}

// Calls are spread out before a limit is reached. That must not carry a story
// over the end of its window.
func TestRatesAndWindow(t *testing.T) {
	for _, kind := range []string{"a.jpg", "a.mp4"} {
		for left := range 40 {
			w := newWorld(t, inMemory)
			w.set("app_usage=94")
			end := start.Add(time.Duration(left) * 3 * time.Second)
			w.declare(w.local("story", kind, func(d *story.Desired) { d.NotAfter = end }))
			w.planAndApply()
			for _, r := range w.asked(0, publishCalls...) {
				if r.Time.After(end) {
					t.Errorf("%s: with %s left, the publish call was made %s after the end of the window", kind, end.Sub(start), r.Time.Sub(end))
				}
			}
			for _, s := range w.sim.Stories(pageID) {
				if s.CreatedAt.After(end) {
					t.Errorf("%s: it went out %s after the end of its window", kind, s.CreatedAt.Sub(end))
				}
			}
			w.close()
		}
	}
}

// A block (368) is met once: nothing else is sent to the Page in that run,
// neither for this story nor for the next.
func TestRatesBlocked(t *testing.T) {
	for _, edge := range []string{sandbox.EdgePhotoStories, sandbox.EdgePhotos, sandbox.EdgeStart, sandbox.EdgeFinish} {
		t.Run(edge, func(t *testing.T) {
			w := newWorld(t)
			twoPages(w)
			w.fault(edge + " before code=368 page=" + pageID + " times=always")
			result := w.mustApply()
			if got := len(w.asked(0, edge)) - len(w.onPage(otherID, edge)); got != 1 {
				t.Errorf("the blocked call was made %d times", got)
			}
			ended := w.onPage(pageID, append(publishCalls, uploadCalls...)...)
			if last := ended[len(ended)-1]; last.Edge != edge {
				t.Errorf("after the block, %s was called", last.Edge)
			}
			if endOf(result, "far") != apply.EndPublished || endOf(result, "farther") != apply.EndPublished {
				t.Errorf("the other Page ended with %v", endings(result))
			}
			must(t, w.sim.ClearFaults())
			w.converge()
			w.assertOnce()
		})
	}
}

// onPage are the requests of a Page that are about some edges.
func (w *world) onPage(page string, edges ...string) []sandbox.Request {
	var out []sandbox.Request
	for _, r := range w.asked(0, edges...) {
		if r.Page == page {
			out = append(out, r)
		}
	}
	return out
}

// A throttle that tells a long time is not waited for: the lock is given back,
// and the next run goes on with what was uploaded.
func TestRatesLongPause(t *testing.T) {
	w := newWorld(t)
	w.declare(w.local("story", "a.mp4"), w.local("far", "b.jpg", on(otherID)))
	w.fault(`upload before status=429 type=RequestRateLimitedError backoff=3h times=always`)
	began := w.clock.Now()
	result := w.mustApply()
	if took := w.clock.Now().Sub(began); took > 5*time.Minute {
		t.Errorf("the run took %s", took)
	}
	if endOf(result, "story") == apply.EndPublished || endOf(result, "far") != apply.EndPublished {
		t.Errorf("got %v", endings(result))
	}
	must(t, w.sim.ClearFaults())
	made := w.process().plan()
	if got := actionOf(made, "story"); got != plan.Resume {
		t.Errorf("the next plan is %v, want resume", describe(made))
	}
	w.converge()
	w.assertOnce()
}
