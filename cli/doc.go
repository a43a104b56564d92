// Package cli is the command line: it reads flags, wires the other packages
// together, prompts, prints and chooses the exit code. Each command has a
// file. No other package writes to the terminal, reads the environment or
// ends the process.
//
// Results go to standard output and everything else (diagnostics, progress,
// prompts) to standard error, so that a result can be redirected.
package cli
