package config

import (
	"encoding/json"

	"github.com/hashicorp/hcl/v2"
	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/convert"
	ctyjson "github.com/zclconf/go-cty/cty/json"

	"storyform/internal/diag"
	"storyform/internal/suggest"
	"storyform/story"
)

// loadOutputs evaluates the output block of a name, or all without one.
func (l *loader) loadOutputs(name string) []Output {
	var out []Output
	var names map[string]cty.Value
	for _, b := range l.blocks["output"] {
		expr := b.expr("value")
		if name != "" && b.label != name || !l.soundBlock(b) || expr == nil {
			continue
		}
		if names == nil {
			names = l.outputNames()
		}
		ctx := l.eval.dir(b.file.dir)
		o := Output{Name: b.label, Stories: l.storiesIn(expr), Range: *rangeOf(b.header())}
		o.Description, _ = l.attrString(noAddress, b, "description", ctx)
		o.Sensitive, _ = l.attrBool(noAddress, b, "sensitive", ctx)
		if l.outputValue(&o, expr, l.eval.with(b.file.dir, names)) {
			out = append(out, o)
		}
	}
	return out
}

// outputValue evaluates the value of an output.
func (l *loader) outputValue(o *Output, expr hcl.Expression, ctx *hcl.EvalContext) bool {
	v, diags := evaluate(expr, ctx)
	l.report(noAddress, diags...)
	if diags.HasErrors() {
		return false
	}
	if isSensitive(v) && !o.Sensitive {
		l.report(noAddress, errIn(expr, ctx, "Output refers to sensitive values",
			"This value is sensitive. Write sensitive = true into the output, so that it is shown only when asked for by name."))
		return false
	}
	v, _ = v.UnmarkDeep()
	if !v.IsWhollyKnown() {
		if o.Pending = len(o.Stories) > 0 && l.facts == nil; !o.Pending {
			l.noteUnknown(expr)
			return false
		}
	}
	o.setValue(v)
	return true
}

// ResolveOutputs evaluates the output of a name, or all without one, with what
// became of the stories, which Load does not know. Stories that are not in facts were not published yet. An
// output that can't be evaluated is left out and a diagnostic says why. Like
// Eval it may read files, and is not safe for use by several goroutines.
func (c *Config) ResolveOutputs(facts map[story.Address]Fact, name string) ([]Output, diag.Diagnostics) {
	if c.eval == nil || c.eval.full == nil {
		return nil, nil
	}
	l := c.eval.loader
	closeFolder, ds := l.reopen()
	if ds.HasErrors() {
		return nil, ds
	}
	defer closeFolder()
	if l.facts = facts; facts == nil {
		l.facts = map[story.Address]Fact{}
	}
	out := l.loadOutputs(name)
	l.facts = nil
	return out, l.finish()
}

// setValue renders a value for scripts and for people.
func (o *Output) setValue(v cty.Value) {
	v = plain(v)
	o.Value, o.Type, o.Expression = json.RawMessage("null"), json.RawMessage(`"dynamic"`), expressionText(v)
	if raw, err := ctyjson.Marshal(v, v.Type()); err == nil {
		o.Value = raw
	}
	if raw, err := ctyjson.MarshalType(v.Type()); err == nil {
		o.Type = raw
	}
	o.Text = o.Expression
	if !v.IsNull() && v.Type().IsPrimitiveType() {
		s, _ := convert.Convert(v, cty.String)
		o.Text = s.AsString()
	}
}

// loadMoved reads the moved blocks.
func (l *loader) loadMoved() []Move {
	var moves []Move
	from, to := map[story.Address]*block{}, map[story.Address]*block{}
	for _, b := range l.blocks["moved"] {
		m := Move{Range: *rangeOf(b.header())}
		var okFrom, okTo bool
		if m.From, okFrom = l.storyAddress(b, "from"); okFrom {
			okFrom = l.checkFrom(b, m.From, from)
		}
		if m.To, okTo = l.storyAddress(b, "to"); okTo {
			okTo = l.checkTo(b, m, to)
		}
		if okFrom && okTo {
			moves = append(moves, m)
		}
	}
	return moves
}

// checkFrom refuses to move a story that is still declared, or twice.
func (l *loader) checkFrom(b *block, addr story.Address, seen map[story.Address]*block) bool {
	expr := b.expr("from")
	if first := seen[addr]; first != nil {
		l.report(noAddress, errAt(expr.Range(), "Ambiguous move", "%s is moved already at %s.", addr, rangeOf(first.header())))
		return false
	}
	seen[addr] = b
	if l.exists(addr) {
		l.report(noAddress, errAt(expr.Range(), "Moved story still exists",
			"%s is still declared. A moved block tells what a story was called before: take out the block under the old name, or this one.", addr))
		return false
	}
	return true
}

// checkTo refuses to move to a story that isn't declared, or two to one.
func (l *loader) checkTo(b *block, m Move, seen map[story.Address]*block) bool {
	expr := b.expr("to")
	if first := seen[m.To]; first != nil {
		l.report(noAddress, errAt(expr.Range(), "Ambiguous move", "Another story is moved to %s already at %s.", m.To, rangeOf(first.header())))
		return false
	}
	seen[m.To] = b
	if m.From == m.To {
		l.report(noAddress, errAt(expr.Range(), "Redundant move", "The story is moved to the name that it has."))
		return false
	}
	return l.checkExists(expr, m.To)
}

// exists reports whether an address is a declared instance, or a block of
// several.
func (l *loader) exists(addr story.Address) bool {
	in := l.keys[addr.Block().String()]
	if in == nil {
		return false
	}
	if !addr.Keyed {
		return true
	}
	for _, k := range in.keys {
		if in.keyed && k == addr.Key {
			return true
		}
	}
	return false
}

// checkExists reports an address that isn't declared.
func (l *loader) checkExists(expr hcl.Expression, addr story.Address) bool {
	if l.exists(addr) {
		return true
	}
	if b := l.named["story"][addr.Name]; b != nil && l.keys[b.address().String()] == nil {
		return false // its for_each is wrong, which was reported
	}
	if l.incomplete {
		return false
	}
	var names []string
	for _, b := range l.blocks["story"] {
		names = append(names, b.address().String())
	}
	for _, in := range l.stories {
		names = append(names, in.addr.String())
	}
	hint := ""
	if s := suggest.Nearest(addr.String(), names); s != "" {
		hint = " Did you mean " + s + "?"
	}
	l.report(noAddress, errAt(expr.Range(), "Story not declared", "There is no %s in the configuration.%s", addr, hint))
	return false
}

// storyAddress reads an attribute that is the address of a story, as
// story.name or story.name["key"].
func (l *loader) storyAddress(b *block, name string) (story.Address, bool) {
	expr := b.expr(name)
	if expr == nil {
		return story.Address{}, false
	}
	t, diags := hcl.AbsTraversalForExpr(expr)
	bad := func(detail string) (story.Address, bool) {
		l.report(noAddress, errAt(expr.Range(), "Invalid address", "%s", detail))
		return story.Address{}, false
	}
	switch {
	case diags.HasErrors() || len(t) < 2 || len(t) > 3:
		return bad(`Write the address of a story without quotes, as story.name or story.name["key"].`)
	case t.RootName() == "page":
		return bad("Pages have no state of their own, so a page can be renamed without a moved block.")
	case t.RootName() != "story":
		return bad(`Write the address of a story, as story.name or story.name["key"].`)
	}
	second, ok := secondName(t)
	if !ok {
		return bad(`Write the address of a story, as story.name or story.name["key"].`)
	}
	addr := story.Address{Type: "story", Name: second}
	if len(t) == 3 {
		switch s := t[2].(type) {
		case hcl.TraverseIndex:
			if s.Key.Type() != cty.String {
				return bad("The keys of for_each are strings: write the key in quotes.")
			}
			addr = addr.At(s.Key.AsString())
		default:
			return bad(`An instance is named by its key, as in story.name["key"].`)
		}
	}
	return addr, true
}

// loadImports reads the import blocks.
func (l *loader) loadImports() []Import {
	var out []Import
	seen := map[story.Address]*block{}
	for _, b := range l.blocks["import"] {
		to, ok := l.storyAddress(b, "to")
		if !ok || !l.checkExists(b.expr("to"), to) {
			continue
		}
		if in := l.keys[to.Block().String()]; in != nil && in.keyed && !to.Keyed {
			example := to.At("key")
			if len(in.keys) > 0 {
				example = to.At(in.keys[0])
			}
			l.report(noAddress, errAt(b.expr("to").Range(), "Invalid address", "%s has for_each. Name one of its instances, such as %s.", to, example))
			continue
		}
		if first := seen[to]; first != nil {
			l.report(noAddress, errAt(b.expr("to").Range(), "Duplicate import", "%s is imported already at %s.", to, rangeOf(first.header())))
			continue
		}
		seen[to] = b
		if id, ok := l.importID(b); ok {
			out = append(out, Import{To: to, ID: id, Range: *rangeOf(b.header())})
		}
	}
	return out
}

// importID evaluates the post id of an import block.
func (l *loader) importID(b *block) (string, bool) {
	expr := b.expr("id")
	if expr == nil {
		return "", false
	}
	ctx := l.eval.dir(b.file.dir)
	v, ok := l.evaluateIn(noAddress, expr, ctx, scope{})
	if !ok {
		return "", false
	}
	v, set := l.converted(noAddress, "id", expr, ctx, v, cty.String)
	if !set {
		return "", false
	}
	id := v.AsString()
	if !postID.MatchString(id) {
		l.report(noAddress, errIn(expr, ctx, "Invalid post id",
			`%s is not a post id, which is a number. "storyform stories --all" lists the ids of what is on the Pages.`, shortString(id)))
		return "", false
	}
	return id, true
}
