package httpstore

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"storyform/internal/clock"
	"storyform/state"
	"storyform/state/fakeserver"
	"storyform/state/statetest"
	"storyform/story"
)

// arguments returns the backend block for a server of a kind.
func arguments(kind fakeserver.Kind, url string) map[string]string {
	args := map[string]string{"address": url + "/state", "lock_address": url + "/state"}
	if kind == fakeserver.GitLab || kind == fakeserver.Gitea {
		args["lock_address"] = url + "/state/lock"
		args["lock_method"], args["unlock_method"] = http.MethodPost, http.MethodDelete
	}
	return args
}

// serve starts a fake and returns what opens stores on it. Waits are over at
// once.
func serve(t *testing.T, fake *fakeserver.Terraform) func() *Store {
	t.Helper()
	server := httptest.NewServer(fake)
	t.Cleanup(server.Close)
	now := clock.NewFake(time.Date(2026, 12, 20, 2, 0, 0, 0, time.UTC))
	return func() *Store {
		s, err := open(arguments(fake.Kind, server.URL), environment(fake), now.Clock())
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(s.http.CloseIdleConnections)
		return s
	}
}

// environment has the credentials that a fake wants.
func environment(fake *fakeserver.Terraform) func(string) string {
	env := map[string]string{"TF_HTTP_USERNAME": fake.Username, "STORYFORM_HTTP_PASSWORD": fake.Password}
	return func(name string) string { return env[name] }
}

func entry(name string, status story.Status) state.Entry {
	return state.Entry{
		Address: story.Address{Type: "story", Name: name}, Kind: story.Photo, Source: name + ".jpg", Revision: 1, Status: status,
	}
}

func session(t *testing.T, store state.Store, run string) *state.Session {
	t.Helper()
	s, err := state.Open(t.Context(), store, state.Run{ID: run}, func() time.Time { return time.Date(2026, 12, 20, 2, 0, 0, 0, time.UTC) })
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func put(t *testing.T, s *state.Session, status story.Status) {
	t.Helper()
	wantErr(t, s.Put(t.Context(), string(status), entry("reveal", status), nil), nil, "")
}

func wantErr(t *testing.T, err, want error, text string) {
	t.Helper()
	if !errors.Is(err, want) || err != nil && !strings.Contains(err.Error(), text) {
		t.Fatalf("got error %v, want %v with %q", err, want, text)
	}
}

// unguarded are the tests in which nothing but the server can keep two writers
// apart that hold no lock.
var unguarded = map[string]string{
	"one of two at a position": "the server keeps only those apart who hold the lock",
	"many runs at once":        "the server keeps only those apart who hold the lock",
	"two finish one fold":      "the server keeps only those apart who hold the lock",
}

// once spoils the requests of a method, each content at its first try.
func once(method string, fault fakeserver.Fault) func() func(r *http.Request) fakeserver.Fault {
	return func() func(r *http.Request) fakeserver.Fault {
		var mu sync.Mutex
		seen := map[string]bool{}
		return func(r *http.Request) fakeserver.Fault {
			mu.Lock()
			defer mu.Unlock()
			key := r.URL.RequestURI() + r.Header.Get("Content-MD5")
			if r.Method != method || seen[key] {
				return fakeserver.None
			}
			seen[key] = true
			return fault
		}
	}
}

func TestContract(t *testing.T) {
	for _, test := range []struct {
		name  string
		kind  fakeserver.Kind
		fault func() func(r *http.Request) fakeserver.Fault
		skip  map[string]string
	}{
		{"GitLab", fakeserver.GitLab, nil, nil},
		{"Gitea", fakeserver.Gitea, nil, nil},
		{"plain", fakeserver.Plain, nil, unguarded},
		{"every answer lost", fakeserver.GitLab, func() func(r *http.Request) fakeserver.Fault {
			return func(r *http.Request) fakeserver.Fault {
				if r.Method == http.MethodPost && r.URL.Path == "/state" {
					return fakeserver.Lost
				}
				return fakeserver.None
			}
		}, nil},
		{"answers lost once", fakeserver.Plain, once(http.MethodPost, fakeserver.Lost), unguarded},
		{"writes and locks dropped once", fakeserver.Gitea, once(http.MethodPost, fakeserver.Dropped), nil},
		{"writes and locks lost once", fakeserver.GitLab, once(http.MethodPost, fakeserver.Lost), nil},
		{"writes and locks 500 once", fakeserver.GitLab, once(http.MethodPost, fakeserver.Internal), nil},
		{"unlocks lost once", fakeserver.Plain, once("UNLOCK", fakeserver.Lost), unguarded},
		{"unlocks lost once", fakeserver.GitLab, once(http.MethodDelete, fakeserver.Lost), nil},
		{"locks lost once", fakeserver.Plain, once("LOCK", fakeserver.Lost), unguarded},
	} {
		t.Run(test.name, func(t *testing.T) {
			statetest.Run(t, func(t *testing.T) statetest.Instance {
				fake := &fakeserver.Terraform{Kind: test.kind, Username: "ci", Password: "hunter2"}
				if test.fault != nil {
					fake.Fault = test.fault()
				}
				open := serve(t, fake)
				return statetest.Instance{Open: func() state.Store { return open() }}
			}, test.skip)
		})
	}
}

// everyOther spoils, of the requests of a method, the first, the third and so on.
func everyOther(method string, fault fakeserver.Fault) func(r *http.Request) fakeserver.Fault {
	n := 0
	return func(r *http.Request) fakeserver.Fault {
		if r.Method == method {
			n++
		}
		if n%2 == 0 || r.Method != method {
			return fakeserver.None
		}
		return fault
	}
}

// Readings that break off are repeated.
func TestTornReading(t *testing.T) {
	fake := &fakeserver.Terraform{Kind: fakeserver.GitLab, Fault: everyOther(http.MethodGet, fakeserver.Broken)}
	open := serve(t, fake)
	s := session(t, open(), "a")
	for range 5 {
		put(t, s, story.Uploaded)
	}
	wantErr(t, s.Close(t.Context()), nil, "")
	if got := session(t, open(), "b").Serial(); got != 1 {
		t.Errorf("got serial %d, want 1", got)
	}
}

// Each step is one version on the server, so that GitLab's history has all of
// them, and costs three requests.
func TestRequests(t *testing.T) {
	fake := &fakeserver.Terraform{Kind: fakeserver.GitLab}
	open := serve(t, fake)
	store := open()
	l, err := store.Lock(t.Context(), state.LockInfo{ID: "a b", Operation: "apply", Who: "ci", Version: "0.1.0", Created: time.Now()})
	wantErr(t, err, nil, "")
	s := session(t, store, "a")
	put(t, s, story.Uploaded)
	put(t, s, story.Publishing)
	wantErr(t, s.Close(t.Context()), nil, "")
	wantErr(t, l.Unlock(t.Context()), nil, "")
	if diff := cmp.Diff([]uint64{1, 2, 3, 4}, fake.Versions()); diff != "" {
		t.Errorf("versions (-want +got):\n%s", diff)
	}
	step := []string{"GET /state", "POST /state?ID=a+b", "GET /state"}
	want := slices.Concat([]string{"POST /state/lock", "GET /state"}, step, step, step, step, []string{"DELETE /state/lock"})
	if diff := cmp.Diff(want, fake.Requests()); diff != "" {
		t.Errorf("requests (-want +got):\n%s", diff)
	}
	for _, want := range []string{`"serial": 4,`, `"lineage": "` + s.Lineage(), `"version": 4,`, `"resources": [],`} {
		if !strings.Contains(string(fake.State()), "\n "+want) {
			t.Errorf("the state has no %s at its top level: %s", want, fake.State())
		}
	}
}

// A run whose lock was broken is refused by every server that looks at IDs,
// also when nothing was written since, and learns that its lock is lost.
func TestZombie(t *testing.T) {
	for _, kind := range []fakeserver.Kind{fakeserver.Plain, fakeserver.GitLab, fakeserver.Gitea} {
		for _, wrote := range []bool{false, true} {
			t.Run(fmt.Sprint(kind, wrote), func(t *testing.T) {
				open := serve(t, &fakeserver.Terraform{Kind: kind})
				zombie := open()
				lost, err := zombie.Lock(t.Context(), state.LockInfo{ID: "zombie", Who: "z"})
				wantErr(t, err, nil, "")
				s := session(t, zombie, "zombie")
				put(t, s, story.Uploaded)
				other := open()
				wantErr(t, other.ForceUnlock(t.Context(), "zombie"), nil, "")
				held, err := other.Lock(t.Context(), state.LockInfo{ID: "other", Who: "o@ci"})
				wantErr(t, err, nil, "")
				if wrote {
					put(t, session(t, other, "other"), story.Publishing)
				}
				err = s.Put(t.Context(), "publishing", entry("reveal", story.Publishing), nil)
				wantErr(t, err, state.ErrConflict, "")
				if !wrote {
					wantErr(t, err, state.ErrLockLost, "the lock is held by o@ci")
					wantErr(t, lost.Check(0), state.ErrLockLost, "the server refuses its ID (the lock is held by o@ci")
				}
				wantErr(t, lost.Unlock(t.Context()), state.ErrLockLost, "")
				wantErr(t, held.Unlock(t.Context()), nil, "")
			})
		}
	}
}

func TestProbe(t *testing.T) {
	for _, test := range []struct {
		kind fakeserver.Kind
		want string
	}{
		{fakeserver.Plain, ""}, {fakeserver.GitLab, ""}, {fakeserver.Gitea, ""},
		{fakeserver.Careless, "two runs could publish one story twice"},
	} {
		for _, written := range []bool{false, true} {
			fake := &fakeserver.Terraform{Kind: test.kind}
			open := serve(t, fake)
			if written {
				s := session(t, open(), "a")
				put(t, s, story.Live)
				wantErr(t, s.Close(t.Context()), nil, "")
			}
			before := session(t, open(), "b").Document()
			got := ""
			if err := open().Probe(t.Context()); err != nil {
				got = err.Error()
			}
			if !strings.Contains(got, test.want) || test.want == "" && got != "" {
				t.Errorf("kind %d: got error %q, want %q", test.kind, got, test.want)
			}
			if diff := cmp.Diff(before, session(t, open(), "b").Document()); diff != "" {
				t.Errorf("kind %d: the probe changed the state (-before +after):\n%s", test.kind, diff)
			}
			put(t, session(t, open(), "c"), story.Live)
			l, err := open().Lock(t.Context(), state.LockInfo{ID: "x"})
			wantErr(t, err, nil, "")
			wantErr(t, l.Unlock(t.Context()), nil, "")
		}
	}
}

// What isn't a state of ours is never overwritten, and never taken for one
// that was never written.
func TestForeign(t *testing.T) {
	for _, test := range []struct{ name, body, want string }{
		{"Terraform's", `{"version":4,"terraform_version":"1.11.4","serial":3,"lineage":"x","outputs":{},"resources":[]}`, "it is the state of something else, such as Terraform"},
		{"HTML", `<html>Sign in</html>`, "it is a page of HTML"},
		{"other JSON", `{"hello":"world"}`, "it is not a storyform state"},
		{"an array", `[]`, "it is no JSON of a state"},
		{"null", `null`, "it is not a storyform state"},
		{"cut", `{"version":4,"serial":1,"storyform":{"version":1,"jour`, "it is no JSON of a state"},
		{"damaged record", `{"version":4,"serial":1,"lineage":"l","storyform":{"version":1,"journal":["00000000 {}"]}}`, "record 1 can't be read: its checksum doesn't match"},
		{"damaged document", `{"version":4,"serial":1,"lineage":"l","storyform":{"version":1,"document":{"version":1},"journal":[]}}`, "its serial is 0"},
		{"newer", `{"version":4,"serial":1,"lineage":"l","storyform":{"version":2}}`, "use a newer storyform"},
	} {
		t.Run(test.name, func(t *testing.T) {
			fake := &fakeserver.Terraform{}
			open := serve(t, fake)
			fake.SetState([]byte(test.body))
			_, _, err := open().Load(t.Context())
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("got error %v, want one with %q", err, test.want)
			}
			e := entry("a", story.Scheduled)
			rec := state.Record{Seq: 1, Lineage: "l", At: time.Now(), Run: "a", Key: e.Address, Entry: &e}
			if err := open().Append(t.Context(), rec); err == nil || string(fake.State()) != test.body {
				t.Errorf("got error %v and state %s, want it refused and untouched", err, fake.State())
			}
		})
	}
}

// The holder is named, whatever the server's answer looks like.
func TestHolder(t *testing.T) {
	fake := &fakeserver.Terraform{Kind: fakeserver.GitLab, PlainText: true}
	open := serve(t, fake)
	_, err := open().Lock(t.Context(), state.LockInfo{ID: "a"})
	wantErr(t, err, nil, "")
	_, err = open().Lock(t.Context(), state.LockInfo{ID: "b"})
	locked, ok := errors.AsType[*state.LockedError](err)
	if !ok || locked.Holder.Who != "somebody whom the server doesn't name: locked, come back later?[31m" {
		t.Errorf("got error %v, want an unnamed holder", err)
	}
	// Whoever knows the ID can break the lock all the same.
	wantErr(t, open().ForceUnlock(t.Context(), "other"), state.ErrLockLost, "")
	wantErr(t, open().ForceUnlock(t.Context(), "a"), nil, "")
	_, err = open().Lock(t.Context(), state.LockInfo{ID: "b"})
	wantErr(t, err, nil, "")
}

// Refusals that are nobody's conflict say what they are, at once.
func TestDenied(t *testing.T) {
	for _, test := range []struct {
		status int
		header http.Header
		body   string
		want   string
	}{
		{401, nil, "no", "status 401: no; set STORYFORM_HTTP_USERNAME and STORYFORM_HTTP_PASSWORD"},
		{403, nil, "", "status 403; set STORYFORM_HTTP_USERNAME"},
		{413, nil, "", "the state is larger than the server takes"},
		{302, http.Header{"Location": {"https://other.example.com/state?token=hunter2"}}, "", "set the address that it redirects to, https://other.example.com/state"},
		{422, nil, `{"message":"No serial in payload"}`, `refuses it with status 422: {"message":"No serial in payload"}`},
		{500, nil, strings.Repeat("x", 1000), "status 500: " + strings.Repeat("x", maxMessage) + "…"},
	} {
		t.Run(fmt.Sprint(test.status), func(t *testing.T) {
			posts := 0
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if r.Method == http.MethodGet {
					w.WriteHeader(http.StatusNotFound)
					return
				}
				posts++
				for name, values := range test.header {
					w.Header()[name] = values
				}
				w.WriteHeader(test.status)
				fmt.Fprint(w, test.body)
			}))
			t.Cleanup(server.Close)
			s, err := open(arguments(fakeserver.Plain, server.URL), func(string) string { return "" }, clock.NewFake(time.Now()).Clock())
			wantErr(t, err, nil, "")
			err = session(t, s, "a").Put(t.Context(), "register", entry("a", story.Scheduled), nil)
			if err == nil || !strings.Contains(err.Error(), test.want) || errors.Is(err, state.ErrConflict) || strings.Contains(err.Error(), "hunter2") {
				t.Errorf("got error %v, want one with %q that is no conflict", err, test.want)
			}
			want := 1
			if test.status == 500 {
				want = 3 // retry_max is 2
			}
			if posts != want {
				t.Errorf("got %d writes, want %d", posts, want)
			}
		})
	}
}

// Waits double, up to the limit, and end with the context.
func TestWait(t *testing.T) {
	now := clock.NewFake(time.Time{})
	s := &Store{set: &settings{waitMin: time.Second, waitMax: 5 * time.Second}, clock: now.Clock()}
	var got []time.Duration
	for n := 1; n <= 5; n++ {
		before := now.Now()
		wantErr(t, s.wait(t.Context(), n), nil, "")
		got = append(got, now.Now().Sub(before)/time.Second)
	}
	if diff := cmp.Diff([]time.Duration{1, 2, 4, 5, 5}, got); diff != "" {
		t.Errorf("waits in seconds (-want +got):\n%s", diff)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	wantErr(t, s.wait(ctx, 1), context.Canceled, "")
}
