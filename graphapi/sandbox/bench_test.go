package sandbox

import (
	"fmt"
	"net/http/httptest"
	"path/filepath"
	"testing"
	"time"
)

// BenchmarkRequest measures a read of a world on disk, with a full log and
// many stories.
func BenchmarkRequest(b *testing.B) {
	for _, stories := range []int{0, 1000} {
		b.Run(fmt.Sprint(stories, "stories"), func(b *testing.B) {
			sim := New(Options{AutoPages: true, Now: func() time.Time { return start }})
			for range maxRequests {
				sim.world.record(Request{N: 1, Time: start, Method: "GET", Path: "/v25.0/" + pageID + "/stories", Edge: EdgeStories, Page: pageID, Status: 200, Outcome: OutcomeDone, Token: "bearer"})
			}
			for range stories {
				if _, err := sim.AddStory(Story{Page: pageID, Kind: "photo"}); err != nil {
					b.Fatal(err)
				}
			}
			if err := sim.Load(filepath.Join(b.TempDir(), "sandbox.json")); err != nil {
				b.Fatal(err)
			}
			for b.Loop() {
				r := httptest.NewRequest("GET", "/v25.0/me", nil)
				r.Header.Set("Authorization", "Bearer "+token)
				sim.ServeHTTP(httptest.NewRecorder(), r)
			}
		})
	}
}
