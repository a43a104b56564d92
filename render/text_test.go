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
	wide := campaign()
	for i, key := range []string{"日本語", "ไทย", "한국어", "e\u0301te\u0301", "👩‍👧", "العربية"} {
		wide.Changes[i].Address.Key = key
		wide.Changes[i].Source = "media/" + key + "/写真.jpg"
	}
	uploads := quiet()
	uploads.Changes = campaign().Changes[3:4]
	uploads.Changes[0].Action, uploads.Changes[0].Reason = plan.Upload, "due Sun 20 Dec 09:20 WIB; its media are uploaded ahead"
	uploads.Summary = plan.Summarize(uploads.Changes)
	unchanged := quiet()
	unchanged.Unchanged = campaign().Changes[2:4]
	for i := range unchanged.Unchanged {
		unchanged.Unchanged[i].Action, unchanged.Unchanged[i].Reason = plan.Note, "unchanged; it waits for its time"
	}
	notes := quiet()
	notes.Changes = campaign().Changes[6:7]
	for _, tt := range []struct {
		name string
		plan *plan.Plan
		o    Options
	}{
		{"campaign-80.txt", campaign(), Options{}},
		{"campaign-120.txt", campaign(), Options{Width: 120}},
		{"campaign-40.txt", campaign(), Options{Width: 40}},
		{"campaign-200.txt", campaign(), Options{Width: 200}},
		{"wide-40.txt", wide, Options{Width: 40}},
		{"wide-120.txt", wide, Options{Width: 120}},
		{"uploads.txt", uploads, Options{}},
		{"unchanged-hidden.txt", unchanged, Options{}},
		{"unchanged-verbose.txt", unchanged, Options{Verbose: true}},
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
