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

// CheckArguments returns an error that names the first argument of a backend
// block that table doesn't have, or the first required one that is missing or
// empty.
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
			return fmt.Errorf("the %s backend has no argument %q; did you mean %q?", backend, given, near)
		}
		return fmt.Errorf("the %s backend has no argument %q; it takes %s", backend, given, strings.Join(names, ", "))
	}
	for _, a := range table {
		if a.Required && args[a.Name] == "" {
			return fmt.Errorf("the %s backend needs the argument %q: %s", backend, a.Name, a.Description)
		}
	}
	return nil
}
