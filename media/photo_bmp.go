package media

import (
	"encoding/binary"
	"io"
)

// readBMP reads the headers of a bitmap (Microsoft, Bitmap Storage).
func (p *Photo) readBMP(r io.ReaderAt, size int64) error {
	b := make([]byte, min(size, 54))
	if ok, err := full(r, b, 0); err != nil || !ok {
		return err
	}
	if len(b) < 26 {
		p.damaged("the file is cut off within its header")
		return nil
	}
	data := int64(binary.LittleEndian.Uint32(b[10:]))
	header := binary.LittleEndian.Uint32(b[14:])
	var width, height int64
	var bits, compression uint32
	switch {
	case header == 12: // OS/2
		width, height = int64(binary.LittleEndian.Uint16(b[18:])), int64(binary.LittleEndian.Uint16(b[20:]))
		bits = uint32(binary.LittleEndian.Uint16(b[24:]))
		p.NotDecoded = "an OS/2 header"
	case len(b) < 54:
		p.damaged("the file is cut off within its header")
		return nil
	default:
		width, height = int64(int32(binary.LittleEndian.Uint32(b[18:]))), int64(int32(binary.LittleEndian.Uint32(b[22:])))
		bits, compression = uint32(binary.LittleEndian.Uint16(b[28:])), binary.LittleEndian.Uint32(b[30:])
	}
	if height < 0 { // stored from the top
		height = -height
	}
	if width <= 0 || height == 0 {
		p.damaged("its header says that it has no width or height")
		return nil
	}
	p.StoredWidth, p.StoredHeight = int(width), int(height)
	p.Color, p.BitDepth = "rgb", 8
	if bits <= 8 {
		p.Color = "palette"
	}
	switch compression {
	case 0, 3, 6:
		if need := data + (width*int64(bits)+31)/32*4*height; need > size {
			p.damaged("the file is cut off: %d bytes are missing", need-size)
		}
	default:
		p.NotDecoded = "a compressed bitmap"
	}
	if compression == 3 && bits == 16 {
		p.NotDecoded = "pixels of 16 bits"
	}
	return nil
}
