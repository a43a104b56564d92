package plan

import (
	"slices"
	"strings"
	"testing"

	"storyform/internal/diag"
	"storyform/story"
)

// Due in words: what cron may do of one story.
func TestDue(t *testing.T) {
	for _, test := range []struct{ declared, state, want, told string }{
		{"due", "scheduled due", "a publish", ""},
		{"due", "uploaded due uploaded-at=1h", "a resume", ""},
		{"due", "failed due", "a publish", ""},
		{"due", "unknown due tried=6m", "a settle", ""},
		{"closed", "scheduled closed", "a missed", ""},
		{"later", "scheduled later", "", ""},
		{"later", "none", "", ""}, // registering it is not for cron
		{"moved", "scheduled later", "", ""},
		{"none", "scheduled due", "", ""},
		{"none", "live due sent=1m", "", ""},
		{"due", "none", "", "it was never registered: the apply that should have done it did not run or failed"},
		{"due", "cancelled due", "", "it was never registered"},
		{"due rev=2", "scheduled due", "", "it was never registered"},
		{"due rev=2", "live due sent=1m", "", "it was never registered"},
		{"due", "missed closed", "", "it was never registered"},
		{"due media=b", "scheduled due", "", "its sha256 is not the one that was registered"},
		{"due", "scheduled later", "", "its publish_at is not the one that was registered"},
		{"due page=" + pageTwo, "scheduled due", "", "its page is not the one that was registered"},
		{"closed", "none", "", "Window already closed"},
	} {
		var declared, remembered []string
		if test.declared != "none" {
			declared = []string{"a:" + test.declared}
		}
		if test.state != "none" {
			remembered = []string{"a:" + test.state}
		}
		p := Due(Build(world(t, declared, remembered, "empty")))
		told := ""
		for _, u := range p.Unregistered {
			told += u.Why
		}
		if got := actions(p.Changes); got != test.want || !strings.HasPrefix(told, test.told) || (told == "") != (test.told == "") {
			t.Errorf("declared %q, state %q: got %q, %q, want %q, %q", test.declared, test.state, got, told, test.want, test.told)
		}
		if p.Diagnostics.HasErrors() || p.Fingerprint != FingerprintOf(p.Changes) {
			t.Errorf("declared %q, state %q: got %v, %s", test.declared, test.state, p.Diagnostics, p.Fingerprint)
		}
	}
}

// A story for which there are two reasons is told once.
func TestDueTellsOnce(t *testing.T) {
	p := Build(world(t, []string{"a:due"}, nil, "empty"))
	p.Diagnostics = append(p.Diagnostics, diag.Errorf("State is new", "And the Page is not.").For(p.Changes[0].Address))
	if got := Due(p); len(got.Unregistered) != 1 || got.Diagnostics.HasErrors() {
		t.Errorf("got %v, %v, want one story and a warning", got.Unregistered, got.Diagnostics)
	}
}

// A story that is refused is not tried, and one that isn't due is not told as
// one that is.
func TestDueRefused(t *testing.T) {
	for declared, want := range map[string]string{"due": "a Refused", "later": ""} {
		p := Build(world(t, []string{"a:" + declared}, []string{"a:scheduled closed"}, "empty"))
		p.Changes[0].Diffs = nil // registered so
		p.Diagnostics = append(p.Diagnostics, diag.Errorf("Refused", "For a reason.").For(addr("a")))
		p = Due(p)
		told := ""
		for _, u := range p.Unregistered {
			told += u.Address.Name + " " + u.Why
		}
		if len(p.Changes) > 0 || told != want || len(p.Diagnostics) != 1 || p.Diagnostics.HasErrors() {
			t.Errorf("%s: got %s, %q, %v, want %q and a warning", declared, tell(p.Changes), told, p.Diagnostics, want)
		}
	}
}

// What cron may do is a part of the plan, and registers nothing.
func TestDueProperties(t *testing.T) {
	published := 0
	for seed := range uint64(1500) {
		in := newChaos(seed).input()
		p := Build(in)
		due := Due(p)
		for i := range due.Changes {
			c := &due.Changes[i]
			_, e := worldOf(in, c.Address)
			switch c.Action {
			case Publish, Resume:
				published++
				have, want := c.Spec(), story.Spec{}
				if e != nil {
					want = e.Spec()
				}
				if e == nil || !e.Status.Pending() || specID(&have) != specID(&want) {
					t.Fatalf("seed %d: %s is published and was not registered so: %+v", seed, c.Address, e)
				}
			case Settle, Adopt, Missed, Upload:
			default:
				t.Fatalf("seed %d: %s %s is not for cron", seed, c.Address, c.Action)
			}
		}
		told := map[story.Address]bool{}
		for _, u := range due.Unregistered {
			told[u.Address] = true
		}
		for _, c := range slices.Concat(due.Changes) {
			told[c.Address] = true
		}
		for _, c := range p.Changes {
			if (c.Action == Publish || c.Action == Resume) && !told[c.Address] {
				t.Fatalf("seed %d: %s is due and lost in silence", seed, c.Address)
			}
		}
		if due.Diagnostics.HasErrors() {
			t.Fatalf("seed %d: got %v: what is wrong with one story must not stop the others", seed, due.Diagnostics)
		}
	}
	if published < 20 {
		t.Errorf("got %d publications", published)
	}
}
