package cli

import (
	"testing"

	"storyform/apply"
	"storyform/story"
)

// A Page that refuses one story keeps the others back for the same reason,
// which is told once.
func TestOutcomesTellAReasonOnce(t *testing.T) {
	page := story.Address{Type: "page", Name: "acme"}
	outcome := func(name string, ending apply.Ending, message string) apply.Outcome {
		return apply.Outcome{Address: story.Address{Type: "story", Name: name}, Page: page, Ending: ending, Message: message, Hint: "wait"}
	}
	ds := outcomeDiagnostics(&apply.Result{Outcomes: []apply.Outcome{
		outcome("b", apply.EndNotAttempted, "blocked"), outcome("a", apply.EndFailed, "blocked"), outcome("c", apply.EndNotAttempted, "blocked"),
		outcome("d", apply.EndNotAttempted, "story.x is missing"), outcome("e", apply.EndPublished, ""),
		outcome("f", apply.EndNotAttempted, "it is refused. Say so:\n    storyform apply"),
	}})
	want := []string{
		"Story was not published: story.a on page.acme: blocked.\n\nNot attempted because of it: story.b, story.c.\n\nWhat to do: wait.",
		"Story was not attempted: story.d on page.acme: story.x is missing.\n\nWhat to do: wait.",
		"Story was not attempted: story.f on page.acme: it is refused. Say so:\n    storyform apply\n\nWhat to do: wait.",
	}
	if len(ds) != len(want) {
		t.Fatalf("got %v, want %d messages", ds, len(want))
	}
	for i, d := range ds {
		if got := d.Summary + ": " + d.Detail; got != want[i] {
			t.Errorf("got\n%s\nwant\n%s", got, want[i])
		}
	}
}
