package cli

import (
	"fmt"
	"strings"

	"github.com/sergi/go-diff/diffmatchpatch"
)

// diffContext is how many unchanged lines are shown around a change.
const diffContext = 3

// lineDiff shows what changes between two versions of a file, as a unified
// diff without line numbers.
func lineDiff(name, before, after string) string {
	dmp := diffmatchpatch.New()
	a, b, lines := dmp.DiffLinesToChars(before, after)
	diffs := dmp.DiffCharsToLines(dmp.DiffMain(a, b, false), lines)
	var out strings.Builder
	fmt.Fprintf(&out, "--- old/%s\n+++ new/%s\n", name, name)
	for i, d := range diffs {
		text := strings.Split(strings.TrimSuffix(d.Text, "\n"), "\n")
		switch d.Type {
		case diffmatchpatch.DiffEqual:
			for _, line := range around(text, i > 0, i < len(diffs)-1) {
				out.WriteString(" " + line + "\n")
			}
		case diffmatchpatch.DiffDelete:
			out.WriteString("-" + strings.Join(text, "\n-") + "\n")
		case diffmatchpatch.DiffInsert:
			out.WriteString("+" + strings.Join(text, "\n+") + "\n")
		}
	}
	return out.String()
}

// around keeps of an unchanged stretch what is next to a change before or
// behind it.
func around(lines []string, head, tail bool) []string {
	keep := make([]string, 0, 2*diffContext)
	switch {
	case head && tail && len(lines) <= 2*diffContext:
		return lines
	case head && tail:
		keep = append(keep, lines[:diffContext]...)
		keep = append(keep, "...")
		return append(keep, lines[len(lines)-diffContext:]...)
	case head:
		return lines[:min(len(lines), diffContext)]
	case tail:
		return lines[max(0, len(lines)-diffContext):]
	}
	return nil
}
