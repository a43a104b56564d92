package story

import (
	"testing"
	"time"
)

// A zone without letters of its own is named by its offset from UTC, and not by
// "+08".
func TestZoneName(t *testing.T) {
	for zone, want := range map[string]string{
		"Asia/Jakarta": "WIB", "Asia/Singapore": "UTC+8", "Asia/Kathmandu": "UTC+5:45", "America/Sao_Paulo": "UTC-3", "UTC": "UTC", "Europe/Berlin": "CET",
	} {
		loc, err := time.LoadLocation(zone)
		if err != nil {
			t.Fatal(err)
		}
		if got := ZoneName(time.Date(2026, 12, 20, 9, 0, 0, 0, loc)); got != want {
			t.Errorf("%s: got %q, want %q", zone, got, want)
		}
	}
}
