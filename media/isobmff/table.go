package isobmff

import (
	"encoding/binary"
	"math"
)

// table is where the samples of a track are and when. Runs stay runs: only
// the frames of the picture that is judged are ever spelled out.
type table struct {
	sizes   sizes
	times   []run // decode deltas
	offsets []run // composition offsets
	sync    []byte
	allSync bool // there is no list of sync samples: each is one
	chunks  []byte
	wide    bool   // chunk offsets have 8 bytes
	toChunk []byte // stsc entries

	fragments []fragmentRun

	extents []extent
	bytes   int64
}

// run says that count samples have the same value.
type run struct {
	count uint32
	value int64
}

// sizes tells how long samples are: all of one size, or as entries say.
type sizes struct {
	count uint32
	fixed uint32
	raw   []byte
	bits  int // of an entry: 4, 8, 16 or 32
}

// at returns the size of sample i, which must be below count.
func (s *sizes) at(i uint32) int64 {
	switch {
	case s.fixed > 0:
		return int64(s.fixed)
	case s.bits == 32:
		return int64(binary.BigEndian.Uint32(s.raw[4*int(i):]))
	case s.bits == 16:
		return int64(binary.BigEndian.Uint16(s.raw[2*int(i):]))
	case s.bits == 8:
		return int64(s.raw[i])
	case i%2 == 0:
		return int64(s.raw[i/2] >> 4)
	}
	return int64(s.raw[i/2] & 15)
}

// extent is a stretch of the file that holds consecutive samples.
type extent struct {
	offset  int64
	bytes   int64
	first   int64 // index of its first sample
	samples int64
}

// end returns where the extent ends, without overflow.
func (e extent) end() int64 {
	if e.bytes > math.MaxInt64-e.offset {
		return math.MaxInt64
	}
	return e.offset + e.bytes
}

// read reads the boxes of stbl.
func (t *table) read(stbl []byte) error {
	t.allSync = true
	for kind, b := range boxes(stbl) {
		f := fields{b: b}
		var err error
		switch kind {
		case cc("stts"):
			t.times, err = readRuns(&f, "stts", false)
		case cc("ctts"):
			t.offsets, err = readRuns(&f, "ctts", true)
		case cc("stsz"), cc("stz2"):
			err = t.sizes.read(&f, kind == cc("stz2"))
		case cc("stss"):
			t.sync, err = readEntries(&f, "stss", 4)
			t.allSync = false
		case cc("stsc"):
			t.toChunk, err = readEntries(&f, "stsc", 12)
		case cc("stco"):
			t.chunks, err = readEntries(&f, "stco", 4)
		case cc("co64"):
			t.chunks, err = readEntries(&f, "co64", 8)
			t.wide = true
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// readEntries returns the entries of a full box with a count, each of width
// bytes. A count that the box has no bytes for is an error.
func readEntries(f *fields, kind string, width int) ([]byte, error) {
	f.full()
	n := uint64(f.u32())
	if f.bad || n*uint64(width) > uint64(len(f.b)) {
		return nil, malformed("%s claims %d entries and has bytes for %d", kind, n, len(f.b)/width)
	}
	return f.b[:n*uint64(width)], nil
}

// readRuns reads stts or ctts. Offsets are read as signed in both versions,
// as writers of version 0 store negative ones too.
func readRuns(f *fields, kind string, signed bool) ([]run, error) {
	raw, err := readEntries(f, kind, 8)
	if err != nil {
		return nil, err
	}
	runs := make([]run, 0, len(raw)/8)
	for ; len(raw) > 0; raw = raw[8:] {
		v := binary.BigEndian.Uint32(raw[4:])
		r := run{count: binary.BigEndian.Uint32(raw), value: int64(v)}
		if signed || v >= 1<<31 {
			r.value = int64(int32(v))
		}
		runs = append(runs, r)
	}
	return runs, nil
}

// read reads stsz, or stz2 when compact.
func (s *sizes) read(f *fields, compact bool) error {
	f.full()
	v := f.u32()
	s.count = f.u32()
	s.bits = 32
	if compact {
		s.bits = int(v & 0xff)
	} else {
		s.fixed = v
	}
	if f.bad {
		return malformed("stsz ends too early")
	}
	if s.bits != 4 && s.bits != 8 && s.bits != 16 && s.bits != 32 {
		return malformed("stz2 has entries of %d bits", s.bits)
	}
	if s.fixed == 0 && (uint64(s.count)*uint64(s.bits)+7)/8 > uint64(len(f.b)) {
		return malformed("stsz claims %d samples and has bytes for %d", s.count, len(f.b)*8/s.bits)
	}
	s.raw = f.b
	return nil
}

// locate lists the extents: chunks of the index, then runs of fragments.
func (t *table) locate() error {
	if err := t.locateChunks(); err != nil {
		return err
	}
	first := int64(t.sizes.count)
	for _, r := range t.fragments {
		if len(t.extents) == maxExtents {
			return limit("more than %d chunks", maxExtents)
		}
		t.add(extent{offset: r.offset, bytes: r.bytes, first: first, samples: int64(r.samples)})
		first += int64(r.samples)
	}
	return nil
}

// add appends an extent. The sum of bytes saturates.
func (t *table) add(e extent) {
	t.extents = append(t.extents, e)
	if t.bytes += e.bytes; t.bytes < 0 {
		t.bytes = math.MaxInt64
	}
}

// chunk returns the offset of chunk i.
func (t *table) chunk(i int) int64 {
	if t.wide {
		return int64(min(binary.BigEndian.Uint64(t.chunks[8*i:]), math.MaxInt64/2))
	}
	return int64(binary.BigEndian.Uint32(t.chunks[4*i:]))
}

// locateChunks spreads the samples of the index over its chunks.
func (t *table) locateChunks() error {
	width := 4
	if t.wide {
		width = 8
	}
	chunks := len(t.chunks) / width
	if chunks > maxExtents {
		return limit("more than %d chunks", maxExtents)
	}
	var sample, perChunk uint32
	entries := t.toChunk
	for i := 0; i < chunks && sample < t.sizes.count; i++ {
		for len(entries) >= 12 && binary.BigEndian.Uint32(entries) <= uint32(i)+1 {
			perChunk = binary.BigEndian.Uint32(entries[4:])
			entries = entries[12:]
		}
		n := min(perChunk, t.sizes.count-sample)
		t.add(extent{offset: t.chunk(i), bytes: t.sizes.sum(sample, n), first: int64(sample), samples: int64(n)})
		sample += n
	}
	if sample < t.sizes.count {
		return malformed("%d of %d samples are in no chunk", t.sizes.count-sample, t.sizes.count)
	}
	return nil
}

// sum adds the sizes of n samples from first on.
func (s *sizes) sum(first, n uint32) int64 {
	if s.fixed > 0 {
		return int64(s.fixed) * int64(n)
	}
	var total int64
	for i := first; i < first+n; i++ {
		total += s.at(i)
	}
	return total
}

// samples counts the samples of the index and of the fragments.
func (t *table) samples() int64 {
	n := int64(t.sizes.count)
	for _, r := range t.fragments {
		n += int64(r.samples)
	}
	return n
}

// span is when the first sample is decoded and the last one ends, in the
// track's timescale. Where a fragment says when it begins, that counts:
// writers give a lone sample no duration.
func (t *table) span() (from, to int64) {
	left := int64(t.sizes.count)
	for _, r := range t.times {
		n := min(int64(r.count), left)
		to += n * max(r.value, 0) // below 2^32 * 2^31 in sum: no overflow
		left -= n
	}
	for i, r := range t.fragments {
		if i == 0 && t.sizes.count == 0 {
			from = r.time
		}
		to = max(to, r.time+r.ticks)
	}
	return from, max(from, to)
}
