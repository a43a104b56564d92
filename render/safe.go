package render

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// maxMarks is how many combining marks one character may carry; scripts need
// two or three, and more of them are drawn over the lines above and below.
const maxMarks = 4

// clean makes s harmless on one line of a terminal or log: what is not
// visible text (control characters of both sets, line breaks, bidirectional
// overrides, invisible characters, broken UTF-8) is shown as an escape such
// as \x1b or \u202e. Tabs become a space. What is clean stays as it is.
func clean(s string) string {
	if isPlain(s) {
		return s
	}
	var b strings.Builder
	b.Grow(len(s) + 8)
	marks := 0
	for i := 0; i < len(s); {
		r, size := utf8.DecodeRuneInString(s[i:])
		switch {
		case r == utf8.RuneError && size == 1:
			fmt.Fprintf(&b, `\x%02x`, s[i])
		case r == '\t':
			b.WriteByte(' ')
		case isMark(r):
			if marks++; marks <= maxMarks {
				b.WriteRune(r)
			} else {
				b.WriteString(escapeRune(r))
			}
			i += size
			continue
		case visible(r):
			b.WriteRune(r)
		default:
			b.WriteString(escapeRune(r))
		}
		marks = 0
		i += size
	}
	return defuse(b.String())
}

// isPlain reports whether s is printable ASCII without the characters that
// build servers react to.
func isPlain(s string) bool {
	for i := range len(s) {
		if s[i] < ' ' || s[i] > '~' || s[i] == '#' {
			return false
		}
	}
	return true
}

// visible reports whether r shows as what it is. The joiners stay: they are
// part of ordinary Persian, Hindi and emoji.
func visible(r rune) bool {
	switch r {
	case '\u200c', '\u200d':
		return true
	case '\u115f', '\u1160', '\u3164', '\uffa0': // Hangul fillers: letters without a shape
		return false
	case utf8.RuneError:
		return true
	}
	return unicode.IsGraphic(r)
}

// isMark reports whether r is drawn onto the character before it.
func isMark(r rune) bool { return unicode.Is(unicode.Mn, r) || unicode.Is(unicode.Me, r) }

// escapeRune names a character that can't be shown.
func escapeRune(r rune) string {
	switch {
	case r == '\n':
		return `\n`
	case r == '\r':
		return `\r`
	case r < 0x80:
		return fmt.Sprintf(`\x%02x`, r)
	case r < 0x10000:
		return fmt.Sprintf(`\u%04x`, r)
	}
	return fmt.Sprintf(`\U%08x`, r)
}

// buildCommands are openings that make a build server take the rest of a
// line as a command, wherever in the line they stand.
var buildCommands = strings.NewReplacer("##[", `#\#[`, "##vso[", `#\#vso[`, "##teamcity[", `#\#teamcity[`)

// defuse breaks the commands of build servers that work anywhere in a line:
// ##[group] of GitHub, ##vso[…] of Azure, ##teamcity[…].
func defuse(s string) string { return buildCommands.Replace(s) }

// defuseLine breaks a line that GitHub's runner would take for a workflow
// command, such as ::add-mask::x, by a backslash before it.
func defuseLine(line string) string {
	trimmed := strings.TrimLeftFunc(line, unicode.IsSpace)
	if !strings.HasPrefix(trimmed, "::") {
		return line
	}
	return line[:len(line)-len(trimmed)] + `\` + trimmed
}

// cleanLines is clean for each line of a text of several.
func cleanLines(s string) []string {
	s = strings.ReplaceAll(s, "\r\n", "\n")
	lines := strings.Split(strings.TrimRight(s, "\n"), "\n")
	for i, l := range lines {
		lines[i] = clean(l)
	}
	return lines
}
