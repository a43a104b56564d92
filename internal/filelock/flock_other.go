//go:build !(darwin || dragonfly || freebsd || linux || netbsd || openbsd || windows)

package filelock

import (
	"errors"
	"os"
)

// try fails: where there are no such locks a local state isn't safe to use.
func try(*os.File) error { return errors.ErrUnsupported }
