package cli

import (
	"context"
	"fmt"
	"net/netip"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"

	"github.com/spf13/cobra"

	"storyform/config"
	"storyform/internal/diag"
	"storyform/media"
	"storyform/render"
	"storyform/story"
)

// mediaCacheFile is where what was measured is remembered, in the folder of
// the configuration. Apply never trusts it: it hashes what it sends.
const mediaCacheFile = sandboxFolder + "/cache/media.json"

// inspector reads media files once and keeps everything that was measured,
// for the rules.
type inspector struct {
	cache    *media.Cache
	loopback bool // hosted files may be on this machine: the API is, too

	mu    sync.Mutex
	files map[string]*media.File // by path
}

// newInspector is an inspector with the folder's cache.
func (a *app) newInspector() *inspector {
	return &inspector{
		cache:    media.LoadCache(filepath.Join(a.dir(), filepath.FromSlash(mediaCacheFile)), a.Clock.Now),
		loopback: a.sandbox || loopbackURL(a.Getenv("STORYFORM_GRAPH_URL")),
		files:    map[string]*media.File{},
	}
}

// loopbackURL reports whether a URL names this machine.
func loopbackURL(raw string) bool {
	u, err := url.Parse(raw)
	if err != nil {
		return false
	}
	addr, err := netip.ParseAddr(u.Hostname())
	return u.Hostname() == "localhost" || err == nil && addr.IsLoopback()
}

// save remembers what was measured. A cache that can't be written only costs
// time, so its errors are not told.
func (in *inspector) save(dir string) {
	if len(in.files) == 0 {
		return
	}
	if os.MkdirAll(filepath.Join(dir, filepath.Dir(filepath.FromSlash(mediaCacheFile))), 0o755) == nil {
		_ = in.cache.Save()
	}
}

// inspect reads the facts of a local media file for the configuration.
func (in *inspector) inspect(ctx context.Context, path string) (story.Media, error) {
	f, err := media.InspectWith(ctx, path, "", media.Options{Cache: in.cache, Samples: true})
	if err != nil {
		return story.Media{}, err
	}
	in.mu.Lock()
	defer in.mu.Unlock()
	in.files[path] = f
	return f.Media, nil
}

// judge holds every story's media against the rules. Each file is judged once
// for each set of allowed rules, at the first story that names it.
func (in *inspector) judge(cfg *config.Config) diag.Diagnostics {
	var ds diag.Diagnostics
	told := map[string]bool{}
	for i := range cfg.Stories {
		d := &cfg.Stories[i]
		ds = append(ds, unknownRules(d, told)...)
		key := d.Source + "\x00" + strings.Join(d.Allow, "\x00")
		if told[key] {
			continue
		}
		told[key] = true
		for _, finding := range in.findings(d, cfg.Settings.MediaRules == "strict") {
			if out, ok := ruleDiagnostic(finding); ok {
				ds = append(ds, out.At(d.RangeOf(string(d.Kind))).For(d.Address))
			}
		}
	}
	return ds
}

// unknownRules reports ids in a story's allow that no rule has, each once for a
// block.
func unknownRules(d *story.Desired, told map[string]bool) diag.Diagnostics {
	var ds diag.Diagnostics
	for _, id := range d.Allow {
		key := "allow\x00" + d.Address.Block().String() + "\x00" + id
		if _, known := media.RuleByID(id); known || told[key] {
			continue
		}
		told[key] = true
		var ids []string
		for _, r := range media.Rules() {
			if r.Kind == d.Kind || r.Kind == "" {
				ids = append(ids, r.ID)
			}
		}
		ds = append(ds, diag.Errorf("Unknown media rule", "There is no media rule %s to allow.%s The rules for a %s are %s.",
			render.Clean(id), meant(id, ids), d.Kind, strings.Join(ids, ", ")).At(d.RangeOf("allow")).For(d.Address))
	}
	return ds
}

// findings holds one story's media against the rules: a local file as it was
// measured, a hosted one as far as its URL tells.
func (in *inspector) findings(d *story.Desired, strict bool) []media.Finding {
	if d.Media.Hosted {
		return media.CheckURL(d.Source, in.loopback)
	}
	if f := in.files[d.Path]; f != nil {
		return media.Judge(f, media.JudgeOptions{Strict: strict, Allow: d.Allow, Name: d.Source})
	}
	return nil
}

// ruleDiagnostic is a finding as a diagnostic. What is allowed, and what
// can't be told, is for `storyform media` to show.
func ruleDiagnostic(f media.Finding) (diag.Diagnostic, bool) {
	summary, detail := f.Diagnostic()
	switch f.Level {
	case media.LevelError:
		return diag.Diagnostic{Severity: diag.Error, Summary: summary, Detail: detail}, true
	case media.LevelWarning:
		return diag.Diagnostic{Severity: diag.Warning, Summary: summary, Detail: detail}, true
	}
	return diag.Diagnostic{}, false
}

// mediaReport is one file of `media --json`.
type mediaReport struct {
	File     string          `json:"file"`
	Error    string          `json:"error,omitempty"`
	Facts    *media.File     `json:"facts,omitempty"`
	Findings []media.Finding `json:"findings"`
}

// mediaCommand measures files and holds them against the rules.
func mediaCommand(a *app) *cobra.Command {
	var asJSON, strict bool
	cmd := &cobra.Command{
		Use:   "media FILE...",
		Short: "Say whether photos and videos are fit for stories",
		Long: `Measures each file and holds it against the rules for stories, offline and
without a configuration. Exits with 1 when a file breaks a rule that is
enforced.`,
		Args: cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error { return a.runMedia(cmd.Context(), args, asJSON, strict) },
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	cmd.Flags().BoolVar(&strict, "strict", false, "take recommendations for rules")
	return cmd
}

// runMedia is the command media.
func (a *app) runMedia(ctx context.Context, names []string, asJSON, strict bool) error {
	reports := make([]mediaReport, 0, len(names))
	bad := false
	for _, name := range names {
		r := mediaReport{File: name, Findings: []media.Finding{}}
		f, err := media.InspectWith(ctx, a.path(name), "", media.Options{Decode: true})
		if err != nil {
			r.Error, bad = err.Error(), true
		} else {
			r.Facts = f
			r.Findings = append(r.Findings, media.Judge(f, media.JudgeOptions{Strict: strict, Name: name})...)
		}
		for _, finding := range r.Findings {
			bad = bad || finding.Level == media.LevelError
		}
		reports = append(reports, r)
	}
	if asJSON {
		if err := render.Value(a.Stdout, reports); err != nil {
			return fail("Result can't be written", "%v", err)
		}
	} else {
		for i := range reports {
			a.printMedia(&reports[i], i > 0)
		}
	}
	if bad {
		return exit(1)
	}
	return nil
}

// printError prints why a file could not be measured. A command in it stands on
// a line of its own.
func (a *app) printError(text string) {
	prefix := "  error      "
	for line := range strings.SplitSeq(text, "\n") {
		words := strings.TrimLeft(line, " ")
		a.hang(prefix+strings.Repeat(" ", len(line)-len(words)), words)
		prefix = strings.Repeat(" ", len(prefix))
	}
}

// printMedia prints one file's facts and findings.
func (a *app) printMedia(r *mediaReport, gap bool) {
	if gap {
		a.printf("\n")
	}
	a.printf("%s\n", render.Clean(r.File))
	if r.Facts == nil {
		a.printError(r.Error)
		return
	}
	for _, row := range r.Facts.Table() {
		a.printf("  %-16s %s\n", row[0], render.Clean(row[1]))
	}
	if len(r.Findings) == 0 {
		a.printf("  verdict          good for a story\n")
		return
	}
	a.printf("\n")
	commands := map[string]bool{}
	for _, f := range r.Findings {
		a.printf("  %-10s %s (%s)\n", f.Level, f.Summary, strings.Join(f.Rules, ", "))
		for _, line := range [][2]string{{"measured", f.Measured}, {"demanded", f.Demand}, {"fix", f.Fix}} {
			if line[1] != "" {
				a.hang(fmt.Sprintf("             %-9s ", line[0]), line[1])
			}
		}
		if f.Command != "" { // in one piece, to be copied
			a.printf("             %-9s %s\n", "", render.Clean(f.Command))
			commands[f.Command] = true
		}
	}
	if len(commands) > 1 {
		a.printf("\n  all at once\n             %-9s %s\n", "", render.Clean(media.RepairAll(r.Facts, r.File)))
	}
}
