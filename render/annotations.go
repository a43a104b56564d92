package render

import (
	"cmp"
	"fmt"
	"io"
	"path"
	"slices"
	"strings"

	"storyform/internal/diag"
)

// maxAnnotations is how many annotations GitHub shows of one kind and step.
// Source: "Workflow commands for GitHub Actions", limits of annotations.
const maxAnnotations = 10

// Annotations writes diagnostics as workflow commands of GitHub Actions, so
// that they appear at their lines in a pull request: worst first, at most
// ten, then one that counts the rest. dir is the configuration's folder in
// the repository, slash-separated, and may be empty.
func Annotations(w io.Writer, ds diag.Diagnostics, dir string) error {
	sorted := slices.Clone(ds)
	slices.SortStableFunc(sorted, func(a, b diag.Diagnostic) int { return cmp.Compare(a.Severity, b.Severity) })
	var b strings.Builder
	for i, d := range sorted {
		if i == maxAnnotations {
			fmt.Fprintf(&b, "::notice title=storyform::and %d more\n", len(sorted)-i)
			break
		}
		b.WriteString(annotation(d, dir))
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// annotation is one diagnostic as a workflow command.
func annotation(d diag.Diagnostic, dir string) string {
	command := "error"
	if d.Severity == diag.Warning {
		command = "warning"
	}
	var props []string
	prop := func(name, value string) {
		props = append(props, name+"="+commandProperty.Replace(value))
	}
	if d.Subject != nil && !d.Subject.IsZero() {
		prop("file", clean(path.Join(dir, d.Subject.Filename)))
		prop("line", fmt.Sprint(max(d.Subject.Start.Line, 1)))
		if end := d.Subject.End.Line; end > d.Subject.Start.Line {
			prop("endLine", fmt.Sprint(end))
		} else if d.Subject.Start.Column > 0 && end == d.Subject.Start.Line {
			prop("col", fmt.Sprint(d.Subject.Start.Column))
			prop("endColumn", fmt.Sprint(d.Subject.End.Column))
		}
	}
	prop("title", clean(d.Summary))
	lines := cleanLines(d.Detail)
	if d.Address != "" && !strings.Contains(d.Detail, d.Address) {
		lines = append([]string{clean(d.Address)}, lines...)
	}
	message := strings.TrimRight(strings.Join(lines, "\n"), "\n")
	if message == "" {
		message = clean(d.Summary)
	}
	return "::" + command + " " + strings.Join(props, ",") + "::" + commandData.Replace(message) + "\n"
}

// How GitHub's runner wants data and properties of commands written.
var (
	commandData     = strings.NewReplacer("%", "%25", "\r", "%0D", "\n", "%0A")
	commandProperty = strings.NewReplacer("%", "%25", "\r", "%0D", "\n", "%0A", ":", "%3A", ",", "%2C")
)
