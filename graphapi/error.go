package graphapi

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// Error is a call that failed: refused by the API in either of its two
// envelopes (`error` of the Graph hosts, `debug_info` of the upload host),
// answered with something that is no answer, or not answered at all. It holds
// no URL and no secret, and its texts are fit for a terminal.
type Error struct {
	Op        string        // the edge or step that was called, such as "photo_stories"
	Status    int           // the HTTP status; 0 when there was no answer
	Code      int           // error.code; 0 when there is none
	Subcode   int           // error.error_subcode; 0 when there is none
	Type      string        // error.type or debug_info.type
	Message   string        // error.message or debug_info.message, for developers
	UserTitle string        // error.error_user_title, in the language of the account
	UserMsg   string        // error.error_user_msg, in the language of the account
	TraceID   string        // fbtrace_id, for Meta's support; it expires soon
	Transient bool          // error.is_transient; false proves nothing
	Retriable bool          // debug_info.retriable; false proves nothing
	Wait      time.Duration // how long the server asked to wait: Retry-After, backoff or the usage headers
	Err       error         // the cause when the API told none: transport, unreadable body, refused input

	unsent bool // no byte of the request can have reached the server
}

// The causes of errors that the API did not name. They are found in Error.Err
// with errors.Is.
var (
	// ErrUnreadable: the answer is empty, cut, too long, not JSON or not of
	// the documented shape.
	ErrUnreadable = errors.New("the answer is not a readable reply of the Graph API")
	// ErrNotAcknowledged: the answer has no error and no success either.
	ErrNotAcknowledged = errors.New("the answer doesn't confirm the call")
	// ErrRedirect: the server redirected a request that carries a token.
	ErrRedirect = errors.New("the server answered with a redirect, which is not followed with a token")
	// ErrUploadURL: the upload URL is not on the host where uploads go.
	ErrUploadURL = errors.New("the upload URL is not on the upload host, so no token is sent there")
	// ErrInput: an argument was refused here, before anything was sent.
	ErrInput = errors.New("the request can't be made")
	// ErrTooLong: the list of stories has more pages than are read.
	ErrTooLong = errors.New("the list has more pages than are read")
)

// WrongPageError says that the token belongs to another Page.
type WrongPageError struct {
	Want string // the Page id that is configured
	Got  string // the Page id of the token
	Name string // the name of the token's Page
}

// Error names both Pages.
func (e *WrongPageError) Error() string {
	return fmt.Sprintf("the token belongs to the Page %q (%s), not to the Page %s", e.Name, e.Got, e.Want)
}

// NoPageTokenError says that a user or system user got no token for a Page.
type NoPageTokenError struct {
	Page string // the Page id that is configured
	User string // the name of the token's user
	Err  error  // what the API said; nil when it merely left the token out
}

// Error names the user and the Page.
func (e *NoPageTokenError) Error() string {
	text := fmt.Sprintf("the token of the user %q gives no access to the Page %s", e.User, e.Page)
	if e.Err != nil {
		text += " (" + Reason(e.Err) + ")"
	}
	return text
}

// Unwrap returns what the API said.
func (e *NoPageTokenError) Unwrap() error { return e.Err }

// timeoutError is the end of one of this client's own time limits.
type timeoutError struct{ after time.Duration }

// Error tells the limit.
func (e timeoutError) Error() string { return fmt.Sprintf("no answer within %s", e.after) }

// Timeout reports true, as net.Error has it.
func (e timeoutError) Timeout() bool { return true }

// Unwrap returns context.DeadlineExceeded, which it is.
func (e timeoutError) Unwrap() error { return context.DeadlineExceeded }

// Error tells what was called, what came back, and what to do about it.
func (e *Error) Error() string { return e.reason() + advice(e.hint()) }

// Unwrap returns the cause when the API told none.
func (e *Error) Unwrap() error { return e.Err }

// reason is the error without what to do.
func (e *Error) reason() string {
	var b strings.Builder
	b.WriteString(e.Op + ": ")
	switch {
	case e.Code != 0:
		b.WriteString("(#" + codeText(e.Code, e.Subcode) + ") ")
	case e.Type != "":
		b.WriteString(e.Type + ": ")
	}
	b.WriteString(e.said())
	var facts []string
	if e.Status != 0 && (e.Status >= http.StatusInternalServerError || e.Code == 0) {
		facts = append(facts, "HTTP "+strconv.Itoa(e.Status))
	}
	if e.TraceID != "" {
		facts = append(facts, "fbtrace_id "+e.TraceID)
	}
	if len(facts) > 0 {
		b.WriteString(" [" + strings.Join(facts, ", ") + "]")
	}
	return b.String()
}

// said is what the server or the transport said, in its own words. The text
// for users is added: for codes that nobody documented it is all there is.
func (e *Error) said() string {
	// Messages often begin with the code, which is already there.
	text := strings.TrimSpace(strings.TrimPrefix(e.Message, "(#"+strconv.Itoa(e.Code)+")"))
	if text == "" && e.Err != nil {
		text = e.Err.Error()
	}
	user := e.UserTitle
	if e.UserMsg != "" {
		user = strings.TrimPrefix(user+": "+e.UserMsg, ": ")
	}
	switch {
	case text == "" && user == "":
		return "no message"
	case text == "":
		return user
	case user == "" || strings.Contains(text, user):
		return text
	}
	return text + " (" + user + ")"
}

// codeText renders a code as 190 or 190/463.
func codeText(code, subcode int) string {
	if subcode == 0 {
		return strconv.Itoa(code)
	}
	return strconv.Itoa(code) + "/" + strconv.Itoa(subcode)
}

// envelope is every answer that is not the data that was asked for. The
// fields are raw because a field of an unexpected type must not hide the rest.
type envelope struct {
	Error     json.RawMessage `json:"error"`
	DebugInfo json.RawMessage `json:"debug_info"`
	Backoff   json.RawMessage `json:"backoff"` // milliseconds, upload host
	Success   json.RawMessage `json:"success"`
}

// decodeError reads the error in a body, in either envelope. It returns nil
// when the body holds none, which says nothing about success. It never fails:
// of a damaged envelope it returns what can be read.
func decodeError(body []byte) *Error {
	var env envelope
	if json.Unmarshal(body, &env) != nil {
		return nil
	}
	succeeded, _ := looseBool(env.Success)
	switch {
	case present(env.Error):
		e := decodeGraph(env.Error)
		e.Wait = milliseconds(env.Backoff)
		return e
	case present(env.DebugInfo) && !succeeded:
		e := decodeUpload(env.DebugInfo)
		e.Wait = milliseconds(env.Backoff)
		return e
	}
	return nil
}

// present reports whether a field is there with something in it.
func present(raw json.RawMessage) bool { return len(raw) > 0 && string(raw) != "null" }

// decodeGraph reads the value of "error".
// Source: developers.facebook.com/docs/graph-api/guides/error-handling, 2026.
func decodeGraph(raw json.RawMessage) *Error {
	var f struct {
		Message   json.RawMessage `json:"message"`
		Type      json.RawMessage `json:"type"`
		Code      json.RawMessage `json:"code"`
		Subcode   json.RawMessage `json:"error_subcode"`
		Transient json.RawMessage `json:"is_transient"`
		UserTitle json.RawMessage `json:"error_user_title"`
		UserMsg   json.RawMessage `json:"error_user_msg"`
		Trace     json.RawMessage `json:"fbtrace_id"`
	}
	if json.Unmarshal(raw, &f) != nil {
		return &Error{Message: text(raw), Err: ErrUnreadable}
	}
	e := &Error{
		Message: text(f.Message), Type: text(f.Type), UserTitle: text(f.UserTitle),
		UserMsg: text(f.UserMsg), TraceID: text(f.Trace), Code: code(f.Code), Subcode: code(f.Subcode),
	}
	e.Transient, _ = looseBool(f.Transient)
	return e
}

// decodeUpload reads the value of "debug_info", the envelope of the upload host.
func decodeUpload(raw json.RawMessage) *Error {
	var f struct {
		Retriable json.RawMessage `json:"retriable"`
		Type      json.RawMessage `json:"type"`
		Message   json.RawMessage `json:"message"`
	}
	if json.Unmarshal(raw, &f) != nil {
		return &Error{Message: text(raw), Err: ErrUnreadable}
	}
	e := &Error{Type: text(f.Type), Message: text(f.Message)}
	e.Retriable, _ = looseBool(f.Retriable)
	return e
}

// text reads a string that may be missing or of another type.
func text(raw json.RawMessage) string {
	s, _ := looseString(raw)
	return s
}

// code reads an error code; 0 when it is missing or none.
func code(raw json.RawMessage) int {
	n, ok := looseInt(raw)
	if !ok || n < 0 || n > 1<<31-1 {
		return 0
	}
	return int(n)
}

// maxTold bounds how long a server's wish to wait is believed.
const maxTold = 24 * time.Hour

// milliseconds reads a duration in milliseconds.
func milliseconds(raw json.RawMessage) time.Duration {
	n, ok := looseInt(raw)
	if !ok || n <= 0 {
		return 0
	}
	return time.Duration(min(n, maxTold.Milliseconds())) * time.Millisecond
}

// retryAfter reads a Retry-After header: seconds or a date.
func retryAfter(h http.Header, now time.Time) time.Duration {
	value := strings.TrimSpace(h.Get("Retry-After"))
	if value == "" {
		return 0
	}
	if n, err := strconv.ParseInt(value, 10, 64); err == nil {
		return time.Duration(min(max(n, 0), int64(maxTold/time.Second))) * time.Second
	}
	if t, err := http.ParseTime(value); err == nil {
		return min(max(t.Sub(now), 0), maxTold)
	}
	return 0
}

// scrub takes the secrets of a call and everything unfit for a terminal out
// of the texts that the server wrote.
func (e *Error) scrub(secrets ...string) {
	for _, s := range []*string{&e.Type, &e.Message, &e.UserTitle, &e.UserMsg, &e.TraceID} {
		*s = clean(mask(*s, secrets...))
	}
}
