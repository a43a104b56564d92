package config

import (
	"os"
	"path/filepath"
	"testing"
)

// write writes files into a new folder and returns it.
func write(t testing.TB, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		path := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// variableNamed returns a variable of a configuration.
func variableNamed(t *testing.T, c *Config, name string) Variable {
	t.Helper()
	for _, v := range c.Variables {
		if v.Name == name {
			return v
		}
	}
	t.Fatalf("got no variable %q in %v", name, c.Variables)
	return Variable{}
}

// TestPrecedence switches the sources of values on one after the other, from
// the weakest to the strongest.
func TestPrecedence(t *testing.T) {
	files := map[string]string{"a.story.hcl": "variable \"x\" {\n  default = \"default\"\n}\n"}
	var o Options
	steps := []struct {
		want, source string
		add          func()
	}{
		{"default", "default", func() {}},
		{"env", "STORYFORM_VAR_x", func() { o.Env = []string{"STORYFORM_VAR_y=no", "STORYFORM_VAR_x=env", "x=no", "STORYFORM_VAR_"} }},
		{"main", "storyform.vars.hcl", func() { files["storyform.vars.hcl"] = `x = "main"`; files["other.vars.hcl"] = `x = "not read"` }},
		{"auto b", "b.auto.vars.hcl", func() { files["b.auto.vars.hcl"] = `x = "auto b"` }},
		{"auto b", "b.auto.vars.hcl", func() { files["a.auto.vars.hcl"] = `x = "auto a"` }},
		{"flag", "--var", func() { o.Vars = append(o.Vars, Var{Name: "x", Value: "flag"}) }},
		{"file", "prod.vars.hcl", func() {
			files["sub/prod.vars.hcl"] = `x = "file"`
			o.Vars = append(o.Vars, Var{File: "sub/prod.vars.hcl"})
		}},
		{"last", "--var", func() { o.Vars = append(o.Vars, Var{Name: "x", Value: "last"}) }},
	}
	for _, step := range steps {
		step.add()
		o.Dir = write(t, files)
		c, ds := Load(t.Context(), o)
		if len(ds) != 0 {
			t.Fatalf("%s: got diagnostics %v, want none", step.want, ds)
		}
		v := variableNamed(t, c, "x")
		if v.Text != `"`+step.want+`"` || filepath.Base(v.Source) != step.source {
			t.Errorf("got %s from %s, want %q from %s", v.Text, v.Source, step.want, step.source)
		}
	}
}

// TestVariableTypes checks what typed text becomes for each type.
func TestVariableTypes(t *testing.T) {
	tests := []struct{ declared, text, want string }{
		{``, `5`, `"5"`},
		{`default = 5`, `[1]`, `"[1]"`},
		{`type = any`, `{}`, `"{}"`},
		{`type = string`, `"quoted"`, `"\"quoted\""`},
		{`type = number`, `5`, `5`},
		{`type = bool`, `true`, `true`},
		{`type = list(string)`, `["a", 1]`, "[\"a\", \"1\"]"},
		{`type = set(string)`, `["b", "a", "b"]`, "[\"a\", \"b\"]"},
		{`type = map(string)`, `{ a = 1 }`, "{\n  a = \"1\"\n}"},
		{`type = object({ a = string, b = optional(number, 7) })`, `{ a = "x" }`, "{\n  a = \"x\"\n  b = 7\n}"},
		{"type = string\n  nullable = false\n  default = \"d\"", `x`, `"x"`},
		{"type = list(string)\n  nullable = false\n  default = [\"d\"]", `null`, `["d"]`},
		{"type = list(string)\n  default = [\"d\"]", `null`, `null`},
		{"type = string\n  sensitive = true", `correct horse`, sensitiveText},
	}
	for _, test := range tests {
		dir := write(t, map[string]string{"a.story.hcl": "variable \"x\" {\n  " + test.declared + "\n}\n"})
		c, ds := Load(t.Context(), Options{Dir: dir, Vars: []Var{{Name: "x", Value: test.text}}})
		if len(ds) != 0 {
			t.Errorf("%s with %s: got %v, want no diagnostics", test.declared, test.text, ds)
			continue
		}
		if got := variableNamed(t, c, "x").Text; got != test.want {
			t.Errorf("%s with %s: got %s, want %s", test.declared, test.text, got, test.want)
		}
	}
}

func TestParseVar(t *testing.T) {
	v, err := ParseVar("pages={ a = \"b=c\" }")
	if want := (Var{Name: "pages", Value: "{ a = \"b=c\" }"}); err != nil || v != want {
		t.Errorf("got %v (%v), want %v", v, err, want)
	}
	for _, text := range []string{"", "x", "=x", "1=x", "a b=x"} {
		if _, err := ParseVar(text); err == nil {
			t.Errorf("%q: got no error, want one", text)
		}
	}
}
