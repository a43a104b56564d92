package media

import (
	"bufio"
	"encoding/binary"
	"errors"
	"io"
)

// readGIF walks the blocks of a GIF file and counts its pictures (CompuServe,
// GIF89a Specification).
func (p *Photo) readGIF(r io.ReaderAt, size int64) error {
	br := bufio.NewReaderSize(io.NewSectionReader(r, 0, min(size, maxPhotoBytes)), 64<<10)
	var h [13]byte
	if _, err := io.ReadFull(br, h[:]); err != nil {
		p.damaged("the file is cut off within its header")
		return nil
	}
	p.StoredWidth, p.StoredHeight = int(binary.LittleEndian.Uint16(h[6:])), int(binary.LittleEndian.Uint16(h[8:]))
	p.Color, p.BitDepth, p.Frames = "palette", 8, 0
	if p.StoredWidth == 0 || p.StoredHeight == 0 {
		p.damaged("its header says that it has no width or height")
	}
	err := skipColors(br, h[10])
	for err == nil {
		var end bool
		if end, err = p.gifBlock(br); end {
			return nil
		}
	}
	if !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) {
		return err
	}
	p.Frames = max(p.Frames, 1)
	if size <= maxPhotoBytes {
		p.damaged("the file is cut off: its end mark is missing")
	}
	return nil
}

// gifBlock reads one block and reports whether it was the last.
func (p *Photo) gifBlock(br *bufio.Reader) (end bool, err error) {
	kind, err := br.ReadByte()
	if err != nil {
		return false, err
	}
	switch kind {
	case 0x21: // extension
		if _, err := br.Discard(1); err != nil {
			return false, err
		}
		return false, skipBlocks(br)
	case 0x2c: // picture
		var b [9]byte
		if _, err := io.ReadFull(br, b[:]); err != nil {
			return false, err
		}
		if err := skipColors(br, b[8]); err != nil {
			return false, err
		}
		if _, err := br.Discard(1); err != nil {
			return false, err
		}
		if err := skipBlocks(br); err != nil {
			return false, err
		}
		p.Frames++
		return false, nil
	case 0x3b:
		if p.Frames == 0 {
			p.Frames = 1
			p.damaged("it ends before any picture data")
		}
		return true, nil
	case 0: // some writers leave a stray terminator
		return false, nil
	}
	p.Frames = max(p.Frames, 1)
	p.damaged("it has a block of the unknown kind 0x%02x", kind)
	return true, nil
}

// skipColors skips the color table that a flags byte announces.
func skipColors(br *bufio.Reader, flags byte) error {
	if flags&0x80 == 0 {
		return nil
	}
	_, err := br.Discard(3 << (flags&7 + 1))
	return err
}

// skipBlocks skips data blocks up to their terminator.
func skipBlocks(br *bufio.Reader) error {
	for {
		n, err := br.ReadByte()
		if err != nil || n == 0 {
			return err
		}
		if _, err := br.Discard(int(n)); err != nil {
			return err
		}
	}
}
