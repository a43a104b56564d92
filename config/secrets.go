package config

import (
	"bytes"
	"regexp"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/zclconf/go-cty/cty"

	"storyform/internal/diag"
)

// A token in a file is a leak already, and a diagnostic that quotes it would
// leak it further, into the log of a build. So tokens are looked for in all
// source before anything can be said about it, and what is found is masked in
// every message, every value and every snippet of this Load.

// tokenShape matches what access tokens of Meta look like: one of a user or a
// Page begins with EAA and is long, one of an app is its id, a bar, and a
// secret. Source: tokens in Meta's documentation and in public issue threads,
// November 2026; the form is not documented.
var tokenShape = regexp.MustCompile(`\bEAA[A-Za-z0-9_-]{30,}|\b[0-9]{13,18}(?:\||%7[Cc])[A-Za-z0-9_-]{20,}`)

// findTokens reports access tokens in source and remembers them.
func (l *loader) findTokens(src []byte, name string) {
	l.findSecretKeys(src, name)
	if !bytes.Contains(src, []byte("EAA")) && !bytes.ContainsRune(src, '|') && !bytes.Contains(src, []byte("%7")) {
		return // the expression is slow
	}
	for _, at := range tokenShape.FindAllIndex(src, 50) {
		l.secrets = append(l.secrets, string(src[at[0]:at[1]]))
		l.sources[name] = src
		l.report(noAddress, errAt(rangeIn(src, name, at[0], at[1]), "Access token in the configuration",
			"This looks like an access token. A token must never be in a file or on a command line: revoke it, "+
				"put a new one into an environment variable, and write the name of that variable into token_env."))
	}
}

// rangeIn makes the range of the bytes from start to end of source. Columns
// count bytes, which tokens and what stands before them mostly are.
func rangeIn(src []byte, name string, start, end int) hcl.Range {
	pos := func(at int) hcl.Pos {
		line := bytes.LastIndexByte(src[:at], '\n') + 1
		return hcl.Pos{Line: 1 + bytes.Count(src[:at], []byte{'\n'}), Column: 1 + len([]rune(string(src[line:at]))), Byte: at}
	}
	return hcl.Range{Filename: name, Start: pos(start), End: pos(end)}
}

// looksSecret reports whether s is more probably a token or another secret
// than the name of something.
func looksSecret(s string) bool {
	if tokenShape.MatchString(s) || strings.ContainsRune(s, '|') {
		return true
	}
	lower := strings.ContainsFunc(s, func(r rune) bool { return r >= 'a' && r <= 'z' })
	upper := strings.ContainsFunc(s, func(r rune) bool { return r >= 'A' && r <= 'Z' })
	digit := strings.ContainsFunc(s, func(r rune) bool { return r >= '0' && r <= '9' })
	switch {
	case strings.HasPrefix(s, "EAA") && lower:
		return len(s) >= 10
	case lower && upper && digit:
		return len(s) >= 32
	}
	return len(s) > 100
}

// keepSecret remembers the strings in a sensitive value. Short ones are left
// out: masking every "on" would make messages unreadable and protect nothing.
func (l *loader) keepSecret(v cty.Value) {
	_ = cty.Walk(v, func(_ cty.Path, e cty.Value) (bool, error) {
		e, _ = e.Unmark()
		if e.Type() == cty.String && e.IsKnown() && !e.IsNull() {
			l.addSecret(e.AsString())
		}
		return true, nil
	})
}

// addSecret remembers a text that must not be shown.
func (l *loader) addSecret(s string) {
	if len(s) >= 8 && !slices.Contains(l.secrets, s) && len(l.secrets) < 200 {
		l.secrets = append(l.secrets, s)
	}
}

// hide replaces every secret in text.
func (l *loader) hide(text string) string {
	for _, s := range l.secrets {
		text = strings.ReplaceAll(text, s, sensitiveText)
	}
	return text
}

// scrub takes secrets out of a diagnostic.
func (l *loader) scrub(d diag.Diagnostic) diag.Diagnostic {
	if len(l.secrets) == 0 {
		return d
	}
	d.Detail, d.In, d.Address = l.hide(d.Detail), l.hide(d.In), l.hide(d.Address)
	values := slices.Clone(d.Values)
	for i := range values {
		values[i] = diag.Value{Expr: l.hide(values[i].Expr), Text: l.hide(values[i].Text)}
	}
	d.Values = values
	return d
}

// scrubSources returns the sources with every secret masked, byte for byte,
// so that ranges still fit.
func (l *loader) scrubSources() map[string][]byte {
	for name, src := range l.sources {
		for _, s := range l.secrets {
			src = bytes.ReplaceAll(src, []byte(s), bytes.Repeat([]byte{'*'}, len(s)))
		}
		l.sources[name] = src
	}
	return l.sources
}
