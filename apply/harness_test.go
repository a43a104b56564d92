package apply_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"storyform/apply"
	"storyform/graphapi"
	"storyform/graphapi/sandbox"
	"storyform/internal/clock"
	"storyform/internal/diag"
	"storyform/plan"
	"storyform/state"
	"storyform/state/local"
	"storyform/state/statetest"
	"storyform/story"
)

// start is when every world begins.
var start = time.Date(2026, 12, 20, 2, 0, 0, 0, time.UTC)

// The Pages of the worlds.
const (
	pageID  = "104857600000001"
	otherID = "104857600000002"
)

// userToken is the token of the worlds, that of a user who manages both
// Pages, so that the exchange for a Page's own token is part of every run.
const userToken = "tok-3f9a1c77d2e84b0690aa5d1e"

// secrets are the texts that may not turn up in anything that a run leaves
// behind or tells.
var secrets = []string{userToken, "sandbox-page-" + pageID, "sandbox-page-" + otherID}

// world is a simulator, a clock, a folder with media and a state: everything
// that outlives a run.
type world struct {
	tb       testing.TB
	clock    *clock.Fake // of the simulator, too
	time     clock.Clock // that of the runs: clock or, in another process, a way to it
	sim      *sandbox.Server
	url      string
	dir      string            // of media and state
	memory   *statetest.Memory // the state, instead of files, when it is set
	settings plan.Settings
	stories  []story.Desired // what is declared now
	moved    []plan.Move     // the moved blocks
	stage    bool            // upload media ahead
	// adoptNone says that what is on the Pages while the state is new is not
	// ours.
	adoptNone bool
	timeouts  graphapi.Timeouts
	route     func(http.RoundTripper) http.RoundTripper // between client and network; nil: nothing
	wrap      func(state.Store) state.Store             // around the files of the state; nil: nothing
	fast      *http.Transport

	mu       sync.Mutex
	requests []sandbox.Request // all of them; the simulator itself keeps the last
	told     bytes.Buffer      // log lines, events, errors, plans: what a person may come to see
	events   []apply.Event
	runs     int
	echo     io.Writer // gets what the runs tell as well; nil: nobody does
}

// worldOption changes a world before it begins.
type worldOption func(*world)

// inMemory keeps the state in memory, which spares a world the waiting for
// the disk.
func inMemory(w *world) { w.memory = new(statetest.Memory) }

// newWorld makes a world with nothing on its Pages and nothing in its state.
func newWorld(tb testing.TB, options ...worldOption) *world {
	tb.Helper()
	w := &world{
		tb: tb, clock: clock.NewFake(start), dir: tb.TempDir(),
		settings: plan.Settings{APIVersion: "v25.0", SettleAfter: 5 * time.Minute, MaxPublish: 20},
		timeouts: graphapi.Timeouts{Read: time.Minute, Write: time.Minute, Publish: time.Minute, Stall: time.Minute},
	}
	w.time = w.clock.Clock()
	for _, option := range options {
		option(w)
	}
	w.sim = sandbox.New(sandbox.Options{AutoPages: true, Now: w.clock.Now, Sleep: w.clock.Sleep, Log: w.logRequest})
	must(tb, w.sim.AddToken(sandbox.Token{Value: userToken, Kind: sandbox.UserToken, Pages: []string{pageID, otherID}}))
	must(tb, w.sim.AddPage(sandbox.Page{ID: pageID, Name: "Acme"}))
	must(tb, w.sim.AddPage(sandbox.Page{ID: otherID, Name: "Acme Singapore"}))
	server := httptest.NewUnstartedServer(w.sim)
	server.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelError)
	server.Start()
	w.url = server.URL
	w.fast = &http.Transport{MaxIdleConnsPerHost: 4}
	tb.Cleanup(func() {
		w.fast.CloseIdleConnections()
		server.CloseClientConnections()
		server.Close()
		w.assertNoSecret()
	})
	return w
}

// must ends a test when something that has nothing to do with it went wrong.
func must(tb testing.TB, err error) {
	tb.Helper()
	if err != nil {
		tb.Fatal(err)
	}
}

// hangTime is what the clock of a world shows for a request that is never
// answered. The real wait is a fraction of a second.
const hangTime = 30 * time.Second

// logRequest keeps a request of the simulator. A request that hangs takes its
// time on the clock of the world.
func (w *world) logRequest(r sandbox.Request) {
	w.mu.Lock()
	w.requests = append(w.requests, r)
	w.mu.Unlock()
	if strings.Contains(r.Fault, sandbox.DoHang) {
		w.clock.Advance(hangTime)
	}
}

// asked returns the requests from mark on that are about one of the edges, or
// all when none is named.
func (w *world) asked(mark int, edges ...string) []sandbox.Request {
	w.mu.Lock()
	defer w.mu.Unlock()
	var out []sandbox.Request
	for _, r := range w.requests[mark:] {
		if len(edges) == 0 || slices.Contains(edges, r.Edge) {
			out = append(out, r)
		}
	}
	return out
}

// mark is a position in the log of requests.
func (w *world) mark() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return len(w.requests)
}

// publishCalls and uploadCalls are the edges that publish, and that begin a
// new upload.
var (
	publishCalls = []string{sandbox.EdgeFinish, sandbox.EdgePhotoStories}
	uploadCalls  = []string{sandbox.EdgeStart, sandbox.EdgePhotos}
)

// posts lists the POST requests from mark on.
func (w *world) posts(mark int) []string {
	var posts []string
	for _, r := range w.asked(mark) {
		if r.Method == http.MethodPost {
			posts = append(posts, r.Edge)
		}
	}
	return posts
}

// Write takes a log line or any other text that a run tells.
func (w *world) Write(p []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.echo != nil {
		w.echo.Write(p)
	}
	return w.told.Write(p)
}

// assertNoSecret looks for tokens in everything that the runs of the world
// told, and in every file that they left.
func (w *world) assertNoSecret() {
	w.tb.Helper()
	w.mu.Lock()
	texts := map[string][]byte{"what the runs told": w.told.Bytes()}
	w.mu.Unlock()
	err := filepath.WalkDir(w.dir, func(path string, d os.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		texts[path], err = os.ReadFile(path)
		return err
	})
	if err != nil {
		w.tb.Error(err)
	}
	if w.memory != nil {
		texts["the state in memory"] = fmt.Appendf(nil, "%v %s", w.memory.Records(), toJSON(w.memory.Documents()))
	}
	for where, text := range texts {
		for _, secret := range secrets {
			if i := bytes.Index(text, []byte(secret)); i >= 0 {
				w.tb.Errorf("%s holds a token: …%s…", where, text[max(0, i-80):min(len(text), i+40)])
			}
		}
	}
}

// toJSON renders a value for a search or a failure.
func toJSON(v any) []byte {
	text, err := json.Marshal(v)
	if err != nil {
		return []byte(err.Error())
	}
	return text
}

// page is a declared Page.
func page(id string) story.Page {
	name := map[string]string{pageID: "acme", otherID: "sg"}[id]
	return story.Page{Address: story.Address{Type: "page", Name: name}, ID: id, TokenEnv: "ACME_TOKEN"}
}

// address is the address of a story.
func address(name string) story.Address { return story.Address{Type: "story", Name: name} }

// file writes a media file into the folder and returns its bytes. Files of
// the same kind with different seeds differ in what decoders don't look at.
func (w *world) file(name string, seed string) []byte {
	w.tb.Helper()
	good := "good" + filepath.Ext(name)
	content, err := os.ReadFile(filepath.Join("..", "testdata", "media", good))
	must(w.tb, err)
	if filepath.Ext(name) == ".mp4" { // a box that players skip
		content = append(content, 0, 0, 0, byte(8+len(seed)), 'f', 'r', 'e', 'e')
	}
	content = append(content, seed...)
	must(w.tb, os.WriteFile(filepath.Join(w.dir, name), content, 0o600))
	return content
}

// hash is the sha256 of content as the state writes it.
func hash(content []byte) string {
	sum := sha256.Sum256(content)
	return hex.EncodeToString(sum[:])
}

// local declares a story of a file that it makes: a photo for .jpg and .png, a
// video for .mp4. It may go out from now on for two hours.
func (w *world) local(name, file string, changes ...func(*story.Desired)) story.Desired {
	w.tb.Helper()
	content := w.file(file, name)
	kind, format := story.Photo, "jpeg"
	switch filepath.Ext(file) {
	case ".mp4":
		kind, format = story.Video, "mp4"
	case ".png":
		format = "png"
	}
	d := story.Desired{
		Address: address(name), Page: page(pageID), Kind: kind, Source: file,
		Media:    story.Media{Kind: kind, Format: format, SHA256: hash(content), Bytes: int64(len(content))},
		NotAfter: w.time.Now().Add(2 * time.Hour), Revision: 1, Order: len(w.stories),
	}
	for _, change := range changes {
		change(&d)
	}
	return d
}

// hosted declares a video that Meta fetches from a URL.
func (w *world) hosted(name string, changes ...func(*story.Desired)) story.Desired {
	w.tb.Helper()
	d := w.local(name, name+".mp4", changes...)
	content, err := os.ReadFile(filepath.Join(w.dir, name+".mp4"))
	must(w.tb, err)
	d.Source = "https://media.example.com/" + name + ".mp4"
	d.Media = story.Media{Kind: story.Video, Hosted: true}
	w.sim.Host(d.Source, content)
	return d
}

// on puts a story on another Page.
func on(id string) func(*story.Desired) { return func(d *story.Desired) { d.Page = page(id) } }

// after makes a story follow others.
func after(names ...string) func(*story.Desired) {
	return func(d *story.Desired) {
		for _, name := range names {
			d.After = append(d.After, address(name))
		}
	}
}

// declare makes these the stories of the configuration.
func (w *world) declare(stories ...story.Desired) {
	for i := range stories {
		stories[i].Order = i
	}
	w.stories = stories
}

// pages are the declared Pages.
func (w *world) pages() []story.Page {
	seen := map[string]story.Page{pageID: page(pageID)}
	for _, d := range w.stories {
		seen[d.Page.ID] = d.Page
	}
	return slices.SortedFunc(maps.Values(seen), func(a, b story.Page) int { return strings.Compare(a.ID, b.ID) })
}

// open opens the state as a process does.
func (w *world) open() state.Store {
	w.tb.Helper()
	if w.memory != nil {
		return w.memory
	}
	store, err := local.Open(w.statePath())
	must(w.tb, err)
	if w.wrap != nil {
		return w.wrap(store)
	}
	return store
}

// statePath is where the document is.
func (w *world) statePath() string { return filepath.Join(w.dir, local.DefaultName) }

// process is a process that plans and applies: it has its own connections and
// its own view of the state's store.
type process struct {
	*world
	store    state.Store
	pages    *apply.Pages
	observed *apply.Observation // by its last plan
}

// process starts one.
func (w *world) process() *process {
	w.tb.Helper()
	var transport http.RoundTripper = w.fast
	if w.route != nil {
		transport = w.route(w.fast)
	}
	client, err := graphapi.New(graphapi.Options{
		BaseURL: w.url, Version: w.settings.APIVersion, Transport: transport, Clock: w.time, Timeouts: w.timeouts,
		Log: slog.New(slog.NewTextHandler(w, &slog.HandlerOptions{Level: slog.LevelDebug})), Rand: func() float64 { return 0.5 },
	})
	must(w.tb, err)
	token := func(plan.Page) (graphapi.Token, error) { return graphapi.NewToken(userToken), nil }
	return &process{world: w, store: w.open(), pages: apply.NewPages(client, token)}
}

// document is the state as it is now, records folded in.
func (w *world) document() *state.Document {
	w.tb.Helper()
	session, err := state.Open(context.Background(), w.open(), state.Run{ID: "reader"}, w.time.Now)
	must(w.tb, err)
	return session.Document()
}

// entry is what the state remembers of a story.
func (w *world) entry(name string) state.Entry {
	w.tb.Helper()
	doc := w.document()
	for _, e := range doc.Stories {
		if e.Address == address(name) {
			return e
		}
	}
	return state.Entry{}
}

// plan makes a plan as a new process would and keeps what a person would see
// of it.
func (p *process) plan() *plan.Plan {
	p.tb.Helper()
	session, err := state.Open(context.Background(), p.store, state.Run{ID: "plan"}, p.time.Now)
	must(p.tb, err)
	doc := session.Document()
	in := plan.Input{
		Now: p.time.Now(), Tool: "test", Settings: p.settings, Pages: p.world.pages(), Stories: p.stories, State: doc, Refreshed: true,
		Moved: p.moved, Stage: p.stage, AdoptNone: p.adoptNone,
	}
	var list []plan.Page
	for _, page := range in.Pages {
		list = append(list, plan.Page{Address: page.Address, ID: page.ID, TokenEnv: page.TokenEnv})
	}
	p.observed, err = apply.Observe(context.Background(), p.pages, list, doc, p.time, 2)
	must(p.tb, err)
	in.Views, in.Videos, in.Unread = p.observed.Views, p.observed.Videos, p.observed.UnreadText()
	made := plan.Build(in)
	must(p.tb, plan.Encode(p, made))
	return made
}

// saved is a plan after a trip through a plan file.
func saved(tb testing.TB, p *plan.Plan) *plan.Plan {
	tb.Helper()
	var file bytes.Buffer
	must(tb, plan.Encode(&file, p))
	read, err := plan.Decode(&file)
	must(tb, err)
	return read
}

// options are those of a run of the process.
func (p *process) options(changes ...func(*apply.Options)) apply.Options {
	p.mu.Lock()
	p.runs++
	run := fmt.Sprintf("run-%d", p.runs)
	p.mu.Unlock()
	o := apply.Options{
		Store: p.store, Run: state.Run{ID: run, Who: "tester", Tool: "test"},
		Lock:  state.LockInfo{ID: "lock-" + run, Who: "tester", Created: p.time.Now()},
		Pages: p.pages, Open: p.openMedia, Clock: p.time, Parallelism: 4, AdoptNone: p.adoptNone,
		Report: func(e apply.Event) {
			fmt.Fprintf(p, "event %+v\n", e)
			p.mu.Lock()
			defer p.mu.Unlock()
			p.events = append(p.events, e)
		},
	}
	for _, change := range changes {
		change(&o)
	}
	return o
}

// openMedia opens a file of the folder.
func (w *world) openMedia(source string) (*os.File, error) {
	return os.Open(filepath.Join(w.dir, filepath.FromSlash(source)))
}

// apply carries out a plan and keeps what a person would see of the result.
func (p *process) apply(made *plan.Plan, changes ...func(*apply.Options)) (*apply.Result, error) {
	result, err := apply.Run(context.Background(), made, p.options(changes...))
	fmt.Fprintf(p, "result %s %v\n", toJSON(result), err)
	return result, err
}

// planAndApply plans and applies in one process, as the command does.
func (w *world) planAndApply(changes ...func(*apply.Options)) (*plan.Plan, *apply.Result, error) {
	w.tb.Helper()
	p := w.process()
	made := p.plan()
	if made.Diagnostics.HasErrors() {
		return made, &apply.Result{Diagnostics: made.Diagnostics}, apply.ErrRefused
	}
	observed := func(o *apply.Options) { o.Observed = p.observed }
	result, err := p.apply(made, append([]func(*apply.Options){observed}, changes...)...)
	return made, result, err
}

// mustApply plans and applies, and fails when the run itself does.
func (w *world) mustApply(changes ...func(*apply.Options)) *apply.Result {
	w.tb.Helper()
	_, result, err := w.planAndApply(changes...)
	if err != nil {
		w.tb.Fatalf("apply: %v; %v", err, result.Diagnostics)
	}
	return result
}

// actions are the plan's actions by the name of the story.
func actions(p *plan.Plan) map[string]plan.Action {
	out := map[string]plan.Action{}
	for _, c := range p.Changes {
		out[c.Address.Name] = c.Action
	}
	return out
}

// actionOf is the plan's action for a story, "" for none.
func actionOf(p *plan.Plan, name string) plan.Action { return actions(p)[name] }

// endings are the result's endings by the name of the story.
func endings(r *apply.Result) map[string]apply.Ending {
	out := map[string]apply.Ending{}
	for _, o := range r.Outcomes {
		out[o.Address.Name] = o.Ending
	}
	return out
}

// converge plans and applies until there is nothing left to do, as a cron job
// would, with settle_after between the runs. It returns the plan that remains,
// which is empty unless six runs did not suffice.
func (w *world) converge() *plan.Plan {
	w.tb.Helper()
	made := w.process().plan()
	for n := 0; n < 6 && (made.HasChanges() || made.HasLoudUpdates()); n++ {
		if _, result, err := w.planAndApply(); err != nil {
			w.tb.Fatalf("apply: %v; %v", err, result.Diagnostics)
		}
		if n > 0 {
			w.clock.Advance(w.settings.SettleAfter)
		}
		made = w.process().plan()
	}
	return made
}

// describe lists a plan's changes for a failure.
func describe(p *plan.Plan) []string {
	var lines []string
	for _, c := range p.Changes {
		lines = append(lines, fmt.Sprintf("%s %s: %s", c.Action, c.Address, c.Reason))
	}
	for _, d := range p.Diagnostics {
		lines = append(lines, d.String())
	}
	return lines
}

// content is the hash of what a declared story shows.
func (w *world) content(d story.Desired) string {
	if !d.Media.Hosted {
		return d.Media.SHA256
	}
	content, err := os.ReadFile(filepath.Join(w.dir, d.Address.Name+".mp4"))
	must(w.tb, err)
	return hash(content)
}

// assertPages checks that each declared story was published exactly once, with
// the right bytes on the right Page, and nothing else was.
func (w *world) assertPages() {
	w.tb.Helper()
	want := map[string]int{}
	for _, d := range w.stories {
		want[d.Page.ID+" "+w.content(d)]++
	}
	got := map[string]int{}
	for _, s := range w.sim.Stories("") {
		if !s.ByHand {
			got[s.Page+" "+s.SHA256]++
		}
	}
	if !maps.Equal(got, want) {
		w.tb.Errorf("the Pages show, by Page and hash,\n%v, want\n%v\nrequests: %s", got, want, w.requestLines(0))
	}
}

// assertOnce checks what every recovery must come to: each declared story is
// out exactly once, the plan is empty, and one more apply sends nothing.
func (w *world) assertOnce() {
	w.tb.Helper()
	w.assertPages()
	w.assertQuiet()
}

// assertQuiet checks that the plan is empty and that one more apply sends
// nothing that changes anything.
func (w *world) assertQuiet() {
	w.tb.Helper()
	made := w.process().plan()
	if made.HasChanges() || made.Diagnostics.HasErrors() {
		w.tb.Errorf("the plan is not empty: %v", describe(made))
	}
	mark := w.mark()
	w.mustApply()
	if posts := w.posts(mark); len(posts) > 0 {
		w.tb.Errorf("an apply of nothing sent %v", posts)
	}
}

// assertCalls checks how many publish calls reached the simulator from mark
// on, and that none of them shows media that another one showed unless it is
// meant to.
func (w *world) assertCalls(mark, publish, upload int) {
	w.tb.Helper()
	if got := len(w.asked(mark, publishCalls...)); got != publish {
		w.tb.Errorf("got %d publish calls, want %d: %s", got, publish, w.requestLines(mark))
	}
	if got := len(w.asked(mark, uploadCalls...)); got != upload {
		w.tb.Errorf("got %d uploads begun, want %d: %s", got, upload, w.requestLines(mark))
	}
}

// requestLines is the log of requests for a failure.
func (w *world) requestLines(mark int) string {
	var b strings.Builder
	for _, r := range w.asked(mark) {
		fmt.Fprintf(&b, "\n  %s %s %s media=%s %s status=%d code=%d fault=%q", r.Time.Format(time.TimeOnly), r.Edge, r.Page, r.Media, r.Outcome, r.Status, r.Code, r.Fault)
	}
	return b.String()
}

// fault scripts faults; see sandbox.ParseFaults.
func (w *world) fault(text string) {
	w.tb.Helper()
	faults, err := sandbox.ParseFaults(text)
	must(w.tb, err)
	must(w.tb, w.sim.AddFaults(faults...))
}

// set changes switches of the simulator; see sandbox.Switches.
func (w *world) set(text string) {
	w.tb.Helper()
	s, err := w.sim.Switches().Parse(text)
	must(w.tb, err)
	must(w.tb, w.sim.SetSwitches(s))
}

// byHand makes a story as somebody does in the app.
func (w *world) byHand(page string, kind story.Kind) sandbox.Story {
	w.tb.Helper()
	s, err := w.sim.AddStory(sandbox.Story{Page: page, Kind: string(kind)})
	must(w.tb, err)
	return s
}

// errorSummaries are the summaries of the errors among diagnostics.
func errorSummaries(ds diag.Diagnostics) []string {
	var out []string
	for _, d := range ds {
		if d.Severity == diag.Error {
			out = append(out, d.Summary)
		}
	}
	return out
}

// edgeOf names the edge of a request on its way to the simulator, as the
// simulator's own log does. The body of a form is read and put back.
func edgeOf(r *http.Request) string {
	path := strings.Split(strings.Trim(r.URL.Path, "/"), "/")
	last := path[len(path)-1]
	switch {
	case path[0] == "video-upload":
		return sandbox.EdgeUpload
	case r.Method == http.MethodPost && last == "video_stories":
		body, _ := io.ReadAll(r.Body)
		r.Body = io.NopCloser(bytes.NewReader(body))
		if strings.Contains(string(body), "upload_phase=finish") {
			return sandbox.EdgeFinish
		}
		return sandbox.EdgeStart
	case last == pageID || last == otherID:
		return sandbox.EdgePage
	case strings.Trim(last, "0123456789") == "":
		return sandbox.EdgeStatus
	}
	return last // me, stories, photos, photo_stories
}
