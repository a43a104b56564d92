package render

import (
	"bytes"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"storyform/story"
)

// run is what may happen in an apply, second by second.
func run() []story.Event {
	id, sg := addr(`page.acme["id"]`), addr(`page.acme["sg"]`)
	teaser, reveal, promo := addr(`story.teaser["id"]`), addr(`story.reveal["id"]`), addr(`story.promo["sg"]`)
	var events []story.Event
	add := func(second int, kind story.EventKind, a, page story.Address, fill func(*story.Event)) {
		e := story.Event{Time: noon.Add(time.Duration(second) * time.Second), Kind: kind, Address: a, Page: page, PageID: pageID}
		if fill != nil {
			fill(&e)
		}
		events = append(events, e)
	}
	upload := func(sent, total int64, seconds int) func(*story.Event) {
		return func(e *story.Event) { e.Bytes, e.Total, e.Elapsed = sent, total, time.Duration(seconds)*time.Second }
	}
	out := func(seconds int) func(*story.Event) {
		return func(e *story.Event) {
			e.PostID, e.URL = "122000000000001", "https://facebook.com/stories/1/abc"
			e.ExpiresAt, e.Elapsed = e.Time.Add(story.Lifetime), time.Duration(seconds)*time.Second
		}
	}
	say := func(m string) func(*story.Event) { return func(e *story.Event) { e.Message = m } }
	add(0, story.EventRegistered, promo, sg, func(e *story.Event) { e.PublishAt = at("2026-12-20T19:30:00+07:00") })
	add(0, story.EventChanged, addr("story.a"), sg, func(e *story.Event) { e.PublishAt = at("2026-12-21T19:30:00+07:00") })
	add(0, story.EventCancelled, addr("story.b"), sg, nil)
	add(0, story.EventForgotten, addr("story.c"), sg, func(e *story.Event) { e.ExpiresAt = at("2026-12-20T20:00:00+07:00") })
	add(0, story.EventPageUnavailable, story.Address{}, sg, say("code 190: the access token has expired"))
	add(0, story.EventNotAttempted, addr("story.d"), sg, say("its Page can't be used\n\nSay so:\n    storyform doctor"))
	add(0, story.EventMissed, addr("story.e"), id, say("its window closed at Sun 20 Dec 07:00 WIB"))
	add(0, story.EventSkipped, addr("story.f"), id, say("it was published meanwhile"))
	add(0, story.EventUploadStarted, teaser, id, upload(0, 412_334, 0))
	add(1, story.EventUploadProgress, teaser, id, upload(200_000, 412_334, 1))
	add(2, story.EventUploadDone, teaser, id, upload(412_334, 412_334, 2))
	add(2, story.EventPublishStarted, teaser, id, nil)
	add(3, story.EventPublished, teaser, id, out(3))
	add(3, story.EventUploadStarted, reveal, id, upload(20_000_000, 48_000_000, 0))
	add(8, story.EventUploadProgress, reveal, id, upload(24_000_000, 48_000_000, 5))
	add(13, story.EventUploadProgress, reveal, id, upload(29_280_000, 48_000_000, 10))
	add(14, story.EventUploadProgress, reveal, id, upload(30_000_000, 48_000_000, 11))
	add(24, story.EventUploadWaiting, reveal, id, upload(0, 0, 21))
	add(30, story.EventUploadDone, reveal, id, upload(48_000_000, 48_000_000, 27))
	add(30, story.EventSettling, reveal, id, say("the connection was reset"))
	add(40, story.EventAdopted, reveal, id, out(10))
	add(41, story.EventFailed, addr("story.g"), id, say("code 368: this Page may not post for now"))
	add(41, story.EventUnknown, addr("story.h"), id, say("run storyform plan in 5 minutes"))
	add(50, story.EventWaiting, promo, sg, func(e *story.Event) { e.PublishAt = at("2026-12-20T19:30:00+07:00") })
	return events
}

func TestLines(t *testing.T) {
	for name, o := range map[string]Options{
		"events.txt":       {Zone: jakarta},
		"events-color.txt": {Zone: jakarta, Color: true},
	} {
		golden(t, name, drawn(t, func(b *bytes.Buffer) error {
			p := Lines(b, o)
			for _, e := range run() {
				p.Event(e)
			}
			p.Close()
			return nil
		}))
	}
}

func TestEveryKindOfEventHasALook(t *testing.T) {
	seen := map[story.EventKind]bool{}
	for _, e := range run() {
		seen[e.Kind] = true
	}
	for _, l := range eventLooks() {
		if !seen[l.kind] {
			t.Errorf("no event of kind %q in the fixture", l.kind)
		}
		if got := eventLookOf(&story.Event{Kind: l.kind}).jsonType; got == "" {
			t.Errorf("kind %q has no type for JSON lines", l.kind)
		}
	}
	if got, want := Event(&story.Event{Kind: "new", Address: addr("story.a"), Message: "hm"}, Options{}), "story.a: new: hm"; got != want {
		t.Errorf("an unknown kind reads %q, want %q", got, want)
	}
}

// ansi matches the terminal sequences that bars are drawn with.
var ansi = regexp.MustCompile(`\x1b\[[0-9;]*[A-Za-z]`)

func TestBars(t *testing.T) {
	var b bytes.Buffer
	p := Bars(&b, Options{Zone: jakarta})
	var wg sync.WaitGroup
	for _, page := range []string{"id", "sg"} {
		wg.Go(func() {
			for _, e := range run() {
				if !e.Address.IsZero() && (e.Page.Key == page) {
					p.Event(e)
				}
			}
		})
	}
	wg.Wait()
	p.Close()
	got := ansi.ReplaceAllString(b.String(), "")
	for _, e := range run() {
		if e.Address.IsZero() {
			continue
		}
		line := strings.TrimSuffix(eventLine(&e, Options{Zone: jakarta}), "\n")
		switch e.Kind {
		case story.EventUploadStarted, story.EventUploadProgress, story.EventUploadWaiting:
		default:
			if !strings.Contains(got, line+"\n") {
				t.Errorf("the output lacks %q:\n%s", line, got)
			}
		}
	}
}

func TestBarStatus(t *testing.T) {
	for _, tt := range []struct {
		e    story.Event
		want string
	}{
		{story.Event{Kind: story.EventUploadStarted, Total: 8_100_000}, "0 B / 8.1 MB"},
		{story.Event{Kind: story.EventUploadProgress, Bytes: 4_000_000, Total: 8_000_000, Elapsed: 4 * time.Second}, "4.0 MB / 8.0 MB  1.0 MB/s  4s left"},
		{story.Event{Kind: story.EventUploadProgress, Bytes: 4_000_000, Elapsed: 2 * time.Second}, "4.0 MB  2.0 MB/s"},
		{story.Event{Kind: story.EventUploadWaiting, Elapsed: 75 * time.Second}, "processing, 1m"},
	} {
		if got := (&bar{last: tt.e}).status(); got != tt.want {
			t.Errorf("status of %+v: got %q, want %q", tt.e, got, tt.want)
		}
	}
}

// TestBarShows waits for one frame of a bar that is under way.
func TestBarShows(t *testing.T) {
	frames := &signalled{seen: make(chan struct{})}
	p := Bars(frames, Options{})
	p.Event(story.Event{Kind: story.EventUploadStarted, Address: addr("story.teaser"), Total: 1000})
	p.Event(story.Event{Kind: story.EventUploadProgress, Address: addr("story.teaser"), Bytes: 500, Total: 1000, Elapsed: time.Second})
	select {
	case <-frames.seen:
	case <-t.Context().Done():
	case <-time.After(10 * time.Second):
		t.Error("no frame shows the half-filled bar")
	}
	p.Close()
}

// signalled is a writer that tells when a bar was drawn into it.
type signalled struct {
	once sync.Once
	seen chan struct{}
}

func (s *signalled) Write(p []byte) (int, error) {
	if bytes.Contains(p, []byte("story.teaser")) && bytes.Contains(p, []byte("500 B / 1.0 kB  500 B/s")) {
		s.once.Do(func() { close(s.seen) })
	}
	return len(p), nil
}
