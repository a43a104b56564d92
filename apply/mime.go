package apply

import "path"

// mimeTypes maps a photo's format, as package media names it, to the content
// type of the upload.
var mimeTypes = map[string]string{
	"jpeg": "image/jpeg",
	"png":  "image/png",
	"gif":  "image/gif",
	"bmp":  "image/bmp",
	"tiff": "image/tiff",
}

// mimeOf is the content type of a photo format.
func mimeOf(format string) string {
	if t, ok := mimeTypes[format]; ok {
		return t
	}
	return "application/octet-stream"
}

// fileName is the name that an upload carries: the last element of a source.
func fileName(source string) string { return path.Base(source) }
