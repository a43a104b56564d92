package cli

import (
	"bytes"
	"errors"
	"io"
	"io/fs"
	"os"
	"strings"

	"storyform/internal/atomicfile"
	"storyform/plan"
	"storyform/story"
)

// checkOut refuses a name for a plan before the plan is made.
func checkOut(name string) error {
	if strings.HasSuffix(name, ".hcl") {
		return fail("Plan would overwrite a configuration", "A plan file can't be named %s: files that end in .hcl are configurations.", name)
	}
	return nil
}

// savePlan writes a plan file that only its owner can read.
func (a *app) savePlan(name string, p *plan.Plan, hint bool) error {
	var buf bytes.Buffer
	if err := plan.Encode(&buf, p); err != nil {
		return fail("Plan can't be saved", "%v", err)
	}
	if err := atomicfile.Write(a.path(name), buf.Bytes(), 0o600); err != nil {
		return fail("Plan can't be saved", "--out=%s: %v.", shellQuote(name), err)
	}
	if hint {
		a.printf("\nSaved the plan to: %s\n", name)
	}
	if hint && !a.automated() {
		a.printf("\nTo perform exactly these actions, run the following command to apply:\n    %s apply %s\n", a.program(), shellQuote(name))
	}
	return nil
}

// program is how to run storyform again in the same folder and against the
// same Pages.
func (a *app) program() string {
	out := "storyform"
	if a.chdir != "" {
		out += " -chdir=" + shellQuote(a.chdir)
	}
	if a.sandbox {
		out += " -sandbox"
	}
	return out
}

// loadPlan reads a plan file for a command.
func (a *app) loadPlan(command, name string) (*plan.Plan, error) {
	if strings.HasSuffix(name, ".hcl") {
		return nil, fail("Not a plan file", "%s is a configuration. Give the file that storyform plan --out wrote, or no file at all.", name)
	}
	f, err := os.Open(a.path(name))
	if addr, isNot := story.ParseAddress(name); isNot == nil && err != nil {
		instead := map[string]string{"show": "storyform state show ", "apply": "storyform apply -target="}
		return nil, fail("Not a plan file", "%s is an address:\n    %s%s", addr, instead[command], shellQuote(addr.String()))
	}
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fail("Plan file can't be read", "There is no file %s. storyform plan --out=%s saves a plan under that name.", name, shellQuote(name))
	}
	if err != nil {
		return nil, fail("Plan file can't be read", "%v", err)
	}
	defer f.Close()
	if info, err := f.Stat(); err == nil && info.IsDir() {
		return nil, fail("Not a plan file", "%s is a folder. To work in it:\n    storyform -chdir=%s %s", name, shellQuote(name), command)
	}
	p, err := plan.Decode(f)
	if errors.Is(err, plan.ErrNotPlan) {
		if what := whatFile(f); what != "" {
			return nil, fail("Plan file can't be used", "%s is no plan of storyform: %s. storyform plan --out=FILE saves a plan.", name, what)
		}
		return nil, fail("Plan file can't be used", "%s: %v. storyform plan --out=FILE saves a plan.", name, err)
	}
	if err != nil {
		return nil, fail("Plan file can't be used", "%s: %v.", name, err)
	}
	a.notePages(p.Pages)
	return p, nil
}

// signs are the beginnings of files that are taken for plans now and then,
// and what each is.
var signs = []struct{ head, what string }{
	{"PK\x03\x04", "it is an archive, as Terraform's plans are"},
	{"{\n  \"format_version\":", "it is cut off in its middle, or damaged"},
	{"{\n  \"version\":", "it is a state document, which storyform state push takes"},
	{"{\"@level\"", "it is the output of plan --json, which tells of a plan and is none"},
	{"storyform will do", "it is the text of a plan, which is for people"},
}

// whatFile says what a file is that is not a plan; "" when that can't be told.
func whatFile(f io.ReadSeeker) string {
	head := make([]byte, 64)
	if _, err := f.Seek(0, io.SeekStart); err != nil {
		return ""
	}
	n, _ := io.ReadFull(f, head) // of a shorter file, what there is
	if n == 0 {
		return "it is empty"
	}
	for _, s := range signs {
		if strings.HasPrefix(string(head[:n]), s.head) {
			return s.what
		}
	}
	return ""
}
