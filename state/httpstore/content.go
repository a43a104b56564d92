package httpstore

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"

	"storyform/state"
	"storyform/state/snapshot"
)

// content is what the server keeps, decoded.
type content struct {
	*snapshot.Snapshot
	exists bool
	serial uint64 // of the write, not of the document
}

// envelope is content as the server sees it. Its first fields are those of
// Terraform's state files of version 4, and of their types, since servers may
// decode a state to show what is in it.
type envelope struct {
	Version   int       `json:"version"`
	Serial    uint64    `json:"serial"`
	Lineage   string    `json:"lineage"`
	Outputs   struct{}  `json:"outputs"`
	Resources [0]string `json:"resources"`
	Payload   *payload  `json:"storyform"`
	// TerraformVersion is read to tell whose state is there, never written.
	TerraformVersion string `json:"terraform_version,omitempty"`
}

// payload is the part that is ours.
type payload struct {
	Version  int             `json:"version"`
	Document json.RawMessage `json:"document,omitempty"`
	Journal  []string        `json:"journal"` // lines of state.EncodeRecord
}

const (
	envelopeVersion = 4
	payloadVersion  = 1
)

// encode returns the bytes of c. Equal contents give equal bytes.
func (c *content) encode() ([]byte, error) {
	e := envelope{
		Version: envelopeVersion, Serial: c.serial, Lineage: c.Lineage(),
		Payload: &payload{Version: payloadVersion, Document: c.Raw, Journal: c.Lines},
	}
	if c.Lines == nil {
		e.Payload.Journal = []string{}
	}
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", " ")
	if err := enc.Encode(e); err != nil {
		return nil, err
	}
	return b.Bytes(), nil
}

// decode reads what the server keeps. It is as strict about what is ours as
// package state, and never takes something else for a state.
func decode(where string, data []byte) (*content, error) {
	text := bytes.TrimSpace(data)
	if len(text) == 0 {
		return &content{Snapshot: snapshot.Empty()}, nil
	}
	corrupt := func(err error, hint string) (*content, error) {
		return nil, &state.CorruptError{Where: where, Err: err, Hint: hint}
	}
	if text[0] == '<' {
		return corrupt(errors.New("it is a page of HTML, such as one for signing in"), "Correct the address and the credentials, and see what a proxy on the way wants.")
	}
	var e envelope
	if err := json.Unmarshal(data, &e); err != nil {
		return corrupt(fmt.Errorf("it is no JSON of a state: %w", err), restoreHint)
	}
	switch {
	case e.Payload == nil && (e.TerraformVersion != "" || e.Version > 0):
		return corrupt(errors.New("it is the state of something else, such as Terraform"),
			"Give storyform an address of its own. If its state was there, Terraform has overwritten it: restore the version before.")
	case e.Payload == nil || e.Payload.Version < 1:
		return corrupt(errors.New("it is not a storyform state"), "Correct the address, or give storyform one of its own.")
	case e.Payload.Version > payloadVersion:
		return nil, &state.VersionError{Where: where, Got: e.Payload.Version}
	}
	log, err := snapshot.Decode(where, e.Payload.Document, e.Payload.Journal)
	if err != nil {
		return nil, state.Hinted(err, restoreHint)
	}
	return &content{Snapshot: log, exists: true, serial: e.Serial}, nil
}

// restoreHint is what to do about a damaged state.
const restoreHint = "Restore the version before it, where the server keeps versions, and compare it with the Pages (storyform stories --all) before the next apply."

// follow makes the content of the next write from a snapshot; nil stays nil.
func (c *content) follow(next *snapshot.Snapshot, err error) (*content, error) {
	if next == nil || err != nil {
		return nil, err
	}
	return &content{Snapshot: next, exists: true, serial: c.serial + 1}, nil
}
