package graphapi

import (
	"bytes"
	"encoding/gob"
	"encoding/json"
	"encoding/xml"
	"fmt"
	"log/slog"
	"testing"
)

// TestTokenIsNeverShown prints a token in every way that comes to mind,
// alone and inside structures whose fields a printer can't call methods of.
func TestTokenIsNeverShown(t *testing.T) {
	token := NewToken("  " + tokenText + "\n")
	type hidden struct {
		token  Token
		Public *Token
	}
	values := map[string]any{
		"token": token, "pointer": &token, "slice": []Token{token}, "map": map[string]Token{"a": token},
		"hidden field": hidden{token, &token}, "pointer to hidden": &hidden{token, &token},
		"options": Options{AppSecret: token},
	}
	for name, v := range values {
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d", "%T", "%p", "%t", "%o", "%U", "%c", "%e", "%10.3s"} {
			secretFree(t, name+" under "+verb, fmt.Sprintf(verb, v))
		}
		if doc, err := json.Marshal(v); err == nil {
			secretFree(t, name+" in JSON", string(doc))
		}
		var text, doc bytes.Buffer
		slog.New(slog.NewTextHandler(&text, nil)).Info("x", "v", v)
		slog.New(slog.NewJSONHandler(&doc, nil)).Info("x", "v", v)
		secretFree(t, name+" in a log", text.String()+doc.String())
	}
	var stream bytes.Buffer
	if err := gob.NewEncoder(&stream).Encode(struct{ T Token }{token}); err != nil {
		t.Errorf("gob: %v", err)
	}
	secretFree(t, "gob", stream.String())
	doc, _ := xml.Marshal(token)
	secretFree(t, "xml", string(doc))
	if got, want := fmt.Sprintf("%v %s %+v %#v", token, token, token, token), "REDACTED REDACTED REDACTED REDACTED"; got != want {
		t.Errorf("printed as %q, want %q", got, want)
	}
	if got := token.text(); got != tokenText {
		t.Errorf("text() is not the token without the white space around it")
	}
}

func TestTokenSendable(t *testing.T) {
	for text, want := range map[string]bool{
		"abc": true, "1|a-b_c.d": true, "": false, "  \n": false, "a b": false, "a\nb": false, "a\x00b": false, "tökén": false,
	} {
		if got := NewToken(text).sendable(); got != want {
			t.Errorf("sendable(%q) = %v, want %v", text, got, want)
		}
	}
	if !NewToken(" ").IsZero() || NewToken("a").IsZero() {
		t.Error("IsZero is wrong")
	}
}

// TestProof compares with a value made by another implementation:
// printf token | openssl dgst -sha256 -hmac secret
func TestProof(t *testing.T) {
	const want = "e941110e3d2bfe82621f0e3e1434730d7305d106c5f68c87165d0b27a4611a4a"
	if got := proof(NewToken("secret"), NewToken("token")); got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}
