package config

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/zclconf/go-cty/cty"
)

// semver is a version: three numbers and whether it is a pre-release, which
// comes before them.
type semver struct {
	n   [3]int
	pre string
}

// versionForm matches a version with one to three numbers.
var versionForm = regexp.MustCompile(`^v?([0-9]{1,6})(?:\.([0-9]{1,6}))?(?:\.([0-9]{1,6}))?(?:-([0-9A-Za-z.-]+))?(?:\+[0-9A-Za-z.-]+)?$`)

// parseVersion reads a version and says how many numbers it has.
func parseVersion(s string) (v semver, parts int, ok bool) {
	m := versionForm.FindStringSubmatch(s)
	if m == nil {
		return semver{}, 0, false
	}
	for i, text := range m[1:4] {
		if text != "" {
			v.n[i], _ = strconv.Atoi(text)
			parts = i + 1
		}
	}
	v.pre = m[4]
	return v, parts, true
}

// compare orders versions; a pre-release comes before its release, and two
// pre-releases of one version are ordered by their text.
func (v semver) compare(w semver) int {
	for i := range v.n {
		if v.n[i] != w.n[i] {
			return v.n[i] - w.n[i]
		}
	}
	switch {
	case v.pre == w.pre:
		return 0
	case v.pre == "":
		return 1
	case w.pre == "":
		return -1
	}
	return strings.Compare(v.pre, w.pre)
}

// satisfies reports whether a version keeps all of the constraints in text,
// such as ">= 0.1, < 2.0" or "~> 1.2".
func (v semver) satisfies(text string) (bool, error) {
	all := true
	for part := range strings.SplitSeq(text, ",") {
		part = strings.TrimSpace(part)
		number := strings.TrimLeft(part, "<>=!~")
		op := part[:len(part)-len(number)]
		w, parts, ok := parseVersion(strings.TrimSpace(number))
		if !ok {
			return false, fmt.Errorf("%s is not a version constraint", shortString(part))
		}
		c := v.compare(w)
		switch op {
		case "", "=":
			all = all && c == 0
		case "!=":
			all = all && c != 0
		case ">":
			all = all && c > 0
		case ">=":
			all = all && c >= 0
		case "<":
			all = all && c < 0
		case "<=":
			all = all && c <= 0
		case "~>": // the last number may rise
			all = all && c >= 0
			for i := range max(parts-1, 1) {
				all = all && (v.n[i] == w.n[i])
			}
		default:
			return false, fmt.Errorf("%q is not an operator of version constraints", op)
		}
	}
	return all, nil
}

// checkVersion checks required_version. It is needed before anything else is
// understood, and so must be literal.
func (l *loader) checkVersion() *hcl.Diagnostic {
	b := l.storyformBlock()
	if b == nil || b.expr("required_version") == nil {
		return nil
	}
	expr := b.expr("required_version")
	val, diags := evaluate(expr, nil)
	if diags.HasErrors() || val.IsNull() || val.Type() != cty.String || !val.IsKnown() {
		l.report(noAddress, errAt(expr.Range(), "Invalid version constraint", `required_version must be a literal string, such as ">= 0.1, < 2.0".`))
		return nil
	}
	l.settings.RequiredVersion = val.AsString()
	own, _, known := parseVersion(l.options.Version)
	ok, err := own.satisfies(val.AsString())
	if err != nil {
		l.report(noAddress, errAt(expr.Range(), "Invalid version constraint", `%v. Write it like ">= 0.1, < 2.0" or "~> 1.2".`, err))
		return nil
	}
	if ok || !known {
		return nil
	}
	return errAt(expr.Range(), "Unsupported storyform version",
		"This configuration needs storyform %s, and this is %s. Use another version of storyform, or change required_version if you know that this one will do.",
		val.AsString(), l.options.Version)
}
