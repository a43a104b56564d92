package config

import (
	"fmt"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/ext/typeexpr"
	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/convert"
)

// variable is an input variable: its declaration and the value it got.
type variable struct {
	block       *block
	ty          cty.Type
	defaults    *typeexpr.Defaults // of optional object attributes
	fallback    cty.Value          // the default, or NilVal
	description string
	sensitive   bool
	notNull     bool
	source      string // where the value is from
	value       cty.Value
}

// given is a value that a source gives to a variable.
type given struct {
	source string         // such as "--var" or the name of a file
	text   string         // what was typed, when expr is nil
	expr   hcl.Expression // of a variables file
	at     hcl.Range      // of expr, or made up for typed text
}

// loadVariables decodes the declarations and sets every variable from the
// source that wins.
func (l *loader) loadVariables() {
	byName := map[string]*variable{}
	for _, b := range l.blocks["variable"] {
		v := l.declareVariable(b)
		byName[b.label] = v
		l.variables = append(l.variables, v)
	}
	values := l.gatherValues(byName)
	for _, v := range l.variables {
		name := v.block.label
		v.value = l.setVariable(v, values[name])
		if v.sensitive {
			l.keepSecret(v.value)
			v.value = v.value.Mark(sensitive)
		}
		l.eval.values["var."+name] = v.value
	}
}

// declareVariable decodes one declaration. Nothing in it but its validations
// can use other names.
func (l *loader) declareVariable(b *block) *variable {
	v := &variable{block: b, ty: cty.DynamicPseudoType, value: cty.DynamicVal}
	if expr := b.expr("type"); expr != nil {
		ty, defaults, diags := typeexpr.TypeConstraintWithDefaults(expr)
		l.report(noAddress, diags...)
		if !diags.HasErrors() {
			v.ty, v.defaults = ty, defaults
		}
	}
	v.description, _ = l.attrString(noAddress, b, "description", nil)
	v.sensitive, _ = l.attrBool(noAddress, b, "sensitive", nil)
	nullable, set := l.attrBool(noAddress, b, "nullable", nil)
	v.notNull = set && !nullable
	if expr := b.expr("default"); expr != nil {
		l.maskGiven(v, expr.Range())
		val, diags := evaluate(expr, nil)
		l.report(noAddress, diags...)
		v.fallback = cty.DynamicVal
		if !diags.HasErrors() {
			v.fallback = l.fit(v, val, expr.Range(), "default")
		}
		if v.notNull && v.fallback.IsNull() {
			l.report(noAddress, errAt(expr.Range(), "Invalid default value", "The variable is not nullable, so its default can't be null."))
			v.fallback = cty.DynamicVal
		}
	}
	return v
}

// maskGiven keeps what is written for a sensitive variable out of messages. It
// must be masked where it stands, because it may be wrong and never become a
// value.
func (l *loader) maskGiven(v *variable, at hcl.Range) {
	if v.sensitive {
		l.masked = append(l.masked, at)
	}
}

// fit converts a value to the variable's type, filling in defaults of
// optional attributes.
func (l *loader) fit(v *variable, val cty.Value, at hcl.Range, source string) cty.Value {
	if v.defaults != nil && !val.IsNull() {
		val = v.defaults.Apply(val)
	}
	out, err := convert.Convert(val, v.ty)
	if err != nil {
		summary := "Invalid value for input variable"
		if source == "default" {
			summary = "Invalid default value"
		}
		why := ": " + pathText(err)
		if v.sensitive {
			why = "" // a path may name keys of the value
		}
		l.report(noAddress, errAt(at, summary, "The value of var.%s (%s) does not fit its type %s%s.",
			v.block.label, fromText(source), typeexpr.TypeString(v.ty), why))
		return cty.DynamicVal
	}
	var s size
	if problem := s.add(out, 0); problem != "" {
		l.report(noAddress, errAt(at, "Value too large", "%s", problem))
		return cty.DynamicVal
	}
	return out
}

// fromText says where a value is from.
func fromText(source string) string {
	if source == "default" {
		return "its default"
	}
	return "from " + source
}

// pathText renders a conversion error with the path of what it is about.
func pathText(err error) string {
	pe, ok := err.(cty.PathError)
	if !ok || len(pe.Path) == 0 {
		return err.Error()
	}
	var b strings.Builder
	for _, step := range pe.Path {
		switch s := step.(type) {
		case cty.GetAttrStep:
			fmt.Fprintf(&b, ".%s", s.Name)
		case cty.IndexStep:
			fmt.Fprintf(&b, "[%s]", shortText(s.Key))
		}
	}
	return fmt.Sprintf("%s: %s", b.String(), err)
}

// setVariable returns the value of a variable: what a source gives, or the
// default.
func (l *loader) setVariable(v *variable, g *given) cty.Value {
	name := v.block.label
	if g != nil {
		val, ok := l.valueOf(v, g)
		if !ok {
			return cty.DynamicVal
		}
		val = l.fit(v, val, g.at, g.source)
		v.source = g.source
		if !val.IsNull() || !v.notNull {
			return val
		}
		if v.fallback == cty.NilVal {
			l.report(noAddress, errAt(g.at, "Invalid value for input variable", "var.%s must not be null.", name))
			return cty.DynamicVal
		}
	}
	if v.fallback == cty.NilVal && l.incomplete {
		return cty.DynamicVal
	}
	if v.fallback == cty.NilVal {
		foreign := ""
		if slices.ContainsFunc(l.options.Env, func(e string) bool { return strings.HasPrefix(e, "TF_VAR_"+name+"=") }) {
			foreign = " TF_VAR_" + name + " is set, which is Terraform's."
		}
		l.report(noAddress, errAt(v.block.header(), "No value for required variable",
			"var.%s has no default, so it must be given: with --var '%s=…', in %s, or in the environment variable %s%s.%s",
			name, name, "storyform"+varsSuffix, envPrefix, name, foreign))
		return cty.DynamicVal
	}
	v.source = "default"
	return v.fallback
}

// valueOf reads what a source gives. Text for a variable of a simple type, or
// of none, is the value; any other text is an expression, as in Terraform.
func (l *loader) valueOf(v *variable, g *given) (cty.Value, bool) {
	if g.expr == nil {
		if v.ty == cty.DynamicPseudoType || v.ty.IsPrimitiveType() {
			if !validText(g.text) {
				l.report(noAddress, errAt(g.at, "Invalid value for input variable", "The value of var.%s from %s is not UTF-8 text.", v.block.label, g.source))
				return cty.DynamicVal, false
			}
			return cty.StringVal(g.text), true
		}
		expr, diags := l.parseTyped(g)
		if diags.HasErrors() {
			l.report(noAddress, diags...)
			return cty.DynamicVal, false
		}
		g.expr = expr
	}
	val, diags := evaluate(g.expr, nil)
	l.report(noAddress, diags...)
	return val, !diags.HasErrors()
}

// checkVariables evaluates the validations.
func (l *loader) checkVariables() {
	for _, v := range l.variables {
		for _, rule := range v.block.blocks {
			ctx := l.eval.dir(rule.file.dir)
			pass, message, ok := l.condition(noAddress, rule, ctx, scope{})
			if ok && !pass {
				d := errIn(rule.expr("condition"), ctx, "Invalid value for variable",
					"%s\n\nThis was checked by the validation rule at %s; the value is %s.", message, rangeOf(rule.header()), fromText(v.source))
				l.report(noAddress, d)
			}
		}
	}
}

// describeVariables lists the variables by name for the Config.
func (l *loader) describeVariables() []Variable {
	var out []Variable
	for _, v := range l.variables {
		out = append(out, Variable{
			Name: v.block.label, Type: typeexpr.TypeString(v.ty), Description: v.description,
			Sensitive: v.sensitive, Source: v.source, Text: l.hide(expressionText(v.value)), Range: *rangeOf(v.block.header()),
		})
	}
	slices.SortFunc(out, func(a, b Variable) int { return strings.Compare(a.Name, b.Name) })
	return out
}
