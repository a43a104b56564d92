package graphapi

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"log/slog"
	"strings"
)

// redacted is how a secret shows itself.
const redacted = "REDACTED"

// Token is an access token, or the app secret. It prints as REDACTED under
// every verb and in every encoding; only this package can read it. The text
// is held by a function and not by a field, so that printers which look into
// unexported fields by reflection find an address and no text.
type Token struct{ reveal func() string }

// NewToken makes a token of the text that a secret store holds. White space
// around it, such as the line end that secret stores of CI systems like to
// add, is taken off.
func NewToken(text string) Token {
	text = strings.TrimSpace(text)
	if text == "" {
		return Token{}
	}
	return Token{reveal: func() string { return text }}
}

// text is the secret itself; "" for the zero value.
func (t Token) text() string {
	if t.reveal == nil {
		return ""
	}
	return t.reveal()
}

// IsZero reports whether there is no token.
func (t Token) IsZero() bool { return t.reveal == nil }

// String returns REDACTED.
func (Token) String() string { return redacted }

// GoString returns REDACTED.
func (Token) GoString() string { return redacted }

// Format writes REDACTED under every verb.
func (Token) Format(f fmt.State, _ rune) { io.WriteString(f, redacted) }

// MarshalText returns REDACTED.
func (Token) MarshalText() ([]byte, error) { return []byte(redacted), nil }

// MarshalBinary returns REDACTED.
func (Token) MarshalBinary() ([]byte, error) { return []byte(redacted), nil }

// GobEncode returns REDACTED.
func (Token) GobEncode() ([]byte, error) { return []byte(redacted), nil }

// LogValue returns REDACTED.
func (Token) LogValue() slog.Value { return slog.StringValue(redacted) }

// sendable reports whether the token can be sent in a header: not empty,
// visible ASCII only.
func (t Token) sendable() bool {
	text := t.text()
	for i := range len(text) {
		if text[i] <= ' ' || text[i] > '~' {
			return false
		}
	}
	return text != ""
}

// proof is the appsecret_proof of a call made with the token t: the lowercase
// hex HMAC-SHA256 of t under the app secret.
// Source: developers.facebook.com/docs/graph-api/guides/secure-requests, 2026.
func proof(appSecret, t Token) string {
	mac := hmac.New(sha256.New, []byte(appSecret.text()))
	mac.Write([]byte(t.text()))
	return hex.EncodeToString(mac.Sum(nil))
}

// shortest is the length from which a text is taken for a secret. Masking
// shorter ones would tear ordinary words apart.
const shortest = 6

// mask replaces every occurrence of the secrets in s.
func mask(s string, secrets ...string) string {
	for _, text := range secrets {
		if len(text) >= shortest {
			s = strings.ReplaceAll(s, text, redacted)
		}
	}
	return s
}

// maskBytes is mask for the body of an answer, which then can't carry a
// secret on to where it is shown or kept.
func maskBytes(b []byte, secrets []string) []byte {
	for _, text := range secrets {
		if len(text) >= shortest {
			b = bytes.ReplaceAll(b, []byte(text), []byte(redacted))
		}
	}
	return b
}
