package config

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"
)

// A wall-clock time does not always name one instant. When clocks are put
// forward, the times that are skipped name none; when they are put back, the
// times that repeat name two. time.ParseInLocation hides both: it returns some
// instant. So a time is read as if it were UTC, and then every offset that the
// zone has around that time is tried: an instant is a reading of the time if
// clocks in the zone show the time at it.

// wallLayouts are the ways to write a wall-clock time.
var wallLayouts = []string{"2006-01-02 15:04", "2006-01-02 15:04:05", "2006-01-02T15:04", "2006-01-02T15:04:05"}

// maxOffset is how far clocks are from UTC at most, in seconds: those of
// Kiritimati are 14 hours ahead.
const maxOffset = 14 * 60 * 60

// timeForms says how to write a time.
const timeForms = `Write the Page's wall clock, as in "2026-12-20 09:00", or RFC 3339 with an offset, as in "2026-12-20T09:00:00+07:00".`

// timeError says what is wrong with a time, in words for a diagnostic.
type timeError struct{ summary, detail string }

// Error returns the detail.
func (e *timeError) Error() string { return e.detail }

// Diagnostic returns the words of a diagnostic.
func (e *timeError) Diagnostic() (summary, detail string) { return e.summary, e.detail }

// parseTime reads a time: RFC 3339, or wall clock in loc.
func parseTime(s string, loc *time.Location) (time.Time, error) {
	if t, err := time.Parse(time.RFC3339, s); err == nil {
		if t.Nanosecond() != 0 {
			return time.Time{}, &timeError{"Invalid time", fmt.Sprintf("%s has fractions of a second. Leave them out.", shortString(s))}
		}
		if _, offset := t.Zone(); max(offset, -offset) > maxOffset {
			return time.Time{}, &timeError{"Invalid time", fmt.Sprintf("No clock is as far from UTC as that of %s.", shortString(s))}
		}
		return checkYear(s, t)
	}
	for _, layout := range wallLayouts {
		if wall, err := time.Parse(layout, s); err == nil {
			if _, err := checkYear(s, wall); err != nil || wall.Nanosecond() != 0 {
				return time.Time{}, badTime(s)
			}
			return inZone(wall, loc)
		}
	}
	return time.Time{}, badTime(s)
}

// checkYear refuses years that can only be typing mistakes.
func checkYear(s string, t time.Time) (time.Time, error) {
	if y := t.Year(); y < 2000 || y > 2200 {
		return time.Time{}, badTime(s)
	}
	return t, nil
}

// badTime says why s is not a time, as well as can be told.
func badTime(s string) error {
	why, hint := "is not a time", ""
	switch _, err := time.Parse("2006-01-02", s); {
	case s == "":
		why = "is empty"
	case err == nil:
		why = "has no time of day"
	case strings.Contains(err.Error(), "out of range"):
		why = "is a day that does not exist"
	default:
		hint = timeHint(s)
		for _, layout := range append([]string{time.RFC3339}, wallLayouts...) {
			if _, err := time.Parse(layout, s); err != nil && strings.Contains(err.Error(), "day out of range") {
				why = "is a day that does not exist"
			} else if err != nil && strings.Contains(err.Error(), "out of range") {
				why = "is a time that does not exist"
			} else if err == nil {
				why = "is in a year that can't be meant, or has fractions of a second"
			}
		}
	}
	return &timeError{"Invalid time", fmt.Sprintf("%s %s.%s %s", shortString(s), why, hint, timeForms)}
}

// The ways in which people write times elsewhere.
var (
	twelveHours = regexp.MustCompile(`(?i)\d ?[ap]\.?m\.?$`)
	dayFirst    = regexp.MustCompile(`^\d{1,2}[./-]\d{1,2}[./-]\d{4}`)
	zoneBehind  = regexp.MustCompile(`\d ([A-Z]{2,5}|[A-Z][a-z]+/[A-Za-z_]+)$`)
	inMoments   = regexp.MustCompile(`(?i)^(now|today|tomorrow|asap|immediately)\b`)
)

// timeHint says what to write in place of a form that is usual elsewhere.
func timeHint(s string) string {
	switch {
	case len(s) > 100:
	case twelveHours.MatchString(s):
		return " Hours are counted from 00 to 23: 9 in the evening is 21:00."
	case dayFirst.MatchString(s):
		return " The year comes first, then the month, then the day."
	case zoneBehind.MatchString(s):
		return " The time zone is that of the Page: leave it out here."
	case inMoments.MatchString(s):
		return " A story without publish_at goes out with the first apply."
	}
	return ""
}

// inZone returns the instant at which clocks in loc show the wall-clock time
// that wall shows in UTC.
func inZone(wall time.Time, loc *time.Location) (time.Time, error) {
	readings := readingsOf(wall, loc)
	switch len(readings) {
	case 1:
		return readings[0], nil
	case 0:
		return time.Time{}, gapError(wall, loc)
	}
	first, second := readings[0], readings[1]
	return time.Time{}, &timeError{"Ambiguous time", fmt.Sprintf(
		"Clocks in %s are put back that day, and show %s twice: first at %q (%s), and again at %q (%s). Write the one that you mean.",
		loc, wall.Format("2006-01-02 15:04"), first.Format(time.RFC3339), zoneName(first), second.Format(time.RFC3339), zoneName(second))}
}

// readingsOf returns every instant at which clocks in loc show what wall shows
// in UTC, earliest first.
func readingsOf(wall time.Time, loc *time.Location) []time.Time {
	var readings []time.Time
	for _, offset := range offsetsAround(wall, loc) {
		t := wall.Add(-time.Duration(offset) * time.Second).In(loc)
		if _, actual := t.Zone(); actual == offset {
			readings = append(readings, t)
		}
	}
	slices.SortFunc(readings, time.Time.Compare)
	return readings
}

// offsetsAround returns the offsets from UTC, in seconds, that loc has from a
// day and a half before wall to as long after it. No offset is larger, so the
// one that wall has is among them.
func offsetsAround(wall time.Time, loc *time.Location) []int {
	const reach = 36 * time.Hour
	var offsets []int
	for t := wall.Add(-reach).In(loc); ; {
		if _, offset := t.Zone(); !slices.Contains(offsets, offset) {
			offsets = append(offsets, offset)
		}
		_, end := t.ZoneBounds()
		if end.IsZero() || end.After(wall.Add(reach)) {
			return offsets
		}
		t = end
	}
}

// gapError names the instants that a time that clocks skip might mean: the
// one by the clock before the jump, and the one by the clock after it.
func gapError(wall time.Time, loc *time.Location) error {
	var jump time.Time
	for t := wall.Add(-36 * time.Hour).In(loc); ; {
		_, end := t.ZoneBounds()
		if end.IsZero() {
			break
		}
		_, before := end.Add(-time.Second).Zone()
		_, after := end.Zone()
		jump = end
		// The skipped times are those that the two offsets disagree about.
		late, early := wall.Add(-time.Duration(before)*time.Second), wall.Add(-time.Duration(after)*time.Second)
		if !late.Before(end) && early.Before(end) {
			break
		}
		t = end
	}
	_, before := jump.Add(-time.Second).Zone()
	_, after := jump.Zone()
	late := wall.Add(-time.Duration(before) * time.Second).In(loc)
	early := wall.Add(-time.Duration(after) * time.Second).In(loc)
	return &timeError{"Time does not exist", fmt.Sprintf(
		"Clocks in %s are put forward from %s to %s that day, so they never show %s. Write %q (%s) or %q (%s).",
		loc, jump.In(time.FixedZone("", before)).Format("15:04"), jump.Format("15:04"), wall.Format("2006-01-02 15:04"),
		early.Format(time.RFC3339), zoneName(early), late.Format(time.RFC3339), zoneName(late))}
}

// zoneName is the short name of the offset in use, such as "CEST".
func zoneName(t time.Time) string {
	name, _ := t.Zone()
	if strings.HasPrefix(name, "+") || strings.HasPrefix(name, "-") {
		return "UTC" + name
	}
	return name
}
