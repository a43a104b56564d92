package config

import (
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/function"

	"storyform/internal/diag"
	"storyform/story"
)

// evaluator holds the values of names. Names are evaluated in the order of
// their dependencies; until that is done, an expression gets a context with
// exactly the names that it uses.
type evaluator struct {
	loader *loader
	// values has the value of each node of the graph, by "local.x".
	values map[string]cty.Value
	pure   *hcl.EvalContext            // functions that are the same everywhere
	dirs   map[string]*hcl.EvalContext // by folder: what paths are relative to
	full   map[string]cty.Value        // all names, when the graph is done
}

// newEvaluator returns an evaluator that knows no names yet.
func newEvaluator(l *loader) *evaluator {
	return &evaluator{
		loader: l, values: map[string]cty.Value{},
		pure: &hcl.EvalContext{Functions: pureFunctions(l.meter)}, dirs: map[string]*hcl.EvalContext{},
	}
}

// dir returns the context for expressions in files of a folder, with every
// name once the graph is done.
func (e *evaluator) dir(dir string) *hcl.EvalContext {
	ctx, ok := e.dirs[dir]
	if !ok {
		ctx = e.pure.NewChild()
		ctx.Functions = e.loader.fileFunctions(dir)
		e.dirs[dir] = ctx
	}
	ctx.Variables = e.full
	return ctx
}

// with returns the context of a folder with additional names.
func (e *evaluator) with(dir string, names map[string]cty.Value) *hcl.EvalContext {
	ctx := e.dir(dir).NewChild()
	ctx.Variables = names
	return ctx
}

// partial returns a context with the values of deps only.
func (e *evaluator) partial(dir string, deps []string) *hcl.EvalContext {
	if e.full != nil {
		return e.dir(dir)
	}
	byRoot := map[string]map[string]cty.Value{}
	for _, dep := range deps {
		root, name, _ := strings.Cut(dep, ".")
		if byRoot[root] == nil {
			byRoot[root] = map[string]cty.Value{}
		}
		byRoot[root][name] = e.value(dep)
	}
	names := map[string]cty.Value{}
	for root, values := range byRoot {
		names[root] = cty.ObjectVal(values)
	}
	return e.with(dir, names)
}

// value returns the value of a node, unknown when evaluating it failed.
func (e *evaluator) value(node string) cty.Value {
	if v, ok := e.values[node]; ok {
		return v
	}
	return cty.DynamicVal
}

// complete makes all names available.
func (e *evaluator) complete() {
	byRoot := map[string]map[string]cty.Value{"var": {}, "local": {}, "page": {}, "story": {}}
	l := e.loader
	for name := range l.locals {
		byRoot["local"][name] = e.value("local." + name)
	}
	for root, typ := range map[string]string{"var": "variable", "page": "page", "story": "story"} {
		for name := range l.named[typ] {
			byRoot[root][name] = e.value(root + "." + name)
		}
	}
	e.full = map[string]cty.Value{}
	for root, values := range byRoot {
		e.full[root] = cty.ObjectVal(values)
	}
}

// evaluateIn evaluates an expression of a block once names are complete,
// after checking its references.
func (l *loader) evaluateIn(addr story.Address, expr hcl.Expression, ctx *hcl.EvalContext, sc scope) (cty.Value, bool) {
	if !sc.checked {
		if _, ok, diags := l.checkRefs(expr, sc); !ok {
			l.report(addr, diags...)
			return cty.DynamicVal, false
		}
	}
	v, diags := evaluate(expr, ctx)
	l.report(addr, diags...)
	return v, !diags.HasErrors()
}

// readsFiles reports whether there is a function of that name that reads
// files. Where it is unknown nonetheless, the expression is in a template.
func (l *loader) readsFiles(name string) bool {
	_, ok := l.fileFunctions("")[name]
	return ok
}

// functionNames lists every function, for suggestions.
func (l *loader) functionNames() []string {
	var names []string
	for _, functions := range []map[string]function.Function{l.eval.pure.Functions, l.fileFunctions("")} {
		for name := range functions {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}

// evaluate evaluates an expression. Whatever goes wrong becomes diagnostics,
// and then the value is unknown, so that what depends on it stays silent.
func evaluate(expr hcl.Expression, ctx *hcl.EvalContext) (v cty.Value, diags hcl.Diagnostics) {
	defer func() {
		// The libraries that evaluate are large, and a configuration is
		// untrusted: a panic in them is a mistake in this expression.
		if r := recover(); r != nil {
			v = cty.DynamicVal
			diags = append(diags, errAt(expr.Range(), "Expression can't be evaluated",
				"Evaluating this expression failed inside of the HCL library: %v. Write it in another way, and please report this.", r))
		}
	}()
	v, diags = expr.Value(ctx)
	if diags.HasErrors() {
		v = cty.DynamicVal
	}
	return v, diags
}

// reopen makes a loader that is done ready to evaluate something more.
func (l *loader) reopen() (closeFolder func() error, _ diag.Diagnostics) {
	l.diags, l.reported, l.unknown = nil, map[hcl.DiagnosticSeverity]int{}, nil
	l.meter.used, l.meter.tripped = budget{}, false
	folder, err := openFolder(l.options.Dir)
	if err != nil {
		return nil, diag.Diagnostics{diag.Errorf("Configuration folder can't be read", "%v.", err)}
	}
	l.folder = folder
	return folder.root.Close, nil
}

// Eval evaluates one expression with the names of the configuration and
// returns its value as an expression, as `storyform console` shows it. A
// sensitive value is not shown. Eval may read files of the folder; it is not
// safe for use by several goroutines.
func (c *Config) Eval(src string) (string, diag.Diagnostics) {
	if c.eval == nil || c.eval.full == nil {
		return "", diag.Diagnostics{diag.Errorf("No configuration", "The configuration could not be read, so there is nothing to evaluate with.")}
	}
	const name = "<console>"
	l := c.eval.loader
	closeFolder, ds := l.reopen()
	if ds.HasErrors() {
		return "", ds
	}
	defer closeFolder()
	c.Sources[name] = []byte(src)
	expr, diags := l.parseTyped(&given{source: "the console", text: src, at: hcl.Range{Filename: name, Start: hcl.InitialPos, End: hcl.InitialPos}})
	if diags.HasErrors() {
		l.report(noAddress, diags...)
		return "", l.finish()
	}
	v, ok := l.evaluateIn(noAddress, expr, c.eval.dir(""), scope{})
	if !ok {
		return "", l.finish()
	}
	if !v.IsWhollyKnown() {
		return "(unknown because of a mistake in the configuration)", l.finish()
	}
	return l.hide(expressionText(v)), l.finish()
}
