package config

import (
	"context"
	"time"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"

	"storyform/internal/diag"
	"storyform/story"
)

// loader is the state of one Load: what was read, what was understood, and
// what is wrong.
type loader struct {
	options Options
	folder  *folder
	meter   *meter

	sources map[string][]byte // by name in ranges
	bodies  map[string]*hclsyntax.Body
	total   int // bytes of configuration files
	// incomplete: a file has a syntax error, so that names may be missing.
	incomplete bool
	files      []*sourceFile

	blocks     map[string][]*block          // by type, in source order
	named      map[string]map[string]*block // by type and label
	locals     map[string]*local
	localNames []string // in source order

	eval      *evaluator
	settings  Settings
	variables []*variable
	pages     map[string]*story.Page // by address
	pageVals  map[string]cty.Value   // the same as values
	pageList  []*story.Page
	keys      map[string]*instances // of page and story blocks, by "story.x"
	zones     map[string]zoneAnswer
	zoneless  map[story.Address]bool // page blocks without a time zone of which was warned
	stories   []*instance
	media     map[string]*mediaFile // by resolved path
	mediaList []*mediaFile          // in the order of the stories
	count     int                   // instances
	moves     []Move
	facts     map[story.Address]Fact // what became of stories; nil: nobody asked

	// What functions read, by resolved path: each file is read once. Hashes and
	// templates say before it which hash, and that it is no text.
	texts     map[string]string
	hashes    map[string][]byte
	templates map[string]hclsyntax.Expression
	filesets  map[string][]string // by pattern
	readBytes int

	secrets []string    // never to be shown: tokens and sensitive values
	masked  []hcl.Range // where one is written
	diags   diag.Diagnostics

	reported map[hcl.DiagnosticSeverity]int // how many, also those left out
	unknown  *hcl.Range                     // an expression whose value is not known
}

// Load reads and evaluates the configuration in o.Dir. It never stops at the
// first mistake: the diagnostics hold everything that is wrong, and the
// Config, which is never nil, as much as could be understood. With errors
// among the diagnostics it must not be acted on.
//
// Load reads no clock, no environment but o.Env, and nothing outside of the
// folder but the files that o.Vars name. Cancelling ctx ends the inspection
// of media.
func Load(ctx context.Context, o Options) (*Config, diag.Diagnostics) {
	return load(ctx, o, fullBudget)
}

// load is Load with a budget for evaluation.
func load(ctx context.Context, o Options, b budget) (*Config, diag.Diagnostics) {
	if o.Dir == "" {
		o.Dir = "."
	}
	l := newLoader(o)
	l.meter.limit = b
	folder, err := openFolder(o.Dir)
	if err != nil {
		l.report(noAddress, &hcl.Diagnostic{Severity: hcl.DiagError, Summary: "Configuration folder can't be read",
			Detail: l.folderName() + " can't be opened: " + err.Error() + ". Name the folder with --chdir."})
		return l.config(nil), l.finish()
	}
	defer folder.root.Close()
	l.folder = folder

	l.readAll()
	l.decodeAll()
	if d := l.checkVersion(); d != nil {
		// A newer language explains every other mistake.
		l.diags = nil
		l.report(noAddress, d)
		return l.config(nil), l.finish()
	}
	l.eval = newEvaluator(l)
	l.loadVariables()
	l.evaluateGraph()
	l.checkVariables()
	l.loadSettings()
	l.loadStories()
	l.inspectAll(ctx)
	l.linkStories()
	l.checkPreconditions()
	checks := l.runChecks()
	c := l.config(checks)
	l.checkUnknown()
	return c, l.finish()
}

// noteUnknown remembers that the value of an expression is not known, so that
// what it is for was left out.
func (l *loader) noteUnknown(expr hcl.Expression) {
	if expr != nil && l.unknown == nil {
		l.unknown = expr.Range().Ptr()
	}
}

// checkUnknown makes sure that an unknown value was reported. Unknown means
// that something else is wrong; were that ever not so, a story would be left
// out without a word, and a plan would cancel it.
func (l *loader) checkUnknown() {
	if l.unknown != nil && l.reported[hcl.DiagError] == 0 {
		l.report(noAddress, errAt(*l.unknown, "Value not known",
			"The value of this expression could not be determined, and no mistake was found in it. Write it in another way, and please report this."))
	}
}

// newLoader returns a loader that has read nothing yet.
func newLoader(o Options) *loader {
	l := &loader{
		options: o, meter: &meter{limit: fullBudget},
		sources: map[string][]byte{}, bodies: map[string]*hclsyntax.Body{},
		blocks: map[string][]*block{}, named: map[string]map[string]*block{}, locals: map[string]*local{},
		settings: Settings{APIVersion: defaultAPIVersion, MaxPublish: defaultMaxPublish, SettleAfter: defaultSettleAfter, MediaRules: defaultMediaRules},
		pages:    map[string]*story.Page{}, pageVals: map[string]cty.Value{}, keys: map[string]*instances{}, zones: map[string]zoneAnswer{}, zoneless: map[story.Address]bool{},
		media: map[string]*mediaFile{}, texts: map[string]string{}, hashes: map[string][]byte{},
		templates: map[string]hclsyntax.Expression{}, filesets: map[string][]string{},
		reported: map[hcl.DiagnosticSeverity]int{},
	}
	l.meter.object = l.repeatedKeys
	return l
}

// What holds where the storyform block says nothing.
const (
	defaultAPIVersion  = "v25.0"
	defaultMaxPublish  = 20
	defaultSettleAfter = 5 * time.Minute
	minSettleAfter     = 3 * time.Minute // plan.ShortestSettle
	maxUploadAhead     = 12 * time.Hour  // Meta keeps an unpublished photo about 24 hours
	defaultMediaRules  = "default"
)

// config gathers the result.
func (l *loader) config(checks []Check) *Config {
	c := &Config{Dir: l.options.Dir, Settings: l.settings, Checks: checks, eval: l.eval}
	for _, f := range l.files {
		c.Files = append(c.Files, f.name)
	}
	for _, p := range l.pageList {
		c.Pages = append(c.Pages, *p)
	}
	c.Stories = make([]story.Desired, 0, len(l.stories))
	for _, in := range l.stories {
		if !in.broken {
			c.Stories = append(c.Stories, in.desired)
		}
	}
	if l.eval != nil {
		c.Variables = l.describeVariables()
		l.moves = l.loadMoved()
		c.Moved = l.moves
		c.Outputs = l.loadOutputs("")
		c.Imports = l.loadImports()
	}
	c.Sources = l.scrubSources()
	return c
}
