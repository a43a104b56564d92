package state

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"

	"storyform/story"
)

// MaxDocument is the largest document in bytes that is read or written: room
// for some 500,000 lines of history. Of one that is encrypted it bounds what is
// stored, which is a third more than what is in it.
const MaxDocument = 256 << 20

// errUnknownVersion says that the version field is missing or makes no sense.
var errUnknownVersion = errors.New(`it has no "version": it is not a storyform state`)

// Encode returns the bytes of d as they are stored and as `state pull` prints
// them: indented JSON, stories sorted by address, times in UTC, a newline at
// the end. Equal documents give equal bytes. It refuses a document that
// Decode would refuse.
func Encode(d *Document) ([]byte, error) {
	encode := encodeClear
	if d.Envelope != nil {
		encode = encodeEnvelope
	}
	data, err := encode(d)
	if err != nil {
		return nil, fmt.Errorf("encode the state: %w", err)
	}
	if len(data) > MaxDocument {
		return nil, fmt.Errorf("encode the state: %w", tooLarge(len(data), MaxDocument))
	}
	return data, nil
}

// encodeClear is Encode for a document that isn't encrypted.
func encodeClear(d *Document) ([]byte, error) {
	c := d.Clone()
	c.Version = FormatVersion
	inUTC(&c.WrittenAt)
	for i := range c.Stories {
		c.Stories[i].utc()
	}
	for i := range c.History {
		c.History[i].utc()
	}
	sortEntries(c.Stories)
	if c.Stories == nil {
		c.Stories = []Entry{}
	}
	if err := check(c); err != nil {
		return nil, err
	}
	return encodeJSON(c, "  ")
}

// Decode reads a stored document. where names its place in errors.
//
// It is strict, because what it doesn't understand might be what keeps a
// story from going out twice: a document of a newer format is a
// *VersionError; an unknown field, a duplicate address, an unknown status or
// anything else that Encode doesn't write is a *CorruptError without a hint,
// which the store adds. So a new field of the document is a new FormatVersion.
func Decode(where string, data []byte) (*Document, error) {
	corrupt := func(err error) error { return &CorruptError{Where: where, Err: err} }
	if len(data) > MaxDocument {
		return nil, corrupt(tooLarge(len(data), MaxDocument))
	}
	if len(bytes.TrimSpace(data)) == 0 {
		return nil, corrupt(errors.New("it is empty"))
	}
	if bytes.Contains(data, []byte("\n<<<<<<< ")) || bytes.HasPrefix(data, []byte("<<<<<<< ")) {
		return nil, corrupt(errors.New("it holds the conflict markers of a git merge"))
	}
	var d Document
	err := decodeJSON(data, &d)
	version, tool := d.Version, d.Tool
	if err != nil && isTerraforms(data) {
		return nil, corrupt(errors.New("it is a state of Terraform: give storyform a place of its own"))
	}
	if err != nil {
		version, tool = versionOf(data)
	}
	doc := &d
	switch {
	case version > EnvelopeVersion:
		return nil, &VersionError{Where: where, Got: version, Tool: tool}
	case version == EnvelopeVersion:
		doc, err = decodeEnvelope(where, data)
	case err != nil:
	case version < 1:
		err = errUnknownVersion
	default:
		sortEntries(d.Stories)
		err = check(&d)
	}
	if err != nil {
		return nil, corrupt(err)
	}
	return doc, nil
}

// Hash returns the SHA-256 of d as it is stored, in lowercase hex: what the
// next document names as PrevSHA256. Of an encrypted one that is the hash of
// what is in it, so it must be opened first.
func Hash(d *Document) (string, error) {
	if d.Envelope != nil {
		return "", ErrEncrypted
	}
	data, err := Encode(d)
	if err != nil {
		return "", err
	}
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:]), nil
}

// isTerraforms reports whether something that couldn't be decoded is a state of
// Terraform, whose version is no version of ours.
func isTerraforms(data []byte) bool {
	var head struct {
		Terraform string `json:"terraform_version"`
	}
	return json.Unmarshal(data, &head) == nil && head.Terraform != ""
}

// versionOf looks only at the version of something that couldn't be decoded,
// and at what wrote it: that it is of another version may be the reason.
func versionOf(data []byte) (version int, tool string) {
	var head struct {
		Version int    `json:"version"`
		Tool    string `json:"storyform_version"`
	}
	if err := json.Unmarshal(data, &head); err != nil {
		return 0, ""
	}
	return head.Version, head.Tool
}

// encodeJSON marshals v without escaping what only HTML needs escaped, so
// that URLs stay readable, and ends it with a newline.
func encodeJSON(v any, indent string) ([]byte, error) {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", indent)
	if err := enc.Encode(v); err != nil {
		return nil, err
	}
	return b.Bytes(), nil
}

// decodeJSON unmarshals exactly one value without unknown fields.
func decodeJSON(data []byte, v any) error {
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.DisallowUnknownFields()
	if err := dec.Decode(v); err != nil {
		if errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, io.EOF) {
			return errors.New("it ends in the middle")
		}
		return err
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return fmt.Errorf("something follows its end at byte %d", dec.InputOffset())
	}
	return nil
}

// check tells what is wrong with a document whose stories are sorted.
func check(d *Document) error {
	if d.Serial == 0 {
		return errors.New("its serial is 0")
	}
	if d.Lineage == "" {
		return errors.New("it has no lineage")
	}
	for i := range d.Stories {
		if i > 0 && d.Stories[i].Address == d.Stories[i-1].Address {
			return fmt.Errorf("%s is in it twice", d.Stories[i].Address)
		}
		if err := d.Stories[i].check(); err != nil {
			return err
		}
	}
	return nil
}

// check tells what is wrong with an entry.
func (e *Entry) check() error {
	switch {
	case e.Address.Type != "story":
		return fmt.Errorf("%q is not the address of a story", e.Address)
	case !e.Page.IsZero() && e.Page.Type != "page":
		return fmt.Errorf("%s: %q is not the address of a page", e.Address, e.Page)
	case e.Kind != story.Photo && e.Kind != story.Video:
		return fmt.Errorf("%s: unknown kind %q", e.Address, e.Kind)
	case !e.Status.Valid():
		return fmt.Errorf("%s: unknown status %q", e.Address, e.Status)
	case e.Revision < 0:
		return fmt.Errorf("%s: revision %d is negative", e.Address, e.Revision)
	case e.Bytes < 0:
		return fmt.Errorf("%s: %d bytes is negative", e.Address, e.Bytes)
	}
	return nil
}

// sortEntries sorts by address.
func sortEntries(entries []Entry) {
	slices.SortStableFunc(entries, func(a, b Entry) int { return a.Address.Compare(b.Address) })
}

// tooLarge says that something has more bytes than it may have.
func tooLarge(size, limit int) error {
	return fmt.Errorf("it has %d bytes, more than the %d that are read", size, limit)
}
