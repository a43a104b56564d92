// Package isobmff reads the facts about a video that an MP4 or MOV file (ISO
// base media file format, ISO/IEC 14496-12, and its ancestor QuickTime)
// tells without decoding a picture: tracks, codecs, displayed size, frame
// times, groups of pictures, audio format, and whether bytes are missing.
//
// Read looks at the index of the file, at the parameter sets of its codecs
// and at the first bytes of a few sync samples. It never reads the media
// themselves, so a file of 1 GB costs as much as one of 1 MB.
//
// The input is not trusted. Every size and count of the file is checked
// against the bytes that are there before anything is allocated for it, and
// what has no bytes behind it (run lengths, samples of one fixed size) is
// bounded by the limits in limits.go. A file beyond a limit is reported with
// ErrLimit: it may be valid, it is just not looked at.
package isobmff
