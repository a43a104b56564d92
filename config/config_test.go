package config

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/zclconf/go-cty/cty"

	"storyform/internal/diag"
	"storyform/story"
)

// xmas is the configuration that the documentation shows.
const xmas = `storyform {
  required_version = ">= 0.1"
  api_version      = "v25.0"
  backend "s3" {
    bucket = "brand-state"
    key    = "stories/${local.dir}"
    force  = true
    tries  = 3
  }
  max_publish  = 5
  settle_after = "10m"
  media_rules  = "strict"
}

variable "pages" {
  type    = map(string)
  default = { id = "104857600000001", sg = "104857600000002" }
}

locals {
  dir = "media/xmas"
}

page "acme" {
  for_each  = var.pages
  id        = each.value
  timezone  = each.key == "id" ? "Asia/Jakarta" : "Asia/Singapore"
  token_env = "ACME_TOKEN_${upper(each.key)}"

  guard {
    quiet_hours = ["22:00-07:00"]
    max_per_day = 3
    min_gap     = "1h"
    max_live    = 2
  }
}

story "reveal" {
  for_each   = page.acme
  page       = each.value
  video      = "${local.dir}/reveal.mp4"
  publish_at = "2026-12-20 09:05"
  after      = [story.teaser[each.key]]
  labels     = { campaign = "xmas", year = 2026 }
  allow      = ["video_length"]

  precondition {
    condition     = self.media.duration <= 30 && self.page.timezone != "UTC" && each.key != ""
    error_message = "Brand rule: story videos are 30 seconds at most."
  }
}

story "teaser" {
  for_each   = { for k, p in page.acme : k => p }
  page       = each.value
  photo      = "${local.dir}/teaser-${each.key}.jpg"
  publish_at = "2026-12-20 09:00"
  window     = "1d"
}

story "outage" {
  page         = page.acme["id"]
  photo        = "https://example.com/outage.png"
  not_after    = "2026-12-18 18:00"
  revision     = 2
  allow_repeat = true
}

story "soon" {
  for_each = toset(["a"])
  page     = page.acme["sg"]
  photo    = "./media/outage.png"
  video    = null
  window   = "90m"
  after    = [story.reveal["sg"], story.teaser["sg"], story.teaser["sg"]]
}

output "pages" {
  value = [for p in page.acme : p.id]
}

output "secret" {
  value     = sensitive("hush")
  sensitive = true
}

check "count" {
  assert {
    condition     = length(page.acme) == 2
    error_message = "Two Pages."
  }
}

moved {
  from = story.tease
  to   = story.teaser
}

import {
  to = story.outage
  id = "104857600000001_123"
}
`

// xmasFiles are the media that xmas names.
var xmasFiles = map[string]string{
	"a.story.hcl": xmas, "media/outage.png": "kind=photo", "media/xmas/reveal.mp4": "kind=video duration=14s",
	"media/xmas/teaser-id.jpg": "kind=photo", "media/xmas/teaser-sg.jpg": "kind=photo width=720",
}

func TestLoad(t *testing.T) {
	dir := write(t, xmasFiles)
	c, ds := Load(t.Context(), Options{Dir: dir, Version: "0.3.0", Inspect: inspectFake})
	if len(ds) != 0 {
		t.Fatalf("got diagnostics\n%s, want none", describe(ds, c.Sources))
	}
	at := func(s string) time.Time {
		tt, err := time.Parse(time.RFC3339, s)
		if err != nil {
			t.Fatal(err)
		}
		return tt
	}
	guard := &story.Guard{QuietHours: []story.QuietHours{{From: 1320, To: 420}}, MaxPerDay: 3, MinGap: time.Hour, MaxLive: 2}
	acme := story.Address{Type: "page", Name: "acme"}
	id := story.Page{Address: acme.At("id"), ID: "104857600000001", Timezone: "Asia/Jakarta", TokenEnv: "ACME_TOKEN_ID", Guard: guard}
	sg := story.Page{Address: acme.At("sg"), ID: "104857600000002", Timezone: "Asia/Singapore", TokenEnv: "ACME_TOKEN_SG", Guard: guard}
	reveal, teaser := story.Address{Type: "story", Name: "reveal"}, story.Address{Type: "story", Name: "teaser"}
	media := func(kind story.Kind, width int, d time.Duration, bytes int64) story.Media {
		return story.Media{Kind: kind, SHA256: "5eb63bbbe01eeed093cb22bb8f5acdc3", Bytes: bytes, Width: width, Height: 1920, Duration: d}
	}
	xmasLabels := map[string]string{"campaign": "xmas", "year": "2026"}
	want := []story.Desired{
		{Address: reveal.At("id"), Page: id, Kind: story.Video, Source: "media/xmas/reveal.mp4", Path: dir + "/media/xmas/reveal.mp4", Media: media("video", 1080, 14*time.Second, 23),
			PublishAt: at("2026-12-20T09:05:00+07:00"), NotAfter: at("2026-12-20T11:05:00+07:00"), Revision: 1, After: []story.Address{teaser.At("id")}, Labels: xmasLabels, Allow: []string{"video_length"}, Order: 0},
		{Address: reveal.At("sg"), Page: sg, Kind: story.Video, Source: "media/xmas/reveal.mp4", Path: dir + "/media/xmas/reveal.mp4", Media: media("video", 1080, 14*time.Second, 23),
			PublishAt: at("2026-12-20T09:05:00+08:00"), NotAfter: at("2026-12-20T11:05:00+08:00"), Revision: 1, After: []story.Address{teaser.At("sg")}, Labels: xmasLabels, Allow: []string{"video_length"}, Order: 1},
		{Address: teaser.At("id"), Page: id, Kind: story.Photo, Source: "media/xmas/teaser-id.jpg", Path: dir + "/media/xmas/teaser-id.jpg", Media: media("photo", 1080, 0, 10),
			PublishAt: at("2026-12-20T09:00:00+07:00"), NotAfter: at("2026-12-21T09:00:00+07:00"), Revision: 1, Order: 2},
		{Address: teaser.At("sg"), Page: sg, Kind: story.Photo, Source: "media/xmas/teaser-sg.jpg", Path: dir + "/media/xmas/teaser-sg.jpg", Media: media("photo", 720, 0, 20),
			PublishAt: at("2026-12-20T09:00:00+08:00"), NotAfter: at("2026-12-21T09:00:00+08:00"), Revision: 1, Order: 3},
		{Address: story.Address{Type: "story", Name: "outage"}, Page: id, Kind: story.Photo, Source: "https://example.com/outage.png", Media: story.Media{Kind: "photo", Hosted: true},
			NotAfter: at("2026-12-18T18:00:00+07:00"), Revision: 2, AllowRepeat: true, Order: 4},
		{Address: story.Address{Type: "story", Name: "soon"}.At("a"), Page: sg, Kind: story.Photo, Source: "media/outage.png", Path: dir + "/media/outage.png", Media: media("photo", 1080, 0, 10),
			Window: 90 * time.Minute, Revision: 1, After: []story.Address{reveal.At("sg"), teaser.At("sg")}, Order: 5},
	}
	ignore := cmpopts.IgnoreTypes(diag.Range{}, map[string]diag.Range{})
	if diff := cmp.Diff(want, c.Stories, ignore, cmpopts.EquateApproxTime(0)); diff != "" {
		t.Errorf("stories (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]story.Page{id, sg}, c.Pages, ignore); diff != "" {
		t.Errorf("pages (-want +got):\n%s", diff)
	}
	settings := Settings{
		RequiredVersion: ">= 0.1", APIVersion: "v25.0", MaxPublish: 5, SettleAfter: 10 * time.Minute, MediaRules: "strict",
		Backend: &Backend{Type: "s3", Args: map[string]string{"bucket": "brand-state", "key": "stories/media/xmas", "force": "true", "tries": "3"}},
	}
	if diff := cmp.Diff(settings, c.Settings, ignore); diff != "" {
		t.Errorf("settings (-want +got):\n%s", diff)
	}
	outputs := []Output{
		{Name: "pages", Value: []byte(`["104857600000001","104857600000002"]`), Text: `["104857600000001", "104857600000002"]`,
			Type: []byte(`["tuple",["string","string"]]`), Expression: `["104857600000001", "104857600000002"]`},
		{Name: "secret", Value: []byte(`"hush"`), Text: "hush", Sensitive: true, Type: []byte(`"string"`), Expression: `"hush"`},
	}
	if diff := cmp.Diff(outputs, c.Outputs, ignore); diff != "" {
		t.Errorf("outputs (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]Move{{From: story.Address{Type: "story", Name: "tease"}, To: teaser}}, c.Moved, ignore); diff != "" {
		t.Errorf("moved (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]Import{{To: story.Address{Type: "story", Name: "outage"}, ID: "104857600000001_123"}}, c.Imports, ignore); diff != "" {
		t.Errorf("imports (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]Check{{Name: "count", Status: "pass"}}, c.Checks, ignore); diff != "" {
		t.Errorf("checks (-want +got):\n%s", diff)
	}
}

// TestRanges checks that the ranges of blocks and attributes cover what they
// name, to the byte.
func TestRanges(t *testing.T) {
	c, ds := Load(t.Context(), Options{Dir: write(t, xmasFiles), Inspect: inspectFake})
	if ds.HasErrors() {
		t.Fatal(ds)
	}
	text := func(r diag.Range) string { return string(c.Sources[r.Filename][r.Start.Byte:r.End.Byte]) }
	d, ok := c.Story(story.Address{Type: "story", Name: "reveal"}.At("id"))
	if !ok {
		t.Fatal("got no story.reveal[\"id\"]")
	}
	p := d.Page
	for _, test := range []struct {
		r    diag.Range
		want string
		line int
	}{
		{d.Range, `story "reveal"`, 38}, {d.RangeOf("publish_at"), `"2026-12-20 09:05"`, 42}, {d.RangeOf("page"), "each.value", 40},
		{d.RangeOf("after"), "[story.teaser[each.key]]", 43}, {d.RangeOf("nothing"), `story "reveal"`, 38}, {p.Range, `page "acme"`, 24},
		{c.Settings.Range, "storyform", 1}, {c.Settings.Backend.Range, `backend "s3"`, 4}, {c.Settings.Backend.ArgRanges["key"], `"stories/${local.dir}"`, 6},
		{c.Moved[0].Range, "moved", 94}, {c.Imports[0].Range, "import", 99}, {c.Outputs[0].Range, `output "pages"`, 78},
	} {
		if got := text(test.r); got != test.want || test.r.Start.Line != test.line {
			t.Errorf("got %q at line %d, want %q at line %d", got, test.r.Start.Line, test.want, test.line)
		}
	}
}

// TestOrder checks that stories come in file-name, then source, then key
// order, across included folders.
func TestOrder(t *testing.T) {
	block := func(name, extra string) string {
		return "story \"" + name + "\" {\n" + extra + "  page  = page.acme\n  photo = \"a.jpg\"\n}\n"
	}
	dir := write(t, map[string]string{
		"z.story.hcl":           block("last", "") + "storyform {\n  include = [\"camp/*\", \"camp/x{,mas}\", \"**/deep\"]\n}\n",
		"a.story.hcl":           "page \"acme\" {\n  id = \"104857600000001\"\n}\n" + block("b", "") + block("a", "  for_each = toset([\"k10\", \"k9\"])\n"),
		"a.jpg":                 "kind=photo",
		"camp/xmas/b.story.hcl": block("camp", ""), "camp/xmas/a.jpg": "kind=photo",
		"m/n/deep/a.story.hcl": block("deep", ""), "m/n/deep/a.jpg": "kind=photo", "m/n/other/a.story.hcl": "nonsense",
	})
	c, ds := Load(t.Context(), Options{Dir: dir, Inspect: inspectFake})
	if len(ds) != 0 {
		t.Fatalf("got %s, want no diagnostics", describe(ds, c.Sources))
	}
	var got []string
	for i, s := range c.Stories {
		got = append(got, s.Address.String()+" "+s.Source)
		if s.Order != i {
			t.Errorf("%s: got order %d, want %d", s.Address, s.Order, i)
		}
	}
	want := []string{`story.b a.jpg`, `story.a["k10"] a.jpg`, `story.a["k9"] a.jpg`, `story.camp camp/xmas/a.jpg`, `story.deep m/n/deep/a.jpg`, `story.last a.jpg`}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("order (-want +got):\n%s", diff)
	}
	if want := []string{"a.story.hcl", "camp/xmas/b.story.hcl", "m/n/deep/a.story.hcl", "z.story.hcl"}; !slices.Equal(c.Files, want) {
		t.Errorf("got files %v, want %v", c.Files, want)
	}
}

// TestInspect checks that each file is inspected once, not too many at once,
// and that the order in which inspections end changes nothing.
func TestInspect(t *testing.T) {
	files := map[string]string{"a.story.hcl": "page \"acme\" {\n  id = \"104857600000001\"\n}\n"}
	for i := range 40 {
		files[fmt.Sprintf("m%02d.jpg", i)] = "x"
		files["a.story.hcl"] += fmt.Sprintf("story \"a%02d\" {\n  page  = page.acme\n  photo = \"m%02d.jpg\"\n}\nstory \"b%02d\" {\n  page  = page.acme\n  photo = \"./m%02d.jpg\"\n}\n", i, i, i, i)
	}
	dir := write(t, files)
	synctest.Test(t, func(t *testing.T) {
		var mu sync.Mutex
		calls, running, most := map[string]int{}, 0, 0
		c, ds := Load(t.Context(), Options{Dir: dir, Inspect: func(ctx context.Context, path string) (story.Media, error) {
			mu.Lock()
			calls[path]++
			running++
			most = max(most, running)
			n := len(calls)
			mu.Unlock()
			time.Sleep(time.Duration(1+n*7%5) * time.Second)
			mu.Lock()
			running--
			mu.Unlock()
			if strings.HasSuffix(path, "7.jpg") {
				return story.Media{}, errors.New("broken")
			}
			return story.Media{SHA256: path}, nil
		}})
		if len(calls) != 40 || slices.ContainsFunc(slices.Collect(valuesOf(calls)), func(n int) bool { return n != 1 }) {
			t.Errorf("got calls %v, want one for each of 40 files", calls)
		}
		if want := 2 * runtime.GOMAXPROCS(0); most > want {
			t.Errorf("got %d inspections at once, want at most %d", most, want)
		}
		if len(ds) != 8 || len(c.Stories) != 72 {
			t.Errorf("got %d diagnostics and %d stories, want 8 and 72", len(ds), len(c.Stories))
		}
		for _, s := range c.Stories {
			if s.Media.SHA256 != s.Path || s.Media.Kind != story.Photo {
				t.Errorf("%s: got media %v of %s, want its own", s.Address, s.Media, s.Path)
			}
		}
	})
}

// valuesOf iterates over the values of a map.
func valuesOf(m map[string]int) func(func(int) bool) {
	return func(yield func(int) bool) {
		for _, v := range m {
			if !yield(v) {
				return
			}
		}
	}
}

// TestCancel checks that a cancelled Load inspects nothing more, and that the
// stories without facts are not in the Config.
func TestCancel(t *testing.T) {
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(errors.New("interrupted"))
	c, ds := Load(ctx, Options{Dir: write(t, xmasFiles), Inspect: func(context.Context, string) (story.Media, error) {
		t.Error("got a call of Inspect, want none")
		return story.Media{}, nil
	}})
	if !ds.HasErrors() || !strings.Contains(describe(ds, c.Sources), "Interrupted") {
		t.Errorf("got %v, want errors that tell of the interruption", ds)
	}
	for _, s := range c.Stories {
		if !s.Media.Hosted {
			t.Errorf("got %s, want only stories whose media need no inspection", s.Address)
		}
	}
}

// TestDeterministic loads a configuration full of mistakes many times: maps
// and goroutines must not show in the result.
func TestDeterministic(t *testing.T) {
	var src strings.Builder
	for i := range 30 {
		fmt.Fprintf(&src, "page \"p%d\" {\n  idd = 1\n  timezon = 2\n}\nstory \"s%d\" {\n  page = page.q%d\n  photo = local.l%d\n}\nlocals {\n  x%d = local.x%d\n}\n", i, i, i, i, i, (i+7)%30)
	}
	dir := write(t, map[string]string{"a.story.hcl": src.String()})
	var first string
	for i := range 10 {
		c, ds := Load(t.Context(), Options{Dir: dir})
		text := describe(ds, c.Sources)
		if i == 0 {
			first = text
		}
		if diff := cmp.Diff(first, text); diff != "" {
			t.Fatalf("run %d differs from the first:\n%s", i, diff)
		}
	}
}

// TestSecrets checks that tokens and sensitive values are in nothing that
// Load returns but the value of a sensitive output.
func TestSecrets(t *testing.T) {
	token := "EAAG" + strings.Repeat("m0PX4ZCpsBA", 4)
	const secret = "correct horse battery"
	dir := write(t, map[string]string{
		"a.story.hcl": `
variable "secret" {
  sensitive = true
}
variable "plain" {
  default = "` + secret + `"
}
locals {
  a = tonumber(var.secret)
  b = file(var.secret)
  c = { x = 1 }[var.secret]
  d = "${var.secret}" + 1
  e = var.secret.x
}
page "acme" {
  id        = var.secret
  token_env = "` + token + `" # ` + token + `
}
page "list" {
  for_each = { (var.secret) = 1 }
  id       = "104857600000001"
}
story "x" {
  page       = var.secret
  photo      = var.secret
  publish_at = var.secret
  window     = var.secret
  labels     = { (var.secret) = "x" }
  after      = var.secret
}
output "x" {
  value = var.secret
}
check "x" {
  assert {
    condition     = var.secret == "x"
    error_message = "It is ${var.secret}."
  }
}
`,
		"storyform.vars.hcl": "secret = \"" + secret + "\"\n",
		"notes.txt":          "the token is " + token,
	})
	c, ds := Load(t.Context(), Options{Dir: dir, Vars: []Var{{Name: "plain", Value: token}}})
	if !ds.HasErrors() {
		t.Error("got no errors, want some")
	}
	text := fmt.Sprintf("%+v %+v", ds, *c)
	for name, src := range c.Sources {
		text += name + string(src)
	}
	for _, d := range ds {
		text += fmt.Sprintf("%+v %+v", d, d.Values)
	}
	for _, bad := range []string{token, token[4:20], secret} {
		if i := strings.Index(text, bad); i >= 0 {
			t.Errorf("got %q in the result: …%s…", bad, text[max(0, i-200):i+10])
		}
	}
	if got, ds := c.Eval(`file("notes.txt")`); strings.Contains(got, token) || strings.Contains(fmt.Sprint(ds), token) {
		t.Errorf("got the token from Eval: %s %v", got, ds)
	}
}

// TestUnknown checks that a value that is unknown for no reason is an error:
// the story that needs it must not just be left out.
func TestUnknown(t *testing.T) {
	l := newLoader(Options{})
	body, diags := parseBody([]byte("x = 1 + 1\n"), "a.story.hcl")
	if diags.HasErrors() {
		t.Fatal(diags)
	}
	expr := body.Attributes["x"].Expr
	if _, set := l.converted(noAddress, "x", expr, nil, cty.UnknownVal(cty.Number), cty.Number); set {
		t.Error("got a value from an unknown one, want none")
	}
	l.checkUnknown()
	if ds := l.finish(); len(ds) != 1 || ds[0].Summary != "Value not known" {
		t.Errorf("got %v, want the error that a value is not known", ds)
	}
	l.report(noAddress, errAt(expr.Range(), "Mistake", "It follows from this."))
	l.diags = l.diags[1:]
	l.checkUnknown()
	if ds := l.finish(); len(ds) != 1 || ds[0].Summary != "Mistake" {
		t.Errorf("got %v, want only the mistake", ds)
	}
}
