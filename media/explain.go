package media

import (
	"fmt"
	"strings"

	"storyform/story"
)

// Explain tells what a rule demands, why, and who says so; ok is false when
// there is no rule with this id.
func Explain(id string) (text string, ok bool) {
	r, ok := RuleByID(id)
	if !ok {
		return "", false
	}
	var b strings.Builder
	fmt.Fprintf(&b, "%s (%s)\n\n%s: %s.\n\n%s\n\nSource: %s, %s.\n", r.ID, r.Severity, r.Title, r.Demand, r.Why, r.Source, r.Date)
	return b.String(), true
}

// RulesMarkdown is docs/media-rules.md: the table of rules as a document.
func RulesMarkdown() string {
	var b strings.Builder
	b.WriteString("# Rules for media\n\n" +
		"`storyform validate` and `storyform plan` hold every local photo and video against these rules before anything is\n" +
		"uploaded. An error stops the plan, a warning does not, unless warnings are made to count as errors. What can't be told\n" +
		"from a file's headers is reported as not checked. A file behind a URL is fetched by Meta itself: its address is held\n" +
		"against the last table, and what its server answers.\n\n" +
		"This page is made from the tables in `media/rules_photo.go`, `media/rules_video.go` and `media/rules_hosted.go`.\n")
	for _, part := range []struct {
		title string
		kind  story.Kind
	}{{"Photos", story.Photo}, {"Videos", story.Video}, {"Hosted files", ""}} {
		fmt.Fprintf(&b, "\n## %s\n\n| rule | severity | what is demanded | why, and how sure it is | source |\n|---|---|---|---|---|\n", part.title)
		for _, r := range Rules() {
			if r.Kind == part.kind {
				fmt.Fprintf(&b, "| `%s` | %s | %s | %s | %s, %s |\n", r.ID, r.Severity, cell(r.Demand), cell(r.Why), cell(r.Source), r.Date)
			}
		}
	}
	return b.String()
}

// cell keeps a text from breaking a table of Markdown.
func cell(s string) string { return strings.ReplaceAll(s, "|", "\\|") }
