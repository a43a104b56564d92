package sandbox

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"hash"
	"io"
	"mime"
	"net/http"
	"strconv"
	"strings"
)

// maxPhoto is the documented limit of a photo. Source:
// developers.facebook.com/docs/page-stories-api, 6 May 2026 (older copies
// say 4 MB).
const maxPhoto = 10 << 20

// received is a photo file that came with a request.
type received struct {
	hash  hash.Hash
	head  []byte // the first bytes, to see what it is
	bytes int64
	spool *spooled
}

// Write takes bytes of the file. It never fails.
func (f *received) Write(p []byte) (int, error) {
	f.bytes += int64(len(p))
	f.hash.Write(p)
	if need := 512 - len(f.head); need > 0 {
		f.head = append(f.head, p[:min(need, len(p))]...)
	}
	if f.bytes <= maxPhoto {
		f.spool.write(p)
	}
	return len(p), nil
}

// sha256 is the hash of what came.
func (f *received) sha256() string { return hex.EncodeToString(f.hash.Sum(nil)) }

// readable reports whether the file is a photo that the API takes.
func (f *received) readable() bool {
	if f.bytes > maxPhoto {
		return false
	}
	switch http.DetectContentType(f.head) {
	case "image/jpeg", "image/png", "image/gif", "image/bmp":
		return true
	}
	return bytes.HasPrefix(f.head, []byte("II*\x00")) || bytes.HasPrefix(f.head, []byte("MM\x00*"))
}

// photos answers POST /{page}/photos: a file in a multipart body, or url.
func (s *Server) photos(c *call) reply {
	file, cut, err := s.receivePhoto(c)
	c.cred = credentialOf(c.http, c.p)
	c.entry.Token = c.cred.how
	if file != nil {
		defer file.spool.drop()
		c.entry.Bytes, c.entry.SHA256 = file.bytes, file.sha256()
	}
	switch {
	case cut.fired():
		s.broken(c)
		seize(c.out).close(true)
		return reply{}
	case errors.Is(err, errBody):
		s.broken(c)
		panic(http.ErrAbortHandler)
	}
	rep := s.finish(c, func(w *world) (any, error) {
		t, refusal := w.enter(c)
		if refusal == nil {
			refusal = err
		}
		if refusal != nil {
			return nil, refusal
		}
		return w.addPhoto(c, t, file)
	})
	if file != nil && (c.entry.Outcome == OutcomeDone || c.entry.Outcome == OutcomeLost) {
		file.spool.keep(c.entry.SHA256)
	}
	return rep
}

// receivePhoto reads the body. A url is fetched.
func (s *Server) receivePhoto(c *call) (*received, *cutter, error) {
	var file *received
	take := func(body io.Reader, _ string) error {
		if file != nil { // the API takes the first
			_, err := io.Copy(io.Discard, body)
			return bodyError(err)
		}
		file = &received{hash: sha256.New(), spool: s.spoolFile()}
		_, err := io.Copy(file, body)
		return bodyError(err)
	}
	body, cut := c.media()
	c.http.Body = io.NopCloser(body)
	kind, _, _ := mime.ParseMediaType(c.http.Header.Get("Content-Type"))
	var err error
	if kind == "multipart/form-data" {
		err = c.p.addMultipart(c.http, take)
	} else {
		c.p, err = bodyParams(c.http)
	}
	if err != nil || file != nil || c.p.get("url") == "" {
		return file, cut, err
	}
	address := c.p.get("url")
	if checkHosted(address) != nil {
		return nil, cut, codeError(324)
	}
	file = &received{hash: sha256.New(), spool: s.spoolFile()}
	if _, err := s.fetch(c.http.Context(), address, file, maxPhoto+1); err != nil {
		file.spool.drop()
		return nil, cut, codeError(324)
	}
	return file, cut, nil
}

// bodyError turns an error of reading a body into errBody.
func bodyError(err error) error {
	if err != nil {
		return errBody
	}
	return nil
}

// addPhoto keeps a photo. Without published=false it goes to the feed of the
// Page at once, visible to everybody, as on Facebook.
func (w *world) addPhoto(c *call, t *Token, file *received) (any, error) {
	p, err := w.pageCall(t, c.rt.node, c.edge, c.server.opts.AutoPages)
	if err != nil {
		return nil, err
	}
	public := true
	if text := c.p.get("published"); text != "" {
		if public, err = strconv.ParseBool(strings.ToLower(text)); err != nil {
			return nil, paramError("Param published must be a boolean")
		}
	}
	if file == nil {
		return nil, &graphError{Code: 324, Message: "(#324) Requires upload file"}
	}
	if !file.readable() {
		return nil, unreadablePhoto()
	}
	w.sweep(c.now)
	ph := &photo{ID: w.id(), Page: p.ID, SHA256: file.sha256(), Bytes: file.bytes, Uploaded: c.now.UTC(), Feed: public}
	w.photos[ph.ID] = ph
	c.entry.Media = ph.ID
	if !public {
		return object{"id": ph.ID}, nil
	}
	c.entry.Public, c.entry.PostID = true, p.ID+"_"+w.id()
	return object{"id": ph.ID, "post_id": c.entry.PostID}, nil
}

// photoStory answers POST /{page}/photo_stories.
func (w *world) photoStory(c *call, t *Token) (any, error) {
	p, err := w.pageCall(t, c.rt.node, c.edge, c.server.opts.AutoPages)
	if err != nil {
		return nil, err
	}
	id := c.p.get("photo_id")
	switch {
	case id == "" && c.p.get("url") != "":
		// Seen every time with the undocumented one-step call
		// (github.com/getopenpost/openpost/issues/227).
		e := codeError(1)
		e.Message = "An unexpected error has occurred. Please retry your request later."
		return nil, e
	case id == "":
		return nil, paramError("The parameter photo_id is required")
	}
	ph := w.photos[id]
	if ph == nil || ph.Page != p.ID || ph.PostID == "" && !ph.Feed && !c.now.Before(ph.Uploaded.Add(photoLifetime)) {
		return nil, unsupported("post", short(id))
	}
	c.entry.Media = ph.ID
	if ph.Feed {
		return nil, alreadyPosted("photos")
	}
	if ph.PostID != "" {
		if same, err := w.republish(ph.PostID, "photos"); same != nil || err != nil {
			return same, err
		}
	}
	if err := w.mayPublish(c, p, ph.SHA256, "photos"); err != nil {
		return nil, err
	}
	s := w.publish(p.ID, "photo", ph.ID, ph.SHA256, ph.Bytes, c.now)
	ph.PostID = s.PostID
	c.entry.Public, c.entry.PostID, c.entry.SHA256 = true, s.PostID, ph.SHA256
	return object{"success": true, "post_id": s.PostID}, nil
}
