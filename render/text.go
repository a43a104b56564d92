package render

import (
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/sergi/go-diff/diffmatchpatch"

	"storyform/internal/diag"
	"storyform/plan"
)

// Plan draws a plan as text: a timeline by Page and day in the Page's own
// zone, then the summary line and the fingerprint. Diagnostics are not part
// of it; see Diagnostics.
func Plan(w io.Writer, p *plan.Plan, o Options) error {
	if err := PlanTimeline(w, p, o); err != nil {
		return err
	}
	return PlanSummary(w, p, o)
}

// PlanSummary draws what ends a plan: the summary line, what needs nothing,
// what is next, and the fingerprint.
func PlanSummary(w io.Writer, p *plan.Plan, o Options) error {
	s := newScreen(o)
	s.ending(newTimeline(p, o))
	return s.flush(w)
}

// PlanTimeline draws a plan without its summary, so that messages can stand
// between the two: a long timeline must not carry them off the screen.
func PlanTimeline(w io.Writer, p *plan.Plan, o Options) error {
	s, t := newScreen(o), newTimeline(p, o)
	switch {
	case len(p.Changes) > 0:
		s.legend(t)
	case o.Verbose && len(p.Unchanged) > 0:
		s.paragraph(0, plain, "Nothing is to be done about these. Times are those of each Page.")
		s.blank()
	}
	oneLine := s.fitsOneLine(t)
	for i := range t.pages {
		s.page(t, &t.pages[i], oneLine)
	}
	return s.flush(w)
}

// legend explains the glyphs that occur.
func (s *screen) legend(t *timeline) {
	used := map[plan.Action]bool{}
	for i := range t.plan.Changes {
		used[t.plan.Changes[i].Action] = true
	}
	if len(used) == 1 && used[plan.Note] {
		s.paragraph(0, plain, "There is something to note. Times are those of each Page.")
		s.blank()
		return
	}
	s.paragraph(0, plain, "storyform will do the following. Times are those of each Page.")
	s.blank()
	last := ""
	for _, l := range looks {
		if l.legend != "" && l.legend != last && used[l.action] {
			last = l.legend
			s.hang(0, []span{text("  "), styled(l.style, l.glyph), text(" ")}, plain, l.legend)
		}
	}
	s.blank()
}

// Columns of a row before the address: two spaces, the glyph, a space, the
// time and two spaces.
const (
	clockWidth = 5
	rowIndent  = 2 + 1 + 1 + clockWidth + 2
)

// fitsOneLine reports whether the address and media of every row fit beside
// each other. If one does not, all are drawn on two lines, so that the eye
// finds the same thing in the same place.
func (s *screen) fitsOneLine(t *timeline) bool {
	for i := range t.pages {
		for _, d := range t.pages[i].days {
			if 2+tableWidth(dayCells(d)) > s.width() {
				return false
			}
		}
	}
	return true
}

// page draws one Page of the timeline.
func (s *screen) page(t *timeline, v *pageView, oneLine bool) {
	for _, d := range v.days {
		s.heading(t, v, d)
		cells := dayCells(d)
		widths := columnWidths(cells)
		for i := range d.rows {
			if oneLine {
				s.tableRow(2, cells[i], widths)
			} else {
				s.twoLines(cells[i])
			}
			s.below(t, v, &d.rows[i])
		}
		s.blank()
	}
	if v.Unread != "" {
		s.hang(0, []span{styled(boldRed, "! ")}, plain, v.Address.String()+" could not be read: "+v.Unread)
		s.blank()
	}
	if len(v.days) > 0 && v.Unmanaged > 0 {
		s.paragraph(2, dim, plural(v.Unmanaged, "other story is", "other stories are")+" live on "+v.Address.String()+
			", not managed here; storyform leaves them alone.")
		s.blank()
	}
}

// heading draws the line above a day: the date, the Page and its zone.
func (s *screen) heading(t *timeline, v *pageView, d dayView) {
	ref := t.now
	day := "No date"
	if !d.date.IsZero() {
		ref = d.rows[0].at
		day = d.date.Format(dateForm)
		if today := t.now.In(v.loc).Format(dateForm); today == day {
			day += " (today)"
		}
	}
	page := pageName(v) + " (" + zoneTitle(v.loc, ref) + ")"
	if columns(day)+2+columns(clean(page)) > s.width() {
		s.paragraph(0, bold, day)
		s.paragraph(2, bold, page)
		return
	}
	s.line(styled(bold, day+"  "+page))
}

// dayCells arranges the rows of a day as cells: glyph, time, address, media.
func dayCells(d dayView) [][]span {
	cells := make([][]span, len(d.rows))
	for i := range d.rows {
		r := &d.rows[i]
		f := r.facts()
		cells[i] = []span{
			styled(r.style, r.glyph+" "+pad(r.clock, clockWidth)),
			styled(bold, r.Address.String()),
			text(f[0]), text(f[1]), text(f[2]), text(f[3]), text(f[4]),
		}
	}
	for _, col := range []int{4, 5, 6} { // numbers stand right
		w := columnWidths(cells)[col]
		for i := range cells {
			cells[i][col].text = padLeft(cells[i][col].text, w)
		}
	}
	return cells
}

// twoLines draws a row with its media below the address.
func (s *screen) twoLines(row []span) {
	s.hang(rowIndent, []span{text("  "), row[0], text("  ")}, bold, row[1].text)
	var facts []string
	for _, c := range row[2:] {
		if f := strings.TrimSpace(c.text); f != "" {
			facts = append(facts, f)
		}
	}
	s.paragraph(rowIndent, plain, strings.Join(facts, ", "))
}

// below draws what stands under a row: what differs, why, and with --verbose
// all the rest.
func (s *screen) below(t *timeline, v *pageView, r *row) {
	s.diffs(r.diffs)
	if len(r.notes) > 0 {
		st := plain
		if r.Action == plan.Missed || r.Action == plan.Settle {
			st = r.style
		}
		for _, n := range r.notes {
			s.paragraph(rowIndent, st, n)
		}
	}
	if s.Verbose {
		s.pairs(rowIndent, dim, t.details(r, v.loc))
	}
}

// diffs draws what differs, one attribute a line.
func (s *screen) diffs(ds []attrDiff) {
	w := 0
	for _, d := range ds {
		w = max(w, columns(clean(d.name)))
	}
	for _, d := range ds {
		prefix := []span{text(strings.Repeat(" ", rowIndent)), text(pad(clean(d.name), w)), text("  ")}
		marked, coloured := d.old+" → "+d.new, []span{styled(red, d.old), text(" → "), styled(green, d.new)}
		if d.words != nil {
			marked, coloured = markWords(d.words), colourWords(d.words)
		}
		if s.Color && width(prefix)+width(coloured) <= s.width() {
			s.line(append(prefix, coloured...)...)
			continue
		}
		s.hang(0, prefix, plain, marked)
	}
}

// colourWords renders a difference inside a text by colour alone.
func colourWords(ds []wordDiff) []span {
	styles := map[diffmatchpatch.Operation]style{diffmatchpatch.DiffDelete: red, diffmatchpatch.DiffInsert: green}
	out := make([]span, len(ds))
	for i, d := range ds {
		out[i] = styled(styles[d.op], d.text)
	}
	return out
}

// markWords renders a difference inside a text: [-20%-]{+30%+} off.
func markWords(ds []wordDiff) string {
	var b strings.Builder
	for _, d := range ds {
		switch d.op {
		case diffmatchpatch.DiffDelete:
			b.WriteString("[-" + d.text + "-]")
		case diffmatchpatch.DiffInsert:
			b.WriteString("{+" + d.text + "+}")
		default:
			b.WriteString(d.text)
		}
	}
	return b.String()
}

// ending draws the lines after the timeline.
func (s *screen) ending(t *timeline) {
	p := t.plan
	errors := countErrors(p.Diagnostics)
	summary := Summary(p.Summary)
	switch {
	case errors > 0:
		s.line(styled(boldRed, failedLine(errors)))
	case summary == NoChanges:
		known, unknown := strings.CutSuffix(t.noChanges(), " "+notAsked)
		s.line(styled(boldGreen, "No changes."), styled(bold, strings.TrimPrefix(known, "No changes.")))
		if unknown {
			s.line(text(notAsked))
		}
	default:
		s.line(styled(bold, "Plan:"), text(strings.TrimPrefix(summary, "Plan:")))
		if !p.Refreshed {
			s.line(text(notAsked))
		}
	}
	if rest := unchanged(p.Summary); rest != "" && summary != NoChanges {
		s.line(text(rest))
	}
	if next := t.next(); next != "" && summary == NoChanges && errors == 0 {
		s.blank()
		s.paragraph(0, plain, next)
	}
	if p.Fingerprint != "" && summary != NoChanges && errors == 0 {
		s.line(text("Fingerprint: " + p.Fingerprint))
	}
}

// notAsked is said of a plan that was made without asking the Pages.
const notAsked = "The Pages were not asked what is on them."

// countErrors counts the messages that stop a plan from being applied.
func countErrors(ds diag.Diagnostics) int {
	n := 0
	for _, d := range ds {
		if d.Severity == diag.Error {
			n++
		}
	}
	return n
}

// failedLine is the summary of a plan with errors.
func failedLine(errors int) string {
	return "Plan failed: " + plural(errors, "error", "errors") + ". Nothing can be applied until that is put right."
}

// noChanges is the line of a plan without changes, no stronger than what is
// known.
func (t *timeline) noChanges() string {
	unread := 0
	for i := range t.plan.Pages {
		if t.plan.Pages[i].Unread != "" {
			unread++
		}
	}
	switch {
	case unread > 0 && unread == len(t.plan.Pages):
		return "No changes. The state matches the configuration; no Page could be read."
	case unread > 0:
		return "No changes. The Pages that could be read match the configuration."
	case !t.plan.Refreshed:
		return "No changes. The state matches the configuration. " + notAsked
	}
	return NoChanges
}

// unchanged counts what needs nothing: "Unchanged: 9 waiting, 3 live."
func unchanged(s plan.Summary) string {
	rest := join([]count{{s.Waiting, "waiting", false}, {s.Live, "live", false}})
	if rest == "" {
		return ""
	}
	return "Unchanged: " + rest + "."
}

// next says which waiting story is due first, and in how long; "" for none.
func (t *timeline) next() string {
	var first *pageView
	for i := range t.pages {
		v := &t.pages[i]
		if v.Next != nil && (first == nil || v.Next.PublishAt.Before(first.Next.PublishAt)) {
			first = v
		}
	}
	if first == nil {
		return ""
	}
	return fmt.Sprintf("Next: %s on %s, %s, %s.", first.Next.Address, first.Address,
		moment(first.Next.PublishAt, first.loc, t.now), inTime(first.Next.PublishAt.Sub(t.now)))
}

// inTime renders "in 3h12m" or, for the past, "due 5m ago".
func inTime(d time.Duration) string {
	if d <= 0 {
		return "due " + Duration(-d) + " ago"
	}
	return "in " + Duration(d)
}
