package cli

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"storyform/apply"
	"storyform/internal/diag"
)

// # Interrupts
//
// The first interrupt means stop, the second leave at once. What only reads
// ends at the first one: its context is done then. What writes has a context
// that is done at the second, and asks between its steps whether it is to
// stop. Apply is both: it reads while it plans and asks, and writes then.

// wholeKey finds the context that ends at the second interrupt.
type wholeKey struct{}

// whole is the context that ends at the second interrupt.
func whole(ctx context.Context) context.Context {
	if w, ok := ctx.Value(wholeKey{}).(context.Context); ok {
		return w
	}
	return ctx
}

// stoppable derives a context that ends at the first interrupt.
func (a *app) stoppable(ctx context.Context) context.Context {
	if a.Stop == nil {
		return ctx
	}
	soft, cancel := context.WithCancel(context.WithValue(ctx, wholeKey{}, ctx))
	a.cleanup = append(a.cleanup, cancel)
	if a.stopped() {
		cancel() // at once: what only reads may be done before anything else runs
		return soft
	}
	go func() {
		select {
		case <-a.Stop:
			cancel()
		case <-soft.Done():
		}
	}()
	return soft
}

// unstoppable are the commands that don't end in their middle at the first
// interrupt: what they write is done in a moment, or they wait for it
// themselves.
var unstoppable = append(slices.DeleteFunc(strings.Split(locking, ","), func(name string) bool { return name == "apply" }), "force-unlock", "sandbox")

// stopAtFirst gives a command that only reads a context that ends at the first
// interrupt, and tells an error that comes from that for what it is.
func (a *app) stopAtFirst(root *cobra.Command) {
	each(root, func(cmd *cobra.Command) {
		name := strings.TrimPrefix(cmd.CommandPath(), root.Name()+" ")
		run := cmd.RunE
		if run == nil || slices.Contains(unstoppable, name) {
			return
		}
		cmd.RunE = func(cmd *cobra.Command, args []string) error {
			cmd.SetContext(a.stoppable(cmd.Context()))
			err := run(cmd, args)
			if err != nil && name != "apply" { // which says it itself, before it writes
				return a.orInterrupted(err)
			}
			return err
		}
	})
}

// orInterrupted is an error, or the interrupt that it comes from.
func (a *app) orInterrupted(err error) error {
	if err != errInterrupted && a.stopped() {
		return a.interrupted()
	}
	return err
}

// interrupted ends a command that an interrupt has kept from its work before
// it did anything.
func (a *app) interrupted() error {
	if a.StderrTerminal {
		fmt.Fprintln(a.Stderr) // the terminal has written ^C
	}
	return &exitError{code: apply.ExitInterrupted, diags: diag.Diagnostics{diag.Errorf("Interrupted", "Nothing was done.")}}
}

// stdin is standard input; an interrupt ends the wait for what somebody types.
type stdin struct {
	in   io.Reader
	stop <-chan struct{}
}

// Read reads, or fails with errInterrupted.
func (s *stdin) Read(p []byte) (int, error) {
	type read struct {
		data []byte
		err  error
	}
	got := make(chan read, 1)
	go func() { // stays behind after an interrupt: nothing else ends a read of a terminal
		data := make([]byte, len(p))
		n, err := s.in.Read(data)
		got <- read{data[:n], err}
	}()
	select {
	case r := <-got:
		return copy(p, r.data), r.err
	case <-s.stop: // nil blocks for ever
		return 0, errInterrupted
	}
}

// errInterrupted says that an interrupt came while something was to be typed.
var errInterrupted error = &exitError{code: apply.ExitInterrupted}
