package sandbox

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Duration is a time.Duration that is written as "1m30s" in JSON.
type Duration time.Duration

// MarshalText writes d as time.Duration does.
func (d Duration) MarshalText() ([]byte, error) { return []byte(time.Duration(d).String()), nil }

// UnmarshalText reads what time.ParseDuration reads.
func (d *Duration) UnmarshalText(text []byte) error {
	parsed, err := time.ParseDuration(string(text))
	*d = Duration(parsed)
	return err
}

// Switches are the points in which simulators of the API can differ: what
// only a live Page can settle, and what differs from Page to Page. The zero
// value is the likeliest world.
type Switches struct {
	// Delays. Nothing runs in the background: they are compared with the clock.
	ListingLag     Duration `json:"listing_lag,omitempty"`     // until a public story is listed
	StatusLag      Duration `json:"status_lag,omitempty"`      // until a new video can be read (100/33 before)
	PublishDelay   Duration `json:"publish_delay,omitempty"`   // from a video's finish to its publication
	ProcessingTime Duration `json:"processing_time,omitempty"` // of every video
	HostedDelay    Duration `json:"hosted_delay,omitempty"`    // from the acceptance of a file_url to its bytes
	// SessionLifetime is how long a video may stay unfinished; 0 means 24h.
	SessionLifetime Duration `json:"session_lifetime,omitempty"`

	ArchiveOff   bool `json:"archive_off,omitempty"`    // of Pages that come into being
	HideHandMade bool `json:"hide_hand_made,omitempty"` // stories made by hand are not listed
	// RefuseSameBytes refuses to publish bytes that were published before,
	// also when they were uploaded anew.
	RefuseSameBytes bool `json:"refuse_same_bytes,omitempty"`
	// ProcessingBeforeFinish lets processing start when the bytes are there;
	// otherwise it waits for finish and the video stays at upload_complete.
	ProcessingBeforeFinish bool `json:"processing_before_finish,omitempty"`
	// FailProcessing is the message with which the processing of videos
	// fails; their finish succeeds all the same, and nothing is published.
	FailProcessing string `json:"fail_processing,omitempty"`
	// Republish says what a second publish of the same media does: "" or
	// "refuse" (1366051), "same" (success with the first post_id), "again" (a
	// second story).
	Republish string `json:"republish,omitempty"`

	AsDocumented      bool `json:"as_documented,omitempty"`       // bytes_transfered, PUBLISHED, an error object
	HostedNeedsOffset bool `json:"hosted_needs_offset,omitempty"` // file_url is refused without an offset
	ReadArchived      bool `json:"read_archived,omitempty"`       // GET /{post_id} works after 24 hours
	DeleteVideo       bool `json:"delete_video,omitempty"`        // DELETE /{video_id} removes its story
	ShortPages        bool `json:"short_pages,omitempty"`         // lists are filtered after they were cut into pages
	RefuseOldVersions bool `json:"refuse_old_versions,omitempty"` // code 12 for a version that is gone; otherwise it is forwarded
	DefaultLimit      int  `json:"default_limit,omitempty"`       // of a list; 0 means 25

	DailyCap      int `json:"daily_cap,omitempty"`      // stories a Page in 24 hours; 0 means no cap
	CallsPerHour  int `json:"calls_per_hour,omitempty"` // of a Page, then 80001; 0 means no limit
	AppUsage      int `json:"app_usage,omitempty"`      // percent in X-App-Usage; 0 means no header
	BusinessUsage int `json:"business_usage,omitempty"` // percent in X-Business-Use-Case-Usage
	// Throttle refuses every Graph call with this code (4, 17, 32, 613,
	// 80001), for Regain, or until it is switched off when that is 0.
	Throttle int      `json:"throttle,omitempty"`
	Regain   Duration `json:"regain,omitempty"`
}

// The values of Switches.Republish.
const (
	RepublishRefuse = "refuse"
	RepublishSame   = "same"
	RepublishAgain  = "again"
)

// Validate reports what makes no sense.
func (s Switches) Validate() error {
	var errs []error
	if !slices.Contains([]string{"", RepublishRefuse, RepublishSame, RepublishAgain}, s.Republish) {
		errs = append(errs, fmt.Errorf("republish is %q; it can be refuse, same or again", s.Republish))
	}
	for name, d := range map[string]Duration{
		"listing_lag": s.ListingLag, "status_lag": s.StatusLag, "publish_delay": s.PublishDelay, "regain": s.Regain,
		"processing_time": s.ProcessingTime, "hosted_delay": s.HostedDelay, "session_lifetime": s.SessionLifetime,
	} {
		if d < 0 {
			errs = append(errs, fmt.Errorf("%s is negative", name))
		}
	}
	for name, n := range map[string]int{
		"default_limit": s.DefaultLimit, "daily_cap": s.DailyCap, "calls_per_hour": s.CallsPerHour,
		"app_usage": s.AppUsage, "business_usage": s.BusinessUsage, "throttle": s.Throttle,
	} {
		if n < 0 {
			errs = append(errs, fmt.Errorf("%s is negative", name))
		}
	}
	slices.SortFunc(errs, func(a, b error) int { return strings.Compare(a.Error(), b.Error()) })
	return errors.Join(errs...)
}

// Parse returns s with changes: a JSON object, or words such as
// "listing_lag=30s republish=same" separated by spaces; values with spaces are
// quoted as in Go.
func (s Switches) Parse(text string) (Switches, error) {
	text = strings.TrimSpace(text)
	if !strings.HasPrefix(text, "{") {
		encoded, err := switchWords(text)
		if err != nil {
			return s, fmt.Errorf("switches: %w", err)
		}
		text = encoded
	}
	changed := s
	dec := json.NewDecoder(bytes.NewReader([]byte(text)))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&changed); err != nil {
		return s, fmt.Errorf("switches: %w", err)
	}
	if err := changed.Validate(); err != nil {
		return s, fmt.Errorf("switches: %w", err)
	}
	return changed, nil
}

// switchWords turns words such as "daily_cap=3 archive_off" into JSON.
func switchWords(text string) (string, error) {
	fields := map[string]json.RawMessage{}
	for _, word := range words(text) {
		name, value, found := strings.Cut(word, "=")
		if names := switchNames(); !slices.Contains(names, name) {
			return "", fmt.Errorf("there is no switch %q; there are %s", name, strings.Join(names, ", "))
		}
		if !found {
			value = "true"
		}
		isText := isDurationSwitch(name) || name == "republish" || name == "fail_processing"
		if isText && strings.HasPrefix(value, `"`) {
			unquoted, err := strconv.Unquote(value)
			if err != nil {
				return "", fmt.Errorf("the quotes of %s are not closed well", name)
			}
			value = unquoted
		}
		if isText || !json.Valid([]byte(value)) {
			quoted, _ := json.Marshal(value) // a string can always be rendered
			value = string(quoted)
		}
		fields[name] = json.RawMessage(value)
	}
	encoded, err := json.Marshal(fields)
	return string(encoded), err
}

// switchNames are the names of all switches, as they are written.
func switchNames() []string {
	var names []string
	for _, f := range reflect.VisibleFields(reflect.TypeFor[Switches]()) {
		name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		names = append(names, name)
	}
	return names
}

// isDurationSwitch reports whether a switch takes a duration, so that 0 is
// read as one.
func isDurationSwitch(name string) bool {
	for _, suffix := range []string{"_lag", "_delay", "_time", "_lifetime", "regain"} {
		if strings.HasSuffix(name, suffix) {
			return true
		}
	}
	return false
}

// sessionLifetime is how long a video may stay unfinished.
func (s Switches) sessionLifetime() time.Duration {
	return cmp.Or(time.Duration(s.SessionLifetime), 24*time.Hour)
}
