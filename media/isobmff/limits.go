package isobmff

import (
	"errors"
	"fmt"
)

// The limits of what is looked at. A story has at most 60 seconds, 3600
// frames at 60 per second; these leave ample room.
const (
	maxIndex   = 64 << 20 // bytes of moov, and of all moof boxes together
	maxTop     = 50_000   // boxes at the top level of a file
	maxTracks  = 64
	maxFrames  = 1_000_000 // frames of the picture track that is judged
	maxExtents = 1_000_000 // chunks and fragment runs of all tracks
	maxLooks   = 48        // sync samples whose first bytes are read
	maxNAL     = 8 << 10   // bytes of one parameter set or SEI message
)

// The kinds of failure of Read.
var (
	// ErrNotISO means that the file is not an MP4 or MOV file.
	ErrNotISO = errors.New("not an MP4 or MOV file")
	// ErrTruncated means that the file ends before its index (moov) does, or
	// has none: nothing can play it.
	ErrTruncated = errors.New("the file is cut off")
	// ErrMalformed means that the index contradicts itself.
	ErrMalformed = errors.New("the index of the file is damaged")
	// ErrLimit means that the file is larger in some respect than what this
	// package looks at. It may be valid.
	ErrLimit = errors.New("beyond what is looked at")
)

// malformed wraps ErrMalformed with what is wrong.
func malformed(format string, args ...any) error {
	return fmt.Errorf("%w: "+format, append([]any{ErrMalformed}, args...)...)
}

// limit wraps ErrLimit with what is too large.
func limit(format string, args ...any) error {
	return fmt.Errorf("%w: "+format, append([]any{ErrLimit}, args...)...)
}
