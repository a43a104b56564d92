package sandbox

import (
	"context"
	"fmt"
	"testing"
	"time"
)

func TestFaultsAroundAPublish(t *testing.T) {
	tests := []struct {
		fault   string
		stories int
		outcome string
		check   func(c *client, a answer)
	}{
		{"photo_stories before reset", 0, OutcomeDropped, nil},
		{"photo_stories after reset", 1, OutcomeLost, nil},
		{"photo_stories before close", 0, OutcomeDropped, nil},
		{"photo_stories after close", 1, OutcomeLost, nil},
		{"photo_stories after cut=10", 1, OutcomeLost, nil},
		{"photo_stories after empty", 1, OutcomeLost, func(c *client, a answer) { c.want(a, 200, "") }},
		{"photo_stories before empty status=502", 0, OutcomeDropped, func(c *client, a answer) { c.want(a, 502, "") }},
		{"photo_stories after false", 1, OutcomeLost, func(c *client, a answer) { c.want(a, 200, `{"success":false}`) }},
		{"photo_stories before false", 0, OutcomeDropped, func(c *client, a answer) { c.want(a, 200, `{"success":false}`) }},
		{"photo_stories after status=500 code=2", 1, OutcomeLost, func(c *client, a answer) { c.wantCode(a, 500, "2") }},
		{"photo_stories before code=368 subcode=1390008", 0, OutcomeDropped, func(c *client, a answer) { c.wantCode(a, 400, "368/1390008") }},
		{"photo_stories before code=200", 0, OutcomeDropped, func(c *client, a answer) { c.wantCode(a, 403, "200") }},
		{"photo_stories html", 0, OutcomeDropped, func(c *client, a answer) {
			if a.status != 502 || a.header.Get("Content-Type") != "text/html; charset=UTF-8" {
				c.t.Errorf("got %d %v, want 502 as HTML", a.status, a.header)
			}
		}},
		{"photo_stories header=Retry-After:7", 1, OutcomeDone, func(c *client, a answer) {
			if a.status != 200 || a.header.Get("Retry-After") != "7" {
				c.t.Errorf("got %d %v, want 200 with Retry-After", a.status, a.header)
			}
		}},
	}
	for _, tt := range tests {
		t.Run(tt.fault, func(t *testing.T) {
			c := newClient(t, Options{})
			id := c.text(c.photo(jpeg, "published", "false"), "id")
			c.faults(tt.fault)
			a := c.publishPhoto(id)
			if tt.check != nil {
				tt.check(c, a)
			} else if a.err == nil {
				t.Errorf("got %d %s, want a lost answer", a.status, a.body)
			}
			if got := c.sim.Stories(pageID); len(got) != tt.stories {
				t.Errorf("got %d stories, want %d", len(got), tt.stories)
			}
			if r := c.last(); r.Outcome != tt.outcome || r.Public != (tt.stories == 1) || r.Fault == "" {
				t.Errorf("got %+v, want the outcome %s", r, tt.outcome)
			}
			// One fault spoils one request.
			status := map[bool]int{true: 200, false: 400}[tt.stories == 0]
			if a := c.publishPhoto(id); a.err != nil || a.status != status {
				t.Errorf("got %d %s (error %v) to the next request, want %d", a.status, a.body, a.err, status)
			}
		})
	}
}

// TestFaultOnEveryEdge: each edge can be hit by its name, before and after.
func TestFaultOnEveryEdge(t *testing.T) {
	c := newClient(t, Options{})
	content := bytesOf(100)
	photo, post := c.photoStory(jpeg)
	video, address := c.start()
	calls := map[string]func() answer{
		EdgeStart:        func() answer { return c.post("/"+pageID+"/video_stories", "upload_phase", "start") },
		EdgeUpload:       func() answer { return c.upload(address, content, 0, len(content)) },
		EdgeStatus:       func() answer { return c.get("/"+video, "fields", "status") },
		EdgeFinish:       func() answer { return c.finish(video) },
		EdgePhotos:       func() answer { return c.photo(jpeg, "published", "false") },
		EdgePhotoStories: func() answer { return c.publishPhoto(photo) },
		EdgeStories:      func() answer { return c.get("/" + pageID + "/stories") },
		EdgeStory:        func() answer { return c.get("/" + post) },
		EdgeMe:           func() answer { return c.get("/me") },
		EdgeAccounts:     func() answer { return c.get("/me/accounts") },
		EdgePermissions:  func() answer { return c.get("/me/permissions") },
		EdgePage:         func() answer { return c.get("/" + pageID) },
		EdgeDebugToken:   func() answer { return c.get("/debug_token") },
		EdgeDelete:       func() answer { return c.do(c.request("DELETE", "/v25.0/"+post, nil)) },
		EdgeOther:        func() answer { return c.get("/" + pageID + "/insights") },
	}
	for _, edge := range edges {
		for _, when := range []string{Before, After} {
			c.faults(edge + " " + when + " status=599 code=7777")
			c.wantCode(calls[edge](), 599, "7777")
			if r := c.last(); r.Edge != edge || r.Status == 0 {
				t.Errorf("got %+v in the log, want the edge %s", r, edge)
			}
			c.faults(edge + " " + when + " reset")
			if a := calls[edge](); a.err == nil {
				t.Errorf("%s %s: got %d %s, want a reset", edge, when, a.status, a.body)
			}
		}
	}
	for _, f := range c.sim.Faults() {
		if f.Hits != 1 {
			t.Errorf("got %d hits of %s, want 1", f.Hits, f)
		}
	}
}

func TestWhichRequestsSuffer(t *testing.T) {
	tests := []struct {
		faults string
		want   string // x: suffers
	}{
		{"me status=500", "x...."},
		{"me status=500 times=2", "xx..."},
		{"me status=500 nth=3", "..x.."},
		{"me status=500 nth=2 times=2", ".xx.."},
		{"me status=500 times=always", "xxxxx"},
		{"me status=500 nth=4 times=always", "...xx"},
		{"any status=500; me status=500 nth=2", "xx..."},
		{"stories status=500", "....."},
		{"any method=GET status=500", "x...."},
		{"any method=POST status=500", "....."},
		{"me page=1 status=500", "....."},
	}
	for _, tt := range tests {
		c := newClient(t, Options{})
		c.faults(tt.faults)
		got := ""
		for range len(tt.want) {
			got += map[bool]string{true: ".", false: "x"}[c.get("/me").status == 200]
		}
		if got != tt.want {
			t.Errorf("%s: got %s, want %s", tt.faults, got, tt.want)
		}
	}
	c := newClient(t, Options{})
	c.faults("stories page=" + pageID + " status=500 times=always")
	other := "104857600000002"
	if a := c.get("/" + pageID + "/stories"); a.status != 500 {
		t.Errorf("got %d for the Page of the fault, want 500", a.status)
	}
	c.token = "sandbox-page-" + other
	if a := c.get("/" + other + "/stories"); a.status != 200 {
		t.Errorf("got %d for another Page, want 200", a.status)
	}
}

func TestUploadHostErrors(t *testing.T) {
	c := newClient(t, Options{})
	content := bytesOf(100)
	_, address := c.start()
	c.faults(`upload type=RequestRateLimitedError status=429 backoff=12s message="slow down; please"
# a comment
upload type=OffsetInvalidError
upload code=1 status=500`)
	a := c.upload(address, content, 0, len(content))
	c.wantType(a, 429, "RequestRateLimitedError")
	if a.at("backoff") != "12000" || a.at("debug_info.retriable") != "false" || a.at("debug_info.message") != "slow down; please" {
		t.Errorf("got %s, want a backoff of 12000 milliseconds", a.body)
	}
	c.wantType(c.upload(address, content, 0, len(content)), 412, "OffsetInvalidError")
	c.wantCode(c.upload(address, content, 0, len(content)), 500, "1")
	c.want(c.upload(address, content, 0, len(content)), 200, `{"success":true}`)
}

func TestPhotoCut(t *testing.T) {
	c := newClient(t, Options{})
	c.faults("photos cut=1000")
	if a := c.photo(jpeg, "published", "false"); a.err == nil {
		t.Errorf("got %d %s, want a broken connection", a.status, a.body)
	}
	if r := c.last(); r.Outcome != OutcomeBroken || r.Media != "" {
		t.Errorf("got %+v, want a broken request without a photo", r)
	}
	c.text(c.photo(jpeg, "published", "false"), "id")
}

func TestHang(t *testing.T) {
	for _, when := range []string{Before, After} {
		c := newClient(t, Options{})
		id := c.text(c.photo(jpeg, "published", "false"), "id")
		c.faults("photo_stories " + when + " hang")
		c.http.Timeout = 50 * time.Millisecond
		if a := c.publishPhoto(id); a.err == nil {
			t.Errorf("%s: got %d %s, want no answer", when, a.status, a.body)
		}
		if got, want := len(c.sim.Stories(pageID)), map[string]int{Before: 0, After: 1}[when]; got != want {
			t.Errorf("%s: got %d stories, want %d", when, got, want)
		}
	}
}

func TestDelay(t *testing.T) {
	var slept []time.Duration
	c := newClient(t, Options{Sleep: func(_ context.Context, d time.Duration) error {
		slept = append(slept, d)
		return nil
	}})
	c.faults("me delay=90s; me after delay=30s status=500; me before delay=2s pass")
	if got := fmt.Sprint(c.get("/me").status, c.get("/me").status, c.get("/me").status); got != "200 500 200" {
		t.Errorf("got %s, want 200 500 200", got)
	}
	if got := fmt.Sprint(slept); got != "[1m30s 30s 2s]" {
		t.Errorf("got the pauses %s, want [1m30s 30s 2s]", got)
	}
}
