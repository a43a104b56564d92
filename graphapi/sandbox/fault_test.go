package sandbox

import (
	"testing"
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
