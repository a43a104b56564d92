package main

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"storyform/graphapi/sandbox"
	"storyform/state/fakeserver"
)

// writes counts what is written into a bucket, and takes its time for each
// write, as a bucket far away does.
type writes struct {
	mu               sync.Mutex
	objects, records int // of the journal
	bytes            int
	others           []string
}

// fault is fakeserver.S3's Fault.
func (w *writes) fault(r *http.Request) fakeserver.Fault {
	if r.Method != http.MethodPut {
		return fakeserver.None
	}
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return fakeserver.Internal
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	w.mu.Lock()
	switch {
	case strings.Contains(r.URL.Path, "/probe/"): // once for each state
	case strings.Contains(r.URL.Path, "/journal/"):
		w.objects++
		w.records += bytes.Count(body, []byte("\n"))
		w.bytes += len(body)
	default:
		w.others = append(w.others, r.URL.Path)
	}
	w.mu.Unlock()
	time.Sleep(30 * time.Millisecond)
	return fakeserver.None
}

// fleetConfig is a photo on n Pages.
func fleetConfig(n int, endpoint string) string {
	pages := make([]string, n)
	for i := range pages {
		pages[i] = fmt.Sprintf("p%02d = \"1048576000000%02d\"", i, i)
	}
	return fmt.Sprintf(`
storyform {
  backend "s3" {
    bucket   = "state"
    key      = "stories"
    endpoint = %q
  }
  max_publish = 0
}

page "fleet" {
  for_each = { %s }
  id       = each.value
  timezone = "UTC"
}

story "offer" {
  for_each = page.fleet
  page     = each.value
  photo    = "b.jpg"
  window   = "2h"
}
`, endpoint, strings.Join(pages, ", "))
}

// A step of one story costs one small object in a bucket. Steps of several
// Pages that come in while a write is under way are written together, so that
// a fleet doesn't cost a round trip for each.
func TestRemoteCost(t *testing.T) {
	t.Parallel()
	for _, pages := range []int{1, 16} {
		sim := sandbox.New(sandbox.Options{AutoPages: true})
		graph := httptest.NewServer(sim)
		t.Cleanup(graph.Close)
		w := new(writes)
		bucket := httptest.NewServer(&fakeserver.S3{Bucket: "state", Fault: w.fault})
		t.Cleanup(bucket.Close)
		r := &runner{dir: t.TempDir(), env: append(os.Environ(), append(s3Env, "STORYFORM_GRAPH_URL="+graph.URL, "STORYFORM_TOKEN=sandbox-user")...)}
		photo, err := os.ReadFile("testdata/media/good.jpg")
		if err != nil {
			t.Fatal(err)
		}
		for name, text := range map[string][]byte{"s.story.hcl": []byte(fleetConfig(pages, bucket.URL)), "b.jpg": photo} {
			if err := os.WriteFile(filepath.Join(r.dir, name), text, 0o600); err != nil {
				t.Fatal(err)
			}
		}
		if out, code := r.run(t, nil, "apply", "-auto-approve", "-parallelism=16"); code != 0 {
			t.Fatalf("exit code %d\n%s", code, out)
		}
		t.Logf("%d Pages: %d records of %d bytes in %d objects; besides them %d writes", pages, w.records, w.bytes/max(w.records, 1), w.objects, len(w.others))
		switch {
		case w.bytes/w.records > 2<<10:
			t.Errorf("%d Pages: a record has %d bytes", pages, w.bytes/w.records)
		case pages == 1 && w.objects != w.records:
			t.Errorf("one story: %d records in %d objects, want one each", w.records, w.objects)
		case pages > 1 && w.objects >= w.records:
			t.Errorf("%d Pages: %d records in %d objects, want them written together", pages, w.records, w.objects)
		case len(w.others) > 6: // the lock is taken, renewed and released; the document
			t.Errorf("%d Pages: besides the journal these were written: %v", pages, w.others)
		}
	}
}
