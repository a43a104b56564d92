package cli

import (
	"errors"
	"fmt"

	"storyform/internal/diag"
)

// exitError ends the program with a code. What it wants to say it has said,
// unless it has diagnostics, which Main prints.
type exitError struct {
	code  int
	diags diag.Diagnostics
}

// Error lists what is wrong, for tests.
func (e *exitError) Error() string {
	if len(e.diags) == 0 {
		return fmt.Sprintf("exit code %d", e.code)
	}
	return e.diags[0].String()
}

// exit ends the program with a code and nothing more to say.
func exit(code int) error {
	if code == 0 {
		return nil
	}
	return &exitError{code: code}
}

// fail ends the program with exit code 1 and an error for the user.
func fail(summary, detail string, args ...any) error {
	return &exitError{code: 1, diags: diag.Diagnostics{diag.Errorf(summary, detail, args...)}}
}

// failWith ends the program with exit code 1 and diagnostics.
func failWith(ds diag.Diagnostics) error { return &exitError{code: 1, diags: ds} }

// asExit brings any error into the form that Main prints: a bare error gets
// the operation as its summary.
func asExit(err error) *exitError {
	if ee, ok := errors.AsType[*exitError](err); ok {
		return ee
	}
	return &exitError{code: 1, diags: diag.Diagnostics{{Severity: diag.Error, Summary: "Operation failed", Detail: err.Error()}}}
}
