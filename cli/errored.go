package cli

import (
	"bytes"
	"compress/gzip"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"storyform/internal/atomicfile"
	"storyform/internal/diag"
	"storyform/render"
	"storyform/state"
)

// # What could not be recorded
//
// Each step is durable before the next begins, so a store that fails in the
// middle of a run costs no promise: the next run asks the Page what became of
// the call that was announced. What is lost is knowledge that only the answer
// had, such as a post_id, and what the next run would have to do again. So it
// is kept twice: in a file, and on standard output between two markers, for CI
// throws the folder away and keeps the log. `state push` reads both.

// erroredFile is the file; a second one gets a number.
const erroredFile = "errored.state.json"

// pemType is the word between the markers.
const pemType = "STORYFORM STATE"

// sealer is a store that doesn't keep documents in clear.
type sealer interface {
	Seal(doc *state.Document) (*state.Document, error)
	Unseal(doc *state.Document) (*state.Document, error)
}

// keepUnsaved keeps a state that its store did not take, as the store would
// have kept it.
func (a *app) keepUnsaved(store state.Store, doc *state.Document) {
	var err error
	if s, ok := state.Find[sealer](store); ok {
		if doc, err = s.Seal(doc); err != nil {
			return // nothing that may be shown
		}
	}
	data, err := state.Encode(doc)
	if err != nil {
		return // nothing that could be pushed
	}
	name, err := a.writeErrored(data)
	where, from := "in "+name+", and", name
	if err != nil {
		where, from = fmt.Sprintf("only (%v)", err), "LOG"
	}
	log := "between the markers"
	if a.events.alone {
		log = "in the line of the type unsaved_state"
	}
	a.diagnose(diag.Diagnostics{diag.Warnf("State could not be written",
		"What this run did and could not record is kept %s in the output %s. The next storyform apply finds out by itself what was published. To keep what only this run knows, put it back before that, once the state can be written again:\n\n    storyform state push %s", where, log, from)})
	if a.events.alone {
		a.events.tell(func(l *render.JSONLines) error { return l.UnsavedState(data) })
		return
	}
	if text, err := armor(data); err == nil {
		a.printf("\n%s", text)
	}
}

// maxErrored is how many such files there may be: each holds a whole state.
const maxErrored = 100

// writeErrored writes a document to a file that isn't there yet, and returns
// its name.
func (a *app) writeErrored(data []byte) (name string, err error) {
	name = erroredFile
	for n := 2; n <= maxErrored; n++ {
		_, err := os.Lstat(a.path(name))
		if errors.Is(err, os.ErrNotExist) {
			return name, atomicfile.Write(a.path(name), data, 0o600)
		}
		if err != nil {
			return "", err
		}
		name = fmt.Sprintf("errored.%d.state.json", n) // as .gitignore has it
	}
	return "", fmt.Errorf("there are %d files like %s already", maxErrored, erroredFile)
}

// armor packs a document as text that survives logs.
func armor(data []byte) ([]byte, error) {
	var packed bytes.Buffer
	zip := gzip.NewWriter(&packed)
	if _, err := zip.Write(data); err != nil {
		return nil, err
	}
	if err := zip.Close(); err != nil {
		return nil, err
	}
	return pem.EncodeToMemory(&pem.Block{Type: pemType, Bytes: packed.Bytes()}), nil
}

// The markers.
const (
	beginMark = "-----BEGIN " + pemType + "-----"
	endMark   = "-----END " + pemType + "-----"
)

// unarmor finds a packed document in a log and unpacks it; data without one
// are returned as they are. What CI puts in front of each line doesn't matter.
func unarmor(data []byte) ([]byte, error) {
	_, rest, ok := strings.Cut(string(data), beginMark)
	if !ok {
		return data, nil
	}
	body, _, ok := strings.Cut(rest, endMark)
	if !ok {
		return nil, errors.New("the end marker is missing")
	}
	body = body[:strings.LastIndexByte(body, '\n')+1] // what CI put before the end marker
	var text strings.Builder
	text.WriteString(beginMark + "\n")
	for line := range strings.Lines(body) {
		if fields := strings.Fields(line); len(fields) > 0 {
			text.WriteString(fields[len(fields)-1] + "\n")
		}
	}
	block, _ := pem.Decode([]byte(text.String() + endMark + "\n"))
	if block == nil {
		return nil, errors.New("what is between the markers was changed")
	}
	zip, err := gzip.NewReader(bytes.NewReader(block.Bytes))
	if err != nil {
		return nil, fmt.Errorf("what is between the markers can't be unpacked: %w", err)
	}
	data, err = io.ReadAll(io.LimitReader(zip, state.MaxDocument+1))
	if err != nil {
		return nil, fmt.Errorf("what is between the markers can't be unpacked: %w", err)
	}
	return data, nil
}
