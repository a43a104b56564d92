package apply

import (
	"context"
	"strings"
	"sync"
	"time"

	"storyform/graphapi"
	"storyform/internal/clock"
	"storyform/internal/parallel"
	"storyform/plan"
	"storyform/state"
	"storyform/story"
)

// listSince is how far back a Page's list is read. A story lives 24 hours;
// without a bound, a Page whose archive is on returns years of stories.
const listSince = story.Lifetime + time.Hour

// Observation is what was read from the Pages at one time.
type Observation struct {
	Views  map[string]*story.PageView // by Page id
	Videos map[string]story.VideoView // by video_id: uploads and publish calls in flight
	Unread map[string]error           // by Page id: why it could not be read

	began time.Time // when the reading of the first Page that was read began, by our clock
}

// observedFor is how long a reading of the Pages is relied on. Somebody may
// take an hour to answer the prompt.
const observedFor = time.Minute

// recent reports whether the reading can still be relied on.
func (o *Observation) recent(now time.Time) bool {
	return o != nil && (len(o.Views) == 0 || clock.Elapsed(o.began, now) <= observedFor)
}

// maxSkew is how far our clock may be from Meta's before it is taken for wrong:
// Meta tells whole seconds, and an answer takes its time.
const maxSkew = 30 * time.Second

// atMeta is a time of our clock by Meta's, where the two are apart and an
// answer has told so: the earliest and the latest that it can have been, since
// an answer may be old when it is read. What one run records about a publish
// call another one compares with the time at which the Page didn't list it, and
// they have no other clock in common.
func atMeta(page *graphapi.Page, t time.Time) (earliest, latest time.Time) {
	s := page.Served()
	if s.Skew <= maxSkew && s.Skew+s.Took >= -maxSkew {
		return t, t
	}
	return t.Add(s.Skew), t.Add(s.Skew + s.Took)
}

// UnreadText is Unread as a plan carries it.
func (o *Observation) UnreadText() map[string]string {
	texts := make(map[string]string, len(o.Unread))
	for id, err := range o.Unread {
		texts[id] = err.Error()
	}
	return texts
}

// Observe lists the stories of the Pages and asks for the status of the
// videos that doc has in flight. A Page that can't be listed is no error: it
// stands in Unread, and the others are read; a video whose status can't be
// read is missing from Videos. The error is that of ctx.
func Observe(ctx context.Context, pages *Pages, list []plan.Page, doc *state.Document, clk clock.Clock, parallelism int) (*Observation, error) {
	o := &Observation{Views: map[string]*story.PageView{}, Videos: map[string]story.VideoView{}, Unread: map[string]error{}}
	var mu sync.Mutex
	group := parallel.WithLimit(parallelism)
	for _, page := range list {
		group.Go(func() error {
			began := clk.Now()
			view, videos, err := observePage(ctx, pages, page, doc, clk)
			mu.Lock()
			defer mu.Unlock()
			if err != nil {
				o.Unread[page.ID] = err
				return nil
			}
			o.Views[page.ID] = view
			if o.began.IsZero() || began.Before(o.began) {
				o.began = began
			}
			for _, v := range videos {
				o.Videos[v.VideoID] = v
			}
			return nil
		})
	}
	group.Wait()
	if ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	return o, nil
}

// observePage reads one Page.
func observePage(ctx context.Context, pages *Pages, page plan.Page, doc *state.Document, clk clock.Clock) (*story.PageView, []story.VideoView, error) {
	connected, err := pages.Connect(ctx, page)
	if err != nil {
		return nil, nil, err
	}
	view, err := listStories(ctx, connected, page.ID, clk)
	if err != nil {
		return nil, nil, err
	}
	var videos []story.VideoView
	for i := range doc.Stories {
		e := &doc.Stories[i]
		if e.PageID != page.ID || !videoInFlight(e) {
			continue
		}
		// A status that can't be read is evidence that is missing. It must not
		// keep the Page's other stories from going out.
		if v, _, err := videoView(ctx, connected, e.MediaID, clk); err == nil {
			videos = append(videos, v)
		}
	}
	return view, videos, nil
}

// videoInFlight reports whether the status of an entry's video matters.
func videoInFlight(e *state.Entry) bool {
	return e.Kind == story.Video && e.MediaID != "" && (e.Status == story.Uploading || e.Status.Doubtful())
}

// listStories reads a Page's list.
func listStories(ctx context.Context, page *graphapi.Page, id string, clk clock.Clock) (*story.PageView, error) {
	began := clk.Now()
	since, _ := atMeta(page, began)
	view := &story.PageView{PageID: id, Since: since.Add(-listSince)}
	stories, err := page.Stories(ctx, graphapi.ListOptions{Since: view.Since})
	if err != nil {
		return nil, err
	}
	view.At, _ = atMeta(page, began)
	for _, s := range stories {
		view.Stories = append(view.Stories, story.Observed{
			PostID: s.PostID, MediaID: s.MediaID, Kind: story.Kind(strings.ToLower(s.MediaType)),
			Published: s.Published(), CreatedAt: s.CreatedAt, URL: s.URL,
		})
	}
	return view, nil
}

// videoView asks for the status of an upload. A video that is not known is
// an answer, not an error; failed is an error that Meta reports in one of the
// video's phases.
func videoView(ctx context.Context, page *graphapi.Page, videoID string, clk clock.Clock) (v story.VideoView, failed, err error) {
	began := clk.Now()
	status, err := page.VideoStatus(ctx, videoID)
	v.VideoID = videoID
	v.At, _ = atMeta(page, began)
	switch {
	case graphapi.NotFound(err):
		v.Gone = true
		return v, nil, nil
	case err != nil:
		return v, nil, err
	}
	v.Offset = status.Offset()
	v.Expired = status.Expired()
	v.Publish = status.PublishStatus()
	v.Busy = status.Busy()
	return v, status.Err(), nil
}
