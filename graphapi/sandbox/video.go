package sandbox

import (
	"cmp"
	"fmt"
	"net/http"
	"strings"
	"time"
)

// start answers POST /{page}/video_stories with upload_phase=start, and
// refuses what is no phase.
func (w *world) start(c *call, t *Token) (any, error) {
	p, err := w.pageCall(t, c.rt.node, c.edge, c.server.opts.AutoPages)
	if err != nil {
		return nil, err
	}
	switch phase := c.p.get("upload_phase"); {
	case phase == "":
		return nil, paramError("The parameter upload_phase is required")
	case !strings.EqualFold(phase, "start"):
		return nil, paramError("Param upload_phase must be one of {START, FINISH} - got \"%s\"", phase)
	}
	w.sweep(c.now)
	v := &video{ID: w.id(), Page: p.ID, Started: c.now.UTC()}
	w.videos[v.ID] = v
	c.entry.Media = v.ID
	scheme := "http"
	if c.http.TLS != nil {
		scheme = "https"
	}
	return object{
		"video_id":   v.ID,
		"upload_url": fmt.Sprintf("%s://%s/video-upload/%s/%s", scheme, c.http.Host, cmp.Or(c.rt.version, defaultVersion), v.ID),
	}, nil
}

// finishVideo answers POST /{page}/video_stories with upload_phase=finish. It
// acknowledges; the publication may come later.
func (w *world) finishVideo(c *call, t *Token) (any, error) {
	p, err := w.pageCall(t, c.rt.node, c.edge, c.server.opts.AutoPages)
	if err != nil {
		return nil, err
	}
	id := c.p.get("video_id")
	if id == "" {
		return nil, paramError("The parameter video_id is required")
	}
	v := w.videos[id]
	if v == nil || v.Page != p.ID {
		return nil, unsupported("post", short(id))
	}
	c.entry.Media = v.ID
	if v.PostID != "" && v.Problem == nil {
		if same, err := w.republish(v.PostID, "videos"); same != nil || err != nil {
			return same, err
		}
	} else if w.uploading(v, c.now) != phaseComplete || w.expired(v, c.now) {
		return nil, noVideoBytes()
	}
	if v.Problem != nil && (v.PostID != "" || w.switches.ProcessingBeforeFinish) {
		return nil, noVideoBytes() // its processing has failed already
	}
	if err := w.mayPublish(c, p, v.SHA256, "videos"); err != nil {
		return nil, err
	}
	v.Finished = c.now.UTC()
	if v.Problem != nil {
		v.PostID = w.id() // it was promised, and it will never be
		return object{"success": true, "post_id": v.PostID}, nil
	}
	s := w.publish(p.ID, "video", v.ID, v.SHA256, v.FileSize, w.publication(v))
	v.PostID = s.PostID
	c.entry.Public, c.entry.PostID, c.entry.SHA256 = true, s.PostID, v.SHA256
	return object{"success": true, "post_id": s.PostID}, nil
}

// processed is when the processing of an uploaded video begins and ends; ok
// is false while it waits for finish.
func (w *world) processed(v *video) (begin, end time.Time, ok bool) {
	begin = v.Finished
	if w.switches.ProcessingBeforeFinish {
		begin = v.Uploaded
	}
	return begin, begin.Add(time.Duration(w.switches.ProcessingTime)), !begin.IsZero()
}

// publication is when a finished video becomes public.
func (w *world) publication(v *video) time.Time {
	at := v.Finished
	if _, end, ok := w.processed(v); ok && end.After(at) {
		at = end
	}
	return at.Add(time.Duration(w.switches.PublishDelay))
}

// The states of a phase.
const (
	phaseWaiting  = "not_started"
	phaseRunning  = "in_progress"
	phaseComplete = "complete"
	phaseError    = "error"
)

// uploading is the state of a video's uploading phase.
func (w *world) uploading(v *video, now time.Time) string {
	switch {
	case v.Problem != nil && v.Problem.Phase == "uploading" && !now.Before(v.Uploaded):
		return phaseError
	case !v.Uploaded.IsZero() && !now.Before(v.Uploaded):
		return phaseComplete
	case v.Received > 0 || v.Hosted:
		return phaseRunning
	}
	return phaseWaiting
}

// expired reports whether a session ended unfinished.
func (w *world) expired(v *video, now time.Time) bool {
	return v.PostID == "" && !now.Before(v.Started.Add(w.switches.sessionLifetime()))
}

// readVideo answers GET /{video}. The shapes are those of live replies
// (github.com/fbsamples/reels_publishing_apis/issues/47).
func (w *world) readVideo(c *call, t *Token) (any, error) {
	v := w.videos[c.rt.node]
	c.entry.Media = v.ID
	fresh := c.now.Before(v.Started.Add(time.Duration(w.switches.StatusLag)))
	if fresh || t.Kind == PageToken && t.Page != v.Page || !t.manages(v.Page) && t.Kind != PageToken {
		return nil, unsupported("get", v.ID)
	}
	fields, err := fieldsOf(c.p, []string{"updated_time", "id"}, "Video", "id", "status", "created_time", "updated_time")
	if err != nil {
		return nil, err
	}
	const layout = "2006-01-02T15:04:05-0700"
	all := object{
		"id": v.ID, "status": w.videoStatus(v, c.now),
		"created_time": v.Started.Format(layout), "updated_time": c.now.UTC().Format(layout),
	}
	return choose(all, append(fields, "id")), nil
}

// videoStatus is the status field of a video.
func (w *world) videoStatus(v *video, now time.Time) object {
	up := object{"status": w.uploading(v, now)}
	processing, publishing := object{"status": phaseWaiting}, object{"status": phaseWaiting, "publish_status": "not_published"}
	overall := w.processingStatus(v, now, processing)
	if up["status"] != phaseComplete {
		overall = map[string]string{phaseError: "error"}[up["status"].(string)]
		overall = cmp.Or(overall, "uploading")
		up["bytes_transferred"] = v.Received
	}
	if v.FileSize > 0 {
		up["bytes_transferred"], up["source_file_size"] = v.Received, v.FileSize
	}
	if s := w.posts[v.PostID]; s != nil {
		publishing["status"] = phaseRunning
		if !now.Before(s.Created) {
			publishing = object{"status": phaseComplete, "publish_status": "published", "publish_time": s.Created.Unix()}
		}
	} else if v.PostID != "" {
		publishing["status"] = phaseWaiting
	}
	if w.expired(v, now) {
		overall = "expired"
	}
	status := object{
		"video_status": overall, "uploading_phase": up, "processing_phase": processing, "publishing_phase": publishing,
		"copyright_check_status": object{"status": processing["status"], "matches_found": false},
	}
	w.addProblem(v, now, status)
	if w.switches.AsDocumented {
		asDocumented(status)
	}
	return status
}

// processingStatus fills in the processing phase and returns the status of
// the whole video as far as that decides it.
func (w *world) processingStatus(v *video, now time.Time, phase object) string {
	begin, end, started := w.processed(v)
	switch {
	case w.uploading(v, now) != phaseComplete:
		return "uploading"
	case !started || now.Before(begin):
		return "upload_complete"
	case now.Before(end):
		phase["status"] = phaseRunning
		return "processing"
	case v.Problem != nil:
		phase["status"] = phaseError
		return "error"
	}
	phase["status"] = phaseComplete
	if s := w.posts[v.PostID]; s != nil && now.Before(s.Created) {
		return "processing"
	}
	return "ready"
}

// addProblem shows a video's error in its phase, as the array that Meta's own
// sample reads.
func (w *world) addProblem(v *video, now time.Time, status object) {
	if v.Problem == nil {
		return
	}
	phase := status[v.Problem.Phase+"_phase"].(object)
	if phase["status"] == phaseError {
		phase["errors"] = []object{{"code": v.Problem.Code, "message": v.Problem.Message}}
	}
}

// asDocumented turns a status into what the guide of 6 May 2026 shows: other
// spelling, one error object with the phase not started, four values of
// video_status, and a publish_status that says published all the time.
func asDocumented(status object) {
	up := status["uploading_phase"].(object)
	if n, ok := up["bytes_transferred"]; ok {
		delete(up, "bytes_transferred")
		up["bytes_transfered"] = n
	}
	delete(up, "source_file_size")
	delete(status, "copyright_check_status")
	for _, name := range []string{"uploading_phase", "processing_phase"} {
		phase := status[name].(object)
		if list, ok := phase["errors"].([]object); ok {
			delete(phase, "errors")
			phase["status"], phase["error"] = phaseWaiting, object{"message": list[0]["message"]}
			status["video_status"] = "processing"
		}
	}
	if s := status["video_status"]; s == "uploading" || s == "upload_complete" {
		status["video_status"] = "processing"
	}
	publishing := status["publishing_phase"].(object)
	publishing["publish_status"] = "published"
}

// republish answers a second publish of the same media: an answer, a refusal,
// or neither when it shall be published again.
func (w *world) republish(postID, what string) (any, error) {
	switch w.switches.Republish {
	case RepublishSame:
		return object{"success": true, "post_id": postID}, nil
	case RepublishAgain:
		return nil, nil
	}
	return nil, alreadyPosted(what)
}

// mayPublish refuses what the switches forbid to publish.
func (w *world) mayPublish(c *call, p *Page, sha, what string) error {
	if w.switches.RefuseSameBytes && w.used(sha) {
		return alreadyPosted(what)
	}
	if limit := w.switches.DailyCap; limit > 0 {
		n := 0
		for _, s := range p.stories {
			if !s.ByHand && s.Created.After(c.now.Add(-24*time.Hour)) {
				n++
			}
		}
		if n >= limit {
			e := codeError(368)
			e.Subcode, e.UserTitle, e.UserMsg = 1390008, "Posting Too Fast", "It looks like you were misusing this feature by going too fast."
			return e
		}
	}
	return nil
}

// upload answers POST /video-upload/{version}/{video} on the upload host.
func (s *Server) upload(c *call) reply {
	id := c.rt.node
	release := s.claim(c.http.Context(), id)
	if release == nil {
		return s.refuseUpload(c, noVideoBytes())
	}
	defer release()
	var t transfer
	var refusal error
	err := s.update(func(w *world) bool {
		refusal = t.open(c, w)
		return refusal == nil
	})
	if err = cmp.Or(refusal, err); err != nil {
		return s.refuseUpload(c, err)
	}
	if t.url != "" {
		return s.uploadHosted(c, &t)
	}
	return s.uploadBytes(c, &t)
}

// refuseUpload answers with a refusal after the body was taken off the wire.
func (s *Server) refuseUpload(c *call, err error) reply {
	discard(c.http.Body)
	return s.finish(c, func(*world) (any, error) { return nil, err })
}

// authorizeUpload checks the token of an upload. The upload host wants it in
// the header, with the scheme OAuth.
func (w *world) authorizeUpload(c *call, v *video) error {
	if c.cred.how != "oauth" {
		return &uploadError{Type: "NotAuthorizedError", Message: "User not authorized to perform this request"}
	}
	t, err := w.authorize(c.cred, c.now, "", c.server.opts.AutoPages)
	if err != nil || v == nil || t.Kind == PageToken && t.Page != v.Page || t.Kind != PageToken && !t.manages(v.Page) {
		text := "User not authorized to perform this request"
		if e, ok := err.(*graphError); ok {
			text = e.Message
		}
		return &uploadError{Status: http.StatusBadRequest, Type: "NotAuthorizedError", Message: text}
	}
	return nil
}
