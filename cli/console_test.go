package cli

import (
	"strings"
	"testing"
)

// TestBrackets checks when the console takes an expression for finished.
func TestBrackets(t *testing.T) {
	for src, want := range map[string]int{
		"": 0, "1 + 1\n": 0, "[\n": 1, "[\n1\n": 1, "[\n1,\n]\n": 0, "f(g(1)\n": 1, `{ a = "(" }`: 0, `"a ${f("(")} b"`: 0, "\"a ${f(\n": 3,
		`"\"("`: 0, `"$${("`: 0, `"%%{["`: 0, "\"not closed (\n": 0, "[ # (\n": 1, "[ // \"\n]": 0, ")": 0, "])(": 1, `"%{ if true }(%{ endif }"`: 0,
	} {
		var open brackets
		for line := range strings.Lines(src) {
			open.read(line)
		}
		if len(open) != want {
			t.Errorf("%q: got %d open (%s), want %d", src, len(open), open, want)
		}
	}
}
