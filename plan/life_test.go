package plan

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"storyform/state"
	"storyform/story"
)

// life simulates weeks of one configuration: people edit it, plans are made,
// approved, saved, applied late, and interrupted; Meta loses answers and lists
// with a lag. It carries out plans as package apply does, against a Page in
// memory, and keeps what must never happen from being a matter of opinion: a
// publication is counted where Meta makes it.
type life struct {
	t        *testing.T
	rng      *rand.Rand
	now      time.Time
	declared map[string]*story.Desired
	doc      *state.Document
	posts    map[string]post // at Meta, by media_id
	uploads  int
	count    map[string]int // publications of an address and revision
	log      []string
	plans    []reviewed // saved, to be applied later
}

// reviewed is a plan with what was declared when it was made.
type reviewed struct {
	*Plan
	meant map[string]string // specID by name
}

// post is a published story at Meta, listed from seen on.
type post struct {
	at, seen time.Time
	removed  bool
}

func newLife(t *testing.T, seed uint64) *life {
	return &life{
		t: t, rng: rand.New(rand.NewPCG(seed, 1)), now: noon, declared: map[string]*story.Desired{},
		doc: &state.Document{Lineage: "l", Serial: 1}, posts: map[string]post{}, count: map[string]int{},
	}
}

func (l *life) logf(format string, args ...any) {
	l.log = append(l.log, l.now.Format("02 15:04 ")+fmt.Sprintf(format, args...))
}

func (l *life) fail(format string, args ...any) {
	l.t.Helper()
	l.t.Fatalf(format+"\n%s", append(args, strings.Join(l.log, "\n"))...)
}

// chance is true once in n times.
func (l *life) chance(n int) bool { return l.rng.IntN(n) == 0 }

// edit changes one story of the configuration.
func (l *life) edit() {
	name := string(rune('a' + l.rng.IntN(3)))
	d := l.declared[name]
	if d == nil {
		s := desired(l.t, name, "open")
		if l.chance(3) {
			s.Kind, s.Media.Kind = story.Video, story.Video
		}
		if name == "b" && l.chance(2) {
			s.After = []story.Address{addr("a")}
		}
		s.Revision = 1 + l.rng.IntN(2)
		d = &s
		l.declared[name] = d
		l.retime(d)
		l.logf("declare %s rev=%d", name, d.Revision)
		return
	}
	switch l.rng.IntN(7) {
	case 0:
		delete(l.declared, name)
		l.logf("remove %s", name)
	case 1, 2:
		d.Revision++
		l.logf("raise %s to %d", name, d.Revision)
	case 3:
		d.Revision = max(1, d.Revision-1)
		l.logf("lower %s to %d", name, d.Revision)
	case 4:
		d.Media.SHA256 = strings.Repeat(string(rune('a'+l.rng.IntN(3))), 64)
		l.logf("edit %s to %.1s", name, d.Media.SHA256)
	default:
		l.retime(d)
	}
}

// retime gives a story another time and window.
func (l *life) retime(d *story.Desired) {
	d.PublishAt, d.NotAfter, d.Window = time.Time{}, time.Time{}, 0
	switch l.rng.IntN(5) {
	case 0: // at once, without a bound
	case 1:
		d.Window = time.Duration(1+l.rng.IntN(48)) * time.Hour
	case 2:
		d.NotAfter = l.now.Add(time.Duration(1+l.rng.IntN(48)) * time.Hour)
	default:
		d.PublishAt = l.now.Add(time.Duration(l.rng.IntN(12)) * time.Hour)
		d.NotAfter = d.PublishAt.Add(time.Duration(1+l.rng.IntN(30)) * time.Hour)
	}
	l.logf("retime %s: at %s until %s window %s", d.Address.Name, d.PublishAt.Format("02 15:04"), d.NotAfter.Format("02 15:04"), d.Window)
}

// list is what the Page lists now.
func (l *life) list() *story.PageView {
	v := &story.PageView{PageID: pageID, At: l.now, Since: l.now.Add(-25 * time.Hour)}
	for _, id := range slices.Sorted(maps.Keys(l.posts)) {
		if p := l.posts[id]; !l.now.Before(p.seen) && !p.removed && p.at.After(v.Since) {
			v.Stories = append(v.Stories, story.Observed{
				PostID: "p" + id, MediaID: id, Kind: story.Photo, CreatedAt: p.at, Published: l.now.Before(p.at.Add(story.Lifetime)), URL: "u" + id,
			})
		}
	}
	return v
}

// input is the present, without what is declared.
func (l *life) input() Input {
	in := Input{Now: l.now, Refreshed: true, State: l.doc, Settings: Settings{SettleAfter: 5 * time.Minute}, Pages: []story.Page{page(pageID)}}
	if !l.chance(10) {
		in.Views = map[string]*story.PageView{pageID: l.list()}
		in.Videos = map[string]story.VideoView{}
		for i := range l.doc.Stories {
			if e := &l.doc.Stories[i]; e.Kind == story.Video && e.MediaID != "" {
				in.Videos[e.MediaID] = *l.video(e.MediaID)
			}
		}
	}
	return in
}

// video is the status of an upload.
func (l *life) video(id string) *story.VideoView {
	v := &story.VideoView{VideoID: id, At: l.now, Publish: "not_published"}
	if _, out := l.posts[id]; out {
		v.Publish = "published"
	}
	return v
}

// plan makes a plan of the configuration as it is.
func (l *life) plan() reviewed {
	in := l.input()
	meant := map[string]string{}
	for i, name := range slices.Sorted(maps.Keys(l.declared)) {
		d := *l.declared[name]
		d.Order = i
		in.Stories = append(in.Stories, d)
		s := d.Spec()
		meant[name] = specID(&s)
	}
	return reviewed{Build(in), meant}
}

// entry is the entry of an address, for changing; nil for none.
func (l *life) entry(a story.Address) *state.Entry {
	for i := range l.doc.Stories {
		if l.doc.Stories[i].Address == a {
			return &l.doc.Stories[i]
		}
	}
	return nil
}

// apply carries out an approved plan.
func (l *life) apply(approved reviewed) {
	if approved.Diagnostics.HasErrors() {
		return
	}
	p, stale := Rebase(approved.Plan, l.input())
	for _, s := range stale {
		l.logf("  stale %s %s done=%v: %s", s.Address.Name, s.Action, s.Done, s.Why)
	}
	if p.Diagnostics.HasErrors() {
		l.fail("the approved plan has errors: %v", p.Diagnostics)
	}
	l.doc.Serial++
	for i := range p.Changes {
		l.record(&p.Changes[i])
	}
	for i := range p.Changes {
		if l.chance(12) {
			l.logf("  killed")
			return
		}
		l.carryOut(&p.Changes[i], approved)
	}
	for _, u := range p.Updates {
		if e := l.entry(u.Address); e != nil && e.Status.Out() && u.Found == nil {
			e.Status = u.Status
			l.logf("  %s is %s", e.Address.Name, e.Status)
		}
	}
}

// record does what needs no call to Meta, as apply does before any call.
func (l *life) record(c *Change) {
	e := l.entry(c.Address)
	l.logf("  %s %s rev=%d: %s", c.Address.Name, c.Action, c.Revision, c.Reason)
	switch c.Action {
	case Schedule, Publish, Modify:
		l.register(c, e)
	case Cancel:
		e.Status, e.Operation = story.Cancelled, nil
	case Forget:
		e.Forgotten = true
	case Missed:
		e.Status = story.Missed
	case Adopt:
		l.out(e, c.Found.MediaID, c.Found.CreatedAt)
	}
}

// register writes what a change declares.
func (l *life) register(c *Change, e *state.Entry) {
	fresh := e == nil || !e.Status.Pending()
	if !fresh && len(c.Diffs) == 0 {
		return
	}
	if e == nil {
		l.doc.Stories = append(l.doc.Stories, state.Entry{Address: c.Address})
		e = &l.doc.Stories[len(l.doc.Stories)-1]
	}
	if fresh {
		tried := e.TriedMedia
		if e.Status.Out() {
			tried = nil
		}
		*e = state.Entry{Address: c.Address, Status: story.Scheduled, RegisteredAt: l.now, TriedMedia: tried, OutRevision: e.WentOut()}
	}
	same := e.PageID == c.PageID && e.Kind == c.Kind && e.SHA256 == c.SHA256 && e.Status != story.Failed
	e.Page, e.PageID, e.Kind, e.Source, e.SHA256, e.Revision = c.Page, c.PageID, c.Kind, c.Source, c.SHA256, c.Revision
	e.PublishAt, e.NotAfter, e.Window, e.After = c.PublishAt, c.NotAfter, c.Window, c.After
	if fresh || !same {
		e.Status, e.MediaID, e.Operation = story.Scheduled, "", nil
	}
}

// out records that a story is out.
func (l *life) out(e *state.Entry, mediaID string, at time.Time) {
	e.Status, e.MediaID, e.PostID, e.URL, e.Operation = story.Live, mediaID, "p"+mediaID, "u"+mediaID, nil
	e.PublishedAt, e.ExpiresAt = at, at.Add(story.Lifetime)
	l.doc.History = append(l.doc.History, state.Event{At: l.now, What: "published", Address: e.Address, Revision: e.Revision, MediaID: mediaID})
}

// carryOut uploads, publishes or settles.
func (l *life) carryOut(c *Change, approved reviewed) {
	e := l.entry(c.Address)
	switch c.Action {
	case Settle:
		l.settle(c, e, approved)
	case Publish, Resume:
		for _, dep := range c.After {
			if before := l.entry(dep); before == nil || !before.Status.Out() {
				return
			}
		}
		if d := e.Deadline(); !d.IsZero() && l.now.After(d) {
			e.Status = story.Missed
			return
		}
		if e.Status != story.Uploaded {
			l.uploads++
			e.Status, e.MediaID, e.Operation = story.Uploading, "", &state.Operation{StartedAt: l.now}
			if l.chance(6) {
				l.logf("  upload of %s interrupted", c.Address.Name)
				return
			}
			e.MediaID = fmt.Sprintf("m%03d", l.uploads)
			if l.chance(6) {
				return
			}
			e.Status, e.Operation.UploadedAt = story.Uploaded, l.now
			if l.chance(6) {
				return
			}
		}
		l.publish(c, e)
	}
}

// publish makes the call with a public effect, or dies around it.
func (l *life) publish(c *Change, e *state.Entry) {
	e.Status = story.Publishing
	e.Operation.Attempt++
	e.Operation.AttemptAt = l.now
	if !slices.Contains(e.TriedMedia, e.MediaID) {
		e.TriedMedia = append(e.TriedMedia, e.MediaID)
	}
	if l.chance(6) {
		l.logf("  killed before the call for %s", c.Address.Name)
		return
	}
	_, posted := l.posts[e.MediaID]
	refused := l.chance(6)
	if !posted && !refused {
		l.effect(c, e)
	}
	l.now = l.now.Add(time.Duration(l.rng.IntN(90)) * time.Second)
	switch lost := l.chance(4); {
	case lost:
		e.Status = story.Unknown
		l.logf("  answer for %s lost (refused %v)", c.Address.Name, refused || posted)
	case posted: // "these photos were already posted": the first try took effect
		l.out(e, e.MediaID, e.Operation.AttemptAt)
	case refused && e.Operation.Attempt == 1:
		e.Status = story.Failed
	case refused:
		e.Status = story.Unknown
	default:
		l.out(e, e.MediaID, l.now)
	}
}

// effect is a publication at Meta, and the place where the promise is checked.
func (l *life) effect(c *Change, e *state.Entry) {
	lag := time.Duration(l.rng.IntN(240)) * time.Second
	if l.chance(10) {
		lag *= 3 // longer than settle_after
	}
	l.posts[e.MediaID] = post{at: l.now, seen: l.now.Add(lag)}
	key := fmt.Sprintf("%s rev=%d", e.Address.Name, e.Revision)
	l.count[key]++
	l.logf("  OUT %s %.1s as %s", key, e.SHA256, e.MediaID)
	approved := c.Spec()
	have := e.Spec()
	switch {
	case l.count[key] > 1:
		l.fail("%s is out twice", key)
	case specID(&approved) != specID(&have):
		l.fail("%s: what went out is not what the plan says", key)
	case e.PublishAt.After(l.now):
		l.fail("%s went out before its time", key)
	case !e.Deadline().IsZero() && l.now.After(e.Deadline().Add(2*time.Minute)): // a run takes a while
		l.fail("%s went out after its window", key)
	}
}

// settle weighs the evidence once.
func (l *life) settle(c *Change, e *state.Entry, approved reviewed) {
	ev := Evidence{Now: l.now, SettleAfter: 5 * time.Minute, List: l.list(), Withdrawn: c.Withdrawn}
	if e.Kind == story.Video {
		ev.Video = l.video(e.MediaID)
	}
	verdict, found, why := Judge(e, ev)
	l.logf("  settle %s: %s: %s", c.Address.Name, verdict, why)
	switch verdict {
	case Out:
		at := e.Operation.AttemptAt
		if found != nil {
			at = found.CreatedAt
		}
		l.out(e, e.MediaID, at)
	case TryAgain:
		if s := e.Spec(); approved.meant[c.Address.Name] != specID(&s) {
			l.fail("%s is tried again, although it was not declared so when the plan was made", c.Address)
		}
		l.publish(c, e)
	case GiveUp:
		e.Status = story.Missed
	default:
		e.Status = story.Unknown
	}
}

// run lives through some weeks.
func (l *life) run(steps int) {
	for range steps {
		switch l.rng.IntN(4) {
		case 0:
			l.now = l.now.Add(time.Duration(1+l.rng.IntN(10)) * time.Minute)
		case 1:
			l.now = l.now.Add(time.Duration(1+l.rng.IntN(12)) * time.Hour)
		case 2:
			l.edit()
		}
		if l.chance(20) && len(l.posts) > 0 { // taken down by hand
			id := slices.Sorted(maps.Keys(l.posts))[l.rng.IntN(len(l.posts))]
			p := l.posts[id]
			p.removed = true
			l.posts[id] = p
		}
		switch p := l.plan(); {
		case l.chance(6):
			l.plans = append(l.plans, p)
			l.logf("save a plan")
		case l.chance(6) && len(l.plans) > 0:
			l.logf("apply a saved plan")
			l.apply(l.plans[0])
			l.plans = l.plans[1:]
		case l.chance(5):
			l.logf("apply what is due")
			l.apply(reviewed{Due(p.Plan), p.meant})
		default:
			l.logf("apply")
			l.apply(p)
		}
	}
}

// rest lets cron run with a Meta that works until nothing is left to do.
func (l *life) rest() {
	l.plans = nil
	for range 60 {
		l.now = l.now.Add(2 * time.Hour)
		p := l.plan()
		l.apply(reviewed{Due(p.Plan), p.meant}) // goes on when a declaration is wrong
		l.apply(l.plan())
	}
	p := l.plan()
	for i := range l.doc.Stories {
		e := &l.doc.Stories[i]
		if e.Status.Doubtful() || e.Status.Pending() && !e.Deadline().IsZero() && !p.Diagnostics.HasErrors() {
			l.fail("five days later, %s is still %s: %q", e.Address, e.Status, tell(p.Changes))
		}
	}
}

// Whatever people and Meta do, no revision of a story is out twice, nothing
// goes out that its plan does not say, and nothing stays open for ever.
func TestLives(t *testing.T) {
	published, doubts := 0, 0
	for seed := range uint64(120) {
		l := newLife(t, seed)
		l.run(60)
		l.rest()
		published += len(l.posts)
		doubts += strings.Count(strings.Join(l.log, "\n"), "settle")
	}
	if published < 400 || doubts < 400 {
		t.Errorf("got %d publications and %d settlements: the simulation does not simulate", published, doubts)
	}
}
