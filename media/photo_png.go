package media

import (
	"bufio"
	"encoding/binary"
	"errors"
	"hash/crc32"
	"io"
)

// maxExif bounds how much metadata is held in memory.
const maxExif = 128 << 10

// pngColors names the color types of a PNG header.
var pngColors = map[byte]string{0: "gray", 2: "rgb", 3: "palette", 4: "gray", 6: "rgb"}

// readPNG walks the chunks of a PNG file and checks their checksums (W3C PNG
// Specification, Third Edition, which includes APNG).
func (p *Photo) readPNG(r io.ReaderAt, size int64) error {
	br := bufio.NewReaderSize(io.NewSectionReader(r, 8, min(size, maxPhotoBytes)-8), 64<<10)
	for first := true; ; first = false {
		var h [8]byte
		if _, err := io.ReadFull(br, h[:]); err != nil {
			return p.pngEnd(err, size)
		}
		length, kind := int64(binary.BigEndian.Uint32(h[:])), string(h[4:])
		if first && (kind != "IHDR" || length != 13) {
			p.damaged("its header is garbled")
			return nil
		}
		sum := crc32.NewIEEE()
		sum.Write(h[4:])
		body, err := pngChunk(br, sum, kind, length)
		if err != nil {
			return p.pngEnd(err, size)
		}
		var want [4]byte
		if _, err := io.ReadFull(br, want[:]); err != nil {
			return p.pngEnd(err, size)
		}
		if sum.Sum32() != binary.BigEndian.Uint32(want[:]) {
			p.damaged("the checksum of its chunk %q is wrong", kind)
			return nil
		}
		switch kind {
		case "IHDR":
			p.readIHDR(body)
		case "acTL":
			if len(body) >= 4 {
				p.Frames = max(int(min(binary.BigEndian.Uint32(body), 1<<20)), 1)
			}
		case "eXIf":
			p.Orientation = orientation(body)
		case "IEND":
			return nil
		}
	}
}

// pngChunk feeds a chunk's data to sum and returns those of chunks that are
// looked into.
func pngChunk(br *bufio.Reader, sum io.Writer, kind string, length int64) ([]byte, error) {
	if keep := kind == "IHDR" || kind == "acTL" || kind == "eXIf"; keep && length <= maxExif {
		body := make([]byte, length)
		_, err := io.ReadFull(br, body)
		sum.Write(body)
		return body, err
	}
	for length > 0 {
		b, err := br.Peek(int(min(length, int64(br.Size()))))
		if err != nil {
			return nil, err
		}
		sum.Write(b)
		length -= int64(len(b))
		if _, err := br.Discard(len(b)); err != nil {
			return nil, err
		}
	}
	return nil, nil
}

// pngEnd turns the end of the file before the end chunk into damage.
func (p *Photo) pngEnd(err error, size int64) error {
	if !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) {
		return err
	}
	if size <= maxPhotoBytes {
		p.damaged("the file is cut off: its end chunk is missing")
	}
	return nil
}

// readIHDR reads the header of a PNG file.
func (p *Photo) readIHDR(b []byte) {
	w, h := binary.BigEndian.Uint32(b), binary.BigEndian.Uint32(b[4:])
	if w == 0 || h == 0 || w >= 1<<31 || h >= 1<<31 {
		p.damaged("its header says that it has no width or height")
		return
	}
	p.StoredWidth, p.StoredHeight = int(w), int(h)
	p.BitDepth, p.Color = int(b[8]), pngColors[b[9]]
}
