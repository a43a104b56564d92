package config

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
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
		l.hideReason(d)
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

// hideReason replaces the reason for refusing a value, because it may quote
// it, when a sensitive value is involved.
func (l *loader) hideReason(d *hcl.Diagnostic) {
	if d.Expression == nil || d.EvalContext == nil {
		return
	}
	ofFunction := d.Summary == "Invalid function argument" || d.Summary == "Error in function call"
	for _, t := range d.Expression.Variables() {
		v, diags := t.TraverseAbs(d.EvalContext)
		if diags.HasErrors() {
			continue
		}
		if ofFunction && isSensitive(v) || l.ofLoop(t) && quotes(d.Detail, v) {
			what := "This value is refused."
			if ofFunction {
				what = "The function refuses an argument."
			}
			d.Detail = what + " Why is not shown, because the reason may hold a sensitive value."
			return
		}
	}
}

// quotes reports whether a text shows a value, in quotes or not.
func quotes(text string, v cty.Value) bool {
	bare, _ := v.UnmarkDeep()
	s, _ := knownString(bare)
	return strings.Contains(text, shortText(bare)) || s != "" && strings.Contains(text, s)
}

// ofLoop reports whether a name is that of a for expression while there is
// something sensitive: the elements of a sensitive list are not marked.
func (l *loader) ofLoop(t hcl.Traversal) bool {
	if slices.Contains([]string{"var", "local", "page", "story", "each", "self"}, t.RootName()) {
		return false
	}
	for _, src := range l.sources {
		if bytes.Contains(src, []byte("sensitive")) {
			return true
		}
	}
	return false
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

// Enclosing names the top-level block around a range, for diagnostics that are
// made elsewhere, or "".
func (c *Config) Enclosing(r diag.Range) string {
	if c.eval == nil {
		return ""
	}
	return c.eval.loader.enclosing(r)
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
		if !v.IsKnown() || l.ofLoop(t) || slices.ContainsFunc(values, func(o diag.Value) bool { return o.Expr == name }) {
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
