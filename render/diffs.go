package render

import (
	"strings"
	"time"
	"unicode"

	"github.com/sergi/go-diff/diffmatchpatch"

	"storyform/plan"
)

// attrDiff is one attribute that differs, as it is shown.
type attrDiff struct {
	name     string
	old, new string
	words    []wordDiff // for long texts: the same difference word by word; else nil
}

// wordDiff is a stretch of words that stayed, went or came.
type wordDiff struct {
	op   diffmatchpatch.Operation
	text string
}

// wordsFrom is the length from which a text of several words is shown with
// its differences marked inside, in bytes.
const wordsFrom = 30

// notSet stands for the value of an attribute that has none.
const notSet = "(not set)"

// diffs are the differences of a change in the words of people: times of the
// Page, hashes short enough to compare by eye.
func (t *timeline) diffs(c *plan.Change, loc *time.Location) []attrDiff {
	out := make([]attrDiff, 0, len(c.Diffs))
	for _, d := range c.Diffs {
		a := attrDiff{name: d.Attribute, old: t.value(d.Old, loc), new: t.value(d.New, loc)}
		switch {
		case d.Attribute == "sha256":
			a.name, a.old, a.new = "content", shortHash(d.Old), shortHash(d.New)
		case sameDay(d.Old, d.New, loc):
			a.old, _, _ = clockOf(d.Old, loc)
			a.new, _, _ = clockOf(d.New, loc)
		case len(d.Old) >= wordsFrom && len(d.New) >= wordsFrom && strings.Contains(d.Old, " "):
			a.words = diffWords(d.Old, d.New)
		}
		if a.old == "" {
			a.old = notSet
		}
		if a.new == "" {
			a.new = notSet
		}
		out = append(out, a)
	}
	return out
}

// clockOf reads an instant and returns its time of day and day in loc.
func clockOf(text string, loc *time.Location) (clock, day string, ok bool) {
	at, err := time.Parse(time.RFC3339, text)
	if err != nil {
		return "", "", false
	}
	at = at.In(loc)
	return at.Format(clockForm), at.Format(time.DateOnly), true
}

// sameDay reports whether two texts are instants of one day in loc with one
// offset, so that their times of day say it all.
func sameDay(a, b string, loc *time.Location) bool {
	x, errX := time.Parse(time.RFC3339, a)
	y, errY := time.Parse(time.RFC3339, b)
	if errX != nil || errY != nil {
		return false
	}
	x, y = x.In(loc), y.In(loc)
	return x.Format(time.DateOnly+" -07:00") == y.Format(time.DateOnly+" -07:00")
}

// diffWords compares two texts word by word. Words are mapped to single
// runes first: a comparison by characters would find 2→3 inside 20 %, which
// nobody reads as 20 % → 30 %.
func diffWords(old, new string) []wordDiff {
	index := map[string]rune{}
	var words []string
	encode := func(s string) []rune {
		var out []rune
		for _, w := range splitWords(s) {
			r, ok := index[w]
			if !ok {
				words = append(words, w)
				r = wordRune(len(words) - 1)
				index[w] = r
			}
			out = append(out, r)
		}
		return out
	}
	a, b := encode(old), encode(new)
	dmp := diffmatchpatch.New()
	dmp.DiffTimeout = 0 // the same answer on every machine; texts are short
	var out []wordDiff
	for _, d := range dmp.DiffMainRunes(a, b, false) {
		var text strings.Builder
		for _, r := range d.Text {
			text.WriteString(words[wordIndex(r)])
		}
		out = append(out, wordDiff{d.Type, text.String()})
	}
	return out
}

// surrogates begin and end the runes that are no characters; a string can't
// hold them, so that wordRune leaves them out.
const surrogatesBegin, surrogatesEnd = 0xd800, 0xe000

// wordRune is the rune that stands for the i-th word.
func wordRune(i int) rune {
	r := rune(i + 1)
	if r >= surrogatesBegin {
		r += surrogatesEnd - surrogatesBegin
	}
	return r
}

// wordIndex is the reverse of wordRune.
func wordIndex(r rune) int {
	if r >= surrogatesEnd {
		r -= surrogatesEnd - surrogatesBegin
	}
	return int(r) - 1
}

// splitWords cuts s into words and what is between them; joined again they
// are s.
func splitWords(s string) []string {
	var out []string
	begin, kind := 0, -1
	for i, r := range s {
		k := 0
		switch {
		case unicode.IsSpace(r):
			k = 1
		case strings.ContainsRune(`,;=/"`, r):
			k = 2
		}
		if k != kind && i > begin {
			out = append(out, s[begin:i])
			begin = i
		}
		kind = k
	}
	if begin < len(s) {
		out = append(out, s[begin:])
	}
	return out
}
