package media

import (
	"bytes"
	"encoding/binary"
	"io"
)

// The tags of TIFF and EXIF that are read (TIFF 6.0; EXIF 2.32 uses the same
// structure).
const (
	tagWidth        = 256
	tagHeight       = 257
	tagBits         = 258
	tagCompression  = 259
	tagPhotometric  = 262
	tagStripOffsets = 273
	tagOrientation  = 274
	tagStripCounts  = 279
	tagPlanar       = 284
	tagTileOffsets  = 324
	tagTileCounts   = 325
	tagDNG          = 50706 // Adobe's digital negative
)

// maxEntries bounds the entries of a directory that are looked at. Real ones
// have fewer than 100.
const maxEntries = 4096

// ifd reads directories of a TIFF structure.
type ifd struct {
	r     io.ReaderAt
	size  int64
	order binary.ByteOrder
	big   bool // BigTIFF: 64-bit offsets
}

// entry is one tag of a directory. raw holds its value, or where it is.
type entry struct {
	tag, kind uint16
	count     uint64
	raw       [8]byte
}

// openIFD reads the header of a TIFF structure and returns where its first
// directory is; ok is false when there is none.
func openIFD(r io.ReaderAt, size int64) (d ifd, first int64, ok bool) {
	var h [16]byte
	n, _ := r.ReadAt(h[:], 0)
	if n < 8 {
		return d, 0, false
	}
	d = ifd{r: r, size: size, order: binary.LittleEndian}
	if h[0] == 'M' {
		d.order = binary.BigEndian
	}
	if string(h[:2]) != "II" && string(h[:2]) != "MM" {
		return d, 0, false
	}
	switch d.order.Uint16(h[2:]) {
	case 42:
		return d, int64(d.order.Uint32(h[4:])), true
	case 43:
		d.big = true
		at := d.order.Uint64(h[8:])
		return d, int64(at), n == 16 && at < 1<<62
	}
	return d, 0, false
}

// entries reads the directory at off: its entries and where the next one is,
// 0 for none, -1 when the file ends before it says.
func (d ifd) entries(off int64) (list []entry, next int64, ok bool) {
	head, size, tail := int64(2), int64(12), 4
	if d.big {
		head, size, tail = 8, 20, 8
	}
	var h [8]byte
	if ok, _ := full(d.r, h[:head], off); !ok || off <= 0 {
		return nil, 0, false
	}
	n := uint64(d.order.Uint16(h[:]))
	if d.big {
		n = d.order.Uint64(h[:])
	}
	if n > maxEntries {
		return nil, 0, false
	}
	b := make([]byte, int64(n)*size+int64(tail))
	if ok, _ := full(d.r, b, off+head); !ok {
		b = b[:int64(n)*size] // the last directory of a piece of EXIF may lack its tail
		if ok, _ := full(d.r, b, off+head); !ok {
			return nil, 0, false
		}
	}
	for range n {
		e := entry{tag: d.order.Uint16(b), kind: d.order.Uint16(b[2:])}
		if d.big {
			e.count = d.order.Uint64(b[4:])
			copy(e.raw[:], b[12:20])
		} else {
			e.count = uint64(d.order.Uint32(b[4:]))
			copy(e.raw[:4], b[8:12])
		}
		list = append(list, e)
		b = b[size:]
	}
	if len(b) < tail {
		return list, -1, true
	}
	return list, d.offset(b), true
}

// offset reads a file offset of the structure's width.
func (d ifd) offset(b []byte) int64 {
	if d.big {
		return int64(min(d.order.Uint64(b), 1<<62))
	}
	return int64(d.order.Uint32(b))
}

// number is an entry's value, when it is one number.
func (d ifd) number(e entry) int64 {
	switch e.kind {
	case 1:
		return int64(e.raw[0])
	case 3:
		return int64(d.order.Uint16(e.raw[:]))
	case 4:
		return int64(d.order.Uint32(e.raw[:]))
	case 16:
		return int64(min(d.order.Uint64(e.raw[:]), 1<<62))
	}
	return 0
}

// orientation reads the orientation from the first directory of a piece of
// EXIF: 1 to 8, and 1 when there is none or it makes no sense.
func orientation(exif []byte) int {
	d, first, ok := openIFD(bytes.NewReader(exif), int64(len(exif)))
	if !ok {
		return 1
	}
	list, _, _ := d.entries(first)
	for _, e := range list {
		if v := d.number(e); e.tag == tagOrientation && v >= 1 && v <= 8 {
			return int(v)
		}
	}
	return 1
}
