package cli

import (
	"bytes"
	"context"
	"image"
	"image/color"
	"image/draw"
	"image/gif"
	"image/jpeg"
	"image/png"
	"io"
	"os"

	"golang.org/x/image/bmp"
	scale "golang.org/x/image/draw"
	"golang.org/x/image/tiff"

	"storyform/media"
)

// The bounds of thumbnails: the box in pixels into which each fits, the
// pictures that are decoded for them, and what all of them may take in a page,
// in bytes.
const (
	thumbWidth, thumbHeight = 180, 320
	thumbQuality            = 70
	maxThumbFile            = 32 << 20
	maxThumbPixels          = 40 << 20
	maxThumbTotal           = 8 << 20
)

// thumbDecoders maps the kinds of photos to their decoders.
var thumbDecoders = map[string]func(io.Reader) (image.Image, error){
	"jpeg": jpeg.Decode, "png": png.Decode, "gif": gif.Decode, "bmp": bmp.Decode, "tiff": tiff.Decode,
}

// thumbnails returns what makes small pictures of photos for a page. A video
// has none: its frames are not decoded.
func (a *app) thumbnails(ctx context.Context) func(source string) (mime string, data []byte) {
	left := maxThumbTotal
	return func(source string) (string, []byte) {
		data := a.thumbnail(ctx, source)
		if len(data) == 0 || len(data) > left {
			return "", nil
		}
		left -= len(data)
		return "image/jpeg", data
	}
}

// thumbnail makes the small picture of a local photo, nil when there is none
// to be made: a page without a picture is better than no page.
func (a *app) thumbnail(ctx context.Context, source string) []byte {
	f, err := a.openMedia(source)
	if err != nil {
		return nil // hosted, or gone
	}
	defer f.Close()
	facts, err := media.InspectWith(ctx, f.Name(), "", media.Options{})
	if err != nil || facts.Photo == nil || int64(facts.Photo.StoredWidth)*int64(facts.Photo.StoredHeight) > maxThumbPixels {
		return nil
	}
	picture := decodeThumb(f, facts.Format)
	if picture == nil {
		return nil
	}
	var out bytes.Buffer
	if jpeg.Encode(&out, upright(shrunk(picture), facts.Photo.Orientation), &jpeg.Options{Quality: thumbQuality}) != nil {
		return nil
	}
	return out.Bytes()
}

// decodeThumb decodes a picture, nil when that can't be done.
func decodeThumb(f *os.File, format string) image.Image {
	decode := thumbDecoders[format]
	if decode == nil {
		return nil
	}
	picture, err := decode(io.LimitReader(f, maxThumbFile))
	if err != nil || picture.Bounds().Empty() {
		return nil
	}
	return picture
}

// shrunk scales a picture down into the box, on white where it is transparent.
func shrunk(src image.Image) *image.RGBA {
	w, h := src.Bounds().Dx(), src.Bounds().Dy()
	box := max(thumbWidth, thumbHeight) // upright or lying: it may be turned
	if long := max(w, h); long > box {
		w, h = max(1, w*box/long), max(1, h*box/long)
	}
	dst := image.NewRGBA(image.Rect(0, 0, w, h))
	draw.Draw(dst, dst.Bounds(), image.NewUniform(color.White), image.Point{}, draw.Src)
	scale.ApproxBiLinear.Scale(dst, dst.Bounds(), src, src.Bounds(), draw.Over, nil)
	return dst
}

// upright turns a picture as EXIF's orientation demands, which says where the
// stored picture's first row and column belong.
func upright(src *image.RGBA, orientation int) image.Image {
	if orientation < 2 || orientation > 8 {
		return src
	}
	w, h := src.Rect.Dx(), src.Rect.Dy()
	if orientation >= 5 {
		w, h = h, w
	}
	dst := image.NewRGBA(image.Rect(0, 0, w, h))
	for y := range h {
		for x := range w {
			from := [9]image.Point{
				2: {w - 1 - x, y}, 3: {w - 1 - x, h - 1 - y}, 4: {x, h - 1 - y},
				5: {y, x}, 6: {y, w - 1 - x}, 7: {h - 1 - y, w - 1 - x}, 8: {h - 1 - y, x},
			}[orientation]
			dst.SetRGBA(x, y, src.RGBAAt(from.X, from.Y))
		}
	}
	return dst
}
