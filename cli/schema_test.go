package cli

import (
	"bytes"
	"encoding"
	"encoding/json"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"storyform/internal/clock"
	"storyform/internal/diag"
	"storyform/internal/testexample"
	"storyform/plan"
	"storyform/story"
)

// schema is the part of JSON Schema that describes plans.
type schema struct {
	Schema      string             `json:"$schema,omitempty"`
	Title       string             `json:"title,omitempty"`
	Description string             `json:"description,omitempty"`
	Ref         string             `json:"$ref,omitempty"`
	Type        string             `json:"type,omitempty"`
	Format      string             `json:"format,omitempty"`
	Enum        []string           `json:"enum,omitempty"`
	Properties  map[string]*schema `json:"properties,omitempty"`
	Required    []string           `json:"required,omitempty"`
	Values      *schema            `json:"additionalProperties,omitempty"` // of a map
	Items       *schema            `json:"items,omitempty"`
	Defs        map[string]*schema `json:"$defs,omitempty"`
}

// schemaMaker describes Go types.
type schemaMaker struct {
	defs map[string]*schema
	docs map[string]string // "Plan.Fingerprint" to its comment
}

// enums lists the values of types of text.
var enums = map[reflect.Type][]string{
	reflect.TypeFor[story.Kind](): {string(story.Photo), string(story.Video)},
	reflect.TypeFor[plan.Action](): {
		string(plan.Publish), string(plan.Schedule), string(plan.Modify), string(plan.Cancel), string(plan.Resume), string(plan.Upload),
		string(plan.Adopt), string(plan.Forget), string(plan.Settle), string(plan.Missed), string(plan.Note),
	},
	reflect.TypeFor[diag.Severity](): {"error", "warning"},
	reflect.TypeFor[story.Status]():  statusNames(),
}

// statusNames are the statuses of stories.
func statusNames() []string {
	var names []string
	for _, st := range story.Statuses {
		names = append(names, string(st))
	}
	return names
}

// of describes a type.
func (m *schemaMaker) of(t reflect.Type) *schema {
	switch {
	case t == reflect.TypeFor[time.Time]():
		return &schema{Type: "string", Format: "date-time"}
	case t == reflect.TypeFor[time.Duration]():
		return &schema{Type: "integer", Description: "Nanoseconds."}
	case enums[t] != nil:
		return &schema{Type: "string", Enum: enums[t]}
	case t.Implements(reflect.TypeFor[encoding.TextMarshaler]()):
		return &schema{Type: "string"}
	}
	switch t.Kind() {
	case reflect.Pointer:
		return m.of(t.Elem())
	case reflect.String:
		return &schema{Type: "string"}
	case reflect.Bool:
		return &schema{Type: "boolean"}
	case reflect.Int, reflect.Int64, reflect.Uint64:
		return &schema{Type: "integer"}
	case reflect.Float64:
		return &schema{Type: "number"}
	case reflect.Slice:
		return &schema{Type: "array", Items: m.of(t.Elem())}
	case reflect.Map:
		return &schema{Type: "object", Values: m.of(t.Elem())}
	case reflect.Struct:
		if m.defs[t.Name()] == nil {
			m.defs[t.Name()] = &schema{} // a type that holds itself ends here
			m.defs[t.Name()] = m.object(t)
		}
		return &schema{Ref: "#/$defs/" + t.Name()}
	}
	panic("no schema for " + t.String())
}

// object describes a struct. What may be left out is not required.
func (m *schemaMaker) object(t reflect.Type) *schema {
	s := &schema{Type: "object", Description: m.docs[t.Name()], Properties: map[string]*schema{}}
	for i := range t.NumField() {
		f := t.Field(i)
		name, options, _ := strings.Cut(f.Tag.Get("json"), ",")
		if name == "-" || !f.IsExported() {
			continue
		}
		p := m.of(f.Type)
		if doc := describe(m.docs, t.Name()+"."+f.Name); doc != "" {
			p = &schema{Ref: p.Ref, Type: p.Type, Format: p.Format, Enum: p.Enum, Items: p.Items, Values: p.Values, Description: strings.TrimSpace(doc + " " + p.Description)}
		}
		s.Properties[name] = p
		if options == "" {
			s.Required = append(s.Required, name)
		}
	}
	return s
}

// comments reads the comments of the types and fields of packages.
func comments(t *testing.T, folders ...string) map[string]string {
	t.Helper()
	docs := map[string]string{}
	text := func(groups ...*ast.CommentGroup) string {
		for _, g := range groups {
			if s := strings.Join(strings.Fields(g.Text()), " "); s != "" {
				return s
			}
		}
		return ""
	}
	for _, folder := range folders {
		files, err := filepath.Glob(filepath.Join(folder, "*.go"))
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range files {
			file, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.ParseComments)
			if err != nil {
				t.Fatal(err)
			}
			for _, decl := range file.Decls {
				gen, ok := decl.(*ast.GenDecl)
				if !ok || gen.Tok != token.TYPE {
					continue
				}
				for _, spec := range gen.Specs {
					ts := spec.(*ast.TypeSpec)
					docs[ts.Name.Name] = text(ts.Doc, gen.Doc)
					if st, ok := ts.Type.(*ast.StructType); ok {
						for _, f := range st.Fields.List {
							for _, n := range f.Names {
								docs[ts.Name.Name+"."+n.Name] = text(f.Doc, f.Comment)
							}
						}
					}
				}
			}
		}
	}
	return docs
}

// planSchema describes the plan document.
func planSchema(t *testing.T) *schema {
	m := &schemaMaker{defs: map[string]*schema{}, docs: comments(t, "../plan", "../story", "../internal/diag")}
	root := m.of(reflect.TypeFor[plan.Plan]())
	return &schema{
		Schema: "https://json-schema.org/draft/2020-12/schema", Title: "storyform plan, format_version " + plan.FormatVersion,
		Description: "What storyform show --json PLANFILE and storyform plan --format json print. Readers should ignore properties that they don't know: additions raise the minor version.",
		Ref:         root.Ref, Defs: m.defs,
	}
}

// TestPlanSchemaDocument keeps docs/plan.schema.json as the Go types say.
func TestPlanSchemaDocument(t *testing.T) {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	if err := enc.Encode(planSchema(t)); err != nil {
		t.Fatal(err)
	}
	golden(t, "plan.schema.json", b.String())
}

// check holds a value against a schema, strictly: a property that the schema
// doesn't know is a mistake.
func (s *schema) check(root *schema, at string, v any) (problems []string) {
	bad := func(format string, args ...any) []string {
		return append(problems, at+": "+fmt.Sprintf(format, args...))
	}
	if s.Ref != "" {
		return root.Defs[strings.TrimPrefix(s.Ref, "#/$defs/")].check(root, at, v)
	}
	switch v := v.(type) {
	case string:
		if s.Type != "string" {
			return bad("got a string, want %s", s.Type)
		}
		if s.Enum != nil && !slices.Contains(s.Enum, v) {
			return bad("got %q, want one of %v", v, s.Enum)
		}
		if _, err := time.Parse(time.RFC3339, v); s.Format == "date-time" && err != nil {
			return bad("%v", err)
		}
	case bool:
		if s.Type != "boolean" {
			return bad("got a bool, want %s", s.Type)
		}
	case float64:
		if s.Type != "number" && (s.Type != "integer" || v != float64(int64(v))) {
			return bad("got %v, want %s", v, s.Type)
		}
	case []any:
		if s.Type != "array" {
			return bad("got a list, want %s", s.Type)
		}
		for i, e := range v {
			problems = append(problems, s.Items.check(root, fmt.Sprintf("%s[%d]", at, i), e)...)
		}
	case map[string]any:
		if s.Type != "object" {
			return bad("got an object, want %s", s.Type)
		}
		for _, name := range s.Required {
			if _, ok := v[name]; !ok {
				problems = bad("%s is missing", name)
			}
		}
		for _, name := range slices.Sorted(maps.Keys(v)) {
			p := s.Properties[name]
			if p == nil {
				p = s.Values
			}
			if p == nil {
				problems = bad("%s is not known", name)
				continue
			}
			problems = append(problems, p.check(root, at+"."+name, v[name])...)
		}
	default:
		return bad("got %v", v)
	}
	return problems
}

// runIn runs the program in a folder, with the built-in simulator.
func runIn(t *testing.T, dir string, now time.Time, args ...string) (stdout, stderr string, code int) {
	t.Helper()
	var out, diags bytes.Buffer
	code = Main(t.Context(), Env{
		Args: append([]string{"--chdir=" + dir}, args...), Dir: dir, Stdin: strings.NewReader(""), Stdout: &out, Stderr: &diags, Clock: clock.NewFake(now).Clock(),
	})
	return out.String(), diags.String(), code
}

// TestPlansFitSchema holds the plans of all examples, before and after their
// apply and after an edit, against the published schema.
func TestPlansFitSchema(t *testing.T) {
	data, err := os.ReadFile("../docs/plan.schema.json")
	if err != nil {
		t.Fatal(err)
	}
	var published schema
	if err := json.Unmarshal(data, &published); err != nil {
		t.Fatal(err)
	}
	examples, err := fs.Glob(os.DirFS("../examples"), "*")
	if err != nil || len(examples) < 3 {
		t.Fatalf("got %d examples, %v", len(examples), err)
	}
	now := time.Date(2026, 12, 20, 2, 0, 0, 0, time.UTC)
	for _, example := range examples {
		dir := t.TempDir()
		if err := testexample.Copy(dir, filepath.Join("../examples", example)); err != nil {
			t.Fatal(err)
		}
		for _, step := range [][]string{
			{"plan", "--sandbox", "--format=json"}, {"apply", "--sandbox", "--auto-approve"}, {"plan", "--sandbox", "--format=json"},
			{"plan", "--sandbox", "--format=json", "--at=2100-01-05T00:00:00Z"}, // everything is missed
		} {
			out, diags, code := runIn(t, dir, now, step...)
			if code != 0 && code != 1 || out == "" {
				t.Fatalf("%s: %v: exit code %d\n%s", example, step, code, diags)
			}
			if step[0] == "apply" {
				continue
			}
			var document any
			if err := json.Unmarshal([]byte(out), &document); err != nil {
				t.Fatal(err)
			}
			for _, p := range published.check(&published, "plan", document) {
				t.Errorf("%s: %v: %s", example, step, p)
			}
		}
	}
}

// TestSchemaCheckFinds makes sure that the test above can fail.
func TestSchemaCheckFinds(t *testing.T) {
	s := planSchema(t)
	for _, text := range []string{`{}`, `{"changes": [{"action": "explode"}]}`, `{"serial": "one"}`, `{"serial": 1.5}`, `{"nonsense": 1}`, `{"created_at": "today"}`, `{"pages": {}}`} {
		var v any
		if err := json.Unmarshal([]byte(text), &v); err != nil {
			t.Fatal(err)
		}
		got := s.check(s, "plan", v)
		found := slices.ContainsFunc(got, func(p string) bool { return !strings.Contains(p, "is missing") })
		if len(got) == 0 || text != `{}` && !found {
			t.Errorf("%s: got %v, want more problems", text, got)
		}
	}
}
