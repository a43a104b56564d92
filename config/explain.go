package config

import (
	"bytes"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"
)

// withoutPanic cuts the stack off a diagnostic about a function that panicked.
// The library recovers, but shows the paths of the machine that built it.
func withoutPanic(detail string) string {
	before, _, panicked := strings.Cut(detail, "panic in function implementation")
	if !panicked {
		return detail
	}
	return before + "it can't work with these arguments."
}

// explain replaces what HCL says in general by what it means here.
func (l *loader) explain(d *hcl.Diagnostic) {
	d.Detail = withoutPanic(d.Detail)
	if unknown, ok := hcl.DiagnosticExtra[hclsyntax.FunctionCallUnknownDiagExtra](d); ok {
		name := unknown.CalledFunctionName()
		answer := foreign["function"][name]
		switch {
		case name == "templatestring":
			d.Detail = "A template can't render another one. Render the inner one first and pass it as a variable."
		case l.readsFiles(name):
			d.Detail = fmt.Sprintf("The function %q reads files, and a template can't. Read the file outside of the template and pass what it holds.", name)
		case answer != "":
			d.Detail = fmt.Sprintf("There is no function named %q. %s", name, answer)
		case unknown.CalledFunctionNamespace() == "":
			d.Detail = fmt.Sprintf("There is no function named %q.%s", name, didYouMean(name, l.functionNames()))
		}
		return
	}
	switch d.Summary {
	case "Not enough function arguments", "Too many function arguments":
		if call, ok := hcl.DiagnosticExtra[hclsyntax.FunctionCallDiagExtra](d); ok && signature(call.CalledFunctionName()) != "" {
			what := map[bool]string{true: "An argument is missing", false: "This argument is too many"}[d.Summary[0] == 'N']
			d.Detail = what + ": the function is called as " + signature(call.CalledFunctionName()) + "."
		}
	case "Invalid template interpolation value":
		explainNull(d)
	case "Variables not allowed", "Function calls not allowed":
		d.Detail = "Only a fixed value can stand here, without names and functions. Put an expression into a local value instead."
	case "Invalid type specification":
		explainType(d)
	case "Invalid function argument":
		if strings.Contains(d.Detail, "RFC3339") {
			d.Detail = "A time here is RFC 3339 with its offset, as in 2026-12-20T09:00:00+07:00, and this is not."
		}
	case "Invalid operand":
		l.explainOperand(d)
	case "Invalid index", "Missing map element", "Unsupported attribute":
		if d.Expression != nil && d.EvalContext != nil {
			l.explainStep(d)
		}
	}
}

// typeWords are the words of type constraints.
var typeWords = []string{"string", "number", "bool", "any", "list", "set", "map", "object", "tuple", "optional"}

// badKeyword finds the word that a type constraint has no use for.
var badKeyword = regexp.MustCompile(`^The keyword "(\w+)" is not`)

// explainType says how types are written.
func explainType(d *hcl.Diagnostic) {
	if m := badKeyword.FindStringSubmatch(d.Detail); m != nil {
		d.Detail += didYouMean(m[1], typeWords)
	}
	if strings.Contains(d.Detail, "requires one argument") {
		d.Detail += " For example list(string)."
	}
}

// explainOperand says how to do what + does elsewhere.
func (l *loader) explainOperand(d *hcl.Diagnostic) {
	d.Detail = strings.ReplaceAll(d.Detail, "but have tuple", "but this is a list")
	if d.Subject == nil || d.Context == nil {
		return
	}
	src := l.sources[d.Context.Filename]
	if d.Context.End.Byte > len(src) || !bytes.ContainsRune(src[d.Context.Start.Byte:d.Context.End.Byte], '+') {
		return
	}
	switch text := src[d.Subject.Start.Byte:d.Subject.End.Byte]; {
	case bytes.HasPrefix(text, []byte(`"`)):
		d.Detail += ` Texts are put together as in "${var.one} and ${var.two}".`
	case bytes.HasPrefix(text, []byte("[")):
		d.Detail += " Lists are put together with concat(a, b)."
	}
}

// explainNull says what to write where a text would hold null.
func explainNull(d *hcl.Diagnostic) {
	if d.Expression == nil || !strings.Contains(d.Detail, "null") {
		return
	}
	name, why := "this value", ""
	if t, ok := bare(d.Expression).(*hclsyntax.ScopeTraversalExpr); ok {
		name = traversalText(t.Traversal)
		if last, ok := t.Traversal[len(t.Traversal)-1].(hcl.TraverseAttr); ok && t.Traversal.RootName() == "story" && slices.Contains(factNames, last.Name) {
			why = " It is null as long as the story is not published."
		}
	}
	d.Detail = fmt.Sprintf("A text can't hold null, and %s is null.%s Say what stands there then, as in coalesce(%s, \"not yet\").", name, why, strings.Replace(name, "this value", "…", 1))
}

// explainStep says which keys or attributes there are where one was missed.
func (l *loader) explainStep(d *hcl.Diagnostic) {
	coll, name, key, ok := failedStep(d.Expression, d.EvalContext)
	if !ok || key.IsMarked() || !key.IsKnown() || key.IsNull() || coll.IsMarked() || coll.IsNull() || !coll.IsKnown() && !coll.Type().IsObjectType() {
		return
	}
	if key.Type() != cty.String {
		explainIndex(d, coll, name, key)
		return
	}
	step := key.AsString()
	keys, what := keysOf(coll)
	switch addr, isStory := storyRef(coll); {
	case isStory:
		d.Summary, d.Detail = "Story has no attributes here", outsideOutput(addr.Block(), step, scope{}).Detail
		return
	case len(keys) == 0 && (coll.Type().IsMapType() || coll.Type().IsObjectType()):
		d.Detail = fmt.Sprintf("%s is empty, so it has no element %q.", name, step)
		return
	case coll.Type().IsPrimitiveType():
		d.Detail = fmt.Sprintf("%s is %s, which has no attribute or element %q.", name, kindOf(coll.Type()), step)
		return
	case len(keys) == 0:
		return
	}
	if p, isPage := l.pageOf(coll); isPage {
		d.Detail = fmt.Sprintf("%s is one Page and has no attribute %q.%s Its attributes are %s.",
			p.Address, step, didYouMean(step, keys), list(keys, 10))
		return
	}
	d.Detail = fmt.Sprintf("%s has no %s %q.%s It has %s.", name, what, step, didYouMean(step, keys), list(keys, 14))
}

// explainIndex says how many elements there are where one was missed.
func explainIndex(d *hcl.Diagnostic, coll cty.Value, name string, key cty.Value) {
	if ty := coll.Type(); key.Type() == cty.Number && (ty.IsTupleType() || ty.IsListType()) {
		d.Detail = fmt.Sprintf("%s has %d elements, counted from 0, and no element %s.", name, coll.LengthInt(), shortText(key))
	}
}

// bare takes the meter and parentheses off an expression.
func bare(expr hcl.Expression) hcl.Expression {
	for {
		expr = hcl.UnwrapExpression(expr)
		p, ok := expr.(*hclsyntax.ParenthesesExpr)
		if !ok {
			return expr
		}
		expr = p.Expression
	}
}

// failedStep finds the collection, its name, and the key that evaluating expr
// failed at.
func failedStep(expr hcl.Expression, ctx *hcl.EvalContext) (coll cty.Value, name string, key cty.Value, ok bool) {
	switch e := bare(expr).(type) {
	case *hclsyntax.ScopeTraversalExpr:
		for n := len(e.Traversal) - 1; n > 0; n-- {
			v, diags := e.Traversal[:n].TraverseAbs(ctx)
			if diags.HasErrors() {
				continue
			}
			key, ok := keyOf(e.Traversal[n])
			return v, traversalText(e.Traversal[:n]), key, ok
		}
	case *hclsyntax.RelativeTraversalExpr:
		src, diags := e.Source.Value(ctx)
		for n := len(e.Traversal) - 1; n >= 0 && !diags.HasErrors(); n-- {
			if v, diags := e.Traversal[:n].TraverseRel(src); !diags.HasErrors() {
				key, ok := keyOf(e.Traversal[n])
				return v, "This value", key, ok
			}
		}
	case *hclsyntax.IndexExpr:
		v, diags := e.Collection.Value(ctx)
		k, moreDiags := e.Key.Value(ctx)
		if diags.HasErrors() || moreDiags.HasErrors() {
			return cty.NilVal, "", cty.NilVal, false
		}
		name := "This value"
		if t, ok := bare(e.Collection).(*hclsyntax.ScopeTraversalExpr); ok {
			name = traversalText(t.Traversal)
		}
		return v, name, k, true
	}
	return cty.NilVal, "", cty.NilVal, false
}

// keyOf is the key that a step of a traversal looks for.
func keyOf(step hcl.Traverser) (cty.Value, bool) {
	switch s := step.(type) {
	case hcl.TraverseAttr:
		return cty.StringVal(s.Name), true
	case hcl.TraverseIndex:
		return s.Key, true
	}
	return cty.NilVal, false
}

// keysOf lists the keys of a map or the attributes of an object.
func keysOf(v cty.Value) (keys []string, what string) {
	if !v.Type().IsMapType() && !v.Type().IsObjectType() {
		return nil, ""
	}
	if v.Type().IsObjectType() {
		return slices.Sorted(maps.Keys(v.Type().AttributeTypes())), "attribute"
	}
	for it := v.ElementIterator(); it.Next(); {
		k, _ := it.Element()
		keys = append(keys, k.AsString())
	}
	return keys, "element"
}
