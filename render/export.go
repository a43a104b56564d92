package render

// Clean makes a text from outside harmless on one line of a terminal or log;
// what is not visible text is shown as an escape.
func Clean(s string) string { return clean(s) }

// CleanLines is Clean for each line of a text of several.
func CleanLines(s string) []string { return cleanLines(s) }
