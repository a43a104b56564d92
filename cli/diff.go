package cli

import (
	"fmt"
	"strings"

	"github.com/sergi/go-diff/diffmatchpatch"
)

// diffContext is how many unchanged lines are shown around a change.
const diffContext = 3

// diffLine is a line of a difference: its sign and its text.
type diffLine struct {
	sign byte // ' ', '-' or '+'
	text string
}

// lineDiff shows what changes between two versions of a file, as a unified
// diff, which programs read, too.
func lineDiff(name, before, after string) string {
	dmp := diffmatchpatch.New()
	a, b, lines := dmp.DiffLinesToChars(before, after)
	var all []diffLine
	for _, d := range dmp.DiffCharsToLines(dmp.DiffMain(a, b, false), lines) {
		sign := map[diffmatchpatch.Operation]byte{diffmatchpatch.DiffDelete: '-', diffmatchpatch.DiffInsert: '+', diffmatchpatch.DiffEqual: ' '}[d.Type]
		for line := range strings.Lines(d.Text) {
			all = append(all, diffLine{sign, line})
		}
	}
	var out strings.Builder
	fmt.Fprintf(&out, "--- old/%s\n+++ new/%s\n", name, name)
	for from := 0; ; {
		begin, end := nextHunk(all, from)
		if begin == end {
			return out.String()
		}
		writeHunk(&out, all, begin, end)
		from = end
	}
}

// nextHunk finds the next stretch of changes from a line on, with the lines
// around them; it is empty when there are no more.
func nextHunk(all []diffLine, from int) (begin, end int) {
	begin, last := -1, -1
	for i := from; i < len(all); i++ {
		if all[i].sign == ' ' {
			continue
		}
		if begin < 0 {
			begin = max(from, i-diffContext)
		} else if i-last-1 > 2*diffContext { // the lines around do not meet
			break
		}
		last = i
	}
	if begin < 0 {
		return 0, 0
	}
	return begin, min(len(all), last+1+diffContext)
}

// writeHunk writes a stretch with the places that it has in both versions.
func writeHunk(out *strings.Builder, all []diffLine, begin, end int) {
	count := func(lines []diffLine, not byte) (n int) {
		for _, l := range lines {
			if l.sign != not {
				n++
			}
		}
		return n
	}
	place := func(not byte) string {
		first, n := count(all[:begin], not), count(all[begin:end], not)
		if n > 0 {
			first++ // of nothing, the line before it is told
		}
		return fmt.Sprintf("%d,%d", first, n)
	}
	fmt.Fprintf(out, "@@ -%s +%s @@\n", place('+'), place('-'))
	for _, l := range all[begin:end] {
		fmt.Fprintf(out, "%c%s", l.sign, l.text)
		if !strings.HasSuffix(l.text, "\n") {
			out.WriteString("\n\\ No newline at end of file\n")
		}
	}
}
