package cli

import (
	"io"
	"os"
	"strings"

	"golang.org/x/term"

	"storyform/internal/clock"
)

// Env is the world as the program sees it. Everything that is read or written
// outside of files comes through it, so that the whole program can be run in
// a test.
type Env struct {
	Args    []string // without the program's name
	Environ []string // NAME=value
	Dir     string   // the working directory
	Stdin   io.Reader
	Stdout  io.Writer
	Stderr  io.Writer
	Clock   clock.Clock
	// Stop, when closed, asks to begin nothing new and to save.
	Stop <-chan struct{}
	// StdinTerminal, StdoutTerminal and StderrTerminal say what is a terminal;
	// Width is the width of the terminal, 0 when there is none.
	StdinTerminal, StdoutTerminal, StderrTerminal bool
	Width                                         int
	// Crash is called at each crash point of apply; nil outside of tests.
	Crash func(point string)
}

// System is the world of a real process.
func System() Env {
	env := Env{
		Args: os.Args[1:], Environ: os.Environ(),
		Stdin: os.Stdin, Stdout: os.Stdout, Stderr: os.Stderr,
		Clock:          clock.System(),
		StdinTerminal:  term.IsTerminal(int(os.Stdin.Fd())),
		StdoutTerminal: term.IsTerminal(int(os.Stdout.Fd())),
		StderrTerminal: term.IsTerminal(int(os.Stderr.Fd())),
	}
	env.Dir, _ = os.Getwd() // without one, relative paths fail with their own message
	if env.StdoutTerminal {
		env.Width, _, _ = term.GetSize(int(os.Stdout.Fd()))
	}
	return env
}

// Getenv is the value of an environment variable, "" when it is not set.
func (e *Env) Getenv(name string) string {
	value, _ := e.LookupEnv(name)
	return value
}

// LookupEnv is the value of an environment variable, and whether it is set.
func (e *Env) LookupEnv(name string) (string, bool) {
	for i := len(e.Environ) - 1; i >= 0; i-- {
		if value, ok := strings.CutPrefix(e.Environ[i], name+"="); ok {
			return value, true
		}
	}
	return "", false
}

// automated reports whether a wrapper runs the program, which knows by itself
// what comes next.
func (e *Env) automated() bool {
	return truthy(e.Getenv("STORYFORM_IN_AUTOMATION")) || truthy(e.Getenv("TF_IN_AUTOMATION"))
}

// truthy reports whether a switch in the environment is on.
func truthy(value string) bool {
	switch strings.ToLower(value) {
	case "", "0", "false", "no", "off":
		return false
	}
	return true
}
