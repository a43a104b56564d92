package config

import (
	"fmt"
	"maps"
	"slices"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"

	"storyform/internal/suggest"
)

// scope says which names an expression may use besides var, local, page and
// story.
type scope struct {
	each    bool // in a block that has for_each
	self    bool // in a precondition
	forEach bool // in for_each itself
	checked bool // all references were checked before
	outputs bool // in the value of an output, which sees what became of stories
}

// checkRefs checks every name in an expression before it is evaluated, and
// returns what it depends on, as "var.x". Checking first finds all mistakes of
// an expression, also in the branch that would not be taken. Where ok is
// false the expression must not be evaluated.
func (l *loader) checkRefs(expr hcl.Expression, sc scope) (deps []string, ok bool, diags hcl.Diagnostics) {
	ok = true
	for _, t := range namesIn(expr) {
		dep, d, skip := l.checkRef(t, sc)
		ok = ok && !skip
		if d != nil {
			d.Subject = t.SourceRange().Ptr()
			d.Context = expr.Range().Ptr()
			diags, ok = append(diags, d), false
			continue
		}
		if dep != "" && !slices.Contains(deps, dep) {
			deps = append(deps, dep)
		}
	}
	return deps, ok, diags
}

// namesIn is expr.Variables() without a walk where there is nothing to walk
// through, as in most attributes.
func namesIn(expr hcl.Expression) []hcl.Traversal {
	switch e := expr.(type) {
	case *hclsyntax.ScopeTraversalExpr:
		return []hcl.Traversal{e.Traversal}
	case *hclsyntax.TemplateExpr:
		if e.IsStringLiteral() {
			return nil
		}
	case *hclsyntax.LiteralValueExpr:
		return nil
	}
	return expr.Variables()
}

// checkRef checks one reference. skip says that nothing is known about it,
// because the file that may declare it has a syntax error.
func (l *loader) checkRef(t hcl.Traversal, sc scope) (dep string, d *hcl.Diagnostic, skip bool) {
	root := t.RootName()
	switch root {
	case "each":
		return "", checkEach(t, sc), false
	case "self":
		if !sc.self {
			return "", errAt(hcl.Range{}, "Invalid reference", "self is the story itself and can be used only in a precondition block."), false
		}
		return "", nil, false
	case "var", "local", "page", "story":
	default:
		return "", l.unknownRoot(root, sc), false
	}
	name, ok := secondName(t)
	if !ok {
		return "", errAt(hcl.Range{}, "Invalid reference", "%q must be followed by a name, as in %s.name.", root, root), false
	}
	if d := l.declared(root, name); d != nil {
		if l.incomplete {
			return "", nil, true
		}
		return "", d, false
	}
	if root == "story" {
		d = l.checkStoryRef(t, name, sc)
	}
	return root + "." + name, d, false
}

// secondName returns the name after the root of a reference.
func secondName(t hcl.Traversal) (string, bool) {
	if len(t) < 2 {
		return "", false
	}
	switch s := t[1].(type) {
	case hcl.TraverseAttr:
		return s.Name, true
	case hcl.TraverseIndex:
		if s.Key.Type() == cty.String && !s.Key.IsNull() {
			return s.Key.AsString(), true
		}
	}
	return "", false
}

// declared says that a name is not declared, or returns nil.
func (l *loader) declared(root, name string) *hcl.Diagnostic {
	var names []string
	var summary, what, how string
	switch root {
	case "local":
		if l.locals[name] != nil {
			return nil
		}
		names, summary, what = l.localNames, "Reference to undeclared local value", "local value"
		how = "Define it in a locals block."
	case "var":
		summary, what, how = "Reference to undeclared input variable", "input variable", fmt.Sprintf("Declare it with variable %q {}.", name)
	case "page":
		summary, what, how = "Reference to undeclared page", "page", fmt.Sprintf("Declare it with page %q { id = … }.", name)
	case "story":
		summary, what, how = "Reference to undeclared story", "story", fmt.Sprintf("Declare it with story %q { … }.", name)
	}
	if root != "local" {
		index := l.named[map[string]string{"var": "variable", "page": "page", "story": "story"}[root]]
		if index[name] != nil {
			return nil
		}
		names = slices.Collect(maps.Keys(index))
	}
	if s := suggest.Nearest(name, names); s != "" {
		how = fmt.Sprintf("Did you mean %s.%s?", root, s)
	}
	return errAt(hcl.Range{}, summary, "There is no %s named %q. %s", what, name, how)
}

// checkEach checks a reference to each.
func checkEach(t hcl.Traversal, sc scope) *hcl.Diagnostic {
	switch {
	case sc.forEach:
		return errAt(hcl.Range{}, "Reference to each in for_each", "each is the current element of for_each, so for_each itself can't use it.")
	case !sc.each:
		return errAt(hcl.Range{}, "Reference to each without for_each",
			"each.key and each.value are the current element of for_each, and this block has no for_each.")
	}
	name, _ := secondName(t)
	if name != "key" && name != "value" {
		return errAt(hcl.Range{}, "Invalid reference", "each has the attributes key and value.%s", didYouMean(name, []string{"key", "value"}))
	}
	return nil
}

// unknownRoot answers a reference that begins with a name that means nothing.
func (l *loader) unknownRoot(root string, sc scope) *hcl.Diagnostic {
	if answer := foreign["root"][root]; answer != "" {
		return errAt(hcl.Range{}, "Invalid reference", "%s", answer)
	}
	roots := []string{"var", "local", "page", "story"}
	if sc.each {
		roots = append(roots, "each")
	}
	if sc.self {
		roots = append(roots, "self")
	}
	for _, r := range []struct {
		root     string
		declared bool
	}{{"local", l.locals[root] != nil}, {"var", l.named["variable"][root] != nil}, {"page", l.named["page"][root] != nil}, {"story", l.named["story"][root] != nil}} {
		if r.declared {
			return errAt(hcl.Range{}, "Invalid reference", "Nothing is called %q. Did you mean %s.%s, or %q with quotes, which is a text?", root, r.root, root, root)
		}
	}
	if s := suggest.Nearest(root, roots); s != "" {
		return errAt(hcl.Range{}, "Invalid reference", "Nothing is called %q. Did you mean %q?", root, s)
	}
	return errAt(hcl.Range{}, "Invalid reference",
		"Nothing is called %q. References begin with var, local, page or story. If this is text, put it into quotes.", root)
}
