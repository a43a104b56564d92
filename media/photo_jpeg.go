package media

import (
	"bytes"
	"encoding/binary"
	"io"
)

// readJPEG walks the segments of a JPEG file up to its first scan, and looks
// for the end marker behind it (ITU-T T.81, Annex B).
func (p *Photo) readJPEG(r io.ReaderAt, size int64) error {
	off := int64(2)
	for n := 0; ; n++ {
		var h [4]byte
		ok, err := full(r, h[:], off)
		if err != nil {
			return err
		}
		if !ok || n == 10_000 {
			p.damaged("the file is cut off within its header")
			return nil
		}
		switch {
		case h[0] != 0xff:
			p.damaged("its header is garbled at byte %d", off)
			return nil
		case h[1] == 0xff: // fill byte
			off++
			continue
		case h[1] == 0x01 || h[1] >= 0xd0 && h[1] <= 0xd8: // no length follows
			off += 2
			continue
		}
		length := int64(binary.BigEndian.Uint16(h[2:]))
		switch marker := h[1]; {
		case marker == 0xda:
			if p.StoredWidth == 0 {
				p.damaged("its header has no size")
			}
			return p.findJPEGEnd(r, off, size)
		case marker == 0xd9:
			p.damaged("it ends before any picture data")
			return nil
		case length < 2:
			p.damaged("its header is garbled at byte %d", off)
			return nil
		case isJPEGFrame(marker):
			err = p.readJPEGFrame(r, off+4, length-2, marker)
		case marker == 0xe1 && p.Orientation == 1:
			err = p.readJPEGExif(r, off+4, length-2)
		}
		if err != nil {
			return err
		}
		off += 2 + length
	}
}

// isJPEGFrame reports whether a marker starts a frame header (SOF0 to SOF15).
func isJPEGFrame(marker byte) bool {
	return marker >= 0xc0 && marker <= 0xcf && marker != 0xc4 && marker != 0xc8 && marker != 0xcc
}

// readJPEGFrame reads size, depth and components.
func (p *Photo) readJPEGFrame(r io.ReaderAt, off, length int64, marker byte) error {
	var b [6]byte
	ok, err := full(r, b[:], off)
	if !ok || length < 6 {
		p.damaged("the file is cut off within its header")
		return err
	}
	p.BitDepth = int(b[0])
	p.StoredHeight, p.StoredWidth = int(binary.BigEndian.Uint16(b[1:])), int(binary.BigEndian.Uint16(b[3:]))
	switch b[5] {
	case 1:
		p.Color = "gray"
	case 3:
		p.Color = "ycc"
	case 4:
		p.Color = "cmyk"
	}
	switch {
	case p.StoredWidth == 0:
		p.damaged("its header says that it has no width")
	case p.StoredHeight == 0:
		p.NotRead = "its height follows the first scan (DNL)"
	case marker >= 0xc9:
		p.NotDecoded = "arithmetic coding"
	case marker != 0xc0 && marker != 0xc1 && marker != 0xc2:
		p.NotDecoded = "lossless or hierarchical coding"
	case b[0] != 8:
		p.NotDecoded = "samples of 12 bits"
	}
	return nil
}

// readJPEGExif reads the orientation from an APP1 segment.
func (p *Photo) readJPEGExif(r io.ReaderAt, off, length int64) error {
	b := make([]byte, length)
	ok, err := full(r, b, off)
	if tail, exif := bytes.CutPrefix(b, []byte("Exif\x00\x00")); ok && exif {
		p.Orientation = orientation(tail)
	}
	return err
}

// findJPEGEnd looks for the end marker backwards from the end of the file.
// Coded data can't contain it; cameras append whole films and thumbnails
// behind it.
func (p *Photo) findJPEGEnd(r io.ReaderAt, scan, size int64) error {
	const step = 64 << 10
	buf := make([]byte, step+1) // one byte of overlap, as the marker has two
	for end := min(size, maxPhotoBytes); end > scan; end -= step {
		start := max(end-step, scan)
		b := buf[:min(end+1, size)-start]
		ok, err := full(r, b, start)
		if err != nil {
			return err
		}
		if !ok {
			break
		}
		if bytes.LastIndex(b, []byte{0xff, 0xd9}) >= 0 {
			return nil
		}
	}
	if size <= maxPhotoBytes {
		p.damaged("the file is cut off: its end marker is missing")
	}
	return nil
}
