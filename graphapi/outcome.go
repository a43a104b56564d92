package graphapi

import (
	"errors"
	"net/http"
	"strings"
	"time"
)

// Outcome is what an error proves about the effect of its call; see the
// package comment.
type Outcome string

// The outcomes.
const (
	Done    Outcome = "done"     // no error: the API confirmed the call
	NotDone Outcome = "not done" // certain: this call had no effect
	Unclear Outcome = "unclear"  // any doubt: look at the Page before anything else
)

// OutcomeOf says what err, returned by a call of this package, proves about
// that one call. Errors of other origin are Unclear.
func OutcomeOf(err error) Outcome {
	if err == nil {
		return Done
	}
	if v, ok := errors.AsType[*VideoError](err); ok && v.Phase != phasePublishing {
		return NotDone
	}
	e, ok := errors.AsType[*Error](err)
	switch {
	case !ok:
		return Unclear
	case e.unsent:
		return NotDone
	case e.Status >= http.StatusInternalServerError || e.Transient:
		return Unclear
	}
	if row, ok := e.entry(); ok && classes[row.Class].refusal {
		return NotDone
	}
	return Unclear
}

// Unsent reports whether it is certain that the request of err never reached
// the server, so that the very same call may be made again.
func Unsent(err error) bool {
	e, ok := errors.AsType[*Error](err)
	return ok && e.unsent
}

// Throttled reports whether err says that there were too many calls. On a
// publish its outcome is Unclear all the same.
func Throttled(err error) bool {
	return classOf(err) == ClassThrottle || statusOf(err) == http.StatusTooManyRequests
}

// StopsPage reports whether err means that nothing more makes sense for this
// Page in this run: its token, its permissions, its id, or a block.
func StopsPage(err error) bool {
	if _, ok := errors.AsType[*WrongPageError](err); ok {
		return true
	}
	if _, ok := errors.AsType[*NoPageTokenError](err); ok {
		return true
	}
	if classes[classOf(err)].stops {
		return true
	}
	// The upload host, and proxies, refuse a token without an envelope.
	e, ok := errors.AsType[*Error](err)
	return ok && e.Code == 0 && e.Type == "" && (e.Status == http.StatusUnauthorized || e.Status == http.StatusForbidden)
}

// StopsPageCode is StopsPage for a code that was remembered.
func StopsPageCode(code, subcode int) bool {
	return StopsPage(&Error{Code: code, Subcode: subcode})
}

// AlreadyPosted reports whether err says that the media were already posted.
func AlreadyPosted(err error) bool {
	e, ok := errors.AsType[*Error](err)
	return ok && AlreadyPostedCode(e.Code, e.Subcode)
}

// AlreadyPostedCode is AlreadyPosted for a code that was remembered.
func AlreadyPostedCode(code, subcode int) bool {
	return code == alreadyPosted || subcode == alreadyPosted
}

// NotFound reports whether err says that the object does not exist, or not
// for this token.
func NotFound(err error) bool { return classOf(err) == ClassMissing }

// OffsetInvalid reports whether err says that an upload did not begin where
// the server's bytes end: ask VideoStatus for the offset and go on from there.
func OffsetInvalid(err error) bool {
	e, ok := errors.AsType[*Error](err)
	return ok && (e.Type == typeOffset || e.Code == codeOffset)
}

// How the two upload protocols say that the offset is wrong.
const (
	typeOffset = "OffsetInvalidError"
	codeOffset = 6001
)

// Retriable reports whether the same read or upload may succeed later. It
// must not be asked about a publish: what counts there is OutcomeOf.
func Retriable(err error) bool {
	e, ok := errors.AsType[*Error](err)
	if !ok {
		return false
	}
	switch {
	case e.refusedHere():
		return false
	case e.Status >= http.StatusInternalServerError, e.Transient, Throttled(e):
		return true
	}
	if row, ok := e.entry(); ok {
		return classes[row.Class].retry
	}
	if e.Code != 0 || e.Type != "" {
		return e.Retriable
	}
	// Neither a code nor a type: the transport failed, or what came back was
	// no answer of the API. Of the clear client errors only two may pass.
	return e.Status < http.StatusBadRequest || e.Status == http.StatusRequestTimeout
}

// refusedHere reports whether the cause lies in the call itself or in what
// this client does not do, so that repeating it changes nothing.
func (e *Error) refusedHere() bool {
	for _, cause := range []error{ErrInput, ErrUploadURL, ErrRedirect, ErrTooLong, errCanceled} {
		if errors.Is(e.Err, cause) {
			return true
		}
	}
	return false
}

// RetryDelay is how long to wait before the n-th repetition, n from 1, of a
// read or upload that failed with err: what the server asked for, nothing
// after a wrong offset, else twice as long each time, from 1 s to 30 s.
func RetryDelay(err error, n int) time.Duration {
	e, ok := errors.AsType[*Error](err)
	if ok && e.Wait > 0 {
		return e.Wait
	}
	if OffsetInvalid(err) {
		return 0
	}
	return min(time.Second<<min(max(n, 1)-1, 5), 30*time.Second)
}

// Reason is the text of err without what to do about it, for screens that
// show Hint on a line of its own. For nil it is "".
func Reason(err error) string {
	if err == nil {
		return ""
	}
	return strings.TrimSuffix(err.Error(), advice(Hint(err)))
}

// advice is how an error's text tells its hint.
func advice(hint string) string {
	if hint == "" {
		return ""
	}
	return "; what to do: " + hint
}

// Hint says what to do about err; "" when there is nothing better to say than
// the error does.
func Hint(err error) string {
	if v, ok := errors.AsType[*VideoError](err); ok {
		return v.hint()
	}
	if e, ok := errors.AsType[*Error](err); ok {
		return e.hint()
	}
	return ""
}

// entry is the catalogue's row for e. Calls without a good signature are
// answered with the general code 100 as often as with 104, so that only the
// name of the parameter tells them apart.
func (e *Error) entry() (Entry, bool) {
	if e.Code == 100 && e.Subcode == 0 && strings.Contains(e.Message, "appsecret_proof") {
		return entryOf(104, 0, "")
	}
	return entryOf(e.Code, e.Subcode, e.Type)
}

// classOf is the class of the code of err; "" when it has none.
func classOf(err error) Class {
	e, ok := errors.AsType[*Error](err)
	if !ok {
		return ""
	}
	row, _ := e.entry()
	return row.Class
}

// statusOf is the HTTP status of err; 0 when there was no answer.
func statusOf(err error) int {
	if e, ok := errors.AsType[*Error](err); ok {
		return e.Status
	}
	return 0
}

// causes are the hints for errors that the API did not name.
var causes = []struct {
	err error
	do  string
}{
	{ErrRedirect, "check STORYFORM_GRAPH_URL and any proxy in between"},
	{ErrUploadURL, "check STORYFORM_GRAPH_URL; the real upload host is rupload.facebook.com"},
	{ErrTooLong, "ask for a shorter time"},
	{errTokenText, "store the token where token_env says, without quotes or line ends inside"},
}

// hint is the advice of the catalogue, or that for the cause.
func (e *Error) hint() string {
	if row, ok := e.entry(); ok {
		return row.Do
	}
	if wrong, ok := errors.AsType[*WrongPageError](e.Err); ok {
		return "set token_env of the Page " + wrong.Want + " to a token of that Page"
	}
	if _, ok := errors.AsType[*NoPageTokenError](e.Err); ok {
		return "give that user or system user a role on the Page with the task to create content, and the app the permissions pages_manage_posts, pages_read_engagement and pages_show_list (with a system user also business_management)"
	}
	for _, c := range causes {
		if errors.Is(e.Err, c.err) {
			return c.do
		}
	}
	switch {
	case e.unsent && !errors.Is(e.Err, ErrInput) && !errors.Is(e.Err, errCanceled):
		return "check the network, name resolution and any proxy, then apply again; nothing was sent"
	case e.Status == http.StatusTooManyRequests:
		return doWait
	}
	return ""
}
