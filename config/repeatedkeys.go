package config

import (
	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
)

// repeatedKeys refuses an object that is written with a key twice. HCL takes
// the last value without a word; in a calendar of stories, the first of the two
// would never go out, and no plan could show that.
func (l *loader) repeatedKeys(object *hclsyntax.ObjectConsExpr) {
	first := make(map[string]hcl.Range, len(object.Items))
	for _, item := range object.Items {
		key, ok := literalKey(item.KeyExpr)
		if !ok {
			continue
		}
		at := item.KeyExpr.Range()
		if before, known := first[key]; known {
			l.report(noAddress, errAt(at, "Key stands twice", "The object has the key %q at line %d, too, and that value would be lost without a word. Give each a key of its own.", key, before.Start.Line))
			continue
		}
		first[key] = at
	}
}

// literalKey is a key that is a word or a plain string, as most are.
func literalKey(e hclsyntax.Expression) (key string, ok bool) {
	wrapped, ok := e.(*hclsyntax.ObjectConsKeyExpr)
	if !ok {
		return "", false
	}
	if word := hcl.ExprAsKeyword(wrapped.Wrapped); word != "" {
		return word, !wrapped.ForceNonLiteral
	}
	if t, ok := wrapped.Wrapped.(*hclsyntax.TemplateExpr); !ok || !t.IsStringLiteral() {
		return "", false
	}
	v, _ := wrapped.Wrapped.Value(nil) // there is nothing to evaluate in it
	return knownString(v)
}
