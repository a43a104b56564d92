package cli

import (
	"io"
	"log/slog"
	"os"
	"strings"

	"storyform/internal/diag"
)

// logLevels are the values of STORYFORM_LOG; json is debug as lines of JSON.
var logLevels = map[string]slog.Level{
	"trace": slog.LevelDebug - 4, "debug": slog.LevelDebug, "info": slog.LevelInfo, "warn": slog.LevelWarn, "error": slog.LevelError,
	"json": slog.LevelDebug,
}

// logger is the debug log that STORYFORM_LOG switches on, to standard error or
// appended to the file STORYFORM_LOG_PATH. What reaches it has no tokens:
// graphapi logs none.
func (a *app) logger() *slog.Logger {
	name := strings.ToLower(strings.TrimSpace(a.Getenv("STORYFORM_LOG")))
	level, ok := logLevels[name]
	switch {
	case name == "" || name == "off":
		return slog.New(slog.DiscardHandler)
	case !ok:
		a.diagnose(diag.Diagnostics{diag.Warnf("Unknown log level", "STORYFORM_LOG is %q. The levels are TRACE, DEBUG, INFO, WARN and ERROR; JSON is DEBUG as lines of JSON; OFF is none.", name)})
		return slog.New(slog.DiscardHandler)
	}
	w := a.logWriter()
	options := &slog.HandlerOptions{Level: level}
	if name == "json" {
		return slog.New(slog.NewJSONHandler(w, options))
	}
	return slog.New(slog.NewTextHandler(w, options))
}

// logWriter is where the log goes.
func (a *app) logWriter() io.Writer {
	name := a.Getenv("STORYFORM_LOG_PATH")
	if name == "" {
		return a.Stderr
	}
	f, err := os.OpenFile(a.path(name), os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o600)
	if err != nil {
		a.diagnose(diag.Diagnostics{diag.Warnf("Log can't be written", "STORYFORM_LOG_PATH: %v. The log goes to standard error.", err)})
		return a.Stderr
	}
	a.cleanup = append(a.cleanup, func() { f.Close() })
	return f
}
