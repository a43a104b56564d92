package graphapi

import (
	"encoding/json"
	"errors"
	"strconv"
	"strings"
	"time"
	"unicode"
)

// The API is loose about types: ids come as strings or numbers, times as
// strings of Unix seconds, booleans as text. These types and functions read
// all of them without losing digits.

// maxID bounds an id or cursor that is kept.
const maxID = 512

// errBadID is the decoding error of an id that is neither a short string nor
// a whole number.
var errBadID = errors.New("an id is neither a string nor a whole number")

// objectID reads an id that is a string or a whole number, digit by digit: a
// float would lose what is above 2^53.
type objectID string

// UnmarshalJSON implements json.Unmarshaler.
func (id *objectID) UnmarshalJSON(data []byte) error {
	text, ok := looseString(data)
	if !ok || len(text) > maxID {
		return errBadID
	}
	if len(data) > 0 && data[0] != '"' && !isDigits(text) && text != "" {
		return errBadID
	}
	*id = objectID(text)
	return nil
}

// looseString reads a JSON string, or a number or boolean as it is written.
// null reads as "".
func looseString(raw json.RawMessage) (string, bool) {
	if len(raw) == 0 || string(raw) == "null" {
		return "", true
	}
	switch raw[0] {
	case '"':
		var s string
		err := json.Unmarshal(raw, &s)
		return s, err == nil
	case '{', '[':
		return "", false
	}
	return string(raw), true
}

// looseInt reads a whole number that may be quoted. Fractions are cut off.
func looseInt(raw json.RawMessage) (int64, bool) {
	text, ok := looseString(raw)
	if !ok {
		return 0, false
	}
	text = strings.TrimSpace(text)
	if n, err := strconv.ParseInt(text, 10, 64); err == nil {
		return n, true
	}
	f, err := strconv.ParseFloat(text, 64)
	if err != nil || f < -1<<52 || f > 1<<52 {
		return 0, false
	}
	return int64(f), true
}

// looseBool reads a boolean that may be quoted.
func looseBool(raw json.RawMessage) (value, ok bool) {
	text, ok := looseString(raw)
	if !ok {
		return false, false
	}
	switch strings.ToLower(strings.TrimSpace(text)) {
	case "true":
		return true, true
	case "false":
		return false, true
	}
	return false, false
}

// looseTime reads Unix seconds, quoted or not, or one of the API's date
// formats. The zero time means that it is none.
func looseTime(raw json.RawMessage) time.Time {
	if n, ok := looseInt(raw); ok {
		if n <= 0 || n > 1<<40 {
			return time.Time{}
		}
		return time.Unix(n, 0).UTC()
	}
	text, _ := looseString(raw)
	for _, layout := range []string{time.RFC3339, "2006-01-02T15:04:05-0700"} {
		if t, err := time.Parse(layout, text); err == nil {
			return t.UTC()
		}
	}
	return time.Time{}
}

// isDigits reports whether s is made of ASCII digits alone, at least one.
func isDigits(s string) bool {
	for _, r := range s {
		if r < '0' || r > '9' {
			return false
		}
	}
	return s != ""
}

// isObjectID reports whether s can stand in a path as the id of an object:
// digits, or two runs of digits joined by an underscore.
func isObjectID(s string) bool {
	if len(s) > 64 {
		return false
	}
	page, post, joined := strings.Cut(s, "_")
	return isDigits(page) && (!joined || isDigits(post))
}

// maxText bounds a text of the server that is kept, in bytes.
const maxText = 600

// clean makes a text of the server fit for one line of a terminal: no control
// or formatting characters, no long tail.
func clean(s string) string {
	cut := len(s) > maxText
	if cut {
		s = s[:maxText]
	}
	s = strings.ToValidUTF8(s, "")
	s = strings.Map(func(r rune) rune {
		switch {
		case unicode.IsSpace(r):
			return ' '
		case !unicode.IsPrint(r):
			return -1
		}
		return r
	}, s)
	s = strings.Join(strings.Fields(s), " ")
	if cut {
		s += "…"
	}
	return s
}
