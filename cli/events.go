package cli

import (
	"io"
	"os"
	"sync"
	"time"

	"github.com/spf13/pflag"

	"storyform/internal/diag"
	"storyform/plan"
	"storyform/render"
	"storyform/story"
)

// eventFlags say where a run of plan or apply tells what happens as lines of
// JSON: in place of its text, or in a file beside it.
type eventFlags struct {
	json bool
	into string
}

// register adds the flags.
func (f *eventFlags) register(flags *pflag.FlagSet) {
	flags.BoolVar(&f.json, "json", false, "print what happens as lines of JSON, as Terraform does, in place of text")
	flags.StringVar(&f.into, "json-into", "", "write the lines of --json to a `file`, beside the text")
}

// events is where a run tells what happens, beside or in place of its text.
// The zero value tells it nowhere.
type events struct {
	alone bool // in place of the text
	lines []*render.JSONLines
	zone  func(page story.Address) *time.Location
	file  *errorKeeper
}

// errorKeeper writes and remembers the first error: a run must not end in its
// middle because somebody's log is full.
type errorKeeper struct {
	w   io.Writer
	err error
}

// Write writes, or pretends to after an error.
func (k *errorKeeper) Write(p []byte) (int, error) {
	if k.err == nil {
		_, k.err = k.w.Write(p)
	}
	return len(p), nil
}

// openEvents begins the lines that the flags ask for.
func (a *app) openEvents(f *eventFlags) error {
	ev := &a.events
	o := render.Options{Sources: func() map[string][]byte { return a.sources }, Zone: func(page story.Address) *time.Location {
		if ev.zone == nil {
			return nil
		}
		return ev.zone(page)
	}}
	if f.json {
		ev.alone = true
		ev.lines = append(ev.lines, render.NewJSONLines(a.Stdout, a.Clock.Now, o))
	}
	if f.into != "" {
		file, err := os.OpenFile(a.path(f.into), os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o644)
		if err != nil {
			return fail("Lines of JSON can't be written", "--json-into: %v.", err)
		}
		ev.file = &errorKeeper{w: file}
		ev.lines = append(ev.lines, render.NewJSONLines(ev.file, a.Clock.Now, o))
		a.cleanup = append(a.cleanup, func() {
			if err := file.Close(); ev.file.err == nil {
				ev.file.err = err
			}
			if ev.file.err != nil {
				ev.lines = nil
				a.diagnose(diag.Diagnostics{diag.Warnf("Lines of JSON are incomplete", "%s could not be written: %v. Nothing else is affected.", f.into, ev.file.err)})
			}
		})
	}
	ev.tell(func(l *render.JSONLines) error { return l.Version(Version()) })
	return nil
}

// tell writes to every receiver of lines. What can't be written to standard
// output is lost, as text would be.
func (ev *events) tell(write func(*render.JSONLines) error) {
	for _, l := range ev.lines {
		_ = write(l)
	}
}

// showPlan shows a plan with its diagnostics: as text, and as lines of JSON.
func (a *app) showPlan(p *plan.Plan) error {
	a.events.zone = zones(storyPages(p))
	a.events.tell(func(l *render.JSONLines) error { return l.Plan(p) })
	if a.events.alone {
		a.annotations = append(a.annotations, p.Diagnostics...)
		return nil
	}
	o := a.renderOptions(a.StdoutTerminal)
	o.Now = p.CreatedAt
	if err := render.PlanTimeline(a.Stdout, p, o); err != nil {
		return fail("Plan can't be written", "%v", err)
	}
	a.diagnoseText(p.Diagnostics)
	if err := render.PlanSummary(a.Stdout, p, o); err != nil {
		return fail("Plan can't be written", "%v", err)
	}
	return nil
}

// progress shows a run's events: bars on a terminal, lines elsewhere, and
// lines of JSON where they are asked for.
func (a *app) progress(p *plan.Plan) (report func(story.Event), closeAll func()) {
	a.events.zone = zones(storyPages(p))
	text := render.Progress{Event: func(story.Event) {}, Close: func() {}}
	o := a.renderOptions(a.StderrTerminal)
	o.Zone = a.events.zone
	switch {
	case a.events.alone:
	case a.StderrTerminal && a.Getenv("TERM") != "dumb" && !truthy(a.Getenv("CI")):
		text = render.Bars(a.Stderr, o)
	default:
		text = render.Lines(a.Stderr, o)
	}
	seldom := &seldom{last: map[story.Address]time.Time{}}
	return func(e story.Event) {
		text.Event(e)
		if e.Kind == story.EventUploadProgress && !seldom.worth(e) {
			return
		}
		a.events.tell(func(l *render.JSONLines) error { return l.Event(e) })
	}, text.Close
}

// progressEvery is the time between two lines of JSON about one upload, as
// between two of Terraform about one resource.
const progressEvery = 10 * time.Second

// seldom says when an upload's progress is worth another line.
type seldom struct {
	mu   sync.Mutex
	last map[story.Address]time.Time
}

// worth reports whether it is time for another line about an event's upload.
// The first is due that long after the upload began, whose start was told.
func (s *seldom) worth(e story.Event) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	last, seen := s.last[e.Address]
	if !seen {
		last = e.Time.Add(-e.Elapsed)
		s.last[e.Address] = last
	}
	if e.Time.Sub(last) < progressEvery {
		return false
	}
	s.last[e.Address] = e.Time
	return true
}

// finished tells how an apply ended.
func (a *app) finished(c render.Counts) {
	a.events.tell(func(l *render.JSONLines) error { return l.ApplySummary(c) })
	if !a.events.alone {
		a.printf("\n%s\n", render.ApplySummary(c))
	}
}

// storyPages are the Pages of a plan, as far as their zones are concerned.
func storyPages(p *plan.Plan) []story.Page {
	pages := make([]story.Page, 0, len(p.Pages))
	for _, page := range p.Pages {
		pages = append(pages, story.Page{Address: page.Address, ID: page.ID, Timezone: page.Timezone})
	}
	return pages
}
