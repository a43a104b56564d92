package config

import (
	"math/big"
	"slices"
	"testing"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/convert"
)

// TestNamesIn holds the short way to the names in an expression against the
// long one.
func TestNamesIn(t *testing.T) {
	for _, src := range []string{
		`"text"`, `""`, `12`, `true`, `null`, `var.a`, `page.acme["id"].id`, `story.s[each.key]`, `"${local.a}"`, `"x${local.a}y"`,
		`[var.a, "b"]`, `{ a = local.b, (local.c) = 1 }`, `f(local.a)`, `var.a >= 500`, `[for x in local.a : x.y]`, `(local.a)`, "<<E\nx\nE\n",
	} {
		expr, diags := hclsyntax.ParseExpression([]byte(src), "x", hcl.InitialPos)
		if diags.HasErrors() {
			t.Fatal(diags)
		}
		same := func(a, b hcl.Traversal) bool { return traversalText(a) == traversalText(b) }
		if got, want := namesIn(expr), expr.Variables(); !slices.EqualFunc(got, want, same) {
			t.Errorf("%s: got %v, want %v", src, got, want)
		}
	}
}

// TestWholeAsText holds the short way from numbers to texts against the long
// one.
func TestWholeAsText(t *testing.T) {
	huge, _, err := big.ParseFloat("1e30", 10, 512, big.ToNearestEven)
	if err != nil {
		t.Fatal(err)
	}
	labels := cty.Map(cty.String)
	for _, v := range []cty.Value{
		cty.NumberIntVal(0), cty.NumberIntVal(-7), cty.NumberIntVal(1 << 62), cty.NumberFloatVal(0.5), cty.MustParseNumberVal("0.1"),
		cty.NumberVal(huge), cty.StringVal("x"), cty.True, cty.NullVal(cty.Number), cty.UnknownVal(cty.Number), cty.EmptyTupleVal,
		cty.NumberIntVal(1).Mark(sensitive),
	} {
		v := cty.ObjectVal(map[string]cty.Value{"a": v, "b": cty.StringVal("b")})
		want, errWant := convert.Convert(v, labels)
		got, err := convert.Convert(wholeAsText(v), labels)
		if (err == nil) != (errWant == nil) || err == nil && !got.RawEquals(want) {
			t.Errorf("%#v: got %#v and %v, want %#v and %v", v, got, err, want, errWant)
		}
	}
	for _, v := range []cty.Value{cty.DynamicVal, cty.NullVal(cty.EmptyObject), cty.EmptyObjectVal, cty.NumberIntVal(1), cty.EmptyObjectVal.Mark(sensitive)} {
		if got := wholeAsText(v); !got.RawEquals(v) {
			t.Errorf("%#v: got %#v", v, got)
		}
	}
}
