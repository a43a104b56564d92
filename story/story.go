package story

import (
	"time"

	"storyform/internal/diag"
)

// Lifetime is how long a story stays visible on its Page.
// Source: the Stories API guide, 6 May 2026.
const Lifetime = 24 * time.Hour

// DefaultWindow is how late after publish_at a story may still go out when
// the configuration names neither window nor not_after.
const DefaultWindow = 2 * time.Hour

// Page is a Facebook Page as the configuration declares it.
type Page struct {
	Address  Address
	ID       string // the Page id, digits
	Timezone string // IANA name; empty means UTC
	TokenEnv string // the name of the environment variable that holds the token; empty: the defaults
	Guard    *Guard // what may go out on the Page at most; nil: anything
	Range    diag.Range
}

// Location returns the Page's time zone, UTC when it has none or an unknown one.
func (p Page) Location() *time.Location {
	if loc, err := time.LoadLocation(p.Timezone); err == nil {
		return loc
	}
	return time.UTC
}

// Media is what is known about a story's photo or video without asking Meta.
// For a hosted file (Hosted) only Kind is known: bytes behind a URL may change.
type Media struct {
	Kind       Kind          `json:"kind"`
	Format     string        `json:"format,omitempty"` // "jpeg", "png", "mp4", …
	Hosted     bool          `json:"hosted,omitempty"`
	SHA256     string        `json:"sha256,omitempty"` // lowercase hex
	Bytes      int64         `json:"bytes,omitempty"`
	Width      int           `json:"width,omitempty"`  // as displayed, pixels
	Height     int           `json:"height,omitempty"` // as displayed, pixels
	Duration   time.Duration `json:"duration,omitempty"`
	FPS        float64       `json:"fps,omitempty"`
	Codec      string        `json:"codec,omitempty"`
	AudioCodec string        `json:"audio_codec,omitempty"`
	// SampleSHA256 is the hash over the samples of a video in decode order:
	// the same for one clip in different wrappers. Empty when not computed.
	SampleSHA256 string `json:"sample_sha256,omitempty"`
}

// Desired is one story instance as the configuration declares it.
type Desired struct {
	Address Address
	Page    Page
	Kind    Kind
	// Source is the media as reviewers know it: a slash-separated path
	// relative to the configuration's folder, or an https URL.
	Source string
	// Path is where the local file is; empty for a hosted file.
	Path  string
	Media Media

	PublishAt time.Time     // zero: at the first apply
	NotAfter  time.Time     // zero: not bounded by an instant
	Window    time.Duration // only when PublishAt is zero: counted from registration; else already in NotAfter
	Revision  int           // 1 or more

	After  []Address
	Labels map[string]string

	Allow       []string // ids of media rules that this story may break
	AllowRepeat bool     // no warning when the same media were on the Page before

	// Order is the position in file-name then source order: stories with
	// equal times go out in this order.
	Order int
	// Range is the block's header; Ranges has each attribute by name.
	Range  diag.Range
	Ranges map[string]diag.Range
}

// RangeOf returns where the attribute stands in the source, or the block's
// header when it is not set.
func (d *Desired) RangeOf(attr string) diag.Range {
	if r, ok := d.Ranges[attr]; ok {
		return r
	}
	return d.Range
}

// ContentID identifies what is shown: the sha256 of a local file, or
// "url:" and the URL of a hosted one, whose bytes can't be pinned.
func (d *Desired) ContentID() string { return ContentID(d.Media.SHA256, d.Source) }

// ContentID is Desired.ContentID for values that come from the state.
func ContentID(sha256, source string) string {
	if sha256 != "" {
		return sha256
	}
	return "url:" + source
}

// Observed is one story as GET /{page_id}/stories lists it.
type Observed struct {
	PostID    string
	MediaID   string // equals the photo_id or video_id that was uploaded: the join key
	Kind      Kind
	Published bool // status "published" in any casing; false: archived or a status not known here
	CreatedAt time.Time
	URL       string // opaque: taken from the list, never built
}

// ExpiresAt is when the story leaves the Page by itself.
func (o Observed) ExpiresAt() time.Time { return o.CreatedAt.Add(Lifetime) }

// PageView is one reading of a Page's list of stories.
type PageView struct {
	PageID string
	// At is when the reading began, by our clock.
	At time.Time
	// Since is the lower bound of creation times that was asked for.
	Since   time.Time
	Stories []Observed
}

// ByMedia finds the story that shows the uploaded media. It matches exactly:
// a story that is merely the newest is never taken for ours.
func (v *PageView) ByMedia(mediaID string) (Observed, bool) {
	if v == nil || mediaID == "" {
		return Observed{}, false
	}
	for _, o := range v.Stories {
		if o.MediaID == mediaID {
			return o, true
		}
	}
	return Observed{}, false
}

// VideoView is what GET /{video_id}?fields=status said about an upload.
type VideoView struct {
	VideoID string
	At      time.Time
	// Gone: the id is not known (any more), so the upload must start anew.
	Gone bool
	// Expired: the session is over, so the upload must start anew.
	Expired bool
	// Offset is how many bytes the server holds.
	Offset int64
	// Publish is publishing_phase.publish_status: "published",
	// "not_published" or "" when it was not told.
	Publish string
	// Busy: processing or publishing is in progress, so that
	// "not_published" may still change by itself.
	Busy bool
}
