// Package parallel runs functions at once, a bounded number at a time, and
// brings a panic of one of them back to the goroutine that waits: there it
// can be told without secrets, and it still ends the program.
package parallel

import (
	"fmt"
	"runtime/debug"
	"sync"

	"golang.org/x/sync/errgroup"
)

// Panic is the value with which Wait panics after one of the functions did.
type Panic struct {
	Value any
	Stack string // of the goroutine that panicked
}

// String is the value and where it came from.
func (p *Panic) String() string { return fmt.Sprintf("%v\n\n%s", p.Value, p.Stack) }

// Group is a set of functions. The zero value has no limit.
type Group struct {
	group errgroup.Group
	mu    sync.Mutex
	first *Panic
}

// WithLimit returns a group that runs at most n functions at a time, one at
// least.
func WithLimit(n int) *Group {
	g := new(Group)
	g.group.SetLimit(max(1, n))
	return g
}

// Go runs f, when there is room for it.
func (g *Group) Go(f func() error) {
	g.group.Go(func() error {
		defer func() {
			if v := recover(); v != nil {
				g.mu.Lock()
				defer g.mu.Unlock()
				if g.first == nil {
					g.first = &Panic{Value: v, Stack: string(debug.Stack())}
				}
			}
		}()
		return f()
	})
}

// Wait waits for all functions and returns their first error. If one of them
// panicked, Wait panics with a *Panic instead.
func (g *Group) Wait() error {
	err := g.group.Wait()
	if g.first != nil {
		panic(g.first)
	}
	return err
}
