package isobmff

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"iter"
)

// fourcc is the type of a box.
type fourcc [4]byte

// cc makes a fourcc from its four characters.
func cc(s string) fourcc { return fourcc([]byte(s)) }

// String returns the four characters, dots for unprintable ones.
func (c fourcc) String() string {
	out := []byte(c[:])
	for i, b := range out {
		if b < 0x20 || b > 0x7e {
			out[i] = '.'
		}
	}
	return string(out)
}

// printable reports whether the type consists of characters that types are
// made of; QuickTime's types may start with ©.
func (c fourcc) printable() bool {
	for _, b := range c {
		if (b < 0x20 || b > 0x7e) && b != 0xa9 {
			return false
		}
	}
	return true
}

// topBox is a box of the top level of a file. Size includes the header and
// may reach beyond the end of the file.
type topBox struct {
	kind   fourcc
	offset int64
	header int64
	size   int64
}

// file is the input with its size.
type file struct {
	r    io.ReaderAt
	size int64
}

// readAt fills b from off. Bytes that the file does not have are ErrTruncated.
func (f *file) readAt(b []byte, off int64) error {
	if off < 0 || off > f.size || int64(len(b)) > f.size-off {
		return fmt.Errorf("%w: %d bytes are expected at %d, the file has %d", ErrTruncated, len(b), off, f.size)
	}
	n, err := f.r.ReadAt(b, off)
	if n == len(b) {
		return nil
	}
	if err == nil || errors.Is(err, io.EOF) {
		return fmt.Errorf("%w: it became shorter while it was read", ErrTruncated)
	}
	return fmt.Errorf("reading at %d: %w", off, err)
}

// boxAt reads the header of the box at off. A size of 0 reaches to the end of
// the file.
func (f *file) boxAt(off int64) (topBox, error) {
	var h [16]byte
	n := min(int64(len(h)), f.size-off)
	if n < 8 {
		return topBox{}, fmt.Errorf("%w: %d stray bytes at its end", ErrTruncated, n)
	}
	if err := f.readAt(h[:n], off); err != nil {
		return topBox{}, err
	}
	b := topBox{kind: fourcc(h[4:8]), offset: off, header: 8, size: int64(binary.BigEndian.Uint32(h[:4]))}
	switch b.size {
	case 0:
		b.size = f.size - off
	case 1:
		if n < 16 {
			return topBox{}, fmt.Errorf("%w: inside a box header", ErrTruncated)
		}
		size := binary.BigEndian.Uint64(h[8:])
		if size > 1<<62 {
			return topBox{}, malformed("box %s claims %d bytes", b.kind, size)
		}
		b.header, b.size = 16, int64(size)
	}
	if b.size < b.header {
		return topBox{}, malformed("box %s claims %d bytes", b.kind, b.size)
	}
	return b, nil
}

// payload reads what is inside b.
func (f *file) payload(b topBox) ([]byte, error) {
	n := b.size - b.header
	if n > maxIndex {
		return nil, limit("box %s has %d bytes", b.kind, n)
	}
	if n > f.size-b.offset-b.header {
		return nil, fmt.Errorf("%w: box %s has %d bytes and the file ends within it", ErrTruncated, b.kind, b.size)
	}
	buf := make([]byte, n)
	return buf, f.readAt(buf, b.offset+b.header)
}

// boxes yields the boxes inside b: type and payload. The last one is clipped
// to the bytes that are there; a header that makes no sense ends the walk.
func boxes(b []byte) iter.Seq2[fourcc, []byte] {
	return func(yield func(fourcc, []byte) bool) {
		for len(b) >= 8 {
			kind, header, size := fourcc(b[4:8]), uint64(8), uint64(binary.BigEndian.Uint32(b))
			switch {
			case size == 0:
				size = uint64(len(b))
			case size == 1 && len(b) >= 16:
				header, size = 16, binary.BigEndian.Uint64(b[8:])
			}
			if size < header {
				return
			}
			size = min(size, uint64(len(b)))
			if !yield(kind, b[header:size]) {
				return
			}
			b = b[size:]
		}
	}
}

// child returns the payload of the first box of the given type inside b, nil
// when there is none.
func child(b []byte, kind string) []byte {
	want := cc(kind)
	for k, p := range boxes(b) {
		if k == want {
			return p
		}
	}
	return nil
}

// descend follows a path of box types from b, nil when it breaks off.
func descend(b []byte, path ...string) []byte {
	for _, kind := range path {
		if b = child(b, kind); b == nil {
			return nil
		}
	}
	return b
}

// fields reads big-endian numbers from the front of a payload. Reading
// beyond the end sets bad and yields zeros.
type fields struct {
	b   []byte
	bad bool
}

// skip drops n bytes.
func (f *fields) skip(n int) { f.take(n) }

// take returns the next n bytes, nil when they are not there.
func (f *fields) take(n int) []byte {
	if n < 0 || n > len(f.b) {
		f.b, f.bad = nil, true
		return nil
	}
	head := f.b[:n]
	f.b = f.b[n:]
	return head
}

func (f *fields) u8() uint8 {
	if b := f.take(1); b != nil {
		return b[0]
	}
	return 0
}

func (f *fields) u16() uint16 {
	if b := f.take(2); b != nil {
		return binary.BigEndian.Uint16(b)
	}
	return 0
}

func (f *fields) u32() uint32 {
	if b := f.take(4); b != nil {
		return binary.BigEndian.Uint32(b)
	}
	return 0
}

func (f *fields) u64() uint64 {
	if b := f.take(8); b != nil {
		return binary.BigEndian.Uint64(b)
	}
	return 0
}

// word reads 8 bytes in version 1 of a box and 4 in version 0.
func (f *fields) word(version uint8) uint64 {
	if version == 1 {
		return f.u64()
	}
	return uint64(f.u32())
}

// full reads the version and flags that start a full box.
func (f *fields) full() (version uint8, flags uint32) {
	v := f.u32()
	return uint8(v >> 24), v & 0xffffff
}
