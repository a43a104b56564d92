package plan

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"

	"storyform/internal/diag"
)

// maxFile bounds what is read of a plan file, in bytes, and maxObjects how
// many JSON objects may be in it: an empty one of two bytes takes several
// hundred in memory. A plan of 10,000 stories has some 20 MB and 100,000.
const (
	maxFile    = 64 << 20
	maxObjects = 1 << 20
)

// The errors of Decode that callers branch on.
var (
	// ErrNotPlan means that the file is something else than a plan.
	ErrNotPlan = errors.New("not a storyform plan")
	// ErrPlanVersion means that the plan needs another storyform.
	ErrPlanVersion = errors.New("the plan has another format version")
	// ErrPlanTampered means that the plan's changes don't match its fingerprint.
	ErrPlanTampered = errors.New("the plan's changes do not match its fingerprint")
)

// Encode writes the plan document: what a plan file holds and what
// `show --json` prints. It holds no token and no secret.
func Encode(w io.Writer, p *Plan) error {
	out := *p
	if out.Changes == nil {
		out.Changes = []Change{}
	}
	if out.Pages == nil {
		out.Pages = []Page{}
	}
	if out.Diagnostics == nil {
		out.Diagnostics = diag.Diagnostics{}
	}
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	return enc.Encode(&out)
}

// Decode reads what Encode wrote. It refuses documents of another major
// version and plans that were edited by hand.
func Decode(r io.Reader) (*Plan, error) {
	data, err := io.ReadAll(io.LimitReader(r, maxFile+1))
	if err != nil {
		return nil, err
	}
	if len(data) > maxFile {
		return nil, fmt.Errorf("%w: it is larger than %d MB", ErrNotPlan, maxFile>>20)
	}
	if bytes.Count(data, []byte("{")) > maxObjects {
		return nil, fmt.Errorf("%w: it holds more than %d objects", ErrNotPlan, maxObjects)
	}
	var head struct {
		FormatVersion string `json:"format_version"`
		Tool          string `json:"storyform_version"`
	}
	if err := json.Unmarshal(data, &head); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrNotPlan, err)
	}
	if head.FormatVersion == "" || head.Tool == "" {
		return nil, fmt.Errorf("%w: it has no format_version", ErrNotPlan)
	}
	if major(head.FormatVersion) != major(FormatVersion) {
		return nil, fmt.Errorf("%w: it is %s (made by storyform %s), and this storyform reads %s; make the plan again with this storyform",
			ErrPlanVersion, head.FormatVersion, head.Tool, FormatVersion)
	}
	p := new(Plan)
	if err := json.Unmarshal(data, p); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrNotPlan, err)
	}
	if FingerprintOf(p.Changes) != p.Fingerprint {
		return nil, ErrPlanTampered
	}
	return p, nil
}

// major is the part of a version before the first dot.
func major(version string) string {
	m, _, _ := strings.Cut(version, ".")
	return m
}
