package render

import (
	"bytes"
	"cmp"
	"encoding/json"
	"io"
	"strings"
	"sync"
	"time"

	"storyform/internal/diag"
	"storyform/plan"
	"storyform/story"
)

// linesVersion is the version of the event lines: the minor number rises
// with additions.
const linesVersion = "1.0"

// JSONLines writes what happens as one JSON object a line, in Terraform's
// envelope (@level, @message, @module, @timestamp, type): a wrapper that
// reads Terraform's lines reads these. Its methods may be called by several
// goroutines.
type JSONLines struct {
	mu  sync.Mutex
	w   io.Writer
	now func() time.Time
	o   Options
}

// NewJSONLines returns lines that are written to w with the times of now.
func NewJSONLines(w io.Writer, now func() time.Time, o Options) *JSONLines {
	return &JSONLines{w: w, now: now, o: o}
}

// envelope is one line. Only the fields of its type are set.
type envelope struct {
	Level     string                `json:"@level"`
	Message   string                `json:"@message"`
	Module    string                `json:"@module"`
	Timestamp string                `json:"@timestamp"`
	Type      string                `json:"type"`
	Storyform string                `json:"storyform,omitempty"`
	UI        string                `json:"ui,omitempty"`
	Change    *changeLine           `json:"change,omitempty"`
	Hook      *hookLine             `json:"hook,omitempty"`
	Diag      *jsonDiagnostic       `json:"diagnostic,omitempty"`
	Changes   *changesLine          `json:"changes,omitempty"`
	Summary   *plan.Summary         `json:"summary,omitempty"`
	Stories   *Counts               `json:"stories,omitempty"`
	Outputs   map[string]outputLine `json:"outputs,omitempty"`
	// Fingerprint belongs to the summary of a plan.
	Fingerprint string `json:"fingerprint,omitempty"`
	// State is a document that its store did not take.
	State json.RawMessage `json:"state,omitempty"`
}

// resourceLine names a story as Terraform names a resource.
type resourceLine struct {
	Addr string  `json:"addr"`
	Type string  `json:"resource_type"`
	Name string  `json:"resource_name"`
	Key  *string `json:"resource_key"`
}

// changeLine is a planned change: Terraform's word for the action, and the
// change itself.
type changeLine struct {
	Resource resourceLine `json:"resource"`
	Action   string       `json:"action"`
	Reason   string       `json:"reason,omitempty"`
	Story    *plan.Change `json:"story"`
}

// hookLine is an event of an apply.
type hookLine struct {
	Resource  *resourceLine   `json:"resource,omitempty"`
	Action    string          `json:"action"`
	IDKey     string          `json:"id_key,omitempty"`
	IDValue   string          `json:"id_value,omitempty"`
	Elapsed   float64         `json:"elapsed_seconds,omitempty"`
	Event     story.EventKind `json:"event"`
	Page      string          `json:"page,omitempty"`
	PageID    string          `json:"page_id,omitempty"`
	Bytes     int64           `json:"bytes,omitempty"`
	Total     int64           `json:"total_bytes,omitempty"`
	Reason    string          `json:"reason,omitempty"`
	URL       string          `json:"url,omitempty"`
	PublishAt time.Time       `json:"publish_at,omitzero"`
	ExpiresAt time.Time       `json:"expires_at,omitzero"`
}

// changesLine counts in Terraform's words: what is to be published or
// scheduled is added, what is cancelled is removed, what is adopted is
// imported.
type changesLine struct {
	Add       int    `json:"add"`
	Change    int    `json:"change"`
	Import    int    `json:"import"`
	Remove    int    `json:"remove"`
	Operation string `json:"operation"`
}

// sources are the files that messages may point into.
func (l *JSONLines) sources() map[string][]byte {
	if l.o.Sources == nil {
		return nil
	}
	return l.o.Sources()
}

// write writes one line.
func (l *JSONLines) write(level, kind, message string, at time.Time, fill func(*envelope)) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if at.IsZero() {
		at = l.now()
	}
	e := envelope{Level: level, Message: clean(message), Module: "storyform.ui",
		Timestamp: at.UTC().Format("2006-01-02T15:04:05.000000Z07:00"), Type: kind}
	fill(&e)
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(e); err != nil {
		return err
	}
	_, err := l.w.Write(escapeJSON(b.Bytes()))
	return err
}

// Version writes the line that begins the output.
func (l *JSONLines) Version(tool string) error {
	return l.write("info", "version", "storyform "+tool, time.Time{}, func(e *envelope) {
		e.Storyform, e.UI = tool, linesVersion
	})
}

// UnsavedState writes a document that its store did not take, for whoever
// reads the log.
func (l *JSONLines) UnsavedState(data []byte) error {
	return l.write("error", "unsaved_state", "The state could not be written", time.Time{}, func(e *envelope) { e.State = data })
}

// Plan writes a line for each change and message of a plan, then its summary.
func (l *JSONLines) Plan(p *plan.Plan) error {
	p = inUTC(p)
	for i := range p.Changes {
		c := &p.Changes[i]
		look := lookOf(c.Action)
		message := c.Address.String() + ": Plan to " + look.title
		if look.terraform == "noop" {
			message = c.Address.String() + ": " + cmp.Or(c.Reason, look.title)
		}
		err := l.write("info", "planned_change", message, time.Time{}, func(e *envelope) {
			e.Change = &changeLine{resourceOf(c.Address), look.terraform, c.Reason, c}
		})
		if err != nil {
			return err
		}
	}
	if err := l.Diagnostics(append(unreadPages(p), p.Diagnostics...)); err != nil {
		return err
	}
	s, level, message := p.Summary, "info", Summary(p.Summary)
	if message == NoChanges {
		message = newTimeline(p, l.o).noChanges()
	}
	if n := countErrors(p.Diagnostics); n > 0 {
		level, message = "error", failedLine(n)
	}
	return l.write(level, "change_summary", message, time.Time{}, func(e *envelope) {
		e.Changes = &changesLine{s.Publish + s.Schedule + s.Resume, s.Change, s.Adopt, s.Cancel, "plan"}
		e.Summary, e.Fingerprint = &s, p.Fingerprint
	})
}

// unreadPages says of each Page that could not be read why.
func unreadPages(p *plan.Plan) diag.Diagnostics {
	var ds diag.Diagnostics
	for i := range p.Pages {
		if page := &p.Pages[i]; page.Unread != "" {
			ds = append(ds, diag.Errorf("Page could not be read", "%s: %s.", page.Address, strings.TrimSuffix(page.Unread, ".")).For(page.Address))
		}
	}
	return ds
}

// Diagnostics writes a line for each message.
func (l *JSONLines) Diagnostics(ds diag.Diagnostics) error {
	for _, d := range ds {
		level := "error"
		if d.Severity == diag.Warning {
			level = "warn"
		}
		err := l.write(level, "diagnostic", severityTitle(d.Severity)+d.Summary, time.Time{}, func(e *envelope) {
			j := toJSON(d, l.sources())
			e.Diag = &j
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// Event writes an event of an apply.
func (l *JSONLines) Event(ev story.Event) error {
	look := eventLookOf(&ev)
	return l.write(look.level, look.jsonType, Event(&ev, l.o), ev.Time, func(e *envelope) {
		h := &hookLine{
			Action: look.action, Event: ev.Kind, Page: ev.Page.String(), PageID: ev.PageID, Bytes: ev.Bytes, Total: ev.Total,
			Reason: ev.Message, URL: ev.URL, PublishAt: utc(ev.PublishAt), ExpiresAt: utc(ev.ExpiresAt),
			Elapsed: ev.Elapsed.Seconds(),
		}
		if !ev.Address.IsZero() {
			r := resourceOf(ev.Address)
			h.Resource = &r
		}
		if ev.PostID != "" {
			h.IDKey, h.IDValue = "post_id", ev.PostID
		}
		e.Hook = h
	})
}

// ApplySummary writes how an apply ended.
func (l *JSONLines) ApplySummary(c Counts) error {
	level := "info"
	if !c.Complete() {
		level = "error"
	}
	return l.write(level, "change_summary", ApplySummary(c), time.Time{}, func(e *envelope) {
		e.Changes = &changesLine{c.Published + c.Scheduled, c.Changed, c.Adopted, c.Cancelled, "apply"}
		e.Stories = &c
	})
}

// resourceOf names a story as Terraform names a resource.
func resourceOf(a story.Address) resourceLine {
	r := resourceLine{Addr: a.String(), Type: a.Type, Name: a.Name}
	if a.Keyed {
		r.Key = &a.Key
	}
	return r
}
