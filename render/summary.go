package render

import (
	"strconv"
	"strings"

	"storyform/plan"
)

// NoChanges is the text of a plan in which nothing is to be done.
const NoChanges = "No changes. Your Pages match the configuration."

// count is one number of a summary and the words after it.
type count struct {
	n     int
	words string
	kept  bool // shown even when it is zero
}

// join renders "2 to publish, 1 to cancel" of the counts that are to be shown.
func join(counts []count) string {
	var parts []string
	for _, c := range counts {
		if c.n != 0 || c.kept {
			parts = append(parts, strconv.Itoa(c.n)+" "+c.words)
		}
	}
	return strings.Join(parts, ", ")
}

// Summary is the line that ends a plan: "Plan: 2 to publish, 1 to schedule,
// 1 to cancel." Counts after the first two are left out when they are zero;
// when all are, the line is NoChanges.
func Summary(s plan.Summary) string {
	counts := []count{
		{s.Publish, "to publish", true},
		{s.Schedule, "to schedule", true},
		{s.Change, "to change", false},
		{s.Cancel, "to cancel", false},
		{s.Resume, "to resume", false},
		{s.Upload, "to upload ahead", false},
		{s.Adopt, "to adopt", false},
		{s.Settle, "to settle", false},
		{s.Missed, "missed", false},
		{s.Forget, "to forget", false},
	}
	for _, c := range counts {
		if c.n != 0 {
			return "Plan: " + join(counts) + "."
		}
	}
	return NoChanges
}

// Counts tell how an apply ended: how many stories ended in which way.
type Counts struct {
	Published    int `json:"published"`
	Scheduled    int `json:"scheduled"`
	Changed      int `json:"changed"`
	Cancelled    int `json:"cancelled"`
	Uploaded     int `json:"uploaded,omitempty"` // ahead of their time
	Adopted      int `json:"adopted"`
	Forgotten    int `json:"forgotten"`
	Skipped      int `json:"skipped"` // of an approved plan, nothing was left to do
	Missed       int `json:"missed"`
	Failed       int `json:"failed"`
	Unknown      int `json:"unknown"`
	NotAttempted int `json:"not_attempted"`
	// Interrupted: the run was asked to stop before it was through.
	Interrupted bool `json:"interrupted,omitempty"`
}

// Complete reports whether everything went out that was to go out. A missed
// story is not complete: it makes the run end with an error, once.
func (c Counts) Complete() bool {
	return c.Failed+c.Unknown+c.NotAttempted+c.Missed == 0 && !c.Interrupted
}

// ApplySummary is the line that ends an apply: "Apply complete! Stories: 2
// published, 1 scheduled." or "Apply incomplete. Stories: 1 published, 1
// failed, 1 unknown, 2 not attempted."
func ApplySummary(c Counts) string {
	stories := join([]count{
		{c.Published, "published", false},
		{c.Scheduled, "scheduled", false},
		{c.Changed, "changed", false},
		{c.Cancelled, "cancelled", false},
		{c.Uploaded, "uploaded ahead", false},
		{c.Adopted, "adopted", false},
		{c.Forgotten, "forgotten", false},
		{c.Skipped, "skipped", false},
		{c.Missed, "missed", false},
		{c.Failed, "failed", false},
		{c.Unknown, "unknown", false},
		{c.NotAttempted, "not attempted", false},
	})
	if stories == "" {
		stories = "0 published"
	}
	if c.Complete() {
		return "Apply complete! Stories: " + stories + "."
	}
	return "Apply incomplete. Stories: " + stories + "."
}
