package render

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/sergi/go-diff/diffmatchpatch"

	"storyform/internal/diag"
	"storyform/plan"
	"storyform/story"
)

// Marker is the hidden first line of a plan in markdown, by which a bot finds
// its earlier comment.
const Marker = "<!-- storyform-plan -->"

// maxMarkdown bounds a plan in markdown, in bytes: GitHub refuses comments of
// more than 65,536 characters, and a wrapper adds some of its own.
const maxMarkdown = 60_000

// maxMessages is how many diagnostics are shown in full.
const maxMessages = 20

// maxCell bounds the text of one cell or message, in columns.
const maxCell = 600

// Markdown draws a plan for a comment on a pull request: what is most
// important first and never folded, then a table by Page with the 24 hours of
// visibility as a chart. It is never longer than 60,000 bytes: what does not
// fit is told in fewer words, the longest Pages first.
func Markdown(w io.Writer, p *plan.Plan, o Options) error {
	t := newTimeline(p, o)
	m := &markdown{Options: o, t: t}
	head := m.head()
	foot := "\n<sub>Times are those of each Page. storyform " + mdText(p.Tool) + "</sub>\n"
	_, err := io.WriteString(w, head+m.pages(maxMarkdown-len(head)-len(foot))+foot)
	return err
}

// markdown draws a timeline as markdown.
type markdown struct {
	Options
	t *timeline
}

// head draws what stands above the tables.
func (m *markdown) head() string {
	var b strings.Builder
	p := m.t.plan
	b.WriteString(Marker + "\n")
	summary := Summary(p.Summary)
	switch n := countErrors(p.Diagnostics); {
	case n > 0:
		b.WriteString("### " + failedLine(n) + "\n")
	case summary == NoChanges:
		b.WriteString("### " + m.t.noChanges() + "\n")
	default:
		b.WriteString("### " + summary + "\n\nFingerprint: " + mdCode(p.Fingerprint))
		if rest := unchanged(p.Summary); rest != "" {
			b.WriteString(" · " + rest)
		}
		b.WriteString("\n")
		if !p.Refreshed {
			b.WriteString("\n" + notAsked + "\n")
		}
	}
	if next := m.t.next(); next != "" && summary == NoChanges && countErrors(p.Diagnostics) == 0 {
		b.WriteString("\n" + mdText(next) + "\n")
	}
	for i := range m.t.pages {
		if v := &m.t.pages[i]; v.Unread != "" {
			b.WriteString(m.alert("CAUTION", v.Address.String()+" could not be read", "", v.Unread))
		}
		if b.Len() > maxMarkdown/4 {
			break
		}
	}
	m.messages(&b)
	return b.String()
}

// messages draws the diagnostics, errors first.
func (m *markdown) messages(b *strings.Builder) {
	ds := slices.Clone(m.t.plan.Diagnostics)
	slices.SortStableFunc(ds, func(x, y diag.Diagnostic) int { return int(x.Severity) - int(y.Severity) })
	for i, d := range ds {
		if i == maxMessages || b.Len() > maxMarkdown/2 {
			b.WriteString("\nand " + plural(len(ds)-i, "more message", "more messages") + "\n")
			return
		}
		kind, where := "CAUTION", d.Address
		if d.Severity == diag.Warning {
			kind = "WARNING"
		}
		if d.Subject != nil {
			where = d.Subject.String()
		}
		b.WriteString(m.alert(kind, d.Summary, where, d.Detail))
	}
}

// alert draws a highlighted message.
func (m *markdown) alert(kind, summary, where, detail string) string {
	var b strings.Builder
	b.WriteString("\n> [!" + kind + "]\n> **" + mdText(truncate(clean(summary), maxCell)) + "**")
	if where != "" {
		b.WriteString(" — " + mdCode(truncate(clean(where), maxCell)))
	}
	b.WriteString("\n")
	for _, l := range cleanLines(truncateLines(detail, 2*maxCell)) {
		switch {
		case strings.TrimSpace(l) == "":
			b.WriteString(">\n")
		case l[0] == ' ':
			b.WriteString("> " + mdCode(strings.TrimSpace(l)) + "<br>\n")
		default:
			b.WriteString("> " + mdLine(l) + "\n")
		}
	}
	return b.String()
}

// truncateLines bounds a text of several lines, in bytes.
func truncateLines(s string, n int) string {
	if len(s) <= n {
		return s
	}
	return strings.ToValidUTF8(s[:n], "") + "…"
}

// The amounts of detail in which a Page can be drawn, most first.
const (
	withChart = iota
	withNotes
	bareTable
	shortTable
	oneLine
)

// maxOpen is how many Pages are shown unfolded.
const maxOpen = 3

// pages draws the Pages in no more than budget bytes.
func (m *markdown) pages(budget int) string {
	var views []*pageView
	for i := range m.t.pages {
		if len(m.t.pages[i].days) > 0 {
			views = append(views, &m.t.pages[i])
		}
	}
	share := budget / max(len(views), 1)
	drawn, order, total := make([]string, len(views)), make([]int, len(views)), 0
	for i, v := range views {
		drawn[i], order[i] = m.page(v, withChart, share, len(views)), i
		total += len(drawn[i])
	}
	for level := withNotes; level <= oneLine && total > budget; level++ {
		slices.SortStableFunc(order, func(a, b int) int { return len(drawn[b]) - len(drawn[a]) })
		for _, i := range order {
			if total <= budget {
				break
			}
			total -= len(drawn[i])
			drawn[i] = m.page(views[i], level, share, len(views))
			total += len(drawn[i])
		}
	}
	return fit(drawn, budget)
}

// fit joins what fits into the budget and counts the rest.
func fit(parts []string, budget int) string {
	const reserve = 60
	total := 0
	for _, p := range parts {
		total += len(p)
	}
	var b strings.Builder
	for i, p := range parts {
		if total > budget && b.Len()+len(p) > budget-reserve {
			fmt.Fprintf(&b, "\nand %s with changes\n", plural(len(parts)-i, "more Page", "more Pages"))
			break
		}
		b.WriteString(p)
	}
	return b.String()
}

// page draws one Page at a level of detail. A shortened table takes about
// share bytes.
func (m *markdown) page(v *pageView, level, share, pages int) string {
	rows := slices.Collect(v.rows())
	begin := m.orNow(rows[0].at).In(v.loc)
	title := "<b>" + htmlText(pageName(v)) + "</b> · " + htmlText(zoneTitle(v.loc, begin)) + " · " + plural(len(rows), "change", "changes")
	if v.Unmanaged > 0 {
		title += " · " + plural(v.Unmanaged, "other story is", "other stories are") + " live, not managed here"
	}
	if level == oneLine {
		return "\n" + title + "\n"
	}
	var b strings.Builder
	open := ""
	if pages <= maxOpen {
		open = " open"
	}
	b.WriteString("\n<details" + open + "><summary>" + title + "</summary>\n\n")
	b.WriteString("| | when (" + mdText(story.ZoneName(begin)) + ") | story | media | notes |\n| --- | --- | --- | --- | --- |\n")
	for i, r := range rows {
		line := m.row(v, r, story.ZoneName(begin), level)
		if level == shortTable && i > 0 && b.Len()+len(line) > share-60 {
			b.WriteString("\nand " + plural(len(rows)-i, "more change", "more changes") + "\n")
			break
		}
		b.WriteString(line)
	}
	if level == withChart {
		b.WriteString(m.chart(v))
	}
	b.WriteString("\n</details>\n")
	return b.String()
}

// orNow is t or, when that is not known, the time of the plan.
func (m *markdown) orNow(t time.Time) time.Time {
	if t.IsZero() {
		return m.t.now
	}
	return t
}

// pageName is a Page's address or, without one, its id.
func pageName(v *pageView) string {
	if v.Address.IsZero() {
		return "Page " + v.ID
	}
	return v.Address.String()
}

// row draws one change as a row of the table, whose heading names the zone.
func (m *markdown) row(v *pageView, r *row, zone string, level int) string {
	when := ""
	if r.clock != "" {
		when = "**" + mdText(r.clock) + "**"
	}
	if !r.at.IsZero() {
		form := dayForm
		if r.at.In(v.loc).Year() != m.t.now.In(v.loc).Year() {
			form = dateForm
		}
		when = r.at.In(v.loc).Format(form) + " " + when
		if z := story.ZoneName(r.at.In(v.loc)); z != zone && !strings.HasSuffix(r.clock, z) {
			when += " " + mdText(z)
		}
	}
	f := r.facts()
	media := mdText(f[0]) + " " + m.source(f[1])
	for _, fact := range f[2:] {
		if fact != "" {
			media += ", " + mdText(fact)
		}
	}
	notes := ""
	if level <= withNotes {
		notes = strings.Join(m.notes(r), "<br>")
	}
	glyph := ""
	if r.glyph != " " {
		glyph = mdCode(r.glyph) + " "
	}
	return "| " + strings.Join([]string{glyph + mdText(r.title), when, mdCode(truncate(clean(r.Address.String()), maxCell)), media, notes}, " | ") + " |\n"
}

// source draws the name of a file, linked where readers can see it.
func (m *markdown) source(source string) string {
	name := mdCode(truncate(clean(source), maxCell))
	target := m.link(source)
	if target == "" {
		return name
	}
	return "[" + name + "](" + linkEscape.Replace(target) + ")"
}

// linkEscape keeps an address from ending the link or the cell it stands in.
var linkEscape = strings.NewReplacer("(", "%28", ")", "%29", "<", "%3C", ">", "%3E", "|", "%7C", "`", "%60", `\`, "%5C", " ", "%20", "\n", "%0A", "\r", "%0D")

// notes draws what differs and why.
func (m *markdown) notes(r *row) []string {
	var out []string
	for _, d := range r.diffs {
		text := mdText(d.name) + ": "
		if d.words == nil {
			text += mdCode(truncate(clean(d.old), maxCell)) + " → " + mdCode(truncate(clean(d.new), maxCell))
		}
		for _, word := range d.words {
			piece := mdText(truncate(clean(word.text), maxCell))
			switch word.op {
			case diffmatchpatch.DiffDelete:
				text += "<del>" + piece + "</del>"
			case diffmatchpatch.DiffInsert:
				text += "<ins>" + piece + "</ins>"
			default:
				text += piece
			}
		}
		out = append(out, text)
	}
	for _, n := range r.notes {
		out = append(out, mdText(truncate(clean(n), maxCell)))
	}
	return out
}

// maxBars and maxCharted bound a chart: the stories it shows, and how far
// apart the first and the last of them begin.
const (
	maxBars    = 40
	maxCharted = 6 * 24 * time.Hour
)

// chart draws when each story is visible, as a mermaid gantt chart. Its times
// are the Page's: mermaid reads them as local and shows them as it read them.
func (m *markdown) chart(v *pageView) string {
	rows, left := v.charted(maxCharted)
	if len(rows) == 0 {
		return ""
	}
	if len(rows) > maxBars {
		rows, left = rows[:maxBars], left+len(rows)-maxBars
	}
	axis := "%a %H:%M"
	if rows[len(rows)-1].until.Sub(rows[0].from) > 72*time.Hour {
		axis = "%a %d"
	}
	var b strings.Builder
	b.WriteString("\n```mermaid\ngantt\n  title Visible on " + mermaidName(pageName(v)) + "\n  dateFormat YYYY-MM-DD HH:mm\n  axisFormat " + axis + "\n")
	for _, r := range rows {
		tag := ""
		if r.Action == plan.Adopt || r.Action == plan.Forget || r.Action == plan.Note {
			tag = "done, "
		} else if r.clock == "now" {
			tag = "active, "
		}
		const form = "2006-01-02 15:04"
		fmt.Fprintf(&b, "  %s :%s%s, %s\n", mermaidName(r.Address.String()), tag, r.from.In(v.loc).Format(form), r.until.In(v.loc).Format(form))
	}
	b.WriteString("```\n")
	if left > 0 {
		b.WriteString("\n" + notCharted(left) + "\n")
	}
	return b.String()
}

// notCharted says what a chart leaves out.
func notCharted(n int) string {
	return plural(n, "later story is", "later stories are") + " not in the chart."
}

// mermaidName keeps of a text what can't end or change a line of mermaid.
func mermaidName(s string) string {
	name := strings.Map(func(r rune) rune {
		if unicode.IsLetter(r) || unicode.IsDigit(r) || r == '.' || r == '-' || r == '_' {
			return r
		}
		return ' '
	}, clean(s))
	return truncate(strings.Join(strings.Fields(name), " "), 60)
}

// mdText writes text so that it is read as it is: no markup, no link, and no
// mention of a person or an issue, which GitHub looks for in the finished
// text, so that only an invisible joiner keeps it from finding them.
func mdText(s string) string {
	s = clean(s)
	var b strings.Builder
	var last rune
	for i, r := range s {
		next, _ := utf8.DecodeRuneInString(s[i+utf8.RuneLen(r):])
		switch {
		case r == '_' && wordRunes(last, next):
			b.WriteRune(r)
		case strings.ContainsRune("\\`*_[]~$", r):
			b.WriteString("\\" + string(r))
		case r == '|':
			b.WriteString("&#124;")
		default:
			b.WriteRune(r)
		}
		last = r
	}
	return textEscape.Replace(b.String())
}

// textEscape writes what is special in HTML too, and parts what GitHub would
// make a link of.
var textEscape = strings.NewReplacer("&#124;", "&#124;", "&", "&amp;", "<", "&lt;", ">", "&gt;",
	"@", "@&#8288;", "#", "#&#8288;", "GH-", "GH&#8288;-", "://", "&#58;//", "www.", "www&#46;")

// wordRunes reports whether both are letters or digits, between which _ is
// only itself.
func wordRunes(a, b rune) bool {
	letter := func(r rune) bool { return unicode.IsLetter(r) || unicode.IsDigit(r) }
	return letter(a) && letter(b)
}

// mdLine is mdText for text at the beginning of a line, where more is markup:
// lists, headings, rules.
func mdLine(s string) string {
	s = mdText(s)
	if s != "" && strings.ContainsRune("-+=#:", rune(s[0])) {
		return "\\" + s
	}
	digits := strings.TrimLeft(s, "0123456789")
	if n := len(s) - len(digits); n > 0 && digits != "" && (digits[0] == '.' || digits[0] == ')') {
		return s[:n] + "\\" + digits
	}
	return s
}

// htmlText is mdText for places where markdown is not read, inside of a
// block of HTML.
func htmlText(s string) string { return textEscape.Replace(clean(s)) }

// mdCode writes text as code, in which GitHub links nothing. Back quotes do
// for most; text that could end them or a cell gets the tag and entities.
func mdCode(s string) string {
	s = clean(s)
	if s == "" {
		return ""
	}
	if strings.ContainsAny(s, "`|\\") || s != strings.TrimSpace(s) {
		return "<code>" + mdText(s) + "</code>"
	}
	return "`" + s + "`"
}
