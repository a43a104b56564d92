package graphapi

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"strconv"
	"time"
)

// VideoSession is an upload session. Whoever has UploadURL and a token can
// send bytes into it, so it is shown without the URL.
type VideoSession struct {
	VideoID   string
	UploadURL string
}

// String shows the session without its URL.
func (s VideoSession) String() string { return "upload session " + s.VideoID }

// GoString shows the session without its URL.
func (s VideoSession) GoString() string {
	return fmt.Sprintf("graphapi.VideoSession{VideoID:%q}", s.VideoID)
}

// LogValue shows the session without its URL.
func (s VideoSession) LogValue() slog.Value { return slog.StringValue(s.String()) }

// StartVideo opens an upload session. The URL in the answer is checked before
// it is returned. Sessions that are never finished are invisible.
// Source: the Stories API guide, 6 May 2026.
func (p *Page) StartVideo(ctx context.Context) (s VideoSession, err error) {
	err = p.do(ctx, call{
		op: "video_stories start", kind: prepare, method: http.MethodPost, path: p.id + "/video_stories",
		params: url.Values{"upload_phase": {"start"}},
	}, func(answer []byte) error {
		var f struct {
			VideoID   objectID `json:"video_id"`
			UploadURL string   `json:"upload_url"`
		}
		if err := json.Unmarshal(answer, &f); err != nil {
			return ErrUnreadable
		}
		if !isObjectID(string(f.VideoID)) || f.UploadURL == "" {
			return fmt.Errorf("%w: there is no video_id or no upload_url", ErrNotAcknowledged)
		}
		if _, err := p.client.uploadURL(f.UploadURL); err != nil {
			return err
		}
		s = VideoSession{VideoID: string(f.VideoID), UploadURL: f.UploadURL}
		return nil
	})
	if err != nil {
		return VideoSession{}, err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.started[s.VideoID] = p.client.clock.Now()
	return s, nil
}

// UploadVideo sends the bytes of a video of size bytes from offset on, in one
// request that is not repeated: after an error, ask VideoStatus how many bytes
// the server holds and go on from there. progress, when it is not nil, is told
// how many bytes this request has sent, not counting offset. It may be called
// from another goroutine, but not after the end.
// Source: developers.facebook.com/docs/video-api/guides/reels-publishing, 2026.
func (p *Page) UploadVideo(ctx context.Context, s VideoSession, r io.ReaderAt, size, offset int64, progress func(sent int64)) error {
	if size <= 0 || offset < 0 || offset > size {
		return inputError(opUpload, "byte %d is not in a video of %d bytes", offset, size)
	}
	return p.sendVideo(ctx, s, streamBody(r, offset, size, progress), map[string]string{
		"offset":    strconv.FormatInt(offset, 10),
		"file_size": strconv.FormatInt(size, 10),
	})
}

// UploadHostedVideo has Meta fetch a video from fileURL. Success means that
// Meta will try: whether it could, VideoStatus tells.
// Source: the Stories API guide, 6 May 2026. That the URL must be a header:
// an answer quoted at github.com/trypostit/trypost/pull/32, 2026.
func (p *Page) UploadHostedVideo(ctx context.Context, s VideoSession, fileURL string) error {
	if err := checkFileURL(opUpload, fileURL); err != nil {
		return err
	}
	return p.sendVideo(ctx, s, nil, map[string]string{"file_url": fileURL})
}

// opUpload names the request to the upload URL in errors.
const opUpload = "video upload"

// sendVideo makes a request to the upload URL, after checking that it is one.
func (p *Page) sendVideo(ctx context.Context, s VideoSession, b *body, headers map[string]string) error {
	u, err := p.client.uploadURL(s.UploadURL)
	if err != nil {
		return &Error{Op: opUpload, Err: err, unsent: true}
	}
	return p.do(ctx, call{
		op: opUpload, kind: upload, method: http.MethodPost, upload: u, headers: headers, body: b,
	}, decodeSuccess)
}

// freshFor is how long a new video may be missing without anything being
// wrong: status reads right after the start were answered with 100/33.
// Source: github.com/DayMoonDevelopment/post-for-me/pull/355, 2026.
const freshFor = time.Minute

// VideoStatus asks how far an upload and the publication of its video are. A
// video that this client began to upload less than a minute ago is asked for
// again, for about 15 seconds, when the API does not know it yet.
func (p *Page) VideoStatus(ctx context.Context, videoID string) (v VideoStatus, err error) {
	const op = "video status"
	if !isObjectID(videoID) {
		return VideoStatus{}, inputError(op, "%q is not the id of a video", clean(videoID))
	}
	p.mu.Lock()
	began, ours := p.started[videoID]
	p.mu.Unlock()
	err = p.do(ctx, call{
		op: op, kind: read, method: http.MethodGet, path: videoID, params: url.Values{"fields": {"status"}},
		patient: ours && p.client.clock.Now().Sub(began) < freshFor,
	}, func(answer []byte) error {
		v, err = decodeStatus(answer)
		v.VideoID = videoID
		return err
	})
	if err != nil {
		return VideoStatus{}, err
	}
	return v, nil
}

// FinishVideo publishes an uploaded video as a story. This cannot be undone.
// It is sent once; what an error proves about it says OutcomeOf. Success means
// that the publication has begun; it ends some time later.
// Source: the Stories API guide, 6 May 2026.
func (p *Page) FinishVideo(ctx context.Context, videoID string) (postID string, err error) {
	const op = "video_stories finish"
	if !isObjectID(videoID) {
		return "", inputError(op, "%q is not the id of a video", clean(videoID))
	}
	return p.publish(ctx, call{
		op: op, path: p.id + "/video_stories", params: url.Values{"upload_phase": {"finish"}, "video_id": {videoID}},
	})
}
