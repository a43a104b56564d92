package apply_test

import (
	"bytes"
	"fmt"
	"io"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"

	"storyform/graphapi/sandbox"
	"storyform/internal/diag"
	"storyform/plan"
	"storyform/story"
)

// assertNoSecret looks for tokens in everything that the runs of the world
// told, and in every file that they left.
func (w *world) assertNoSecret() {
	w.tb.Helper()
	w.mu.Lock()
	texts := map[string][]byte{"what the runs told": w.told.Bytes()}
	w.mu.Unlock()
	err := filepath.WalkDir(w.dir, func(path string, d os.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		texts[path], err = os.ReadFile(path)
		return err
	})
	if err != nil {
		w.tb.Error(err)
	}
	if w.memory != nil {
		texts["the state in memory"] = fmt.Appendf(nil, "%v %s", w.memory.Records(), toJSON(w.memory.Documents()))
	}
	for where, text := range texts {
		for _, secret := range secrets {
			if i := bytes.Index(text, []byte(secret)); i >= 0 {
				w.tb.Errorf("%s holds a token: …%s…", where, text[max(0, i-80):min(len(text), i+40)])
			}
		}
	}
}

// describe lists a plan's changes for a failure.
func describe(p *plan.Plan) []string {
	var lines []string
	for _, c := range p.Changes {
		lines = append(lines, fmt.Sprintf("%s %s: %s", c.Action, c.Address, c.Reason))
	}
	for _, d := range p.Diagnostics {
		lines = append(lines, d.String())
	}
	return lines
}

// content is the hash of what a declared story shows.
func (w *world) content(d story.Desired) string {
	if !d.Media.Hosted {
		return d.Media.SHA256
	}
	content, err := os.ReadFile(filepath.Join(w.dir, filepath.Base(d.Source)))
	must(w.tb, err)
	return hash(content)
}

// assertPages checks that each declared story was published exactly once, with
// the right bytes on the right Page, and nothing else was.
func (w *world) assertPages() {
	w.tb.Helper()
	want := map[string]int{}
	for _, d := range w.stories {
		want[d.Page.ID+" "+w.content(d)]++
	}
	got := map[string]int{}
	for _, s := range w.sim.Stories("") {
		if !s.ByHand {
			got[s.Page+" "+s.SHA256]++
		}
	}
	if !maps.Equal(got, want) {
		w.tb.Errorf("the Pages show, by Page and hash,\n%v, want\n%v\nrequests: %s", got, want, w.requestLines(0))
	}
}

// assertOnce checks what every recovery must come to: each declared story is
// out exactly once, the plan is empty, and one more apply sends nothing.
func (w *world) assertOnce() {
	w.tb.Helper()
	w.assertPages()
	w.assertQuiet()
}

// assertQuiet checks that the plan is empty and that one more apply sends
// nothing that changes anything.
func (w *world) assertQuiet() {
	w.tb.Helper()
	made := w.process().plan()
	if made.HasChanges() || made.Diagnostics.HasErrors() {
		w.tb.Errorf("the plan is not empty: %v", describe(made))
	}
	mark := w.mark()
	w.mustApply()
	if posts := w.posts(mark); len(posts) > 0 {
		w.tb.Errorf("an apply of nothing sent %v", posts)
	}
}

// assertCalls checks how many publish calls reached the simulator from mark
// on, and that none of them shows media that another one showed unless it is
// meant to.
func (w *world) assertCalls(mark, publish, upload int) {
	w.tb.Helper()
	if got := len(w.asked(mark, publishCalls...)); got != publish {
		w.tb.Errorf("got %d publish calls, want %d: %s", got, publish, w.requestLines(mark))
	}
	if got := len(w.asked(mark, uploadCalls...)); got != upload {
		w.tb.Errorf("got %d uploads begun, want %d: %s", got, upload, w.requestLines(mark))
	}
}

// requestLines is the log of requests for a failure.
func (w *world) requestLines(mark int) string {
	var b strings.Builder
	for _, r := range w.asked(mark) {
		fmt.Fprintf(&b, "\n  %s %s %s media=%s %s status=%d code=%d fault=%q", r.Time.Format(time.TimeOnly), r.Edge, r.Page, r.Media, r.Outcome, r.Status, r.Code, r.Fault)
	}
	return b.String()
}

// fault scripts faults; see sandbox.ParseFaults.
func (w *world) fault(text string) {
	w.tb.Helper()
	faults, err := sandbox.ParseFaults(text)
	must(w.tb, err)
	must(w.tb, w.sim.AddFaults(faults...))
}

// set changes switches of the simulator; see sandbox.Switches.
func (w *world) set(text string) {
	w.tb.Helper()
	s, err := w.sim.Switches().Parse(text)
	must(w.tb, err)
	must(w.tb, w.sim.SetSwitches(s))
}

// byHand makes a story as somebody does in the app.
func (w *world) byHand(page string, kind story.Kind) sandbox.Story {
	w.tb.Helper()
	s, err := w.sim.AddStory(sandbox.Story{Page: page, Kind: string(kind)})
	must(w.tb, err)
	return s
}

// errorSummaries are the summaries of the errors among diagnostics.
func errorSummaries(ds diag.Diagnostics) []string {
	var out []string
	for _, d := range ds {
		if d.Severity == diag.Error {
			out = append(out, d.Summary)
		}
	}
	return out
}

// edgeOf names the edge of a request on its way to the simulator, as the
// simulator's own log does. The body of a form is read and put back.
func edgeOf(r *http.Request) string {
	path := strings.Split(strings.Trim(r.URL.Path, "/"), "/")
	last := path[len(path)-1]
	switch {
	case path[0] == "video-upload":
		return sandbox.EdgeUpload
	case r.Method == http.MethodPost && last == "video_stories":
		body, _ := io.ReadAll(r.Body)
		r.Body = io.NopCloser(bytes.NewReader(body))
		if strings.Contains(string(body), "upload_phase=finish") {
			return sandbox.EdgeFinish
		}
		return sandbox.EdgeStart
	case last == pageID || last == otherID:
		return sandbox.EdgePage
	case strings.Trim(last, "0123456789") == "":
		return sandbox.EdgeStatus
	}
	return last // me, stories, photos, photo_stories
}
