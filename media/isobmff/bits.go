package isobmff

// bits reads numbers of any width from the front of a byte string. Reading
// beyond the end sets bad and yields zeros.
type bits struct {
	b   []byte
	pos int // in bits
	bad bool
}

// u reads n bits, at most 32, as an unsigned number.
func (r *bits) u(n int) uint32 {
	if n > len(r.b)*8-r.pos {
		r.pos, r.bad = len(r.b)*8, true
		return 0
	}
	var v uint32
	for n > 0 {
		free := 8 - r.pos%8
		take := min(n, free)
		chunk := r.b[r.pos/8] >> (free - take) & (1<<take - 1)
		v = v<<take | uint32(chunk)
		r.pos += take
		n -= take
	}
	return v
}

// flag reads one bit.
func (r *bits) flag() bool { return r.u(1) == 1 }

// skip drops n bits.
func (r *bits) skip(n int) {
	if n < 0 || n > len(r.b)*8-r.pos {
		r.pos, r.bad = len(r.b)*8, true
		return
	}
	r.pos += n
}

// ue reads an unsigned exponential Golomb code (ITU-T H.264, 9.1). A code of
// more than 32 bits can't occur in a valid stream and sets bad.
func (r *bits) ue() uint32 {
	zeros := 0
	for !r.bad && r.u(1) == 0 {
		if zeros++; zeros > 31 {
			r.bad = true
			return 0
		}
	}
	return 1<<zeros - 1 + r.u(zeros)
}

// se reads a signed exponential Golomb code (ITU-T H.264, 9.1.1).
func (r *bits) se() int32 {
	k := r.ue()
	if k&1 == 1 {
		return int32(k/2 + 1)
	}
	return -int32(k / 2)
}

// unescape removes the emulation prevention bytes of a NAL unit: 0 0 3
// becomes 0 0 (ITU-T H.264, 7.4.1). It looks at no more than maxNAL bytes.
func unescape(nal []byte) []byte {
	nal = nal[:min(len(nal), maxNAL)]
	out := make([]byte, 0, len(nal))
	zeros := 0
	for _, b := range nal {
		if zeros >= 2 && b == 3 {
			zeros = 0
			continue
		}
		if b == 0 {
			zeros++
		} else {
			zeros = 0
		}
		out = append(out, b)
	}
	return out
}
