package config

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/hashicorp/hcl/v2"
	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/convert"
	"github.com/zclconf/go-cty/cty/gocty"

	"storyform/story"
)

// attrValue evaluates an attribute of an instance and converts it to a type.
// set is false where there is nothing to use: it is not set, null, or wrong,
// which then has been reported.
func (l *loader) attrValue(addr story.Address, b *block, name string, ctx *hcl.EvalContext, want cty.Type) (v cty.Value, set bool) {
	expr := b.expr(name)
	if expr == nil {
		return cty.NilVal, false
	}
	v, diags := evaluate(expr, ctx)
	l.report(addr, diags...)
	if diags.HasErrors() {
		return cty.NilVal, false
	}
	return l.converted(addr, name, expr, ctx, v, want)
}

// converted converts the value of an attribute. set is false where it is null
// or unknown, or wrong, which then has been reported.
func (l *loader) converted(addr story.Address, name string, expr hcl.Expression, ctx *hcl.EvalContext, v cty.Value, want cty.Type) (_ cty.Value, set bool) {
	if isSensitive(v) {
		l.report(addr, errIn(expr, ctx, "Sensitive value in a public place",
			"%q is shown in plans and kept in the state, and this value is sensitive. Use nonsensitive(…) if it is no secret.", name))
		return cty.NilVal, false
	}
	if !v.IsWhollyKnown() {
		l.noteUnknown(expr)
		return cty.NilVal, false
	}
	if v.IsNull() {
		return cty.NilVal, false
	}
	out, err := convert.Convert(v, want)
	if err == nil && out.IsWhollyKnown() && !hasNull(out) {
		return out, true
	}
	reason := want.FriendlyName() + " required, but this is " + kindOf(v.Type())
	switch {
	case err == nil:
		reason = want.FriendlyName() + " required, and an element is null"
	case kindName(v.Type()) == kindName(want) || v.Type().IsPrimitiveType() && want.IsPrimitiveType():
		reason = err.Error()
	}
	l.report(addr, errIn(expr, ctx, "Wrong type of value", "Inappropriate value for %q: %s.", name, reason))
	return cty.NilVal, false
}

// hasNull reports whether an element of a collection of simple values is null.
func hasNull(v cty.Value) bool {
	if !v.Type().IsCollectionType() {
		return false
	}
	for it := v.ElementIterator(); it.Next(); {
		if _, e := it.Element(); e.IsNull() {
			return true
		}
	}
	return false
}

// attrString is attrValue for a string.
func (l *loader) attrString(addr story.Address, b *block, name string, ctx *hcl.EvalContext) (string, bool) {
	v, set := l.attrValue(addr, b, name, ctx, cty.String)
	if !set {
		return "", false
	}
	return v.AsString(), true
}

// attrBool is attrValue for a bool.
func (l *loader) attrBool(addr story.Address, b *block, name string, ctx *hcl.EvalContext) (value, set bool) {
	v, set := l.attrValue(addr, b, name, ctx, cty.Bool)
	return set && v.True(), set
}

// attrInt is attrValue for a whole number of at least least.
func (l *loader) attrInt(addr story.Address, b *block, name string, ctx *hcl.EvalContext, least int) (int, bool) {
	v, set := l.attrValue(addr, b, name, ctx, cty.Number)
	if !set {
		return 0, false
	}
	var n int
	const most = 1_000_000
	if err := gocty.FromCtyValue(v, &n); err != nil || n < least || n > most {
		l.report(addr, errIn(b.expr(name), ctx, "Invalid number", "%q must be a whole number from %d to %d.", name, least, most))
		return 0, false
	}
	return n, true
}

// attrStrings is attrValue for a list of strings.
func (l *loader) attrStrings(addr story.Address, b *block, name string, ctx *hcl.EvalContext) ([]string, bool) {
	v, set := l.attrValue(addr, b, name, ctx, cty.List(cty.String))
	if !set {
		return nil, false
	}
	return stringsOf(v), true
}

// stringsOf returns the elements of a known list or set of strings.
func stringsOf(v cty.Value) []string {
	out := make([]string, 0, v.LengthInt())
	for it := v.ElementIterator(); it.Next(); {
		_, e := it.Element()
		out = append(out, e.AsString())
	}
	return out
}

// attrDuration is attrValue for a duration above zero.
func (l *loader) attrDuration(addr story.Address, b *block, name string, ctx *hcl.EvalContext) (time.Duration, bool) {
	s, set := l.attrString(addr, b, name, ctx)
	if !set {
		return 0, false
	}
	d, err := parseDuration(s)
	if err != nil {
		l.report(addr, errIn(b.expr(name), ctx, "Invalid duration", "%s is not a duration for %q: %v.", shortString(s), name, err))
		return 0, false
	}
	return d, true
}

// maxDuration bounds durations: nothing here lasts longer than a year.
const maxDuration = 366 * 24 * time.Hour

// parseDuration reads a duration as Go does, with days besides: "90m",
// "1h30m", "1d", "1d12h". A day is 24 hours.
func parseDuration(s string) (time.Duration, error) {
	const forms = `write it like "30m", "2h", "1h30m" or "1d"`
	days, rest := 0, s
	if before, after, ok := strings.Cut(s, "d"); ok {
		n, err := strconv.Atoi(before)
		if err != nil || n < 0 || n > 100_000 || strings.ContainsAny(before, "+-") {
			return 0, fmt.Errorf("%s", forms)
		}
		days, rest = n, after
	}
	total := time.Duration(days) * 24 * time.Hour
	if rest != "" {
		d, err := time.ParseDuration(rest)
		switch _, numErr := strconv.ParseFloat(rest, 64); {
		case err != nil && numErr == nil:
			return 0, fmt.Errorf("the unit is missing; %s", forms)
		case err != nil || strings.HasPrefix(rest, "+") || days > 0 && d < 0:
			return 0, fmt.Errorf("%s", forms)
		}
		total += d
	}
	switch {
	case s == "":
		return 0, fmt.Errorf("it is empty; %s", forms)
	case total <= 0:
		return 0, fmt.Errorf("it must be longer than zero")
	case total > maxDuration:
		return 0, fmt.Errorf("it must not be longer than 366 days")
	case total%time.Second != 0:
		return 0, fmt.Errorf("it must be whole seconds")
	}
	return total, nil
}
