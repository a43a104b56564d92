package apply_test

import (
	"fmt"
	"math/rand/v2"
	"os"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"storyform/graphapi/sandbox"
	"storyform/story"
)

// check checks the promises.
func (m *model) check() {
	tb := m.w.tb
	m.mu.Lock()
	defer m.mu.Unlock()
	out := map[string]int{}
	for _, s := range m.w.sim.Stories("") {
		if s.ByHand {
			continue
		}
		a, known := m.announced[s.MediaID]
		if !known {
			tb.Errorf("media %s are out, and no record announced that", s.MediaID)
			continue
		}
		if !m.approved[approval(slotOf(a.address), s.Page, s.SHA256)] {
			tb.Errorf("%s shows %.8s on %s, which nobody approved", a.address, s.SHA256, s.Page)
		}
		for _, key := range []string{
			fmt.Sprintf("%s revision %d", a.address, a.revision),
			fmt.Sprintf("content %.8s on %s in revision %d %s", s.SHA256, s.Page, a.revision, a.tied), // also under another name
		} {
			if out[key]++; out[key] > 1 && !(m.reused && strings.HasPrefix(key, "story")) {
				tb.Errorf("%s is out %d times", key, out[key])
			}
		}
	}
	for _, r := range m.w.asked(0, publishCalls...) {
		slow := strings.Contains(r.Fault, "before delay") // on its way when the window closed
		if a := m.announced[r.Media]; r.Public && !slow && !a.deadline.IsZero() && r.Time.After(a.deadline) {
			tb.Errorf("%s was published %s after the end of its window", a.address, r.Time.Sub(a.deadline))
		}
	}
	m.checkMemory()
}

// checkMemory checks that the state knows all media with which a publish was
// tried.
func (m *model) checkMemory() {
	doc := m.w.document()
	known := map[string]bool{}
	for _, e := range doc.Stories {
		for _, id := range append(e.TriedMedia, e.MediaID) {
			known[id] = true
		}
	}
	for _, ev := range doc.History {
		known[ev.MediaID] = true
	}
	for id, a := range m.announced {
		if !known[id] && len(m.w.callsWith(id)) > 0 {
			m.w.tb.Errorf("the state has lost the media_id %s of %s revision %d", id, a.address, a.revision)
		}
	}
}

// callsWith are the publish calls with a media_id.
func (w *world) callsWith(media string) []sandbox.Request {
	return slices.DeleteFunc(w.asked(0, publishCalls...), func(r sandbox.Request) bool { return r.Media != media })
}

// settle ends a sequence: everything works again, and after some runs and at
// most a day there is nothing left to do.
func (m *model) settle() {
	must(m.w.tb, m.w.sim.ClearFaults())
	m.w.set(worlds[0])
	for n := range 14 {
		p := m.plan()
		if !p.HasChanges() && !p.HasLoudUpdates() {
			break
		}
		m.carryOut(p)
		m.check()
		wait := 6 * time.Minute
		if n > 7 {
			wait = 6 * time.Hour
		}
		m.w.clock.Advance(wait)
	}
	if p := m.plan(); p.HasChanges() {
		m.w.tb.Errorf("in the end there is still something to do: %v", describe(p))
	}
	for _, e := range m.w.document().Stories {
		if e.Status.Doubtful() {
			m.w.tb.Errorf("in the end %s is %s", e.Address, e.Status)
		}
	}
}

// recorder is a testing.TB for a sequence, whose failure is no failure of the
// test yet.
type recorder struct {
	testing.TB
	mu       sync.Mutex
	failures []string
	cleanups []func()
}

func (r *recorder) Helper() {}
func (r *recorder) Errorf(format string, args ...any) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.failures = append(r.failures, fmt.Sprintf(format, args...))
}
func (r *recorder) Error(args ...any)                 { r.Errorf("%s", fmt.Sprintln(args...)) }
func (r *recorder) Fatalf(format string, args ...any) { r.Errorf(format, args...); runtime.Goexit() }
func (r *recorder) Fatal(args ...any)                 { r.Error(args...); runtime.Goexit() }
func (r *recorder) Cleanup(f func())                  { r.cleanups = append(r.cleanups, f) }
func (r *recorder) TempDir() string {
	dir, err := os.MkdirTemp("", "storyform-model-")
	must(r, err)
	r.Cleanup(func() { os.RemoveAll(dir) })
	return dir
}

// failed reports whether something went wrong.
func (r *recorder) failed() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(r.failures) > 0
}

// trial runs a sequence until it fails or ends, and returns what went wrong,
// "" for nothing.
func trial(tb testing.TB, steps []step, seen *tally) string {
	r := &recorder{TB: tb}
	done := make(chan struct{})
	go func() {
		defer close(done)
		defer func() {
			if p := recover(); p != nil {
				r.Errorf("panic: %v", p)
			}
			for _, f := range slices.Backward(r.cleanups) {
				f()
			}
		}()
		m := newModel(r)
		for _, s := range steps {
			if m.run(s); r.failed() {
				return
			}
		}
		m.settle()
		seen.add(m)
	}()
	<-done
	return strings.Join(r.failures, "; ")
}

// tally counts what happened in sequences, to show that they come to
// something.
type tally struct {
	mu                                  sync.Mutex
	out, lost, refused, retries         int
	published, adopted, missed, removed int
	deaths, cancelled, unknown          int
}

// add counts a sequence that came to its end.
func (c *tally) add(m *model) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.deaths += m.deaths
	c.retries += m.retries
	for _, r := range m.w.asked(0, publishCalls...) {
		switch {
		case r.Outcome == sandbox.OutcomeLost, r.Outcome == sandbox.OutcomeDropped:
			c.lost++
		case r.Outcome == sandbox.OutcomeRefused:
			c.refused++
		}
	}
	for _, s := range m.w.sim.Stories("") {
		if !s.ByHand {
			c.out++
		}
	}
	for _, ev := range m.w.document().History {
		switch ev.What {
		case "published":
			c.published++
		case "adopted":
			c.adopted++
		case "missed":
			c.missed++
		case "removed":
			c.removed++
		case "cancelled":
			c.cancelled++
		}
	}
	for _, e := range m.w.events {
		if e.Kind == story.EventUnknown {
			c.unknown++
		}
	}
}

// String tells the counts.
func (c *tally) String() string {
	return fmt.Sprintf("%d stories out (%d published, %d adopted), %d publish calls lost, %d refused, %d calls repeated; %d ends in doubt, %d runs killed, %d missed, %d removed, %d cancelled",
		c.out, c.published, c.adopted, c.lost, c.refused, c.retries, c.unknown, c.deaths, c.missed, c.removed, c.cancelled)
}

// shorten leaves out of a failing sequence what it does not need to fail.
func shorten(tb testing.TB, steps []step) []step {
	for size := len(steps) / 2; size > 0; size /= 2 {
		for at := 0; at+size <= len(steps); {
			fewer := slices.Concat(steps[:at], steps[at+size:])
			if trial(tb, fewer, new(tally)) != "" {
				steps = fewer
			} else {
				at += size
			}
		}
	}
	return steps
}

// script is a sequence as TestModelScript reads it.
func script(steps []step) string {
	lines := make([]string, 0, len(steps))
	for _, s := range steps {
		lines = append(lines, s.String())
	}
	return strings.Join(lines, "; ")
}

// randomSteps makes a sequence.
func randomSteps(random *rand.Rand, n int) []step {
	var bag []string
	for _, v := range verbs {
		for range v.weight {
			bag = append(bag, v.name)
		}
	}
	steps := make([]step, 0, n)
	for range n {
		steps = append(steps, step{bag[random.IntN(len(bag))], random.IntN(360), random.IntN(360), random.IntN(360)})
	}
	return steps
}

// modelEnv is how many sequences TestModel runs, instead of the default.
const modelEnv = "STORYFORM_MODEL_SEQUENCES"

// TestModel runs random sequences and checks the promises after each step.
func TestModel(t *testing.T) {
	const length = 40
	sequences := 120
	if testing.Short() {
		sequences = 10
	}
	if n, err := strconv.Atoi(os.Getenv(modelEnv)); err == nil {
		sequences = n
	}
	var steps atomic.Int64
	var seen tally
	t.Cleanup(func() { t.Logf("%d sequences, %d steps: %v", sequences, steps.Load(), &seen) })
	for seed := range sequences {
		t.Run(strconv.Itoa(seed), func(t *testing.T) {
			t.Parallel()
			sequence := randomSteps(rand.New(rand.NewPCG(7, uint64(seed))), length)
			steps.Add(length)
			if why := trial(t, sequence, &seen); why != "" {
				short := shorten(t, sequence)
				t.Errorf("%s\nshortest sequence:\n%s\nwhich ends with: %s", why, script(short), trial(t, short, new(tally)))
			}
		})
	}
}

// modelScripts are sequences that once went wrong.
var modelScripts = []string{
	"declare 247 129 232; save 41 162 358; rename 87 63 284; apply 209 325 245; replay 159 218 184",
}

// TestModelScript runs the sequences that once went wrong, and one that is
// given in the environment.
func TestModelScript(t *testing.T) {
	for _, text := range append(modelScripts, os.Getenv("STORYFORM_MODEL_SCRIPT")) {
		var steps []step
		for line := range strings.SplitSeq(text, ";") {
			var s step
			if n, _ := fmt.Sscanf(line, "%s %d %d %d", &s.verb, &s.x, &s.y, &s.z); n == 4 {
				steps = append(steps, s)
			}
		}
		if why := trial(t, steps, new(tally)); why != "" {
			t.Errorf("%s\n%s", script(steps), why)
		}
	}
}
