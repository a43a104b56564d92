package cli

import (
	"bytes"
	"context"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"storyform/internal/atomicfile"
	"storyform/internal/diag"
	"storyform/plan"
	"storyform/render"
)

// planFlags are the flags that plan and apply share.
type planFlags struct {
	config    configFlags
	remote    remoteFlags
	refresh   bool
	offline   bool
	adoptNone bool
	detailed  bool
	events    eventFlags
	filter    filterFlags
	format    string
	html      string
	markdown  string
	at        string
	checkURLs bool
}

// register adds the flags of an invocation.
func (f *planFlags) register(a *app, flags *pflag.FlagSet) {
	f.config.register(flags)
	f.remote.register(flags)
	f.events.register(flags)
	f.filter.register(flags)
	flags.BoolVar(&f.refresh, "refresh", true, "ask the Pages what is on them; without it no token is needed")
	flags.BoolVar(&f.adoptNone, "adopt-none", false, "with a new state: none of the stories that are live on the Pages is ours")
	flags.BoolVar(&f.detailed, "detailed-exitcode", false, "exit with 2 when there are changes (apply: when something was published)")
	flags.BoolVar(&a.verbose, "verbose", false, "show unchanged stories, every attribute and every warning, too")
}

// planCommand shows what apply would do.
func planCommand(a *app) *cobra.Command {
	var f planFlags
	var out string
	cmd := &cobra.Command{
		Use:   "plan",
		Short: "Show what apply would publish, register, change and cancel",
		Long: `Compares the configuration with the state and with what is on the Pages, and
shows what apply would do. It changes nothing and takes no lock.

With --out the plan is saved, and apply PLANFILE does what was reviewed and
nothing else. --refresh=false asks no Page and needs no token; --offline does
not even read the state.`,
		Example: `  storyform plan -target=story.teaser
  storyform plan -refresh=false -markdown=plan.md
  storyform plan -out=p.plan && storyform apply p.plan`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, args []string) error { return a.runPlan(cmd.Context(), &f, out) },
	}
	f.register(a, cmd.Flags())
	flags := cmd.Flags()
	flags.StringVar(&out, "out", "", "save the plan to a `file`, for apply")
	flags.StringVar(&f.format, "format", "text", "print the plan as `"+strings.Join(formatNames(), "|")+"`")
	flags.StringVar(&f.html, "html", "", "also write the plan as a page with pictures to a `file`")
	flags.StringVar(&f.markdown, "markdown", "", "also write the plan as a comment for a pull request to a `file`")
	flags.BoolVar(&f.offline, "offline", false, "use neither the state nor the Pages: what a first apply would do")
	flags.BoolVar(&f.checkURLs, "check-urls", false, "ask the servers of hosted files whether Meta could fetch them")
	flags.StringVar(&f.at, "at", "", "plan for another `time` (RFC 3339): what would happen then?")
	return cmd
}

// formatNames are the names of the formats that render knows; the first is
// the default.
func formatNames() []string {
	var names []string
	for _, f := range render.Formats() {
		names = append(names, f.Name)
	}
	return names
}

// runPlan is the command plan.
func (a *app) runPlan(ctx context.Context, f *planFlags, out string) error {
	format, err := findFormat(f.format)
	if err != nil {
		return err
	}
	if err := checkPlanFlags(f, out); err != nil {
		return err
	}
	at, err := parseAt(f.at)
	if err != nil {
		return err
	}
	if err := a.openEvents(&f.events); err != nil {
		return err
	}
	cfg, err := a.load(ctx, &f.config)
	if err != nil {
		return err
	}
	d, err := a.draftPlan(ctx, cfg, draftOptions{
		refresh: f.refresh, offline: f.offline, adoptNone: f.adoptNone, parallelism: f.remote.parallelism, at: at, filter: f.filter,
	})
	if err == nil {
		err = a.checkKept(ctx, d, f.adoptNone, false)
	}
	if err != nil {
		return err
	}
	if f.at != "" {
		d.plan.Diagnostics = append(d.plan.Diagnostics, diag.Warnf("Plan is for another time",
			"--at shows what would happen at %s, with the state and the Pages as they are now.", f.at))
	}
	if f.checkURLs {
		d.plan.Diagnostics = append(d.plan.Diagnostics, a.checkURLs(ctx, cfg)...)
	}
	if err := a.writePlan(ctx, d.plan, format); err != nil {
		return err
	}
	if err := a.writePlanFiles(ctx, d.plan, f); err != nil {
		return err
	}
	if d.plan.Diagnostics.HasErrors() {
		return exit(1)
	}
	if out != "" {
		if err := a.savePlan(out, d.plan, f.format == "text" && !f.events.json); err != nil {
			return err
		}
	}
	if len(unreadable(d.plan)) > 0 {
		return a.failUnread(d.plan, f.format == "text", "storyform plan --refresh=false plans without asking, and needs no token; --sandbox asks the simulator.")
	}
	if f.detailed && d.plan.HasChanges() {
		return exit(2)
	}
	return nil
}

// writePlanFiles writes the plan in other formats to the files that the flags
// name.
func (a *app) writePlanFiles(ctx context.Context, p *plan.Plan, f *planFlags) error {
	for _, file := range []struct{ format, name string }{{"html", f.html}, {"markdown", f.markdown}} {
		if file.name == "" {
			continue
		}
		format, err := findFormat(file.format)
		if err != nil {
			return err
		}
		var buf bytes.Buffer
		if err := format.Render(&buf, a.forReview(p), a.planOptions(ctx, p)); err != nil {
			return fail("Plan can't be written", "%v", err)
		}
		if err := atomicfile.Write(a.path(file.name), buf.Bytes(), 0o644); err != nil {
			return fail("Plan can't be written", "--%s: %v", file.format, err)
		}
	}
	return nil
}

// forReview is a plan together with what was said of its configuration: those
// who read it as a document do not see the screen.
func (a *app) forReview(p *plan.Plan) *plan.Plan {
	out := *p
	out.Diagnostics = slices.Concat(a.warnings, p.Diagnostics)
	return &out
}

// planOptions are the options for a plan as a document for others to read:
// never with colours, with pictures and links where there are any.
func (a *app) planOptions(ctx context.Context, p *plan.Plan) render.Options {
	return render.Options{Verbose: a.verbose, Now: p.CreatedAt, Thumbnail: a.thumbnails(ctx), Link: a.repositoryLink()}
}

// writePlan shows a plan in a format.
func (a *app) writePlan(ctx context.Context, p *plan.Plan, format render.Format) error {
	if format.Name == "text" {
		return a.showPlan(p)
	}
	a.diagnoseText(p.Diagnostics)
	a.events.tell(func(l *render.JSONLines) error { return l.Plan(p) })
	if format.Name != "json" { // which is the plan as it is saved
		p = a.forReview(p)
	}
	if err := format.Render(a.Stdout, p, a.planOptions(ctx, p)); err != nil {
		return fail("Plan can't be written", "%v", err)
	}
	return nil
}

// checkPlanFlags refuses flags that can't be meant together.
func checkPlanFlags(f *planFlags, out string) error {
	if f.events.json && f.format != "text" {
		return fail("Flags exclude each other", "--json prints what happens line by line, and --format=%s prints the plan. The plan as one JSON document is --format=json without --json.", f.format)
	}
	if out != "" && f.at != "" {
		return fail("Flags exclude each other", "A plan for another time says what would happen then; it can't be saved with --out and applied.")
	}
	return checkOut(out)
}

// findFormat looks a format up by its name.
func findFormat(name string) (render.Format, error) {
	if f, ok := render.FormatNamed(name); ok {
		return f, nil
	}
	return render.Format{}, fail("Unknown format", "There is no format %q. The formats are %s.", name, strings.Join(formatNames(), ", "))
}

// parseAt reads the time of --at.
func parseAt(s string) (time.Time, error) {
	if s == "" {
		return time.Time{}, nil
	}
	t, err := time.Parse(time.RFC3339, s)
	if err != nil {
		return t, fail("Time can't be read", "--at takes a time such as 2026-12-20T09:00:00+07:00, not %q.", s)
	}
	return t, nil
}
