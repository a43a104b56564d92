package config

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/zclconf/go-cty/cty"

	"storyform/story"
)

// instances are the elements of a block's for_each, by key in order. A block
// without for_each has one, without a key.
type instances struct {
	keyed  bool
	keys   []string
	values []cty.Value
}

// expand evaluates for_each of a page or story block and gives the block its
// value: a map by key, or one value.
func (l *loader) expand(b *block, deps []string) {
	in, ok := l.forEach(b, deps)
	if !ok {
		return
	}
	l.count += len(in.keys)
	if l.count > maxInstances {
		l.report(b.address(), errAt(b.header(), "Too many instances", "A configuration has at most %d pages and stories.", maxInstances))
		return
	}
	l.keys[b.address().String()] = in
	if b.spec.Type == "page" {
		l.expandPage(b, in, deps)
		return
	}
	values := make([]cty.Value, 0, len(in.keys))
	for _, addr := range in.addresses(b.address()) {
		values = append(values, storyValue(addr))
	}
	l.eval.values[b.address().String()] = in.value(values, storyType)
}

// addresses lists the addresses of the instances of a block.
func (in *instances) addresses(block story.Address) []story.Address {
	out := make([]story.Address, 0, len(in.keys))
	for _, key := range in.keys {
		if in.keyed {
			out = append(out, block.At(key))
		} else {
			out = append(out, block)
		}
	}
	return out
}

// value makes the value of a block from the values of its instances.
func (in *instances) value(values []cty.Value, ty cty.Type) cty.Value {
	switch {
	case !in.keyed:
		return values[0]
	case len(values) == 0:
		return cty.MapValEmpty(ty)
	}
	m := make(map[string]cty.Value, len(values))
	for i, key := range in.keys {
		m[key] = values[i]
	}
	return cty.MapVal(m)
}

// names returns the each object of an instance.
func (in *instances) names(i int) map[string]cty.Value {
	if !in.keyed {
		return nil
	}
	return map[string]cty.Value{"each": cty.ObjectVal(map[string]cty.Value{
		"key": cty.StringVal(in.keys[i]), "value": in.values[i],
	})}
}

// forEach evaluates for_each of a block. ok is false when that failed, which
// has been reported.
func (l *loader) forEach(b *block, deps []string) (*instances, bool) {
	expr := b.expr("for_each")
	if expr == nil {
		return &instances{keys: []string{""}, values: []cty.Value{cty.NilVal}}, true
	}
	ctx := l.eval.partial(b.file.dir, deps)
	v, diags := evaluate(expr, ctx)
	l.report(b.address(), diags...)
	if diags.HasErrors() || !v.IsKnown() {
		l.noteUnknown(expr)
		return nil, false
	}
	if problem := l.forEachProblem(v); problem != "" {
		l.report(b.address(), errIn(expr, ctx, "Invalid for_each argument", "%s", problem))
		return nil, false
	}
	in := &instances{keyed: true}
	for it := v.ElementIterator(); it.Next(); {
		k, e := it.Element()
		if v.Type().IsSetType() {
			k = e
		}
		key := k.AsString()
		if problem := keyProblem(key); problem != "" {
			l.report(b.address(), errIn(expr, ctx, "Invalid for_each key", "%s", problem))
			return nil, false
		}
		in.keys = append(in.keys, key)
		in.values = append(in.values, e)
	}
	return in, true
}

// forEachProblem says why v can't be what for_each goes through, or "".
func (l *loader) forEachProblem(v cty.Value) string {
	const want = "for_each takes a map, a set of strings, or a page that has for_each itself."
	if v.IsMarked() || v.Type().IsSetType() && v.ContainsMarked() {
		return "The keys of for_each are part of addresses, which are shown in every plan, and this value is sensitive. Use nonsensitive(…) if it is no secret."
	}
	ty := v.Type()
	switch {
	case v.IsNull():
		return "This value is null. " + want
	case ty.IsTupleType() || ty.IsListType():
		return "This is a list, whose elements have no keys that stay the same when one is taken out. Use toset([\"a\", \"b\"]), or a map. " + want
	case ty.IsSetType() && v.LengthInt() > 0 && ty.ElementType() != cty.String:
		return fmt.Sprintf("This is a set of %s. %s", ty.ElementType().FriendlyName(), want)
	case ty == storyType:
		a, _ := storyRef(v)
		return fmt.Sprintf("%s has no for_each: it is one story. %s", a, want)
	case !ty.IsMapType() && !ty.IsObjectType() && !ty.IsSetType():
		return fmt.Sprintf("This is %s. %s", kindOf(ty), want)
	}
	if p, ok := l.pageOf(v); ok {
		if p.Address.Keyed {
			return fmt.Sprintf("%s is one Page. For a story on every Page of the block write for_each = %s.", p.Address, p.Address.Block())
		}
		return fmt.Sprintf("%s has no for_each: it is one Page. Leave for_each out and write page = %s.", p.Address, p.Address)
	}
	if ty.IsSetType() && !v.IsWhollyKnown() {
		return "Not all elements of this set are known."
	}
	for it := v.ElementIterator(); ty.IsSetType() && it.Next(); {
		if _, e := it.Element(); e.IsNull() {
			return "This set contains null. " + want
		}
	}
	return ""
}

// keyProblem says why a key can't be part of an address, or "".
func keyProblem(key string) string {
	switch {
	case key == "":
		return "A key must not be empty: it is part of the address, as in story.name[\"key\"]."
	case len(key) > 200:
		return fmt.Sprintf("A key has at most 200 bytes, and one has %d.", len(key))
	case strings.ContainsFunc(key, func(r rune) bool {
		return unicode.IsControl(r) || r == utf8.RuneError || unicode.Is(unicode.Bidi_Control, r)
	}):
		return fmt.Sprintf("The key %q has control characters in it.", key)
	}
	return ""
}
