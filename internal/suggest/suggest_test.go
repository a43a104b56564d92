package suggest

import "testing"

func TestNearest(t *testing.T) {
	names := []string{"story.teaser", "story.reveal", "page.acme"}
	for given, want := range map[string]string{
		"story.teasr": "story.teaser", "story.revael": "story.reveal", "page.acm": "page.acme", "Page.Acme": "page.acme",
		"nothing like it": "", "": "",
	} {
		if got := Nearest(given, names); got != want {
			t.Errorf("%q: got %q, want %q", given, got, want)
		}
	}
}
