package graphapi

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"
)

// okStory is a good answer to a publish call.
var okStory = reply{body: `{"success":true,"post_id":"1454521203100646"}`}

// hostile are answers from which nothing may be concluded.
var hostile = map[string]reply{
	"empty":               {},
	"no JSON":             {body: "<html>Sign in to the hotel network</html>"},
	"proxy page":          {status: 502, body: "<html>Bad Gateway</html>"},
	"plain 404":           {status: 404, body: "not found"},
	"cut":                 {body: `{"success":true,"post_id":"14545`},
	"null":                {body: `null`},
	"a list":              {body: `[{"success":true,"post_id":"1"}]`},
	"a text":              {body: `"success"`},
	"nothing in it":       {body: `{}`},
	"no success":          {body: `{"success":false}`},
	"success as text":     {body: `{"success":"no","post_id":"1"}`},
	"no post_id":          {body: `{"success":true}`},
	"post_id null":        {body: `{"success":true,"post_id":null}`},
	"post_id is a list":   {body: `{"success":true,"post_id":[1]}`},
	"post_id fraction":    {body: `{"success":true,"post_id":1.5}`},
	"post_id exponent":    {body: `{"success":true,"post_id":1e30}`},
	"post_id is a path":   {body: `{"success":true,"post_id":"../me"}`},
	"id without success":  {body: `{"post_id":"1454521203100646"}`},
	"error beside it":     {body: `{"success":true,"post_id":"1","error":{"message":"odd"}}`},
	"error is a text":     {body: `{"error":"something"}`},
	"error is true":       {body: `{"error":true}`},
	"error without code":  {status: 400, body: `{"error":{}}`},
	"odd code":            {status: 400, body: `{"error":{"code":{"a":1},"message":["x"]}}`},
	"negative code":       {status: 400, body: `{"error":{"code":-190}}`},
	"huge code":           {status: 400, body: `{"error":{"code":1e300}}`},
	"unknown code":        {status: 400, body: `{"error":{"code":98765,"message":"?"}}`},
	"code 1":              {status: 503, body: `{"error":{"code":1,"message":"An unknown error occurred","is_transient":true}}`},
	"code 2 in a 200":     {body: `{"error":{"code":2,"message":"Service temporarily unavailable"}}`},
	"throttled":           {status: 400, body: `{"error":{"code":4,"message":"Application request limit reached"}}`},
	"page throttled":      {status: 400, body: `{"error":{"code":80001,"message":"There have been too many calls"}}`},
	"already posted":      {status: 400, body: `{"error":{"code":100,"error_subcode":1366051}}`},
	"refusal in a 500":    {status: 500, body: `{"error":{"code":190}}`},
	"transient refusal":   {status: 400, body: `{"error":{"code":100,"is_transient":true}}`},
	"upload host's error": {status: 400, body: `{"debug_info":{"type":"SomethingNew","retriable":true}}`},
	"too long":            {body: `{"success":true,"post_id":"1","x":"` + strings.Repeat("a", maxReply) + `"}`},
	"too long, blank":     {body: okStory.body + strings.Repeat(" ", maxReply)},
	"redirect":            {status: 307, header: map[string]string{"Location": "/elsewhere"}},
	"deep":                {body: strings.Repeat(`[`, 50000)},
	"not modified":        {status: 304},
}

// TestPublishIsNeverRepeated lets the server answer in every bad way: the
// call is made once, its outcome is Unclear, and no time goes by.
func TestPublishIsNeverRepeated(t *testing.T) {
	for _, pub := range publishers {
		for name, answer := range hostile {
			t.Run(pub.name+"/"+name, func(t *testing.T) {
				p, a := setup(t)
				a.replies("POST", pub.path, answer, okStory)
				id, err := pub.call(t.Context(), p)
				if id != "" || OutcomeOf(err) != Unclear {
					t.Errorf("got %q, %v (%s), want an unclear outcome", id, err, OutcomeOf(err))
				}
				if _, ok := errors.AsType[*Error](err); !ok {
					t.Errorf("got %T, want *Error", err)
				}
				if got := a.called("POST " + pub.path); got != 1 || a.slept() != 0 {
					t.Errorf("the call was made %d times, after %s, want once and at once", got, a.slept())
				}
				checkSecret(t, err)
			})
		}
	}
}

// TestPublishRefused checks refusals that are known to come before any effect.
func TestPublishRefused(t *testing.T) {
	for _, pub := range publishers {
		for _, code := range []int{10, 100, 190, 200, 324, 368, 6000} {
			p, a := setup(t)
			a.replies("POST", pub.path, refusal(code, 0, "No."), okStory)
			_, err := pub.call(t.Context(), p)
			if OutcomeOf(err) != NotDone || Unsent(err) {
				t.Errorf("%s, code %d: got %v (%s), want a definite refusal", pub.name, code, err, OutcomeOf(err))
			}
			if got := a.called("POST " + pub.path); got != 1 {
				t.Errorf("%s, code %d: the call was made %d times, want once", pub.name, code, got)
			}
		}
	}
}

// TestPublishCut drops the connection at each moment of a publish call's
// answer. From the moment there is a connection, nothing proves that the call
// had no effect.
func TestPublishCut(t *testing.T) {
	const whole = "HTTP/1.1 200 OK\r\nContent-Length: 45\r\n\r\n" + `{"success":true,"post_id":"1454521203100646"}`
	answers := []string{
		// Good JSON, but less of it than was announced.
		"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n" + okStory.body,
		"HTTP/1.1 400 Bad Request\r\nContent-Length: 99\r\n\r\n" + `{"error":{"code":190}}`,
	}
	for cut := 0; cut < len(whole); cut += 7 {
		answers = append(answers, whole[:cut])
	}
	for _, pub := range publishers {
		for _, answer := range answers {
			p, a := setup(t)
			a.handle("POST", pub.path, func(w http.ResponseWriter, r *http.Request) {
				conn, _, err := http.NewResponseController(w).Hijack()
				if err != nil {
					t.Error(err)
					return
				}
				io.WriteString(conn, answer)
				conn.Close()
			})
			_, err := pub.call(t.Context(), p)
			if OutcomeOf(err) != Unclear || a.called("POST "+pub.path) != 1 {
				t.Errorf("%s, answer %q: got %v (%s), want unclear", pub.name, answer, err, OutcomeOf(err))
			}
			checkSecret(t, err)
		}
	}
}

// TestReusedConnectionDies keeps a connection alive, lets the server close it
// when the next request comes, and checks that a read survives this and a
// publish call doesn't notice.
func TestReusedConnectionDies(t *testing.T) {
	p, a := setup(t)
	var reads int
	a.handle("GET", "/501", func(w http.ResponseWriter, r *http.Request) {
		if reads++; reads == 2 {
			conn, _, _ := http.NewResponseController(w).Hijack()
			conn.Close()
			return
		}
		io.WriteString(w, `{"status":{"video_status":"processing"}}`)
	})
	a.replies("POST", "/"+pageID+"/video_stories", okStory)
	for range 2 {
		if _, err := p.VideoStatus(t.Context(), "501"); err != nil {
			t.Error(err)
		}
	}
	if _, err := p.FinishVideo(t.Context(), "501"); err != nil {
		t.Error(err)
	}
}

// TestContextWins checks that a context that ended explains the error, and
// that a call is not begun with it.
func TestContextWins(t *testing.T) {
	p, a := setup(t)
	why := errors.New("the user pressed ^C")
	ctx, cancel := context.WithCancelCause(t.Context())
	a.handle("POST", "/"+pageID+"/photo_stories", func(w http.ResponseWriter, r *http.Request) {
		io.Copy(io.Discard, r.Body) // a server notices that the client left only when it has read all
		cancel(why)
		<-r.Context().Done()
	})
	_, err := p.PublishPhoto(ctx, "301")
	if !errors.Is(err, why) || OutcomeOf(err) != Unclear || Retriable(err) {
		t.Errorf("got %v (%s), want the cause of the context and an unclear outcome", err, OutcomeOf(err))
	}
	_, err = p.PublishPhoto(ctx, "301")
	if !errors.Is(err, why) || OutcomeOf(err) != NotDone || a.called("POST /"+pageID+"/photo_stories") != 1 {
		t.Errorf("got %v (%s), want that nothing was sent", err, OutcomeOf(err))
	}
	if _, err = p.Stories(ctx, ListOptions{}); !errors.Is(err, why) {
		t.Errorf("got %v, want the cause of the context", err)
	}
}

// TestReadsAreRetried checks when and how long reads wait.
func TestReadsAreRetried(t *testing.T) {
	good := reply{body: `{"status":{"video_status":"processing"}}`}
	for _, test := range []struct {
		name  string
		bad   []reply
		calls int
		slept time.Duration // with the smallest jitter
		ok    bool
	}{
		{"at once", nil, 1, 0, true},
		{"after a 500", []reply{{status: 500}}, 2, 500 * time.Millisecond, true},
		{"after an odd page", []reply{{body: "<html>"}}, 2, 500 * time.Millisecond, true},
		{"after code 2", []reply{refusal(2, 0, "x"), refusal(1, 0, "x")}, 3, 1500 * time.Millisecond, true},
		{"after Retry-After", []reply{{status: 503, header: map[string]string{"Retry-After": "20"}}}, 2, 20 * time.Second, true},
		{"after a date", []reply{{status: 503, header: map[string]string{"Retry-After": start.Add(9 * time.Second).Format(http.TimeFormat)}}}, 2, 9 * time.Second, true},
		{"after a throttle", []reply{refusal(32, 0, "x")}, 2, 7500 * time.Millisecond, true},
		{"not after a long wish", []reply{{status: 503, header: map[string]string{"Retry-After": "61"}}}, 1, 0, false},
		{"not after an hour's block", []reply{{
			status: 400, body: `{"error":{"code":80001}}`,
			header: map[string]string{"X-Business-Use-Case-Usage": `{"1":[{"type":"pages","call_count":100,"estimated_time_to_regain_access":60}]}`},
		}}, 1, 0, false},
		{"not after a bad token", []reply{refusal(190, 0, "x")}, 1, 0, false},
		{"not after an unknown code", []reply{refusal(4711, 0, "x")}, 1, 0, false},
		{"not after a redirect", []reply{{status: 302, header: map[string]string{"Location": "https://evil.example"}}}, 1, 0, false},
		{"not for ever", []reply{{status: 500}, {status: 500}, {status: 500}, {status: 500}, {status: 500}}, 5, 7500 * time.Millisecond, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			p, a := setup(t)
			a.replies("GET", "/501", append(test.bad, good)...)
			_, err := p.VideoStatus(t.Context(), "501")
			if (err == nil) != test.ok {
				t.Errorf("got %v, want ok %v", err, test.ok)
			}
			if got := a.called("GET /501"); got != test.calls || a.slept() != test.slept {
				t.Errorf("got %d calls and %s of waiting, want %d and %s", got, a.slept(), test.calls, test.slept)
			}
		})
	}
}

// TestRedirectIsRefused checks that no token follows a redirect, on any host.
func TestRedirectIsRefused(t *testing.T) {
	elsewhere := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		t.Errorf("the client followed a redirect, with %q", r.Header.Get("Authorization"))
	}))
	defer elsewhere.Close()
	for _, status := range []int{301, 302, 303, 307, 308} {
		p, a := setup(t)
		answer := reply{status: status, header: map[string]string{"Location": elsewhere.URL + "/?access_token=" + tokenText}}
		s := a.upload(func(w http.ResponseWriter, r *http.Request) { answer.write(w) })
		a.replies("GET", "/501", answer)
		a.replies("POST", "/"+pageID+"/photo_stories", answer)
		_, readErr := p.VideoStatus(t.Context(), "501")
		_, publishErr := p.PublishPhoto(t.Context(), "301")
		uploadErr := p.UploadVideo(t.Context(), s, bytes.NewReader([]byte("x")), 1, 0, nil)
		for _, err := range []error{readErr, publishErr, uploadErr} {
			if !errors.Is(err, ErrRedirect) {
				t.Errorf("%d: got %v, want ErrRedirect", status, err)
			}
			checkSecret(t, err)
		}
	}
}

// TestRequests checks what goes over the wire: the token in a header and
// nowhere else, forms, the proof of the app secret.
func TestRequests(t *testing.T) {
	p, a := setup(t, func(o *Options) { o.AppSecret = NewToken(appText); o.UserAgent = "storyform/1.2.3" })
	want := proof(NewToken(appText), NewToken(tokenText))
	check := func(w http.ResponseWriter, r *http.Request, params url.Values) {
		if got := r.Header.Get("Authorization"); got != "Bearer "+tokenText {
			t.Errorf("Authorization is %q", got)
		}
		if strings.Contains(r.URL.String(), tokenText) || strings.Contains(params.Encode(), tokenText) {
			t.Errorf("the token is in %s or in %s", r.URL, params)
		}
		if got := params.Get("appsecret_proof"); got != want {
			t.Errorf("%s: appsecret_proof is %q, want %q", r.URL.Path, got, want)
		}
		if got := r.UserAgent(); got != "storyform/1.2.3" {
			t.Errorf("User-Agent is %q", got)
		}
	}
	a.handle("GET", "/501", func(w http.ResponseWriter, r *http.Request) {
		check(w, r, r.URL.Query())
		if got := r.URL.Query().Get("fields"); got != "status" {
			t.Errorf("fields is %q", got)
		}
		io.WriteString(w, `{"status":{}}`)
	})
	a.handle("POST", "/"+pageID+"/video_stories", func(w http.ResponseWriter, r *http.Request) {
		if err := r.ParseForm(); err != nil || r.URL.RawQuery != "" || r.ContentLength <= 0 {
			t.Errorf("got a form %v, query %q, length %d", err, r.URL.RawQuery, r.ContentLength)
		}
		check(w, r, r.PostForm)
		if got := r.PostForm.Get("upload_phase") + r.PostForm.Get("video_id"); got != "finish501" {
			t.Errorf("the form is %v", r.PostForm)
		}
		okStory.write(w)
	})
	if _, err := p.VideoStatus(t.Context(), "501"); err != nil {
		t.Error(err)
	}
	if id, err := p.FinishVideo(t.Context(), "501"); err != nil || id != "1454521203100646" {
		t.Errorf("got %q, %v", id, err)
	}
	if !strings.Contains(a.log.String(), "video_stories finish") {
		t.Errorf("the log lacks the call: %s", a.log)
	}
}

// TestBadInputIsNotSent checks that ids can't lead a request astray.
func TestBadInputIsNotSent(t *testing.T) {
	p, a := setup(t)
	for _, id := range []string{"", "../me", "1/photos", "1?x", "me", "1_", "_1", "1_2_3", "1\n", strings.Repeat("1", 65)} {
		_, finish := p.FinishVideo(t.Context(), id)
		_, publish := p.PublishPhoto(t.Context(), id)
		_, status := p.VideoStatus(t.Context(), id)
		_, story := p.Story(t.Context(), id)
		_, otherPage := p.client.Page(id, NewToken(tokenText)).StartVideo(t.Context())
		for _, err := range []error{finish, publish, status, story, otherPage} {
			if !errors.Is(err, ErrInput) && id != "1_2" || OutcomeOf(err) != NotDone {
				t.Errorf("%q: got %v, want ErrInput", id, err)
			}
		}
	}
	for _, token := range []string{"", "a b", "a\r\nX-Evil: 1"} {
		_, err := p.client.Page(pageID, NewToken(token)).PublishPhoto(t.Context(), "301")
		if OutcomeOf(err) != NotDone || !errors.Is(err, errTokenText) {
			t.Errorf("token %q: got %v, want that it is refused", token, err)
		}
	}
	if len(a.calls) != 0 {
		t.Errorf("calls were made: %v", a.calls)
	}
}

// TestServerTextIsTamed lets the server say what it should not: secrets,
// control characters, long texts.
func TestServerTextIsTamed(t *testing.T) {
	p, a := setup(t, func(o *Options) { o.AppSecret = NewToken(appText) })
	nasty := "\x1b[2J" + tokenText + "\r\n\u202e" + appText + strings.Repeat("long ", 500)
	doc := fmt.Sprintf(`{"error":{"message":%q,"type":%q,"code":190,"error_user_title":%q,"error_user_msg":%q,"fbtrace_id":%q}}`,
		nasty, nasty, nasty, nasty, nasty)
	doc = strings.ReplaceAll(doc, `\x1b`, `\u001b`)
	a.replies("POST", "/"+pageID+"/photo_stories", reply{status: 400, body: doc, header: map[string]string{"X-App-Usage": `{"x":"` + tokenText + `"}`}})
	_, err := p.PublishPhoto(t.Context(), "301")
	checkSecret(t, err)
	text := fmt.Sprintf("%v %#v", err, err)
	if strings.ContainsAny(text, "\x1b\r\n\u202e") || strings.Contains(text, `\x1b`) || len(text) > 8000 || !strings.Contains(text, "190") {
		t.Errorf("the server's text is not tamed: %q", text)
	}
}
