package apply_test

import (
	"testing"
	"time"

	"storyform/plan"
	"storyform/story"
)

// applyIfSound plans and applies like a person who applies what has no error,
// and reports whether the plan had none.
func (w *world) applyIfSound() bool {
	w.tb.Helper()
	p := w.process()
	made := p.plan()
	if made.Diagnostics.HasErrors() {
		return false
	}
	if result, err := p.apply(made); err != nil {
		w.tb.Fatalf("apply: %v; %v", err, result.Diagnostics)
	}
	w.clock.Advance(6 * time.Minute)
	return true
}

// renamed is a story under another name.
func renamed(d story.Desired, name string) story.Desired {
	d.Address = address(name)
	return d
}

// assertShown checks how many stories the Page has shown.
func (w *world) assertShown(want int) {
	w.tb.Helper()
	if shown := w.sim.Stories(pageID); len(shown) != want {
		w.tb.Errorf("the Page shows %d stories, want %d: %s", len(shown), want, w.requestLines(0))
	}
}

// A story is renamed without a moved block, and the commit is reverted: under
// neither name is it published again.
func TestRenameReverted(t *testing.T) {
	w := newWorld(t)
	d := w.local("a", "a.jpg", func(d *story.Desired) {
		d.PublishAt, d.NotAfter = start.Add(time.Hour), start.Add(30*time.Hour)
	})
	other := w.local("other", "b.jpg", at(100*time.Hour))
	w.declare(d, other)
	w.applyIfSound()
	w.declare(renamed(d, "b"), other)
	w.applyIfSound()
	w.clock.Advance(time.Hour)
	w.applyIfSound()
	w.declare(d, other)
	if w.applyIfSound() {
		t.Error("the plan has no error")
	}
	w.assertShown(1)
}

// Stories of a for_each with numbers for keys get others when one is taken out
// or put in front: what is out under another name is not published again.
func TestNamesShifted(t *testing.T) {
	w := newWorld(t)
	long := func(d *story.Desired) { d.NotAfter = start.Add(30 * time.Hour) }
	first := w.local("x0", "a.jpg", long)
	second := w.local("x1", "b.jpg", at(3*time.Hour))
	w.declare(first, second)
	w.applyIfSound()
	w.assertShown(1)
	inFront := w.local("x0", "c.jpg", at(2*time.Hour))
	w.declare(inFront, renamed(first, "x1"), renamed(second, "x2"))
	if w.applyIfSound() {
		t.Error("the plan has no error")
	}
	w.assertShown(1)
}

// A story is out, gets another name, and then another revision that is taken
// back. The moved block, which is not needed any more, is taken back as well.
func TestRevisionLoweredAfterRename(t *testing.T) {
	for _, how := range []string{"moved block", "moved block that is removed"} {
		t.Run(how, func(t *testing.T) {
			w := newWorld(t)
			first := w.local("a", "a.jpg", func(d *story.Desired) { d.NotAfter = start.Add(30 * time.Hour) })
			other := w.local("other", "b.jpg", at(100*time.Hour))
			w.declare(first, other)
			w.applyIfSound()
			w.moved = []plan.Move{{From: address("a"), To: address("b")}}
			w.declare(renamed(first, "b"), other)
			w.applyIfSound()
			if how != "moved block" {
				w.moved = nil
			}
			second := renamed(first, "b")
			second.Revision, second.PublishAt = 2, start.Add(10*time.Hour)
			w.declare(second, other)
			w.applyIfSound()
			w.declare(renamed(first, "b"), other)
			w.applyIfSound()
			w.assertShown(1)
		})
	}
}

// A run is killed while it renames a story. Another one, with the former
// configuration, publishes it; the new one does not do that again.
func TestRenameCutInHalf(t *testing.T) {
	for _, point := range []string{"before move", "after move", "before moved", "after moved"} {
		t.Run(point, func(t *testing.T) {
			w := newWorld(t)
			d := w.local("a", "a.jpg", func(d *story.Desired) { d.PublishAt = start.Add(time.Hour) })
			w.declare(d)
			w.applyIfSound()
			w.moved = []plan.Move{{From: address("a"), To: address("b")}}
			w.declare(renamed(d, "b"))
			if _, died := w.crashRun(dieAt(point)); !died {
				t.Fatal("there is no such point")
			}
			w.clock.Advance(time.Hour)
			w.moved = nil
			w.declare(d)
			w.applyIfSound()
			w.moved = []plan.Move{{From: address("a"), To: address("b")}}
			w.declare(renamed(d, "b"))
			w.applyIfSound()
			w.assertShown(1)
		})
	}
}

// A plan is approved and not applied, a later merge gives the story another
// name, which is registered, and then the former plan is applied after all.
func TestPlanFromBeforeOtherName(t *testing.T) {
	w := newWorld(t)
	d := w.local("a", "a.jpg", func(d *story.Desired) {
		d.PublishAt, d.NotAfter = start.Add(time.Hour), start.Add(30*time.Hour)
	})
	w.declare(d)
	old := saved(t, w.process().plan())
	w.clock.Advance(time.Minute)
	w.declare(renamed(d, "b"))
	w.applyIfSound()
	w.clock.Advance(time.Hour)
	if _, err := w.process().apply(old); err != nil {
		t.Fatal(err)
	}
	w.applyIfSound()
	w.assertShown(1)
}
