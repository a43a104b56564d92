package render

import (
	"bytes"
	"testing"

	"storyform/internal/diag"
	"storyform/plan"
)

func TestPlanText(t *testing.T) {
	failed := quiet()
	failed.Diagnostics = append(failed.Diagnostics, campaign().Diagnostics...)
	failed.Diagnostics[0].Severity = diag.Error
	offline := quiet()
	offline.Refreshed = false
	offline.Pages[1].Unread = "code 190: the access token has expired"
	notes := quiet()
	notes.Changes = campaign().Changes[6:7]
	for _, tt := range []struct {
		name string
		plan *plan.Plan
		o    Options
	}{
		{"campaign-80.txt", campaign(), Options{}},
		{"campaign-120.txt", campaign(), Options{Width: 120}},
		{"campaign-verbose.txt", campaign(), Options{Verbose: true}},
		{"campaign-color.txt", campaign(), Options{Color: true, Width: 120}},
		{"quiet.txt", quiet(), Options{}},
		{"offline.txt", offline, Options{}},
		{"notes.txt", notes, Options{}},
		{"failed.txt", failed, Options{}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			golden(t, tt.name, drawn(t, func(b *bytes.Buffer) error { return Plan(b, tt.plan, tt.o) }))
		})
	}
}
