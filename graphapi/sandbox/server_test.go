package sandbox

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// TestLogHoldsNoToken: wherever a token stands in a request, the log has none.
func TestLogHoldsNoToken(t *testing.T) {
	var logged []Request
	c := newClient(t, Options{Log: func(r Request) { logged = append(logged, r) }})
	c.get("/me", "access_token", token)
	c.get("/" + token)
	c.get("/" + token + "/" + token + "/" + token)
	c.get("/EAAGsecret/stories")
	c.get("/onlylowercase")
	c.post("/"+token+"/photo_stories", "photo_id", token)
	c.do(c.request("POST", "/video-upload/v25.0/"+token, nil))
	text := fmt.Sprint(c.sim.Requests(), logged)
	if len(logged) != 7 || strings.Contains(text, "sandbox") || strings.Contains(text, "EAA") || strings.Contains(text, "lower") {
		t.Errorf("got %d entries with a token in them: %s", len(logged), text)
	}
}

func TestLogIsBounded(t *testing.T) {
	w := newWorld(start)
	for n := range maxRequests + 17 {
		w.record(Request{N: int64(n + 1)})
	}
	if len(w.requests) != maxRequests || w.requests[0].N != 18 {
		t.Errorf("got %d entries from %d on, want %d from 18 on", len(w.requests), w.requests[0].N, maxRequests)
	}
}

func TestWorldIsSwept(t *testing.T) {
	c := newClient(t, Options{})
	photo, _ := c.photoStory(jpeg)
	c.photo(jpeg, "published", "false")
	c.start()
	c.advance(9 * 24 * time.Hour)
	c.start()
	w := c.sim.world
	if len(w.photos) != 1 || w.photos[photo] == nil || len(w.videos) != 1 {
		t.Errorf("got %d photos and %d videos, want the published photo and the new video", len(w.photos), len(w.videos))
	}
}

func TestIDs(t *testing.T) {
	c := newClient(t, Options{})
	first, _ := c.start()
	if len(first) != 18 || fmt.Sprintf("%.0f", float64(atoi(t, first))) == first {
		t.Errorf("got the id %s, want one of 18 digits that a float can't hold", first)
	}
	if err := c.sim.Reset(); err != nil {
		t.Fatal(err)
	}
	if second, _ := c.start(); second == first {
		t.Errorf("got the id %s again after a reset", second)
	}
}

// atoi reads an id as a number.
func atoi(t *testing.T, text string) (n int64) {
	t.Helper()
	if _, err := fmt.Sscan(text, &n); err != nil {
		t.Fatal(err)
	}
	return n
}

// slowBody gives a little and then waits to be told to end.
type slowBody struct {
	left    []byte
	reading chan struct{}
	end     chan struct{}
	once    sync.Once
}

// Read gives what is left, and waits before the last byte.
func (b *slowBody) Read(p []byte) (int, error) {
	switch {
	case len(b.left) > 1:
		n := copy(p, b.left[:len(b.left)-1])
		b.left = b.left[n:]
		return n, nil
	case len(b.left) == 0:
		return 0, io.EOF
	}
	b.once.Do(func() { close(b.reading) })
	<-b.end
	n := copy(p, b.left)
	b.left = nil
	return n, nil
}

func TestTwoUploadsIntoOneSession(t *testing.T) {
	c := newClient(t, Options{})
	content := bytesOf(2 << 20)
	id, address := c.start()
	slow := &slowBody{left: content, reading: make(chan struct{}), end: make(chan struct{})}
	first := make(chan answer)
	go func() {
		req, _ := http.NewRequestWithContext(t.Context(), "POST", address, slow)
		req.ContentLength = int64(len(content))
		for name, value := range map[string]string{"Authorization": "OAuth " + token, "offset": "0", "file_size": fmt.Sprint(len(content))} {
			req.Header.Set(name, value)
		}
		first <- c.do(req)
	}()
	<-slow.reading
	for busy := false; !busy; time.Sleep(time.Millisecond) { // the body is read before the server has looked at the request
		c.sim.mu.Lock()
		busy = c.sim.busy[id] != nil
		c.sim.mu.Unlock()
	}
	c.wantCode(c.upload(address, content, 0, len(content)), 400, "6000")
	close(slow.end)
	c.want(<-first, 200, `{"success":true}`)
	c.text(c.finish(id), "post_id")
	if got := c.sim.Stories(pageID)[0].SHA256; got != hashOf(content) {
		t.Errorf("got the hash %s, want that of the first upload", got)
	}
}

// TestManyClients publishes on several Pages at once.
func TestManyClients(t *testing.T) {
	c := newClient(t, Options{})
	var group sync.WaitGroup
	for n := range 8 {
		page := fmt.Sprintf("10485760000010%d", n)
		d := &client{t: t, sim: c.sim, url: c.url, http: c.http, token: "sandbox-page-" + page}
		group.Go(func() {
			for range 5 {
				a := d.post("/"+page+"/video_stories", "upload_phase", "start")
				id := a.at("video_id")
				d.want(d.upload(a.at("upload_url"), jpeg, 0, len(jpeg)), 200, `{"success":true}`)
				d.text(d.post("/"+page+"/video_stories", "upload_phase", "finish", "video_id", id), "post_id")
				d.get("/" + page + "/stories")
				d.control("GET", "/", "")
			}
		})
	}
	group.Wait()
	if got := len(c.sim.Stories("")); got != 40 {
		t.Errorf("got %d stories, want 40", got)
	}
}

// endless gives n bytes and notes the largest heap that it saw.
type endless struct {
	left  int64
	peak  *atomic.Uint64
	reads int
}

// Read gives zeros.
func (e *endless) Read(p []byte) (int, error) {
	if e.left == 0 {
		return 0, io.EOF
	}
	if e.reads++; e.reads%64 == 0 {
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		e.peak.Store(max(e.peak.Load(), m.HeapAlloc))
	}
	n := min(int64(len(p)), e.left)
	e.left -= n
	return int(n), nil
}

// TestMemory: the size of an upload doesn't show in the memory.
func TestMemory(t *testing.T) {
	const size = 64 << 20
	c := newClient(t, Options{})
	_, address := c.start()
	var before runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	var peak atomic.Uint64
	req, err := http.NewRequestWithContext(t.Context(), "POST", address, &endless{left: size, peak: &peak})
	if err != nil {
		t.Fatal(err)
	}
	req.ContentLength = size
	for name, value := range map[string]string{"Authorization": "OAuth " + token, "offset": "0", "file_size": fmt.Sprint(size)} {
		req.Header.Set(name, value)
	}
	c.want(c.do(req), 200, `{"success":true}`)
	if grown := int64(peak.Load()) - int64(before.HeapAlloc); peak.Load() == 0 || grown > 8<<20 {
		t.Errorf("got %d bytes more on the heap while 64 MB were uploaded, want less than 8 MB", grown)
	}
	photo := append(bytes.Clone(jpeg), make([]byte, 9<<20)...)
	c.text(c.photo(photo, "published", "false"), "id")
}
