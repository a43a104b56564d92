package config

import (
	"errors"
	"fmt"
	"regexp"
	"regexp/syntax"
	"strconv"
	"strings"

	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/function"
)

// The metered expression around a call measures its result, when it is too
// late for the few functions whose result can be far larger than their
// arguments, or that take far longer than they are long. Those are looked at
// before they are called.

// guards maps a function to what refuses arguments. Arguments are known, not
// null, and not marked.
var guards = map[string]func(m *meter, args []cty.Value) error{
	"replace":    replaceGuard,
	"join":       func(_ *meter, args []cty.Value) error { return bounded(joinBytes(args)) },
	"indent":     func(_ *meter, args []cty.Value) error { return bounded(indentBytes(args)) },
	"format":     func(_ *meter, args []cty.Value) error { return formatGuard(args[:1]) },
	"formatlist": func(_ *meter, args []cty.Value) error { return formatGuard(args[:1]) },
	"setproduct": productGuard,
	"regexall":   func(m *meter, args []cty.Value) error { return regexGuard(m, args[0], args[1], true) },
	"regex":      func(m *meter, args []cty.Value) error { return regexGuard(m, args[0], args[1], false) },
	"jsondecode": func(_ *meter, args []cty.Value) error { return digitsGuard(args[0]) },
	"coalesce":   func(_ *meter, args []cty.Value) error { return bounded(len(args) * 1000) },
	"distinct":   func(m *meter, args []cty.Value) error { return pairsGuard(m, args[0], args[0]) },
	"matchkeys":  func(m *meter, args []cty.Value) error { return pairsGuard(m, args[1], args[2]) },
}

// guarded wraps a function so that the guard sees the arguments first.
func guarded(f function.Function, m *meter, guard func(*meter, []cty.Value) error) function.Function {
	check := func(args []cty.Value) error {
		for _, a := range args {
			if !a.IsWhollyKnown() || a.IsNull() {
				return nil // then the function isn't run, or refuses
			}
		}
		if len(args) == 0 {
			return nil
		}
		unmarked := make([]cty.Value, len(args))
		for i, a := range args {
			unmarked[i], _ = a.UnmarkDeep()
		}
		return guard(m, unmarked)
	}
	return function.New(&function.Spec{
		Params: f.Params(), VarParam: f.VarParam(),
		Type: func(args []cty.Value) (cty.Type, error) {
			if err := check(args); err != nil {
				return cty.NilType, err
			}
			return f.ReturnTypeForValues(args)
		},
		Impl: func(args []cty.Value, _ cty.Type) (cty.Value, error) { return f.Call(args) },
	})
}

// bounded refuses a text of n bytes that would be too long for a value.
func bounded(n int) error {
	if n > maxValueBytes {
		return fmt.Errorf("the result would have more than %d bytes", maxValueBytes)
	}
	return nil
}

// replaceGuard refuses a result that would be too long. A pattern may match the
// empty string everywhere.
func replaceGuard(m *meter, args []cty.Value) error {
	s, old, by := args[0].AsString(), args[1].AsString(), args[2].AsString()
	pattern, ok := slashed(old)
	if !ok {
		return bounded(len(s) + strings.Count(s, old)*len(by))
	}
	if err := bounded(len(s) + (len(s)+1)*len(by)); err != nil {
		return err
	}
	return regexGuard(m, cty.StringVal(pattern), args[0], true)
}

// joinBytes is how long the result of join will be.
func joinBytes(args []cty.Value) int {
	sep, n := len(args[0].AsString()), 0
	for _, list := range args[1:] {
		n += list.LengthInt() * sep
	}
	return n
}

// indentBytes is how long the result of indent will be.
func indentBytes(args []cty.Value) int {
	if checkNumber(args[0].AsBigFloat()) != "" {
		return maxValueBytes + 1
	}
	n, _ := args[0].AsBigFloat().Int64()
	s := args[1].AsString()
	if n < 0 || n > maxValueBytes {
		return int(min(max(n, 0), maxValueBytes+1))
	}
	return len(s) + int(n)*strings.Count(s, "\n")
}

// wide matches a width or precision of a format.
var wide = regexp.MustCompile(`[0-9]+`)

// formatGuard refuses widths that no text has.
func formatGuard(args []cty.Value) error {
	total := 0
	for _, digits := range wide.FindAllString(args[0].AsString(), -1) {
		n, err := strconv.Atoi(digits)
		if err != nil || n > 10_000 {
			if strings.Contains(args[0].AsString(), "%") {
				return fmt.Errorf("a width of more than 10000 is not supported")
			}
		}
		total += n
	}
	return bounded(total)
}

// productGuard refuses products with too many elements.
func productGuard(_ *meter, args []cty.Value) error {
	n := 1
	for _, set := range args {
		if ty := set.Type(); !ty.IsCollectionType() && !ty.IsTupleType() {
			return nil // the function says so
		}
		n *= set.LengthInt()
		if n*len(args) > maxValueNodes {
			return fmt.Errorf("the product would have more than %d elements", maxValueNodes/len(args))
		}
	}
	return nil
}

// The expressions of Go go through a text once for each match, and at each
// character may be in each of their states. So they end, but a{1000} has a
// thousand states, and a.*b|a goes to the end of the text at each a.
const (
	maxPattern     = 10_000 // bytes
	maxStates      = 10_000
	stepsPerVisit  = 10 // a step takes some nanoseconds, an element that the meter counts a hundred
	maxRegexVisits = 10_000_000
)

// regexGuard refuses a pattern that takes too long for a text. With all, every
// match is looked for.
func regexGuard(m *meter, pattern, text cty.Value, all bool) error {
	p, s := pattern.AsString(), text.AsString()
	if len(p) > maxPattern {
		return fmt.Errorf("the pattern has %d bytes, and may have %d", len(p), maxPattern)
	}
	tree, err := syntax.Parse(p, syntax.Perl)
	if err != nil {
		return nil // the function says so
	}
	n := states(tree)
	if n > maxStates {
		return fmt.Errorf("the pattern repeats too much: written out, it would have more than %d parts", maxStates)
	}
	once, matches := 1+n+n*len(s)/stepsPerVisit, 1
	if most := maxRegexVisits / once; all && len(s) > most {
		re, err := regexp.Compile(p)
		if err != nil {
			return nil
		}
		if matches += len(re.FindAllStringIndex(s, most+1)); matches > most {
			return fmt.Errorf("the pattern matches more often than %d times, which takes too long in a text of %d bytes: split the text before", max(0, most-1), len(s))
		}
	}
	return m.spend(matches * once)
}

// states is how many parts a pattern has when its repetitions are written out.
func states(re *syntax.Regexp) int {
	n := 1
	if re.Op == syntax.OpLiteral {
		n = len(re.Rune)
	}
	for _, sub := range re.Sub {
		n += states(sub)
	}
	if re.Op == syntax.OpRepeat {
		n *= max(1, re.Min, re.Max)
	}
	return n
}

// pairsGuard charges for comparing each element of a with each of b.
func pairsGuard(m *meter, a, b cty.Value) error {
	if !a.CanIterateElements() || !b.CanIterateElements() {
		return nil // the function says so
	}
	var s size
	if problem := s.add(a, 0); problem != "" {
		return errors.New(problem)
	}
	return m.spend(s.nodes * b.LengthInt() / 4)
}

// longNumber matches more digits than a number may have.
var longNumber = regexp.MustCompile(`[0-9]{` + strconv.Itoa(min(maxDigits, 1000)) + `}`)

// digitsGuard refuses text with a number too long to read.
func digitsGuard(v cty.Value) error {
	if longNumber.MatchString(v.AsString()) {
		return fmt.Errorf("a number in it has more than %d digits", min(maxDigits, 1000))
	}
	return nil
}
