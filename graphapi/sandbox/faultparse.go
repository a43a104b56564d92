package sandbox

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"
)

// ParseFaults reads faults: as JSON (an object or an array of objects, with
// the field names of Fault), or as text, one fault a line or separated by
// semicolons:
//
//	EDGE [before|after] [DO] [key=value ...]
//
// EDGE is the name of an edge or any. DO is pass, reset, close, hang, cut,
// empty, html or false. The keys are nth, times (a number or always), method,
// page, cut (bytes), status, code, subcode, type, message, backoff, delay and
// header (Name:Value, repeatable); values with spaces are quoted as in Go. An
// error code or status without a DO is an error answer. Lines that begin with
// # are comments.
func ParseFaults(text string) ([]Fault, error) {
	trimmed := strings.TrimSpace(text)
	if strings.HasPrefix(trimmed, "{") || strings.HasPrefix(trimmed, "[") {
		return decodeFaults(trimmed)
	}
	var faults []Fault
	var errs []error
	for n, line := range splitFaults(text) {
		if line = strings.TrimSpace(line); line == "" || line[0] == '#' {
			continue
		}
		f, err := parseFault(line)
		if err != nil {
			errs = append(errs, fmt.Errorf("fault %d: %w", n+1, err))
			continue
		}
		faults = append(faults, f)
	}
	if len(faults) > maxFaults {
		errs = append(errs, fmt.Errorf("%d faults are too many; at most %d", len(faults), maxFaults))
	}
	if len(errs) > 0 {
		return nil, errors.Join(errs...)
	}
	return faults, nil
}

// decodeFaults reads the JSON form.
func decodeFaults(text string) ([]Fault, error) {
	var faults []Fault
	if text[0] == '{' {
		text = "[" + text + "]"
	}
	dec := json.NewDecoder(bytes.NewReader([]byte(text)))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&faults); err != nil {
		return nil, fmt.Errorf("faults: %w", err)
	}
	if dec.More() {
		return nil, errors.New("faults: there is more after the array")
	}
	if len(faults) > maxFaults {
		return nil, fmt.Errorf("%d faults are too many; at most %d", len(faults), maxFaults)
	}
	var errs []error
	for n, f := range faults {
		if err := f.Validate(); err != nil {
			errs = append(errs, fmt.Errorf("fault %d: %w", n+1, err))
		}
	}
	return faults, errors.Join(errs...)
}

// splitFaults splits at line ends and semicolons outside quotes. A line end
// always ends a fault, so that one open quote can't swallow the rest.
func splitFaults(text string) []string {
	var lines []string
	start, quoted := 0, false
	for i := 0; i < len(text); i++ {
		switch c := text[i]; {
		case c == '\\' && quoted && i+1 < len(text) && text[i+1] != '\n':
			i++
		case c == '"':
			quoted = !quoted
		case c == '\n', c == ';' && !quoted:
			lines = append(lines, text[start:i])
			start, quoted = i+1, false
		}
	}
	return append(lines, text[start:])
}

// words splits a line at spaces outside quotes; quoted stretches stay as they
// are written.
func words(line string) []string {
	var out []string
	var word strings.Builder
	quoted := false
	for i := 0; i < len(line); i++ {
		c := line[i]
		switch {
		case c == '\\' && quoted && i+1 < len(line):
			word.WriteByte(c)
			i++
			c = line[i]
		case c == '"':
			quoted = !quoted
		case !quoted && (c == ' ' || c == '\t' || c == '\r'):
			if word.Len() > 0 {
				out = append(out, word.String())
				word.Reset()
			}
			continue
		}
		word.WriteByte(c)
	}
	if word.Len() > 0 {
		out = append(out, word.String())
	}
	return out
}

// parseFault reads one line.
func parseFault(line string) (Fault, error) {
	var f Fault
	parts := words(line)
	if f.Edge = parts[0]; f.Edge == "any" {
		f.Edge = ""
	}
	for _, part := range parts[1:] {
		name, value, isKey := strings.Cut(part, "=")
		if !isKey {
			if err := f.word(part); err != nil {
				return f, err
			}
			continue
		}
		if strings.HasPrefix(value, `"`) {
			unquoted, err := strconv.Unquote(value)
			if err != nil {
				return f, fmt.Errorf("the quotes of %s are not closed well", name)
			}
			value = unquoted
		}
		if err := f.set(name, value); err != nil {
			return f, err
		}
	}
	if f.Do == "" && (f.Status != 0 || f.Code != 0 || f.Type != "") {
		f.Do = DoError
	}
	if f.Do == DoCut && f.When == "" && f.Edge != EdgeUpload && f.Edge != EdgePhotos {
		f.When = After
	}
	return f, f.Validate()
}

// word takes a word without "=": when, or what to do.
func (f *Fault) word(word string) error {
	target, what := &f.Do, "what to do"
	if word == Before || word == After {
		target, what = &f.When, "when"
	}
	if *target != "" {
		return fmt.Errorf("%s is said twice: %s and %s", what, *target, word)
	}
	*target = word
	return nil
}

// set takes one key=value.
func (f *Fault) set(name, value string) (err error) {
	number := func(target *int) {
		*target, err = strconv.Atoi(value)
	}
	duration := func(target *Duration) { err = target.UnmarshalText([]byte(value)) }
	switch name {
	case "nth":
		number(&f.Nth)
	case "times":
		if f.Times = Always; value != "always" {
			number(&f.Times)
		}
	case "method":
		f.Method = strings.ToUpper(value)
	case "page":
		f.Page = value
	case "cut":
		if f.Do != "" {
			return fmt.Errorf("what to do is said twice: %s and cut", f.Do)
		}
		f.Do = DoCut
		f.Bytes, err = strconv.ParseInt(value, 10, 64)
	case "status":
		number(&f.Status)
	case "code":
		number(&f.Code)
	case "subcode":
		number(&f.Subcode)
	case "type":
		f.Type = value
	case "message":
		f.Message = value
	case "backoff":
		duration(&f.Backoff)
	case "delay":
		duration(&f.Delay)
	case "header":
		key, text, found := strings.Cut(value, ":")
		if !found {
			return fmt.Errorf("header %q is not Name:Value", value)
		}
		if f.Header == nil {
			f.Header = map[string]string{}
		}
		f.Header[strings.TrimSpace(key)] = strings.TrimSpace(text)
	default:
		return fmt.Errorf("there is no key %q; the keys are nth times method page cut status code subcode type message backoff delay header", name)
	}
	if err != nil {
		return fmt.Errorf("%s=%s: %w", name, value, err)
	}
	return nil
}

// String renders f so that ParseFaults reads it again.
func (f Fault) String() string {
	edge := f.Edge
	if edge == "" {
		edge = "any"
	}
	parts := []string{edge}
	if f.When != "" {
		parts = append(parts, f.When)
	}
	add := func(name, value string, present bool) {
		if present {
			parts = append(parts, name+"="+quote(value))
		}
	}
	count := func(name string, n int) { add(name, strconv.Itoa(n), n != 0) }
	if f.Do == DoCut {
		add("cut", strconv.FormatInt(f.Bytes, 10), true)
	} else if f.Do != "" {
		parts = append(parts, f.Do)
	}
	count("status", f.Status)
	count("code", f.Code)
	count("subcode", f.Subcode)
	add("type", f.Type, f.Type != "")
	add("message", f.Message, f.Message != "")
	add("backoff", time.Duration(f.Backoff).String(), f.Backoff != 0)
	add("delay", time.Duration(f.Delay).String(), f.Delay != 0)
	for _, name := range slices.Sorted(maps.Keys(f.Header)) {
		add("header", name+":"+f.Header[name], true)
	}
	add("method", f.Method, f.Method != "")
	add("page", f.Page, f.Page != "")
	count("nth", f.Nth)
	if f.Times == Always {
		parts = append(parts, "times=always")
	} else {
		count("times", f.Times)
	}
	return strings.Join(parts, " ")
}

// quote writes a value, in quotes where it needs them.
func quote(value string) string {
	if value != "" && !strings.ContainsFunc(value, func(r rune) bool { return r <= ' ' || r > '~' || r == '"' || r == ';' || r == '\\' }) {
		return value
	}
	return strconv.Quote(value)
}
