package graphapi

import (
	"bytes"
	"context"
	"io"
	"maps"
	"mime/multipart"
	"net/http"
	"net/textproto"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"
)

// body is what a POST sends: a form, or media streamed from where they are,
// alone or as a part of a multipart form. Its length is always known.
type body struct {
	contentType string
	form        []byte // the whole body, when there are no media

	media         io.ReaderAt
	from, to      int64  // the bytes of media that are sent
	multipart     bool   // the media are a part of a form:
	name, mime    string // what the part is called
	before, after []byte // the form around it
	progress      func(sent int64)

	flight *flight // the request under way
}

// formBody is a form-urlencoded body.
func formBody(params url.Values) *body {
	return &body{contentType: "application/x-www-form-urlencoded", form: []byte(params.Encode())}
}

// streamBody sends the bytes of media from offset on as they are.
func streamBody(media io.ReaderAt, offset, size int64, progress func(int64)) *body {
	return &body{contentType: "application/octet-stream", media: media, from: offset, to: size, progress: progress}
}

// fileBody sends media as the file part of a multipart form.
func fileBody(name, mime string, media io.ReaderAt, size int64, progress func(int64)) *body {
	return &body{multipart: true, name: name, mime: mime, media: media, to: size, progress: progress}
}

// fields puts the fields of a multipart form around the file.
func (b *body) fields(params url.Values) {
	var buf bytes.Buffer
	w := multipart.NewWriter(&buf)
	// Writing to a bytes.Buffer can't fail.
	for _, name := range slices.Sorted(maps.Keys(params)) {
		_ = w.WriteField(name, params.Get(name))
	}
	_, _ = w.CreatePart(textproto.MIMEHeader{
		"Content-Disposition": {`form-data; name="source"; filename="` + plainName(b.name) + `"`},
		"Content-Type":        {plainType(b.mime)},
	})
	b.before = bytes.Clone(buf.Bytes())
	buf.Reset()
	_ = w.Close()
	b.after = buf.Bytes()
	b.contentType = w.FormDataContentType()
}

// plainName is a file name without anything that could end a header.
func plainName(name string) string {
	name = strings.Map(func(r rune) rune {
		if r == '.' || r == '-' || r == '_' || r >= '0' && r <= '9' || r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' {
			return r
		}
		return '_'
	}, name)
	if name == "" {
		return "photo"
	}
	return name[max(0, len(name)-100):]
}

// plainType is a content type such as image/jpeg.
func plainType(mime string) string {
	kind, sub, ok := strings.Cut(mime, "/")
	if !ok || plainName(kind) != kind || plainName(sub) != sub {
		return "application/octet-stream"
	}
	return mime
}

// attach makes b the body of req.
func (b *body) attach(req *http.Request) {
	req.Header.Set("Content-Type", b.contentType)
	if b.media == nil {
		req.ContentLength = int64(len(b.form))
		req.Body = io.NopCloser(bytes.NewReader(b.form))
	} else {
		req.ContentLength = int64(len(b.before)) + b.to - b.from + int64(len(b.after))
		req.Body = io.NopCloser(io.MultiReader(bytes.NewReader(b.before), b.flight, bytes.NewReader(b.after)))
	}
	if req.ContentLength == 0 {
		req.Body = http.NoBody
	}
}

// flight is one request that streams media.
type flight struct {
	mu       sync.Mutex
	media    *io.SectionReader
	progress func(sent int64)
	stall    time.Duration
	timer    *time.Timer
	moved    int64 // bytes of media that the transport has taken
	failed   error // what reading the media ended with
	over     bool
}

// begin prepares the next request. cancel is called with a timeoutError when
// no byte moves for the time stall.
func (b *body) begin(stall time.Duration, cancel context.CancelCauseFunc) {
	b.flight = &flight{
		media: io.NewSectionReader(b.media, b.from, b.to-b.from), progress: b.progress, stall: stall,
		timer: time.AfterFunc(stall, func() { cancel(timeoutError{stall}) }),
	}
}

// end ends the request under way. After it returns neither media nor progress
// are used any more, although the transport may still hold the body.
func (b *body) end() {
	f := b.flight
	f.mu.Lock()
	defer f.mu.Unlock()
	f.over = true
	f.timer.Stop()
}

// sent is how many bytes of media the transport has taken, and what reading
// them failed with.
func (b *body) sent() (n int64, failed error) {
	if b == nil || b.flight == nil {
		return 0, nil
	}
	b.flight.mu.Lock()
	defer b.flight.mu.Unlock()
	return b.flight.moved, b.flight.failed
}

// Read implements io.Reader for the transport. A file that has become shorter
// is an error here, not an end.
func (f *flight) Read(p []byte) (int, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.over {
		return 0, io.ErrClosedPipe
	}
	n, err := f.media.Read(p)
	f.moved += int64(n)
	all := f.moved == f.media.Size()
	if err == io.EOF && !all {
		err = io.ErrUnexpectedEOF
	}
	if err != nil && err != io.EOF {
		f.failed = err
		return n, err
	}
	if all {
		f.timer.Reset(2 * f.stall) // the server is at work now
	} else {
		f.timer.Reset(f.stall)
	}
	if n > 0 && f.progress != nil {
		f.progress(f.moved)
	}
	return n, err
}
