package apply

import (
	"time"

	"storyform/story"
)

// EventKind says what an Event tells.
type EventKind string

// The kinds of events, in the order in which a story may pass them.
const (
	Registered      EventKind = "registered"
	Changed         EventKind = "changed"
	Cancelled       EventKind = "cancelled"
	Forgotten       EventKind = "forgotten"
	UploadStarted   EventKind = "upload_start"
	UploadProgress  EventKind = "upload_progress"
	UploadWaiting   EventKind = "upload_waiting" // the bytes are sent; Meta is working on them
	UploadDone      EventKind = "upload_done"
	PublishStarted  EventKind = "publish_start"
	Published       EventKind = "published"
	Settling        EventKind = "settling" // the outcome is open; the Page is asked
	Adopted         EventKind = "adopted"
	MissedWindow    EventKind = "missed"
	FailedStory     EventKind = "failed"
	UnknownOutcome  EventKind = "unknown"
	NotAttempted    EventKind = "not_attempted"
	Skipped         EventKind = "skipped" // of an approved plan, nothing is left to do for it
	PageUnavailable EventKind = "page_unavailable"
)

// Event is one thing that happened during a run, for progress and for event
// lines.
type Event struct {
	Time      time.Time
	Kind      EventKind
	Address   story.Address // zero for an event of a whole Page
	Page      story.Address
	PageID    string
	Bytes     int64 // sent so far, for upload events
	Total     int64 // of the file; 0 when not known
	Message   string
	PostID    string
	URL       string
	PublishAt time.Time // when it was due; zero: at once
	ExpiresAt time.Time // when it leaves the Page
	Elapsed   time.Duration
}
