package sandbox

import (
	"crypto/sha256"
	"encoding/hex"
	"math/rand/v2"
	"strings"
	"testing"
	"time"
)

// bytesOf returns n bytes that don't repeat.
func bytesOf(n int) []byte {
	out := make([]byte, n)
	rand.NewChaCha8([32]byte{1}).Read(out)
	return out
}

// hashOf is the hash of content, in hex.
func hashOf(content []byte) string {
	sum := sha256.Sum256(content)
	return hex.EncodeToString(sum[:])
}

func TestVideoStory(t *testing.T) {
	c := newClient(t, Options{})
	content := bytesOf(100_000)
	id, address := c.start()
	if want := c.url + "/video-upload/v25.0/" + id; address != want {
		t.Errorf("got upload_url %s, want %s", address, want)
	}
	c.wantStatus(id, "uploading", "not_started", "not_started", "not_started")
	c.want(c.upload(address, content, 0, len(content)), 200, `{"success":true}`)
	if r := c.last(); r.SHA256 != hashOf(content) || r.Bytes != 100_000 || r.Public || r.Token != "oauth" {
		t.Errorf("got %+v, want the bytes and their hash, nothing public, and a token by OAuth", r)
	}
	a := c.wantStatus(id, "upload_complete", "complete", "not_started", "not_started")
	if got := a.at("status.uploading_phase.bytes_transferred"); got != "100000" {
		t.Errorf("got bytes_transferred %q, want 100000", got)
	}
	if got := c.sim.Stories(pageID); len(got) != 0 {
		t.Fatalf("got %v, want no story before finish", got)
	}
	a = c.finish(id)
	post := c.text(a, "post_id")
	if r := c.last(); !r.Public || r.PostID != post || r.Edge != EdgeFinish || r.Media != id {
		t.Errorf("got %+v, want a public effect", r)
	}
	a = c.wantStatus(id, "ready", "complete", "complete", "complete")
	if got := a.at("status.publishing_phase.publish_status"); got != "published" {
		t.Errorf("got publish_status %q, want published", got)
	}
	stories := c.sim.Stories(pageID)
	if len(stories) != 1 || stories[0].MediaID != id || stories[0].PostID != post || stories[0].SHA256 != hashOf(content) || stories[0].Status != "published" {
		t.Errorf("got %+v, want one published story of the video", stories)
	}
}

// wantStatus checks the phases of a video.
func (c *client) wantStatus(id, overall, uploading, processing, publishing string) answer {
	c.t.Helper()
	a := c.get("/"+id, "fields", "status")
	got := strings.Join([]string{a.at("status.video_status"), a.at("status.uploading_phase.status"),
		a.at("status.processing_phase.status"), a.at("status.publishing_phase.status")}, " ")
	if want := strings.Join([]string{overall, uploading, processing, publishing}, " "); got != want {
		c.t.Errorf("got the status %s, want %s: %s", got, want, a.body)
	}
	return a
}

func TestResume(t *testing.T) {
	c := newClient(t, Options{})
	content := bytesOf(3_000_000)
	id, address := c.start()
	c.faults("upload before cut=1500000")
	if a := c.upload(address, content, 0, len(content)); a.err == nil {
		t.Fatalf("got %d %s, want a broken connection", a.status, a.body)
	}
	a := c.wantStatus(id, "uploading", "in_progress", "not_started", "not_started")
	if got := a.at("status.uploading_phase.bytes_transferred"); got != "1500000" {
		t.Fatalf("got bytes_transferred %s, want 1500000", got)
	}
	c.wantCode(c.finish(id), 400, "6000")
	a = c.upload(address, content[1_400_000:], 1_400_000, len(content))
	c.wantType(a, 412, "OffsetInvalidError")
	if a.at("debug_info.retriable") != "true" {
		t.Errorf("got %s, want retriable", a.body)
	}
	c.want(c.upload(address, content[1_500_000:], 1_500_000, len(content)), 200, `{"success":true}`)
	c.text(c.finish(id), "post_id")
	if got := c.sim.Stories(pageID)[0]; got.SHA256 != hashOf(content) || got.Bytes != 3_000_000 {
		t.Errorf("got %+v, want the hash and size of the whole file", got)
	}
}

func TestUploadFromTheStartAgain(t *testing.T) {
	c := newClient(t, Options{})
	first, second := bytesOf(5000), bytesOf(7000)[1000:]
	id, address := c.start()
	c.want(c.upload(address, first, 0, len(first)), 200, `{"success":true}`)
	c.want(c.upload(address, nil, len(first), len(first)), 200, `{"success":true}`)
	c.want(c.upload(address, second, 0, len(second)), 200, `{"success":true}`)
	c.text(c.finish(id), "post_id")
	if got := c.sim.Stories(pageID)[0].SHA256; got != hashOf(second) {
		t.Errorf("got %s, want the hash of the second upload", got)
	}
	c.wantType(c.upload(address, first, 0, len(first)), 400, "ProcessingFailedError")
}

func TestAsynchronousPublication(t *testing.T) {
	c := newClient(t, Options{})
	c.switches("processing_time=30s publish_delay=10s listing_lag=5s")
	id, post := c.videoStory(bytesOf(100))
	c.wantStatus(id, "processing", "complete", "in_progress", "in_progress")
	c.wantCode(c.get("/"+post), 400, "100/33")
	c.advance(30 * time.Second)
	c.wantStatus(id, "processing", "complete", "complete", "in_progress")
	c.advance(10 * time.Second)
	c.wantStatus(id, "ready", "complete", "complete", "complete")
	c.want(c.get("/"+pageID+"/stories"), 200, `{"data":[]}`)
	c.advance(5 * time.Second)
	a := c.get("/" + pageID + "/stories")
	if got := a.at("data.0.creation_time"); got != "1797732040" {
		t.Errorf("got creation_time %s, want 1797732040: %s", got, a.body)
	}
}

func TestProcessing(t *testing.T) {
	c := newClient(t, Options{})
	c.switches("processing_before_finish processing_time=30s")
	content := bytesOf(100)
	id, address := c.start()
	c.upload(address, content, 0, len(content))
	c.wantStatus(id, "processing", "complete", "in_progress", "not_started")
	c.advance(30 * time.Second)
	c.wantStatus(id, "ready", "complete", "complete", "not_started")

	c.switches("processing_before_finish=false processing_time=0s")
	if err := c.sim.SetSwitches(Switches{FailProcessing: "Resolution too low. Video must have a minimum resolution of 540p."}); err != nil {
		t.Fatal(err)
	}
	id, post := c.videoStory(content)
	a := c.wantStatus(id, "error", "complete", "error", "not_started")
	if got := a.at("status.processing_phase.errors.0.message"); !strings.HasPrefix(got, "Resolution too low") {
		t.Errorf("got the error %q, want the one that was set", got)
	}
	c.wantCode(c.get("/"+post), 400, "100/33")
	if got := c.sim.Stories(pageID); len(got) != 0 {
		t.Errorf("got %v, want no story", got)
	}
}

func TestSessionExpires(t *testing.T) {
	c := newClient(t, Options{})
	content := bytesOf(100)
	id, address := c.start()
	c.upload(address, content, 0, len(content))
	c.advance(24 * time.Hour)
	c.wantStatus(id, "expired", "complete", "not_started", "not_started")
	c.wantCode(c.finish(id), 400, "6000")
	c.wantType(c.upload(address, content, 0, len(content)), 400, "ProcessingFailedError")
}
