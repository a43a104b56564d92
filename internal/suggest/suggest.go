// Package suggest finds what a person probably meant.
package suggest

import (
	"slices"
	"strings"
	"unicode/utf8"
)

// Nearest returns the candidate that given is most probably a misspelling of,
// or "". Of equally good ones it returns the first by name, so that messages
// don't depend on the order of a map.
func Nearest(given string, candidates []string) string {
	if len(given) > 64 {
		return "" // not a name that anybody misspells
	}
	// A long name may hold more typing mistakes than a short one.
	best, bestDistance := "", max(1, min(3, utf8.RuneCountInString(given)/2))+1
	folded := strings.ToLower(given)
	for _, c := range slices.Sorted(slices.Values(candidates)) {
		if c == given || len(c) > len(given)+4 || len(given) > len(c)+4 {
			continue
		}
		if d := distance(folded, strings.ToLower(c)); d < bestDistance {
			best, bestDistance = c, d
		}
	}
	return best
}

// distance counts the insertions, deletions, replacements and swaps of
// neighbours that turn a into b.
func distance(a, b string) int {
	x, y := []rune(a), []rune(b)
	before, prev, row := make([]int, len(y)+1), make([]int, len(y)+1), make([]int, len(y)+1)
	for j := range prev {
		prev[j] = j
	}
	for i := 1; i <= len(x); i++ {
		row[0] = i
		for j := 1; j <= len(y); j++ {
			cost := 1
			if x[i-1] == y[j-1] {
				cost = 0
			}
			row[j] = min(row[j-1]+1, prev[j]+1, prev[j-1]+cost)
			if i > 1 && j > 1 && x[i-1] == y[j-2] && x[i-2] == y[j-1] {
				row[j] = min(row[j], before[j-2]+1)
			}
		}
		before, prev, row = prev, row, before
	}
	return prev[len(y)]
}
