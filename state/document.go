package state

import (
	"time"

	"storyform/story"
)

// FormatVersion is the version of the documents and records that this program
// writes in clear.
const FormatVersion = 1

// Document is one configuration's state at one serial. It holds no token and
// no secret.
type Document struct {
	Version int    `json:"version"`
	Lineage string `json:"lineage"` // random, made once: two states of one lineage have a common past
	Serial  uint64 `json:"serial"`  // rises with each written document; 0 means never written
	// PrevSHA256 is the hash of the document before this one: the documents form a chain.
	PrevSHA256 string `json:"prev_sha256,omitempty"`
	// WrittenBy names the run that wrote this document.
	WrittenBy string    `json:"written_by,omitempty"`
	WrittenAt time.Time `json:"written_at,omitzero"`
	Tool      string    `json:"storyform_version,omitempty"`
	// MovedTo names the store that the state was moved to. Nothing may be
	// planned from this one any more: a run that still knows the old place
	// would publish what a run at the new place has published.
	MovedTo string  `json:"moved_to,omitempty"`
	Stories []Entry `json:"stories"` // sorted by address
	// History is the append-only ledger of what had a public effect or ended
	// a story's life, oldest first.
	History []Event `json:"history,omitempty"`
	// Envelope is set when the document is encrypted: of the fields above only
	// Lineage, Serial and Tool are known then.
	Envelope *Envelope `json:"-"`
}

// Entry is what is remembered of one story: its current revision. Earlier
// revisions live on in the history.
type Entry struct {
	Address story.Address `json:"address"`
	Page    story.Address `json:"page"`
	PageID  string        `json:"page_id"`
	Kind    story.Kind    `json:"kind"`
	Source  string        `json:"source"` // path in the configuration, or URL
	SHA256  string        `json:"sha256,omitempty"`
	// SampleSHA256 is the hash over a video's samples, where it is known: the
	// same for one clip in another file.
	SampleSHA256 string       `json:"sample_sha256,omitempty"`
	Bytes        int64        `json:"bytes,omitempty"`
	Revision     int          `json:"revision"`
	Status       story.Status `json:"status"`
	// OutRevision is the highest revision before this one that was out; 0 for
	// none. The history tells of it as well, but under the address that the
	// story had then.
	OutRevision int `json:"out_revision,omitempty"`

	RegisteredAt time.Time `json:"registered_at,omitzero"`
	PublishAt    time.Time `json:"publish_at,omitzero"` // zero: at the first apply
	NotAfter     time.Time `json:"not_after,omitzero"`
	// Window bounds a story without publish_at, counted from RegisteredAt.
	Window time.Duration     `json:"window,omitempty"`
	After  []story.Address   `json:"after,omitempty"`
	Labels map[string]string `json:"labels,omitempty"`

	// MediaID is the photo_id or video_id of the upload that was or will be
	// published. Once a publish was attempted with it, it is never dropped.
	MediaID string `json:"media_id,omitempty"`
	// TriedMedia lists every media_id of this revision with which a publish
	// call was announced: should one of them turn up on the Page after all,
	// whatever was answered then, the story is out.
	TriedMedia  []string  `json:"tried_media,omitempty"`
	PostID      string    `json:"post_id,omitempty"`
	URL         string    `json:"url,omitempty"`
	PublishedAt time.Time `json:"published_at,omitzero"`
	ExpiresAt   time.Time `json:"expires_at,omitzero"`

	Operation *Operation `json:"operation,omitempty"` // in flight, or what remains to be settled
	Failure   *Failure   `json:"failure,omitempty"`   // why the last attempt ended, for failed and unknown

	// Forgotten says that the story was out when its block left the
	// configuration. The entry stays as a tombstone: declaring the same
	// address and revision again must not publish it a second time.
	Forgotten bool `json:"forgotten,omitempty"`
	// Resolution records a decision made by hand with `storyform resolve`.
	Resolution *Resolution `json:"resolution,omitempty"`
}

// Operation is the part of an entry that only matters until the story is
// out: how far the upload came, and which publish call was made.
type Operation struct {
	Run       string    `json:"run"`                  // the run that began it
	StartedAt time.Time `json:"started_at"`           // when the intent was recorded
	UploadURL string    `json:"upload_url,omitempty"` // of a video session
	// UploadedAt is when the media were complete at Meta; an unpublished
	// photo is kept there for about 24 hours.
	UploadedAt time.Time `json:"uploaded_at,omitzero"`
	// Attempt counts publish calls made with MediaID; 0 before the first.
	Attempt int `json:"attempt,omitempty"`
	// AttemptAt is when the newest publish call was announced.
	AttemptAt time.Time `json:"attempt_at,omitzero"`
	// Withdrawn says that the story was declared otherwise, or not at all, when
	// an apply found its outcome open: no other call is made for it, by no
	// run, whatever configuration it has.
	Withdrawn bool `json:"withdrawn,omitempty"`
}

// Failure tells why an attempt ended.
type Failure struct {
	At      time.Time `json:"at"`
	Op      string    `json:"op"` // the call, such as "photo_stories"
	Code    int       `json:"code,omitempty"`
	Subcode int       `json:"subcode,omitempty"`
	Message string    `json:"message"`
	TraceID string    `json:"fbtrace_id,omitempty"`
}

// Resolution is who decided by hand what became of a doubtful story.
type Resolution struct {
	At        time.Time `json:"at"`
	Who       string    `json:"who"`
	Published bool      `json:"published"`
	PostID    string    `json:"post_id,omitempty"`
}

// Listed is what an Event says that only adds to an earlier one: the list told
// the url and the exact time of a story whose publication is in the history.
const Listed = "listed"

// Told is the history as people want to read it: what a later line only adds
// to an earlier one is put there.
func Told(history []Event) []Event {
	told := make([]Event, 0, len(history))
	at := map[string]int{} // by media_id: the line of the publication
	for _, ev := range history {
		if i, ok := at[ev.MediaID]; ok && ev.What == Listed {
			told[i].URL, told[i].PublishedAt = ev.URL, ev.PublishedAt
			if told[i].PostID == "" {
				told[i].PostID = ev.PostID
			}
			continue
		}
		if ev.What != Listed && ev.MediaID != "" {
			at[ev.MediaID] = len(told)
		}
		told = append(told, ev)
	}
	return told
}

// Event is one line of the history.
type Event struct {
	At           time.Time     `json:"at"`
	What         string        `json:"what"` // "published", "adopted", "missed", "failed", "removed", "cancelled", "forgotten", "resolved"
	Address      story.Address `json:"address"`
	Revision     int           `json:"revision"`
	PageID       string        `json:"page_id"`
	Kind         story.Kind    `json:"kind"`
	SHA256       string        `json:"sha256,omitempty"`
	SampleSHA256 string        `json:"sample_sha256,omitempty"`
	MediaID      string        `json:"media_id,omitempty"`
	PostID       string        `json:"post_id,omitempty"`
	URL          string        `json:"url,omitempty"`
	// PublishAt and PublishedAt tell how late it was.
	PublishAt   time.Time `json:"publish_at,omitzero"`
	PublishedAt time.Time `json:"published_at,omitzero"`
	Run         string    `json:"run"`
	Who         string    `json:"who,omitempty"`
	Commit      string    `json:"commit,omitempty"`
	RunURL      string    `json:"run_url,omitempty"`
	Note        string    `json:"note,omitempty"`
}

// ContentID identifies what the entry shows; see story.ContentID.
func (e *Entry) ContentID() string { return story.ContentID(e.SHA256, e.Source) }

// Spec returns what was registered about the story.
func (e *Entry) Spec() story.Spec {
	return story.Spec{
		PageID: e.PageID, Kind: e.Kind, Source: e.Source, SHA256: e.SHA256,
		PublishAt: e.PublishAt, NotAfter: e.NotAfter, Window: e.Window,
		Revision: e.Revision, After: e.After, Labels: e.Labels,
	}
}

// Deadline is the last instant at which the entry may be published; the zero
// time means that nothing bounds it.
func (e *Entry) Deadline() time.Time {
	if e.NotAfter.IsZero() && e.PublishAt.IsZero() && e.Window > 0 && !e.RegisteredAt.IsZero() {
		return e.RegisteredAt.Add(e.Window)
	}
	return e.NotAfter
}

// Attempted reports whether a publish call was ever announced for this
// revision.
func (e *Entry) Attempted() bool { return len(e.TriedMedia) > 0 }

// WentOut is the highest revision of the story that is known to have been out;
// 0 for none.
func (e *Entry) WentOut() int {
	if e.Status.Out() {
		return e.Revision
	}
	return e.OutRevision
}

// ListedIn finds the story that shows any of the entry's media in a reading
// of its Page. It matches ids exactly.
func (e *Entry) ListedIn(view *story.PageView) (story.Observed, bool) {
	if o, ok := view.ByMedia(e.MediaID); ok {
		return o, true
	}
	for _, id := range e.TriedMedia {
		if o, ok := view.ByMedia(id); ok {
			return o, true
		}
	}
	return story.Observed{}, false
}
