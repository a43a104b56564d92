package encrypted

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"

	"filippo.io/age"

	"storyform/state"
)

// Where the identities come from, for messages.
const (
	// IdentityEnv holds identities, one on a line.
	IdentityEnv = "STORYFORM_AGE_IDENTITY"
	// IdentityFileEnv holds the path of a file with identities.
	IdentityFileEnv = "STORYFORM_AGE_IDENTITY_FILE"
)

// setIdentity is what to do without an identity that fits.
const setIdentity = "set " + IdentityEnv + " to the secret key of one of its recipients, or " + IdentityFileEnv + " to the path of a file with it"

// maxHeader is the largest header of an age file in bytes: each line of it may
// cost an identity a try.
const maxHeader = 256 << 10

// sealDocument returns what is stored of doc.
func (s *Store) sealDocument(doc *state.Document) (*state.Document, error) {
	if len(s.keys.Recipients) == 0 {
		return doc, nil
	}
	plain, err := state.Encode(doc)
	if err != nil {
		return nil, err
	}
	data, err := s.encrypt(plain)
	if err != nil {
		return nil, err
	}
	return &state.Document{
		Version: state.EnvelopeVersion, Lineage: doc.Lineage, Serial: doc.Serial, Tool: doc.Tool,
		Envelope: &state.Envelope{Data: data},
	}, nil
}

// sealRecord returns what is stored of rec.
func (s *Store) sealRecord(rec state.Record) (state.Record, error) {
	if len(s.keys.Recipients) == 0 {
		return rec, nil
	}
	line, err := state.EncodeRecord(rec)
	if err != nil {
		return state.Record{}, err
	}
	data, err := s.encrypt(line)
	return state.Record{Base: rec.Base, Seq: rec.Seq, Lineage: rec.Lineage, Seal: rec.Seal, Encrypted: data}, err
}

// encrypt returns an age file with plain in it. Before the first one it makes
// sure that one like it can be opened.
func (s *Store) encrypt(plain []byte) ([]byte, error) {
	if err := s.CheckKeys(); err != nil {
		return nil, err
	}
	return s.encryptUnchecked(plain)
}

func (s *Store) encryptUnchecked(plain []byte) ([]byte, error) {
	var b bytes.Buffer
	b.Grow(len(plain) + len(plain)/1000 + 4<<10)
	w, err := age.Encrypt(&b, s.keys.Recipients...)
	if err == nil {
		_, err = w.Write(plain)
	}
	if err == nil {
		err = w.Close()
	}
	if err != nil {
		return nil, fmt.Errorf("encrypt the state %s: %w", s, err)
	}
	return b.Bytes(), nil
}

// CheckKeys makes sure that what this run would write it could also read, and
// so the next run: that one of the identities belongs to a recipient. Without
// recipients there is nothing to check.
func (s *Store) CheckKeys() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.checked || len(s.keys.Recipients) == 0 {
		return nil
	}
	if len(s.keys.Identities) == 0 {
		return fmt.Errorf("the state %s is to be encrypted, and this run has no identity to read it again: %s", s, setIdentity)
	}
	sample := []byte("storyform")
	data, err := s.encryptUnchecked(sample)
	if err != nil {
		return err
	}
	if plain, err := decrypt(data, s.keys.Identities); err != nil || !bytes.Equal(plain, sample) {
		return fmt.Errorf("the state %s is to be encrypted, and no identity of this run could read it again: add the public key of one to recipients, or %s", s, setIdentity)
	}
	s.checked = true
	return nil
}

// decrypt returns what is in an age file. It allocates no more than the file
// has bytes.
func decrypt(data []byte, identities []age.Identity) ([]byte, error) {
	if !bytes.Contains(data[:min(len(data), maxHeader)], []byte("\n--- ")) {
		return nil, errors.New("it is no age file, or its header is too long")
	}
	r, err := age.Decrypt(bytes.NewReader(data), identities...)
	if err != nil {
		return nil, err
	}
	return io.ReadAll(r)
}

// corruptHint is what to do about an envelope that can't be what it says.
const corruptHint = "What is stored was damaged, or was moved here from elsewhere. Nothing of it is believed, since that could publish a story twice. Restore it from a backup or an earlier version of the store, and compare it with the Pages (storyform stories --all) before the next apply."

// open returns what is in an age file of this state.
func (s *Store) open(where string, data []byte) ([]byte, error) {
	if len(s.keys.Identities) == 0 {
		return nil, fmt.Errorf("read the state %s: %w: %s", s, state.ErrEncrypted, setIdentity)
	}
	plain, err := decrypt(data, s.keys.Identities)
	if _, ok := errors.AsType[*age.NoIdentityMatchError](err); ok {
		return nil, fmt.Errorf("read the state %s: %w, and no identity of this run opens it: %s", s, state.ErrEncrypted, setIdentity)
	}
	if err != nil {
		return nil, corrupt(where, fmt.Errorf("it can't be decrypted: %s", shortened(err)))
	}
	return plain, nil
}

// shortened is the text of an error that may quote what is damaged.
func shortened(err error) string {
	const most = 200
	text := err.Error()
	if len(text) > most {
		text = strings.ToValidUTF8(text[:most], "") + "…"
	}
	return text
}

// corrupt is the error of an envelope that can't be what it says.
func corrupt(where string, err error) error {
	return &state.CorruptError{Where: where, Err: err, Hint: corruptHint}
}

// openAll opens what the inner store returned, and notes what it was.
func (s *Store) openAll(doc *state.Document, records []state.Record) (*state.Document, []state.Record, error) {
	var kept Kept
	count := func(encrypted bool) {
		if encrypted {
			kept.Encrypted++
		} else {
			kept.Clear++
		}
	}
	if doc.Serial > 0 {
		count(doc.Envelope != nil)
	}
	opened, err := s.openDocument(doc)
	if err != nil {
		return nil, nil, err
	}
	journal := make([]state.Record, len(records)) // the inner store may still need its own
	for i, rec := range records {
		count(len(rec.Encrypted) > 0)
		if journal[i], err = s.openRecord(rec); err != nil {
			return nil, nil, err
		}
	}
	s.mu.Lock()
	s.kept = kept
	s.mu.Unlock()
	return opened, journal, nil
}

// openDocument returns what is in a document.
func (s *Store) openDocument(doc *state.Document) (*state.Document, error) {
	switch {
	case doc.Envelope == nil:
		return doc, nil
	case doc.Envelope.Lines != nil:
		return s.foldLines(doc)
	}
	where := fmt.Sprintf("%s, serial %d", s, doc.Serial)
	plain, err := s.open(where, doc.Envelope.Data)
	if err != nil {
		return nil, err
	}
	inside, err := state.Decode(where, plain)
	switch {
	case err != nil:
		return nil, state.Hinted(err, corruptHint)
	case inside.Envelope != nil:
		return nil, corrupt(where, errors.New("something encrypted is in it"))
	case inside.Serial != doc.Serial || inside.Lineage != doc.Lineage || inside.Tool != doc.Tool:
		return nil, corrupt(where, fmt.Errorf("serial %d of the state %s is in it, and in clear it says serial %d of %s", inside.Serial, inside.Lineage, doc.Serial, doc.Lineage))
	}
	return inside, nil
}

// foldLines folds what the inner store had to leave unfolded.
func (s *Store) foldLines(doc *state.Document) (*state.Document, error) {
	where := fmt.Sprintf("%s, serial %d", s, doc.Serial)
	now := new(state.Document)
	var err error
	if doc.Envelope.Base != nil {
		if now, err = state.Decode(where, doc.Envelope.Base); err == nil {
			now, err = s.openDocument(now)
		}
	}
	var journal []state.Record
	for _, line := range doc.Envelope.Lines {
		if err != nil {
			break
		}
		var rec state.Record
		if rec, err = state.DecodeRecord(where, []byte(line)); err != nil {
			break
		}
		if rec, err = s.openRecord(rec); err != nil {
			break
		}
		if journal = append(journal, rec); !rec.Seal {
			continue
		}
		if now, err = state.Fold(now, journal); err != nil {
			err = corrupt(where, err)
		}
		journal = nil
	}
	switch {
	case err != nil:
		return nil, state.Hinted(err, corruptHint)
	case now.Serial != doc.Serial || now.Lineage != doc.Lineage || len(journal) > 0:
		return nil, corrupt(where, fmt.Errorf("its journal gives serial %d", now.Serial))
	}
	return now, nil
}

// openRecord returns what is in a record.
func (s *Store) openRecord(rec state.Record) (state.Record, error) {
	if len(rec.Encrypted) == 0 {
		return rec, nil
	}
	where := fmt.Sprintf("%s, record %d after serial %d", s, rec.Seq, rec.Base)
	line, err := s.open(where, rec.Encrypted)
	if err != nil {
		return state.Record{}, err
	}
	inside, err := state.DecodeRecord(where, line)
	switch {
	case err != nil:
		return state.Record{}, state.Hinted(err, corruptHint)
	case len(inside.Encrypted) > 0:
		return state.Record{}, corrupt(where, errors.New("something encrypted is in it"))
	case inside.Base != rec.Base || inside.Seq != rec.Seq || inside.Lineage != rec.Lineage || inside.Seal != rec.Seal:
		return state.Record{}, corrupt(where, fmt.Errorf("record %d after serial %d of the state %s is in it, and in clear it says that it is another, or of another state, or whether it is the last", inside.Seq, inside.Base, inside.Lineage))
	}
	return inside, nil
}
