package isobmff

import (
	"encoding/binary"
	"errors"
	"slices"
)

// The index tells at which frames decoding can begin, but not whether a group
// of pictures is closed, nor, for H.264, whether a picture is interlaced. Both
// are told by the first bytes of NAL units, so a few sync samples are looked
// at: those of the first groups and others spread over the rest.
//
// A group is open when pictures that are shown before its first one need
// pictures of the group before. In H.265 they are RASL units behind a CRA
// picture. In H.264 nothing marks them, but an IDR picture allows none: so a
// sync sample that is no IDR (a recovery point) and is followed in decode
// order by a picture that is shown earlier opens the group.

// looker reads NAL headers of one track.
type looker struct {
	file   *file
	track  *Track
	config *codecConfig
	open   bool
	closed bool
	fields bool // a picture that is a field, or a frame of two interleaved fields
	frames bool // a picture that says that it is a frame
	whole  bool // a slice that codes a frame, not a field
}

// nalHead is how much of a NAL unit is read to tell what it is.
const nalHead = 64

// look fills Scan and GOP of the picture track from its samples. Where they
// are cut off it tells what it saw until then.
func (t *Track) look(m *Movie) error {
	v := t.Video
	if v == nil {
		return nil
	}
	if v.codec.lengthSize == 0 || t.Codec != "h264" && t.Codec != "hevc" {
		if known := v.codec.scan == Progressive || v.codec.chroma != ""; known && len(v.sync) > 0 {
			v.GOP = Closed // a key frame of VP9 or AV1 resets everything, as far as the index tells
			v.Scan = Progressive
		}
		return nil
	}
	l := looker{file: m.file, track: t, config: &v.codec}
	before := v.codec.known()
	for _, i := range pick(v.sync) {
		err := l.sample(i)
		if s := l.config.avc; err == nil && s != nil && !s.framesOnly {
			_, err = l.pictures(i + 1) // coders may switch to fields behind a key frame
		}
		if errors.Is(err, ErrTruncated) || errors.Is(err, ErrMalformed) {
			break
		}
		if err != nil {
			return err
		}
	}
	if before != v.codec.known() {
		v.applyConfig() // the parameter sets came with the samples
	}
	l.conclude(v)
	return nil
}

// known reports whether a sequence parameter set was read.
func (c *codecConfig) known() bool { return c.avc != nil || c.hevc != nil }

// pick chooses the sync samples to look at: the first half of maxLooks, and
// as many spread evenly over the others.
func pick(sync []int) []int {
	if len(sync) <= maxLooks {
		return sync
	}
	const half = maxLooks / 2
	picked := slices.Clone(sync[:half])
	rest := sync[half:]
	for i := range half {
		picked = append(picked, rest[i*len(rest)/half])
	}
	return picked
}

// conclude turns what was seen into words.
func (l *looker) conclude(v *Video) {
	switch {
	case l.open:
		v.GOP = Open
	case l.closed:
		v.GOP = Closed
	}
	if v.Scan != ScanUnclear {
		return
	}
	switch {
	case l.fields:
		v.Scan = Interlaced
	case l.frames, l.whole && !l.config.avc.adaptive, l.config.avc != nil && l.config.avc.framesOnly:
		v.Scan = Progressive
	}
}

// sample looks at sync sample i and, when its group may be open, at the
// picture behind it that is shown earlier.
func (l *looker) sample(i int) error {
	kind, err := l.pictures(i)
	if err != nil || kind == noPicture {
		return err
	}
	lead, ok := l.leading(i)
	if kind == idrPicture {
		ok = false
	}
	if !ok {
		l.closed = true
		return nil
	}
	if l.track.Codec == "h264" {
		l.open = true
		return nil
	}
	return l.units(lead, func(nal []byte) bool {
		kind := int(nal[0] >> 1 & 63)
		switch {
		case kind == hevcRASLN || kind == hevcRASLR:
			l.open = true
		case kind < 32:
			l.closed = true
		}
		return kind >= 32
	})
}

// picture says what the first picture of a sample is.
type picture int

const (
	noPicture    picture = iota
	otherPicture         // pictures behind it may need those before it
	idrPicture           // none may
)

// pictures reads the NAL units of sample i up to its first picture.
func (l *looker) pictures(i int) (first picture, err error) {
	err = l.units(i, func(nal []byte) bool {
		if l.track.Codec == "h264" {
			first = l.avcUnit(nal)
		} else {
			first = l.hevcUnit(nal)
		}
		return first == noPicture
	})
	return first, err
}

// leading returns the first sample behind i in decode order that is shown
// before it.
func (l *looker) leading(i int) (int, bool) {
	pts := l.track.Video.pts
	for k := i + 1; k < len(pts) && k <= i+32; k++ {
		if pts[k] < pts[i] {
			return k, true
		}
	}
	return 0, false
}

// avcUnit reads one H.264 NAL unit.
func (l *looker) avcUnit(nal []byte) picture {
	switch kind := nal[0] & 31; kind {
	case 1, 5:
		l.avcSlice(nal)
		if kind == 5 {
			return idrPicture
		}
		return otherPicture
	case 6:
		l.avcTiming(nal)
	case 7:
		if l.config.avc == nil {
			l.config.addAVC(nal)
		}
	}
	return noPicture
}

// avcSlice reads a slice header as far as field_pic_flag (7.3.3).
func (l *looker) avcSlice(nal []byte) {
	s := l.config.avc
	if s == nil || s.framesOnly {
		return
	}
	r := bits{b: unescape(nal[1:])}
	r.ue()
	r.ue()
	r.ue()
	if s.separatePlanes {
		r.skip(2)
	}
	r.skip(s.frameNumBits)
	field := r.flag()
	l.fields = l.fields || field && !r.bad
	l.whole = l.whole || !field && !r.bad
}

// avcTiming looks for a picture timing message and reads pic_struct (D.1.3).
func (l *looker) avcTiming(nal []byte) {
	s := l.config.avc
	if s == nil || !s.picStruct {
		return
	}
	b := unescape(nal[1:])
	for len(b) > 2 {
		kind, size, rest, ok := seiHeader(b)
		if !ok {
			return
		}
		if kind == 1 {
			r := bits{b: rest[:size]}
			r.skip(s.delayBits)
			picStruct := r.u(4)
			switch {
			case r.bad:
			case picStruct == 0 || picStruct >= 5: // a frame, or one that is shown for more fields
				l.frames = true
			default:
				l.fields = true
			}
			return
		}
		b = rest[size:]
	}
}

// seiHeader reads the type and size of a supplemental message.
func seiHeader(b []byte) (kind, size int, rest []byte, ok bool) {
	for len(b) > 0 && b[0] == 0xff {
		kind, b = kind+255, b[1:]
	}
	if len(b) == 0 {
		return 0, 0, nil, false
	}
	kind, b = kind+int(b[0]), b[1:]
	for len(b) > 0 && b[0] == 0xff {
		size, b = size+255, b[1:]
	}
	if len(b) == 0 {
		return 0, 0, nil, false
	}
	size, b = size+int(b[0]), b[1:]
	return kind, size, b, size <= len(b)
}

// hevcUnit reads one H.265 NAL unit.
func (l *looker) hevcUnit(nal []byte) picture {
	kind := int(nal[0] >> 1 & 63)
	switch {
	case kind == hevcIDRWRADL || kind == hevcIDRNLP:
		return idrPicture
	case kind < 32:
		return otherPicture
	case kind == hevcSPSType && l.config.hevc == nil:
		l.config.addHEVC(nal)
	}
	return noPicture
}

// units calls visit with the first bytes of each NAL unit of sample i until
// it returns false. Parameter sets and messages are handed over whole.
func (l *looker) units(i int, visit func(nal []byte) bool) error {
	offset, size, ok := l.track.table.find(int64(i))
	if !ok {
		return nil
	}
	prefix := int64(l.config.lengthSize)
	for n := 0; n < 32 && size > prefix; n++ {
		var buf [nalHead]byte
		head := buf[:min(nalHead, size, max(l.file.size-offset, 0))]
		if int64(len(head)) <= prefix {
			return ErrTruncated
		}
		if err := l.file.readAt(head, offset); err != nil {
			return err
		}
		var raw [8]byte
		copy(raw[8-prefix:], head[:prefix])
		length := int64(binary.BigEndian.Uint64(raw[:]))
		if length == 0 || length > size-prefix {
			return malformed("a NAL unit of %d bytes in a sample of %d", length, size)
		}
		nal := head[prefix:min(int64(len(head)), prefix+length)]
		if l.wanted(nal[0]) && int64(len(nal)) < min(length, maxNAL) {
			nal = make([]byte, min(length, maxNAL))
			if err := l.file.readAt(nal, offset+prefix); err != nil {
				return err
			}
		}
		if !visit(nal) {
			return nil
		}
		offset += prefix + length
		size -= prefix + length
	}
	return nil
}

// wanted reports whether a NAL unit must be read whole, by its first byte:
// parameter sets that are not known yet, messages that may tell the scan.
func (l *looker) wanted(head byte) bool {
	if l.track.Codec == "hevc" {
		return int(head>>1&63) == hevcSPSType && l.config.hevc == nil
	}
	switch head & 31 {
	case 7:
		return l.config.avc == nil
	case 6:
		return l.config.avc != nil && l.config.avc.picStruct && !l.fields && !l.frames
	}
	return false
}

// find returns where sample i is.
func (t *table) find(i int64) (offset, size int64, ok bool) {
	k, found := slices.BinarySearchFunc(t.extents, i, func(e extent, i int64) int {
		switch {
		case i < e.first:
			return 1
		case i >= e.first+e.samples:
			return -1
		}
		return 0
	})
	if !found {
		return 0, 0, false
	}
	e := t.extents[k]
	if e.first >= int64(t.sizes.count) {
		return t.findInFragment(i)
	}
	offset = e.offset
	for s := uint32(e.first); int64(s) < i; s++ {
		offset += t.sizes.at(s)
	}
	return offset, t.sizes.at(uint32(i)), true
}

// findInFragment returns where sample i of a fragment is.
func (t *table) findInFragment(i int64) (offset, size int64, ok bool) {
	i -= int64(t.sizes.count)
	for _, r := range t.fragments {
		if i >= int64(r.samples) {
			i -= int64(r.samples)
			continue
		}
		offset = r.offset
		for _, s := range r.sizes[:i] {
			offset += int64(s)
		}
		return offset, int64(r.sizes[i]), true
	}
	return 0, 0, false
}
