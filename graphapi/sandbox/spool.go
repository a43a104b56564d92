package sandbox

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// maxSpooled is how many photos the spool keeps; the oldest go first.
const maxSpooled = 300

// spooled is a photo on its way into the spool. A nil spooled keeps nothing;
// trouble with the spool costs a picture on a page, never a request.
type spooled struct {
	file *os.File
	dir  string
	bad  bool
}

// spoolFile begins to keep a photo.
func (s *Server) spoolFile() *spooled {
	dir := s.opts.Spool
	if dir == "" || os.MkdirAll(dir, 0o700) != nil {
		return nil
	}
	f, err := os.CreateTemp(dir, ".new-*")
	if err != nil {
		return nil
	}
	return &spooled{file: f, dir: dir}
}

// write takes bytes.
func (s *spooled) write(p []byte) {
	if s == nil || s.bad {
		return
	}
	_, err := s.file.Write(p)
	s.bad = err != nil
}

// keep puts the photo into the spool under its hash.
func (s *spooled) keep(sha string) {
	if s == nil || s.bad || s.file == nil {
		return
	}
	name := s.file.Name()
	closed := s.file.Close()
	s.file = nil
	if closed != nil || os.Rename(name, filepath.Join(s.dir, sha)) != nil {
		os.Remove(name)
		return
	}
	s.prune()
}

// drop throws the photo away, unless it was kept.
func (s *spooled) drop() {
	if s == nil || s.file == nil {
		return
	}
	s.file.Close()
	os.Remove(s.file.Name())
	s.file = nil
}

// prune removes the oldest photos over the limit.
func (s *spooled) prune() {
	entries, err := os.ReadDir(s.dir)
	if err != nil || len(entries) <= maxSpooled {
		return
	}
	type aged struct {
		name string
		at   time.Time
	}
	var files []aged
	for _, e := range entries {
		if info, err := e.Info(); err == nil && isSHA256(e.Name()) {
			files = append(files, aged{e.Name(), info.ModTime()})
		}
	}
	slices.SortFunc(files, func(a, b aged) int { return a.at.Compare(b.at) })
	for _, f := range files[:max(0, len(files)-maxSpooled)] {
		os.Remove(filepath.Join(s.dir, f.name))
	}
}

// isSHA256 reports whether text is a hash in lowercase hex.
func isSHA256(text string) bool {
	return len(text) == 64 && strings.Trim(text, "0123456789abcdef") == ""
}
