package testmedia

import "encoding/binary"

// bits writes numbers of any width.
type bits struct {
	b    []byte
	free int // bits left in the last byte
}

// u writes the low n bits of v.
func (w *bits) u(n int, v uint64) *bits {
	for i := n - 1; i >= 0; i-- {
		if w.free == 0 {
			w.b, w.free = append(w.b, 0), 8
		}
		w.free--
		w.b[len(w.b)-1] |= byte(v>>i&1) << w.free
	}
	return w
}

// flag writes one bit.
func (w *bits) flag(v bool) *bits {
	if v {
		return w.u(1, 1)
	}
	return w.u(1, 0)
}

// ue writes an unsigned exponential Golomb code.
func (w *bits) ue(v int) *bits {
	n := 0
	for (v+1)>>n > 1 {
		n++
	}
	return w.u(2*n+1, uint64(v+1))
}

// end writes the stop bit and returns the bytes, escaped for a NAL unit.
func (w *bits) end() []byte {
	w.u(1, 1)
	var out []byte
	zeros := 0
	for _, b := range w.b {
		if zeros >= 2 && b <= 3 {
			out, zeros = append(out, 3), 0
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

// Box makes a box of an ISO base media file.
func Box(kind string, parts ...[]byte) []byte {
	b := append(make([]byte, 4), kind...)
	for _, p := range parts {
		b = append(b, p...)
	}
	binary.BigEndian.PutUint32(b, uint32(len(b)))
	return b
}

// FullBox makes a box with a version and flags.
func FullBox(kind string, version byte, flags uint32, parts ...[]byte) []byte {
	return Box(kind, append([][]byte{u32(uint32(version)<<24 | flags)}, parts...)...)
}

// u16, u32 and u64 write big-endian numbers.

func u16(vs ...int) (b []byte) {
	for _, v := range vs {
		b = binary.BigEndian.AppendUint16(b, uint16(v))
	}
	return b
}

func u32(vs ...uint32) (b []byte) {
	for _, v := range vs {
		b = binary.BigEndian.AppendUint32(b, v)
	}
	return b
}

func u64(v uint64) []byte { return binary.BigEndian.AppendUint64(nil, v) }
