package plan

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
	"time"

	"storyform/state"
	"storyform/story"
)

// saved takes a plan through its file.
func saved(t testing.TB, p *Plan) *Plan {
	t.Helper()
	var buf bytes.Buffer
	if err := Encode(&buf, p); err != nil {
		t.Fatal(err)
	}
	back, err := Decode(&buf)
	if err != nil {
		t.Fatal(err)
	}
	return back
}

// tellStale renders what is stale, one a line, as "a publish done: why".
func tellStale(stale []Stale) string {
	var lines []string
	for _, s := range stale {
		done := ""
		if s.Done {
			done = " done"
		}
		lines = append(lines, fmt.Sprintf("%s %s%s: %s", s.Address.Name, s.Action, done, s.Why))
	}
	return strings.Join(lines, "\n")
}

// A saved plan of one story, applied later: the state and the Page have moved
// on, and the configuration may have; only what was approved is done.
func TestRebase(t *testing.T) {
	const bunch = "due media=b"
	for _, test := range []struct {
		declared, before string // when the plan was made
		after, listed    string // when it is applied, "none" for no entry
		want             string // what is done, or "stale", or "done", and a part of why
	}{
		{"due", "none", "none", "empty", "publish"},
		{"due", "none", "scheduled due", "empty", "publish"}, // registered by the run that was killed
		{"due", "none", "uploading due", "empty", "resume"},
		{"due", "none", "uploaded due uploaded-at=1m", "empty", "resume"},
		{"due", "none", "unknown due tried=1m", "empty", "settle"},
		{"due", "none", "unknown due tried=1m", "m1", "adopt"},
		{"due", "none", "live due sent=1m", "m1", "done: another run has done it"},
		{"due", "none", "live due sent=1m", "empty", "done"},
		{"due", "none", "archived due sent=25h", "empty", "done"},
		{"due", "none", "removed due sent=1h", "empty", "done"},
		{"due", "none", "live due sent=1h", "empty", "stale: removed outside storyform"},
		{"due", "none", "failed due attempted=m1", "empty", "publish"},
		{"due", "none", "missed due", "empty", "stale: recorded it as missed"},
		{"due", "scheduled due", "missed due attempted=m1", "empty", "stale: recorded it as missed"},
		{"due", "scheduled due", "missed due", "empty", "stale: recorded it as missed"},
		{"later", "none", "none", "empty", "schedule"},
		{"later", "none", "scheduled later", "empty", "done"},
		{"later media=b", "scheduled later", "scheduled later", "empty", "change"},
		{"later media=b", "scheduled later", "scheduled later media=b", "empty", "done"},
		{"due rev=2", "live due sent=1h", "live due sent=1h", "m1", "publish"},
		{"due rev=2", "live due sent=1h", "archived due sent=25h", "empty", "publish"},
		{"due rev=2", "live due sent=1h", "live due rev=2 sent=1m", "m1", "done"},
		{"due rev=2", "uploaded due uploaded-at=1h", "live due sent=1m", "m1", "stale: revision 1 has gone out since"}, // two stories were not approved
		{"none", "scheduled later", "scheduled later", "empty", "cancel"},
		{"none", "scheduled later", "cancelled later", "empty", "done"},
		{"none", "scheduled later", "none", "empty", "done"},
		{"none", "scheduled due", "live due sent=1m", "m1", "stale: would now need: forget"},
		{"none", "scheduled due", "unknown due tried=1m", "empty", "stale: would now need: settle"},
		{"none", "scheduled due", "unknown due tried=1m", "m1", "stale: would now need: adopt"},
		{"none", "live due sent=1h", "live due sent=1h", "m1", "forget"},
		{"none", "live due sent=23h", "archived due sent=24h", "empty", "done"},
		{"due", "unknown due tried=1m", "unknown due tried=1m", "empty", "settle"},
		{"due", "unknown due tried=1m", "live due sent=1m", "m1", "done"},
		{"due", "unknown due tried=1m", "failed due attempted=m1", "empty", "stale: would now need: publish"},
		{"none", "unknown due tried=1m", "failed due attempted=m1", "empty", "stale: would now need: cancel"},
		{"closed", "scheduled closed", "scheduled closed", "empty", "missed"},
		{"closed", "scheduled closed", "missed closed", "empty", "done"},

		// Somebody approved something else since: the plan's approval is the older one.
		{"due", "scheduled due", "cancelled due", "empty", "stale: another run has cancelled it"},
		{"due", "none", "cancelled due", "empty", "stale: another run has cancelled it"},
		{"due", "cancelled due", "cancelled due", "empty", "publish"},
		{"due", "cancelled due", "scheduled due", "empty", "publish"},
		{"due", "none", "scheduled " + bunch, "empty", "stale: another run has registered it differently"},
		{"due", "scheduled due", "scheduled " + bunch, "empty", "stale: registered it differently"},
		{"later", "none", "scheduled moved", "empty", "stale: registered it differently"},
		{"later media=b", "scheduled later", "scheduled later media=c", "empty", "stale: registered it differently"},
		{"none", "scheduled later", "scheduled moved", "empty", "stale: registered it differently"},
		{"due", "scheduled due", "scheduled due rev=2", "empty", "stale: registered it differently"},
		{"due", "scheduled due", "unknown " + bunch + " tried=6m", "empty", "settle: not tried again"},
		{"due", "scheduled due", "none", "empty", "stale: the state does not know the story any more"},
		{"later", "scheduled moved", "none", "empty", "stale: the state does not know"},
	} {
		in := world(t, nil, nil, test.listed)
		one := func(sentence string) []string {
			if sentence == "none" {
				return nil
			}
			return []string{"a:" + sentence}
		}
		then := "empty"
		if strings.Contains(test.before, "sent=") {
			then = "m1"
		}
		approved := saved(t, Build(world(t, one(test.declared), one(test.before), then)))
		for _, s := range one(test.after) {
			in.State.Stories = append(in.State.Stories, entry(t, "a", strings.TrimPrefix(s, "a:")))
		}
		p, stale := Rebase(approved, in)
		got := strings.TrimPrefix(tell(p.Changes), "a ")
		if len(stale) == 1 {
			got = "stale: " + stale[0].Why
			if stale[0].Done {
				got = "done: " + stale[0].Why
			}
		}
		word, why, _ := strings.Cut(test.want, ": ")
		if gotWord, _, _ := strings.Cut(got, ": "); gotWord != word || !strings.Contains(got, why) || len(p.Changes)+len(stale) != 1 {
			t.Errorf("approved %q on %q, applied on %q, %q:\n got %s\nwant %s", test.declared, test.before, test.after, test.listed, got, test.want)
		}
		if p.Fingerprint != approved.Fingerprint {
			t.Errorf("got fingerprint %s, want the approved one", p.Fingerprint)
		}
	}
}

// The window closes between plan and apply.
func TestRebaseWindowClosed(t *testing.T) {
	in := world(t, []string{"a:due", "b:due", "c:until"}, []string{"b:scheduled due"}, "empty")
	approved := saved(t, Build(in))
	in.Stories, in.Now = nil, noon.Add(4*time.Hour)
	p, stale := Rebase(approved, in)
	if got, want := actions(p.Changes), "b missed"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	for _, s := range stale {
		if s.Done || !strings.HasPrefix(s.Why, "Window already closed: ") {
			t.Errorf("got %+v, want it stale because of its window", s)
		}
	}
	if len(stale) != 2 || p.Diagnostics.HasErrors() {
		t.Errorf("got %d stale and %v, want 2 and no error: the others must go on", len(stale), p.Diagnostics)
	}
}

// The configuration and its files play no part: what was approved is in the
// plan. Of the present, only state, readings and time count.
func TestRebaseIgnoresConfiguration(t *testing.T) {
	in := world(t, []string{"a:due label=x"}, nil, "empty")
	approved := saved(t, Build(in))
	now := world(t, []string{"a:due media=c", "other:due", "third:later"}, nil, "empty")
	now.Pages = nil
	now.Settings.MaxPublish = 1
	p, stale := Rebase(approved, now)
	if len(stale) > 0 || actions(p.Changes) != "a publish" || p.Changes[0].SHA256 != strings.Repeat("a", 64) || p.Changes[0].Labels["campaign"] != "x" {
		t.Errorf("got %s, %v, want what was approved", tell(p.Changes), stale)
	}
	if p.Settings.MaxPublish != 0 || len(p.Pages) != 2 || p.Pages[0].Timezone != "Asia/Jakarta" {
		t.Errorf("got %+v and %+v, want those of the plan", p.Settings, p.Pages)
	}
}

// Entries that the plan does not name are neither cancelled nor touched.
func TestRebasePartial(t *testing.T) {
	all := []string{"s:scheduled later", "d:scheduled due", "f:failed due", "u:uploaded due uploaded-at=1h", "q:unknown due tried=6m id=q attempted=q",
		"l:live due sent=1h id=l", "x:live due sent=30h id=x", "c:cancelled later", "m:missed closed", "w:unknown due tried=6m id=listed attempted=listed"}
	approved := saved(t, Build(world(t, []string{"a:due", "b:later"}, nil, "empty")))
	p, stale := Rebase(approved, world(t, nil, all, "l listed"))
	if got, want := actions(p.Changes), "a publish, b schedule"; got != want || len(stale) > 0 {
		t.Errorf("got %q and %v, want %q", got, stale, want)
	}
	if len(p.Updates) != 1 || p.Updates[0].Status != story.Archived {
		t.Errorf("got updates %v, want that x is over: facts need no approval", p.Updates)
	}
}

// A story that is gone before its time is told once, by a plan. An apply that
// notices it later leaves the telling to the next plan.
func TestRebaseTellsRemovals(t *testing.T) {
	for _, told := range []bool{true, false} {
		listed := "m1"
		if told {
			listed = "empty"
		}
		in := world(t, []string{"a:due", "b:due"}, []string{"a:live due sent=1h"}, listed)
		approved := saved(t, Build(in))
		in.Views[pageID] = listing(t, "empty")
		p, _ := Rebase(approved, in)
		if (len(p.Updates) == 1) != told || p.HasLoudUpdates() != told {
			t.Errorf("told %v: got updates %v", told, p.Updates)
		}
	}
}

// A state that is new or went back in time may have forgotten a publication.
func TestRebaseLostState(t *testing.T) {
	t.Run("new state, live story", func(t *testing.T) {
		in := world(t, []string{"a:due"}, nil, "empty")
		in.State = nil
		approved := saved(t, Build(in))
		in.Views[pageID] = listing(t, "m1@10m") // by a run whose state was lost
		p, stale := Rebase(approved, in)
		if len(p.Changes) > 0 || len(stale) != 1 || stale[0].Done || !strings.HasPrefix(stale[0].Why, "State is new, but the Page is not") {
			t.Errorf("got %q and %v, want it stale", actions(p.Changes), stale)
		}
		in.AdoptNone = true
		if p, stale = Rebase(approved, in); actions(p.Changes) != "a publish" || len(stale) > 0 {
			t.Errorf("with --adopt-none: got %q and %v", actions(p.Changes), stale)
		}
	})
	t.Run("older state", func(t *testing.T) {
		for serial, older := range map[uint64]bool{0: true, 2: true, 3: false, 4: false} {
			in := world(t, []string{"a:due"}, []string{"b:live due sent=1h"}, "m1")
			approved := saved(t, Build(in))
			in.State = &state.Document{Lineage: "l", Serial: serial}
			p, _ := Rebase(approved, in)
			if p.Diagnostics.HasErrors() != older {
				t.Errorf("made at 3, applied at %d: got %v", serial, p.Diagnostics)
			}
		}
	})
}

// A settlement that was approved without a second try stays without one, and
// so does the settlement of something else than what was approved.
func TestRebaseWithdrawn(t *testing.T) {
	for declared, want := range map[string]bool{"due": false, "due media=b": true, "due rev=2": true, "none": true} {
		var stories []string
		if declared != "none" {
			stories = []string{"a:" + declared}
		}
		in := world(t, stories, []string{"a:unknown due tried=6m"}, "empty")
		p, stale := Rebase(saved(t, Build(in)), in)
		if len(stale) > 0 || len(p.Changes) != 1 || p.Changes[0].Action != Settle || p.Changes[0].Withdrawn != want {
			t.Errorf("declared %q: got %+v, %v, want withdrawn %v", declared, p.Changes, stale, want)
		}
	}
}

// A story has one change, whatever the file says: two would publish it twice.
func TestRebaseDuplicates(t *testing.T) {
	approved := Build(world(t, []string{"a:due"}, nil, "empty"))
	approved.Changes = append(approved.Changes, approved.Changes[0], approved.Changes[0])
	p, _ := Rebase(approved, world(t, nil, nil, "empty"))
	if got, want := actions(p.Changes), "a publish"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

// A dependent never overtakes, also when its predecessor is not in the plan.
func TestRebaseAfter(t *testing.T) {
	approved := saved(t, Build(world(t, []string{"a:due", "b:due after=a"}, nil, "empty")))
	p, stale := Rebase(approved, world(t, nil, []string{"a:failed due", "b:scheduled due after=a"}, "empty"))
	if got, want := actions(p.Changes), "a publish, b publish"; got != want || len(stale) > 0 {
		t.Errorf("got %q, %v, want %q", got, stale, want)
	}
	p, stale = Rebase(approved, world(t, nil, []string{"a:missed due", "b:scheduled due after=a"}, "empty"))
	if len(p.Changes) > 0 || len(stale) != 2 || !strings.Contains(tellStale(stale), "b publish: it comes after story.a, which is missed") {
		t.Errorf("got %q, %s", actions(p.Changes), tellStale(stale))
	}
}
