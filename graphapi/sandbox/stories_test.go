package sandbox

import (
	"encoding/base64"
	"fmt"
	"net/url"
	"strings"
	"testing"
	"time"
)

// listed collects the media ids of the list, following the cursors.
func (c *client) listed(params ...string) (ids []string) {
	c.t.Helper()
	after := ""
	for range 50 {
		a := c.get("/"+pageID+"/stories", append(params, "after", after)...)
		if a.status != 200 {
			c.t.Fatalf("got %d %s, want 200", a.status, a.body)
		}
		for i := 0; a.at(fmt.Sprintf("data.%d", i)) != ""; i++ {
			ids = append(ids, a.at(fmt.Sprintf("data.%d.media_id", i)))
		}
		if a.at("paging.next") == "" {
			return ids
		}
		after = a.at("paging.cursors.after")
	}
	c.t.Fatal("the list has no end")
	return nil
}

func TestStoryShape(t *testing.T) {
	c := newClient(t, Options{})
	photo, post := c.photoStory(jpeg)
	a := c.get("/" + pageID + "/stories")
	for path, want := range map[string]string{
		"data.0.post_id": post, "data.0.media_id": photo, "data.0.status": "published",
		"data.0.media_type": "photo", "data.0.creation_time": "1797732000", "data.1": "",
	} {
		if got := a.at(path); got != want {
			t.Errorf("got %s = %q, want %q", path, got, want)
		}
	}
	if !strings.Contains(a.body, `"creation_time":"`) || !strings.Contains(a.body, `"post_id":"`) {
		t.Errorf("got %s, want strings for times and ids", a.body)
	}
	parts := strings.Split(strings.TrimPrefix(a.at("data.0.url"), "https://facebook.com/stories/"), "/")
	card, err := base64.StdEncoding.DecodeString(parts[1])
	if err != nil || parts[0] == pageID || parts[2] != "?view_single=1" || !strings.HasPrefix(string(card), "S:_ISC:") || strings.Contains(string(card), post) {
		t.Errorf("got the url %s with %q, want an actor and a card that are neither the Page nor the post", a.at("data.0.url"), card)
	}
	if photo == post {
		t.Errorf("got the same id %s for photo and post", photo)
	}
	c.want(c.get("/"+post, "fields", "media_id,status"), 200, `{"media_id":"`+photo+`","status":"published"}`)
	c.switches("as_documented")
	if got := c.get("/" + post).at("status"); got != "PUBLISHED" {
		t.Errorf("got the status %s, want PUBLISHED as documented", got)
	}
}

func TestPaging(t *testing.T) {
	c := newClient(t, Options{})
	var want []string
	for i := range 7 {
		id, _ := c.photoStory(append(jpeg, byte(i)))
		want = append([]string{id}, want...)
		c.advance(time.Minute)
	}
	for _, limit := range []string{"1", "2", "3", "7", "100", "1000"} {
		if got := c.listed("limit", limit); strings.Join(got, " ") != strings.Join(want, " ") {
			t.Errorf("limit %s: got %v, want %v", limit, got, want)
		}
	}
	a := c.get("/"+pageID+"/stories", "limit", "3")
	next, err := url.Parse(a.at("paging.next"))
	if err != nil || next.Query().Get("access_token") != token {
		t.Fatalf("got next %s, want the access token in it, as the real API has it", next)
	}
	c.token = ""
	a = c.do(c.request("GET", next.RequestURI(), nil))
	if got := a.at("data.0.media_id"); got != want[3] {
		t.Errorf("got %s after following next, want %s", got, want[3])
	}
	a = c.get("/"+pageID+"/stories", "limit", "2", "before", a.at("paging.cursors.before"), "access_token", token)
	if got := a.at("data.0.media_id"); got != want[1] {
		t.Errorf("got %s before the second page, want %s: %s", got, want[1], a.body)
	}
}

func TestFilters(t *testing.T) {
	c := newClient(t, Options{})
	old, _ := c.photoStory(jpeg)
	c.advance(25 * time.Hour)
	fresh, _ := c.videoStory(bytesOf(10))
	since := fmt.Sprint(start.Add(24 * time.Hour).Unix())
	tests := []struct {
		params []string
		want   []string
	}{
		{nil, []string{fresh, old}},
		{[]string{"since", since}, []string{fresh}},
		{[]string{"until", since}, []string{old}},
		{[]string{"since", "2026-12-21"}, []string{fresh}},
		{[]string{"since", "today"}, []string{fresh}},
		{[]string{"since", "yesterday", "until", "today"}, []string{old}},
		{[]string{"status", "ARCHIVED"}, []string{old}},
		{[]string{"status", `["PUBLISHED"]`}, []string{fresh}},
		{[]string{"status", "published,archived"}, []string{fresh, old}},
		{[]string{"status[0]", "PUBLISHED"}, []string{fresh}},
	}
	for _, short := range []bool{false, true} {
		if err := c.sim.SetSwitches(Switches{ShortPages: short, DefaultLimit: 1}); err != nil {
			t.Fatal(err)
		}
		for _, tt := range tests {
			if got := c.listed(tt.params...); strings.Join(got, " ") != strings.Join(tt.want, " ") {
				t.Errorf("%v with short pages %t: got %v, want %v", tt.params, short, got, tt.want)
			}
		}
	}
	a := c.get("/"+pageID+"/stories", "status", "ARCHIVED")
	if a.at("data.0") != "" || a.at("paging.next") == "" {
		t.Errorf("got %s, want an empty page with a next one", a.body)
	}
}

func TestExpiry(t *testing.T) {
	c := newClient(t, Options{})
	_, post := c.photoStory(jpeg)
	c.advance(24*time.Hour - time.Second)
	if got := c.get("/" + pageID + "/stories").at("data.0.status"); got != "published" {
		t.Errorf("got %q a second before the end, want published", got)
	}
	c.advance(time.Second)
	if got := c.get("/" + pageID + "/stories").at("data.0.status"); got != "archived" {
		t.Errorf("got %q after 24 hours, want archived", got)
	}
	c.wantCode(c.get("/"+post), 400, "100/33")
	c.switches("read_archived")
	if got := c.get("/" + post).at("status"); got != "archived" {
		t.Errorf("got %q by id, want archived", got)
	}
	if err := c.sim.AddPage(Page{ID: pageID, ArchiveOff: true}); err != nil {
		t.Fatal(err)
	}
	c.want(c.get("/"+pageID+"/stories"), 200, `{"data":[]}`)
	if got := c.sim.Stories(pageID); len(got) != 1 || got[0].Status != "expired" {
		t.Errorf("got %+v, want one expired story", got)
	}
}

func TestStoriesMadeAndRemovedByHand(t *testing.T) {
	c := newClient(t, Options{})
	made, err := c.sim.AddStory(Story{Page: pageID, Kind: "video"})
	if err != nil {
		t.Fatal(err)
	}
	_, post := c.photoStory(jpeg)
	if got := c.listed(); len(got) != 2 {
		t.Errorf("got %v, want both stories", got)
	}
	c.switches("hide_hand_made")
	if got := c.listed(); len(got) != 1 || got[0] == made.MediaID {
		t.Errorf("got %v, want only the story of the API", got)
	}
	if err := c.sim.RemoveStory(post); err != nil {
		t.Fatal(err)
	}
	if got := c.listed(); len(got) != 0 {
		t.Errorf("got %v, want nothing", got)
	}
	c.wantCode(c.get("/"+post), 400, "100/33")
	if err := c.sim.RemoveStory(post); err == nil {
		t.Error("got no error for removing it again")
	}
	for _, bad := range []Story{{Page: "x", Kind: "photo"}, {Page: pageID, Kind: "reel"}, {Page: pageID, Kind: "photo", PostID: post}} {
		if _, err := c.sim.AddStory(bad); err == nil {
			t.Errorf("got no error for %+v", bad)
		}
	}
}

func TestDelete(t *testing.T) {
	c := newClient(t, Options{})
	photo, post := c.photoStory(jpeg)
	video, videoPost := c.videoStory(bytesOf(10))
	del := func(id string) answer { return c.do(c.request("DELETE", "/v25.0/"+id, nil)) }
	for _, id := range []string{post, video, videoPost, "17"} {
		a := del(id)
		c.wantCode(a, 400, "100/33")
		if !strings.HasPrefix(a.at("error.message"), "Unsupported delete request") {
			t.Errorf("got %s, want an unsupported request", a.body)
		}
	}
	c.want(del(photo), 200, `{"success":false}`)
	c.switches("delete_video")
	c.want(del(video), 200, `{"success":true}`)
	if got := c.listed(); len(got) != 1 || got[0] != photo {
		t.Errorf("got %v, want the photo alone", got)
	}
}

func TestPublishTwice(t *testing.T) {
	for _, mode := range []string{"refuse", "same", "again"} {
		c := newClient(t, Options{})
		c.switches("republish=" + mode)
		photo, post := c.photoStory(jpeg)
		video, videoPost := c.videoStory(bytesOf(10))
		want := map[string]int{"refuse": 2, "same": 2, "again": 4}[mode]
		for _, second := range []struct {
			a    answer
			post string
		}{{c.publishPhoto(photo), post}, {c.finish(video), videoPost}} {
			switch got := second.a.at("post_id"); mode {
			case "refuse":
				c.wantCode(second.a, 400, "100/1366051")
			case "same":
				if got != second.post {
					t.Errorf("got %s, want the first post %s", second.a.body, second.post)
				}
			case "again":
				if got == "" || got == second.post {
					t.Errorf("got %s, want another post", second.a.body)
				}
			}
		}
		if got := c.sim.Stories(pageID); len(got) != want {
			t.Errorf("%s: got %d stories, want %d", mode, len(got), want)
		}
	}
}

func TestLimitsOfPublishing(t *testing.T) {
	c := newClient(t, Options{})
	c.switches("refuse_same_bytes daily_cap=2")
	c.photoStory(jpeg)
	id := c.text(c.photo(jpeg, "published", "false"), "id")
	c.wantCode(c.publishPhoto(id), 400, "100/1366051")
	c.videoStory(bytesOf(10))
	id = c.text(c.photo(append(jpeg, 1), "published", "false"), "id")
	c.wantCode(c.publishPhoto(id), 400, "368/1390008")
	c.advance(23 * time.Hour)
	c.wantCode(c.publishPhoto(id), 400, "368/1390008")
	c.advance(time.Hour)
	c.wantCode(c.publishPhoto(id), 400, "100/33") // the photo is 24 hours old by now
	id = c.text(c.photo(append(jpeg, 1), "published", "false"), "id")
	c.text(c.publishPhoto(id), "post_id")
}

// TestPhotoWithoutPublishedFalse: such a photo is on the Page's feed at once.
func TestPhotoWithoutPublishedFalse(t *testing.T) {
	c := newClient(t, Options{})
	a := c.photo(jpeg)
	id := c.text(a, "id")
	if r := c.last(); !r.Public || a.at("post_id") != r.PostID || !strings.HasPrefix(r.PostID, pageID+"_") {
		t.Errorf("got %s, logged as %+v, want a public post", a.body, r)
	}
	c.wantCode(c.publishPhoto(id), 400, "100/1366051")
}

func TestHostedFiles(t *testing.T) {
	c := newClient(t, Options{})
	c.switches("hosted_delay=20s")
	content := bytesOf(1000)
	c.sim.Host("https://example.com/reveal.mp4", content)
	c.sim.Host("https://example.com/teaser.jpg", jpeg)
	send := func(address, file string) answer {
		req := c.request("POST", "", nil)
		req.URL, _ = url.Parse(address)
		req.Header.Set("Authorization", "OAuth "+token)
		req.Header.Set("file_url", file)
		return c.do(req)
	}
	id, address := c.start()
	c.want(send(address, "https://example.com/reveal.mp4"), 200, `{"success":true}`)
	c.wantStatus(id, "uploading", "in_progress", "not_started", "not_started")
	c.wantCode(c.finish(id), 400, "6000")
	c.advance(20 * time.Second)
	c.wantStatus(id, "upload_complete", "complete", "not_started", "not_started")
	c.text(c.finish(id), "post_id")

	id, address = c.start()
	c.want(send(address, "https://example.com/none.mp4"), 200, `{"success":true}`)
	c.advance(20 * time.Second)
	a := c.wantStatus(id, "error", "error", "not_started", "not_started")
	if got := a.at("status.uploading_phase.errors.0.code"); got != "389" {
		t.Errorf("got the error %s, want 389: %s", got, a.body)
	}
	c.wantCode(c.finish(id), 400, "6000")

	c.switches("hosted_needs_offset")
	_, address = c.start()
	c.wantType(send(address, "https://example.com/reveal.mp4"), 400, "ParameterValidationError")

	photo := c.text(c.post("/"+pageID+"/photos", "published", "false", "url", "https://example.com/teaser.jpg"), "id")
	c.text(c.publishPhoto(photo), "post_id")
	if got := c.sim.Stories(pageID); got[0].SHA256 != hashOf(content) || got[1].SHA256 != hashOf(jpeg) {
		t.Errorf("got %+v, want the hashes of the hosted files", got)
	}
}

func TestLimitsOfCalls(t *testing.T) {
	c := newClient(t, Options{})
	c.switches("app_usage=28 business_usage=40")
	a := c.get("/" + pageID + "/stories")
	if got := a.header.Get("X-App-Usage"); got != `{"call_count":28,"total_cputime":28,"total_time":28}` {
		t.Errorf("got X-App-Usage %s", got)
	}
	if got, want := a.header.Get("X-Business-Use-Case-Usage"), `{"`+pageID+`":[{"call_count":40,"estimated_time_to_regain_access":0,"total_cputime":40,"total_time":40,"type":"pages"}]}`; got != want {
		t.Errorf("got X-Business-Use-Case-Usage %s, want %s", got, want)
	}
	for code, want := range map[string]string{"4": "4", "17": "17", "32": "32", "613": "613/1996", "80001": "80001"} {
		if err := c.sim.SetSwitches(Switches{}); err != nil {
			t.Fatal(err)
		}
		c.switches("regain=10m throttle=" + code)
		c.wantCode(c.get("/"+pageID+"/stories"), 400, want)
		c.advance(9*time.Minute + time.Second)
		a := c.publishPhoto("17")
		c.wantCode(a, 400, want)
		if got := a.header.Get("X-Business-Use-Case-Usage"); !strings.Contains(got, `"estimated_time_to_regain_access":1`) {
			t.Errorf("got %s, want one minute left", got)
		}
		c.advance(time.Minute)
		if a := c.get("/" + pageID + "/stories"); a.status != 200 {
			t.Errorf("got %d %s after the wait, want 200", a.status, a.body)
		}
	}
	c.switches("calls_per_hour=3")
	for range 3 {
		if a := c.get("/" + pageID + "/stories"); a.status != 200 {
			t.Errorf("got %d %s below the limit, want 200", a.status, a.body)
		}
	}
	c.wantCode(c.get("/"+pageID+"/stories"), 400, "80001")
	c.advance(time.Hour)
	if a := c.get("/" + pageID + "/stories"); a.status != 200 {
		t.Errorf("got %d %s in the next hour, want 200", a.status, a.body)
	}
}

func TestDocumentedStatus(t *testing.T) {
	c := newClient(t, Options{})
	if err := c.sim.SetSwitches(Switches{AsDocumented: true, StatusLag: Duration(3 * time.Second), FailProcessing: "Resolution too low."}); err != nil {
		t.Fatal(err)
	}
	content := bytesOf(100)
	id, address := c.start()
	c.wantCode(c.get("/"+id, "fields", "status"), 400, "100/33")
	c.advance(3 * time.Second)
	c.upload(address, content, 0, len(content))
	c.text(c.finish(id), "post_id")
	a := c.get("/"+id, "fields", "status")
	for path, want := range map[string]string{
		"status.uploading_phase.bytes_transfered": "100", "status.uploading_phase.bytes_transferred": "",
		"status.processing_phase.error.message": "Resolution too low.", "status.processing_phase.status": "not_started",
		"status.video_status": "processing", "status.publishing_phase.publish_status": "published",
	} {
		if got := a.at(path); got != want {
			t.Errorf("got %s = %q, want %q: %s", path, got, want, a.body)
		}
	}
}

// TestReadingByID: who may see a Page may read its media and stories, others
// learn nothing.
func TestReadingByID(t *testing.T) {
	c := newClient(t, Options{})
	photo, post := c.photoStory(jpeg)
	video, _ := c.videoStory(bytesOf(10))
	for _, token := range []string{token, "sandbox-user"} {
		c.token = token
		for _, id := range []string{photo, post, video} {
			if a := c.get("/" + id); a.status != 200 {
				t.Errorf("%s: got %d %s, want 200", token, a.status, a.body)
			}
		}
	}
	c.wantCode(c.get("/"+photo, "fields", "images"), 400, "100")
	c.wantCode(c.get("/"+video, "fields", "video_upload_limits"), 400, "100")
	c.token = "sandbox-page-104857600000002"
	for _, id := range []string{photo, post, video} {
		if a := c.get("/" + id); a.status != 400 {
			t.Errorf("got %d %s for another Page's token, want 400", a.status, a.body)
		}
	}
}

// TestManyParts: a body with very many parts is refused, and of several files
// the first counts.
func TestManyParts(t *testing.T) {
	c := newClient(t, Options{})
	file := "--b\r\nContent-Disposition: form-data; name=\"f\"; filename=\"a.jpg\"\r\n\r\n"
	send := func(body string) answer {
		req := c.request("POST", "/v25.0/"+pageID+"/photos?published=false", strings.NewReader(body+"--b--\r\n"))
		req.Header.Set("Content-Type", "multipart/form-data; boundary=b")
		return c.do(req)
	}
	c.text(send(file+string(jpeg)+"\r\n"+file+"nothing\r\n"), "id")
	if r := c.last(); r.SHA256 != hashOf(jpeg) {
		t.Errorf("got the hash %s, want that of the first file", r.SHA256)
	}
	c.wantCode(send(strings.Repeat(file+"x\r\n", maxParts+1)), 400, "100")
}
