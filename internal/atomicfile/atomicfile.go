// Package atomicfile replaces files so that a reader, or the machine after a
// power loss, finds either all of the old content or all of the new.
package atomicfile

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// Staged is new content that is on the disk under a temporary name.
type Staged struct {
	root      *os.Root
	temp, dst string
}

// Stage writes data beside name, under the name temp in the same folder, and
// waits until it is on the disk. It gets exactly the permissions perm,
// whatever the umask. The file called name isn't touched yet. A file called
// temp, left behind by a crash, is replaced. After an error nothing is left
// behind.
func Stage(root *os.Root, name, temp string, data []byte, perm fs.FileMode) (*Staged, error) {
	if err := root.Remove(temp); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	f, err := root.OpenFile(temp, os.O_WRONLY|os.O_CREATE|os.O_EXCL, perm)
	if err != nil {
		return nil, err
	}
	_, err = f.Write(data)
	if err == nil {
		err = f.Chmod(perm)
	}
	if err == nil {
		err = f.Sync()
	}
	if closeErr := f.Close(); err == nil {
		err = closeErr
	}
	if err != nil {
		return nil, alongside(err, root.Remove(temp))
	}
	return &Staged{root: root, temp: temp, dst: name}, nil
}

// Commit gives the content its name, in one step, and makes the name durable.
// When it fails before that step nothing is left behind.
func (s *Staged) Commit() error {
	if err := s.root.Rename(s.temp, s.dst); err != nil {
		return alongside(err, s.Discard())
	}
	return SyncDir(s.root)
}

// Discard removes the staged content.
func (s *Staged) Discard() error { return ignoreMissing(s.root.Remove(s.temp)) }

// alongside returns err, together with what went wrong in cleaning up after it.
func alongside(err, cleanup error) error {
	if cleanup = ignoreMissing(cleanup); cleanup != nil {
		return errors.Join(err, cleanup)
	}
	return err
}

// ignoreMissing drops the error that says that a file isn't there.
func ignoreMissing(err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}

// SyncDir makes the names of the folder durable: files that were created,
// renamed or removed in it. Windows has no such call and needs none.
func SyncDir(root *os.Root) error {
	d, err := root.Open(".")
	if err != nil {
		return err
	}
	defer d.Close()
	if err := syncDir(d); err != nil {
		return fmt.Errorf("sync the folder %s: %w", root.Name(), err)
	}
	return nil
}

// Write replaces the file at path, or creates it, with exactly the given
// permissions. The folder must exist. A symbolic link to a file is written
// through; anything else that isn't a file, such as a device, is refused.
// When it fails the earlier content is still there.
func Write(path string, data []byte, perm fs.FileMode) error {
	target, err := regular(path)
	if err != nil {
		return err
	}
	root, err := os.OpenRoot(filepath.Dir(target))
	if err != nil {
		return err
	}
	defer root.Close()
	name := filepath.Base(target)
	staged, err := Stage(root, name, "."+name+".tmp-"+rand.Text()[:8], data, perm)
	if err != nil {
		return err
	}
	return staged.Commit()
}

// regular returns where the file at path is, or will be.
func regular(path string) (string, error) {
	info, err := os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return path, nil
	}
	if err != nil {
		return "", err
	}
	if !info.Mode().IsRegular() {
		return "", &fs.PathError{Op: "write", Path: path, Err: errors.New("it is not a regular file")}
	}
	return filepath.EvalSymlinks(path)
}
