package sandbox

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// versions are the versions of the Graph API and when they end. Source:
// developers.facebook.com/docs/graph-api/changelog/versions, November 2026.
var versions = []struct {
	major int
	until string // date; "" means open
}{
	{21, "2027-01-21"}, {22, "2027-05-20"}, {23, "2027-10-08"}, {24, "2028-02-18"}, {25, "2028-07-29"}, {26, ""},
}

// defaultVersion is used for paths without a version.
const defaultVersion = "v25.0"

// serving is the version that answers a call to a version: itself or, when it
// is gone, the oldest one that is left. gone reports the latter.
func serving(version string, now time.Time) (served string, gone bool) {
	if version == "" {
		return defaultVersion, false
	}
	major, _ := strconv.Atoi(strings.TrimPrefix(strings.TrimSuffix(version, ".0"), "v"))
	oldest := versions[len(versions)-1].major
	for _, v := range versions {
		end, err := time.Parse(time.DateOnly, v.until)
		if err != nil || now.Before(end) {
			oldest = v.major
			break
		}
	}
	if major >= oldest {
		return version, false
	}
	return fmt.Sprintf("v%d.0", oldest), true
}

// admit refuses calls to versions that don't exist or that are gone, and
// calls over a limit. Both come before anything else is looked at.
func (w *world) admit(c *call) error {
	if v := c.rt.version; v != "" && (!strings.HasSuffix(v, ".0") || len(v) > len("v99.0")) {
		return &graphError{Code: 2500, Message: "Unknown path components: /" + v}
	}
	if _, gone := serving(c.rt.version, c.now); gone && w.switches.RefuseOldVersions {
		return codeError(12)
	}
	if code := w.throttled(c.now); code != 0 {
		e := codeError(code)
		if code == 613 {
			e.Subcode = 1996
		}
		return e
	}
	p := w.pages[c.entry.Page]
	if p == nil || w.switches.CallsPerHour == 0 {
		return nil
	}
	if hour := c.now.Unix() / 3600; p.Hour != hour {
		p.Hour, p.Calls = hour, 0
	}
	if p.Calls++; p.Calls > w.switches.CallsPerHour {
		return codeError(80001)
	}
	return nil
}

// throttled is the code with which every call is refused now; 0 means none.
// The first refusal starts the time that Switches.Regain sets.
func (w *world) throttled(now time.Time) int {
	code, regain := w.switches.Throttle, time.Duration(w.switches.Regain)
	if code == 0 || regain == 0 {
		w.throttle = throttle{}
		return code
	}
	if w.throttle.Code != code {
		w.throttle = throttle{code, now.Add(regain)}
	}
	if now.Before(w.throttle.Until) {
		return code
	}
	w.switches.Throttle, w.throttle = 0, throttle{}
	return 0
}

// headers are the headers of an answer of the Graph host. Their shapes are
// from developers.facebook.com/docs/graph-api/overview/rate-limiting; the
// estimate is in minutes.
func (w *world) headers(c *call) map[string]string {
	h := map[string]string{"X-Fb-Trace-Id": c.trace()}
	if c.rt.upload {
		return h
	}
	h["Facebook-Api-Version"], _ = serving(c.rt.version, c.now)
	minutes := 0
	if left := w.throttle.Until.Sub(c.now); left > 0 {
		minutes = int((left + time.Minute - 1) / time.Minute)
	}
	percent := func(n int) object {
		return object{"call_count": n, "total_time": n, "total_cputime": n}
	}
	if n := w.switches.AppUsage; n > 0 {
		h["X-App-Usage"] = compact(percent(n))
	}
	business := w.switches.BusinessUsage
	p := w.pages[c.entry.Page]
	if p != nil && w.switches.CallsPerHour > 0 {
		business = max(business, p.Calls*100/w.switches.CallsPerHour)
		if p.Calls > w.switches.CallsPerHour {
			minutes = max(minutes, 60-int(c.now.Unix()/60%60))
		}
	}
	if minutes > 0 {
		business = max(business, 100)
	}
	if business > 0 && c.entry.Page != "" {
		report := percent(business)
		report["type"], report["estimated_time_to_regain_access"] = "pages", minutes
		h["X-Business-Use-Case-Usage"] = compact(object{c.entry.Page: []object{report}})
	}
	return h
}

// compact renders JSON for a header.
func compact(v any) string {
	text, _ := json.Marshal(v)
	return string(text)
}
