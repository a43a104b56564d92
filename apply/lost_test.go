package apply_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"storyform/apply"
	"storyform/plan"
	"storyform/story"
)

// loseState deletes every file of the state, as a CI runner does that keeps
// nothing.
func (w *world) loseState() {
	w.tb.Helper()
	files, err := filepath.Glob(filepath.Join(w.dir, "*storyform.state.json*"))
	must(w.tb, err)
	hidden, err := filepath.Glob(filepath.Join(w.dir, ".storyform.state.json*"))
	must(w.tb, err)
	for _, name := range append(files, hidden...) {
		if err := os.Remove(name); err != nil && !os.IsNotExist(err) {
			w.tb.Fatal(err)
		}
	}
}

// A plan is carried out, the state is lost, and the very same plan is carried
// out once more, as a job does that is started again. Whatever the state was
// when the plan was made, nothing goes out a second time.
func TestStateLost(t *testing.T) {
	for _, name := range []string{"a new state", "a state with a past"} {
		for _, file := range []string{"a.jpg", "a.mp4"} {
			for _, later := range []time.Duration{0, time.Hour} {
				t.Run(name+"/"+file+"/"+later.String(), func(t *testing.T) {
					w := newWorld(t)
					if name != "a new state" {
						w.declare(w.local("past", "p.png", at(100*time.Hour)))
						w.mustApply()
					}
					w.declare(append(w.stories, w.local("story", file))...)
					made := saved(t, w.process().plan())
					if result, err := w.process().apply(made); err != nil || endOf(result, "story") != apply.EndPublished {
						t.Fatalf("got %v and error %v, want published", endings(result), err)
					}
					w.loseState()
					w.clock.Advance(later)
					mark := w.mark()
					result, err := w.process().apply(made)
					if err == nil && result.ExitCode(false) == apply.ExitDone {
						t.Errorf("with the state lost, the run returned %v, as if all were well", endings(result))
					}
					if calls := w.asked(mark, publishCalls...); len(calls) > 0 {
						t.Errorf("with the state lost, it was published again: %s", w.requestLines(mark))
					}
					fresh := w.process().plan()
					if !fresh.Diagnostics.HasErrors() {
						t.Errorf("a new plan says %v, want an error", describe(fresh))
					}
				})
			}
		}
	}
}

// The state is lost and the Page can't be listed, so that nobody can tell what
// is out: nothing is published.
func TestStateLostUnread(t *testing.T) {
	w := newWorld(t)
	w.declare(w.local("story", "a.jpg"))
	w.mustApply()
	w.loseState()
	w.fault("stories before status=500 code=2 times=always")
	mark := w.mark()
	_, result, err := w.planAndApply()
	if calls := w.asked(mark, publishCalls...); len(calls) > 0 {
		t.Errorf("it was published again: %v, %v", endings(result), err)
	}
}

// A plan of another state is refused.
func TestOtherState(t *testing.T) {
	w := newWorld(t)
	w.declare(w.local("past", "p.png", at(100*time.Hour)))
	w.mustApply()
	w.declare(append(w.stories, w.local("story", "a.jpg"))...)
	made := saved(t, w.process().plan())
	w.loseState()
	w.declare(w.local("past", "p.png", at(100*time.Hour)))
	w.mustApply()
	result, err := w.process().apply(made)
	if !errors.Is(err, apply.ErrRefused) || strings.Join(errorSummaries(result.Diagnostics), "") != "Plan belongs to another state" {
		t.Errorf("got error %v and %v, want a refusal", err, result.Diagnostics)
	}
	if posts := w.posts(0); len(posts) > 0 {
		t.Errorf("%v were sent", posts)
	}
}

// A saved plan is the approval of what it shows. What was approved after it,
// and carried out, is not undone by it.
func TestPlanOutdated(t *testing.T) {
	changes := map[string]func(w *world, d story.Desired) []story.Desired{
		"cancelled": func(*world, story.Desired) []story.Desired { return nil },
		"other media": func(w *world, d story.Desired) []story.Desired {
			return []story.Desired{w.local("story", "b.jpg", at(time.Hour))}
		},
		"moved in time": func(_ *world, d story.Desired) []story.Desired {
			d.PublishAt, d.NotAfter = d.PublishAt.Add(4*time.Hour), d.NotAfter.Add(4*time.Hour)
			return []story.Desired{d}
		},
		"other Page": func(_ *world, d story.Desired) []story.Desired {
			d.Page = page(otherID)
			return []story.Desired{d}
		},
		"revision": func(_ *world, d story.Desired) []story.Desired {
			d.Revision = 2
			return []story.Desired{d}
		},
	}
	for name, change := range changes {
		for _, registered := range []bool{false, true} {
			t.Run(name+map[bool]string{true: ", registered before"}[registered], func(t *testing.T) {
				w := newWorld(t)
				d := w.local("story", "a.jpg", at(time.Hour))
				w.declare(d)
				if registered {
					w.mustApply()
				}
				w.clock.Advance(50 * time.Minute)
				old := saved(t, w.process().plan())
				w.mustApply() // what the old plan says, or nothing
				w.declare(change(w, d)...)
				w.mustApply()
				w.clock.Advance(20 * time.Minute) // due
				mark := w.mark()
				result, err := w.process().apply(old)
				if err != nil && !errors.Is(err, apply.ErrRefused) {
					t.Error(err)
				}
				for _, s := range w.sim.Stories("") {
					t.Errorf("an outdated plan published %s on %s: %v", s.Kind, s.Page, endings(result))
				}
				if posts := w.posts(mark); len(posts) > 0 {
					t.Errorf("an outdated plan sent %v", posts)
				}
			})
		}
	}
}

// A plan from before a story got another name is no approval to publish it
// under the old one as well.
func TestPlanFromBeforeRename(t *testing.T) {
	w := newWorld(t)
	d := w.local("story", "a.jpg")
	w.declare(d)
	old := saved(t, w.process().plan())
	w.clock.Advance(time.Second)
	renamed := d
	renamed.Address = address("renamed")
	w.declare(renamed)
	w.moved = []plan.Move{{From: d.Address, To: renamed.Address}}
	w.mustApply()
	result, err := w.process().apply(old)
	if err != nil || result.ExitCode(false) != apply.ExitError {
		t.Errorf("got %v, exit code %d and error %v, want it refused", endings(result), result.ExitCode(false), err)
	}
	w.assertOnce()
}

// A story that is out is never published again under the same revision, by
// whatever way its declaration goes back and forth.
func TestBackAndForth(t *testing.T) {
	w := newWorld(t)
	first := w.local("story", "a.jpg", func(d *story.Desired) { d.NotAfter = start.Add(1000 * time.Hour) })
	second := first
	second.Revision = 2
	other := w.local("story", "b.jpg", func(d *story.Desired) { d.NotAfter = start.Add(1000 * time.Hour) })
	later := second
	later.PublishAt = start.Add(30 * time.Hour)
	steps := [][]story.Desired{{first}, {}, {first}, {other}, {first}, {later}, {first}, {later}, {}, {first}, {other}, {later}, {first}}
	for n, step := range steps {
		w.declare(step...)
		w.mustApply(func(o *apply.Options) { o.AllowCancelAll = true })
		w.clock.Advance(time.Duration(n%3) * 13 * time.Minute)
	}
	if got := len(w.sim.Stories(pageID)); got != 1 {
		t.Errorf("revision 1 is out %d times, want once", got)
	}
	w.declare(later)
	w.clock.Advance(48 * time.Hour)
	w.mustApply()
	w.declare(first)
	w.mustApply()
	w.declare(second)
	w.mustApply()
	if got := len(w.sim.Stories(pageID)); got != 2 {
		t.Errorf("after revision 2 there were %d stories, want 2", got)
	}
}

// A story that somebody removes from the Page is not fought for.
func TestRemovedByHand(t *testing.T) {
	w := newWorld(t)
	w.declare(w.local("story", "a.jpg"), w.local("other", "b.mp4"))
	w.mustApply()
	w.clock.Advance(20 * time.Minute)
	must(t, w.sim.RemoveStory(w.entry("story").PostID))
	w.mustApply()
	if got := w.entry("story").Status; got != story.Removed {
		t.Errorf("it is remembered as %s, want removed", got)
	}
	w.clock.Advance(30 * time.Hour)
	w.assertQuiet()
	w.assertPages()
	if made := w.process().plan(); actionOf(made, "story") == plan.Publish {
		t.Error("it is to be published again")
	}
}

// What a person has to allow is refused, and nothing of it is begun.
func TestRefused(t *testing.T) {
	t.Run("many stories", func(t *testing.T) {
		w := newWorld(t)
		w.settings.MaxPublish = 2
		w.declare(w.local("one", "a.jpg"), w.local("two", "b.jpg"), w.local("three", "c.mp4", on(otherID)))
		_, result, err := w.planAndApply()
		if got := errorSummaries(result.Diagnostics); !errors.Is(err, apply.ErrRefused) || len(got) != 1 || got[0] != "More stories than max_publish" {
			t.Errorf("got error %v and %v", err, got)
		}
		if posts := w.posts(0); len(posts) > 0 || len(w.document().Stories) > 0 {
			t.Errorf("%v were sent, and the state knows %d stories", posts, len(w.document().Stories))
		}
		w.mustApply(func(o *apply.Options) { o.AllowBulk = true })
		w.assertOnce()
	})
	t.Run("everything cancelled", func(t *testing.T) {
		w := newWorld(t)
		w.declare(w.local("one", "a.jpg", at(time.Hour)), w.local("two", "b.jpg", at(time.Hour)))
		w.mustApply()
		w.declare()
		_, result, err := w.planAndApply()
		if got := errorSummaries(result.Diagnostics); !errors.Is(err, apply.ErrRefused) || len(got) != 1 || got[0] != "Every scheduled story would be cancelled" {
			t.Errorf("got error %v and %v", err, got)
		}
		if got := w.entry("one").Status; got != story.Scheduled {
			t.Errorf("a story is %s, want scheduled", got)
		}
		w.mustApply(func(o *apply.Options) { o.AllowCancelAll = true })
		w.assertQuiet()
	})
}
