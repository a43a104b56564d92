package apply_test

import (
	"bytes"
	"flag"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"storyform/apply"
	"storyform/graphapi"
	"storyform/graphapi/sandbox"
	"storyform/plan"
	"storyform/story"
)

// faultCall is one call of the flow: a row of the matrix.
type faultCall struct {
	name   string
	edge   string
	file   string // what is published: a photo or a video
	inPlan bool   // the fault is there when the plan is made, otherwise from apply on
	reread bool   // apply reads the Page again
}

// faultCalls are the rows, in the order in which a run makes the calls.
var faultCalls = []faultCall{
	{"me", sandbox.EdgeMe, "a.jpg", true, false},
	{"page", sandbox.EdgePage, "a.jpg", true, false},
	{"stories, at plan", sandbox.EdgeStories, "a.jpg", true, false},
	{"stories, at apply", sandbox.EdgeStories, "a.jpg", false, true},
	{"start", sandbox.EdgeStart, "a.mp4", false, false},
	{"upload", sandbox.EdgeUpload, "a.mp4", false, false},
	{"status", sandbox.EdgeStatus, "a.mp4", false, false},
	{"finish", sandbox.EdgeFinish, "a.mp4", false, false},
	{"photos", sandbox.EdgePhotos, "a.jpg", false, false},
	{"photo_stories", sandbox.EdgePhotoStories, "a.jpg", false, false},
	{"stories, after publishing", sandbox.EdgeStories, "a.jpg", false, false},
}

// regain is a usage header that asks for seven minutes.
const regain = ` header="X-Business-Use-Case-Usage:{\"` + pageID + `\":[{\"type\":\"pages\",\"call_count\":100,\"total_time\":100,\"total_cputime\":100,\"estimated_time_to_regain_access\":7}]}"`

// faultKinds are the columns: what goes wrong, as sandbox.ParseFaults reads
// it behind the edge.
var faultKinds = []struct{ name, script string }{
	{"connection refused", ""}, // not the simulator's: nobody listens
	{"reset before", "before reset"},
	{"reset after the effect", "after reset"},
	{"answer cut in the middle", "after cut=0"},
	{"HTML, 502", "before html"},
	{"HTML, 200, after the effect", "after html status=200"},
	{"success:false", "before false"},
	{"empty body", "after empty"},
	{"500 code 2 before", "before status=500 code=2"},
	{"500 code 2 after the effect", "after status=500 code=2"},
	{"503 code 1", "before status=503 code=1"},
	{"429", "before html status=429"},
	{"613, 7 minutes", "before code=613" + regain},
	{"80001, 7 minutes", "before code=80001" + regain},
	{"190/463", "before code=190 subcode=463"},
	{"200", "before code=200"},
	{"368", "before code=368"},
	{"100/33", "before code=100 subcode=33"},
	{"no answer", "after hang"},
}

// cellResult is what a cell shows.
type cellResult struct {
	ending  apply.Ending // of the run with the fault
	exit    int
	status  story.Status // in the state
	calls   int          // requests of the edge that the run made; -1: not counted
	publish int          // publish calls that the run made
	next    plan.Action  // what the plan after the fault says; "" for nothing
	runs    int          // how many more runs it takes until the plan is empty; -1: a person is needed
}

// String is the result as it stands in the table.
func (c cellResult) String() string {
	calls, after := fmt.Sprint(c.calls), "then nothing"
	if c.calls < 0 {
		calls = "some"
	}
	switch {
	case c.runs < 0:
		after = "then " + string(c.next) + ", by hand"
	case c.runs == 1:
		after = "then " + string(c.next) + ", done"
	case c.runs > 1:
		after = fmt.Sprintf("then %s, done after %d runs", c.next, c.runs)
	}
	return fmt.Sprintf("%s (%d), %s, calls %s, published %d, %s", c.ending, c.exit, c.status, calls, c.publish, after)
}

// cell runs a story with one fault and returns what happened. A lasting fault
// is there for the whole first run, otherwise it strikes once.
func cell(t *testing.T, call faultCall, script string, lasting bool) (c cellResult) {
	w := newWorld(t, inMemory)
	w.fast.DisableKeepAlives = true // on a used connection, net/http repeats some requests by itself
	w.declare(w.local("story", call.file))
	if strings.Contains(script, sandbox.DoHang) {
		w.timeouts = call.impatience()
	}
	p, mark := w.process(), w.mark()
	if script == "" {
		p = w.refusing(call.edge, !call.inPlan, lasting)
	}
	strike := func() {
		if mark = w.mark(); script != "" {
			w.fault(call.edge + " " + script + map[bool]string{true: " times=always"}[lasting])
		}
	}
	if call.inPlan {
		strike()
	}
	made := p.plan()
	if !call.inPlan {
		strike()
	}
	result, err := p.apply(made, func(o *apply.Options) {
		if !call.reread {
			o.Observed = p.observed
		}
	})
	if err != nil {
		t.Fatalf("apply: %v", err)
	}
	c.ending, c.exit, c.status = endOf(result, "story"), result.ExitCode(true), w.entry("story").Status
	c.calls, c.publish = len(w.asked(mark, call.edge)), len(w.asked(mark, publishCalls...))
	if strings.Contains(script, sandbox.DoHang) {
		c.calls = -1 // a busy machine may take longer than our patience
	}
	must(t, w.sim.ClearFaults())
	w.timeouts = graphapi.Timeouts{}
	w.afterCell(&c)
	return c
}

// impatience are time limits that make a run give up on a call quickly.
func (c faultCall) impatience() graphapi.Timeouts {
	long, short := time.Minute, 150*time.Millisecond
	limits := graphapi.Timeouts{Read: long, Write: long, Publish: long, Stall: long}
	switch c.edge {
	case sandbox.EdgeStart, sandbox.EdgePhotos:
		limits.Write, limits.Stall = short, short
	case sandbox.EdgeUpload:
		limits.Stall = short
	case sandbox.EdgeFinish, sandbox.EdgePhotoStories:
		limits.Publish = short
	default:
		limits.Read = short
	}
	return limits
}

// afterCell applies, without the fault, until there is nothing left to do, and
// checks what must hold for every cell.
func (w *world) afterCell(c *cellResult) {
	w.tb.Helper()
	left := w.process().plan()
	c.next = actionOf(left, "story")
	for ; left.HasChanges() && c.runs < 5; c.runs++ {
		w.mustApply()
		w.clock.Advance(w.settings.SettleAfter)
		left = w.process().plan()
	}
	if unknown := c.ending == apply.EndUnknown; unknown != (c.exit == apply.ExitUnknown) || unknown != (c.status == story.Unknown) {
		w.tb.Errorf("ending %s, exit code %d and status %s don't fit together", c.ending, c.exit, c.status)
	}
	if c.ending == apply.EndPublished != (c.status == story.Live) {
		w.tb.Errorf("ending %s and status %s don't fit together", c.ending, c.status)
	}
	if left.HasChanges() {
		c.runs = -1
		w.assertDoubt(left)
	} else {
		w.assertOnce()
	}
	media := map[string]bool{}
	for _, r := range w.asked(0, publishCalls...) {
		if r.Media != "" {
			media[r.Media] = true
		}
	}
	if c.status.Doubtful() && len(media) > 1 {
		w.tb.Errorf("a story in doubt was uploaded again: %s", w.requestLines(0))
	}
}

// refusing is a process for which nobody listens where it sends the requests
// of an edge: the first one, or all. With waiting, that begins once the
// process has made its plan.
func (w *world) refusing(edge string, waiting, lasting bool) *process {
	dead := http.DefaultTransport.(*http.Transport).Clone()
	dead.DisableKeepAlives = true
	var mu sync.Mutex
	refused, planned := 0, !waiting
	w.route = func(next http.RoundTripper) http.RoundTripper {
		return roundTripper(func(r *http.Request) (*http.Response, error) {
			mu.Lock()
			strike := edgeOf(r) == edge && planned && (lasting || refused == 0)
			planned = planned || edgeOf(r) == sandbox.EdgeStories
			if strike {
				refused++
			}
			mu.Unlock()
			if !strike {
				return next.RoundTrip(r)
			}
			gone := r.Clone(r.Context())
			gone.URL.Host = "127.0.0.1:1" // nobody listens on tcpmux
			return dead.RoundTrip(gone)
		})
	}
	p := w.process()
	w.route = nil
	return p
}

// cellRules hold whatever the table says.
var cellRules = []struct {
	name  string
	about func(call faultCall, kind string, lasting bool) bool
	holds func(c cellResult) bool
}{
	{"on a Page that can't be read nothing is published",
		func(call faultCall, _ string, lasting bool) bool { return lasting && (call.inPlan || call.reread) },
		func(c cellResult) bool { return c.publish == 0 && c.ending == apply.EndNotAttempted }},
	{"a fault that passes does not keep a read, a session or an upload from its end",
		func(call faultCall, kind string, lasting bool) bool {
			return !lasting && !call.publishes() && slices.Contains(passing, kind)
		},
		func(c cellResult) bool { return c.ending == apply.EndPublished && c.publish == 1 }},
	{"a publish call whose answer is no answer is made once, or leaves doubt",
		func(call faultCall, kind string, _ bool) bool {
			return call.publishes() && !slices.Contains(definite, kind)
		},
		func(c cellResult) bool {
			return c.ending == apply.EndPublished || c.ending == apply.EndUnknown && c.exit == apply.ExitUnknown
		}},
	{"a photo is published once more in another run only",
		func(call faultCall, _ string, _ bool) bool { return call.edge == sandbox.EdgePhotoStories },
		func(c cellResult) bool { return c.publish <= 1 }},
	{"a refusal of a publish call is no doubt, and the call is not repeated",
		func(call faultCall, kind string, _ bool) bool {
			return call.publishes() && slices.Contains(definite, kind)
		},
		func(c cellResult) bool {
			return c.ending == apply.EndFailed && c.exit == apply.ExitError && c.publish <= 1
		}},
	{"what took effect is not tried again",
		func(call faultCall, kind string, _ bool) bool {
			return call.publishes() && slices.Contains(effective, kind)
		},
		func(c cellResult) bool { return c.ending == apply.EndPublished && c.publish == 1 && c.runs == 0 }},
	{"a throttle or a block ends the Page's work at once",
		func(_ faultCall, kind string, lasting bool) bool {
			return lasting && slices.Contains([]string{"613, 7 minutes", "80001, 7 minutes", "368"}, kind)
		},
		func(c cellResult) bool { return c.calls <= 30 && c.publish <= 1 }},
	{"only doubt needs a person", func(faultCall, string, bool) bool { return true },
		func(c cellResult) bool { return c.runs >= 0 || c.status == story.Unknown }},
}

// Kinds of faults, by name.
var (
	passing = []string{"connection refused", "reset before", "reset after the effect", "answer cut in the middle", "HTML, 502",
		"HTML, 200, after the effect", "success:false", "empty body", "500 code 2 before", "500 code 2 after the effect", "503 code 1", "no answer"}
	definite  = []string{"connection refused", "190/463", "200", "368", "100/33"}
	effective = []string{"reset after the effect", "answer cut in the middle", "HTML, 200, after the effect", "empty body", "500 code 2 after the effect", "no answer"}
)

// publishes reports whether the call is a publish call.
func (c faultCall) publishes() bool { return slices.Contains(publishCalls, c.edge) }

// update rewrites the tables from what happens; look at what changed.
var update = flag.Bool("update", false, "write testdata/faults.txt and docs/fault-matrix.md")

// The tables of cells: one line a cell for the test, and the same for people.
var (
	cellTable  = filepath.Join("testdata", "faults.txt")
	cellMatrix = filepath.Join("..", "docs", "fault-matrix.md")
)

// cellNames are the two kinds of cells of a call and a fault.
var cellNames = map[bool]string{false: "once", true: "lasting"}

// TestFaults lets every call of the flow go wrong in every way, once and for
// a whole run, and compares what happens with the table.
func TestFaults(t *testing.T) {
	want := readCells(t)
	var mu sync.Mutex
	got := map[string]string{}
	t.Run("cell", func(t *testing.T) {
		for _, call := range faultCalls {
			for _, kind := range faultKinds {
				for _, lasting := range []bool{false, true} {
					name := cellName(call.name, kind.name, lasting)
					t.Run(name, func(t *testing.T) {
						t.Parallel()
						c := cell(t, call, kind.script, lasting)
						for _, rule := range cellRules {
							if rule.about(call, kind.name, lasting) && !rule.holds(c) {
								t.Errorf("%s: got %v", rule.name, c)
							}
						}
						if c.String() != want[name] && !*update {
							t.Errorf("got  %v\nwant %v", c, want[name])
						}
						mu.Lock()
						defer mu.Unlock()
						got[name] = c.String()
					})
				}
			}
		}
	})
	t.Logf("%d cells: %d calls, %d faults, each once and lasting", len(got), len(faultCalls), len(faultKinds))
	if *update && !t.Failed() {
		must(t, os.WriteFile(cellTable, cellLines(got), 0o644))
		must(t, os.WriteFile(cellMatrix, matrix(got), 0o644))
	}
}

// The matrix for people is made from the table.
func TestFaultMatrix(t *testing.T) {
	got, err := os.ReadFile(cellMatrix)
	if want := matrix(readCells(t)); err != nil || !bytes.Equal(got, want) {
		t.Errorf("%s is not what the table says (%v); run go test ./apply -run TestFaults -update and look at what changed", cellMatrix, err)
	}
}

// cellName is the key of a cell.
func cellName(call, kind string, lasting bool) string {
	return call + " | " + kind + " | " + cellNames[lasting]
}

// eachCell calls f for every cell, in the order of the tables.
func eachCell(f func(call faultCall, kind string, lasting bool, name string)) {
	for _, call := range faultCalls {
		for _, kind := range faultKinds {
			for _, lasting := range []bool{false, true} {
				f(call, kind.name, lasting, cellName(call.name, kind.name, lasting))
			}
		}
	}
}

// readCells reads the table.
func readCells(t *testing.T) map[string]string {
	t.Helper()
	text, err := os.ReadFile(cellTable)
	if err != nil && !*update {
		t.Fatal(err)
	}
	cells := map[string]string{}
	for line := range strings.Lines(string(text)) {
		if name, result, ok := strings.Cut(strings.TrimSpace(line), " => "); ok {
			cells[name] = result
		}
	}
	return cells
}

// cellLines writes the table.
func cellLines(cells map[string]string) []byte {
	var b bytes.Buffer
	eachCell(func(_ faultCall, _ string, _ bool, name string) { fmt.Fprintf(&b, "%s => %s\n", name, cells[name]) })
	return b.Bytes()
}

// matrix renders the table for people.
func matrix(cells map[string]string) []byte {
	var b bytes.Buffer
	b.WriteString(matrixHead)
	last := ""
	eachCell(func(call faultCall, kind string, lasting bool, name string) {
		if call.name != last {
			fmt.Fprintf(&b, "\n## %s\n\n| what goes wrong | once | for the whole run |\n|---|---|---|\n", call.name)
			last = call.name
		}
		if !lasting {
			fmt.Fprintf(&b, "| %s | %s |", kind, cells[name])
		} else {
			fmt.Fprintf(&b, " %s |\n", cells[name])
		}
	})
	return b.Bytes()
}

// matrixHead explains the matrix.
const matrixHead = `# What apply does when a call goes wrong

Made by ` + "`go test ./apply -run TestFaults -update`" + ` from what happened, and compared with it by every test run. One story is
published, and one call of the flow goes wrong: once, or each time until the run ends. Then the fault is over, and apply
runs again, five minutes (settle_after) apart, until there is nothing left to do.

A cell says how the run ended for the story, the exit code (with --detailed-exitcode), the story's status in the state, how
often the call was made, how many publish calls were made, and what the next plan says. "done" means that one more run
leaves the story on the Page exactly once, with nobody's help. "by hand" means that every publish call that may be made was
made without a clear answer while the Page never showed the story: it stays unknown until somebody says what became of it
with storyform resolve, or until its window closes and it is missed. In no cell is a story published twice.

The calls are those of a run: me and page find the Page's own token, stories lists the Page (for the plan, again when apply
begins later, and after publishing), start, upload, status and finish are a video's, photos and photo_stories a photo's.
"before" means that the call had no effect, "after" that it had and only the answer was lost.
`
