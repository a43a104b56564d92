package config

import (
	"slices"
	"time"

	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/convert"
	"github.com/zclconf/go-cty/cty/function"
	"github.com/zclconf/go-cty/cty/function/stdlib"
)

// matchkeysFunc is matchkeys(values, keys, searchset): the values whose key, at
// the same place in keys, is in searchset.
func matchkeysFunc() function.Function {
	list := func(name string) function.Parameter {
		return function.Parameter{Name: name, Type: cty.List(cty.DynamicPseudoType)}
	}
	return function.New(&function.Spec{
		Params: []function.Parameter{list("values"), list("keys"), list("searchset")},
		Type:   func(args []cty.Value) (cty.Type, error) { return args[0].Type(), nil },
		Impl: func(args []cty.Value, ty cty.Type) (cty.Value, error) {
			values, keys, wanted := args[0].AsValueSlice(), args[1].AsValueSlice(), args[2].AsValueSlice()
			if len(values) != len(keys) {
				return cty.NilVal, function.NewArgErrorf(1, "must have as many elements as values, which has %d", len(values))
			}
			if ok := convert.GetConversion(args[1].Type(), args[2].Type()); ok == nil && !args[1].Type().Equals(args[2].Type()) {
				return cty.NilVal, function.NewArgErrorf(2, "must be of the same type as keys")
			}
			var out []cty.Value
			for i, k := range keys {
				if slices.ContainsFunc(wanted, func(w cty.Value) bool { return equal(k, w) }) {
					out = append(out, values[i])
				}
			}
			if len(out) == 0 {
				return cty.ListValEmpty(ty.ElementType()), nil
			}
			return cty.ListVal(out), nil
		},
	})
}

// equal reports whether two known values are equal.
func equal(a, b cty.Value) bool {
	eq, err := stdlib.Equal(a, b)
	return err == nil && eq.IsKnown() && !eq.IsNull() && eq.True()
}

// transposeFunc swaps the keys and the elements of a map of lists of strings.
func transposeFunc() function.Function {
	lists := cty.Map(cty.List(cty.String))
	return function.New(&function.Spec{
		Params: []function.Parameter{{Name: "values", Type: lists}},
		Type:   function.StaticReturnType(lists),
		Impl: func(args []cty.Value, _ cty.Type) (cty.Value, error) {
			if !args[0].IsWhollyKnown() {
				return cty.UnknownVal(lists), nil
			}
			swapped := map[string][]cty.Value{}
			for it := args[0].ElementIterator(); it.Next(); { // in the order of the keys
				k, list := it.Element()
				if list.IsNull() {
					return cty.NilVal, function.NewArgErrorf(0, "must not contain null")
				}
				for e := list.ElementIterator(); e.Next(); {
					_, v := e.Element()
					if v.IsNull() {
						return cty.NilVal, function.NewArgErrorf(0, "must not contain null")
					}
					swapped[v.AsString()] = append(swapped[v.AsString()], k)
				}
			}
			if len(swapped) == 0 {
				return cty.MapValEmpty(cty.List(cty.String)), nil
			}
			out := make(map[string]cty.Value, len(swapped))
			for k, list := range swapped {
				out[k] = cty.ListVal(list)
			}
			return cty.MapVal(out), nil
		},
	})
}

// timecmpFunc compares two instants: -1, 0 or 1.
func timecmpFunc() function.Function {
	return function.New(&function.Spec{
		Params: []function.Parameter{{Name: "timestamp_a", Type: cty.String}, {Name: "timestamp_b", Type: cty.String}},
		Type:   function.StaticReturnType(cty.Number),
		Impl: func(args []cty.Value, _ cty.Type) (cty.Value, error) {
			var at [2]time.Time
			for i := range at {
				t, err := time.Parse(time.RFC3339, args[i].AsString())
				if err != nil {
					return cty.NilVal, function.NewArgErrorf(i, "must be a time in RFC 3339, such as 2026-12-20T09:00:00+07:00")
				}
				at[i] = t
			}
			return cty.NumberIntVal(int64(at[0].Compare(at[1]))), nil
		},
	})
}

// issensitiveFunc reports whether a value is marked as sensitive.
func issensitiveFunc() function.Function {
	return function.New(&function.Spec{
		Params: []function.Parameter{{Name: "value", Type: cty.DynamicPseudoType, AllowNull: true, AllowMarked: true, AllowUnknown: true, AllowDynamicType: true}},
		Type:   function.StaticReturnType(cty.Bool),
		Impl: func(args []cty.Value, _ cty.Type) (cty.Value, error) {
			return cty.BoolVal(args[0].HasMark(sensitive)), nil
		},
	})
}
