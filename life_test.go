package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"storyform/cli"
	"storyform/graphapi/sandbox"
	"storyform/internal/clock"
	"storyform/state/fakeserver"
)

// A long life: weeks of a repository whose merges are applied as the workflow
// of `storyform init` does it, from clones that are thrown away, with a state
// elsewhere and everything that goes wrong with CI, with the state's server and
// with Meta. What may be on the Pages is known from the repository alone.

// lifeStep is one thing that happens. What the numbers mean depends on the verb.
type lifeStep struct {
	verb    string
	x, y, z int
}

// String is the step as a line of a script.
func (s lifeStep) String() string { return fmt.Sprintf("%s %d %d %d", s.verb, s.x, s.y, s.z) }

// life is the world of a test.
type life struct {
	t      testing.TB
	dir    string
	clock  *clock.Fake
	sim    *sandbox.Server
	env    []string
	remote remote
	// stateFaults is how many writes of the state go wrong from now on.
	stateFaults atomic.Int64

	commits  []commit
	pulls    []*pull
	pending  *job // in the queue of merges
	jobs     []*job
	variants int
	stories  int
	kill     string // where the next job is killed

	oracle
}

// commit is one of the default branch.
type commit struct {
	tree     tree
	expect   string // the fingerprint that was reviewed
	reviewed tree   // what the reviewer saw
}

// pull is an open pull request.
type pull struct {
	change
	base   int  // commits before it
	clean  bool // of which the last one was applied
	tree   tree
	expect string
	opened time.Time
	counts map[int]int // publications by story, at the review
	ills   int         // what had gone wrong till then
}

// job is one of CI, for a commit.
type job struct {
	at    int // index of the commit
	pull  *pull
	state string // "", "refused", "failed", "done"
	ills  int    // what had gone wrong before it ended
}

// head is the newest commit.
func (l *life) head() *commit { return &l.commits[len(l.commits)-1] }

// newLife makes an empty repository with its world.
func newLife(t testing.TB, place string) *life {
	l := &life{t: t, dir: t.TempDir(), clock: clock.NewFake(scriptStart), oracle: newOracle()}
	l.sim = sandbox.New(sandbox.Options{AutoPages: true, Now: l.clock.Now, Sleep: l.clock.Sleep})
	graph, clockServer := httptest.NewServer(l.sim), httptest.NewServer(http.HandlerFunc(l.serveClock))
	t.Cleanup(graph.Close)
	t.Cleanup(clockServer.Close)
	l.remote = l.place(place)
	l.env = append([]string{
		"STORYFORM_GRAPH_URL=" + graph.URL, "STORYFORM_TOKEN=sandbox-user", "STORYFORM_TEST_CLOCK=" + clockServer.URL, "CI=true",
		"STORYFORM_IN_AUTOMATION=1", "STORYFORM_INPUT=0", "PATH=" + os.Getenv("PATH"), "HOME=" + l.dir, "USER=ci",
	}, l.remote.env...)
	l.commits = []commit{{tree: tree{stories: map[int]decl{}, pages: len(lifePages) - 1}}}
	return l
}

// place is where the state is kept.
func (l *life) place(kind string) remote {
	if kind == "git" {
		dir := filepath.Join(l.dir, "state.git")
		l.must(makeRepository(dir))
		return remote{block: fmt.Sprintf("backend \"git\" {\n  repository = %q\n  key = \"stories/acme\"\n  lease = \"10m\"\n}", dir)}
	}
	server := httptest.NewServer(&fakeserver.Terraform{Kind: fakeserver.GitLab, Fault: l.stateFault})
	l.t.Cleanup(server.Close)
	return remote{block: strings.ReplaceAll(`  backend "http" {
    address = "URL/state"
    lock_address = "URL/state/lock"
    unlock_address = "URL/state/lock"
    lock_method = "POST"
    unlock_method = "DELETE"
    retry_wait_min = 0
    retry_wait_max = 0
  }`, "URL", server.URL)}
}

// stateFault loses answers of the state's server, and lets it fail.
func (l *life) stateFault(r *http.Request) fakeserver.Fault {
	if r.Method == http.MethodGet || l.stateFaults.Load() <= 0 {
		return fakeserver.None
	}
	if l.stateFaults.Add(-1)%2 == 0 {
		return fakeserver.Lost
	}
	return fakeserver.Internal
}

// serveClock lets another process use the clock.
func (l *life) serveClock(w http.ResponseWriter, r *http.Request) {
	if d, err := time.ParseDuration(r.FormValue("sleep")); err == nil && d > 0 {
		l.clock.Advance(d)
	}
	fmt.Fprint(w, l.clock.Now().Format(time.RFC3339Nano))
}

// remoteClock is the clock that a test serves.
func remoteClock(url string) clock.Clock {
	ask := func(query string) time.Time {
		resp, err := http.Get(url + query)
		if err != nil {
			return time.Time{}
		}
		defer resp.Body.Close()
		text, _ := io.ReadAll(resp.Body)
		now, _ := time.Parse(time.RFC3339Nano, string(text))
		return now
	}
	return clock.Clock{
		Now: func() time.Time { return ask("") },
		Sleep: func(ctx context.Context, d time.Duration) error {
			ask("?sleep=" + d.String())
			return context.Cause(ctx)
		},
	}
}

// run runs storyform in a clone, and notes what it says. A run that is to be
// killed is a process of its own.
func (l *life) run(dir string, args ...string) (string, int) {
	var out bytes.Buffer
	var code int
	env := append(l.env, "GITHUB_SHA="+filepath.Base(dir))
	began := l.clock.Now()
	if l.kill != "" && args[0] == "apply" {
		cmd := exec.Command("storyform", args...)
		cmd.Dir, cmd.Env, cmd.Stdout, cmd.Stderr = dir, append(env, "STORYFORM_TEST_CRASH="+l.kill), &out, &out
		l.kill = ""
		if err := cmd.Run(); err != nil {
			code = cmd.ProcessState.ExitCode()
		}
	} else {
		code = cli.Main(context.Background(), cli.Env{
			Args: args, Environ: env, Dir: dir, Stdin: strings.NewReader(""), Stdout: &out, Stderr: &out, Clock: l.clock.Clock(),
		})
	}
	l.note(began, args, out.String(), code)
	return out.String(), code
}

// open plans a pull request, as the job of its event does.
func (l *life) open(c change) {
	t, ok := c.onto(l.head().tree)
	if !ok || len(c.is) == 0 && c.pages == l.head().tree.pages {
		return
	}
	dir := l.checkout(t)
	defer os.RemoveAll(dir)
	if out, code := l.run(dir, "plan", "-refresh=false", "-out=reviewed.plan"); code != 0 {
		if l.tidy(out) {
			l.byHand()
		}
		return // its author closes it
	}
	l.pulls = append(l.pulls, &pull{change: c, base: len(l.commits), clean: l.allDone(), tree: t, expect: l.fingerprint(dir, "reviewed.plan"), opened: l.clock.Now(), counts: l.published(), ills: l.ills})
}

// fingerprint is that of a saved plan.
func (l *life) fingerprint(dir, name string) string {
	var p struct{ Fingerprint string }
	out, code := l.run(dir, "show", "-json", name)
	if err := json.Unmarshal([]byte(out), &p); err != nil || code != 0 || p.Fingerprint == "" {
		l.t.Fatalf("show -json: exit code %d, %v\n%s", code, err, out)
	}
	return p.Fingerprint
}

// merge merges a pull request; its job takes the place of one that waits.
func (l *life) merge(n int) {
	if len(l.pulls) == 0 {
		return
	}
	i := max(0, len(l.pulls)-1-n%3) // old ones are left to lie
	p := l.pulls[i]
	l.pulls = append(l.pulls[:i:i], l.pulls[i+1:]...)
	t, ok := p.onto(l.head().tree)
	if !ok {
		return // a conflict: its author closes it
	}
	l.commits = append(l.commits, commit{tree: t, expect: p.expect, reviewed: p.tree})
	l.pending = &job{at: len(l.commits) - 1, pull: p}
}

// mergeJob runs the job of a merge, for the first time or again.
func (l *life) mergeJob(j *job) {
	c := l.commits[j.at]
	dir := l.checkout(c.tree)
	defer os.RemoveAll(dir)
	mustPass := l.mustPass(j)
	if out, code := l.run(dir, "plan", "-out=merged.plan", "-markdown=plan.md"); code != 0 {
		j.state = "failed"
		if mustPass && l.healthy && !strings.Contains(out, "under another name") && !strings.Contains(out, "State is new") {
			l.t.Errorf("%s: the plan of a merge that was up to date fails:\n%s", l.clock.Now(), out)
		}
		return
	}
	before := l.effects()
	l.allow(c.reviewed)
	out, code := l.run(dir, "apply", "-lock-timeout=15m", "-expect="+c.expect, "merged.plan")
	refused := strings.Contains(out, "is not the expected one")
	switch {
	case refused && l.effects() != before:
		l.t.Errorf("%s: a merge was refused, and something was done:\n%s", l.clock.Now(), out)
	case refused && mustPass:
		l.t.Errorf("%s: a merge was refused that was up to date (%s):\n%s\n%s", l.clock.Now(), j.state, out, c.tree.config(""))
	}
	l.ended(j, c.tree, out, code, refused)
}

// ended notes how a job ended that was to apply a tree.
func (l *life) ended(j *job, t tree, out string, code int, refused bool) {
	switch {
	case refused:
		j.state = "refused"
		l.disallow()
	case code == 0:
		j.state = "done"
		l.applied(j.at, t)
	default:
		j.state = "failed"
	}
	j.ills = l.ills
	l.unlock(t, out, code)
	l.check()
}

// unlock breaks the lock of a dead run, as a person does who is told so.
func (l *life) unlock(t tree, out string, code int) {
	if id := heldLock.FindStringSubmatch(out); code == 5 && id != nil && !l.twins {
		dir := l.checkout(t)
		defer os.RemoveAll(dir)
		l.run(dir, "force-unlock", id[1])
	}
}

// cron runs the job by the clock.
func (l *life) cron() {
	c := l.head()
	dir := l.checkout(c.tree)
	defer os.RemoveAll(dir)
	began := l.clock.Now()
	out, code := l.run(dir, "apply", "-due", "-wait=14m", "-lock-timeout=10m", "-parallelism=1")
	if code == 0 {
		l.mustBeOut(began, c.tree)
	}
	l.unlock(c.tree, out, code)
	l.check()
}

// byHand approves what there is to do now: a person reads the plan and starts
// the workflow with its fingerprint. What can't be planned any more is taken
// out of the configuration first.
func (l *life) byHand() {
	for range 5 {
		t := l.head().tree
		dir := l.checkout(t)
		defer os.RemoveAll(dir)
		out, code := l.run(dir, "plan", "-out=now.plan")
		if code != 0 {
			if !l.tidy(out) {
				if l.healthy {
					l.t.Errorf("%s: a plan that nobody can mend:\n%s", l.clock.Now(), out)
				}
				return
			}
			continue
		}
		expect := l.fingerprint(dir, "now.plan")
		l.allow(t)
		l.closing()
		j := &job{at: len(l.commits) - 1}
		args := []string{"apply", "-lock-timeout=15m", "-expect=" + expect}
		if strings.Contains(out, "allow-cancel-all") {
			args = append(args, "-allow-cancel-all")
		}
		out, code = l.run(dir, args...)
		refused := strings.Contains(out, "is not the expected one")
		if refused && !l.twins {
			l.t.Errorf("%s: an approval by hand was refused:\n%s", l.clock.Now(), out)
		}
		l.jobs = append(l.jobs, j)
		l.ended(j, t, out, code, refused)
		return
	}
}

// tidy takes the stories out of the configuration that stand in errors.
func (l *life) tidy(out string) bool {
	t := l.head().tree.clone()
	for id := range t.stories {
		if named(id).MatchString(out) {
			t.remove(id)
		}
	}
	if len(t.stories) == len(l.head().tree.stories) {
		return false
	}
	l.commits = append(l.commits, commit{tree: t, expect: "none", reviewed: l.head().tree})
	return true
}

// lifeVerbs are the things that happen, and how often relative to each other.
var lifeVerbs = []struct {
	name   string
	weight int
	do     func(l *life, s lifeStep)
}{
	{"pull", 10, func(l *life, s lifeStep) { l.open(l.branch(s)) }},
	{"merge", 20, func(l *life, s lifeStep) {
		if l.open(l.branch(s)); s.z%3 == 0 {
			l.cron()
		}
		if l.merge(s.x); s.y%4 > 0 {
			l.ci()
		}
	}},
	{"ci", 4, func(l *life, s lifeStep) { l.ci() }},
	{"again", 4, func(l *life, s lifeStep) {
		if n := len(l.jobs); n > 0 {
			l.mergeJobAgain(l.jobs[n-1-s.x%min(n, 4)])
		}
	}},
	{"hand", 6, func(l *life, s lifeStep) { l.byHand() }},
	{"cron", 24, func(l *life, s lifeStep) {
		l.cron()
		l.clock.Advance(time.Duration(s.x%40) * time.Minute)
	}},
	{"advance", 16, func(l *life, s lifeStep) {
		l.clock.Advance([]time.Duration{time.Minute, 15 * time.Minute, 40 * time.Minute, time.Hour, 2 * time.Hour, 5 * time.Hour, 15 * time.Minute, time.Hour, 26 * time.Hour}[s.x%9])
	}},
	{"kill", 8, func(l *life, s lifeStep) {
		l.fallIll()
		l.kill = lifeDeaths[s.x%len(lifeDeaths)] + "#" + strconv.Itoa(1+s.y%5/3)
	}},
	{"twins", 4, (*life).both},
	{"fault", 8, (*life).fault},
	{"server", 3, func(l *life, s lifeStep) { l.fallIll(); l.stateFaults.Store(int64(1 + s.x%7)) }},
	{"heal", 8, func(l *life, s lifeStep) { l.heal() }},
	{"posted", 3, func(l *life, s lifeStep) {
		_, err := l.sim.AddStory(sandbox.Story{Page: lifePages[s.x%2], Kind: []string{"photo", "video"}[s.y%2]})
		l.must(err)
	}},
	{"removed", 2, func(l *life, s lifeStep) {
		if out := l.sim.Stories(lifePages[s.x%2]); len(out) > 0 && out[len(out)-1].Status == "published" {
			l.must(l.sim.RemoveStory(out[len(out)-1].PostID))
		}
	}},
}

// lifeDeaths are the points at which jobs are killed.
var lifeDeaths = []string{
	"after register", "before publishing", "before finish", "after finish", "before photo_stories", "after photo_stories", "before live",
	"after photos", "after upload", "after session", "before register", "after cancel", "after missed", "before move", "after move", "after unknown",
}

// ci runs the job that waits.
func (l *life) ci() {
	if j := l.pending; j != nil {
		l.pending = nil
		l.jobs = append(l.jobs, j)
		l.mergeJob(j)
	}
}

// mergeJobAgain runs a job once more, as somebody does who sees it failed.
func (l *life) mergeJobAgain(j *job) {
	if j.pull != nil {
		l.mergeJob(j)
	}
}

// both runs the job of a merge and one by the clock at once.
func (l *life) both(s lifeStep) {
	l.twins = true
	l.fallIll()
	var wait sync.WaitGroup
	for _, f := range []func(){l.ci, l.cron} {
		wait.Go(f)
	}
	wait.Wait()
	l.twins = false
}

// fault lets something of Meta's go wrong.
func (l *life) fault(s lifeStep) {
	l.fallIll()
	deeds := []string{"before reset", "after reset", "after empty", "before status=500 code=2", "after status=500 code=1", "after html status=200",
		"before code=613", "before code=190 subcode=463", "before code=368", "before status=503 code=1", "before delay=40s"}
	edges := []string{"photo_stories", "finish", "photo_stories", "finish", "photos", "start", "upload", "stories", "me", "any"}
	faults, err := sandbox.ParseFaults(fmt.Sprintf("%s %s times=%d", edges[s.x%len(edges)], deeds[s.y%len(deeds)], 1+s.z%3))
	l.must(err)
	l.must(l.sim.AddFaults(faults...))
	if s.z%3 == 0 {
		switches, err := l.sim.Switches().Parse([]string{"listing_lag=20s", "listing_lag=4m", "app_usage=90", "status_lag=5s", "processing_time=3m"}[s.z/3%5])
		l.must(err)
		l.must(l.sim.SetSwitches(switches))
	}
}

// fallIll notes that something goes wrong from now on.
func (l *life) fallIll() { l.healthy, l.ills = false, l.ills+1 }

// heal lets everything work again.
func (l *life) heal() {
	l.must(l.sim.ClearFaults())
	l.must(l.sim.SetSwitches(sandbox.Switches{}))
	l.stateFaults.Store(0)
	l.kill, l.healthy = "", true
}

// lifeSteps makes a sequence.
func lifeSteps(random *rand.Rand, n int) []lifeStep {
	var bag []string
	for _, v := range lifeVerbs {
		for range v.weight {
			bag = append(bag, v.name)
		}
	}
	steps := make([]lifeStep, 0, n)
	for range n {
		steps = append(steps, lifeStep{bag[random.IntN(len(bag))], random.IntN(5040), random.IntN(5040), random.IntN(5040)})
	}
	return steps
}
