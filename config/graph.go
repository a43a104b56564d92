package config

import (
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"
)

// node is something that other expressions refer to by name: a local value,
// the Pages of a page block, or the keys of a story block. Variables are
// nodes, too, but are evaluated before.
type node struct {
	name  string    // "local.x"
	at    hcl.Range // where it is declared
	deps  []string
	run   func() // evaluates it, all dependencies being evaluated
	state nodeState
}

// nodeState is how far the search through the graph is with a node.
type nodeState int

const (
	waiting nodeState = iota
	entered
	done
)

// evaluateGraph evaluates local values, pages and the keys of stories in the
// order of their dependencies, and reports cycles.
func (l *loader) evaluateGraph() {
	nodes := map[string]*node{}
	var order []*node
	add := func(n *node) { nodes[n.name] = n; order = append(order, n) }
	for _, name := range l.localNames {
		add(l.localNode(name))
	}
	for _, typ := range []string{"page", "story"} {
		for _, b := range l.blocks[typ] {
			add(l.blockNode(b))
		}
	}
	for _, n := range order {
		l.visit(nodes, n)
	}
	l.eval.complete()
}

// frame is one level of visit: a node and which of its dependencies is next.
type frame struct {
	n    *node
	next int
}

// visit evaluates a node after its dependencies, in a loop rather than by
// recursion because a chain of locals may be long. What is part of a cycle is
// reported once and stays unknown.
func (l *loader) visit(nodes map[string]*node, start *node) {
	if start.state != waiting {
		return
	}
	start.state = entered
	stack := []frame{{n: start}}
	for len(stack) > 0 {
		top := &stack[len(stack)-1]
		if top.next == len(top.n.deps) {
			if top.n.run != nil {
				top.n.run()
			}
			top.n.state = done
			stack = stack[:len(stack)-1]
			continue
		}
		dep := nodes[top.n.deps[top.next]]
		top.next++
		switch {
		case dep == nil || dep.state == done:
		case dep.state == entered:
			l.reportCycle(stack, dep)
		default:
			dep.state = entered
			stack = append(stack, frame{n: dep})
		}
	}
}

// reportCycle names the cycle that the top of the stack closes by depending
// on again, and disables what is part of it.
func (l *loader) reportCycle(stack []frame, again *node) {
	first := slices.IndexFunc(stack, func(f frame) bool { return f.n == again })
	var names []string
	for _, f := range stack[first:] {
		f.n.run = nil
		names = append(names, f.n.name)
	}
	if len(names) == 1 {
		l.report(noAddress, errAt(again.at, "Self-reference", "%s refers to itself, so it can't be evaluated.", again.name))
		return
	}
	l.report(noAddress, errAt(again.at, "Reference cycle",
		"These refer to each other in a circle, so none of them can be evaluated first: %s. Take one reference out.", circle(names)))
}

// circle renders a cycle, shortened when it is long.
func circle(names []string) string {
	names = append(slices.Clone(names), names[0])
	if len(names) > 12 {
		names = append(append(slices.Clone(names[:6]), "…"), names[len(names)-5:]...)
	}
	return strings.Join(names, " → ")
}

// localNode makes the node of a local value.
func (l *loader) localNode(name string) *node {
	lo := l.locals[name]
	deps, ok, diags := l.checkRefs(lo.attr.Expr, scope{})
	l.report(noAddress, diags...)
	n := &node{name: "local." + name, at: lo.attr.NameRange, deps: deps}
	if ok {
		n.run = func() {
			v, diags := evaluate(lo.attr.Expr, l.eval.partial(lo.file.dir, deps))
			l.report(noAddress, diags...)
			l.eval.values[n.name] = v
		}
	}
	return n
}

// blockNode makes the node of a page or story block. A page depends on what
// its attributes name, a story only on what its for_each names: it is the
// reference that others see, not what the story is.
func (l *loader) blockNode(b *block) *node {
	n := &node{name: b.spec.Type + "." + b.label, at: b.header()}
	sound := true
	if e := b.expr("for_each"); e != nil {
		sound = l.depend(n, b, e, scope{forEach: true})
	}
	if b.spec.Type == "page" {
		l.dependPage(n, b)
	}
	if sound {
		n.run = func() { l.expand(b, n.deps) }
	}
	return n
}

// dependPage adds what the attributes of a page and its guard name. Attributes
// that name what is not declared are unknown from then on.
func (l *loader) dependPage(n *node, b *block) {
	sc := scope{each: b.attrs["for_each"] != nil}
	for _, part := range append([]*block{b}, b.blocks...) {
		for _, a := range sortedAttrs(part.syn.Body) {
			if part.attrs[a.Name] != nil && a.Name != "for_each" && !l.depend(n, b, a.Expr, sc) {
				part.disable(a.Name)
			}
		}
	}
}

// depend adds what an expression names to the dependencies of a node, and
// reports whether all of it is declared.
func (l *loader) depend(n *node, b *block, expr hcl.Expression, sc scope) bool {
	deps, ok, diags := l.checkRefs(expr, sc)
	l.report(b.address(), diags...)
	for _, d := range deps {
		if !slices.Contains(n.deps, d) {
			n.deps = append(n.deps, d)
		}
	}
	return ok
}
