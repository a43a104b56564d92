package render

import (
	"bytes"
	"strings"
	"testing"

	"storyform/plan"
)

func TestHTML(t *testing.T) {
	thumbnail := func(source string) (string, []byte) {
		switch source {
		case "media/outage.png", "media/xmas/promo.jpg", "media/xmas/promo-v2.jpg":
			return "image/png", []byte("\x89PNG\r\n\x1a\n" + source)
		case "media/dawn.jpg":
			return "image/svg+xml", []byte("<svg onload=alert(1)>")
		}
		return "", nil
	}
	o := Options{Thumbnail: thumbnail, Link: func(s string) string { return "https://example.com/blob/" + s }}
	got := drawn(t, func(b *bytes.Buffer) error { return HTML(b, campaign(), o) })
	golden(t, "campaign.html", got)
	failed := quiet()
	failed.Diagnostics = mistakes()
	for _, tt := range []struct {
		plan *plan.Plan
		want []string
	}{
		{quiet(), []string{"<h1>" + NoChanges + "</h1>", "Next: story.gift[&#34;id&#34;] on page.acme[&#34;id&#34;], Mon 21 Dec 12:26 WIB, in 27h12m."}},
		{failed, []string{`<h1 class="failed">Plan failed: 4 errors.`, "<strong>Error: Unsupported argument</strong>", "<pre>media/ねこ/teaser-sg.jpg</pre>"}},
	} {
		got := string(drawn(t, func(b *bytes.Buffer) error { return HTML(b, tt.plan, o) }))
		for _, want := range tt.want {
			if !strings.Contains(got, want) {
				t.Errorf("the page lacks %q:\n%s", want, got[strings.Index(got, "<body>"):])
			}
		}
	}
}

// TestChartsOfLongPlans checks that a story far in the future does not shrink
// the others to nothing.
func TestChartsOfLongPlans(t *testing.T) {
	p := campaign()
	p.Changes = p.Changes[:5]
	p.Changes[4].PublishAt = at("2099-12-20T19:30:00+07:00")
	for _, f := range []Format{mustFormat(t, "markdown"), mustFormat(t, "html")} {
		out := string(drawn(t, func(b *bytes.Buffer) error { return f.Render(b, p, Options{}) }))
		if !strings.Contains(out, "1 later story is not in the chart.") {
			t.Errorf("%s does not tell that a story is left out", f.Name)
		}
		if strings.Contains(out, "2099-12-21") {
			t.Errorf("%s has the year 2099 in its chart", f.Name)
		}
	}
}

// mustFormat returns a format by name.
func mustFormat(t *testing.T, name string) Format {
	t.Helper()
	f, ok := FormatNamed(name)
	if !ok {
		t.Fatalf("no format %s", name)
	}
	return f
}

// The pictures of a story that is out are no before and after: nothing will
// take its place.
func TestPicturesOfNotes(t *testing.T) {
	picture := func(string) (string, []byte) { return "image/png", []byte("\x89PNG\r\n\x1a\n") }
	for action, want := range map[plan.Action]string{plan.Note: "not published", plan.Modify: "after"} {
		p := campaign()
		p.Changes = p.Changes[:1]
		p.Changes[0].Action, p.Changes[0].Diffs = action, []plan.Diff{{Attribute: "source", Old: "old.jpg", New: p.Changes[0].Source}}
		got := string(drawn(t, func(b *bytes.Buffer) error { return HTML(b, p, Options{Thumbnail: picture}) }))
		if !strings.Contains(got, ">"+want+"<") {
			t.Errorf("%s: the page lacks %q", action, want)
		}
	}
}
