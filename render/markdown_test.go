package render

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"storyform/plan"
	"storyform/story"
)

func TestMarkdown(t *testing.T) {
	failed := quiet()
	failed.Diagnostics = mistakes()
	for _, tt := range []struct {
		name string
		plan *plan.Plan
	}{
		{"campaign.md", campaign()},
		{"quiet.md", quiet()},
		{"failed.md", failed},
	} {
		golden(t, tt.name, drawn(t, func(b *bytes.Buffer) error {
			return Markdown(b, tt.plan, Options{Link: func(s string) string { return "https://example.com/blob/" + s }})
		}))
	}
}

// crowd is a plan with many changes on many Pages.
func crowd(pages, changes int) *plan.Plan {
	p := campaign()
	base := p.Changes[2]
	p.Pages, p.Changes = nil, nil
	for i := range pages {
		page := plan.Page{Address: addr("page.acme").At(fmt.Sprintf("p%04d", i)), ID: pageID, Timezone: "Asia/Jakarta"}
		p.Pages = append(p.Pages, page)
		for j := range changes {
			c := base
			c.Address = story.Address{Type: "story", Name: fmt.Sprintf("s%04d", j), Key: page.Address.Key, Keyed: true}
			c.Page = page.Address
			p.Changes = append(p.Changes, c)
		}
	}
	p.Summary = plan.Summarize(p.Changes)
	return p
}

func TestMarkdownFits(t *testing.T) {
	for _, tt := range []struct{ pages, changes int }{{1, 10}, {1, 5000}, {5, 100}, {100, 10}, {3000, 1}} {
		p := crowd(tt.pages, tt.changes)
		for range 50 {
			p.Diagnostics = append(p.Diagnostics, mistakes()...)
		}
		got := string(drawn(t, func(b *bytes.Buffer) error { return Markdown(b, p, Options{}) }))
		if len(got) > maxMarkdown {
			t.Errorf("%d Pages of %d changes take %d bytes, want at most %d", tt.pages, tt.changes, len(got), maxMarkdown)
		}
		if tt.pages*tt.changes > 500 && len(got) < maxMarkdown/2 {
			t.Errorf("%d Pages of %d changes take %d bytes: too much is left out", tt.pages, tt.changes, len(got))
		}
		if open, shut := strings.Count(got, "<details"), strings.Count(got, "</details>"); open != shut {
			t.Errorf("%d folds are opened and %d closed", open, shut)
		}
		if n := strings.Count(got, "```"); n%2 != 0 {
			t.Errorf("%d code fences, want an even number", n)
		}
	}
}
