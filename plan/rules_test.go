package plan

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"storyform/internal/diag"
	"storyform/state"
	"storyform/story"
)

// quiet says of each story that it may show what others show.
func quiet(in Input) Input {
	for i := range in.Stories {
		in.Stories[i].AllowRepeat = true
	}
	return in
}

// A story goes out neither before its predecessor nor without it.
func TestAfter(t *testing.T) {
	for _, test := range []struct {
		name                 string
		declared, remembered []string
		listed, want         string // changes in order; a reason after ": "
	}{
		{"both are due", []string{"b:due after=a", "a:due"}, nil, "", "a publish\nb publish"},
		{"the predecessor stands later in the source and is due later", []string{"b:open after=a", "a:due"}, nil, "", "a publish\nb publish"},
		{"it is due later", []string{"a:later", "b:due after=a"}, nil, "", "a schedule\nb schedule: it comes after story.a, which is not out yet"},
		{"it waits", []string{"a:later", "b:due after=a"}, []string{"a:scheduled later"}, "", "b schedule: which is not out yet"},
		{"both wait, then nothing is to be said", []string{"a:later", "b:later after=a"}, []string{"a:scheduled later", "b:scheduled later after=a"}, "", ""},
		{"registered, the dependent waits in silence", []string{"a:later", "b:due after=a"}, []string{"a:scheduled later", "b:scheduled due after=a"}, "", "b note: it comes after story.a, which is not out yet"},
		{"changed, it is registered so", []string{"a:later", "b:due after=a media=b"}, []string{"a:scheduled later", "b:scheduled due after=a"}, "", "b change: it comes after"},
		{"an interrupted upload waits", []string{"a:later", "b:due after=a"}, []string{"a:scheduled later", "b:uploaded due after=a uploaded-at=1h"}, "", "b note: it comes after"},
		{"it is out", []string{"a:due", "b:due after=a"}, []string{"a:live due sent=1h"}, "m1", "b publish"},
		{"it is over", []string{"a:due", "b:due after=a"}, []string{"a:archived due sent=25h"}, "empty", "b publish"},
		{"it was taken down, but it was out", []string{"a:due", "b:due after=a"}, []string{"a:removed due sent=1h"}, "empty", "b publish"},
		{"it was missed", []string{"a:closed", "b:due after=a"}, []string{"a:missed closed"}, "", "b schedule: which is missed"},
		{"it was cancelled and is declared again", []string{"a:later", "b:due after=a"}, []string{"a:cancelled due"}, "", "b schedule: which is cancelled\na schedule: declared again"},
		{"it failed and is tried again", []string{"a:due", "b:due after=a"}, []string{"a:failed due"}, "", "a publish: it failed before\nb publish"},
		{"it failed, has a new revision, and is due later", []string{"a:later rev=2", "b:due after=a"}, []string{"a:failed due"}, "", "a change\nb schedule: it comes after"},
		{"its window closes", []string{"a:closed", "b:due after=a"}, []string{"a:scheduled closed"}, "", "a missed\nb schedule: which is not out yet"},
		{"it is in doubt", []string{"a:due", "b:due after=a"}, []string{"a:unknown due tried=1m"}, "empty", "a settle\nb publish"}, // apply looks again
		{"it is found", []string{"a:due", "b:due after=a"}, []string{"a:unknown due tried=1m"}, "m1", "a adopt\nb publish"},
		{"a higher revision of it is to come", []string{"a:later rev=2", "b:due after=a"}, []string{"a:live due sent=1h"}, "m1", "a schedule\nb schedule: which is not out yet"},
		{"a higher revision of it goes out", []string{"a:due rev=2", "b:due after=a"}, []string{"a:live due sent=1h"}, "m1", "a publish\nb publish"},
		{"holding back goes down the chain", []string{"d:due after=c", "c:due after=b", "b:due after=a", "a:later"}, nil, "", "a schedule\nb schedule: after story.a\nc schedule: after story.b\nd schedule: after story.c"},
		{"one of several is missing", []string{"a:due", "x:later", "b:due after=a after=x"}, nil, "", "x schedule\na publish\nb schedule: it comes after story.x"},
		{"it is on another Page", []string{"a:due page=" + pageTwo, "b:due after=a"}, nil, "", "a publish\nb publish"},
		{"a dependent is out already", []string{"a:later", "b:due after=a"}, []string{"b:live due after=a sent=1h"}, "m1", "a schedule"},
	} {
		in := quiet(world(t, test.declared, test.remembered, test.listed))
		p := Build(in)
		got, want := strings.Split(tell(p.Changes), "\n"), strings.Split(test.want, "\n")
		slices.Sort(want)
		slices.Sort(got)
		ok := len(got) == len(want)
		for i := range want {
			head, reason, _ := strings.Cut(want[i], ": ")
			ok = ok && strings.HasPrefix(got[i], head) && strings.Contains(got[i], reason)
		}
		if !ok {
			t.Errorf("%s:\n got %q\nwant %q", test.name, got, want)
		}
		index := map[story.Address]int{}
		for i, c := range p.Changes {
			index[c.Address] = i
		}
		checkOrder(t, in, p, index)
	}
}

// Changes stand in the order in which they are carried out: by Page, time and
// source.
func TestOrder(t *testing.T) {
	in := quiet(world(t, []string{"c:due", "b:moved", "a:due", "z:open", "y:later page=" + pageTwo, "x:due page=" + pageTwo, "first:later", "late:due after=first"},
		[]string{"gone:scheduled later", "first:live later sent=1h"}, "m1"))
	want := "z publish, c publish, a publish, late publish, gone cancel, b schedule, x publish, y schedule"
	if got := actions(Build(in).Changes); got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

// chain is a plan of n stories of which each comes after the next one.
func chain(n int) []Change {
	changes := make([]Change, n)
	for i := range changes {
		changes[i] = Change{Address: addr(fmt.Sprint("s", i)), Action: Publish, Order: i, After: []story.Address{addr(fmt.Sprint("s", i+1))}}
	}
	changes[n-1].After = nil
	return changes
}

func TestAfterFirst(t *testing.T) {
	t.Run("deep", func(t *testing.T) {
		changes := chain(5000)
		sortChanges(changes)
		for i, c := range changes {
			if want := 4999 - i; c.Order != want {
				t.Fatalf("got story %d at %d, want %d", c.Order, i, want)
			}
		}
	})
	t.Run("cycle", func(t *testing.T) {
		changes := chain(5000)
		changes[4999].After = []story.Address{addr("s0"), addr("s2500"), addr("s4999"), addr("nowhere")}
		sortChanges(changes)
		seen := map[story.Address]bool{}
		for _, c := range changes {
			seen[c.Address] = true
		}
		if len(seen) != 5000 {
			t.Errorf("got %d stories, want all 5000", len(seen))
		}
	})
	t.Run("wide", func(t *testing.T) {
		changes := chain(300)
		for i := range changes {
			for j := range i {
				changes[i].After = append(changes[i].After, changes[j].Address)
			}
		}
		sortChanges(changes) // every pair, in a cycle
	})
}

// Holding back goes through a chain of 5,000, also when it stands in the worst
// order, and a cycle that slipped in doesn't make it hang.
func TestAfterDeep(t *testing.T) {
	for _, first := range []string{"later", "due"} {
		in := world(t, []string{"s0:" + first}, nil, "")
		for i := 1; i < 5000; i++ {
			d := in.Stories[0]
			d.Address, d.Order, d.PublishAt, d.NotAfter = addr(fmt.Sprint("s", i)), -i, noon.Add(-time.Hour), noon.Add(time.Hour)
			d.After, d.AllowRepeat = []story.Address{addr(fmt.Sprint("s", i-1))}, true
			in.Stories = append(in.Stories, d)
		}
		slices.Reverse(in.Stories)
		s := Build(in).Summary
		if want := (Summary{Schedule: 5000}); first == "later" && s != want {
			t.Errorf("got %+v, want %+v", s, want)
		}
		if want := (Summary{Publish: 5000}); first == "due" && s != want {
			t.Errorf("got %+v, want %+v", s, want)
		}
	}
	in := quiet(world(t, []string{"a:due after=b", "b:due after=a", "c:due after=c"}, nil, ""))
	if got := len(Build(in).Changes); got != 3 {
		t.Errorf("got %d changes of a cycle, want 3", got)
	}
}

// A state that was never written next to a Page that shows stories is what a
// lost state looks like.
func TestEmptyState(t *testing.T) {
	const stop = "State is new, but the Page is not"
	for _, test := range []struct {
		name             string
		declared, listed string
		change           func(in *Input)
		want             string
	}{
		{"an empty Page", "due", "empty", nil, ""},
		{"a live story", "due", "other", nil, stop},
		{"one that went out before publish_at, which may have been moved", "due", "other@20h", nil, stop},
		{"a story at once", "open", "other@20h", nil, stop},
		{"one that is over", "due", "other@24h", nil, ""},
		{"one that is archived", "due", "other:archived", nil, ""},
		{"a live story of the other kind", "due", "other:video", nil, ""},
		{"and the other way round", "due kind=video", "other:photo", nil, ""},
		{"of a kind that is not known here", "due", "other:reel", nil, stop},
		{"a live story, when it will be due", "later", "other", nil, stop},
		{"one that is over by then", "later", "other@23h", nil, ""},
		{"it is not ours", "due", "other", func(in *Input) { in.AdoptNone = true }, ""},
		{"the state was written", "due", "other", func(in *Input) { in.State = &state.Document{Serial: 1} }, ""},
		{"the state knows nothing and was written after the story", "due", "other@2h", func(in *Input) {
			in.State = &state.Document{Serial: 1, WrittenAt: noon.Add(-time.Hour)}
		}, stop},
		{"the state was begun after the story", "due", "other@2h", func(in *Input) {
			in.State = &state.Document{Serial: 1, Stories: []state.Entry{entry(t, "b", "scheduled later")}}
		}, stop},
		{"the state was begun before the story", "due", "other@30m", func(in *Input) {
			in.State = &state.Document{Serial: 1, Stories: []state.Entry{entry(t, "b", "scheduled later")}}
		}, ""},
		{"it was said before that it is not ours", "due", "other@2h", func(in *Input) {
			in.State = &state.Document{Serial: 1, Stories: []state.Entry{entry(t, "b", "scheduled later")}, History: []state.Event{{At: noon, What: AdoptNoneEvent}}}
		}, ""},
		{"a first run was killed", "due", "other", func(in *Input) { in.State = &state.Document{Stories: []state.Entry{entry(t, "b", "scheduled later")}} }, ""},
		{"an empty document", "due", "other", func(in *Input) { in.State = &state.Document{} }, stop},
		{"another Page's story", "due page=" + pageTwo, "other", func(in *Input) { in.Views[pageTwo] = listing(t, "empty") }, ""},
		{"the Page could not be read, so that apply publishes nothing there", "due", "other", func(in *Input) { in.Views = nil }, ""},
		{"another Page could not be read", "due", "empty", func(in *Input) { in.Unread = map[string]string{pageTwo: "no"} }, ""},
		{"nobody was asked", "due", "", nil, ""},
	} {
		in := world(t, []string{"a:" + test.declared}, nil, test.listed)
		in.State = nil
		if test.change != nil {
			test.change(&in)
		}
		var got []string
		for _, d := range Build(in).Diagnostics {
			got = append(got, d.Summary)
			if later := test.declared == "later"; later == (d.Severity == diag.Error) || later != strings.Contains(d.Detail, "refused when it is due") {
				t.Errorf("%s: got %v, want an error only of what is published now", test.name, d)
			}
			if d.Summary == stop && (!strings.Contains(d.Detail, "storyform import 'story.a' post-other") || !strings.Contains(d.Detail, "--adopt-none")) {
				t.Errorf("%s: got %s, want both ways out", test.name, d.Detail)
			}
		}
		if strings.Join(got, ", ") != test.want {
			t.Errorf("%s: got %q, want %q", test.name, got, test.want)
		}
	}
}

// The sentence about a full Page stays readable.
func TestEmptyStateText(t *testing.T) {
	in := world(t, []string{"a:due"}, nil, "s1 s2 s3 s4 s5 s6 s7")
	in.State = nil
	detail := Build(in).Diagnostics[0].Detail
	if want := "page.acme already shows 7 live photo stories (post_id post-s1, post-s2, post-s3, post-s4, post-s5, …) that could be story.a"; !strings.Contains(detail, want) {
		t.Errorf("got %s, want %s", detail, want)
	}
}

func TestBulk(t *testing.T) {
	for limit, warns := range map[int]bool{0: false, 1: true, 2: true, 3: false, -1: false} {
		in := quiet(world(t, []string{"a:due", "b:due", "c:due", "d:later", "e:due"}, []string{"c:uploaded due uploaded-at=1h", "e:unknown due tried=6m"}, "empty"))
		in.Settings.MaxPublish = limit
		p := Build(in)
		if p.Publications() != 3 {
			t.Errorf("got %d publications, want 3: what is settled was counted before", p.Publications())
		}
		if got := len(p.Diagnostics) == 1 && p.Diagnostics[0].Summary == "More stories than max_publish" && !p.Diagnostics.HasErrors(); got != warns {
			t.Errorf("max_publish %d: got %v, want a warning: %v", limit, p.Diagnostics, warns)
		}
	}
}

// Adding for_each or changing a label renames a story; what is out, or may be,
// is not posted again for it.
func TestRenamed(t *testing.T) {
	for _, test := range []struct {
		old, fresh string
		refused    bool
	}{
		{"live due sent=1h", "due", true},
		{"live due sent=1h forgotten", "due", true},
		{"archived open sent=900h", "open", true},
		{"archived window=1h sent=900h", "window=1h", true},
		{"archived window=1h sent=900h", "window=9h", true},
		{"live until sent=1h", "until", true},
		{"live until sent=1h", "window=9h", false},
		{"removed due sent=1h", "due", true},
		{"unknown due tried=6m", "due", true},
		{"publishing due tried=6m", "due", true},
		{"live later sent=1h", "later", true}, // it went out before its time was moved
		{"scheduled due", "due", false},       // it is cancelled, and the block suggested
		{"failed due", "due", false},
		{"missed due", "due", false},
		{"cancelled due", "due", false},
		{"live due sent=1h", "due for=9h", true},
		{"live due sent=1h", "due media=b", false},
		{"live due sent=1h", "later", false},
		{"live due sent=1h", "due page=" + pageTwo, false},
		{"live due sent=1h", "open", false},
	} {
		in := world(t, []string{"new:" + test.fresh}, []string{"old:" + test.old}, "m1")
		in.Stories[0].Address = in.Stories[0].Address.At("id")
		if strings.Contains(test.old, "tried") {
			in.Views[pageID] = listing(t, "empty")
		}
		p := Build(in)
		if got := p.Diagnostics.HasErrors(); got != test.refused {
			t.Errorf("%q is now %q: got %v, want it refused: %v", test.old, test.fresh, p.Diagnostics, test.refused)
		}
		if test.refused && (len(p.Diagnostics) != 1 || !strings.Contains(p.Diagnostics[0].Detail, "from = story.old\n      to   = story.new[\"id\"]")) {
			t.Errorf("got %v, want the moved block, and nothing else", p.Diagnostics)
		}
		if past := strings.Contains(test.old, "sent"); test.refused && past != strings.HasPrefix(p.Diagnostics[0].Detail, "story.old went out at ") {
			t.Errorf("%q: got %v, want what the state knows of it", test.old, p.Diagnostics)
		}
		in.Moved = []Move{{From: addr("old"), To: in.Stories[0].Address}}
		if p := Build(in); test.refused && (p.Diagnostics.HasErrors() || p.Publications() > 0) {
			t.Errorf("%q, moved: got %s, %v", test.old, tell(p.Changes), p.Diagnostics)
		}
		in.Moved = nil
		in.Stories[0].AllowRepeat = true
		instant := strings.Contains(test.fresh, "due") || strings.Contains(test.fresh, "later")
		if got := Build(in).Diagnostics.HasErrors(); got != (test.refused && instant) {
			t.Errorf("%q is now %q with allow_repeat: refused is %v", test.old, test.fresh, got)
		} else if got {
			in.Stories[0].Revision = 2
		}
		approved := saved(t, Build(in))
		p, stale := Rebase(approved, in)
		if approved.Diagnostics.HasErrors() || len(stale) > 0 || p.Diagnostics.HasErrors() {
			t.Errorf("%q with allow_repeat: got %v, %v", test.old, approved.Diagnostics, stale)
		}
	}
	declared := world(t, []string{"old:due", "new:due"}, []string{"old:live due sent=1h"}, "m1")
	if p := Build(declared); p.Diagnostics.HasErrors() {
		t.Errorf("both are declared: got %v, want a warning at most", p.Diagnostics)
	}
}

// What the state has under the new name, and what is declared under the old one
// by now, make no difference: keys that are numbers shift, and a rename is
// taken back.
func TestRenamedToKnown(t *testing.T) {
	for _, test := range []struct {
		declared, remembered []string
		refused              string
	}{
		{[]string{"a:due"}, []string{"a:cancelled due", "b:live due sent=1h"}, "a"},
		{[]string{"a:due"}, []string{"a:missed closed", "b:live due sent=1h"}, "a"},
		{[]string{"a:due"}, []string{"a:scheduled due", "b:live due sent=1h"}, "a"},
		{[]string{"a:due"}, []string{"a:uploaded due uploaded-at=1h id=m2", "b:live due sent=1h"}, "a"},
		{[]string{"a:due media=b", "b:due"}, []string{"a:live due sent=1h", "b:scheduled due media=b"}, "b"}, // swapped
		{[]string{"a:due media=b", "b:due after=c", "c:later"}, []string{"a:live due sent=1h", "b:scheduled due media=b", "c:scheduled later"}, "b"},
		{[]string{"a:due rev=2"}, []string{"a:live due sent=1h"}, ""},
		{[]string{"a:due rev=2"}, []string{"a:cancelled due", "b:live due sent=1h"}, ""},
		{[]string{"a:due media=b"}, []string{"a:cancelled due", "b:live due sent=1h"}, ""},
	} {
		p := Build(world(t, test.declared, test.remembered, "m1"))
		refused := ""
		for _, d := range p.Diagnostics {
			if d.Severity == diag.Error {
				refused += strings.TrimPrefix(d.Address, "story.")
			}
		}
		if refused != test.refused {
			t.Errorf("%q, state %q: %q is refused, want %q: %v", test.declared, test.remembered, refused, test.refused, p.Diagnostics)
		}
	}
}

func TestLateness(t *testing.T) {
	for d, want := range map[time.Duration]string{
		0: "0s", 1500 * time.Millisecond: "2s", time.Minute: "1m", 59*time.Minute + 59*time.Second: "59m", time.Hour: "1h00m",
		25*time.Hour + 7*time.Minute: "25h07m", 48 * time.Hour: "2 days", 1<<63 - 1: "106751 days",
	} {
		if got := lateness(d); got != want {
			t.Errorf("%d: got %s, want %s", d, got, want)
		}
	}
}

// The room that a guard leaves goes to the stories that are carried out first,
// however they stand in the source: a dependent must not take it from what it
// comes after, or neither would ever go out.
func TestGuardsFollowTheOrder(t *testing.T) {
	for _, test := range []struct {
		declared []string
		want     string
	}{
		{[]string{"b:due after=a media=b", "a:due"}, "a publish, b schedule"},
		{[]string{"b:due media=b", "a:open"}, "a publish, b schedule"},
		{[]string{"c:due after=b media=c", "b:due after=a media=b", "a:due"}, "a publish, b schedule, c schedule"},
	} {
		in := world(t, test.declared, nil, "empty")
		in.Pages[0].Guard = &story.Guard{MaxPerDay: 1}
		if got := actions(Build(in).Changes); got != test.want {
			t.Errorf("%q: got %s, want %s", test.declared, got, test.want)
		}
	}
}
