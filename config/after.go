package config

import (
	"slices"

	"github.com/zclconf/go-cty/cty"

	"storyform/story"
)

// linkStories resolves after of every instance and refuses orders that can't
// be kept.
func (l *loader) linkStories() {
	index := map[story.Address]*instance{}
	for _, s := range l.stories {
		index[s.addr] = s
	}
	for _, s := range l.stories {
		if s.after != cty.NilVal {
			l.linkStory(s, index)
		}
	}
	l.findCircles(index)
}

// linkStory resolves after of one instance.
func (l *loader) linkStory(s *instance, index map[story.Address]*instance) {
	expr := s.block.expr("after")
	if !s.after.IsWhollyKnown() {
		l.noteUnknown(expr)
		s.broken = true
	}
	if l.meter.tripped { // which was reported
		s.broken = true
		return
	}
	problem := l.meter.charge(s.after, true)
	var addrs []story.Address
	if problem == "" {
		addrs, problem = afterOf(s.after)
	}
	if problem != "" {
		l.report(s.addr, errIn(expr, s.ctx, "Invalid after", "%s", problem))
		s.broken = true
		return
	}
	for _, addr := range addrs {
		other := index[addr]
		if other == nil {
			continue // its block is wrong, which was reported
		}
		if problem := orderProblem(s, other); problem != "" {
			l.report(s.addr, errIn(expr, s.ctx, "Invalid after", "%s", problem))
			s.broken, s.desired.After = true, nil
			return
		}
		s.desired.After = append(s.desired.After, addr)
	}
}

// orderProblem says why s can't go out after other, or "".
func orderProblem(s, other *instance) string {
	switch {
	case s == other:
		return s.addr.String() + " can't go out after itself." +
			map[bool]string{true: " Name the other stories of the block by their keys.", false: ""}[s.addr.Keyed]
	case s.paged && other.paged && s.desired.Page.ID != other.desired.Page.ID:
		return other.addr.String() + " is on " + other.desired.Page.Address.String() + " and " + s.addr.String() + " is on " + s.desired.Page.Address.String() +
			". Only stories of one Page go out in order; Pages are independent of each other." + sameKeyHint(s, other)
	case !s.desired.NotAfter.IsZero() && !other.desired.PublishAt.IsZero() && !other.desired.PublishAt.Before(s.desired.NotAfter):
		return s.addr.String() + " may go out until " + localTime(s.desired.NotAfter, s.desired.Page) + ", and " + other.addr.String() +
			" not before " + localTime(other.desired.PublishAt, other.desired.Page) + ", so it can never go out."
	}
	return ""
}

// sameKeyHint suggests the instance for the same key, which is on the same
// Page where both blocks go over the Pages.
func sameKeyHint(s, other *instance) string {
	if !s.addr.Keyed || !other.addr.Keyed || s.addr.Key == other.addr.Key {
		return ""
	}
	return " Did you mean " + other.addr.Block().String() + "[each.key]?"
}

// afterOf flattens the value of after into addresses. A reference to a whole
// block means all of its instances.
func afterOf(v cty.Value) ([]story.Address, string) {
	const want = "after takes a list of stories, such as [story.teaser] or [story.teaser[each.key]]."
	v, _ = v.UnmarkDeep()
	if a, ok := storyRef(v); ok {
		return []story.Address{a}, ""
	}
	ty := v.Type()
	switch {
	case !v.IsWhollyKnown() || v.IsNull():
		return nil, ""
	case ty.Equals(pageType):
		return nil, "This is a page. " + want
	case ty == cty.String:
		return nil, "This is a string. Write the reference without quotes. " + want
	case !ty.IsTupleType() && !ty.IsCollectionType() && !ty.IsObjectType():
		return nil, "This is " + kindOf(ty) + ". " + want
	}
	var out []story.Address
	for it := v.ElementIterator(); it.Next(); {
		_, e := it.Element()
		if ty.IsObjectType() && e.Type() != storyType {
			return nil, "This is an object. " + want
		}
		if e.IsNull() {
			continue // so that [condition ? story.a : null] works
		}
		addrs, problem := afterOf(e)
		if problem != "" {
			return nil, problem
		}
		out = append(out, addrs...)
	}
	slices.SortFunc(out, story.Address.Compare)
	return slices.Compact(out), ""
}

// findCircles reports stories that wait for each other. It walks with a stack
// of its own, because a chain may have as many stories as there are.
func (l *loader) findCircles(index map[story.Address]*instance) {
	state := map[*instance]nodeState{}
	for _, start := range l.stories {
		if state[start] != waiting {
			continue
		}
		type step struct {
			s    *instance
			next int
		}
		path := []step{{s: start}}
		state[start] = entered
		for len(path) > 0 {
			top := &path[len(path)-1]
			if top.next == len(top.s.desired.After) {
				state[top.s] = done
				path = path[:len(path)-1]
				continue
			}
			other := index[top.s.desired.After[top.next]]
			top.next++
			switch state[other] {
			case waiting:
				state[other] = entered
				path = append(path, step{s: other})
			case entered:
				first := slices.IndexFunc(path, func(p step) bool { return p.s == other })
				var names []string
				for _, p := range path[first:] {
					names = append(names, p.s.addr.String())
					p.s.broken = true
				}
				l.report(top.s.addr, errAt(top.s.block.expr("after").Range(), "Stories wait for each other",
					"Each of these goes out after the next one, so none can be the first: %s. Take one reference out.", circle(names)))
			}
		}
	}
}
