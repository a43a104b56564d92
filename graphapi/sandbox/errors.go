package sandbox

import (
	"cmp"
	"fmt"
	"net/http"
)

// reply is an answer before it is written. body is rendered as JSON, except a
// string, which is sent as HTML.
type reply struct {
	status int
	body   any
	header map[string]string
}

// ok is a successful answer.
func ok(body any) reply { return reply{status: http.StatusOK, body: body} }

// object is a JSON object of an answer.
type object = map[string]any

// graphError is the error envelope of the Graph hosts. Source:
// developers.facebook.com/docs/graph-api/guides/error-handling, November 2026.
type graphError struct {
	Status    int    `json:"-"`
	Message   string `json:"message"`
	Type      string `json:"type"`
	Code      int    `json:"code"`
	Subcode   int    `json:"error_subcode,omitempty"`
	Transient bool   `json:"is_transient,omitempty"`
	UserTitle string `json:"error_user_title,omitempty"`
	UserMsg   string `json:"error_user_msg,omitempty"`
	Trace     string `json:"fbtrace_id"`
}

// Error makes a refusal usable as an error inside the package.
func (e *graphError) Error() string { return fmt.Sprintf("(#%d) %s", e.Code, e.Message) }

// uploadError is the error envelope of the upload host.
type uploadError struct {
	Status    int    `json:"-"`
	Backoff   int64  `json:"-"` // milliseconds, top level
	Retriable bool   `json:"retriable"`
	Type      string `json:"type"`
	Message   string `json:"message"`
}

// Error makes a refusal usable as an error inside the package.
func (e *uploadError) Error() string { return e.Type + ": " + e.Message }

// refuse turns a refusal into an answer. trace is its fbtrace_id.
func refuse(err error, trace string) reply {
	switch e := err.(type) {
	case *graphError:
		with := *e
		with.Type = cmp.Or(with.Type, "OAuthException")
		with.Status = cmp.Or(with.Status, http.StatusBadRequest)
		with.Trace = trace
		return reply{status: with.Status, body: object{"error": with}}
	case *uploadError:
		body := object{"debug_info": e}
		if e.Backoff > 0 {
			body["backoff"] = e.Backoff
		}
		return reply{status: cmp.Or(e.Status, http.StatusBadRequest), body: body}
	}
	// Only the simulator's own failures get here, such as a full disk. What
	// became of the effect is open, and code 2 says just that.
	return refuse(&graphError{Status: http.StatusInternalServerError, Code: 2, Transient: true,
		Message: "Service temporarily unavailable: " + err.Error()}, trace)
}

// codeText says how an error code is answered when nothing else is known.
type codeText struct {
	status    int
	message   string
	transient bool
}

// codes are the standard texts and HTTP statuses of error codes, for faults
// and throttles. Statuses as seen in live replies: code 1 with 503, 2 with
// 500, throttles with 400, permission errors with 403, the rest with 400.
var codes = map[int]codeText{
	1:     {503, "An unknown error has occurred.", true},
	2:     {500, "Service temporarily unavailable", true},
	4:     {400, "(#4) Application request limit reached", true},
	10:    {400, "(#10) Application does not have permission for this action", false},
	12:    {400, "(#12) This API call is deprecated", false},
	17:    {400, "(#17) User request limit reached", true},
	32:    {400, "(#32) Page request limit reached", true},
	100:   {400, "(#100) Invalid parameter", false},
	102:   {400, "Session key invalid or no longer valid", false},
	104:   {400, "(#104) Incorrect signature", false},
	190:   {400, "Error validating access token", false},
	200:   {403, "(#200) Permissions error", false},
	283:   {400, "(#283) Requires pages_read_engagement permission to manage the object", false},
	324:   {400, "(#324) Missing or invalid image file", false},
	341:   {400, "(#341) Feed action request limit reached", true},
	368:   {400, "(#368) The action attempted has been deemed abusive or is otherwise disallowed", false},
	389:   {400, "(#389) Unable to fetch video file from URL.", false},
	506:   {400, "(#506) Duplicate status message", false},
	613:   {400, "(#613) Calls to this api have exceeded the rate limit.", true},
	6000:  {400, "There was a problem uploading your video file. Please try again with another file.", false},
	80001: {400, "(#80001) There have been too many calls to this Page account. Wait a bit and try again. For more info, please refer to https://developers.facebook.com/docs/graph-api/overview/rate-limiting.", true},
}

// codeError is the standard error of a code.
func codeError(code int) *graphError {
	text := codes[code]
	return &graphError{
		Status: cmp.Or(text.status, http.StatusBadRequest), Code: code, Transient: text.transient,
		Message: cmp.Or(text.message, fmt.Sprintf("(#%d) An error occurred", code)),
	}
}

// tokenTexts are the messages of code 190, by subcode. Those of 460 and 463
// are from live replies (github.com/facebookarchive/php-graph-sdk/issues/937,
// github.com/snarfed/bridgy/issues/59); the others follow the documentation.
var tokenTexts = map[int]string{
	458: "Error validating access token: The user has not authorized the application.",
	459: "Error validating access token: You cannot access the app till you log in to www.facebook.com and follow the instructions given.",
	460: "Error validating access token: The session has been invalidated because the user changed their password or Facebook has changed the session for security reasons.",
	463: "Error validating access token: Session has expired on %s. The current time is %s.",
	464: "Error validating access token: Sessions for the user are not allowed because the user is not a confirmed user.",
	467: "Error validating access token: This may be because the user logged out or may be due to a system error.",
	492: "Error validating access token: The user must be an administrator, editor, or moderator of the page in order to impersonate it.",
}

// paramError is code 100 with a message.
func paramError(format string, args ...any) *graphError {
	return &graphError{Code: 100, Message: "(#100) " + fmt.Sprintf(format, args...)}
}

// missingField is the answer to a field that a node doesn't have.
func missingField(name, node string) *graphError {
	return paramError("Tried accessing nonexisting field (%s) on node type (%s)", name, node)
}

// unsupported is 100/33, which the API answers for objects that don't exist,
// that the token may not see, and for what an object can't do.
func unsupported(method, id string) *graphError {
	return &graphError{Type: "GraphMethodException", Code: 100, Subcode: 33, Message: fmt.Sprintf(
		"Unsupported %s request. Object with ID '%s' does not exist, cannot be loaded due to missing permissions, or does not support this operation. Please read the Graph API documentation at https://developers.facebook.com/docs/graph-api",
		method, id)}
}

// alreadyPosted is the refusal of media that were published before. Only its
// subcode is known, from a public client's table; the shape is that of the
// other photo errors.
func alreadyPosted(what string) *graphError {
	return &graphError{Code: 100, Subcode: 1366051, Message: "Invalid parameter",
		UserTitle: "Already Posted", UserMsg: "These " + what + " were already posted."}
}

// unreadablePhoto is the refusal of a file that is no photo or too big; the
// text is from a live reply (github.com/facebookarchive/php-graph-sdk/issues/711),
// and still says 4 MB although the documented limit is 10 MB since 2026.
func unreadablePhoto() *graphError {
	return &graphError{Code: 100, Subcode: 1366046, Message: "Invalid parameter", UserTitle: "Can't Read Files",
		UserMsg: "Your photos couldn't be uploaded. Photos should be less than 4 MB and saved as JPG, PNG, GIF or TIFF files."}
}

// noVideoBytes is the refusal to finish a video of which bytes are missing.
func noVideoBytes() *graphError {
	e := codeError(6000)
	e.UserTitle, e.UserMsg = "Video Upload Is Missing", e.Message
	return e
}

// badHeader is the upload host's complaint about a header. The text for
// Offset is from a live reply (github.com/trypostit/trypost/pull/32).
func badHeader(name string) *uploadError {
	return &uploadError{Type: "ParameterValidationError",
		Message: "HeaderValuePredicate: Header " + name + " not convertable to unsigned long"}
}
