package cli

import (
	"context"
	"sync"

	"storyform/config"
	"storyform/internal/diag"
	"storyform/internal/parallel"
	"storyform/media"
	"storyform/story"
)

// urlChecks is how many hosted files are asked for at once.
const urlChecks = 8

// checkURLs asks the servers of hosted files whether Meta could fetch them:
// type, size, and robots.txt for Meta's crawler. Each URL is asked once.
func (a *app) checkURLs(ctx context.Context, cfg *config.Config) diag.Diagnostics {
	var hosted []*story.Desired
	seen := map[string]bool{}
	for i := range cfg.Stories {
		if d := &cfg.Stories[i]; d.Media.Hosted && !seen[d.Source] {
			seen[d.Source] = true
			hosted = append(hosted, d)
		}
	}
	loopback := a.sandbox || loopbackURL(a.Getenv("STORYFORM_GRAPH_URL"))
	var mu sync.Mutex
	var ds diag.Diagnostics
	group := parallel.WithLimit(urlChecks)
	for _, d := range hosted {
		group.Go(func() error {
			f, err := media.Probe(ctx, d.Source, d.Kind, media.ProbeOptions{AllowLoopback: loopback})
			if err != nil {
				return err // only when ctx ends
			}
			mu.Lock()
			defer mu.Unlock()
			for _, finding := range media.Judge(f, media.JudgeOptions{Strict: cfg.Settings.MediaRules == "strict", Allow: d.Allow, Name: d.Source}) {
				if out, ok := hostedDiagnostic(finding); ok {
					ds = append(ds, out.At(d.RangeOf(string(d.Kind))).For(d.Address))
				}
			}
			return nil
		})
	}
	if group.Wait() != nil {
		ds = append(ds, diag.Warnf("Hosted files were not checked", "Asking for the hosted files was interrupted."))
	}
	ds.Sort()
	return ds
}

// hostedDiagnostic is a finding about a hosted file. What a server did not
// tell is worth a warning here: the check was asked for.
func hostedDiagnostic(f media.Finding) (diag.Diagnostic, bool) {
	if f.Level == media.LevelUnchecked {
		summary, detail := f.Diagnostic()
		return diag.Diagnostic{Severity: diag.Warning, Summary: summary, Detail: detail}, true
	}
	return ruleDiagnostic(f)
}
