package media

import (
	"slices"
	"strings"

	"storyform/internal/diag"
)

// JudgeOptions changes how findings count.
type JudgeOptions struct {
	// Strict makes errors of warnings.
	Strict bool
	// Allow lists ids of rules whose findings are only noted. It wins over
	// Strict.
	Allow []string
	// Name is the file as the user wrote it, for command lines; empty: the
	// file's own name.
	Name string
}

// Level says how a finding counts.
type Level string

// The levels of findings.
const (
	LevelError   Level = "error"
	LevelWarning Level = "warning"
	// LevelAllowed: a rule is broken and JudgeOptions.Allow lists it.
	LevelAllowed Level = "allowed"
	// LevelUnchecked: it can't be told whether the rules are kept.
	LevelUnchecked Level = "unchecked"
)

// Finding is one broken rule, or rules that could not be checked.
type Finding struct {
	Level Level `json:"level"`
	// Rules has the id of the rule; of all that could not be checked for
	// the same reason.
	Rules    []string `json:"rules"`
	Summary  string   `json:"summary"` // short, without user data
	Measured string   `json:"measured,omitempty"`
	Demand   string   `json:"demand,omitempty"`
	Fix      string   `json:"fix,omitempty"`
	// Command is a command line that mends it, quoted for a POSIX shell.
	Command string `json:"command,omitempty"`
	Source  string `json:"source,omitempty"`
	Date    string `json:"date,omitempty"`
}

// Diagnostic returns the two texts of a diagnostic: what was measured, what
// is demanded by whom, what to do, and the command on a line of its own.
func (f Finding) Diagnostic() (summary, detail string) {
	var b strings.Builder
	b.WriteString(f.Measured)
	if f.Demand != "" {
		b.WriteString("; " + f.Demand)
		if f.Source != "" && f.Source != own {
			b.WriteString(" (" + f.Source + ", " + f.Date + ")")
		}
	}
	b.WriteString(".")
	if f.Fix != "" {
		b.WriteString(" " + f.Fix)
	}
	if f.Command != "" {
		b.WriteString("\n\n    " + f.Command)
	}
	return f.Summary, b.String()
}

// Judge holds a file against the rules for its kind and returns what breaks
// them, errors first, then warnings, then what was allowed or could not be
// checked. A File without facts breaks none.
func Judge(f *File, o JudgeOptions) []Finding {
	var found, open []Finding
	for _, r := range Rules() {
		if !r.about(f) {
			continue
		}
		switch v := r.Check(f); v.Outcome {
		case Fail:
			found = append(found, r.finding(f, v, o))
		case Unchecked:
			open = addUnchecked(open, r, v.Reason)
		}
	}
	slices.SortStableFunc(found, func(a, b Finding) int { return a.Level.order() - b.Level.order() })
	return append(found, open...)
}

// about reports whether the rule can say something about a file.
func (r Rule) about(f *File) bool {
	return r.Kind == f.subject() && (f.Photo != nil || f.Video != nil || f.Remote != nil)
}

// order is the rank of a level in a listing.
func (l Level) order() int {
	return slices.Index([]Level{LevelError, LevelWarning, LevelAllowed, LevelUnchecked}, l)
}

// finding makes a finding of a verdict.
func (r Rule) finding(f *File, v Verdict, o JudgeOptions) Finding {
	level := LevelError
	switch {
	case slices.Contains(o.Allow, r.ID):
		level = LevelAllowed
	case r.Severity == diag.Warning && !o.Strict:
		level = LevelWarning
	}
	return Finding{
		Level: level, Rules: []string{r.ID}, Summary: r.Title,
		Measured: v.Measured, Demand: r.Demand, Fix: v.Fix,
		Command: v.Repair.Command(f, o.Name),
		Source:  r.Source, Date: r.Date,
	}
}

// addUnchecked adds a rule to the finding of its reason.
func addUnchecked(open []Finding, r Rule, reason string) []Finding {
	measured := "Not checked, because " + reason
	for i := range open {
		if open[i].Measured == measured {
			open[i].Rules = append(open[i].Rules, r.ID)
			return open
		}
	}
	return append(open, Finding{Level: LevelUnchecked, Rules: []string{r.ID}, Summary: "Not checked", Measured: measured})
}
