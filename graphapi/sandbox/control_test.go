package sandbox

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

// control sends a request to the simulator itself.
func (c *client) control(method, path, body string) answer {
	c.t.Helper()
	return c.do(c.request(method, "/_sandbox"+path, strings.NewReader(body)))
}

func TestControl(t *testing.T) {
	c := newClient(t, Options{})
	yes := `{"ok":true}`
	c.want(c.control("POST", "/pages", `{"id":"`+pageID+`","name":"Acme <b>"}`), 200, yes)
	c.want(c.control("POST", "/tokens", `{"token":"t","kind":"PAGE","page":"`+pageID+`"}`), 200, yes)
	c.token = "t"
	_, post := c.photoStory(jpeg)
	made := c.control("POST", "/stories", `{"page":"`+pageID+`","kind":"video"}`)
	if made.status != 200 || made.at("by_hand") != "true" {
		t.Errorf("got %d %s, want a story made by hand", made.status, made.body)
	}
	c.want(c.control("DELETE", "/stories?post_id="+post, ""), 200, yes)
	var stories []Story
	if err := json.Unmarshal([]byte(c.control("GET", "/stories?page="+pageID, "").body), &stories); err != nil || len(stories) != 2 || stories[0].Status != "removed" {
		t.Errorf("got %+v (error %v), want a removed story and another", stories, err)
	}
	if got := c.control("POST", "/faults", "me after status=500").at("0.edge"); got != "me" {
		t.Errorf("got the fault %q, want me", got)
	}
	c.wantCode(c.get("/me"), 500, "2")
	if got := c.control("GET", "/faults", "").at("0.hits"); got != "1" {
		t.Errorf("got %q hits, want 1", got)
	}
	c.want(c.control("DELETE", "/faults", ""), 200, yes)
	if got := c.control("POST", "/switches", "archive_off listing_lag=1m").at("listing_lag"); got != "1m0s" {
		t.Errorf("got the lag %q, want 1m0s", got)
	}
	c.want(c.control("POST", "/advance?by=25h", ""), 200, yes)
	if got, want := c.sim.Now(), start.Add(25*time.Hour); !got.Equal(want) {
		t.Errorf("got the time %s, want %s", got, want)
	}
	if got := c.control("POST", "/revocation?page="+pageID, "").at("token"); got != token+"-1" {
		t.Errorf("got the token %q, want a new one", got)
	}
	c.want(c.control("POST", "/hosted?url=https://example.com/a.jpg", string(jpeg)), 200, yes)
	if got := c.control("GET", "/requests", "").at("0.edge"); got != "photos" {
		t.Errorf("got %q as the first request, want photos", got)
	}
	if a := c.control("GET", "/world", ""); a.at("format") != formatName || a.at("tokens") != "" {
		t.Errorf("got %s, want the world without tokens", a.body)
	}
	c.want(c.control("POST", "/reset", ""), 200, yes)
	c.want(c.control("GET", "/stories", ""), 200, `[]`)
	for path, body := range map[string]string{
		"/pages": `{"id":"x"}`, "/tokens": `{"token":"EAAx","kind":"USER"}`, "/stories": `{"page":"1","knd":"photo"}`, "/faults": "me explode",
		"/switches": "x=1", "/advance?by=tomorrow": "", "/hosted?url=ftp://x": "", "/revocation?page=x": "", "/advance?by=1000000h": "",
	} {
		if a := c.control("POST", path, body); a.status != 400 || a.at("error") == "" {
			t.Errorf("POST %s: got %d %s, want a refusal", path, a.status, a.body)
		}
	}
}

func TestControlIsLocal(t *testing.T) {
	sim := New(Options{})
	tests := []struct {
		name   string
		change func(r *http.Request)
		want   int
	}{
		{"this machine", func(*http.Request) {}, 200},
		{"by the name localhost", func(r *http.Request) { r.Host = "localhost:8080" }, 200},
		{"over IPv6", func(r *http.Request) { r.RemoteAddr, r.Host = "[::1]:99", "[::1]:8080" }, 200},
		{"another machine", func(r *http.Request) { r.RemoteAddr = "192.0.2.1:1234" }, 403},
		{"another name for this machine", func(r *http.Request) { r.Host = "evil.example" }, 403},
		{"another site's page", func(r *http.Request) { r.Header.Set("Origin", "https://evil.example") }, 403},
		{"another site's form", func(r *http.Request) { r.Header.Set("Sec-Fetch-Site", "cross-site") }, 403},
	}
	for _, tt := range tests {
		r := httptest.NewRequest("POST", "http://127.0.0.1:8080/_sandbox/reset", nil)
		r.RemoteAddr = "127.0.0.1:1234"
		tt.change(r)
		w := httptest.NewRecorder()
		sim.ServeHTTP(w, r)
		if w.Code != tt.want {
			t.Errorf("%s: got %d, want %d", tt.name, w.Code, tt.want)
		}
	}
}

func TestPageForPeople(t *testing.T) {
	c := newClient(t, Options{Spool: t.TempDir()})
	if err := c.sim.AddPage(Page{ID: pageID, Name: `Acme <script>alert(1)</script>`}); err != nil {
		t.Fatal(err)
	}
	photo, _ := c.photoStory(jpeg)
	video, _ := c.videoStory(bytesOf(100))
	c.advance(90 * time.Minute)
	c.faults("me hang")
	a := c.control("GET", "/", "")
	for _, want := range []string{
		photo, video, "22 h 30 min left", `<img src="/_sandbox/photos/` + hashOf(jpeg) + `"`, "2 live", "me hang",
		"Acme &lt;script&gt;", "2026-12-20 02:00:00", "9 / 16",
	} {
		if !strings.Contains(a.body, want) {
			t.Errorf("got a page without %q", want)
		}
	}
	if strings.Contains(a.body, "<script") || !strings.Contains(a.header.Get("Content-Security-Policy"), "default-src 'none'") {
		t.Errorf("got a page that may run scripts: %v", a.header)
	}
	if a := c.control("GET", "/photos/"+hashOf(jpeg), ""); a.body != string(jpeg) || a.header.Get("Content-Type") != "image/jpeg" {
		t.Errorf("got %d %v, want the photo", a.status, a.header)
	}
	for _, path := range []string{"/photos/" + hashOf(nil), "/photos/..%2fx", "/nothing"} {
		if a := c.control("GET", path, ""); a.status != 404 {
			t.Errorf("%s: got %d, want 404", path, a.status)
		}
	}
	c.advance(24 * time.Hour)
	if a := c.control("GET", "/", ""); !strings.Contains(a.body, "archived") || !strings.Contains(a.body, "0 live") {
		t.Error("got a page that doesn't show the end of the stories")
	}
}

func TestStart(t *testing.T) {
	url, stop, err := New(Options{}).Start("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	resp, err := http.Get(url + "/_sandbox/stories")
	if err != nil || resp.StatusCode != 200 {
		t.Errorf("got %v (error %v), want an answer", resp, err)
	}
	stop()
	if _, err := http.Get(url + "/_sandbox/stories"); err == nil {
		t.Error("got an answer after the end")
	}
	if _, _, err := New(Options{}).Start("0.0.0.0:0"); err == nil {
		t.Error("got no error for an address that others reach")
	}
	if _, _, err := New(Options{}).Start("nowhere"); err == nil {
		t.Error("got no error for an address that is none")
	}
}
