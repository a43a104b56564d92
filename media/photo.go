package media

import (
	"context"
	"errors"
	"fmt"
	"image"
	"image/gif"
	"image/jpeg"
	"image/png"
	"io"

	"golang.org/x/image/bmp"
	"golang.org/x/image/tiff"
)

// The sizes that decide how closely a photo is looked at.
const (
	maxPhotoBytes  = 10 << 20   // the guide's limit; larger files are not walked through
	maxPhotoPixels = 50_000_000 // more are never decoded: a bomb of 100 KB takes gigabytes
)

// Photo has what was measured of a photo beyond story.Media.
type Photo struct {
	// StoredWidth and StoredHeight are the size before Orientation.
	StoredWidth  int `json:"stored_width,omitempty"`
	StoredHeight int `json:"stored_height,omitempty"`
	// Orientation is EXIF's, 1 to 8: from 5 on width and height are swapped.
	Orientation int `json:"orientation"`
	// Frames is how many pictures the file holds: more than 1 is an
	// animation (GIF, APNG) or a document of several pages (TIFF).
	Frames   int    `json:"frames"`
	Color    string `json:"color,omitempty"` // "gray", "rgb", "palette", "cmyk", …
	BitDepth int    `json:"bit_depth,omitempty"`
	// Damage says what is missing or wrong in the file's structure.
	Damage string `json:"damage,omitempty"`
	// Decoded: every pixel was decoded. DecodeError says what was wrong with
	// them, NotDecoded why they can't be decoded here though they may be fine.
	Decoded     bool   `json:"decoded"`
	DecodeError string `json:"decode_error,omitempty"`
	NotDecoded  string `json:"not_decoded,omitempty"`
	// NotRead says why the header could not be read though the file may be fine.
	NotRead string `json:"not_read,omitempty"`
}

// displayed returns the size after orientation.
func (p *Photo) displayed() (width, height int) {
	if p.Orientation >= 5 {
		return p.StoredHeight, p.StoredWidth
	}
	return p.StoredWidth, p.StoredHeight
}

// damaged notes the first fault that is found.
func (p *Photo) damaged(format string, args ...any) {
	if p.Damage == "" {
		p.Damage = fmt.Sprintf(format, args...)
	}
}

// photoReaders has the formats that are looked into. Each reads a header and
// as much structure as tells whether the file is complete. An error is a
// failure to read the file; faults of its content go into the Photo.
func photoReader(format string) func(p *Photo, r io.ReaderAt, size int64) error {
	switch format {
	case "jpeg":
		return (*Photo).readJPEG
	case "png":
		return (*Photo).readPNG
	case "gif":
		return (*Photo).readGIF
	case "bmp":
		return (*Photo).readBMP
	case "tiff":
		return (*Photo).readTIFF
	}
	return nil
}

// readPhoto measures a photo of a known format.
func readPhoto(ctx context.Context, r io.ReaderAt, size int64, format string, stray int, o Options) (*Photo, error) {
	p := &Photo{Orientation: 1, Frames: 1}
	read := photoReader(format)
	if read == nil {
		p.NotRead = formatName(format) + " is not looked into"
		return p, nil
	}
	if stray > 0 {
		p.damaged("%d blank bytes stand before the picture", stray)
		r, size = io.NewSectionReader(r, int64(stray), size-int64(stray)), size-int64(stray)
	}
	if err := read(p, r, size); err != nil {
		return nil, err
	}
	if o.Decode {
		return p, p.decode(ctx, io.NewSectionReader(r, 0, size), size, format)
	}
	return p, nil
}

// decode decodes the pixels, unless the header says that they are too many.
func (p *Photo) decode(ctx context.Context, r io.Reader, size int64, format string) error {
	switch {
	case p.Damage != "" || p.NotDecoded != "" || p.NotRead != "":
		return nil
	case int64(p.StoredWidth)*int64(p.StoredHeight) > maxPhotoPixels:
		p.NotDecoded = fmt.Sprintf("%d x %d pixels are too many to decode", p.StoredWidth, p.StoredHeight)
		return nil
	case size > maxPhotoBytes:
		p.NotDecoded = "the file is too large"
		return nil
	}
	decode := map[string]func(io.Reader) (image.Image, error){
		"jpeg": jpeg.Decode, "png": png.Decode, "gif": gif.Decode, "bmp": bmp.Decode, "tiff": tiff.Decode,
	}[format]
	_, err := decode(&contextReader{ctx, r})
	switch {
	case ctx.Err() != nil:
		return context.Cause(ctx)
	case err == nil:
		p.Decoded = true
	case isUnsupported(err):
		p.NotDecoded = err.Error()
	default:
		p.DecodeError = err.Error()
	}
	return nil
}

// isUnsupported reports whether a decoder refuses a picture because it does
// not know its variant.
func isUnsupported(err error) bool {
	var (
		j jpeg.UnsupportedError
		p png.UnsupportedError
		t tiff.UnsupportedError
	)
	return errors.As(err, &j) || errors.As(err, &p) || errors.As(err, &t) || errors.Is(err, bmp.ErrUnsupported)
}

// full fills b from off and reports whether the file has these bytes. An
// error is a failure to read other than the end of the file.
func full(r io.ReaderAt, b []byte, off int64) (bool, error) {
	n, err := r.ReadAt(b, off)
	if n == len(b) {
		return true, nil
	}
	if err == nil || errors.Is(err, io.EOF) {
		return false, nil
	}
	return false, err
}
