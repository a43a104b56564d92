package sandbox

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// How uploads are taken.
const (
	chunk       = 64 << 10 // bytes read at a time
	commitEvery = 1 << 20  // bytes after which progress is made durable
	maxFile     = 1 << 40  // bytes that a file_size may claim
	maxDrain    = 1 << 30  // bytes of a refused body that are read
	// claimFor is how long an upload waits for another one into the same
	// session, whose client may be gone without the server having noticed.
	claimFor = 500 * time.Millisecond
)

// errGone says that the world changed under an upload.
var errGone = &uploadError{Type: "ProcessingFailedError", Message: "Request processing failed"}

// discard takes a body off the wire.
func discard(body io.Reader) { io.Copy(io.Discard, io.LimitReader(body, maxDrain)) }

// claim takes the session of a video for one upload, nil when another upload
// has it.
func (s *Server) claim(ctx context.Context, id string) (release func()) {
	timeout := time.NewTimer(claimFor)
	defer timeout.Stop()
	for {
		s.mu.Lock()
		other := s.busy[id]
		if other == nil {
			mine := make(chan struct{})
			s.busy[id] = mine
			s.mu.Unlock()
			return func() {
				s.mu.Lock()
				delete(s.busy, id)
				s.mu.Unlock()
				close(mine)
			}
		}
		s.mu.Unlock()
		select {
		case <-other:
		case <-timeout.C:
			return nil
		case <-ctx.Done():
			return nil
		}
	}
}

// transfer is one upload request.
type transfer struct {
	id     string
	url    string // of a hosted file
	offset int64  // where this request begins
	size   int64  // of the whole file
	at     int64  // bytes of the file that are here
	hash   hash.Hash
}

// open checks an upload request and prepares the session for it.
func (t *transfer) open(c *call, w *world) error {
	v := w.videos[c.rt.node]
	c.now = c.server.timeOf(w)
	if err := w.authorizeUpload(c, v); err != nil {
		return err
	}
	c.entry.Media, t.id = v.ID, v.ID
	if c.http.Method != http.MethodPost {
		return &uploadError{Type: "ParameterValidationError", Message: "Method not supported"}
	}
	if v.PostID != "" || w.expired(v, c.now) {
		return &uploadError{Type: "ProcessingFailedError", Message: "Request processing failed"}
	}
	if t.url = c.http.Header.Get("file_url"); t.url != "" {
		return t.openHosted(c, w, v)
	}
	if err := t.headers(c.http.Header); err != nil {
		return err
	}
	if t.offset != 0 && (t.offset != v.Received || t.size != v.FileSize) {
		return &uploadError{Status: http.StatusPreconditionFailed, Retriable: true, Type: "OffsetInvalidError",
			Message: fmt.Sprintf("Request starting offset is invalid: expected %d, received %d", v.Received, t.offset)}
	}
	if n := c.http.ContentLength; n >= 0 && n != t.size-t.offset {
		return partial()
	}
	return t.begin(v)
}

// headers reads offset and file_size.
func (t *transfer) headers(h http.Header) (err error) {
	if t.offset, err = strconv.ParseInt(h.Get("offset"), 10, 64); err != nil || t.offset < 0 {
		return badHeader("Offset")
	}
	if t.size, err = strconv.ParseInt(h.Get("file_size"), 10, 64); err != nil || t.size <= 0 || t.size > maxFile {
		return badHeader("File_size")
	}
	if t.offset > t.size {
		return partial()
	}
	return nil
}

// begin sets the session to where the upload begins. Offset 0 starts anew.
func (t *transfer) begin(v *video) error {
	t.hash, t.at = sha256.New(), t.offset
	if t.offset == 0 {
		v.Received, v.FileSize, v.Hash, v.SHA256 = 0, t.size, nil, ""
		v.Uploaded, v.Hosted, v.Problem = time.Time{}, false, nil
		return nil
	}
	if v.SHA256 != "" {
		return nil // it is complete, and nothing is to be added
	}
	return t.hash.(encoding.BinaryUnmarshaler).UnmarshalBinary(v.Hash)
}

// partial is the refusal of a body that has another length than announced.
func partial() *uploadError {
	return &uploadError{Type: "PartialRequestError", Message: "Partial request (did not match length of file)"}
}

// uploadBytes takes the bytes of an upload.
func (s *Server) uploadBytes(c *call, t *transfer) reply {
	body, cut := c.media()
	err := t.receive(s, body)
	c.entry.Bytes = t.at - t.offset
	c.entry.SHA256 = hex.EncodeToString(t.hash.Sum(nil))
	if err == nil && t.at < t.size {
		err = partial()
	}
	if cut.fired() {
		s.broken(c)
		seize(c.out).close(true)
		return reply{}
	}
	if errors.Is(err, errBody) {
		s.broken(c)
		panic(http.ErrAbortHandler)
	}
	if err != nil {
		return s.refuseUpload(c, err)
	}
	return s.finish(c, func(w *world) (any, error) {
		v := w.videos[t.id]
		if v == nil || v.Received != t.size {
			return nil, errGone
		}
		w.complete(v, c.entry.SHA256, c.now)
		return object{"success": true}, nil
	})
}

// complete notes that all bytes of a video are there.
func (w *world) complete(v *video, sha string, at time.Time) {
	if v.SHA256 != "" {
		return
	}
	v.SHA256, v.Hash, v.Uploaded = sha, nil, at.UTC()
	if text := w.switches.FailProcessing; text != "" {
		v.Problem = &problem{Phase: "processing", Code: 1363024, Message: text}
	}
}

// receive streams a body through the hash. Every so often what came is made
// durable, so that an interrupted upload can be resumed by another process.
func (t *transfer) receive(s *Server, body io.Reader) error {
	buf := make([]byte, chunk)
	durable := t.at
	for t.at < t.size {
		n, err := body.Read(buf[:min(chunk, t.size-t.at)])
		t.hash.Write(buf[:n])
		t.at += int64(n)
		if err != nil || t.at == t.size || t.at-durable >= commitEvery {
			if saveErr := t.commit(s, durable); saveErr != nil {
				return saveErr
			}
			durable = t.at
		}
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return errBody
		}
	}
	if n, _ := io.ReadFull(body, buf[:1]); n > 0 {
		return partial()
	}
	return nil
}

// commit makes progress from one offset durable.
func (t *transfer) commit(s *Server, from int64) error {
	state, err := t.hash.(encoding.BinaryMarshaler).MarshalBinary()
	if err != nil {
		return fmt.Errorf("keep the state of the hash: %w", err)
	}
	var refusal error
	err = s.update(func(w *world) bool {
		v := w.videos[t.id]
		if v == nil || v.Received != from || v.FileSize != t.size {
			refusal = errGone
			return false
		}
		if t.at > from {
			v.Received, v.Hash = t.at, state
		}
		return t.at > from
	})
	if refusal != nil {
		return refusal
	}
	return err
}

// cutter is a body that ends with an error after n bytes.
type cutter struct {
	body io.Reader
	left int64
	done bool
}

// Read reads until the cut.
func (c *cutter) Read(p []byte) (int, error) {
	if c.left <= 0 {
		c.done = true
		return 0, errBody
	}
	n, err := c.body.Read(p[:min(int64(len(p)), c.left)])
	c.left -= int64(n)
	return n, err
}

// fired reports whether the cut was reached.
func (c *cutter) fired() bool { return c != nil && c.done }

// media is the request's body, cut when a fault says so; the cutter is nil
// when none does.
func (c *call) media() (io.Reader, *cutter) {
	if !c.fault.strikes(Before) || c.fault.Do != DoCut {
		return c.http.Body, nil
	}
	cut := &cutter{body: c.http.Body, left: c.fault.Bytes}
	return cut, cut
}

// openHosted checks a request to fetch a hosted file. Source of the rules:
// developers.facebook.com/docs/page-stories-api, 6 May 2026.
func (t *transfer) openHosted(c *call, w *world, v *video) error {
	if w.switches.HostedNeedsOffset && c.http.Header.Get("offset") == "" {
		return badHeader("Offset")
	}
	if err := checkHosted(t.url); err != nil {
		return &uploadError{Type: "ProcessingFailedError", Message: err.Error()}
	}
	v.Received, v.FileSize, v.Hash, v.SHA256, v.Problem = 0, 0, nil, "", nil
	v.Hosted, v.Uploaded = true, time.Time{}
	return nil
}

// checkHosted refuses URLs that the API does not fetch.
func checkHosted(text string) error {
	u, err := url.Parse(text)
	switch {
	case err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https":
		return errors.New("the file URL is not an http or https URL")
	case u.Hostname() == "fbcdn.net" || strings.HasSuffix(u.Hostname(), ".fbcdn.net"):
		return errors.New("files hosted on the Meta CDN are rejected")
	}
	return nil
}

// uploadHosted fetches a hosted file. The answer only says that the request
// was accepted: what became of the fetch is in the video's status.
func (s *Server) uploadHosted(c *call, t *transfer) reply {
	discard(c.http.Body)
	sum := sha256.New()
	n, err := s.fetch(c.http.Context(), t.url, sum, maxFile)
	c.entry.Bytes = n
	return s.finish(c, func(w *world) (any, error) {
		v := w.videos[t.id]
		if v == nil || !v.Hosted {
			return nil, errGone
		}
		at := c.now.Add(time.Duration(w.switches.HostedDelay))
		if err != nil {
			v.Problem = &problem{Phase: "uploading", Code: 389, Message: "Unable to fetch video file from URL."}
			v.Uploaded = at.UTC()
			return object{"success": true}, nil
		}
		v.Received, v.FileSize = n, n
		w.complete(v, hex.EncodeToString(sum.Sum(nil)), at)
		c.entry.SHA256 = v.SHA256
		return object{"success": true}, nil
	})
}

// fetch copies a hosted file and returns its size.
func (s *Server) fetch(ctx context.Context, address string, to io.Writer, limit int64) (int64, error) {
	s.mu.Lock()
	content, known := s.hosted[address]
	s.mu.Unlock()
	var body io.ReadCloser
	switch {
	case known:
		body = io.NopCloser(bytes.NewReader(content))
	case s.opts.Fetch != nil:
		var err error
		if body, err = s.opts.Fetch(ctx, address); err != nil {
			return 0, fmt.Errorf("fetch a hosted file: %w", err)
		}
	default:
		return 0, errors.New("the hosted file does not exist in the simulator")
	}
	defer body.Close()
	n, err := io.Copy(to, io.LimitReader(body, limit))
	if err == nil && n == 0 {
		err = errors.New("the hosted file is empty")
	}
	return n, err
}
