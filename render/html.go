package render

import (
	_ "embed"
	"encoding/base64"
	"fmt"
	"html/template"
	"io"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/sergi/go-diff/diffmatchpatch"

	"storyform/internal/diag"
	"storyform/plan"
)

//go:embed plan.html
var htmlSource string

// htmlTemplate is parsed once; a mistake in it is a programmer's.
var htmlTemplate = template.Must(template.New("plan").Parse(htmlSource))

// HTML draws a plan as one page without scripts or anything to load, to keep
// as an artifact of a CI job: each story in a phone's frame, with the zones
// that the app covers, on a timeline of its Page.
func HTML(w io.Writer, p *plan.Plan, o Options) error {
	h := &htmlBuilder{Options: o, t: newTimeline(p, o), thumbs: map[string]string{}}
	return htmlTemplate.Execute(w, h.document())
}

// The parts of the page, as the template takes them. All texts are clean;
// the template escapes them.
type (
	htmlDocument struct {
		Title, Fingerprint, Rest, Next, Made, Tool, NotAsked string
		Failed                                               bool
		Messages                                             []htmlMessage
		Pages                                                []htmlPage
		Thumbs                                               []htmlThumb
	}
	htmlMessage struct {
		Kind, Title, Where string
		Lines              []htmlLine
	}
	htmlLine struct {
		Text string
		Code bool
	}
	htmlPage struct {
		ID, Name, Zone, Facts, Count, NotCharted string
		Bars                                     []htmlBar
		Ticks                                    []htmlTick
		Days                                     []htmlDay
	}
	htmlBar struct {
		Name, Class, Title string
		Left, Width        float64 // percent of the chart
		Late               bool    // near the end: its name stands to the left
	}
	htmlTick struct {
		Text string
		Left float64
	}
	htmlDay struct {
		Date string
		Rows []htmlRow
	}
	htmlRow struct {
		Action, Glyph, Word, Clock, UTC, Stamp, Address string
		Facts, Notes                                    []string
		Source, Link                                    string
		Frames                                          []htmlFrame
		Diffs                                           []htmlDiff
		Details                                         [][2]string
	}
	htmlFrame struct {
		Caption, Alt, Thumb, Missing string
		Video                        bool
		Length                       string
	}
	htmlDiff struct {
		Name, Old, New string
		Words          []htmlWord
	}
	htmlWord  struct{ Op, Text string }
	htmlThumb struct {
		Class string
		URL   template.CSS
	}
)

// htmlBuilder turns a timeline into an htmlDocument.
type htmlBuilder struct {
	Options
	t      *timeline
	thumbs map[string]string // class by source; "" for none
	styles []htmlThumb
}

// document builds the whole page.
func (h *htmlBuilder) document() htmlDocument {
	p := h.t.plan
	d := htmlDocument{
		Title: Summary(p.Summary), Fingerprint: clean(p.Fingerprint), Rest: unchanged(p.Summary), Tool: clean(p.Tool),
		Made: p.CreatedAt.UTC().Format("Mon 2 Jan 2006 15:04 MST"), Failed: countErrors(p.Diagnostics) > 0,
	}
	if d.Title == NoChanges {
		d.Title, d.Fingerprint, d.Next = h.t.noChanges(), "", clean(h.t.next())
	} else if !p.Refreshed {
		d.NotAsked = notAsked
	}
	if d.Failed {
		d.Title, d.Next = failedLine(countErrors(p.Diagnostics)), ""
	}
	d.Messages = h.messages()
	for i := range h.t.pages {
		if v := &h.t.pages[i]; len(v.days) > 0 {
			d.Pages = append(d.Pages, h.page(v, fmt.Sprintf("page-%d", i)))
		}
	}
	d.Thumbs = h.styles
	return d
}

// messages are what could not be read, then the diagnostics, errors first.
func (h *htmlBuilder) messages() []htmlMessage {
	var out []htmlMessage
	for _, v := range h.t.pages {
		if v.Unread != "" {
			out = append(out, htmlMessage{"error", clean(v.Address.String() + " could not be read"), "", htmlLines(v.Unread)})
		}
	}
	ds := slices.Clone(h.t.plan.Diagnostics)
	slices.SortStableFunc(ds, func(x, y diag.Diagnostic) int { return int(x.Severity) - int(y.Severity) })
	for _, d := range ds {
		where := d.Address
		if d.Subject != nil {
			where = strings.TrimSpace(d.Subject.String() + " " + d.In)
		}
		out = append(out, htmlMessage{d.Severity.String(), clean(d.Summary), clean(where), htmlLines(d.Detail)})
	}
	return out
}

// htmlLines are the lines of a message; indented ones are for copying.
func htmlLines(detail string) []htmlLine {
	var out []htmlLine
	for _, l := range cleanLines(detail) {
		if t := strings.TrimSpace(l); t != "" {
			out = append(out, htmlLine{t, strings.HasPrefix(l, " ")})
		}
	}
	return out
}

// page builds one Page.
func (h *htmlBuilder) page(v *pageView, id string) htmlPage {
	ref := v.days[len(v.days)-1].rows[0].at
	if ref.IsZero() {
		ref = h.t.now
	}
	p := htmlPage{ID: id, Name: clean(pageName(v)), Zone: clean(zoneTitle(v.loc, ref))}
	var facts []string
	if v.Live > 0 {
		facts = append(facts, plural(v.Live, "story", "stories")+" live")
	}
	if v.Unmanaged > 0 {
		facts = append(facts, plural(v.Unmanaged, "other story is", "other stories are")+" live, not managed here")
	}
	if v.Waiting > 0 {
		facts = append(facts, plural(v.Waiting, "story", "stories")+" waiting")
	}
	p.Facts = strings.Join(facts, " · ")
	n := 0
	for _, d := range v.days {
		day := htmlDay{Date: "No date"}
		if !d.date.IsZero() {
			day.Date = d.date.Format(dateForm)
		}
		for i := range d.rows {
			day.Rows = append(day.Rows, h.row(v, &d.rows[i]))
		}
		n += len(d.rows)
		p.Days = append(p.Days, day)
	}
	p.Count = plural(n, "change", "changes")
	h.bars(v, &p)
	return p
}

// row builds one change.
func (h *htmlBuilder) row(v *pageView, r *row) htmlRow {
	f := r.facts()
	out := htmlRow{
		Action: string(r.Action), Glyph: strings.TrimSpace(r.glyph), Word: r.title, Clock: r.clock,
		Address: clean(r.Address.String()), Source: clean(r.Source),
	}
	if !slices.ContainsFunc(looks, func(l look) bool { return l.action == r.Action }) {
		out.Action, out.Word = "note", clean(r.title)
	}
	if !r.at.IsZero() {
		out.Stamp = r.at.UTC().Format(time.RFC3339)
		if r.clock != "now" {
			out.UTC = r.at.UTC().Format("15:04") + " UTC"
		}
	}
	out.Link = h.link(r.Source)
	for _, fact := range []string{f[0], f[2], f[3], f[4]} {
		if fact != "" {
			out.Facts = append(out.Facts, clean(fact))
		}
	}
	for _, n := range r.notes {
		out.Notes = append(out.Notes, clean(n))
	}
	out.Diffs = htmlDiffs(r.diffs)
	out.Frames = h.frames(r)
	for _, d := range h.t.details(r, v.loc) {
		out.Details = append(out.Details, [2]string{clean(d[0]), clean(d[1])})
	}
	return out
}

// htmlDiffs builds what differs.
func htmlDiffs(ds []attrDiff) []htmlDiff {
	var out []htmlDiff
	ops := map[diffmatchpatch.Operation]string{diffmatchpatch.DiffDelete: "del", diffmatchpatch.DiffInsert: "ins", diffmatchpatch.DiffEqual: ""}
	for _, d := range ds {
		hd := htmlDiff{Name: clean(d.name), Old: clean(d.old), New: clean(d.new)}
		for _, w := range d.words {
			hd.Words = append(hd.Words, htmlWord{ops[w.op], clean(w.text)})
		}
		out = append(out, hd)
	}
	return out
}

// frames builds the phones of a change: one or, where another file takes the
// place of the registered one, the old beside the new.
func (h *htmlBuilder) frames(r *row) []htmlFrame {
	f := r.facts()
	frame := func(caption, source string) htmlFrame {
		return htmlFrame{
			Caption: caption, Alt: clean(string(r.Kind) + " " + source), Thumb: h.thumb(source), Missing: clean(f[0]),
			Video: r.Kind == "video", Length: f[3],
		}
	}
	was, is := "before", "after"
	if r.Action == plan.Note { // nothing will take its place
		was, is = "went out", "not published"
	}
	for _, d := range r.Diffs {
		if d.Attribute == "source" && d.Old != "" && h.thumb(d.Old) != "" {
			return []htmlFrame{frame(was, d.Old), frame(is, r.Source)}
		}
	}
	return []htmlFrame{frame("", r.Source)}
}

// thumbTypes are the media types that a browser shows without running
// anything; SVG is not among them.
var thumbTypes = []string{"image/jpeg", "image/png", "image/gif", "image/webp"}

// thumb returns the class that shows a source's picture; "" for none. A
// picture stands in the page once, however many Pages show it.
func (h *htmlBuilder) thumb(source string) string {
	if class, ok := h.thumbs[source]; ok || h.Thumbnail == nil {
		return class
	}
	class := ""
	if mime, data := h.Thumbnail(source); len(data) > 0 && slices.Contains(thumbTypes, mime) {
		class = fmt.Sprintf("t%d", len(h.styles))
		uri := "data:" + mime + ";base64," + base64.StdEncoding.EncodeToString(data)
		h.styles = append(h.styles, htmlThumb{class, template.CSS(`url("` + uri + `")`)}) // an allowed type and base64: nothing of the source's own
	}
	h.thumbs[source] = class
	return class
}

// chart is the stretch of time that a chart shows.
type chart struct{ begin, end time.Time }

// percent is where in the chart an instant lies, to two digits.
func (c chart) percent(t time.Time) float64 {
	if !c.end.After(c.begin) {
		return 0
	}
	return math.Round(1e4*t.Sub(c.begin).Seconds()/c.end.Sub(c.begin).Seconds()) / 100
}

// maxHTMLCharted is how far apart the first and last story of a chart begin.
const maxHTMLCharted = 20 * 24 * time.Hour

// bars builds the chart of a Page's stories and when they are visible.
func (h *htmlBuilder) bars(v *pageView, p *htmlPage) {
	rows, left := v.charted(maxHTMLCharted)
	if left > 0 {
		p.NotCharted = notCharted(left)
	}
	if len(rows) == 0 {
		return
	}
	c := chart{rows[0].from, rows[0].until}
	for _, r := range rows {
		if r.from.Before(c.begin) {
			c.begin = r.from
		}
		if r.until.After(c.end) {
			c.end = r.until
		}
	}
	for _, r := range rows {
		b := htmlBar{
			Name: clean(r.Address.String()), Class: string(r.Action), Left: c.percent(r.from),
			Title: clean(moment(r.from, v.loc, h.t.now) + " to " + moment(r.until, v.loc, h.t.now)),
		}
		b.Width = math.Round(100*(c.percent(r.until)-b.Left)) / 100
		b.Late = b.Left > 60
		p.Bars = append(p.Bars, b)
	}
	p.Ticks = c.ticks(v.loc)
}

// maxTicks is how many times a chart's axis names.
const maxTicks = 9

// ticks are the times that a chart's axis names: round hours of the Page's
// day or, on long charts, days.
func (c chart) ticks(loc *time.Location) []htmlTick {
	step := 6
	for c.end.Sub(c.begin)/(time.Duration(step)*time.Hour) > maxTicks {
		step *= 2
	}
	y, m, d := c.begin.In(loc).Date()
	var out []htmlTick
	for hour := 0; ; hour += step {
		at := time.Date(y, m, d, hour, 0, 0, 0, loc) // the wall clock's hours, also where clocks are moved
		if at.After(c.end) {
			return out
		}
		if at.Before(c.begin) {
			continue
		}
		form := clockForm
		if hour%24 == 0 {
			form = dayForm
		}
		out = append(out, htmlTick{at.Format(form), c.percent(at)})
	}
}
