package plan

import (
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"

	"storyform/state"
	"storyform/story"
)

// noon is the present of the tests.
var noon = time.Date(2026, 12, 20, 12, 0, 0, 0, time.UTC)

const (
	pageID  = "104857600000001"
	pageTwo = "104857600000002"
)

// The tests say what is declared, remembered and listed in words, so that a
// row of a table reads like a sentence of the specification:
//
//	declared  "due rev=2 media=b", "later after=teaser", "closed", "open"
//	state     "scheduled due", "unknown due tried=6m", "live due sent=2h"
//	listed    "empty", "m1", "m1:archived@30h other", "" for a Page not asked
//
// Times: due is 11:30 to 13:30, later 13:00 to 15:00, closed 09:00 to 11:00,
// until is at once but not after 13:00, window=D is D from the registration,
// for=D is D from the time before it, and open is not bounded at all. Other
// durations count back from noon.

func addr(name string) story.Address { return story.Address{Type: "story", Name: name} }

func page(id string) story.Page {
	p := story.Page{Address: story.Address{Type: "page", Name: "acme"}, ID: pageID, Timezone: "Asia/Jakarta"}
	if id != pageID {
		p.Address.Name, p.ID, p.Timezone = "other", id, ""
	}
	return p
}

// words calls f with each word of a sentence, split at its equals sign.
func words(t testing.TB, sentence string, f func(word, value string) bool) {
	t.Helper()
	for word := range strings.FieldsSeq(sentence) {
		if w, v, _ := strings.Cut(word, "="); !f(w, v) {
			t.Fatalf("%q: what is %q?", sentence, word)
		}
	}
}

// common understands the words that a declaration and an entry share.
func common(t testing.TB, s *story.Spec, word, value string) bool {
	t.Helper()
	hours := map[string][2]float64{"due": {-.5, 1.5}, "later": {1, 3}, "closed": {-3, -1}, "moved": {2, 4}}
	switch word {
	case "due", "later", "closed", "moved":
		s.PublishAt = noon.Add(time.Duration(hours[word][0] * float64(time.Hour)))
		s.NotAfter = noon.Add(time.Duration(hours[word][1] * float64(time.Hour)))
	case "for":
		s.NotAfter = s.PublishAt.Add(duration(t, value))
	case "open":
	case "until":
		s.NotAfter = noon.Add(time.Hour)
	case "window":
		s.Window = duration(t, value)
	case "rev":
		s.Revision = number(t, value)
	case "media":
		s.SHA256, s.Source = strings.Repeat(value, 64), "media/"+value+".jpg"
	case "url":
		s.SHA256, s.Source = "", "https://cdn.example/"+value
	case "kind":
		s.Kind = story.Kind(value)
	case "page":
		s.PageID = value
	case "after":
		s.After = append(s.After, addr(value))
	case "label":
		s.Labels = map[string]string{"campaign": value}
	default:
		return false
	}
	return true
}

func number(t testing.TB, value string) int {
	t.Helper()
	n, err := strconv.Atoi(value)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func duration(t testing.TB, value string) time.Duration {
	t.Helper()
	d, err := time.ParseDuration(value)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// spec is what both a declaration and an entry say when nothing is said.
func spec() story.Spec {
	return story.Spec{PageID: pageID, Kind: story.Photo, SHA256: strings.Repeat("a", 64), Source: "media/a.jpg", Revision: 1}
}

// desired is a declared story.
func desired(t testing.TB, name, sentence string) story.Desired {
	t.Helper()
	s := spec()
	words(t, sentence, func(w, v string) bool { return common(t, &s, w, v) })
	return story.Desired{
		Address: addr(name), Page: page(s.PageID), Kind: s.Kind, Source: s.Source,
		Media:     story.Media{Kind: s.Kind, SHA256: s.SHA256, Hosted: s.SHA256 == ""},
		PublishAt: s.PublishAt, NotAfter: s.NotAfter, Window: s.Window, Revision: s.Revision, After: s.After, Labels: s.Labels,
	}
}

// entry is a story as the state remembers it. Its upload is m1.
func entry(t testing.TB, name, sentence string) state.Entry {
	t.Helper()
	s := spec()
	e := state.Entry{Address: addr(name), RegisteredAt: noon.Add(-time.Hour)}
	words(t, sentence, func(w, v string) bool {
		switch {
		case story.Status(w).Valid():
			e.Status = story.Status(w)
		case w == "tried" || w == "uploaded-at":
			e.Operation = &state.Operation{Run: "r", StartedAt: noon.Add(-duration(t, v)), UploadedAt: noon.Add(-duration(t, v))}
			if w == "tried" {
				e.Operation.Attempt, e.Operation.AttemptAt, e.TriedMedia = 1, noon.Add(-duration(t, v)), []string{"m1"}
			}
			e.MediaID = "m1"
		case w == "attempt":
			e.Operation.Attempt = number(t, v)
		case w == "withdrawn":
			e.Operation.Withdrawn = true
		case w == "attempted":
			e.TriedMedia = []string{v}
		case w == "id":
			e.MediaID = v
		case w == "sent":
			e.MediaID, e.PostID, e.URL = "m1", "p1", "https://facebook.com/stories/1"
			e.PublishedAt = noon.Add(-duration(t, v))
			e.ExpiresAt = e.PublishedAt.Add(story.Lifetime)
		case w == "out":
			e.OutRevision = number(t, v)
		case w == "nourl":
			e.URL = ""
		case w == "forgotten":
			e.Forgotten = true
		case w == "registered":
			e.RegisteredAt = noon.Add(-duration(t, v))
		default:
			return common(t, &s, w, v)
		}
		return true
	})
	p := page(s.PageID)
	e.Page, e.PageID, e.Kind, e.Source, e.SHA256 = p.Address, s.PageID, s.Kind, s.Source, s.SHA256
	e.PublishAt, e.NotAfter, e.Window, e.Revision, e.After, e.Labels = s.PublishAt, s.NotAfter, s.Window, s.Revision, s.After, s.Labels
	return e
}

// listing is a reading of a Page at noon; nil for "". A word is a media_id with
// ":archived" when it is not visible and "@D" for its age, an hour if not told.
func listing(t testing.TB, sentence string) *story.PageView {
	t.Helper()
	if sentence == "" {
		return nil
	}
	v := &story.PageView{PageID: pageID, At: noon, Since: noon.Add(-25 * time.Hour)}
	for word := range strings.FieldsSeq(sentence) {
		if word == "empty" {
			continue
		}
		word, age, aged := strings.Cut(word, "@")
		if !aged {
			age = "1h"
		}
		id, status, _ := strings.Cut(word, ":")
		o := story.Observed{PostID: "post-" + id, MediaID: id, Kind: story.Photo, Published: true, CreatedAt: noon.Add(-duration(t, age)), URL: "https://facebook.com/stories/" + id}
		switch status {
		case "":
		case "archived":
			o.Published = false
		default:
			o.Kind = story.Kind(status)
		}
		v.Stories = append(v.Stories, o)
	}
	return v
}

// world is an input: its stories and its state are "name: sentence", and each
// Page that is read lists the same.
func world(t testing.TB, declared, remembered []string, listed string) Input {
	t.Helper()
	in := Input{
		Now: noon, Tool: "0.1.0", Refreshed: listed != "", Settings: Settings{SettleAfter: 5 * time.Minute},
		Pages: []story.Page{page(pageID), page(pageTwo)},
		State: &state.Document{Lineage: "l", Serial: 3},
	}
	if v := listing(t, listed); v != nil {
		in.Views = map[string]*story.PageView{pageID: v}
	}
	for i, s := range declared {
		name, sentence, _ := strings.Cut(s, ":")
		d := desired(t, name, sentence)
		d.Order = i
		in.Stories = append(in.Stories, d)
	}
	for _, s := range remembered {
		name, sentence, _ := strings.Cut(s, ":")
		in.State.Stories = append(in.State.Stories, entry(t, name, sentence))
	}
	return in
}

// published is a line of history.
func published(name string, revision int) state.Event {
	return state.Event{At: noon.Add(-48 * time.Hour), What: "published", Address: addr(name), Revision: revision}
}

// tell renders a plan's changes, one a line, as "story.a publish: why".
func tell(changes []Change) string {
	var lines []string
	for _, c := range changes {
		line := c.Address.Name + " " + string(c.Action)
		if c.Reason != "" {
			line += ": " + c.Reason
		}
		lines = append(lines, line)
	}
	return strings.Join(lines, "\n")
}

// actions renders a plan's changes as "a publish, b schedule".
func actions(changes []Change) string {
	var texts []string
	for _, c := range changes {
		texts = append(texts, fmt.Sprintf("%s %s", c.Address.Name, c.Action))
	}
	return strings.Join(texts, ", ")
}
