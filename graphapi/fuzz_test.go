package graphapi

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"
)

// checkText fails the test when a text of the server is not fit for one line
// of a terminal.
func checkText(t *testing.T, texts ...string) {
	t.Helper()
	for _, s := range texts {
		if !utf8.ValidString(s) || len(s) > maxText+len("…") || strings.ContainsFunc(s, func(r rune) bool { return !unicode.IsPrint(r) }) {
			t.Errorf("the text %q is not tame", s)
		}
	}
}

// FuzzError decodes bodies as errors: nothing may crash, and what is not a
// known refusal must not be taken for one.
func FuzzError(f *testing.F) {
	for _, answer := range hostile {
		if len(answer.body) < 1000 {
			f.Add([]byte(answer.body), answer.status)
		}
	}
	f.Add([]byte(refusal(190, 463, "Session has expired").body), 400)
	f.Add([]byte(`{"debug_info":{"type":"OffsetInvalidError","retriable":true,"message":"m"},"backoff":1e99}`), 412)
	f.Fuzz(func(t *testing.T, body []byte, status int) {
		e := decodeError(body)
		if e == nil {
			return
		}
		e.Op, e.Status = "photo_stories", status
		e.scrub(tokenText)
		checkText(t, e.Message, e.Type, e.UserMsg, e.UserTitle, e.TraceID)
		if e.Wait < 0 || e.Wait > maxTold || e.Code < 0 || e.Subcode < 0 {
			t.Errorf("got %+v", e)
		}
		if strings.ContainsAny(e.Error(), "\n\r\x1b") {
			t.Errorf("the error has more than one line: %q", e.Error())
		}
		row, known := entryOf(e.Code, e.Subcode, e.Type)
		if OutcomeOf(e) == NotDone && (!known || status >= 500 || !classes[row.Class].refusal) {
			t.Errorf("%+v is taken for a refusal", e)
		}
	})
}

// FuzzPublished decodes bodies as answers to a publish call: only
// success:true with an id of digits says that the story is out.
func FuzzPublished(f *testing.F) {
	f.Add([]byte(okStory.body))
	f.Add([]byte(`{"success":true,"post_id":1234}`))
	for _, answer := range hostile {
		if len(answer.body) < 1000 {
			f.Add([]byte(answer.body))
		}
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		id, err := decodePublished(body)
		if err == nil && (!isObjectID(id) || !json.Valid(body) || !strings.Contains(strings.ToLower(string(body)), "true")) {
			t.Errorf("%q is taken for a success with id %q", body, id)
		}
		if err != nil && id != "" {
			t.Errorf("%q: got the id %q with %v", body, id, err)
		}
	})
}

// FuzzStatus decodes bodies as the status of a video.
func FuzzStatus(f *testing.F) {
	f.Add([]byte(`{"status":{"video_status":"processing","uploading_phase":{"status":"in_progress","bytes_transfered":50002},"publishing_phase":{"publish_status":"published","publish_time":234523452}}}`))
	f.Add([]byte(`{"status":{"processing_phase":{"errors":[{"code":1,"message":"m"}],"error":"x"}}}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		v, err := decodeStatus(body)
		if err != nil {
			return
		}
		if v.Offset() < 0 || v.Progress < 0 || v.Progress > 100 {
			t.Errorf("got %+v", v)
		}
		checkText(t, v.Overall, v.PublishStatus())
		if err := v.Err(); err != nil && strings.ContainsAny(err.Error(), "\n\x1b") {
			t.Errorf("the error has more than one line: %q", err)
		}
		_, _, _ = v.String(), v.UploadComplete(), v.Busy()
	})
}

// FuzzStories decodes bodies as a list of stories.
func FuzzStories(f *testing.F) {
	f.Add([]byte(`{"data":[{"post_id":"1","status":"published","creation_time":"1785584684","media_type":"photo","media_id":9007199254740993,"url":"https://facebook.com/stories/1/2/?view_single=1"}],"paging":{"cursors":{"after":"a"},"next":"https://x/?after=b&access_token=c"}}`))
	f.Add([]byte(`{"data":[],"paging":{"next":"https://x/?until=5&__paging_token=6"}}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		page, err := decodeList(body)
		if err != nil {
			return
		}
		for name := range page.next(nil) {
			if !strings.Contains(strings.Join(leading, " "), name) {
				t.Errorf("the list leads on with %q", name)
			}
		}
		for _, raw := range page.data {
			s, err := decodeStory(raw)
			if err != nil {
				continue
			}
			if s.PostID == "" && s.MediaID == "" {
				t.Errorf("a story without ids: %s", raw)
			}
			checkText(t, s.PostID, s.MediaID, s.MediaType, s.Status)
		}
	})
}

// FuzzUsage reads usage headers.
func FuzzUsage(f *testing.F) {
	f.Add(`{"call_count":28,"total_time":25,"total_cputime":25}`, `{"1":[{"type":"pages","call_count":10,"estimated_time_to_regain_access":5}]}`, "120")
	f.Fuzz(func(t *testing.T, app, business, after string) {
		h := http.Header{"X-App-Usage": {app}, "X-Business-Use-Case-Usage": {business}, "Retry-After": {after}}
		a, b := usageOf(h, start)
		for _, u := range []Usage{a, b} {
			if d := pauseAt(u.Percent); u.Regain < 0 || u.Regain > maxTold || d < 0 || d > lastStep {
				t.Errorf("got %+v with a pause of %s", u, d)
			}
		}
		if d := retryAfter(h, start); d < 0 || d > maxTold {
			t.Errorf("Retry-After %q: %s", after, d)
		}
	})
}
