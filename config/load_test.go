package config

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/txtar"

	"storyform/internal/diag"
	"storyform/story"
)

// smallBudget is enough for every test and soon used up by those that mean
// to.
var smallBudget = budget{visits: 300_000, nodes: 100_000, bytes: 8 << 20}

var update = flag.Bool("update", false, "rewrite the expected diagnostics in testdata")

// unpack writes the files of an archive into a new folder and returns it with
// the files that the archive has for the test alone.
func unpack(t *testing.T, a *txtar.Archive) (dir string, special map[string]string) {
	t.Helper()
	dir, special = t.TempDir(), map[string]string{}
	for _, f := range a.Files {
		if f.Name == "options" || f.Name == "want" {
			special[f.Name] = string(f.Data)
			continue
		}
		path := filepath.Join(dir, filepath.FromSlash(f.Name))
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, f.Data, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return dir, special
}

// parseOptions reads lines such as "var x=1", "var-file f", "env X=1" and
// "version 0.3.0".
func parseOptions(t *testing.T, text string) Options {
	t.Helper()
	o := Options{Version: "0.3.0", Inspect: inspectFake}
	for line := range strings.Lines(text) {
		verb, rest, _ := strings.Cut(strings.TrimSuffix(line, "\n"), " ")
		switch verb {
		case "var":
			v, err := ParseVar(rest)
			if err != nil {
				t.Fatal(err)
			}
			o.Vars = append(o.Vars, v)
		case "var-file":
			o.Vars = append(o.Vars, Var{File: rest})
		case "env":
			o.Env = append(o.Env, rest)
		case "version":
			o.Version = rest
		case "no-inspect":
			o.Inspect = nil
		default:
			t.Fatalf("unknown option %q", line)
		}
	}
	return o
}

// spokenError is an error with words of its own.
type spokenError struct{ summary, detail string }

func (e *spokenError) Error() string                { return e.detail }
func (e *spokenError) Diagnostic() (string, string) { return e.summary, e.detail }

// inspectFake reads the facts of a media file from its text, such as
// "kind=video duration=14s width=1080". Text that begins with "broken" is an
// error.
func inspectFake(_ context.Context, path string) (story.Media, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return story.Media{}, err
	}
	if strings.HasPrefix(string(text), "broken") {
		return story.Media{}, fmt.Errorf("inspect: %w", &spokenError{"Photo can't be read", "The file is cut off after 12 bytes. Export it again."})
	}
	if strings.HasPrefix(string(text), "mute") {
		return story.Media{}, errors.New("inspect: nobody knows")
	}
	m := story.Media{SHA256: "5eb63bbbe01eeed093cb22bb8f5acdc3", Bytes: int64(len(text)), Width: 1080, Height: 1920}
	for field := range strings.FieldsSeq(string(text)) {
		name, value, _ := strings.Cut(field, "=")
		switch name {
		case "kind":
			m.Kind = story.Kind(value)
		case "duration":
			m.Duration, _ = time.ParseDuration(value)
		case "width":
			m.Width, _ = strconv.Atoi(value)
		}
	}
	return m, nil
}

// describe renders diagnostics for comparison: where to the byte, the source
// that is underlined, and all words.
func describe(ds diag.Diagnostics, sources map[string][]byte) string {
	var b strings.Builder
	for _, d := range ds {
		if d.Subject == nil {
			fmt.Fprintf(&b, "%s: %s\n", d.Severity, d.Summary)
		} else {
			s := d.Subject
			fmt.Fprintf(&b, "%s:%d:%d [%d,%d): %s: %s\n", s.Filename, s.Start.Line, s.Start.Column, s.Start.Byte, s.End.Byte, d.Severity, d.Summary)
			if src := sources[s.Filename]; s.End.Byte <= len(src) {
				fmt.Fprintf(&b, "  source: %s\n", firstLine(string(src[s.Start.Byte:s.End.Byte])))
			} else {
				fmt.Fprintf(&b, "  source: OUT OF RANGE\n")
			}
		}
		if d.In != "" || d.Address != "" {
			fmt.Fprintf(&b, "  in: %s\n", strings.TrimSpace(d.In+" "+d.Address))
		}
		for line := range strings.Lines(d.Detail) {
			fmt.Fprintf(&b, "  | %s\n", strings.TrimSpace(line))
		}
		for _, v := range d.Values {
			fmt.Fprintf(&b, "  %s = %s\n", v.Expr, v.Text)
		}
	}
	return b.String()
}

// firstLine is the first line of s, marked when there are more.
func firstLine(s string) string {
	line, _, more := strings.Cut(s, "\n")
	if more {
		line += " …"
	}
	return line
}

// TestWrong loads every wrong configuration in testdata/wrong and compares
// the diagnostics with what the archive expects, to the byte.
func TestWrong(t *testing.T) {
	files, err := filepath.Glob("testdata/wrong/*.txtar")
	if err != nil || len(files) < 50 {
		t.Fatalf("got %d wrong configurations (%v), want at least 50", len(files), err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txtar"), func(t *testing.T) {
			t.Parallel()
			a, err := txtar.ParseFile(file)
			if err != nil {
				t.Fatal(err)
			}
			dir, special := unpack(t, a)
			o := parseOptions(t, special["options"])
			o.Dir = dir
			c, ds := load(t.Context(), o, smallBudget)
			got := describe(ds, c.Sources)
			if strings.Contains(got, dir) {
				t.Errorf("diagnostics name the path of this machine:\n%s", got)
			}
			if len(ds) == 0 {
				t.Error("got no diagnostics, want some")
			}
			if *update {
				a.Files = slices.DeleteFunc(a.Files, func(f txtar.File) bool { return f.Name == "want" })
				a.Files = append(a.Files, txtar.File{Name: "want", Data: []byte(got)})
				if err := os.WriteFile(file, txtar.Format(a), 0o644); err != nil {
					t.Fatal(err)
				}
				return
			}
			if want := special["want"]; got != want {
				t.Errorf("got diagnostics\n%s\nwant\n%s", got, want)
			}
		})
	}
}

// TestEncryption checks what comes out of an encryption block, and that a
// secret key comes out nowhere.
func TestEncryption(t *testing.T) {
	const (
		one    = "age1ald6sa9s6d3wq7d930lnum7kh33yff3vcpuawshaftsz9hlmxf4sax65m6"
		two    = "age1whud3qn0yh3mskl35zxswfnpk4z69ckwl5ay3e4zc9j0up9lr3lstv8453"
		secret = "AGE-SECRET-KEY-1QPZRY9X8GF2TVDW0S3JN54KHCE6MUA7LQPZRY9X8GF2TVDW0S3JN54K"
	)
	load := func(recipients string, vars ...Var) (*Config, string) {
		dir := write(t, map[string]string{"a.story.hcl": "storyform {\n  encryption {\n    recipients = " + recipients + "\n  }\n}\n" +
			"variable \"ops\" {\n  default = \"" + two + "\"\n}\nlocals {\n  all = [\"" + one + "\", var.ops]\n}\n"})
		c, ds := Load(t.Context(), Options{Dir: dir, Vars: vars})
		text := describe(ds, c.Sources) + fmt.Sprintf("%+v %+v", ds, *c)
		for _, src := range c.Sources {
			text += string(src)
		}
		return c, text
	}
	for _, recipients := range []string{`["` + one + `", var.ops]`, "local.all", "toset(local.all)"} {
		c, text := load(recipients)
		if e := c.Settings.Encryption; e == nil || !slices.Equal(e.Recipients, []string{one, two}) || strings.Contains(text, "error") {
			t.Errorf("%s: got %+v\n%s", recipients, e, text)
		}
	}
	for _, test := range []struct {
		recipients string
		vars       []Var
	}{
		{`["` + one + `", "` + secret + `"]`, nil},
		{`["` + one + `", "AGE-SECRET-KEY-1${"` + secret[16:] + `"}"]`, nil}, // not found in the source
		{`["` + one + `", var.ops]`, []Var{{Name: "ops", Value: secret}}},
		{`["` + one + `", "` + secret[16:] + `"]`, nil},
	} {
		c, text := load(test.recipients, test.vars...)
		if e := c.Settings.Encryption; e == nil || e.Recipients != nil || !strings.Contains(text, "error") {
			t.Errorf("%s: got %+v\n%s", test.recipients, e, text)
		}
		if strings.Contains(text, secret[20:40]) {
			t.Errorf("%s: the secret key is shown:\n%s", test.recipients, text)
		}
	}
}
