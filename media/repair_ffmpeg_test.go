package media

import (
	"encoding/binary"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"storyform/internal/testmedia"
)

// TestRepairsWork breaks rules with ffmpeg's help, runs each command line that
// a finding offers through a shell, and inspects the result: the rule must be
// kept then, and no rule be broken that was kept before.
func TestRepairsWork(t *testing.T) {
	needFFmpeg(t)
	const good = x264 + "-g 60 -keyint_min 60 -sc_threshold 0 -c:a aac -b:a 160k "
	for _, c := range []struct {
		name  string // with blanks and quotes, as files have
		in    string
		args  string
		data  []byte
		rules []string
	}{
		{name: "wide screen.mp4", in: "size=1920x1080", args: good, rules: []string{"video.aspect"}},
		{name: "it's small.mp4", in: "size=270x480", args: good, rules: []string{"video.size_min"}},
		{name: "$HOME.mp4", in: "size=1080x1920 rate=15", args: good, rules: []string{"video.fps"}},
		{name: "fast.mp4", in: "size=540x960 rate=120", args: good, rules: []string{"video.fps"}},
		{name: "long.mp4", in: "size=540x960 length=63", args: good, rules: []string{"video.duration"}},
		{name: "variable.mp4", in: "size=540x960 length=4", args: good + `-vf "select=not(mod(n\,5)*mod(n\,7))+not(mod(n\,3))" -vsync vfr`, rules: []string{"video.fps_fixed", "video.fps"}},
		{name: "gop.mp4", in: "size=540x960 length=9", args: x264 + "-c:a aac -b:a 160k", rules: []string{"video.gop"}},
		{name: "open.mp4", in: "size=540x960 length=5", args: x264 + "-preset fast -bf 3 -g 60 -keyint_min 60 -x264-params open-gop=1:scenecut=0 -c:a aac -b:a 160k", rules: []string{"video.gop_closed"}},
		{name: "chroma.mp4", in: "size=540x960", args: good + "-pix_fmt yuv444p", rules: []string{"video.chroma"}},
		{name: "fields.mp4", in: "size=540x960", args: good + "-preset fast -flags +ildct+ilme -x264-params tff=1", rules: []string{"video.progressive"}},
		{name: "prores.mov", in: "size=540x960", args: "-c:v prores_ks -c:a pcm_s16le", rules: []string{"video.codec", "video.audio_codec"}},
		{name: "plain.mov", in: "size=540x960", args: good, rules: []string{"video.container"}},
		{name: "web.webm", in: "size=540x960", args: "-c:v libvpx-vp9 -deadline realtime -cpu-used 8 -c:a libopus", rules: []string{"video.container"}},
		{name: "mono.mp4", in: "size=540x960", args: good + "-ac 1 -b:a 48k -ar 22050", rules: []string{"video.audio_rate", "video.audio_channels", "video.audio_bitrate"}},
		{name: "mp3.mp4", in: "size=540x960", args: good + "-c:a libmp3lame", rules: []string{"video.audio_codec"}},

		{name: "a b.png", data: testmedia.PNG(1920, 1080), rules: []string{"photo.aspect"}},
		{name: "heavy.png", data: paddedPNG(1080, 1920, 1_200_000), rules: []string{"photo.png_size"}},
		{name: "heavy.jpg", data: padded(testmedia.JPEG(1080, 1920), 11<<20), rules: []string{"photo.size"}},
		{name: "huge.png", data: testmedia.PNG(5001, 10_000), rules: []string{"photo.pixels"}},
		{name: "moving.gif", data: testmedia.GIF(1080, 1920, 3), rules: []string{"photo.animated"}},
		{name: "turned.jpg", data: testmedia.JPEGWithExif(testmedia.JPEG(1080, 1920), testmedia.Exif(binary.BigEndian, 6)), rules: []string{"photo.aspect"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := t.TempDir()
			if c.data != nil {
				write(t, dir, c.name, c.data)
			} else {
				run(t, dir, videoCase{name: shellQuote(c.name), in: c.in, args: c.args}.command())
			}
			before := inspectIn(t, dir, c.name)
			was := brokenRules(before)
			for _, id := range c.rules {
				if !slices.Contains(was, id) {
					t.Errorf("got %v broken, want %s among them", was, id)
				}
			}
			for _, finding := range Judge(before, JudgeOptions{Name: c.name}) {
				if finding.Command == "" {
					continue
				}
				now := repaired(t, dir, c.name, finding.Command)
				id := finding.Rules[0]
				if slices.Contains(now, id) {
					t.Errorf("%s: still broken after\n%s", id, finding.Command)
				}
				if new := without(now, was); len(new) > 0 && before.Video != nil && before.Video.NotRead == "" {
					t.Errorf("%s: got %v broken anew by\n%s", id, new, finding.Command)
				}
			}
			for _, id := range repaired(t, dir, c.name, RepairAll(before, c.name)) {
				if r, _ := RuleByID(id); r.Severity.String() == "error" {
					t.Errorf("%s: still broken after\n%s", id, RepairAll(before, c.name))
				}
			}
		})
	}
}

// inspectIn inspects a file of a folder.
func inspectIn(t *testing.T, dir, name string) *File {
	t.Helper()
	f, err := Inspect(t.Context(), filepath.Join(dir, name), "")
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// brokenRules lists every rule that a file breaks.
func brokenRules(f *File) (ids []string) {
	found := Judge(f, JudgeOptions{})
	return append(broken(found, LevelError), broken(found, LevelWarning)...)
}

// repaired runs a command line and returns what its result breaks.
func repaired(t *testing.T, dir, name, command string) []string {
	t.Helper()
	stem := strings.TrimSuffix(name, filepath.Ext(name))
	for _, result := range []string{stem + "-story.mp4", stem + "-story.jpg"} {
		os.Remove(filepath.Join(dir, result))
	}
	run(t, dir, strings.Replace(command, "ffmpeg", "ffmpeg -nostdin -loglevel error", 1))
	for _, result := range []string{stem + "-story.mp4", stem + "-story.jpg"} {
		if _, err := os.Stat(filepath.Join(dir, result)); err == nil {
			return brokenRules(inspectIn(t, dir, result))
		}
	}
	t.Fatalf("%s made nothing", command)
	return nil
}

// without returns what is in a and not in b.
func without(a, b []string) (rest []string) {
	for _, s := range a {
		if !slices.Contains(b, s) {
			rest = append(rest, s)
		}
	}
	return rest
}
