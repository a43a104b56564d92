package cli

import (
	"context"
	"fmt"
	"runtime"
	"slices"

	"github.com/spf13/cobra"

	"storyform/config"
	"storyform/internal/diag"
	"storyform/render"
	"storyform/story"
)

// validateCommand checks the configuration and its media.
func validateCommand(a *app) *cobra.Command {
	var f configFlags
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "validate",
		Short: "Check the configuration and its media; no token, no network",
		Long: `Reads the configuration, measures its photos and videos, and holds them against
the rules for stories. No token is needed, no Page is asked, and nothing is
changed. Exits with 1 when there is an error; warnings are none.

--json prints the result for editors and CI, in the form of Terraform's.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, args []string) error { return a.validate(cmd.Context(), &f, asJSON) },
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
		if err := render.Validation(a.Stdout, diags, a.sources); err != nil {
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

// loadWithMedia reads the configuration and holds its media against the rules.
func (a *app) loadWithMedia(ctx context.Context, f *configFlags) (*config.Config, diag.Diagnostics) {
	in := a.newInspector()
	cfg, diags := a.loadAll(ctx, f, in.inspect)
	if cfg != nil {
		diags = append(diags, a.placed(in.judge(cfg))...)
		diags.Sort()
	}
	in.save(a.dir())
	return cfg, diags
}

// loadAll reads the configuration with all its diagnostics. Without inspect,
// the media are not looked at.
func (a *app) loadAll(ctx context.Context, f *configFlags, inspect func(ctx context.Context, path string) (story.Media, error)) (*config.Config, diag.Diagnostics) {
	// The collector runs whenever the heap has doubled, which a small one does often: a
	// third of the time of reading a configuration. It counts these 32 MB, too, which
	// nothing ever touches, so that they take no memory.
	ballast := make([]byte, 32<<20)
	defer runtime.KeepAlive(ballast)
	cfg, diags := config.Load(ctx, config.Options{
		Dir: a.dir(), Name: a.chdir, Vars: f.vars, Env: a.Environ, Version: Version(), Inspect: inspect,
	})
	if cfg != nil {
		a.sources, a.enclosing = cfg.Sources, cfg.Enclosing
		a.notePages(planPages(cfg.Pages))
		if wrong := a.checkBackend(cfg, diags); wrong != nil {
			diags = append(diags, a.placed(wrong)...)
			diags.Sort()
		}
	}
	return cfg, diags
}

// atBackend lets an error about the state store point at the backend block.
func (a *app) atBackend(cfg *config.Config, err error) error {
	b := cfg.Settings.Backend
	if err == nil || b == nil || a.sandbox {
		return err
	}
	out := *asExit(err)
	out.diags = slices.Clone(out.diags)
	for i := range out.diags {
		if out.diags[i].Subject == nil {
			out.diags[i] = out.diags[i].At(b.Range)
		}
	}
	a.placed(out.diags)
	return &out
}

// placed adds to diagnostics that were not made by the configuration in which
// of its blocks they point.
func (a *app) placed(ds diag.Diagnostics) diag.Diagnostics {
	for i := range ds {
		if d := &ds[i]; d.In == "" && d.Subject != nil && a.enclosing != nil {
			d.In = a.enclosing(*d.Subject)
		}
	}
	return ds
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
