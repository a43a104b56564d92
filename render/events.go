package render

import (
	"strconv"
	"strings"
	"time"

	"storyform/story"
)

// eventLook is how a kind of event is told: its sentence, its colour, its
// level and its type in JSON lines.
type eventLook struct {
	kind  story.EventKind
	style style
	level string // "info", "warn" or "error"
	// jsonType is Terraform's name for it where Terraform has the like, so
	// that wrappers made for its lines understand ours.
	jsonType string
	action   string // what is done to the story, in Terraform's word
	say      func(e *story.Event, o Options) string
}

// eventLooks has a row for every kind.
func eventLooks() []eventLook {
	return []eventLook{
		{story.EventWaiting, dim, "info", "waiting", "noop", sayWaiting},
		{story.EventRegistered, green, "info", "registered", "create", func(e *story.Event, o Options) string { return "Scheduled" + sayDue(e, o) }},
		{story.EventChanged, yellow, "info", "changed", "update", func(e *story.Event, o Options) string { return "Changed, scheduled" + sayDue(e, o) }},
		{story.EventCancelled, red, "info", "cancelled", "delete", saying("Cancelled; nothing was published")},
		{story.EventForgotten, dim, "info", "forgotten", "forget", sayForgotten},
		{story.EventUploadStarted, plain, "info", "apply_start", "create", sayUploadStart},
		{story.EventUploadProgress, dim, "info", "apply_progress", "create", sayProgress},
		{story.EventUploadWaiting, dim, "info", "apply_progress", "create", sayUploadWaiting},
		{story.EventUploadDone, plain, "info", "uploaded", "create", sayAfter("Uploaded")},
		{story.EventPublishStarted, plain, "info", "publish_start", "create", saying("Publishing...")},
		{story.EventPublished, green, "info", "apply_complete", "create", sayOut("Published")},
		{story.EventSettling, magenta, "warn", "settling", "read", saySettling},
		{story.EventAdopted, green, "info", "apply_complete", "import", sayOut("Found on the Page")},
		{story.EventMissed, red, "error", "missed", "noop", because("Missed")},
		{story.EventFailed, red, "error", "apply_errored", "create", because("Failed")},
		{story.EventUnknown, magenta, "error", "apply_errored", "create", because("The outcome is not known")},
		{story.EventNotAttempted, yellow, "warn", "not_attempted", "noop", because("Not attempted")},
		{story.EventSkipped, dim, "info", "skipped", "noop", because("Nothing left to do")},
		{story.EventPageUnavailable, red, "error", "page_unavailable", "read", because("The Page can't be used")},
	}
}

// eventLookOf returns how an event is told; a kind that is not known here is told
// by its name and message.
func eventLookOf(e *story.Event) eventLook {
	for _, l := range eventLooks() {
		if l.kind == e.Kind {
			return l
		}
	}
	return eventLook{e.Kind, plain, "info", string(e.Kind), "noop", because(string(e.Kind))}
}

// subjectOf is what an event is about: a story or a Page.
func subjectOf(e *story.Event) string {
	switch {
	case !e.Address.IsZero():
		return e.Address.String()
	case !e.Page.IsZero():
		return e.Page.String()
	}
	return "Page " + e.PageID
}

// Event tells an event on one line: `story.teaser["id"]: Published after 3s
// [post_id=…, live until Mon 21 Dec 09:00 WIB]`.
func Event(e *story.Event, o Options) string {
	return clean(subjectOf(e) + ": " + eventLookOf(e).say(e, o))
}

// saying always says s.
func saying(s string) func(*story.Event, Options) string {
	return func(*story.Event, Options) string { return s }
}

// because says s and the event's message, of which only the first paragraph has
// a place on a line.
func because(s string) func(*story.Event, Options) string {
	return func(e *story.Event, _ Options) string {
		if e.Message == "" {
			return s
		}
		why, _, _ := strings.Cut(e.Message, "\n\n")
		return s + ": " + why
	}
}

// sayAfter says s and how long it took.
func sayAfter(s string) func(*story.Event, Options) string {
	return func(e *story.Event, _ Options) string {
		if e.Elapsed < time.Second {
			return s
		}
		return s + " after " + Duration(e.Elapsed)
	}
}

// sayOut says that a story is on its Page, with its id and until when.
func sayOut(s string) func(*story.Event, Options) string {
	return func(e *story.Event, o Options) string {
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
func sayDue(e *story.Event, o Options) string {
	if e.PublishAt.IsZero() {
		return ""
	}
	return " for " + moment(e.PublishAt, o.zone(e.Page), e.Time)
}

// sayWaiting says until when nothing happens.
func sayWaiting(e *story.Event, o Options) string {
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
func sayForgotten(e *story.Event, o Options) string {
	if e.ExpiresAt.IsZero() {
		return "Forgotten"
	}
	return "Forgotten; it stays visible until " + moment(e.ExpiresAt, o.zone(e.Page), e.Time)
}

// sayUploadStart says how much is to be sent, and from where.
func sayUploadStart(e *story.Event, _ Options) string {
	switch {
	case e.Total <= 0:
		return "Uploading..."
	case e.Bytes > 0:
		return "Resuming the upload... [" + Bytes(e.Bytes) + " of " + Bytes(e.Total) + " are there]"
	}
	return "Uploading... [" + Bytes(e.Total) + "]"
}

// sayProgress says how far an upload has come.
func sayProgress(e *story.Event, _ Options) string {
	text := "Still uploading... [" + Duration(e.Elapsed) + " elapsed"
	if e.Total > 0 {
		text += ", " + strconv.FormatInt(min(100, 100*e.Bytes/e.Total), 10) + "%"
	}
	return text + "]"
}

// sayUploadWaiting says that Meta has not finished with a file.
func sayUploadWaiting(e *story.Event, _ Options) string {
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
func saySettling(e *story.Event, _ Options) string {
	if e.Message == "" {
		return "The outcome is not known; asking the Page..."
	}
	return "The outcome is not known (" + e.Message + "); asking the Page..."
}
