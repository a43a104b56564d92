package graphapi

import (
	"encoding/json"
	"fmt"
	"net/http"
	"sync"
	"time"
)

// Usage is how much of a limit is used up, as the API's headers last said.
// Source: developers.facebook.com/docs/graph-api/overview/rate-limiting, 2026.
type Usage struct {
	Percent float64       // of the scarcest of calls, total time and CPU time; more than 100 is possible
	Of      string        // "app", "page" or "business"; "" when nothing was said yet
	Regain  time.Duration // how long until calls are possible again; 0 when they are
	At      time.Time     // when it was said
}

// How the client behaves near a limit.
const (
	slowFrom  = 75.0             // percent from which calls are spread out
	blockFrom = 95.0             // percent from which nothing should be published
	firstStep = time.Second      // the pause before a call at slowFrom
	lastStep  = 15 * time.Second // the pause before a call from blockFrom on
	blockFor  = 5 * time.Minute  // a block whose end the API does not tell
	staleness = 10 * time.Minute // after which a percentage says nothing any more
)

// gauge remembers what was said about one limit. The zero value knows nothing.
type gauge struct {
	mu      sync.Mutex
	usage   Usage
	until   time.Time // blocked until then
	forever bool      // blocked for the rest of the run
	reason  string
}

// observe takes in a usage header.
func (g *gauge) observe(u Usage) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.usage = u
	if u.Regain > 0 {
		g.extend(u.At.Add(u.Regain), fmt.Sprintf("the limit of the %s is used up", u.Of))
	}
}

// extend blocks until a time, unless it is blocked for longer. g is locked.
func (g *gauge) extend(until time.Time, reason string) {
	if until.After(g.until) && !g.forever {
		g.until, g.reason = until, reason
	}
}

// block records a refusal because of a limit.
func (g *gauge) block(until time.Time, reason string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.extend(until, reason)
}

// shut blocks for the rest of the run.
func (g *gauge) shut(reason string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.forever, g.reason = true, reason
}

// read returns the usage, zero when it is too old to say anything.
func (g *gauge) read(now time.Time) Usage {
	g.mu.Lock()
	defer g.mu.Unlock()
	if now.Sub(g.usage.At) > staleness {
		return Usage{}
	}
	return g.usage
}

// blocked reports whether nothing should be published, why, and until when;
// the zero time means for the rest of the run.
func (g *gauge) blocked(now time.Time) (until time.Time, reason string, blocked bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	switch {
	case g.forever:
		return time.Time{}, g.reason, true
	case now.Before(g.until):
		return g.until, g.reason, true
	case g.usage.Percent >= blockFrom && now.Before(g.usage.At.Add(blockFor)):
		return g.usage.At.Add(blockFor), fmt.Sprintf("%.0f %% of the limit of the %s is used up", g.usage.Percent, g.usage.Of), true
	}
	return time.Time{}, "", false
}

// pauseAt is the pause before a call at a usage: none below slowFrom, then
// growing evenly.
func pauseAt(percent float64) time.Duration {
	if !(percent >= slowFrom) {
		return 0
	}
	part := min((percent-slowFrom)/(blockFrom-slowFrom), 1)
	return firstStep + time.Duration(part*float64(lastStep-firstStep))
}

// usageReport is one set of percentages, as all three headers have it.
type usageReport struct {
	Calls  float64 `json:"call_count"`
	Time   float64 `json:"total_time"`
	CPU    float64 `json:"total_cputime"`
	Regain float64 `json:"estimated_time_to_regain_access"` // minutes
}

// usage turns a report into a Usage.
func (r usageReport) usage(of string, now time.Time) Usage {
	regain := min(max(r.Regain, 0), maxTold.Minutes())
	return Usage{
		Percent: max(r.Calls, r.Time, r.CPU), Of: of, At: now,
		Regain: time.Duration(regain * float64(time.Minute)),
	}
}

// usageOf reads the usage headers of an answer to a Page's call: what is said
// of the app, and the worse of what is said of the Page and of its business.
// A header that is missing or can't be read says nothing.
func usageOf(h http.Header, now time.Time) (app, page Usage) {
	var report usageReport
	if json.Unmarshal([]byte(h.Get("X-App-Usage")), &report) == nil {
		app = report.usage("app", now)
	}
	report = usageReport{}
	if json.Unmarshal([]byte(h.Get("X-Page-Usage")), &report) == nil {
		page = report.usage("page", now)
	}
	var businesses map[string][]usageReport
	if json.Unmarshal([]byte(h.Get("X-Business-Use-Case-Usage")), &businesses) != nil {
		return app, page
	}
	for _, reports := range businesses {
		for _, r := range reports {
			if u := r.usage("business", now); page.Of == "" || u.worse(page) {
				page = u
			}
		}
	}
	return app, page
}

// worse reports whether u leaves less room than v.
func (u Usage) worse(v Usage) bool {
	if u.Regain != v.Regain {
		return u.Regain > v.Regain
	}
	return u.Percent > v.Percent
}

// Usage returns the scarcer of what the API last said about this Page's and
// about the app's limits; the zero Usage when it said nothing lately.
func (p *Page) Usage() Usage {
	now := p.client.clock.Now()
	page, app := p.limit.read(now), p.client.app.read(now)
	if app.worse(page) {
		return app
	}
	return page
}

// Blocked reports whether nothing should be published on this Page now, why,
// and until when; the zero time means for the rest of the run. Reads may
// still be made: what is in doubt should be settled.
func (p *Page) Blocked() (until time.Time, reason string, blocked bool) {
	now := p.client.clock.Now()
	until, reason, blocked = p.limit.blocked(now)
	appUntil, appReason, appBlocked := p.client.app.blocked(now)
	if appBlocked && (!blocked || !until.IsZero() && appUntil.After(until)) {
		return appUntil, appReason, true
	}
	return until, reason, blocked
}

// learn takes in what a failed call says about limits.
func (p *Page) learn(e *Error) {
	row, _ := e.entry()
	now := p.client.clock.Now()
	switch {
	case row.Class == ClassBlocked:
		p.limit.shut(fmt.Sprintf("Meta has blocked publishing on this Page (#%s)", codeText(e.Code, e.Subcode)))
	case Throttled(e):
		wait := e.Wait
		if wait == 0 {
			wait = blockFor
		}
		limit := &p.limit
		if row.AppWide {
			limit = &p.client.app
		}
		limit.block(now.Add(wait), "the API refused a call because there were too many: "+e.reason())
	}
}
