package media

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"os"
	"path/filepath"

	"storyform/story"
)

// File is what is known about one local photo or video: the facts that the
// rest of the program carries along (story.Media) and everything else that
// was measured. Exactly one of Photo, Video and Remote is set.
type File struct {
	story.Media
	// Name is the file's name without its folder.
	Name  string `json:"name"`
	Photo *Photo `json:"photo,omitempty"`
	Video *Video `json:"video,omitempty"`
	// Remote is a hosted file, which was not read: see CheckURL and Probe.
	Remote *Remote `json:"remote,omitempty"`
}

// subject is the kind of rules that a file is held against: its own kind,
// empty for a hosted file.
func (f *File) subject() story.Kind {
	if f.Remote != nil {
		return ""
	}
	return f.Kind
}

// Options says what Inspect does beyond reading headers. The zero value is
// the fast way.
type Options struct {
	// Decode decodes a photo's pixels, which finds rot that headers don't
	// show. It costs 20 to 150 ms for a photo of 1080x1920.
	Decode bool
	// Samples computes Media.SampleSHA256 in a second pass over a video.
	Samples bool
	// Cache, when not nil, is asked first and told afterwards.
	Cache *Cache
}

// Inspect reads the file at path and measures it. want is the kind that the
// configuration declares; empty accepts both. An error is a *Error, or the
// context's.
//
// It checks structure and checksums, not pixels; see Options.Decode.
func Inspect(ctx context.Context, path string, want story.Kind) (*File, error) {
	return InspectWith(ctx, path, want, Options{})
}

// InspectWith is Inspect with options.
func InspectWith(ctx context.Context, path string, want story.Kind, o Options) (*File, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, openError(err)
	}
	switch {
	case info.IsDir():
		return nil, folderError()
	case !info.Mode().IsRegular():
		return nil, specialError()
	case info.Size() == 0:
		return nil, emptyError()
	}
	if f := o.Cache.lookup(path, info, o); f != nil {
		if want != "" && f.Kind != want {
			return nil, kindError(f.Format, f.Kind)
		}
		return f, nil
	}
	began := o.Cache.now()
	f, after, err := inspectFile(ctx, path, want, o)
	if err != nil {
		return nil, err
	}
	if !sameFile(info, after) {
		return nil, changedError()
	}
	o.Cache.store(path, after, began, o, f)
	return f, nil
}

// sameFile reports whether nothing wrote to the file between two looks at it.
func sameFile(a, b os.FileInfo) bool {
	return os.SameFile(a, b) && a.Size() == b.Size() && a.ModTime().Equal(b.ModTime())
}

// inspectFile opens and measures the file, and looks at it once more in the
// end.
func inspectFile(ctx context.Context, path string, want story.Kind, o Options) (*File, os.FileInfo, error) {
	h, err := os.Open(path)
	if err != nil {
		return nil, nil, openError(err)
	}
	defer h.Close()
	info, err := h.Stat()
	if err != nil {
		return nil, nil, openError(err)
	}
	f, err := inspect(ctx, h, info.Size(), want, o)
	if err != nil {
		return nil, nil, err
	}
	f.Name = filepath.Base(path)
	after, err := h.Stat()
	if err != nil {
		return nil, nil, openError(err)
	}
	if !sameFile(info, after) {
		return nil, nil, changedError()
	}
	return f, after, nil
}

// inspect measures and hashes an open file of the given size.
func inspect(ctx context.Context, r io.ReaderAt, size int64, want story.Kind, o Options) (*File, error) {
	f, err := measure(ctx, r, size, want, o)
	if err != nil {
		return nil, err
	}
	f.SHA256, err = hash(ctx, io.NewSectionReader(r, 0, size), size)
	return f, err
}

// measure finds out everything but the hash.
func measure(ctx context.Context, r io.ReaderAt, size int64, want story.Kind, o Options) (*File, error) {
	head := make([]byte, min(size, sniffBytes))
	if n, err := r.ReadAt(head, 0); n < len(head) {
		return nil, readError(ctx, err)
	}
	format, err := recognise(head, want)
	if err != nil {
		return nil, err
	}
	f := &File{Media: story.Media{Kind: format.kind, Format: format.name, Bytes: size}}
	switch format.kind {
	case story.Photo:
		f.Photo, err = readPhoto(ctx, r, size, format.name, strayBytes(head), o)
		if err == nil {
			f.Width, f.Height = f.Photo.displayed()
		}
	case story.Video:
		err = f.readVideo(ctx, r, size, o)
	}
	if err != nil {
		return nil, readError(ctx, err)
	}
	return f, nil
}

// recognise finds the format of a file and refuses what can't be a story.
func recognise(head []byte, want story.Kind) (*format, error) {
	if isLFSPointer(head) {
		return nil, lfsError()
	}
	format := sniff(head)
	if format == nil {
		if n := strayBytes(head); n > 0 {
			format = sniff(head[n:])
		}
	}
	switch {
	case format == nil && isText(head):
		return nil, textError(want)
	case format == nil:
		return nil, unknownError(want, head)
	case format.kind == "":
		return nil, namedError(format.name)
	case want != "" && format.kind != want:
		return nil, kindError(format.name, format.kind)
	}
	return format, nil
}

// hash returns the sha256 of r in lowercase hex. It needs constant memory
// and stops when ctx is done.
func hash(ctx context.Context, r io.Reader, size int64) (string, error) {
	h := sha256.New()
	n, err := io.CopyBuffer(h, &contextReader{ctx, r}, make([]byte, 256<<10))
	if err == nil && n != size {
		return "", changedError()
	}
	if err != nil {
		return "", readError(ctx, err)
	}
	return hex.EncodeToString(h.Sum(nil)), nil
}

// contextReader fails when its context is done.
type contextReader struct {
	ctx context.Context
	r   io.Reader
}

// Read reads unless the context is done.
func (c *contextReader) Read(p []byte) (int, error) {
	if err := c.ctx.Err(); err != nil {
		return 0, context.Cause(c.ctx)
	}
	return c.r.Read(p)
}

// readError keeps an Error and the context's error, and turns any other
// failure to read into an Error.
func readError(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	if e, ok := errors.AsType[*Error](err); ok {
		return e
	}
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || err == nil {
		return changedError()
	}
	return openError(err)
}
