package diag

import (
	"encoding/json"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func at(file string, offset int) Range {
	return Range{Filename: file, Start: Pos{Line: 1 + offset, Column: 1, Byte: offset}, End: Pos{Line: 1 + offset, Column: 2, Byte: offset + 1}}
}

func TestSort(t *testing.T) {
	ds := Diagnostics{
		Errorf("nowhere", ""), Warnf("b9", "").At(at("b", 9)), Errorf("a5", "").At(at("a", 5)), Warnf("a1", "").At(at("a", 1)),
		Warnf("a5 warns", "").At(at("a", 5)), Errorf("nowhere either", ""),
	}
	ds.Sort()
	var got []string
	for _, d := range ds {
		got = append(got, d.Summary)
	}
	if diff := cmp.Diff([]string{"a1", "a5", "a5 warns", "b9", "nowhere", "nowhere either"}, got); diff != "" {
		t.Errorf("order (-want +got):\n%s", diff)
	}
}

func TestHasErrors(t *testing.T) {
	if (Diagnostics{Warnf("w", "")}).HasErrors() || !(Diagnostics{Warnf("w", ""), Errorf("e", "")}).HasErrors() {
		t.Error("only errors are errors")
	}
}

func TestString(t *testing.T) {
	d := Errorf("Bad time", "%s is bad", "x").At(at("s.story.hcl", 3))
	if got, want := d.String(), "s.story.hcl:4: error: Bad time; x is bad"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	if d := Errorf("x", "").At(Range{}); d.Subject != nil {
		t.Error("a range that points nowhere is no subject")
	}
}

func TestSeverityText(t *testing.T) {
	for _, s := range []Severity{Error, Warning} {
		text, err := json.Marshal(s)
		var back Severity
		if err != nil || json.Unmarshal(text, &back) != nil || back != s {
			t.Errorf("%s does not survive JSON: %s, %v", s, text, err)
		}
	}
	var s Severity
	if err := s.UnmarshalText([]byte("fatal")); err == nil {
		t.Error("an unknown severity: got no error")
	}
	if got, want := Severity(0).String(), "invalid severity 0"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}
