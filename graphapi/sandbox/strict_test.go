package sandbox

import (
	"net/http"
	"strings"
	"testing"
	"time"
)

// TestStrictness: what is missing or wrong is refused as the real API refuses
// it, and leaves nothing behind.
func TestStrictness(t *testing.T) {
	stories, photos, photoStories, videos := "/"+pageID+"/stories", "/"+pageID+"/photos", "/"+pageID+"/photo_stories", "/"+pageID+"/video_stories"
	tests := []struct {
		name   string
		call   func(c *client) answer
		status int
		code   string
	}{
		{"no phase", func(c *client) answer { return c.post(videos) }, 400, "100"},
		{"the documentation's sample, sent as it stands", func(c *client) answer {
			req := c.request("POST", "/v25.0"+videos, strings.NewReader(`{"upload_phase":"start",}`))
			req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
			return c.do(req)
		}, 400, "100"},
		{"a phase that was invented", func(c *client) answer { return c.post(videos, "upload_phase", "transfer") }, 400, "100"},
		{"finish without a video", func(c *client) answer { return c.post(videos, "upload_phase", "finish") }, 400, "100"},
		{"finish of no video", func(c *client) answer { return c.finish("17") }, 400, "100/33"},
		{"finish without bytes", func(c *client) answer { id, _ := c.start(); return c.finish(id) }, 400, "6000"},
		{"photo without a file", func(c *client) answer { return c.photo(nil, "published", "false") }, 400, "324"},
		{"photo that is none", func(c *client) answer {
			return c.photo([]byte("version https://git-lfs.github.com/spec/v1"), "published", "false")
		}, 400, "100/1366046"},
		{"photo over 10 MB", func(c *client) answer {
			return c.photo(append(jpeg, make([]byte, 10<<20)...), "published", "false")
		}, 400, "100/1366046"},
		{"published as a word", func(c *client) answer { return c.photo(jpeg, "published", "perhaps") }, 400, "100"},
		{"photo by a URL that nobody has", func(c *client) answer {
			return c.post(photos, "published", "false", "url", "https://example.com/a.jpg")
		}, 400, "324"},
		{"photo story in one step", func(c *client) answer { return c.post(photoStories, "url", "https://example.com/a.jpg") }, 503, "1"},
		{"photo story of nothing", func(c *client) answer { return c.post(photoStories) }, 400, "100"},
		{"photo story of no photo", func(c *client) answer { return c.publishPhoto("17") }, 400, "100/33"},
		{"stories with a field that is none", func(c *client) answer { return c.get(stories, "fields", "post_id,caption") }, 400, "100"},
		{"stories with a bad limit", func(c *client) answer { return c.get(stories, "limit", "all") }, 400, "100"},
		{"stories with a bad time", func(c *client) answer { return c.get(stories, "since", "soon") }, 400, "100"},
		{"stories with times in the wrong order", func(c *client) answer { return c.get(stories, "since", "200", "until", "100") }, 400, "100"},
		{"stories with a bad status", func(c *client) answer { return c.get(stories, "status", "LIVE") }, 400, "100"},
		{"stories with a bad cursor", func(c *client) answer { return c.get(stories, "after", "c3RvcnkxMjM") }, 400, "100"},
		{"tasks of a Page", func(c *client) answer { return c.get("/"+pageID, "fields", "id,tasks") }, 400, "100"},
		{"permissions of a Page", func(c *client) answer { return c.get("/me/permissions") }, 400, "100"},
		{"accounts of a Page", func(c *client) answer { return c.get("/me/accounts") }, 400, "100"},
		{"an id that nobody has", func(c *client) answer { return c.get("/17") }, 400, "100/33"},
		{"another Page", func(c *client) answer { return c.get("/104857600000002/stories") }, 400, "10"},
		{"an edge that doesn't exist", func(c *client) answer { return c.get("/" + pageID + "/stores") }, 400, "2500"},
		{"a post to an edge that doesn't exist", func(c *client) answer { return c.post("/" + pageID + "/story") }, 400, "100/33"},
		{"a version that doesn't exist", func(c *client) answer { return c.do(c.request("GET", "/v250.0/me", nil)) }, 400, "2500"},
		{"no token", func(c *client) answer { c.token = ""; return c.get("/me") }, 400, "104"},
		{"an unknown token", func(c *client) answer { c.token = "whatever"; return c.get("/me") }, 400, "190"},
		{"a real token", func(c *client) answer { c.token = "EAAGm0PX4ZCps"; return c.get("/me") }, 400, "190"},
		{"another scheme", func(c *client) answer {
			req := c.request("GET", "/v25.0/me", nil)
			req.Header.Set("Authorization", "Basic "+c.token)
			return c.do(req)
		}, 400, "104"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			c := newClient(t, Options{})
			c.wantCode(tt.call(c), tt.status, tt.code)
			if r := c.last(); r.Outcome != OutcomeRefused || r.Public || r.Status != tt.status {
				t.Errorf("got %+v in the log, want a refusal with status %d", r, tt.status)
			}
			if got := c.sim.Stories(""); len(got) != 0 {
				t.Errorf("got %v, want no story", got)
			}
		})
	}
}

func TestUploadStrictness(t *testing.T) {
	content := bytesOf(1000)
	tests := []struct {
		name   string
		change func(req *http.Request)
		status int
		kind   string
		text   string // part of the message
	}{
		{"no token", func(r *http.Request) { r.Header.Del("Authorization") }, 400, "NotAuthorizedError", ""},
		{"the wrong scheme", func(r *http.Request) { r.Header.Set("Authorization", "Bearer "+token) }, 400, "NotAuthorizedError", ""},
		{"a token of another Page", func(r *http.Request) { r.Header.Set("Authorization", "OAuth sandbox-page-2") }, 400, "NotAuthorizedError", ""},
		{"no such video", func(r *http.Request) { r.URL.Path = "/video-upload/v25.0/17" }, 400, "NotAuthorizedError", ""},
		{"no offset", func(r *http.Request) { r.Header.Del("offset") }, 400, "ParameterValidationError",
			"HeaderValuePredicate: Header Offset not convertable to unsigned long"},
		{"a negative offset", func(r *http.Request) { r.Header.Set("offset", "-1") }, 400, "ParameterValidationError", "Offset"},
		{"the other API's offset", func(r *http.Request) { r.Header.Del("offset"); r.Header.Set("file_offset", "0") }, 400, "ParameterValidationError", "Offset"},
		{"no file_size", func(r *http.Request) { r.Header.Del("file_size") }, 400, "ParameterValidationError", "File_size"},
		{"an offset ahead", func(r *http.Request) { r.Header.Set("offset", "10") }, 412, "OffsetInvalidError", "expected 0"},
		{"an offset behind the end", func(r *http.Request) { r.Header.Set("offset", "1001") }, 400, "PartialRequestError", ""},
		{"a file_size that is too large", func(r *http.Request) { r.Header.Set("file_size", "1001") }, 400, "PartialRequestError", ""},
		{"a file_size that is too small", func(r *http.Request) { r.Header.Set("file_size", "999") }, 400, "PartialRequestError", ""},
		{"a short body of unknown length", func(r *http.Request) { r.ContentLength = -1; r.Header.Set("file_size", "1001") }, 400, "PartialRequestError", ""},
		{"a long body of unknown length", func(r *http.Request) { r.ContentLength = -1; r.Header.Set("file_size", "999") }, 400, "PartialRequestError", ""},
		{"a file_url in the body", func(r *http.Request) { r.Header.Del("offset"); r.Header.Set("Content-Type", "application/json") }, 400, "ParameterValidationError", "Offset"},
		{"a file_url on Meta's CDN", func(r *http.Request) { r.Header.Set("file_url", "https://scontent.fbcdn.net/v.mp4") }, 400, "ProcessingFailedError", "CDN"},
		{"a file_url that is none", func(r *http.Request) { r.Header.Set("file_url", "C:\\reveal.mp4") }, 400, "ProcessingFailedError", "URL"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			c := newClient(t, Options{})
			id, address := c.start()
			req, err := http.NewRequestWithContext(t.Context(), "POST", address, strings.NewReader(string(content)))
			if err != nil {
				t.Fatal(err)
			}
			req.Header.Set("Authorization", "OAuth "+token)
			req.Header.Set("offset", "0")
			req.Header.Set("file_size", "1000")
			tt.change(req)
			a := c.do(req)
			c.wantType(a, tt.status, tt.kind)
			if got := a.at("debug_info.message"); !strings.Contains(got, tt.text) {
				t.Errorf("got the message %q, want %q in it", got, tt.text)
			}
			if r := c.last(); r.Type != tt.kind || r.Outcome != OutcomeRefused {
				t.Errorf("got %+v in the log, want the refusal", r)
			}
			c.wantCode(c.finish(id), 400, "6000")
		})
	}
}

// TestEncodings: every way in which real clients send parameters works.
func TestEncodings(t *testing.T) {
	c := newClient(t, Options{})
	path := "/v25.0/" + pageID + "/video_stories"
	asJSON := c.request("POST", path, strings.NewReader(`{"upload_phase":"start","file_size":1000}`))
	asJSON.Header.Set("Content-Type", "application/json; charset=utf-8")
	c.text(c.do(asJSON), "video_id")
	c.text(c.do(c.request("POST", path+"?upload_phase=START", nil)), "video_id")
	asParts := c.request("POST", path, strings.NewReader("--b\r\nContent-Disposition: form-data; name=\"upload_phase\"\r\n\r\nstart\r\n--b--\r\n"))
	asParts.Header.Set("Content-Type", "multipart/form-data; boundary=b")
	c.text(c.do(asParts), "video_id")

	c.token = ""
	for how, req := range map[string]*http.Request{
		"query": c.request("GET", "/v25.0/me?access_token="+token, nil),
		"form":  c.request("POST", path, strings.NewReader("upload_phase=start&access_token="+token)),
	} {
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		if a := c.do(req); a.status != 200 || c.last().Token != how {
			t.Errorf("got %d %s, logged as %q, want 200, logged as %q", a.status, a.body, c.last().Token, how)
		}
	}
	req := c.request("GET", "/v25.0/me?access_token=x", nil)
	req.Header.Set("Authorization", "OAuth "+token)
	if a := c.do(req); a.status != 200 || c.last().Token != "oauth+query" {
		t.Errorf("got %d %s, logged as %q, want 200, logged as oauth+query", a.status, a.body, c.last().Token)
	}
}

func TestVersions(t *testing.T) {
	c := newClient(t, Options{})
	for version, served := range map[string]string{"/v26.0": "v26.0", "/v21.0": "v21.0", "/v20.0": "v21.0", "": "v25.0"} {
		if a := c.do(c.request("GET", version+"/me", nil)); a.status != 200 || a.header.Get("Facebook-Api-Version") != served {
			t.Errorf("got %d and version %s for %q, want %s", a.status, a.header.Get("Facebook-Api-Version"), version, served)
		}
	}
	c.switches("refuse_old_versions")
	c.advance(40 * 24 * time.Hour) // after 2027-01-21
	c.wantCode(c.do(c.request("GET", "/v21.0/me", nil)), 400, "12")
	if a := c.do(c.request("GET", "/v22.0/me", nil)); a.status != 200 {
		t.Errorf("got %d %s for a version that lives, want 200", a.status, a.body)
	}
}
