package config

import (
	"fmt"
	"reflect"
	"strings"

	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/hashicorp/hcl/v2/hclwrite"
	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/convert"

	"storyform/story"
)

// sensitive is the mark on values that are never shown.
type sensitiveMark struct{}

var sensitive = sensitiveMark{}

// isSensitive reports whether v or anything in it must not be shown.
func isSensitive(v cty.Value) bool { return v.ContainsMarked() }

// Text that stands for a value that must not be shown.
const sensitiveText = "(sensitive value)"

// storyType is the type of story.name: a reference, nothing to look into.
var storyType = cty.CapsuleWithOps("story", reflect.TypeFor[story.Address](), &cty.CapsuleOps{
	TypeGoString: func(reflect.Type) string { return "config.storyType" },
	Equals: func(a, b any) cty.Value {
		return cty.BoolVal(*a.(*story.Address) == *b.(*story.Address))
	},
	RawEquals: func(a, b any) bool { return *a.(*story.Address) == *b.(*story.Address) },
	HashKey:   func(v any) string { return v.(*story.Address).String() },
})

// storyValue makes a reference to a story instance.
func storyValue(a story.Address) cty.Value { return cty.CapsuleVal(storyType, &a) }

// storyRef returns the address that v refers to, if v is such a reference.
func storyRef(v cty.Value) (story.Address, bool) {
	v, _ = v.Unmark()
	if v.Type() != storyType || v.IsNull() || !v.IsKnown() {
		return story.Address{}, false
	}
	return *v.EncapsulatedValue().(*story.Address), true
}

// pageType is the type of page.name. Its address tells a Page from any other
// object: see loader.pageOf.
var pageType = cty.Object(map[string]cty.Type{
	"address": cty.String, "id": cty.String, "timezone": cty.String, "token_env": cty.String,
})

// pageValue makes the value of a Page.
func pageValue(p story.Page) cty.Value {
	env := cty.NullVal(cty.String)
	if p.TokenEnv != "" {
		env = cty.StringVal(p.TokenEnv)
	}
	zone := p.Timezone
	if zone == "" {
		zone = "UTC"
	}
	return cty.ObjectVal(map[string]cty.Value{
		"address": cty.StringVal(p.Address.String()), "id": cty.StringVal(p.ID),
		"timezone": cty.StringVal(zone), "token_env": env,
	})
}

// pageOf returns the Page that v is. An object that merely looks like one,
// because somebody wrote or merged it, is not a Page.
func (l *loader) pageOf(v cty.Value) (story.Page, bool) {
	v, _ = v.UnmarkDeep()
	if !v.Type().Equals(pageType) || v.IsNull() || !v.IsWhollyKnown() {
		return story.Page{}, false
	}
	addr := v.GetAttr("address")
	if addr.IsNull() {
		return story.Page{}, false
	}
	p, ok := l.pages[addr.AsString()]
	if !ok || !v.RawEquals(l.pageVals[addr.AsString()]) {
		return story.Page{}, false
	}
	return *p, true
}

// shortText renders a value in at most a line, for diagnostics: short values
// as they are written, large ones by their type and length.
func shortText(v cty.Value) string {
	switch {
	case isSensitive(v):
		return sensitiveText
	case v.IsNull():
		return "null"
	case !v.IsKnown():
		return "(unknown)"
	}
	if a, ok := storyRef(v); ok {
		return a.String()
	}
	ty := v.Type()
	switch {
	case ty == cty.String:
		return shortString(v.AsString())
	case ty.IsPrimitiveType():
		s, _ := convert.Convert(v, cty.String)
		return s.AsString()
	case (ty.Equals(pageType) || ty.Equals(storyObject)) && !v.GetAttr("address").IsNull() && v.GetAttr("address").IsKnown():
		return v.GetAttr("address").AsString()
	case ty.IsObjectType() || ty.IsMapType():
		keys, _ := keysOf(v)
		if len(keys) == 0 {
			return "{}"
		}
		return fmt.Sprintf("%s with keys %s", kindName(ty), list(keys, 5))
	case ty.IsTupleType() || ty.IsListType() || ty.IsSetType():
		if n := v.LengthInt(); n != 1 {
			return fmt.Sprintf("%s with %d elements", kindName(ty), n)
		}
		return kindName(ty) + " with 1 element"
	}
	return ty.FriendlyName()
}

// shortString quotes a string and cuts a long one.
func shortString(s string) string {
	const most = 60
	if r := []rune(s[:min(len(s), 8*most)]); len(r) > most {
		return fmt.Sprintf("%s… (%d characters)", quote(string(r[:most])), len([]rune(s)))
	}
	return quote(s)
}

// quote renders a string as an expression.
func quote(s string) string { return string(hclwrite.TokensForValue(cty.StringVal(s)).Bytes()) }

// kindName is what people call the outermost kind of a type. Tuples are
// called lists, as everybody does who writes [a, b].
func kindName(ty cty.Type) string {
	switch {
	case ty.IsObjectType():
		return "object"
	case ty.IsMapType():
		return "map"
	case ty.IsTupleType() || ty.IsListType():
		return "list"
	case ty.IsSetType():
		return "set"
	case ty == storyType:
		return "story"
	}
	return ty.FriendlyName()
}

// kindOf is kindName with its article.
func kindOf(ty cty.Type) string { return article(kindName(ty)) + " " + kindName(ty) }

// article is the article of a word, small.
func article(word string) string {
	if strings.ContainsAny(word[:1], "aeiou") {
		return "an"
	}
	return "a"
}

// upperFirst begins a sentence.
func upperFirst(s string) string { return strings.ToUpper(s[:min(1, len(s))]) + s[min(1, len(s)):] }

// expressionText renders a value as an expression. References to stories
// become their addresses.
func expressionText(v cty.Value) string {
	if isSensitive(v) {
		return sensitiveText
	}
	return strings.TrimSpace(string(hclwrite.Format(spread(plain(v)).Bytes())))
}

// widestList is how wide a list may be on one line, in bytes.
const widestList = 72

// spread are the tokens of a value. A wide list has a line for each element,
// as objects have for each attribute: a list of links is to be read and copied.
func spread(v cty.Value) hclwrite.Tokens {
	flat := hclwrite.TokensForValue(v)
	if v.IsNull() || !v.CanIterateElements() || len(flat.Bytes()) <= widestList {
		return flat
	}
	if ty := v.Type(); ty.IsObjectType() || ty.IsMapType() {
		var attrs []hclwrite.ObjectAttrTokens
		for key, e := range v.Elements() {
			name := hclwrite.TokensForValue(key)
			if hclsyntax.ValidIdentifier(key.AsString()) {
				name = hclwrite.TokensForIdentifier(key.AsString())
			}
			attrs = append(attrs, hclwrite.ObjectAttrTokens{Name: name, Value: spread(e)})
		}
		return hclwrite.TokensForObject(attrs)
	}
	newline := &hclwrite.Token{Type: hclsyntax.TokenNewline, Bytes: []byte("\n")}
	out := hclwrite.Tokens{{Type: hclsyntax.TokenOBrack, Bytes: []byte("[")}, newline}
	for _, e := range v.Elements() {
		out = append(append(out, spread(e)...), &hclwrite.Token{Type: hclsyntax.TokenComma, Bytes: []byte(",")}, newline)
	}
	return append(out, &hclwrite.Token{Type: hclsyntax.TokenCBrack, Bytes: []byte("]")})
}

// plain replaces references to stories in v by their addresses, and what is
// unknown by null, so that v can be written out.
func plain(v cty.Value) cty.Value {
	out, err := cty.Transform(v, func(_ cty.Path, e cty.Value) (cty.Value, error) {
		if a, ok := storyRef(e); ok {
			return cty.StringVal(a.String()), nil
		}
		if !e.IsKnown() {
			return cty.NullVal(e.Type()), nil
		}
		return e, nil
	})
	if err != nil {
		return cty.StringVal("(a value that can't be shown)")
	}
	return out
}
