package cli

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/spf13/cobra"

	"storyform/config"
	"storyform/internal/diag"
	"storyform/story"
)

// validateCommand checks the configuration and its media.
func validateCommand(a *app) *cobra.Command {
	var f configFlags
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "validate",
		Short: "Check the configuration and its media; no token, no network",
		Args:  cobra.NoArgs,
		RunE:  func(cmd *cobra.Command, args []string) error { return a.validate(cmd.Context(), &f, asJSON) },
	}
	f.register(cmd.Flags())
	cmd.Flags().BoolVar(&asJSON, "json", false, "print the result as JSON")
	return cmd
}

// validate is the command validate.
func (a *app) validate(ctx context.Context, f *configFlags, asJSON bool) error {
	cfg, diags := a.loadWithMedia(ctx, f)
	if asJSON {
		a.annotations = append(a.annotations, diags...)
		if err := writeValidation(a, diags); err != nil {
			return fail("Result can't be written", "%v", err)
		}
		if diags.HasErrors() {
			return exit(1)
		}
		return nil
	}
	if diags.HasErrors() {
		return failWith(diags)
	}
	a.diagnose(diags)
	with := ""
	if len(diags) > 0 {
		with = ", with the warnings above"
	}
	a.printf("Success! The configuration is valid%s: %s on %s.\n", with,
		count(len(cfg.Stories), "story", "stories"), count(len(cfg.Pages), "Page", "Pages"))
	return nil
}

// writeValidation prints diagnostics in the form of `terraform validate -json`.
func writeValidation(a *app, ds diag.Diagnostics) error {
	errs := 0
	for _, d := range ds {
		if d.Severity == diag.Error {
			errs++
		}
	}
	if ds == nil {
		ds = diag.Diagnostics{}
	}
	enc := json.NewEncoder(a.Stdout)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	return enc.Encode(struct {
		FormatVersion string           `json:"format_version"`
		Valid         bool             `json:"valid"`
		ErrorCount    int              `json:"error_count"`
		WarningCount  int              `json:"warning_count"`
		Diagnostics   diag.Diagnostics `json:"diagnostics"`
	}{"1.0", errs == 0, errs, len(ds) - errs, ds})
}

// loadWithMedia reads the configuration and holds its media against the rules.
func (a *app) loadWithMedia(ctx context.Context, f *configFlags) (*config.Config, diag.Diagnostics) {
	in := a.newInspector()
	cfg, diags := a.loadAll(ctx, f, in.inspect)
	if cfg != nil {
		diags = append(diags, in.judge(cfg)...)
		diags.Sort()
	}
	in.save(a.dir())
	return cfg, diags
}

// loadAll reads the configuration with all its diagnostics. Without inspect,
// the media are not looked at.
func (a *app) loadAll(ctx context.Context, f *configFlags, inspect func(ctx context.Context, path string) (story.Media, error)) (*config.Config, diag.Diagnostics) {
	cfg, diags := config.Load(ctx, config.Options{
		Dir: a.dir(), Vars: f.vars, Env: a.Environ, Version: Version(), Inspect: inspect,
	})
	if cfg != nil {
		a.sources = cfg.Sources
		a.notePages(planPages(cfg.Pages))
		if wrong := a.checkBackend(cfg); wrong != nil {
			diags = append(diags, wrong...)
			diags.Sort()
		}
	}
	return cfg, diags
}

// loadOfflineConfig reads the configuration without looking into the media,
// for commands that only need Pages and the backend.
func (a *app) loadOfflineConfig(ctx context.Context, f *configFlags) (*config.Config, error) {
	cfg, diags := a.loadAll(ctx, f, nil)
	if diags.HasErrors() {
		return nil, failWith(diags)
	}
	return cfg, nil
}

// hasConfig reports whether the folder has a configuration.
func (a *app) hasConfig() bool {
	files, err := config.Discover(a.dir())
	return err == nil && len(files) > 0
}

// pageUnread says that a Page could not be read.
func pageUnread(page fmt.Stringer, err error) diag.Diagnostics {
	return diag.Diagnostics{diag.Errorf("Page could not be read", "%s: %s", page, explainError(err)).For(page)}
}
