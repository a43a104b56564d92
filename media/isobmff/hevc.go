package isobmff

import "strconv"

// hevcSPS is what is needed of an H.265 sequence parameter set (ITU-T H.265,
// 7.3.2.2).
type hevcSPS struct {
	profile           int
	progressiveSource bool
	interlacedSource  bool
	framesOnly        bool
	fieldSeq          bool // each picture is a field
	chroma            int
	bitDepth          int
	width, height     int // cropped
	parNum, parDen    int
}

// The NAL unit types of H.265 that are looked for (ITU-T H.265, Table 7-1).
const (
	hevcRASLN, hevcRASLR = 8, 9
	hevcIDRWRADL         = 19
	hevcIDRNLP           = 20
	hevcSPSType          = 33
)

// readHVCC reads an HEVC decoder configuration record (ISO/IEC 14496-15,
// 8.3.3.1).
func readHVCC(b []byte) codecConfig {
	if len(b) < 23 {
		return codecConfig{lengthSize: 4}
	}
	c := codecConfig{lengthSize: int(b[21]&3) + 1}
	f := fields{b: b[22:]}
	for range f.u8() {
		kind := f.u8() & 63
		for range f.u16() {
			nal := f.take(int(f.u16()))
			if f.bad {
				return c
			}
			if kind == hevcSPSType && c.hevc == nil {
				c.addHEVC(nal)
			}
		}
	}
	return c
}

// addHEVC reads a sequence parameter set NAL unit into c, unless it is damaged.
func (c *codecConfig) addHEVC(nal []byte) {
	s, ok := readHEVCSPS(nal)
	if !ok {
		return
	}
	c.hevc = &s
	c.width, c.height = s.width, s.height
	c.parNum, c.parDen = s.parNum, s.parDen
	c.chroma, c.bitDepth = chromaNames[s.chroma], s.bitDepth
	c.profile = hevcProfile(s.profile)
	switch {
	case s.fieldSeq, s.interlacedSource && !s.progressiveSource:
		c.scan = Interlaced
	case s.progressiveSource && !s.interlacedSource, s.framesOnly:
		c.scan = Progressive
	}
}

// hevcProfile names a general_profile_idc as ffprobe does.
func hevcProfile(idc int) string {
	switch idc {
	case 0:
		return ""
	case 1:
		return "Main"
	case 2:
		return "Main 10"
	case 3:
		return "Main Still Picture"
	case 4:
		return "Rext"
	}
	return "profile " + strconv.Itoa(idc)
}

// readHEVCSPS reads a sequence parameter set NAL unit, header included.
func readHEVCSPS(nal []byte) (s hevcSPS, ok bool) {
	if len(nal) < 4 || int(nal[0]>>1&63) != hevcSPSType {
		return s, false
	}
	r := bits{b: unescape(nal[2:])}
	r.skip(4)
	layers := int(r.u(3)) + 1
	r.skip(1)
	s.readProfile(&r, layers)
	r.ue()
	if s.chroma = int(r.ue()); s.chroma > 3 {
		return s, false
	}
	if s.chroma == 3 {
		r.skip(1)
	}
	width, height := r.ue(), r.ue()
	if r.bad || width == 0 || height == 0 || width > 1<<16 || height > 1<<16 {
		return s, false
	}
	s.width, s.height = int(width), int(height)
	if r.flag() {
		s.crop(&r)
	}
	s.bitDepth = int(min(r.ue(), 8)) + 8
	r.ue()
	if r.bad || s.width <= 0 || s.height <= 0 {
		return s, false
	}
	s.readTail(&r, layers) // a tail that can't be followed only costs the pixel aspect
	return s, true
}

// readProfile reads profile_tier_level.
func (s *hevcSPS) readProfile(r *bits, layers int) {
	r.skip(3)
	s.profile = int(r.u(5))
	r.skip(32)
	s.progressiveSource, s.interlacedSource = r.flag(), r.flag()
	r.skip(1)
	s.framesOnly = r.flag()
	r.skip(44 + 8)
	var profile, level [8]bool
	for i := range layers - 1 {
		profile[i], level[i] = r.flag(), r.flag()
	}
	if layers > 1 {
		r.skip(2 * (8 - (layers - 1)))
	}
	for i := range layers - 1 {
		if profile[i] {
			r.skip(88)
		}
		if level[i] {
			r.skip(8)
		}
	}
}

// crop applies the conformance window, in units of chroma.
func (s *hevcSPS) crop(r *bits) {
	unitX, unitY := 1, 1
	if s.chroma == 1 || s.chroma == 2 {
		unitX = 2
	}
	if s.chroma == 1 {
		unitY = 2
	}
	left, right, top, bottom := int(r.ue()), int(r.ue()), int(r.ue()), int(r.ue())
	if left > 1<<16 || right > 1<<16 || top > 1<<16 || bottom > 1<<16 {
		r.bad = true
		return
	}
	s.width -= (left + right) * unitX
	s.height -= (top + bottom) * unitY
}

// readTail reads on to the usability information at the end, for the pixel
// aspect and for fields. Whatever stands in between must be followed bit by bit.
func (s *hevcSPS) readTail(r *bits, layers int) {
	orderBits := int(r.ue()) + 4
	first := layers - 1
	if r.flag() {
		first = 0
	}
	for range layers - first {
		r.ue()
		r.ue()
		r.ue()
	}
	for range 6 {
		r.ue()
	}
	if enabled := r.flag(); enabled && r.flag() { // scaling lists, spelled out
		skipHEVCScaling(r)
	}
	r.skip(2)
	if r.flag() { // pcm
		r.skip(8)
		r.ue()
		r.ue()
		r.skip(1)
	}
	if !skipReferenceSets(r) {
		return
	}
	if r.flag() { // long-term reference pictures
		for range min(r.ue(), 32) {
			r.skip(orderBits + 1)
		}
	}
	r.skip(2)
	if r.flag() && !r.bad {
		s.readVUI(r)
	}
}

// skipHEVCScaling skips scaling_list_data (7.3.4).
func skipHEVCScaling(r *bits) {
	for size := range 4 {
		step := 1
		if size == 3 {
			step = 3
		}
		for m := 0; m < 6; m += step {
			if !r.flag() {
				r.ue()
				continue
			}
			if size > 1 {
				r.se()
			}
			for range min(64, 1<<(4+size<<1)) {
				r.se()
			}
		}
	}
}

// skipReferenceSets skips the short-term reference picture sets (7.3.7). A
// set may be told by its difference from the one before, so that the number
// of pictures of each must be known.
func skipReferenceSets(r *bits) bool {
	n := r.ue()
	if n > 64 {
		return false
	}
	pictures := 0
	for i := range n {
		if i > 0 && r.flag() {
			r.skip(1)
			r.ue()
			before := pictures
			pictures = 0
			for range before + 1 {
				used := r.flag()
				if used || r.flag() {
					pictures++
				}
			}
			continue
		}
		negative, positive := r.ue(), r.ue()
		if negative > 16 || positive > 16 {
			return false
		}
		pictures = int(negative + positive)
		for range pictures {
			r.ue()
			r.skip(1)
		}
	}
	return !r.bad
}

// readVUI reads the pixel aspect and field_seq_flag (E.2.1).
func (s *hevcSPS) readVUI(r *bits) {
	num, den := 0, 0
	if r.flag() {
		num, den = readPixelAspect(r)
	}
	if r.flag() { // overscan
		r.skip(1)
	}
	if r.flag() { // video signal type
		r.skip(4)
		if r.flag() {
			r.skip(24)
		}
	}
	if r.flag() { // chroma location
		r.ue()
		r.ue()
	}
	r.skip(1)
	field := r.flag()
	if !r.bad {
		s.parNum, s.parDen, s.fieldSeq = num, den, field
	}
}
