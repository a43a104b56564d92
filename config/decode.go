package config

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"

	"storyform/internal/suggest"
	"storyform/story"
)

// noAddress is the address of what concerns no instance.
var noAddress story.Address

// block is a block that the schema knows, with the attributes and blocks in
// it that it knows.
type block struct {
	spec   *BlockSpec
	syn    *hclsyntax.Block
	file   *sourceFile
	label  string // the first label
	attrs  map[string]*hclsyntax.Attribute
	blocks []*block
	meant  []string // attributes that were meant by unknown ones
}

// header is the range of the block's type and labels.
func (b *block) header() hcl.Range { return b.syn.DefRange() }

// child returns the first nested block of a type, or nil.
func (b *block) child(typ string) *block {
	for _, c := range b.blocks {
		if c.spec.Type == typ {
			return c
		}
	}
	return nil
}

// expr returns the expression of an attribute, or nil.
func (b *block) expr(name string) hcl.Expression {
	if a := b.attrs[name]; a != nil {
		return a.Expr
	}
	return nil
}

// disable makes the value of an attribute unknown, because a mistake in it was
// reported, so that the rest of the block can be looked at all the same.
func (b *block) disable(name string) {
	a := *b.attrs[name]
	a.Expr = &hclsyntax.LiteralValueExpr{Val: cty.DynamicVal, SrcRange: a.Expr.Range()}
	b.attrs[name] = &a
}

// address is the address of the block, without a for_each key.
func (b *block) address() story.Address {
	if b.spec.Type != "story" && b.spec.Type != "page" {
		return noAddress
	}
	return story.Address{Type: b.spec.Type, Name: b.label}
}

// sortedAttrs lists the attributes of a body in source order.
func sortedAttrs(body *hclsyntax.Body) []*hclsyntax.Attribute {
	attrs := make([]*hclsyntax.Attribute, 0, len(body.Attributes))
	for _, a := range body.Attributes {
		attrs = append(attrs, a)
	}
	slices.SortFunc(attrs, func(a, b *hclsyntax.Attribute) int {
		return cmp.Compare(a.SrcRange.Start.Byte, b.SrcRange.Start.Byte)
	})
	return attrs
}

// decodeAll checks every file against the schema and indexes the blocks by
// type and name.
func (l *loader) decodeAll() {
	for _, f := range l.files {
		if f.broken {
			l.indexBroken(f)
			continue
		}
		for _, a := range sortedAttrs(f.body) {
			l.report(noAddress, unknownAttr(a, nil, schema))
		}
		for _, syn := range f.body.Blocks {
			spec, ok := findBlock(schema, syn.Type)
			if !ok {
				l.report(noAddress, unknownBlock(syn, nil, schema))
				continue
			}
			if b := l.decode(f, syn, spec); b != nil {
				l.index(b)
			}
		}
	}
}

// indexBroken files the names in a file that has a syntax error, so that other
// files can refer to them, and nothing else of it.
func (l *loader) indexBroken(f *sourceFile) {
	for _, syn := range f.body.Blocks {
		spec, ok := findBlock(schema, syn.Type)
		if !ok || spec.Type == "locals" || len(syn.Labels) == 0 {
			continue
		}
		if l.named[spec.Type] == nil {
			l.named[spec.Type] = map[string]*block{}
		}
		if name := syn.Labels[0]; l.named[spec.Type][name] == nil {
			l.named[spec.Type][name] = &block{spec: spec, syn: syn, file: f, label: name}
		}
	}
}

// index files a block under its type and name; a second one of the same name
// is an error and left out.
func (l *loader) index(b *block) {
	typ := b.spec.Type
	if typ == "locals" {
		l.indexLocals(b)
		return
	}
	key := b.label
	if len(b.spec.Labels) > 0 || b.spec.Once {
		if first := l.named[typ][key]; first != nil {
			if b.spec.Once {
				l.report(noAddress, errAt(b.header(), "Duplicate "+typ+" block",
					"A configuration has at most one %s block; there is one at %s already.", typ, rangeOf(first.header())))
			} else {
				l.report(noAddress, errAt(b.header(), "Duplicate "+typ,
					"%s %s named %q is declared at %s already. Names must be unique in all files of a configuration.", upperFirst(article(typ)), typ, key, rangeOf(first.header())))
			}
			return
		}
		if l.named[typ] == nil {
			l.named[typ] = map[string]*block{}
		}
		l.named[typ][key] = b
	}
	l.blocks[typ] = append(l.blocks[typ], b)
}

// indexLocals files the attributes of a locals block.
func (l *loader) indexLocals(b *block) {
	for _, a := range sortedAttrs(b.syn.Body) {
		if problem := unclearName(a.Name); problem != "" {
			l.report(noAddress, errAt(a.NameRange, "Invalid name", "%s", problem))
		}
		if first := l.locals[a.Name]; first != nil {
			l.report(noAddress, errAt(a.NameRange, "Duplicate local value",
				"A local value named %q is defined at %s already.", a.Name, rangeOf(first.attr.NameRange)))
			continue
		}
		l.locals[a.Name] = &local{attr: a, file: b.file}
		l.localNames = append(l.localNames, a.Name)
	}
}

// local is one local value.
type local struct {
	attr *hclsyntax.Attribute
	file *sourceFile
}

// decode checks one block against its spec. It returns nil when the block
// can't be used at all.
func (l *loader) decode(f *sourceFile, syn *hclsyntax.Block, spec *BlockSpec) *block {
	if d := checkLabels(syn, spec); d != nil {
		l.report(noAddress, d)
		return nil
	}
	b := &block{spec: spec, syn: syn, file: f, attrs: map[string]*hclsyntax.Attribute{}}
	if len(syn.Labels) > 0 {
		b.label = syn.Labels[0]
	}
	for _, a := range sortedAttrs(syn.Body) {
		if _, known := spec.attr(a.Name); known || spec.Any {
			b.attrs[a.Name] = a
			continue
		}
		if secretName.MatchString(a.Name) {
			l.maskExpr(a.Expr)
		}
		l.report(b.address(), unknownAttr(a, spec, spec.Blocks))
		b.meant = append(b.meant, suggest.Nearest(a.Name, spec.attrNames()))
	}
	for _, a := range spec.Attrs {
		if a.Required && b.attrs[a.Name] == nil && !slices.Contains(b.meant, a.Name) {
			l.report(b.address(), errAt(b.header(), "Missing required argument",
				"The argument %q is required, but no definition was found. %s", a.Name, a.Doc))
		}
	}
	for _, nested := range syn.Body.Blocks {
		l.decodeNested(b, nested)
	}
	return b
}

// decodeNested checks a block inside b.
func (l *loader) decodeNested(b *block, nested *hclsyntax.Block) {
	spec, ok := findBlock(b.spec.Blocks, nested.Type)
	if !ok {
		l.report(b.address(), unknownBlock(nested, b.spec, b.spec.Blocks))
		return
	}
	if first := b.child(nested.Type); spec.Once && first != nil {
		l.report(b.address(), errAt(nested.DefRange(), "Duplicate "+nested.Type+" block",
			"A %s block has at most one %s block; there is one at %s already.", b.spec.Type, nested.Type, rangeOf(first.header())))
		return
	}
	if c := l.decode(b.file, nested, spec); c != nil {
		b.blocks = append(b.blocks, c)
	}
}

// checkLabels refuses a wrong number of labels and a name that no expression
// could refer to.
func checkLabels(syn *hclsyntax.Block, spec *BlockSpec) *hcl.Diagnostic {
	switch n := len(spec.Labels); {
	case len(syn.Labels) < n:
		return errAt(syn.DefRange(), "Missing "+spec.Labels[len(syn.Labels)]+" for "+spec.Type,
			"A %s block needs a %s: %s %q {.", spec.Type, spec.Labels[len(syn.Labels)], spec.Type, spec.Labels[len(syn.Labels)])
	case len(syn.Labels) > n && n == 0:
		return errAt(syn.LabelRanges[0], "Extraneous label for "+spec.Type, "A %s block has no label: %s {.", spec.Type, spec.Type)
	case len(syn.Labels) > n:
		return errAt(syn.LabelRanges[n], "Extraneous label for "+spec.Type, "A %s block has only one label, its %s.", spec.Type, spec.Labels[0])
	}
	for i, label := range syn.Labels {
		parsed, err := story.ParseAddress("story." + label)
		if err != nil || !hclsyntax.ValidIdentifier(label) || parsed.Keyed || len(label) > 100 {
			return errAt(syn.LabelRanges[i], "Invalid name",
				"A name begins with a letter or an underscore, holds only letters, digits, underscores and dashes, and has at most 100 characters.")
		}
		if problem := unclearName(label); problem != "" {
			return errAt(syn.LabelRanges[i], "Invalid name", "%s", problem)
		}
	}
	return nil
}

// unclearName says why a name looks the same as another one, or "". Two
// addresses that a reviewer can't tell apart must not be in a plan.
func unclearName(name string) string {
	switch {
	case strings.ContainsFunc(name, story.Invisible):
		return fmt.Sprintf("The name %+q has a character in it that can't be seen, so it looks like another name. Take it out.", name)
	case cty.NormalizeString(name) != name:
		return fmt.Sprintf("The name %+q looks like %+q, and is not the same. Write it like the second one: an accent and its letter are one character.", name, cty.NormalizeString(name))
	}
	return ""
}

// unknownAttr says that an attribute is not expected where it stands: in a
// block of the spec in, or at the top when that is nil.
func unknownAttr(a *hclsyntax.Attribute, in *BlockSpec, blocks []BlockSpec) *hcl.Diagnostic {
	d := errAt(a.NameRange, "Unsupported argument", "An argument named %q is not expected here.", a.Name)
	var names []string
	if in != nil {
		names = in.attrNames()
	}
	_, isBlock := findBlock(blocks, a.Name)
	answer := foreign["attribute"][a.Name]
	if in != nil {
		answer = cmp.Or(answer, foreign[in.Type][a.Name])
	}
	switch {
	case answer != "":
		d.Detail = answer
	case isBlock:
		d.Detail += fmt.Sprintf(" Did you mean to define a block of type %q? A block has no equals sign.", a.Name)
	case suggest.Nearest(a.Name, names) != "":
		d.Detail += didYouMean(a.Name, names)
	case in == nil:
		d.Detail += " At the top of a file there are only blocks. A value of your own goes into a locals block."
	default:
		d.Detail += belongsTo(a.Name)
	}
	return d
}

// belongsTo says which top-level blocks have the attribute or block, when few
// have.
func belongsTo(name string) string {
	var owners []string
	for _, b := range schema {
		_, isAttr := b.attr(name)
		_, isBlock := findBlock(b.Blocks, name)
		if isAttr || isBlock {
			owners = append(owners, b.Type)
		}
	}
	if len(owners) == 0 || len(owners) > 3 {
		return ""
	}
	return fmt.Sprintf(" It belongs to a %s block.", strings.Join(owners, " or "))
}

// unknownBlock says that a type of block is not expected where it stands.
func unknownBlock(syn *hclsyntax.Block, in *BlockSpec, blocks []BlockSpec) *hcl.Diagnostic {
	d := errAt(syn.TypeRange, "Unsupported block type", "Blocks of type %q are not expected here.", syn.Type)
	isAttr := false
	if in != nil {
		_, isAttr = in.attr(syn.Type)
	}
	_, isTop := findBlock(schema, syn.Type)
	switch answer := foreign["block"][syn.Type]; {
	case answer != "":
		d.Detail = answer
	case isAttr:
		d.Detail += fmt.Sprintf(" Did you mean to define argument %q? If so, use the equals sign to assign it a value.", syn.Type)
	case isTop && in != nil:
		d.Detail += fmt.Sprintf(" A %s block stands at the top of a file, not inside of another block.", syn.Type)
	case suggest.Nearest(syn.Type, blockTypes(blocks)) != "":
		d.Detail += didYouMean(syn.Type, blockTypes(blocks))
	default:
		d.Detail += belongsTo(syn.Type)
	}
	return d
}
