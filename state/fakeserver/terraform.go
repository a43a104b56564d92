package fakeserver

import (
	"bytes"
	"crypto/md5"
	"encoding/base64"
	"encoding/json"
	"io"
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync"
)

// Kind is whose server a Terraform behaves like.
type Kind int

// The kinds.
const (
	// Plain is a server as Terraform's documentation has it: LOCK and UNLOCK,
	// 423, and a write is refused whose ID isn't that of the lock. It keeps
	// one version, and takes any serial.
	Plain Kind = iota
	// Careless is a Plain that looks at no ID when something is written.
	Careless
	// GitLab stores each serial once and answers 422 to a second one, wants a
	// serial and all seven fields of a lock, locks with POST and DELETE at an
	// address of its own, answers 409 when it is locked and 204 before the
	// first write. Read in lib/api/terraform/state.rb and
	// remote_state_handler.rb, 18.5, November 2026.
	GitLab
	// Gitea has GitLab's shape (1.26, by its documentation); what it answers
	// to conflicts was not seen, so that here it is what differs most: 409 for
	// a serial that exists, 423 for a lock.
	Gitea
)

// Terraform is an address of Terraform's http backend: the state at /state,
// the lock there too, or at /state/lock for GitLab and Gitea.
type Terraform struct {
	Kind               Kind
	Username, Password string // wanted, unless both are empty
	// Fault, when set, is asked at each request, one after the other.
	Fault func(r *http.Request) Fault
	// PlainText answers a taken lock with text that isn't JSON.
	PlainText bool

	asking   sync.Mutex // of Fault
	mu       sync.Mutex
	touched  bool // GitLab: the state exists, though nothing was written yet
	versions map[uint64][]byte
	serial   uint64 // the newest
	holder   []byte // the lock's info as it was sent; nil: free
	requests []string
}

// Requests returns the method and address of every request so far.
func (s *Terraform) Requests() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.requests)
}

// Versions returns the serials that are kept, in order.
func (s *Terraform) Versions() []uint64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Sorted(maps.Keys(s.versions))
}

// State returns the newest state; nil when there is none.
func (s *Terraform) State() []byte {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.versions[s.serial]
}

// SetState replaces the newest state, as somebody else would.
func (s *Terraform) SetState(data []byte) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.store(s.serial, data)
}

// forge reports whether the kind has the methods and addresses of GitLab.
func (s *Terraform) forge() bool { return s.Kind == GitLab || s.Kind == Gitea }

// ServeHTTP answers one request.
func (s *Terraform) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	fault := ask(&s.asking, s.Fault, r)
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.requests = append(s.requests, r.Method+" "+r.URL.RequestURI())
	switch fault {
	case Dropped:
		panic(http.ErrAbortHandler)
	case Internal:
		w.WriteHeader(http.StatusInternalServerError)
		return
	}
	status, answer := s.answer(r, body)
	switch {
	case fault == Lost:
		panic(http.ErrAbortHandler)
	case fault == Broken && len(answer) > 1:
		w.Header().Set("Content-Length", "999999")
		answer = answer[:len(answer)/2]
	}
	if r.Method == http.MethodGet && len(answer) > 0 && fault != Broken {
		sum := md5.Sum(answer)
		w.Header().Set("Content-MD5", base64.StdEncoding.EncodeToString(sum[:]))
	}
	w.WriteHeader(status)
	w.Write(answer)
}

// answer does what a request asks for.
func (s *Terraform) answer(r *http.Request, body []byte) (status int, answer []byte) {
	user, password, _ := r.BasicAuth()
	if user != s.Username || password != s.Password {
		return http.StatusUnauthorized, []byte("HTTP Basic: Access denied")
	}
	if sum := md5.Sum(body); len(body) > 0 && r.Header.Get("Content-MD5") != base64.StdEncoding.EncodeToString(sum[:]) {
		return http.StatusBadRequest, []byte("Content-MD5 is missing or wrong")
	}
	lock, unlock, lockPath := "LOCK", "UNLOCK", "/state"
	if s.forge() {
		lock, unlock, lockPath = http.MethodPost, http.MethodDelete, "/state/lock"
	}
	switch {
	case r.URL.Path == lockPath && r.Method == lock:
		return s.lock(body)
	case r.URL.Path == lockPath && r.Method == unlock:
		return s.unlock(body)
	case r.URL.Path == "/state" && r.Method == http.MethodGet:
		return s.get()
	case r.URL.Path == "/state" && r.Method == http.MethodPost:
		return s.post(r.URL.Query().Get("ID"), body)
	}
	return http.StatusMethodNotAllowed, nil
}

func (s *Terraform) get() (int, []byte) {
	switch data, ok := s.versions[s.serial]; {
	case ok:
		return http.StatusOK, data
	case s.Kind == GitLab && s.touched:
		return http.StatusNoContent, nil
	}
	return http.StatusNotFound, []byte("Not found")
}

func (s *Terraform) post(id string, body []byte) (int, []byte) {
	var state struct {
		Serial *uint64 `json:"serial"`
	}
	err := json.Unmarshal(body, &state)
	switch {
	case s.Kind != Careless && (s.holder != nil || s.forge()) && id != lockID(s.holder):
		return s.locked()
	case !s.forge():
		s.store(0, body)
		return http.StatusOK, nil
	case err != nil:
		return http.StatusUnprocessableEntity, []byte(`{"message":"invalid JSON"}`)
	case state.Serial == nil:
		return http.StatusUnprocessableEntity, []byte(`{"message":"No serial in payload"}`)
	}
	if _, exists := s.versions[*state.Serial]; exists {
		if s.Kind == GitLab {
			return http.StatusUnprocessableEntity, []byte(`{"message":"Version has already been taken"}`)
		}
		return http.StatusConflict, []byte("the serial exists")
	}
	s.store(*state.Serial, body)
	return http.StatusOK, nil
}

func (s *Terraform) store(serial uint64, data []byte) {
	if s.versions == nil {
		s.versions = map[uint64][]byte{}
	}
	s.versions[serial], s.serial = bytes.Clone(data), max(s.serial, serial)
	s.touched = true
}

func (s *Terraform) lock(body []byte) (int, []byte) {
	s.touched = true
	if s.forge() && !sevenFields(body) {
		return http.StatusBadRequest, []byte(`{"error":"ID is missing"}`)
	}
	if s.holder != nil {
		return s.locked()
	}
	s.holder = bytes.Clone(body)
	return http.StatusOK, nil
}

// locked is the answer to those who come when the lock isn't theirs.
func (s *Terraform) locked() (int, []byte) {
	status := http.StatusLocked
	if s.Kind == GitLab {
		status = http.StatusConflict
	}
	if s.PlainText {
		return status, []byte("locked, come back later\x1b[31m\n")
	}
	return status, s.holder
}

func (s *Terraform) unlock(body []byte) (int, []byte) {
	switch id := lockID(body); {
	case s.holder == nil && s.forge():
		return http.StatusConflict, nil
	case id != "" && id != lockID(s.holder):
		return s.locked()
	}
	s.holder = nil // also without an ID: Terraform's force-unlock sends no body
	return http.StatusOK, nil
}

// lockID reads the ID of a lock's info.
func lockID(info []byte) string {
	var lock struct{ ID string }
	json.Unmarshal(info, &lock) // what has none has an empty one
	return lock.ID
}

// sevenFields reports whether a lock's info has all that GitLab demands.
func sevenFields(info []byte) bool {
	var fields map[string]any
	if json.Unmarshal(info, &fields) != nil {
		return false
	}
	for name := range strings.FieldsSeq("ID Operation Info Who Version Created Path") {
		if _, ok := fields[name].(string); !ok {
			return false
		}
	}
	return true
}
