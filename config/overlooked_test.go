package config

import (
	"slices"
	"strings"
	"testing"
)

// TestOverlooked checks which files beside a configuration are warned of.
func TestOverlooked(t *testing.T) {
	const page = "page \"acme\" {\n  id = \"104857600000001\"\n}\n"
	files := map[string]string{
		"a.story.hcl":        page,
		"terraform.tfvars":   "x = 1\n",
		"b.auto.tfvars":      "x = 1\n",
		"c.auto.vars.json":   "{}",
		"other.json":         "{}",
		"prod.tfvars":        "x = 1\n", // for --var-file
		"main.hcl":           "# old\nstory \"x\" {\n}\n",
		"settings.hcl":       "storyform {\n}\n",
		"terragrunt.hcl":     "include \"page\" {\n  page = 1\n}\n",
		".hidden.hcl":        page,
		"storyform.vars.hcl": "",
		"sub/c.hcl":          page,
	}
	_, ds := Load(t.Context(), Options{Dir: write(t, files)})
	var got []string
	for _, d := range ds {
		if d.Severity.String() != "warning" {
			t.Errorf("got %v, want warnings only", d)
		}
		name, _, _ := strings.Cut(strings.TrimPrefix(d.Detail, `"`), `"`)
		got = append(got, name)
	}
	slices.Sort(got)
	if want := []string{"b.auto.tfvars", "c.auto.vars.json", "main.hcl", "settings.hcl", "terraform.tfvars"}; !slices.Equal(got, want) {
		t.Errorf("got warnings of %q, want %q", got, want)
	}
}
