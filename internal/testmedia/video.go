package testmedia

import (
	"bytes"
	"encoding/binary"
	"slices"
)

// Video describes an MP4 or MOV file to be made. Good returns one that keeps
// every rule; change a field to break one.
type Video struct {
	Brand  string // of ftyp; "" leaves ftyp out
	Codec  string // the sample entry: avc1, avc3, hvc1, hev1, vp09, av01, mp4v or any other
	Width  int    // after cropping
	Height int

	PAR      [2]int // in a pasp box; zero: none
	CodecPAR [2]int // in the parameter sets; zero: none
	Rotation int    // clockwise degrees: 0, 90, 180, 270, or 45
	Mirrored bool

	Chroma     int // chroma_format_idc: 1 is 4:2:0
	BitDepth   int
	Interlaced bool // pictures are fields
	PicStruct  *int // pictures may be fields, and a timing message says this

	Timescale uint32
	Ticks     uint32   // of one frame
	Gaps      []uint32 // ticks of each frame, in place of Ticks; repeats
	Frames    int
	GOP       int  // frames from one sync sample to the next
	AllSync   bool // no list of sync samples
	OpenGOP   bool

	DelayMillis int // an empty edit at the start
	EditMillis  int // an edit that shows only this much; 0: none
	Audio       *Audio
	NoPicture   bool
	CoverArt    bool // a second video track of one frame

	IndexLast  bool
	Fragmented bool
	Wide       bool // 64-bit chunk offsets and a 64-bit mdat
	OpenEnd    bool // mdat has size 0 and comes last
	Missing    int  // bytes that are cut off at the end
	Trailing   int  // bytes of junk behind the end
}

// Audio describes the sound of a Video.
type Audio struct {
	Format     string // sample entry: "mp4a" or any other
	ObjectType byte   // of esds: 0x40 is MPEG-4 audio
	Specific   []byte // AudioSpecificConfig; nil: none
	Rate       int
	Channels   int
	Nominal    uint32 // bitrate that esds claims
	FrameBytes int    // of one frame of 1024 samples
	Wave       bool   // esds sits in QuickTime's wave box
	Millis     int    // length; 0: that of the picture
}

// Good returns a video of 3 seconds, 1080x1920, 30 frames per second, H.264
// and AAC.
func Good() Video {
	return Video{
		Brand: "isom", Codec: "avc1", Width: 1080, Height: 1920, Chroma: 1, BitDepth: 8,
		Timescale: 30000, Ticks: 1000, Frames: 90, GOP: 60, Audio: GoodAudio(),
	}
}

// GoodAudio returns sound as the Stories guide asks for it.
func GoodAudio() *Audio {
	return &Audio{Format: "mp4a", ObjectType: 0x40, Specific: []byte{0x11, 0x90}, Rate: 48000, Channels: 2, Nominal: 128000, FrameBytes: 8}
}

// MP4 returns the file with its facts.
func (v Video) MP4() []byte {
	tracks := v.tracks()
	if v.Fragmented {
		return v.cut(v.fragmented(tracks))
	}
	var ftyp []byte
	if v.Brand != "" {
		ftyp = Box("ftyp", []byte(v.Brand), u32(512), []byte("isomiso2mp41"))
	}
	var media []byte
	offsets := make([]int, len(tracks))
	for i, t := range tracks {
		offsets[i] = len(media)
		media = append(media, slices.Concat(t.samples...)...)
	}
	head := 8
	if v.Wide {
		head = 16
	}
	base := len(ftyp) + head
	if !v.IndexLast {
		base += len(v.moov(tracks, offsets, 0))
	}
	moov := v.moov(tracks, offsets, base)
	mdat := v.mdat(media)
	if v.IndexLast {
		return v.cut(slices.Concat(ftyp, mdat, moov))
	}
	return v.cut(slices.Concat(ftyp, moov, mdat))
}

// mdat wraps the media.
func (v *Video) mdat(media []byte) []byte {
	switch {
	case v.Wide:
		return slices.Concat(u32(1), []byte("mdat"), u64(uint64(len(media)+16)), media)
	case v.OpenEnd:
		return slices.Concat(u32(0), []byte("mdat"), media)
	}
	return Box("mdat", media)
}

// cut removes or adds bytes at the end.
func (v *Video) cut(b []byte) []byte {
	b = b[:len(b)-min(v.Missing, len(b))]
	return append(b, bytes.Repeat([]byte{0xee}, v.Trailing)...)
}

// track is one track before it is laid out.
type track struct {
	id        uint32
	handler   string
	timescale uint32
	entry     []byte
	samples   [][]byte
	gaps      []uint32 // durations
	shifts    []uint32 // composition offsets; nil: none
	sync      []uint32 // 1-based; nil: all
	edits     [][2]int64
	width     int
	height    int
}

// ticks is how long the track takes.
func (t *track) ticks() (n uint64) {
	for _, g := range t.gaps {
		n += uint64(g)
	}
	return n
}

// tracks lists the tracks of the file.
func (v *Video) tracks() []*track {
	var list []*track
	if v.CoverArt {
		list = append(list, &track{
			id: 9, handler: "vide", timescale: 1000, entry: visualEntry("jpeg", 600, 600),
			samples: [][]byte{{0xff, 0xd8, 0xff, 0xd9}}, gaps: []uint32{1}, width: 600, height: 600,
		})
	}
	if !v.NoPicture {
		list = append(list, v.picture())
	}
	if v.Audio != nil {
		list = append(list, v.Audio.track(v.millis()))
	}
	return list
}

// millis is how long the picture takes.
func (v *Video) millis() int {
	return int(v.picture().ticks() * 1000 / uint64(v.Timescale))
}

// picture makes the video track.
func (v *Video) picture() *track {
	entry := visualEntry(v.Codec, v.Width, v.Height, v.config())
	if v.PAR != [2]int{} {
		entry = visualEntry(v.Codec, v.Width, v.Height, v.config(), Box("pasp", u32(uint32(v.PAR[0]), uint32(v.PAR[1]))))
	}
	t := &track{id: 1, handler: "vide", timescale: v.Timescale, entry: entry, width: v.Width, height: v.Height}
	for i := range v.Frames {
		t.samples = append(t.samples, v.sample(i))
		gap := v.Ticks
		if len(v.Gaps) > 0 {
			gap = v.Gaps[i%len(v.Gaps)]
		}
		t.gaps = append(t.gaps, gap)
		if !v.AllSync && i%v.GOP == 0 {
			t.sync = append(t.sync, uint32(i+1))
		}
		if v.OpenGOP {
			t.shifts = append(t.shifts, uint32(v.shift(i))*v.Ticks)
		}
	}
	if v.DelayMillis > 0 {
		t.edits = append(t.edits, [2]int64{int64(v.DelayMillis), -1})
	}
	if v.EditMillis > 0 || v.OpenGOP {
		start := int64(0)
		if v.OpenGOP {
			start = int64(v.Ticks)
		}
		length := int64(v.EditMillis)
		if length == 0 {
			length = int64(t.ticks() * 1000 / uint64(v.Timescale))
		}
		t.edits = append(t.edits, [2]int64{length, start})
	}
	return t
}

// visualEntry writes a visual sample entry.
func visualEntry(kind string, w, h int, boxes ...[]byte) []byte {
	head := slices.Concat(make([]byte, 6), u16(1), make([]byte, 16), u16(w, h), make([]byte, 50))
	return Box(kind, slices.Concat(head, slices.Concat(boxes...)))
}

// track makes the audio track.
func (a *Audio) track(millis int) *track {
	if a.Millis > 0 {
		millis = a.Millis
	}
	var config []byte
	if a.ObjectType != 0 {
		config = FullBox("esds", 0, 0, esds(a.ObjectType, a.Specific, a.Nominal))
	}
	version := 0
	var extra []byte
	if a.Wave {
		version, extra = 1, make([]byte, 16)
		config = Box("wave", Box("frma", []byte(a.Format)), config)
	}
	head := slices.Concat(make([]byte, 6), u16(1, version), make([]byte, 6), u16(a.Channels, 16, 0, 0), u32(uint32(a.Rate)<<16), extra)
	t := &track{id: 2, handler: "soun", timescale: uint32(a.Rate), entry: Box(a.Format, head, config)}
	for left := int64(a.Rate) * int64(millis) / 1000; left > 0; left -= 1024 {
		t.samples = append(t.samples, bytes.Repeat([]byte{0x21}, a.FrameBytes))
		t.gaps = append(t.gaps, uint32(min(left, 1024)))
	}
	return t
}

// moov writes the index; base is where the media begin.
func (v *Video) moov(tracks []*track, offsets []int, base int) []byte {
	parts := [][]byte{FullBox("mvhd", 0, 0, u32(0, 0, 1000, uint32(v.millisOf(tracks)), 1<<16), make([]byte, 12), u32(1<<16, 0, 0, 0, 1<<16, 0, 0, 0, 1<<30), make([]byte, 28))}
	for i, t := range tracks {
		parts = append(parts, v.trak(t, base+offsets[i]))
	}
	if v.Fragmented {
		var trex [][]byte
		for _, t := range tracks {
			trex = append(trex, FullBox("trex", 0, 0, u32(t.id, 1, 0, 0, 0)))
		}
		parts = append(parts, Box("mvex", trex...))
	}
	return Box("moov", parts...)
}

// millisOf is the duration of the movie; 0 when it is fragmented.
func (v *Video) millisOf(tracks []*track) (n uint64) {
	for _, t := range tracks {
		n = max(n, t.ticks()*1000/uint64(t.timescale))
	}
	if v.Fragmented {
		return 0
	}
	return n
}

// trak writes one track whose samples begin at offset, in one chunk.
func (v *Video) trak(t *track, offset int) []byte {
	tkhd := FullBox("tkhd", 0, 3, u32(0, 0, t.id, 0, 0), make([]byte, 16), v.matrix(t), u32(uint32(t.width)<<16, uint32(t.height)<<16))
	var edts []byte
	if len(t.edits) > 0 {
		elst := u32(uint32(len(t.edits)))
		for _, e := range t.edits {
			elst = append(elst, u32(uint32(e[0]), uint32(int32(e[1])), 1<<16)...)
		}
		edts = Box("edts", FullBox("elst", 0, 0, elst))
	}
	mdhd := FullBox("mdhd", 0, 0, u32(0, 0, t.timescale, uint32(t.ticks()), 0))
	hdlr := FullBox("hdlr", 0, 0, u32(0), []byte(t.handler), make([]byte, 13))
	stbl := Box("stbl", FullBox("stsd", 0, 0, u32(1), t.entry), v.table(t, offset))
	return Box("trak", tkhd, edts, Box("mdia", mdhd, hdlr, Box("minf", stbl)))
}

// matrix writes the track's matrix.
func (v *Video) matrix(t *track) []byte {
	const one = 1 << 16
	m := map[int][4]int32{0: {one, 0, 0, one}, 90: {0, one, -one, 0}, 180: {-one, 0, 0, -one}, 270: {0, -one, one, 0}, 45: {46341, 46341, -46341, 46341}}[v.Rotation]
	if t.handler != "vide" {
		m = [4]int32{one, 0, 0, one}
	}
	if v.Mirrored {
		m[0], m[1] = -m[0], -m[1]
	}
	return u32(uint32(m[0]), uint32(m[1]), 0, uint32(m[2]), uint32(m[3]), 0, 0, 0, 1<<30)
}

// table writes the boxes of the sample table.
func (v *Video) table(t *track, offset int) []byte {
	if v.Fragmented {
		return slices.Concat(FullBox("stts", 0, 0, u32(0)), FullBox("stsc", 0, 0, u32(0)), FullBox("stsz", 0, 0, u32(0, 0)), FullBox("stco", 0, 0, u32(0)))
	}
	sizes := make([]uint32, len(t.samples))
	for i, s := range t.samples {
		sizes[i] = uint32(len(s))
	}
	parts := [][]byte{
		FullBox("stts", 0, 0, runs(t.gaps)),
		FullBox("stsc", 0, 0, u32(1, 1, uint32(len(t.samples)), 1)),
		FullBox("stsz", 0, 0, u32(0, uint32(len(sizes))), u32(sizes...)),
	}
	if v.Wide {
		parts = append(parts, FullBox("co64", 0, 0, u32(1), u64(uint64(offset))))
	} else {
		parts = append(parts, FullBox("stco", 0, 0, u32(1, uint32(offset))))
	}
	if t.sync != nil {
		parts = append(parts, FullBox("stss", 0, 0, u32(uint32(len(t.sync))), u32(t.sync...)))
	}
	if t.shifts != nil {
		parts = append(parts, FullBox("ctts", 0, 0, runs(t.shifts)))
	}
	return slices.Concat(parts...)
}

// runs writes a run-length coded table with its count.
func runs(values []uint32) []byte {
	var out []byte
	n := uint32(0)
	for i := 0; i < len(values); {
		k := i
		for k < len(values) && values[k] == values[i] {
			k++
		}
		out = append(out, u32(uint32(k-i), values[i])...)
		n++
		i = k
	}
	return append(u32(n), out...)
}

// fragmented writes the file with one fragment a group of pictures.
func (v *Video) fragmented(tracks []*track) []byte {
	out := slices.Concat(Box("ftyp", []byte("iso5"), u32(512), []byte("iso5dash")), v.moov(tracks, make([]int, len(tracks)), 0))
	times := make([]uint64, len(tracks))
	for from := 0; from < v.Frames; from += v.GOP {
		for i, t := range tracks {
			lo, hi := from, min(from+v.GOP, len(t.samples))
			if t.handler == "soun" {
				lo, hi = len(t.samples)*from/v.Frames, len(t.samples)*min(from+v.GOP, v.Frames)/v.Frames
			}
			if lo >= hi {
				continue
			}
			moof := t.moof(lo, hi, times[i], 0)
			moof = t.moof(lo, hi, times[i], len(moof)+8)
			out = slices.Concat(out, moof, Box("mdat", t.samples[lo:hi]...))
			for _, g := range t.gaps[lo:hi] {
				times[i] += uint64(g)
			}
		}
	}
	return out
}

// moof writes the header of a fragment of samples lo to hi.
func (t *track) moof(lo, hi int, time uint64, dataOffset int) []byte {
	var entries []byte
	for i := lo; i < hi; i++ {
		flags := uint32(1 << 16)
		if t.sync == nil || slices.Contains(t.sync, uint32(i+1)) {
			flags = 1 << 25
		}
		shift := uint32(0)
		if t.shifts != nil {
			shift = t.shifts[i]
		}
		entries = append(entries, u32(t.gaps[i], uint32(len(t.samples[i])), flags, shift)...)
	}
	trun := FullBox("trun", 0, 0xf01, u32(uint32(hi-lo), uint32(dataOffset)), entries)
	tfdt := FullBox("tfdt", 1, 0, u64(time))
	return Box("moof", FullBox("mfhd", 0, 0, u32(1)), Box("traf", FullBox("tfhd", 0, 0x20000, u32(t.id)), tfdt, trun))
}

// Find returns the offset of the first box of this type, by its bytes, so
// that a test can damage it; -1 when there is none.
func Find(file []byte, kind string) int {
	i := bytes.Index(file, []byte(kind))
	if i < 4 {
		return -1
	}
	return i - 4
}

// Patch returns a copy of file with the 32-bit number at off replaced.
func Patch(file []byte, off int, v uint32) []byte {
	b := bytes.Clone(file)
	binary.BigEndian.PutUint32(b[off:], v)
	return b
}
