package media

import (
	"encoding/json"
	"testing"
)

// TestGoodMedia checks that the media of the examples break no rule at all.
func TestGoodMedia(t *testing.T) {
	for _, path := range []string{
		"../testdata/media/good.jpg", "../testdata/media/good.png", "../testdata/media/good.mp4",
		"../examples/quickstart/media/teaser.jpg", "../examples/quickstart/media/reveal.mp4",
	} {
		f, err := InspectWith(t.Context(), path, "", Options{Decode: true, Samples: true})
		if err != nil {
			t.Fatalf("%s: %v", path, err)
		}
		if found := Judge(f, JudgeOptions{Strict: true}); len(found) > 0 {
			facts, _ := json.MarshalIndent(f, "", " ")
			t.Errorf("%s: got findings %+v\n%s", path, found, facts)
		}
	}
}
