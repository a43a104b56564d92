package media

import (
	"bytes"
	"encoding/binary"
	"slices"
	"testing"

	"storyform/internal/testmedia"
	"storyform/story"
)

// inspectBytes measures a file of memory.
func inspectBytes(t *testing.T, data []byte, o Options) *File {
	t.Helper()
	f, err := inspect(t.Context(), bytes.NewReader(data), int64(len(data)), "", o)
	if err != nil {
		t.Fatalf("got error %v", err)
	}
	f.Name = "file"
	return f
}

// video makes a variant of the good video.
func video(change func(*testmedia.Video)) []byte {
	v := testmedia.Good()
	if change != nil {
		change(&v)
	}
	return v.MP4()
}

// padded makes a file of n bytes whose picture ends before them.
func padded(data []byte, n int) []byte {
	return append(slices.Clone(data), make([]byte, n-len(data))...)
}

// paddedPNG makes a PNG of n bytes.
func paddedPNG(w, h, n int) []byte {
	p := testmedia.PNG(w, h)
	return testmedia.PNGWithChunk(p, "tEXt", make([]byte, n-len(p)-12))
}

// ruleCase has the smallest file that breaks a rule and one that just keeps
// it. sizes replace the size of huge files that a test should not make.
type ruleCase struct {
	id     string
	breaks []byte
	keeps  []byte
	decode bool
	sizes  [2]int64
}

// frames is short for videos of n frames.
func frames(n int) func(*testmedia.Video) { return func(v *testmedia.Video) { v.Frames = n } }

// sound is short for videos with other sound.
func withSound(change func(*testmedia.Audio)) func(*testmedia.Video) {
	return func(v *testmedia.Video) { change(v.Audio) }
}

// size is short for videos of another size.
func sized(w, h int) func(*testmedia.Video) {
	return func(v *testmedia.Video) { v.Width, v.Height = w, h }
}

// ruleCases has a row for every rule about local files.
func ruleCases() []ruleCase {
	jpeg := testmedia.JPEG(1080, 1920)
	webp := append([]byte("RIFF\x24\x00\x00\x00WEBPVP8 "), make([]byte, 40)...)
	rotten := slices.Clone(testmedia.JPEG(1080, 1920))
	copy(rotten[len(rotten)-2000:], bytes.Repeat([]byte{0xff, 0x00, 0xab}, 300))
	wide := video(func(v *testmedia.Video) { v.Frames = 1 })
	return []ruleCase{
		{id: "photo.type", breaks: webp, keeps: testmedia.BMP(1080, 1920)},
		{id: "photo.size", breaks: padded(jpeg, 10<<20+1), keeps: padded(jpeg, 10<<20)},
		{id: "photo.size_v21", breaks: padded(jpeg, 4_000_001), keeps: padded(jpeg, 4_000_000)},
		{id: "photo.png_size", breaks: paddedPNG(1080, 1920, 1_000_001), keeps: paddedPNG(1080, 1920, 1_000_000)},
		{id: "photo.complete", breaks: jpeg[:len(jpeg)-1], keeps: jpeg},
		{id: "photo.decode", breaks: rotten, keeps: jpeg, decode: true},
		{id: "photo.pixels", breaks: testmedia.PNGHeader(5001, 10_000), keeps: testmedia.PNGHeader(5000, 10_000)},
		{id: "photo.aspect", breaks: testmedia.JPEG(1080, 1880), keeps: testmedia.JPEG(1080, 1882)},
		{id: "photo.resolution", breaks: testmedia.JPEG(539, 960), keeps: testmedia.JPEG(540, 960)},
		{id: "photo.animated", breaks: testmedia.GIF(54, 96, 2), keeps: testmedia.GIF(54, 96, 1)},

		{id: "video.container", breaks: video(func(v *testmedia.Video) { v.Brand = "qt  " }), keeps: video(nil)},
		{id: "video.complete", breaks: video(func(v *testmedia.Video) { v.Missing = 1 }), keeps: video(nil)},
		{id: "video.picture", breaks: video(func(v *testmedia.Video) { v.NoPicture = true }), keeps: wide},
		{id: "video.codec", breaks: video(func(v *testmedia.Video) { v.Codec = "mp4v" }), keeps: video(func(v *testmedia.Video) { v.Codec = "av01" })},
		{id: "video.size_min", breaks: video(sized(538, 960)), keeps: video(sized(540, 960))},
		{id: "video.aspect", breaks: video(sized(1092, 1920)), keeps: video(sized(1090, 1920))},
		{id: "video.size", breaks: video(sized(1078, 1920)), keeps: video(sized(1080, 1920))},
		{id: "video.duration", breaks: video(frames(88)), keeps: video(frames(89))},
		{id: "video.duration", breaks: video(frames(1802)), keeps: video(frames(1801))},
		{id: "video.fps", breaks: video(func(v *testmedia.Video) { v.Ticks = 1252 }), keeps: video(func(v *testmedia.Video) { v.Timescale, v.Ticks = 24000, 1001 })},
		{id: "video.fps", breaks: video(func(v *testmedia.Video) { v.Ticks, v.Frames = 499, 240 }), keeps: video(func(v *testmedia.Video) { v.Ticks, v.Frames = 500, 240 })},
		{id: "video.fps_fixed", breaks: video(func(v *testmedia.Video) { v.Gaps = []uint32{700, 1300} }), keeps: video(func(v *testmedia.Video) { v.Gaps = []uint32{800, 1200} })},
		{id: "video.gop", breaks: video(func(v *testmedia.Video) { v.Frames, v.GOP = 300, 152 }), keeps: video(func(v *testmedia.Video) { v.Frames, v.GOP = 300, 151 })},
		{id: "video.gop", breaks: video(func(v *testmedia.Video) { v.GOP = 58 }), keeps: video(func(v *testmedia.Video) { v.GOP = 59 })},
		{id: "video.gop_closed", breaks: video(func(v *testmedia.Video) { v.OpenGOP = true }), keeps: video(nil)},
		{id: "video.chroma", breaks: video(func(v *testmedia.Video) { v.Chroma = 2 }), keeps: video(nil)},
		{id: "video.progressive", breaks: video(func(v *testmedia.Video) { v.Interlaced = true }), keeps: video(nil)},
		{id: "video.start", breaks: video(func(v *testmedia.Video) { v.DelayMillis = 101 }), keeps: video(func(v *testmedia.Video) { v.DelayMillis = 100 })},
		{id: "video.filesize", breaks: video(nil), keeps: video(nil), sizes: [2]int64{2_000_000_001, 2_000_000_000}},
		{id: "video.audio_codec", breaks: video(withSound(func(a *testmedia.Audio) { a.ObjectType, a.Specific = 0x6b, nil })), keeps: video(nil)},
		{id: "video.audio_profile", breaks: video(withSound(func(a *testmedia.Audio) { a.Specific = []byte{0x2b, 0x11, 0x88, 0x00} })), keeps: video(nil)},
		{id: "video.audio_rate", breaks: video(withSound(func(a *testmedia.Audio) { a.Specific = []byte{0x12, 0x10} })), keeps: video(nil)},
		{id: "video.audio_channels", breaks: video(withSound(func(a *testmedia.Audio) { a.Specific = []byte{0x11, 0x88} })), keeps: video(nil)},
		{id: "video.audio_bitrate", breaks: video(withSound(func(a *testmedia.Audio) { a.Nominal = 121_599 })), keeps: video(withSound(func(a *testmedia.Audio) { a.Nominal = 121_600 }))},
		{id: "video.audio_bitrate", breaks: video(withSound(func(a *testmedia.Audio) { a.Nominal = 0 })), keeps: video(withSound(func(a *testmedia.Audio) { a.Nominal, a.FrameBytes = 0, 342 }))},
	}
}

// broken lists the rules that findings report.
func broken(found []Finding, level Level) (ids []string) {
	for _, f := range found {
		if f.Level == level {
			ids = append(ids, f.Rules...)
		}
	}
	return ids
}

// TestRules checks both sides of every rule.
func TestRules(t *testing.T) {
	seen := map[string]bool{}
	for _, c := range ruleCases() {
		seen[c.id] = true
		t.Run(c.id, func(t *testing.T) {
			rule, ok := RuleByID(c.id)
			if !ok {
				t.Fatalf("there is no rule %s", c.id)
			}
			bad, good := inspectBytes(t, c.breaks, Options{Decode: c.decode}), inspectBytes(t, c.keeps, Options{Decode: c.decode})
			if c.sizes != [2]int64{} {
				bad.Bytes, good.Bytes = c.sizes[0], c.sizes[1]
			}
			level := Level(rule.Severity.String())
			if ids := broken(Judge(bad, JudgeOptions{}), level); !slices.Contains(ids, c.id) {
				t.Errorf("a file that breaks it: got %v, want %s among the %ss", ids, c.id, level)
			}
			for _, level := range []Level{LevelError, LevelWarning, LevelUnchecked} {
				if ids := broken(Judge(good, JudgeOptions{}), level); slices.Contains(ids, c.id) {
					t.Errorf("a file that keeps it: got %s among the findings of level %s", c.id, level)
				}
			}
		})
	}
	for _, r := range Rules() {
		if r.Kind != "" && !seen[r.ID] {
			t.Errorf("rule %s has no files", r.ID)
		}
	}
}

// TestFindingsAreComplete checks that each finding names what was measured,
// what is demanded, and what to do.
func TestFindingsAreComplete(t *testing.T) {
	for _, c := range ruleCases() {
		f := inspectBytes(t, c.breaks, Options{Decode: c.decode})
		for _, finding := range Judge(f, JudgeOptions{}) {
			if finding.Level == LevelUnchecked {
				continue
			}
			if finding.Summary == "" || finding.Measured == "" || finding.Demand == "" || finding.Fix == "" || finding.Source == "" || finding.Date == "" {
				t.Errorf("%s: got incomplete finding %+v", c.id, finding)
			}
			if summary, detail := finding.Diagnostic(); summary == "" || !bytes.Contains([]byte(detail), []byte(finding.Fix)) {
				t.Errorf("%s: got diagnostic %q %q", c.id, summary, detail)
			}
		}
	}
}

// TestUnchecked checks that what can't be told is no error, and is told once.
func TestUnchecked(t *testing.T) {
	raw := testmedia.RawTIFF{Width: 1080, Height: 1920, Samples: 4, Photometric: 5}.Bytes()
	webm := append([]byte("\x1aE\xdf\xa3\x9fB\x86\x81\x01B\x82\x84webm"), make([]byte, 100)...)
	for _, c := range []struct {
		name      string
		data      []byte
		decode    bool
		errors    []string
		warnings  []string
		unchecked []string // rules among those not checked
	}{
		{"CMYK TIFF", raw, true, nil, []string{"photo.size_v21"}, []string{"photo.decode"}},
		{"arithmetic JPEG", testmedia.RawJPEG{Width: 1080, Height: 1920, Components: 3, Frame: 0xc9, Precision: 8}.Bytes(), true, nil, nil, []string{"photo.decode"}},
		{"RLE bitmap", testmedia.RLEBMP(1080, 1920), true, nil, nil, []string{"photo.decode"}},
		{"BigTIFF", testmedia.RawTIFF{Width: 1080, Height: 1920, Samples: 1, Photometric: 1, Big: true}.Bytes(), true, nil, nil, []string{"photo.decode"}},
		{"WebM", webm, false, nil, []string{"video.container"}, []string{"video.codec", "video.duration", "video.audio_codec"}},
		{"codec not looked into", video(func(v *testmedia.Video) { v.Codec = "mp4v" }), false, []string{"video.codec"}, nil, []string{"video.progressive", "video.gop_closed", "video.chroma"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			found := Judge(inspectBytes(t, c.data, Options{Decode: c.decode}), JudgeOptions{})
			if got := broken(found, LevelError); !slices.Equal(got, c.errors) {
				t.Errorf("got errors %v, want %v", got, c.errors)
			}
			if got := broken(found, LevelWarning); !slices.Equal(got, c.warnings) {
				t.Errorf("got warnings %v, want %v", got, c.warnings)
			}
			open := broken(found, LevelUnchecked)
			for _, id := range c.unchecked {
				if !slices.Contains(open, id) {
					t.Errorf("got not checked %v, want %s among them", open, id)
				}
			}
			reasons := map[string]bool{}
			for _, f := range found {
				if f.Level == LevelUnchecked && reasons[f.Measured] {
					t.Errorf("got the reason %q twice", f.Measured)
				}
				reasons[f.Measured] = true
			}
		})
	}
}

// TestOrientation checks the displayed size of photos that are turned.
func TestOrientation(t *testing.T) {
	for _, order := range []binary.AppendByteOrder{binary.BigEndian, binary.LittleEndian} {
		for o := range uint16(10) {
			want, w, h := int(o), 54, 96
			if o < 1 || o > 8 {
				want = 1
			}
			if want >= 5 {
				w, h = 96, 54
			}
			for name, data := range map[string][]byte{
				"jpeg": testmedia.JPEGWithExif(testmedia.JPEG(54, 96), testmedia.Exif(order, o)),
				"png":  testmedia.PNGWithChunk(testmedia.PNG(54, 96), "eXIf", testmedia.Exif(order, o)),
				"tiff": testmedia.RawTIFF{Width: 54, Height: 96, Samples: 1, Photometric: 1, Orientation: int(o), BigEndian: order == binary.BigEndian}.Bytes(),
			} {
				f := inspectBytes(t, data, Options{Decode: true})
				if f.Format != name || f.Photo.Orientation != want || f.Width != w || f.Height != h || f.Photo.Damage != "" {
					t.Errorf("%s %d: got %s orientation %d, %dx%d, damage %q; want %d, %dx%d", name, o, f.Format, f.Photo.Orientation, f.Width, f.Height, f.Photo.Damage, want, w, h)
				}
			}
		}
	}
}

// TestSubject checks that photos are not held against rules for videos.
func TestSubject(t *testing.T) {
	for _, f := range Judge(inspectBytes(t, testmedia.PNG(100, 100), Options{}), JudgeOptions{}) {
		if r, _ := RuleByID(f.Rules[0]); r.Kind != story.Photo {
			t.Errorf("got finding of rule %s", r.ID)
		}
	}
	if got := Judge(&File{Media: story.Media{Kind: story.Photo}}, JudgeOptions{}); got != nil {
		t.Errorf("a file without facts: got %v", got)
	}
}

// TestSeveralPictures checks that animations and pages are counted.
func TestSeveralPictures(t *testing.T) {
	for name, c := range map[string]struct {
		data []byte
		want int
	}{
		"GIF":           {testmedia.GIF(54, 96, 30), 30},
		"still GIF":     {testmedia.GIF(54, 96, 1), 1},
		"animated PNG":  {testmedia.PNGWithChunk(testmedia.PNG(54, 96), "acTL", []byte{0, 0, 0, 5, 0, 0, 0, 0}), 5},
		"PNG":           {testmedia.PNG(54, 96), 1},
		"TIFF of pages": {testmedia.RawTIFF{Width: 54, Height: 96, Samples: 1, Photometric: 1, Pages: 3}.Bytes(), 3},
	} {
		f := inspectBytes(t, c.data, Options{})
		if warned := slices.Contains(broken(Judge(f, JudgeOptions{}), LevelWarning), "photo.animated"); f.Photo.Frames != c.want || warned != (c.want > 1) {
			t.Errorf("%s: got %d pictures, warned %v, want %d", name, f.Photo.Frames, warned, c.want)
		}
	}
}
