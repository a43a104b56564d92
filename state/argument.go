package state

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"storyform/internal/suggest"
)

// Argument is one argument of a backend block: a row of its documentation and
// what its values are checked against.
type Argument struct {
	Name        string
	Required    bool
	Description string // a sentence without its full stop
}

// ArgumentError says what is wrong with one argument of a backend block.
type ArgumentError struct {
	Name    string // of the argument, or of the environment variable that it came from
	Missing bool   // it is required and wasn't given
	text    string
}

// Error is a sentence without its full stop, with the backend and the argument
// in it.
func (e *ArgumentError) Error() string { return e.text }

// WrongArgument returns an *ArgumentError about an argument that was given.
func WrongArgument(backend, name, format string, a ...any) error {
	return &ArgumentError{Name: name, text: fmt.Sprintf("the %s backend's argument %q: %s", backend, name, fmt.Sprintf(format, a...))}
}

// CheckArguments returns an *ArgumentError about the first argument of a
// backend block that table doesn't have, or the first required one that is
// missing or empty.
func CheckArguments(backend string, table []Argument, args map[string]string) error {
	names := make([]string, len(table))
	for i, a := range table {
		names[i] = a.Name
	}
	for _, given := range slices.Sorted(maps.Keys(args)) {
		if slices.Contains(names, given) {
			continue
		}
		if near := suggest.Nearest(given, names); near != "" {
			return &ArgumentError{Name: given, text: fmt.Sprintf("the %s backend has no argument %q; did you mean %q?", backend, given, near)}
		}
		return &ArgumentError{Name: given, text: fmt.Sprintf("the %s backend has no argument %q; it takes %s", backend, given, strings.Join(names, ", "))}
	}
	for _, a := range table {
		if a.Required && args[a.Name] == "" {
			return &ArgumentError{Name: a.Name, Missing: true, text: fmt.Sprintf("the %s backend needs the argument %q: %s", backend, a.Name, a.Description)}
		}
	}
	return nil
}
