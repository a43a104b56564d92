package sandbox

import (
	"net/http"
	"strings"
)

// isControl reports whether a path is for the simulator itself.
func isControl(path string) bool {
	return path == "/_sandbox" || strings.HasPrefix(path, "/_sandbox/")
}

func (s *Server) controlHandler() http.Handler { return http.NotFoundHandler() }
