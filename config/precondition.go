package config

import (
	"time"

	"github.com/hashicorp/hcl/v2"
	"github.com/zclconf/go-cty/cty"
)

// checkPreconditions evaluates the preconditions of every instance.
func (l *loader) checkPreconditions() {
	for _, s := range l.stories {
		for _, rule := range s.block.blocks {
			l.checkPrecondition(s, rule)
		}
	}
}

// checkPrecondition evaluates one rule for one instance. A story whose rule
// could not be evaluated is broken, too: nobody knows that the rule holds.
func (l *loader) checkPrecondition(s *instance, rule *block) {
	ctx := s.ctx.NewChild()
	ctx.Variables = map[string]cty.Value{"self": l.selfValue(s)}
	before := l.reported[hcl.DiagError]
	pass, message, ok := l.condition(s.addr, rule, ctx, scope{checked: true})
	switch {
	case ok && pass:
	case ok:
		l.report(s.addr, errIn(rule.expr("condition"), ctx, "Precondition failed", "%s", message))
		s.broken = true
	case l.reported[hcl.DiagError] != before:
		s.broken = true
	case s.factsKnown():
		l.noteUnknown(rule.expr("condition"))
		s.broken = true
	case s.desired.Media.Hosted && !s.broken && rule.expr("condition") != nil:
		l.report(s.addr, warnAt(rule.expr("condition").Range(), "Precondition not checked",
			"The media of %s are behind a URL, so nothing is known about them before Meta fetches them. Use a local file to have the rule checked.", s.addr))
	}
}

// selfValue makes the object that preconditions see, once for each instance.
func (l *loader) selfValue(s *instance) cty.Value {
	if s.self != cty.NilVal {
		return s.self
	}
	d := &s.desired
	page, loc := cty.UnknownVal(pageType), time.UTC
	if s.paged {
		page = l.pageVals[d.Page.Address.String()]
		if d.Page.Timezone != "" {
			loc, _ = l.location(d.Page.Timezone)
		}
	}
	labels := make(map[string]cty.Value, len(d.Labels))
	for k, v := range d.Labels {
		labels[k] = cty.StringVal(v)
	}
	labelsValue := cty.MapValEmpty(cty.String)
	if len(labels) > 0 {
		labelsValue = cty.MapVal(labels)
	}
	s.self = cty.ObjectVal(map[string]cty.Value{
		"media": mediaValue(s), "page": page, "kind": cty.StringVal(string(d.Kind)), "source": cty.StringVal(d.Source),
		"address": cty.StringVal(s.addr.String()), "revision": cty.NumberIntVal(int64(d.Revision)), "labels": labelsValue,
		"publish_at": timeValue(d.PublishAt, loc), "not_after": timeValue(d.NotAfter, loc),
		"window": cty.NumberFloatVal(d.Window.Seconds()),
	})
	return s.self
}

// timeValue makes the value of an instant, in RFC 3339 by the Page's clock, so
// that formatdate shows what people there see; null when it is not set.
func timeValue(t time.Time, loc *time.Location) cty.Value {
	if t.IsZero() {
		return cty.NullVal(cty.String)
	}
	return cty.StringVal(t.In(loc).Format(time.RFC3339))
}
