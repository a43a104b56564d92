package config

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/rogpeppe/go-internal/txtar"
)

// seed adds every configuration of the tests to a corpus.
func seed(f *testing.F) {
	f.Add([]byte(xmas))
	names, err := filepath.Glob("testdata/wrong/*.txtar")
	if err != nil || len(names) == 0 {
		f.Fatalf("got no configurations to begin with (%v)", err)
	}
	for _, name := range names {
		a, err := txtar.ParseFile(name)
		if err != nil {
			f.Fatal(err)
		}
		for _, file := range a.Files {
			if filepath.Ext(file.Name) == ".hcl" {
				f.Add(file.Data)
			}
		}
	}
}

// FuzzLoad loads any bytes as a configuration. Whatever they are, Load comes
// back, its ranges are inside of the source, and stories come only without
// errors about them.
func FuzzLoad(f *testing.F) {
	seed(f)
	dir := f.TempDir()
	for name, text := range xmasFiles {
		path := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			f.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			f.Fatal(err)
		}
	}
	f.Fuzz(func(t *testing.T, src []byte) {
		if err := os.WriteFile(filepath.Join(dir, "a.story.hcl"), src, 0o644); err != nil {
			t.Fatal(err)
		}
		c, ds := load(t.Context(), Options{Dir: dir, Inspect: inspectFake}, budget{visits: 100_000, nodes: 50_000, bytes: 1 << 20})
		for _, d := range ds {
			if d.Subject == nil {
				continue
			}
			text, ok := c.Sources[d.Subject.Filename]
			if !ok || d.Subject.Start.Byte < 0 || d.Subject.Start.Byte > d.Subject.End.Byte || d.Subject.End.Byte > len(text) {
				t.Errorf("got range %+v outside of the source of %d bytes: %v", *d.Subject, len(text), d)
			}
			if d.Summary == "" || d.Detail == "" || d.Severity == 0 {
				t.Errorf("got an incomplete diagnostic %+v", d)
			}
		}
		if out, more := c.ResolveOutputs(nil, ""); !ds.HasErrors() && len(out) != len(c.Outputs) && !more.HasErrors() {
			t.Errorf("got outputs %v, and before %v, and no error", out, c.Outputs)
		}
		for _, s := range c.Stories {
			if s.Page.ID == "" || s.Source == "" || s.Revision < 1 || s.Media.Kind == "" || (s.Path == "") != s.Media.Hosted {
				t.Errorf("got an incomplete story %+v", s)
			}
		}
	})
}

// FuzzFormat formats any bytes. What parses can be formatted, still parses
// and means the same, and formatting it again changes nothing.
func FuzzFormat(f *testing.F) {
	seed(f)
	f.Add([]byte("a  =   1 # x\n\n\n bb = [\n1,\n2]\n"))
	f.Add([]byte("aa = 1 . 1 + 1"))
	f.Add([]byte("a = <<-EOT\n    x\n  EOT\nb   = 2\n"))
	f.Fuzz(func(t *testing.T, src []byte) {
		out, ds := Format(src, "x.story.hcl")
		if _, parsed := parseBody(src, "x.story.hcl"); parsed.HasErrors() != ds.HasErrors() {
			t.Fatalf("got %v from Format and %v from the parser", ds, parsed)
		}
		if ds.HasErrors() {
			return
		}
		again, ds := Format(out, "x.story.hcl")
		if ds.HasErrors() {
			t.Fatalf("got %v for formatted source %q from %q", ds, out, src)
		}
		if !bytes.Equal(out, again) {
			t.Fatalf("got %q from %q, and %q from that", out, src, again)
		}
		if got, want := words(out), words(src); !bytes.Equal(got, want) {
			t.Fatalf("got tokens %q, want %q", got, want)
		}
	})
}

// words returns the tokens of source without the whitespace between them.
func words(src []byte) []byte {
	tokens, _ := hclsyntax.LexConfig(src, "", hcl.InitialPos)
	var b bytes.Buffer
	for _, tok := range tokens {
		b.Write(bytes.TrimSpace(tok.Bytes))
		b.WriteByte(0)
	}
	return b.Bytes()
}
