package main

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"regexp"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"storyform/graphapi/sandbox"
)

// oracle knows from the repository what may be on the Pages.
type oracle struct {
	mu      sync.Mutex
	healthy bool // nothing goes wrong since the last heal
	ills    int  // how often something began to go wrong
	twins   bool // two runs at once
	shows   map[string]string
	// allowed are the declarations that are approved now, and since when. After
	// an apply that succeeded they are those of its tree.
	allowed  map[decl]approval
	inTry    map[decl]approval  // before an apply that may be refused
	appliedN int                // the commit that was applied, if it still is the last one
	at       map[string]decl    // by post_id: what it is
	used     map[string]bool    // story and revision: is out
	owed     map[decl]time.Time // stories whose window closed while they were approved
	told     []saying
	trace    []string
}

// approval is since when a declaration is approved, when it was applied last,
// and under which name. Windows without a time begin with the apply that gets
// as far as to register them.
type approval struct {
	since, last time.Time
	address     string
}

// saying is the output of a run that did not end well.
type saying struct {
	at   time.Time
	text string
}

// newOracle knows nothing.
func newOracle() oracle {
	return oracle{healthy: true, shows: map[string]string{}, allowed: map[decl]approval{}, at: map[string]decl{}, used: map[string]bool{}, owed: map[decl]time.Time{}, appliedN: 0}
}

// shaOf is the hash of content.
func shaOf(content []byte) string {
	sum := sha256.Sum256(content)
	return hex.EncodeToString(sum[:])
}

// named finds a story in text, under whatever name.
func named(id int) *regexp.Regexp { return regexp.MustCompile(fmt.Sprintf(`\bn%03d(r\d+)?\b`, id)) }

// key is what a declaration promises: names and labels are not seen on a Page.
func (d decl) key() decl {
	d.renames, d.keyed, d.campaign, d.file = 0, false, 0, ""
	return d
}

// note notes what a run said.
func (l *life) note(at time.Time, args []string, out string, code int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.trace = append(l.trace, fmt.Sprintf("%s %s: exit code %d\n%s", at.Format(time.DateTime), strings.Join(args, " "), code, out))
	if code != 0 {
		l.told = append(l.told, saying{l.clock.Now(), out})
	}
}

// allow permits what is declared in a tree, besides what is permitted already.
func (l *life) allow(t tree) {
	l.closing()
	l.mu.Lock()
	defer l.mu.Unlock()
	l.inTry = maps.Clone(l.allowed)
	for _, m := range t.moved { // it is the same story under its new name
		for revision := range 20 {
			l.used[once(m[1], revision)] = l.used[once(m[1], revision)] || l.used[once(m[0], revision)]
		}
	}
	for _, d := range t.stories {
		a, ok := l.allowed[d.key()]
		if !ok || a.address != d.address() && !slices.Contains(t.moved, [2]string{a.address, d.address()}) {
			a.since = l.clock.Now()
		}
		a.last, a.address = l.clock.Now(), d.address()
		l.allowed[d.key()] = a
	}
}

// disallow takes allow back.
func (l *life) disallow() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.allowed = l.inTry
}

// applied notes that a tree was applied as a whole: nothing else is permitted.
func (l *life) applied(n int, t tree) {
	l.look()
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.twins {
		return
	}
	l.appliedN = n
	now := map[decl]approval{}
	for _, d := range t.stories {
		a := l.allowed[d.key()]
		now[d.key()] = approval{cmp.Or(a.since, l.clock.Now()), cmp.Or(a.last, l.clock.Now()), d.address()}
	}
	l.allowed = now
}

// closing notes the stories whose window is over that were approved, and are
// still declared.
func (l *life) closing() {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, d := range l.head().tree.stories {
		a, ok := l.allowed[d.key()]
		if end := d.deadline(a.since); ok && l.clock.Now().After(end) && end.After(a.since) {
			l.owed[d.key()] = end
		}
	}
}

// effects counts what had a public effect.
func (l *life) effects() int { return len(l.sim.Stories("")) }

// published counts the publications of each story.
func (l *life) published() map[int]int {
	l.look()
	l.mu.Lock()
	defer l.mu.Unlock()
	n := map[int]int{}
	for _, d := range l.at {
		n[d.id]++
	}
	return n
}

// check checks what is on the Pages.
func (l *life) check() {
	l.look()
	l.closing()
}

// look finds for each story on a Page which approved declaration it is.
func (l *life) look() {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, s := range l.sim.Stories("") {
		if _, known := l.at[s.PostID]; known || s.ByHand {
			continue
		}
		d, why := l.explain(s)
		l.at[s.PostID] = d
		l.used[d.content()] = true
		l.used[once(l.allowed[d].address, d.revision)] = true
		if why != "" {
			l.t.Errorf("%s: %s on %s at %s: %s", l.clock.Now().Format(time.DateTime), l.shows[s.SHA256], s.Page, s.CreatedAt.Format(time.DateTime), why)
		}
	}
}

// once is a name that may be out once in each revision.
func once(address string, revision int) string {
	return fmt.Sprintf("%s revision %d", address, revision)
}

// content is what may be out once, under whatever name.
func (d decl) content() string {
	return fmt.Sprintf("%s on %d at %s or until %s revision %d", d.media, d.page, d.at, d.notAfter, d.revision)
}

// passed reports whether a declaration, or a higher revision of it, is out: one
// that is lowered again is not published any more.
func (l *life) passed(d decl) bool {
	for revision := d.revision; revision < 20; revision++ {
		if l.used[once(l.allowed[d.key()].address, revision)] {
			return true
		}
	}
	return l.isOut(d)
}

// isOut reports whether an approved declaration is out.
func (l *life) isOut(d decl) bool {
	return l.used[d.content()] || l.used[once(l.allowed[d.key()].address, d.revision)]
}

// explain finds the declaration of a publication.
func (l *life) explain(s sandbox.Story) (found decl, why string) {
	why = "nobody approved that"
	now := map[decl]int{} // what is declared now is the likeliest
	for _, d := range l.head().tree.stories {
		now[d.key()] = 1
	}
	newest := func(a, b decl) int {
		return cmp.Or(now[b]-now[a], l.allowed[b].since.Compare(l.allowed[a].since), a.revision-b.revision)
	}
	for _, d := range slices.SortedFunc(maps.Keys(l.allowed), newest) {
		if d.media != l.shows[s.SHA256] || lifePages[d.page] != s.Page {
			continue
		}
		late := 2 * time.Minute
		switch end := d.deadline(l.allowed[d].last); {
		case s.CreatedAt.Before(d.at):
			found, why = d, "it is before its time"
		case s.CreatedAt.After(end.Add(late)):
			found, why = d, "it is after the end of its window, "+end.String()
		case l.isOut(d):
			found, why = d, "it was out before: "+once(l.allowed[d].address, d.revision)
		default:
			return d, ""
		}
	}
	return found, why
}

// mustBeOut checks after a run by the clock that found nothing wrong that what
// was due is out.
func (l *life) mustBeOut(began time.Time, t tree) {
	l.look()
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, d := range t.stories {
		a, ok := l.allowed[d.key()]
		if ok && l.allDone() && d.at.Before(began) && began.Before(d.deadline(a.since)) && !l.passed(d) && !l.maybeSeen(d.id) && !l.toldOf(d.id, a.since) {
			l.t.Errorf("%s: nothing was wrong, and %s is not out", l.clock.Now(), d.address())
		}
	}
}

// allDone reports whether the newest commit is applied.
func (l *life) allDone() bool { return l.appliedN == len(l.commits)-1 }

// maybeSeen reports whether a story was missed though its publication was
// tried. It may have been seen, so that only a higher revision brings it out.
func (l *life) maybeSeen(id int) bool {
	return slices.ContainsFunc(l.told, func(s saying) bool {
		for line := range strings.Lines(s.text) {
			if strings.Contains(line, "Missed: ") && named(id).MatchString(line) && (strings.Contains(line, "whether it was ever visible") || strings.Contains(line, "last try failed")) {
				return true
			}
		}
		return false
	})
}

// toldOf reports whether a run that did not end well named a story.
func (l *life) toldOf(id int, since time.Time) bool {
	return slices.ContainsFunc(l.told, func(s saying) bool { return !s.at.Before(since) && named(id).MatchString(s.text) })
}

// mustPass reports whether a merge can't be refused: it was up to date when it
// was reviewed and is now, and nothing has happened to its stories.
func (l *life) mustPass(j *job) bool {
	p := j.pull
	if p == nil || !p.clean || l.twins || j.state == "refused" || j.at != len(l.commits)-1 || p.base != len(l.commits)-1 || j.state == "" && l.appliedN != p.base-1 {
		return false
	}
	if j.state == "" && p.ills != l.ills || j.state != "" && j.ills != l.ills {
		return false
	}
	n := l.published()
	for id, d := range p.is {
		for _, x := range []*decl{d, p.was[id]} {
			if x != nil && l.clock.Now().After(x.deadline(p.opened)) && (x.notAfter != time.Time{} || x.window > 0) {
				return false
			}
		}
		if j.state == "" && n[id] != p.counts[id] {
			return false
		}
	}
	return l.appliedN == p.base-1
}

// settle ends a life: everything works again, and after some runs there is
// nothing left to do; every story is out or somebody was told.
func (l *life) settle() {
	l.heal()
	l.ci()
	for n := range 12 {
		l.clock.Advance(6 * time.Minute)
		if n > 8 {
			l.clock.Advance(25 * time.Hour)
		}
		l.cron()
		l.byHand()
		dir := l.checkout(l.head().tree)
		out, code := l.run(dir, "plan", "-detailed-exitcode")
		os.RemoveAll(dir)
		if code == 0 && strings.Contains(out, "No changes") {
			break
		}
		if n == 11 {
			l.t.Errorf("in the end there is still something to do: exit code %d\n%s", code, out)
		}
	}
	l.clock.Advance(120 * time.Hour)
	l.cron()
	for d, end := range l.owed {
		if !l.owedDone(d) && !l.toldOf(d.id, d.at) {
			l.t.Errorf("%s was to be out until %s, is not, and nobody was told", d.address(), end)
		}
	}
}

// owedDone reports whether a story is out under any name that it had.
func (l *life) owedDone(d decl) bool {
	for _, out := range l.at {
		if out.id == d.id && out.revision >= d.revision {
			return true
		}
	}
	return false
}

// lifeRecorder is a testing.TB for a sequence, whose failure is no failure of
// the test yet.
type lifeRecorder struct {
	testing.TB
	mu       sync.Mutex
	failures []string
	cleanups []func()
}

func (r *lifeRecorder) Errorf(format string, args ...any) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.failures = append(r.failures, fmt.Sprintf(format, args...))
}
func (r *lifeRecorder) Fatalf(format string, args ...any) {
	r.Errorf(format, args...)
	runtime.Goexit()
}
func (r *lifeRecorder) Cleanup(f func()) { r.cleanups = append(r.cleanups, f) }
func (r *lifeRecorder) TempDir() string {
	dir, err := os.MkdirTemp("", "storyform-life-")
	if err != nil {
		r.Fatalf("%v", err)
	}
	r.Cleanup(func() { os.RemoveAll(dir) })
	return dir
}

// liveThrough runs a sequence until it fails or ends.
func liveThrough(t testing.TB, place string, steps []lifeStep) (why string, l *life) {
	r := &lifeRecorder{TB: t}
	done := make(chan struct{})
	go func() {
		defer close(done)
		defer func() {
			for _, f := range slices.Backward(r.cleanups) {
				f()
			}
		}()
		l = newLife(r, place)
		for _, s := range steps {
			l.trace = append(l.trace, "== "+s.String())
			for _, v := range lifeVerbs {
				if v.name == s.verb {
					v.do(l, s)
				}
			}
			if len(r.failures) > 0 {
				return
			}
		}
		l.settle()
	}()
	<-done
	return strings.Join(r.failures, "\n"), l
}

// lifeEnv is how many lives TestLongLife plays, instead of the default. With
// _FROM it is from which one on, and with _TRACE where what the runs said is
// written, such as /tmp/life.%d.
const lifeEnv = "STORYFORM_LIVES"

// TestLongLife plays lives of repositories.
func TestLongLife(t *testing.T) {
	lives, from := 4, 0
	if n, err := strconv.Atoi(os.Getenv(lifeEnv)); err == nil {
		lives = n
	}
	if n, err := strconv.Atoi(os.Getenv(lifeEnv + "_FROM")); err == nil {
		from = n
	}
	for seed := from; seed < from+lives; seed++ {
		t.Run(strconv.Itoa(seed), func(t *testing.T) {
			t.Parallel()
			place, length := "http", 120
			if seed%8 == 3 {
				place, length = "git", 25 // where each run takes its time
			}
			steps := lifeSteps(rand.New(rand.NewPCG(11, uint64(seed))), length)
			why, l := liveThrough(t, place, steps)
			t.Logf("%d commits, %d jobs, %d runs, %d stories out, %d owed", len(l.commits), len(l.jobs), len(l.trace), len(l.at), len(l.owed))
			if why != "" {
				t.Errorf("%s", why)
			}
			if name := os.Getenv(lifeEnv + "_TRACE"); name != "" {
				os.WriteFile(fmt.Sprintf(name, seed), []byte(strings.Join(l.trace, "\n")), 0o600)
			}
		})
	}
}
