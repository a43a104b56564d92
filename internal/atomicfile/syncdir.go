//go:build !windows

package atomicfile

import (
	"errors"
	"os"
	"syscall"
)

// syncDir calls fsync on an open folder. Some network and user-space file
// systems have no such call for folders; there is nothing better to do there.
func syncDir(d *os.File) error {
	err := d.Sync()
	if errors.Is(err, syscall.EINVAL) || errors.Is(err, errors.ErrUnsupported) {
		return nil
	}
	return err
}
