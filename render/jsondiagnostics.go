package render

import (
	"bytes"
	"io"

	"storyform/internal/diag"
)

// jsonDiagnostic is a message in the form in which Terraform writes one as
// JSON, so that editors and CI that read Terraform's read this.
type jsonDiagnostic struct {
	Severity diag.Severity `json:"severity"`
	Summary  string        `json:"summary"`
	Detail   string        `json:"detail"`
	Address  string        `json:"address,omitempty"`
	Range    *diag.Range   `json:"range,omitempty"`
	Snippet  *jsonSnippet  `json:"snippet,omitempty"`
}

// jsonSnippet is the source that a message is about. The offsets count bytes
// of the code.
type jsonSnippet struct {
	Context        *string     `json:"context"` // the enclosing block as it is written
	Code           string      `json:"code"`
	StartLine      int         `json:"start_line"`
	HighlightStart int         `json:"highlight_start_offset"`
	HighlightEnd   int         `json:"highlight_end_offset"`
	Values         []jsonValue `json:"values"`
}

// jsonValue is an expression of the snippet with what it evaluated to.
type jsonValue struct {
	Traversal string `json:"traversal"`
	Statement string `json:"statement"`
}

// Validation writes diagnostics as `terraform validate -json` does.
func Validation(w io.Writer, ds diag.Diagnostics, sources map[string][]byte) error {
	out := struct {
		FormatVersion string           `json:"format_version"`
		Valid         bool             `json:"valid"`
		ErrorCount    int              `json:"error_count"`
		WarningCount  int              `json:"warning_count"`
		Diagnostics   []jsonDiagnostic `json:"diagnostics"`
	}{FormatVersion: "1.0", ErrorCount: countErrors(ds), Diagnostics: []jsonDiagnostic{}}
	out.Valid, out.WarningCount = out.ErrorCount == 0, len(ds)-out.ErrorCount
	for _, d := range ds {
		out.Diagnostics = append(out.Diagnostics, toJSON(d, sources))
	}
	return Value(w, out)
}

// toJSON brings a message into Terraform's form.
func toJSON(d diag.Diagnostic, sources map[string][]byte) jsonDiagnostic {
	out := jsonDiagnostic{Severity: d.Severity, Summary: d.Summary, Detail: d.Detail, Address: d.Address}
	if d.Subject != nil && !d.Subject.IsZero() {
		out.Range = d.Subject
		out.Snippet = snippetOf(d, sources[d.Subject.Filename])
	}
	return out
}

// snippetOf cuts the lines of a message out of a file; nil when it has none.
func snippetOf(d diag.Diagnostic, src []byte) *jsonSnippet {
	first, last := shownLines(d)
	s := &jsonSnippet{StartLine: first, Values: []jsonValue{}}
	number, offset, begin := 0, 0, -1
	var code []byte
	for l := range bytes.Lines(src) {
		if number++; number >= first && number <= last {
			if begin < 0 {
				begin = offset
			}
			code = append(code, l...)
		}
		offset += len(l)
	}
	if begin < 0 {
		return nil
	}
	code = bytes.TrimRight(code, "\r\n")
	s.Code = string(code)
	s.HighlightStart, s.HighlightEnd = clamp(d.Subject.Start.Byte-begin, len(code)), clamp(d.Subject.End.Byte-begin, len(code))
	if d.In != "" {
		s.Context = &d.In
	}
	for _, v := range d.Values {
		s.Values = append(s.Values, jsonValue{v.Expr, "is " + v.Text})
	}
	return s
}
