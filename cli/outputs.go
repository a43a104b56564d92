package cli

import (
	"context"
	"encoding/json"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"storyform/config"
	"storyform/render"
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
as it is, for scripts; --json prints a value as JSON, sensitive or not.`,
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
	cfg, err := a.loadOfflineConfig(ctx, &f.config)
	if err != nil {
		return err
	}
	if len(args) == 1 {
		return a.oneOutput(cfg, f, args[0])
	}
	switch {
	case f.raw:
		return fail("Output name is missing", "--raw prints one output: storyform output --raw NAME.")
	case f.json:
		all := map[string]outputValue{}
		for _, o := range cfg.Outputs {
			all[o.Name] = outputValue{o.Description, o.Sensitive, o.Type, o.Value}
		}
		return render.Value(a.Stdout, all)
	case len(cfg.Outputs) == 0:
		a.printf("There are no output blocks in the configuration.\n")
	}
	sorted := slices.Clone(cfg.Outputs)
	slices.SortFunc(sorted, func(x, y config.Output) int { return strings.Compare(x.Name, y.Name) })
	for _, o := range sorted {
		text := "<sensitive>"
		if !o.Sensitive {
			text = render.Clean(o.Expression)
		}
		a.printf("%s = %s\n", o.Name, text)
	}
	return nil
}

// oneOutput prints the value of one output, sensitive or not: it was asked for
// by name.
func (a *app) oneOutput(cfg *config.Config, f *outputFlags, name string) error {
	var names []string
	for _, o := range cfg.Outputs {
		names = append(names, o.Name)
		if o.Name != name {
			continue
		}
		switch {
		case f.json:
			return render.Value(a.Stdout, o.Value)
		case f.raw:
			if o.Value[0] == '{' || o.Value[0] == '[' || string(o.Value) == "null" {
				return fail("Output is not text", "--raw prints a string, a number or a bool, and %s is something else. Use --json.", name)
			}
			a.printf("%s", o.Text)
		default:
			a.printf("%s\n", o.Expression)
		}
		return nil
	}
	return fail("Output not found", "The configuration has no output %q.%s", name, meant(name, names))
}
