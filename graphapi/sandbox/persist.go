package sandbox

import (
	"bytes"
	"crypto/sha256"
	"encoding"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// documentVersion is the version of the file that Load reads.
const documentVersion = 1

// maxDocument bounds what Load reads, in bytes.
const maxDocument = 256 << 20

// maxAdvance bounds how far a world's clock may be moved, in all.
const maxAdvance = 50 * 365 * 24 * time.Hour

// document is a world as a file.
type document struct {
	Format   string            `json:"format"` // always "storyform-sandbox"
	Version  int               `json:"version"`
	Created  time.Time         `json:"created"`
	Next     int64             `json:"next"`
	Serial   int64             `json:"serial"`
	Offset   Duration          `json:"offset"`
	Switches Switches          `json:"switches"`
	Throttle throttle          `json:"throttle,omitzero"`
	Pages    []*Page           `json:"pages"`
	Photos   []*photo          `json:"photos"`
	Videos   []*video          `json:"videos"`
	Stories  []*post           `json:"stories"` // in order of publication
	Tokens   map[string]*Token `json:"tokens,omitempty"`
	Faults   []*scripted       `json:"faults,omitempty"`
	Requests []Request         `json:"requests"`
}

// formatName marks the file.
const formatName = "storyform-sandbox"

// sorted are the values of a map in the order of their keys.
func sorted[V any](m map[string]V) []V {
	out := make([]V, 0, len(m))
	for _, key := range slices.Sorted(maps.Keys(m)) {
		out = append(out, m[key])
	}
	return out
}

// document is w as a file.
func (w *world) document() document {
	d := document{
		Format: formatName, Version: documentVersion, Created: w.created, Next: w.next, Serial: w.serial,
		Offset: Duration(w.offset), Switches: w.switches, Throttle: w.throttle,
		Pages: sorted(w.pages), Photos: sorted(w.photos), Videos: sorted(w.videos),
		Stories: []*post{}, Tokens: w.tokens, Faults: w.faults, Requests: w.requests,
	}
	for _, p := range d.Pages {
		d.Stories = append(d.Stories, p.stories...)
	}
	return d
}

// decodeWorld reads a world. Whatever it is given, it returns a world that
// the rest of the package can work with, or an error.
func decodeWorld(data []byte) (*world, error) {
	var d document
	dec := json.NewDecoder(bytes.NewReader(data))
	if err := dec.Decode(&d); err != nil {
		return nil, fmt.Errorf("it is not JSON of the expected shape: %w", err)
	}
	if _, err := dec.Token(); err != io.EOF {
		return nil, errors.New("there is more after the end of the JSON")
	}
	switch {
	case d.Format != formatName:
		return nil, errors.New("it is not the file of a simulator")
	case d.Version > documentVersion:
		return nil, fmt.Errorf("it has version %d, and this program knows up to %d; use a newer storyform", d.Version, documentVersion)
	case d.Version < 1:
		return nil, errors.New("it has no version")
	}
	w := newWorld(d.Created)
	w.next, w.serial, w.offset = d.Next, d.Serial, time.Duration(d.Offset)
	w.switches, w.throttle, w.faults, w.requests = d.Switches, d.Throttle, d.Faults, d.Requests
	if w.requests == nil {
		w.requests = []Request{}
	}
	if err := d.check(); err != nil {
		return nil, err
	}
	return w, w.fill(d)
}

// check refuses a document whose plain values make no sense.
func (d *document) check() error {
	switch {
	case d.Next < 0 || d.Serial < 0 || d.Next > 1e6*1e6 || d.Serial > 1e15:
		return errors.New("its counters are out of range")
	case d.Created.Year() < 1970 || d.Created.Year() > 2200:
		return errors.New("its time of creation is out of range")
	case time.Duration(d.Offset).Abs() > maxAdvance:
		return errors.New("its clock is out of range")
	case len(d.Faults) > maxFaults || len(d.Requests) > maxRequests:
		return errors.New("it holds more faults or requests than are ever written")
	case slices.Contains(d.Faults, nil):
		return errors.New("it holds an empty fault")
	}
	if err := d.Switches.Validate(); err != nil {
		return err
	}
	for _, f := range d.Faults {
		if err := f.Validate(); err != nil {
			return err
		}
	}
	return nil
}

// fill puts the objects of a document into w.
func (w *world) fill(d document) error {
	for _, p := range d.Pages {
		if p == nil || !isID(p.ID) || w.pages[p.ID] != nil || p.Generation < 0 || p.Calls < 0 {
			return errors.New("it holds a Page that is none, or one twice")
		}
		p.stories = nil
		w.addPage(*p)
	}
	for _, p := range d.Photos {
		if p == nil || !isID(p.ID) || w.pages[p.Page] == nil || w.photos[p.ID] != nil || !sane(p.Uploaded) {
			return errors.New("it holds a photo that is none, of no Page, or one twice")
		}
		w.photos[p.ID] = p
	}
	for _, v := range d.Videos {
		if v == nil || !isID(v.ID) || w.pages[v.Page] == nil || w.videos[v.ID] != nil {
			return errors.New("it holds a video that is none, of no Page, or one twice")
		}
		if err := v.check(); err != nil {
			return fmt.Errorf("video %s: %w", v.ID, err)
		}
		w.videos[v.ID] = v
	}
	for _, s := range d.Stories {
		if s == nil || !isID(s.PostID) || w.pages[s.Page] == nil || w.posts[s.PostID] != nil || !sane(s.Created) {
			return errors.New("it holds a story that is none, on no Page, or one twice")
		}
		w.addPost(s)
	}
	for key, t := range d.Tokens {
		if t == nil || !isSHA256(key) || !sane(t.Expires) {
			return errors.New("it holds a token that is none")
		}
		t.Value = ""
		w.tokens[key] = t
	}
	return nil
}

// sane reports whether a time can be calculated with and written again.
func sane(t time.Time) bool { return t.IsZero() || t.Year() > 1900 && t.Year() < 2300 }

// check refuses a video whose numbers contradict each other.
func (v *video) check() error {
	switch {
	case v.Received < 0 || v.FileSize < 0 || v.FileSize > maxFile || v.Received > v.FileSize && !v.Hosted:
		return errors.New("it has more bytes than its file")
	case !sane(v.Started) || !sane(v.Uploaded) || !sane(v.Finished):
		return errors.New("its times are out of range")
	case v.Problem != nil && v.Problem.Phase != "uploading" && v.Problem.Phase != "processing":
		return errors.New("it has a problem in a phase that does not exist")
	case v.SHA256 != "" && v.Uploaded.IsZero():
		return errors.New("it is complete and was never uploaded")
	}
	if v.Received > 0 && v.SHA256 == "" && !v.Hosted {
		if err := sha256.New().(encoding.BinaryUnmarshaler).UnmarshalBinary(v.Hash); err != nil {
			return fmt.Errorf("the state of its hash: %w", err)
		}
	}
	return nil
}

// store is the file of a world, shared by processes.
type store struct {
	path string
	seen fs.FileInfo // of the file that the world in memory equals
}

// lock takes the file for one change; other processes wait.
func (st *store) lock() (release func(), err error) {
	f, err := os.OpenFile(st.path+".lock", os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, fmt.Errorf("lock the simulator's world: %w", err)
	}
	if err := flock(f); err != nil {
		f.Close()
		return nil, fmt.Errorf("lock the simulator's world: %w", err)
	}
	return func() { f.Close() }, nil
}

// refresh returns what is in the file when another process wrote it, else w.
func (st *store) refresh(w *world) (*world, error) {
	info, err := os.Stat(st.path)
	if errors.Is(err, fs.ErrNotExist) && st.seen == nil {
		return w, nil
	}
	if err == nil && st.seen != nil && os.SameFile(info, st.seen) &&
		info.Size() == st.seen.Size() && info.ModTime().Equal(st.seen.ModTime()) {
		return w, nil
	}
	if err == nil {
		var fresh *world
		if fresh, err = st.read(); err == nil {
			st.seen = info
			return fresh, nil
		}
	}
	return w, fmt.Errorf("read the simulator's world: %w", err)
}

// read reads the file.
func (st *store) read() (*world, error) {
	f, err := os.Open(st.path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, maxDocument+1))
	if err != nil {
		return nil, err
	}
	if len(data) > maxDocument {
		return nil, fmt.Errorf("%s is larger than %d bytes", st.path, maxDocument)
	}
	w, err := decodeWorld(data)
	if err != nil {
		return nil, fmt.Errorf("%s is damaged (%w); remove it to begin with an empty world", st.path, err)
	}
	return w, nil
}

// save writes the file: a temporary one, then a rename. It is not flushed to
// the disk, because it has to outlive the process and not the machine.
func (st *store) save(w *world) error {
	data, err := json.Marshal(w.document())
	if err != nil {
		return fmt.Errorf("write the simulator's world: %w", err)
	}
	f, err := os.CreateTemp(filepath.Dir(st.path), st.temporary()) // 0600
	if err != nil {
		return fmt.Errorf("write the simulator's world: %w", err)
	}
	_, err = f.Write(append(data, '\n'))
	err = errors.Join(err, f.Close())
	if err == nil {
		err = os.Rename(f.Name(), st.path)
	}
	if err != nil {
		os.Remove(f.Name())
		return fmt.Errorf("write the simulator's world: %w", err)
	}
	st.seen, err = os.Stat(st.path)
	return err
}

// temporary is the pattern of the names of temporary files.
func (st *store) temporary() string { return "." + filepath.Base(st.path) + "-*" }

// tidy removes the temporary files of processes that were killed. The caller
// holds the lock, so that nobody is writing one.
func (st *store) tidy() {
	left, _ := fs.Glob(os.DirFS(filepath.Dir(st.path)), st.temporary())
	for _, name := range left {
		os.Remove(filepath.Join(filepath.Dir(st.path), name))
	}
}

// Load binds the server to a file: the world in it replaces the one in
// memory, and from then on every change is written there before its answer
// goes out. A file that doesn't exist is made, with its folder. One that
// can't be read as a world is an error and stays as it is.
func (s *Server) Load(path string) error {
	if strings.TrimSpace(path) == "" {
		return errors.New("load the simulator's world: no path")
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return fmt.Errorf("load the simulator's world: %w", err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	st := &store{path: path}
	release, err := st.lock()
	if err != nil {
		return err
	}
	defer release()
	w, err := st.refresh(s.world)
	if err != nil {
		return err
	}
	st.tidy()
	if st.seen == nil {
		if err := st.save(w); err != nil {
			return err
		}
	}
	s.world, s.store = w, st
	return nil
}
