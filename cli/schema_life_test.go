package cli

import (
	"bytes"
	"encoding/json"
	"go/ast"
	"go/parser"
	"go/token"
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"storyform/internal/clock"
	"storyform/internal/diag"
	"storyform/plan"
	"storyform/render"
)

// publishedSchema is docs/plan.schema.json.
func publishedSchema(t *testing.T) *schema {
	t.Helper()
	data, err := os.ReadFile("../docs/plan.schema.json")
	if err != nil {
		t.Fatal(err)
	}
	s := new(schema)
	if err := json.Unmarshal(data, s); err != nil {
		t.Fatal(err)
	}
	return s
}

// TestSchemaDescribesAll checks that every property says what it is, and that
// the table of descriptions has nothing that is not there.
func TestSchemaDescribesAll(t *testing.T) {
	for name, def := range publishedSchema(t).Defs {
		if def.Description == "" {
			t.Errorf("%s has no description", name)
		}
		for property, p := range def.Properties {
			if p.Description == "" {
				t.Errorf("%s.%s has no description", name, property)
			}
		}
	}
	docs := comments(t, "../plan", "../story", "../internal/diag")
	for name := range fieldDocs {
		if _, ok := docs[name]; !ok {
			t.Errorf("there is no field %s to describe", name)
		}
	}
}

// TestSchemaKnowsActions compares the actions of the schema with those that
// package plan declares.
func TestSchemaKnowsActions(t *testing.T) {
	file, err := parser.ParseFile(token.NewFileSet(), "../plan/plan.go", nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	var declared []string
	ast.Inspect(file, func(n ast.Node) bool {
		if spec, ok := n.(*ast.ValueSpec); ok {
			if typ, ok := spec.Type.(*ast.Ident); ok && typ.Name == "Action" {
				value, _ := strconv.Unquote(spec.Values[0].(*ast.BasicLit).Value)
				declared = append(declared, value)
			}
		}
		return true
	})
	known := publishedSchema(t).Defs["Change"].Properties["action"].Enum
	slices.Sort(declared)
	if got := slices.Sorted(slices.Values(known)); len(declared) < 11 || !slices.Equal(got, declared) {
		t.Errorf("got actions %v, want %v", got, declared)
	}
}

// fill sets every field of a value to something that is not zero, so that
// nothing of it is left out of a document.
func fill(v reflect.Value) {
	switch v.Type() {
	case reflect.TypeFor[time.Time]():
		v.Set(reflect.ValueOf(time.Date(2026, 12, 20, 9, 0, 0, 0, time.UTC)))
		return
	case reflect.TypeFor[plan.Action]():
		v.SetString(string(plan.Adopt))
		return
	case reflect.TypeFor[diag.Severity]():
		v.SetInt(int64(diag.Warning))
		return
	}
	switch v.Kind() {
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		fill(v.Elem())
	case reflect.Struct:
		for i := range v.NumField() {
			if v.Field(i).CanSet() {
				fill(v.Field(i))
			}
		}
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 1, 1))
		fill(v.Index(0))
	case reflect.Map:
		key, value := reflect.New(v.Type().Key()).Elem(), reflect.New(v.Type().Elem()).Elem()
		fill(key)
		fill(value)
		v.Set(reflect.MakeMap(v.Type()))
		v.SetMapIndex(key, value)
	case reflect.String:
		v.SetString("photo")
	case reflect.Bool:
		v.SetBool(true)
	case reflect.Int, reflect.Int64:
		v.SetInt(7)
	case reflect.Uint64:
		v.SetUint(7)
	case reflect.Float64:
		v.SetFloat(29.97)
	}
}

// TestFullPlanFitsSchema holds a plan with every field set against the schema:
// the document has no property that the schema lacks, and the other way round.
func TestFullPlanFitsSchema(t *testing.T) {
	var p plan.Plan
	fill(reflect.ValueOf(&p).Elem())
	for i := range p.Changes {
		p.Changes[i].Address.Type, p.Changes[i].Address.Name = "story", "a"
	}
	for i := range p.Updates {
		p.Updates[i].Status = "live"
	}
	var b bytes.Buffer
	if err := render.JSON(&b, &p); err != nil {
		t.Fatal(err)
	}
	var document any
	if err := json.Unmarshal(b.Bytes(), &document); err != nil {
		t.Fatal(err)
	}
	s := publishedSchema(t)
	for _, problem := range s.check(s, "plan", document) {
		t.Error(problem)
	}
	seen := map[string]bool{}
	propertiesOf(document, seen)
	for name, def := range s.Defs {
		for property := range def.Properties {
			if !seen[property] {
				t.Errorf("%s.%s is in the schema and not in the fullest plan", name, property)
			}
		}
	}
}

// propertiesOf collects the names of all properties of a document.
func propertiesOf(v any, seen map[string]bool) {
	switch v := v.(type) {
	case []any:
		for _, e := range v {
			propertiesOf(e, seen)
		}
	case map[string]any:
		for name, e := range v {
			seen[name] = true
			propertiesOf(e, seen)
		}
	}
}

// life is a folder whose plans are held against the schema as its stories go
// through their lives.
type life struct {
	dir     string
	now     time.Time
	crash   string          // the point at which the next run dies
	actions map[string]bool // that were seen
	schema  *schema
}

// run runs a command against the built-in simulator and returns its output.
func (l *life) run(t *testing.T, args ...string) string {
	t.Helper()
	var out, diags bytes.Buffer
	env := Env{
		Args: append([]string{"--chdir=" + l.dir, "--sandbox"}, args...), Dir: l.dir, Stdin: strings.NewReader(""),
		Stdout: &out, Stderr: &diags, Clock: clock.NewFake(l.now).Clock(),
	}
	if l.crash != "" {
		at := l.crash
		env.Crash = func(point string) {
			if point == at {
				panic("the end")
			}
		}
	}
	code := Main(t.Context(), env)
	if died := strings.Contains(diags.String(), "the end"); died != (l.crash != "") {
		t.Fatalf("%v: exit code %d\n%s%s", args, code, out.String(), diags.String())
	}
	l.crash = ""
	return out.String()
}

// plan checks a plan as a document and as lines, and applies it.
func (l *life) plan(t *testing.T, crash string) {
	t.Helper()
	var document any
	if err := json.Unmarshal([]byte(l.run(t, "plan", "--format=json")), &document); err != nil {
		t.Fatal(err)
	}
	for _, problem := range l.schema.check(l.schema, "plan", document) {
		t.Error(problem)
	}
	for _, c := range document.(map[string]any)["changes"].([]any) {
		l.actions[c.(map[string]any)["action"].(string)] = true
	}
	l.crash = crash
	l.lines(t, "apply", "--json", "--auto-approve", "--allow-cancel-all")
}

// lines checks the changes in the lines of a command.
func (l *life) lines(t *testing.T, args ...string) {
	t.Helper()
	for line := range strings.Lines(l.run(t, args...)) {
		var event struct {
			Type   string `json:"type"`
			Change struct {
				Story map[string]any `json:"story"`
			} `json:"change"`
			Diagnostic map[string]any `json:"diagnostic"`
		}
		if err := json.Unmarshal([]byte(line), &event); err != nil {
			t.Fatalf("%s: %v", line, err)
		}
		switch event.Type {
		case "planned_change":
			for _, problem := range l.schema.Defs["Change"].check(l.schema, "line", event.Change.Story) {
				t.Error(problem)
			}
			l.actions[event.Change.Story["action"].(string)] = true
		case "diagnostic":
			for _, problem := range l.schema.Defs["Diagnostic"].check(l.schema, "line", event.Diagnostic) {
				t.Error(problem)
			}
		}
	}
}

// write writes the configuration: a Page, and stories.
func (l *life) write(t *testing.T, stories ...string) {
	t.Helper()
	text := "storyform {\n  upload_ahead = \"1h\"\n}\n\npage \"acme\" {\n  id       = \"104857600000001\"\n  timezone = \"UTC\"\n}\n\n" + strings.Join(stories, "\n")
	if err := os.WriteFile(filepath.Join(l.dir, "s.story.hcl"), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// TestEveryActionFitsSchema brings about every action there is, with runs
// that die, edits and the passing of time, and checks what is printed.
func TestEveryActionFitsSchema(t *testing.T) {
	l := &life{dir: t.TempDir(), now: time.Date(2026, 12, 20, 2, 0, 0, 0, time.UTC), actions: map[string]bool{}, schema: publishedSchema(t)}
	if err := os.CopyFS(l.dir, os.DirFS("../testdata/media")); err != nil {
		t.Fatal(err)
	}
	declare := func(name, attrs string) string {
		return "story \"" + name + "\" {\n  page         = page.acme\n  allow_repeat = true\n  " + attrs + "\n}\n"
	}
	photo := declare("photo", `photo = "good.jpg"`+"\n  window = \"4h\"")
	video := declare("video", `video = "good.mp4"`+"\n  window = \"4h\"")
	later := declare("later", `photo = "good.png"`+"\n  publish_at = \"2026-12-24 18:00\"")

	l.write(t, photo)
	l.plan(t, "after photo_stories") // publish
	l.plan(t, "")                    // adopt
	l.write(t, photo, video)
	l.plan(t, "after session") // publish
	l.plan(t, "before finish") // resume
	l.plan(t, "")              // settle
	l.write(t, photo, video, later, declare("soon", `photo = "good.png"`+"\n  publish_at = \"2026-12-20 02:30\"\n  window = \"10m\""), declare("missed", `photo = "good.png"`+"\n  publish_at = \"2026-12-20 03:30\"\n  window = \"10m\""))
	l.plan(t, "") // schedule
	l.lines(t, "apply", "--due", "--wait=1m", "--json")
	l.write(t, strings.Replace(photo, "good.jpg", "good.png", 1), strings.Replace(later, "18:00", "19:00", 1), declare("missed", `photo = "good.png"`+"\n  publish_at = \"2026-12-20 03:30\"\n  window = \"10m\""))
	l.plan(t, "") // note, change, forget, cancel
	l.now = l.now.Add(3 * time.Hour)
	l.plan(t, "") // missed
	want := slices.Sorted(slices.Values(l.schema.Defs["Change"].Properties["action"].Enum))
	if got := slices.Sorted(maps.Keys(l.actions)); !slices.Equal(got, want) {
		t.Errorf("got actions %v, want %v", got, want)
	}
}
