package media

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"storyform/media/isobmff"
	"storyform/story"
)

var update = flag.Bool("update", false, "rewrite the documents that tests compare with")

// needFFmpeg skips a test that makes files with ffmpeg, unless it is asked for.
func needFFmpeg(t *testing.T) {
	t.Helper()
	if os.Getenv("STORYFORM_FFMPEG") == "" {
		t.Skip("set STORYFORM_FFMPEG=1 to make files with ffmpeg and compare with ffprobe")
	}
	for _, tool := range []string{"ffmpeg", "ffprobe"} {
		if _, err := exec.LookPath(tool); err != nil {
			t.Skip(err)
		}
	}
}

// run runs a command line of a table: words separated by blanks, words with
// blanks in double quotes.
func run(t *testing.T, dir, line string) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "bash", "-c", line)
	cmd.Dir = dir
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("%s: %v\n%s", line, err, out)
	}
}

// difference is one field in which ffprobe and this package disagree.
type difference struct {
	file, field, probe, own string
}

// probe is what ffprobe prints.
type probe struct {
	Streams []probeStream `json:"streams"`
	Packets []probePacket `json:"packets"`
	Frames  []probeFrame  `json:"frames"`
	Format  struct {
		Duration string `json:"duration"`
	} `json:"format"`
}

type probeStream struct {
	Index       int    `json:"index"`
	Type        string `json:"codec_type"`
	Codec       string `json:"codec_name"`
	Profile     string `json:"profile"`
	Width       int    `json:"width"`
	Height      int    `json:"height"`
	SAR         string `json:"sample_aspect_ratio"`
	PixFmt      string `json:"pix_fmt"`
	FieldOrder  string `json:"field_order"`
	FPS         string `json:"avg_frame_rate"`
	Frames      string `json:"nb_frames"`
	Duration    string `json:"duration"`
	Rate        string `json:"sample_rate"`
	Channels    int    `json:"channels"`
	Bitrate     string `json:"bit_rate"`
	Disposition struct {
		Picture int `json:"attached_pic"`
	} `json:"disposition"`
	Side []struct {
		Rotation *float64 `json:"rotation"`
	} `json:"side_data_list"`
}

type probePacket struct {
	Stream int    `json:"stream_index"`
	PTS    string `json:"pts_time"`
	Flags  string `json:"flags"`
}

type probeFrame struct {
	Tags struct {
		Orientation string `json:"Orientation"`
	} `json:"tags"`
}

// ffprobe asks ffprobe about a file.
func ffprobe(ctx context.Context, path string, show ...string) (p probe, err error) {
	args := append([]string{"-v", "quiet", "-of", "json", "-show_streams", "-show_format"}, show...)
	out, err := exec.CommandContext(ctx, "ffprobe", append(args, path)...).Output()
	if err != nil {
		return p, fmt.Errorf("ffprobe: %w", err)
	}
	return p, json.Unmarshal(out, &p)
}

// stream returns the stream of a type that a player shows.
func (p *probe) stream(kind string) *probeStream {
	for i := range p.Streams {
		if s := &p.Streams[i]; s.Type == kind && s.Disposition.Picture == 0 {
			return s
		}
	}
	return nil
}

// TestAgainstFFprobe makes videos and photos over all properties that are
// measured and compares every field with ffprobe's. Each difference must have
// a reason in the table of reasons; docs/media-vs-ffprobe.md is the result.
func TestAgainstFFprobe(t *testing.T) {
	needFFmpeg(t)
	dir := t.TempDir()
	var diffs []difference
	fields, compared, clean := 0, 0, 0
	for _, c := range probeVideos {
		if !t.Run(c.name, func(t *testing.T) {
			run(t, dir, c.command())
			d, n := compareVideo(t, filepath.Join(dir, c.name), c)
			diffs, fields = append(diffs, d...), fields+n
			if n > 0 {
				compared++
			}
			if n > 0 && len(d) == 0 {
				clean++
			}
		}) {
			t.Logf("command: %s", c.command())
		}
	}
	for _, c := range probePhotos {
		t.Run(c.name, func(t *testing.T) {
			if c.data == nil {
				run(t, dir, c.command())
			} else if err := os.WriteFile(filepath.Join(dir, c.name), c.data, 0o644); err != nil {
				t.Fatal(err)
			}
			d, n := comparePhoto(t, filepath.Join(dir, c.name), c)
			diffs, fields = append(diffs, d...), fields+n
			if n > 0 {
				compared++
			}
			if n > 0 && len(d) == 0 {
				clean++
			}
		})
	}
	for _, d := range diffs {
		if reasonFor(d) == "" {
			t.Errorf("%s: %s: got %s, ffprobe says %s, and there is no reason for that", d.file, d.field, d.own, d.probe)
		}
	}
	doc := differencesDocument(diffs, fields, compared, clean)
	const path = "../docs/media-vs-ffprobe.md"
	if *update && !t.Failed() {
		if err := os.WriteFile(path, []byte(doc), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

// comparison collects differences of one file.
type comparison struct {
	file   string
	fields int
	diffs  []difference
}

// same compares texts.
func (c *comparison) same(field, probe, own string) {
	c.fields++
	if probe != own {
		c.diffs = append(c.diffs, difference{c.file, field, probe, own})
	}
}

// near compares numbers.
func (c *comparison) near(field string, probe, own, tolerance float64) {
	c.fields++
	if math.Abs(probe-own) > tolerance {
		c.diffs = append(c.diffs, difference{c.file, field, trimFloat(probe), trimFloat(own)})
	}
}

func trimFloat(v float64) string { return strconv.FormatFloat(math.Round(v*1e4)/1e4, 'f', -1, 64) }

// number reads a number or a fraction that ffprobe printed; 0 for N/A.
func number(s string) float64 {
	a, b, fraction := strings.Cut(s, "/")
	v, _ := strconv.ParseFloat(a, 64)
	if !fraction {
		return v
	}
	if d, _ := strconv.ParseFloat(b, 64); d != 0 {
		return v / d
	}
	return 0
}

// compareVideo compares one video.
func compareVideo(t *testing.T, path string, vc videoCase) ([]difference, int) {
	f, err := Inspect(t.Context(), path, story.Video)
	if err != nil {
		t.Fatal(err)
	}
	c := &comparison{file: vc.name}
	if vc.damaged {
		if f.Video.Damage == "" && f.Video.Missing == 0 {
			t.Errorf("got no damage")
		}
		return nil, 0
	}
	if f.Video.Damage != "" || f.Video.NotRead != "" != vc.notRead {
		t.Fatalf("got damage %q, not read %q", f.Video.Damage, f.Video.NotRead)
	}
	if vc.notRead {
		return nil, 0
	}
	p, err := ffprobe(t.Context(), path, "-show_packets", "-show_entries", "packet=stream_index,pts_time,flags")
	if err != nil {
		t.Fatal(err)
	}
	c.near("duration", number(p.Format.Duration), f.Duration.Seconds(), 0.03)
	if s := p.stream("video"); s != nil {
		c.picture(s, f)
		c.groups(&p, s, f)
	} else {
		c.same("picture tracks", "0", strconv.Itoa(f.Video.Tracks))
	}
	c.sound(p.stream("audio"), f)
	vc.own(t, f)
	return c.diffs, c.fields
}

// picture compares the fields of the picture.
func (c *comparison) picture(s *probeStream, f *File) {
	v := f.Video
	c.same("codec", s.Codec, f.Codec)
	if f.Codec == "h264" || f.Codec == "hevc" || f.Codec == "av1" || f.Codec == "vp9" {
		c.same("profile", s.Profile, v.Profile)
		chroma, depth := pixelFormat(s.PixFmt)
		c.same("chroma", chroma, v.Chroma)
		c.same("bit depth", strconv.Itoa(depth), strconv.Itoa(v.BitDepth))
	}
	c.same("coded size", fmt.Sprintf("%dx%d", s.Width, s.Height), fmt.Sprintf("%dx%d", v.CodedWidth, v.CodedHeight))
	sar := s.SAR
	if sar == "" || sar == "N/A" || sar == "0:1" {
		sar = "1:1"
	}
	c.near("pixel aspect", number(strings.Replace(sar, ":", "/", 1)), float64(v.PARNum)/float64(v.PARDen), 0.0005)
	turn := 0
	for _, side := range s.Side {
		if side.Rotation != nil {
			turn = (int(math.Round(-*side.Rotation)) + 360) % 360
		}
	}
	c.same("rotation", strconv.Itoa(turn), strconv.Itoa(v.Rotation))
	scan := s.FieldOrder
	if scan == "tt" || scan == "bb" || scan == "tb" || scan == "bt" {
		scan = string(isobmff.Interlaced)
	}
	if scan != "" && scan != "unknown" {
		c.same("scan", scan, string(v.Scan))
	}
	c.near("fps", number(s.FPS), f.FPS, 0.005)
	if s.Frames != "" {
		c.same("frames", s.Frames, strconv.FormatInt(v.Frames, 10))
	}
	c.near("bitrate of the picture", number(s.Bitrate), float64(v.Bitrate), max(2000, number(s.Bitrate)*0.01))
}

// groups compares sync samples and the times between them.
func (c *comparison) groups(p *probe, s *probeStream, f *File) {
	var keys []float64
	for _, k := range p.Packets {
		if k.Stream == s.Index && strings.Contains(k.Flags, "K") {
			keys = append(keys, number(k.PTS))
		}
	}
	c.same("sync samples", strconv.Itoa(len(keys)), strconv.Itoa(f.Video.Syncs))
	if len(keys) < 2 {
		return
	}
	var gaps []float64
	for i := range len(keys) - 1 {
		gaps = append(gaps, keys[i+1]-keys[i])
	}
	c.near("shortest group", slices.Min(gaps), f.Video.GOPMin.Seconds(), 0.002)
	c.near("longest group", max(slices.Max(gaps), f.Video.GOPMax.Seconds()), f.Video.GOPMax.Seconds(), 0.002)
}

// sound compares the fields of the audio track.
func (c *comparison) sound(s *probeStream, f *File) {
	if s == nil {
		c.same("sound", "none", map[bool]string{true: "none", false: "some"}[f.Video.Audio == nil])
		return
	}
	a := f.Video.Audio
	if a == nil {
		c.same("sound", s.Codec, "none")
		return
	}
	c.same("audio codec", s.Codec, f.AudioCodec)
	if s.Codec == "aac" {
		c.same("audio profile", s.Profile, a.Profile)
	}
	c.same("audio rate", s.Rate, strconv.Itoa(a.SampleRate))
	c.same("audio channels", strconv.Itoa(s.Channels), strconv.Itoa(a.Channels))
	c.near("audio bitrate", number(s.Bitrate), float64(a.Bitrate), max(3000, number(s.Bitrate)*0.02))
	c.near("audio duration", number(s.Duration), a.Duration.Seconds(), 0.03)
}

// pixelFormat reads chroma and depth out of the name of a pixel format.
func pixelFormat(name string) (chroma string, depth int) {
	depth = 8
	for _, d := range []int{10, 12} {
		if strings.Contains(name, strconv.Itoa(d)+"le") {
			depth = d
		}
	}
	switch {
	case strings.Contains(name, "420"):
		return "4:2:0", depth
	case strings.Contains(name, "422"):
		return "4:2:2", depth
	case strings.Contains(name, "444"), strings.HasPrefix(name, "gbr"):
		return "4:4:4", depth
	case strings.HasPrefix(name, "gray"):
		return "4:0:0", depth
	}
	return name, depth
}

// comparePhoto compares one photo.
func comparePhoto(t *testing.T, path string, pc photoCase) ([]difference, int) {
	f, err := InspectWith(t.Context(), path, story.Photo, Options{Decode: true})
	if err != nil {
		t.Fatal(err)
	}
	ph := f.Photo
	if damaged := ph.Damage != ""; damaged != pc.damaged {
		t.Errorf("got damage %q, want %v", ph.Damage, pc.damaged)
	}
	if pc.damaged {
		return nil, 0
	}
	if ph.DecodeError != "" {
		t.Errorf("got decode error %q", ph.DecodeError)
	}
	if notDecoded := ph.NotDecoded != "" || ph.NotRead != ""; notDecoded != pc.notDecoded {
		t.Errorf("got not decoded %q %q, want %v", ph.NotDecoded, ph.NotRead, pc.notDecoded)
	}
	if pc.frames > 0 && ph.Frames != pc.frames {
		t.Errorf("got %d frames, want %d", ph.Frames, pc.frames)
	}
	c := &comparison{file: pc.name}
	c.same("format", pc.format(), f.Format)
	if photoReader(f.Format) == nil {
		return c.diffs, c.fields
	}
	p, err := ffprobe(t.Context(), path, "-show_frames", "-read_intervals", "%+#1")
	if err != nil || len(p.Streams) == 0 {
		c.same("size", "not read", fmt.Sprintf("%dx%d", ph.StoredWidth, ph.StoredHeight))
		return c.diffs, c.fields
	}
	s := p.Streams[0]
	c.same("size", fmt.Sprintf("%dx%d", s.Width, s.Height), fmt.Sprintf("%dx%d", ph.StoredWidth, ph.StoredHeight))
	turn := "1"
	if len(p.Frames) > 0 && p.Frames[0].Tags.Orientation != "" {
		turn = strings.TrimSpace(p.Frames[0].Tags.Orientation)
	}
	c.same("orientation", turn, strconv.Itoa(ph.Orientation))
	if pc.orientation > 0 && ph.Orientation != pc.orientation {
		t.Errorf("got orientation %d, want %d", ph.Orientation, pc.orientation)
	}
	return c.diffs, c.fields
}

// differencesDocument writes the table of differences.
func differencesDocument(diffs []difference, fields, compared, clean int) string {
	var b strings.Builder
	fmt.Fprintf(&b, "# storyform's own media reader against ffprobe\n\n"+
		"%d videos and %d photos were made with ffmpeg, some photos with package testmedia. %d fields of %d of them were\n"+
		"compared; of the others, which are damaged or in containers that are not looked into, only that was checked. %d files\n"+
		"agree in every field. The other differences, with the reason for each:\n\n",
		len(probeVideos), len(probePhotos), fields, compared, clean)
	b.WriteString("| file | field | ffprobe | storyform | reason |\n|---|---|---|---|---|\n")
	for _, d := range diffs {
		fmt.Fprintf(&b, "| %s | %s | %s | %s | %s |\n", d.file, d.field, d.probe, d.own, reasonFor(d))
	}
	b.WriteString("\nWhat ffprobe does not tell is compared with what the file was made to be: how even frames are,\n" +
		"whether groups of pictures are open, and whether the index comes first.\n\n" +
		"To make this table again: `STORYFORM_FFMPEG=1 go test ./media -run AgainstFFprobe -update`.\n")
	return b.String()
}
