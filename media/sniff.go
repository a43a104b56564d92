package media

import (
	"bytes"
	"encoding/binary"
	"slices"
	"unicode/utf8"

	"storyform/story"
)

// sniffBytes is how much of a file is looked at to recognise it.
const sniffBytes = 4096

// format is a kind of file that is recognised by its first bytes.
type format struct {
	name  string // as it is reported: "jpeg", "mp4", …
	title string // for sentences, with its article
	kind  story.Kind
	magic string // at offset; any byte stands for itself
	at    int
	also  func(head []byte) bool // a further test, for weak magic
}

// formats is in order of preference: the first match counts. Sources: the
// formats' own specifications. The standard library's DetectContentType knows
// neither TIFF nor HEIC, AVIF or MOV.
var formats = []format{
	{"jpeg", "a JPEG picture", story.Photo, "\xff\xd8\xff", 0, nil},
	{"png", "a PNG picture", story.Photo, "\x89PNG\r\n\x1a\n", 0, nil},
	{"gif", "a GIF picture", story.Photo, "GIF87a", 0, nil},
	{"gif", "a GIF picture", story.Photo, "GIF89a", 0, nil},
	{"tiff", "a TIFF picture", story.Photo, "II*\x00", 0, nil},
	{"tiff", "a TIFF picture", story.Photo, "MM\x00*", 0, nil},
	{"tiff", "a TIFF picture", story.Photo, "II+\x00\x08\x00", 0, nil}, // BigTIFF
	{"tiff", "a TIFF picture", story.Photo, "MM\x00+\x00\x08", 0, nil},
	{"bmp", "a BMP picture", story.Photo, "BM", 0, isBMP},
	{"webp", "a WebP picture", story.Photo, "WEBP", 8, riff},
	{"avif", "an AVIF picture", story.Photo, "ftyp", 4, isAVIF},
	{"heic", "an HEIC picture", story.Photo, "ftyp", 4, brand("heic", "heix", "heim", "heis", "hevc", "hevx", "mif1", "msf1")},
	{"jxl", "a JPEG XL picture", story.Photo, "\x00\x00\x00\x0cJXL \r\n\x87\n", 0, nil},
	{"jxl", "a JPEG XL picture", story.Photo, "\xff\x0a", 0, binaryData},
	{"jp2", "a JPEG 2000 picture", story.Photo, "\x00\x00\x00\x0cjP  \r\n\x87\n", 0, nil},
	{"psd", "a Photoshop document", "", "8BPS", 0, nil},
	{"cr3", "a raw photo of a Canon camera", "", "ftypcrx ", 4, nil},

	{"m4a", "an MPEG-4 audio file", "", "ftypM4A ", 4, nil},
	{"mov", "a QuickTime movie (MOV)", story.Video, "ftypqt  ", 4, nil},
	{"mp4", "an MP4 video", story.Video, "ftyp", 4, nil},
	{"mov", "a QuickTime movie (MOV)", story.Video, "moov", 4, nil},
	{"mov", "a QuickTime movie (MOV)", story.Video, "mdat", 4, nil},
	{"mov", "a QuickTime movie (MOV)", story.Video, "wide", 4, nil},
	{"mov", "a QuickTime movie (MOV)", story.Video, "skip", 4, nil},
	{"mov", "a QuickTime movie (MOV)", story.Video, "free", 4, nil},
	{"mov", "a QuickTime movie (MOV)", story.Video, "pnot", 4, nil},
	{"mp4", "an MP4 video", story.Video, "styp", 4, nil},
	{"webm", "a WebM video", story.Video, "\x1aE\xdf\xa3", 0, docType("webm")},
	{"mkv", "a Matroska video (MKV)", story.Video, "\x1aE\xdf\xa3", 0, nil},
	{"avi", "an AVI video", story.Video, "AVI ", 8, riff},
	{"mpegts", "an MPEG transport stream (TS)", story.Video, "G", 0, every(188, 0)},
	{"mpegts", "an MPEG transport stream (M2TS)", story.Video, "G", 4, every(192, 4)},
	{"mpeg", "an MPEG program stream (MPG)", story.Video, "\x00\x00\x01\xba", 0, nil},
	{"flv", "a Flash video (FLV)", story.Video, "FLV\x01", 0, nil},
	{"asf", "a Windows Media file (WMV)", story.Video, "\x30\x26\xb2\x75\x8e\x66\xcf\x11", 0, nil},
	{"ogg", "an Ogg file", "", "OggS", 0, nil},

	{"wav", "a WAV audio file", "", "WAVE", 8, riff},
	{"mp3", "an MP3 audio file", "", "ID3", 0, nil},
	{"flac", "a FLAC audio file", "", "fLaC", 0, nil},
	{"pdf", "a PDF document", "", "%PDF-", 0, nil},
	{"zip", "a ZIP archive or an office document", "", "PK\x03\x04", 0, nil},
	{"gzip", "a gzip archive", "", "\x1f\x8b", 0, nil},
}

// sniff recognises a file by its first bytes: the format's row, or nil.
func sniff(head []byte) *format {
	for i := range formats {
		f := &formats[i]
		if f.at <= len(head) && bytes.HasPrefix(head[f.at:], []byte(f.magic)) && (f.also == nil || f.also(head)) {
			return f
		}
	}
	return nil
}

// formatName is the title of a format, for sentences.
func formatName(name string) string {
	i := slices.IndexFunc(formats, func(f format) bool { return f.name == name })
	if i < 0 {
		return name
	}
	return formats[i].title
}

// riff reports a RIFF container, whose form type stands at 8.
func riff(head []byte) bool { return bytes.HasPrefix(head, []byte("RIFF")) }

// isBMP tells a bitmap from other files that begin with BM, by the size of
// its second header.
func isBMP(head []byte) bool {
	if len(head) < 18 {
		return false
	}
	switch binary.LittleEndian.Uint32(head[14:]) {
	case 12, 16, 40, 52, 56, 64, 108, 124:
		return true
	}
	return false
}

// brand tests the major brand of ftyp.
func brand(brands ...string) func([]byte) bool {
	return func(head []byte) bool {
		return len(head) >= 12 && slices.Contains(brands, string(head[8:12]))
	}
}

// isAVIF tests the brands of a picture: the major one may be the general mif1.
func isAVIF(head []byte) bool {
	if brand("avif", "avis")(head) {
		return true
	}
	end := min(len(head), int(binary.BigEndian.Uint32(head)))
	for i := 16; i+4 <= end; i += 4 {
		if brand("mif1", "msf1")(head) && string(head[i:i+4]) == "avif" {
			return true
		}
	}
	return false
}

// docType looks for the DocType element of an EBML header.
func docType(name string) func([]byte) bool {
	return func(head []byte) bool {
		element := append([]byte{0x42, 0x82, 0x80 | byte(len(name))}, name...)
		return bytes.Contains(head[:min(len(head), 128)], element)
	}
}

// every tests the sync byte of the following packets of a transport stream.
func every(packet, from int) func([]byte) bool {
	return func(head []byte) bool {
		for i := from; i < from+5*packet; i += packet {
			if i >= len(head) || head[i] != 'G' {
				return false
			}
		}
		return true
	}
}

// binaryData reports that a file is not text.
func binaryData(head []byte) bool { return !isText(head) }

// isText reports whether the first bytes of a file look like text: valid
// UTF-8 without control characters that text does not have.
func isText(head []byte) bool {
	head = bytes.TrimPrefix(head, []byte("\xef\xbb\xbf"))
	for len(head) > 0 {
		r, n := utf8.DecodeRune(head)
		if r == utf8.RuneError && n <= 1 {
			return len(head) < utf8.UTFMax && !utf8.FullRune(head) // cut off within a character
		}
		if r < 0x20 && r != '\t' && r != '\n' && r != '\r' && r != '\f' || r == 0x7f {
			return false
		}
		head = head[n:]
	}
	return true
}

// isLFSPointer reports whether a file holds a Git LFS pointer.
// Source: github.com/git-lfs/git-lfs, docs/spec.md.
func isLFSPointer(head []byte) bool {
	return bytes.HasPrefix(head, []byte("version https://git-lfs.github.com/spec/")) ||
		bytes.HasPrefix(head, []byte("version https://hawser.github.com/spec/"))
}

// strayBytes counts blank bytes in front of a picture, which some content
// management systems leave there; decoders of photos refuse the file then.
func strayBytes(head []byte) int {
	rest := bytes.TrimLeft(head[:min(len(head), 64)], " \t\r\n")
	n := min(len(head), 64) - len(rest)
	if f := sniff(rest); n > 0 && f != nil && f.kind == story.Photo {
		return n
	}
	return 0
}
