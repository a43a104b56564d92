package sandbox

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

// The Page and token of most tests, and when they begin.
const (
	pageID = "104857600000001"
	token  = "sandbox-page-" + pageID
)

var start = time.Date(2026, 12, 20, 2, 0, 0, 0, time.UTC)

// jpeg is enough of a photo for the simulator, which looks at the first bytes.
var jpeg = slices.Clip(append([]byte("\xff\xd8\xff\xe0\x00\x10JFIF\x00"), bytes.Repeat([]byte{7}, 5000)...))

// client speaks to a simulator as plainly as HTTP allows.
type client struct {
	t     *testing.T
	sim   *Server
	url   string
	http  *http.Client
	token string

	mu  sync.Mutex
	now time.Time
}

// newClient starts a simulator whose clock stands still.
func newClient(t *testing.T, o Options) *client {
	t.Helper()
	c := &client{t: t, token: token, now: start}
	if o.Now == nil {
		o.Now = func() time.Time { c.mu.Lock(); defer c.mu.Unlock(); return c.now }
	}
	o.AutoPages = true
	c.sim = New(o)
	server := httptest.NewServer(c.sim)
	t.Cleanup(server.Close)
	c.url, c.http = server.URL, &http.Client{Transport: &http.Transport{DisableKeepAlives: true}, Timeout: 10 * time.Second}
	return c
}

// answer is what came back.
type answer struct {
	status int
	header http.Header
	body   string
	err    error // of the transport, or of reading the body
}

// do sends a request.
func (c *client) do(req *http.Request) answer {
	c.t.Helper()
	resp, err := c.http.Do(req)
	if err != nil {
		return answer{err: err}
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	return answer{resp.StatusCode, resp.Header, string(body), err}
}

// request makes a request below the version with the client's token.
func (c *client) request(method, path string, body io.Reader) *http.Request {
	c.t.Helper()
	req, err := http.NewRequestWithContext(c.t.Context(), method, c.url+path, body)
	if err != nil {
		c.t.Fatal(err)
	}
	if c.token != "" {
		req.Header.Set("Authorization", "Bearer "+c.token)
	}
	return req
}

// get reads a path; params are pairs.
func (c *client) get(path string, params ...string) answer {
	c.t.Helper()
	if len(params) > 0 {
		path += "?" + pairs(params).Encode()
	}
	return c.do(c.request("GET", "/v25.0"+path, nil))
}

// post sends a form; params are pairs.
func (c *client) post(path string, params ...string) answer {
	c.t.Helper()
	req := c.request("POST", "/v25.0"+path, strings.NewReader(pairs(params).Encode()))
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	return c.do(req)
}

// pairs turns name, value, name, value into a form.
func pairs(params []string) url.Values {
	form := url.Values{}
	for i := 0; i+1 < len(params); i += 2 {
		form.Add(params[i], params[i+1])
	}
	return form
}

// photo uploads a photo as multipart.
func (c *client) photo(content []byte, params ...string) answer {
	c.t.Helper()
	var buf bytes.Buffer
	form := multipart.NewWriter(&buf)
	for i := 0; i+1 < len(params); i += 2 {
		form.WriteField(params[i], params[i+1])
	}
	if content != nil {
		part, _ := form.CreateFormFile("source", "teaser.jpg")
		part.Write(content)
	}
	form.Close()
	req := c.request("POST", "/v25.0/"+pageID+"/photos", &buf)
	req.Header.Set("Content-Type", form.FormDataContentType())
	return c.do(req)
}

// upload sends bytes to an upload URL from an offset.
func (c *client) upload(address string, content []byte, offset, size int) answer {
	c.t.Helper()
	req, err := http.NewRequestWithContext(c.t.Context(), "POST", address, bytes.NewReader(content))
	if err != nil {
		c.t.Fatal(err)
	}
	req.Header.Set("Authorization", "OAuth "+c.token)
	req.Header.Set("offset", strconv.Itoa(offset))
	req.Header.Set("file_size", strconv.Itoa(size))
	return c.do(req)
}

// start opens a video session.
func (c *client) start() (videoID, uploadURL string) {
	c.t.Helper()
	a := c.post("/"+pageID+"/video_stories", "upload_phase", "start")
	return c.text(a, "video_id"), c.text(a, "upload_url")
}

// finish publishes a video.
func (c *client) finish(videoID string) answer {
	c.t.Helper()
	return c.post("/"+pageID+"/video_stories", "upload_phase", "finish", "video_id", videoID)
}

// publishPhoto publishes an uploaded photo.
func (c *client) publishPhoto(id string) answer {
	c.t.Helper()
	return c.post("/"+pageID+"/photo_stories", "photo_id", id)
}

// videoStory publishes content as a video story.
func (c *client) videoStory(content []byte) (videoID, postID string) {
	c.t.Helper()
	id, address := c.start()
	c.want(c.upload(address, content, 0, len(content)), 200, `{"success":true}`)
	return id, c.text(c.finish(id), "post_id")
}

// photoStory publishes content as a photo story.
func (c *client) photoStory(content []byte) (photoID, postID string) {
	c.t.Helper()
	id := c.text(c.photo(content, "published", "false"), "id")
	return id, c.text(c.publishPhoto(id), "post_id")
}

// at digs a value out of an answer's JSON, by a path of keys and positions
// joined by dots, and renders it; "" when it isn't there.
func (a answer) at(path string) string {
	var v any
	dec := json.NewDecoder(strings.NewReader(a.body))
	dec.UseNumber()
	if dec.Decode(&v) != nil {
		return ""
	}
	for _, key := range strings.Split(path, ".") {
		switch x := v.(type) {
		case map[string]any:
			v = x[key]
		case []any:
			if i, err := strconv.Atoi(key); err == nil && i < len(x) {
				v = x[i]
			} else {
				v = nil
			}
		default:
			v = nil
		}
	}
	if v == nil {
		return ""
	}
	return fmt.Sprint(v)
}

// text is at for an answer that must be good.
func (c *client) text(a answer, path string) string {
	c.t.Helper()
	if a.err != nil || a.status != 200 || a.at(path) == "" {
		c.t.Fatalf("got %d %s (error %v), want 200 with %s", a.status, a.body, a.err, path)
	}
	return a.at(path)
}

// want checks an answer's status and body.
func (c *client) want(a answer, status int, body string) {
	c.t.Helper()
	if a.err != nil || a.status != status || a.body != body {
		c.t.Errorf("got %d %s (error %v), want %d %s", a.status, a.body, a.err, status, body)
	}
}

// wantCode checks that an answer is an error of the Graph host.
func (c *client) wantCode(a answer, status int, code string) {
	c.t.Helper()
	got := a.at("error.code")
	if sub := a.at("error.error_subcode"); sub != "" {
		got += "/" + sub
	}
	if a.err != nil || a.status != status || got != code {
		c.t.Errorf("got %d with code %q: %s (error %v), want %d with code %q", a.status, got, a.body, a.err, status, code)
	}
}

// wantType checks that an answer is an error of the upload host.
func (c *client) wantType(a answer, status int, kind string) {
	c.t.Helper()
	if got := a.at("debug_info.type"); a.err != nil || a.status != status || got != kind {
		c.t.Errorf("got %d with type %q: %s (error %v), want %d with type %q", a.status, got, a.body, a.err, status, kind)
	}
}

// faults scripts faults.
func (c *client) faults(text string) {
	c.t.Helper()
	faults, err := ParseFaults(text)
	if err == nil {
		err = c.sim.AddFaults(faults...)
	}
	if err != nil {
		c.t.Fatal(err)
	}
}

// switches changes switches.
func (c *client) switches(text string) {
	c.t.Helper()
	changed, err := c.sim.Switches().Parse(text)
	if err == nil {
		err = c.sim.SetSwitches(changed)
	}
	if err != nil {
		c.t.Fatal(err)
	}
}

// advance moves the clock.
func (c *client) advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

// last is the last request of the log.
func (c *client) last() Request {
	c.t.Helper()
	all := c.sim.Requests()
	if len(all) == 0 {
		c.t.Fatal("the request log is empty")
	}
	return all[len(all)-1]
}
