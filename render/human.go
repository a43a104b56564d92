package render

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"storyform/story"
)

// The forms in which times are shown.
const (
	clockForm = "15:04"
	dayForm   = "Mon 2 Jan"
	dateForm  = "Mon 2 Jan 2006"
	fullForm  = "Mon 2 Jan 15:04"
)

// Bytes renders a size in decimal units as people know them from their file
// manager: 412 kB, 8.1 MB.
func Bytes(n int64) string {
	if n < 1000 {
		return strconv.FormatInt(max(n, 0), 10) + " B"
	}
	v, units := float64(n), []string{"kB", "MB", "GB", "TB", "PB", "EB"}
	i := -1
	for v >= 999.5 && i < len(units)-1 {
		v /= 1000
		i++
	}
	if v < 9.95 {
		return fmt.Sprintf("%.1f %s", v, units[i])
	}
	return fmt.Sprintf("%.0f %s", v, units[i])
}

// Duration renders a length of time coarsely, as a person would say it:
// 45s, 14m, 3h12m, 5 days, 2 years.
func Duration(d time.Duration) string {
	d = max(d, 0)
	switch {
	case d < time.Minute:
		return strconv.Itoa(int(d.Round(time.Second)/time.Second)) + "s"
	case d < time.Hour:
		return strconv.Itoa(int(d/time.Minute)) + "m"
	case d < 48*time.Hour:
		return strings.TrimSuffix(fmt.Sprintf("%dh%02dm", int(d/time.Hour), int(d%time.Hour/time.Minute)), "00m")
	}
	days := int(d / (24 * time.Hour))
	if days >= 2*365 {
		return strconv.Itoa(days/365) + " years"
	}
	return strconv.Itoa(days) + " days"
}

// shortDuration is d as Go writes it, without zeros at the end: 2h, 1h30m.
func shortDuration(d time.Duration) string {
	s := d.String()
	for _, zero := range []string{"m0s", "h0m"} {
		if strings.HasSuffix(s, zero) {
			s = s[:len(s)-len("0s")]
		}
	}
	return s
}

// playtime renders the length of a video: 14.2s, 1m05s.
func playtime(d time.Duration) string {
	if d < time.Minute {
		return strconv.FormatFloat(d.Round(100*time.Millisecond).Seconds(), 'f', -1, 64) + "s"
	}
	d = d.Round(time.Second)
	return fmt.Sprintf("%dm%02ds", int(d/time.Minute), int(d%time.Minute/time.Second))
}

// zoneTitle describes a Page's zone at an instant for a heading:
// "Asia/Jakarta, WIB, UTC+7".
func zoneTitle(loc *time.Location, t time.Time) string {
	t = t.In(loc)
	parts := []string{loc.String()}
	for _, p := range []string{story.ZoneName(t), story.UTCOffset(t)} {
		if p != parts[len(parts)-1] {
			parts = append(parts, p)
		}
	}
	return strings.Join(parts, ", ")
}

// moment renders an instant in a zone: "Sun 20 Dec 09:05 WIB". The year is
// left out when it is that of ref, or when ref is zero.
func moment(t time.Time, loc *time.Location, ref time.Time) string {
	t = t.In(loc)
	form := fullForm
	if !ref.IsZero() && ref.In(loc).Year() != t.Year() {
		form = "Mon 2 Jan 2006 15:04"
	}
	return t.Format(form) + " " + story.ZoneName(t)
}

// plural renders "1 story" or "3 stories".
func plural(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return strconv.Itoa(n) + " " + many
}

// shortHash is enough of a sha256 for people to compare two by eye.
func shortHash(sum string) string {
	if len(sum) > 12 {
		return sum[:12]
	}
	return sum
}
