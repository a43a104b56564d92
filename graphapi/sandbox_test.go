package graphapi_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"storyform/graphapi"
	"storyform/graphapi/sandbox"
	"storyform/internal/clock"
)

// The Page of these tests and its token, as the simulator derives it.
const (
	simPage  = "104857600000001"
	simOther = "104857600000002"
	simToken = "sandbox-page-" + simPage
)

// sim is the simulator with a client that shares its clock.
type sim struct {
	*sandbox.Server
	client *graphapi.Client
	clock  *clock.Fake
	page   *graphapi.Page
}

// simulate starts a simulator with switches as they are written on the
// command line.
func simulate(t *testing.T, switches string, with ...func(*graphapi.Options)) *sim {
	t.Helper()
	clk := clock.NewFake(time.Date(2026, 12, 20, 2, 0, 0, 0, time.UTC))
	on, err := sandbox.Switches{}.Parse(switches)
	if err != nil {
		t.Fatal(err)
	}
	s := &sim{clock: clk, Server: sandbox.New(sandbox.Options{AutoPages: true, Now: clk.Now, Sleep: clk.Sleep, Switches: on})}
	server := httptest.NewServer(s)
	t.Cleanup(server.Close)
	o := graphapi.Options{BaseURL: server.URL, Clock: clk.Clock(), Rand: func() float64 { return 0.5 }}
	for _, f := range with {
		f(&o)
	}
	if s.client, err = graphapi.New(o); err != nil {
		t.Fatal(err)
	}
	s.page = s.client.Page(simPage, graphapi.NewToken(simToken))
	return s
}

// faults adds faults to the simulator.
func (s *sim) faults(t *testing.T, text string) {
	t.Helper()
	faults, err := sandbox.ParseFaults(text)
	if err == nil {
		err = s.AddFaults(faults...)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// video is a file that the simulator takes for a video.
func video(size int) []byte {
	b := append([]byte("\x00\x00\x00\x18ftypisom\x00\x00\x02\x00isommp42"), make([]byte, max(0, size-24))...)
	random := rand.NewChaCha8([32]byte{1})
	random.Read(b[24:])
	return b
}

// photo is a file that begins like a JPEG.
func photo(size int) []byte {
	b := make([]byte, size)
	random := rand.NewChaCha8([32]byte{2})
	random.Read(b)
	copy(b, "\xff\xd8\xff\xe0\x00\x10JFIF\x00")
	return b
}

// sum is the sha256 of b in hex.
func sum(b []byte) string {
	h := sha256.Sum256(b)
	return hex.EncodeToString(h[:])
}

// uploadPhoto uploads a photo.
func (s *sim) uploadPhoto(t *testing.T, data []byte) string {
	t.Helper()
	id, err := s.page.UploadPhoto(t.Context(), "a.jpg", "image/jpeg", bytes.NewReader(data), int64(len(data)), nil)
	if err != nil {
		t.Fatal(err)
	}
	return id
}

// uploadVideo uploads a video.
func (s *sim) uploadVideo(t *testing.T, data []byte) string {
	t.Helper()
	session, err := s.page.StartVideo(t.Context())
	if err == nil {
		err = s.page.UploadVideo(t.Context(), session, bytes.NewReader(data), int64(len(data)), 0, nil)
	}
	if err != nil {
		t.Fatal(err)
	}
	return session.VideoID
}

// TestFlows publishes a photo and a video, with the simulator answering as
// live replies do and as the documentation says, and finds them on the list.
func TestFlows(t *testing.T) {
	for _, switches := range []string{"", "as_documented=true", "processing_before_finish=true", "status_lag=5s", "short_pages=true default_limit=1", "business_usage=80"} {
		t.Run(switches, func(t *testing.T) {
			s := simulate(t, switches)
			if info, err := s.page.Prepare(t.Context()); err != nil || info.ID != simPage || info.TokenKind != graphapi.PageToken {
				t.Errorf("got %+v, %v", info, err)
			}
			pic, clip := photo(5000), video(70_000)
			photoID, videoID := s.uploadPhoto(t, pic), s.uploadVideo(t, clip)
			status, err := s.page.VideoStatus(t.Context(), videoID)
			if err != nil || !status.UploadComplete() || status.Err() != nil || status.Expired() {
				t.Errorf("got %v, %v, want a complete upload", status, err)
			}
			photoPost, err := s.page.PublishPhoto(t.Context(), photoID)
			if err != nil {
				t.Error(err)
			}
			videoPost, err := s.page.FinishVideo(t.Context(), videoID)
			if err != nil {
				t.Error(err)
			}
			s.clock.Advance(time.Minute)
			status, err = s.page.VideoStatus(t.Context(), videoID)
			if err != nil || status.PublishStatus() != "published" || status.Busy() {
				t.Errorf("got %v, %v, want a published video", status, err)
			}
			stories, err := s.page.Stories(t.Context(), graphapi.ListOptions{Since: s.clock.Now().Add(-25 * time.Hour)})
			if err != nil || len(stories) != 2 {
				t.Fatalf("got %v, %v, want two stories", stories, err)
			}
			for i, want := range s.Server.Stories(simPage) {
				got := stories[len(stories)-1-i] // the list begins with the newest
				if got.PostID != want.PostID || got.MediaID != want.MediaID || got.MediaType != want.Kind || got.URL != want.URL || !got.CreatedAt.Equal(want.CreatedAt.Truncate(time.Second)) || !got.Published() {
					t.Errorf("got %+v, want %+v", got, want)
				}
				if want.SHA256 != sum(map[string][]byte{photoPost: pic, videoPost: clip}[want.PostID]) {
					t.Errorf("%s shows other bytes than were sent", want.PostID)
				}
				if one, err := s.page.Story(t.Context(), want.PostID); err != nil || one != got {
					t.Errorf("by id: got %+v, %v, want %+v", one, err, got)
				}
			}
			for _, r := range s.Requests() {
				if r.Token != "bearer" && r.Token != "oauth" {
					t.Errorf("%s %s brought its token by %q", r.Method, r.Path, r.Token)
				}
			}
		})
	}
}

// TestResume cuts an upload again and again and goes on from where the
// simulator is, until the video is complete.
func TestResume(t *testing.T) {
	s := simulate(t, "")
	s.faults(t, "upload before cut=50000; upload before cut=1; upload before cut=70000; upload before status=412 type=OffsetInvalidError; upload after reset")
	data := video(300_000)
	session, err := s.page.StartVideo(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for n := 0; ; n++ {
		status, err := s.page.VideoStatus(t.Context(), session.VideoID)
		if err != nil || n > 10 {
			t.Fatalf("got %v, %v in turn %d", status, err, n)
		}
		if status.UploadComplete() {
			break
		}
		err = s.page.UploadVideo(t.Context(), session, bytes.NewReader(data), int64(len(data)), status.Offset(), nil)
		if err != nil && !graphapi.Retriable(err) {
			t.Fatalf("in turn %d: %v", n, err)
		}
	}
	if _, err := s.page.FinishVideo(t.Context(), session.VideoID); err != nil {
		t.Fatal(err)
	}
	if stories := s.Server.Stories(simPage); len(stories) != 1 || stories[0].SHA256 != sum(data) {
		t.Errorf("got %+v, want one story with all bytes", stories)
	}
}

// TestOutcomesAreTrue spoils publish calls in every way, before and after
// they take effect, and compares what the client concludes with what is true.
func TestOutcomesAreTrue(t *testing.T) {
	faults := []string{"reset", "close", "hang", "cut", "empty", "html", "false"}
	for _, code := range []int{1, 2, 4, 10, 17, 32, 100, 190, 200, 324, 341, 368, 506, 613, 6000, 80001, 4711} {
		faults = append(faults, fmt.Sprintf("code=%d", code))
	}
	for _, status := range []int{400, 403, 404, 429, 500, 502, 503} {
		faults = append(faults, fmt.Sprintf("html status=%d", status), fmt.Sprintf("empty status=%d", status))
	}
	for edge, call := range map[string]func(*sim) (string, error){
		sandbox.EdgePhotoStories: func(s *sim) (string, error) { return s.page.PublishPhoto(t.Context(), s.uploadPhoto(t, photo(100))) },
		sandbox.EdgeFinish:       func(s *sim) (string, error) { return s.page.FinishVideo(t.Context(), s.uploadVideo(t, video(100))) },
	} {
		for _, fault := range faults {
			for _, when := range []string{sandbox.Before, sandbox.After} {
				if fault == "cut" && when == sandbox.Before {
					continue // only media can be cut on their way
				}
				s := simulate(t, "", func(o *graphapi.Options) {
					if fault == "hang" {
						o.Timeouts.Publish = 50 * time.Millisecond
					}
				})
				s.faults(t, edge+" "+when+" "+fault)
				_, err := call(s)
				got, out := graphapi.OutcomeOf(err), len(s.Server.Stories("")) == 1
				if got == graphapi.Done && !out || got == graphapi.NotDone && out && !strings.HasPrefix(fault, "code=") {
					t.Errorf("%s %s %s: concluded %q (%v), but whether it is out is %v", edge, when, fault, got, err, out)
				}
				// A refusal that is known as such can be trusted only because the
				// API is not known to lie with it; of the others it must be doubted.
				if doubtful := !strings.HasPrefix(fault, "code="); doubtful && got != graphapi.Unclear {
					t.Errorf("%s %s %s: concluded %q (%v), want doubt", edge, when, fault, got, err)
				}
				var calls int
				for _, r := range s.Requests() {
					if r.Edge == edge {
						calls++
					}
				}
				if calls > 1 { // the simulator notes a call that hangs only later
					t.Errorf("%s %s %s: the call was made %d times", edge, when, fault, calls)
				}
			}
		}
	}
}

// TestSecondPublish publishes the same media twice.
func TestSecondPublish(t *testing.T) {
	s := simulate(t, "")
	id := s.uploadPhoto(t, photo(100))
	if _, err := s.page.PublishPhoto(t.Context(), id); err != nil {
		t.Fatal(err)
	}
	if _, err := s.page.PublishPhoto(t.Context(), id); !graphapi.AlreadyPosted(err) || graphapi.OutcomeOf(err) != graphapi.Unclear {
		t.Errorf("got %v, want that it was already posted", err)
	}
}

// TestTokens prepares Pages with every kind of token.
func TestTokens(t *testing.T) {
	s := simulate(t, "")
	for _, token := range []sandbox.Token{
		{Value: "sandbox-user-stranger", Kind: sandbox.UserToken, Name: "Stranger", Pages: []string{simOther}},
		{Value: "sandbox-user-reader", Kind: sandbox.UserToken, Name: "Reader", Tasks: []string{"ANALYZE"}},
		{Value: "sandbox-user-expired", Kind: sandbox.UserToken, Expires: s.clock.Now().Add(-time.Hour)},
	} {
		if err := s.AddToken(token); err != nil {
			t.Fatal(err)
		}
	}
	for token, check := range map[string]func(graphapi.PageInfo, error) bool{
		simToken:              func(i graphapi.PageInfo, err error) bool { return i.TokenKind == graphapi.PageToken },
		"sandbox-user":        func(i graphapi.PageInfo, err error) bool { return i.TokenKind == graphapi.UserToken && i.Name != "" },
		"sandbox-system-user": func(i graphapi.PageInfo, err error) bool { return i.TokenKind == graphapi.UserToken },
		"sandbox-page-" + simOther: func(_ graphapi.PageInfo, err error) bool {
			wrong, ok := errors.AsType[*graphapi.WrongPageError](err)
			return ok && wrong.Got == simOther && graphapi.StopsPage(err)
		},
		"sandbox-user-stranger": func(_ graphapi.PageInfo, err error) bool { return noAccess(err, "Stranger") },
		"sandbox-user-reader":   func(_ graphapi.PageInfo, err error) bool { return noAccess(err, "Reader") },
		"sandbox-user-expired":  func(_ graphapi.PageInfo, err error) bool { return graphapi.StopsPage(err) },
		"EAAnonsense":           func(_ graphapi.PageInfo, err error) bool { return graphapi.StopsPage(err) },
	} {
		page := s.client.Page(simPage, graphapi.NewToken(token))
		info, err := page.Prepare(t.Context())
		if !check(info, err) {
			t.Errorf("%s: got %+v, %v", token, info, err)
		}
		if err == nil {
			if _, err := page.StartVideo(t.Context()); err != nil {
				t.Errorf("%s: %v", token, err)
			}
		}
	}
}

// noAccess reports whether err says that a user has no access.
func noAccess(err error, user string) bool {
	e, ok := errors.AsType[*graphapi.NoPageTokenError](err)
	return ok && e.User == user && graphapi.Hint(err) != ""
}

// TestRevokedToken revokes the Page tokens while a user's token is in use.
func TestRevokedToken(t *testing.T) {
	s := simulate(t, "")
	page := s.client.Page(simPage, graphapi.NewToken("sandbox-user"))
	if _, err := page.Prepare(t.Context()); err != nil {
		t.Fatal(err)
	}
	for n, ok := range []bool{true, false} {
		if _, err := s.RevokePageTokens(simPage); err != nil {
			t.Fatal(err)
		}
		if _, err := page.Stories(t.Context(), graphapi.ListOptions{}); (err == nil) != ok || !ok && !graphapi.StopsPage(err) {
			t.Errorf("revoked for the %d. time: got %v, want ok %v", n+1, err, ok)
		}
	}
}

// TestPaging lists more stories than fit into a request, with lists that are
// filtered before and after they are cut.
func TestPaging(t *testing.T) {
	for _, switches := range []string{"", "short_pages=true"} {
		s := simulate(t, switches)
		if _, err := s.page.Prepare(t.Context()); err != nil {
			t.Fatal(err)
		}
		for n := range 130 {
			st := sandbox.Story{Page: simPage, Kind: "photo", CreatedAt: s.clock.Now().Add(-time.Duration(n) * time.Hour)}
			if _, err := s.AddStory(st); err != nil {
				t.Fatal(err)
			}
		}
		for _, test := range []struct{ hours, limit, want int }{{0, 0, 130}, {0, 7, 130}, {25, 4, 26}, {100, 100, 101}} {
			o := graphapi.ListOptions{Limit: test.limit}
			if test.hours > 0 {
				o.Since = s.clock.Now().Add(-time.Duration(test.hours) * time.Hour)
			}
			stories, err := s.page.Stories(t.Context(), o)
			seen := map[string]bool{}
			for _, st := range stories {
				seen[st.PostID] = true
			}
			if err != nil || len(stories) != test.want || len(seen) != test.want {
				t.Errorf("%q, %+v: got %d stories, %d different, %v, want %d", switches, test, len(stories), len(seen), err, test.want)
			}
		}
	}
}

// TestLimits throttles the Page: a publish is in doubt, the Page is blocked
// until the time that was told, and other errors leave it free.
func TestLimits(t *testing.T) {
	s := simulate(t, "")
	id := s.uploadPhoto(t, photo(100))
	if _, _, blocked := s.page.Blocked(); blocked {
		t.Error("blocked from the beginning")
	}
	on, _ := s.Switches().Parse("throttle=32 regain=30m")
	if err := s.SetSwitches(on); err != nil {
		t.Fatal(err)
	}
	began := s.clock.Now()
	_, err := s.page.PublishPhoto(t.Context(), id)
	if !graphapi.Throttled(err) || graphapi.OutcomeOf(err) != graphapi.Unclear {
		t.Errorf("got %v, want a throttle and doubt", err)
	}
	until, reason, blocked := s.page.Blocked()
	if wait := until.Sub(began); !blocked || wait < 29*time.Minute || wait > 31*time.Minute {
		t.Errorf("blocked %v for %s (%s), want about 30 minutes", blocked, wait, reason)
	}
	s.clock.Advance(31 * time.Minute)
	if _, _, blocked := s.page.Blocked(); blocked {
		t.Error("still blocked when the time is over")
	}
	if _, err := s.page.Stories(t.Context(), graphapi.ListOptions{}); err != nil {
		t.Error(err)
	}
}

// TestHosted publishes files that the simulator fetches.
func TestHosted(t *testing.T) {
	s := simulate(t, "")
	clip, pic := video(5000), photo(500)
	s.Host("https://cdn.example/v.mp4", clip)
	s.Host("https://cdn.example/a.jpg", pic)
	session, err := s.page.StartVideo(t.Context())
	if err == nil {
		err = s.page.UploadHostedVideo(t.Context(), session, "https://cdn.example/v.mp4")
	}
	if err == nil {
		_, err = s.page.FinishVideo(t.Context(), session.VideoID)
	}
	if err != nil {
		t.Error(err)
	}
	id, err := s.page.UploadHostedPhoto(t.Context(), "https://cdn.example/a.jpg")
	if err == nil {
		_, err = s.page.PublishPhoto(t.Context(), id)
	}
	if err != nil {
		t.Error(err)
	}
	if stories := s.Server.Stories(simPage); len(stories) != 2 || stories[0].SHA256 != sum(clip) || stories[1].SHA256 != sum(pic) {
		t.Errorf("got %+v", stories)
	}
	if _, err := s.page.UploadHostedPhoto(t.Context(), "https://cdn.example/missing.jpg"); graphapi.OutcomeOf(err) != graphapi.NotDone {
		t.Errorf("a missing file: got %v, want a refusal", err)
	}
}

// TestSigned runs against a simulator that insists on appsecret_proof.
func TestSigned(t *testing.T) {
	clk := clock.NewFake(time.Date(2026, 12, 20, 2, 0, 0, 0, time.UTC))
	server := httptest.NewServer(sandbox.New(sandbox.Options{AutoPages: true, Now: clk.Now, AppSecret: "the-app-secret"}))
	defer server.Close()
	for secret, ok := range map[string]bool{"the-app-secret": true, "another": false, "": false} {
		client, err := graphapi.New(graphapi.Options{BaseURL: server.URL, AppSecret: graphapi.NewToken(secret), Clock: clk.Clock()})
		if err != nil {
			t.Fatal(err)
		}
		page := client.Page(simPage, graphapi.NewToken("sandbox-user"))
		_, err = page.Prepare(context.Background())
		if err == nil {
			_, err = page.UploadPhoto(t.Context(), "a.jpg", "image/jpeg", bytes.NewReader(photo(100)), 100, nil)
		}
		if (err == nil) != ok || !ok && !graphapi.StopsPage(err) {
			t.Errorf("with the secret %q: got %v, want ok %v", secret, err, ok)
		}
	}
}
