package render

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"time"
)

// Output is a value of the configuration that is shown.
type Output struct {
	Name       string
	Sensitive  bool
	Type       json.RawMessage
	Value      json.RawMessage
	Expression string // the value as it would be written in a configuration
}

// Outputs lists values as Terraform does, one name = value after the other.
func Outputs(w io.Writer, outs []Output) error {
	var b strings.Builder
	for _, o := range outs {
		text := "<sensitive>"
		if !o.Sensitive {
			text = o.Expression
		}
		b.WriteString(strings.Join(cleanLines(o.Name+" = "+text), "\n") + "\n")
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// outputLine is an output in a line of JSON. A sensitive value is left out:
// lines end up in logs.
type outputLine struct {
	Sensitive bool            `json:"sensitive"`
	Type      json.RawMessage `json:"type"`
	Value     json.RawMessage `json:"value,omitempty"`
}

// Outputs writes one line with the values that a configuration shows.
func (l *JSONLines) Outputs(outs []Output) error {
	lines := make(map[string]outputLine, len(outs))
	for _, o := range outs {
		line := outputLine{Sensitive: o.Sensitive, Type: o.Type}
		if !o.Sensitive {
			line.Value = o.Value
		}
		lines[o.Name] = line
	}
	return l.write("info", "outputs", fmt.Sprintf("Outputs: %d", len(outs)), time.Time{}, func(e *envelope) { e.Outputs = lines })
}
