package render

import (
	"bytes"
	"fmt"
	"io"
	"slices"
	"strings"
	"unicode/utf8"

	"storyform/internal/diag"
)

// maxSnippet is how many source lines of one diagnostic are shown.
const maxSnippet = 8

// Diagnostics draws messages as Terraform does: what is wrong, the line of
// the configuration, the values in it, and what to do. The sources are the
// files' contents by the names in the ranges. Without colour, ^ marks under
// the line take the place of underlining, because logs of CI lose the latter.
//
// Warnings that say the same are drawn once with a count, and of those that
// only have the same summary the first maxAlike, except with Verbose: for_each
// over two hundred Pages must not hide the one other warning. Errors are all
// drawn.
func Diagnostics(w io.Writer, ds diag.Diagnostics, sources map[string][]byte, o Options) error {
	s := newScreen(o)
	for _, d := range consolidate(ds, o.Verbose) {
		inner := newScreen(o)
		if o.Boxed {
			inner.Width = o.width() - 2
		}
		inner.diagnostic(d, sources)
		s.boxed(inner.b.String(), severityStyle(d.Severity))
	}
	return s.flush(w)
}

// message is a diagnostic with how many more say the same.
type message struct {
	diag.Diagnostic
	more int
}

// maxAlike is how many warnings with one summary are drawn when each says
// something else.
const maxAlike = 3

// consolidate joins warnings that are alike: one that says what another said is
// counted there, and one too many with the summary of others at the last of them.
func consolidate(ds diag.Diagnostics, all bool) []message {
	var out []message
	for _, d := range ds {
		if d.Severity == diag.Warning && !all {
			alike := 0
			i := slices.IndexFunc(out, func(m message) bool {
				if m.Severity != d.Severity || m.Summary != d.Summary {
					return false
				}
				alike++
				return m.Detail == d.Detail || alike == maxAlike
			})
			if i >= 0 {
				out[i].more++
				continue
			}
		}
		out = append(out, message{Diagnostic: d})
	}
	return out
}

// severityStyle is the colour of a severity.
func severityStyle(s diag.Severity) style {
	if s == diag.Warning {
		return boldAmber
	}
	return boldRed
}

// severityTitle begins a message.
func severityTitle(s diag.Severity) string {
	if s == diag.Warning {
		return "Warning: "
	}
	return "Error: "
}

// boxed adds a drawn message, in a box on a terminal.
func (s *screen) boxed(drawn string, st style) {
	if !s.Boxed {
		if s.b.Len() > 0 {
			s.blank()
		}
		s.b.WriteString(drawn)
		return
	}
	s.line(span{"╷", st})
	for l := range strings.Lines(drawn) {
		bar := "│"
		if s.Color {
			bar = "\x1b[" + string(st) + "m│\x1b[0m"
		}
		s.b.WriteString(strings.TrimRight(bar+" "+strings.TrimSuffix(l, "\n"), " ") + "\n")
	}
	s.line(span{"╵", st})
}

// diagnostic draws one message.
func (s *screen) diagnostic(d message, sources map[string][]byte) {
	s.hang(0, []span{styled(severityStyle(d.Severity), severityTitle(d.Severity))}, bold, d.Summary)
	if d.Subject != nil && !d.Subject.IsZero() {
		s.blank()
		s.snippet(d.Diagnostic, sources[d.Subject.Filename])
	} else if d.Address != "" {
		s.blank()
		s.line(text("  with " + d.Address))
	}
	if len(d.Values) > 0 {
		s.line(styled(dim, "    ├────────────────"))
		for _, v := range d.Values {
			s.hang(0, []span{styled(dim, "    │ ")}, plain, v.Expr+" is "+v.Text)
		}
	}
	if d.Detail != "" {
		s.blank()
		s.detail(d.Detail)
	}
	if d.more > 0 {
		s.blank()
		s.line(text("(and " + plural(d.more, "more similar warning", "more similar warnings") + " elsewhere)"))
	}
}

// detail draws the sentences: paragraphs wrapped, indented lines as they are.
func (s *screen) detail(detail string) {
	for _, l := range strings.Split(strings.TrimRight(strings.ReplaceAll(detail, "\r\n", "\n"), "\n"), "\n") {
		switch {
		case strings.TrimSpace(l) == "":
			s.blank()
		case l[0] == ' ' || l[0] == '\t':
			s.line(text(l))
		default:
			s.paragraph(0, plain, l)
		}
	}
}

// snippet draws where a message points.
func (s *screen) snippet(d diag.Diagnostic, src []byte) {
	where := fmt.Sprintf("  on %s line %d", d.Subject.Filename, d.Subject.Start.Line)
	if d.In != "" {
		where += ", in " + d.In
	}
	if d.Address != "" && !strings.Contains(d.In, d.Address) && strings.Contains(d.Address, "[") {
		s.line(text("  with " + d.Address + ","))
	}
	lines := sourceLines(src, d)
	if len(lines) == 0 {
		s.line(text(where + "."))
		return
	}
	s.line(text(where + ":"))
	for _, l := range lines {
		s.sourceLine(l, d.Subject.Start.Line == l.number)
	}
}

// sourceLine is one line of a snippet; mark is what of it to point at.
type sourceLine struct {
	number             int
	before, mark, tail string
}

// shownLines says which lines of a file a message shows: those around its
// subject, if they are not too many, or only those of the subject itself.
func shownLines(d diag.Diagnostic) (first, last int) {
	first, last = d.Subject.Start.Line, max(d.Subject.End.Line, d.Subject.Start.Line)
	if last > first && d.Subject.End.Column == 1 {
		last-- // it ends with the line before
	}
	if c := d.Context; c != nil && c.Filename == d.Subject.Filename && c.Start.Line <= first && c.End.Line >= last && c.End.Line-c.Start.Line < maxSnippet {
		first, last = c.Start.Line, c.End.Line
	}
	return first, min(last, first+maxSnippet-1)
}

// sourceLines cuts out of a file the lines that a message shows. A range
// that does not fit the file, which changed since or is not there, shows
// nothing.
func sourceLines(src []byte, d diag.Diagnostic) []sourceLine {
	first, last := shownLines(d)
	var out []sourceLine
	number, offset := 0, 0
	for l := range bytes.Lines(src) {
		number++
		begin := offset
		offset += len(l)
		if number < first || number > last {
			continue
		}
		line := bytes.TrimRight(l, "\r\n")
		from, to := clamp(d.Subject.Start.Byte-begin, len(line)), clamp(d.Subject.End.Byte-begin, len(line))
		if number < d.Subject.Start.Line || number > d.Subject.End.Line || from > to {
			from, to = len(line), len(line)
		}
		mark := string(line[from:to])
		if number == d.Subject.Start.Line && from == len(line) && from == to {
			mark = " " // the end of the line, or what would stand there
		}
		out = append(out, sourceLine{number, string(line[:from]), mark, string(line[to:])})
	}
	return out
}

// clamp brings n between 0 and limit.
func clamp(n, limit int) int { return max(0, min(n, limit)) }

// sourceLine draws one line of a snippet, with a mark under it where that is
// wanted: of a subject of several lines, only the first gets one.
func (s *screen) sourceLine(l sourceLine, marked bool) {
	number := fmt.Sprintf("%4d: ", l.number)
	room := s.width() - columns(number)
	before, mark, tail := expand(l.before), expand(l.mark), expand(l.tail)
	if columns(before)+columns(mark) > room { // far to the right: begin shortly before the mark
		cut := columns(before) - room/4
		if cut > 0 {
			_, before = splitAt(before, cut)
			before = "…" + before
		}
	}
	mark = truncate(mark, max(1, room-columns(before)))
	tail = truncate(tail, max(1, room-columns(before)-columns(mark)))
	s.line(text(number), span{before, plain}, span{mark, underline}, span{tail, plain})
	if n := columns(mark); n > 0 && !s.Color && marked {
		indent := columns(number) + columns(before)
		if indent+n <= s.width()+1 {
			s.line(text(strings.Repeat(" ", indent) + strings.Repeat("^", n)))
		}
	}
}

// expand cleans a piece of a source line, with tabs as two spaces.
func expand(s string) string {
	if !utf8.ValidString(s) {
		s = strings.ToValidUTF8(s, "�")
	}
	return clean(strings.ReplaceAll(s, "\t", "  "))
}
