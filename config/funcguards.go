package config

import (
	"fmt"
	"regexp"
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
var guards = map[string]func(args []cty.Value) error{
	"replace":    func(args []cty.Value) error { return bounded(replaceBytes(args)) },
	"join":       func(args []cty.Value) error { return bounded(joinBytes(args)) },
	"indent":     func(args []cty.Value) error { return bounded(indentBytes(args)) },
	"format":     func(args []cty.Value) error { return formatGuard(args[:1]) },
	"formatlist": func(args []cty.Value) error { return formatGuard(args[:1]) },
	"setproduct": productGuard,
	"regexall":   regexGuard,
	"regex":      regexGuard,
	"jsondecode": func(args []cty.Value) error { return digitsGuard(args[0]) },
	"coalesce":   func(args []cty.Value) error { return bounded(len(args) * 1000) },
}

// guarded wraps a function so that the guard sees the arguments first.
func guarded(f function.Function, m *meter, guard func([]cty.Value) error) function.Function {
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
		return guard(unmarked)
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

// replaceBytes is how long the result of replace may become.
func replaceBytes(args []cty.Value) int {
	s, old, by := args[0].AsString(), args[1].AsString(), args[2].AsString()
	if len(old) > 1 && old[0] == '/' && old[len(old)-1] == '/' {
		return len(s) + (len(s)+1)*len(by) // a pattern may match the empty string everywhere
	}
	return len(s) + strings.Count(s, old)*len(by)
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
func productGuard(args []cty.Value) error {
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

// regexGuard refuses expressions that take long to compile.
func regexGuard(args []cty.Value) error {
	if n := len(args[0].AsString()); n > 10_000 {
		return fmt.Errorf("the pattern has %d bytes, and may have 10000", n)
	}
	return nil
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
