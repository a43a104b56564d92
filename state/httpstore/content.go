package httpstore

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"storyform/state"
)

// content is what the server keeps, decoded.
type content struct {
	exists  bool
	serial  uint64 // of the write, not of the document
	lineage string
	doc     *state.Document // serial 0: never written
	raw     []byte          // doc's bytes; nil for serial 0
	records []state.Record  // those that follow doc
	lines   []string        // records as they are stored
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
		Version: envelopeVersion, Serial: c.serial, Lineage: c.lineage,
		Payload: &payload{Version: payloadVersion, Document: c.raw, Journal: c.lines},
	}
	if c.lines == nil {
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
	c := &content{doc: new(state.Document)}
	if len(bytes.TrimSpace(data)) == 0 {
		return c, nil
	}
	corrupt := func(err error, hint string) (*content, error) {
		return nil, &state.CorruptError{Where: where, Err: err, Hint: hint}
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
	c.exists, c.serial, c.lineage = true, e.Serial, e.Lineage
	if len(e.Payload.Document) > 0 {
		doc, err := state.Decode(where, e.Payload.Document)
		if err != nil {
			return nil, hint(err)
		}
		if c.raw, err = state.Encode(doc); err != nil {
			return corrupt(err, restoreHint)
		}
		c.doc = doc
	}
	for i, line := range e.Payload.Journal {
		rec, err := state.DecodeRecord(fmt.Sprintf("%s, record %d", where, i+1), []byte(line))
		if err != nil {
			return nil, hint(err)
		}
		if rec.Base != c.doc.Serial || rec.Seq != i+1 || i > 0 && c.sealed() {
			return corrupt(fmt.Errorf("after record %d of serial %d comes record %d of serial %d", i, c.doc.Serial, rec.Seq, rec.Base), restoreHint)
		}
		c.records, c.lines = append(c.records, rec), append(c.lines, line)
	}
	return c, nil
}

// restoreHint is what to do about a damaged state.
const restoreHint = "Restore the version before it, where the server keeps versions, and compare it with the Pages (storyform stories --all) before the next apply."

// hint adds to a *state.CorruptError what to do next.
func hint(err error) error {
	if corrupt, ok := errors.AsType[*state.CorruptError](err); ok {
		corrupt.Hint = restoreHint
	}
	return err
}

// sealed reports whether nothing may follow the newest record.
func (c *content) sealed() bool {
	return len(c.records) > 0 && c.records[len(c.records)-1].Seal
}

// append returns the content that follows c when rec is written, or nil when
// rec is the newest in c already. line is rec as it is stored.
func (c *content) append(rec state.Record, line string) (*content, error) {
	line = strings.TrimSuffix(line, "\n")
	n := len(c.records)
	switch {
	case rec.Base == c.doc.Serial && rec.Seq == n && n > 0 && c.lines[n-1] == line:
		return nil, nil
	case rec.Base != c.doc.Serial, rec.Seq != n+1, c.sealed(), c.lineage != "" && rec.Lineage != c.lineage:
		return nil, fmt.Errorf("%w (it is at record %d of serial %d now)", state.ErrConflict, n, c.doc.Serial)
	}
	next := *c
	next.serial, next.lineage = c.serial+1, rec.Lineage
	next.records, next.lines = append(c.records[:n:n], rec), append(c.lines[:n:n], line)
	return &next, nil
}

// commit returns the content that follows c when doc is written, or nil when
// doc is there already. data are doc's bytes.
func (c *content) commit(doc *state.Document, data []byte) (*content, error) {
	n := len(c.records)
	switch {
	case bytes.Equal(c.raw, data):
		return nil, nil
	case doc.Serial <= c.doc.Serial:
		return nil, fmt.Errorf("%w: it has serial %d now", state.ErrConflict, c.doc.Serial)
	case n > 0 && (!c.sealed() || doc.Serial != c.doc.Serial+1):
		return nil, fmt.Errorf("%w: its journal holds %d records that follow serial %d", state.ErrConflict, n, c.doc.Serial)
	}
	return &content{exists: true, serial: c.serial + 1, lineage: doc.Lineage, doc: doc, raw: data}, nil
}
