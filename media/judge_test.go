package media

import (
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"storyform/internal/testmedia"
	"storyform/story"
)

// TestJudgeOptions checks strictness and what is allowed.
func TestJudgeOptions(t *testing.T) {
	f := inspectBytes(t, video(func(v *testmedia.Video) { v.Frames, v.GOP, v.Chroma = 60, 20, 2 }), Options{})
	for _, c := range []struct {
		name                      string
		o                         JudgeOptions
		errors, warnings, allowed []string
	}{
		{"plain", JudgeOptions{}, []string{"video.duration"}, []string{"video.gop", "video.chroma"}, nil},
		{"strict", JudgeOptions{Strict: true}, []string{"video.duration", "video.gop", "video.chroma"}, nil, nil},
		{"an error allowed", JudgeOptions{Allow: []string{"video.duration"}}, nil, []string{"video.gop", "video.chroma"}, []string{"video.duration"}},
		{"allowing wins", JudgeOptions{Strict: true, Allow: []string{"video.gop", "unknown"}}, []string{"video.duration", "video.chroma"}, nil, []string{"video.gop"}},
	} {
		found := Judge(f, c.o)
		got := [][]string{broken(found, LevelError), broken(found, LevelWarning), broken(found, LevelAllowed)}
		if diff := cmp.Diff([][]string{c.errors, c.warnings, c.allowed}, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", c.name, diff)
		}
		if !slices.IsSortedFunc(found, func(a, b Finding) int { return a.Level.order() - b.Level.order() }) {
			t.Errorf("%s: got findings out of order %+v", c.name, found)
		}
	}
}

// TestDiagnostic checks one finding as a person reads it.
func TestDiagnostic(t *testing.T) {
	f := inspectBytes(t, video(sized(1080, 1350)), Options{})
	found := Judge(f, JudgeOptions{Name: "media/it's here.mp4"})
	i := slices.IndexFunc(found, func(f Finding) bool { return f.Rules[0] == "video.aspect" })
	summary, detail := found[i].Diagnostic()
	want := `It is displayed at 1080x1350, which is 4:5; a video story is 9 x 16 (Meta, Facebook Stories API guide, 2026-05-06). Crop it, or put borders around it.

    ffmpeg -i 'media/it'\''s here.mp4' -vf 'scale=w=1080:h=1920:force_original_aspect_ratio=decrease:force_divisible_by=2,pad=1080:1920:(ow-iw)/2:(oh-ih)/2,setsar=1' -c:v libx264 -crf 18 -pix_fmt yuv420p -g 60 -keyint_min 60 -sc_threshold 0 -c:a copy -movflags +faststart 'media/it'\''s here-story.mp4'`
	if diff := cmp.Diff(want, detail); diff != "" || summary != "Video is not 9:16" {
		t.Errorf("%s (-want +got):\n%s", summary, diff)
	}
}

// TestShellQuote hands names to a real shell and reads them back.
func TestShellQuote(t *testing.T) {
	for _, s := range []string{"plain.mp4", "two words", "it's", `"$HOME"`, "a;b|c&d", "`id`", "new\nline", "", "ünï", "-dash", `back\slash`, "*", "$(id)"} {
		out, err := exec.Command("sh", "-c", "printf %s "+shellQuote(s)).Output()
		if err != nil || string(out) != s {
			t.Errorf("%q: got %q %v from %s", s, out, err, shellQuote(s))
		}
	}
	for name, want := range map[string]string{"-rf.mp4": "./-rf.mp4", "concat:a.mp4": "./concat:a.mp4", "/a:b.mp4": "/a:b.mp4", "a.mp4": "a.mp4"} {
		if got := argument(name); got != want {
			t.Errorf("argument %q: got %q, want %q", name, got, want)
		}
	}
}

// TestRepairAll checks that one command mends several faults.
func TestRepairAll(t *testing.T) {
	f := inspectBytes(t, video(func(v *testmedia.Video) {
		v.Chroma, v.Width, v.Height, v.GOP = 2, 1080, 1080, 250
		v.Frames = 2000
		v.Audio.Specific = []byte{0x12, 0x10}
	}), Options{})
	got := RepairAll(f, "a.mov")
	for _, part := range []string{"pad=1080:1920", "-pix_fmt yuv420p", "-g 60", "-t 60", "-ar 48000", "-c:a aac", "a-story.mp4"} {
		if !strings.Contains(got, part) {
			t.Errorf("got %s, want it to hold %s", got, part)
		}
	}
	if n := strings.Count(got, "pad=1080"); n != 1 {
		t.Errorf("got %d borders in %s, want 1", n, got)
	}
	if got := RepairAll(inspectBytes(t, video(nil), Options{}), ""); got != "" {
		t.Errorf("a good file: got %s, want nothing", got)
	}
}

// TestRulesDocument compares docs/media-rules.md with the table.
func TestRulesDocument(t *testing.T) {
	const path = "../docs/media-rules.md"
	want := RulesMarkdown()
	if *update {
		if err := os.WriteFile(path, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, string(got)); diff != "" {
		t.Errorf("%s is out of date: run go test ./media -run RulesDocument -update (-want +got):\n%s", path, diff)
	}
}

// TestRuleTable checks that every row is complete and every id is its own.
func TestRuleTable(t *testing.T) {
	seen := map[string]bool{}
	for _, r := range Rules() {
		if seen[r.ID] || r.Title == "" || r.Demand == "" || r.Why == "" || r.Source == "" || r.Date == "" || r.Check == nil || r.Severity == 0 {
			t.Errorf("got incomplete or repeated rule %+v", r)
		}
		seen[r.ID] = true
		prefix := map[story.Kind]string{story.Photo: "photo.", story.Video: "video.", "": "url."}[r.Kind]
		if !strings.HasPrefix(r.ID, prefix) {
			t.Errorf("got rule %s among those of kind %q", r.ID, r.Kind)
		}
		text, ok := Explain(r.ID)
		if !ok || !strings.Contains(text, r.Why) || !strings.Contains(text, r.Source) {
			t.Errorf("%s: got explanation %q", r.ID, text)
		}
	}
	if _, ok := Explain("no.such"); ok {
		t.Errorf("got an explanation of a rule that does not exist")
	}
}

// TestTable checks the table of facts of a photo and a video.
func TestTable(t *testing.T) {
	rows := func(f *File) map[string]string {
		m := map[string]string{}
		for _, r := range f.Table() {
			if r[0] == "" || r[1] == "" || m[r[0]] != "" {
				t.Errorf("got row %q", r)
			}
			m[r[0]] = r[1]
		}
		return m
	}
	v := rows(inspectBytes(t, video(func(v *testmedia.Video) { v.PAR, v.DelayMillis = [2]int{4, 3}, 40 }), Options{}))
	for name, want := range map[string]string{
		"format": "MP4 video", "displayed": "1440 x 1920 pixels (3:4)", "stored": "1080x1920, pixels of 4:3", "container": "MP4, index first, brand isom",
		"duration": "3.04 s", "video": "H.264 High", "chroma": "4:2:0, 8 bits", "scan": "progressive", "frame rate": "30 per second, constant",
		"key frames": "2, 2 s to 2 s apart, closed groups", "audio": "AAC LC", "audio format": "48000 Hz, 2 channels", "starts after": "0.04 s",
	} {
		if v[name] != want {
			t.Errorf("%s: got %q, want %q", name, v[name], want)
		}
	}
	p := rows(inspectBytes(t, testmedia.GIF(1080, 1920, 3), Options{Decode: true}))
	for name, want := range map[string]string{"format": "GIF picture", "pictures": "3", "pixels": "decoded without errors", "displayed": "1080 x 1920 pixels (9:16)"} {
		if p[name] != want {
			t.Errorf("%s: got %q, want %q", name, p[name], want)
		}
	}
	for _, data := range [][]byte{
		video(func(v *testmedia.Video) { v.Missing = 20 }), video(func(v *testmedia.Video) { v.NoPicture = true }),
		testmedia.JPEG(54, 96)[:300], append([]byte("\x1aE\xdf\xa3B\x82\x84webm"), 0),
	} {
		if got := rows(inspectBytes(t, data, Options{})); len(got) < 4 {
			t.Errorf("got %v", got)
		}
	}
}
