package graphapi

import (
	"errors"
	"testing"
	"time"
)

func TestVideoStatus(t *testing.T) {
	type want struct {
		complete, expired, busy bool
		offset                  int64
		publish, phase, text    string // publish status; phase and text of the error, "" for none
	}
	for _, test := range []struct {
		name, body string
		want       want
	}{
		{"the guide's example of an upload", `{"status":{"video_status":"processing","uploading_phase":{"status":"in_progress","bytes_transfered":50002},
			"processing_phase":{"status":"not_started"},"publishing_phase":{"status":"not_started","publish_status":"published","publish_time":234523452}}}`,
			want{offset: 50002, publish: "published"}},
		{"the guide's example of an error", `{"status":{"video_status":"processing","uploading_phase":{"status":"complete"},
			"processing_phase":{"status":"not_started","error":{"message":"Resolution too low. Video must have a minimum resolution of 540p."}},"publishing_phase":{"status":"not_started"}}}`,
			want{complete: true, phase: "processing", text: "Resolution too low. Video must have a minimum resolution of 540p."}},
		{"a live answer with a failed copyright check", `{"status":{"video_status":"processing","processing_progress":0,"uploading_phase":{"status":"complete","bytes_transferred":1234567},
			"processing_phase":{"status":"in_progress"},"publishing_phase":{"status":"not_started","publish_status":"not_published"},"copyright_check_status":{"status":"error","matches_found":false}}}`,
			want{complete: true, busy: true, offset: 1234567, publish: "not_published"}},
		{"an array of errors", `{"status":{"processing_phase":{"status":"error","errors":[{"code":1363024,"message":"Bad format"},{"code":1,"message":"x"}]}}}`,
			want{phase: "processing", text: "Bad format"}},
		{"an error as text", `{"status":{"publishing_phase":{"errors":"It failed"}}}`, want{phase: "publishing", text: "It failed"}},
		{"an error without anything", `{"status":{"uploading_phase":{"error":{}}}}`, want{phase: "uploading"}},
		{"only an error status", `{"status":{"publishing_phase":{"status":"ERROR"}}}`, want{phase: "publishing"}},
		{"no errors", `{"status":{"uploading_phase":{"status":"completed","error":null,"errors":[]}}}`, want{complete: true}},
		{"upload_complete", `{"status":{"video_status":"upload_complete"}}`, want{complete: true}},
		{"ready, in capitals", `{"status":{"video_status":"READY"}}`, want{complete: true}},
		{"still uploading", `{"status":{"video_status":"uploading","uploading_phase":{"status":"in_progress","bytes_transferred":"77"}}}`, want{offset: 77}},
		{"unknown values", `{"status":{"video_status":"pondering","uploading_phase":{"status":"dreaming"}}}`, want{}},
		{"expired", `{"status":{"video_status":"expired"}}`, want{expired: true}},
		{"error", `{"status":{"video_status":"error"}}`, want{text: "video_status is error"}},
		{"upload_failed", `{"status":{"video_status":"upload_failed"}}`, want{text: "video_status is upload_failed"}},
		{"publishing", `{"status":{"publishing_phase":{"status":"in_progress"}}}`, want{busy: true}},
		{"both spellings", `{"status":{"uploading_phase":{"bytes_transfered":5,"bytes_transferred":7}}}`, want{offset: 7}},
		{"a negative offset", `{"status":{"uploading_phase":{"bytes_transferred":-5}}}`, want{}},
		{"odd types", `{"status":{"video_status":7,"uploading_phase":"complete","processing_phase":[],"publishing_phase":null}}`, want{complete: true}},
		{"empty", `{"status":{}}`, want{}},
	} {
		t.Run(test.name, func(t *testing.T) {
			p, a := setup(t)
			a.replies("GET", "/501", reply{body: test.body})
			v, err := p.VideoStatus(t.Context(), "501")
			if err != nil {
				t.Fatal(err)
			}
			got := want{complete: v.UploadComplete(), expired: v.Expired(), busy: v.Busy(), offset: v.Offset(), publish: v.PublishStatus()}
			failure, failed := errors.AsType[*VideoError](v.Err())
			if failed {
				got.phase, got.text = failure.Phase, failure.Message
				if Hint(failure) == "" || failure.VideoID != "501" || OutcomeOf(failure) == Done {
					t.Errorf("got %+v, hint %q", failure, Hint(failure))
				}
			}
			if got != test.want || failed != (test.want.phase+test.want.text != "") {
				t.Errorf("got %+v (error %v), want %+v", got, v.Err(), test.want)
			}
		})
	}
}

// TestVideoStatusUnreadable checks answers that are no status: they must not
// look like an upload that just began.
func TestVideoStatusUnreadable(t *testing.T) {
	for _, body := range []string{``, `{}`, `[]`, `{"status":null}`, `{"status":"ready"}`, `{"status":[1]}`, `{"id":"501"}`, `{"status":{"video_status":"ready"}`} {
		p, a := setup(t)
		a.replies("GET", "/501", reply{body: body})
		if v, err := p.VideoStatus(t.Context(), "501"); !errors.Is(err, ErrUnreadable) {
			t.Errorf("%s: got %v, %v, want ErrUnreadable", body, v, err)
		}
	}
}

// TestNewVideoMayBeMissing checks that a video that was just created is asked
// for again, and that another one that is missing is not.
func TestNewVideoMayBeMissing(t *testing.T) {
	missing := refusal(100, 33, "Unsupported get request. Object with ID '501' does not exist")
	for missed, ok := range []bool{true, true, true, true, true, false} {
		p, a := setup(t)
		a.replies("POST", "/"+pageID+"/video_stories", reply{body: `{"video_id":"501","upload_url":"` + a.URL + `/u"}`})
		answers := append(make([]reply, 0, missed+1), reply{body: `{"status":{}}`})
		for range missed {
			answers = append([]reply{missing}, answers...)
		}
		a.replies("GET", "/501", answers...)
		if _, err := p.StartVideo(t.Context()); err != nil {
			t.Fatal(err)
		}
		_, err := p.VideoStatus(t.Context(), "501")
		if (err == nil) != ok || NotFound(err) == ok {
			t.Errorf("missing %d times: got %v", missed, err)
		}
		if want := time.Duration(1<<min(missed, 4)-1) * time.Second; a.slept() != want {
			t.Errorf("missing %d times: waited %s, want %s", missed, a.slept(), want)
		}
	}
}

// TestOldVideoIsMissing checks that a video that is missing for another
// reason is asked for once.
func TestOldVideoIsMissing(t *testing.T) {
	p, a := setup(t)
	a.replies("POST", "/"+pageID+"/video_stories", reply{body: `{"video_id":"501","upload_url":"` + a.URL + `/u"}`})
	for _, path := range []string{"/501", "/502"} {
		a.replies("GET", path, refusal(100, 33, "Unsupported get request"))
	}
	if _, err := p.StartVideo(t.Context()); err != nil {
		t.Fatal(err)
	}
	a.clock.Advance(freshFor)
	for _, id := range []string{"501", "502"} { // one of this run a minute ago, one of another run
		if _, err := p.VideoStatus(t.Context(), id); !NotFound(err) || a.called("GET /"+id) != 1 {
			t.Errorf("%s: got %v after %d calls, want that it is missing after one", id, err, a.called("GET /"+id))
		}
	}
}

func TestVideoErrorOutcome(t *testing.T) {
	for phase, want := range map[string]Outcome{phaseUploading: NotDone, phaseProcessing: NotDone, "": NotDone, phasePublishing: Unclear} {
		if got := OutcomeOf(&VideoError{Phase: phase}); got != want {
			t.Errorf("in %q: got %s, want %s", phase, got, want)
		}
	}
	if got, want := Reason(&VideoError{VideoID: "501", Phase: "processing", Code: 352, Message: "No."}), "video 501: Meta reports an error in processing (#352): No."; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}
