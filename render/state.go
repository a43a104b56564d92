package render

import (
	"cmp"
	"io"
	"strconv"
	"strings"
	"time"

	"storyform/state"
	"storyform/story"
)

// State draws the state as a table: each story with its Page, status and
// what comes next for it, by time; with Verbose each entry in full.
func State(w io.Writer, doc *state.Document, o Options) error {
	s := newScreen(o)
	if len(doc.Stories) == 0 {
		s.line(text("The state holds no stories."))
		return s.flush(w)
	}
	if o.Verbose {
		for i := range doc.Stories {
			if i > 0 {
				s.blank()
			}
			s.entry(&doc.Stories[i])
		}
		return s.flush(w)
	}
	rows := [][]span{{styled(bold, "STORY"), styled(bold, "PAGE"), styled(bold, "STATUS"), styled(bold, "WHEN")}}
	for i := range doc.Stories {
		e := &doc.Stories[i]
		rows = append(rows, []span{
			text(e.Address.String()), text(e.Page.String()), styled(statusStyle(e.Status), statusText(e)), text(s.when(e)),
		})
	}
	s.columns(0, 1, rows)
	s.blank()
	s.line(text(plural(len(doc.Stories), "story", "stories") + ", serial " + strconv.FormatUint(doc.Serial, 10)))
	return s.flush(w)
}

// columns draws a table or, where it is wider than the screen, as many of its
// columns as fit and the others on lines of their own below each row. The
// first headers rows are headings. All rows have the same number of cells.
func (s *screen) columns(indent, headers int, rows [][]span) {
	keep := len(rows[0])
	for keep > 1 && indent+tableWidth(firstCells(rows, keep)) > s.width() {
		keep--
	}
	widths := columnWidths(rows)
	for i, r := range rows {
		s.tableRow(indent, r[:keep], widths)
		if i < headers {
			continue
		}
		for _, c := range r[keep:] {
			if c.text != "" {
				s.hang(0, []span{{strings.Repeat(" ", indent+4), plain}}, c.style, c.text)
			}
		}
	}
}

// firstCells returns the first n cells of each row.
func firstCells(rows [][]span, n int) [][]span {
	out := make([][]span, len(rows))
	for i, r := range rows {
		out[i] = r[:n]
	}
	return out
}

// statusStyle is the colour of a status.
func statusStyle(st story.Status) style {
	switch st {
	case story.Live:
		return green
	case story.Scheduled, story.Uploading, story.Uploaded:
		return cyan
	case story.Publishing, story.Unknown:
		return magenta
	case story.Failed, story.Missed:
		return red
	}
	return dim
}

// statusText is an entry's status with what changes its meaning.
func statusText(e *state.Entry) string {
	if e.Forgotten {
		return string(e.Status) + " (forgotten)"
	}
	return string(e.Status)
}

// until says how far away t is: "in 3h12m", "5m ago"; "" when that isn't known.
func (o Options) until(t time.Time) string {
	if o.Now.IsZero() || t.IsZero() {
		return ""
	}
	if !t.After(o.Now) {
		return Duration(o.Now.Sub(t)) + " ago"
	}
	return "in " + Duration(t.Sub(o.Now))
}

// when says the time that matters for an entry in its status.
func (s *screen) when(e *state.Entry) string {
	loc := s.zone(e.Page)
	at := func(verb string, t time.Time) string {
		if t.IsZero() {
			return ""
		}
		return strings.TrimSpace(verb + " " + moment(t, loc, s.Now))
	}
	switch e.Status {
	case story.Scheduled, story.Uploading, story.Uploaded:
		if e.PublishAt.IsZero() {
			return cmp.Or(at("as soon as applied, until", e.Deadline()), "as soon as applied")
		}
		return withNote(at("", e.PublishAt), s.until(e.PublishAt))
	case story.Live:
		return withNote(at("until", e.ExpiresAt), leftText(e.ExpiresAt, s.Now))
	case story.Archived, story.Removed:
		return at("went out", e.PublishedAt)
	case story.Missed:
		return at("was due by", e.Deadline())
	case story.Failed:
		if e.Failure != nil {
			return at("", e.Failure.At) + ": " + e.Failure.Message
		}
	case story.Publishing, story.Unknown:
		if e.Operation != nil {
			return at("tried", e.Operation.AttemptAt)
		}
	}
	return at("", e.PublishAt)
}

// leftText is the time that is left until t: "3h12m left".
func leftText(t, now time.Time) string {
	if now.IsZero() || t.IsZero() || !t.After(now) {
		return ""
	}
	return Duration(t.Sub(now)) + " left"
}

// withNote adds a note in brackets, where there is one.
func withNote(s, note string) string {
	if note == "" || s == "" {
		return s
	}
	return s + " (" + note + ")"
}

// Entry draws one entry of the state in full.
func Entry(w io.Writer, e *state.Entry, o Options) error {
	s := newScreen(o)
	s.entry(e)
	return s.flush(w)
}

// entry draws an entry: its address, then names and values.
func (s *screen) entry(e *state.Entry) {
	loc := s.zone(e.Page)
	at := func(t time.Time) string {
		if t.IsZero() {
			return ""
		}
		return withNote(moment(t, loc, s.Now), t.UTC().Format(time.RFC3339))
	}
	var pairs [][2]string
	add := func(name, value string) {
		if value != "" {
			pairs = append(pairs, [2]string{name, value})
		}
	}
	add("status", statusText(e))
	add("page", withNote(e.Page.String(), e.PageID))
	spec := e.Spec()
	for _, a := range story.Attributes {
		switch a.Name {
		case "page":
		case "publish_at":
			add(a.Name, at(e.PublishAt))
		case "not_after":
			add(a.Name, at(e.NotAfter))
		default:
			add(a.Name, a.Text(&spec, loc))
		}
	}
	if e.Bytes > 0 {
		add("bytes", withNote(strconv.FormatInt(e.Bytes, 10), Bytes(e.Bytes)))
	}
	if e.OutRevision > 0 {
		add("out_revision", withNote(strconv.Itoa(e.OutRevision), "was out before"))
	}
	add("registered_at", at(e.RegisteredAt))
	add("media_id", e.MediaID)
	add("post_id", e.PostID)
	add("url", e.URL)
	add("published_at", at(e.PublishedAt))
	add("expires_at", at(e.ExpiresAt))
	s.inFlight(e, at, add)
	s.line(styled(bold, e.Address.String()))
	s.pairs(2, plain, pairs)
}

// inFlight lists what matters until a story is out, and how doubt ended.
func (s *screen) inFlight(e *state.Entry, at func(time.Time) string, add func(name, value string)) {
	if op := e.Operation; op != nil {
		add("run", withNote(op.Run, "began "+at(op.StartedAt)))
		add("uploaded_at", at(op.UploadedAt))
		if op.Attempt > 0 {
			add("attempt", withNote(strconv.Itoa(op.Attempt), at(op.AttemptAt)))
		}
		if op.Withdrawn {
			add("withdrawn", "it was declared otherwise since, and is not tried again")
		}
	}
	if f := e.Failure; f != nil {
		code := ""
		if f.Code != 0 {
			code = " (code " + strconv.Itoa(f.Code)
			if f.Subcode != 0 {
				code += ", subcode " + strconv.Itoa(f.Subcode)
			}
			code += ")"
		}
		add("failure", f.Op+": "+f.Message+code)
		add("failed_at", at(f.At))
		add("fbtrace_id", f.TraceID)
	}
	if r := e.Resolution; r != nil {
		decision := "not published"
		if r.Published {
			decision = "published as " + cmp.Or(r.PostID, "(post_id not known)")
		}
		add("resolved", decision+", by "+r.Who+" at "+at(r.At))
	}
}
