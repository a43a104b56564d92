package config

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"
)

// Suffix is the ending of configuration files.
const Suffix = ".story.hcl"

// sourceFile is one configuration file.
type sourceFile struct {
	name string // relative to the folder, slash-separated
	dir  string // the folder that it is in, "" for the top
	body *hclsyntax.Body
	// broken: it has a syntax error, so that body holds only a part of it.
	broken bool
}

// Discover lists the configuration files directly in dir, sorted by name.
// Hidden files, which editors leave behind, are not among them.
func Discover(dir string) ([]string, error) {
	if dir == "" {
		dir = "."
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, fmt.Errorf("read the configuration's folder: %w", err)
	}
	return filter(entries, Suffix), nil
}

// filter keeps the names of files with a suffix.
func filter(entries []fs.DirEntry, suffix string) []string {
	var names []string
	for _, e := range entries {
		if n := e.Name(); strings.HasSuffix(n, suffix) && !strings.HasPrefix(n, ".") && !strings.HasPrefix(n, "#") && !e.IsDir() {
			names = append(names, n)
		}
	}
	slices.Sort(names)
	return names
}

// discover lists the files with a suffix in a subfolder, relative to the
// folder. Each subfolder is listed once: the system looks at every file for it.
func (f *folder) discover(dir, suffix string) ([]string, error) {
	entries, ok := f.listed[dir]
	if !ok {
		var err error
		if entries, err = fs.ReadDir(f.root.FS(), path.Join(".", dir)); err != nil {
			return nil, innermost(err)
		}
		f.listed[dir] = entries
	}
	names := filter(entries, suffix)
	for i := range names {
		names[i] = path.Join(dir, names[i])
	}
	return names, nil
}

// readAll reads and parses the files of the folder, and then those of the
// subfolders that a storyform block includes.
func (l *loader) readAll() {
	names, err := l.folder.discover("", Suffix)
	if err != nil {
		l.report(noAddress, &hcl.Diagnostic{Severity: hcl.DiagError, Summary: "Configuration folder can't be read",
			Detail: fmt.Sprintf("%s can't be listed: %v.", l.folderName(), err)})
		return
	}
	if len(names) == 0 {
		l.report(noAddress, l.nothingHere())
		return
	}
	for _, name := range names {
		l.readFile(name)
	}
	for _, name := range l.included() {
		l.readFile(name)
	}
	l.overlooked()
	// File-name order counts where times are equal, whatever folder.
	slices.SortStableFunc(l.files, func(a, b *sourceFile) int { return strings.Compare(a.name, b.name) })
}

// folderName begins a sentence about the folder.
func (l *loader) folderName() string {
	if l.options.Name == "" {
		return "The folder"
	}
	return fmt.Sprintf("The folder %q", l.options.Name)
}

// nothingHere says why there is nothing to load.
func (l *loader) nothingHere() *hcl.Diagnostic {
	d := &hcl.Diagnostic{Severity: hcl.DiagError, Summary: "No configuration files",
		Detail: fmt.Sprintf(`%s has no files that end in %q. Run "storyform init" to begin with an example, or name the folder with --chdir.`, l.folderName(), Suffix)}
	for _, suffix := range []string{".hcl", ".tf"} {
		names, _ := l.folder.discover("", suffix)
		names = slices.DeleteFunc(names, func(n string) bool { return strings.HasSuffix(n, varsSuffix) })
		if len(names) > 0 {
			base, _, _ := strings.Cut(names[0], ".")
			d.Detail = fmt.Sprintf("%s has no files that end in %q. There is %q: rename it to %q if it declares stories.", l.folderName(), Suffix, names[0], base+Suffix)
			return d
		}
	}
	return d
}

// readFile reads and parses one file.
func (l *loader) readFile(name string) {
	if l.bodies[name] != nil {
		return // by a second pattern
	}
	src, err := l.readSource(name)
	if err != nil {
		summary, detail := wordsOf(err, "File can't be read")
		l.report(noAddress, &hcl.Diagnostic{Severity: hcl.DiagError, Summary: summary, Detail: detail})
		return
	}
	body, broken := l.parse(src, name)
	if body == nil {
		return
	}
	l.meter.wrapBody(body)
	dir := path.Dir(name)
	if dir == "." {
		dir = ""
	}
	l.files = append(l.files, &sourceFile{name: name, dir: dir, body: body, broken: broken})
}

// readSource reads a configuration or variables file of the folder.
func (l *loader) readSource(name string) ([]byte, error) {
	at, err := l.folder.file("", name)
	if err != nil {
		return nil, err
	}
	src, err := l.folder.read(at, maxFileBytes)
	if err != nil {
		return nil, err
	}
	l.total += len(src)
	if l.total > maxTotalBytes || len(l.bodies) >= maxFiles {
		return nil, &pathError{"Configuration too large",
			fmt.Sprintf("A configuration has at most %d files and %d MB. %q is more than that.", maxFiles, maxTotalBytes>>20, name)}
	}
	return src, nil
}

// parse parses source that has blocks or attributes, and keeps it for
// snippets. After a syntax error it returns what could be understood, or nil,
// and what depends on names that may be in the rest is not complained about.
func (l *loader) parse(src []byte, name string) (body *hclsyntax.Body, broken bool) {
	l.sources[name] = src
	l.findTokens(src, name)
	body, diags := parseBody(src, name)
	l.report(noAddress, diags...)
	if body != nil {
		l.bodies[name] = body
	}
	if diags.HasErrors() {
		l.incomplete = true
	}
	return body, diags.HasErrors()
}

// notText finds the first byte that is not UTF-8, or is zero.
func notText(src []byte) hcl.Pos {
	at := hcl.InitialPos
	for at.Byte < len(src) {
		r, n := utf8.DecodeRune(src[at.Byte:])
		switch {
		case r == 0 || r == utf8.RuneError && n == 1:
			return at
		case r == '\n':
			at.Line, at.Column = at.Line+1, 1
		default:
			at.Column++
		}
		at.Byte += n
	}
	return at
}

// parseBody parses the source of a file.
func parseBody(src []byte, name string) (*hclsyntax.Body, hcl.Diagnostics) {
	if !utf8.Valid(src) || bytes.IndexByte(src, 0) >= 0 {
		at := notText(src)
		return nil, hcl.Diagnostics{errAt(hcl.Range{Filename: name, Start: at, End: at},
			"Not a text file", "The file is not UTF-8 text. Save it as UTF-8.")}
	}
	if d := checkShape(src, name, hclsyntax.LexConfig); d != nil {
		return nil, hcl.Diagnostics{d}
	}
	file, diags := hclsyntax.ParseConfig(src, name, hcl.InitialPos)
	body, _ := file.Body.(*hclsyntax.Body)
	return body, tidySyntax(diags, src)
}

// included lists the files of the subfolders that the storyform block names.
// It is evaluated before anything else, because it decides what else there
// is, and so can hold nothing but literal strings.
func (l *loader) included() []string {
	var names []string
	for _, file := range l.files {
		for _, b := range file.body.Blocks {
			attr := b.Body.Attributes["include"]
			if b.Type != "storyform" || attr == nil {
				continue
			}
			v, diags := evaluate(attr.Expr, nil)
			if diags.HasErrors() {
				l.report(noAddress, errAt(attr.Expr.Range(), "Include must be literal",
					"The folders to include are needed before variables and locals are read: write them as strings."))
				continue
			}
			patterns, d := stringList(attr.Expr, v)
			l.report(noAddress, d...)
			l.settings.Include = patterns
			for _, p := range patterns {
				names = append(names, l.includedBy(p, attr.Expr)...)
			}
		}
	}
	return names
}

// includedBy lists the files of the subfolders that match one pattern.
func (l *loader) includedBy(pattern string, expr hcl.Expression) []string {
	name, err := clean("", pattern)
	if err != nil {
		summary, detail := wordsOf(err, "Invalid pattern")
		l.report(noAddress, errAt(expr.Range(), summary, "%s", detail))
		return nil
	}
	g, err := parseGlob(name)
	var dirs, names []string
	if err == nil {
		dirs, err = l.folder.find(g, true)
	}
	if err != nil {
		l.report(noAddress, errAt(expr.Range(), "Invalid pattern", "The pattern %q can't be used: %v.", pattern, err))
		return nil
	}
	for _, dir := range dirs {
		found, err := l.folder.discover(dir, Suffix)
		if err != nil {
			l.report(noAddress, errAt(expr.Range(), "Folder can't be read", "%q can't be read: %v.", dir, err))
		}
		names = append(names, found...)
	}
	if len(names) == 0 {
		l.report(noAddress, errAt(expr.Range(), "Nothing to include",
			"No folder that matches %q has a file that ends in %q.", pattern, Suffix))
	}
	return names
}

// stringList converts a value to strings.
func stringList(expr hcl.Expression, v cty.Value) ([]string, hcl.Diagnostics) {
	var out []string
	ty := v.Type()
	if v.IsKnown() && !v.IsNull() && !v.ContainsMarked() && (ty.IsTupleType() || ty.IsListType() || ty.IsSetType()) {
		for it := v.ElementIterator(); it.Next(); {
			_, e := it.Element()
			if e.Type() != cty.String || e.IsNull() || !e.IsKnown() {
				return nil, hcl.Diagnostics{errAt(expr.Range(), "Wrong type of value", "This must be a list of strings, and one element is not a string.")}
			}
			out = append(out, e.AsString())
		}
		return out, nil
	}
	return nil, hcl.Diagnostics{errAt(expr.Range(), "Wrong type of value", "This must be a list of strings, such as [\"a\", \"b\"].")}
}

// readOutside reads a variables file that the command line names, which may
// be anywhere, and returns it with the name that it has in messages.
func (l *loader) readOutside(file string) ([]byte, string, error) {
	full := file
	if !filepath.IsAbs(full) {
		full = filepath.Join(l.folder.real, full)
	}
	name := filepath.Base(full)
	if rel, err := filepath.Rel(l.folder.real, full); err == nil && filepath.IsLocal(rel) {
		name = filepath.ToSlash(rel)
	}
	info, err := os.Stat(full)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, name, &pathError{"Variables file not found", fmt.Sprintf("--var-file names %q, which does not exist.", name)}
	case err != nil:
		return nil, name, &pathError{"Variables file can't be read", fmt.Sprintf("%q can't be read: %v.", name, innermost(err))}
	case info.Size() > maxFileBytes:
		return nil, name, &pathError{"Variables file too large", fmt.Sprintf("%q has more than %d MB.", name, maxFileBytes>>20)}
	}
	src, err := os.ReadFile(full)
	switch {
	case err != nil:
		return nil, name, &pathError{"Variables file can't be read", fmt.Sprintf("%q can't be read: %v.", name, innermost(err))}
	case len(src) > maxFileBytes: // a pipe has no size before
		return nil, name, &pathError{"Variables file too large", fmt.Sprintf("%q has more than %d MB.", name, maxFileBytes>>20)}
	}
	return src, name, nil
}
