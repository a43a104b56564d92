package sandbox

import (
	"encoding/base64"
	"encoding/json"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

// The bounds of limit on a list.
const (
	standardLimit = 25
	maxLimit      = 100
)

// storyFields are the fields of a story in a list, as live replies have them.
var storyFields = []string{"post_id", "status", "creation_time", "media_type", "media_id", "url"}

// storyObject is a story as the API shows it: every value is a string, and the
// status is in lower case unless the documentation is to be followed.
func (w *world) storyObject(s *post, now time.Time) object {
	status := w.status(s, now)
	if w.switches.AsDocumented {
		status = strings.ToUpper(status)
	}
	return object{
		"id": s.PostID, "post_id": s.PostID, "status": status, "creation_time": strconv.FormatInt(s.Created.Unix(), 10),
		"media_type": s.Kind, "media_id": s.MediaID, "url": w.url(s),
	}
}

// query is what a request for a list asks for.
type query struct {
	fields        []string
	limit         int
	after, before int // positions on the Page, counted from the oldest; -1 when absent
	since, until  time.Time
	status        []string
}

// listStories answers GET /{page}/stories.
func (w *world) listStories(c *call, t *Token) (any, error) {
	p, err := w.pageCall(t, c.rt.node, c.edge, c.server.opts.AutoPages)
	if err != nil {
		return nil, err
	}
	q, err := w.queryOf(c, p)
	if err != nil {
		return nil, err
	}
	picked, older, newer := w.pick(p, q, c.now)
	data := []object{}
	for _, i := range picked {
		if s := p.stories[i]; !w.switches.ShortPages || w.wanted(s, q, c.now) {
			data = append(data, choose(w.storyObject(s, c.now), q.fields))
		}
	}
	if len(picked) == 0 {
		return object{"data": data}, nil
	}
	first, last := cursor(p.stories[picked[0]]), cursor(p.stories[picked[len(picked)-1]])
	paging := object{"cursors": object{"before": first, "after": last}}
	if older {
		paging["next"] = c.pageURL("after", last)
	}
	if newer {
		paging["previous"] = c.pageURL("before", first)
	}
	return object{"data": data, "paging": paging}, nil
}

// pick chooses the stories of one page of the list, newest first, by their
// positions on the Page, and tells whether there are older and newer ones.
func (w *world) pick(p *Page, q query, now time.Time) (picked []int, older, newer bool) {
	var all []int
	for i := len(p.stories) - 1; i >= 0; i-- {
		if w.listed(p.stories[i], now) && (w.switches.ShortPages || w.wanted(p.stories[i], q, now)) {
			all = append(all, i)
		}
	}
	from, to := 0, len(all)
	if q.after >= 0 {
		from = countFunc(all, func(i int) bool { return i >= q.after })
	}
	if q.before >= 0 {
		to = countFunc(all, func(i int) bool { return i > q.before })
		from = max(from, to-q.limit)
	}
	to = min(to, from+q.limit)
	if from >= to {
		return nil, false, false
	}
	return all[from:to], to < len(all), from > 0
}

// countFunc counts the elements of s that satisfy f.
func countFunc(s []int, f func(int) bool) int {
	n := 0
	for _, v := range s {
		if f(v) {
			n++
		}
	}
	return n
}

// wanted reports whether a story passes the filters of a request.
func (w *world) wanted(s *post, q query, now time.Time) bool {
	switch {
	case !q.since.IsZero() && s.Created.Before(q.since), !q.until.IsZero() && s.Created.After(q.until):
		return false
	}
	return q.status == nil || slices.Contains(q.status, w.status(s, now))
}

// queryOf reads the parameters of a request for a list.
func (w *world) queryOf(c *call, p *Page) (q query, err error) {
	q.after, q.before, q.limit = -1, -1, standardLimit
	if w.switches.DefaultLimit > 0 {
		q.limit = w.switches.DefaultLimit
	}
	if q.fields, err = fieldsOf(c.p, storyFields, "Stories", append([]string{"id"}, storyFields...)...); err != nil {
		return q, err
	}
	if text := c.p.get("limit"); text != "" {
		n, err := strconv.Atoi(text)
		if err != nil || n < 1 {
			return q, paramError("Param limit must be a positive integer")
		}
		q.limit = min(n, maxLimit)
	}
	if q.after, err = w.position(p, c.p.get("after")); err != nil {
		return q, err
	}
	if q.before, err = w.position(p, c.p.get("before")); err != nil {
		return q, err
	}
	if q.since, err = timeParam("since", c.p.get("since"), c.now); err != nil {
		return q, err
	}
	if q.until, err = timeParam("until", c.p.get("until"), c.now); err != nil {
		return q, err
	}
	if !q.since.IsZero() && !q.until.IsZero() && !q.until.After(q.since) {
		return q, paramError("The until parameter must be later than the since parameter")
	}
	q.status, err = statusParam(c.p)
	return q, err
}

// cursor marks the place of a story in the list.
func cursor(s *post) string { return base64.RawURLEncoding.EncodeToString([]byte("story:" + s.PostID)) }

// position is the place on a Page that a cursor marks; -1 when there is none.
func (w *world) position(p *Page, text string) (int, error) {
	if text == "" {
		return -1, nil
	}
	raw, err := base64.RawURLEncoding.DecodeString(text)
	id, ok := strings.CutPrefix(string(raw), "story:")
	s := w.posts[id]
	if err != nil || !ok || s == nil || s.Page != p.ID {
		return -1, paramError("Invalid cursor")
	}
	return slices.Index(p.stories, s), nil
}

// pageURL is the address of another page of the list. It carries the access
// token, as the real one does, whichever way the token came.
func (c *call) pageURL(name, cursor string) string {
	values := url.Values{}
	for key, v := range c.p {
		if key != "after" && key != "before" && key != "appsecret_proof" {
			values[key] = v
		}
	}
	values.Set("access_token", c.cred.token)
	values.Set(name, cursor)
	return "http://" + c.http.Host + c.http.URL.EscapedPath() + "?" + values.Encode()
}

// timeParam reads a time: Unix seconds, a date, RFC 3339, today or yesterday.
func timeParam(name, text string, now time.Time) (time.Time, error) {
	if text == "" {
		return time.Time{}, nil
	}
	if seconds, err := strconv.ParseInt(text, 10, 64); err == nil && seconds >= 0 && seconds < 1<<40 {
		return time.Unix(seconds, 0), nil
	}
	for _, layout := range []string{time.DateOnly, time.RFC3339, "2006-01-02T15:04:05-0700"} {
		if t, err := time.Parse(layout, text); err == nil {
			return t, nil
		}
	}
	day := now.UTC().Truncate(24 * time.Hour)
	switch text {
	case "today":
		return day, nil
	case "yesterday":
		return day.AddDate(0, 0, -1), nil
	case "now":
		return now, nil
	}
	return time.Time{}, paramError("Param %s must be a valid date or Unix timestamp", name)
}

// statusParam reads the status filter: a JSON array, a list with commas,
// repeated parameters. Which of these the real API takes is not known.
func statusParam(p params) ([]string, error) {
	var list []string
	for name, values := range p {
		if name != "status" && !strings.HasPrefix(name, "status[") {
			continue
		}
		for _, value := range values {
			var words []string
			if json.Unmarshal([]byte(value), &words) != nil {
				words = strings.Split(value, ",")
			}
			for _, word := range words {
				word = strings.ToLower(strings.TrimSpace(word))
				if word != "published" && word != "archived" {
					return nil, paramError("Param status must be an array of {PUBLISHED, ARCHIVED}")
				}
				list = append(list, word)
			}
		}
	}
	return list, nil
}

// fieldsOf reads the fields parameter and refuses fields that a node doesn't
// have, as the whole call fails with the real API.
func fieldsOf(p params, otherwise []string, node string, known ...string) ([]string, error) {
	text := p.get("fields")
	if text == "" {
		return otherwise, nil
	}
	fields := strings.Split(text, ",")
	for i, name := range fields {
		fields[i] = strings.TrimSpace(name)
		if !slices.Contains(known, fields[i]) {
			return nil, missingField(short(fields[i]), node)
		}
	}
	return fields, nil
}

// choose keeps some members of an object.
func choose(all object, fields []string) object {
	out := object{}
	for _, name := range fields {
		if v, ok := all[name]; ok {
			out[name] = v
		}
	}
	return out
}
