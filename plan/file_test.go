package plan

import (
	"bytes"
	"errors"
	"flag"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"storyform/internal/diag"
	"storyform/story"
)

var update = flag.Bool("update", false, "write testdata/plan.json anew")

// everything is a plan with each action in it and no field left out.
func everything(t testing.TB) *Plan {
	t.Helper()
	in := world(t,
		[]string{"publish:due label=a&b<c>", "schedule:later after=publish", "change:later media=b", "resume:due kind=video",
			"settle:due", "missed:closed", "note:due media=b", "wait:later", "hosted:window=1h url=x.jpg"},
		[]string{"change:scheduled due", "resume:uploading due kind=video id=v1", "settle:unknown due tried=6m id=s attempted=s",
			"missed:scheduled closed", "note:live due sent=1h media=d", "wait:scheduled later", "cancel:scheduled later",
			"adopt:unknown due tried=6m id=listed attempted=listed media=c", "forget:live due sent=2h id=m2 media=c", "over:live due sent=25h id=m3 media=c", "taken:live due sent=6m id=m4 forgotten media=c"},
		"m1 m2 listed other")
	in.Stories[0].Range = diag.Range{Filename: "a.story.hcl", Start: diag.Pos{Line: 3, Column: 1, Byte: 40}, End: diag.Pos{Line: 3, Column: 9, Byte: 48}}
	in.Stories[0].Media = story.Media{Kind: story.Photo, Format: "jpeg", SHA256: strings.Repeat("a", 64), Bytes: 9, Width: 1080, Height: 1920}
	in.Stories[3].Media.Duration, in.Stories[3].Media.FPS = 14200*time.Millisecond, 29.97
	for i := range in.Stories {
		in.Stories[i].AllowRepeat = true // what is said about a plan is tested elsewhere
	}
	in.Videos = map[string]story.VideoView{"v1": {VideoID: "v1", Offset: 7}}
	in.Stage, in.Settings.UploadAhead = true, 90*time.Minute // of wait
	in.Unread = map[string]string{pageTwo: "the token \"expired\""}
	in.Settings = Settings{APIVersion: "v25.0", SettleAfter: 5 * time.Minute, MaxPublish: 1, UploadAhead: in.Settings.UploadAhead, Backend: "s3", BackendArgs: map[string]string{"bucket": "b"}}
	p := Build(in)
	p.Unregistered = []Unregistered{{addr("x"), "why"}}
	return p
}

func TestRoundTrip(t *testing.T) {
	for name, p := range map[string]*Plan{"everything": everything(t), "nothing": Build(Input{Tool: "0.1.0"})} {
		var first bytes.Buffer
		if err := Encode(&first, p); err != nil {
			t.Fatal(err)
		}
		for _, list := range []string{`"changes": [`, `"pages": [`, `"diagnostics": [`} {
			if !strings.Contains(first.String(), list) {
				t.Errorf("%s: there is no %s: lists are never null", name, list)
			}
		}
		back, err := Decode(bytes.NewReader(first.Bytes()))
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if name == "everything" {
			back.Upcoming = p.Upcoming // is not saved
			if diff := cmp.Diff(p, back); diff != "" {
				t.Errorf("%s (-want +got):\n%s", name, diff)
			}
		}
		var second bytes.Buffer
		if err := Encode(&second, back); err != nil || !bytes.Equal(first.Bytes(), second.Bytes()) {
			t.Errorf("%s: encoded again it differs (%v):\n%s", name, err, cmp.Diff(first.String(), second.String()))
		}
	}
	seen := map[Action]bool{}
	for _, c := range everything(t).Changes {
		seen[c.Action] = true
	}
	for action := range follows {
		if !seen[action] {
			t.Errorf("there is no %s in everything", action)
		}
	}
}

// The document is what `show --json` prints and what a plan file holds: its
// form may only grow.
func TestPlanGolden(t *testing.T) {
	name := filepath.Join("testdata", "plan.json")
	var got bytes.Buffer
	if err := Encode(&got, everything(t)); err != nil {
		t.Fatal(err)
	}
	if *update {
		if err := os.WriteFile(name, got.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got.String()); diff != "" {
		t.Errorf("%s (-want +got):\n%s", name, diff)
	}
	if _, err := Decode(bytes.NewReader(want)); err != nil {
		t.Errorf("the stored plan can't be read any more: %v", err)
	}
}

// edited is a plan file in which a text was replaced by hand: in a publication
// if it is there.
func edited(t *testing.T, old, new string) io.Reader {
	t.Helper()
	var buf bytes.Buffer
	if err := Encode(&buf, everything(t)); err != nil {
		t.Fatal(err)
	}
	i := strings.Index(buf.String(), `"address": "story.publish"`)
	head, tail := buf.String()[:i], buf.String()[i:]
	switch {
	case strings.Contains(tail, old):
		tail = strings.Replace(tail, old, new, 1)
	case strings.Contains(head, old):
		head = strings.Replace(head, old, new, 1)
	default:
		t.Fatalf("there is no %s in the plan", old)
	}
	return strings.NewReader(head + tail)
}

func TestDecodeRefuses(t *testing.T) {
	for _, test := range []struct {
		old, new string
		want     error
	}{
		{`"sha256": "aaa`, `"sha256": "baa`, ErrPlanTampered},
		{`"action": "publish"`, `"action": "cancel"`, ErrPlanTampered},
		{`"action": "cancel"`, `"action": "note"`, ErrPlanTampered},
		{`"address": "story.publish"`, `"address": "story.other"`, ErrPlanTampered},
		{`"page_id": "104857600000001"`, `"page_id": "104857600000002"`, ErrPlanTampered},
		{`"publish_at": "2026-12-20T11:30`, `"publish_at": "2026-12-20T11:31`, ErrPlanTampered},
		{`"not_after": "2026-12-20T13:30`, `"not_after": "2027-12-20T13:30`, ErrPlanTampered},
		{`"revision": 1`, `"revision": 2`, ErrPlanTampered},
		{`"window": 3600000000000`, `"window": 7200000000000`, ErrPlanTampered},
		{`"fingerprint": "p2-`, `"fingerprint": "p1-`, ErrPlanTampered},
		{`"format_version": "1.0"`, `"format_version": "2.0"`, ErrPlanVersion},
		{`"format_version": "1.0"`, `"format_version": "10.0"`, ErrPlanVersion},
		{`"format_version": "1.0"`, `"format_version": "0.9"`, ErrPlanVersion},
		{`"format_version": "1.0"`, `"format_version": ""`, ErrNotPlan},
		{`"storyform_version": "0.1.0"`, `"terraform_version": "1.11.4"`, ErrNotPlan},
		{`"address": "story.publish"`, `"address": "aws_instance.publish"`, ErrNotPlan},
		{`"serial": 3`, `"serial": -3`, ErrNotPlan},
		{`{`, `[{`, ErrNotPlan},
	} {
		if _, err := Decode(edited(t, test.old, test.new)); !errors.Is(err, test.want) {
			t.Errorf("%s for %s: got %v, want %v", test.new, test.old, err, test.want)
		}
	}
	registered := func(edit func(c *Change)) error {
		p := Build(world(t, []string{"publish:due"}, []string{"publish:scheduled due"}, "empty"))
		edit(&p.Changes[0])
		var buf bytes.Buffer
		if err := Encode(&buf, p); err != nil {
			t.Fatal(err)
		}
		_, err := Decode(&buf)
		return err
	}
	if err := registered(func(*Change) {}); err != nil {
		t.Errorf("a story that was registered before: %v", err)
	}
	if err := registered(func(c *Change) { c.SHA256 = strings.Repeat("b", 64) }); !errors.Is(err, ErrPlanTampered) {
		t.Errorf("other media for a story that was registered before: got %v", err)
	}
	for _, newer := range []string{"1.1", "1.27", "1"} {
		if _, err := Decode(edited(t, `"format_version": "1.0"`, `"a_new_field": {}, "format_version": "`+newer+`"`)); err != nil {
			t.Errorf("version %s: got %v, want it read: additions are compatible", newer, err)
		}
	}
	if _, err := Decode(edited(t, `"format_version": "1.0"`, `"format_version": "2.0"`)); err == nil || !strings.Contains(err.Error(), "it is 2.0 (made by storyform 0.1.0), and this storyform reads 1.0") {
		t.Errorf("got %v, want both versions and the maker", err)
	}
	for _, garbage := range []string{"", " ", "{}", "null", "[]", "7", "PK\x03\x04", "{", `{"version": 1, "lineage": "l", "stories": []}`, strings.Repeat("[", 1<<20)} {
		if p, err := Decode(strings.NewReader(garbage)); !errors.Is(err, ErrNotPlan) || p != nil {
			t.Errorf("%.20q: got %v, %v, want ErrNotPlan", garbage, p, err)
		}
	}
}

// A file can't make the reader take memory without bound.
func TestDecodeIsBounded(t *testing.T) {
	if _, err := Decode(io.LimitReader(zeros{}, maxFile+2)); !errors.Is(err, ErrNotPlan) || !strings.Contains(err.Error(), "larger than 64 MB") {
		t.Errorf("got %v, want it refused for its size", err)
	}
	many := `{"format_version": "1.0", "storyform_version": "x", "changes": [` + strings.Repeat("{},", maxObjects) + `{}]}`
	if _, err := Decode(strings.NewReader(many)); !errors.Is(err, ErrNotPlan) || !strings.Contains(err.Error(), "objects") {
		t.Errorf("got %v, want it refused for its objects", err)
	}
	broken := errors.New("the disk is gone")
	if _, err := Decode(io.MultiReader(strings.NewReader("{"), failing{broken})); !errors.Is(err, broken) {
		t.Errorf("got %v, want the reader's error", err)
	}
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) { clear(p); return len(p), nil }

type failing struct{ err error }

func (f failing) Read([]byte) (int, error) { return 0, f.err }

// Encode reports what its writer says.
func TestEncodeError(t *testing.T) {
	full := errors.New("no space left")
	if err := Encode(failingWriter{full}, everything(t)); !errors.Is(err, full) {
		t.Errorf("got %v, want %v", err, full)
	}
}

type failingWriter struct{ err error }

func (f failingWriter) Write([]byte) (int, error) { return 0, f.err }

// Whatever is in a plan file, reading and applying it doesn't panic, what can
// be read can be written, and nothing comes out of it that isn't in it.
func FuzzDecode(f *testing.F) {
	var buf bytes.Buffer
	if err := Encode(&buf, everything(f)); err != nil {
		f.Fatal(err)
	}
	f.Add(buf.Bytes())
	buf.Reset()
	if err := Encode(&buf, Build(world(f, []string{"publish:due after=note", "x:due"}, []string{"x:unknown due tried=6m", "note:live due sent=1h"}, "m1"))); err != nil {
		f.Fatal(err)
	}
	f.Add(buf.Bytes())
	f.Add(buf.Bytes()[:buf.Len()/2])
	f.Add([]byte(`{"format_version": "1.0", "storyform_version": "x", "fingerprint": "p1-e3b0c44298fc1c14", "changes": []}`))
	f.Add([]byte(`{"format_version": "1.0", "storyform_version": "x", "fingerprint": "p1-e3b0c44298fc1c14", "pages": [{"address": "page.x", "timezone": "../.."}],
		"changes": [{"address": "story.x", "action": "note", "after": ["story.x"], "declared": true}, {"address": "story.x", "action": "boo", "declared": true}]}`))
	in := world(f, nil, []string{"publish:scheduled due", "note:live due sent=1h", "x:unknown due tried=6m", "missed:scheduled closed"}, "m2 m1")
	f.Fuzz(func(t *testing.T, data []byte) {
		p, err := Decode(bytes.NewReader(data))
		if err != nil || slices.ContainsFunc(p.Diagnostics, func(d diag.Diagnostic) bool { return d.Severity == 0 }) {
			return
		}
		var out bytes.Buffer
		if err := Encode(&out, p); err != nil {
			t.Fatalf("what was read can't be written: %v", err)
		}
		again, err := Decode(bytes.NewReader(out.Bytes()))
		if err != nil || again.Fingerprint != p.Fingerprint {
			t.Fatalf("what was written can't be read: %v", err)
		}
		checkRebase(t, p, in)
		Due(p)
	})
}
