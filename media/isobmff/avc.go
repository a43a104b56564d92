package isobmff

import "encoding/binary"

// avcSPS is what is needed of an H.264 sequence parameter set (ITU-T H.264,
// 7.3.2.1.1).
type avcSPS struct {
	profile        int
	constraints    int
	chroma         int
	separatePlanes bool
	bitDepth       int
	width, height  int // cropped
	frameNumBits   int
	framesOnly     bool // frame_mbs_only_flag: each picture is a frame, proven
	adaptive       bool // mb_adaptive_frame_field_flag: a frame may hold pairs of field blocks
	parNum, parDen int
	// picStruct: picture timing messages tell how a picture is displayed;
	// before that field they have delayBits bits.
	picStruct bool
	delayBits int
}

// chromaNames are the values of chroma_format_idc.
var chromaNames = [4]string{"4:0:0", "4:2:0", "4:2:2", "4:4:4"}

// pixelAspects is the table of sample aspect ratios shared by H.264 (Table
// E-1) and H.265 (Table E.1), by aspect_ratio_idc.
var pixelAspects = [...][2]int{
	{0, 0}, {1, 1}, {12, 11}, {10, 11}, {16, 11}, {40, 33}, {24, 11}, {20, 11}, {32, 11},
	{80, 33}, {18, 11}, {15, 11}, {64, 33}, {160, 99}, {4, 3}, {3, 2}, {2, 1},
}

// readPixelAspect reads aspect_ratio_idc and what may follow it.
func readPixelAspect(r *bits) (num, den int) {
	idc := int(r.u(8))
	switch {
	case idc == 255:
		return int(r.u(16)), int(r.u(16))
	case idc < len(pixelAspects):
		return pixelAspects[idc][0], pixelAspects[idc][1]
	}
	return 0, 0
}

// readAVCC reads an AVC decoder configuration record (ISO/IEC 14496-15,
// 5.3.3.1).
func readAVCC(b []byte) codecConfig {
	if len(b) < 7 {
		return codecConfig{lengthSize: 4}
	}
	c := codecConfig{lengthSize: int(b[4]&3) + 1}
	if b[5]&31 == 0 || len(b) < 8 {
		return c // avc3: the sets are in the samples
	}
	n := int(binary.BigEndian.Uint16(b[6:]))
	if n > len(b)-8 {
		return c
	}
	c.addAVC(b[8 : 8+n])
	return c
}

// addAVC reads a sequence parameter set NAL unit into c, unless it is damaged.
func (c *codecConfig) addAVC(nal []byte) {
	s, ok := readAVCSPS(nal)
	if !ok {
		return
	}
	c.avc = &s
	c.width, c.height = s.width, s.height
	c.parNum, c.parDen = s.parNum, s.parDen
	c.chroma, c.bitDepth = chromaNames[s.chroma], s.bitDepth
	c.profile = s.profileName()
	if s.framesOnly {
		c.scan = Progressive
	}
}

// profileName names the profile as ffprobe does.
func (s *avcSPS) profileName() string {
	intra := s.constraints&0x10 != 0
	switch s.profile {
	case 66:
		if s.constraints&0x40 != 0 {
			return "Constrained Baseline"
		}
		return "Baseline"
	case 77:
		return "Main"
	case 88:
		return "Extended"
	case 100:
		return "High"
	case 110:
		if intra {
			return "High 10 Intra"
		}
		return "High 10"
	case 122:
		if intra {
			return "High 4:2:2 Intra"
		}
		return "High 4:2:2"
	case 244:
		if intra {
			return "High 4:4:4 Intra"
		}
		return "High 4:4:4 Predictive"
	case 44:
		return "CAVLC 4:4:4"
	}
	return ""
}

// readAVCSPS reads a sequence parameter set NAL unit, header included.
func readAVCSPS(nal []byte) (s avcSPS, ok bool) {
	if len(nal) < 4 || nal[0]&31 != 7 {
		return s, false
	}
	r := bits{b: unescape(nal[1:])}
	s.profile, s.constraints = int(r.u(8)), int(r.u(8))
	r.skip(8) // level
	r.ue()
	s.chroma, s.bitDepth = 1, 8
	switch s.profile {
	case 100, 110, 122, 244, 44, 83, 86, 118, 128, 138, 139, 134, 135:
		if !s.readHigh(&r) {
			return s, false
		}
	}
	s.frameNumBits = int(r.ue()) + 4
	s.skipOrderCount(&r)
	r.ue() // max_num_ref_frames
	r.skip(1)
	width, height := int(r.ue())+1, int(r.ue())+1
	if s.framesOnly = r.flag(); !s.framesOnly {
		height *= 2
		s.adaptive = r.flag()
	}
	r.skip(1) // direct_8x8_inference_flag
	if width > 1<<12 || height > 1<<13 || s.frameNumBits > 16 {
		return s, false
	}
	s.width, s.height = width*16, height*16
	if r.flag() {
		s.crop(&r)
	}
	if r.flag() && !r.bad {
		s.readVUI(&r)
		return s, s.width > 0 && s.height > 0
	}
	return s, !r.bad && s.width > 0 && s.height > 0
}

// readHigh reads the fields that the high profiles add.
func (s *avcSPS) readHigh(r *bits) bool {
	s.chroma = int(r.ue())
	if s.chroma > 3 {
		return false
	}
	if s.chroma == 3 {
		s.separatePlanes = r.flag()
	}
	s.bitDepth = int(r.ue()) + 8
	r.ue()
	r.skip(1)
	if r.flag() { // seq_scaling_matrix_present_flag
		lists := 8
		if s.chroma == 3 {
			lists = 12
		}
		for i := range lists {
			if r.flag() {
				skipScalingList(r, i)
			}
		}
	}
	return !r.bad && s.bitDepth <= 14
}

// skipScalingList skips scaling list i.
func skipScalingList(r *bits, i int) {
	size := 16
	if i >= 6 {
		size = 64
	}
	last, next := int32(8), int32(8)
	for range size {
		if next != 0 {
			next = (last + r.se() + 256) & 255
		}
		if next != 0 {
			last = next
		}
	}
}

// skipOrderCount skips the picture order count's fields.
func (s *avcSPS) skipOrderCount(r *bits) {
	switch r.ue() {
	case 0:
		r.ue()
	case 1:
		r.skip(1)
		r.se()
		r.se()
		for range min(r.ue(), 255) {
			r.se()
		}
	}
}

// crop applies the cropping rectangle, in units that depend on chroma.
func (s *avcSPS) crop(r *bits) {
	unitX, unitY := 1, 1
	if s.chroma == 1 || s.chroma == 2 {
		unitX = 2
	}
	if s.chroma == 1 {
		unitY = 2
	}
	if !s.framesOnly {
		unitY *= 2
	}
	left, right, top, bottom := int(r.ue()), int(r.ue()), int(r.ue()), int(r.ue())
	if left > 1<<16 || right > 1<<16 || top > 1<<16 || bottom > 1<<16 {
		r.bad = true
		return
	}
	s.width -= (left + right) * unitX
	s.height -= (top + bottom) * unitY
}

// readVUI reads the pixel aspect, and whether picture timing messages carry
// pic_struct and how far into the message it is (ITU-T H.264, E.1.1).
func (s *avcSPS) readVUI(r *bits) {
	if r.flag() {
		s.parNum, s.parDen = readPixelAspect(r)
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
	if r.flag() { // timing: the fixed frame rate flag in it is hardly ever true
		r.skip(65)
	}
	nal := r.flag()
	if nal {
		s.delayBits = readAVCHRD(r)
	}
	vcl := r.flag()
	if vcl {
		s.delayBits = readAVCHRD(r)
	}
	if nal || vcl {
		r.skip(1)
	}
	s.picStruct = r.flag() && !r.bad
}

// readAVCHRD reads hypothetical reference decoder parameters and returns the
// width of the two delays of a picture timing message.
func readAVCHRD(r *bits) int {
	n := r.ue()
	r.skip(8)
	for range min(n+1, 32) {
		r.ue()
		r.ue()
		r.skip(1)
	}
	r.skip(5)
	removal, output := int(r.u(5))+1, int(r.u(5))+1
	r.skip(5)
	return removal + output
}
