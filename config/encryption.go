package config

import (
	"errors"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"

	"storyform/internal/agekey"
	"storyform/internal/diag"
)

// Encryption says for whom the state is encrypted.
type Encryption struct {
	Recipients []string // public keys of age; none after an error
	Range      diag.Range
}

var encryptionSpec = BlockSpec{
	Type: "encryption", Once: true, Doc: "Encrypts the state with age before it leaves this machine. The secret key comes from STORYFORM_AGE_IDENTITY or STORYFORM_AGE_IDENTITY_FILE.",
	Attrs: []AttrSpec{
		{Name: "recipients", Type: "list of string", Required: true, Doc: "Public keys of age (age1…) that may read it: two at least, since a lost key is a lost state."},
	},
}

// encryption evaluates an encryption block. Whatever is wrong is an error: a
// state that was to be encrypted is never written in clear for it.
func (l *loader) encryption(b *block, ctx *hcl.EvalContext) *Encryption {
	enc := &Encryption{Range: *rangeOf(b.header())}
	expr := b.expr("recipients")
	if !l.soundBlock(b) || expr == nil {
		return enc
	}
	before := l.reported[hcl.DiagError]
	texts, set := l.attrStrings(noAddress, b, "recipients", ctx)
	if !set {
		if l.reported[hcl.DiagError] == before {
			l.report(noAddress, errAt(expr.Range(), "Recipients not known",
				"The state is to be encrypted, and for whom is null or can't be determined. Name the public keys, or leave the encryption block out."))
		}
		return enc
	}
	sound := true
	for i, text := range texts {
		if _, err := agekey.Recipient(text); err != nil {
			sound = false
			at := expr
			if list, diags := hcl.ExprList(expr); !diags.HasErrors() && len(list) == len(texts) {
				at = list[i]
			}
			l.reportRecipient(at, ctx, i, text, err)
		}
	}
	if !sound {
		return enc
	}
	recipients, err := agekey.Recipients(texts)
	if err != nil {
		l.report(noAddress, errAt(expr.Range(), "Invalid recipients", "The state can't be encrypted for these recipients: %v.", err))
		return enc
	}
	if len(recipients) == 1 {
		l.report(noAddress, warnAt(expr.Range(), "Only one recipient",
			"Whoever loses the one key that opens the state has lost the state, and with it what is published. Give a second key, whose secret part is kept elsewhere."))
	}
	for _, text := range texts {
		enc.Recipients = append(enc.Recipients, strings.TrimSpace(text))
	}
	return enc
}

// reportRecipient tells what is wrong with one recipient. What isn't public for
// certain is shown nowhere.
func (l *loader) reportRecipient(expr hcl.Expression, ctx *hcl.EvalContext, i int, text string, err error) {
	known := slices.ContainsFunc(l.secrets, func(s string) bool { return strings.Contains(text, s) })
	if !strings.HasPrefix(text, "age1") && len(text) >= 16 {
		l.addSecret(strings.TrimSpace(text))
	}
	if errors.Is(err, agekey.ErrSecret) {
		if _, key, ok := strings.Cut(text, "-1"); ok {
			l.addSecret(strings.TrimSpace(key)) // it may be put together from parts
		}
		if !known { // else it was reported where it stands
			l.report(noAddress, errAt(expr.Range(), "Secret key among the recipients", "Recipient %d is a secret key. %s", i+1, secretKeyAdvice))
		}
		return
	}
	l.report(noAddress, errIn(expr, ctx, "Invalid recipient",
		"Recipient %d is not a public key of age, such as age1…: %v. The key's file shows it, and age-keygen -y prints it.", i+1, err))
}

// secretKeyAdvice is what to do with a secret key that is in the open.
const secretKeyAdvice = "A secret key must never be in a file of the configuration or on a command line: make a new one with age-keygen, " +
	"put it into the environment variable STORYFORM_AGE_IDENTITY, and write its public key, age1…, into recipients."

// findSecretKeys reports secret keys of age in source and remembers them.
func (l *loader) findSecretKeys(src []byte, name string) {
	for _, at := range agekey.Secrets(src, 50) {
		l.secrets = append(l.secrets, string(src[at[0]:at[1]]))
		l.sources[name] = src
		l.report(noAddress, errAt(rangeIn(src, name, at[0], at[1]), "Secret key in the configuration", "This looks like a secret key of age. %s", secretKeyAdvice))
	}
}
