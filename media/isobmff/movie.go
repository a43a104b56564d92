package isobmff

import (
	"errors"
	"fmt"
	"io"
	"math"
	"time"
)

// Movie is what the index of a file tells.
type Movie struct {
	// Brand is the major brand of ftyp, such as "isom" or "qt  "; empty in
	// old QuickTime files, which have no ftyp.
	Brand string
	// QuickTime: the file is a MOV file rather than an MP4 file.
	QuickTime bool
	// IndexFirst: moov comes before the media, so playing can begin before
	// the whole file has arrived.
	IndexFirst bool
	// Fragmented: samples are listed in moof boxes.
	Fragmented bool
	// Duration is how long the longest track takes.
	Duration time.Duration
	Tracks   []*Track
	// Missing is how many bytes beyond the end of the file the samples
	// reach: more than 0 means that the file is cut off.
	Missing int64

	file      *file
	timescale uint32
	matrix    matrix
	defaults  map[uint32]trackDefaults // trex, by track id
	extents   int                      // of all tracks so far
}

// Picture returns the video track that is shown: the longest one, because
// cover art is a second one. It returns nil when there is none.
func (m *Movie) Picture() *Track { return m.longest("vide") }

// Sound returns the longest audio track, or nil.
func (m *Movie) Sound() *Track { return m.longest("soun") }

func (m *Movie) longest(handler string) *Track {
	var best *Track
	for _, t := range m.Tracks {
		if t.Handler == handler && (best == nil || t.longer(best)) {
			best = t
		}
	}
	return best
}

// Read reads the index of a file of the given size in bytes. An error is one
// of the Err values of this package, wrapped, or a failure of r.
func Read(r io.ReaderAt, size int64) (*Movie, error) {
	m := &Movie{file: &file{r, size}}
	moov, moofs, err := m.scan()
	if err != nil {
		return nil, err
	}
	buf, err := m.file.payload(moov)
	if err != nil {
		return nil, err
	}
	if err := m.readMoov(buf); err != nil {
		return nil, err
	}
	if err := m.readFragments(moofs); err != nil {
		return nil, err
	}
	for _, t := range m.Tracks {
		if err := t.finish(m); err != nil {
			return nil, fmt.Errorf("track %d: %w", t.ID, err)
		}
		m.Duration = max(m.Duration, t.Duration)
	}
	if p := m.Picture(); p != nil {
		if err := p.look(m); err != nil {
			return nil, fmt.Errorf("track %d: %w", p.ID, err)
		}
	}
	return m, nil
}

// scan walks the boxes of the top level and finds moov and the fragments.
func (m *Movie) scan() (moov topBox, moofs []topBox, err error) {
	var found, media bool
	var stopped error
	for off, n := int64(0), 0; off < m.file.size; n++ {
		if n == maxTop {
			return moov, nil, limit("more than %d boxes", maxTop)
		}
		b, err := m.file.boxAt(off)
		if err == nil && n == 0 && !starts(b.kind) {
			return moov, nil, ErrNotISO
		}
		if err != nil || !b.kind.printable() {
			stopped = err // trailing junk; what came before decides
			break
		}
		switch b.kind {
		case cc("ftyp"):
			m.readBrand(b)
		case cc("moov"):
			if !found {
				moov, found, m.IndexFirst = b, true, !media
			}
		case cc("mdat"):
			media = true
		case cc("moof"):
			moofs = append(moofs, b)
		}
		off += b.size
	}
	if found {
		return moov, moofs, nil
	}
	if stopped != nil && !errors.Is(stopped, ErrTruncated) {
		return moov, nil, stopped
	}
	return moov, nil, fmt.Errorf("%w: its index (moov) is missing", ErrTruncated)
}

// starts reports whether a file may begin with a box of this type.
func starts(kind fourcc) bool {
	switch kind {
	case cc("ftyp"), cc("moov"), cc("mdat"), cc("free"), cc("skip"), cc("wide"), cc("pnot"), cc("styp"), cc("uuid"), cc("junk"):
		return true
	}
	return false
}

// readBrand notes the major brand. A damaged ftyp tells nothing.
func (m *Movie) readBrand(b topBox) {
	var brand [4]byte
	if b.size-b.header >= 4 && m.file.readAt(brand[:], b.offset+b.header) == nil {
		m.Brand = fourcc(brand).String()
	}
}

// readMoov reads the movie header, the tracks and the defaults of fragments.
func (m *Movie) readMoov(moov []byte) error {
	m.QuickTime = m.Brand == "" || m.Brand == "qt  "
	m.defaults = map[uint32]trackDefaults{}
	for kind, b := range boxes(moov) {
		switch kind {
		case cc("mvhd"):
			f := fields{b: b}
			version, _ := f.full()
			f.word(version)
			f.word(version)
			m.timescale = f.u32()
			f.word(version)
			f.skip(16) // rate, volume, reserved
			m.matrix = f.matrix()
		case cc("trak"):
			if len(m.Tracks) == maxTracks {
				return limit("more than %d tracks", maxTracks)
			}
			t, err := readTrack(b, m.QuickTime)
			if err != nil {
				return err
			}
			m.Tracks = append(m.Tracks, t)
		case cc("mvex"):
			m.readDefaults(b)
		case cc("cmov"):
			return limit("the index is compressed (cmov)")
		}
	}
	return nil
}

// ticks converts a count of ticks of a timescale into a duration.
func ticks(n int64, timescale uint32) time.Duration {
	if timescale == 0 {
		return 0
	}
	return seconds(float64(n) / float64(timescale))
}

// seconds converts seconds into a duration, within what a duration can hold.
func seconds(s float64) time.Duration {
	ns := math.Round(s * 1e9)
	switch {
	case math.IsNaN(ns):
		return 0
	case ns >= math.MaxInt64:
		return math.MaxInt64
	case ns <= math.MinInt64:
		return math.MinInt64
	}
	return time.Duration(ns)
}
