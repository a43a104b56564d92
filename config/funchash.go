package config

import (
	"crypto/md5"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"net/url"
	"path"
	"strings"
	"unicode/utf8"

	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/function"
)

// hashes makes the hash functions, by the names that Terraform gives them.
var hashes = map[string]func() hash.Hash{"md5": md5.New, "sha1": sha1.New, "sha256": sha256.New, "sha512": sha512.New}

// inBase64 are the hashes that there are in base64, too.
var inBase64 = []string{"sha256", "sha512"}

// digest is the hash of a text.
func digest(name, text string) []byte {
	h := hashes[name]()
	h.Write([]byte(text))
	return h.Sum(nil)
}

// textFunctions are the functions that turn one string into another.
func textFunctions() map[string]function.Function {
	out := map[string]function.Function{
		"base64encode": textFunc(func(s string) (string, error) { return base64.StdEncoding.EncodeToString([]byte(s)), nil }),
		"base64decode": textFunc(decodeBase64),
		"urlencode":    textFunc(func(s string) (string, error) { return url.QueryEscape(s), nil }),
		"basename":     textFunc(func(s string) (string, error) { return path.Base(s), nil }),
		"dirname":      textFunc(func(s string) (string, error) { return path.Dir(s), nil }),
	}
	for name := range hashes {
		out[name] = textFunc(func(s string) (string, error) { return hex.EncodeToString(digest(name, s)), nil })
	}
	for _, name := range inBase64 {
		out["base64"+name] = textFunc(func(s string) (string, error) { return base64.StdEncoding.EncodeToString(digest(name, s)), nil })
	}
	return out
}

// textFunc makes a function from one string to another.
func textFunc(f func(string) (string, error)) function.Function {
	return function.New(&function.Spec{
		Params: []function.Parameter{{Name: "str", Type: cty.String}},
		Type:   function.StaticReturnType(cty.String),
		Impl: func(args []cty.Value, _ cty.Type) (cty.Value, error) {
			s, err := f(args[0].AsString())
			if err != nil {
				return cty.NilVal, function.NewArgError(0, err)
			}
			return cty.StringVal(s), nil
		},
	})
}

// decodeBase64 reads text that is encoded as base64.
func decodeBase64(s string) (string, error) {
	raw, err := base64.StdEncoding.DecodeString(s)
	if err != nil {
		return "", errors.New("this is not base64")
	}
	if !utf8.Valid(raw) {
		return "", errors.New("what is encoded is not UTF-8 text; only text can be a value")
	}
	return string(raw), nil
}

// uuidSpaces are the namespaces that RFC 4122 gives names to.
var uuidSpaces = map[string]string{
	"dns": "6ba7b810-9dad-11d1-80b4-00c04fd430c8", "url": "6ba7b811-9dad-11d1-80b4-00c04fd430c8",
	"oid": "6ba7b812-9dad-11d1-80b4-00c04fd430c8", "x500": "6ba7b814-9dad-11d1-80b4-00c04fd430c8",
}

// uuidFunc is uuidv5(namespace, name): the same for the same arguments.
func uuidFunc() function.Function {
	return function.New(&function.Spec{
		Params: []function.Parameter{{Name: "namespace", Type: cty.String}, {Name: "name", Type: cty.String}},
		Type:   function.StaticReturnType(cty.String),
		Impl: func(args []cty.Value, _ cty.Type) (cty.Value, error) {
			space := args[0].AsString()
			if known, ok := uuidSpaces[space]; ok {
				space = known
			}
			raw, err := hex.DecodeString(strings.ReplaceAll(space, "-", ""))
			if err != nil || len(raw) != 16 || len(space) != 36 {
				return cty.NilVal, function.NewArgErrorf(0, `must be "dns", "url", "oid", "x500" or a UUID`)
			}
			u := digest("sha1", string(raw)+args[1].AsString())[:16]
			u[6], u[8] = u[6]&0x0f|0x50, u[8]&0x3f|0x80
			return cty.StringVal(fmt.Sprintf("%x-%x-%x-%x-%x", u[:4], u[4:6], u[6:8], u[8:10], u[10:])), nil
		},
	})
}
