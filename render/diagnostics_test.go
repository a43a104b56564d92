package render

import (
	"bytes"
	"strings"
	"testing"

	"storyform/internal/diag"
)

// source is the file that the fixtures of diagnostics point into.
const source = "story \"teaser\" {\n\tfor_each = page.acme\n  phto     = \"media/ねこ/teaser-${each.key}.jpg\" # 猫\n  window = \"2h\"\n}\n"

// rangeOf finds a piece of source.
func rangeOf(piece string) diag.Range {
	i := strings.Index(source, piece)
	pos := func(b int) diag.Pos {
		return diag.Pos{Line: 1 + strings.Count(source[:b], "\n"), Column: 1, Byte: b}
	}
	return diag.Range{Filename: "xmas.story.hcl", Start: pos(i), End: pos(i + len(piece))}
}

// mistakes are diagnostics of every shape.
func mistakes() diag.Diagnostics {
	unsupported := diag.Errorf("Unsupported argument", `An argument named "phto" is not expected here. Did you mean "photo"?`).At(rangeOf("phto"))
	unsupported.In = `story "teaser"`
	valued := diag.Errorf("No such file", "%s", "There is no file media/ねこ/teaser-id.jpg beside xmas.story.hcl. Files there are:\n\n    media/ねこ/teaser-sg.jpg\n    media/ねこ/a-name-that-is-very-long-and-must-be-kept-in-one-piece-so-that-it-can-be-copied.jpg\n\nCheck the name; upper and lower case are different.").
		At(rangeOf(`"media/ねこ/teaser-${each.key}.jpg"`))
	valued.In, valued.Address = `story "teaser"`, `story.teaser["id"]`
	valued.Values = []diag.Value{{Expr: "each.key", Text: `"id"`}}
	block := rangeOf("story \"teaser\" {\n\tfor_each = page.acme")
	wide := diag.Warnf("Same file twice on one Page", "It is published twice.").At(rangeOf("for_each"))
	wide.Context = &block
	alike := func(detail string) diag.Diagnostic { return diag.Warnf("Same file twice on one Page", "%s", detail) }
	remote := diag.Errorf("The Page can't be read", "code 190: the access token has expired. Run storyform doctor.").For(addr(`page.acme["id"]`))
	missing := diag.Errorf("Unreadable", "The file changed.").At(diag.Range{Filename: "gone.story.hcl", Start: diag.Pos{Line: 3, Byte: 900}, End: diag.Pos{Line: 3, Byte: 905}})
	return diag.Diagnostics{
		unsupported, valued, wide, alike("Another one."), remote, alike("Another one."), alike("A third one."), missing,
		alike("One too many."), alike("One more."), diag.Warnf("The one other warning", "It must be seen."),
	}
}

func TestDiagnostics(t *testing.T) {
	sources := map[string][]byte{"xmas.story.hcl": []byte(source)}
	for name, o := range map[string]Options{
		"diagnostics.txt":         {},
		"diagnostics-boxed.txt":   {Boxed: true, Color: true, Width: 72},
		"diagnostics-verbose.txt": {Verbose: true, Boxed: true, Width: 60},
	} {
		t.Run(name, func(t *testing.T) {
			golden(t, name, drawn(t, func(b *bytes.Buffer) error { return Diagnostics(b, mistakes(), sources, o) }))
		})
	}
}
