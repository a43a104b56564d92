package plan

import (
	"bytes"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"storyform/state"
	"storyform/story"
)

// chaos makes worlds that need not make sense: entries in the wrong status for
// their times, media ids that several stories share, zero and absurd times,
// Pages that are listed twice, not at all or not declared, `after` in cycles.
type chaos struct{ *rand.Rand }

func newChaos(seed uint64) chaos { return chaos{rand.New(rand.NewPCG(seed, 2))} }

func (r chaos) chance(n int) bool { return r.IntN(n) == 0 }

// one of some values.
func one[T any](r chaos, values ...T) T { return values[r.IntN(len(values))] }

// time is an instant around noon, or none.
func (r chaos) time() time.Time {
	return one(r, time.Time{}, noon, noon.Add(time.Nanosecond), noon.Add(-time.Minute), noon.Add(-6*time.Minute), noon.Add(-time.Hour),
		noon.Add(-24*time.Hour), noon.Add(-30*time.Hour), noon.Add(time.Hour), noon.Add(48*time.Hour), time.Unix(1<<40, 0), time.Unix(-1<<40, 0))
}

func (r chaos) address() story.Address {
	a := addr(string(rune('a' + r.IntN(6))))
	if r.chance(8) {
		a = a.At(one(r, "k", "id", "\"]\x00"))
	}
	return a
}

func (r chaos) media() string { return one(r, "", "", "m1", "m2", "m3", "m4") }

func (r chaos) page() string { return one(r, pageID, pageID, pageTwo, "gone", "") }

func (r chaos) after() []story.Address {
	var after []story.Address
	for r.chance(3) {
		after = append(after, r.address())
	}
	return after
}

func (r chaos) window() time.Duration {
	return one(r, 0, 0, time.Hour, 30*time.Minute, -time.Hour, 1<<62)
}

func (r chaos) desired(order int) story.Desired {
	p := page(r.page())
	p.Timezone = one(r, "", "Asia/Jakarta", "no/zone")
	return story.Desired{
		Address: r.address(), Page: p, Kind: one(r, story.Photo, story.Video, ""), Source: one(r, "a", "b"),
		Media:     story.Media{SHA256: one(r, "", "x", "y"), Hosted: r.chance(2)},
		PublishAt: r.time(), NotAfter: r.time(), Window: r.window(), Revision: r.IntN(4), After: r.after(),
		Labels: one(r, nil, map[string]string{"a": "b", "c": "d"}), Order: order,
	}
}

func (r chaos) entry() state.Entry {
	e := state.Entry{
		Address: r.address(), Page: page(r.page()).Address, PageID: r.page(), Kind: one(r, story.Photo, story.Video, ""), Source: one(r, "a", "b"),
		SHA256: one(r, "", "x", "y"), Revision: r.IntN(4), OutRevision: r.IntN(3), Status: one(r, append(slices.Clone(story.Statuses), story.Unknown, story.Uploaded)...),
		RegisteredAt: r.time(), PublishAt: r.time(), NotAfter: r.time(), Window: r.window(), After: r.after(),
		MediaID: r.media(), PostID: one(r, "", "p1"), URL: one(r, "", "u"), PublishedAt: r.time(), ExpiresAt: r.time(), Forgotten: r.chance(4),
	}
	for r.chance(3) {
		e.TriedMedia = append(e.TriedMedia, r.media())
	}
	if r.chance(2) {
		e.Operation = &state.Operation{StartedAt: r.time(), UploadedAt: r.time(), Attempt: r.IntN(4) - 1, AttemptAt: r.time()}
	}
	if r.chance(3) {
		e.Failure = &state.Failure{Op: "photos", Message: "no"}
	}
	return e
}

func (r chaos) view() *story.PageView {
	if r.chance(4) {
		return nil
	}
	v := &story.PageView{At: one(r, noon, r.time()), Since: one(r, noon.Add(-25*time.Hour), r.time())}
	for range r.IntN(4) {
		v.Stories = append(v.Stories, story.Observed{MediaID: r.media(), PostID: one(r, "", "p1", "p2"), Kind: one(r, story.Photo, story.Video, "?"), Published: !r.chance(3), CreatedAt: r.time()})
	}
	return v
}

// input is a world. Addresses are unique in the state, as a document is, and
// mostly in the configuration.
func (r chaos) input() Input {
	in := Input{Now: one(r, noon, noon, noon, r.time()), Tool: "0.1.0", Refreshed: !r.chance(4), AdoptNone: r.chance(2),
		Settings: Settings{SettleAfter: one(r, 5*time.Minute, 5*time.Minute, 0, -1), MaxPublish: r.IntN(3), UploadAhead: one(r, 0, 2*time.Hour)}, Stage: r.chance(2)}
	for range r.IntN(4) {
		p := page(r.page())
		if r.chance(3) {
			p.Guard = &story.Guard{MaxPerDay: r.IntN(3), MaxLive: r.IntN(3), MinGap: one(r, 0, time.Hour)}
			if r.chance(3) {
				p.Guard.QuietHours = []story.QuietHours{{From: r.IntN(1440), To: r.IntN(1440)}}
			}
		}
		in.Pages = append(in.Pages, p)
	}
	for r.chance(3) {
		in.Moved = append(in.Moved, Move{From: r.address(), To: r.address()})
	}
	for r.chance(4) {
		in.Imports = append(in.Imports, Import{To: r.address(), PostID: one(r, "p1", "p2", "p3")})
	}
	for i := range r.IntN(7) {
		d := r.desired(i)
		if !slices.ContainsFunc(in.Stories, func(o story.Desired) bool { return o.Address == d.Address }) || r.chance(10) {
			in.Stories = append(in.Stories, d)
		}
	}
	if r.chance(8) {
		return in
	}
	in.State = &state.Document{Lineage: "l", Serial: uint64(r.IntN(4))}
	for range r.IntN(7) {
		e := r.entry()
		if len(in.Stories) > 0 && r.chance(2) { // as it is declared, mostly
			d := one(r, in.Stories...)
			s := d.Spec()
			e.Address, e.Page, e.PageID, e.Kind, e.Source, e.SHA256 = d.Address, d.Page.Address, s.PageID, s.Kind, s.Source, s.SHA256
			e.PublishAt, e.NotAfter, e.Window, e.After, e.Labels = s.PublishAt, s.NotAfter, s.Window, s.After, s.Labels
			e.Revision = one(r, s.Revision, s.Revision, s.Revision+1, s.Revision-1)
		}
		if !slices.ContainsFunc(in.State.Stories, func(o state.Entry) bool { return o.Address == e.Address }) {
			in.State.Stories = append(in.State.Stories, e)
		}
	}
	for range r.IntN(4) {
		in.State.History = append(in.State.History, state.Event{What: one(r, "published", "adopted", "missed", ""), Address: r.address(), Revision: r.IntN(4), MediaID: r.media()})
	}
	if r.chance(5) {
		return in
	}
	in.Views, in.Videos = map[string]*story.PageView{}, map[string]story.VideoView{}
	for _, id := range []string{pageID, pageTwo, "gone"} {
		in.Views[id] = r.view()
		if r.chance(4) {
			delete(in.Views, id)
		}
	}
	for range r.IntN(3) {
		id := r.media()
		in.Videos[id] = story.VideoView{VideoID: id, At: r.time(), Gone: r.chance(3), Expired: r.chance(3), Busy: r.chance(3), Publish: one(r, "", "published", "not_published")}
	}
	return in
}

// puts are the actions that register or publish.
func puts(a Action) bool { return a == Publish || a == Schedule || a == Modify || a == Resume }

// worldOf finds what a world says of an address.
func worldOf(in Input, a story.Address) (d *story.Desired, e *state.Entry) {
	for i := range in.Stories {
		if in.Stories[i].Address == a {
			d = &in.Stories[i] // the last one holds
		}
	}
	if in.State != nil {
		for i := range in.State.Stories {
			if in.State.Stories[i].Address == a {
				e = &in.State.Stories[i]
			}
		}
	}
	return d, e
}

// unsafe says which promise a change breaks in a world; "" for none. d is what
// was approved.
func unsafe(in Input, c *Change, d *story.Desired, e *state.Entry) string {
	switch {
	case puts(c.Action) && d == nil:
		return "nobody declares it"
	case puts(c.Action) && d.Spec().PageID != c.PageID:
		return "it is for another Page"
	case (c.Action == Publish || c.Action == Schedule) && e == nil && !d.NotAfter.IsZero() && in.Now.After(d.NotAfter):
		return "its window is closed"
	case c.Action == Publish && d.PublishAt.After(in.Now):
		return "it is not due"
	case e == nil:
		return ""
	}
	_, listed := e.ListedIn(in.Views[e.PageID])
	again := d != nil && d.Revision > e.Revision && e.Status.Out()
	switch {
	case puts(c.Action) && e.Status.Out() && !again:
		return "it is out in this revision"
	case e.Status.Doubtful() && c.Action != Settle && c.Action != Adopt:
		return "its outcome is open"
	case puts(c.Action) && listed && !again:
		return "the Page lists its media"
	case c.Action == Upload && (d == nil || !e.Status.Pending() || !d.PublishAt.After(in.Now) || listed):
		return "there is nothing to upload ahead"
	case c.Action == Resume && d.Revision != e.Revision:
		return "it resumes under another revision"
	case puts(c.Action) && e.Status == story.Missed && e.Attempted() && d.Revision <= e.Revision:
		return "it was missed after an attempt"
	case puts(c.Action) && d.Revision < e.Revision && d.Revision <= e.OutRevision:
		return "its revision was out and was lowered"
	case c.Action == Cancel && !e.Status.Pending():
		return "it is not pending"
	case c.Action == Forget && (d != nil || !e.Status.Out()):
		return "there is nothing to forget"
	case c.Action == Missed && !e.Status.Pending():
		return "it can't be missed"
	}
	return ""
}

// checkPlan holds a plan against its world.
func checkPlan(t *testing.T, in Input, p *Plan) {
	t.Helper()
	if in.State != nil {
		in.State, _, _ = moveEntries(in.State, in.Moved)
	}
	seen := map[story.Address]int{}
	for i := range p.Changes {
		c := &p.Changes[i]
		if _, twice := seen[c.Address]; twice {
			t.Fatalf("%s has two changes", c.Address)
		}
		seen[c.Address] = i
		d, e := worldOf(in, c.Address)
		if why := unsafe(in, c, d, e); why != "" {
			t.Fatalf("%s %s, although %s\ndeclared %+v\nstate %+v", c.Address, c.Action, why, d, e)
		}
		for _, page := range in.Pages {
			if g := page.Guard; g != nil && page.ID == c.PageID && (c.Action == Publish || c.Action == Resume) &&
				slices.ContainsFunc(g.QuietHours, func(q story.QuietHours) bool { return q.Contains(in.Now.In(page.Location())) }) {
				t.Fatalf("%s goes out in the quiet hours of its Page", c.Address)
			}
		}
	}
	updated := map[story.Address]bool{}
	for _, u := range p.Updates {
		_, e := worldOf(in, u.Address)
		i, changed := seen[u.Address]
		if updated[u.Address] || e == nil || !e.Status.Out() || !u.Status.Out() || changed && puts(p.Changes[i].Action) {
			t.Fatalf("update %+v of %+v", u, e)
		}
		updated[u.Address] = true
	}
	checkOrder(t, in, p, seen)
}

// checkOrder: a dependent never stands before its predecessor and never goes
// out without it. In a cycle there is no order.
func checkOrder(t *testing.T, in Input, p *Plan, index map[story.Address]int) {
	t.Helper()
	for i := range p.Changes {
		c := &p.Changes[i]
		for _, dep := range c.After {
			j, planned := index[dep]
			if planned && j > i && !reaches(p.Changes, index, dep, c.Address) {
				t.Fatalf("%s stands before %s, which it comes after", c.Address, dep)
			}
			if c.Action != Publish && c.Action != Resume || planned && goesOut(p.Changes[j].Action) {
				continue
			}
			d, e := worldOf(in, dep)
			if e == nil || !e.Status.Out() || d != nil && d.Revision > e.Revision {
				t.Fatalf("%s goes out without %s", c.Address, dep)
			}
		}
	}
}

// reaches reports whether to is among what from comes after.
func reaches(changes []Change, index map[story.Address]int, from, to story.Address) bool {
	seen := map[story.Address]bool{}
	var visit func(a story.Address) bool
	visit = func(a story.Address) bool {
		if a == to {
			return true
		}
		i, ok := index[a]
		if !ok || seen[a] {
			return false
		}
		seen[a] = true
		return slices.ContainsFunc(changes[i].After, visit)
	}
	return visit(from)
}

func encoded(t *testing.T, p *Plan) string {
	t.Helper()
	var buf bytes.Buffer
	if err := Encode(&buf, p); err != nil {
		return err.Error() // a year after 9999
	}
	return buf.String()
}

func TestBuildProperties(t *testing.T) {
	actions := map[Action]int{}
	for seed := range uint64(2000) {
		in := newChaos(seed).input()
		p := Build(in)
		checkPlan(t, in, p)
		if t.Failed() {
			t.Fatalf("seed %d", seed)
		}
		for _, c := range p.Changes {
			actions[c.Action]++
		}
		again := in
		again.Views, again.Videos = maps.Clone(in.Views), maps.Clone(in.Videos)
		if encoded(t, Build(again)) != encoded(t, p) {
			t.Fatalf("seed %d: made again, the plan is another one", seed)
		}
	}
	for action := range follows {
		if actions[action] < 2 {
			t.Errorf("got %d times %s: these worlds are too tame", actions[action], action)
		}
	}
}

// The order of files, blocks and entries means nothing: Order says what does.
func TestBuildIgnoresOrder(t *testing.T) {
	for seed := range uint64(600) {
		r := newChaos(seed)
		in := r.input()
		in.Stories = slices.CompactFunc(slices.SortedFunc(slices.Values(in.Stories), func(a, b story.Desired) int { return a.Address.Compare(b.Address) }),
			func(a, b story.Desired) bool { return a.Address.Compare(b.Address) == 0 })
		want := Build(in)
		r.Shuffle(len(in.Stories), func(i, j int) { in.Stories[i], in.Stories[j] = in.Stories[j], in.Stories[i] })
		if in.State != nil && in.Moved == nil { // of two entries with one new name, the first in the document has it
			doc := in.State.Clone()
			r.Shuffle(len(doc.Stories), func(i, j int) { doc.Stories[i], doc.Stories[j] = doc.Stories[j], doc.Stories[i] })
			in.State = doc
		}
		got := Build(in)
		if listOf(got) != listOf(want) || got.Fingerprint != want.Fingerprint || got.Summary != want.Summary {
			t.Fatalf("seed %d: got\n%s\nwant\n%s", seed, listOf(got), listOf(want))
		}
	}
}

func listOf(p *Plan) (list string) {
	for _, c := range p.Changes {
		list += fmt.Sprintf("%s %s %s %d\n", c.Address, c.Action, c.PageID, c.Revision)
	}
	return list
}

// checkRebase applies a plan in a world: nothing is done that was not
// approved, nothing that was approved is lost in silence, and what is done
// breaks no promise.
func checkRebase(t *testing.T, approved *Plan, in Input) {
	t.Helper()
	p, stale := Rebase(approved, in)
	if in.State != nil {
		in.State, _, _ = moveEntries(in.State, approved.Moves)
	}
	wanted := map[story.Address]*Change{}
	var needed []story.Address
	for i := range approved.Changes {
		c := &approved.Changes[i]
		if _, ok := wanted[c.Address]; !ok { // a file may name an address twice; the first holds
			wanted[c.Address] = c
		}
		if c.Action != Note {
			needed = append(needed, c.Address)
		}
	}
	told := map[story.Address]bool{}
	for _, s := range stale {
		if s.Why == "" {
			t.Fatalf("%s is stale and nobody says why", s.Address)
		}
		told[s.Address] = true
	}
	serial := uint64(0)
	if in.State != nil {
		serial = in.State.Serial
	}
	if serial < approved.Serial && !p.Diagnostics.HasErrors() {
		t.Fatalf("the state went back from %d to %d", approved.Serial, serial)
	}
	for i := range p.Changes {
		c := &p.Changes[i]
		told[c.Address] = true
		want := wanted[c.Address]
		if want == nil || !slices.Contains(follows[want.Action], c.Action) {
			t.Fatalf("%s %s was not approved, but %v", c.Address, c.Action, want)
		}
		have, approvedSpec := c.Spec(), want.Spec()
		if (puts(c.Action) || c.Action == Cancel) && (specID(&have) != specID(&approvedSpec) || c.Action == Cancel && want.Action != Cancel) {
			t.Fatalf("%s %s: got %+v, approved was %+v", c.Address, c.Action, have, approvedSpec)
		}
		_, e := worldOf(in, c.Address)
		d := &story.Desired{Address: want.Address, Page: story.Page{ID: want.PageID}, PublishAt: want.PublishAt, NotAfter: want.NotAfter, Revision: want.Revision}
		if !want.Declared {
			d = nil
		}
		if why := unsafe(in, c, d, e); why != "" {
			t.Fatalf("%s %s, although %s\nstate %+v", c.Address, c.Action, why, e)
		}
	}
	for _, a := range needed {
		if !told[a] {
			t.Fatalf("%s %s is lost in silence", a, wanted[a].Action)
		}
	}
	if p.Fingerprint != approved.Fingerprint {
		t.Fatalf("got fingerprint %s, want %s", p.Fingerprint, approved.Fingerprint)
	}
}

func TestRebaseProperties(t *testing.T) {
	done := 0
	for seed := range uint64(2000) {
		r := newChaos(seed)
		before := r.input()
		approved := Build(before)
		after := r.input()
		if r.chance(2) { // the same world, a little later
			after = before
			after.Now, after.Stories = before.Now.Add(time.Hour), nil
			after.Views = r.input().Views
		}
		checkRebase(t, approved, after)
		if t.Failed() {
			t.Fatalf("seed %d", seed)
		}
		p, _ := Rebase(approved, after)
		done += len(p.Changes)
	}
	if done < 1000 {
		t.Errorf("got %d changes that were carried out: these worlds have nothing in common", done)
	}
}

// Nothing at all is a valid input.
func TestBuildOfNothing(t *testing.T) {
	p := Build(Input{})
	if len(p.Changes)+len(p.Pages)+len(p.Updates)+len(p.Diagnostics) > 0 || p.HasChanges() {
		t.Errorf("got %+v", p)
	}
	if p, stale := Rebase(new(Plan), Input{}); len(p.Changes)+len(stale) > 0 {
		t.Errorf("got %+v, %v", p, stale)
	}
}
