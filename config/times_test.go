package config

import (
	"slices"
	"testing"
	"time"
)

// zone loads a time zone of the system.
func zone(t *testing.T, name string) *time.Location {
	t.Helper()
	loc, err := time.LoadLocation(name)
	if err != nil {
		t.Fatal(err)
	}
	return loc
}

func TestParseTime(t *testing.T) {
	tests := []struct{ zone, text, want string }{
		{"UTC", "2026-12-20 09:00", "2026-12-20T09:00:00Z"},
		{"Asia/Jakarta", "2026-12-20 09:00", "2026-12-20T02:00:00Z"},
		{"Asia/Jakarta", "2026-12-20T09:00:30", "2026-12-20T02:00:30Z"},
		{"Asia/Jakarta", "2026-12-20T09:00:00Z", "2026-12-20T09:00:00Z"},
		{"Asia/Jakarta", "2026-12-20T09:00:00+05:45", "2026-12-20T03:15:00Z"},
		// An hour before, at, and after each jump.
		{"Europe/Berlin", "2027-03-28 01:59", "2027-03-28T00:59:00Z"},
		{"Europe/Berlin", "2027-03-28 02:00", "Time does not exist"},
		{"Europe/Berlin", "2027-03-28 02:59", "Time does not exist"},
		{"Europe/Berlin", "2027-03-28 03:00", "2027-03-28T01:00:00Z"},
		{"Europe/Berlin", "2026-10-25 01:59", "2026-10-24T23:59:00Z"},
		{"Europe/Berlin", "2026-10-25 02:00", "Ambiguous time"},
		{"Europe/Berlin", "2026-10-25 02:59", "Ambiguous time"},
		{"Europe/Berlin", "2026-10-25 03:00", "2026-10-25T02:00:00Z"},
		{"Europe/Berlin", "2026-10-25T02:30:00+02:00", "2026-10-25T00:30:00Z"},
		{"America/New_York", "2027-03-14 01:59", "2027-03-14T06:59:00Z"},
		{"America/New_York", "2027-03-14 02:30", "Time does not exist"},
		{"America/New_York", "2027-03-14 03:00", "2027-03-14T07:00:00Z"},
		{"America/New_York", "2026-11-01 00:59", "2026-11-01T04:59:00Z"},
		{"America/New_York", "2026-11-01 01:30", "Ambiguous time"},
		{"America/New_York", "2026-11-01 02:00", "2026-11-01T07:00:00Z"},
		// Half an hour only.
		{"Australia/Lord_Howe", "2026-10-04 01:59", "2026-10-03T15:29:00Z"},
		{"Australia/Lord_Howe", "2026-10-04 02:00", "Time does not exist"},
		{"Australia/Lord_Howe", "2026-10-04 02:29", "Time does not exist"},
		{"Australia/Lord_Howe", "2026-10-04 02:30", "2026-10-03T15:30:00Z"},
		{"Australia/Lord_Howe", "2027-04-04 01:29", "2027-04-03T14:29:00Z"},
		{"Australia/Lord_Howe", "2027-04-04 01:30", "Ambiguous time"},
		{"Australia/Lord_Howe", "2027-04-04 01:59", "Ambiguous time"},
		{"Australia/Lord_Howe", "2027-04-04 02:00", "2027-04-03T15:30:00Z"},
		// A day that was left out when the date line moved.
		{"Pacific/Apia", "2011-12-29 23:59", "2011-12-30T09:59:00Z"},
		{"Pacific/Apia", "2011-12-30 12:00", "Time does not exist"},
		{"Pacific/Apia", "2011-12-31 00:00", "2011-12-30T10:00:00Z"},
		{"Africa/Casablanca", "2026-02-15 02:30", "Ambiguous time"},
		{"Europe/Dublin", "2027-03-28 01:30", "Time does not exist"},
		{"Pacific/Kiritimati", "2026-12-20T09:00:00+14:00", "2026-12-19T19:00:00Z"},
		{"UTC", "2026-12-20T09:00:00+14:01", "Invalid time"},
		{"UTC", "2026-12-20T09:00:00-24:00", "Invalid time"},
		{"UTC", "2026-12-20 24:00", "Invalid time"},
		{"UTC", "2026-12-20 09:60", "Invalid time"},
		{"UTC", "2026-13-20 09:00", "Invalid time"},
		{"UTC", "1999-12-31 09:00", "Invalid time"},
		{"UTC", "2026-12-20 09:00:00.5", "Invalid time"},
		{"UTC", "2026-12-20T09:00:00+7", "Invalid time"},
		{"UTC", " 2026-12-20 09:00", "Invalid time"},
	}
	for _, test := range tests {
		got, err := parseTime(test.text, zone(t, test.zone))
		text := got.UTC().Format(time.RFC3339)
		if err != nil {
			text, _ = wordsOf(err, "")
		}
		if text != test.want {
			t.Errorf("%s in %s: got %s (%v), want %s", test.text, test.zone, text, err, test.want)
		}
	}
}

// TestReadings goes through two years of several zones, minute by quarter
// hour: the wall clock of an instant must have that instant among its
// readings, and every reading must show that wall clock.
func TestReadings(t *testing.T) {
	for _, name := range []string{"UTC", "Asia/Jakarta", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Africa/Casablanca", "Asia/Kathmandu", "America/St_Johns"} {
		loc := zone(t, name)
		const layout = "2006-01-02 15:04"
		for at := time.Date(2026, 9, 1, 0, 0, 0, 0, time.UTC); at.Year() < 2028; at = at.Add(45 * time.Minute) {
			clock := at.In(loc).Format(layout)
			wall, err := time.Parse(layout, clock)
			if err != nil {
				t.Fatal(err)
			}
			readings := readingsOf(wall, loc)
			if !slices.ContainsFunc(readings, at.Equal) {
				t.Fatalf("%s in %s: got readings %v, want %v among them", clock, name, readings, at)
			}
			for _, r := range readings {
				if got := r.In(loc).Format(layout); got != clock {
					t.Fatalf("reading %v in %s: got clock %s, want %s", r, name, got, clock)
				}
			}
		}
	}
}

func TestParseDuration(t *testing.T) {
	tests := []struct {
		text string
		want time.Duration // 0: an error
	}{
		{"30m", 30 * time.Minute}, {"2h", 2 * time.Hour}, {"1h30m", 90 * time.Minute}, {"90s", 90 * time.Second},
		{"1d", 24 * time.Hour}, {"1d12h", 36 * time.Hour}, {"366d", 366 * 24 * time.Hour}, {"1.5h", 90 * time.Minute},
		{"", 0}, {"0", 0}, {"0d", 0}, {"5", 0}, {"d", 0}, {"-1d", 0}, {"+1d", 0}, {"1d-1h", 0}, {"1d+1h", 0}, {"1.5d", 0}, {"1d1d", 0},
		{"1w", 0}, {"2 h", 0}, {"367d", 0}, {"99999999999999d", 0}, {"9000h", 0}, {"1ns", 0}, {"1500ms", 0}, {"1h 30m", 0},
	}
	for _, test := range tests {
		got, err := parseDuration(test.text)
		if got != test.want || (err == nil) != (test.want != 0) {
			t.Errorf("%q: got %v (%v), want %v", test.text, got, err, test.want)
		}
	}
}

func TestParseQuietHours(t *testing.T) {
	q, err := parseQuietHours("22:00-07:30")
	if err != nil || q.From != 22*60 || q.To != 7*60+30 {
		t.Errorf("got %v (%v), want from 1320 to 450", q, err)
	}
	for clock, want := range map[string]bool{"21:59": false, "22:00": true, "00:00": true, "07:29": true, "07:30": false, "12:00": false} {
		at, _ := time.Parse("15:04", clock)
		if got := q.Contains(at); got != want {
			t.Errorf("quiet at %s: got %v, want %v", clock, got, want)
		}
	}
	for _, text := range []string{"", "22:00", "22-7", "22:00-24:00", "a-b", "22:00-07:00-08:00", "09:00-09:00"} {
		if _, err := parseQuietHours(text); err == nil {
			t.Errorf("%q: got no error, want one", text)
		}
	}
}

// TestZones checks that every zone to suggest exists, and that a likely
// mistake leads to one.
func TestZones(t *testing.T) {
	for name := range abbreviations {
		if _, problem := loadZone(name); problem == "" {
			t.Errorf("%s: got no problem, want one", name)
		}
		if _, problem := loadZone(abbreviations[name]); problem != "" {
			t.Errorf("%s: got %s, want a zone", abbreviations[name], problem)
		}
	}
	for _, name := range []string{"localtime", "posixrules", "Factory", "right/UTC", "posix/Asia/Jakarta", "Asia//Jakarta"} {
		if _, problem := loadZone(name); problem == "" {
			t.Errorf("%s: got no problem, want one: it is there on some machines only, or means another clock on each", name)
		}
	}
	for given, want := range map[string]string{
		"asia/jakarta": "Asia/Jakarta", "Asia/Singapur": "Asia/Singapore", "Indonesia/Jakarta": "Asia/Jakarta",
		"New York": "America/New_York", "Europe/Kiew": "Europe/Kyiv", "Mars/Olympus": "",
	} {
		if got := similarZone(given); got != want {
			t.Errorf("%s: got %q, want %q", given, got, want)
		}
	}
}
