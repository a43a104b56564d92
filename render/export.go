package render

// Clean makes a text from outside harmless on one line of a terminal or log;
// what is not visible text is shown as an escape.
func Clean(s string) string { return clean(s) }
