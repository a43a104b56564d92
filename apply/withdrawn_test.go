package apply_test

import (
	"testing"
	"time"

	"storyform/apply"
	"storyform/plan"
	"storyform/story"
)

// due carries out what is due, as cron does.
func (w *world) due() {
	w.tb.Helper()
	p := w.process()
	if result, err := p.apply(plan.Due(p.plan()), func(o *apply.Options) { o.Due = true }); err != nil {
		w.tb.Fatalf("apply: %v; %v", err, result.Diagnostics)
	}
}

// A story is taken back while its outcome is open. A run that still has the
// former configuration, or a plan from before, does not try it once more.
func TestWithdrawnForAll(t *testing.T) {
	w := newWorld(t)
	former := w.local("story", "a.jpg", func(d *story.Desired) { d.NotAfter = start.Add(9 * time.Hour) })
	w.declare(former)
	w.fault("photo_stories before reset")
	w.mustApply()
	if got := w.entry("story").Status; got != story.Unknown {
		t.Fatalf("it is %s, want unknown", got)
	}
	before := saved(t, w.process().plan())
	w.declare()
	mark := w.mark()
	w.mustApply()
	w.declare(former)
	for range 3 {
		w.clock.Advance(10 * time.Minute)
		w.due()
		if _, err := w.process().apply(before); err != nil {
			t.Fatal(err)
		}
	}
	w.assertCalls(mark, 0, 0)
}

// A run for what is due that has a former configuration takes nothing back.
func TestDueWithdrawsNothing(t *testing.T) {
	w := newWorld(t)
	d := w.local("story", "a.jpg", func(d *story.Desired) { d.NotAfter = start.Add(9 * time.Hour) })
	w.fault("photo_stories before reset")
	w.declare(d)
	w.mustCrash("after photo_stories")
	former := d
	former.NotAfter = start.Add(8 * time.Hour)
	w.declare(former)
	w.due()
	w.clock.Advance(10 * time.Minute)
	w.declare(d)
	w.mustApply()
	w.assertOnce()
}
