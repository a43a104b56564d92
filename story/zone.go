package story

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// ZoneName names the zone of an instant: WIB, or UTC+8 where the zone has no
// letters of its own.
func ZoneName(t time.Time) string {
	name, _ := t.Zone()
	if name == "" || strings.ContainsAny(name[:1], "+-") {
		return UTCOffset(t)
	}
	return name
}

// UTCOffset renders the offset of an instant: UTC, UTC+7, UTC+5:30.
func UTCOffset(t time.Time) string {
	_, seconds := t.Zone()
	if seconds == 0 {
		return "UTC"
	}
	sign := "+"
	if seconds < 0 {
		sign, seconds = "-", -seconds
	}
	s := "UTC" + sign + strconv.Itoa(seconds/3600)
	if m := seconds % 3600 / 60; m != 0 {
		s += fmt.Sprintf(":%02d", m)
	}
	return s
}
