package apply_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"storyform/apply"
	"storyform/graphapi/sandbox"
	"storyform/plan"
	"storyform/story"
)

// bytesSent is how many bytes of media the uploads from mark on brought.
func (w *world) bytesSent(mark int) (n int64) {
	for _, r := range w.asked(mark, sandbox.EdgeUpload) {
		n += r.Bytes
	}
	return n
}

// An upload that breaks off goes on, in the same run, from where the server
// says that its bytes end; no byte is sent twice.
func TestResumeInTheSameRun(t *testing.T) {
	for _, how := range []string{"upload before cut=1000 times=40", "upload before cut=30000 times=2", "upload before cut=0; upload before cut=58000 nth=2"} {
		t.Run(how, func(t *testing.T) {
			w := newWorld(t)
			w.declare(w.local("story", "a.mp4"))
			w.fault(how)
			if got := endOf(w.mustApply(), "story"); got != apply.EndPublished {
				t.Errorf("got %s, want published", got)
			}
			w.assertCalls(0, 1, 1)
			if got, want := w.bytesSent(0), w.stories[0].Media.Bytes; got != want {
				t.Errorf("%d bytes were sent, want %d", got, want)
			}
			w.assertOnce()
		})
	}
}

// A server that has fewer bytes than were sent, or more than it said, is
// followed: its own offset counts.
func TestResumeWrongOffset(t *testing.T) {
	w := newWorld(t)
	w.declare(w.local("story", "a.mp4"))
	w.fault("upload before cut=20000; upload before status=412 type=OffsetInvalidError nth=2 times=2")
	if got := endOf(w.mustApply(), "story"); got != apply.EndPublished {
		t.Errorf("got %s, want published", got)
	}
	if got, want := w.bytesSent(0), w.stories[0].Media.Bytes; got != want {
		t.Errorf("%d bytes were sent, want %d", got, want)
	}
	w.assertOnce()
}

// An upload that makes no progress is given up and kept for a later run.
func TestResumeFruitless(t *testing.T) {
	for _, fault := range []string{
		"upload before cut=0 times=always", "upload before status=412 type=OffsetInvalidError times=always",
		"upload before status=400 type=PartialRequestError times=always", "upload before status=400 type=ProcessingFailedError times=always",
	} {
		t.Run(fault, func(t *testing.T) {
			w := newWorld(t)
			w.declare(w.local("story", "a.mp4"))
			w.fault(fault)
			if got := endOf(w.mustApply(), "story"); got != apply.EndFailed {
				t.Errorf("got %s, want failed", got)
			}
			if got := len(w.asked(0, sandbox.EdgeUpload)); got > 6 {
				t.Errorf("%d upload requests were made that brought nothing", got)
			}
			w.assertCalls(0, 0, 1)
			must(t, w.sim.ClearFaults())
			w.converge()
			w.assertOnce()
		})
	}
}

// A run whose disk went away with its machine: the state alone is copied to
// another folder, where the media are checked out anew, and the upload goes on.
func TestResumeElsewhere(t *testing.T) {
	w := newWorld(t)
	w.declare(w.local("story", "a.mp4"))
	w.fault("upload before cut=20000")
	w.mustCrash("after upload")
	elsewhere := t.TempDir()
	for _, name := range []string{"a.mp4", filepath.Base(w.statePath()), filepath.Base(w.statePath()) + ".journal"} {
		content, err := os.ReadFile(filepath.Join(w.dir, name))
		if os.IsNotExist(err) {
			continue // the state was never folded
		}
		must(t, err)
		must(t, os.WriteFile(filepath.Join(elsewhere, name), content, 0o600))
	}
	w.dir = elsewhere
	mark := w.mark()
	made := w.process().plan()
	if c := made.Changes[0]; c.Action != plan.Resume || c.Offset != 20000 {
		t.Errorf("the plan is %v from byte %d, want resume from 20000", describe(made), c.Offset)
	}
	w.mustApply()
	w.assertCalls(mark, 1, 0)
	if got, want := w.bytesSent(mark), w.stories[0].Media.Bytes-20000; got != want {
		t.Errorf("%d bytes were sent, want the missing %d", got, want)
	}
	w.assertOnce()
}

// The file is another one than was planned: nothing is published, whatever
// was uploaded of it.
func TestResumeChangedFile(t *testing.T) {
	for _, file := range []string{"a.jpg", "a.mp4"} {
		t.Run("before the upload/"+file, func(t *testing.T) {
			w := newWorld(t)
			w.declare(w.local("story", file))
			p := w.process()
			made := p.plan()
			w.file(file, "something else")
			result, err := p.apply(made)
			if err != nil || endOf(result, "story") != apply.EndFailed {
				t.Errorf("got %v and error %v, want failed", endings(result), err)
			}
			w.assertCalls(0, 0, 0)
			if hint := result.Outcomes[0].Message; !strings.Contains(hint, "changed after it was planned") {
				t.Errorf("it says %q", hint)
			}
		})
		t.Run("during the upload/"+file, func(t *testing.T) {
			w := newWorld(t)
			w.declare(w.local("story", file))
			w.route = func(next http.RoundTripper) http.RoundTripper {
				return roundTripper(func(r *http.Request) (*http.Response, error) {
					if edge := edgeOf(r); edge == sandbox.EdgePhotos || edge == sandbox.EdgeUpload {
						r.Body = &editing{body: r.Body, edit: func() { w.file(file, "later") }}
					}
					return next.RoundTrip(r)
				})
			}
			if got := endOf(w.mustApply(), "story"); got != apply.EndFailed {
				t.Errorf("got %s, want failed", got)
			}
			w.assertCalls(0, 0, 1)
		})
		t.Run("between runs/"+file, func(t *testing.T) {
			w := newWorld(t)
			w.declare(w.local("story", file))
			first := w.stories[0].Media.SHA256
			w.fault("upload before cut=20000")
			w.mustCrash(map[string]string{"a.jpg": "after uploaded", "a.mp4": "after upload"}[file])
			w.declare(w.local("story", file, func(d *story.Desired) {
				content := w.file(file, "the better one")
				d.Media.SHA256, d.Media.Bytes = hash(content), int64(len(content))
			}))
			mark := w.mark()
			if made := w.process().plan(); actionOf(made, "story") != plan.Publish {
				t.Errorf("the plan is %v, want publish", describe(made))
			}
			w.converge()
			w.assertCalls(mark, 1, 1)
			for _, s := range w.sim.Stories(pageID) {
				if s.SHA256 == first {
					t.Error("the file from before is out")
				}
			}
			w.assertOnce()
		})
	}
}

// editing is a body that changes the file under it once some of it was read.
type editing struct {
	body io.ReadCloser
	edit func()
	read int
}

func (e *editing) Read(p []byte) (int, error) {
	n, err := e.body.Read(p[:min(len(p), 4096)])
	if e.read += n; e.read > 10000 && e.edit != nil {
		e.edit()
		e.edit = nil
	}
	return n, err
}

func (e *editing) Close() error { return e.body.Close() }

// A session that is over is replaced by a new one, in a later run as in the
// same one.
func TestResumeExpiredSession(t *testing.T) {
	w := newWorld(t)
	w.set("session_lifetime=1h")
	w.declare(w.local("story", "a.mp4", func(d *story.Desired) { d.NotAfter = start.Add(12 * time.Hour) }))
	w.fault("upload before cut=20000")
	w.mustCrash("after upload")
	w.clock.Advance(2 * time.Hour)
	mark := w.mark()
	made := w.process().plan()
	if got := describe(made); actionOf(made, "story") != plan.Resume || !strings.Contains(got[0], "session is over") {
		t.Errorf("the plan is %v, want resume with a new session", got)
	}
	w.mustApply()
	w.assertCalls(mark, 1, 1)
	w.assertOnce()
}

// The same for a video that was uploaded whole and whose session ended before
// it was finished: Meta refuses to finish it, and the next run uploads anew.
func TestResumeExpiredBeforeFinish(t *testing.T) {
	w := newWorld(t)
	w.set("session_lifetime=1h")
	w.declare(w.local("story", "a.mp4", func(d *story.Desired) { d.NotAfter = start.Add(12 * time.Hour) }))
	w.mustCrash("after uploaded")
	w.clock.Advance(2 * time.Hour)
	w.converge()
	w.assertOnce()
}

// An unpublished photo is not relied on for longer than Meta keeps it.
func TestResumeOldPhoto(t *testing.T) {
	for age, uploads := range map[time.Duration]int{22 * time.Hour: 0, 23*time.Hour + time.Minute: 1, 40 * time.Hour: 1} {
		t.Run(age.String(), func(t *testing.T) {
			w := newWorld(t)
			w.declare(w.local("story", "a.jpg", func(d *story.Desired) { d.NotAfter = start.Add(72 * time.Hour) }))
			w.mustCrash("after uploaded")
			w.clock.Advance(age)
			mark := w.mark()
			w.mustApply()
			w.assertCalls(mark, 1, uploads)
			w.assertOnce()
		})
	}
}

// statusWorld is a world in which the status of videos is what the test says.
// rewrite gets the true status and changes it.
func statusWorld(t *testing.T, rewrite func(n int, status map[string]any)) *world {
	w := newWorld(t)
	n := 0
	w.route = func(next http.RoundTripper) http.RoundTripper {
		return roundTripper(func(r *http.Request) (*http.Response, error) {
			resp, err := next.RoundTrip(r)
			if err != nil || edgeOf(r) != sandbox.EdgeStatus {
				return resp, err
			}
			var body map[string]any
			must(t, json.NewDecoder(resp.Body).Decode(&body))
			resp.Body.Close()
			n++
			rewrite(n, body["status"].(map[string]any))
			text, err := json.Marshal(body)
			must(t, err)
			resp.Body, resp.ContentLength = io.NopCloser(strings.NewReader(string(text))), int64(len(text))
			resp.Header.Set("Content-Length", fmt.Sprint(len(text)))
			return resp, nil
		})
	}
	return w
}

// phase is a phase of a status.
func phase(status map[string]any, name string) map[string]any { return status[name].(map[string]any) }

// Values that are not known mean that Meta is at work.
func TestStatusUnknownValues(t *testing.T) {
	w := statusWorld(t, func(n int, status map[string]any) {
		if n < 6 {
			status["video_status"] = []string{"reticulating", "", "uploading", "PROCESSING", "warming_up"}[n-1]
			status["uploading_phase"] = map[string]any{"status": []string{"soon", "in_progress", "", "queued", "IN_PROGRESS"}[n-1]}
			status["processing_phase"] = map[string]any{"status": "who knows", "splines": 7}
		}
	})
	w.declare(w.local("story", "a.mp4"))
	if got := endOf(w.mustApply(), "story"); got != apply.EndPublished {
		t.Errorf("got %s, want published", got)
	}
	if got := len(w.asked(0, sandbox.EdgeStatus)); got < 6 {
		t.Errorf("the status was asked for %d times, want more than 5", got)
	}
	w.assertOnce()
}

// An error in a phase ends the try, whether it is an object or an array, and
// whatever the rest of the status says. Nothing is published, and the next run
// uploads anew.
func TestStatusPhaseError(t *testing.T) {
	reason := map[string]any{"code": 1363026, "message": "the video is too long"}
	for name, rewrite := range map[string]func(status map[string]any){
		"object":   func(s map[string]any) { phase(s, "processing_phase")["error"] = reason },
		"array":    func(s map[string]any) { phase(s, "processing_phase")["errors"] = []any{reason} },
		"bare":     func(s map[string]any) { phase(s, "uploading_phase")["error"] = "the video is too long" },
		"overall":  func(s map[string]any) { s["video_status"] = "upload_failed" },
		"in upper": func(s map[string]any) { phase(s, "uploading_phase")["status"] = "ERROR" },
	} {
		t.Run(name, func(t *testing.T) {
			broken := true
			w := statusWorld(t, func(_ int, status map[string]any) {
				if broken {
					rewrite(status)
				}
			})
			w.declare(w.local("story", "a.mp4"))
			result := w.mustApply()
			if got := endOf(result, "story"); got != apply.EndFailed {
				t.Errorf("got %s, want failed: %v", got, result.Outcomes)
			}
			w.assertCalls(0, 0, 1)
			if e := w.entry("story"); e.Status != story.Failed || e.Failure == nil || e.Failure.Message == "" {
				t.Errorf("it is remembered as %s", toJSON(e))
			}
			broken = false
			w.converge()
			w.assertOnce()
		})
	}
}

// A copyright check that failed by itself is no error of the video.
func TestStatusCopyrightAlone(t *testing.T) {
	w := statusWorld(t, func(_ int, status map[string]any) {
		status["copyright_check_status"] = map[string]any{"status": "error", "matches_found": false}
	})
	w.declare(w.local("story", "a.mp4"))
	if got := endOf(w.mustApply(), "story"); got != apply.EndPublished {
		t.Errorf("got %s, want published", got)
	}
	w.assertOnce()
}

// An upload that Meta never reports as complete ends at the deadline, with the
// last status, and is gone on with later.
func TestStatusDeadline(t *testing.T) {
	stuck := true
	w := statusWorld(t, func(_ int, status map[string]any) {
		if stuck {
			status["video_status"] = "processing"
			status["uploading_phase"] = map[string]any{"status": "in_progress", "bytes_transfered": 58261}
		}
	})
	w.declare(w.local("story", "a.mp4"), w.local("next", "b.jpg", after("story")), w.local("other", "c.jpg"))
	result := w.mustApply()
	if got := endOf(result, "story"); got != apply.EndFailed {
		t.Errorf("got %s, want failed", got)
	}
	if message := result.Outcomes[2].Message; !strings.Contains(message, "video_status processing, uploading in_progress") {
		t.Errorf("it says %q", message)
	}
	if endOf(result, "next") != apply.EndNotAttempted || endOf(result, "other") != apply.EndPublished {
		t.Errorf("got %v, want the next one held back and the other one out", endings(result))
	}
	if took := w.clock.Now().Sub(start); took < 9*time.Minute || took > 12*time.Minute {
		t.Errorf("it was waited for %s, want about 10 minutes", took)
	}
	stuck = false
	mark := w.mark()
	w.converge()
	if n := len(w.asked(mark, sandbox.EdgeStart)); n > 0 {
		t.Errorf("%d sessions were opened, although the upload was there", n)
	}
	w.assertOnce()
}

// A status that a Page's new video lacks for some seconds is asked for again.
func TestStatusLag(t *testing.T) {
	w := newWorld(t)
	w.set("status_lag=6s")
	w.declare(w.local("story", "a.mp4"), w.hosted("far"))
	if got := w.mustApply().Count(apply.EndPublished); got != 2 {
		t.Errorf("got %d published, want 2", got)
	}
	w.assertOnce()
}

// A video that Meta accepts, and then fails on, is not out: the run says so
// and a later one tries again.
func TestStatusProcessingFails(t *testing.T) {
	for _, switches := range []string{"fail_processing=too_long", "fail_processing=too_long processing_time=20s", "fail_processing=too_long as_documented=true"} {
		t.Run(switches, func(t *testing.T) {
			w := newWorld(t)
			w.set(switches)
			w.declare(w.local("story", "a.mp4"), w.local("next", "b.jpg", after("story")))
			result := w.mustApply()
			if endOf(result, "story") != apply.EndFailed || endOf(result, "next") != apply.EndNotAttempted {
				t.Errorf("got %v, want failed and not attempted", result.Outcomes)
			}
			w.set("fail_processing= as_documented=false")
			w.converge()
			w.assertOnce()
		})
	}
}

// A hosted file that Meta can't fetch is a failure that the status tells.
func TestStatusHostedFile(t *testing.T) {
	w := newWorld(t)
	d := w.hosted("story")
	gone := d
	gone.Source = "https://media.example.com/gone.mp4"
	w.declare(gone)
	result := w.mustApply()
	if got := endOf(result, "story"); got != apply.EndFailed || !strings.Contains(result.Outcomes[0].Message, "fetch") {
		t.Errorf("got %v, want failed because it could not be fetched", result.Outcomes)
	}
	w.declare(d)
	w.set("hosted_delay=90s")
	w.converge()
	w.assertOnce()
}
