package state_test

import (
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"storyform/state"
	"storyform/state/statetest"
	"storyform/story"
)

// doc is a document with stories.
func doc(serial uint64, entries ...state.Entry) *state.Document {
	return &state.Document{Version: state.FormatVersion, Lineage: "l-1", Serial: serial, Stories: entries}
}

// tried is an entry for which n publish calls were announced, the last one at
// a minute past the hour.
func tried(status story.Status, minute int, media ...string) state.Entry {
	e := entry("a", status)
	e.TriedMedia, e.MediaID = media, media[len(media)-1]
	e.Operation = &state.Operation{Attempt: len(media), AttemptAt: now().Add(time.Duration(minute) * time.Minute)}
	return e
}

// changed returns e with a change.
func changed(e state.Entry, change func(*state.Entry)) state.Entry {
	change(&e)
	return e
}

func TestMayFollow(t *testing.T) {
	live := changed(tried(story.Live, 0, "1"), func(e *state.Entry) { e.Operation = nil })
	doubt := tried(story.Publishing, 5, "1")
	withdrawn := changed(tried(story.Publishing, 5, "1"), func(e *state.Entry) { e.Operation.Withdrawn = true })
	failedAt := func(minute int) state.Entry {
		return changed(tried(story.Failed, 5, "1"), func(e *state.Entry) {
			e.Failure = &state.Failure{At: now().Add(time.Duration(minute) * time.Minute)}
		})
	}
	again := changed(tried(story.Publishing, 9, "1"), func(e *state.Entry) { e.Operation.Attempt = 2 })
	unsent := changed(tried(story.Unknown, 9, "1"), func(e *state.Entry) { e.Operation.Attempt = 1 })
	resolved := changed(failedAt(12), func(e *state.Entry) {
		e.Operation, e.MediaID = nil, ""
		e.Resolution = &state.Resolution{At: now().Add(12 * time.Minute)}
	})
	second := changed(entry("a", story.Scheduled), func(e *state.Entry) { e.Revision = 2 })
	tests := []struct {
		name   string
		before state.Entry
		after  []state.Entry
		ok     bool
	}{
		{"nothing was tried", entry("a", story.Scheduled), nil, true},
		{"a live story is gone", live, nil, false},
		{"a live story is only scheduled", live, []state.Entry{entry("a", story.Scheduled)}, false},
		{"a live story is archived", live, []state.Entry{changed(live, func(e *state.Entry) { e.Status = story.Archived })}, true},
		{"a live story has a new revision and nothing else", live, []state.Entry{second}, false},
		{"doubt is gone", doubt, nil, false},
		{"doubt is as it was", doubt, []state.Entry{doubt}, true},
		{"doubt of an earlier call", doubt, []state.Entry{tried(story.Unknown, 3, "1")}, false},
		{"doubt of a later call", doubt, []state.Entry{tried(story.Unknown, 7, "1")}, true},
		{"doubt of what is not wanted any more is as it was", withdrawn, []state.Entry{withdrawn}, true},
		{"doubt of what is not wanted any more is wanted again", withdrawn, []state.Entry{doubt}, false},
		{"doubt became an upload", doubt, []state.Entry{tried(story.Uploaded, 5, "1")}, false},
		{"doubt became nothing tried", doubt, []state.Entry{entry("a", story.Uploaded)}, false},
		{"doubt became live", doubt, []state.Entry{live}, true},
		{"doubt became a refusal", doubt, []state.Entry{failedAt(6)}, true},
		{"doubt became a refusal of before", doubt, []state.Entry{failedAt(4)}, false},
		{"doubt of a second call became the late refusal of the first", again, []state.Entry{failedAt(12)}, false},
		{"doubt of a second call became that of a first, by a clock that is ahead", again, []state.Entry{tried(story.Unknown, 60, "1")}, false},
		{"doubt of a second call that was none", again, []state.Entry{unsent}, true},
		{"doubt of a second call was resolved by hand", again, []state.Entry{resolved}, true},
		{"doubt was resolved by hand before the second call", tried(story.Publishing, 15, "1"), []state.Entry{resolved}, false},
		{"doubt became a later upload's failure", doubt, []state.Entry{changed(failedAt(9), func(e *state.Entry) { e.Operation = &state.Operation{} })}, false},
		{"doubt became another revision", doubt, []state.Entry{second}, false},
		{"doubt was settled and became another revision", doubt, []state.Entry{changed(second, func(e *state.Entry) { e.TriedMedia = []string{"1"} })}, true},
		{"other media were tried", tried(story.Failed, 5, "1", "2"), []state.Entry{tried(story.Failed, 5, "2")}, false},
		{"more media were tried", tried(story.Failed, 5, "1"), []state.Entry{tried(story.Failed, 6, "1", "2")}, true},
		{"an earlier revision", changed(live, func(e *state.Entry) { e.Revision = 2 }), []state.Entry{live}, false},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			same, err := state.MayFollow(doc(3, test.before), doc(4, test.after...))
			if _, forgets := errors.AsType[*state.ForgetsError](err); same || forgets == test.ok || err != nil && !forgets {
				t.Errorf("got same %v, error %v; want it to be allowed: %v", same, err, test.ok)
			}
		})
	}
	published := doc(4)
	published.History = []state.Event{{At: now(), What: "published", Address: live.Address, Revision: 1, PageID: live.PageID, Kind: live.Kind, MediaID: "1", Run: "r"}}
	if _, err := state.MayFollow(doc(3, live), published); err != nil {
		t.Errorf("a publication in the history: %v", err)
	}
	// An earlier revision is only in the history.
	pending := changed(entry("a", story.Scheduled), func(e *state.Entry) { e.Revision = 2 })
	before := doc(3, pending)
	before.History = published.History
	if _, err := state.MayFollow(before, doc(4, pending)); err == nil {
		t.Error("that an earlier revision was out may be forgotten")
	}
	after := doc(4, pending)
	after.History = append([]state.Event{{At: now(), What: "cancelled", Address: live.Address, Run: "r"}}, published.History...)
	if _, err := state.MayFollow(before, after); err != nil {
		t.Errorf("a history that has more: %v", err)
	}
	published.History = append([]state.Event{}, published.History...)
	published.History[0].What = "failed"
	if _, err := state.MayFollow(doc(3, live), published); err == nil {
		t.Error("a refusal in the history is taken for a publication")
	}
}

func TestMayFollowWhat(t *testing.T) {
	other := doc(9)
	other.Lineage = "l-2"
	if same, err := state.MayFollow(doc(3), doc(3)); !same || err != nil {
		t.Errorf("the same: got %v, %v", same, err)
	}
	if _, err := state.MayFollow(new(state.Document), other); err != nil {
		t.Errorf("a new state: %v", err)
	}
	if _, err := state.MayFollow(doc(3), other); !errors.Is(err, state.ErrOtherLineage) {
		t.Errorf("got error %v, want another lineage", err)
	}
	if _, err := state.MayFollow(doc(3, entry("a", story.Scheduled)), doc(3)); !errors.Is(err, state.ErrNotNewer) {
		t.Errorf("got error %v, want not newer", err)
	}
}

// A run whose store fails leaves behind what it did, and that can be put back
// when nobody has written since, but not when somebody has.
func TestUnsaved(t *testing.T) {
	m := new(statetest.Memory)
	s := open(t, m)
	ok(t, s.Put(t.Context(), "register", entry("a", story.Scheduled), nil))
	ok(t, s.Close(t.Context()))

	s = open(t, m)
	if unsaved, err := s.Unsaved(); unsaved != nil || err != nil {
		t.Errorf("nothing is missing, got %v, %v", unsaved, err)
	}
	ok(t, s.Put(t.Context(), "publishing", tried(story.Publishing, 0, "1"), nil))
	errDown := errors.New("down")
	m.Before = func(c statetest.Call) error {
		if c.Op == statetest.OpAppend {
			return errDown
		}
		return nil
	}
	live := changed(tried(story.Live, 0, "1"), func(e *state.Entry) { e.Operation, e.PostID = nil, "77" })
	for range 2 { // the second fails because of the first
		if err := s.Put(t.Context(), "live", live, &state.Event{What: "published", MediaID: "1", Kind: story.Photo}); !errors.Is(err, errDown) {
			t.Fatalf("got error %v", err)
		}
	}
	if err := s.Close(t.Context()); !errors.Is(err, errDown) {
		t.Errorf("got error %v", err)
	}
	unsaved, err := s.Unsaved()
	ok(t, err)
	if e := unsaved.Stories[0]; len(unsaved.Stories) != 1 || e.PostID != "77" || unsaved.Serial != 2 || len(unsaved.History) != 2 || unsaved.History[0].Who != run.Who {
		t.Errorf("got %+v", unsaved)
	}
	m.Before = nil

	base, _, err := m.Load(t.Context())
	ok(t, err)
	next := open(t, m)
	ok(t, next.Fold(t.Context()))
	current := next.Document()
	joined, err := state.Rejoin(base, current, unsaved)
	ok(t, err)
	if _, err := state.MayFollow(current, joined); err != nil || joined.Serial != current.Serial+1 {
		t.Errorf("got serial %d after %d, error %v", joined.Serial, current.Serial, err)
	}
	ok(t, m.Commit(t.Context(), joined))
	if got := open(t, m).Document(); got.Stories[0].PostID != "77" {
		t.Errorf("got %+v", got.Stories[0])
	}

	// Somebody else has registered another story, or ended this one, since.
	for name, change := range map[string]func(d *state.Document){
		"another story": func(d *state.Document) { d.Stories = append(d.Stories, entry("b", story.Scheduled)) },
		"an event": func(d *state.Document) {
			d.History = append(d.History, state.Event{At: now().UTC(), What: "cancelled", Address: live.Address, Run: "other"})
		},
	} {
		since := current.Clone()
		change(since)
		if _, err := state.Rejoin(base, since, unsaved); !errors.Is(err, state.ErrWentOn) {
			t.Errorf("%s: got error %v, want that the state went on", name, err)
		}
	}
	// A document that follows something else is none of its business.
	foreign := unsaved.Clone()
	foreign.PrevSHA256 = "of something else"
	if got, err := state.Rejoin(base, current, foreign); err != nil || got != foreign {
		t.Errorf("got %v, %v", got, err)
	}
}

// What a run could not write because another one went on is not kept, whichever
// of its errors is told first.
func TestUnsavedConflict(t *testing.T) {
	m := new(statetest.Memory)
	s, other := open(t, m), open(t, m)
	ok(t, other.Put(t.Context(), "register", entry("b", story.Scheduled), nil))
	if err := s.Put(t.Context(), "register", entry("a", story.Scheduled), nil); !errors.Is(err, state.ErrConflict) {
		t.Fatalf("got error %v", err)
	}
	if unsaved, err := s.Unsaved(); unsaved != nil || err != nil {
		t.Errorf("got %+v and error %v", unsaved, err)
	}
}

func TestMove(t *testing.T) {
	at := now()
	there := doc(4, tried(story.Publishing, 0, "1"))
	mark, copied, err := state.Move(there, new(state.Document), "s3://b/k", run, at)
	ok(t, err)
	hash := func(d *state.Document) string {
		h, err := state.Hash(d)
		ok(t, err)
		return h
	}
	if mark.Serial != 5 || mark.MovedTo != "s3://b/k" || mark.PrevSHA256 != hash(there) || copied.Serial != 6 || copied.MovedTo != "" || copied.PrevSHA256 != hash(mark) {
		t.Errorf("got the mark %+v and the copy %+v", mark, copied)
	}
	if diff := cmp.Diff(there.Stories, copied.Stories); diff != "" {
		t.Errorf("stories (-want +got):\n%s", diff)
	}
	// The copy is there, and the mark isn't: only that is missing.
	again, none, err := state.Move(there, copied, "s3://b/k", run, at)
	if err != nil || none != nil || again.Serial != 5 || again.MovedTo != "s3://b/k" {
		t.Errorf("got the mark %+v, the copy %+v, error %v", again, none, err)
	}
	// Back again, over the mark.
	later := copied.Clone()
	later.Serial = 9
	mark2, back, err := state.Move(later, mark, "here", run, at)
	if err != nil || mark2.Serial != 10 || back.Serial != 11 || back.MovedTo != "" {
		t.Errorf("got the mark %+v, the copy %+v, error %v", mark2, back, err)
	}
	if _, _, err := state.Move(mark, new(state.Document), "x", run, at); err == nil {
		t.Error("a state that is elsewhere was moved")
	}
	foreign := doc(1)
	foreign.Lineage = "l-2"
	if _, _, err := state.Move(there, foreign, "x", run, at); !errors.Is(err, state.ErrOtherLineage) {
		t.Errorf("got error %v, want another lineage", err)
	}
	knows := doc(2, changed(tried(story.Live, 0, "1"), func(e *state.Entry) { e.Operation = nil }))
	if _, _, err := state.Move(there, knows, "x", run, at); err == nil {
		t.Error("a state that knows more was replaced")
	}
}

// A state that was moved is only opened to move it.
func TestMovedState(t *testing.T) {
	m := new(statetest.Memory)
	d := doc(1)
	d.MovedTo = "s3://b/k"
	ok(t, m.Commit(t.Context(), d))
	moved, is := errors.AsType[*state.MovedError](func() error { _, err := state.Open(t.Context(), m, run, now); return err }())
	if !is || moved.To != "s3://b/k" || moved.Where != "memory" {
		t.Errorf("got %v", moved)
	}
	if _, err := state.Reopen(t.Context(), m, run, now); err != nil {
		t.Error(err)
	}
}
