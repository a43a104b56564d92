package cli

import (
	"io"
	"sync"
)

// screens are standard output and standard error as a person sees them: on one
// terminal, or in one log of CI. Messages stand apart there from what is before
// and behind them by an empty line. It goes to standard error, so that standard
// output has what was asked for and nothing else.
type screens struct {
	stderr io.Writer

	mu    sync.Mutex
	tail  string // the last two bytes; "" before the first
	apart bool   // what comes next stands apart
}

// screenWriter is one of the two, which tells the other what it wrote.
type screenWriter struct {
	screens *screens
	w       io.Writer
}

// share lets the streams of an invocation know of each other.
func (e *Env) share() *screens {
	s := &screens{stderr: e.Stderr}
	e.Stdout, e.Stderr = &screenWriter{s, e.Stdout}, &screenWriter{s, e.Stderr}
	return s
}

// Write writes p, behind an empty line where it has to stand apart.
func (w *screenWriter) Write(p []byte) (int, error) {
	s := w.screens
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(p) > 0 {
		if s.apart && p[0] != '\n' {
			_, _ = io.WriteString(s.stderr, "\n") // what can't be told is lost, as what follows would be
		}
		s.apart = false
		s.tail += string(p[max(0, len(p)-2):])
		s.tail = s.tail[max(0, len(s.tail)-2):]
	}
	return w.w.Write(p)
}

// standApart makes what is written next stand apart from what was written.
func (s *screens) standApart() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.apart = s.tail != "" && s.tail != "\n\n" && s.tail != "\n"
}
