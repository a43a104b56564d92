package sandbox

import (
	"errors"
	"io/fs"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

// loaded starts a simulator on a file.
func loaded(t *testing.T, path string) *client {
	t.Helper()
	c := newClient(t, Options{})
	if err := c.sim.Load(path); err != nil {
		t.Fatal(err)
	}
	return c
}

func TestPersistence(t *testing.T) {
	path := filepath.Join(t.TempDir(), ".storyform", "sandbox.json")
	content := bytesOf(3_000_000)
	c := loaded(t, path)
	c.switches("listing_lag=1s as_documented")
	c.faults("upload cut=2500000\nphoto_stories after reset nth=2")
	if err := c.sim.AddToken(Token{Value: "my-secret-token", Kind: UserToken}); err != nil {
		t.Fatal(err)
	}
	photo, _ := c.photoStory(jpeg)
	id, address := c.start()
	if a := c.upload(address, content, 0, len(content)); a.err == nil {
		t.Fatalf("got %d %s, want a broken connection", a.status, a.body)
	}
	if err := c.sim.Advance(time.Hour); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for _, secret := range []string{"my-secret-token", token, "sandbox-page"} {
		if strings.Contains(string(text), secret) {
			t.Errorf("the file holds the token %s", secret)
		}
	}
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("got the mode %v (error %v), want 0600", info.Mode(), err)
	}

	// Another process goes on where the first one was, and cleans up after
	// one that was killed while it wrote.
	stale := filepath.Join(filepath.Dir(path), ".sandbox.json-123")
	if err := os.WriteFile(stale, text[:100], 0o600); err != nil {
		t.Fatal(err)
	}
	d := loaded(t, path)
	if _, err := os.Stat(stale); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("got %v for the stale file, want it gone", err)
	}
	if got, want := d.sim.Now(), start.Add(time.Hour); !got.Equal(want) {
		t.Errorf("got the time %s, want %s", got, want)
	}
	a := d.get("/"+id, "fields", "status")
	if got := a.at("status.uploading_phase.bytes_transfered"); got != "2500000" {
		t.Fatalf("got %s, want 2500000 bytes", a.body)
	}
	address = d.url + strings.TrimPrefix(address, c.url)
	d.want(d.upload(address, content[2_500_000:], 2_500_000, len(content)), 200, `{"success":true}`)
	d.text(d.finish(id), "post_id")
	if got := d.sim.Stories(pageID); len(got) != 2 || got[0].MediaID != photo || got[1].SHA256 != hashOf(content) {
		t.Errorf("got %+v, want the photo and the whole video", got)
	}
	if a := d.publishPhoto(photo); a.err == nil {
		t.Errorf("got %d %s, want the second photo story to lose its answer", a.status, a.body)
	}
	// And the first one sees it.
	if got := c.sim.Stories(pageID); len(got) != 2 {
		t.Errorf("got %+v in the first process, want both stories", got)
	}
	first, second := c.sim.Requests(), d.sim.Requests()
	if len(first) != len(second) || first[len(first)-1].N != int64(len(first)) {
		t.Errorf("got %d and %d requests, want the same log in both", len(first), len(second))
	}
	d.token = "my-secret-token"
	d.text(d.get("/me"), "name")
}

// TestTwoProcesses: what two processes do to one world at the same time is
// all in it.
func TestTwoProcesses(t *testing.T) {
	path := filepath.Join(t.TempDir(), "sandbox.json")
	var group sync.WaitGroup
	for range 3 {
		c := loaded(t, path)
		group.Go(func() {
			for i := range 5 {
				c.photoStory(append(jpeg, byte(i)))
			}
		})
	}
	group.Wait()
	stories := loaded(t, path).sim.Stories(pageID)
	ids := map[string]bool{}
	for _, s := range stories {
		ids[s.PostID], ids[s.MediaID] = true, true
	}
	if len(stories) != 15 || len(ids) != 30 {
		t.Errorf("got %d stories with %d ids, want 15 with 30", len(stories), len(ids))
	}
}

func TestDamagedFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "sandbox.json")
	c := loaded(t, path)
	c.photoStory(jpeg)
	good, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{
		"empty":          "",
		"cut":            string(good[:len(good)/2]),
		"two":            string(good) + string(good),
		"another format": `{"version":1}`,
		"newer":          strings.Replace(string(good), `"version":1`, `"version":2`, 1),
		"no version":     strings.Replace(string(good), `"version":1`, `"version":0`, 1),
		"no Page":        strings.Replace(string(good), `"pages":[{"id":"`+pageID, `"pages":[{"id":"104857600000002`, 1),
		"null":           strings.Replace(string(good), `"stories":[`, `"stories":[null,`, 1),
	} {
		t.Run(name, func(t *testing.T) {
			if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
			err := New(Options{}).Load(path)
			if err == nil || !strings.Contains(err.Error(), path) {
				t.Errorf("got the error %v, want one that names the file", err)
			}
			// A process that runs already doesn't write over it.
			a := c.get("/me")
			c.wantCode(a, 500, "2")
			if after, err := os.ReadFile(path); err != nil || string(after) != text {
				t.Errorf("the damaged file was changed (error %v)", err)
			}
		})
	}
	if err := os.WriteFile(path, good, 0o600); err != nil {
		t.Fatal(err)
	}
	c.text(c.get("/me"), "id")
}

// TestWorldIsChecked: contradictions in a file are errors, not trouble later.
func TestWorldIsChecked(t *testing.T) {
	const video = `{"id":"7","page":"1","started":"2026-12-20T02:00:00Z"`
	for _, change := range []string{
		`"next":-1`, `"created":"1000-01-01T00:00:00Z"`, `"offset":"900000h"`, `"switches":{"republish":"maybe"}`,
		`"faults":[null]`, `"faults":[{"do":"explode"}]`, `"pages":[null]`, `"pages":[{"id":"x"}]`, `"pages":[{"id":"1"},{"id":"1"}]`,
		`"photos":[{"id":"5","page":"2"}]`, `"photos":[{"id":"5","page":"1","uploaded":"9000-01-01T00:00:00Z"}]`,
		`"videos":[` + video + `,"received":-1}]`, `"videos":[` + video + `,"received":5,"file_size":4}]`,
		`"videos":[` + video + `,"received":4,"file_size":5}]`, `"videos":[` + video + `,"received":4,"file_size":5,"hash":"AAAA"}]`,
		`"videos":[` + video + `,"sha256":"00"}]`, `"videos":[` + video + `,"problem":{"phase":"thinking"}}]`,
		`"videos":[` + video + `},` + video + `}]`, `"videos":[{"id":"7","page":"3"}]`, `"videos":[` + video + `,"finished":"0001-01-02T00:00:00Z"}]`,
		`"stories":[{"post_id":"9","page":"2"}]`, `"tokens":{"x":{"kind":"USER"}}`, `"tokens":{"x":null}`,
	} {
		text := `{"format":"storyform-sandbox","version":1,"created":"2026-12-20T02:00:00Z","pages":[{"id":"1"}]}`
		if _, err := decodeWorld([]byte(text)); err != nil {
			t.Fatalf("got %v for a good world", err)
		}
		// The later one of two members counts.
		if w, err := decodeWorld([]byte(strings.TrimSuffix(text, "}") + "," + change + "}")); err == nil {
			t.Errorf("%s: got %+v, want an error", change, w)
		}
	}
}

func TestLoadFails(t *testing.T) {
	for _, path := range []string{"", t.TempDir()} {
		if err := New(Options{}).Load(path); err == nil {
			t.Errorf("%q: got no error", path)
		}
	}
	if err := New(Options{}).Save(); err == nil {
		t.Error("got no error for saving a world without a file")
	}
}

// TestUnwritableWorld: an effect that can't be kept is answered as one whose
// outcome is open.
func TestUnwritableWorld(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "gone")
	c := loaded(t, filepath.Join(dir, "sandbox.json"))
	id := c.text(c.photo(jpeg, "published", "false"), "id")
	if err := os.RemoveAll(dir); err != nil {
		t.Fatal(err)
	}
	c.wantCode(c.publishPhoto(id), 500, "2")
	if err := c.sim.Save(); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("got the error %v, want that the folder is gone", err)
	}
}

// FuzzWorld: no file makes the simulator panic, and what it accepts it can
// serve and write again.
func FuzzWorld(f *testing.F) {
	f.Add([]byte(`{"format":"storyform-sandbox","version":1,"created":"2026-12-20T02:00:00Z","next":1,"serial":0,"offset":"1h","switches":{},"pages":[{"id":"1"}],"photos":[],"videos":[],"stories":[],"requests":[]}`))
	path := filepath.Join(f.TempDir(), "sandbox.json")
	sim := New(Options{Now: func() time.Time { return start }, AutoPages: true, Switches: Switches{Republish: "same"}})
	if err := sim.Load(path); err != nil {
		f.Fatal(err)
	}
	story, err := sim.AddStory(Story{Page: pageID, Kind: "video"})
	if err != nil {
		f.Fatal(err)
	}
	faults, _ := ParseFaults("me after status=500 times=always")
	sim.AddFaults(faults...)
	sim.AddToken(Token{Value: "x", Kind: UserToken, Expires: start})
	serve := func(sim *Server, method, path string) {
		r := httptest.NewRequest(method, path, nil)
		r.Header.Set("Authorization", "Bearer "+token)
		sim.ServeHTTP(httptest.NewRecorder(), r)
	}
	serve(sim, "POST", "/v25.0/"+pageID+"/video_stories?upload_phase=start")
	seed, err := os.ReadFile(path)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(seed)
	f.Fuzz(func(t *testing.T, data []byte) {
		w, err := decodeWorld(data)
		if err != nil {
			return
		}
		sim := New(Options{Now: func() time.Time { return start }, AutoPages: true})
		sim.world = w
		for _, f := range w.faults {
			f.Fault = Fault{} // what they do is tested elsewhere, and some need a connection
		}
		serve(sim, "GET", "/v25.0/"+pageID+"/stories?limit=2")
		serve(sim, "GET", "/v25.0/"+story.PostID)
		for id := range w.videos {
			serve(sim, "GET", "/v25.0/"+id+"?fields=status")
			serve(sim, "POST", "/v25.0/"+pageID+"/video_stories?upload_phase=finish&video_id="+id)
		}
		sim.Stories("")
		page := httptest.NewRecorder()
		sim.servePhones(page, nil)
		if page.Code != 200 {
			t.Errorf("got %d for the page: %s", page.Code, page.Body)
		}
		st := &store{path: filepath.Join(t.TempDir(), "w.json")}
		if err := st.save(w); err != nil {
			t.Fatalf("got %v, want that an accepted world can be written", err)
		}
		if _, err := st.read(); err != nil {
			t.Fatalf("got %v, want that a written world can be read", err)
		}
	})
}
