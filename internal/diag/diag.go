// Package diag is the one shape in which every part of the program tells a
// person what is wrong, where, and what to do. It carries source ranges but
// knows nothing about how they are drawn.
package diag

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// Severity says whether a diagnostic stops the operation. The zero value is
// invalid, so that a forgotten severity is noticed.
type Severity int

// The severities.
const (
	Error Severity = iota + 1
	Warning
)

// String returns "error" or "warning".
func (s Severity) String() string {
	switch s {
	case Error:
		return "error"
	case Warning:
		return "warning"
	}
	return fmt.Sprintf("invalid severity %d", int(s))
}

// MarshalText writes the severity as String does.
func (s Severity) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// UnmarshalText reads "error" or "warning".
func (s *Severity) UnmarshalText(text []byte) error {
	switch string(text) {
	case "error":
		*s = Error
	case "warning":
		*s = Warning
	default:
		return fmt.Errorf("unknown severity %q", text)
	}
	return nil
}

// Pos is a place in a source file. Line and Column start at 1 and Column
// counts characters (grapheme clusters) as HCL does; Byte starts at 0.
type Pos struct {
	Line   int `json:"line"`
	Column int `json:"column"`
	Byte   int `json:"byte"`
}

// Range is a stretch of a source file; End is exclusive.
type Range struct {
	Filename string `json:"filename"`
	Start    Pos    `json:"start"`
	End      Pos    `json:"end"`
}

// IsZero reports whether r points nowhere.
func (r Range) IsZero() bool { return r.Filename == "" }

// String renders r as "file:line".
func (r Range) String() string {
	if r.IsZero() {
		return ""
	}
	return fmt.Sprintf("%s:%d", r.Filename, r.Start.Line)
}

// Value is an expression of the snippet and what it evaluated to, such as
// {"each.key", `"id"`}.
type Value struct {
	Expr string `json:"expr"`
	Text string `json:"text"`
}

// Diagnostic is one message. Summary is short and free of user data, so that
// readers learn to recognise it; Detail says in full sentences what, why and
// what to do.
type Diagnostic struct {
	Severity Severity `json:"severity"`
	Summary  string   `json:"summary"`
	Detail   string   `json:"detail,omitempty"`
	Address  string   `json:"address,omitempty"` // the story or page concerned
	Subject  *Range   `json:"range,omitempty"`   // what to underline
	Context  *Range   `json:"-"`                 // what to show around it
	// In names the enclosing block as it is written, such as `story "teaser"`.
	In     string  `json:"in,omitempty"`
	Values []Value `json:"values,omitempty"`
}

// String renders the diagnostic on one line, for logs and test failures.
func (d Diagnostic) String() string {
	var b strings.Builder
	if d.Subject != nil {
		b.WriteString(d.Subject.String() + ": ")
	}
	b.WriteString(d.Severity.String() + ": " + d.Summary)
	if d.Detail != "" {
		b.WriteString("; " + d.Detail)
	}
	return b.String()
}

// Diagnostics is a list of messages.
type Diagnostics []Diagnostic

// HasErrors reports whether any of ds stops the operation.
func (ds Diagnostics) HasErrors() bool {
	return slices.ContainsFunc(ds, func(d Diagnostic) bool { return d.Severity == Error })
}

// Sort orders ds by file, position and severity, keeping equal ones in place.
// Diagnostics without a source come last.
func (ds Diagnostics) Sort() {
	key := func(d Diagnostic) (string, int) {
		if d.Subject == nil {
			return "\uffff", 0
		}
		return d.Subject.Filename, d.Subject.Start.Byte
	}
	slices.SortStableFunc(ds, func(a, b Diagnostic) int {
		af, ab := key(a)
		bf, bb := key(b)
		return cmp.Or(cmp.Compare(af, bf), cmp.Compare(ab, bb), cmp.Compare(a.Severity, b.Severity))
	})
}

// Errorf returns an error diagnostic without a source range.
func Errorf(summary, detail string, args ...any) Diagnostic {
	return Diagnostic{Severity: Error, Summary: summary, Detail: fmt.Sprintf(detail, args...)}
}

// Warnf returns a warning diagnostic without a source range.
func Warnf(summary, detail string, args ...any) Diagnostic {
	return Diagnostic{Severity: Warning, Summary: summary, Detail: fmt.Sprintf(detail, args...)}
}

// At returns d pointing at r.
func (d Diagnostic) At(r Range) Diagnostic {
	if !r.IsZero() {
		d.Subject = &r
	}
	return d
}

// For returns d concerning the story or page at address.
func (d Diagnostic) For(address fmt.Stringer) Diagnostic {
	d.Address = address.String()
	return d
}
