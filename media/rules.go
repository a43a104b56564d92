package media

import (
	"slices"

	"storyform/internal/diag"
	"storyform/story"
)

// Rule is one thing that is demanded of a photo or a video. A new rule is a
// new row in photoRules or videoRules.
type Rule struct {
	// ID names the rule for people and for JudgeOptions.Allow: "photo.size".
	ID string
	// Kind is the kind of file that the rule is about; empty: a hosted file.
	Kind story.Kind
	// Severity is error for a documented limit and for what is known to be
	// refused, warning for a recommendation.
	Severity diag.Severity
	// Title is the summary of a finding: short, without user data.
	Title string
	// Demand says what is demanded, to follow the measured value.
	Demand string
	// Why is for Explain: what happens otherwise, and where the rule is less
	// than certain.
	Why string
	// Source is who says so, Date when (of the copy that was read).
	Source, Date string
	// Check holds a file against the rule.
	Check func(*File) Verdict
}

// Outcome is what a check came to. The zero value is invalid.
type Outcome int

// The outcomes of a check.
const (
	Pass Outcome = iota + 1
	Fail
	// Unchecked: it can't be told, for the reason in Verdict.Reason.
	Unchecked
	// NotApplicable: the rule says nothing about such a file.
	NotApplicable
)

// Verdict is what a check found.
type Verdict struct {
	Outcome Outcome
	// Measured is the value that was compared, as a sentence's subject and
	// verb: "It is 75.2 s long".
	Measured string
	// Reason says why nothing could be told, for Unchecked.
	Reason string
	// Fix says what to do, for Fail.
	Fix string
	// Repair is what one ffmpeg command has to do, when one does it.
	Repair Repair
}

// The sources of rules. The dates are those of the pages' own text.
const (
	guide     = "Meta, Facebook Stories API guide"
	guideDate = "2026-05-06"
	// older is a copy of the guide for v21.0, which names no year.
	older     = "Meta, Facebook Stories API guide for v21.0, Indonesian copy"
	olderDate = "23 October"
	own       = "storyform"
	ownDate   = "2026-11"
)

// Rules returns every rule, in the order in which findings are listed: those
// for photos, for videos, for hosted files.
func Rules() []Rule { return slices.Concat(photoRules(), videoRules(), hostedRules()) }

// RuleByID returns the rule with this id.
func RuleByID(id string) (Rule, bool) {
	for _, r := range Rules() {
		if r.ID == id {
			return r, true
		}
	}
	return Rule{}, false
}

// pass, skip, unchecked and failed make verdicts.

func pass() Verdict { return Verdict{Outcome: Pass} }

func skip() Verdict { return Verdict{Outcome: NotApplicable} }

func unchecked(reason string) Verdict { return Verdict{Outcome: Unchecked, Reason: reason} }

func failed(measured, fix string, repair Repair) Verdict {
	return Verdict{Outcome: Fail, Measured: measured, Fix: fix, Repair: repair}
}
