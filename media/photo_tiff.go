package media

import "io"

// readTIFF reads the first directory of a TIFF or BigTIFF file and counts the
// others. Unlike image.DecodeConfig, which reads a whole TIFF file into
// memory, it reads a few hundred bytes.
func (p *Photo) readTIFF(r io.ReaderAt, size int64) error {
	d, first, ok := openIFD(r, size)
	if !ok {
		p.damaged("its header is garbled")
		return nil
	}
	list, next, ok := d.entries(first)
	if !ok {
		p.damaged("the file is cut off: its directory is missing")
		return nil
	}
	if d.big {
		p.NotDecoded = "BigTIFF"
	}
	tags := map[uint16]entry{}
	for _, e := range list {
		tags[e.tag] = e
	}
	p.StoredWidth = int(min(d.number(tags[tagWidth]), 1<<31))
	p.StoredHeight = int(min(d.number(tags[tagHeight]), 1<<31))
	if p.StoredWidth == 0 || p.StoredHeight == 0 {
		p.damaged("its header says that it has no width or height")
	}
	if o := d.number(tags[tagOrientation]); o >= 1 && o <= 8 {
		p.Orientation = int(o)
	}
	p.tiffColor(d, tags)
	if _, dng := tags[tagDNG]; dng || isRawPhoto(r, d, tags) {
		p.NotRead = "it looks like the raw photo of a camera, which only resembles TIFF"
		p.StoredWidth, p.StoredHeight = 0, 0 // those of a thumbnail
		return nil
	}
	for seen := map[int64]bool{first: true}; next > 0 && !seen[next] && p.Frames < 1000; {
		seen[next] = true
		if _, next, ok = d.entries(next); !ok {
			p.damaged("the file is cut off: a page is missing")
			break
		}
		p.Frames++
	}
	if next < 0 {
		p.damaged("the file is cut off within its directory")
	}
	p.tiffData(d, tags[tagStripOffsets], tags[tagStripCounts], size)
	p.tiffData(d, tags[tagTileOffsets], tags[tagTileCounts], size)
	return nil
}

// isRawPhoto reports whether a file that begins like TIFF is a camera's raw
// photo: its own compression, or Canon's mark behind the header.
func isRawPhoto(r io.ReaderAt, d ifd, tags map[uint16]entry) bool {
	var mark [2]byte
	if ok, _ := full(r, mark[:], 8); ok && string(mark[:]) == "CR" {
		return true
	}
	c := d.number(tags[tagCompression])
	return c == 32767 || c == 34713 || c == 65535
}

// tiffColor reads color and what keeps the standard decoder from reading it.
func (p *Photo) tiffColor(d ifd, tags map[uint16]entry) {
	p.BitDepth = 8
	if e := tags[tagBits]; e.count == 1 {
		p.BitDepth = int(d.number(e))
	}
	switch d.number(tags[tagPhotometric]) {
	case 0, 1:
		p.Color = "gray"
	case 2:
		p.Color = "rgb"
	case 3:
		p.Color = "palette"
	case 5:
		p.Color = "cmyk"
		p.NotDecoded = "CMYK in TIFF"
	case 6:
		p.Color = "ycc"
	}
	switch c := d.number(tags[tagCompression]); c {
	case 6, 7:
		p.NotDecoded = "JPEG in TIFF"
	case 34676, 34677, 34887, 34925, 50000, 50001:
		p.NotDecoded = "a compression of later TIFF versions"
	}
	if d.number(tags[tagPlanar]) == 2 {
		p.NotDecoded = "separate planes in TIFF"
	}
}

// tiffData checks that the pixels that offsets and counts describe are within
// the file.
func (p *Photo) tiffData(d ifd, offsets, counts entry, size int64) {
	if offsets.count == 0 || offsets.count != counts.count {
		return
	}
	at, ok := d.values(offsets)
	length, ok2 := d.values(counts)
	if !ok || !ok2 {
		p.damaged("the file is cut off: its table of strips is missing")
		return
	}
	for i := range min(len(at), len(length)) {
		if length[i] > size || at[i] > size-length[i] {
			p.damaged("the file is cut off: its pixels reach beyond its end")
			return
		}
	}
}

// values reads the numbers of an entry. It allocates only what the file has
// bytes for; ok is false when it lacks them.
func (d ifd) values(e entry) (list []int64, ok bool) {
	width := map[uint16]int64{3: 2, 4: 4, 16: 8}[e.kind]
	inline := int64(4)
	if d.big {
		inline = 8
	}
	if width == 0 || e.count > 1<<20 {
		return nil, width == 0 || e.count <= uint64(d.size)
	}
	raw, need := e.raw[:], int64(e.count)*width
	if need > inline {
		at := d.offset(e.raw[:])
		if at > d.size || need > d.size-at {
			return nil, false
		}
		raw = make([]byte, need)
		if ok, _ := full(d.r, raw, at); !ok {
			return nil, false
		}
	}
	list = make([]int64, e.count)
	for i := range list {
		one := entry{kind: e.kind}
		copy(one.raw[:], raw[int64(i)*width:int64(i+1)*width])
		list[i] = d.number(one)
	}
	return list, true
}
