package story

import "time"

// EventKind says what an Event tells.
type EventKind string

// The kinds of events, in the order in which a story may pass them.
const (
	EventWaiting         EventKind = "waiting" // nothing is done until PublishAt
	EventRegistered      EventKind = "registered"
	EventChanged         EventKind = "changed"
	EventCancelled       EventKind = "cancelled"
	EventForgotten       EventKind = "forgotten"
	EventUploadStarted   EventKind = "upload_start"
	EventUploadProgress  EventKind = "upload_progress"
	EventUploadWaiting   EventKind = "upload_waiting" // the bytes are sent; Meta is working on them
	EventUploadDone      EventKind = "upload_done"
	EventPublishStarted  EventKind = "publish_start"
	EventPublished       EventKind = "published"
	EventSettling        EventKind = "settling" // the outcome is open; the Page is asked
	EventAdopted         EventKind = "adopted"
	EventMissed          EventKind = "missed"
	EventFailed          EventKind = "failed"
	EventUnknown         EventKind = "unknown"
	EventNotAttempted    EventKind = "not_attempted"
	EventSkipped         EventKind = "skipped" // of an approved plan, nothing is left to do for it
	EventPageUnavailable EventKind = "page_unavailable"
)

// Event is one thing that happened to a story while a plan was carried out. It
// is plain data, from which the lines of a log, the bars of a terminal and JSON
// are drawn.
type Event struct {
	Time      time.Time
	Kind      EventKind
	Address   Address // zero for an event of a whole Page
	Page      Address
	PageID    string
	Bytes     int64 // sent so far, for upload events
	Total     int64 // of the file; 0 when not known
	Message   string
	PostID    string
	URL       string
	PublishAt time.Time // when it was or is due; zero: at once
	ExpiresAt time.Time // when it leaves the Page
	Elapsed   time.Duration
}
