package render

import (
	"io"
	"strings"

	"github.com/rivo/uniseg"
)

// style is the parameters of a terminal's SGR sequence.
type style string

// The styles that the screens use.
const (
	plain     style = ""
	bold      style = "1"
	dim       style = "2"
	underline style = "4"
	red       style = "31"
	green     style = "32"
	yellow    style = "33"
	magenta   style = "35"
	cyan      style = "36"
	boldRed   style = "1;31"
	boldAmber style = "1;33"
	boldGreen style = "1;32"
)

// span is a piece of one line in one style. Its text is clean: spans are
// made by styled and text only.
type span struct {
	text  string
	style style
}

// styled returns a span of cleaned text.
func styled(st style, s string) span { return span{clean(s), st} }

// text returns a span without style.
func text(s string) span { return styled(plain, s) }

// columns is how many columns of a terminal s takes.
func columns(s string) int {
	if isPlain(s) {
		return len(s)
	}
	return uniseg.StringWidth(s)
}

// width is how many columns the spans take together.
func width(spans []span) int {
	n := 0
	for _, s := range spans {
		n += columns(s.text)
	}
	return n
}

// screen collects the lines of a text output.
type screen struct {
	Options
	b strings.Builder
}

// newScreen returns an empty screen.
func newScreen(o Options) *screen { return &screen{Options: o} }

// line adds a line of spans.
func (s *screen) line(spans ...span) {
	var raw strings.Builder
	for _, sp := range spans {
		raw.WriteString(sp.text)
	}
	bare := strings.TrimRight(raw.String(), " ")
	if safe := defuseLine(clean(bare)); !s.Color || safe != bare { // what only became harmful by joining spans goes without colour
		s.b.WriteString(safe)
		s.b.WriteByte('\n')
		return
	}
	for _, sp := range trimRight(spans) {
		if sp.style == plain || sp.text == "" {
			s.b.WriteString(sp.text)
			continue
		}
		s.b.WriteString("\x1b[" + string(sp.style) + "m" + sp.text + "\x1b[0m")
	}
	s.b.WriteByte('\n')
}

// blank adds an empty line.
func (s *screen) blank() { s.b.WriteByte('\n') }

// paragraph adds text wrapped to the width, indented by indent columns.
func (s *screen) paragraph(indent int, st style, t string) {
	s.hang(indent, nil, st, t)
}

// hang adds text after a prefix, wrapped to the width. Lines after the first
// are indented to where the text begins, at column indent or after the
// prefix, whichever is further right.
func (s *screen) hang(indent int, prefix []span, st style, t string) {
	begin := max(indent, width(prefix))
	pad := strings.Repeat(" ", begin)
	for i, l := range wrap(clean(t), s.width()-begin, s.width()) {
		if i == 0 {
			lead := strings.Repeat(" ", begin-width(prefix))
			s.line(append(append([]span{}, prefix...), span{lead, plain}, span{l, st})...)
			continue
		}
		s.line(span{pad, plain}, span{l, st})
	}
}

// Hang draws a text behind a prefix, wrapped to the width, its further lines
// below where it begins.
func Hang(w io.Writer, prefix, t string, o Options) error {
	s := newScreen(o)
	s.hang(0, []span{text(prefix)}, plain, t)
	return s.flush(w)
}

// pairs adds names and values, the values below each other.
func (s *screen) pairs(indent int, st style, pairs [][2]string) {
	w := 0
	for _, p := range pairs {
		w = max(w, columns(clean(p[0])))
	}
	for _, p := range pairs {
		name := pad(clean(p[0]), w)
		s.hang(0, []span{{strings.Repeat(" ", indent), plain}, {name, dim}, {"  ", plain}}, st, p[1])
	}
}

// flush writes what was collected.
func (s *screen) flush(w io.Writer) error {
	_, err := io.WriteString(w, s.b.String())
	return err
}

// trimRight drops trailing spaces of a line.
func trimRight(spans []span) []span {
	out := append([]span{}, spans...)
	for i := len(out) - 1; i >= 0; i-- {
		out[i].text = strings.TrimRight(out[i].text, " ")
		if out[i].text != "" {
			break
		}
	}
	return out
}

// pad fills s with spaces up to n columns.
func pad(s string, n int) string {
	if missing := n - columns(s); missing > 0 {
		return s + strings.Repeat(" ", missing)
	}
	return s
}

// padLeft puts spaces before s up to n columns.
func padLeft(s string, n int) string {
	if missing := n - columns(s); missing > 0 {
		return strings.Repeat(" ", missing) + s
	}
	return s
}

// truncate cuts s to n columns, with … at the end where something is missing.
func truncate(s string, n int) string {
	if columns(s) <= n {
		return s
	}
	head, _ := splitAt(s, max(n-1, 0))
	return head + "…"
}

// splitAt cuts s after as many characters as fit into n columns.
func splitAt(s string, n int) (head, tail string) {
	if n < len(s) && isPlain(s[:n+1]) {
		return s[:n], s[n:]
	}
	rest, state, used := s, -1, 0
	for rest != "" {
		_, next, w, st := uniseg.FirstGraphemeClusterInString(rest, state)
		if used+w > n {
			break
		}
		used += w
		rest, state = next, st
	}
	return s[:len(s)-len(rest)], rest
}

// wrap breaks a line at spaces into pieces of at most n columns. A longer
// word, such as a path or a hash, has a line of its own and stays in one
// piece, so that it can be copied, unless it takes more than hard columns. It
// returns at least one piece.
func wrap(s string, n, hard int) []string {
	n = max(n, 8)
	hard = max(n, hard)
	var lines []string
	current, used := "", 0
	for word := range strings.FieldsSeq(s) {
		w := columns(word)
		if current != "" && used+1+w <= n {
			current, used = current+" "+word, used+1+w
			continue
		}
		if current != "" {
			lines = append(lines, current)
		}
		for w > hard && !strings.HasPrefix(word, "https://") { // a broken link is none
			head, tail := splitAt(word, hard)
			if head == "" {
				break
			}
			lines, word, w = append(lines, head), tail, w-columns(head)
		}
		current, used = word, w
	}
	if current != "" || len(lines) == 0 {
		lines = append(lines, current)
	}
	return lines
}

// tableRow adds a row of cells, each as wide as its column and two apart.
func (s *screen) tableRow(indent int, row []span, widths []int) {
	line := []span{{strings.Repeat(" ", indent), plain}}
	for i, c := range row {
		line = append(line, c)
		if i < len(row)-1 {
			line = append(line, span{strings.Repeat(" ", widths[i]-columns(c.text)+gap(widths[i])), plain})
		}
	}
	s.line(line...)
}

// columnWidths is the widest cell of each column.
func columnWidths(rows [][]span) []int {
	var widths []int
	for _, r := range rows {
		for i, c := range r {
			if i == len(widths) {
				widths = append(widths, 0)
			}
			widths[i] = max(widths[i], columns(c.text))
		}
	}
	return widths
}

// tableWidth is how many columns a table of these rows takes.
func tableWidth(rows [][]span) int {
	n := 0
	for _, w := range columnWidths(rows) {
		n += w + gap(w)
	}
	return max(n-2, 0)
}

// gap is the space after a column: none after an empty one.
func gap(width int) int {
	if width == 0 {
		return 0
	}
	return 2
}
