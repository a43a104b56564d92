package plan

import (
	"testing"

	"storyform/state"
)

// A message mostly begins with the call that it is about, which is told once.
func TestFailureText(t *testing.T) {
	for want, f := range map[string]*state.Failure{
		"photo_stories: (#368) blocked":   {Op: "photo_stories", Message: "photo_stories: (#368) blocked"},
		"upload: a.jpg changed":           {Op: "upload", Message: "a.jpg changed"},
		"the reason was not recorded":     nil,
		"finish: finish_later is not set": {Op: "finish", Message: "finish_later is not set"},
	} {
		if got := failureText(&state.Entry{Failure: f}); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}
