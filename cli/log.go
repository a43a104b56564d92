package cli

import (
	"log/slog"
	"strings"
)

// logger is the debug log that STORYFORM_LOG switches on. What reaches it has
// no tokens: graphapi logs none.
func (a *app) logger() *slog.Logger {
	levels := map[string]slog.Level{
		"trace": slog.LevelDebug - 4, "debug": slog.LevelDebug, "info": slog.LevelInfo, "warn": slog.LevelWarn, "error": slog.LevelError,
		"json": slog.LevelDebug,
	}
	name := strings.ToLower(a.Getenv("STORYFORM_LOG"))
	level, ok := levels[name]
	if !ok {
		return slog.New(slog.DiscardHandler)
	}
	options := &slog.HandlerOptions{Level: level}
	if name == "json" {
		return slog.New(slog.NewJSONHandler(a.Stderr, options))
	}
	return slog.New(slog.NewTextHandler(a.Stderr, options))
}
