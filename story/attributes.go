package story

import (
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Spec is what was or is declared about a story, in the form in which the
// configuration, the state and a plan can be compared.
type Spec struct {
	PageID    string
	Kind      Kind
	Source    string
	SHA256    string
	PublishAt time.Time
	NotAfter  time.Time
	Window    time.Duration
	Revision  int
	After     []Address
	Labels    map[string]string
}

// ContentID identifies what is shown; see the function ContentID.
func (s *Spec) ContentID() string { return ContentID(s.SHA256, s.Source) }

// Spec returns what d declares.
func (d *Desired) Spec() Spec {
	return Spec{
		PageID: d.Page.ID, Kind: d.Kind, Source: d.Source, SHA256: d.Media.SHA256,
		PublishAt: d.PublishAt, NotAfter: d.NotAfter, Window: d.Window,
		Revision: d.Revision, After: d.After, Labels: d.Labels,
	}
}

// Attribute is one row of the table from which differences, fingerprints and
// screens are made: a new attribute of a story is a new row.
type Attribute struct {
	Name string
	// Identity: another value means other media or another Page, so that
	// nothing already uploaded may be used for it.
	Identity bool
	// Pinned: the value is part of what a plan's fingerprint approves.
	Pinned bool
	// Text is the value for comparison and display; "" when it is not set.
	// Times are shown in loc.
	Text func(s *Spec, loc *time.Location) string
}

// Attributes is that table, in the order of display.
var Attributes = []Attribute{
	{"page", true, true, func(s *Spec, _ *time.Location) string { return s.PageID }},
	{"kind", true, true, func(s *Spec, _ *time.Location) string { return string(s.Kind) }},
	{"sha256", true, true, func(s *Spec, _ *time.Location) string { return s.ContentID() }},
	{"source", false, false, func(s *Spec, _ *time.Location) string { return s.Source }},
	{"publish_at", false, true, func(s *Spec, loc *time.Location) string { return timeText(s.PublishAt, loc) }},
	{"not_after", false, true, func(s *Spec, loc *time.Location) string { return timeText(s.NotAfter, loc) }},
	{"window", false, true, func(s *Spec, _ *time.Location) string { return durationText(s.Window) }},
	{"revision", false, true, func(s *Spec, _ *time.Location) string { return strconv.Itoa(s.Revision) }},
	{"after", false, true, func(s *Spec, _ *time.Location) string { return addressesText(s.After) }},
	{"labels", false, false, func(s *Spec, _ *time.Location) string { return labelsText(s.Labels) }},
}

// timeText renders an instant to the second in loc.
func timeText(t time.Time, loc *time.Location) string {
	if t.IsZero() {
		return ""
	}
	return t.In(loc).Format(time.RFC3339)
}

// durationText renders a duration; "" for zero.
func durationText(d time.Duration) string {
	if d == 0 {
		return ""
	}
	return d.String()
}

// addressesText lists addresses without regard to their order.
func addressesText(as []Address) string {
	texts := make([]string, 0, len(as))
	for _, a := range as {
		texts = append(texts, a.String())
	}
	slices.Sort(texts)
	return strings.Join(texts, ", ")
}

// labelsText lists labels in the order of their names.
func labelsText(labels map[string]string) string {
	texts := make([]string, 0, len(labels))
	for _, k := range slices.Sorted(maps.Keys(labels)) {
		texts = append(texts, k+"="+strconv.Quote(labels[k]))
	}
	return strings.Join(texts, ", ")
}
