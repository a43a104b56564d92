package apply_test

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"storyform/apply"
	"storyform/graphapi/sandbox"
	"storyform/plan"
	"storyform/state"
	"storyform/story"
)

// The model: random sequences of what people, machines and Meta do, and after
// each step the promises, checked from the simulator's own record. A sequence
// that breaks one is shortened as far as it still does, and printed as a
// script that TestModelScript runs.

// step is one thing that happens. What the numbers mean depends on the verb.
type step struct {
	verb    string
	x, y, z int
}

// String is the step as a line of a script.
func (s step) String() string { return fmt.Sprintf("%s %d %d %d", s.verb, s.x, s.y, s.z) }

// verbs are the things that happen, and how often relative to each other.
var verbs = []struct {
	name   string
	weight int
	do     func(m *model, s step)
}{
	{"declare", 14, (*model).declareStory},
	{"undeclare", 4, func(m *model, s step) { delete(m.declared, s.x%slots) }},
	{"media", 5, (*model).changeMedia},
	{"page", 2, func(m *model, s step) {
		m.edit(s, func(d *story.Desired) { d.Page = page([]string{pageID, otherID}[s.y%2]) })
	}},
	{"time", 4, func(m *model, s step) { m.edit(s, func(d *story.Desired) { m.due(d, s.y) }) }},
	{"revision", 4, func(m *model, s step) { m.edit(s, func(d *story.Desired) { d.Revision = max(1, d.Revision+s.y%4-1) }) }},
	{"after", 2, func(m *model, s step) {
		m.edit(s, func(d *story.Desired) {
			if other, ok := m.declared[s.y%slots]; ok && s.y%slots < s.x%slots {
				d.After = []story.Address{other.Address}
			}
		})
	}},
	{"rename", 2, (*model).rename},
	{"relabel", 4, (*model).relabel},
	{"swap", 3, (*model).swap},
	{"unmove", 2, func(m *model, s step) { m.w.moved = nil }},
	{"due", 6, func(m *model, s step) { m.configure(); m.cron(m.w.stories, m.w.moved) }},
	{"keep", 4, func(m *model, s step) { m.configure(); m.former = &world{stories: m.w.stories, moved: m.w.moved} }},
	{"stale", 6, func(m *model, s step) {
		if m.former != nil {
			m.cron(m.former.stories, m.former.moved)
		}
	}},
	{"apply", 20, func(m *model, s step) { m.apply() }},
	{"cron", 12, func(m *model, s step) { m.w.clock.Advance(6 * time.Minute); m.apply() }},
	{"stop", 3, (*model).stop},
	{"crash", 14, func(m *model, s step) { m.crash(s) }},
	{"takeover", 4, (*model).takeover},
	{"save", 4, func(m *model, s step) { m.saved = append(m.saved, m.plan()) }},
	{"replay", 4, (*model).replay},
	{"fault", 14, (*model).addFault},
	{"heal", 5, func(m *model, s step) { must(m.w.tb, m.w.sim.ClearFaults()) }},
	{"advance", 16, func(m *model, s step) { m.w.clock.Advance(waits[s.x%len(waits)]) }},
	{"removed", 3, (*model).removeByHand},
	{"posted", 3, func(m *model, s step) {
		m.w.byHand([]string{pageID, otherID}[s.x%2], []story.Kind{story.Photo, story.Video}[s.y%2])
	}},
	{"rollback", 4, func(m *model, s step) { m.rollBack() }},
	{"switch", 4, func(m *model, s step) { m.w.set(worlds[s.x%len(worlds)]) }},
}

// slots is how many stories a model has.
const slots = 4

// waits are the times that pass.
var waits = []time.Duration{
	time.Second, 20 * time.Second, 2 * time.Minute, 5 * time.Minute, 6 * time.Minute, 20 * time.Minute, time.Hour, 3 * time.Hour, 25 * time.Hour,
}

// worlds are ways in which the API may behave. None of them lets the same
// media be published twice: what Meta allows there, no client can prevent.
var worlds = []string{
	"listing_lag=0s publish_delay=0s status_lag=0s archive_off=false app_usage=0 republish=refuse as_documented=false",
	"listing_lag=20s", "listing_lag=4m", "listing_lag=12m", "publish_delay=40s", "processing_time=3m", "status_lag=5s",
	"app_usage=90", "app_usage=99", "republish=same", "as_documented=true", "session_lifetime=2h",
}

// faultDeeds are what a fault of the model does.
var faultDeeds = []string{
	"before reset", "after reset", "after cut=0", "before html", "after html status=200", "before false", "after empty",
	"before status=500 code=2", "after status=500 code=2", "before status=503 code=1", "before html status=429",
	"before code=613", "before code=190 subcode=463", "before code=200", "before code=368", "before code=100 subcode=33",
	"before delay=40s", "after delay=3m",
}

// faultEdges are the calls that a fault of the model is about.
var faultEdges = []string{
	"photo_stories", "finish", "photo_stories", "finish", "photo_stories", "finish", "photo_stories", "finish",
	"photos", "start", "upload", "status", "stories", "me", "page", "any",
}

// announcement is what a record "publishing" said.
type announcement struct {
	address  story.Address
	revision int
	deadline time.Time
	tied     string // to a day; "" for none
}

// model is a world, what is declared in it, and what is known of its past.
type model struct {
	w        *world
	declared map[int]*story.Desired
	saved    []*plan.Plan
	variants int
	renamed  map[int]bool
	former   *world // an older configuration, which some runner still has
	reused   bool   // names may be those of other stories before
	deaths   int

	mu        sync.Mutex
	retries   int
	announced map[string]announcement // by media_id
	approved  map[string]bool         // slot, Page and content of every change of a plan that was carried out
	contents  map[string]string       // hash by source, for hosted files
}

// newModel returns a model of an empty world.
func newModel(tb testing.TB) *model {
	m := &model{
		declared: map[int]*story.Desired{}, renamed: map[int]bool{}, announced: map[string]announcement{},
		approved: map[string]bool{}, contents: map[string]string{},
	}
	m.w = newWorld(tb, func(w *world) { w.wrap = m.watch })
	m.w.adoptNone = true
	return m
}

// watched is a store whose records the model reads along.
type watched struct {
	state.Store
	m *model
}

// watch puts the model between the runs and the files.
func (m *model) watch(s state.Store) state.Store { return watched{s, m} }

func (s watched) Append(ctx context.Context, rec state.Record) error {
	if rec.Step == "publishing" {
		s.m.mu.Lock()
		if rec.Entry.Operation.Attempt > 1 {
			s.m.retries++
		}
		s.m.announced[rec.Entry.MediaID] = announcement{rec.Key, rec.Entry.Revision, rec.Entry.Deadline(), tied(rec.Entry)}
		s.m.mu.Unlock()
	}
	return s.Store.Append(ctx, rec)
}

// tied says what ties a story to a day.
func tied(e *state.Entry) string {
	if e.PublishAt.IsZero() {
		return "until " + e.NotAfter.UTC().String()
	}
	return "at " + e.PublishAt.UTC().String()
}

// slotOf is the slot of an address: names are a letter and the slot's number.
func slotOf(a story.Address) int {
	n, _ := strconv.Atoi(a.Name[1:])
	return n
}

// run does one step and checks everything.
func (m *model) run(s step) {
	for _, v := range verbs {
		if v.name == s.verb {
			v.do(m, s)
			m.check()
			return
		}
	}
	m.w.tb.Fatalf("there is no step %q", s.verb)
}

// declareStory declares a story in an empty slot.
func (m *model) declareStory(s step) {
	slot := s.x % slots
	if m.declared[slot] != nil {
		return
	}
	name := "s" + strconv.Itoa(slot)
	if m.renamed[slot] {
		name = "t" + strconv.Itoa(slot)
	}
	d := story.Desired{Address: address(name), Page: page([]string{pageID, pageID, otherID}[s.y%3]), Revision: 1, Order: slot}
	m.declared[slot] = &d
	m.show(&d, s.y)
	m.due(&d, s.z)
}

// show gives a story media that no other has.
func (m *model) show(d *story.Desired, kind int) {
	m.variants++
	seed := fmt.Sprintf("variant %d", m.variants)
	file := fmt.Sprintf("%s-%d%s", d.Address.Name, m.variants, []string{".jpg", ".mp4", ".png", ".mp4"}[kind%4])
	d.Kind = []story.Kind{story.Photo, story.Video, story.Photo, story.Video}[kind%4]
	content := m.w.file(file, seed)
	d.Source = file
	d.Media = story.Media{Kind: d.Kind, Format: strings.TrimPrefix(filepath.Ext(file), "."), SHA256: hash(content), Bytes: int64(len(content))}
	if kind%4 == 3 {
		d.Source, d.Media = "https://media.example.com/"+file, story.Media{Kind: d.Kind, Hosted: true}
		m.w.sim.Host(d.Source, content)
		m.contents[d.Source] = hash(content)
	}
}

// due sets when a story may go out.
func (m *model) due(d *story.Desired, when int) {
	now := m.w.clock.Now()
	d.PublishAt, d.NotAfter, d.Window = time.Time{}, time.Time{}, 0
	switch when % 6 {
	case 0, 1:
		d.NotAfter = now.Add(2 * time.Hour)
	case 2:
		d.PublishAt, d.NotAfter = now.Add(30*time.Minute), now.Add(90*time.Minute)
	case 3:
		d.NotAfter = now.Add(7 * time.Minute)
	case 4:
		d.Window = 40 * time.Minute
	}
}

// edit changes a declared story.
func (m *model) edit(s step, change func(*story.Desired)) {
	if d := m.declared[s.x%slots]; d != nil {
		change(d)
	}
}

// changeMedia gives a declared story other media of the same kind or another.
func (m *model) changeMedia(s step) {
	m.edit(s, func(d *story.Desired) { m.show(d, s.y) })
}

// rename gives a story another name, with a moved block, once.
func (m *model) rename(s step) {
	slot := s.x % slots
	if m.renamed[slot] {
		return
	}
	m.renamed[slot] = true
	from, to := address("s"+strconv.Itoa(slot)), address("t"+strconv.Itoa(slot))
	m.w.moved = append(m.w.moved, plan.Move{From: from, To: to})
	for _, d := range m.declared {
		if d.Address == from {
			d.Address = to
		}
		for i := range d.After {
			if d.After[i] == from {
				d.After[i] = to
			}
		}
	}
}

// relabel gives a story its other name, without a moved block; one that there
// is for it is taken out.
func (m *model) relabel(s step) {
	slot := s.x % slots
	m.w.moved = slices.DeleteFunc(slices.Clone(m.w.moved), func(mv plan.Move) bool { return slotOf(mv.To) == slot })
	m.renamed[slot], m.reused = !m.renamed[slot], true
	name := map[bool]string{false: "s", true: "t"}[m.renamed[slot]] + strconv.Itoa(slot)
	for _, d := range m.declared {
		if slotOf(d.Address) == slot {
			d.Address = address(name)
		}
		for i := range d.After {
			if slotOf(d.After[i]) == slot {
				d.After[i] = address(name)
			}
		}
	}
}

// swap lets two names declare what the other one did, as numbers for names do
// when one is put in front.
func (m *model) swap(s step) {
	one, two := m.declared[s.x%slots], m.declared[s.y%slots]
	if one == nil || two == nil {
		return
	}
	a, b := *one, *two
	one.Address, two.Address, one.Order, two.Order, one.After, two.After = b.Address, a.Address, b.Order, a.Order, b.After, a.After
	m.declared[s.x%slots], m.declared[s.y%slots] = two, one
}

// configure makes what is declared the world's configuration.
func (m *model) configure() {
	var stories []story.Desired
	for _, slot := range slices.Sorted(maps.Keys(m.declared)) {
		d := *m.declared[slot]
		d.After = slices.DeleteFunc(slices.Clone(d.After), func(a story.Address) bool { return m.declared[slotOf(a)] == nil })
		stories = append(stories, d)
	}
	m.w.stories = stories
}

// plan makes a plan. Stories that can't be planned any more, because their
// windows are over, are taken out by hand.
func (m *model) plan() *plan.Plan {
	for {
		m.configure()
		made := m.w.process().plan()
		if !made.Diagnostics.HasErrors() {
			m.w.clock.Advance(time.Second)
			return saved(m.w.tb, made)
		}
		removed := false
		for _, d := range made.Diagnostics {
			if addr, err := story.ParseAddress(d.Address); err == nil && m.declared[slotOf(addr)] != nil {
				delete(m.declared, slotOf(addr))
				removed = true
			}
		}
		if !removed {
			m.w.tb.Fatalf("a plan that can't be made right: %v", describe(made))
		}
	}
}

// approve notes what a plan says that is about to be carried out.
func (m *model) approve(p *plan.Plan) {
	for _, c := range p.Changes {
		if c.Declared {
			m.approved[approval(slotOf(c.Address), c.PageID, cmp.Or(c.SHA256, m.contents[c.Source]))] = true
		}
	}
}

// approval is what is approved: this content on this Page, for this slot.
func approval(slot int, page, sha string) string { return fmt.Sprintf("%d %s %s", slot, page, sha) }

// allowed are the errors with which a run may end.
func allowed(err error) bool {
	return err == nil || errors.Is(err, apply.ErrRefused) || errors.Is(err, state.ErrConflict) || errors.Is(err, state.ErrLockLost)
}

// carryOut applies a plan in a new process.
func (m *model) carryOut(p *plan.Plan, changes ...func(*apply.Options)) *apply.Result {
	m.approve(p)
	changes = append(changes, func(o *apply.Options) { o.Parallelism, o.AllowCancelAll = 1, true })
	result, err := m.w.process().apply(p, changes...)
	if !allowed(err) {
		m.w.tb.Fatalf("apply: %v", err)
	}
	for _, o := range result.Outcomes {
		decided := o.Ending == apply.EndPublished || o.Ending == apply.EndAdopted || o.Ending == apply.EndFailed
		if e := m.w.entry(o.Address.Name); decided && err == nil && e.Status.Doubtful() {
			m.w.tb.Errorf("the run says that %s is %s, and the state says %s", o.Address, o.Ending, e.Status)
		}
	}
	return result
}

// apply plans and applies.
func (m *model) apply() { m.carryOut(m.plan()) }

// cron publishes what is due, as cron does, with a configuration. Nobody approves
// that: what goes out was approved before.
func (m *model) cron(stories []story.Desired, moved []plan.Move) {
	now := [2]any{m.w.stories, m.w.moved}
	defer func() { m.w.stories, m.w.moved = now[0].([]story.Desired), now[1].([]plan.Move) }()
	m.w.stories, m.w.moved = stories, moved
	made := plan.Due(m.w.process().plan())
	if _, err := m.w.process().apply(made, func(o *apply.Options) { o.Due, o.Parallelism = true, 1 }); !allowed(err) {
		m.w.tb.Fatalf("apply: %v", err)
	}
}

// replay applies a plan that was saved some time ago, maybe not for the first
// time.
func (m *model) replay(s step) {
	if len(m.saved) > 0 {
		m.carryOut(m.saved[s.x%len(m.saved)])
	}
}

// stop asks a run to stop when it comes to its nth point.
func (m *model) stop(s step) {
	stop, n := make(chan struct{}), 0
	m.carryOut(m.plan(), func(o *apply.Options) {
		o.Stop = stop
		o.Crash = func(string) {
			if n++; n == 1+s.x%12 {
				close(stop)
				time.Sleep(pause)
			}
		}
	})
}

// crash lets a run die at its nth point.
func (m *model) crash(s step) {
	p := m.plan()
	m.approve(p)
	if _, died := m.w.crashPlan(p, func(n int, _ string) bool { return n == 1+s.x%20 }); died {
		m.deaths++
	}
}

// takeover breaks the lock of a run that stands still at its nth point, lets
// another one run, and lets the first one go on.
func (m *model) takeover(s step) {
	p := m.plan()
	n, busy := 0, false
	m.carryOut(p, func(o *apply.Options) {
		o.Crash = func(string) {
			if n++; n != 1+s.x%20 || busy {
				return
			}
			busy = true
			must(m.w.tb, m.w.open().ForceUnlock(context.Background(), o.Lock.ID))
			m.w.clock.Advance(waits[s.y%5])
			m.apply()
		}
	})
}

// addFault makes something go wrong.
func (m *model) addFault(s step) {
	edge, deed := faultEdges[s.x%len(faultEdges)], faultDeeds[s.y%len(faultDeeds)]
	m.w.fault(fmt.Sprintf("%s %s times=%d", edge, deed, 1+s.z%3))
}

// removeByHand removes a story of ours or of somebody else.
func (m *model) removeByHand(s step) {
	visible := slices.DeleteFunc(m.w.sim.Stories(""), func(st sandbox.Story) bool { return st.Status != "published" })
	if len(visible) > 0 {
		must(m.w.tb, m.w.sim.RemoveStory(visible[s.x%len(visible)].PostID))
	}
}

// rollBack puts the document back to the version before it. The journal, which
// is left alone, tells what has happened since. A backup that is older than
// the journal reaches is refused, and the newer document is put back.
func (m *model) rollBack() {
	tb, path := m.w.tb, m.w.statePath()
	backup, err := os.ReadFile(path + ".backup")
	if os.IsNotExist(err) {
		return
	}
	must(tb, err)
	now, err := os.ReadFile(path)
	must(tb, err)
	must(tb, os.WriteFile(path, backup, 0o600))
	_, _, err = m.w.open().Load(context.Background())
	if _, corrupt := errors.AsType[*state.CorruptError](err); corrupt {
		err = os.WriteFile(path, now, 0o600)
	}
	must(tb, err)
}
