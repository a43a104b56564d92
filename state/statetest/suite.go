// Package statetest holds what every state backend must do, as tests: a
// backend's own test is a call of Run. It also has Memory, a store for the
// tests of what is above the stores, and Audit, which finds lost steps and
// broken chains.
package statetest

import (
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"storyform/state"
	"storyform/story"
)

// Instance is one state of the backend under test, never written before.
type Instance struct {
	// Open opens the state as another process would: what two calls return
	// must share no memory.
	Open func() state.Store
	// Tear damages the newest record of the journal as a power loss would
	// that came before it was durable. Nil where that can't happen.
	Tear func()
	// Expire lets the lease of the lock that is held run out. Nil where locks
	// don't expire.
	Expire func()
}

// Run runs the suite, each test on an instance of its own. skip names the
// tests that the backend can't pass, with the reason; a name that isn't one
// of a test is an error, so that no reason outlives its test.
func Run(t *testing.T, newInstance func(t *testing.T) Instance, skip map[string]string) {
	known := map[string]bool{}
	for _, test := range tests {
		known[test.name] = true
		t.Run(test.name, func(t *testing.T) {
			if reason, ok := skip[test.name]; ok {
				t.Skip(reason)
			}
			t.Parallel() // a real store waits for its disk or network most of the time
			in := newInstance(t)
			if test.needs != nil && !test.needs(in) {
				t.Skip("the backend has nothing of the kind")
			}
			test.run(t, in)
		})
	}
	for name := range skip {
		if !known[name] {
			t.Errorf("there is no test %q to skip", name)
		}
	}
}

// tests is the suite.
var tests = []struct {
	name  string
	run   func(t *testing.T, in Instance)
	needs func(in Instance) bool
}{
	{name: "never written", run: testNeverWritten},
	{name: "append", run: testAppend},
	{name: "every field survives", run: testEveryField},
	{name: "commit", run: testCommit},
	{name: "a state moves in", run: testMoveIn},
	{name: "moving in shuts others out", run: testMoveInShutsOut},
	{name: "own record again", run: testOwnRecordAgain},
	{name: "own document again", run: testOwnDocumentAgain},
	{name: "position taken", run: testPositionTaken},
	{name: "one of two at a position", run: testOneOfTwo},
	{name: "nothing after a seal", run: testSeal},
	{name: "stale serial", run: testStaleSerial},
	{name: "stalled run", run: testStalledRun},
	{name: "stalled run after a fold", run: testStalledAfterFold},
	{name: "crash between seal and commit", run: testCrashBeforeCommit},
	{name: "two finish one fold", run: testTwoFolders},
	{name: "torn record", run: testTorn, needs: func(in Instance) bool { return in.Tear != nil }},
	{name: "records together", run: testTogether},
	{name: "many runs at once", run: testManyRuns},
	{name: "lock", run: testLock},
	{name: "one lock for many", run: testOneLock},
	{name: "force-unlock", run: testForceUnlock},
	{name: "expired lock", run: testExpiry, needs: func(in Instance) bool { return in.Expire != nil }},
}

// start is the time on the clock of the suite's runs.
var start = time.Date(2026, 12, 20, 2, 0, 0, 0, time.UTC)

// addr is the address of the story called name.
func addr(name string) story.Address { return story.Address{Type: "story", Name: name} }

// entry returns a valid entry.
func entry(name string, status story.Status) state.Entry {
	return state.Entry{
		Address: addr(name), Page: story.Address{Type: "page", Name: "acme"}, PageID: "104857600000001",
		Kind: story.Photo, Source: "media/" + name + ".jpg", Revision: 1, Status: status, RegisteredAt: start,
	}
}

// record returns a record at a position.
func record(base uint64, seq int, run string) state.Record {
	e := entry("teaser", story.Scheduled)
	return state.Record{Base: base, Seq: seq, Lineage: lineage, At: start, Run: run, Step: "register", Key: e.Address, Entry: &e}
}

// lineage is that of the records and documents that the suite makes by hand.
const lineage = "5f0c2a4e-0000-4000-8000-000000000001"

// seal returns the seal at a position.
func seal(base uint64, seq int, run string) state.Record {
	return state.Record{Base: base, Seq: seq, Lineage: lineage, At: start, Run: run, Step: "seal", Seal: true, Tool: "0.1.0"}
}

// session opens a session on a store.
func session(t *testing.T, store state.Store, run string) *state.Session {
	t.Helper()
	s, err := state.Open(t.Context(), store, state.Run{ID: run, Who: run + "@ci", Tool: "0.1.0"}, func() time.Time { return start })
	ok(t, err)
	return s
}

// put writes an entry that must be taken.
func put(t *testing.T, s *state.Session, name string, status story.Status) {
	t.Helper()
	ok(t, s.Put(t.Context(), string(status), entry(name, status), nil))
}

// ok ends the test when err is an error.
func ok(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// wantErr checks for an error that callers branch on.
func wantErr(t *testing.T, err, want error) {
	t.Helper()
	if !errors.Is(err, want) {
		t.Fatalf("got error %v, want %v", err, want)
	}
}

// wantLoad checks what a store holds.
func wantLoad(t *testing.T, store state.Store, doc *state.Document, records ...state.Record) {
	t.Helper()
	gotDoc, gotRecords, err := store.Load(t.Context())
	ok(t, err)
	if diff := cmp.Diff(doc, gotDoc); diff != "" {
		t.Errorf("document (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(append([]state.Record{}, records...), append([]state.Record{}, gotRecords...)); diff != "" {
		t.Errorf("records (-want +got):\n%s", diff)
	}
}

// fold is state.Fold with records that must fit.
func fold(t *testing.T, doc *state.Document, records ...state.Record) *state.Document {
	t.Helper()
	next, err := state.Fold(doc, records)
	ok(t, err)
	return next
}
