package sandbox

import (
	"cmp"
	"encoding/base64"
	"fmt"
	"slices"
	"strconv"
	"time"
)

// Lifetimes as documented or, where the documentation is silent, as Switches
// has them by default.
const (
	storyLifetime = 24 * time.Hour
	photoLifetime = 24 * time.Hour // "about 24 hours", Page Photos reference v26.0
)

// Page is a Facebook Page of the world.
type Page struct {
	ID   string `json:"id"` // digits
	Name string `json:"name,omitempty"`
	// ActorID stands in story URLs; it differs from ID, as on Facebook. ""
	// means one that follows from ID.
	ActorID string `json:"actor_id,omitempty"`
	// ArchiveOff makes stories disappear when they expire.
	ArchiveOff bool `json:"archive_off,omitempty"`
	// Portfolio says that the Page is reached through a business portfolio:
	// /me/accounts leaves it out without business_management.
	Portfolio bool `json:"portfolio,omitempty"`
	// MovedTo is the id that the Page has now: calls are refused with code 21.
	MovedTo string `json:"moved_to,omitempty"`

	Generation int   `json:"generation,omitempty"` // of its derived tokens
	Hour       int64 `json:"hour,omitempty"`       // Unix hour that Calls counts
	Calls      int   `json:"calls,omitempty"`

	stories []*post // oldest first
}

// photo is an uploaded photo.
type photo struct {
	ID       string    `json:"id"`
	Page     string    `json:"page"`
	SHA256   string    `json:"sha256"`
	Bytes    int64     `json:"bytes"`
	Uploaded time.Time `json:"uploaded"`
	Feed     bool      `json:"feed,omitempty"` // published to the feed at once
	PostID   string    `json:"post_id,omitempty"`
}

// video is an upload session and the video that comes of it.
type video struct {
	ID       string    `json:"id"`
	Page     string    `json:"page"`
	Started  time.Time `json:"started"`
	FileSize int64     `json:"file_size,omitempty"`
	Received int64     `json:"received,omitempty"`
	Hash     []byte    `json:"hash,omitempty"` // state of SHA-256 after Received bytes
	SHA256   string    `json:"sha256,omitempty"`
	// Uploaded is when all bytes are there. For a hosted file it may lie ahead.
	Uploaded time.Time `json:"uploaded,omitzero"`
	Hosted   bool      `json:"hosted,omitempty"`
	Problem  *problem  `json:"problem,omitempty"`
	Finished time.Time `json:"finished,omitzero"`
	PostID   string    `json:"post_id,omitempty"`
}

// problem is an error that a video's status shows in one of its phases.
type problem struct {
	Phase   string `json:"phase"` // uploading or processing
	Code    int    `json:"code"`
	Message string `json:"message"`
}

// post is a story on a Page.
type post struct {
	PostID  string    `json:"post_id"`
	MediaID string    `json:"media_id"`
	Page    string    `json:"page"`
	Kind    string    `json:"kind"` // photo or video
	SHA256  string    `json:"sha256,omitempty"`
	Bytes   int64     `json:"bytes,omitempty"`
	Created time.Time `json:"created"` // when it became public; may lie ahead
	Card    string    `json:"card"`    // the id inside the URL
	ByHand  bool      `json:"by_hand,omitempty"`
	Removed bool      `json:"removed,omitempty"`
}

// world is everything that the simulator remembers.
type world struct {
	created  time.Time
	next     int64
	serial   int64 // of requests
	offset   time.Duration
	switches Switches
	throttle throttle
	pages    map[string]*Page
	photos   map[string]*photo
	videos   map[string]*video
	posts    map[string]*post
	tokens   map[string]*Token // by the SHA-256 of the token
	faults   []*scripted
	requests []Request
}

// throttle is the state of Switches.Throttle.
type throttle struct {
	Code  int       `json:"code,omitempty"`
	Until time.Time `json:"until,omitzero"`
}

// newWorld returns an empty world that begins at now.
func newWorld(now time.Time) *world {
	return &world{
		created: now.UTC(),
		pages:   map[string]*Page{}, photos: map[string]*photo{}, videos: map[string]*video{},
		posts: map[string]*post{}, tokens: map[string]*Token{},
	}
}

// id returns a new object id of 18 digits, too long to survive as a float.
// It begins with the time at which the world was made: ids of a world that
// was thrown away never name something in its successor.
func (w *world) id() string {
	w.next++
	return strconv.FormatInt(max(w.created.Unix(), 1e9)*1e8+w.next*7, 10)
}

// page returns a Page. make says that it may be made now.
func (w *world) page(id string, make bool) (*Page, bool) {
	if p := w.pages[id]; p != nil || !make || !isID(id) {
		return p, p != nil
	}
	return w.addPage(Page{ID: id, ArchiveOff: w.switches.ArchiveOff}), true
}

// addPage adds a Page or replaces what is known of it.
func (w *world) addPage(p Page) *Page {
	p.Name = cmp.Or(p.Name, "Page "+p.ID)
	if p.ActorID == "" {
		n, _ := strconv.ParseInt(p.ID[max(0, len(p.ID)-9):], 10, 64)
		p.ActorID = strconv.FormatInt(122_000_000_000_000_000+n*31+7, 10)
	}
	if old := w.pages[p.ID]; old != nil {
		p.stories, p.Generation = old.stories, max(old.Generation, p.Generation)
	}
	w.pages[p.ID] = &p
	return &p
}

// addPost puts a story on its Page, in order of creation.
func (w *world) addPost(s *post) {
	w.posts[s.PostID] = s
	p, _ := w.page(s.Page, true)
	at := len(p.stories)
	for at > 0 && p.stories[at-1].Created.After(s.Created) {
		at--
	}
	p.stories = slices.Insert(p.stories, at, s)
}

// publish makes a story of media at a time.
func (w *world) publish(page, kind, mediaID, sha string, bytes int64, at time.Time) *post {
	s := &post{
		PostID: w.id(), MediaID: mediaID, Page: page, Kind: kind, SHA256: sha,
		Bytes: bytes, Created: at.UTC(), Card: w.id(),
	}
	w.addPost(s)
	return s
}

// status is what a story is at a time: "published", "archived", or "" when it
// is not there (not yet, or no more).
func (w *world) status(s *post, now time.Time) string {
	switch p := w.pages[s.Page]; {
	case s.Removed || now.Before(s.Created):
		return ""
	case now.Before(s.Created.Add(storyLifetime)):
		return "published"
	case p != nil && !p.ArchiveOff:
		return "archived"
	}
	return ""
}

// listed reports whether the API shows a story at a time.
func (w *world) listed(s *post, now time.Time) bool {
	if s.ByHand && w.switches.HideHandMade {
		return false
	}
	return w.status(s, now) != "" && !now.Before(s.Created.Add(time.Duration(w.switches.ListingLag)))
}

// url is the address of a story. Its last part decodes to "S:_ISC:<id>", and
// neither id in it is the post's (github.com/gitroomhq/postiz-app/issues/1920).
func (w *world) url(s *post) string {
	actor := ""
	if p := w.pages[s.Page]; p != nil {
		actor = p.ActorID
	}
	card := base64.StdEncoding.EncodeToString([]byte("S:_ISC:" + s.Card))
	return fmt.Sprintf("https://facebook.com/stories/%s/%s/?view_single=1", actor, card)
}

// sweep forgets what can't matter any more, so that a world that is used for
// years stays small: unpublished media long after their end.
func (w *world) sweep(now time.Time) {
	const grace = 7 * 24 * time.Hour
	for id, p := range w.photos {
		if p.PostID == "" && !p.Feed && now.After(p.Uploaded.Add(photoLifetime+grace)) {
			delete(w.photos, id)
		}
	}
	for id, v := range w.videos {
		if v.PostID == "" && now.After(v.Started.Add(w.switches.sessionLifetime()+grace)) {
			delete(w.videos, id)
		}
	}
}

// used reports whether bytes were published before, on any Page.
func (w *world) used(sha string) bool {
	for _, s := range w.posts {
		if s.SHA256 == sha && sha != "" {
			return true
		}
	}
	return false
}

// isID reports whether text can be the id of an object.
func isID(text string) bool {
	if text == "" || len(text) > 20 {
		return false
	}
	for _, c := range []byte(text) {
		if c < '0' || c > '9' {
			return false
		}
	}
	return true
}
