package sandbox

import (
	"slices"
	"strings"
	"time"
)

// How a request ended, in Request.Outcome.
const (
	OutcomeDone    = "done"    // it had its effect and was answered
	OutcomeRefused = "refused" // it was answered with an error and had no effect
	OutcomeLost    = "lost"    // it was carried out, and a fault spoiled the answer
	OutcomeDropped = "dropped" // a fault came before it had any effect
	OutcomeBroken  = "broken"  // its body ended early; of an upload the bytes that came are kept
)

// maxRequests is how many requests the log keeps.
const maxRequests = 1000

// Request is one entry of the request log. It never holds a token or a query.
type Request struct {
	N       int64     `json:"n"` // from 1, in the order in which requests took effect
	Time    time.Time `json:"time"`
	Method  string    `json:"method"`
	Path    string    `json:"path"`           // without the query
	Edge    string    `json:"edge"`           // one of the Edge constants
	Page    string    `json:"page,omitempty"` // id of the Page concerned
	Media   string    `json:"media,omitempty"`
	Status  int       `json:"status,omitempty"` // HTTP status; 0 when no answer was sent
	Outcome string    `json:"outcome"`          // one of the Outcome constants
	Code    int       `json:"code,omitempty"`   // of a refusal
	Subcode int       `json:"subcode,omitempty"`
	Type    string    `json:"type,omitempty"`   // debug_info.type of a refusal by the upload host
	Bytes   int64     `json:"bytes,omitempty"`  // of media received in this request
	SHA256  string    `json:"sha256,omitempty"` // of those bytes; for a complete video, of the whole
	// Token says how the token came: bearer, oauth, query, form, joined by +.
	Token  string `json:"token,omitempty"`
	Fault  string `json:"fault,omitempty"`  // the fault that it suffered
	Public bool   `json:"public,omitempty"` // it made something visible
	PostID string `json:"post_id,omitempty"`
}

// record appends an entry to the log.
func (w *world) record(e Request) {
	w.requests = append(w.requests, e)
	if over := len(w.requests) - maxRequests; over > 0 {
		w.requests = append([]Request(nil), w.requests[over:]...)
	}
}

// cleanPath is a request's path for the log. Only what the API itself uses in
// paths is kept, in case somebody puts a token there.
func cleanPath(path string) string {
	parts := strings.Split(path, "/")
	for i, part := range parts {
		if !isPathWord(part) {
			parts[i] = "…"
		}
	}
	return strings.Join(parts[:min(len(parts), 8)], "/")
}

// pathWords are the words that the API uses in paths.
var pathWords = []string{
	"", "me", "accounts", "permissions", "debug_token", "stories", "photos", "photo_stories", "video_stories", "video-upload",
}

// isPathWord reports whether a path segment is an id, a version or a word of
// the API.
func isPathWord(text string) bool {
	return isID(text) || isVersion(text) || slices.Contains(pathWords, text)
}

// short is a text of the client's for an error message.
func short(text string) string {
	if len(text) > 40 {
		return strings.ToValidUTF8(text[:40], "") + "…"
	}
	return text
}
