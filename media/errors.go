package media

import (
	"errors"
	"fmt"
	"io/fs"

	"storyform/story"
)

// Error says why a file can't serve as a story's media at all. Its texts name
// no path, as the caller knows how the user wrote it.
type Error struct {
	Summary string // short, without user data
	Detail  string // full sentences: what, why, what to do
	err     error
}

// Error joins both texts.
func (e *Error) Error() string { return e.Summary + ": " + e.Detail }

// Unwrap returns the cause, such as an error that matches fs.ErrNotExist.
func (e *Error) Unwrap() error { return e.err }

// Diagnostic returns the two texts of a diagnostic.
func (e *Error) Diagnostic() (summary, detail string) { return e.Summary, e.Detail }

// fail makes an Error.
func fail(cause error, summary, detail string, args ...any) *Error {
	return &Error{Summary: summary, Detail: fmt.Sprintf(detail, args...), err: cause}
}

// openError turns a failure to open, stat or read a file into an Error.
func openError(err error) *Error {
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return fail(err, "Media file not found",
			"There is no such file. Media paths are relative to the file that names them; check the spelling, upper and lower case included, and that the file is committed.")
	case errors.Is(err, fs.ErrPermission):
		return fail(err, "Media file can't be read",
			"The user who runs this may not read the file. Give it read permission (chmod a+r).")
	}
	cause := err
	if p, ok := errors.AsType[*fs.PathError](err); ok {
		cause = p.Err // without the machine's path
	}
	return fail(err, "Media file can't be read", "Reading it failed: %v.", cause)
}

var errLFS = errors.New("git LFS pointer")

// The mistakes that are told by the first bytes of a file.

func folderError() *Error {
	return fail(nil, "Media path is a folder", "A story shows one file. Name the photo or video in that folder.")
}

func specialError() *Error {
	return fail(nil, "Media path is not a regular file", "It is a device, a socket or a pipe, which can't be hashed and read again. Copy the media to a file.")
}

func emptyError() *Error {
	return fail(nil, "Media file is empty", "The file has 0 bytes. An export or a copy may have failed: make it again.")
}

func lfsError() *Error {
	return fail(errLFS, "Media file is a Git LFS pointer",
		"The file holds the text that Git LFS puts in place of the real media. Run\n\n    git lfs pull\n\nor, in GitHub Actions, give actions/checkout the input\n\n    lfs: true")
}

func textError(want story.Kind) *Error {
	return fail(nil, "Media file is text", "The file holds text, not a %s, whatever its name says. A download may have saved an error page: get the file again.", mediaWord(want))
}

func unknownError(want story.Kind, head []byte) *Error {
	return fail(nil, "Media format not recognised",
		"The file begins with the bytes % x, which no %s format known here does. Take a JPEG, PNG, GIF, BMP or TIFF photo, or an MP4 video.", head[:min(len(head), 8)], mediaWord(want))
}

func namedError(format string) *Error {
	return fail(nil, "Media file is neither photo nor video", "It is %s. Take a JPEG, PNG, GIF, BMP or TIFF photo, or an MP4 video.", formatName(format))
}

// kindError says that a photo stands where a video is wanted or the reverse.
func kindError(format string, is story.Kind) *Error {
	if is == story.Photo {
		hint := ""
		if format == "gif" {
			hint = " Facebook takes a GIF as a photo and may show one frame of it; convert it to MP4 if it should move."
		}
		return fail(nil, "Media file is a photo", "The file is %s, which is a photo. Write `photo` in place of `video`, or name a video.%s", formatName(format), hint)
	}
	return fail(nil, "Media file is a video", "The file is %s, which is a video. Write `video` in place of `photo`, or name a photo.", formatName(format))
}

func changedError() *Error {
	return fail(nil, "Media file changed while it was read", "Something wrote to the file at the same time. Wait until the export or copy has finished and run again.")
}

// mediaWord names what is wanted; both when either will do.
func mediaWord(want story.Kind) string {
	if want == "" {
		return "photo or video"
	}
	return string(want)
}
