package render

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"

	"storyform/internal/diag"
)

// readValidation writes diagnostics and reads them as an editor would.
func readValidation(t *testing.T, ds diag.Diagnostics, sources map[string][]byte) (text string, out struct {
	Valid       bool `json:"valid"`
	Errors      int  `json:"error_count"`
	Warnings    int  `json:"warning_count"`
	Diagnostics []struct {
		Severity string      `json:"severity"`
		Range    *diag.Range `json:"range"`
		Snippet  *struct {
			Context *string `json:"context"`
			Code    string  `json:"code"`
			Line    int     `json:"start_line"`
			Start   int     `json:"highlight_start_offset"`
			End     int     `json:"highlight_end_offset"`
			Values  []struct{ Traversal, Statement string }
		} `json:"snippet"`
	} `json:"diagnostics"`
}) {
	t.Helper()
	var b bytes.Buffer
	if err := Validation(&b, ds, sources); err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(b.Bytes(), &out); err != nil {
		t.Fatal(err)
	}
	return b.String(), out
}

func TestValidation(t *testing.T) {
	text, got := readValidation(t, mistakes(), map[string][]byte{"xmas.story.hcl": []byte(source)})
	golden(t, "validation.json", []byte(text))
	if got.Valid || got.Errors != 4 || got.Warnings != 7 || len(got.Diagnostics) != 11 {
		t.Fatalf("got valid %t, %d errors, %d warnings, %d diagnostics", got.Valid, got.Errors, got.Warnings, len(got.Diagnostics))
	}
	for i, want := range []string{"phto", `"media/ねこ/teaser-${each.key}.jpg"`, "for_each"} {
		s := got.Diagnostics[i].Snippet
		if s == nil || s.Code[s.Start:s.End] != want {
			t.Errorf("diagnostic %d: got snippet %+v, want one that highlights %s", i, s, want)
		}
	}
	if s := got.Diagnostics[2].Snippet; s.Line != 1 || strings.Count(s.Code, "\n") != 1 {
		t.Errorf("got %q from line %d, want the two lines of the context", s.Code, s.Line)
	}
	if got.Diagnostics[3].Range != nil || got.Diagnostics[5].Snippet != nil {
		t.Error("what points nowhere has a range, or what is gone has a snippet")
	}
}

// TestNothingWrong checks that there is a list, for scripts, where nothing is
// in it.
func TestNothingWrong(t *testing.T) {
	text, got := readValidation(t, nil, nil)
	if !got.Valid || !strings.Contains(text, `"diagnostics": []`) {
		t.Errorf("got %s, want valid with an empty list", text)
	}
}

// TestFarContext checks that a snippet shows the mistake even where the
// expression around it is long.
func TestFarContext(t *testing.T) {
	src := "locals {\n  a = [\n" + strings.Repeat("    1,\n", 20) + "    nope,\n  ]\n}\n"
	at := strings.Index(src, "nope")
	d := diag.Errorf("Invalid reference", "Nothing is called nope.").At(diag.Range{
		Filename: "a", Start: diag.Pos{Line: 23, Column: 5, Byte: at}, End: diag.Pos{Line: 23, Column: 9, Byte: at + 4}})
	d.Context = &diag.Range{Filename: "a", Start: diag.Pos{Line: 2, Column: 7, Byte: 13}, End: diag.Pos{Line: 24, Column: 4, Byte: at + 9}}
	sources := map[string][]byte{"a": []byte(src)}
	text := drawn(t, func(b *bytes.Buffer) error { return Diagnostics(b, diag.Diagnostics{d}, sources, Options{}) })
	if !strings.Contains(string(text), "  23:     nope,\n          ^^^^\n") {
		t.Errorf("got a snippet without the mistake:\n%s", text)
	}
	if _, got := readValidation(t, diag.Diagnostics{d}, sources); got.Diagnostics[0].Snippet.Code != "    nope," {
		t.Errorf("got %q, want the line of the mistake", got.Diagnostics[0].Snippet.Code)
	}
}
