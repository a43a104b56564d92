package cli

import (
	"testing"
	"time"

	"storyform/internal/clock"
	"storyform/state"
	"storyform/state/statetest"
)

// Only an older state of the same lineage, at the same place, was put back.
func TestRewound(t *testing.T) {
	store := new(statetest.Memory)
	for _, test := range []struct {
		name    string
		here    *rememberedPlace
		lineage string
		serial  uint64
		refused bool
	}{
		{"older", &rememberedPlace{Seen: &seenState{Lineage: "l", Serial: 7}}, "l", 6, true},
		{"the same", &rememberedPlace{Seen: &seenState{Lineage: "l", Serial: 7}}, "l", 7, false},
		{"newer", &rememberedPlace{Seen: &seenState{Lineage: "l", Serial: 7}}, "l", 8, false},
		{"another one", &rememberedPlace{Seen: &seenState{Lineage: "l", Serial: 7}}, "m", 1, false},
		{"never written", &rememberedPlace{Seen: &seenState{Lineage: "l", Serial: 7}}, "", 0, false},
		{"nothing remembered", &rememberedPlace{}, "l", 1, false},
		{"the simulator's", nil, "l", 1, false},
	} {
		a := &app{here: test.here}
		err := a.checkNotRewound(store, &state.Document{Lineage: test.lineage, Serial: test.serial})
		if (err != nil) != test.refused {
			t.Errorf("%s: got error %v", test.name, err)
		}
	}
}

// What is remembered never falls, is that of the place in use, and is compared
// as it was before the state was read: a slower reader isn't alarmed by what
// another process has seen since.
func TestNoteSeen(t *testing.T) {
	dir := t.TempDir()
	store := new(statetest.Memory)
	here := place{kind: localBackend}
	slow, fast, elsewhere := &app{chdir: dir}, &app{chdir: dir}, &app{chdir: dir}
	for _, a := range []*app{slow, fast, elsewhere} {
		a.Clock = clock.NewFake(time.Date(2026, 12, 20, 2, 0, 0, 0, time.UTC)).Clock()
		a.rememberPlace(here, store)
	}
	fast.noteSeen("l", 7)
	if err := slow.checkNotRewound(store, &state.Document{Lineage: "l", Serial: 6}); err != nil {
		t.Errorf("a slow reader: %v", err)
	}
	slow.noteSeen("l", 6)
	seen := func() uint64 {
		p, ok, err := fast.recallPlace()
		if !ok || err != nil || p.Seen == nil {
			t.Fatalf("got %+v, %v, %v", p, ok, err)
		}
		return p.Seen.Serial
	}
	if got := seen(); got != 7 {
		t.Errorf("got serial %d, want 7", got)
	}
	elsewhere.rememberPlace(place{kind: localBackend, args: map[string]string{"path": "other.json"}}, store)
	fast.noteSeen("l", 8)
	if p, _, _ := fast.recallPlace(); p.Seen != nil {
		t.Errorf("got %+v of another place", p.Seen)
	}
}
