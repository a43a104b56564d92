package render

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"time"
	"unicode/utf16"
	"unicode/utf8"

	"storyform/plan"
)

// JSON writes the plan document, as `show --json` prints it: the contract
// that scripts read. Lists are never null, times are UTC, and the same plan
// gives the same bytes.
func JSON(w io.Writer, p *plan.Plan) error {
	var b bytes.Buffer
	if err := plan.Encode(&b, inUTC(p)); err != nil {
		return err
	}
	_, err := w.Write(escapeJSON(b.Bytes()))
	return err
}

// Value writes any value as indented JSON, for `--json` of commands whose
// answer is not a plan.
func Value(w io.Writer, v any) error {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	if err := enc.Encode(v); err != nil {
		return err
	}
	_, err := w.Write(escapeJSON(b.Bytes()))
	return err
}

// inUTC returns a copy of p with all times in UTC.
func inUTC(p *plan.Plan) *plan.Plan {
	out := *p
	out.CreatedAt = utc(p.CreatedAt)
	out.Changes = slices.Clone(p.Changes)
	for i := range out.Changes {
		c := &out.Changes[i]
		c.PublishAt, c.NotAfter, c.ExpiresAt = utc(c.PublishAt), utc(c.NotAfter), utc(c.ExpiresAt)
		if c.Found != nil {
			found := *c.Found
			found.CreatedAt = utc(found.CreatedAt)
			c.Found = &found
		}
	}
	out.Pages = slices.Clone(p.Pages)
	for i := range out.Pages {
		if next := out.Pages[i].Next; next != nil {
			out.Pages[i].Next = &plan.Next{Address: next.Address, PublishAt: utc(next.PublishAt)}
		}
	}
	return &out
}

// utc is t in UTC; the zero time stays zero.
func utc(t time.Time) time.Time {
	if t.IsZero() {
		return time.Time{}
	}
	return t.UTC()
}

// escapeJSON writes the characters of a JSON text that a terminal would obey
// or not show as \u escapes: the text means the same and is safe to print.
// Outside of strings JSON has none of them.
func escapeJSON(data []byte) []byte {
	out := make([]byte, 0, len(data))
	marks := 0
	for len(data) > 0 {
		r, size := utf8.DecodeRune(data)
		if marks++; !isMark(r) {
			marks = 0
		}
		if r < 0x7f || visible(r) && marks <= maxMarks {
			out = append(out, data[:size]...)
		} else if r1, r2 := utf16.EncodeRune(r); r1 != utf8.RuneError {
			out = fmt.Appendf(out, `\u%04x\u%04x`, r1, r2)
		} else {
			out = fmt.Appendf(out, `\u%04x`, r)
		}
		data = data[size:]
	}
	return out
}
