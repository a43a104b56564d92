package render

import (
	"bytes"
	"encoding/json"
	"testing"
	"time"

	"storyform/internal/diag"
)

func TestJSONLines(t *testing.T) {
	got := drawn(t, func(b *bytes.Buffer) error {
		l := NewJSONLines(b, func() time.Time { return noon }, Options{Zone: jakarta})
		steps := []func() error{
			func() error { return l.Version("0.1.0") },
			func() error { return l.Plan(campaign()) },
			func() error { return l.ApplySummary(Counts{Published: 1, Failed: 1}) },
		}
		for _, e := range run() {
			steps = append(steps, func() error { return l.Event(e) })
		}
		for _, step := range steps {
			if err := step(); err != nil {
				return err
			}
		}
		return nil
	})
	for line := range bytes.Lines(got) {
		var env map[string]any
		if err := json.Unmarshal(line, &env); err != nil {
			t.Fatalf("not JSON: %v: %s", err, line)
		}
		for _, key := range []string{"@level", "@message", "@module", "@timestamp", "type"} {
			if s, _ := env[key].(string); s == "" {
				t.Errorf("no %s in %s", key, line)
			}
		}
	}
	golden(t, "lines.jsonl", got)
}

func TestAnnotations(t *testing.T) {
	var many diag.Diagnostics
	for range 13 {
		many = append(many, diag.Warnf("Same file twice", "100%% the same:\r\nfirst, second"))
	}
	many = append(many, mistakes()...)
	golden(t, "annotations.txt", drawn(t, func(b *bytes.Buffer) error { return Annotations(b, many, "brand") }))
	golden(t, "annotations-none.txt", drawn(t, func(b *bytes.Buffer) error { return Annotations(b, nil, "") }))
}
