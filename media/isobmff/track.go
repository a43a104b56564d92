package isobmff

import (
	"math"
	"time"
)

// Track is one track of a movie.
type Track struct {
	ID uint32
	// Handler is the kind of track: "vide", "soun", "text", "tmcd", ….
	Handler string
	// Format is the type of the sample entry, such as "avc1" or "mp4a".
	Format string
	// Codec is the common name of the codec, such as "h264" or "aac"; the
	// sample entry's own type when it has no name here.
	Codec string
	// Samples counts the frames of the track.
	Samples int64
	// Bytes is what the samples take together.
	Bytes int64
	// Duration is when the track's presentation ends: edits applied, Delay included.
	Duration time.Duration
	// MediaDuration is how long its samples last, without edits.
	MediaDuration time.Duration
	// Delay is how long an empty edit shows nothing at the start.
	Delay time.Duration
	// Bitrate is the mean over MediaDuration in bits per second.
	Bitrate int64

	Video *Video // of a track whose Handler is "vide"
	Audio *Audio // of a track whose Handler is "soun"

	timescale   uint32
	matrix      matrix
	edits       []edit
	table       table
	sampleEntry []byte // payload of the first sample entry
	quickTime   bool
}

// Video has the facts of a picture track.
type Video struct {
	// CodedWidth and CodedHeight are the picture's size in samples after
	// cropping, before pixel aspect and rotation.
	CodedWidth, CodedHeight int
	// Width and Height are the picture's size as it is displayed.
	Width, Height int
	// PARNum and PARDen are the pixel aspect ratio; 1 and 1 when not told.
	PARNum, PARDen int
	// Rotation is how far players turn the picture clockwise: 0, 90, 180 or
	// 270 degrees, -1 for another angle.
	Rotation int
	// Mirrored: the matrix flips the picture.
	Mirrored bool
	Profile  string
	// Chroma is "4:2:0", "4:2:2", "4:4:4", "4:0:0", "RGB" or "" for unknown.
	Chroma   string
	BitDepth int // 0: unknown
	Scan     Scan

	// FPS is the mean frame rate by presentation times; 0 when unknown.
	FPS    float64
	Timing Timing
	// MinGap and MaxGap are the shortest and the longest time between frames.
	MinGap, MaxGap time.Duration

	// SyncSamples counts the frames at which decoding can begin.
	SyncSamples int
	// GOPMin and GOPMax are the shortest and longest time from one sync
	// sample to the next. The last group, which ends with the video, counts
	// for GOPMax only; GOPMin is 0 when there is no other.
	GOPMin, GOPMax time.Duration
	GOP            GOP

	codec  codecConfig
	matrix matrix  // of the track and the movie
	sync   []int   // indexes of sync samples in decode order
	pts    []int64 // presentation times in decode order, in ticks
	end    int64   // when the last frame ends, in ticks
	fields uint8   // field count of QuickTime's fiel box, 0 when absent
	par    [2]int  // of the pasp box
}

// Scan says whether pictures are frames or pairs of fields.
type Scan string

// The kinds of scan.
const (
	Progressive Scan = "progressive"
	Interlaced  Scan = "interlaced"
	// ScanUnclear: the codec may hold either and does not say which.
	ScanUnclear Scan = "unclear"
)

// Timing says how even the times of frames are.
type Timing string

// The kinds of timing.
const (
	Constant Timing = "constant" // all gaps equal within one tick of the clock
	Jitter   Timing = "jitter"   // constant but for a wobble below 25 %
	Variable Timing = "variable"
)

// GOP says whether groups of pictures can be decoded alone.
type GOP string

// The kinds of groups of pictures.
const (
	Closed GOP = "closed"
	Open   GOP = "open"
	// GOPUnclear: the codec is not one that is looked into.
	GOPUnclear GOP = "unclear"
)

// edit is one entry of an edit list.
type edit struct {
	duration int64 // in the movie's timescale; 0: to the end
	start    int64 // in the track's timescale; -1: shows nothing
}

// longer orders tracks by what they show: duration, then samples.
func (t *Track) longer(than *Track) bool {
	if t.MediaDuration != than.MediaDuration {
		return t.MediaDuration > than.MediaDuration
	}
	return t.Samples > than.Samples
}

// readTrack reads a trak box, all but what fragments and samples add.
func readTrack(trak []byte, quickTime bool) (*Track, error) {
	t := &Track{quickTime: quickTime}
	t.readHeader(child(trak, "tkhd"))
	t.readEdits(descend(trak, "edts", "elst"))
	mdia := child(trak, "mdia")
	hdlr := fields{b: child(mdia, "hdlr")}
	hdlr.skip(8)
	if kind := hdlr.take(4); kind != nil {
		t.Handler = fourcc(kind).String()
	}
	if t.Handler != "vide" && t.Handler != "soun" {
		return t, nil // subtitles, time codes, hints: nothing is judged by them
	}
	mdhd := fields{b: child(mdia, "mdhd")}
	version, _ := mdhd.full()
	mdhd.word(version)
	mdhd.word(version)
	t.timescale = mdhd.u32()
	if mdhd.bad || t.timescale == 0 {
		return nil, malformed("a track has no timescale (mdhd)")
	}
	stbl := descend(mdia, "minf", "stbl")
	if stbl == nil {
		return nil, malformed("a track has no sample table (stbl)")
	}
	t.readEntry(child(stbl, "stsd"))
	return t, t.table.read(stbl)
}

// readHeader reads the track's id and matrix.
func (t *Track) readHeader(tkhd []byte) {
	f := fields{b: tkhd}
	version, _ := f.full()
	f.word(version)
	f.word(version)
	t.ID = f.u32()
	f.skip(4)
	f.word(version)
	f.skip(16) // reserved, layer, group, volume
	t.matrix = f.matrix()
}

// readEdits reads the edit list.
func (t *Track) readEdits(elst []byte) {
	f := fields{b: elst}
	version, _ := f.full()
	for range f.u32() {
		e := edit{duration: int64(f.word(version))}
		if version == 1 {
			e.start = int64(f.u64())
		} else {
			e.start = int64(int32(f.u32()))
		}
		f.skip(4) // rate
		if f.bad || e.duration < 0 {
			return
		}
		t.edits = append(t.edits, e)
	}
}

// readEntry reads the first sample entry, which names the codec.
func (t *Track) readEntry(stsd []byte) {
	if len(stsd) < 8 {
		return
	}
	for kind, entry := range boxes(stsd[8:]) {
		t.Format, t.sampleEntry = kind.String(), entry
		break
	}
	t.Codec = codecName(t.Format)
	switch t.Handler {
	case "vide":
		t.Video = readVideoEntry(t)
	case "soun":
		t.Audio = readAudioEntry(t)
	}
}

// finish derives what needs the whole list of samples.
func (t *Track) finish(m *Movie) error {
	tab := &t.table
	if err := tab.locate(); err != nil {
		return err
	}
	if m.extents += len(tab.extents); m.extents > maxExtents {
		return limit("more than %d chunks", maxExtents)
	}
	t.Samples, t.Bytes = tab.samples(), tab.bytes
	for _, e := range tab.extents {
		m.Missing = max(m.Missing, e.end()-m.file.size)
	}
	from, end := tab.span()
	t.MediaDuration = ticks(end-from, t.timescale)
	if s := t.MediaDuration.Seconds(); s > 0 {
		t.Bitrate = int64(min(float64(t.Bytes)*8/s, math.MaxInt64/2))
	}
	if t.Video != nil {
		if err := t.finishVideo(t.matrix.then(m.matrix)); err != nil {
			return err
		}
		end = max(end, t.Video.end)
	}
	t.applyEdits(m.timescale, from, end)
	return nil
}

// applyEdits computes Delay and Duration from the edit list. Edits that reach
// beyond the media, which last from from to end in ticks of the track, are
// clipped, as players do.
func (t *Track) applyEdits(timescale uint32, from, end int64) {
	var shown time.Duration
	pictures := false
	for _, e := range t.edits {
		length := ticks(e.duration, timescale)
		if e.start == -1 {
			if !pictures {
				t.Delay += length
			}
			shown += length
			continue
		}
		pictures = true
		rest := ticks(max(end-max(e.start, from), 0), t.timescale)
		if e.duration == 0 || length > rest {
			length = rest
		}
		shown += length
	}
	if !pictures {
		shown = t.Delay + t.MediaDuration
	}
	t.Duration = max(shown, 0)
}
