package config

import (
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/hashicorp/hcl/v2"
	"github.com/zclconf/go-cty/cty"

	"storyform/story"
)

// Fact is what became of a story, as the state of the backend tells it.
type Fact struct {
	Status      story.Status
	MediaID     string
	PostID      string
	URL         string
	PublishedAt time.Time
	ExpiresAt   time.Time
}

// An output sees a story as an object: what a precondition sees as self, but
// for the media, and what became of it. Everywhere else a story is a reference
// without attributes, so that nothing that is planned can depend on what was
// published before.

// factNames are the attributes that a story has once something became of it.
var factNames = []string{"expires_at", "media_id", "post_id", "published_at", "status", "url"}

// declaredNames are the attributes that a story has from its block.
var declaredNames = []string{"address", "kind", "labels", "not_after", "page", "publish_at", "revision", "source"}

// storyNames lists the attributes that an output sees.
var storyNames = slices.Sorted(slices.Values(slices.Concat(factNames, declaredNames)))

// storyObject is the type of a story in an output.
var storyObject = func() cty.Type {
	attrs := map[string]cty.Type{}
	for _, name := range storyNames {
		attrs[name] = cty.String
	}
	attrs["page"], attrs["revision"], attrs["labels"] = pageType, cty.Number, cty.Map(cty.String)
	return cty.Object(attrs)
}()

// outputNames are the names that outputs see in another way than all other
// expressions: stories, and the local values that hold some.
func (l *loader) outputNames() map[string]cty.Value {
	index := make(map[story.Address]*instance, len(l.stories))
	for _, s := range l.stories {
		index[s.addr] = s
	}
	stories := map[string]cty.Value{}
	for name, b := range l.named["story"] {
		in := l.keys[b.address().String()]
		if in == nil {
			stories[name] = cty.DynamicVal
			continue
		}
		values := make([]cty.Value, 0, len(in.keys))
		for _, addr := range in.addresses(b.address()) {
			values = append(values, l.factValue(index[addr]))
		}
		stories[name] = in.value(values, storyObject)
	}
	locals := map[string]cty.Value{}
	for name := range l.locals {
		locals[name] = l.lookInto(l.eval.value("local."+name), index)
	}
	return map[string]cty.Value{"story": cty.ObjectVal(stories), "local": cty.ObjectVal(locals)}
}

// lookInto replaces the references to stories in a value by their objects.
func (l *loader) lookInto(v cty.Value, index map[story.Address]*instance) cty.Value {
	if !holdsStory(v.Type()) {
		return v
	}
	out, err := cty.Transform(v, func(_ cty.Path, e cty.Value) (cty.Value, error) {
		if a, ok := storyRef(e); ok {
			_, marks := e.Unmark()
			return l.factValue(index[a]).WithMarks(marks), nil
		}
		return e, nil
	})
	if err != nil {
		return v
	}
	return out
}

// holdsStory reports whether values of a type may hold references to stories.
func holdsStory(ty cty.Type) bool {
	switch {
	case ty == storyType:
		return true
	case ty.IsCollectionType():
		return holdsStory(ty.ElementType())
	case ty.IsTupleType():
		return slices.ContainsFunc(ty.TupleElementTypes(), holdsStory)
	case ty.IsObjectType():
		for t := range maps.Values(ty.AttributeTypes()) {
			if holdsStory(t) {
				return true
			}
		}
	}
	return false
}

// factValue is a story as an output sees it. It is unknown when its block is
// wrong, which was reported; what became of it is unknown as long as nobody
// asked the state, and null when nothing did.
func (l *loader) factValue(s *instance) cty.Value {
	if s == nil || s.broken {
		return cty.UnknownVal(storyObject)
	}
	attrs := map[string]cty.Value{}
	self := l.selfValue(s).AsValueMap()
	for _, name := range declaredNames {
		attrs[name] = self[name]
	}
	if l.facts == nil {
		for _, name := range factNames {
			attrs[name] = cty.UnknownVal(cty.String)
		}
		return cty.ObjectVal(attrs)
	}
	f, loc := l.factOf(s.addr), s.desired.Page.Location()
	for name, text := range map[string]string{"status": string(f.Status), "media_id": f.MediaID, "post_id": f.PostID, "url": f.URL} {
		attrs[name] = cty.NullVal(cty.String)
		if text != "" {
			attrs[name] = cty.StringVal(text)
		}
	}
	for name, t := range map[string]time.Time{"published_at": f.PublishedAt, "expires_at": f.ExpiresAt} {
		attrs[name] = timeValue(t, loc)
	}
	return cty.ObjectVal(attrs)
}

// factOf finds what became of a story, also under a name that it had before
// and that the state will know it by until the next apply.
func (l *loader) factOf(addr story.Address) Fact {
	if f, ok := l.facts[addr]; ok {
		return f
	}
	for _, m := range slices.Backward(l.moves) {
		switch {
		case m.To == addr:
			addr = m.From
		case !m.To.Keyed && !m.From.Keyed && m.To == addr.Block():
			addr.Name = m.From.Name
		default:
			continue
		}
		if f, ok := l.facts[addr]; ok {
			return f
		}
	}
	return Fact{}
}

// storiesIn lists the stories that an expression names, directly or by a local
// value that holds them. A block stands for all of its instances.
func (l *loader) storiesIn(expr hcl.Expression) []story.Address {
	var found []story.Address
	for _, t := range expr.Variables() {
		name, ok := secondName(t)
		switch {
		case !ok:
		case t.RootName() == "local":
			_ = cty.Walk(l.eval.value("local."+name), func(_ cty.Path, e cty.Value) (bool, error) {
				if a, ok := storyRef(e); ok {
					found = append(found, a)
				}
				return true, nil
			})
		case t.RootName() == "story":
			addr := story.Address{Type: "story", Name: name}
			if key, ok := thirdKey(t); ok && l.exists(addr.At(key)) {
				addr = addr.At(key)
			}
			found = append(found, addr)
		}
	}
	slices.SortFunc(found, story.Address.Compare)
	return slices.Compact(found)
}

// thirdKey returns the key after the name of a reference: "id" of
// story.x["id"] and of story.x.id.
func thirdKey(t hcl.Traversal) (string, bool) {
	if len(t) < 3 {
		return "", false
	}
	return secondName(hcl.Traversal{t[0], t[2]})
}

// checkStoryRef checks what follows the name of a story in a reference.
func (l *loader) checkStoryRef(t hcl.Traversal, name string, sc scope) *hcl.Diagnostic {
	b := l.named["story"][name]
	step, ok := thirdKey(t)
	if !ok || b == nil || b.attrs == nil {
		return nil
	}
	addr, rest := b.address(), t[2:]
	if b.attrs["for_each"] != nil {
		_, isAttr := t[2].(hcl.TraverseAttr)
		if isAttr && slices.Contains(storyNames, step) && l.keys[addr.String()] != nil && !l.exists(addr.At(step)) {
			return l.missingKey(addr, step, sc)
		}
		addr, rest = addr.At(step), t[3:]
		if len(rest) == 0 {
			return nil
		}
		if step, ok = secondName(hcl.Traversal{t[0], rest[0]}); !ok {
			return nil
		}
	}
	if !sc.outputs {
		return outsideOutput(addr, step, sc)
	}
	if slices.Contains(storyNames, step) {
		return nil
	}
	if _, isKey := rest[0].(hcl.TraverseIndex); isKey && !addr.Keyed {
		return errAt(hcl.Range{}, "Invalid index", "%s has no for_each: it is one story and has no instance %q. Leave the key out.", addr, step)
	}
	return errAt(hcl.Range{}, "Unsupported attribute", "%s has no attribute %q.%s A story has %s.", addr, step, didYouMean(step, storyNames), list(storyNames, len(storyNames)))
}

// missingKey says that an attribute is taken of all instances at once.
func (l *loader) missingKey(block story.Address, attr string, sc scope) *hcl.Diagnostic {
	if !sc.outputs {
		return outsideOutput(block, attr, sc)
	}
	example := "key"
	if in := l.keys[block.String()]; len(in.keys) > 0 {
		example = in.keys[0]
	}
	return errAt(hcl.Range{}, "Missing key of a story",
		"%s has for_each, so there may be several. Name one, as in %s.%s, or take all: { for k, s in %s : k => s.%s }.", block, block.At(example), attr, block, attr)
}

// outsideOutput says that only outputs look into stories.
func outsideOutput(addr story.Address, attr string, sc scope) *hcl.Diagnostic {
	detail := fmt.Sprintf("Here %s is a reference, for after, and has no attributes.", addr)
	switch {
	case sc.self && slices.Contains(declaredNames, attr):
		detail += fmt.Sprintf(" The story's own %s is self.%s.", attr, attr)
	case slices.Contains(factNames, attr):
		detail += fmt.Sprintf(" What became of a story is known only after it was published, and nothing that is planned can depend on it: use %s.%s in an output.", addr, attr)
	case slices.Contains(declaredNames, attr):
		detail += fmt.Sprintf(" An output can use %s; elsewhere put what both need into a local value.", attr)
	default:
		detail += " Put what both need into a local value."
	}
	return errAt(hcl.Range{}, "Story has no attributes here", "%s", detail)
}
