package filelock

import (
	"errors"
	"os"

	"golang.org/x/sys/windows"
)

// Windows enforces locks: a locked range can't even be read by others. So
// the lock is taken on one byte far behind the content.
const lockedOffsetHigh = 1 << 30

// try takes the lock with LockFileEx, which belongs to the handle.
func try(f *os.File) error {
	conn, err := f.SyscallConn()
	if err != nil {
		return err
	}
	var lockErr error
	err = conn.Control(func(fd uintptr) {
		at := &windows.Overlapped{OffsetHigh: lockedOffsetHigh}
		lockErr = windows.LockFileEx(windows.Handle(fd),
			windows.LOCKFILE_EXCLUSIVE_LOCK|windows.LOCKFILE_FAIL_IMMEDIATELY, 0, 1, 0, at)
	})
	switch {
	case err != nil:
		return err
	case errors.Is(lockErr, windows.ERROR_LOCK_VIOLATION), errors.Is(lockErr, windows.ERROR_IO_PENDING):
		return ErrBusy
	}
	return lockErr
}
