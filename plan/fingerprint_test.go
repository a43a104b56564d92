package plan

import (
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"storyform/internal/diag"
	"storyform/story"
)

// example is two changes of a reviewed plan.
func example(t testing.TB) []Change {
	in := world(t, []string{"teaser:due", "reveal:later media=b after=teaser label=xmas"}, []string{"old:scheduled later media=c"}, "empty")
	return Build(in).Changes
}

func TestFingerprintGolden(t *testing.T) {
	if got, want := FingerprintOf(example(t)), "p2-63677ca260fa6eca"; got != want {
		t.Errorf("got %s, want %s: a changed recipe breaks every fingerprint in a pull request and needs another prefix", got, want)
	}
	if got, want := FingerprintOf(nil), "p2-e3b0c44298fc1c14"; got != want {
		t.Errorf("of nothing: got %s, want %s", got, want)
	}
}

// What nobody approves does not change the fingerprint.
func TestFingerprintIgnores(t *testing.T) {
	want := FingerprintOf(example(t))
	for name, change := range map[string]func(c *Change){
		"labels":     func(c *Change) { c.Labels = map[string]string{"x": "y"} },
		"source":     func(c *Change) { c.Source = "media/renamed.jpg" },
		"page block": func(c *Change) { c.Page.Name = "renamed" },
		"zone":       func(c *Change) { c.PublishAt = c.PublishAt.In(time.FixedZone("WIB", 7*3600)) },
		"reason":     func(c *Change) { c.Reason = "late" },
		"order":      func(c *Change) { c.Order += 7 },
		"range":      func(c *Change) { c.Range = &diag.Range{Filename: "x"} },
		"diffs":      func(c *Change) { c.Diffs = []Diff{{"revision", "1", "2"}} },
		"bytes":      func(c *Change) { c.Bytes, c.Media = 7, story.Media{Width: 1080} },
		"progress":   func(c *Change) { c.Offset, c.Registered, c.Prior = 7, true, "x" }, // an edited file: not what was registered
	} {
		changes := example(t)
		for i := range changes {
			change(&changes[i])
		}
		if got := FingerprintOf(changes); got != want {
			t.Errorf("%s: got %s, want %s", name, got, want)
		}
	}
	for _, a := range []Action{Adopt, Forget, Settle, Missed, Note} {
		if got := FingerprintOf(append(example(t), Change{Address: addr("x"), Action: a})); got != want {
			t.Errorf("with %s: got %s, want %s", a, got, want)
		}
	}
	for range 10 {
		changes := example(t)
		rand.Shuffle(len(changes), func(i, j int) { changes[i], changes[j] = changes[j], changes[i] })
		if got := FingerprintOf(changes); got != want {
			t.Errorf("in another order: got %s, want %s", got, want)
		}
	}
}

// Each thing that is approved changes it, for each action that is approved.
func TestFingerprintPins(t *testing.T) {
	changes := map[string]func(c *Change){
		"address":    func(c *Change) { c.Address = c.Address.At("id") },
		"empty key":  func(c *Change) { c.Address = c.Address.At("") },
		"page":       func(c *Change) { c.PageID = pageTwo },
		"sha256":     func(c *Change) { c.SHA256 = "x" },
		"url":        func(c *Change) { c.SHA256, c.Source = "", "https://cdn.example/b.jpg" },
		"publish_at": func(c *Change) { c.PublishAt = c.PublishAt.Add(time.Second) },
		"at once":    func(c *Change) { c.PublishAt = time.Time{} },
		"not_after":  func(c *Change) { c.NotAfter = c.NotAfter.Add(time.Second) },
		"window":     func(c *Change) { c.Window = time.Minute },
		"revision":   func(c *Change) { c.Revision++ },
		"kind":       func(c *Change) { c.Kind += "x" },
		"after":      func(c *Change) { c.After = append(c.After, addr("first")) },
	}
	for _, a := range story.Attributes {
		if a.Pinned && changes[a.Name] == nil {
			t.Errorf("%s is pinned and has no row here", a.Name)
		}
	}
	for i := range example(t) {
		seen := map[string]string{FingerprintOf(example(t)): "nothing"}
		for name, change := range changes {
			cs := example(t)
			change(&cs[i])
			got := FingerprintOf(cs)
			if other, ok := seen[got]; ok {
				t.Errorf("change %d: %s and %s give the same fingerprint", i, name, other)
			}
			seen[got] = name
		}
	}
}

// Whether a story is published, registered or resumed depends on the clock
// and on earlier runs: it is one approval. Cancelling is another.
func TestFingerprintOfActions(t *testing.T) {
	of := func(a Action) string {
		cs := example(t)
		cs[0].Action = a
		return FingerprintOf(cs)
	}
	want := of(Publish)
	for _, a := range []Action{Schedule, Modify, Resume} {
		if got := of(a); got != want {
			t.Errorf("%s: got %s, want that of publish, %s", a, got, want)
		}
	}
	for _, a := range []Action{Cancel, Note} {
		if of(a) == want {
			t.Errorf("%s has the fingerprint of publish", a)
		}
	}
	if of(Cancel) == of(Note) {
		t.Error("cancelling is not in the fingerprint")
	}
}

// An approval still holds after the merge, whatever happened since to what was
// approved: by the clock, by other runs, by a run that failed or broke off. It
// holds for nothing else.
func TestApprovedLater(t *testing.T) {
	reviewed := func() Input {
		return world(t, []string{"teaser:due", "reveal:later media=b after=teaser", "earlier:due media=c"}, []string{"earlier:scheduled due media=c"}, "empty")
	}
	approved := Build(reviewed()).Fingerprint
	for _, test := range []struct {
		name, state string
		change      func(in *Input)
		same, holds bool
	}{
		{"an hour later", "earlier:scheduled due media=c", func(in *Input) { in.Now, in.State.Serial = noon.Add(time.Hour), 9 }, true, true},
		{"what was registered before is out", "earlier:live due sent=1h media=c", nil, true, true},
		{"what was registered before is being uploaded", "earlier:uploading due media=c", nil, true, true},
		{"all is registered, and failed", "earlier:failed due media=c|teaser:failed due|reveal:scheduled later media=b after=teaser", nil, false, true},
		{"one is registered", "earlier:live due sent=1h media=c|teaser:scheduled due", nil, false, true},
		{"one is registered, and the one before still waits", "earlier:scheduled due media=c|teaser:scheduled due", nil, false, false}, // which of them were reviewed can't be told
		{"one was registered otherwise", "earlier:scheduled due media=c|reveal:scheduled moved media=b after=teaser", nil, true, true},
		{"another story", "earlier:scheduled due media=c", func(in *Input) {
			in.Stories = append(in.Stories, world(t, []string{"more:due media=d"}, nil, "").Stories...)
		}, false, false},
		{"a registered one was changed since", "earlier:scheduled later media=c", nil, false, false},
		{"its registration is lost", "", nil, false, false},
		{"it was withdrawn since", "earlier:cancelled due media=c", nil, false, false},
		{"a story less", "earlier:scheduled due media=c", func(in *Input) { in.Stories = in.Stories[1:] }, false, false},
	} {
		in := reviewed()
		in.State = world(t, nil, slices.DeleteFunc(strings.Split(test.state, "|"), func(s string) bool { return s == "" }), "empty").State
		if test.change != nil {
			test.change(&in)
		}
		p := Build(in)
		if same, holds := p.Fingerprint == approved, p.Approved(approved); same != test.same || holds != test.holds {
			t.Errorf("%s: %q has the same fingerprint: %v, is approved: %v", test.name, actions(p.Changes), same, holds)
		}
	}
}
