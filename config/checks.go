package config

import (
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/convert"

	"storyform/story"
)

// condition evaluates a block that has a condition and an error_message. ok
// is false where nothing can be said, which has been reported unless it
// follows from another mistake.
func (l *loader) condition(addr story.Address, b *block, ctx *hcl.EvalContext, sc scope) (pass bool, message string, ok bool) {
	cond, text := b.expr("condition"), b.expr("error_message")
	if cond == nil || text == nil {
		return false, "", false
	}
	v, ok := l.evaluateIn(addr, cond, ctx, sc)
	if !ok {
		return false, "", false
	}
	v, _ = v.UnmarkDeep()
	if v.IsNull() {
		l.report(addr, errIn(cond, ctx, "Condition is null", "A condition must be true or false, and this one is null."))
		return false, "", false
	}
	if !v.IsKnown() {
		return false, "", false
	}
	b1, err := convert.Convert(v, cty.Bool)
	if err != nil {
		l.report(addr, errIn(cond, ctx, "Wrong type of value", "A condition must be true or false, and this is %s.", kindOf(v.Type())))
		return false, "", false
	}
	if b1.True() {
		return true, "", true
	}
	message, ok = l.errorMessage(addr, text, ctx, sc)
	return false, message, ok
}

// errorMessage evaluates an error_message.
func (l *loader) errorMessage(addr story.Address, expr hcl.Expression, ctx *hcl.EvalContext, sc scope) (string, bool) {
	v, ok := l.evaluateIn(addr, expr, ctx, sc)
	if !ok {
		return "", false
	}
	if isSensitive(v) {
		return "The rule is broken. Its message is not shown because it holds a sensitive value.", true
	}
	text, err := convert.Convert(v, cty.String)
	if err != nil || v.IsNull() || !v.IsKnown() || strings.TrimSpace(text.AsString()) == "" {
		l.report(addr, errIn(expr, ctx, "Invalid error message", "error_message must be a string that says what is wrong."))
		return "The rule is broken.", true
	}
	return text.AsString(), true
}

// runChecks evaluates the check blocks. Their failures are warnings: they say
// that something is odd, not that it must not happen.
func (l *loader) runChecks() []Check {
	var checks []Check
	for _, b := range l.blocks["check"] {
		c := Check{Name: b.label, Status: "pass", Range: *rangeOf(b.header())}
		if len(b.blocks) == 0 {
			l.report(noAddress, errAt(b.header(), "Check without assert", "A check block holds at least one assert block."))
		}
		for _, rule := range b.blocks {
			ctx := l.eval.dir(b.file.dir)
			pass, message, ok := l.condition(noAddress, rule, ctx, scope{})
			switch {
			case !ok:
				if c.Status == "pass" {
					c.Status = "unknown"
				}
			case !pass:
				c.Status = "fail"
				c.Failed = append(c.Failed, l.hide(message))
				d := errIn(rule.expr("condition"), ctx, "Check block assertion failed", "%s", message)
				d.Severity = hcl.DiagWarning
				l.report(noAddress, d)
			}
		}
		checks = append(checks, c)
	}
	return checks
}
