// Package testexample copies examples for tests.
package testexample

import (
	"io/fs"
	"os"
	"path/filepath"
)

// Copy copies the folder of an example, or of several, to dst as it is in the
// repository: without what those who tried it have left there, such as the
// simulator's world, which would make a first run a second one.
func Copy(dst, folder string) error {
	if err := os.CopyFS(dst, os.DirFS(folder)); err != nil {
		return err
	}
	return filepath.WalkDir(dst, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && d.Name() == ".storyform" {
			if err := os.RemoveAll(path); err != nil {
				return err
			}
			return fs.SkipDir
		}
		if state, _ := filepath.Match("*.state.json*", d.Name()); state {
			return os.Remove(path)
		}
		return nil
	})
}
