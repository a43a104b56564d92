package cli

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"

	"filippo.io/age"

	"storyform/config"
	"storyform/internal/agekey"
	"storyform/plan"
	"storyform/state"
	"storyform/state/encrypted"
)

// encrypted returns a store that keeps what it holds in inner, encrypted for
// the recipients, and that opens what is encrypted there, whoever is named now.
// Without recipients it writes in clear.
func (a *app) encrypted(inner state.Store, recipients []string) (state.Store, error) {
	var keys encrypted.Keys
	var err error
	if len(recipients) > 0 {
		if keys.Recipients, err = agekey.Recipients(recipients); err != nil {
			return nil, fail("State can't be encrypted", "Its recipients can't be used: %v.", err)
		}
	}
	if keys.Identities, err = a.identities(); err != nil {
		return nil, err
	}
	return encrypted.New(inner, keys), nil
}

// checkNotBared refuses a saved plan that would write a state in clear which was
// encrypted after the plan was made. Where the configuration of the plan turned
// encryption off, the state was encrypted then already.
func checkNotBared(store state.Store, doc *state.Document, name string, p *plan.Plan) error {
	if len(p.Settings.Recipients) == 0 && isEncrypted(store) && doc.Serial > p.Serial {
		return fail("State is encrypted by now", "%s was made without encryption, and the state has been encrypted since: to apply it would write the state in clear. Make the plan again.", name)
	}
	return nil
}

// isEncrypted reports whether anything was encrypted that was read last.
func isEncrypted(store state.Store) bool {
	s, ok := state.Find[interface{ Kept() encrypted.Kept }](store)
	return ok && s.Kept().Encrypted > 0
}

// maxIdentityFile is how many bytes of a file with identities are read.
const maxIdentityFile = 1 << 20

// identities are the secret keys in the environment, which is the only place
// that they come from.
func (a *app) identities() (identities []age.Identity, err error) {
	a.tokenEnvs = append(a.tokenEnvs, encrypted.IdentityEnv)
	if text := a.Getenv(encrypted.IdentityEnv); text != "" {
		if identities, err = agekey.Identities(text); err != nil {
			return nil, fail("Identity can't be used", "The environment variable %s must hold secret keys of age, one on a line: %v.", encrypted.IdentityEnv, err)
		}
	}
	name := a.Getenv(encrypted.IdentityFileEnv)
	if name == "" {
		return identities, nil
	}
	text, err := a.identityFile(name)
	if err != nil {
		return nil, fail("Identity can't be used", "The environment variable %s %v.", encrypted.IdentityFileEnv, err)
	}
	more, err := agekey.Identities(text)
	if err != nil {
		return nil, fail("Identity can't be used", "The file %s, which %s names, must hold secret keys of age, one on a line: %v.", name, encrypted.IdentityFileEnv, err)
	}
	return append(identities, more...), nil
}

// identityFile reads a file with identities.
func (a *app) identityFile(name string) (string, error) {
	if agekey.Mask(name) != name {
		return "", fmt.Errorf("must hold the path of a file, and holds a secret key itself; that goes into %s", encrypted.IdentityEnv)
	}
	f, err := os.Open(a.path(name))
	if err == nil {
		defer f.Close()
		var data []byte
		if data, err = io.ReadAll(io.LimitReader(f, maxIdentityFile+1)); err == nil && len(data) <= maxIdentityFile {
			return string(data), nil
		}
	}
	switch pe, ok := errors.AsType[*fs.PathError](err); {
	case err == nil:
		return "", fmt.Errorf("names %s, which is too large for a file with keys", name)
	case ok:
		err = pe.Err // the path as it was given says enough
	}
	return "", fmt.Errorf("names %s, which can't be read: %w", name, err)
}

// encryption tells whether the state is encrypted, as the store found it when
// it was read last, and what the next write will make of it. what is "" where
// nothing is encrypted and nothing is to be.
func encryption(store state.Store, cfg *config.Config) (verdict, what, do string) {
	s, ok := state.Find[interface {
		Kept() encrypted.Kept
		CheckKeys() error
	}](store)
	if !ok {
		return "", "", "" // the simulator's own
	}
	wanted := cfg.Settings.Encryption != nil
	if err := s.CheckKeys(); err != nil {
		return broken, err.Error(), ""
	}
	switch kept := s.Kept(); {
	case wanted && kept.Clear > 0:
		return warned, "the state, or a part of it, is not encrypted yet: the next write encrypts it",
			"run storyform apply; versions that are kept from before stay readable by all who can read the store"
	case wanted && kept.Encrypted == 0:
		return healthy, "the state will be encrypted: nothing has been written yet", ""
	case wanted:
		return healthy, "the state is encrypted", ""
	case kept.Encrypted > 0:
		return warned, "the state is encrypted, and the configuration has no encryption block: the next write is in clear",
			"put the encryption block back, unless that is meant"
	}
	return "", "", ""
}
