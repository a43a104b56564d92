package config

import (
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/function"

	"storyform/internal/suggest"
)

// fileFunctions are the functions that read files, for expressions in files
// of a folder: what they name is relative to it and stays inside of the
// configuration's folder.
func (l *loader) fileFunctions(dir string) map[string]function.Function {
	path := []function.Parameter{{Name: "path", Type: cty.String}}
	one := func(ty cty.Type, impl func(path string) (cty.Value, error)) function.Function {
		return function.New(&function.Spec{Params: path, Type: function.StaticReturnType(ty),
			Impl: func(args []cty.Value, _ cty.Type) (cty.Value, error) { return impl(args[0].AsString()) }})
	}
	out := map[string]function.Function{
		"file":           one(cty.String, func(p string) (cty.Value, error) { return l.fileText(dir, p) }),
		"fileexists":     one(cty.Bool, func(p string) (cty.Value, error) { return l.fileExists(dir, p) }),
		"fileset":        l.filesetFunc(dir),
		"templatefile":   l.templateFunc("path", func(p string) (hclsyntax.Expression, error) { return l.template(dir, p) }),
		"templatestring": l.templateFunc("template", l.templateText),
	}
	for name := range hashes {
		out["file"+name] = one(cty.String, func(p string) (cty.Value, error) {
			sum, err := l.fileHash(dir, p, name)
			return cty.StringVal(hex.EncodeToString(sum)), err
		})
	}
	for _, name := range inBase64 {
		out["filebase64"+name] = one(cty.String, func(p string) (cty.Value, error) {
			sum, err := l.fileHash(dir, p, name)
			return cty.StringVal(base64.StdEncoding.EncodeToString(sum)), err
		})
	}
	return out
}

// readText returns the text of a file, reading it once.
func (l *loader) readText(dir, p string) (string, place, error) {
	at, err := l.folder.file(dir, p)
	if err != nil {
		return "", place{}, argError(0, err)
	}
	if text, ok := l.texts[at.real]; ok {
		return text, at, nil
	}
	src, err := l.folder.read(at, maxReadBytes)
	if err != nil {
		return "", place{}, argError(0, err)
	}
	if !validText(string(src)) {
		return "", place{}, function.NewArgErrorf(0, "%q is not UTF-8 text; only text can be read into a value", at.name)
	}
	if l.readBytes += len(src); l.readBytes > maxTotalBytes {
		return "", place{}, fmt.Errorf("this configuration reads more than %d MB of files", maxTotalBytes>>20)
	}
	l.findTokens(src, at.name)
	l.texts[at.real] = string(src)
	return string(src), at, nil
}

// fileText is the function file.
func (l *loader) fileText(dir, p string) (cty.Value, error) {
	text, _, err := l.readText(dir, p)
	return cty.StringVal(text), err
}

// fileHash hashes a file for filesha256 and the like. It takes files of any
// size, because it keeps none of them.
func (l *loader) fileHash(dir, p, name string) ([]byte, error) {
	at, err := l.folder.file(dir, p)
	if err != nil {
		return nil, argError(0, err)
	}
	known := name + " " + at.real
	if sum, ok := l.hashes[known]; ok {
		return sum, nil
	}
	f, err := l.folder.open(at)
	if err != nil {
		return nil, argError(0, err)
	}
	defer f.Close()
	h := hashes[name]()
	if _, err := io.Copy(h, f); err != nil {
		return nil, fmt.Errorf("%q can't be read: %w", at.name, innermost(err))
	}
	l.hashes[known] = h.Sum(nil)
	return l.hashes[known], nil
}

// fileExists is the function fileexists. A path that leaves the folder is an
// error, not false: whether something is there is nobody's business.
func (l *loader) fileExists(dir, p string) (cty.Value, error) {
	at, err := l.folder.resolve(dir, p)
	if pe, ok := errors.AsType[*pathError](err); ok && pe.summary == notFound {
		return cty.False, nil
	}
	if err != nil {
		return cty.NilVal, argError(0, err)
	}
	return cty.BoolVal(at.info.Mode().IsRegular()), nil
}

// filesetFunc is the function fileset(path, pattern): the files that match,
// relative to path.
func (l *loader) filesetFunc(dir string) function.Function {
	return function.New(&function.Spec{
		Params: []function.Parameter{{Name: "path", Type: cty.String}, {Name: "pattern", Type: cty.String}},
		Type:   function.StaticReturnType(cty.Set(cty.String)),
		Impl: func(args []cty.Value, _ cty.Type) (cty.Value, error) {
			names, err := l.fileset(dir, args[0].AsString(), args[1].AsString())
			if err != nil {
				return cty.NilVal, err
			}
			if len(names) == 0 {
				return cty.SetValEmpty(cty.String), nil
			}
			values := make([]cty.Value, len(names))
			for i, n := range names {
				values[i] = cty.StringVal(n)
			}
			return cty.SetVal(values), nil
		},
	})
}

// templateFunc makes a function that finds a template by its first argument
// and renders it with the variables of its second.
func (l *loader) templateFunc(first string, find func(string) (hclsyntax.Expression, error)) function.Function {
	return function.New(&function.Spec{
		Params: []function.Parameter{{Name: first, Type: cty.String}, {Name: "vars", Type: cty.DynamicPseudoType}},
		Type:   function.StaticReturnType(cty.String),
		Impl: func(args []cty.Value, _ cty.Type) (cty.Value, error) {
			expr, err := find(args[0].AsString())
			if err != nil {
				return cty.NilVal, err
			}
			return l.renderTemplate(expr, args[1])
		},
	})
}

// renderTemplate evaluates a template. In it are the given variables and all
// functions but those that read files, so that no template includes itself.
func (l *loader) renderTemplate(expr hclsyntax.Expression, vars cty.Value) (cty.Value, error) {
	if ty := vars.Type(); !ty.IsObjectType() && !ty.IsMapType() {
		return cty.NilVal, function.NewArgErrorf(1, "must be a map of the template's variables")
	}
	ctx := l.eval.pure.NewChild()
	ctx.Variables = map[string]cty.Value{}
	for it := vars.ElementIterator(); it.Next(); {
		k, v := it.Element()
		if !hclsyntax.ValidIdentifier(k.AsString()) {
			return cty.NilVal, function.NewArgErrorf(1, "%s is not a name that a template can use", shortString(k.AsString()))
		}
		ctx.Variables[k.AsString()] = v
	}
	for _, t := range expr.Variables() {
		if _, ok := ctx.Variables[t.RootName()]; !ok {
			hint := ""
			if s := suggest.Nearest(t.RootName(), slices.Collect(maps.Keys(ctx.Variables))); s != "" {
				hint = fmt.Sprintf(" (did you mean %q?)", s)
			}
			return cty.NilVal, fmt.Errorf("%s uses %q, which is not among the variables that are passed to it%s", rangeOf(t.SourceRange()), t.RootName(), hint)
		}
	}
	v, diags := evaluate(expr, ctx)
	if diags.HasErrors() {
		for _, d := range diags {
			l.explain(d)
		}
		return cty.NilVal, errors.New(firstProblem(diags))
	}
	return v, nil
}

// template parses a template file, once.
func (l *loader) template(dir, p string) (hclsyntax.Expression, error) {
	text, at, err := l.readText(dir, p)
	if err != nil {
		return nil, err
	}
	return l.parseTemplate(text, at.name, "file "+at.real)
}

// templateText parses the template of templatestring, each text once.
func (l *loader) templateText(text string) (hclsyntax.Expression, error) {
	return l.parseTemplate(text, "<template>", "text "+text)
}

// parseTemplate parses a template that known names.
func (l *loader) parseTemplate(text, name, known string) (hclsyntax.Expression, error) {
	if t, ok := l.templates[known]; ok {
		return t, nil
	}
	l.meter.used.bytes += len(known) // it is kept
	l.meter.used.visits += len(text) // parsing takes longer than looking
	if d := checkShape([]byte(text), name, hclsyntax.LexTemplate); d != nil {
		return nil, errors.New(firstProblem(hcl.Diagnostics{d}))
	}
	expr, diags := hclsyntax.ParseTemplate([]byte(text), name, hcl.InitialPos)
	if diags.HasErrors() {
		return nil, errors.New(firstProblem(diags))
	}
	expr = l.meter.wrap(expr)
	l.templates[known] = expr
	return expr, nil
}
