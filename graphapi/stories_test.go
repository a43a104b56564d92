package graphapi

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestStories(t *testing.T) {
	p, a := setup(t)
	since := start.Add(-25 * time.Hour)
	a.handle("GET", "/"+pageID+"/stories", func(w http.ResponseWriter, r *http.Request) {
		want := url.Values{"limit": {"2"}, "since": {fmt.Sprint(since.Unix())}, "until": {fmt.Sprint(start.Unix())}}
		after := r.URL.Query().Get("after")
		if after != "" {
			want.Set("after", after)
		}
		if diff := cmp.Diff(want, r.URL.Query()); diff != "" {
			t.Errorf("query (-want +got):\n%s", diff)
		}
		next := "https://graph.facebook.com/v25.0/" + pageID + "/stories?access_token=" + tokenText + "&after=evil"
		switch after {
		case "":
			fmt.Fprintf(w, `{"data":[
				{"post_id":"1454521203100646","status":"published","creation_time":"1785584684","media_type":"PHOTO","media_id":"122133722601238849","url":"https://facebook.com/stories/12/UzpfSVND/?view_single=1"},
				{"post_id":9007199254740993,"status":"ARCHIVED","creation_time":1785584685,"media_type":"video","media_id":9007199254740995,"url":"javascript:alert(1)"}],
				"paging":{"cursors":{"before":"x","after":"MTAx"},"next":%q}}`, next)
		case "MTAx": // an empty answer is not the end
			fmt.Fprintf(w, `{"data":[],"paging":{"cursors":{"after":"MTAy"},"next":%q}}`, next)
		case "MTAy": // a story that moved between the answers, and one with the least possible
			io.WriteString(w, `{"data":[{"post_id":"1454521203100646","media_id":"122133722601238849","status":"PUBLISHED"},{"media_id":"7","status":"brand new"}],"paging":{"cursors":{"after":"MTAz"}}}`)
		default:
			t.Errorf("the list goes on after its end, at %q", after)
		}
	})
	got, err := p.Stories(t.Context(), ListOptions{Since: since, Until: start, Limit: 2})
	if err != nil {
		t.Fatal(err)
	}
	want := []Story{
		{PostID: "1454521203100646", MediaID: "122133722601238849", MediaType: "photo", Status: "published", URL: "https://facebook.com/stories/12/UzpfSVND/?view_single=1", CreatedAt: time.Unix(1785584684, 0).UTC()},
		{PostID: "9007199254740993", MediaID: "9007199254740995", MediaType: "video", Status: "ARCHIVED", CreatedAt: time.Unix(1785584685, 0).UTC()},
		{MediaID: "7", Status: "brand new"},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("stories (-want +got):\n%s", diff)
	}
	for i, published := range []bool{true, false, false} {
		if got[i].Published() != published {
			t.Errorf("%+v: Published is %v", got[i], !published)
		}
	}
}

// TestStoriesByTime follows a list that leads on by time and not by cursor,
// and takes only that from the next page's address.
func TestStoriesByTime(t *testing.T) {
	p, a := setup(t)
	a.handle("GET", "/"+pageID+"/stories", func(w http.ResponseWriter, r *http.Request) {
		q := r.URL.Query()
		if q.Get("access_token") != "" || q.Get("evil") != "" || q.Get("limit") != "50" {
			t.Errorf("got the query %v", q)
		}
		if q.Get("until") == "" {
			io.WriteString(w, `{"data":[{"post_id":"1"}],"paging":{"next":"https://graph.facebook.com/v9/x?access_token=`+tokenText+`&limit=9&until=1785000000&evil=1&__paging_token=abc"}}`)
			return
		}
		if q.Get("until") != "1785000000" || q.Get("__paging_token") != "abc" {
			t.Errorf("got the query %v", q)
		}
		io.WriteString(w, `{"data":[{"post_id":"2"}]}`)
	})
	if got, err := p.Stories(t.Context(), ListOptions{}); err != nil || len(got) != 2 {
		t.Errorf("got %v, %v, want two stories", got, err)
	}
}

// TestStoriesIncomplete checks that a list that can't be read to its end is
// an error and never a shorter list: callers conclude from absence.
func TestStoriesIncomplete(t *testing.T) {
	first := `{"data":[{"post_id":"1","media_id":"1"}],"paging":{"cursors":{"after":"a"},"next":"x"}}`
	for name, bodies := range map[string][]string{
		"empty":                  {``},
		"no data":                {`{}`},
		"data null":              {`{"data":null}`},
		"data is an object":      {`{"data":{}}`},
		"cut":                    {`{"data":[{"post_id":"1"}`},
		"a story is a text":      {`{"data":["1"]}`},
		"a story is null":        {`{"data":[null]}`},
		"a story without ids":    {`{"data":[{"status":"published"}]}`},
		"a fraction as id":       {`{"data":[{"post_id":1.5}]}`},
		"an exponent as id":      {`{"data":[{"post_id":1e20}]}`},
		"a huge id":              {`{"data":[{"post_id":"` + strings.Repeat("1", 600) + `"}]}`},
		"circle":                 {first, first},
		"no way on":              {`{"data":[],"paging":{"next":"https://x/y?limit=5"}}`},
		"the second answer ends": {first, `{"data":[{"post`},
		"success false":          {`{"success":false}`},
		"error in a 200":         {`{"data":[],"error":{"code":100}}`},
	} {
		p, a := setup(t)
		var answers []reply
		for _, body := range bodies {
			answers = append(answers, reply{body: body})
		}
		a.replies("GET", "/"+pageID+"/stories", answers...)
		if got, err := p.Stories(t.Context(), ListOptions{}); err == nil || got != nil {
			t.Errorf("%s: got %v, %v, want an error", name, got, err)
		}
	}
}

// TestStoriesEndless lets the list go on for ever.
func TestStoriesEndless(t *testing.T) {
	p, a := setup(t)
	var n int
	a.handle("GET", "/"+pageID+"/stories", func(w http.ResponseWriter, r *http.Request) {
		n++
		fmt.Fprintf(w, `{"data":[{"post_id":"%d"}],"paging":{"cursors":{"after":"c%d"},"next":"x"}}`, n, n)
	})
	if _, err := p.Stories(t.Context(), ListOptions{}); !errors.Is(err, ErrTooLong) || n != maxPages {
		t.Errorf("got %v after %d answers, want ErrTooLong after %d", err, n, maxPages)
	}
}

func TestStory(t *testing.T) {
	p, a := setup(t)
	a.replies("GET", "/71", reply{body: `{"post_id":"71","status":"published","creation_time":"1785584684","media_type":"photo","media_id":"7","url":"https://facebook.com/stories/1/2/","id":"71"}`})
	a.replies("GET", "/72", reply{body: `{"post_id":"73","media_id":"7"}`})
	a.replies("GET", "/74", refusal(100, 33, "gone"))
	if s, err := p.Story(t.Context(), "71"); err != nil || !s.Published() || s.MediaID != "7" || s.CreatedAt.Unix() != 1785584684 {
		t.Errorf("got %+v, %v", s, err)
	}
	if s, err := p.Story(t.Context(), "72"); !errors.Is(err, ErrUnreadable) || s != (Story{}) {
		t.Errorf("another story's answer: got %+v, %v", s, err)
	}
	if _, err := p.Story(t.Context(), "74"); !NotFound(err) {
		t.Errorf("got %v, want that it is not found", err)
	}
}

func TestLooseTime(t *testing.T) {
	for raw, want := range map[string]int64{
		`1785584684`: 1785584684, `"1785584684"`: 1785584684, `1785584684.9`: 1785584684, `"2026-08-01T11:44:44+0000"`: 1785584684,
		`"2026-08-01T11:44:44Z"`: 1785584684, `null`: 0, ``: 0, `"x"`: 0, `-5`: 0, `0`: 0, `1e300`: 0, `{}`: 0, `true`: 0, `"99999999999999999999"`: 0,
	} {
		got := looseTime([]byte(raw))
		if want == 0 && !got.IsZero() || want != 0 && got.Unix() != want {
			t.Errorf("looseTime(%s) = %v, want %d", raw, got, want)
		}
	}
}
