package config

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"storyform/internal/diag"
)

// TestSchema checks that every block and attribute is documented, and that
// none is accepted and then ignored: a value of the wrong type must be an
// error wherever it is given.
func TestSchema(t *testing.T) {
	// What a block needs besides the attribute under test.
	base := map[string]string{
		"page": "id = \"104857600000002\"\n", "story": "page = page.acme\n", "output": "value = 1\n",
		"validation": "condition = false\nerror_message = \"x\"\n", "precondition": "condition = false\nerror_message = \"x\"\n",
		"assert": "condition = false\nerror_message = \"x\"\n", "moved": "from = story.old\nto = story.x\n", "import": "to = story.x\nid = \"1\"\n",
	}
	parents := map[string]string{
		"guard": "page \"t\" {\nid = \"104857600000002\"\n%s}\n", "backend": "storyform {\n%s}\n", "encryption": "storyform {\n%s}\n", "assert": "check \"t\" {\n%s}\n",
		"precondition": "story \"t\" {\npage = page.acme\nphoto = \"a.jpg\"\n%s}\n", "validation": "variable \"t\" {\ndefault = 1\n%s}\n",
	}
	var check func(specs []BlockSpec)
	check = func(specs []BlockSpec) {
		for _, b := range specs {
			if b.Doc == "" {
				t.Errorf("%s: got no documentation", b.Type)
			}
			for _, a := range b.Attrs {
				if a.Doc == "" || a.Type == "" {
					t.Errorf("%s.%s: got no documentation or type", b.Type, a.Name)
				}
				if a.Type == "any" {
					continue
				}
				if text := wrongValue(t, b, a, base[b.Type], parents[b.Type]); !strings.Contains(text, "source: [{ a = {} }]") {
					t.Errorf("%s.%s = [{ a = {} }]: got\n%s\nwant an error at the value", b.Type, a.Name, text)
				}
			}
			check(b.Blocks)
		}
	}
	check(schema)
}

// wrongValue loads a configuration with a block whose attribute has a value
// that no attribute takes, and returns the diagnostics.
func wrongValue(t *testing.T, b BlockSpec, a AttrSpec, rest, parent string) string {
	t.Helper()
	header := b.Type
	if len(b.Labels) > 0 {
		header += ` "t"`
	}
	var kept []string
	for line := range strings.Lines(rest) {
		if !strings.HasPrefix(line, a.Name+" ") {
			kept = append(kept, line)
		}
	}
	block := fmt.Sprintf("%s {\n%s = [{ a = {} }]\n%s}\n", header, a.Name, strings.Join(kept, ""))
	if parent != "" {
		block = fmt.Sprintf(parent, block)
	}
	dir := write(t, map[string]string{"a.jpg": "kind=photo", "a.story.hcl": block +
		"page \"acme\" {\nid = \"104857600000001\"\n}\nstory \"x\" {\npage = page.acme\nphoto = \"a.jpg\"\n}\n"})
	c, ds := Load(t.Context(), Options{Dir: dir, Inspect: inspectFake})
	return describe(ds, c.Sources)
}

// TestForeignWords checks that every answer to a word from elsewhere is for a
// word that means nothing here.
func TestForeignWords(t *testing.T) {
	l := newLoader(Options{})
	l.eval = newEvaluator(l)
	ours := map[string][]string{"function": l.functionNames(), "root": {"var", "local", "page", "story", "each", "self"}}
	for word := range foreign["block"] {
		if _, ok := findBlock(schema, word); ok {
			t.Errorf("got an answer for the block %s, which exists", word)
		}
	}
	for _, b := range schema {
		for _, a := range b.Attrs {
			if foreign["attribute"][a.Name] != "" || foreign[b.Type][a.Name] != "" {
				t.Errorf("got an answer for the attribute %s, which exists", a.Name)
			}
		}
	}
	for _, typ := range []string{"story", "page"} { // there, not only in the table
		for word, answer := range foreign[typ] {
			dir := write(t, map[string]string{"a.story.hcl": fmt.Sprintf("%s \"x\" {\n%s = 1\n}\n", typ, word)})
			_, ds := Load(t.Context(), Options{Dir: dir})
			if !slices.ContainsFunc(ds, func(d diag.Diagnostic) bool { return d.Detail == answer }) {
				t.Errorf("%s in a %s: got %v, want %q", word, typ, ds, answer)
			}
		}
	}
	for where, words := range ours {
		for _, word := range words {
			if foreign[where][word] != "" {
				t.Errorf("got an answer for the %s %s, which exists", where, word)
			}
		}
	}
	for where, answers := range foreign {
		for word, answer := range answers {
			if !strings.HasSuffix(answer, ".") && !strings.HasSuffix(answer, "]") && !strings.HasSuffix(answer, ")") {
				t.Errorf("%s %s: got the answer %q, want a sentence", where, word, answer)
			}
		}
	}
}
