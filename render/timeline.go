package render

import (
	"cmp"
	"iter"
	"slices"
	"strconv"
	"strings"
	"time"

	"storyform/plan"
	"storyform/story"
)

// look is how an action appears: its glyph and colour, and what it means in
// words that need no manual.
type look struct {
	action plan.Action
	glyph  string
	style  style
	legend string // what the glyph means
	title  string // what is done, in a word or two
	// terraform is Terraform's word for it in JSON lines.
	terraform string
}

// looks has a row for every action, in the order of a legend.
var looks = []look{
	{plan.Publish, "+", green, "publish now, or schedule for its time", "publish now", "create"},
	{plan.Schedule, "+", green, "publish now, or schedule for its time", "schedule", "create"},
	{plan.Modify, "~", yellow, "change before it goes out", "change", "update"},
	{plan.Cancel, "-", red, "cancel: it will not go out", "cancel", "delete"},
	{plan.Resume, ">", cyan, "go on with an interrupted upload and publish", "resume", "create"},
	{plan.Upload, ">", cyan, "upload ahead: it goes out at its time", "upload", "create"},
	{plan.Adopt, "<", green, "already on the Page: record it", "adopt", "import"},
	{plan.Settle, "?", magenta, "may be out: ask the Page before anything else", "settle", "read"},
	{plan.Missed, "!", red, "missed: its time is over, it will not go out", "missed", "noop"},
	{plan.Forget, ".", dim, "out, but no longer in the configuration", "forget", "forget"},
	{plan.Note, " ", plain, "", "note", "noop"},
}

// lookOf returns how an action appears; one that is not known here has its
// name and no glyph.
func lookOf(a plan.Action) look {
	for _, l := range looks {
		if l.action == a {
			return l
		}
	}
	return look{action: a, glyph: " ", title: string(a), terraform: "noop"}
}

// timeline is a plan as it is drawn: by Page, then by day, then by time, all
// in the Page's own zone.
type timeline struct {
	plan  *plan.Plan
	now   time.Time
	pages []pageView
}

// pageView is one Page of a timeline.
type pageView struct {
	plan.Page
	loc  *time.Location
	days []dayView
}

// dayView is what happens on a Page on one day.
type dayView struct {
	date time.Time // any instant of the day, in the Page's zone; zero: no day is known
	rows []row
}

// rows yields the changes of a Page in the order of time.
func (v *pageView) rows() iter.Seq[*row] {
	return func(yield func(*row) bool) {
		for _, d := range v.days {
			for i := range d.rows {
				if !yield(&d.rows[i]) {
					return
				}
			}
		}
	}
}

// row is one change.
type row struct {
	*plan.Change
	look
	at    time.Time // when it happens or happened; zero: not known
	clock string    // "09:00", "now", "asap", or "" where no time is known
	diffs []attrDiff
	notes []string
}

// newTimeline arranges a plan for drawing.
func newTimeline(p *plan.Plan, o Options) *timeline {
	t := &timeline{plan: p, now: o.Now}
	if t.now.IsZero() {
		t.now = p.CreatedAt
	}
	for _, page := range p.Pages {
		t.pages = append(t.pages, pageView{Page: page, loc: pageZone(page, o)})
	}
	for i := range p.Changes {
		c := &p.Changes[i]
		v := t.page(c, o)
		v.add(t.row(c, v.loc))
	}
	for i := range p.Unchanged {
		if c := &p.Unchanged[i]; o.Verbose {
			v := t.page(c, o)
			r := t.row(c, v.loc)
			r.style = dim
			v.add(r)
		}
	}
	for i := range t.pages {
		slices.SortStableFunc(t.pages[i].days, func(a, b dayView) int { return a.date.Compare(b.date) })
		for _, d := range t.pages[i].days {
			slices.SortStableFunc(d.rows, func(a, b row) int { return a.at.Compare(b.at) })
			d.nameZones(t.pages[i].loc)
		}
	}
	return t
}

// pageZone is a Page's zone: its own, or what the options know.
func pageZone(p plan.Page, o Options) *time.Location {
	if loc, err := time.LoadLocation(p.Timezone); err == nil && p.Timezone != "" && p.Timezone != "Local" {
		return loc
	}
	return o.zone(p.Address)
}

// page returns the view that a change belongs to; a Page that left the
// configuration is added.
func (t *timeline) page(c *plan.Change, o Options) *pageView {
	same := func(v pageView) bool { return v.Address == c.Page && v.ID == c.PageID }
	i := slices.IndexFunc(t.pages, same)
	if i < 0 {
		p := plan.Page{Address: c.Page, ID: c.PageID}
		t.pages = append(t.pages, pageView{Page: p, loc: pageZone(p, o)})
		i = len(t.pages) - 1
	}
	return &t.pages[i]
}

// add puts a row on its day.
func (v *pageView) add(r row) {
	day := time.Time{}
	if !r.at.IsZero() {
		y, m, d := r.at.In(v.loc).Date()
		day = time.Date(y, m, d, 12, 0, 0, 0, v.loc) // noon: never in a daylight-saving gap
	}
	i := slices.IndexFunc(v.days, func(d dayView) bool { return d.date.Equal(day) })
	if i < 0 {
		v.days = append(v.days, dayView{date: day})
		i = len(v.days) - 1
	}
	v.days[i].rows = append(v.days[i].rows, r)
}

// nameZones adds the zone to times of day that don't have the offset that the
// day began with, as on the days when clocks are put forward or back.
func (d dayView) nameZones(loc *time.Location) {
	first := story.UTCOffset(d.rows[0].at.In(loc))
	for i := range d.rows {
		r := &d.rows[i]
		if here := r.at.In(loc); !r.at.IsZero() && r.clock == here.Format(clockForm) && story.UTCOffset(here) != first {
			r.clock += " " + story.ZoneName(here)
		}
	}
}

// row arranges one change.
func (t *timeline) row(c *plan.Change, loc *time.Location) row {
	r := row{Change: c, look: lookOf(c.Action), at: c.PublishAt}
	switch {
	case c.Action == plan.Publish || c.Action == plan.Resume:
		r.at, r.clock = t.now, "now"
	case c.Action == plan.Adopt && c.Found != nil && !c.Found.CreatedAt.IsZero():
		r.at = c.Found.CreatedAt
	case c.PublishAt.IsZero() && (c.Action == plan.Schedule || c.Action == plan.Modify):
		r.clock = "asap"
	case c.PublishAt.IsZero():
		r.at, _, _ = r.visible() // when it went out
	}
	if r.clock == "" && !r.at.IsZero() {
		r.clock = r.at.In(loc).Format(clockForm)
	}
	r.diffs = t.diffs(c, loc)
	r.notes = t.notes(c, loc)
	return r
}

// notes are the sentences about a change, without its differences.
func (t *timeline) notes(c *plan.Change, loc *time.Location) []string {
	var notes []string
	goesOut := c.Action == plan.Publish || c.Action == plan.Resume
	reason := c.Reason
	if c.Action == plan.Resume && c.Offset > 0 { // in units that people use
		reason = "the upload was interrupted; " + Bytes(c.Offset) + " of " + Bytes(c.Bytes) + " are there"
	}
	if goesOut && !c.PublishAt.IsZero() && t.now.Sub(c.PublishAt) >= time.Minute {
		due := "due " + c.PublishAt.In(loc).Format(clockForm)
		if c.PublishAt.In(loc).Format(time.DateOnly) != t.now.In(loc).Format(time.DateOnly) {
			due = "due " + moment(c.PublishAt, loc, t.now)
		}
		if strings.HasPrefix(reason, "+") { // "+14m late": one sentence
			reason = due + ", " + reason
		} else {
			notes = append(notes, due)
		}
	}
	if reason != "" {
		notes = append(notes, reason)
	}
	if c.PublishAt.IsZero() && (goesOut || c.Action == plan.Schedule || c.Action == plan.Modify) {
		switch {
		case !c.NotAfter.IsZero():
			notes = append(notes, "no later than "+moment(c.NotAfter, loc, t.now))
		case c.Window > 0:
			notes = append(notes, "no later than "+Duration(c.Window)+" after the first apply")
		}
	}
	if len(c.After) > 0 && (goesOut || c.Action == plan.Schedule || c.Action == plan.Modify) {
		names := make([]string, len(c.After))
		for i, a := range c.After {
			names[i] = a.String()
		}
		notes = append(notes, "after "+strings.Join(names, ", "))
	}
	return notes
}

// facts are what is known about a change's media, for people: kind, source,
// size in pixels, length, size in bytes. What is not known is "".
func (r *row) facts() [5]string {
	f := [5]string{string(r.Kind), r.Source}
	if r.Media.Width > 0 && r.Media.Height > 0 {
		f[2] = strconv.Itoa(r.Media.Width) + "x" + strconv.Itoa(r.Media.Height)
	}
	if r.Media.Duration > 0 {
		f[3] = playtime(r.Media.Duration)
	}
	if n := cmp.Or(r.Bytes, r.Media.Bytes); n > 0 {
		f[4] = Bytes(n)
	}
	return f
}

// charted returns what a chart shows: the rows that are or will be visible
// and begin within span of the first one. left is how many begin later: a
// chart of a year shows nothing of a day.
func (v *pageView) charted(span time.Duration) (rows []bar24, left int) {
	for r := range v.rows() {
		from, until, ok := r.visible()
		switch {
		case !ok:
		case len(rows) > 0 && from.Sub(rows[0].from) > span:
			left++
		default:
			rows = append(rows, bar24{r, from, until})
		}
	}
	return rows, left
}

// bar24 is a row with the 24 hours of its story.
type bar24 struct {
	*row
	from, until time.Time
}

// visible returns the 24 hours in which the story of a row is or will be on
// its Page; ok is false where it won't be, or that isn't known.
func (r *row) visible() (from, until time.Time, ok bool) {
	switch r.Action {
	case plan.Publish, plan.Resume, plan.Schedule, plan.Modify:
		from = r.at
	case plan.Adopt:
		from = r.at
	case plan.Forget, plan.Note:
		if r.ExpiresAt.IsZero() {
			return from, until, false
		}
		return r.ExpiresAt.Add(-story.Lifetime), r.ExpiresAt, true
	}
	if from.IsZero() {
		return from, until, false
	}
	return from, from.Add(story.Lifetime), true
}

// details are everything else about a change, for --verbose: pairs of a name
// and a value.
func (t *timeline) details(r *row, loc *time.Location) [][2]string {
	var out [][2]string
	add := func(name, value string) {
		if value != "" {
			out = append(out, [2]string{name, value})
		}
	}
	spec := r.Spec()
	for _, a := range story.Attributes {
		if a.Name != "kind" && a.Name != "source" && a.Name != "after" { // already in the row
			add(a.Name, t.value(a.Text(&spec, loc), loc))
		}
	}
	if from, until, ok := r.visible(); ok {
		add("visible", moment(from, loc, t.now)+" until "+moment(until, loc, t.now))
	}
	add("format", mediaFormat(r.Media))
	if r.Found != nil {
		add("post_id", r.Found.PostID)
		add("media_id", r.Found.MediaID)
		add("url", r.Found.URL)
	}
	if r.Offset > 0 {
		add("uploaded", Bytes(r.Offset)+" of "+Bytes(r.Bytes))
	}
	if r.Range != nil {
		add("declared", r.Range.String())
	}
	return out
}

// mediaFormat describes the inside of a file: "mp4, h264, aac, 30 fps".
func mediaFormat(m story.Media) string {
	parts := slices.DeleteFunc([]string{m.Format, m.Codec, m.AudioCodec}, func(s string) bool { return s == "" })
	if m.FPS > 0 {
		parts = append(parts, strconv.FormatFloat(m.FPS, 'f', -1, 64)+" fps")
	}
	return strings.Join(parts, ", ")
}

// value renders the text of an attribute for people: instants as moments of
// the Page, durations without their zeros, everything else as it is.
func (t *timeline) value(text string, loc *time.Location) string {
	if at, err := time.Parse(time.RFC3339, text); err == nil {
		return moment(at, loc, t.now)
	}
	if d, err := time.ParseDuration(text); err == nil && d.String() == text {
		return shortDuration(d)
	}
	return text
}
