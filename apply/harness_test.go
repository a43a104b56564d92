package apply_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
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

	"storyform/graphapi"
	"storyform/graphapi/sandbox"
	"storyform/internal/clock"
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
	events   []story.Event
	runs     int
	echo     io.Writer // gets what the runs tell as well; nil: nobody does
	closers  []func()
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
	w.closers = append(w.closers, func() {
		w.fast.CloseIdleConnections()
		server.CloseClientConnections()
		server.Close()
		w.assertNoSecret()
	})
	tb.Cleanup(w.close)
	return w
}

// close ends a world. A test that makes hundreds of them calls it; otherwise
// the end of the test does.
func (w *world) close() {
	for _, f := range slices.Backward(w.closers) {
		f()
	}
	w.closers = nil
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
	return w.atURL(w.local(name, name+".mp4", changes...))
}

// hostedPhoto declares a photo that Meta fetches from a URL.
func (w *world) hostedPhoto(name string, changes ...func(*story.Desired)) story.Desired {
	w.tb.Helper()
	return w.atURL(w.local(name, name+".jpg", changes...))
}

// atURL puts the file of a story on the web.
func (w *world) atURL(d story.Desired) story.Desired {
	w.tb.Helper()
	content, err := os.ReadFile(filepath.Join(w.dir, d.Source))
	must(w.tb, err)
	d.Source = "https://media.example.com/" + d.Source
	d.Media = story.Media{Kind: d.Kind, Hosted: true}
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
