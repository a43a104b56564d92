package story

import (
	"cmp"
	"fmt"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Address names one instance of a block of the configuration, such as
// story.teaser["id"] or page.acme. It is comparable and serves as a map key.
type Address struct {
	Type  string // "story" or "page"
	Name  string // the block's label
	Key   string // the for_each key; meaningful only when Keyed
	Keyed bool   // whether the block has for_each
}

// At returns the address of the instance of a with the given for_each key.
func (a Address) At(key string) Address {
	a.Key, a.Keyed = key, true
	return a
}

// Block returns the address of the whole block: a without its for_each key.
func (a Address) Block() Address {
	a.Key, a.Keyed = "", false
	return a
}

// IsZero reports whether a names nothing.
func (a Address) IsZero() bool { return a == Address{} }

// String renders a as it is written in the configuration: story.teaser["id"].
func (a Address) String() string {
	if a.IsZero() {
		return ""
	}
	if !a.Keyed {
		return a.Type + "." + a.Name
	}
	return a.Type + "." + a.Name + "[" + quoteKey(a.Key) + "]"
}

// Compare orders addresses by type, name, and key, for stable listings.
func (a Address) Compare(b Address) int {
	return cmp.Or(
		cmp.Compare(a.Type, b.Type),
		cmp.Compare(a.Name, b.Name),
		cmp.Compare(a.Key, b.Key),
		cmp.Compare(b2i(a.Keyed), b2i(b.Keyed)),
	)
}

// b2i is 1 for true.
func b2i(b bool) int {
	if b {
		return 1
	}
	return 0
}

// MarshalText writes a as String does, so that JSON documents hold addresses
// as people write them.
func (a Address) MarshalText() ([]byte, error) { return []byte(a.String()), nil }

// UnmarshalText reads what MarshalText wrote.
func (a *Address) UnmarshalText(text []byte) error {
	if len(text) == 0 {
		*a = Address{}
		return nil
	}
	parsed, err := ParseAddress(string(text))
	if err != nil {
		return err
	}
	*a = parsed
	return nil
}

// ParseAddress reads an address as a person types it. A shell may have eaten
// the quotes of a key: story.teaser[id] means story.teaser["id"].
func ParseAddress(s string) (Address, error) {
	kind, rest, ok := strings.Cut(strings.TrimSpace(s), ".")
	if !utf8.ValidString(s) {
		return Address{}, fmt.Errorf("%q is not an address: it is not valid UTF-8", s)
	}
	if !ok || (kind != "story" && kind != "page") {
		return Address{}, fmt.Errorf("%q is not an address: an address looks like story.name or story.name[\"key\"]", s)
	}
	name, key, keyed := rest, "", false
	if i := strings.IndexByte(rest, '['); i >= 0 {
		name = rest[:i]
		var err error
		if key, err = parseKey(rest[i:]); err != nil {
			return Address{}, fmt.Errorf("%q is not an address: %w", s, err)
		}
		keyed = true
	}
	if !validName(name) {
		return Address{}, fmt.Errorf("%q is not an address: %q is not a block name", s, name)
	}
	return Address{Type: kind, Name: name, Key: key, Keyed: keyed}, nil
}

// parseKey reads ["key"] or, as a shell leaves it, [key].
func parseKey(s string) (string, error) {
	inner, ok := strings.CutSuffix(strings.TrimPrefix(s, "["), "]")
	if !ok {
		return "", fmt.Errorf("the bracket is not closed")
	}
	if strings.HasPrefix(inner, `"`) {
		key, err := strconv.Unquote(inner)
		if err != nil {
			return "", fmt.Errorf("the key %s is not a quoted string", inner)
		}
		return key, nil
	}
	if strings.ContainsAny(inner, `"[]`) {
		return "", fmt.Errorf("the key %s is not a quoted string", inner)
	}
	return inner, nil
}

// Invisible reports whether r shows as nothing, so that a text with it looks
// the same as one without.
func Invisible(r rune) bool {
	return !unicode.IsPrint(r) || unicode.In(r, unicode.Other_Default_Ignorable_Code_Point, unicode.Variation_Selector)
}

// quoteKey quotes a key so that parseKey reads the same string back, and so
// that two keys never look the same.
func quoteKey(key string) string {
	quoted := strconv.Quote(key)
	if !strings.ContainsFunc(quoted, Invisible) {
		return quoted
	}
	var b strings.Builder
	for _, r := range quoted {
		if Invisible(r) {
			b.WriteString(strings.Trim(strconv.QuoteRuneToASCII(r), "'"))
		} else {
			b.WriteRune(r)
		}
	}
	return b.String()
}

// validName reports whether s can be a block label that an expression refers
// to: a letter or underscore, then letters, digits, underscores and dashes.
func validName(s string) bool {
	for i, r := range s {
		switch {
		case r == '_' || r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r > 127:
		case i > 0 && (r == '-' || r >= '0' && r <= '9'):
		default:
			return false
		}
	}
	return s != ""
}
