package config

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"strings"
	"unicode"

	"storyform/internal/suggest"
)

// folder is the configuration's folder. Everything that a configuration names
// is opened through it and stays inside it, symbolic links resolved, so that a
// plan of a stranger's pull request can't read the machine that runs it.
type folder struct {
	real   string // absolute, symbolic links resolved
	root   *os.Root
	known  map[string]answer        // by clean path: a path is resolved once
	listed map[string][]fs.DirEntry // by subfolder
}

// answer is what resolving a path said.
type answer struct {
	place place
	err   error
}

// place is a file or folder inside the folder.
type place struct {
	name string // as reviewers know it: slash-separated, relative to the folder
	real string // the same with symbolic links resolved
	info fs.FileInfo
}

// pathError says what is wrong with a path, in words for a diagnostic.
type pathError struct{ summary, detail string }

// notFound is the summary of a pathError about a file that isn't there.
const notFound = "File not found"

// Error returns the detail.
func (e *pathError) Error() string { return e.detail }

// Diagnostic returns the words of a diagnostic.
func (e *pathError) Diagnostic() (summary, detail string) { return e.summary, e.detail }

// openFolder opens dir.
func openFolder(dir string) (*folder, error) {
	real, err := filepath.Abs(dir)
	if err == nil {
		real, err = filepath.EvalSymlinks(real)
	}
	if err != nil {
		return nil, innermost(err)
	}
	root, err := os.OpenRoot(real)
	if err != nil {
		return nil, innermost(err)
	}
	return &folder{real: real, root: root, known: map[string]answer{}, listed: map[string][]fs.DirEntry{}}, nil
}

// innermost strips the operation and the path of this machine off an error of
// the file system.
func innermost(err error) error {
	if pe, ok := errors.AsType[*fs.PathError](err); ok {
		return pe.Err
	}
	return err
}

// private lists folders that no configuration may read: the clone's
// credentials are in one, and storyform's own files in the other.
var private = []string{".git", ".storyform"}

// drive matches what begins as a path of Windows does.
var drive = regexp.MustCompile(`^[A-Za-z]:`)

// clean returns p, which a file in the subfolder dir names, relative to the
// folder, or says why that can't be.
func clean(dir, p string) (string, error) {
	switch {
	case p == "":
		return "", &pathError{"Empty path", "A path must not be empty."}
	case strings.ContainsFunc(p, unicode.IsControl) || !validText(p):
		return "", &pathError{"Invalid path", `A path must be text without control characters, and in a text \t is a tab and \n a line break. Write paths with slashes, also on Windows.`}
	case strings.Contains(p, `\`):
		return "", &pathError{"Invalid path", "Write paths with slashes, also on Windows: a configuration must mean the same everywhere."}
	case path.IsAbs(p) || drive.MatchString(p):
		return "", &pathError{"Absolute path", "Paths are relative to the file that names them and stay inside the configuration's folder."}
	}
	name := path.Join(dir, p)
	if name == ".." || strings.HasPrefix(name, "../") {
		return "", &pathError{"Path outside the folder", fmt.Sprintf("%q leaves the configuration's folder. Everything that a configuration uses must be inside of it.", p)}
	}
	return name, nil
}

// resolve finds the file or folder that p names in a file of the subfolder
// dir.
func (f *folder) resolve(dir, p string) (place, error) {
	name, err := clean(dir, p)
	if err != nil {
		return place{}, err
	}
	if a, ok := f.known[name]; ok {
		return a.place, a.err
	}
	at, err := f.lookUp(name)
	f.known[name] = answer{at, err}
	return at, err
}

// lookUp resolves symbolic links and looks at what is there.
func (f *folder) lookUp(name string) (place, error) {
	if !strings.Contains(name, "/") && !isPrivate(name) { // as most are: one look is enough
		if info, err := f.root.Lstat(name); err == nil && info.Mode().IsRegular() {
			return place{name, name, info}, nil
		}
	}
	full, err := filepath.EvalSymlinks(filepath.Join(f.real, filepath.FromSlash(name)))
	if errors.Is(err, fs.ErrNotExist) {
		return place{}, &pathError{notFound, fmt.Sprintf("There is no file %q in the configuration's folder.%s", name, f.similar(name))}
	}
	if err != nil {
		return place{}, &pathError{"File can't be read", fmt.Sprintf("%q can't be read: %v.", name, innermost(err))}
	}
	rel, err := filepath.Rel(f.real, full)
	if err != nil || !filepath.IsLocal(rel) {
		return place{}, &pathError{"Path outside the folder",
			fmt.Sprintf("%q is a symbolic link that leaves the configuration's folder. Everything that a configuration uses must be inside of it.", name)}
	}
	real := filepath.ToSlash(rel)
	if isPrivate(name) || isPrivate(real) {
		return place{}, &pathError{"Private folder", fmt.Sprintf("%q is in a folder that a configuration may not read.", name)}
	}
	info, err := f.root.Stat(filepath.FromSlash(real))
	if err != nil {
		return place{}, &pathError{"File can't be read", fmt.Sprintf("%q can't be read: %v.", name, innermost(err))}
	}
	return place{name, real, info}, nil
}

// isPrivate reports whether a part of the path is one of private, in the eyes
// of a file system that ignores case, too.
func isPrivate(name string) bool {
	for part := range strings.SplitSeq(name, "/") {
		for _, p := range private {
			if strings.EqualFold(part, p) {
				return true
			}
		}
	}
	return false
}

// similarFolder suggests another folder for one that isn't there.
func (f *folder) similarFolder(dir string) string {
	dir = strings.TrimSuffix(dir, "/")
	if _, err := f.root.Stat(path.Clean("./" + path.Dir(dir))); err != nil {
		return f.similarFolder(path.Dir(dir) + "/") // an outer one isn't there, either
	}
	return fmt.Sprintf(" There is no folder %q.%s", dir, f.similar(dir))
}

// similar suggests a file of the same folder for a name that isn't there.
func (f *folder) similar(name string) string {
	dir, base := path.Split(name)
	d, err := f.root.Open(path.Clean("./" + dir))
	if err != nil {
		return f.similarFolder(dir)
	}
	defer d.Close()
	names, _ := d.Readdirnames(1000)
	if s := suggest.Nearest(base, names); s != "" {
		return fmt.Sprintf(" Did you mean %q?", dir+s)
	}
	return ""
}

// file resolves p to a regular file.
func (f *folder) file(dir, p string) (place, error) {
	at, err := f.resolve(dir, p)
	switch {
	case err != nil:
		return place{}, err
	case at.info.IsDir():
		return place{}, &pathError{"Folder instead of a file", fmt.Sprintf("%q is a folder. Name a file in it.", at.name)}
	case !at.info.Mode().IsRegular():
		// Reading a pipe would wait for ever.
		return place{}, &pathError{"Not a regular file", fmt.Sprintf("%q is not a regular file.", at.name)}
	}
	return at, nil
}

// open opens a regular file.
func (f *folder) open(at place) (*os.File, error) {
	file, err := f.root.Open(filepath.FromSlash(at.real))
	if err != nil {
		return nil, &pathError{"File can't be read", fmt.Sprintf("%q can't be read: %v.", at.name, innermost(err))}
	}
	return file, nil
}

// read returns the bytes of a regular file that has at most limit bytes.
func (f *folder) read(at place, limit int64) ([]byte, error) {
	file, err := f.open(at)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	src, err := io.ReadAll(io.LimitReader(file, limit+1))
	if err != nil {
		return nil, &pathError{"File can't be read", fmt.Sprintf("%q can't be read: %v.", at.name, innermost(err))}
	}
	if int64(len(src)) > limit {
		return nil, &pathError{"File too large", fmt.Sprintf("%q has more than %d MB.", at.name, limit>>20)}
	}
	return src, nil
}

// path is where a file is for the rest of the program: below dir, as the
// caller named the folder, with symbolic links resolved.
func (f *folder) path(dir string, at place) string {
	return filepath.Join(dir, filepath.FromSlash(at.real))
}
