package config

import (
	"bytes"
	"cmp"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"
)

// The parser of HCL explains itself to people who write parsers, and one
// forgotten quote makes it complain about every later line. Here its
// complaints get the words of people who write stories, and what only follows
// from another one is left out.

// syntaxWords is what to say in place of the parser, by its summary. What is
// not here is said in its words.
var syntaxWords = map[string]string{
	"Invalid multi-line string":                  `A text ends on the line on which it begins, and here the closing quote " is missing. A line break in a text is written \n; a text of several lines is <<EOT, the lines, and EOT on a line of its own.`,
	"Unterminated template string":               `A text that begins before is never closed: its closing quote ", or the line that ends a text of several lines, is missing.`,
	"Unclosed template interpolation sequence":   "What begins with ${ ends with }, and that is missing. To write the two characters themselves, write $${.",
	"Unclosed configuration block":               "The brace { that opens this block has no closing brace }. It may also be that of a later block.",
	"Missing item separator":                     "Two elements of a list have a comma between them.",
	"Missing attribute separator":                "Two elements in braces have a comma or a line break between them.",
	"Invalid single-argument block definition":   "A block on one line has one argument at most. Write each argument on a line of its own.",
	"Unterminated tuple constructor expression":  "The bracket [ that opens this list is never closed.",
	"Unterminated object constructor expression": "The brace { that opens this value is never closed.",
	"Unterminated function call":                 "The bracket ( behind the name of this function is never closed.",
	"Unbalanced parentheses":                     "The bracket ( is never closed.",
	"Missing newline after argument":             "An argument ends with its line. Write each on a line of its own.",
	"Invalid escape sequence":                    `In a text, \ begins an escape such as \n or \", and this one there is not. The folders of a path have / between them, also on Windows; a \ itself is written \\.`,
	"Missing newline after block definition":     "A block ends with its line. Write the next one on a new line.",
}

// unclosed are the complaints of which only the first one of a file counts:
// after it, the parser is lost.
var unclosed = []string{"Invalid multi-line string", "Unterminated template string", "Unclosed template interpolation sequence"}

// tidySyntax rewrites the diagnostics of the parser.
func tidySyntax(diags hcl.Diagnostics, src []byte) hcl.Diagnostics {
	slices.SortStableFunc(diags, func(a, b *hcl.Diagnostic) int {
		if a.Subject == nil || b.Subject == nil {
			return 0
		}
		return cmp.Compare(a.Subject.Start.Byte, b.Subject.Start.Byte)
	})
	var out hcl.Diagnostics
	lost, bad := false, map[int]bool{} // bad: lines with a character that means nothing
	for _, d := range diags {
		if d.Subject == nil || d.Severity != hcl.DiagError {
			out = append(out, d)
			continue
		}
		line := d.Subject.Start.Line
		switch {
		case slices.Contains(unclosed, d.Summary):
			if lost {
				continue
			}
			lost = true
		case bad[line] && (d.Summary == "Invalid character" || d.Summary == "Invalid expression"):
			continue
		case d.Summary == "Invalid character":
			bad[line] = true
		}
		reword(d, src)
		out = append(out, d)
	}
	return out
}

// reword says one complaint in other words.
func reword(d *hcl.Diagnostic, src []byte) {
	if words := syntaxWords[d.Summary]; words != "" {
		d.Detail = words
		return
	}
	at := src[min(d.Subject.Start.Byte, len(src)):min(d.Subject.End.Byte, len(src))]
	after := bytes.TrimLeft(src[min(d.Subject.End.Byte, len(src)):], " \t")
	switch d.Summary {
	case "Argument or block definition required":
		d.Detail = `Only an argument, name = value, or a block, name "label" { … }, can stand here.`
		if bytes.HasPrefix(after, []byte(":")) {
			d.Detail = "An argument has an equals sign, not a colon: " + string(at) + " = …."
		}
	case "Invalid block definition":
		name, _, _ := bytes.Cut(bytes.TrimLeft(lineOf(src, d.Subject.Start), " \t"), []byte(" "))
		d.Detail = `A block has { at the end of its first line. If this is an argument, it has an equals sign: ` + string(name) + " = …."
	case "Invalid character":
		if strings.ContainsAny(string(at), "“”„‘’«»") {
			d.Detail = `These are the quotes of a word processor. A text has straight ones: ".`
		}
	case "Invalid expression":
		if len(bytes.TrimSpace(at)) == 0 {
			d.Detail = "The line ends where a value is missing."
		}
	}
}

// lineOf is the line of source that a position is on.
func lineOf(src []byte, p hcl.Pos) []byte {
	at := min(p.Byte, len(src))
	rest, _, _ := bytes.Cut(src[bytes.LastIndexByte(src[:at], '\n')+1:], []byte("\n"))
	return rest
}
