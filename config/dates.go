package config

import (
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"time"

	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/function"
)

// datesFunc makes dates(from, to, step): the list of days, or of wall-clock
// times, from one to another, both included where the steps hit them.
//
//	dates("2026-12-01", "2026-12-24", "1d")             every day
//	dates("2026-12-01 09:00", "2026-12-01 21:00", "4h") every four hours
//	dates("2026-11-29", "2026-12-20", "1w")             every week
//
// It counts on the calendar and on a clock that is never put forward or back:
// nine o'clock stays nine o'clock. What instant that is, the Page's time zone
// decides when the value becomes a publish_at.
func datesFunc() function.Function {
	return function.New(&function.Spec{
		Description: "Lists the dates from one to another.",
		Params: []function.Parameter{
			{Name: "from", Type: cty.String}, {Name: "to", Type: cty.String}, {Name: "step", Type: cty.String},
		},
		Type: function.StaticReturnType(cty.List(cty.String)),
		Impl: func(args []cty.Value, _ cty.Type) (cty.Value, error) {
			found, err := dates(args[0].AsString(), args[1].AsString(), args[2].AsString())
			if err != nil {
				return cty.NilVal, err
			}
			if len(found) == 0 {
				return cty.ListValEmpty(cty.String), nil
			}
			values := make([]cty.Value, len(found))
			for i, d := range found {
				values[i] = cty.StringVal(d)
			}
			return cty.ListVal(values), nil
		},
	})
}

// The forms of dates: days, and times of day.
const (
	dayLayout  = "2006-01-02"
	timeLayout = "2006-01-02 15:04"
)

// stepForm matches a step: a number and one unit.
var stepForm = regexp.MustCompile(`^([1-9][0-9]{0,5})(m|h|d|w)$`)

// dates lists the dates from one to another.
func dates(from, to, step string) ([]string, error) {
	layout := dayLayout
	if len(from) > len(dayLayout) {
		layout = timeLayout
	}
	first, err := time.Parse(layout, from)
	if err != nil {
		return nil, function.NewArgErrorf(0, "must be a day such as \"2026-12-01\" or a time such as \"2026-12-01 09:00\"")
	}
	last, err := time.Parse(layout, to)
	if err != nil {
		return nil, function.NewArgErrorf(1, "must be a day or a time just as from is")
	}
	if last.Before(first) {
		return nil, function.NewArgErrorf(1, "must not be before from")
	}
	next, err := stepper(step, layout == dayLayout)
	if err != nil {
		return nil, function.NewArgError(2, err)
	}
	var out []string
	for i := 0; ; i++ {
		t := next(first, i)
		if t.After(last) {
			return out, nil
		}
		if len(out) == maxInstances {
			return nil, fmt.Errorf("there are more than %d dates", maxInstances)
		}
		out = append(out, t.Format(layout))
	}
}

// stepper reads a step and returns the function that takes i of them.
func stepper(step string, days bool) (func(t time.Time, i int) time.Time, error) {
	m := stepForm.FindStringSubmatch(step)
	if m == nil {
		return nil, errors.New(`must be a number and a unit: "30m", "4h", "1d" or "1w"`)
	}
	n, _ := strconv.Atoi(m[1])
	unit := map[string]time.Duration{"m": time.Minute, "h": time.Hour, "d": 24 * time.Hour, "w": 7 * 24 * time.Hour}[m[2]]
	if days && unit < 24*time.Hour {
		return nil, errors.New(`must be whole days, such as "1d" or "1w", because from has no time of day`)
	}
	return func(t time.Time, i int) time.Time { return t.Add(time.Duration(i) * time.Duration(n) * unit) }, nil
}
