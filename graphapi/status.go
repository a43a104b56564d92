package graphapi

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"
)

// VideoStatus is what GET /{video_id}?fields=status says. The values are in
// lower case, otherwise as they were sent; the documentation knows fewer than
// there are, so a value that is not known means that Meta is still at work.
// Sources: the Stories API guide of 6 May 2026 and, for what it lacks, the
// live answer at github.com/fbsamples/reels_publishing_apis/issues/47 and
// Meta's SDK v25.0.2, both read in 2026-11.
type VideoStatus struct {
	VideoID    string
	Overall    string // video_status
	Uploading  Phase
	Processing Phase
	Publishing Phase
	Published  string    // publishing_phase.publish_status: "published", "not_published" or ""
	PublishAt  time.Time // publishing_phase.publish_time; zero when not told
	Progress   int       // processing_progress, percent
}

// Phase is one phase of a video.
type Phase struct {
	Status string // "not_started", "in_progress", "complete", "completed", "error", …; "" when not told
	Bytes  int64  // how many bytes the server holds, in the uploading phase
	Errors []PhaseError
}

// PhaseError is an error in a phase.
type PhaseError struct {
	Code    int // 0 when not told
	Message string
}

// VideoError is an error that a video's status shows.
type VideoError struct {
	VideoID string
	Phase   string // "uploading", "processing", "publishing", or "" for the whole
	Code    int    // 0 when not told
	Message string
}

// The phases by name.
const (
	phaseUploading  = "uploading"
	phaseProcessing = "processing"
	phasePublishing = "publishing"
)

// Error tells what Meta says is wrong with the video.
func (e *VideoError) Error() string { return e.reason() + advice(e.hint()) }

// reason is the error without what to do.
func (e *VideoError) reason() string {
	text := "video " + e.VideoID + ": Meta reports an error"
	if e.Phase != "" {
		text += " in " + e.Phase
	}
	if e.Code != 0 {
		text += fmt.Sprintf(" (#%d)", e.Code)
	}
	if e.Message != "" {
		text += ": " + e.Message
	}
	return text
}

// hint is the catalogue's advice, or to look at the file.
func (e *VideoError) hint() string {
	if row, ok := entryOf(e.Code, 0, ""); ok {
		return row.Do
	}
	if e.Phase == phasePublishing {
		return doSettle
	}
	return doFile
}

// done reports whether the phase is complete. The documentation has both
// spellings.
func (p Phase) done() bool { return p.Status == "complete" || p.Status == "completed" }

// broken reports whether the phase shows an error.
func (p Phase) broken() bool { return p.Status == "error" || len(p.Errors) > 0 }

// UploadComplete reports whether the server has all bytes, so that the video
// can be finished. It does not wait for processing, which often begins only
// after that.
func (v VideoStatus) UploadComplete() bool {
	return v.Uploading.done() || slices.Contains([]string{"ready", "upload_complete", "live", "published"}, v.Overall)
}

// Offset is how many bytes the server holds: where an upload goes on.
func (v VideoStatus) Offset() int64 { return v.Uploading.Bytes }

// Expired reports whether the upload session is over: the upload must start
// anew, with a new session.
func (v VideoStatus) Expired() bool { return v.Overall == "expired" }

// PublishStatus is what the API says about the publication: "published",
// "not_published", or "" when it says nothing. The documentation's example
// shows "published" where nothing is, so the list of stories is the truth.
func (v VideoStatus) PublishStatus() string { return v.Published }

// Busy reports whether processing or publishing is in progress, so that
// "not_published" may change by itself.
func (v VideoStatus) Busy() bool {
	return v.Processing.Status == "in_progress" || v.Publishing.Status == "in_progress"
}

// Err returns the first error that the status shows, as a *VideoError. An
// error counts wherever it stands, as phases keep "not_started" beside it. A
// copyright check that failed by itself is none.
func (v VideoStatus) Err() error {
	for _, phase := range []struct {
		name string
		Phase
	}{{phaseUploading, v.Uploading}, {phaseProcessing, v.Processing}, {phasePublishing, v.Publishing}} {
		if !phase.broken() {
			continue
		}
		e := &VideoError{VideoID: v.VideoID, Phase: phase.name}
		if len(phase.Errors) > 0 {
			e.Code, e.Message = phase.Errors[0].Code, phase.Errors[0].Message
		}
		return e
	}
	if v.Overall == "error" || v.Overall == "upload_failed" {
		return &VideoError{VideoID: v.VideoID, Message: "video_status is " + v.Overall}
	}
	return nil
}

// String is the status on one line, for progress.
func (v VideoStatus) String() string {
	parts := []string{"video_status " + orNone(v.Overall)}
	for _, phase := range []struct{ name, status string }{
		{phaseUploading, v.Uploading.Status}, {phaseProcessing, v.Processing.Status}, {phasePublishing, v.Publishing.Status},
	} {
		if phase.status != "" {
			parts = append(parts, phase.name+" "+phase.status)
		}
	}
	return strings.Join(parts, ", ")
}

// orNone names what was not told.
func orNone(s string) string {
	if s == "" {
		return "not told"
	}
	return s
}

// decodeStatus reads the answer to a status request. It must have a status;
// what is missing or strange inside stays at its zero value.
func decodeStatus(body []byte) (VideoStatus, error) {
	var f struct {
		Status *struct {
			Overall    json.RawMessage `json:"video_status"`
			Uploading  json.RawMessage `json:"uploading_phase"`
			Processing json.RawMessage `json:"processing_phase"`
			Publishing json.RawMessage `json:"publishing_phase"`
			Progress   json.RawMessage `json:"processing_progress"`
		} `json:"status"`
	}
	if err := json.Unmarshal(body, &f); err != nil || f.Status == nil {
		return VideoStatus{}, fmt.Errorf("%w: it has no status", ErrUnreadable)
	}
	v := VideoStatus{Overall: word(f.Status.Overall)}
	v.Uploading, _ = decodePhase(f.Status.Uploading)
	v.Processing, _ = decodePhase(f.Status.Processing)
	var rest phaseFields
	v.Publishing, rest = decodePhase(f.Status.Publishing)
	v.Published, v.PublishAt = word(rest.PublishStatus), looseTime(rest.PublishTime)
	if n, ok := looseInt(f.Status.Progress); ok {
		v.Progress = int(min(max(n, 0), 100))
	}
	return v, nil
}

// phaseFields are the fields of all phases. The number of bytes is spelled
// with one r in the documentation and with two in real answers.
type phaseFields struct {
	Status        json.RawMessage `json:"status"`
	Bytes         json.RawMessage `json:"bytes_transferred"`
	BytesDoc      json.RawMessage `json:"bytes_transfered"`
	Error         json.RawMessage `json:"error"`
	Errors        json.RawMessage `json:"errors"`
	PublishStatus json.RawMessage `json:"publish_status"`
	PublishTime   json.RawMessage `json:"publish_time"`
}

// decodePhase reads a phase: an object, or the bare status as text.
func decodePhase(raw json.RawMessage) (Phase, phaseFields) {
	var f phaseFields
	if !present(raw) {
		return Phase{}, f
	}
	if json.Unmarshal(raw, &f) != nil {
		return Phase{Status: word(raw)}, phaseFields{}
	}
	p := Phase{Status: word(f.Status), Errors: append(decodePhaseErrors(f.Error), decodePhaseErrors(f.Errors)...)}
	for _, raw := range []json.RawMessage{f.Bytes, f.BytesDoc} {
		if n, ok := looseInt(raw); ok && n > p.Bytes {
			p.Bytes = n
		}
	}
	return p, f
}

// maxErrors bounds the errors of a phase that are kept.
const maxErrors = 10

// decodePhaseErrors reads one error or an array of them: objects with code
// and message, or bare texts. An object or text that is there counts as an
// error even when nothing in it can be read.
func decodePhaseErrors(raw json.RawMessage) []PhaseError {
	if !present(raw) || string(raw) == "false" || string(raw) == `""` {
		return nil
	}
	var list []json.RawMessage
	if json.Unmarshal(raw, &list) != nil {
		list = []json.RawMessage{raw}
	}
	var errs []PhaseError
	for _, raw := range list[:min(len(list), maxErrors)] {
		var f struct {
			Code    json.RawMessage `json:"code"`
			Message json.RawMessage `json:"message"`
		}
		if json.Unmarshal(raw, &f) != nil {
			errs = append(errs, PhaseError{Message: clean(text(raw))})
			continue
		}
		errs = append(errs, PhaseError{Code: code(f.Code), Message: clean(text(f.Message))})
	}
	return errs
}

// word reads a value of a status in lower case.
func word(raw json.RawMessage) string { return strings.ToLower(clean(text(raw))) }
