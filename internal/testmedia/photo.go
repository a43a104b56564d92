package testmedia

import (
	"bytes"
	"encoding/binary"
	"hash/crc32"
	"image"
	"image/color"
	"image/gif"
	"image/jpeg"
	"image/png"

	"golang.org/x/image/bmp"
	"golang.org/x/image/tiff"
)

// picture is a two-colored picture that compresses to next to nothing.
func picture(w, h int) *image.Paletted {
	p := image.NewPaletted(image.Rect(0, 0, w, h), color.Palette{color.White, color.RGBA{11, 61, 145, 255}})
	for i := range p.Pix[:len(p.Pix)/2] {
		p.Pix[i] = 1
	}
	return p
}

// encode collects what an encoder writes. Encoding into memory can't fail.
func encode(to func(*bytes.Buffer) error) []byte {
	var b bytes.Buffer
	if err := to(&b); err != nil {
		panic(err)
	}
	return b.Bytes()
}

// JPEG returns a JPEG photo of w by h pixels.
func JPEG(w, h int) []byte {
	gray := image.NewGray(image.Rect(0, 0, w, h))
	return encode(func(b *bytes.Buffer) error { return jpeg.Encode(b, gray, &jpeg.Options{Quality: 50}) })
}

// PNG returns a PNG photo of w by h pixels.
func PNG(w, h int) []byte {
	return encode(func(b *bytes.Buffer) error { return png.Encode(b, picture(w, h)) })
}

// GIF returns a GIF of w by h pixels with this many frames.
func GIF(w, h, frames int) []byte {
	g := gif.GIF{}
	for range frames {
		g.Image, g.Delay = append(g.Image, picture(w, h)), append(g.Delay, 10)
	}
	return encode(func(b *bytes.Buffer) error { return gif.EncodeAll(b, &g) })
}

// BMP returns a bitmap of w by h pixels.
func BMP(w, h int) []byte {
	return encode(func(b *bytes.Buffer) error { return bmp.Encode(b, picture(w, h)) })
}

// TIFF returns a TIFF photo of w by h pixels.
func TIFF(w, h int) []byte {
	return encode(func(b *bytes.Buffer) error {
		return tiff.Encode(b, picture(w, h), &tiff.Options{Compression: tiff.Deflate})
	})
}

// Exif returns a piece of EXIF that tells an orientation, in the byte order
// of order.
func Exif(order binary.AppendByteOrder, orientation uint16) []byte {
	head := "II"
	if order.AppendUint16(nil, 1)[0] == 0 {
		head = "MM"
	}
	b := order.AppendUint16([]byte(head), 42)
	b = order.AppendUint32(b, 8)
	b = order.AppendUint16(b, 1)
	b = order.AppendUint16(b, 274)
	b = order.AppendUint16(b, 3)
	b = order.AppendUint32(b, 1)
	b = order.AppendUint16(b, orientation)
	return append(b, make([]byte, 6)...)
}

// JPEGWithExif puts EXIF into a JPEG photo.
func JPEGWithExif(photo, exif []byte) []byte {
	segment := append([]byte("\xff\xe1"), binary.BigEndian.AppendUint16(nil, uint16(len(exif)+8))...)
	segment = append(append(segment, "Exif\x00\x00"...), exif...)
	return append(append(bytes.Clone(photo[:2]), segment...), photo[2:]...)
}

// PNGWithChunk puts a chunk behind the header of a PNG photo: "eXIf" with
// EXIF, or "acTL" with a count of frames.
func PNGWithChunk(photo []byte, kind string, data []byte) []byte {
	const header = 8 + 25 // signature and IHDR
	return append(append(bytes.Clone(photo[:header]), PNGChunk(kind, data)...), photo[header:]...)
}

// PNGChunk makes one chunk of a PNG file.
func PNGChunk(kind string, data []byte) []byte {
	b := binary.BigEndian.AppendUint32(nil, uint32(len(data)))
	b = append(append(b, kind...), data...)
	return binary.BigEndian.AppendUint32(b, crc32.ChecksumIEEE(b[4:]))
}

// PNGHeader returns a PNG file that claims w by h pixels and has almost no
// data: a decoder that believes it needs 4*w*h bytes.
func PNGHeader(w, h uint32) []byte {
	ihdr := binary.BigEndian.AppendUint32(nil, w)
	ihdr = binary.BigEndian.AppendUint32(ihdr, h)
	ihdr = append(ihdr, 8, 6, 0, 0, 0)
	b := append([]byte("\x89PNG\r\n\x1a\n"), PNGChunk("IHDR", ihdr)...)
	b = append(b, PNGChunk("IDAT", []byte("\x78\x9c\x63\x00\x00\x00\x01\x00\x01"))...)
	return append(b, PNGChunk("IEND", nil)...)
}

// LFSPointer is the text that Git LFS puts in place of a file of this size.
func LFSPointer(size string) []byte {
	return []byte("version https://git-lfs.github.com/spec/v1\n" +
		"oid sha256:4d7a214614ab2935c943f9e0ff69d22eadbb8f32b1258daaa5e2ca24d17e2393\nsize " + size + "\n")
}
