package config

import (
	"strings"
	"testing"
	"time"

	"storyform/story"
)

// facts is a configuration whose outputs tell about stories.
const facts = `page "p" {
  id       = "104857600000001"
  timezone = "Asia/Jakarta"
}
story "one" {
  page   = page.p
  photo  = "a.jpg"
  labels = { campaign = "xmas" }
}
story "many" {
  for_each = toset(["a", "url"])
  page     = page.p
  photo    = "a.jpg"
}
locals {
  all  = { one = story.one, many = values(story.many) }
  none = [for s in story.many : s if false]
}
moved {
  from = story.old
  to   = story.one
}
moved {
  from = story.one["x"]
  to   = story.many["a"]
}
`

// resolve evaluates the value of an output in that configuration.
func resolve(t *testing.T, value string, known map[story.Address]Fact) (*Config, []Output, string) {
	t.Helper()
	dir := write(t, map[string]string{"a.story.hcl": facts + "output \"o\" {\n  value = " + value + "\n}\n", "a.jpg": "kind=photo"})
	c, ds := Load(t.Context(), Options{Dir: dir, Inspect: inspectFake})
	if ds.HasErrors() {
		return c, nil, describe(ds, c.Sources)
	}
	out, ds := c.ResolveOutputs(known, "")
	return c, out, describe(ds, c.Sources)
}

func TestResolveOutputs(t *testing.T) {
	one, many := story.Address{Type: "story", Name: "one"}, story.Address{Type: "story", Name: "many"}
	at := time.Date(2026, 12, 20, 2, 0, 0, 0, time.UTC)
	known := map[story.Address]Fact{
		one:           {Status: story.Live, MediaID: "11", PostID: "12", URL: "https://example.com/12", PublishedAt: at, ExpiresAt: at.Add(story.Lifetime)},
		many.At("a"):  {Status: story.Scheduled},
		many.At("zz"): {Status: story.Failed},
	}
	for _, tt := range []struct{ value, before, after, ty string }{
		{"story.one.post_id", "null", `"12"`, `"string"`},
		{"story.one.published_at", "null", `"2026-12-20T09:00:00+07:00"`, `"string"`},
		{"story.one.expires_at", "null", `"2026-12-21T09:00:00+07:00"`, `"string"`},
		{"story.one.media_id", "null", `"11"`, `"string"`},
		{`story.many["a"].status`, "null", `"scheduled"`, `"string"`},
		{`story.many.a.status`, "null", `"scheduled"`, `"string"`},
		{`story.many["a"].url`, "null", "null", `"string"`},
		{`story.many.url.status`, "null", "null", `"string"`},
		{`{ for k, s in story.many : k => s.status }`, `{"a":null,"url":null}`, `{"a":"scheduled","url":null}`, `["object",{"a":"string","url":"string"}]`},
		{`[for s in local.all.many : s.status]`, `[null,null]`, `["scheduled",null]`, `["tuple",["string","string"]]`},
		{`local.all.one.url`, "null", `"https://example.com/12"`, `"string"`},
		{`local.none`, `[]`, `[]`, `["tuple",[]]`},
		{`coalesce(story.one.url, "not yet")`, `"not yet"`, `"https://example.com/12"`, `"string"`},
		{`story.one.url == null ? "soon" : "out"`, `"soon"`, `"out"`, `"string"`},
	} {
		c, out, problem := resolve(t, tt.value, nil)
		if problem != "" || len(out) != 1 || string(out[0].Value) != tt.before {
			t.Errorf("%s before: got %v %s, want %s", tt.value, out, problem, tt.before)
			continue
		}
		if pending := tt.before != tt.after || tt.before == "null"; len(c.Outputs) != 1 || c.Outputs[0].Pending != pending {
			t.Errorf("%s: got outputs %+v from Load, want one with Pending = %t", tt.value, c.Outputs, pending)
		}
		_, out, problem = resolve(t, tt.value, known)
		if problem != "" || len(out) != 1 || string(out[0].Value) != tt.after || string(out[0].Type) != tt.ty || out[0].Pending {
			t.Errorf("%s after: got %v %s, want %s of type %s", tt.value, out, problem, tt.after, tt.ty)
		}
	}
}

// TestDeclaredInOutputs checks what outputs see of a story without a state.
func TestDeclaredInOutputs(t *testing.T) {
	for value, want := range map[string]string{
		"story.one.address": `"story.one"`, "story.one.page.id": `"104857600000001"`, "story.one.labels.campaign": `"xmas"`,
		"story.one.revision + 1": "2", "story.one.source": `"a.jpg"`, `story.many["a"].publish_at`: "null", "story.one.kind": `"photo"`,
	} {
		c, out, problem := resolve(t, value, nil)
		if problem != "" || len(out) != 1 || string(out[0].Value) != want || c.Outputs[0].Pending {
			t.Errorf("%s: got %+v %s, want %s, which is not pending", value, out, problem, want)
		}
	}
}

// TestMovedFacts checks that a story is found under the name that the state
// knows, before the apply that renames it.
func TestMovedFacts(t *testing.T) {
	old := story.Address{Type: "story", Name: "old"}
	for value, known := range map[string]story.Address{"story.one.url": old, `story.many["a"].url`: {Type: "story", Name: "one", Key: "x", Keyed: true}} {
		_, out, problem := resolve(t, value, map[story.Address]Fact{known: {URL: "https://example.com/1"}})
		if problem != "" || len(out) != 1 || out[0].Text != "https://example.com/1" {
			t.Errorf("%s: got %v %s, want the url that %s has", value, out, problem, known)
		}
	}
}

// TestStoriesOfOutputs checks that an output tells which stories it is about.
func TestStoriesOfOutputs(t *testing.T) {
	for value, want := range map[string]string{
		"story.one.url": "story.one", `story.many["a"].url`: `story.many["a"]`, "story.many.url.url": `story.many["url"]`,
		"[for s in story.many : s.url]": "story.many", "local.all.one.url": `story.many["a"] story.many["url"] story.one`, "1": "",
	} {
		_, out, problem := resolve(t, value, nil)
		if problem != "" || len(out) != 1 {
			t.Fatalf("%s: got %v %s", value, out, problem)
		}
		var got []string
		for _, a := range out[0].Stories {
			got = append(got, a.String())
		}
		if strings.Join(got, " ") != want {
			t.Errorf("%s: got %v, want %s", value, got, want)
		}
	}
}

// TestOneOutput checks that the mistake of one output is not in the way of
// another.
func TestOneOutput(t *testing.T) {
	dir := write(t, map[string]string{"a.jpg": "kind=photo", "a.story.hcl": facts + `
output "good" {
  value = 1
}
output "bad" {
  value = "at ${story.one.url}"
}
`})
	c, ds := Load(t.Context(), Options{Dir: dir, Inspect: inspectFake})
	if ds.HasErrors() {
		t.Fatalf("got %v from Load, want nothing: the url may be known later", ds)
	}
	if out, ds := c.ResolveOutputs(nil, "good"); len(out) != 1 || len(ds) != 0 {
		t.Errorf("got %v and %v, want one output and nothing to say", out, ds)
	}
	out, ds := c.ResolveOutputs(nil, "")
	if got := describe(ds, c.Sources); len(out) != 1 || !strings.Contains(got, `coalesce(story.one.url, "not yet")`) {
		t.Errorf("got %v and %s, want one output and an error that says how to go on", out, got)
	}
}
