package isobmff

import "strconv"

// readAV1C reads an AV1 codec configuration record and the sequence header
// in it.
// Source: AOM, AV1 Codec ISO Media File Format Binding 1.2, section 2.3.3.
func readAV1C(b []byte) codecConfig {
	c := codecConfig{scan: Progressive}
	if len(b) < 4 {
		return c
	}
	profile := int(b[1] >> 5)
	c.profile = av1Profile(profile)
	flags := b[2]
	switch {
	case flags&0x20 != 0 && profile == 2:
		c.bitDepth = 12
	case flags&0x40 != 0:
		c.bitDepth = 10
	default:
		c.bitDepth = 8
	}
	switch flags >> 2 & 7 { // monochrome, chroma_subsampling_x, chroma_subsampling_y
	case 0b011:
		c.chroma = "4:2:0"
	case 0b010:
		c.chroma = "4:2:2"
	case 0b000:
		c.chroma = "4:4:4"
	default:
		c.chroma = "4:0:0"
	}
	if header := av1SequenceHeader(b[4:]); header != nil {
		c.width, c.height = readAV1Size(header)
	}
	return c
}

// av1Profile names a sequence profile as ffprobe does.
func av1Profile(p int) string {
	switch p {
	case 0:
		return "Main"
	case 1:
		return "High"
	case 2:
		return "Professional"
	}
	return "profile " + strconv.Itoa(p)
}

// av1SequenceHeader finds the payload of the first sequence header among
// open bitstream units.
func av1SequenceHeader(b []byte) []byte {
	f := fields{b: b[:min(len(b), maxNAL)]}
	for len(f.b) > 0 && !f.bad {
		h := f.u8()
		if h&4 != 0 {
			f.skip(1)
		}
		n := len(f.b)
		if h&2 != 0 {
			n = f.leb128()
		}
		unit := f.take(n)
		if h>>3&15 == 1 {
			return unit
		}
	}
	return nil
}

// leb128 reads a little-endian number in groups of seven bits.
func (f *fields) leb128() int {
	n := 0
	for i := range 4 {
		b := f.u8()
		n |= int(b&0x7f) << (7 * i)
		if b&0x80 == 0 {
			break
		}
	}
	return n
}

// readAV1Size reads the largest frame size of a sequence header (AV1
// Bitstream Specification, 5.5.1), 0 and 0 when it can't be followed.
func readAV1Size(b []byte) (width, height int) {
	r := bits{b: b}
	r.skip(4)
	if r.flag() { // reduced_still_picture_header
		r.skip(5)
	} else {
		skipAV1Points(&r)
	}
	wide, high := int(r.u(4))+1, int(r.u(4))+1
	width, height = int(r.u(wide))+1, int(r.u(high))+1
	if r.bad {
		return 0, 0
	}
	return width, height
}

// skipAV1Points skips timing information and operating points.
func skipAV1Points(r *bits) {
	decoderModel, delay := false, 0
	if r.flag() { // timing_info_present_flag
		r.skip(64)
		if r.flag() {
			r.uvlc()
		}
		if decoderModel = r.flag(); decoderModel {
			delay = int(r.u(5)) + 1
			r.skip(32 + 5 + 5)
		}
	}
	initialDelay := r.flag()
	for range r.u(5) + 1 {
		r.skip(12)
		if r.u(5) > 7 {
			r.skip(1)
		}
		if decoderModel && r.flag() {
			r.skip(2*delay + 1)
		}
		if initialDelay && r.flag() {
			r.skip(4)
		}
	}
}

// uvlc skips a variable-length code (AV1, 4.10.3).
func (r *bits) uvlc() {
	zeros := 0
	for !r.bad && !r.flag() {
		zeros++
	}
	if zeros < 32 {
		r.skip(zeros)
	}
}
