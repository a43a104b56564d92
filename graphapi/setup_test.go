package graphapi

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"storyform/internal/clock"
)

// What the tests use as ids and secrets.
const (
	pageID    = "104857600000001"
	otherID   = "104857600000002"
	userID    = "204857600000009"
	basePath  = "/base/path" // so that a client that drops the path is noticed
	tokenText = "EAAtestPageTokenThatMustNeverShow"
	userText  = "EAAtestUserTokenThatMustNeverShow"
	appText   = "0123456789abcdefAppSecretNeverShow"
)

// start is the time on the tests' clock.
var start = time.Date(2026, 12, 20, 2, 0, 0, 0, time.UTC)

// api is a server for one test: handlers are registered by method and path
// below basePath and the version, and calls are counted by that pattern.
type api struct {
	*httptest.Server
	mux   *http.ServeMux
	clock *clock.Fake
	log   *bytes.Buffer

	mu    sync.Mutex
	calls map[string]int
}

// setup starts a server and returns it with a client and a Page that talk to
// it. Anything that is asked below no handler fails the test. At the end, the
// debug log is searched for secrets.
func setup(t *testing.T, with ...func(*Options)) (*Page, *api) {
	t.Helper()
	a := &api{mux: http.NewServeMux(), clock: clock.NewFake(start), log: new(bytes.Buffer), calls: map[string]int{}}
	a.mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		t.Errorf("unexpected call %s %s", r.Method, r.URL)
		w.WriteHeader(http.StatusTeapot)
	})
	a.Server = httptest.NewServer(a.mux)
	t.Cleanup(a.Close)
	o := Options{
		BaseURL: a.URL + basePath, Clock: a.clock.Clock(), Rand: func() float64 { return 0 },
		Log: slog.New(slog.NewTextHandler(&syncWriter{w: a.log}, &slog.HandlerOptions{Level: slog.LevelDebug})),
	}
	for _, f := range with {
		f(&o)
	}
	c, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { secretFree(t, "log", a.log.String()) })
	return c.Page(pageID, NewToken(tokenText)), a
}

// syncWriter serialises writes.
type syncWriter struct {
	mu sync.Mutex
	w  io.Writer
}

func (s *syncWriter) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.w.Write(p)
}

// handle registers a handler for a method and a path below the version.
func (a *api) handle(method, path string, h http.HandlerFunc) {
	pattern := method + " " + path
	a.mux.HandleFunc(method+" "+basePath+"/"+DefaultVersion+path, func(w http.ResponseWriter, r *http.Request) {
		a.count(pattern)
		h(w, r)
	})
}

// upload registers the handler of the upload host.
func (a *api) upload(h http.HandlerFunc) VideoSession {
	a.mux.HandleFunc("POST /video-upload/", func(w http.ResponseWriter, r *http.Request) {
		a.count("upload")
		h(w, r)
	})
	return VideoSession{VideoID: "501", UploadURL: a.URL + "/video-upload/v25.0/501?key=uploadCapability"}
}

// replies registers answers that are given one after another; the last one
// is repeated.
func (a *api) replies(method, path string, answers ...reply) {
	var n int
	a.handle(method, path, func(w http.ResponseWriter, r *http.Request) {
		answer := answers[min(n, len(answers)-1)]
		n++
		answer.write(w)
	})
}

// reply is an answer of the server.
type reply struct {
	status int // 0 means 200
	body   string
	header map[string]string
}

func (r reply) write(w http.ResponseWriter) {
	for name, value := range r.header {
		w.Header().Set(name, value)
	}
	if r.status != 0 {
		w.WriteHeader(r.status)
	}
	io.WriteString(w, r.body)
}

// count counts a call.
func (a *api) count(pattern string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.calls[pattern]++
}

// called returns how often a handler was called.
func (a *api) called(pattern string) int {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.calls[pattern]
}

// slept returns how far the clock was moved.
func (a *api) slept() time.Duration { return a.clock.Now().Sub(start) }

// secretFree fails the test when text holds a secret.
func secretFree(t *testing.T, where, text string) {
	t.Helper()
	for _, secret := range []string{tokenText, userText, appText, "uploadCapability", "appsecret_proof"} {
		if strings.Contains(text, secret) {
			t.Errorf("%s shows the secret %q: %s", where, secret, text)
		}
	}
}

// checkSecret fails the test when err shows a secret in any way it can be
// printed.
func checkSecret(t *testing.T, err error) {
	t.Helper()
	for e := err; e != nil; {
		text := fmt.Sprintf("%v\n%+v\n%#v\n%q\n%s", e, e, e, e, e)
		if doc, jsonErr := json.Marshal(e); jsonErr == nil {
			text += string(doc)
		}
		secretFree(t, "error", text)
		u, ok := e.(interface{ Unwrap() error })
		if !ok {
			return
		}
		e = u.Unwrap()
	}
}

// refusal is a Graph error answer.
func refusal(code, subcode int, message string) reply {
	doc, _ := json.Marshal(map[string]any{"error": map[string]any{
		"message": message, "type": "OAuthException", "code": code, "error_subcode": subcode, "fbtrace_id": "AbCdEf",
	}})
	return reply{status: 400, body: string(doc)}
}

// publishers are the calls with a public effect, with a handler path each.
var publishers = []struct {
	name, path string
	call       func(context.Context, *Page) (string, error)
}{
	{"photo", "/" + pageID + "/photo_stories", func(ctx context.Context, p *Page) (string, error) { return p.PublishPhoto(ctx, "301") }},
	{"video", "/" + pageID + "/video_stories", func(ctx context.Context, p *Page) (string, error) { return p.FinishVideo(ctx, "501") }},
}
