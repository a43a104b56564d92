package config

import (
	"bytes"
	"slices"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/hashicorp/hcl/v2/hclwrite"

	"storyform/internal/diag"
)

// Format returns source in the canonical layout, as `terraform fmt` does: it
// moves whitespace and nothing else. It refuses source that does not parse,
// because moving whitespace in it could change what its author meant.
// Formatting the result again changes nothing.
func Format(src []byte, filename string) ([]byte, diag.Diagnostics) {
	l := newLoader(Options{})
	_, diags := parseBody(src, filename)
	l.report(noAddress, diags...)
	if ds := l.finish(); ds.HasErrors() {
		return nil, ds
	}
	// The formatter of HCL needs a second pass for some source: how it aligns
	// a line can depend on spaces that it takes out in the same pass.
	out := hclwrite.Format(src)
	for range 4 {
		again := hclwrite.Format(out)
		if bytes.Equal(out, again) {
			break
		}
		out = again
	}
	if !sameTokens(src, out) {
		return src, nil // 1 . 1 would become the number 1.1
	}
	return out, nil
}

// sameTokens reports whether two sources differ in nothing but the whitespace
// between their tokens.
func sameTokens(a, b []byte) bool {
	x, _ := hclsyntax.LexConfig(a, "", hcl.InitialPos)
	y, _ := hclsyntax.LexConfig(b, "", hcl.InitialPos)
	return slices.EqualFunc(x, y, func(s, t hclsyntax.Token) bool {
		return s.Type == t.Type && bytes.Equal(bytes.TrimSpace(s.Bytes), bytes.TrimSpace(t.Bytes))
	})
}
