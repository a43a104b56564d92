package cli

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/pflag"

	"storyform/apply"
	"storyform/config"
	"storyform/graphapi"
	"storyform/plan"
	"storyform/state"
	"storyform/story"
)

// configFlags are the flags of every command that reads the configuration.
type configFlags struct {
	vars varFlags
}

// register adds the flags.
func (f *configFlags) register(flags *pflag.FlagSet) {
	flags.Var(f.vars.values(), "var", "set a variable, as `name=value`; may be repeated")
	flags.Var(f.vars.files(), "var-file", "set variables from a `file`; may be repeated")
}

// load reads the configuration and prints what is wrong with it. Warnings
// don't stop anything.
func (a *app) load(ctx context.Context, f *configFlags) (*config.Config, error) {
	cfg, diags := a.loadWithMedia(ctx, f)
	if diags.HasErrors() {
		return nil, failWith(diags)
	}
	a.warnings = diags
	a.diagnose(diags)
	return cfg, nil
}

// remoteFlags are the flags of commands that talk to Pages.
type remoteFlags struct {
	parallelism int
}

// register adds the flags.
func (f *remoteFlags) register(flags *pflag.FlagSet) {
	f.parallelism = 10
	flags.Var((*positive)(&f.parallelism), "parallelism", "the `number` of Pages to work on at once")
}

// positive is a number from 1.
type positive int

// Set reads the number.
func (p *positive) Set(s string) error {
	n, err := strconv.Atoi(s)
	if err != nil || n < 1 {
		return errors.New("it must be a whole number from 1")
	}
	*p = positive(n)
	return nil
}

// String is the number.
func (p *positive) String() string { return strconv.Itoa(int(*p)) }

// Type is what the help calls the value.
func (p *positive) Type() string { return "int" }

// remote is the connection to the Graph API, real or simulated.
func (a *app) remote(ctx context.Context, apiVersion string) (*apply.Pages, error) {
	options := graphapi.Options{
		BaseURL: a.Getenv("STORYFORM_GRAPH_URL"), Version: apiVersion,
		AppSecret: graphapi.NewToken(a.Getenv("STORYFORM_APP_SECRET")),
		Clock:     a.Clock, Log: a.logger(), UserAgent: "storyform/" + Version(),
	}
	token := a.token
	if a.sandbox {
		base, err := a.startSandbox(ctx)
		if err != nil {
			return nil, err
		}
		options.BaseURL, options.AppSecret = base, graphapi.NewToken("")
		token = sandboxToken
	}
	client, err := graphapi.New(options)
	if err != nil {
		return nil, fail("Graph API can't be used", "%s. The address is that of STORYFORM_GRAPH_URL, the version api_version in the storyform block, and the app's secret that of STORYFORM_APP_SECRET.", upperFirst(err.Error()))
	}
	return apply.NewPages(client, token), nil
}

// token finds the token of a Page in the environment: token_env, else
// STORYFORM_TOKEN_<LABEL>[_<KEY>], else STORYFORM_TOKEN.
func (a *app) token(page plan.Page) (graphapi.Token, error) {
	names := tokenNames(page)
	for _, name := range names {
		if value := strings.TrimSpace(a.Getenv(name)); value != "" {
			return graphapi.NewToken(value), nil
		}
	}
	return graphapi.Token{}, fmt.Errorf("no token for %s: set the environment variable %s", page.Address, strings.Join(names, " or "))
}

// notePages remembers which variables hold tokens, to mask them should the
// program crash.
func (a *app) notePages(pages []plan.Page) {
	for _, p := range pages {
		a.tokenEnvs = append(a.tokenEnvs, tokenNames(p)...)
	}
}

// tokenNames are the environment variables that may hold a Page's token.
func tokenNames(page plan.Page) []string {
	if page.TokenEnv != "" {
		return []string{page.TokenEnv}
	}
	own := "STORYFORM_TOKEN_" + envName(page.Address.Name)
	if page.Address.Keyed {
		own += "_" + envName(page.Address.Key)
	}
	return []string{own, "STORYFORM_TOKEN"}
}

// envName turns a label or key into a part of an environment variable's name.
func envName(s string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r >= 'a' && r <= 'z':
			return r - 'a' + 'A'
		case r >= 'A' && r <= 'Z', r >= '0' && r <= '9':
			return r
		}
		return '_'
	}, s)
}

// planMoves are the moved blocks as a plan takes them.
func planMoves(moves []config.Move) []plan.Move {
	out := make([]plan.Move, 0, len(moves))
	for i := range moves {
		out = append(out, plan.Move{From: moves[i].From, To: moves[i].To, Range: &moves[i].Range})
	}
	return out
}

// planImports are the import blocks as a plan takes them.
func planImports(imports []config.Import) []plan.Import {
	out := make([]plan.Import, 0, len(imports))
	for i := range imports {
		out = append(out, plan.Import{To: imports[i].To, PostID: imports[i].ID, Range: &imports[i].Range})
	}
	return out
}

// planPages are declared Pages as a plan carries them.
func planPages(pages []story.Page) []plan.Page {
	out := make([]plan.Page, 0, len(pages))
	for _, p := range pages {
		out = append(out, plan.Page{Address: p.Address, ID: p.ID, Timezone: p.Timezone, TokenEnv: p.TokenEnv})
	}
	return out
}

// settings are the configuration's settings as a plan carries them.
func settings(cfg *config.Config) plan.Settings {
	s := plan.Settings{APIVersion: cfg.Settings.APIVersion, SettleAfter: cfg.Settings.SettleAfter, MaxPublish: cfg.Settings.MaxPublish, UploadAhead: cfg.Settings.UploadAhead}
	if b := cfg.Settings.Backend; b != nil {
		s.Backend, s.BackendArgs = b.Type, b.Args
	}
	if e := cfg.Settings.Encryption; e != nil {
		s.Recipients = e.Recipients
	}
	return s
}

// openMedia opens a local media file by its Source, and never one outside of
// the configuration's folder.
func (a *app) openMedia(source string) (*os.File, error) {
	root, err := filepath.EvalSymlinks(a.dir())
	if err != nil {
		return nil, err
	}
	name, err := filepath.EvalSymlinks(filepath.Join(root, filepath.FromSlash(source)))
	if err != nil {
		return nil, relativeError(err, root)
	}
	if rel, err := filepath.Rel(root, name); err != nil || !filepath.IsLocal(rel) {
		return nil, fmt.Errorf("%s is outside of the configuration's folder", source)
	}
	f, err := os.Open(name)
	if err != nil {
		return nil, relativeError(err, root)
	}
	return f, nil
}

// relativeError takes a folder's own path out of a file error.
func relativeError(err error, root string) error {
	if pe, ok := err.(*os.PathError); ok {
		if rel, relErr := filepath.Rel(root, pe.Path); relErr == nil {
			pe.Path = filepath.ToSlash(rel)
		}
	}
	return err
}

// draft is a plan with what it was made from.
type draft struct {
	plan     *plan.Plan
	observed *apply.Observation // nil without refresh
	pages    *apply.Pages
	store    state.Store
}

// draftPlan makes a plan from the configuration, the state and the Pages. The
// state is read before the Pages. What another run publishes in between looks
// as if the state had lost it, so a plan with errors is made once more when the
// state has changed since.
func (a *app) draftPlan(ctx context.Context, cfg *config.Config, o draftOptions) (*draft, error) {
	d := &draft{}
	doc := &state.Document{}
	if !o.offline {
		var err error
		if d.store, err = a.openStore(ctx, cfg); err != nil {
			return nil, err
		}
		if doc, err = a.readPresent(ctx, d.store); err != nil {
			return nil, err
		}
	}
	if o.refresh && !o.offline {
		var err error
		if d.pages, err = a.remote(ctx, cfg.Settings.APIVersion); err != nil {
			return nil, err
		}
	}
	for range draftTries {
		if err := a.build(ctx, cfg, o, d, doc); err != nil {
			return nil, err
		}
		if d.observed == nil || !d.plan.Diagnostics.HasErrors() {
			break
		}
		now, err := a.readPresent(ctx, d.store)
		if err != nil {
			return nil, err
		}
		if reflect.DeepEqual(now, doc) {
			break
		}
		doc = now
	}
	if o.filter.used() {
		part, diags := filterPlan(d.plan, &o.filter, subjects(cfg.Stories, doc))
		if diags.HasErrors() {
			return nil, failWith(diags)
		}
		d.plan = part
	}
	return d, nil
}

// draftTries is how often a plan is made when others write the state meanwhile.
const draftTries = 5

// build makes the plan of a draft from a state, and from what it asks the Pages
// where they are connected.
func (a *app) build(ctx context.Context, cfg *config.Config, o draftOptions, d *draft, doc *state.Document) (err error) {
	set := settings(cfg)
	set.Sandbox = a.sandbox
	in := plan.Input{
		Now: a.Clock.Now(), Tool: Version(), Settings: set,
		Pages: cfg.Pages, Stories: cfg.Stories, State: doc, AdoptNone: o.adoptNone,
		Stage: o.stage, Moved: planMoves(cfg.Moved), Imports: planImports(cfg.Imports),
	}
	if d.pages != nil {
		d.observed, err = apply.Observe(ctx, d.pages, planPages(cfg.Pages), doc, a.Clock, o.parallelism)
		if err != nil {
			return fail("Reading the Pages was interrupted", "%v", err)
		}
		in.Refreshed, in.Views, in.Videos, in.Unread = true, d.observed.Views, d.observed.Videos, d.observed.UnreadText()
	}
	if !o.at.IsZero() {
		in.Now = o.at
	}
	d.plan = plan.Build(in)
	d.plan.Diagnostics = a.placed(d.plan.Diagnostics)
	return nil
}

// subjects are the stories that the configuration or the state has.
func subjects(declared []story.Desired, doc *state.Document) []subject {
	known := make([]subject, 0, len(declared))
	seen := make(map[story.Address]bool, len(declared))
	for i := range declared {
		d := &declared[i]
		seen[d.Address] = true
		known = append(known, subject{d.Address, d.Page.Address, d.Page.ID, d.Labels})
	}
	for i := range doc.Stories {
		if e := &doc.Stories[i]; !seen[e.Address] {
			known = append(known, subject{e.Address, e.Page, e.PageID, e.Labels})
		}
	}
	return known
}

// draftOptions say how to make a plan.
type draftOptions struct {
	refresh, offline, adoptNone bool
	stage                       bool // upload media ahead
	parallelism                 int
	at                          time.Time
	filter                      filterFlags
}

// unreadable lists the Pages of a plan that could not be read.
func unreadable(p *plan.Plan) []plan.Page {
	var pages []plan.Page
	for _, page := range p.Pages {
		if page.Unread != "" {
			pages = append(pages, page)
		}
	}
	return pages
}
