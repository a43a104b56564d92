package isobmff

// trackDefaults are the values that fragments of a track fall back to (trex).
type trackDefaults struct {
	duration, size, flags uint32
}

// fragmentRun is one trun: consecutive samples of a fragment.
type fragmentRun struct {
	offset  int64
	bytes   int64
	samples uint32
	time    int64 // decode time of its first sample
	ticks   int64
	pts     []int64  // of a picture track
	sizes   []uint32 // of a picture track
	sync    []uint32 // indexes within the run, of a picture track
}

// nonSync is the flag of samples at which decoding can't begin.
const nonSync = 1 << 16

// readDefaults reads the trex boxes of mvex.
func (m *Movie) readDefaults(mvex []byte) {
	m.Fragmented = true
	for kind, b := range boxes(mvex) {
		if kind != cc("trex") {
			continue
		}
		f := fields{b: b}
		f.full()
		id := f.u32()
		f.skip(4)
		d := trackDefaults{duration: f.u32(), size: f.u32(), flags: f.u32()}
		if !f.bad && len(m.defaults) < maxTracks {
			m.defaults[id] = d
		}
	}
}

// fragments reads the moof boxes of a file in order.
type fragments struct {
	movie   *Movie
	byID    map[uint32]*Track
	next    map[uint32]int64 // decode time of each track's next sample
	samples int64            // of all tracks, so far
	runs    int
}

// readFragments adds the samples of moof boxes to their tracks.
func (m *Movie) readFragments(moofs []topBox) error {
	if len(moofs) == 0 {
		return nil
	}
	m.Fragmented = true
	r := fragments{movie: m, byID: map[uint32]*Track{}, next: map[uint32]int64{}}
	for _, t := range m.Tracks {
		r.byID[t.ID] = t
		_, r.next[t.ID] = t.table.span()
	}
	var total int64
	for _, b := range moofs {
		if total += min(b.size, maxIndex+1); total > maxIndex {
			return limit("fragment headers of more than %d bytes", maxIndex)
		}
		if b.size > m.file.size-b.offset {
			m.Missing = max(m.Missing, b.offset+b.size-m.file.size)
			return nil // cut off within this fragment
		}
		buf, err := m.file.payload(b)
		if err != nil {
			return err
		}
		if err := r.moof(b.offset, buf); err != nil {
			return err
		}
	}
	return nil
}

// traf is the state of one track fragment while it is read.
type traf struct {
	track *Track
	trackDefaults
	base   int64 // to which data offsets are added
	cursor int64 // where the next run's data are, without an offset of its own
	time   int64 // decode time of the next sample
}

// moof reads one fragment. Data without a base are counted from the start of
// moof for the first track and go on where the one before ended for others.
func (r *fragments) moof(offset int64, moof []byte) error {
	cursor := offset
	for kind, b := range boxes(moof) {
		if kind != cc("traf") {
			continue
		}
		t := traf{base: offset, cursor: cursor}
		if !t.header(child(b, "tfhd"), r, offset, cursor) {
			continue
		}
		t.time = r.next[t.track.ID]
		if tfdt := child(b, "tfdt"); tfdt != nil {
			f := fields{b: tfdt}
			version, _ := f.full()
			if at := int64(f.word(version)); !f.bad && at >= 0 && at < 1<<60 {
				t.time = at
			}
		}
		for kind, run := range boxes(b) {
			if kind != cc("trun") {
				continue
			}
			if err := r.trun(&t, run); err != nil {
				return err
			}
		}
		r.next[t.track.ID] = t.time
		cursor = t.cursor
	}
	return nil
}

// header reads tfhd and reports whether the track is known.
func (t *traf) header(tfhd []byte, r *fragments, moof, cursor int64) bool {
	f := fields{b: tfhd}
	_, flags := f.full()
	id := f.u32()
	if t.track = r.byID[id]; t.track == nil {
		return false
	}
	t.trackDefaults = r.movie.defaults[id]
	switch {
	case flags&1 != 0:
		t.base = int64(f.u64())
		t.cursor = t.base
	case flags&0x20000 == 0:
		t.base, t.cursor = cursor, cursor
	default:
		t.base = moof
	}
	if flags&2 != 0 {
		f.skip(4)
	}
	for _, field := range []struct {
		flag uint32
		to   *uint32
	}{{8, &t.duration}, {0x10, &t.size}, {0x20, &t.flags}} {
		if flags&field.flag != 0 {
			*field.to = f.u32()
		}
	}
	return !f.bad && t.base >= 0 && t.base < 1<<61
}

// trun reads one run of samples.
func (r *fragments) trun(t *traf, b []byte) error {
	f := fields{b: b}
	_, flags := f.full()
	run := fragmentRun{samples: f.u32(), offset: t.cursor, time: t.time}
	if flags&1 != 0 {
		run.offset = t.base + int64(int32(f.u32()))
	}
	first := t.flags
	if flags&4 != 0 {
		first = f.u32()
	}
	width := 0
	for flag := uint32(0x100); flag <= 0x800; flag <<= 1 {
		if flags&flag != 0 {
			width += 4
		}
	}
	if f.bad || uint64(run.samples)*uint64(width) > uint64(len(f.b)) {
		return malformed("trun claims %d samples and has bytes for less", run.samples)
	}
	r.samples += int64(run.samples)
	r.runs++
	if r.samples > 4*maxFrames || r.runs > maxExtents {
		return limit("more than %d samples in fragments", 4*maxFrames)
	}
	picture := t.track.Handler == "vide"
	for i := range run.samples {
		s := t.trackDefaults
		if i == 0 {
			s.flags = first
		}
		var shift int64
		if flags&0x100 != 0 {
			s.duration = f.u32()
		}
		if flags&0x200 != 0 {
			s.size = f.u32()
		}
		if flags&0x400 != 0 {
			s.flags = f.u32()
		}
		if flags&0x800 != 0 {
			shift = int64(int32(f.u32()))
		}
		if picture {
			run.pts = append(run.pts, t.time+run.ticks+shift)
			run.sizes = append(run.sizes, s.size)
			if s.flags&nonSync == 0 {
				run.sync = append(run.sync, i)
			}
		}
		run.ticks += int64(s.duration)
		run.bytes += int64(s.size)
	}
	t.time += run.ticks
	t.cursor = max(run.offset, 0) + run.bytes
	if run.offset < 0 {
		return malformed("a fragment's samples lie before the file")
	}
	t.track.table.fragments = append(t.track.table.fragments, run)
	return nil
}
