package cli

import (
	"path/filepath"
	"testing"
	"time"

	"storyform/internal/clock"
	"storyform/plan"
	"storyform/state/local"
)

// In CI, with a state in a file that the runner does not keep, every run would
// publish once more what has no day of its own.
func TestCheckKept(t *testing.T) {
	now := time.Date(2026, 12, 20, 2, 0, 0, 0, time.UTC)
	in := func(name string, value string) []string { return []string{name + "=" + value} }
	for name, test := range map[string]struct {
		env     []string
		change  plan.Change
		lineage string
		backend string
		adopt   bool
		shown   bool // not carried out
		refused bool
	}{
		"no day":                  {env: in("CI", "true"), change: plan.Change{Action: plan.Publish}, refused: true},
		"a day":                   {env: in("CI", "true"), change: plan.Change{Action: plan.Publish, NotAfter: now.Add(2 * time.Hour)}},
		"several days":            {env: in("CI", "true"), change: plan.Change{Action: plan.Publish, NotAfter: now.Add(48 * time.Hour)}, refused: true},
		"nothing is published":    {env: in("CI", "true"), change: plan.Change{Action: plan.Schedule}},
		"the state is known":      {env: in("CI", "true"), change: plan.Change{Action: plan.Publish}, lineage: "l"},
		"the state is elsewhere":  {env: in("CI", "true"), change: plan.Change{Action: plan.Publish}, backend: "git"},
		"the runner keeps files":  {env: in("CI", "true"), change: plan.Change{Action: plan.Publish}, adopt: true},
		"it is only a plan":       {env: in("CI", "true"), change: plan.Change{Action: plan.Publish}, shown: true},
		"a laptop":                {change: plan.Change{Action: plan.Publish}},
		"CI is off":               {env: in("CI", "false"), change: plan.Change{Action: plan.Publish}},
		"a simulator on loopback": {env: append(in("CI", "true"), "STORYFORM_GRAPH_URL=http://127.0.0.1:8080"), change: plan.Change{Action: plan.Publish}},
	} {
		a := &app{Env: Env{Environ: test.env, Clock: clock.NewFake(now).Clock()}}
		p := &plan.Plan{CreatedAt: now, Lineage: test.lineage, Changes: []plan.Change{test.change}, Summary: plan.Summarize([]plan.Change{test.change}), Settings: plan.Settings{Backend: test.backend}}
		store, err := local.Open(filepath.Join(t.TempDir(), stateFile))
		if err != nil {
			t.Fatal(err)
		}
		if err := a.checkKept(t.Context(), &draft{plan: p, store: store}, test.adopt, !test.shown); (err != nil) != test.refused {
			t.Errorf("%s: got %v, want it refused: %v", name, err, test.refused)
		}
	}
}
