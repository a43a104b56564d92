package isobmff_test

import (
	"bytes"
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"storyform/internal/testmedia"
	"storyform/media/isobmff"
)

// read reads a file of memory.
func read(t *testing.T, data []byte) *isobmff.Movie {
	t.Helper()
	m, err := isobmff.Read(bytes.NewReader(data), int64(len(data)))
	if err != nil {
		t.Fatalf("got error %v", err)
	}
	return m
}

// with makes a variant of the good video.
func with(change func(*testmedia.Video)) []byte {
	v := testmedia.Good()
	if change != nil {
		change(&v)
	}
	return v.MP4()
}

// facts is what the table of properties compares.
type facts struct {
	Codec, Profile, Chroma string
	Depth                  int
	Coded, Shown           [2]int
	Rotation               int
	Mirrored               bool
	Scan                   isobmff.Scan
	FPS                    float64
	Timing                 isobmff.Timing
	Frames                 int64
	Syncs                  int
	GOPMin, GOPMax         time.Duration
	GOP                    isobmff.GOP
	Delay, Duration        time.Duration
	First, Fragmented      bool
	Missing                bool
}

// factsOf collects them.
func factsOf(m *isobmff.Movie) facts {
	t := m.Picture()
	v := t.Video
	return facts{
		Codec: t.Codec, Profile: v.Profile, Chroma: v.Chroma, Depth: v.BitDepth,
		Coded: [2]int{v.CodedWidth, v.CodedHeight}, Shown: [2]int{v.Width, v.Height}, Rotation: v.Rotation, Mirrored: v.Mirrored,
		Scan: v.Scan, FPS: v.FPS, Timing: v.Timing, Frames: t.Samples, Syncs: v.SyncSamples,
		GOPMin: v.GOPMin, GOPMax: v.GOPMax, GOP: v.GOP, Delay: t.Delay, Duration: m.Duration,
		First: m.IndexFirst, Fragmented: m.Fragmented, Missing: m.Missing > 0,
	}
}

// good is what is true of testmedia.Good.
func good() facts {
	return facts{
		Codec: "h264", Profile: "High", Chroma: "4:2:0", Depth: 8, Coded: [2]int{1080, 1920}, Shown: [2]int{1080, 1920},
		Scan: isobmff.Progressive, FPS: 30, Timing: isobmff.Constant, Frames: 90, Syncs: 2,
		GOPMin: 2 * time.Second, GOPMax: 2 * time.Second, GOP: isobmff.Closed, Duration: 3 * time.Second, First: true,
	}
}

// TestRead changes one property at a time and checks that the facts change
// in that respect only.
func TestRead(t *testing.T) {
	zero, topFirst := 0, 3
	for _, c := range []struct {
		name string
		make func(*testmedia.Video)
		want func(*facts)
	}{
		{"good", nil, nil},
		{"index last", func(v *testmedia.Video) { v.IndexLast = true }, func(f *facts) { f.First = false }},
		{"open end", func(v *testmedia.Video) { v.OpenEnd = true }, nil},
		{"64-bit boxes", func(v *testmedia.Video) { v.Wide = true }, nil},
		{"fragmented", func(v *testmedia.Video) { v.Fragmented = true }, func(f *facts) { f.Fragmented = true }},
		{"fragmented, parameter sets inside", func(v *testmedia.Video) { v.Fragmented, v.Codec = true, "avc3" }, func(f *facts) { f.Fragmented = true }},
		{"trailing junk", func(v *testmedia.Video) { v.Trailing = 5000 }, nil},
		{"no ftyp", func(v *testmedia.Video) { v.Brand = "" }, nil},
		{"cover art", func(v *testmedia.Video) { v.CoverArt = true }, nil},
		{"silent", func(v *testmedia.Video) { v.Audio = nil }, nil},
		{"cut off", func(v *testmedia.Video) { v.Missing = 40 }, func(f *facts) { f.Missing = true }},
		{"avc3", func(v *testmedia.Video) { v.Codec = "avc3" }, nil},
		{"cropped", func(v *testmedia.Video) { v.Width, v.Height = 1078, 1914 }, func(f *facts) { f.Coded = [2]int{1078, 1914}; f.Shown = f.Coded }},
		{"4:2:2", func(v *testmedia.Video) { v.Chroma = 2 }, func(f *facts) { f.Chroma, f.Profile = "4:2:2", "High 4:2:2" }},
		{"4:4:4 odd", func(v *testmedia.Video) { v.Chroma, v.Width, v.Height = 3, 1077, 1915 }, func(f *facts) {
			f.Chroma, f.Profile, f.Coded = "4:4:4", "High 4:4:4 Predictive", [2]int{1077, 1915}
			f.Shown = f.Coded
		}},
		{"10 bits", func(v *testmedia.Video) { v.BitDepth = 10 }, func(f *facts) { f.Depth, f.Profile = 10, "High 10" }},
		{"turned 90", func(v *testmedia.Video) { v.Rotation = 90 }, func(f *facts) { f.Rotation, f.Shown = 90, [2]int{1920, 1080} }},
		{"turned 180", func(v *testmedia.Video) { v.Rotation = 180 }, func(f *facts) { f.Rotation = 180 }},
		{"turned 270", func(v *testmedia.Video) { v.Rotation = 270 }, func(f *facts) { f.Rotation, f.Shown = 270, [2]int{1920, 1080} }},
		{"turned 45", func(v *testmedia.Video) { v.Rotation = 45 }, func(f *facts) { f.Rotation = -1 }},
		{"mirrored", func(v *testmedia.Video) { v.Mirrored = true }, func(f *facts) { f.Mirrored = true }},
		{"wide pixels", func(v *testmedia.Video) { v.CodecPAR = [2]int{4, 3} }, func(f *facts) { f.Shown = [2]int{1440, 1920} }},
		{"container's pixels win", func(v *testmedia.Video) { v.CodecPAR, v.PAR = [2]int{4, 3}, [2]int{1, 2} }, func(f *facts) { f.Shown = [2]int{540, 1920} }},
		{"wide pixels, turned", func(v *testmedia.Video) { v.PAR, v.Rotation = [2]int{2, 1}, 90 }, func(f *facts) { f.Rotation, f.Shown = 90, [2]int{1920, 2160} }},
		{"fields", func(v *testmedia.Video) { v.Interlaced = true }, func(f *facts) { f.Scan = isobmff.Interlaced }},
		{"timing says frame", func(v *testmedia.Video) { v.PicStruct = &zero }, nil},
		{"timing says top field first", func(v *testmedia.Video) { v.PicStruct = &topFirst }, func(f *facts) { f.Scan = isobmff.Interlaced }},
		{"open groups", func(v *testmedia.Video) { v.OpenGOP = true }, func(f *facts) { f.GOP = isobmff.Open; f.GOPMin += 33333333; f.GOPMax += 33333333 }},
		{"every frame a key frame", func(v *testmedia.Video) { v.AllSync = true }, func(f *facts) { f.Syncs, f.GOPMin, f.GOPMax = 90, 33333333, 33333333 }},
		{"one group", func(v *testmedia.Video) { v.GOP = 250 }, func(f *facts) { f.Syncs, f.GOPMin, f.GOPMax = 1, 0, 3*time.Second }},
		{"HEVC", func(v *testmedia.Video) { v.Codec = "hvc1" }, func(f *facts) { f.Codec, f.Profile = "hevc", "Main" }},
		{"HEVC, parameter sets inside", func(v *testmedia.Video) { v.Codec, v.CodecPAR = "hev1", [2]int{4, 3} }, func(f *facts) { f.Codec, f.Profile, f.Shown = "hevc", "Main", [2]int{1440, 1920} }},
		{"HEVC, cropped, wide pixels", func(v *testmedia.Video) { v.Codec, v.Width, v.CodecPAR = "hvc1", 1082, [2]int{2, 1} }, func(f *facts) {
			f.Codec, f.Profile, f.Coded, f.Shown = "hevc", "Main", [2]int{1082, 1920}, [2]int{2164, 1920}
		}},
		{"HEVC open groups", func(v *testmedia.Video) { v.Codec, v.OpenGOP = "hvc1", true }, func(f *facts) {
			f.Codec, f.Profile, f.GOP = "hevc", "Main", isobmff.Open
			f.GOPMin += 33333333
			f.GOPMax += 33333333
		}},
		{"HEVC fields", func(v *testmedia.Video) { v.Codec, v.Interlaced = "hvc1", true }, func(f *facts) { f.Codec, f.Profile, f.Scan = "hevc", "Main", isobmff.Interlaced }},
		{"HEVC 10 bits", func(v *testmedia.Video) { v.Codec, v.BitDepth = "hvc1", 10 }, func(f *facts) { f.Codec, f.Profile, f.Depth = "hevc", "Main", 10 }},
		{"AV1", func(v *testmedia.Video) { v.Codec = "av01" }, func(f *facts) { f.Codec, f.Profile = "av1", "Main" }},
		{"VP9", func(v *testmedia.Video) { v.Codec = "vp09" }, func(f *facts) { f.Codec, f.Profile = "vp9", "Profile 0" }},
		{"MPEG-4", func(v *testmedia.Video) { v.Codec = "mp4v" }, func(f *facts) {
			f.Codec, f.Profile, f.Chroma, f.Depth, f.Scan, f.GOP = "mpeg4", "", "", 0, isobmff.ScanUnclear, isobmff.GOPUnclear
		}},
		{"unknown codec", func(v *testmedia.Video) { v.Codec = "XYZ1" }, func(f *facts) {
			f.Codec, f.Profile, f.Chroma, f.Depth, f.Scan, f.GOP = "XYZ1", "", "", 0, isobmff.ScanUnclear, isobmff.GOPUnclear
		}},
		{"starts late", func(v *testmedia.Video) { v.DelayMillis = 500 }, func(f *facts) { f.Delay, f.Duration = 500*time.Millisecond, 3500*time.Millisecond }},
		{"shown in part", func(v *testmedia.Video) { v.EditMillis, v.Audio = 2000, nil }, func(f *facts) { f.Duration = 2 * time.Second }},
		{"edit beyond the end", func(v *testmedia.Video) { v.EditMillis = 99000 }, nil},
		{"one frame", func(v *testmedia.Video) { v.Frames, v.Audio = 1, nil }, func(f *facts) {
			f.Frames, f.Syncs, f.GOPMin, f.GOPMax, f.Duration, f.Timing = 1, 1, 0, 33333333, 33333333, ""
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			want := good()
			if c.want != nil {
				c.want(&want)
			}
			if diff := cmp.Diff(want, factsOf(read(t, with(c.make)))); diff != "" {
				t.Errorf("facts differ (-want +got):\n%s", diff)
			}
		})
	}
}

// TestTiming checks what counts as one frame rate.
func TestTiming(t *testing.T) {
	long := func(n int) []uint32 { // equal gaps but for one
		gaps := make([]uint32, n)
		for i := range gaps {
			gaps[i] = 1000
		}
		gaps[n/2] = 3000
		return gaps
	}
	for _, c := range []struct {
		name   string
		gaps   []uint32
		frames int
		want   isobmff.Timing
		fps    float64
	}{
		{"equal", []uint32{1000}, 90, isobmff.Constant, 30},
		{"clock of a third", []uint32{333, 333, 334}, 90, isobmff.Constant, 90.01},
		{"wobble", []uint32{970, 1040, 1000, 990}, 90, isobmff.Jitter, 30},
		{"wobble at the limit", []uint32{760, 1240}, 90, isobmff.Jitter, 30},
		{"beyond the limit", []uint32{740, 1260}, 90, isobmff.Variable, 30},
		{"dropped frames", []uint32{1000, 1000, 2000}, 90, isobmff.Variable, 22.5},
		{"one cut", long(90), 90, isobmff.Constant, 30},
		{"one cut in a short clip", long(10), 10, isobmff.Variable, 24.5},
	} {
		t.Run(c.name, func(t *testing.T) {
			m := read(t, with(func(v *testmedia.Video) { v.Gaps, v.Frames, v.Audio = c.gaps, c.frames, nil }))
			v := m.Picture().Video
			if v.Timing != c.want || v.FPS < c.fps*0.99 || v.FPS > c.fps*1.01 {
				t.Errorf("got %s %.3f, want %s %.3f", v.Timing, v.FPS, c.want, c.fps)
			}
		})
	}
}

// TestAudio checks what esds tells, and the other ways to name a codec.
func TestAudio(t *testing.T) {
	type facts struct {
		Codec, Profile string
		Rate, Channels int
		Nominal        int64
	}
	for _, c := range []struct {
		name string
		make func(*testmedia.Audio)
		want facts
	}{
		{"LC", func(*testmedia.Audio) {}, facts{"aac", "LC", 48000, 2, 128000}},
		{"44.1 kHz mono", func(a *testmedia.Audio) { a.Specific = []byte{0x12, 0x08} }, facts{"aac", "LC", 44100, 1, 128000}},
		{"8 channels", func(a *testmedia.Audio) { a.Specific = []byte{0x11, 0xb8} }, facts{"aac", "LC", 48000, 8, 128000}},
		{"main", func(a *testmedia.Audio) { a.Specific = []byte{0x09, 0x90} }, facts{"aac", "Main", 48000, 2, 128000}},
		{"HE-AAC", func(a *testmedia.Audio) { a.Specific = []byte{0x2b, 0x11, 0x88, 0x00} }, facts{"aac", "HE-AAC", 48000, 2, 128000}},
		{"HE-AACv2", func(a *testmedia.Audio) { a.Specific = []byte{0xeb, 0x09, 0x88, 0x00} }, facts{"aac", "HE-AACv2", 48000, 2, 128000}},
		{"HE-AAC, compatible", func(a *testmedia.Audio) { a.Specific = []byte{0x13, 0x10, 0x56, 0xe5, 0x98} }, facts{"aac", "HE-AAC", 48000, 2, 128000}},
		{"spelled-out rate", func(a *testmedia.Audio) { a.Specific = []byte{0x17, 0x80, 0x5d, 0xc0, 0x10} }, facts{"aac", "LC", 48000, 2, 128000}},
		{"no configuration", func(a *testmedia.Audio) { a.Specific = nil }, facts{"aac", "", 48000, 2, 128000}},
		{"MPEG-2 LC", func(a *testmedia.Audio) { a.Specific, a.ObjectType = nil, 0x67 }, facts{"aac", "LC", 48000, 2, 128000}},
		{"MP3", func(a *testmedia.Audio) { a.Specific, a.ObjectType = nil, 0x6b }, facts{"mp3", "", 48000, 2, 128000}},
		{"AC-3", func(a *testmedia.Audio) { a.Format, a.ObjectType = "ac-3", 0 }, facts{"ac3", "", 48000, 2, 0}},
		{"Opus", func(a *testmedia.Audio) { a.Format, a.ObjectType = "Opus", 0 }, facts{"opus", "", 48000, 2, 0}},
		{"without esds", func(a *testmedia.Audio) { a.ObjectType = 0 }, facts{"aac", "", 48000, 2, 0}},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := read(t, with(func(v *testmedia.Video) { c.make(v.Audio) })).Sound()
			got := facts{s.Codec, s.Audio.Profile, s.Audio.SampleRate, s.Audio.Channels, s.Audio.MaxBitrate}
			if got != c.want {
				t.Errorf("got %+v, want %+v", got, c.want)
			}
		})
	}
	wave := read(t, with(func(v *testmedia.Video) { v.Brand, v.Audio.Wave = "qt  ", true })).Sound()
	if wave.Codec != "aac" || wave.Audio.Profile != "LC" {
		t.Errorf("esds in wave: got %s %s, want aac LC", wave.Codec, wave.Audio.Profile)
	}
}

// TestTruncated cuts the file at every byte: the reader must tell, and never
// crash.
func TestTruncated(t *testing.T) {
	for _, change := range []func(*testmedia.Video){
		nil,
		func(v *testmedia.Video) { v.IndexLast = true },
		func(v *testmedia.Video) { v.Fragmented = true },
		func(v *testmedia.Video) { v.Codec = "hev1" },
	} {
		data := with(change)
		for n := range len(data) {
			m, err := isobmff.Read(bytes.NewReader(data[:n]), int64(n))
			switch {
			case err != nil && !errors.Is(err, isobmff.ErrTruncated) && !errors.Is(err, isobmff.ErrNotISO) && !errors.Is(err, isobmff.ErrMalformed):
				t.Fatalf("%d of %d bytes: got error %v", n, len(data), err)
			case err == nil && m.Missing == 0 && !m.Fragmented:
				t.Fatalf("%d of %d bytes: got no damage", n, len(data))
			}
		}
	}
}

// TestHashSamples checks that one clip in any wrapper has one hash, and
// another clip another.
func TestHashSamples(t *testing.T) {
	sum := func(change func(*testmedia.Video)) string {
		h, err := read(t, with(change)).HashSamples(func() error { return nil })
		if err != nil {
			t.Fatal(err)
		}
		return h
	}
	want := sum(nil)
	for name, change := range map[string]func(*testmedia.Video){
		"index last": func(v *testmedia.Video) { v.IndexLast = true },
		"fragmented": func(v *testmedia.Video) { v.Fragmented = true },
		"MOV":        func(v *testmedia.Video) { v.Brand = "qt  " },
		"turned":     func(v *testmedia.Video) { v.Rotation = 90 },
		"junk":       func(v *testmedia.Video) { v.Trailing = 99 },
		"64 bits":    func(v *testmedia.Video) { v.Wide = true },
		"cover art":  func(v *testmedia.Video) { v.CoverArt = true },
	} {
		if got := sum(change); got != want {
			t.Errorf("%s: got %s, want %s", name, got, want)
		}
	}
	if got := sum(func(v *testmedia.Video) { v.GOP = 30 }); got == want {
		t.Errorf("another clip: got the same hash")
	}
	stop := errors.New("stop")
	if _, err := read(t, with(nil)).HashSamples(func() error { return stop }); !errors.Is(err, stop) {
		t.Errorf("got %v, want %v", err, stop)
	}
	if _, err := read(t, with(func(v *testmedia.Video) { v.Missing = 9 })).HashSamples(func() error { return nil }); !errors.Is(err, isobmff.ErrMalformed) {
		t.Errorf("cut off: got %v, want %v", err, isobmff.ErrMalformed)
	}
}
