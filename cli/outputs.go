package cli

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"storyform/apply"
	"storyform/config"
	"storyform/internal/diag"
	"storyform/render"
	"storyform/state"
	"storyform/story"
)

// outputFlags are the flags of output.
type outputFlags struct {
	config    configFlags
	json, raw bool
}

// outputCommand prints the outputs of the configuration.
func outputCommand(a *app) *cobra.Command {
	var f outputFlags
	cmd := &cobra.Command{
		Use:   "output [NAME]",
		Short: "Print the outputs of the configuration",
		Long: `Prints all outputs, or the value of one. --raw prints a string, number or bool
as it is, for scripts; --json prints a value as JSON, sensitive or not.

What outputs tell about stories, such as story.teaser.url, is what the state
knows; it is null as long as the story is not published. No Page is asked.`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error { return a.runOutput(cmd.Context(), &f, args) },
	}
	f.config.register(cmd.Flags())
	cmd.Flags().BoolVar(&f.json, "json", false, "print JSON")
	cmd.Flags().BoolVar(&f.raw, "raw", false, "print the value of one output as it is")
	cmd.MarkFlagsMutuallyExclusive("json", "raw")
	return cmd
}

// outputValue is an output in `output --json`.
type outputValue struct {
	Description string          `json:"description,omitempty"`
	Sensitive   bool            `json:"sensitive"`
	Type        json.RawMessage `json:"type"`
	Value       json.RawMessage `json:"value"`
}

// runOutput is the command output.
func (a *app) runOutput(ctx context.Context, f *outputFlags, args []string) error {
	if f.raw && len(args) == 0 {
		return fail("Output name is missing", "--raw prints one output: storyform output --raw NAME.")
	}
	cfg, err := a.loadOfflineConfig(ctx, &f.config)
	if err != nil {
		return err
	}
	if len(args) == 1 {
		return a.oneOutput(ctx, cfg, f, args[0])
	}
	outs, facts, err := a.outputs(ctx, cfg, "")
	if facts == nil && err != nil {
		return err
	}
	switch {
	case f.json:
		all := map[string]outputValue{}
		for _, o := range outs {
			all[o.Name] = outputValue{o.Description, o.Sensitive, o.Type, o.Value}
		}
		return errors.Join(render.Value(a.Stdout, all), err)
	case len(outs) == 0 && err == nil:
		a.diagnose(diag.Diagnostics{diag.Warnf("No outputs found",
			"The configuration has no output block. One that shows where a story is:\n\n    output \"teaser_url\" { value = story.teaser.url }")})
	}
	return errors.Join(render.Outputs(a.Stdout, shownOutputs(outs)), err)
}

// outputs evaluates one output, or all without a name. Where some tell what became of
// stories, the state is read for it; facts is what it says. The error is about
// those that can't be evaluated, which are left out.
func (a *app) outputs(ctx context.Context, cfg *config.Config, name string) ([]config.Output, map[story.Address]config.Fact, error) {
	facts := map[story.Address]config.Fact{}
	if slices.ContainsFunc(cfg.Outputs, func(o config.Output) bool { return o.Pending && (name == "" || o.Name == name) }) {
		store, err := a.openStore(ctx, cfg)
		if err != nil {
			return nil, nil, err
		}
		doc, err := a.readState(ctx, store)
		if err != nil {
			return nil, nil, err
		}
		facts = storyFacts(doc)
	}
	outs, ds := cfg.ResolveOutputs(facts, name)
	slices.SortFunc(outs, func(x, y config.Output) int { return strings.Compare(x.Name, y.Name) })
	if ds.HasErrors() {
		return outs, facts, failWith(ds)
	}
	return outs, facts, nil
}

// storyFacts is what a state tells about stories.
func storyFacts(doc *state.Document) map[story.Address]config.Fact {
	facts := make(map[story.Address]config.Fact, len(doc.Stories))
	for i := range doc.Stories {
		e := &doc.Stories[i]
		facts[e.Address] = config.Fact{
			Status: e.Status, MediaID: e.MediaID, PostID: e.PostID, URL: e.URL, PublishedAt: e.PublishedAt, ExpiresAt: e.ExpiresAt,
		}
	}
	return facts
}

// shownOutputs are outputs as render shows them.
func shownOutputs(outs []config.Output) []render.Output {
	shown := make([]render.Output, 0, len(outs))
	for _, o := range outs {
		shown = append(shown, render.Output{Name: o.Name, Sensitive: o.Sensitive, Type: o.Type, Value: o.Value, Expression: o.Expression})
	}
	return shown
}

// thenOutputs prints the outputs after a run that was complete, and returns how
// it ended.
func (a *app) thenOutputs(ctx context.Context, cfg *config.Config, err error) error {
	if err == nil || asExit(err).code == apply.ExitPublished {
		a.showOutputs(ctx, cfg)
	}
	return err
}

// showOutputs prints the outputs at the end of an apply, as Terraform does.
// What is wrong with one is a warning: what was to be done is done.
func (a *app) showOutputs(ctx context.Context, cfg *config.Config) {
	if len(cfg.Outputs) == 0 {
		return
	}
	outs, _, err := a.outputs(whole(ctx), cfg, "") // of what is done an interrupt takes nothing back
	if err != nil {
		ds := asExit(err).diags
		for i := range ds {
			ds[i].Severity = diag.Warning
		}
		a.diagnose(ds)
	}
	if len(outs) == 0 {
		return
	}
	shown := shownOutputs(outs)
	a.events.tell(func(l *render.JSONLines) error { return l.Outputs(shown) })
	if !a.events.alone {
		a.printf("\nOutputs:\n\n")
		_ = render.Outputs(a.Stdout, shown) // as the lines before it
	}
}

// oneOutput prints the value of one output, sensitive or not: it was asked for
// by name.
func (a *app) oneOutput(ctx context.Context, cfg *config.Config, f *outputFlags, name string) error {
	names := make([]string, 0, len(cfg.Outputs))
	for _, o := range cfg.Outputs {
		names = append(names, o.Name)
	}
	if !slices.Contains(names, name) {
		return fail("Output not found", "The configuration has no output %q.%s", name, cmp.Or(meant(name, names), listed(names)))
	}
	outs, facts, err := a.outputs(ctx, cfg, name)
	if err != nil {
		return err
	}
	o := outs[0]
	switch {
	case f.json:
		return render.Value(a.Stdout, o.Value)
	case !f.raw:
		a.printf("%s\n", strings.Join(render.CleanLines(o.Expression), "\n"))
		return nil
	case string(o.Value) == "null":
		return fail("Output has no value yet", "%s is null%s. --raw prints a string, a number or a bool; --json prints null.", name, whyNull(&o, cfg, facts))
	case o.Value[0] == '{' || o.Value[0] == '[':
		return fail("Output is not text", "--raw prints a string, a number or a bool, and %s is something else. Use --json.", name)
	}
	a.printf("%s", o.Text)
	return nil
}

// listed is the sentence that says which outputs there are.
func listed(names []string) string {
	if len(names) == 0 {
		return " It has none."
	}
	return " It has " + strings.Join(names, ", ") + "."
}

// whyNull says what keeps an output without a value, and what to do.
func whyNull(o *config.Output, cfg *config.Config, facts map[story.Address]config.Fact) string {
	for i := range cfg.Stories {
		d := &cfg.Stories[i]
		if !slices.Contains(o.Stories, d.Address) && !slices.Contains(o.Stories, d.Address.Block()) {
			continue
		}
		switch f := facts[d.Address]; {
		case f.Status.Out() && f.URL != "":
			continue
		case f.Status.Out():
			return fmt.Sprintf(": %s is published, but the list of its Page has not told everything about it yet. storyform apply asks again", d.Address)
		case f.Status == "":
			return fmt.Sprintf(": %s is not in the state yet. storyform apply registers and publishes it", d.Address)
		case f.Status == story.Scheduled && !d.PublishAt.IsZero():
			return fmt.Sprintf(": %s is scheduled for %s. storyform apply --due publishes it then", d.Address, localTime(d))
		default:
			return fmt.Sprintf(": %s is %s. storyform status tells more", d.Address, f.Status)
		}
	}
	return ""
}
