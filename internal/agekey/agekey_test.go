package agekey

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"filippo.io/age"
)

// key is a new pair of the classic kind, as text.
func key(t testing.TB) (public, secret string) {
	t.Helper()
	id, err := age.GenerateX25519Identity()
	if err != nil {
		t.Fatal(err)
	}
	return id.Recipient().String(), id.String()
}

// hybridKey is a new pair of the hybrid kind, as text.
func hybridKey(t testing.TB) (public, secret string) {
	t.Helper()
	id, err := age.GenerateHybridIdentity()
	if err != nil {
		t.Fatal(err)
	}
	return id.Recipient().String(), id.String()
}

func TestRecipients(t *testing.T) {
	public, secret := key(t)
	other, _ := key(t)
	hybrid, hybridSecret := hybridKey(t)
	hybrid2, _ := hybridKey(t)
	for _, test := range []struct {
		name  string
		texts []string
		n     int
		want  string
	}{
		{"one", []string{public}, 1, ""},
		{"two", []string{public, other}, 2, ""},
		{"twice", []string{public, " " + public + "\n"}, 1, ""},
		{"hybrid", []string{hybrid, hybrid2}, 2, ""},
		{"both kinds", []string{public, hybrid}, 0, "use one kind"},
		{"none", nil, 0, "no recipient"},
		{"empty", []string{""}, 0, "doesn't begin with age1"},
		{"cut off", []string{public[:30]}, 0, "cut off or mistyped"},
		{"hybrid cut off", []string{hybrid[:300]}, 0, "cut off or mistyped"},
		{"mistyped", []string{public, public[:20] + "zz" + public[22:]}, 0, "recipient 2"},
		{"secret", []string{secret}, 0, "secret key"},
		{"hybrid secret", []string{hybridSecret}, 0, "secret key"},
		{"secret in lower case", []string{strings.ToLower(secret)}, 0, "secret key"},
		{"cut off secret", []string{secret[:30]}, 0, "secret key"},
		{"plugin", []string{"age1yubikey1qwt50d05nh5vutpdzmlg5wn80xq5negm4uj9ghv0snvdd3yysf5yw3rhl3t"}, 0, "plugin"},
		{"ssh", []string{"ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIDw someone"}, 0, "SSH"},
		{"no point", []string{"age1qqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqrcl3sl"}, 0, "recipient"},
		{"many", make([]string, MaxRecipients+1), 0, "more than 32"},
	} {
		t.Run(test.name, func(t *testing.T) {
			got, err := Recipients(test.texts)
			if test.want == "" && (err != nil || len(got) != test.n) {
				t.Fatalf("got %d recipients, error %v, want %d", len(got), err, test.n)
			}
			if test.want != "" && (err == nil || !strings.Contains(err.Error(), test.want)) {
				t.Errorf("got error %v, want %q", err, test.want)
			}
		})
	}
	if _, err := Recipients([]string{public, secret}); !errors.Is(err, ErrSecret) {
		t.Errorf("got error %v, want %v", err, ErrSecret)
	}
}

func TestIdentities(t *testing.T) {
	public, secret := key(t)
	_, hybridSecret := hybridKey(t)
	for _, test := range []struct {
		name, text string
		n          int
		want       string
	}{
		{"one", secret, 1, ""},
		{"a file", "# created: 2026-12-20T02:00:00Z\r\n# public key: " + public + "\r\n" + secret + "\r\n\r\n", 1, ""},
		{"several", secret + "\n" + hybridSecret + "\n", 2, ""},
		{"none", "\n# nothing\n", 0, "no secret key"},
		{"empty", "", 0, "no secret key"},
		{"public", public, 0, "line 1 is a public key"},
		{"cut off", secret + "\n" + secret[:len(secret)-9], 0, "line 2 is a secret key that is cut off"},
		{"hybrid cut off", hybridSecret[:60], 0, "cut off"},
		{"something else", "hunter2hunter2", 0, "no secret key of age"},
		{"many", strings.Repeat(secret+"\n", maxIdentities+1), 0, "more than 64"},
	} {
		t.Run(test.name, func(t *testing.T) {
			got, err := Identities(test.text)
			if test.want == "" && (err != nil || len(got) != test.n) {
				t.Fatalf("got %d identities, error %v, want %d", len(got), err, test.n)
			}
			if test.want != "" && (err == nil || !strings.Contains(err.Error(), test.want)) {
				t.Errorf("got error %v, want %q", err, test.want)
			}
		})
	}
}

func TestMask(t *testing.T) {
	_, secret := key(t)
	_, hybrid := hybridKey(t)
	for _, s := range []string{secret, hybrid, strings.ToLower(secret), secret[:40]} {
		if got := Mask("a " + s + ", b"); got != "a ********, b" {
			t.Errorf("got %q", got)
		}
	}
	for _, s := range []string{"AGE-SECRET-KEY-…", "see age-secret-key-rotation", "AGE-SECRET-KEY-1…"} {
		if got := Mask(s); got != s {
			t.Errorf("got %q, want %q: it is no key", got, s)
		}
	}
}

// Whatever is given for a key, no error repeats a part of it.
func FuzzKeys(f *testing.F) {
	public, secret := key(f)
	_, hybrid := hybridKey(f)
	for _, s := range []string{public, secret, hybrid, secret[:50], "AGE-SECRET-KEY-1\xff", "age1pq1" + public, "#\n" + secret + "\n" + public} {
		f.Add(s)
	}
	var own strings.Builder // what the errors say by themselves
	for _, s := range []string{"", "x", "age1x", "ssh-", "AGE-SECRET-KEY-1", public[:20]} {
		_, err1 := Recipients([]string{s})
		_, err2 := Identities(s)
		fmt.Fprintln(&own, err1, err2)
	}
	f.Fuzz(func(t *testing.T, text string) {
		_, err1 := Recipients([]string{text})
		_, err2 := Identities(text)
		for _, err := range []error{err1, err2} {
			for i := 0; err != nil && i+12 <= len(text); i++ {
				if part := text[i : i+12]; strings.Contains(err.Error(), part) && !strings.Contains(own.String(), part) {
					t.Errorf("%v has %q", err, part)
				}
			}
		}
	})
}
