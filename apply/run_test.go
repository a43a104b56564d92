package apply_test

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"testing"

	"storyform/apply"
	"storyform/graphapi"
	"storyform/plan"
	"storyform/state"
	"storyform/story"
)

// process is a process that plans and applies: it has its own connections and
// its own view of the state's store.
type process struct {
	*world
	store    state.Store
	pages    *apply.Pages
	observed *apply.Observation // by its last plan
}

// process starts one.
func (w *world) process() *process {
	w.tb.Helper()
	var transport http.RoundTripper = w.fast
	if w.route != nil {
		transport = w.route(w.fast)
	}
	client, err := graphapi.New(graphapi.Options{
		BaseURL: w.url, Version: w.settings.APIVersion, Transport: transport, Clock: w.time, Timeouts: w.timeouts,
		Log: slog.New(slog.NewTextHandler(w, &slog.HandlerOptions{Level: slog.LevelDebug})), Rand: func() float64 { return 0.5 },
	})
	must(w.tb, err)
	token := func(plan.Page) (graphapi.Token, error) { return graphapi.NewToken(userToken), nil }
	return &process{world: w, store: w.open(), pages: apply.NewPages(client, token)}
}

// document is the state as it is now, records folded in.
func (w *world) document() *state.Document {
	w.tb.Helper()
	session, err := state.Open(context.Background(), w.open(), state.Run{ID: "reader"}, w.time.Now)
	must(w.tb, err)
	return session.Document()
}

// entry is what the state remembers of a story.
func (w *world) entry(name string) state.Entry {
	w.tb.Helper()
	doc := w.document()
	for _, e := range doc.Stories {
		if e.Address == address(name) {
			return e
		}
	}
	return state.Entry{}
}

// plan makes a plan as a new process would and keeps what a person would see
// of it.
func (p *process) plan() *plan.Plan {
	p.tb.Helper()
	session, err := state.Open(context.Background(), p.store, state.Run{ID: "plan"}, p.time.Now)
	must(p.tb, err)
	doc := session.Document()
	in := plan.Input{
		Now: p.time.Now(), Tool: "test", Settings: p.settings, Pages: p.world.pages(), Stories: p.stories, State: doc, Refreshed: true,
		Moved: p.moved, Stage: p.stage, AdoptNone: p.adoptNone,
	}
	var list []plan.Page
	for _, page := range in.Pages {
		list = append(list, plan.Page{Address: page.Address, ID: page.ID, TokenEnv: page.TokenEnv})
	}
	p.observed, err = apply.Observe(context.Background(), p.pages, list, doc, p.time, 2)
	must(p.tb, err)
	in.Views, in.Videos, in.Unread = p.observed.Views, p.observed.Videos, p.observed.UnreadText()
	made := plan.Build(in)
	must(p.tb, plan.Encode(p, made))
	return made
}

// saved is a plan after a trip through a plan file.
func saved(tb testing.TB, p *plan.Plan) *plan.Plan {
	tb.Helper()
	var file bytes.Buffer
	must(tb, plan.Encode(&file, p))
	read, err := plan.Decode(&file)
	must(tb, err)
	return read
}

// options are those of a run of the process.
func (p *process) options(changes ...func(*apply.Options)) apply.Options {
	p.mu.Lock()
	p.runs++
	run := fmt.Sprintf("run-%d", p.runs)
	p.mu.Unlock()
	o := apply.Options{
		Store: p.store, Run: state.Run{ID: run, Who: "tester", Tool: "test"},
		Lock:  state.LockInfo{ID: "lock-" + run, Who: "tester", Created: p.time.Now()},
		Pages: p.pages, Open: p.openMedia, Clock: p.time, Parallelism: 4, AdoptNone: p.adoptNone,
		Report: func(e story.Event) {
			fmt.Fprintf(p, "event %+v\n", e)
			p.mu.Lock()
			defer p.mu.Unlock()
			p.events = append(p.events, e)
		},
	}
	for _, change := range changes {
		change(&o)
	}
	return o
}

// openMedia opens a file of the folder.
func (w *world) openMedia(source string) (*os.File, error) {
	return os.Open(filepath.Join(w.dir, filepath.FromSlash(source)))
}

// apply carries out a plan and keeps what a person would see of the result.
func (p *process) apply(made *plan.Plan, changes ...func(*apply.Options)) (*apply.Result, error) {
	result, err := apply.Run(context.Background(), made, p.options(changes...))
	fmt.Fprintf(p, "result %s %v\n", toJSON(result), err)
	return result, err
}

// planAndApply plans and applies in one process, as the command does.
func (w *world) planAndApply(changes ...func(*apply.Options)) (*plan.Plan, *apply.Result, error) {
	w.tb.Helper()
	p := w.process()
	made := p.plan()
	if made.Diagnostics.HasErrors() {
		return made, &apply.Result{Diagnostics: made.Diagnostics}, apply.ErrRefused
	}
	observed := func(o *apply.Options) { o.Observed = p.observed }
	result, err := p.apply(made, append([]func(*apply.Options){observed}, changes...)...)
	return made, result, err
}

// mustApply plans and applies, and fails when the run itself does.
func (w *world) mustApply(changes ...func(*apply.Options)) *apply.Result {
	w.tb.Helper()
	_, result, err := w.planAndApply(changes...)
	if err != nil {
		w.tb.Fatalf("apply: %v; %v", err, result.Diagnostics)
	}
	return result
}

// actions are the plan's actions by the name of the story.
func actions(p *plan.Plan) map[string]plan.Action {
	out := map[string]plan.Action{}
	for _, c := range p.Changes {
		out[c.Address.Name] = c.Action
	}
	return out
}

// actionOf is the plan's action for a story, "" for none.
func actionOf(p *plan.Plan, name string) plan.Action { return actions(p)[name] }

// endings are the result's endings by the name of the story.
func endings(r *apply.Result) map[string]apply.Ending {
	out := map[string]apply.Ending{}
	for _, o := range r.Outcomes {
		out[o.Address.Name] = o.Ending
	}
	return out
}

// converge plans and applies until there is nothing left to do, as a cron job
// would, with settle_after between the runs. It returns the plan that remains,
// which is empty unless six runs did not suffice.
func (w *world) converge() *plan.Plan {
	w.tb.Helper()
	made := w.process().plan()
	for n := 0; n < 6 && (made.HasChanges() || made.HasLoudUpdates()); n++ {
		if _, result, err := w.planAndApply(); err != nil {
			w.tb.Fatalf("apply: %v; %v", err, result.Diagnostics)
		}
		if n > 0 {
			w.clock.Advance(w.settings.SettleAfter)
		}
		made = w.process().plan()
	}
	return made
}
