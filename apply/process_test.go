package apply_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"storyform/apply"
	"storyform/graphapi"
	"storyform/internal/clock"
	"storyform/plan"
	"storyform/state"
	"storyform/story"
)

// Two ways to die. A copy of the test binary that kills itself with SIGKILL
// is the real thing: nothing deferred runs, the kernel takes the lock away.
// For the many thousand deaths of the pairs and of the model, a run of this
// process stops dead instead: from the moment of its death on, its store and
// its network are gone, and its goroutines go no further than to the next
// crash point.

// childEnv holds, for a copy of the test binary that is to be a run of the
// program, what it is to do.
const childEnv = "STORYFORM_APPLY_CHILD"

func TestMain(m *testing.M) {
	if spec := os.Getenv(childEnv); spec != "" {
		os.Exit(child(spec))
	}
	os.Exit(m.Run())
}

// childSpec is what a child does: plan and apply, and die when it comes to a
// crash point for the nth time.
type childSpec struct {
	Sim, Clock, Dir string
	Stories         []story.Desired
	Moved           []plan.Move
	Stage           bool
	Settings        plan.Settings
	Point           string
	Nth             int
}

// childTB is the testing.TB of a child: what fails ends the process.
type childTB struct{ testing.TB }

func (childTB) Helper() {}
func (childTB) Fatal(args ...any) {
	fmt.Fprintln(os.Stderr, args...)
	os.Exit(99)
}
func (tb childTB) Fatalf(format string, args ...any) { tb.Fatal(fmt.Sprintf(format, args...)) }

// child is the life of a child.
func child(text string) int {
	var spec childSpec
	tb := childTB{}
	must(tb, json.Unmarshal([]byte(text), &spec))
	w := &world{
		tb: tb, time: remoteClock(spec.Clock), url: spec.Sim, dir: spec.Dir, stories: spec.Stories, moved: spec.Moved, stage: spec.Stage, settings: spec.Settings,
		timeouts: graphapi.Timeouts{}, fast: &http.Transport{}, echo: os.Stdout,
	}
	_, result, err := w.planAndApply(crashAt(spec.Point, spec.Nth, func() {
		self, _ := os.FindProcess(os.Getpid())
		self.Kill()
		select {}
	}))
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 98
	}
	return result.ExitCode(false)
}

// crashAt makes a run die when it comes to a point for the nth time.
func crashAt(point string, nth int, die func()) func(*apply.Options) {
	var seen atomic.Int64
	return func(o *apply.Options) {
		o.Crash = func(at string) {
			if at == point && seen.Add(1) == int64(nth) {
				die()
			}
		}
	}
}

// kill runs a plan and apply in a process of its own, which kills itself at
// the point. It reports whether it came to that.
func (w *world) kill(point string, nth int) bool {
	w.tb.Helper()
	clock := w.serveClock()
	spec := childSpec{Sim: w.url, Clock: clock, Dir: w.dir, Stories: w.stories, Moved: w.moved, Stage: w.stage, Settings: w.settings, Point: point, Nth: nth}
	cmd := exec.CommandContext(context.Background(), os.Args[0])
	cmd.Env = append(os.Environ(), childEnv+"="+string(toJSON(spec)))
	var stderr strings.Builder
	cmd.Stdout, cmd.Stderr = w, &stderr
	err := cmd.Run()
	fmt.Fprintf(w, "stderr %s\n", stderr.String())
	if err == nil {
		return false
	}
	if exit, ok := errors.AsType[*exec.ExitError](err); !ok || exit.ExitCode() >= 0 && runtime.GOOS != "windows" {
		w.tb.Fatalf("child at %s: %v\n%s", point, err, &stderr)
	}
	return true
}

// serveClock lets other processes read and sleep on the world's clock.
func (w *world) serveClock() string {
	server := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		if d, err := time.ParseDuration(r.URL.Query().Get("sleep")); err == nil {
			w.clock.Advance(d)
		}
		io.WriteString(rw, w.clock.Now().Format(time.RFC3339Nano))
	}))
	w.tb.Cleanup(server.Close)
	return server.URL
}

// remoteClock is the clock of another process.
func remoteClock(base string) clock.Clock {
	ask := func(query string) time.Time {
		resp, err := http.Get(base + query)
		must(childTB{}, err)
		defer resp.Body.Close()
		body, err := io.ReadAll(resp.Body)
		must(childTB{}, err)
		now, err := time.Parse(time.RFC3339Nano, string(body))
		must(childTB{}, err)
		return now
	}
	return clock.Clock{
		Now: func() time.Time { return ask("/") },
		Sleep: func(ctx context.Context, d time.Duration) error {
			if ctx.Err() != nil {
				return context.Cause(ctx)
			}
			ask("/?sleep=" + url.QueryEscape(d.String()))
			return nil
		},
	}
}

// errDead is what a dead run gets from its store and its network.
var errDead = errors.New("this run is dead")

// mortal is a run that can die in this process.
type mortal struct {
	died    chan struct{} // closed at its death
	release chan struct{} // closed when the test is over
	once    sync.Once
	done    chan struct{} // closed when Run has returned
	points  []string      // all that it came to, in order
	mu      sync.Mutex
	flying  sync.WaitGroup // requests that were sent and have no answer yet
}

// dead reports whether the run has died.
func (m *mortal) dead() bool {
	select {
	case <-m.died:
		return true
	default:
		return false
	}
}

// crash is the run's Options.Crash: it dies at the n-th point, counted from 1,
// of those for which at is true.
func (m *mortal) crash(at func(n int, point string) bool) func(string) {
	return func(point string) {
		m.mu.Lock()
		if !m.dead() {
			m.points = append(m.points, point)
			if at(len(m.points), point) {
				m.once.Do(func() { close(m.died) })
			}
		}
		m.mu.Unlock()
		if m.dead() {
			<-m.release
			runtime.Goexit()
		}
	}
}

// mortalStore is a store that is gone once its run is dead.
type mortalStore struct {
	state.Store
	m *mortal
}

func (s mortalStore) Append(ctx context.Context, rec state.Record) error {
	if s.m.dead() {
		return errDead
	}
	return s.Store.Append(ctx, rec)
}

func (s mortalStore) Commit(ctx context.Context, doc *state.Document) error {
	if s.m.dead() {
		return errDead
	}
	return s.Store.Commit(ctx, doc)
}

// roundTrip refuses the requests of a dead run.
func (m *mortal) roundTrip(next http.RoundTripper) roundTripper {
	return func(r *http.Request) (*http.Response, error) {
		m.mu.Lock()
		if m.dead() {
			m.mu.Unlock()
			return nil, errDead
		}
		m.flying.Add(1)
		m.mu.Unlock()
		defer m.flying.Done()
		return next.RoundTrip(r)
	}
}

// roundTripper is a function as an http.RoundTripper.
type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// crashRun plans and applies in this process until the run dies; at is asked
// at each crash point. When the run comes to its end, died is false.
func (w *world) crashRun(at func(n int, point string) bool) (m *mortal, died bool) {
	w.tb.Helper()
	return w.crashPlan(nil, at)
}

// crashPlan is crashRun with a plan that was made before; nil means a new one.
func (w *world) crashPlan(made *plan.Plan, at func(n int, point string) bool) (m *mortal, died bool) {
	w.tb.Helper()
	m = &mortal{died: make(chan struct{}), release: make(chan struct{}), done: make(chan struct{})}
	route := w.route
	w.route = func(rt http.RoundTripper) http.RoundTripper {
		if route != nil {
			rt = route(rt)
		}
		return m.roundTrip(rt)
	}
	p := w.process()
	w.route = route
	p.store = mortalStore{p.store, m}
	if made == nil {
		if made = p.plan(); made.Diagnostics.HasErrors() {
			w.tb.Fatalf("plan: %v", made.Diagnostics)
		}
	}
	o := p.options(func(o *apply.Options) { o.Crash, o.Observed, o.AllowCancelAll = m.crash(at), p.observed, true })
	o.Parallelism = 1 // another Page's write could land after the death, which no real one survives; TestCrash kills those
	var result *apply.Result
	var err error
	go func() {
		defer close(m.done)
		result, err = apply.Run(context.Background(), made, o)
	}()
	select {
	case <-m.died:
		w.closers = append(w.closers, func() { close(m.release); <-m.done })
		m.flying.Wait() // what was on its way arrives
		// The kernel would have taken the lock away.
		if err := p.open().ForceUnlock(context.Background(), o.Lock.ID); err != nil && !errors.Is(err, state.ErrNotLocked) {
			w.tb.Fatal(err)
		}
		return m, true
	case <-m.done:
		if err != nil && !errors.Is(err, apply.ErrRefused) {
			w.tb.Fatalf("apply: %v; %v", err, result.Diagnostics)
		}
		return m, false
	}
}

// dieAt is for crashRun: it dies at the first of the points with this name.
func dieAt(point string) func(int, string) bool {
	return func(_ int, at string) bool { return at == point }
}

// pointsOf is which points a run of the world comes to, in order, without
// dying. It is to be called on a world that is not needed any more.
func (w *world) pointsOf() []string {
	w.tb.Helper()
	m, _ := w.crashRun(func(int, string) bool { return false })
	return slices.Clone(m.points)
}
