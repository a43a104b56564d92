package sandbox

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"
)

// What a fault does to a request or its answer.
const (
	DoPass  = "pass"  // nothing but its delay and headers
	DoReset = "reset" // the connection is reset (RST) without an answer
	DoClose = "close" // the connection is closed (FIN) without an answer
	DoHang  = "hang"  // no answer until the client gives up
	DoCut   = "cut"   // before: take Bytes of the media, then reset; after: send Bytes of the answer, then close
	DoEmpty = "empty" // an answer without a body
	DoHTML  = "html"  // an HTML page, as a proxy answers
	DoFalse = "false" // {"success":false}
	DoError = "error" // an error of the API
)

// When a fault strikes.
const (
	Before = "before" // the request has no effect
	After  = "after"  // the request has its effect, the answer suffers
)

// Always is the value of Fault.Times for a fault that never ends.
const Always = -1

// maxFaults bounds how many faults a world holds.
const maxFaults = 1000

// Fault spoils requests that match. A request suffers one fault at most: the
// first in the order of their addition that matches and is not used up.
type Fault struct {
	Edge   string `json:"edge,omitempty"`   // one of the Edge constants; "" matches all
	Method string `json:"method,omitempty"` // "" matches all
	Page   string `json:"page,omitempty"`   // id; "" matches all
	// Nth is the first matching request that suffers, counted from 1; 0 means 1.
	Nth int `json:"nth,omitempty"`
	// Times is how many requests suffer; 0 means one, Always all.
	Times int    `json:"times,omitempty"`
	When  string `json:"when,omitempty"` // Before or After; "" means Before
	Do    string `json:"do,omitempty"`   // one of the Do constants; "" means DoPass

	Bytes   int64  `json:"bytes,omitempty"`  // of DoCut; for an answer, 0 means half of it
	Status  int    `json:"status,omitempty"` // of DoError, DoHTML, DoEmpty; 0 follows from the code
	Code    int    `json:"code,omitempty"`
	Subcode int    `json:"subcode,omitempty"`
	Type    string `json:"type,omitempty"` // on the upload host debug_info.type
	Message string `json:"message,omitempty"`
	// Backoff goes into the upload host's errors, in milliseconds there.
	Backoff Duration          `json:"backoff,omitempty"`
	Header  map[string]string `json:"header,omitempty"` // added to the answer
	Delay   Duration          `json:"delay,omitempty"`  // before anything else happens, or before the answer
}

// scripted is a fault and how often it was met.
type scripted struct {
	Fault
	Seen int `json:"seen,omitempty"` // matching requests
	Hits int `json:"hits,omitempty"` // of those, the ones that suffered
}

// Validate reports what makes no sense.
func (f Fault) Validate() error {
	var errs []error
	add := func(format string, args ...any) { errs = append(errs, fmt.Errorf(format, args...)) }
	if f.Edge != "" && !slices.Contains(edges, f.Edge) {
		add("there is no edge %q; the edges are %s", f.Edge, strings.Join(edges, " "))
	}
	if f.When != "" && f.When != Before && f.When != After {
		add("when is %q; it can be before or after", f.When)
	}
	if !slices.Contains([]string{"", DoPass, DoReset, DoClose, DoHang, DoCut, DoEmpty, DoHTML, DoFalse, DoError}, f.Do) {
		add("there is no fault %q", f.Do)
	}
	if f.Do == DoCut && f.When != After && f.Edge != EdgeUpload && f.Edge != EdgePhotos {
		add("only uploads can be cut before their effect (edges upload and photos); cut the answer with after")
	}
	if f.Nth < 0 || f.Times < Always || f.Bytes < 0 || f.Delay < 0 || f.Backoff < 0 {
		add("a count, size or time is negative")
	}
	if f.Status != 0 && (f.Status < 200 || f.Status > 599) {
		add("status %d is not a final HTTP status", f.Status)
	}
	if f.Code < 0 || f.Subcode < 0 {
		add("an error code is negative")
	}
	for name, value := range f.Header {
		if !isHeaderName(name) || strings.ContainsFunc(value, func(r rune) bool { return r < ' ' || r > '~' }) {
			add("%q is not a header that can be sent", name)
		}
	}
	return errors.Join(errs...)
}

// isHeaderName reports whether text is the name of a header.
func isHeaderName(text string) bool {
	return text != "" && !strings.ContainsFunc(text, func(r rune) bool {
		return !(r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '-' || r == '_')
	})
}

// matches reports whether a fault is about a request.
func (f *Fault) matches(edge, method, page string) bool {
	return (f.Edge == "" || f.Edge == edge) && (f.Method == "" || f.Method == method) && (f.Page == "" || f.Page == page)
}

// meet counts a request against every fault that matches and returns the one
// that it suffers, or nil. changed says that a count moved.
func (w *world) meet(edge, method, page string) (hit *Fault, changed bool) {
	for _, f := range w.faults {
		if !f.matches(edge, method, page) {
			continue
		}
		f.Seen++
		changed = true
		if hit == nil && f.Seen >= f.Nth && (f.Times == Always || f.Hits < max(f.Times, 1)) {
			f.Hits++
			copied := f.Fault
			hit = &copied
		}
	}
	return hit, changed
}

// strikes reports whether f changes anything at a point.
func (f *Fault) strikes(when string) bool {
	return f != nil && (f.When == when || f.When == "" && when == Before)
}

// silences reports whether f leaves the client without an answer.
func (f *Fault) silences() bool { return f.Do == DoReset || f.Do == DoClose || f.Do == DoHang }

// substitute is the answer that f gives instead of the true one; ok is false
// when it leaves the true one as it is.
func (f *Fault) substitute(c *call) (rep reply, ok bool) {
	status := func(otherwise int) int {
		if f.Status != 0 {
			return f.Status
		}
		return otherwise
	}
	switch f.Do {
	case DoEmpty:
		return reply{status: status(http.StatusOK), body: ""}, true
	case DoHTML:
		return reply{status: status(http.StatusBadGateway), body: "<!DOCTYPE html>\n<html><head><title>Error</title></head><body>Sorry, something went wrong.</body></html>\n"}, true
	case DoFalse:
		return reply{status: status(http.StatusOK), body: object{"success": false}}, true
	case DoError:
		return refuse(f.apiError(c.edge, c.now), c.trace()), true
	}
	return reply{}, false
}

// apiError is the error that a DoError fault answers, in the envelope of the
// host concerned.
func (f *Fault) apiError(edge string, now time.Time) error {
	if edge == EdgeUpload && f.Code == 0 {
		e := &uploadError{Status: f.Status, Type: f.Type, Message: f.Message, Backoff: time.Duration(f.Backoff).Milliseconds()}
		if e.Type == "" {
			e.Type = "ProcessingFailedError"
		}
		if e.Message == "" {
			e.Message = "Request processing failed"
		}
		if e.Status == 0 && e.Type == "OffsetInvalidError" {
			e.Status = http.StatusPreconditionFailed
		}
		e.Retriable = e.Type == "OffsetInvalidError" || e.Status >= 500
		return e
	}
	code := f.Code
	if code == 0 {
		code = map[bool]int{true: 2, false: 100}[f.Status == 0 || f.Status >= 500]
	}
	e := codeError(code)
	if code == 190 && tokenTexts[f.Subcode] != "" {
		e = (&Token{Subcode: f.Subcode}).alive(now).(*graphError)
	}
	e.Subcode, e.Type = f.Subcode, f.Type
	if f.Status != 0 {
		e.Status = f.Status
	}
	if f.Message != "" {
		e.Message = f.Message
	}
	return e
}

// lose leaves the client without the answer, as f says. rep is the answer
// that it would have got.
func (f *Fault) lose(w http.ResponseWriter, rep reply) {
	conn := seize(w)
	defer conn.close(f.Do == DoReset)
	switch f.Do {
	case DoHang:
		conn.wait()
	case DoCut:
		conn.sendPart(rep, f.Bytes)
	}
}
