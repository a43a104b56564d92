package story

// Kind says what a story shows.
type Kind string

// The two kinds of media that a story can show.
const (
	Photo Kind = "photo"
	Video Kind = "video"
)

// Status is where a story stands in its life.
//
//	scheduled → uploading → uploaded → publishing → live → archived
//
// with the side exits missed, failed, unknown, removed and cancelled.
type Status string

// The statuses that the state records.
const (
	Scheduled  Status = "scheduled"  // registered with its hash and window, nothing sent yet
	Uploading  Status = "uploading"  // an intent is recorded; a session may exist, nothing is visible
	Uploaded   Status = "uploaded"   // the media are at Meta, not published
	Publishing Status = "publishing" // recorded before the call with a public effect
	Live       Status = "live"       // published, visible until ExpiresAt
	Archived   Status = "archived"   // its 24 hours are over
	Missed     Status = "missed"     // its window closed unpublished
	Failed     Status = "failed"     // definitely not published; may be tried again inside the window
	Unknown    Status = "unknown"    // a publish call was made and its outcome is open
	Removed    Status = "removed"    // gone before its 24 hours, by hand or by Meta
	Cancelled  Status = "cancelled"  // left the configuration before it was published
)

// Statuses lists every status in the order of a story's life.
var Statuses = []Status{Scheduled, Uploading, Uploaded, Publishing, Unknown, Live, Archived, Removed, Missed, Failed, Cancelled}

// Valid reports whether s is one of Statuses.
func (s Status) Valid() bool {
	for _, known := range Statuses {
		if s == known {
			return true
		}
	}
	return false
}

// Converged reports whether nothing is left to do and nothing to say: a
// story in such a status is never a difference.
func (s Status) Converged() bool {
	return s == Archived || s == Missed || s == Removed || s == Cancelled
}

// Out reports whether the story is known to have been published.
func (s Status) Out() bool { return s == Live || s == Archived || s == Removed }

// Doubtful reports whether a publish call may have been made whose outcome
// is not recorded.
func (s Status) Doubtful() bool { return s == Publishing || s == Unknown }

// Pending reports whether the story is not out and no publish call was made
// for it that could have taken effect.
func (s Status) Pending() bool {
	return s == Scheduled || s == Uploading || s == Uploaded || s == Failed
}
