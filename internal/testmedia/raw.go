package testmedia

import (
	"bytes"
	"compress/zlib"
	"encoding/binary"
	"slices"
)

// RawJPEG describes a JPEG file of one color that the standard library can't
// write. Every block of it is the same, so it is coded with two bits.
type RawJPEG struct {
	Width, Height int
	Components    int  // 1, 3 or 4 (CMYK)
	Frame         byte // marker: 0xc0 baseline, 0xc2 progressive, 0xc9 arithmetic
	Precision     byte // 8 or 12
	Restart       int  // blocks between restart markers; 0: none
}

// Bytes returns the file.
func (j RawJPEG) Bytes() []byte {
	segment := func(marker byte, body []byte) []byte {
		return slices.Concat([]byte{0xff, marker}, u16(len(body)+2), body)
	}
	var frame, scan []byte
	for c := range j.Components {
		frame = append(frame, byte(c+1), 0x11, 0)
		scan = append(scan, byte(c+1), 0)
	}
	frame = slices.Concat([]byte{j.Precision}, u16(j.Height, j.Width), []byte{byte(j.Components)}, frame)
	spectral := []byte{0, 63, 0}
	bitsPerBlock := 2
	if j.Frame == 0xc2 { // the coarse coefficients alone are a whole picture
		spectral, bitsPerBlock = []byte{0, 0, 0}, 1
	}
	// one code of one bit each: difference 0, end of block
	codes := append([]byte{1}, make([]byte, 15)...)
	out := slices.Concat([]byte{0xff, 0xd8}, segment(0xdb, slices.Concat([]byte{0}, bytes.Repeat([]byte{1}, 64))))
	if j.Components == 4 { // Adobe's marker, without which the color model is open
		out = append(out, segment(0xee, []byte("Adobe\x00\x64\x00\x00\x00\x00\x00"))...)
	}
	if j.Restart > 0 {
		out = append(out, segment(0xdd, u16(j.Restart))...)
	}
	out = slices.Concat(out, segment(j.Frame, frame),
		segment(0xc4, slices.Concat([]byte{0}, codes, []byte{0})), segment(0xc4, slices.Concat([]byte{0x10}, codes, []byte{0})),
		segment(0xda, slices.Concat([]byte{byte(j.Components)}, scan, spectral)))
	return append(j.blocks(out, bitsPerBlock), 0xff, 0xd9)
}

// blocks writes the coded blocks: zeros, and ones to fill the last byte.
func (j RawJPEG) blocks(out []byte, bitsPerBlock int) []byte {
	units := (j.Width + 7) / 8 * ((j.Height + 7) / 8)
	step := units
	if j.Restart > 0 {
		step = j.Restart
	}
	for done := 0; done < units; done += step {
		if done > 0 {
			out = append(out, 0xff, 0xd0+byte(done/step-1)%8)
		}
		w := &bits{}
		for range min(step, units-done) * j.Components {
			w.u(bitsPerBlock, 0)
		}
		for w.free > 0 {
			w.u(1, 1)
		}
		out = append(out, w.b...)
	}
	return out
}

// RawTIFF describes an uncompressed TIFF file of one color.
type RawTIFF struct {
	Width, Height int
	Samples       int // per pixel
	Photometric   int // 1 gray, 2 RGB, 5 CMYK
	Compression   int // 1 none, 7 JPEG
	BigEndian     bool
	Big           bool // BigTIFF
	Planar        bool // one plane a sample
	Tile          int  // width and height of tiles; 0: one strip
	Orientation   int  // 0: none
	Pages         int  // 0 and 1: one
}

// Bytes returns the file.
func (f RawTIFF) Bytes() []byte {
	var order binary.AppendByteOrder = binary.LittleEndian
	head := "II"
	if f.BigEndian {
		order, head = binary.BigEndian, "MM"
	}
	word := func(v int) []byte { return order.AppendUint32(nil, uint32(v)) }
	out := []byte(head)
	if f.Big {
		out = order.AppendUint16(out, 43)
		out = order.AppendUint16(out, 8)
		out = order.AppendUint16(out, 0)
		word = func(v int) []byte { return order.AppendUint64(nil, uint64(v)) }
	} else {
		out = order.AppendUint16(out, 42)
	}
	link := len(out) // where the offset of the next directory goes
	out = append(out, word(0)...)
	for range max(f.Pages, 1) {
		offsets, counts, data := f.pixels(len(out))
		out = append(out, data...)
		if len(out)%2 == 1 {
			out = append(out, 0)
		}
		lists := len(out)
		for _, v := range slices.Concat(offsets, counts) {
			out = order.AppendUint32(out, uint32(v))
		}
		copy(out[link:], word(len(out)))
		var next []byte
		next, link = f.directory(order, word, lists, offsets, counts)
		link += len(out)
		out = append(out, next...)
	}
	return out
}

// pixels returns the pixels from offset base on, and where their strips,
// tiles or planes are.
func (f RawTIFF) pixels(base int) (offsets, counts []int, data []byte) {
	if f.Compression == 7 {
		data = RawJPEG{Width: f.Width, Height: f.Height, Components: f.Samples, Frame: 0xc0, Precision: 8}.Bytes()
		return []int{base}, []int{len(data)}, data
	}
	pieces, size := 1, f.Width*f.Height*f.Samples
	switch {
	case f.Tile > 0:
		pieces = (f.Width + f.Tile - 1) / f.Tile * ((f.Height + f.Tile - 1) / f.Tile)
		size = f.Tile * f.Tile * f.Samples
	case f.Planar:
		pieces, size = f.Samples, f.Width*f.Height
	}
	for i := range pieces {
		offsets, counts = append(offsets, base+i*size), append(counts, size)
	}
	return offsets, counts, bytes.Repeat([]byte{0x60}, pieces*size)
}

// directory writes one directory, and tells where within it the offset of
// the next one is.
func (f RawTIFF) directory(order binary.AppendByteOrder, word func(int) []byte, lists int, offsets, counts []int) (out []byte, link int) {
	type tag struct{ id, kind, count, value int }
	bits := tag{258, 3, 1, 8} // one value stands for all samples
	tags := []tag{
		{256, 4, 1, f.Width}, {257, 4, 1, f.Height}, bits, {259, 3, 1, max(f.Compression, 1)}, {262, 3, 1, f.Photometric},
		{277, 3, 1, f.Samples},
	}
	list := func(id, at int, values []int) tag {
		if len(values) == 1 {
			return tag{id, 4, 1, values[0]}
		}
		return tag{id, 4, len(values), at}
	}
	if f.Tile > 0 {
		tags = append(tags, tag{322, 4, 1, f.Tile}, tag{323, 4, 1, f.Tile},
			list(324, lists, offsets), list(325, lists+4*len(offsets), counts))
	} else {
		tags = append(tags, list(273, lists, offsets), tag{278, 4, 1, f.Height}, list(279, lists+4*len(offsets), counts))
	}
	if f.Orientation > 0 {
		tags = append(tags, tag{274, 3, 1, f.Orientation})
	}
	if f.Planar {
		tags = append(tags, tag{284, 3, 1, 2})
	}
	slices.SortFunc(tags, func(a, b tag) int { return a.id - b.id })
	width := len(word(0))
	if width == 8 {
		out = order.AppendUint64(out, uint64(len(tags)))
	} else {
		out = order.AppendUint16(out, uint16(len(tags)))
	}
	for _, t := range tags {
		out = order.AppendUint16(out, uint16(t.id))
		out = order.AppendUint16(out, uint16(t.kind))
		out = append(out, word(t.count)...)
		value := word(t.value)
		if t.kind == 3 && t.count == 1 {
			value = append(order.AppendUint16(nil, uint16(t.value)), make([]byte, width-2)...)
		} else if width == 8 {
			value = append(order.AppendUint32(nil, uint32(t.value)), 0, 0, 0, 0)
			if t.count > 2 {
				value = word(t.value)
			}
		}
		out = append(out, value...)
	}
	return append(out, word(0)...), len(out)
}

// RLEBMP returns a bitmap with run-length coded pixels.
func RLEBMP(w, h int) []byte {
	var data []byte
	for range h {
		for left := w; left > 0; left -= 255 {
			data = append(data, byte(min(left, 255)), 1)
		}
		data = append(data, 0, 0)
	}
	data = append(data, 0, 1)
	const palette = 256 * 4
	little := binary.LittleEndian
	b := little.AppendUint32([]byte("BM"), uint32(54+palette+len(data)))
	b = little.AppendUint32(b, 0)
	for _, v := range []uint32{54 + palette, 40, uint32(w), uint32(h), 1 | 8<<16, 1, uint32(len(data)), 2835, 2835, 256, 0} {
		b = little.AppendUint32(b, v)
	}
	return slices.Concat(b, make([]byte, palette), data)
}

// InterlacedPNG returns a black PNG photo whose pixels are in Adam7's order.
func InterlacedPNG(w, h int) []byte {
	ihdr := slices.Concat(u32(uint32(w), uint32(h)), []byte{8, 2, 0, 0, 1})
	var pixels bytes.Buffer
	z := zlib.NewWriter(&pixels)
	for _, p := range [7][4]int{{0, 0, 8, 8}, {4, 0, 8, 8}, {0, 4, 4, 8}, {2, 0, 4, 4}, {0, 2, 2, 4}, {1, 0, 2, 2}, {0, 1, 1, 2}} {
		wide, high := (w-p[0]+p[2]-1)/p[2], (h-p[1]+p[3]-1)/p[3]
		if wide > 0 && high > 0 {
			z.Write(make([]byte, high*(1+3*wide)))
		}
	}
	z.Close()
	return slices.Concat([]byte("\x89PNG\r\n\x1a\n"), PNGChunk("IHDR", ihdr), PNGChunk("IDAT", pixels.Bytes()), PNGChunk("IEND", nil))
}
