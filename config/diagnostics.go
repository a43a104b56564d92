package config

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"

	"storyform/internal/diag"
	"storyform/story"
)

// errAt makes an error that points at a range.
func errAt(rng hcl.Range, summary, detail string, args ...any) *hcl.Diagnostic {
	return &hcl.Diagnostic{Severity: hcl.DiagError, Summary: summary, Detail: fmt.Sprintf(detail, args...), Subject: &rng}
}

// warnAt makes a warning that points at a range.
func warnAt(rng hcl.Range, summary, detail string, args ...any) *hcl.Diagnostic {
	d := errAt(rng, summary, detail, args...)
	d.Severity = hcl.DiagWarning
	return d
}

// errIn makes an error that points at an expression and shows the values of
// the names in it.
func errIn(expr hcl.Expression, ctx *hcl.EvalContext, summary, detail string, args ...any) *hcl.Diagnostic {
	d := errAt(expr.Range(), summary, detail, args...)
	d.Expression, d.EvalContext = expr, ctx
	return d
}

// report takes diagnostics of HCL or in its form over the border. addr is the
// instance that they concern, or zero.
func (l *loader) report(addr story.Address, ds ...*hcl.Diagnostic) {
	for _, d := range ds {
		if l.reported[d.Severity]++; l.reported[d.Severity] > 4*maxDiagnostics {
			continue // a loop of mistakes; finish says that there are more
		}
		l.explain(d)
		hideReason(d)
		out := diag.Diagnostic{
			Severity: diag.Error, Summary: d.Summary, Detail: d.Detail,
			Address: addr.String(), Values: l.valuesOf(d),
		}
		if d.Severity == hcl.DiagWarning {
			out.Severity = diag.Warning
		}
		if d.Subject != nil {
			out.Subject = rangeOf(*d.Subject)
		}
		if d.Context != nil {
			out.Context = rangeOf(*d.Context)
		}
		l.diags = append(l.diags, out)
	}
}

// hideReason replaces the reason that a function gives for refusing an
// argument, because it may quote it, when a sensitive value is involved.
func hideReason(d *hcl.Diagnostic) {
	if d.Expression == nil || d.EvalContext == nil || d.Summary != "Invalid function argument" && d.Summary != "Error in function call" {
		return
	}
	for _, t := range d.Expression.Variables() {
		if v, diags := t.TraverseAbs(d.EvalContext); !diags.HasErrors() && isSensitive(v) {
			d.Detail = "The function refuses an argument. Why is not shown, because the reason may hold a sensitive value."
			return
		}
	}
}

// rangeOf converts a range.
func rangeOf(r hcl.Range) *diag.Range {
	return &diag.Range{
		Filename: r.Filename,
		Start:    diag.Pos{Line: r.Start.Line, Column: r.Start.Column, Byte: r.Start.Byte},
		End:      diag.Pos{Line: r.End.Line, Column: r.End.Column, Byte: r.End.Byte},
	}
}

// finish completes the diagnostics: enclosing blocks, no repeats, an order,
// an end.
func (l *loader) finish() diag.Diagnostics {
	type key struct {
		summary, detail string
		at              diag.Range
	}
	seen := map[key]bool{}
	var out diag.Diagnostics
	for _, d := range l.diags {
		k := key{summary: d.Summary, detail: d.Detail}
		if d.Subject != nil {
			k.at = *d.Subject
			d.In = l.enclosing(*d.Subject)
		}
		// The instances of a block share its source, and so its mistakes.
		if !seen[k] {
			seen[k] = true
			out = append(out, l.scrub(d))
		}
	}
	out.Sort()
	if more := len(out) - maxDiagnostics; more > 0 {
		// Errors must not be cut off in favour of warnings.
		slices.SortStableFunc(out, func(a, b diag.Diagnostic) int { return cmp.Compare(a.Severity, b.Severity) })
		out = append(out[:maxDiagnostics:maxDiagnostics], diag.Warnf("Too many problems", "There are at least %d more. Correct these first.", more))
	}
	return out
}

// enclosing names the top-level block around a range as it is written.
func (l *loader) enclosing(r diag.Range) string {
	body := l.bodies[r.Filename]
	if body == nil {
		return ""
	}
	i, found := slices.BinarySearchFunc(body.Blocks, r.Start.Byte, func(b *hclsyntax.Block, at int) int {
		switch end := b.CloseBraceRange.End.Byte; {
		case end <= at:
			return -1
		case b.TypeRange.Start.Byte > at:
			return 1
		}
		return 0
	})
	if !found {
		return ""
	}
	b := body.Blocks[i]
	name := b.Type
	for _, label := range b.Labels {
		name += fmt.Sprintf(" %q", label)
	}
	return name
}

// valuesOf lists the names in the expression that failed with their values.
func (l *loader) valuesOf(d *hcl.Diagnostic) []diag.Value {
	if d.Expression == nil || d.EvalContext == nil {
		return nil
	}
	var values []diag.Value
	for _, t := range d.Expression.Variables() {
		v, diags := t.TraverseAbs(d.EvalContext)
		if diags.HasErrors() || len(values) == maxShownValues {
			continue
		}
		name := traversalText(t)
		if !v.IsKnown() || slices.ContainsFunc(values, func(o diag.Value) bool { return o.Expr == name }) {
			continue
		}
		if text := shortText(v); text != name {
			values = append(values, diag.Value{Expr: name, Text: text})
		}
	}
	slices.SortFunc(values, func(a, b diag.Value) int { return strings.Compare(a.Expr, b.Expr) })
	return values
}

// maxShownValues bounds how many names a diagnostic shows the values of.
const maxShownValues = 10

// traversalText renders a reference as it is written: page.acme["id"].
func traversalText(t hcl.Traversal) string {
	var b strings.Builder
	for _, step := range t {
		switch s := step.(type) {
		case hcl.TraverseRoot:
			b.WriteString(s.Name)
		case hcl.TraverseAttr:
			b.WriteString("." + s.Name)
		case hcl.TraverseIndex:
			b.WriteString("[" + shortText(s.Key) + "]")
		}
	}
	return b.String()
}

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
	case "Invalid index", "Missing map element", "Unsupported attribute":
		if d.Expression != nil && d.EvalContext != nil {
			l.explainStep(d)
		}
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
			switch s := e.Traversal[n].(type) {
			case hcl.TraverseAttr:
				return v, traversalText(e.Traversal[:n]), cty.StringVal(s.Name), true
			case hcl.TraverseIndex:
				return v, traversalText(e.Traversal[:n]), s.Key, true
			}
			return cty.NilVal, "", cty.NilVal, false
		}
	case *hclsyntax.RelativeTraversalExpr:
		v, diags := e.Source.Value(ctx)
		if step, ok := e.Traversal[0].(hcl.TraverseAttr); ok && !diags.HasErrors() && len(e.Traversal) == 1 {
			return v, "This value", cty.StringVal(step.Name), true
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

// wordsOf returns the words of an error: those that it has for people, or its
// text under a summary.
func wordsOf(err error, summary string) (string, string) {
	type diagnostic interface {
		error
		Diagnostic() (summary, detail string)
	}
	if d, ok := errors.AsType[diagnostic](err); ok {
		return d.Diagnostic()
	}
	text := err.Error()
	if text != "" && !strings.ContainsAny(text[len(text)-1:], ".!?") {
		text += "."
	}
	return summary, strings.ToUpper(text[:min(1, len(text))]) + text[min(1, len(text)):]
}
