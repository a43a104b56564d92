package apply

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"hash"
	"io"
	"os"
	"sync"

	"storyform/plan"
)

// source is a local media file while it is uploaded. It hashes what is read
// from it, so that the bytes that were sent are known to be the bytes that
// were approved, even when the file changes under way.
type source struct {
	file *os.File
	size int64
	want string // the approved sha256, lowercase hex

	mu   sync.Mutex
	hash hash.Hash
	pos  int64 // how far the hash has come
}

// changedError says that a file is not the one that was approved.
type changedError struct {
	source, want, got string
}

// Error names both hashes, shortened.
func (e *changedError) Error() string {
	return fmt.Sprintf("%s changed after it was planned: its sha256 is %.12s…, and %.12s… was approved", e.source, e.got, e.want)
}

// openSource opens a change's file and checks its hash once before anything
// is sent.
func openSource(open func(source string) (*os.File, error), c *plan.Change) (*source, error) {
	f, err := open(c.Source)
	if err != nil {
		return nil, fmt.Errorf("open media: %w", err)
	}
	info, err := f.Stat()
	if err != nil {
		f.Close()
		return nil, fmt.Errorf("open media: %w", err)
	}
	s := &source{file: f, size: info.Size(), want: c.SHA256}
	s.restart()
	if err := s.verify(c.Source); err != nil {
		f.Close()
		return nil, err
	}
	s.restart()
	return s, nil
}

// ReadAt reads from the file and hashes the bytes that continue what was
// hashed so far. A read at the start begins the hash anew: a request is being
// repeated.
func (s *source) ReadAt(p []byte, off int64) (int, error) {
	n, err := s.file.ReadAt(p, off)
	s.mu.Lock()
	defer s.mu.Unlock()
	if off == 0 && s.pos > 0 {
		s.hash, s.pos = sha256.New(), 0
	}
	if end := off + int64(n); off <= s.pos && end > s.pos {
		s.hash.Write(p[s.pos-off : n])
		s.pos = end
	}
	return n, err
}

// restart forgets what was hashed, for a request from the start.
func (s *source) restart() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.hash, s.pos = sha256.New(), 0
}

// skip hashes the bytes before offset, which the server already holds.
func (s *source) skip(offset int64) error {
	s.restart()
	return s.hashTo(offset)
}

// verify hashes what was not read and compares the whole with what was
// approved. It returns a *changedError when they differ.
func (s *source) verify(name string) error {
	if err := s.hashTo(s.size); err != nil {
		return fmt.Errorf("read media: %w", err)
	}
	info, err := s.file.Stat()
	if err != nil {
		return fmt.Errorf("read media: %w", err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	got := hex.EncodeToString(s.hash.Sum(nil))
	if got != s.want || info.Size() != s.size {
		return &changedError{source: name, want: s.want, got: got}
	}
	return nil
}

// hashTo advances the hash to position end.
func (s *source) hashTo(end int64) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if end <= s.pos {
		return nil
	}
	n, err := io.Copy(s.hash, io.NewSectionReader(s.file, s.pos, end-s.pos))
	s.pos += n
	if err == nil && s.pos < end {
		err = io.ErrUnexpectedEOF
	}
	return err
}

// Close closes the file.
func (s *source) Close() error { return s.file.Close() }
