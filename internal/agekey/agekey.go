// Package agekey reads the keys of age as people give them: recipients, which
// are public, from a configuration, and identities, which are secret, from the
// environment. Only native keys are taken, of the classic kind (X25519) and of
// the hybrid one that also resists quantum computers. No error quotes a key:
// what was given in the place of a public one may be secret.
package agekey

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strings"

	"filippo.io/age"
)

// MaxRecipients is how many recipients a state may have. Each adds up to 2 kB
// to everything that is stored.
const MaxRecipients = 32

// maxIdentities is how many identities are tried.
const maxIdentities = 64

// secretShape matches the secret keys of age in either case, whole or not, and
// no words that only tell of them.
var secretShape = regexp.MustCompile(`(?i)AGE-SECRET-KEY-(?:PQ-)?1[A-Z0-9]{8,}`)

// Secrets returns where secret keys stand in text, as pairs of offsets, n of
// them at most.
func Secrets(text []byte, n int) [][]int {
	if !bytes.Contains(text, []byte("-KEY-")) && !bytes.Contains(text, []byte("-key-")) {
		return nil // the expression is slow
	}
	return secretShape.FindAllIndex(text, n)
}

// Mask replaces all secret keys in text.
func Mask(text string) string { return secretShape.ReplaceAllString(text, "********") }

// ErrSecret means that a secret key was given in place of a public one.
var ErrSecret = errors.New("this is a secret key")

// Recipient reads a public key.
func Recipient(text string) (age.Recipient, error) {
	text = strings.TrimSpace(text)
	var r age.Recipient
	var err error
	switch {
	case strings.HasPrefix(strings.ToUpper(text), "AGE-SECRET-KEY-"):
		return nil, ErrSecret
	case strings.HasPrefix(text, "ssh-"):
		return nil, errors.New("it is an SSH key, and only keys of age are taken: make one with age-keygen")
	case strings.HasPrefix(text, "age1pq1"):
		r, err = age.ParseHybridRecipient(text)
	case strings.HasPrefix(text, "age1"):
		r, err = age.ParseX25519Recipient(text)
	default:
		return nil, errors.New("it doesn't begin with age1")
	}
	if err != nil {
		return nil, errors.New("it is cut off or mistyped, or of a plugin of age, which storyform doesn't run")
	}
	return r, nil
}

// Recipients reads public keys that are to be used together. Nobody is in the
// result twice.
func Recipients(texts []string) ([]age.Recipient, error) {
	if len(texts) > MaxRecipients {
		return nil, fmt.Errorf("there are %d recipients, more than %d", len(texts), MaxRecipients)
	}
	var recipients []age.Recipient
	seen := map[string]bool{}
	for i, text := range texts {
		r, err := Recipient(text)
		if err != nil {
			return nil, fmt.Errorf("recipient %d: %w", i+1, err)
		}
		if text = strings.TrimSpace(text); !seen[text] {
			seen[text] = true
			recipients = append(recipients, r)
		}
	}
	if err := together(recipients); err != nil {
		return nil, err
	}
	return recipients, nil
}

// together finds out what is wrong with recipients as a set, by encrypting
// nothing for them.
func together(recipients []age.Recipient) error {
	if len(recipients) == 0 {
		return errors.New("there is no recipient")
	}
	hybrid := 0
	for _, r := range recipients {
		if _, ok := r.(*age.HybridRecipient); ok {
			hybrid++
		}
	}
	if hybrid > 0 && hybrid < len(recipients) {
		return errors.New("some recipients are hybrid keys (age1pq1…) and others are not: together they would be no safer than the weaker ones, so age refuses them; use one kind")
	}
	w, err := age.Encrypt(io.Discard, recipients...)
	if err == nil {
		err = w.Close()
	}
	if err != nil {
		return errors.New("a recipient is no key that anything can be encrypted for")
	}
	return nil
}

// Identities reads secret keys, one on a line; empty lines and those that
// begin with # are left out, as in age's own files.
func Identities(text string) ([]age.Identity, error) {
	var identities []age.Identity
	n := 0
	for line := range strings.Lines(text) {
		n++
		line = strings.TrimSpace(line)
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		if len(identities) == maxIdentities {
			return nil, fmt.Errorf("there are more than %d secret keys", maxIdentities)
		}
		id, err := identity(line)
		if err != nil {
			return nil, fmt.Errorf("line %d %w", n, err)
		}
		identities = append(identities, id)
	}
	if len(identities) == 0 {
		return nil, errors.New("there is no secret key in it")
	}
	return identities, nil
}

// identity reads one secret key. Its errors follow "line 1".
func identity(line string) (id age.Identity, err error) {
	switch {
	case strings.HasPrefix(line, "AGE-SECRET-KEY-PQ-1"):
		id, err = age.ParseHybridIdentity(line)
	case strings.HasPrefix(line, "AGE-SECRET-KEY-1"):
		id, err = age.ParseX25519Identity(line)
	case strings.HasPrefix(line, "age1"):
		return nil, errors.New("is a public key; the secret one begins with AGE-SECRET-KEY-")
	default:
		return nil, errors.New("is no secret key of age, which begins with AGE-SECRET-KEY-1 or AGE-SECRET-KEY-PQ-1")
	}
	if err != nil {
		return nil, errors.New("is a secret key that is cut off or mistyped")
	}
	return id, nil
}
