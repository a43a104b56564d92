package render

import (
	"bytes"
	"encoding/json"
	"testing"

	"storyform/plan"
)

func TestJSON(t *testing.T) {
	p := campaign()
	for i := range p.Changes {
		p.Changes[i].PublishAt = p.Changes[i].PublishAt.In(jakarta(p.Changes[i].Page))
	}
	p.Fingerprint = plan.FingerprintOf(p.Changes)
	got := drawn(t, func(b *bytes.Buffer) error { return JSON(b, p) })
	back, err := plan.Decode(bytes.NewReader(got))
	if err != nil {
		t.Fatalf("what show --json prints can't be read back: %v", err)
	}
	if got, want := len(back.Changes), len(p.Changes); got != want {
		t.Errorf("read back %d changes, want %d", got, want)
	}
	golden(t, "campaign.json", got)
	if p.Changes[1].PublishAt.Location().String() != "Asia/Jakarta" {
		t.Error("JSON changed the plan that it was given")
	}
}

func TestJSONListsAreNeverNull(t *testing.T) {
	got := drawn(t, func(b *bytes.Buffer) error { return JSON(b, &plan.Plan{}) })
	var doc map[string]json.RawMessage
	if err := json.Unmarshal(got, &doc); err != nil {
		t.Fatal(err)
	}
	for _, key := range []string{"changes", "diagnostics", "pages"} {
		if string(doc[key]) != "[]" {
			t.Errorf("%s is %s, want []", key, doc[key])
		}
	}
}

func TestValueKeepsItsMeaning(t *testing.T) {
	want := map[string]string{"a": "tab\t esc\x1b c1\u009b bidi\u202e tag\U000e0041 plain ねこ 🎄"}
	got := drawn(t, func(b *bytes.Buffer) error { return Value(b, want) })
	for _, r := range string(got) {
		if r != '\n' && !visible(r) {
			t.Errorf("%q reached the output", r)
		}
	}
	var back map[string]string
	if err := json.Unmarshal(got, &back); err != nil {
		t.Fatal(err)
	}
	if back["a"] != want["a"] {
		t.Errorf("read back %q, want %q", back["a"], want["a"])
	}
}
