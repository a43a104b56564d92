package apply

import (
	"cmp"
	"slices"
	"sync"
	"time"

	"storyform/internal/diag"
	"storyform/plan"
	"storyform/state"
	"storyform/story"
)

// Ending is how a run ended for one story.
type Ending string

// The endings.
const (
	EndPublished    Ending = "published"
	EndScheduled    Ending = "scheduled"
	EndChanged      Ending = "changed"
	EndCancelled    Ending = "cancelled"
	EndForgotten    Ending = "forgotten"
	EndAdopted      Ending = "adopted"
	EndMissed       Ending = "missed"
	EndFailed       Ending = "failed"
	EndUnknown      Ending = "unknown"
	EndNotAttempted Ending = "not attempted"
	EndSkipped      Ending = "skipped"
	EndUploaded     Ending = "uploaded" // ahead of its time
)

// Outcome is how a run ended for one story, with why.
type Outcome struct {
	Address story.Address
	Page    story.Address
	PageID  string
	Action  plan.Action
	Ending  Ending
	Message string // why, for endings that need one
	Hint    string // what to do next
	PostID  string
	URL     string
	Expires time.Time
}

// Result is what a run did.
type Result struct {
	Outcomes    []Outcome
	Interrupted bool // a stop was asked for and something was left
	Diagnostics diag.Diagnostics
	// Unsaved is the state with what this run did and could not record; nil
	// when nothing is missing. To lose it costs no promise: what became of the
	// stories is found out by the next run.
	Unsaved *state.Document
	// Lineage and Serial say how far the state was at the end.
	Lineage string
	Serial  uint64

	mu sync.Mutex
}

// add records the ending of a story. The last one holds: a story that was
// registered and then published is published.
func (r *Result) add(o Outcome) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for i := range r.Outcomes {
		if r.Outcomes[i].Address == o.Address {
			r.Outcomes[i] = o
			return
		}
	}
	r.Outcomes = append(r.Outcomes, o)
}

// warn records a diagnostic.
func (r *Result) warn(d diag.Diagnostic) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.Diagnostics = append(r.Diagnostics, d)
}

// interrupt records that the run was asked to stop and left something.
func (r *Result) interrupt() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.Interrupted = true
}

// sort orders the outcomes by Page and address, for stable reports.
func (r *Result) sort() {
	slices.SortStableFunc(r.Outcomes, func(a, b Outcome) int {
		return cmp.Or(a.Page.Compare(b.Page), a.Address.Compare(b.Address))
	})
}

// Count returns how many stories ended so.
func (r *Result) Count(e Ending) int {
	n := 0
	for _, o := range r.Outcomes {
		if o.Ending == e {
			n++
		}
	}
	return n
}

// The exit codes of a run; see the table in the command line's help.
const (
	ExitDone        = 0
	ExitError       = 1
	ExitPublished   = 2 // only when asked for
	ExitPartly      = 3
	ExitUnknown     = 4
	ExitLocked      = 5
	ExitInterrupted = 130
)

// ExitCode is the exit code that tells how the run went. With detailed, a run
// that published something says so.
func (r *Result) ExitCode(detailed bool) int {
	bad := r.Count(EndFailed) + r.Count(EndNotAttempted)
	done := r.Count(EndPublished) + r.Count(EndScheduled) + r.Count(EndChanged) + r.Count(EndCancelled) +
		r.Count(EndForgotten) + r.Count(EndAdopted) + r.Count(EndUploaded)
	switch {
	case r.Interrupted:
		return ExitInterrupted
	case r.Count(EndUnknown) > 0:
		return ExitUnknown
	case bad > 0 && done > 0:
		return ExitPartly
	case bad > 0 || r.Count(EndMissed) > 0 || r.Diagnostics.HasErrors():
		return ExitError
	case detailed && r.Count(EndPublished)+r.Count(EndAdopted) > 0:
		return ExitPublished
	}
	return ExitDone
}
