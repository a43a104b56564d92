package apply_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"storyform/apply"
	"storyform/graphapi/sandbox"
	"storyform/state"
	"storyform/story"
)

// hook is something to do when a run comes to a crash point for the nth time.
func (s spot) hook(do func()) func(*apply.Options) { return crashAt(s.point, s.nth, do) }

// stalled is a run that stands still at a crash point, as a process does that
// is stopped, or whose machine sleeps.
type stalled struct {
	resume chan struct{}
	done   chan struct{}
	lock   string
	result *apply.Result
	err    error
}

// stall starts a run and returns when it stands still at the point.
func (w *world) stall(s spot) *stalled {
	w.tb.Helper()
	run := &stalled{resume: make(chan struct{}), done: make(chan struct{})}
	reached := make(chan struct{})
	p := w.process()
	made := p.plan()
	o := p.options(s.hook(func() { close(reached); <-run.resume }))
	o.Observed, run.lock = p.observed, o.Lock.ID
	go func() {
		defer close(run.done)
		run.result, run.err = apply.Run(context.Background(), made, o)
	}()
	select {
	case <-reached:
	case <-run.done:
		w.tb.Fatalf("the run did not come to %v: %v", s, run.err)
	}
	return run
}

// goOn lets the run go on to its end.
func (s *stalled) goOn() {
	close(s.resume)
	<-s.done
}

// A run that holds the lock keeps others out. When its lock is broken while it
// stands still, at whatever point, another run does the work, and the first
// one, once it wakes up, records nothing and publishes nothing: also where
// Meta would let the same media be published again.
func TestLockBroken(t *testing.T) {
	for _, republish := range []string{sandbox.RepublishRefuse, sandbox.RepublishAgain} {
		for _, f := range flows[:3] {
			for _, s := range f.spots(t) {
				t.Run(fmt.Sprintf("%s/%s/%s", republish, f.name, s.point), func(t *testing.T) {
					t.Parallel()
					w := newWorld(t)
					w.set("republish=" + republish)
					f.setup(w)
					first := w.stall(s)
					_, _, err := w.planAndApply()
					if locked, ok := errors.AsType[*state.LockedError](err); !ok || locked.Holder.ID != first.lock || locked.Holder.Operation != "apply" {
						t.Fatalf("while another run holds the lock, apply returned %v", err)
					}
					must(t, w.open().ForceUnlock(t.Context(), first.lock))
					before := w.document()
					if left := w.converge(); left.HasChanges() {
						t.Fatalf("still to be done: %v", describe(left))
					}
					idle := cmp.Equal(before, w.document()) // the other run found nothing to record
					mark := w.mark()
					first.goOn()
					if !idle && !errors.Is(first.err, state.ErrConflict) && !errors.Is(first.err, state.ErrLockLost) {
						t.Errorf("the run whose lock was broken returned %v", first.err)
					}
					if posts := w.posts(mark); len(posts) > 1 { // one upload may follow, which nobody sees
						t.Errorf("the run whose lock was broken went on to send %v", posts)
					}
					if calls := w.asked(mark, publishCalls...); len(calls) > 0 {
						t.Errorf("the run whose lock was broken published: %s", w.requestLines(mark))
					}
					w.assertOnce()
				})
			}
		}
	}
}

// lawless is a store whose lock keeps nobody out, and says that it does.
type lawless struct{ state.Store }

func (s lawless) Lock(context.Context, state.LockInfo) (state.Lock, error) { return lawlessLock{}, nil }

type lawlessLock struct{}

func (lawlessLock) Info() state.LockInfo         { return state.LockInfo{} }
func (lawlessLock) Check(time.Duration) error    { return nil }
func (lawlessLock) Unlock(context.Context) error { return nil }

// Two runs without any lock, the second one from its start to its end at any
// point of the first: the numbered positions of the journal alone let one of
// them record "publishing".
func TestNoLock(t *testing.T) {
	for _, f := range flows[:2] {
		for _, s := range f.spots(t) {
			t.Run(f.name+"/"+s.point, func(t *testing.T) {
				t.Parallel()
				w := newWorld(t)
				f.setup(w)
				p := w.process()
				made := p.plan()
				var second error
				o := p.options(s.hook(func() {
					q := w.process()
					q.store = lawless{q.store}
					_, second = q.apply(q.plan())
				}))
				o.Store = lawless{o.Store}
				_, first := apply.Run(t.Context(), made, o)
				for _, err := range []error{first, second} {
					if err != nil && !errors.Is(err, state.ErrConflict) {
						t.Errorf("got the error %v, want a conflict or none", err)
					}
				}
				if left := w.converge(); left.HasChanges() {
					t.Fatalf("still to be done: %v", describe(left))
				}
				w.assertOnce()
			})
		}
	}
}

// A run that stands still between the record and the publish call, for so long
// that another one tries again, doesn't make the call: also when no lock tells
// it that it was lost, and Meta would take the media a second time.
func TestAnnouncedLongAgo(t *testing.T) {
	for file, effect := range map[string]string{"a.jpg": "photo_stories", "a.mp4": "finish"} {
		t.Run(file, func(t *testing.T) {
			w := newWorld(t)
			w.set("republish=" + sandbox.RepublishAgain)
			w.declare(w.local("story", file))
			p := w.process()
			made := p.plan()
			o := p.options(spot{point: "before " + effect, nth: 1}.hook(func() {
				for range 3 {
					w.clock.Advance(10 * time.Minute)
					q := w.process()
					q.store = lawless{q.store}
					if _, err := q.apply(q.plan()); err != nil {
						t.Errorf("the second run: %v", err)
					}
				}
			}))
			o.Store = lawless{o.Store}
			if _, err := apply.Run(t.Context(), made, o); !errors.Is(err, state.ErrConflict) {
				t.Errorf("the run that stood still returned %v, want a conflict", err)
			}
			if left := w.converge(); left.HasChanges() {
				t.Fatalf("still to be done: %v", describe(left))
			}
			w.assertOnce()
		})
	}
}

// A publish call that comes to Meta so late that another run has settled the
// story and published it is refused, as the media were already posted.
func TestCallArrivesLate(t *testing.T) {
	for _, file := range []string{"a.jpg", "a.mp4"} {
		t.Run(file, func(t *testing.T) {
			w := newWorld(t)
			w.declare(w.local("story", file))
			arrived, let := make(chan struct{}), make(chan struct{})
			once := sync.OnceFunc(func() { close(arrived); <-let })
			w.route = func(next http.RoundTripper) http.RoundTripper {
				return roundTripper(func(r *http.Request) (*http.Response, error) {
					if isPublish(r) {
						once()
					}
					return next.RoundTrip(r)
				})
			}
			first := w.stallRun()
			w.route = nil
			<-arrived
			must(t, w.open().ForceUnlock(t.Context(), first.lock))
			w.clock.Advance(10 * time.Minute)
			if left := w.converge(); left.HasChanges() {
				t.Fatalf("still to be done: %v", describe(left))
			}
			close(let)
			<-first.done
			if !errors.Is(first.err, state.ErrConflict) {
				t.Errorf("the run whose call came late returned %v, want a conflict", first.err)
			}
			w.assertOnce()
		})
	}
}

// stallRun starts a run in the background.
func (w *world) stallRun() *stalled {
	w.tb.Helper()
	run := &stalled{done: make(chan struct{})}
	p := w.process()
	made := p.plan()
	o := p.options()
	run.lock = o.Lock.ID
	go func() {
		defer close(run.done)
		run.result, run.err = apply.Run(context.Background(), made, o)
	}()
	return run
}

// isPublish reports whether a request is a publish call.
func isPublish(r *http.Request) bool {
	return r.Method == http.MethodPost && (strings.HasSuffix(r.URL.Path, "/photo_stories") ||
		strings.HasSuffix(r.URL.Path, "/video_stories") && edgeOf(r) == sandbox.EdgeFinish)
}

// Several processes at once, some of them waiting for the lock: each story
// goes out once, and nobody fails with anything but the lock.
func TestManyAtOnce(t *testing.T) {
	w := newWorld(t)
	// Waiting for the lock takes hours on the clock of the world.
	long := func(d *story.Desired) { d.NotAfter = start.Add(1000 * time.Hour) }
	w.declare(w.local("one", "a.jpg", long), w.local("two", "b.mp4", long, after("one")), w.local("far", "c.png", long, on(otherID)))
	var group sync.WaitGroup
	for n := range 6 {
		p := w.process()
		made := p.plan()
		group.Go(func() {
			_, err := p.apply(made, func(o *apply.Options) { o.LockTimeout = time.Duration(n%2) * time.Hour })
			if _, locked := errors.AsType[*state.LockedError](err); err != nil && !locked {
				t.Errorf("a run among others returned %v", err)
			}
		})
	}
	group.Wait()
	if left := w.converge(); left.HasChanges() {
		t.Fatalf("still to be done: %v", describe(left))
	}
	w.assertOnce()
}

// sequence is three stories on one Page, one after the other.
func sequence(w *world) {
	w.declare(w.local("one", "a.jpg"), w.local("two", "b.mp4"), w.local("three", "c.jpg"))
}

// pause is how long a test waits for a run to take notice of a stop request,
// which it does in another goroutine.
const pause = 5 * time.Millisecond

// A stop request, at whatever point it comes, lets the publish call in flight
// end and be recorded, and nothing new begin. The next apply does the rest.
func TestStop(t *testing.T) {
	f := flow{setup: sequence}
	for _, s := range f.spots(t) {
		t.Run(fmt.Sprintf("%s %d", s.point, s.nth), func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			f.setup(w)
			stop, mark := make(chan struct{}), 0
			_, result, err := w.planAndApply(s.hook(func() {
				close(stop)
				time.Sleep(pause)
				mark = w.mark()
			}), func(o *apply.Options) { o.Stop = stop })
			if err != nil {
				t.Fatal(err)
			}
			allowed := 0
			if inFlight(s.point) {
				allowed = 1
			}
			if posts := w.posts(mark); len(posts) > allowed {
				t.Errorf("after the stop request %v were sent, want %d at most", posts, allowed)
			}
			out := len(w.sim.Stories(pageID))
			if got := result.Count(apply.EndPublished); got != out {
				t.Errorf("%d stories are out, and the run reports %d", out, got)
			}
			want := apply.ExitInterrupted
			if out == len(w.stories) {
				want = apply.ExitDone
			}
			if got := result.ExitCode(false); got != want {
				t.Errorf("got exit code %d, want %d: %v", got, want, endings(result))
			}
			for _, e := range w.document().Stories {
				if e.Status.Doubtful() {
					t.Errorf("the stop left %s in doubt", e.Address)
				}
			}
			if left := w.converge(); left.HasChanges() {
				t.Fatalf("still to be done: %v", describe(left))
			}
			w.assertOnce()
		})
	}
}

// inFlight reports whether a run that comes to a point has begun something
// that it ends even when it is asked to stop: a call, or a record together
// with the publish call that it announces.
func inFlight(point string) bool {
	switch point {
	case "before publishing", "after publishing", "before finish", "before photo_stories":
		return true
	}
	return false
}

// A stop request before the run begins, or while it reads the Pages, leaves
// everything to the next run.
func TestStopBefore(t *testing.T) {
	w := newWorld(t)
	sequence(w)
	p := w.process()
	made := p.plan()
	stop := make(chan struct{})
	close(stop)
	result, err := p.apply(made, func(o *apply.Options) { o.Stop = stop })
	if got := result.ExitCode(false); err != nil || got != apply.ExitInterrupted {
		t.Errorf("got exit code %d and error %v, want %d and none", got, err, apply.ExitInterrupted)
	}
	if posts := w.posts(0); len(posts) > 0 {
		t.Errorf("a run that was stopped before it began sent %v", posts)
	}
	w.converge()
	w.assertOnce()
}

// A second interrupt ends the context at any point: the state is right all the
// same.
func TestLeaveAtOnce(t *testing.T) {
	for _, f := range []flow{flows[0], flows[1], {name: "a sequence", setup: sequence}} {
		for _, s := range f.spots(t) {
			t.Run(fmt.Sprintf("%s/%s %d", f.name, s.point, s.nth), func(t *testing.T) {
				t.Parallel()
				w := newWorld(t)
				f.setup(w)
				ctx, cancel := context.WithCancel(t.Context())
				p := w.process()
				made := p.plan()
				if _, err := apply.Run(ctx, made, p.options(s.hook(cancel))); err != nil && !errors.Is(err, context.Canceled) {
					t.Errorf("got %v, want no error or the context's", err)
				}
				if left := w.converge(); left.HasChanges() {
					t.Fatalf("still to be done: %v", describe(left))
				}
				w.assertOnce()
			})
		}
	}
}

// A run whose plan is from before another run publishes nothing that is out
// already, whatever it was approved to do.
func TestPlanFromBefore(t *testing.T) {
	w := newWorld(t)
	sequence(w)
	p := w.process()
	before := saved(t, p.plan())
	w.converge()
	mark := w.mark()
	result, err := p.apply(before)
	if err != nil {
		t.Fatal(err)
	}
	if posts := w.posts(mark); len(posts) > 0 {
		t.Errorf("a plan that another run has carried out sent %v", posts)
	}
	if got := result.ExitCode(false); got != apply.ExitDone || result.Count(apply.EndSkipped) != 3 {
		t.Errorf("got exit code %d, endings %v, want 0 and three skipped", got, endings(result))
	}
	w.assertOnce()
}
