package apply_test

import (
	"fmt"
	"maps"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"storyform/apply"
	"storyform/plan"
	"storyform/story"
)

// flow is a situation and a run in it, to be interrupted at every point.
type flow struct {
	name  string
	setup func(w *world) // up to the run
	// out are the stories that are on the Pages at the end, each once; nil
	// means those that are declared.
	out func(w *world) []story.Desired
	// next is what the plan after a crash at a point says about the story
	// "story", and whether it begins another upload; nil: not looked at.
	next map[string]nextStep
	// later is what happens when the runs have nothing more to do; nil: nothing.
	later func(w *world)
}

// nextStep is what follows a crash.
type nextStep struct {
	action plan.Action // "" for none
	upload bool        // an upload is begun, or begun anew
}

// photoNext and videoNext are the table in docs/exactly-once.md.
var (
	photoNext = map[string]nextStep{
		"before register": {plan.Publish, true}, "after register": {plan.Publish, true},
		"before intend": {plan.Publish, true}, "after intend": {plan.Resume, true},
		"before photos": {plan.Resume, true}, "after photos": {plan.Resume, true},
		"before uploaded": {plan.Resume, true}, "after uploaded": {plan.Resume, false},
		"before publishing": {plan.Resume, false}, "after publishing": {plan.Settle, false},
		"before photo_stories": {plan.Settle, false}, "after photo_stories": {plan.Adopt, false},
		"before live": {plan.Adopt, false}, "after live": {"", false},
		"before listed": {"", false}, "after listed": {"", false},
	}
	videoNext = map[string]nextStep{
		"before register": {plan.Publish, true}, "after register": {plan.Publish, true},
		"before intend": {plan.Publish, true}, "after intend": {plan.Resume, true},
		"before start": {plan.Resume, true}, "after start": {plan.Resume, true},
		"before session": {plan.Resume, true}, "after session": {plan.Resume, false},
		"before upload": {plan.Resume, false}, "after upload": {plan.Resume, false},
		"before uploaded": {plan.Resume, false}, "after uploaded": {plan.Resume, false},
		"before publishing": {plan.Resume, false}, "after publishing": {plan.Settle, false},
		"before finish": {plan.Settle, false}, "after finish": {plan.Adopt, false},
		"before live": {plan.Adopt, false}, "after live": {"", false},
		"before listed": {"", false}, "after listed": {"", false},
	}
)

// flows are the situations. Together they come to every crash point.
var flows = []flow{
	{name: "photo", next: photoNext, setup: func(w *world) { w.declare(w.local("story", "a.jpg")) }},
	{name: "local video", next: videoNext, setup: func(w *world) { w.declare(w.local("story", "a.mp4")) }},
	{name: "hosted video", next: videoNext, setup: func(w *world) { w.declare(w.hosted("story")) }},
	{name: "hosted photo", next: photoNext, setup: func(w *world) { w.declare(w.hostedPhoto("story")) }},
	{name: "two Pages at once", setup: func(w *world) {
		w.declare(w.local("one", "a.png"), w.local("two", "b.mp4", on(otherID)))
	}},
	{name: "an upload interrupted before", setup: func(w *world) {
		w.declare(w.local("story", "a.mp4"))
		w.fault("upload before cut=20000")
		w.mustCrash("after upload")
	}},
	{name: "a video to settle", setup: func(w *world) {
		w.declare(w.local("story", "a.mp4"))
		w.mustCrash("before finish")
		w.clock.Advance(2 * time.Minute)
	}},
	{name: "a photo to settle", setup: func(w *world) {
		w.declare(w.local("story", "a.jpg"))
		w.mustCrash("before photo_stories")
		w.clock.Advance(6 * time.Minute)
	}},
	{name: "answer lost, list late", setup: func(w *world) {
		w.declare(w.local("story", "a.jpg"), w.local("next", "b.mp4", after("story")))
		w.set("listing_lag=4m")
		w.fault("photo_stories after reset")
	}},
	{name: "refused once", setup: func(w *world) {
		w.declare(w.local("story", "a.jpg"))
		w.fault("photo_stories before code=200")
	}},
	{name: "already on the Page", setup: func(w *world) {
		w.declare(w.local("story", "a.jpg"), w.local("next", "b.jpg"))
		w.mustCrash("after photo_stories")
	}},
	{name: "window closed", out: nothing, setup: func(w *world) {
		w.declare(w.local("story", "a.jpg", at(time.Hour)))
		w.mustApply()
		w.clock.Advance(4 * time.Hour)
	}},
	{name: "cancelled", out: nothing, setup: func(w *world) {
		w.declare(w.local("story", "a.jpg", at(time.Hour)))
		w.mustApply()
		w.declare()
	}},
	{name: "uploaded ahead", setup: func(w *world) {
		w.declare(w.local("one", "a.jpg", at(20*time.Minute)), w.local("two", "b.mp4", at(20*time.Minute), on(otherID)))
		w.mustApply()
		w.settings.UploadAhead, w.stage = 30*time.Minute, true
	}, later: func(w *world) {
		w.stage = false
		w.clock.Advance(20 * time.Minute)
	}},
	{name: "renamed", setup: func(w *world) {
		before := w.local("before", "a.jpg", at(time.Hour))
		w.declare(before)
		w.mustApply()
		w.clock.Advance(time.Hour)
		renamed := before
		renamed.Address = address("story")
		w.declare(renamed)
		w.moved = []plan.Move{{From: before.Address, To: renamed.Address}}
	}},
	{name: "renamed while in doubt", setup: func(w *world) {
		before := w.local("before", "a.jpg")
		w.declare(before)
		w.mustCrash("before photo_stories")
		w.clock.Advance(6 * time.Minute)
		renamed := before
		renamed.Address = address("story")
		w.declare(renamed)
		w.moved = []plan.Move{{From: before.Address, To: renamed.Address}}
	}},
	{name: "one expires, one is forgotten, one is new", out: everDeclared, setup: func(w *world) {
		old := w.local("old", "a.jpg")
		w.declare(old)
		w.mustApply()
		w.clock.Advance(20 * time.Hour)
		w.declare(old, w.local("gone", "b.jpg"))
		w.mustApply()
		w.clock.Advance(5 * time.Hour)
		w.declare(old, w.local("story", "c.jpg"))
	}},
}

// named is the flow with a name.
func named(name string) flow {
	return flows[slices.IndexFunc(flows, func(f flow) bool { return f.name == name })]
}

// nothing and everDeclared are for flow.out.
func nothing(*world) []story.Desired { return nil }
func everDeclared(w *world) []story.Desired {
	return []story.Desired{w.local("old", "a.jpg"), w.local("gone", "b.jpg"), w.local("story", "c.jpg")}
}

// at makes a story due some time from now, for an hour.
func at(d time.Duration) func(*story.Desired) {
	return func(s *story.Desired) {
		s.PublishAt = s.NotAfter.Add(-2 * time.Hour).Add(d) // NotAfter is two hours from now
		s.NotAfter = s.PublishAt.Add(time.Hour)
	}
}

// mustCrash plans and applies in a run that dies at a point.
func (w *world) mustCrash(point string) {
	w.tb.Helper()
	if _, died := w.crashRun(dieAt(point)); !died {
		w.tb.Fatalf("the run did not come to %q", point)
	}
}

// finish brings a world to its end after crashes and checks it.
func (f *flow) finish(w *world) {
	w.tb.Helper()
	left := w.converge()
	if f.later != nil {
		f.later(w)
		left = w.converge()
	}
	if left.HasChanges() {
		w.assertDoubt(left)
		return
	}
	if f.out != nil {
		w.stories = f.out(w)
		w.assertPages()
		return
	}
	w.assertOnce()
}

// assertDoubt checks the one end that needs a person: as many calls as may be
// made for an upload were announced, each time the process died before it knew
// an outcome, and none had an effect. Nothing tells that from calls whose story
// is still to be listed, so the story is left alone until its window closes,
// and is missed.
func (w *world) assertDoubt(left *plan.Plan) {
	w.tb.Helper()
	mark := w.mark()
	for _, c := range left.Changes {
		e := w.entry(c.Address.Name)
		if len(c.After) > 0 && !e.Attempted() {
			continue // it waits for the one in doubt
		}
		if c.Action != plan.Settle || e.Operation == nil || e.Operation.Attempt != plan.Tries {
			w.tb.Fatalf("still to be done: %v", describe(left))
		}
		for _, r := range w.asked(0, publishCalls...) {
			if r.Media == e.MediaID && r.Public {
				w.tb.Fatalf("%s is left in doubt, although it is out: %s", c.Address, w.requestLines(0))
			}
		}
	}
	if got := w.mustApply().ExitCode(false); got != apply.ExitUnknown {
		w.tb.Errorf("in doubt the exit code is %d, want %d", got, apply.ExitUnknown)
	}
	w.clock.Advance(2 * time.Hour)
	if result := w.mustApply(); result.Count(apply.EndMissed) != len(left.Changes) {
		w.tb.Errorf("when their windows are closed, the stories end as %v, want missed", endings(result))
	}
	w.assertQuiet()
	if posts := w.posts(mark); len(posts) > 0 {
		w.tb.Errorf("for a story in doubt %v were sent", posts)
	}
}

// spot is a crash point and for which time it is come to.
type spot struct {
	point string
	nth   int
}

// spots are the crash points that a flow comes to.
func (f *flow) spots(t *testing.T) []spot {
	t.Helper()
	w := newWorld(t, inMemory)
	f.setup(w)
	seen := map[string]int{}
	var spots []spot
	for _, point := range w.pointsOf() {
		seen[point]++
		spots = append(spots, spot{point, seen[point]})
	}
	return spots
}

// TestCrash kills a process at every crash point of every flow, with SIGKILL,
// and then lets apply run as usual until there is nothing left to do.
func TestCrash(t *testing.T) {
	if testing.Short() {
		t.Skip("starts processes")
	}
	reached := map[string]bool{}
	kills := 0
	for _, f := range flows {
		for _, s := range f.spots(t) {
			reached[s.point] = true
			kills++
			t.Run(fmt.Sprintf("%s/%s %d", f.name, s.point, s.nth), func(t *testing.T) {
				t.Parallel()
				w := newWorld(t)
				f.setup(w)
				if !w.kill(s.point, s.nth) {
					t.Fatal("the process came to its end")
				}
				mark := w.mark()
				made := w.process().plan()
				f.finish(w)
				want, ok := f.next[s.point]
				if f.next == nil {
					return
				}
				if got := actionOf(made, "story"); !ok || got != want.action {
					t.Errorf("the plan after the crash says %q, want %q: %v", got, want.action, describe(made))
				}
				if got := len(w.asked(mark, uploadCalls...)); (got > 0) != want.upload {
					t.Errorf("after the crash %d uploads were begun, want them: %v", got, want.upload)
				}
			})
		}
	}
	points := apply.CrashPoints()
	for _, point := range points {
		if !reached[point] {
			t.Errorf("no flow comes to the crash point %q", point)
		}
	}
	for _, point := range slices.Sorted(maps.Keys(reached)) {
		if !slices.Contains(points, point) {
			t.Errorf("CrashPoints does not list %q", point)
		}
	}
	t.Logf("killed %d processes: %d crash points in %d flows", kills, len(points), len(flows))
}

// TestCrashTwice lets a run die at every point of a flow, and the runs after
// it at every point that they come to.
func TestCrashTwice(t *testing.T) {
	var pairs atomic.Int64
	t.Cleanup(func() { t.Logf("died twice in %d ways, in %d flows", pairs.Load(), len(flows)) })
	for _, f := range flows {
		t.Run(f.name, func(t *testing.T) {
			t.Parallel()
			for first, spot := range f.spots(t) {
				for second := 1; ; second++ {
					w := newWorld(t, inMemory)
					f.setup(w)
					if _, died := w.crashRun(func(n int, _ string) bool { return n == first+1 }); !died {
						t.Fatalf("the run did not come to its point %d", first+1)
					}
					point := w.crashLater(second)
					if point == "" {
						w.close()
						break
					}
					pairs.Add(1)
					f.finish(w)
					if w.close(); t.Failed() {
						t.Fatalf("died %s, and then %s", spot.point, point)
					}
				}
			}
		})
	}
}

// crashLater applies until a run dies at the nth point that the runs come to,
// counted over all of them. It returns the point, "" when all was done before.
func (w *world) crashLater(nth int) string {
	w.tb.Helper()
	for range 4 {
		m, died := w.crashRun(func(n int, _ string) bool { return n == nth })
		if died {
			return m.points[nth-1]
		}
		nth -= len(m.points)
		if len(m.points) == 0 {
			return ""
		}
		w.clock.Advance(w.settings.SettleAfter)
	}
	return ""
}
