package render

import (
	"strconv"
	"time"

	"storyform/story"
)

// EventKind says what an Event tells. The names are those of package apply.
type EventKind string

// The kinds of events, in the order in which a story may pass them.
const (
	Waiting         EventKind = "waiting" // nothing is done until PublishAt
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
	Skipped         EventKind = "skipped"
	PageUnavailable EventKind = "page_unavailable"
)

// Event is one thing that happened while a plan was carried out. It is plain
// data, from which the lines of a log, the bars of a terminal and JSON are
// drawn.
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
	PublishAt time.Time // when it was or is due; zero: at once
	ExpiresAt time.Time // when it leaves the Page
	Elapsed   time.Duration
}

// eventLook is how a kind of event is told: its sentence, its colour, its
// level and its type in JSON lines.
type eventLook struct {
	kind  EventKind
	style style
	level string // "info", "warn" or "error"
	// jsonType is Terraform's name for it where Terraform has the like, so
	// that wrappers made for its lines understand ours.
	jsonType string
	action   string // what is done to the story, in Terraform's word
	say      func(e *Event, o Options) string
}

// eventLooks has a row for every kind.
func eventLooks() []eventLook {
	return []eventLook{
		{Waiting, dim, "info", "waiting", "noop", sayWaiting},
		{Registered, green, "info", "registered", "create", func(e *Event, o Options) string { return "Scheduled" + sayDue(e, o) }},
		{Changed, yellow, "info", "changed", "update", func(e *Event, o Options) string { return "Changed, scheduled" + sayDue(e, o) }},
		{Cancelled, red, "info", "cancelled", "delete", saying("Cancelled; nothing was published")},
		{Forgotten, dim, "info", "forgotten", "forget", sayForgotten},
		{UploadStarted, plain, "info", "apply_start", "create", sayUploadStart},
		{UploadProgress, dim, "info", "apply_progress", "create", sayProgress},
		{UploadWaiting, dim, "info", "apply_progress", "create", sayUploadWaiting},
		{UploadDone, plain, "info", "uploaded", "create", sayAfter("Uploaded")},
		{PublishStarted, plain, "info", "publish_start", "create", saying("Publishing...")},
		{Published, green, "info", "apply_complete", "create", sayOut("Published")},
		{Settling, magenta, "warn", "settling", "read", saySettling},
		{Adopted, green, "info", "apply_complete", "import", sayOut("Found on the Page")},
		{MissedWindow, red, "error", "missed", "noop", because("Missed")},
		{FailedStory, red, "error", "apply_errored", "create", because("Failed")},
		{UnknownOutcome, magenta, "error", "apply_errored", "create", because("The outcome is not known")},
		{NotAttempted, yellow, "warn", "not_attempted", "noop", because("Not attempted")},
		{Skipped, dim, "info", "skipped", "noop", because("Nothing left to do")},
		{PageUnavailable, red, "error", "page_unavailable", "read", because("The Page can't be used")},
	}
}

// lookOf returns how an event is told; a kind that is not known here is told
// by its name and message.
func (e *Event) look() eventLook {
	for _, l := range eventLooks() {
		if l.kind == e.Kind {
			return l
		}
	}
	return eventLook{e.Kind, plain, "info", string(e.Kind), "noop", because(string(e.Kind))}
}

// subject is what an event is about: a story or a Page.
func (e *Event) subject() string {
	switch {
	case !e.Address.IsZero():
		return e.Address.String()
	case !e.Page.IsZero():
		return e.Page.String()
	}
	return "Page " + e.PageID
}

// Text tells an event on one line: `story.teaser["id"]: Published after 3s
// [post_id=…, live until Mon 21 Dec 09:00 WIB]`.
func (e Event) Text(o Options) string {
	return clean(e.subject() + ": " + e.look().say(&e, o))
}

// saying always says s.
func saying(s string) func(*Event, Options) string {
	return func(*Event, Options) string { return s }
}

// because says s and the event's message.
func because(s string) func(*Event, Options) string {
	return func(e *Event, _ Options) string {
		if e.Message == "" {
			return s
		}
		return s + ": " + e.Message
	}
}

// sayAfter says s and how long it took.
func sayAfter(s string) func(*Event, Options) string {
	return func(e *Event, _ Options) string {
		if e.Elapsed < time.Second {
			return s
		}
		return s + " after " + Duration(e.Elapsed)
	}
}

// sayOut says that a story is on its Page, with its id and until when.
func sayOut(s string) func(*Event, Options) string {
	return func(e *Event, o Options) string {
		text, in := sayAfter(s)(e, o), ""
		if e.PostID != "" {
			in = "post_id=" + e.PostID
		}
		if !e.ExpiresAt.IsZero() {
			if in != "" {
				in += ", "
			}
			in += "live until " + moment(e.ExpiresAt, o.zone(e.Page), e.Time)
		}
		if in != "" {
			text += " [" + in + "]"
		}
		if e.URL != "" {
			text += " " + e.URL
		}
		return text
	}
}

// sayDue says when a story is to go out.
func sayDue(e *Event, o Options) string {
	if e.PublishAt.IsZero() {
		return ""
	}
	return " for " + moment(e.PublishAt, o.zone(e.Page), e.Time)
}

// sayWaiting says until when nothing happens.
func sayWaiting(e *Event, o Options) string {
	if e.PublishAt.IsZero() {
		return because("Waiting...")(e, o)
	}
	text := "Waiting until " + moment(e.PublishAt, o.zone(e.Page), e.Time)
	if left := e.PublishAt.Sub(e.Time); left > 0 && !e.Time.IsZero() {
		text += " (" + Duration(left) + ")"
	}
	return text + "..."
}

// sayForgotten says how long a forgotten story is still seen.
func sayForgotten(e *Event, o Options) string {
	if e.ExpiresAt.IsZero() {
		return "Forgotten"
	}
	return "Forgotten; it stays visible until " + moment(e.ExpiresAt, o.zone(e.Page), e.Time)
}

// sayUploadStart says how much is to be sent, and from where.
func sayUploadStart(e *Event, _ Options) string {
	switch {
	case e.Total <= 0:
		return "Uploading..."
	case e.Bytes > 0:
		return "Resuming the upload... [" + Bytes(e.Bytes) + " of " + Bytes(e.Total) + " are there]"
	}
	return "Uploading... [" + Bytes(e.Total) + "]"
}

// sayProgress says how far an upload has come.
func sayProgress(e *Event, _ Options) string {
	text := "Still uploading... [" + Duration(e.Elapsed) + " elapsed"
	if e.Total > 0 {
		text += ", " + strconv.FormatInt(min(100, 100*e.Bytes/e.Total), 10) + "%"
	}
	return text + "]"
}

// sayUploadWaiting says that Meta has not finished with a file.
func sayUploadWaiting(e *Event, _ Options) string {
	text := "Waiting for Meta to process it..."
	if e.Message != "" {
		text += " " + e.Message
	}
	if e.Elapsed >= time.Second {
		text += " [" + Duration(e.Elapsed) + " elapsed]"
	}
	return text
}

// saySettling says that the Page is asked what became of a story.
func saySettling(e *Event, _ Options) string {
	if e.Message == "" {
		return "The outcome is not known; asking the Page..."
	}
	return "The outcome is not known (" + e.Message + "); asking the Page..."
}
