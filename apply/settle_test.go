package apply_test

import (
	"bytes"
	"io"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"testing"
	"time"

	"storyform/apply"
	"storyform/graphapi/sandbox"
	"storyform/plan"
	"storyform/story"
)

// lostAnswers makes every publish answer of a Page get lost after its effect.
const lostAnswers = "photo_stories after reset times=always; finish after reset times=always"

// endOf is how the run ended for a story.
func endOf(r *apply.Result, name string) apply.Ending { return endings(r)[name] }

// Every publish answer is lost and the list lags: each story goes out once,
// with one publish call, in one run and without anybody's help.
func TestSettleInOneRun(t *testing.T) {
	w := newWorld(t)
	w.set("listing_lag=20s")
	w.fault(lostAnswers)
	w.declare(w.local("one", "a.jpg"), w.local("two", "b.mp4"), w.hosted("three"), w.local("four", "d.png"), w.local("far", "e.jpg", on(otherID)), w.hostedPhoto("farther", on(otherID)))
	result := w.mustApply()
	if got := result.Count(apply.EndPublished); got != 6 || result.ExitCode(true) != apply.ExitPublished {
		t.Errorf("got %v and exit code %d, want six published and 2", endings(result), result.ExitCode(true))
	}
	w.assertCalls(0, 6, 6)
	for _, d := range w.stories {
		if e := w.entry(d.Address.Name); e.Status != story.Live || e.PostID == "" || e.URL == "" || e.Operation != nil || e.Failure != nil {
			t.Errorf("%s is remembered as %s", d.Address, toJSON(e))
		}
	}
	w.assertOnce()
}

// The same while lists lag longer than a run waits: the runs end with 4 and
// touch nothing, and a later one finds the stories.
func TestSettleInALaterRun(t *testing.T) {
	w := newWorld(t)
	w.set("listing_lag=4m")
	w.fault(lostAnswers)
	w.declare(w.local("one", "a.jpg"), w.local("two", "b.jpg"))
	if got := w.mustApply().ExitCode(true); got != apply.ExitUnknown {
		t.Errorf("got exit code %d, want %d", got, apply.ExitUnknown)
	}
	w.assertCalls(0, 2, 2)
	mark := w.mark()
	w.clock.Advance(4 * time.Minute)
	made, result, err := w.planAndApply()
	if err != nil || actionOf(made, "one") != plan.Adopt || actionOf(made, "two") != plan.Adopt {
		t.Errorf("got error %v and %v, want both adopted", err, describe(made))
	}
	if result.Count(apply.EndAdopted) != 2 {
		t.Errorf("got %v", endings(result))
	}
	w.assertCalls(mark, 0, 0)
	w.assertOnce()
}

// A video whose finish is lost before it has an effect is finished once more
// as soon as its status can be believed, with the same video_id.
func TestSettleVideoNotPublished(t *testing.T) {
	w := newWorld(t)
	w.fault("finish before reset")
	w.declare(w.local("story", "a.mp4"))
	result := w.mustApply()
	if got := endOf(result, "story"); got != apply.EndPublished {
		t.Errorf("got %v, want published", endings(result))
	}
	w.assertCalls(0, 2, 1)
	calls := w.asked(0, sandbox.EdgeFinish)
	if wait := calls[1].Time.Sub(calls[0].Time); wait < time.Minute {
		t.Errorf("the second finish came %s after the first: not_published may not have been true yet", wait)
	}
	w.assertOnce()
}

// A video that takes its time to be published is not finished again, whether
// its status says that it is busy or, as documented, that it is published
// all along.
func TestSettleVideoInProgress(t *testing.T) {
	for _, switches := range []string{
		"publish_delay=2m", "processing_time=2m", "publish_delay=90s listing_lag=1m", "publish_delay=2m as_documented=true",
	} {
		t.Run(switches, func(t *testing.T) {
			w := newWorld(t)
			w.set(switches)
			w.fault(lostAnswers)
			w.declare(w.local("story", "a.mp4"), w.local("next", "b.jpg", after("story")))
			result := w.mustApply()
			if got := result.Count(apply.EndPublished); got != 2 {
				t.Errorf("got %v, want both published", endings(result))
			}
			w.assertCalls(0, 2, 2)
			if s := w.sim.Stories(pageID); len(s) != 2 || s[0].Kind != "video" {
				t.Errorf("the Page shows %v, want the video first", s)
			}
			w.assertOnce()
		})
	}
}

// A video that is never listed is not taken for published before settle_after,
// although its status says so.
func TestSettleVideoSaysPublished(t *testing.T) {
	w := newWorld(t)
	w.set("listing_lag=24h")
	w.fault(lostAnswers)
	w.declare(w.local("story", "a.mp4"))
	if got := endOf(w.mustApply(), "story"); got != apply.EndUnknown {
		t.Errorf("got %s, want unknown", got)
	}
	w.clock.Advance(w.settings.SettleAfter)
	if got := endOf(w.mustApply(), "story"); got != apply.EndAdopted {
		t.Errorf("after settle_after got %s, want adopted", got)
	}
	w.assertCalls(0, 1, 1)
	w.assertPages()
}

// A photo has no status to ask: its story is frozen until settle_after and
// then published once more with the same photo_id, and nothing is uploaded
// meanwhile, however often apply runs.
func TestSettlePhotoAbsent(t *testing.T) {
	w := newWorld(t)
	w.fault("photo_stories before reset")
	w.declare(w.local("story", "a.jpg"), w.local("other", "b.jpg"))
	result := w.mustApply()
	if endOf(result, "story") != apply.EndUnknown || endOf(result, "other") != apply.EndPublished {
		t.Errorf("got %v, want only the one story frozen", endings(result))
	}
	if got := result.ExitCode(false); got != apply.ExitUnknown {
		t.Errorf("got exit code %d, want %d", got, apply.ExitUnknown)
	}
	first := w.entry("story")
	if first.Status != story.Unknown || first.MediaID == "" || first.Operation.Attempt != 1 {
		t.Errorf("it is remembered as %s", toJSON(first))
	}
	mark := w.mark()
	asked := w.asked(0, sandbox.EdgePhotoStories)[0].Time
	for w.clock.Now().Before(asked.Add(w.settings.SettleAfter - 3*time.Minute)) {
		made, result, err := w.planAndApply()
		if err != nil || actionOf(made, "story") != plan.Settle || result.ExitCode(false) != apply.ExitUnknown {
			t.Errorf("before settle_after: %v, exit code %d, error %v", describe(made), result.ExitCode(false), err)
		}
	}
	w.assertCalls(mark, 0, 0)
	w.clock.Advance(w.settings.SettleAfter)
	if got := endOf(w.mustApply(), "story"); got != apply.EndAdopted && got != apply.EndPublished {
		t.Errorf("after settle_after got %s, want published", got)
	}
	w.assertCalls(mark, 1, 0)
	if again := w.asked(mark, sandbox.EdgePhotoStories)[0]; again.Media != first.MediaID {
		t.Errorf("the second try was made with %s, want %s", again.Media, first.MediaID)
	}
	w.assertOnce()
}

// A photo that is out, but listed later than settle_after, is tried once more.
// Meta's refusal of media that were already posted is the evidence that it is
// out, whatever else happens to that answer.
func TestSettleAlreadyPosted(t *testing.T) {
	for _, second := range []string{"", "photo_stories after status=500 code=2 nth=2", "photo_stories after reset nth=2", "photo_stories after html nth=2"} {
		t.Run(second, func(t *testing.T) {
			w := newWorld(t)
			w.set("listing_lag=30m")
			w.fault("photo_stories after reset; " + second)
			w.declare(w.local("story", "a.jpg"))
			w.mustApply()
			w.clock.Advance(6 * time.Minute)
			result := w.mustApply()
			want := apply.EndPublished
			if second != "" {
				want = apply.EndUnknown // also the refusal was lost
			}
			if got := endOf(result, "story"); got != want {
				t.Errorf("got %s, want %s", got, want)
			}
			w.assertCalls(0, 2, 1)
			w.clock.Advance(25 * time.Minute)
			w.converge()
			w.assertOnce()
		})
	}
}

// The first publish call of media is refused because they were already
// posted, and the Page does not show them: Meta does not want this file.
// There is nothing to wait for, and nothing is posted.
func TestSettleSameBytes(t *testing.T) {
	w := newWorld(t)
	w.set("refuse_same_bytes=true")
	first := w.local("first", "a.jpg")
	again := w.local("again", "a.jpg")
	again.Media = first.Media
	w.declare(first)
	w.file("a.jpg", "first")
	w.mustApply()
	w.declare(first, again)
	result := w.mustApply()
	if got := endOf(result, "again"); got != apply.EndUnknown {
		t.Errorf("got %s, want unknown: a repeated request would be refused alike", got)
	}
	w.clock.Advance(6 * time.Minute)
	result = w.mustApply()
	if got := endOf(result, "again"); got != apply.EndFailed {
		t.Errorf("got %s, want failed: the Page does not show it after all", got)
	}
	if got := len(w.sim.Stories(pageID)); got != 1 {
		t.Errorf("the Page shows %d stories, want 1", got)
	}
}

// A second try that is refused for another reason, or that can't even be
// sent, says nothing about the first: the photo stays in doubt, and is tried
// again when that is cured. A video's first call is known to have had no
// effect, so that its refusal is one.
func TestSettleSecondTryRefused(t *testing.T) {
	tests := []struct {
		file        string
		during      apply.Ending // the runs until it is cured
		publish     int
		uploadsMany bool
	}{
		{"a.jpg", apply.EndUnknown, 4, false},
		{"a.mp4", apply.EndFailed, 4, true},
	}
	for _, refusal := range []string{"code=200", "code=190 subcode=463", "code=100", "code=10"} {
		for _, tt := range tests {
			t.Run(refusal+"/"+tt.file, func(t *testing.T) {
				w := newWorld(t)
				w.declare(w.local("story", tt.file))
				w.fault("photo_stories before reset; finish before reset")
				w.fault("photo_stories before nth=2 times=2 " + refusal + "; finish before nth=2 times=2 " + refusal)
				var ends []apply.Ending
				for range 5 {
					ends = append(ends, endOf(w.mustApply(), "story"))
					w.clock.Advance(w.settings.SettleAfter)
				}
				if !slices.Contains(ends, tt.during) {
					t.Errorf("the runs ended with %v, want %s until it is out", ends, tt.during)
				}
				uploads := 1
				if tt.uploadsMany {
					uploads = len(w.asked(0, sandbox.EdgeStart))
				}
				w.assertCalls(0, tt.publish, uploads)
				w.assertOnce()
			})
		}
	}
}

// A video whose session ended while its outcome was open, and whose window has
// no end, is not tried again for ever: it is uploaded anew.
func TestSettleVideoSessionOver(t *testing.T) {
	w := newWorld(t)
	w.declare(w.local("story", "a.mp4", func(d *story.Desired) { d.NotAfter = time.Time{} }))
	w.mustCrash("before finish")
	w.clock.Advance(25 * time.Hour)
	w.converge()
	w.assertOnce()
}

// Somebody posts by hand at the very moment at which an answer is lost. The
// newest story of the Page is not ours.
func TestSettleNeverTheNewest(t *testing.T) {
	for _, file := range []string{"a.jpg", "a.mp4"} {
		t.Run(file, func(t *testing.T) {
			w := newWorld(t)
			w.fault("photo_stories before reset; finish before reset")
			w.declare(w.local("story", file))
			d := w.stories[0]
			w.mustCrash(map[story.Kind]string{story.Photo: "after photo_stories", story.Video: "after finish"}[d.Kind])
			other := w.byHand(pageID, d.Kind)
			w.clock.Advance(time.Second)
			made := w.process().plan()
			if got := actionOf(made, "story"); got != plan.Settle {
				t.Errorf("the plan says %v, want settle", describe(made))
			}
			w.converge()
			if e := w.entry("story"); e.PostID == other.PostID || e.MediaID == other.MediaID {
				t.Errorf("the story made by hand was taken for ours: %s", toJSON(e))
			}
			w.assertOnce()
		})
	}
}

// The window closes while the outcome is open. Nothing is tried any more, the
// story ends as missed, and should it turn up after all it is adopted.
func TestSettleWindowCloses(t *testing.T) {
	for _, file := range []string{"a.jpg", "a.mp4"} {
		for _, lost := range []string{"before", "after"} {
			t.Run(file+"/"+lost, func(t *testing.T) {
				w := newWorld(t)
				w.set("listing_lag=3h")
				w.fault("photo_stories " + lost + " reset; finish " + lost + " reset")
				w.fault("status before status=500 code=2 nth=2 times=always") // once for the upload; then only the list tells
				w.declare(w.local("story", file, func(d *story.Desired) { d.NotAfter = start.Add(4 * time.Minute) }))
				if got := endOf(w.mustApply(), "story"); got != apply.EndUnknown {
					t.Errorf("got %s, want unknown", got)
				}
				calls := w.mark()
				w.clock.Advance(3 * time.Minute)
				w.mustApply()
				w.clock.Advance(10 * time.Minute)
				result := w.mustApply()
				if got := w.entry("story"); got.Status != story.Missed || !got.Attempted() || got.MediaID == "" {
					t.Errorf("it is remembered as %s, want missed, with what was tried", toJSON(got))
				}
				if result.Count(apply.EndMissed) != 1 && result.Count(apply.EndUnknown) != 0 {
					t.Errorf("got %v, want missed", endings(result))
				}
				w.assertCalls(calls, 0, 0)
				w.assertQuiet()
				w.clock.Advance(3 * time.Hour)
				w.converge()
				want := map[string]story.Status{"before": story.Missed, "after": story.Live}[lost]
				if got := w.entry("story").Status; got != want {
					t.Errorf("when lists show everything, it is %s, want %s", got, want)
				}
				w.assertCalls(calls, 0, 0)
			})
		}
	}
}

// The story leaves the configuration, or is declared with other media, while
// its outcome is open. What is not wanted any more is not tried again, and
// nothing else goes out for it before its fate is known.
func TestSettleWithdrawn(t *testing.T) {
	edits := map[string]func(w *world, d story.Desired) []story.Desired{
		"undeclared": func(*world, story.Desired) []story.Desired { return nil },
		"other media": func(w *world, d story.Desired) []story.Desired {
			n := w.local("story", "new"+d.Source[len(d.Source)-4:])
			w.file(n.Source, "new")
			n.Media.SHA256, n.Media.Bytes = hash(w.file(n.Source, "new")), int64(len(w.file(n.Source, "new")))
			return []story.Desired{n}
		},
		"later": func(w *world, d story.Desired) []story.Desired {
			return []story.Desired{w.local("story", d.Source, at(time.Hour))}
		},
		"other Page": func(w *world, d story.Desired) []story.Desired {
			return []story.Desired{w.local("story", d.Source, on(otherID))}
		},
		"revision": func(w *world, d story.Desired) []story.Desired {
			d.Revision = 2
			return []story.Desired{d}
		},
	}
	for name, edit := range edits {
		for _, file := range []string{"a.jpg", "a.mp4"} {
			for _, lost := range []string{"before", "after"} {
				t.Run(name+"/"+file+"/"+lost, func(t *testing.T) {
					t.Parallel()
					w := newWorld(t)
					w.set("listing_lag=10m")
					w.fault("photo_stories " + lost + " reset; finish " + lost + " reset")
					w.declare(w.local("story", file))
					w.mustCrash(map[string]string{"a.jpg": "after photo_stories", "a.mp4": "after finish"}[file])
					before := len(w.sim.Stories(""))
					w.declare(edit(w, w.stories[0])...)
					mark := w.mark()
					for range 3 {
						w.mustApply()
						w.clock.Advance(2 * time.Minute)
					}
					if status := w.entry("story").Status; status.Doubtful() {
						w.assertCalls(mark, 0, 0)
					}
					w.clock.Advance(10 * time.Minute)
					w.converge()
					w.clock.Advance(time.Hour)
					w.converge()
					var same int
					for _, s := range w.sim.Stories("") {
						if s.SHA256 == w.sha("a"+file[1:]) {
							same++
						}
					}
					if d := w.stories; len(d) == 1 && d[0].Media.SHA256 == w.sha(file) {
						if same > 1 && d[0].Revision == 1 {
							t.Errorf("the first media are out %d times: %s", same, w.requestLines(0))
						}
					} else if same != before {
						t.Errorf("what was withdrawn is out %d times, want %d: %s", same, before, w.requestLines(0))
					}
				})
			}
		}
	}
}

// sha is the hash of a file of the folder.
func (w *world) sha(name string) string {
	w.tb.Helper()
	f, err := w.openMedia(name)
	must(w.tb, err)
	defer f.Close()
	content := make([]byte, 1<<20)
	n, _ := f.Read(content)
	return hash(content[:n])
}

// One video whose status can't be read does not keep the Page's other stories
// from going out: its list can be read.
func TestSettleStatusUnreadable(t *testing.T) {
	w := newWorld(t)
	stuck := w.local("stuck", "a.mp4")
	w.declare(stuck)
	w.mustCrash("before finish")
	w.clock.Advance(2 * time.Minute)
	w.fault("status before status=500 code=1 times=always")
	w.declare(stuck, w.local("other", "b.jpg"))
	result := w.mustApply()
	if endOf(result, "stuck") != apply.EndUnknown || endOf(result, "other") != apply.EndPublished {
		t.Errorf("got %v, want the one unknown and the other published", result.Outcomes)
	}
	must(t, w.sim.ClearFaults())
	w.converge()
	w.assertOnce()
}

// A story whose outcome is open stays so, and says so, while its Page can't be
// asked at all.
func TestSettlePageUnavailable(t *testing.T) {
	for _, fault := range []string{"stories before status=500 code=2 times=always", "me before code=190 times=always", "page before code=190 times=always"} {
		t.Run(fault, func(t *testing.T) {
			w := newWorld(t)
			w.declare(w.local("story", "a.jpg"))
			w.mustCrash("after photo_stories")
			w.fault(fault)
			result := w.mustApply()
			if got := endOf(result, "story"); got != apply.EndUnknown || result.ExitCode(false) != apply.ExitUnknown {
				t.Errorf("got %s and exit code %d, want unknown and %d", got, result.ExitCode(false), apply.ExitUnknown)
			}
			must(t, w.sim.ClearFaults())
			w.converge()
			w.assertOnce()
		})
	}
}

// A list that does not tell when a story was made, or tells it in a way that
// is not understood, does not make a story of the year 1 of it.
func TestListWithoutTime(t *testing.T) {
	for _, lost := range []bool{false, true} {
		for _, value := range []string{"", "yesterday", "-5", "99999999999999999999"} {
			w := newWorld(t)
			w.route = func(next http.RoundTripper) http.RoundTripper {
				return roundTripper(func(r *http.Request) (*http.Response, error) {
					resp, err := next.RoundTrip(r)
					if err == nil && edgeOf(r) == sandbox.EdgeStories {
						replaceBody(resp, regexp.MustCompile(`"creation_time":"[0-9]+"`), `"creation_time":"`+value+`"`)
					}
					return resp, err
				})
			}
			w.declare(w.local("story", "a.jpg"))
			if lost {
				w.fault("photo_stories after reset")
			}
			w.mustApply()
			if e := w.entry("story"); e.Status != story.Live || e.URL == "" || !e.PublishedAt.Equal(start) || !e.ExpiresAt.Equal(start.Add(story.Lifetime)) {
				t.Errorf("with the time %q it is remembered as %s", value, toJSON(e))
			}
			w.clock.Advance(time.Hour)
			w.assertOnce()
		}
	}
}

// replaceBody changes the body of an answer.
func replaceBody(resp *http.Response, find *regexp.Regexp, with string) {
	body, _ := io.ReadAll(resp.Body)
	resp.Body.Close()
	body = find.ReplaceAll(body, []byte(with))
	resp.Body, resp.ContentLength = io.NopCloser(bytes.NewReader(body)), int64(len(body))
	resp.Header.Set("Content-Length", strconv.Itoa(len(body)))
}
