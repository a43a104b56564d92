package config

import (
	"strings"
	"testing"

	"github.com/zclconf/go-cty/cty"
)

// A list that is wide has a line for each element, wherever it is; what is
// written parses as it was.
func TestWideListsAreSpread(t *testing.T) {
	link := strings.Repeat("x", 70)
	wide := cty.TupleVal([]cty.Value{cty.StringVal(link), cty.NullVal(cty.String)})
	for _, test := range []struct {
		name  string
		value cty.Value
		want  string
	}{
		{"short", cty.TupleVal([]cty.Value{cty.True, cty.NumberIntVal(2)}), "[true, 2]"},
		{"wide", wide, "[\n  \"" + link + "\",\n  null,\n]"},
		{"in an object", cty.ObjectVal(map[string]cty.Value{"a b": wide, "n": cty.Zero}), "{\n  \"a b\" = [\n    \"" + link + "\",\n    null,\n  ]\n  n = 0\n}"},
		{"a set in a list", cty.TupleVal([]cty.Value{cty.SetVal([]cty.Value{cty.StringVal(link)})}), "[\n  [\n    \"" + link + "\",\n  ],\n]"},
	} {
		got := expressionText(test.value)
		if got != test.want {
			t.Errorf("%s: got\n%s\nwant\n%s", test.name, got, test.want)
		}
	}
}
