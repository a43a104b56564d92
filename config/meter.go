package config

import (
	"errors"
	"fmt"
	"maps"
	"math/big"
	"math/bits"
	"slices"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"
)

// The evaluator of HCL knows no limits: five nested for expressions over a
// thousand elements each run for years, and twenty locals that each repeat the
// one before twice hold a million times the first. So every expression that
// can loop or make something large is wrapped, when it is parsed, in a
// metered one, which counts what its evaluation looked at and made.
//
// A value that is too large by itself is an error where it is made. When the
// whole configuration has used up its budget, one error says so and every
// further metered expression is unknown at once, so that running loops end.
type budget struct {
	visits int // elements looked at
	nodes  int // elements made
	bytes  int // bytes of strings made
}

// fullBudget is what a configuration may use. It lasts for some seconds.
var fullBudget = budget{visits: 40_000_000, nodes: 2_000_000, bytes: 128 << 20}

// meter counts the work of one Load. It is used by one goroutine at a time.
type meter struct {
	limit, used budget
	tripped     bool
	// object is shown each object as it was written, as the one walk through
	// every expression comes by.
	object func(*hclsyntax.ObjectConsExpr)
}

// metered is an expression whose value is measured. With made, the value is
// new and counts as memory, too.
type metered struct {
	hclsyntax.Expression
	meter *meter
	made  bool
}

// UnwrapExpression lets HCL see the expression as it was written.
func (e *metered) UnwrapExpression() hcl.Expression { return e.Expression }

// Value evaluates the expression and charges the meter for its value.
func (e *metered) Value(ctx *hcl.EvalContext) (cty.Value, hcl.Diagnostics) {
	if e.meter.tripped {
		return cty.DynamicVal, nil
	}
	v, diags := e.Expression.Value(ctx)
	if diags.HasErrors() {
		return cty.DynamicVal, diags
	}
	if problem := e.meter.charge(v, e.made); problem != "" {
		return cty.DynamicVal, append(diags, errAt(e.Range(), "Value too large", "%s", problem))
	}
	return v, diags
}

// charge measures v and returns what is wrong with its size, or "".
func (m *meter) charge(v cty.Value, made bool) string {
	var s size
	problem := s.add(v, 0)
	m.used.visits += s.nodes + s.bytes/64 + s.work
	if made {
		m.used.nodes += s.nodes
		m.used.bytes += s.bytes
	}
	if problem != "" {
		return problem
	}
	return m.exhausted()
}

// exhausted says that the budget is used up, or returns "".
func (m *meter) exhausted() string {
	if m.used.visits <= m.limit.visits && m.used.nodes <= m.limit.nodes && m.used.bytes <= m.limit.bytes {
		return ""
	}
	m.tripped = true
	return "The expressions of this configuration make or look at more values than a configuration may. " +
		"Use smaller collections, or split the configuration in two."
}

// spend charges for what takes as long as looking at n elements.
func (m *meter) spend(n int) error {
	m.used.visits += n
	if problem := m.exhausted(); problem != "" {
		return errors.New(problem)
	}
	return nil
}

// size is how large a value is.
type size struct {
	nodes, bytes int
	// work is what else takes time, in elements looked at: the library compares
	// each type in a tuple with each where it must become a list, sorts a set
	// whenever it goes through one, and writes the binary exponent of a number as
	// a decimal one in a time that grows with its square.
	work int
}

// add measures v, which is depth levels deep in something else, and returns
// what is wrong with it. It stops as soon as something is.
func (s *size) add(v cty.Value, depth int) string {
	s.nodes++
	switch {
	case s.nodes > maxValueNodes:
		return fmt.Sprintf("This value has more than %d elements.", maxValueNodes)
	case depth > maxValueDepth:
		return fmt.Sprintf("This value nests more than %d levels deep.", maxValueDepth)
	}
	v, _ = v.Unmark()
	if !v.IsKnown() || v.IsNull() {
		return ""
	}
	switch ty := v.Type(); {
	case ty == cty.String:
		return s.addString(v.AsString())
	case ty == cty.Number:
		return s.addNumber(v.AsBigFloat())
	case ty.IsCollectionType() || ty.IsTupleType() || ty.IsObjectType():
		if problem := s.addTypes(v); problem != "" {
			return problem
		}
		for it := v.ElementIterator(); it.Next(); {
			k, e := it.Element()
			if k.Type() == cty.String && !ty.IsSetType() {
				s.bytes += len(k.AsString())
			}
			if problem := s.add(e, depth+1); problem != "" {
				return problem
			}
		}
	}
	return ""
}

// addTypes measures what the type of a collection costs.
func (s *size) addTypes(v cty.Value) string {
	var types []cty.Type
	switch ty := v.Type(); {
	case ty.IsSetType():
		n := v.LengthInt()
		s.work += 10 * n * bits.Len(uint(n))
		if !ty.ElementType().IsPrimitiveType() {
			s.work *= 10
		}
	case ty.IsTupleType():
		types = ty.TupleElementTypes()
	case ty.IsObjectType():
		types = slices.Collect(maps.Values(ty.AttributeTypes()))
	}
	if len(types) < 50 {
		return ""
	}
	s.work += len(types) * len(types) / 100
	if slices.ContainsFunc(types, func(t cty.Type) bool { return !t.Equals(types[0]) }) {
		s.work += len(types) * len(types) / 10
		if len(types) > maxMixed {
			return fmt.Sprintf("This value has %d elements of different types, and may have %d. Give all the same attributes.", len(types), maxMixed)
		}
	}
	return ""
}

// addString measures a string.
func (s *size) addString(text string) string {
	s.bytes += len(text)
	if s.bytes > maxValueBytes {
		return fmt.Sprintf("This value holds more than %d bytes of text.", maxValueBytes)
	}
	// Reading a number takes time that grows with the square of its length.
	for i := 0; i < len(text) && (text[i] >= '0' && text[i] <= '9' || text[i] == '.' || i == 0); i++ {
		if i > maxDigits {
			return fmt.Sprintf("This value begins with more than %d digits.", maxDigits)
		}
	}
	return ""
}

// addNumber measures a number.
func (s *size) addNumber(f *big.Float) string {
	if problem := checkNumber(f); problem != "" {
		return problem
	}
	e := f.MantExp(nil)
	s.work += e * e / 1024
	return ""
}

// checkNumber refuses a number that would be gigabytes long when written out.
func checkNumber(f *big.Float) string {
	if f.IsInf() {
		return "This number is infinite: it is too large, or something is divided by zero."
	}
	if e := f.MantExp(nil); e > maxNumberBits || e < -maxNumberBits {
		return "This number is too large or too small to work with."
	}
	return ""
}

// wrap returns e with every expression in it that can be costly metered.
func (m *meter) wrap(e hclsyntax.Expression) hclsyntax.Expression {
	switch e := e.(type) {
	case *hclsyntax.LiteralValueExpr:
		if v := e.Val; v.Type() == cty.Number && v.IsKnown() && !v.IsNull() && checkNumber(v.AsBigFloat()) != "" {
			return &metered{Expression: e, meter: m}
		}
	case *hclsyntax.ParenthesesExpr:
		e.Expression = m.wrap(e.Expression)
	case *hclsyntax.RelativeTraversalExpr:
		e.Source = m.wrap(e.Source)
	case *hclsyntax.IndexExpr:
		e.Collection, e.Key = m.wrap(e.Collection), m.wrap(e.Key)
	case *hclsyntax.ConditionalExpr:
		// The types of the arms are unified, each time, which both of them pay for.
		e.Condition, e.TrueResult, e.FalseResult = m.wrap(e.Condition), m.wrapLeaf(e.TrueResult), m.wrapLeaf(e.FalseResult)
	case *hclsyntax.UnaryOpExpr:
		e.Val = m.wrap(e.Val)
	case *hclsyntax.BinaryOpExpr:
		e.LHS, e.RHS = m.wrap(e.LHS), m.wrap(e.RHS)
		return &metered{e, m, true}
	case *hclsyntax.ObjectConsKeyExpr:
		e.Wrapped = m.wrap(e.Wrapped)
	case *hclsyntax.TemplateWrapExpr:
		e.Wrapped = m.wrap(e.Wrapped)
	case *hclsyntax.FunctionCallExpr:
		for i := range e.Args {
			e.Args[i] = m.wrapLeaf(e.Args[i])
		}
		return &metered{e, m, true}
	default:
		return m.wrapCompound(e)
	}
	return e
}

// wrapCompound is wrap for the expressions that make collections and text.
func (m *meter) wrapCompound(e hclsyntax.Expression) hclsyntax.Expression {
	switch e := e.(type) {
	case *hclsyntax.TupleConsExpr:
		for i := range e.Exprs {
			e.Exprs[i] = m.wrap(e.Exprs[i])
		}
	case *hclsyntax.ObjectConsExpr:
		if m.object != nil {
			m.object(e)
		}
		for i := range e.Items {
			e.Items[i].KeyExpr, e.Items[i].ValueExpr = m.wrap(e.Items[i].KeyExpr), m.wrap(e.Items[i].ValueExpr)
		}
	case *hclsyntax.TemplateExpr:
		if e.IsStringLiteral() && e.SrcRange.End.Byte-e.SrcRange.Start.Byte < maxDigits {
			return e
		}
		for i, part := range e.Parts {
			if _, literal := part.(*hclsyntax.LiteralValueExpr); !literal {
				e.Parts[i] = m.wrapLeaf(part)
			}
		}
	case *hclsyntax.TemplateJoinExpr:
		e.Tuple = m.wrap(e.Tuple)
	case *hclsyntax.SplatExpr:
		e.Source, e.Each = m.wrap(e.Source), m.wrapLeaf(e.Each)
	case *hclsyntax.ForExpr:
		e.CollExpr, e.ValExpr = m.wrap(e.CollExpr), m.wrapLeaf(e.ValExpr)
		if e.KeyExpr != nil {
			e.KeyExpr = m.wrapLeaf(e.KeyExpr)
		}
		if e.CondExpr != nil {
			e.CondExpr = m.wrapLeaf(e.CondExpr)
		}
	default: // names and what could not be parsed
		return e
	}
	return &metered{e, m, true}
}

// wrapLeaf is wrap, but measures e even when it only names a value. HCL looks
// for names by walking the tree and would not see one that is the metered
// expression itself, so it gets parentheses.
func (m *meter) wrapLeaf(e hclsyntax.Expression) hclsyntax.Expression {
	w := m.wrap(e)
	if _, ok := w.(*metered); ok {
		return w
	}
	return &metered{Expression: &hclsyntax.ParenthesesExpr{Expression: w, SrcRange: w.Range()}, meter: m}
}

// wrapBody meters every expression of a body. Type constraints of variables
// are not evaluated, and their parser wants them as they were written.
func (m *meter) wrapBody(b *hclsyntax.Body) {
	for _, attr := range b.Attributes {
		attr.Expr = m.wrap(attr.Expr)
	}
	for _, block := range b.Blocks {
		var constraint hclsyntax.Expression
		ty := block.Body.Attributes["type"]
		if ty != nil && block.Type == "variable" {
			constraint = ty.Expr
			ty.Expr = &hclsyntax.LiteralValueExpr{}
		}
		m.wrapBody(block.Body)
		if constraint != nil {
			ty.Expr = constraint
		}
	}
}
