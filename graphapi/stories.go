package graphapi

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// Story is a story as the API lists it.
// Source: the Stories API guide of 6 May 2026, and live answers quoted in
// public issue threads for what differs from it.
type Story struct {
	PostID    string
	MediaID   string    // the photo_id or video_id that was uploaded
	MediaType string    // "photo" or "video", in lower case
	Status    string    // as it was sent: "published" or "archived", in any casing
	URL       string    // opaque; it can't be built from ids
	CreatedAt time.Time // zero when it was not told or not understood
}

// Published reports whether the story is visible: its status is "published"
// in any casing. A status not known here means no.
func (s Story) Published() bool { return strings.EqualFold(s.Status, "published") }

// ListOptions bound a list of stories.
type ListOptions struct {
	// Since and Until bound the creation times that the API is asked for; zero
	// times don't. Without Since, a Page with an archive lists years.
	Since, Until time.Time
	// Limit is how many stories a request may return; 0 means 50. All
	// requests that it takes are made.
	Limit int
}

// Bounds of lists.
const (
	listLimit = 50
	maxPages  = 200
)

// Stories lists the stories of the Page, published and archived. The list is
// complete or there is an error: an answer that can't be understood, a list
// of more than 200 requests or one that goes round in circles is never cut
// short, because callers conclude from a story's absence. Duplicates between
// requests are removed.
func (p *Page) Stories(ctx context.Context, o ListOptions) ([]Story, error) {
	params := url.Values{"limit": {strconv.Itoa(listLimit)}}
	if o.Limit > 0 {
		params.Set("limit", strconv.Itoa(o.Limit))
	}
	if !o.Since.IsZero() {
		params.Set("since", strconv.FormatInt(o.Since.Unix(), 10))
	}
	if !o.Until.IsZero() {
		params.Set("until", strconv.FormatInt(o.Until.Unix(), 10))
	}
	var stories []Story
	seen := map[[2]string]bool{}
	err := p.list(ctx, call{op: "stories", path: p.id + "/stories"}, params, func(raw json.RawMessage) error {
		s, err := decodeStory(raw)
		if key := [2]string{s.PostID, s.MediaID}; err == nil && !seen[key] {
			seen[key] = true
			stories = append(stories, s)
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	return stories, nil
}

// Story reads one story by its post_id. One that has expired is usually
// NotFound.
func (p *Page) Story(ctx context.Context, postID string) (s Story, err error) {
	const op = "story"
	if !isObjectID(postID) {
		return Story{}, inputError(op, "%q is not the id of a story", clean(postID))
	}
	err = p.do(ctx, call{
		op: op, kind: read, method: http.MethodGet, path: postID,
		params: url.Values{"fields": {"post_id,status,creation_time,media_type,media_id,url"}},
	}, func(body []byte) error {
		s, err = decodeStory(body)
		if err == nil && s.PostID != postID {
			err = fmt.Errorf("%w: it is about the story %q", ErrUnreadable, clean(s.PostID))
		}
		return err
	})
	if err != nil {
		return Story{}, err
	}
	return s, nil
}

// decodeStory reads one story. It must have an id to be of any use.
func decodeStory(raw json.RawMessage) (Story, error) {
	var f struct {
		PostID    objectID        `json:"post_id"`
		MediaID   objectID        `json:"media_id"`
		MediaType string          `json:"media_type"`
		Status    string          `json:"status"`
		URL       string          `json:"url"`
		CreatedAt json.RawMessage `json:"creation_time"`
	}
	if err := json.Unmarshal(raw, &f); err != nil {
		return Story{}, fmt.Errorf("%w: a story in it can't be read", ErrUnreadable)
	}
	if f.PostID == "" && f.MediaID == "" {
		return Story{}, fmt.Errorf("%w: a story in it has neither post_id nor media_id", ErrUnreadable)
	}
	return Story{
		PostID: clean(string(f.PostID)), MediaID: clean(string(f.MediaID)), MediaType: strings.ToLower(clean(f.MediaType)),
		Status: clean(f.Status), URL: storyURL(f.URL), CreatedAt: looseTime(f.CreatedAt),
	}, nil
}

// storyURL passes on a URL that can be shown and opened: it is never cut, and
// one that is no plain web address is left out.
func storyURL(raw string) string {
	u, err := url.Parse(raw)
	if err != nil || u.Scheme != "https" && u.Scheme != "http" || u.User != nil || len(raw) > 2048 || strings.ContainsFunc(raw, func(r rune) bool { return r <= ' ' || r > '~' }) {
		return ""
	}
	return raw
}

// list reads all pages of a list and gives each element to add.
func (p *Page) list(ctx context.Context, c call, params url.Values, add func(json.RawMessage) error) error {
	c.kind, c.method, c.limit = read, http.MethodGet, maxList
	asked := map[string]bool{}
	for next := params; next != nil; {
		key := next.Encode()
		if asked[key] {
			return &Error{Op: c.op, Err: fmt.Errorf("%w: the list goes round in circles", ErrUnreadable)}
		}
		if asked[key] = true; len(asked) > maxPages {
			return &Error{Op: c.op, Err: fmt.Errorf("%w: %d", ErrTooLong, maxPages)}
		}
		c.params = next
		var page listPage
		err := p.do(ctx, c, func(body []byte) (err error) {
			page, err = decodeList(body)
			return err
		})
		if err != nil {
			return err
		}
		for _, raw := range page.data {
			if err := add(raw); err != nil {
				return &Error{Op: c.op, Err: err}
			}
		}
		next = page.next(params)
	}
	return nil
}

// listPage is one answer of a list.
type listPage struct {
	data []json.RawMessage
	more url.Values // the parameters that lead on; nil at the end
}

// leading are the parameters that may lead from one answer of a list to the
// next. Of paging.next, which holds the token, nothing else is ever used.
// Source: developers.facebook.com/docs/graph-api/results, 2026-11.
var leading = []string{"after", "since", "until", "offset", "__paging_token"}

// decodeList reads one answer of a list. The list goes on as long as there is
// a paging.next, even after an empty answer.
func decodeList(body []byte) (listPage, error) {
	var f struct {
		Data   *[]json.RawMessage `json:"data"`
		Paging struct {
			Cursors struct {
				After objectID `json:"after"`
			} `json:"cursors"`
			Next string `json:"next"`
		} `json:"paging"`
	}
	if err := json.Unmarshal(body, &f); err != nil {
		return listPage{}, fmt.Errorf("%w: it is not a list", ErrUnreadable)
	}
	if f.Data == nil {
		return listPage{}, fmt.Errorf("%w: it has no data", ErrUnreadable)
	}
	page := listPage{data: *f.Data}
	if f.Paging.Next == "" {
		return page, nil
	}
	page.more = url.Values{}
	if f.Paging.Cursors.After != "" {
		page.more.Set("after", string(f.Paging.Cursors.After))
		return page, nil
	}
	u, err := url.Parse(f.Paging.Next)
	if err != nil {
		return listPage{}, fmt.Errorf("%w: its next page has no address", ErrUnreadable)
	}
	query := u.Query()
	for _, name := range leading {
		if value := query.Get(name); value != "" && len(value) <= maxID {
			page.more.Set(name, value)
		}
	}
	if len(page.more) == 0 {
		return listPage{}, fmt.Errorf("%w: nothing in it leads to the next page", ErrUnreadable)
	}
	return page, nil
}

// next is the parameters of the next request: those of the first, with what
// leads on in their place.
func (l listPage) next(first url.Values) url.Values {
	if l.more == nil {
		return nil
	}
	next := url.Values{}
	for _, params := range []url.Values{first, l.more} {
		for name, values := range params {
			next[name] = values
		}
	}
	return next
}
