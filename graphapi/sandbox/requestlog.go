package sandbox

import (
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

// isPathWord reports whether a path segment is an id, a version or the name
// of an edge.
func isPathWord(text string) bool {
	if text == "" || isID(text) || isVersion(text) || text == "video-upload" {
		return true
	}
	return len(text) <= 24 && !strings.HasPrefix(text, "sandbox") && !strings.ContainsFunc(text, func(r rune) bool {
		return !(r >= 'a' && r <= 'z' || r == '_')
	})
}
