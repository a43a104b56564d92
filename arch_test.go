package main

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// imports is the table of layers: which of our packages each package may use.
// A package that isn't here is an error, so that a new one is placed on
// purpose. "*" allows everything; internal packages may be used by all.
var imports = map[string][]string{
	".":                {"cli"},
	"cli":              {"*"},
	"config":           {"media", "story"},
	"story":            {},
	"media":            {"story", "media/isobmff"},
	"media/isobmff":    {},
	"plan":             {"state", "story"},
	"apply":            {"plan", "state", "graphapi", "media", "story"},
	"graphapi":         {},
	"graphapi/sandbox": {}, // not even internal: the wire is faked, not the types
	"state":            {"story"},
	"state/statetest":  {"state", "story"},
	"state/fakeserver": {}, // the wire is faked, not the types
	"state/local":      {"state", "story"},
	"state/lease":      {"state"},
	"state/object":     {"state", "state/lease"},
	"state/s3":         {"state", "state/lease", "state/object"},
	"state/snapshot":   {"state"},
	"state/httpstore":  {"state", "state/snapshot"},
	"state/git":        {"state", "state/lease", "state/snapshot"},
	"state/encrypted":  {"state"},
	"render":           {"plan", "state", "story"},
}

// sourceFile is one parsed Go file of this module.
type sourceFile struct {
	path, pkg string // slash-separated; pkg is the folder
	test      bool
	syntax    *ast.File
}

// parseTree parses every Go file of the module.
func parseTree(t *testing.T) []sourceFile {
	t.Helper()
	var files []sourceFile
	fset := token.NewFileSet()
	err := filepath.WalkDir(".", func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && (d.Name() == "testdata" || len(d.Name()) > 1 && d.Name()[0] == '.') {
			return fs.SkipDir
		}
		if d.IsDir() || !strings.HasSuffix(path, ".go") {
			return nil
		}
		syntax, err := parser.ParseFile(fset, path, nil, parser.ParseComments)
		if err != nil {
			return err
		}
		path = filepath.ToSlash(path)
		files = append(files, sourceFile{path, filepath.ToSlash(filepath.Dir(path)), strings.HasSuffix(path, "_test.go"), syntax})
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

func TestImports(t *testing.T) {
	for _, f := range parseTree(t) {
		if f.test {
			continue
		}
		for _, spec := range f.syntax.Imports {
			path, _ := strconv.Unquote(spec.Path.Value)
			ours, ok := strings.CutPrefix(path, "storyform/")
			if !ok {
				continue
			}
			if why := forbidden(f.pkg, ours); why != "" {
				t.Errorf("%s imports %s: %s", f.path, ours, why)
			}
		}
	}
}

// forbidden says why a package may not import another of ours.
func forbidden(from, to string) string {
	internal := strings.HasPrefix(to, "internal/")
	if strings.HasPrefix(from, "internal/") {
		if internal || to == "story" || from == "internal/testmedia" {
			return ""
		}
		return "helpers serve every package and know none"
	}
	allowed, known := imports[from]
	switch {
	case !known:
		return from + " has no row in the table of layers"
	case slices.Contains(allowed, "*"), slices.Contains(allowed, to):
		return ""
	case internal && from != "graphapi/sandbox":
		return ""
	}
	return "the table of layers allows only " + strings.Join(allowed, ", ")
}

func TestPackageComments(t *testing.T) {
	comments := map[string]int{}
	for _, f := range parseTree(t) {
		if f.test {
			continue
		}
		comments[f.pkg] += 0
		if f.syntax.Doc != nil {
			comments[f.pkg]++
		}
	}
	for pkg, n := range comments {
		if n != 1 {
			t.Errorf("package %s has %d package comments, want 1", pkg, n)
		}
	}
}

// TestPurity keeps the clock, the environment and the terminal out of the
// packages that must give the same answer for the same input.
func TestPurity(t *testing.T) {
	banned := map[string][]string{ // package → selectors
		"plan":   {"time.Now", "time.Since", "os.Getenv", "os.Open", "fmt.Print", "fmt.Printf", "fmt.Println"},
		"story":  {"time.Now", "os.Getenv"},
		"config": {"time.Now", "os.Getenv", "os.Environ"},
		"apply":  {"time.Now", "time.Sleep", "os.Getenv", "fmt.Print", "fmt.Printf", "fmt.Println", "os.Exit"},
		"render": {"time.Now", "os.Getenv", "os.Exit"},
		"state":  {"time.Now", "os.Getenv"},
	}
	for _, f := range parseTree(t) {
		if f.test {
			continue
		}
		ast.Inspect(f.syntax, func(n ast.Node) bool {
			sel, ok := n.(*ast.SelectorExpr)
			if !ok {
				return true
			}
			if x, ok := sel.X.(*ast.Ident); ok && slices.Contains(banned[f.pkg], x.Name+"."+sel.Sel.Name) {
				t.Errorf("%s uses %s.%s", f.path, x.Name, sel.Sel.Name)
			}
			return true
		})
	}
}

// TestBudgets holds the sizes that keep the code readable.
func TestBudgets(t *testing.T) {
	const maxFile, maxFunc, maxInterfaces = 500, 80, 5
	interfaces := 0
	fset := token.NewFileSet()
	for _, f := range parseTree(t) {
		text, err := os.ReadFile(f.path)
		if err != nil {
			t.Fatal(err)
		}
		if n := strings.Count(string(text), "\n"); n > maxFile && !f.test {
			t.Errorf("%s has %d lines, want at most %d", f.path, n, maxFile)
		}
		if f.test {
			continue
		}
		syntax, err := parser.ParseFile(fset, f.path, text, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(syntax, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.FuncDecl:
				lines := fset.Position(n.End()).Line - fset.Position(n.Pos()).Line + 1
				if lines > maxFunc {
					t.Errorf("%s: function %s has %d lines, want at most %d", f.path, n.Name.Name, lines, maxFunc)
				}
			case *ast.TypeSpec:
				if _, ok := n.Type.(*ast.InterfaceType); ok {
					interfaces++
				}
			}
			return true
		})
	}
	if interfaces > maxInterfaces {
		t.Errorf("the tree declares %d interface types, want at most %d", interfaces, maxInterfaces)
	}
}

// TestNoStrayPaths keeps paths of somebody's machine out of the tree.
func TestNoStrayPaths(t *testing.T) {
	for _, f := range parseTree(t) {
		text, err := os.ReadFile(f.path)
		if err != nil {
			t.Fatal(err)
		}
		for _, stray := range []string{"/wo" + "rk/", "/ro" + "ot/"} {
			if strings.Contains(string(text), stray) {
				t.Errorf("%s mentions %s", f.path, stray)
			}
		}
	}
}
