// Package local keeps a state in files of one folder.
//
// # Files
//
//	storyform.state.json              the document
//	storyform.state.json.backup       the document before it
//	storyform.state.json.journal      the records, one line each
//	.storyform.state.json.lock        who holds the lock, while a run goes on
//	.storyform.state.json.guard       empty; see below
//	.storyform.state.json*.tmp        left behind by a crash, at most
//
// A record is appended to the journal and synced, so that a step costs the
// same whatever the state holds. A document is written beside the old one,
// synced and renamed. All files are for their owner alone (0600).
//
// # One position, one writer
//
// The store must refuse a record whose position is taken and a document whose
// serial is, also between processes, and also from a process that was stopped
// for an hour while its lock was broken. So each write happens under a short
// lock on the guard file, and begins by asking whether the files are still as
// this store last saw them: the document by size, time and file number, the
// journal by its size and the bytes of its last line, which name position and
// run. If they are, the position is known without reading either. If not,
// both are read again. The long lock that a run holds plays no part in it.
//
// # Crashes
//
// Commit stages the new document, copies the old one to the backup, renames,
// and then cuts the journal. The journal is sealed before. A crash before the
// rename leaves the old document with its sealed journal, which give the new
// one; a crash after it leaves journal records that the document holds
// already, which are told by their serial.
//
// Cutting keeps the records that were just folded, up to their seal, until the
// next document is written. So a document that is put back from the backup
// isn't a document with amnesia: the journal rolls it forward to where it
// was, and no story that is out is forgotten. The same goes for a state of
// one serial whose document is deleted: to begin anew, delete the journal
// too. A document further back than that doesn't fit the journal, and is
// refused.
package local

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"storyform/internal/atomicfile"
	"storyform/internal/filelock"
	"storyform/state"
)

// DefaultName is the name of the document where nothing else is said.
const DefaultName = "storyform.state.json"

// perm is the mode of every file: the owner's alone.
const perm fs.FileMode = 0o600

// guardPatience is how long a write waits for the guard. It is held for a few
// file operations at a time.
const guardPatience = 30 * time.Second

// Store is a state in files of one folder. It is safe for use by several
// goroutines, and by several stores and processes on the same files.
type Store struct {
	path string   // as the user gave it
	root *os.Root // the folder of the document, symbolic links resolved
	name string   // of the document in root

	mu   sync.Mutex
	seen seen

	// failpoint does nothing. A test replaces it, to end a read or a write
	// between two steps or to do something meanwhile.
	failpoint func(step string) error
	// write and sync are those of *os.File, except where a test fills or
	// breaks the disk.
	write func(*os.File, []byte) (int, error)
	sync  func(*os.File) error
}

var _ state.Store = (*Store)(nil)

// Open returns the store of the document at path, which need not exist yet;
// its folder must. A symbolic link at path is written through, not replaced,
// and the other files are kept beside what it leads to. Open touches no file.
func Open(path string) (*Store, error) {
	target, err := resolve(path)
	if err != nil {
		return nil, pathError("open", path, err)
	}
	root, err := os.OpenRoot(filepath.Dir(target))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("open the state %s: its folder doesn't exist; create the folder first", path)
	}
	if err != nil {
		return nil, pathError("open the folder of", path, err)
	}
	s := &Store{
		path: path, root: root, name: filepath.Base(target),
		failpoint: func(string) error { return nil }, write: (*os.File).Write, sync: (*os.File).Sync,
	}
	if err := s.checkKind(); err != nil {
		root.Close()
		return nil, pathError("open", path, err)
	}
	return s, nil
}

// Exists reports whether there is, or may be, a state at path: its document
// or, after a first run that crashed, only its journal.
func Exists(path string) bool {
	target, err := resolve(path)
	if err != nil {
		return true
	}
	for _, name := range []string{target, target + journalSuffix} {
		if _, err := os.Stat(name); !errors.Is(err, fs.ErrNotExist) {
			return true
		}
	}
	return false
}

// checkKind makes sure that nothing but a file is at the document's path.
func (s *Store) checkKind() error {
	info, err := s.root.Stat(s.name)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil:
		return err
	case info.IsDir():
		return errors.New("it is a folder, not a file; name a file in it")
	case !info.Mode().IsRegular():
		return fmt.Errorf("it is not a regular file (%s)", info.Mode().Type())
	}
	return nil
}

// maxLinks bounds the links that lead from one to the next.
const maxLinks = 40

// resolve follows symbolic links from path to where the document is or, if
// there is none yet, will be.
func resolve(path string) (string, error) {
	for range maxLinks {
		target, err := os.Readlink(path)
		if err != nil { // not a link, or nothing there
			return path, nil
		}
		if !filepath.IsAbs(target) {
			dir, err := filepath.EvalSymlinks(filepath.Dir(path))
			if err != nil {
				return "", err
			}
			target = filepath.Join(dir, target)
		}
		path = target
	}
	return "", errors.New("too many symbolic links")
}

// String returns the path of the document as it was given to Open.
func (s *Store) String() string { return s.path }

// Close gives the folder back to the system. Locks that are still held stay
// held.
func (s *Store) Close() error { return s.root.Close() }

// journalSuffix is what the journal's name has behind the document's.
const journalSuffix = ".journal"

func (s *Store) journalName() string { return s.name + journalSuffix }
func (s *Store) backupName() string  { return s.name + ".backup" }
func (s *Store) guardName() string   { return "." + s.name + ".guard" }
func (s *Store) lockName() string    { return "." + s.name + ".lock" }

// tempName is where the next content of name is written. It is always the
// same, under the guard, so that crashes don't pile up files.
func tempName(name string) string { return "." + name + ".tmp" }

// exclusively runs f while no other process, and no other goroutine, does
// the same for these files.
func (s *Store) exclusively(ctx context.Context, f func() error) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	guard, err := s.root.OpenFile(s.guardName(), os.O_RDWR|os.O_CREATE, perm)
	if err != nil {
		return err
	}
	defer guard.Close() // releases it
	ctx, cancel := context.WithTimeoutCause(ctx, guardPatience, errors.New("another storyform process has been writing for too long"))
	defer cancel()
	if err := filelock.Wait(ctx, guard); err != nil {
		return err
	}
	return f()
}

// replace writes data as the file called name, in one step.
func (s *Store) replace(name string, data []byte) error {
	staged, err := atomicfile.Stage(s.root, name, tempName(name), data, perm)
	if err != nil {
		return err
	}
	if err := s.failpoint(stepStaged + strings.TrimPrefix(name, s.name)); err != nil {
		return err
	}
	return staged.Commit()
}

// read returns the content of a file with what the system says about it, nil
// when it doesn't exist. It reads limit bytes and one more at most.
func (s *Store) read(name string, limit int64) ([]byte, fs.FileInfo, error) {
	f, err := s.root.Open(name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil, nil
	}
	if err != nil {
		return nil, nil, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, nil, err
	}
	data, err := io.ReadAll(io.LimitReader(f, limit+1))
	return data, info, err
}

// stat is root.Stat with nil for a file that doesn't exist.
func (s *Store) stat(name string) (fs.FileInfo, error) {
	info, err := s.root.Stat(name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	return info, err
}

// same reports whether two answers of stat are about one unchanged file.
func same(a, b fs.FileInfo) bool {
	if a == nil || b == nil {
		return a == nil && b == nil
	}
	return os.SameFile(a, b) && a.Size() == b.Size() && a.ModTime().Equal(b.ModTime())
}

// pathError says what was done to which state, in the user's words: a path
// that the system names may be a temporary one.
func pathError(op, path string, err error) error {
	switch system := err.(type) { // not errors.AsType: what wraps one is kept
	case *fs.PathError:
		err = system.Err
	case *os.LinkError:
		err = system.Err
	}
	return state.Failed(op, path, err)
}
