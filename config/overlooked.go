package config

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"
)

// blockStart matches the beginning of a block that only storyform has.
var blockStart = regexp.MustCompile(`(?m)^(?:story|page)[ \t]+"|^storyform[ \t]*\{`)

// jsonVars matches the names under which Terraform reads variables as JSON, and
// those that look the same here.
var jsonVars = regexp.MustCompile(`^(?:terraform\.tfvars|storyform\.vars|.*\.auto\.(?:tf)?vars)\.json$`)

// maxOverlooked is how many files are looked into for that.
const maxOverlooked = 20

// overlooked warns of files that look as if they belonged to the configuration
// and are not read: a plan without what is in them would be approved as if they
// were not there.
func (l *loader) overlooked() {
	warn := func(summary, detail string, args ...any) {
		l.report(noAddress, &hcl.Diagnostic{Severity: hcl.DiagWarning, Summary: summary, Detail: fmt.Sprintf(detail, args...)})
	}
	values, _ := l.folder.discover("", ".tfvars") // what can't be listed was reported
	for _, name := range values {
		if name == "terraform.tfvars" || name == "storyform.tfvars" {
			warn("Variables file is not read", "%q is not read. The file with that role is called %q here.", name, mainVars)
		} else if base, auto := strings.CutSuffix(name, ".auto.tfvars"); auto {
			warn("Variables file is not read", "%q is not read. Rename it to %q.", name, base+autoSuffix)
		}
	}
	values, _ = l.folder.discover("", ".json")
	for _, name := range values {
		if jsonVars.MatchString(name) {
			warn("Variables file is not read", "%q is not read. Values are written as name = value, in a file that ends in %q.", name, autoSuffix)
		}
	}
	files, _ := l.folder.discover("", ".hcl")
	files = slices.DeleteFunc(files, func(n string) bool { return strings.HasSuffix(n, Suffix) || strings.HasSuffix(n, varsSuffix) })
	for _, name := range files[:min(len(files), maxOverlooked)] {
		at, err := l.folder.file("", name)
		if err != nil {
			continue // it is not part of anything
		}
		if src, err := l.folder.read(at, maxFileBytes); err == nil && blockStart.Match(src) {
			base := strings.TrimSuffix(name, ".hcl")
			warn("Configuration file is not read", "%q has blocks of storyform and is not read, because only files that end in %q are. Rename it to %q.", name, Suffix, base+Suffix)
		}
	}
}
