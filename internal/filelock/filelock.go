// Package filelock takes advisory locks on open files. The kernel drops them
// when the holder dies, however it dies, so that no lock outlives its process.
//
// A lock belongs to the open file, not to the process: two opens of one file
// exclude each other inside one process too. Over NFS and SMB such locks
// depend on the server; what must not go wrong may not rest on them alone.
package filelock

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"
)

// ErrBusy means that somebody else holds the lock.
var ErrBusy = errors.New("the file is locked by another process")

// Try takes an exclusive lock on f or fails at once with ErrBusy. Closing f
// releases it.
func Try(f *os.File) error {
	if err := try(f); err != nil {
		if errors.Is(err, ErrBusy) {
			return err
		}
		return fmt.Errorf("lock %s: %w", f.Name(), err)
	}
	return nil
}

// The steps in which Wait looks again.
const (
	firstPause = time.Millisecond
	lastPause  = 50 * time.Millisecond
)

// Wait takes an exclusive lock on f as soon as it is free. It tries once
// even when ctx is done, and then gives up with the cause of ctx. It looks
// again and again instead of waiting in the kernel, because a wait in the
// kernel can't be interrupted when the holder is a stopped process.
func Wait(ctx context.Context, f *os.File) error {
	for pause := firstPause; ; pause = min(2*pause, lastPause) {
		err := Try(f)
		if !errors.Is(err, ErrBusy) {
			return err
		}
		timer := time.NewTimer(pause)
		select {
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
			return fmt.Errorf("%w: %w", err, context.Cause(ctx))
		}
	}
}
