package apply_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"storyform/apply"
	"storyform/plan"
	"storyform/state"
	"storyform/state/statetest"
	"storyform/story"
)

// errDisk is what a store answers that can't write.
var errDisk = errors.New("no space left on device")

// A write of the state fails, at every write of a run, before or after it took
// effect. The run ends with that error and, with the record of a publish call
// not durable, makes no call. The next run, with the disk repaired, brings
// everything to its end.
func TestStoreFails(t *testing.T) {
	cases := 0
	for _, f := range []flow{named("photo"), named("local video"), named("two Pages at once"), named("a photo to settle"), named("answer lost, list late"), {name: "a sequence", setup: sequence}} {
		for _, when := range []string{"before", "after"} {
			for nth := 1; ; nth++ {
				w := newWorld(t, inMemory)
				f.setup(w)
				writes, failed := 0, ""
				fail := func(call statetest.Call) error {
					if call.Op != statetest.OpAppend && call.Op != statetest.OpCommit {
						return nil
					}
					if writes++; writes < nth {
						return nil
					}
					if failed == "" {
						failed = strings.TrimSpace(string(call.Op) + " " + call.Record.Step)
					}
					return errDisk // from now on
				}
				if when == "before" {
					w.memory.Before = fail
				} else {
					w.memory.After = fail
				}
				mark := w.mark()
				_, result, err := w.planAndApply()
				w.memory.Before, w.memory.After = nil, nil
				if failed == "" {
					break
				}
				cases++
				name := fmt.Sprintf("%s, %s %s", f.name, when, failed)
				if !errors.Is(err, errDisk) {
					t.Errorf("%s: the run returned %v and %v", name, err, endings(result))
				}
				if failed == "append publishing" && len(w.asked(mark, publishCalls...)) > len(w.announced()) {
					t.Errorf("%s: a call was made that is not recorded: %s", name, w.requestLines(mark))
				}
				w.assertHonest(result)
				if nth%2 == 0 { // every other time what could not be written is put back
					w.putBack(result.Unsaved)
				}
				f.finish(w)
				if w.close(); t.Failed() {
					t.Fatal(name)
				}
			}
		}
	}
	t.Logf("%d failing writes", cases)
}

// assertHonest checks that a run whose store failed says of no story that is
// out that it was not attempted, and that what it could not record is a
// document.
func (w *world) assertHonest(result *apply.Result) {
	w.tb.Helper()
	media := map[story.Address]string{}
	for _, rec := range w.memory.Records() {
		if rec.Entry != nil && rec.Entry.MediaID != "" {
			media[rec.Key] = rec.Entry.MediaID
		}
	}
	for _, o := range result.Outcomes {
		for _, s := range w.sim.Stories(o.PageID) {
			if s.MediaID == media[o.Address] && o.Ending == apply.EndNotAttempted && o.Action != plan.Adopt && o.Action != plan.Forget {
				w.tb.Errorf("%s is out, and the run says: %s, %s", o.Address, o.Ending, o.Message)
			}
		}
	}
	if result.Unsaved != nil {
		if _, err := state.Encode(result.Unsaved); err != nil {
			w.tb.Errorf("what could not be written: %v", err)
		}
	}
}

// putBack makes what a run could not write the state, as state push does.
func (w *world) putBack(unsaved *state.Document) {
	w.tb.Helper()
	if unsaved == nil {
		return
	}
	ctx := context.Background()
	base, _, err := w.memory.Load(ctx)
	must(w.tb, err)
	s, err := state.Open(ctx, w.memory, state.Run{ID: "push"}, w.clock.Now)
	must(w.tb, err)
	must(w.tb, s.Fold(ctx))
	next, err := state.Rejoin(base, s.Document(), unsaved)
	must(w.tb, err)
	if same, err := state.MayFollow(s.Document(), next); err != nil || same {
		if !errors.Is(err, state.ErrNotNewer) { // the answer alone was lost: all of it is there
			w.tb.Errorf("what could not be written may not be put back: %v", err)
		}
		return
	}
	must(w.tb, w.memory.Commit(ctx, next))
}

// announced are the publish calls that the journal announces, by media_id.
func (w *world) announced() (media []string) {
	for _, rec := range w.memory.Records() {
		if rec.Step == "publishing" {
			media = append(media, rec.Entry.MediaID)
		}
	}
	return media
}

// Whatever goes wrong, at the moment of a publish call the state holds a
// record of that call: this media_id, this attempt, status publishing.
func TestRecordBeforeCall(t *testing.T) {
	for _, f := range flows {
		t.Run(f.name, func(t *testing.T) {
			w := newWorld(t)
			var calls atomic.Int32 // several Pages publish at once
			w.route = func(next http.RoundTripper) http.RoundTripper {
				return roundTripper(func(r *http.Request) (*http.Response, error) {
					if isPublish(r) {
						calls.Add(1)
						if !slices.ContainsFunc(w.document().Stories, func(e state.Entry) bool {
							return e.Status == story.Publishing && e.Operation.Attempt > 0 && slices.Contains(e.TriedMedia, e.MediaID)
						}) {
							t.Errorf("a publish call is made, and the state says nothing of it: %s", toJSON(w.document().Stories))
						}
					}
					return next.RoundTrip(r)
				})
			}
			f.setup(w)
			w.converge()
			if got, want := int(calls.Load()), len(w.asked(0, publishCalls...)); got != want {
				t.Errorf("%d calls were looked at, want %d", got, want)
			}
		})
	}
}

// A media_id with which a publish was tried stays in the state, through every
// step of every flow: should it turn up on the Page, it is known.
func TestTriedMediaStay(t *testing.T) {
	for _, f := range flows {
		w := newWorld(t, inMemory)
		f.setup(w)
		w.converge()
		tried := map[string]bool{}
		for _, rec := range w.memory.Records() {
			if rec.Entry == nil {
				continue
			}
			if rec.Step == "publishing" {
				tried[rec.Key.Name+" "+rec.Entry.MediaID] = true
			}
			for key := range tried {
				name, media, _ := strings.Cut(key, " ")
				if rec.Key.Name == name && rec.Entry.MediaID != media && !slices.Contains(rec.Entry.TriedMedia, media) {
					t.Errorf("%s: the step %s forgets the media_id %s of %s", f.name, rec.Step, media, name)
				}
			}
		}
	}
}
