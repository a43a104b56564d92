package story

import "time"

// Guard limits what may go out on a Page. The zero value of a field sets no
// limit.
type Guard struct {
	QuietHours []QuietHours  `json:"quiet_hours,omitempty"` // nothing goes out in them
	MaxPerDay  int           `json:"max_per_day,omitempty"` // stories on one calendar day of the Page
	MinGap     time.Duration `json:"min_gap,omitempty"`     // between two stories
	MaxLive    int           `json:"max_live,omitempty"`    // stories visible at once
}

// QuietHours is a stretch of every day by the wall clock of the Page. From and
// To are minutes after midnight, from 0 to 1439; To is not part of it, and a To
// before From is on the next day.
type QuietHours struct {
	From int `json:"from"`
	To   int `json:"to"`
}

// Contains reports whether the wall clock of t lies in the quiet hours.
func (q QuietHours) Contains(t time.Time) bool {
	m := t.Hour()*60 + t.Minute()
	if q.From <= q.To {
		return q.From <= m && m < q.To
	}
	return m >= q.From || m < q.To
}
