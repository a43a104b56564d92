package config

import (
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/zclconf/go-cty/cty/function"
)

// validText reports whether s is UTF-8 without NUL.
func validText(s string) bool { return utf8.ValidString(s) && !strings.Contains(s, "\x00") }

// glob is a pattern of paths: * and ? and [a-z] within a path element, **
// for any number of elements, {a,b} for alternatives.
type glob struct {
	alternatives [][]string // each a list of path elements
}

// parseGlob reads a pattern that is relative to the folder.
func parseGlob(pattern string) (*glob, error) {
	texts, err := expandBraces(pattern, nil)
	if err != nil {
		return nil, err
	}
	g := &glob{}
	for _, text := range texts {
		elements := strings.Split(path.Clean(text), "/")
		for _, e := range elements {
			if _, err := path.Match(e, ""); err != nil {
				return nil, errors.New("the pattern has a bracket that is not closed")
			}
		}
		g.alternatives = append(g.alternatives, elements)
	}
	return g, nil
}

// expandBraces replaces {a,b} by each alternative, at most 100 in all.
func expandBraces(pattern string, out []string) ([]string, error) {
	open := strings.LastIndexByte(pattern, '{') // the innermost
	if open < 0 {
		if len(out) >= 100 {
			return nil, errors.New("the pattern has more than 100 alternatives")
		}
		return append(out, pattern), nil
	}
	length := strings.IndexByte(pattern[open:], '}')
	if length < 0 {
		return nil, errors.New("the pattern has a brace that is not closed")
	}
	var err error
	for choice := range strings.SplitSeq(pattern[open+1:open+length], ",") {
		if out, err = expandBraces(pattern[:open]+choice+pattern[open+length+1:], out); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// match reports whether a path matches.
func (g *glob) match(name string) bool {
	elements := strings.Split(name, "/")
	return slices.ContainsFunc(g.alternatives, func(p []string) bool { return matchElements(p, elements) })
}

// matchElements matches path elements. It goes back to the last ** only,
// which is enough, so that its time is the product of the two lengths.
func matchElements(pattern, elements []string) bool {
	p, e, star, starE := 0, 0, -1, 0
	for e < len(elements) {
		if p < len(pattern) && pattern[p] == "**" {
			star, starE = p, e
			p++
			continue
		}
		if p < len(pattern) {
			if ok, _ := path.Match(pattern[p], elements[e]); ok {
				p, e = p+1, e+1
				continue
			}
		}
		if star < 0 {
			return false
		}
		starE++
		p, e = star+1, starE
	}
	for p < len(pattern) && pattern[p] == "**" {
		p++
	}
	return p == len(pattern)
}

// base is the folder that every match is in: the elements before the first
// special character.
func (g *glob) base() string {
	var common []string
	for i, elements := range g.alternatives {
		fixed := elements[:len(elements)-1]
		if k := slices.IndexFunc(fixed, func(e string) bool { return strings.ContainsAny(e, "*?[") }); k >= 0 {
			fixed = fixed[:k]
		}
		if i == 0 {
			common = fixed
		}
		for k := range common {
			if k >= len(fixed) || common[k] != fixed[k] {
				common = common[:k]
				break
			}
		}
	}
	return path.Join(append([]string{"."}, common...)...)
}

// find lists what matches the pattern and is a regular file, or with dirs a
// folder, relative to the configuration's folder and sorted. Links to folders are not followed,
// and private folders are left out.
func (f *folder) find(g *glob, dirs bool) ([]string, error) {
	var found []string
	walked := 0
	err := fs.WalkDir(f.root.FS(), g.base(), func(name string, d fs.DirEntry, err error) error {
		walked++
		switch {
		case err != nil && walked == 1 && errors.Is(err, fs.ErrNotExist):
			return fs.SkipAll // nothing can match
		case err != nil:
			return fmt.Errorf("%q can't be read: %w", name, innermost(err))
		case walked > maxWalked:
			return fmt.Errorf("the pattern looks at more than %d files", maxWalked)
		case d.IsDir() && isPrivate(name):
			return fs.SkipDir
		case d.IsDir() != dirs || !g.match(name):
			return nil
		case !dirs && !d.Type().IsRegular():
			if at, err := f.file("", name); err != nil || at.name == "" {
				return nil
			}
		}
		found = append(found, name)
		if len(found) > maxInstances {
			return fmt.Errorf("the pattern matches more than %d files", maxInstances)
		}
		return nil
	})
	slices.Sort(found)
	return found, err
}

// fileset lists the files below p, in a file of the subfolder dir, that match
// a pattern, relative to p.
func (l *loader) fileset(dir, p, pattern string) ([]string, error) {
	base, err := l.folder.resolve(dir, p)
	switch {
	case err != nil:
		return nil, argError(0, err)
	case !base.info.IsDir():
		return nil, function.NewArgErrorf(0, "%q is not a folder", base.name)
	}
	name, err := clean(base.real, pattern)
	if err != nil {
		return nil, argError(1, err)
	}
	if l.filesets[name] == nil {
		g, err := parseGlob(name)
		if err != nil {
			return nil, argError(1, err)
		}
		found, err := l.folder.find(g, false)
		if err != nil {
			return nil, err
		}
		l.filesets[name] = append([]string{}, found...)
	}
	prefix := base.real + "/"
	if base.real == "." {
		prefix = ""
	}
	var names []string
	for _, f := range l.filesets[name] {
		if rel, ok := strings.CutPrefix(f, prefix); ok {
			names = append(names, rel)
		}
	}
	return names, nil
}
