package config

import (
	"errors"
	"fmt"
	"maps"
	"regexp"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/ext/customdecode"
	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/convert"
	"github.com/zclconf/go-cty/cty/function"
	"github.com/zclconf/go-cty/cty/function/stdlib"
)

// stdFunctions are the functions of go-cty that mean the same in Terraform.
func stdFunctions() map[string]function.Function {
	return map[string]function.Function{
		"abs": stdlib.AbsoluteFunc, "ceil": stdlib.CeilFunc, "floor": stdlib.FloorFunc, "max": stdlib.MaxFunc, "min": stdlib.MinFunc,
		"log": stdlib.LogFunc, "parseint": stdlib.ParseIntFunc, "pow": stdlib.PowFunc, "signum": stdlib.SignumFunc,
		"chomp": stdlib.ChompFunc, "format": stdlib.FormatFunc, "formatlist": stdlib.FormatListFunc, "indent": stdlib.IndentFunc,
		"join": stdlib.JoinFunc, "lower": stdlib.LowerFunc, "regex": stdlib.RegexFunc, "regexall": stdlib.RegexAllFunc,
		"split": stdlib.SplitFunc, "strrev": stdlib.ReverseFunc, "substr": stdlib.SubstrFunc, "title": stdlib.TitleFunc,
		"trim": stdlib.TrimFunc, "trimprefix": stdlib.TrimPrefixFunc, "trimsuffix": stdlib.TrimSuffixFunc,
		"trimspace": stdlib.TrimSpaceFunc, "upper": stdlib.UpperFunc,
		"chunklist": stdlib.ChunklistFunc, "coalescelist": stdlib.CoalesceListFunc, "compact": stdlib.CompactFunc,
		"concat": stdlib.ConcatFunc, "contains": stdlib.ContainsFunc, "distinct": stdlib.DistinctFunc, "element": stdlib.ElementFunc,
		"flatten": stdlib.FlattenFunc, "keys": stdlib.KeysFunc, "merge": stdlib.MergeFunc, "range": stdlib.RangeFunc,
		"reverse": stdlib.ReverseListFunc, "setintersection": stdlib.SetIntersectionFunc, "setproduct": stdlib.SetProductFunc,
		"setsubtract": stdlib.SetSubtractFunc, "setunion": stdlib.SetUnionFunc, "slice": stdlib.SliceFunc, "sort": stdlib.SortFunc,
		"values": stdlib.ValuesFunc, "zipmap": stdlib.ZipmapFunc,
		"csvdecode": stdlib.CSVDecodeFunc, "jsondecode": stdlib.JSONDecodeFunc, "jsonencode": stdlib.JSONEncodeFunc,
		"formatdate": stdlib.FormatDateFunc, "timeadd": stdlib.TimeAddFunc,
		"tobool": stdlib.MakeToFunc(cty.Bool), "tonumber": stdlib.MakeToFunc(cty.Number), "tostring": stdlib.MakeToFunc(cty.String),
		"tolist": stdlib.MakeToFunc(cty.List(cty.DynamicPseudoType)), "tomap": stdlib.MakeToFunc(cty.Map(cty.DynamicPseudoType)),
		"toset": stdlib.MakeToFunc(cty.Set(cty.DynamicPseudoType)),
	}
}

// pureFunctions are the functions that are the same in every file: all but
// those that read files. None reads a clock, the environment, or chance.
func pureFunctions(m *meter) map[string]function.Function {
	all := stdFunctions()
	maps.Copy(all, textFunctions())
	maps.Copy(all, map[string]function.Function{
		"startswith":  stringTest("prefix", strings.HasPrefix),
		"endswith":    stringTest("suffix", strings.HasSuffix),
		"strcontains": stringTest("substr", strings.Contains),
		"replace":     replaceFunc(),
		"coalesce":    coalesceFunc(),
		"index":       indexFunc(),
		"length":      lengthFunc(),
		"lookup":      lookupFunc(),
		"one":         oneFunc(),
		"sum":         sumFunc(),
		"alltrue":     boolsFunc(true),
		"anytrue":     boolsFunc(false),
		"dates":       datesFunc(),
		"timecmp":     timecmpFunc(),
		"matchkeys":   matchkeysFunc(),
		"transpose":   transposeFunc(),
		"uuidv5":      uuidFunc(),
		"sensitive":   markFunc(true), "nonsensitive": markFunc(false), "issensitive": issensitiveFunc(),
		"try": tryFunc(), "can": canFunc(),
	})
	for name, guard := range guards {
		all[name] = guarded(all[name], m, guard)
	}
	return all
}

// stringTest makes a function that tests a string against another.
func stringTest(second string, test func(s, t string) bool) function.Function {
	return function.New(&function.Spec{
		Params: []function.Parameter{{Name: "str", Type: cty.String}, {Name: second, Type: cty.String}},
		Type:   function.StaticReturnType(cty.Bool),
		Impl: func(args []cty.Value, _ cty.Type) (cty.Value, error) {
			return cty.BoolVal(test(args[0].AsString(), args[1].AsString())), nil
		},
	})
}

// replaceFunc replaces a substring, or, where it is written between slashes,
// what a regular expression matches.
func replaceFunc() function.Function {
	return function.New(&function.Spec{
		Params: []function.Parameter{{Name: "str", Type: cty.String}, {Name: "substr", Type: cty.String}, {Name: "replace", Type: cty.String}},
		Type:   function.StaticReturnType(cty.String),
		Impl: func(args []cty.Value, _ cty.Type) (cty.Value, error) {
			s, old, by := args[0].AsString(), args[1].AsString(), args[2].AsString()
			if pattern, ok := slashed(old); ok {
				re, err := regexp.Compile(pattern)
				if err != nil {
					return cty.NilVal, function.NewArgError(1, err)
				}
				return cty.StringVal(re.ReplaceAllString(s, by)), nil
			}
			return cty.StringVal(strings.ReplaceAll(s, old, by)), nil
		},
	})
}

// slashed returns what stands between slashes.
func slashed(s string) (pattern string, ok bool) {
	if len(s) < 2 || s[0] != '/' || s[len(s)-1] != '/' {
		return "", false
	}
	return s[1 : len(s)-1], true
}

// coalesceFunc returns the first argument that is neither null nor "".
func coalesceFunc() function.Function {
	return function.New(&function.Spec{
		VarParam: &function.Parameter{Name: "vals", Type: cty.DynamicPseudoType, AllowNull: true, AllowDynamicType: true, AllowUnknown: true},
		Type: func(args []cty.Value) (cty.Type, error) {
			types := make([]cty.Type, len(args))
			for i, a := range args {
				types[i] = a.Type()
			}
			ty, _ := convert.UnifyUnsafe(types)
			if ty == cty.NilType {
				return cty.NilType, errors.New("all arguments must have the same type")
			}
			return ty, nil
		},
		Impl: func(args []cty.Value, ty cty.Type) (cty.Value, error) {
			for _, a := range args {
				v, err := convert.Convert(a, ty)
				if err != nil {
					return cty.NilVal, err
				}
				if !v.IsKnown() {
					return cty.UnknownVal(ty), nil
				}
				if v.IsNull() || ty == cty.String && v.AsString() == "" {
					continue
				}
				return v, nil
			}
			return cty.NilVal, errors.New("every argument is null or an empty string")
		},
	})
}

// indexFunc returns where a value is in a list.
func indexFunc() function.Function {
	return function.New(&function.Spec{
		Params: []function.Parameter{{Name: "list", Type: cty.DynamicPseudoType}, {Name: "value", Type: cty.DynamicPseudoType}},
		Type:   function.StaticReturnType(cty.Number),
		Impl: func(args []cty.Value, _ cty.Type) (cty.Value, error) {
			if ty := args[0].Type(); !ty.IsListType() && !ty.IsTupleType() {
				return cty.NilVal, function.NewArgErrorf(0, "must be a list")
			}
			i := int64(0)
			for it := args[0].ElementIterator(); it.Next(); i++ {
				_, e := it.Element()
				eq, err := stdlib.Equal(e, args[1])
				if err != nil {
					return cty.NilVal, err
				}
				if !eq.IsKnown() {
					return cty.UnknownVal(cty.Number), nil
				}
				if eq.True() {
					return cty.NumberIntVal(i), nil
				}
			}
			return cty.NilVal, errors.New("the value is not in the list")
		},
	})
}

// lengthFunc counts elements, or the characters of a string.
func lengthFunc() function.Function {
	return function.New(&function.Spec{
		Params: []function.Parameter{{Name: "value", Type: cty.DynamicPseudoType, AllowDynamicType: true, AllowUnknown: true}},
		Type:   function.StaticReturnType(cty.Number),
		Impl: func(args []cty.Value, _ cty.Type) (cty.Value, error) {
			v := args[0]
			switch ty := v.Type(); {
			case ty == cty.DynamicPseudoType || !v.IsKnown():
				return cty.UnknownVal(cty.Number), nil
			case ty == cty.String:
				return stdlib.Strlen(v)
			case ty.IsObjectType():
				return cty.NumberIntVal(int64(len(ty.AttributeTypes()))), nil
			case ty.IsTupleType() || ty.IsCollectionType():
				return v.Length(), nil
			}
			return cty.NilVal, function.NewArgErrorf(0, "must be a collection or a string")
		},
	})
}

// lookupFunc returns an element of a map, or a default.
func lookupFunc() function.Function {
	return function.New(&function.Spec{
		Params:   []function.Parameter{{Name: "map", Type: cty.DynamicPseudoType}, {Name: "key", Type: cty.String}},
		VarParam: &function.Parameter{Name: "default", Type: cty.DynamicPseudoType, AllowNull: true, AllowUnknown: true, AllowDynamicType: true},
		Type:     function.StaticReturnType(cty.DynamicPseudoType),
		Impl: func(args []cty.Value, _ cty.Type) (cty.Value, error) {
			m, key := args[0], args[1].AsString()
			ty := m.Type()
			switch {
			case len(args) > 3:
				return cty.NilVal, errors.New("takes a map, a key, and at most one default")
			case !ty.IsMapType() && !ty.IsObjectType():
				return cty.NilVal, function.NewArgErrorf(0, "must be a map")
			case ty.IsObjectType() && ty.HasAttribute(key):
				return m.GetAttr(key), nil
			case ty.IsMapType() && m.HasIndex(args[1]).True():
				return m.Index(args[1]), nil
			case len(args) == 3 && ty.IsMapType():
				return convert.Convert(args[2], ty.ElementType())
			case len(args) == 3:
				return args[2], nil
			}
			return cty.NilVal, fmt.Errorf("the map has no element %s, and no default is given", shortString(key))
		},
	})
}

// oneFunc returns the only element of a list, or null for an empty one.
func oneFunc() function.Function {
	return function.New(&function.Spec{
		Params: []function.Parameter{{Name: "list", Type: cty.DynamicPseudoType}},
		Type:   function.StaticReturnType(cty.DynamicPseudoType),
		Impl: func(args []cty.Value, _ cty.Type) (cty.Value, error) {
			v := args[0]
			if ty := v.Type(); !ty.IsTupleType() && !ty.IsListType() && !ty.IsSetType() {
				return cty.NilVal, function.NewArgErrorf(0, "must be a list or a set")
			}
			switch n := v.LengthInt(); n {
			case 0:
				return cty.NullVal(cty.DynamicPseudoType), nil
			case 1:
				it := v.ElementIterator()
				it.Next()
				_, e := it.Element()
				return e, nil
			default:
				return cty.NilVal, function.NewArgErrorf(0, "must have at most one element, and has %d", n)
			}
		},
	})
}

// sumFunc adds the numbers of a list.
func sumFunc() function.Function {
	return function.New(&function.Spec{
		Params: []function.Parameter{{Name: "list", Type: cty.DynamicPseudoType}},
		Type:   function.StaticReturnType(cty.Number),
		Impl: func(args []cty.Value, _ cty.Type) (cty.Value, error) {
			list, err := convert.Convert(args[0], cty.List(cty.Number))
			if err != nil || list.LengthInt() == 0 {
				return cty.NilVal, function.NewArgErrorf(0, "must be a list of numbers that is not empty")
			}
			total := cty.Zero
			for it := list.ElementIterator(); it.Next(); {
				_, e := it.Element()
				if e.IsNull() {
					return cty.NilVal, function.NewArgErrorf(0, "must not contain null")
				}
				total = total.Add(e)
			}
			return total, nil
		},
	})
}

// boolsFunc combines bools: with all, it is true if every one is; else, if
// any one is.
func boolsFunc(all bool) function.Function {
	return function.New(&function.Spec{
		Params: []function.Parameter{{Name: "list", Type: cty.List(cty.Bool)}},
		Type:   function.StaticReturnType(cty.Bool),
		Impl: func(args []cty.Value, _ cty.Type) (cty.Value, error) {
			result := cty.BoolVal(all)
			for it := args[0].ElementIterator(); it.Next(); {
				_, e := it.Element()
				switch {
				case e.IsNull() && all:
					return cty.False, nil
				case e.IsNull(): // it is not true, and another one may be
				case all:
					result = result.And(e)
				default:
					result = result.Or(e)
				}
			}
			return result, nil
		},
	})
}

// markFunc marks a value as sensitive, or takes the mark off.
func markFunc(on bool) function.Function {
	return function.New(&function.Spec{
		Params: []function.Parameter{{Name: "value", Type: cty.DynamicPseudoType, AllowNull: true, AllowMarked: true, AllowUnknown: true, AllowDynamicType: true}},
		Type:   func(args []cty.Value) (cty.Type, error) { return args[0].Type(), nil },
		Impl: func(args []cty.Value, _ cty.Type) (cty.Value, error) {
			v, _ := args[0].UnmarkDeep()
			if on {
				v = v.Mark(sensitive)
			}
			return v, nil
		},
	})
}

// tryFunc returns the first argument that can be evaluated. HCL's own
// evaluates each argument twice, so that nested ones take exponential time.
func tryFunc() function.Function {
	return function.New(&function.Spec{
		VarParam: &function.Parameter{Name: "expressions", Type: customdecode.ExpressionClosureType},
		Type:     function.StaticReturnType(cty.DynamicPseudoType),
		Impl: func(args []cty.Value, _ cty.Type) (cty.Value, error) {
			var reasons []string
			for _, arg := range args {
				v, diags := closureValue(arg)
				if !diags.HasErrors() {
					return v, nil
				}
				reasons = append(reasons, firstProblem(diags))
			}
			if len(reasons) == 0 {
				return cty.NilVal, errors.New("at least one argument is required")
			}
			return cty.NilVal, fmt.Errorf("no expression succeeded:\n- %s\nat least one must succeed", strings.Join(reasons, "\n- "))
		},
	})
}

// canFunc reports whether its argument can be evaluated.
func canFunc() function.Function {
	return function.New(&function.Spec{
		Params: []function.Parameter{{Name: "expression", Type: customdecode.ExpressionClosureType}},
		Type:   function.StaticReturnType(cty.Bool),
		Impl: func(args []cty.Value, _ cty.Type) (cty.Value, error) {
			v, diags := closureValue(args[0])
			if !diags.HasErrors() && !v.IsWhollyKnown() {
				return cty.UnknownVal(cty.Bool), nil
			}
			return cty.BoolVal(!diags.HasErrors()), nil
		},
	})
}

// firstProblem renders the first error of diagnostics for the error of a
// function.
func firstProblem(diags hcl.Diagnostics) string {
	for _, d := range diags {
		if d.Severity == hcl.DiagError && d.Subject != nil {
			return fmt.Sprintf("%s: %s: %s", rangeOf(*d.Subject), d.Summary, strings.TrimSuffix(withoutPanic(d.Detail), "."))
		}
	}
	return "it can't be evaluated"
}

// argError makes the error of a function from one with a sentence in it.
func argError(i int, err error) error {
	return function.NewArgErrorf(i, "%s", strings.TrimSuffix(err.Error(), "."))
}

// closureValue evaluates an argument that was passed as an expression.
func closureValue(arg cty.Value) (cty.Value, hcl.Diagnostics) {
	c := customdecode.ExpressionClosureFromVal(arg)
	return c.Value()
}
