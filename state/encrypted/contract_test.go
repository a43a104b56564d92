package encrypted_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"filippo.io/age"

	"storyform/internal/clock"
	"storyform/state"
	"storyform/state/encrypted"
	"storyform/state/fakeserver"
	"storyform/state/git"
	"storyform/state/httpstore"
	"storyform/state/local"
	"storyform/state/object"
	"storyform/state/s3"
	"storyform/state/statetest"
)

// identity is a new secret key.
func identity(t testing.TB) *age.X25519Identity {
	t.Helper()
	id, err := age.GenerateX25519Identity()
	if err != nil {
		t.Fatal(err)
	}
	return id
}

// keysOf are keys that encrypt for the identities and open with the first.
func keysOf(ids ...*age.X25519Identity) encrypted.Keys {
	keys := encrypted.Keys{Identities: []age.Identity{ids[0]}}
	for _, id := range ids {
		keys.Recipients = append(keys.Recipients, id.Recipient())
	}
	return keys
}

// hybridKeys are keys of the kind that resists quantum computers.
func hybridKeys(t testing.TB) encrypted.Keys {
	t.Helper()
	id, err := age.GenerateHybridIdentity()
	if err != nil {
		t.Fatal(err)
	}
	return encrypted.Keys{Recipients: []age.Recipient{id.Recipient()}, Identities: []age.Identity{id}}
}

// instance makes an instance of the suite from what opens the inner store.
// Runs get their keys in turn.
func instance(open func() state.Store, keys ...encrypted.Keys) statetest.Instance {
	opened := 0
	return statetest.Instance{Open: func() state.Store {
		opened++
		return encrypted.New(open(), keys[opened%len(keys)])
	}}
}

const lockIsClear = "git takes too long, and the lock is not encrypted"

// slow are tests that take git many seconds and have nothing to do with what
// is encrypted: its own package runs them.
var slow = map[string]string{
	"many runs at once": "git takes too long, and waits by the real clock here",
	"lock":              lockIsClear,
	"one lock for many": lockIsClear,
	"force-unlock":      lockIsClear,
}

// Every backend keeps the contract with encryption as it does without.
func TestContract(t *testing.T) {
	for name, newInner := range map[string]func(t *testing.T) func() state.Store{
		"memory": memoryStore, "local": localStore, "s3": s3Store, "http": httpStore, "git": gitStore,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var skip map[string]string
			if name == "git" {
				skip = slow
			}
			statetest.Run(t, func(t *testing.T) statetest.Instance {
				return instance(newInner(t), keysOf(identity(t), identity(t)))
			}, skip)
		})
	}
}

// So it does when runs have different recipients, or some of them none, while
// encryption is turned on or off.
func TestContractOfMixedRuns(t *testing.T) {
	statetest.Run(t, func(t *testing.T) statetest.Instance {
		a, b := identity(t), identity(t)
		clear := keysOf(a)
		clear.Recipients = nil
		return instance(memoryStore(t), keysOf(a, b), clear, keysOf(a))
	}, nil)
}

func TestContractOfHybridKeys(t *testing.T) {
	statetest.Run(t, func(t *testing.T) statetest.Instance { return instance(memoryStore(t), hybridKeys(t)) }, nil)
}

// The bucket loses answers, and its client sends writes twice.
func TestContractWithFaults(t *testing.T) {
	for _, fault := range []error{errReset, object.ErrRefused} {
		t.Run(fault.Error(), func(t *testing.T) {
			statetest.Run(t, func(t *testing.T) statetest.Instance {
				b := &bucket{fault: fault}
				return instance(b.open(t), keysOf(identity(t)))
			}, nil)
		})
	}
}

// A power loss that comes before a record was durable.
func TestTornRecord(t *testing.T) {
	path := filepath.Join(t.TempDir(), local.DefaultName)
	id := identity(t)
	store := func() state.Store { return encrypted.New(openLocal(t, path), keysOf(id)) }
	run := session(t, store(), "a")
	put(t, run, "one")
	put(t, run, "two")
	data, err := os.ReadFile(path + ".journal")
	ok(t, err)
	ok(t, os.WriteFile(path+".journal", data[:len(data)-100], 0o600))
	s := session(t, store(), "b")
	if got := s.Document().Stories; len(got) != 1 || got[0].Address.Name != "one" {
		t.Errorf("got %v, want the first story alone", got)
	}
	put(t, s, "three")
	ok(t, s.Close(t.Context()))
}

// memoryStore opens a state in memory.
func memoryStore(*testing.T) func() state.Store {
	m := new(statetest.Memory)
	return func() state.Store { return m }
}

func openLocal(t *testing.T, path string) *local.Store {
	t.Helper()
	s, err := local.Open(path)
	ok(t, err)
	t.Cleanup(func() { s.Close() })
	return s
}

// localStore opens a state in a file.
func localStore(t *testing.T) func() state.Store {
	path := filepath.Join(t.TempDir(), local.DefaultName)
	return func() state.Store { return openLocal(t, path) }
}

// s3Store opens a state in a bucket.
func s3Store(t *testing.T) func() state.Store {
	for name, value := range map[string]string{
		"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test-secret", "AWS_REGION": "us-east-1", "AWS_EC2_METADATA_DISABLED": "true",
		"AWS_CONFIG_FILE": os.DevNull, "AWS_SHARED_CREDENTIALS_FILE": os.DevNull,
	} {
		if os.Getenv(name) == "" { // not t.Setenv, which parallel tests may not use
			ok(t, os.Setenv(name, value))
		}
	}
	server := httptest.NewServer(&fakeserver.S3{Bucket: "brand-state"})
	t.Cleanup(server.Close)
	return func() state.Store {
		s, err := s3.Open(t.Context(), map[string]string{"bucket": "brand-state", "key": "stories/acme", "endpoint": server.URL}, os.Getenv)
		ok(t, err)
		return s
	}
}

// httpStore opens a state behind an address of GitLab's kind.
func httpStore(t *testing.T) func() state.Store {
	server := httptest.NewServer(&fakeserver.Terraform{Kind: fakeserver.GitLab})
	t.Cleanup(server.Close)
	args := map[string]string{"address": server.URL + "/state", "lock_address": server.URL + "/state/lock", "lock_method": "POST", "unlock_method": "DELETE"}
	return func() state.Store {
		s, err := httpstore.Open(t.Context(), args, func(string) string { return "" })
		ok(t, err)
		return s
	}
}

// gitStore opens a state on a branch.
func gitStore(t *testing.T) func() state.Store {
	if _, err := exec.LookPath("git"); err != nil {
		t.Skip("git is not installed")
	}
	env := func(name string) string {
		return map[string]string{"PATH": os.Getenv("PATH"), "GIT_CONFIG_NOSYSTEM": "1", "GIT_CONFIG_GLOBAL": os.DevNull}[name]
	}
	bare := filepath.Join(t.TempDir(), "brand.git")
	ok(t, exec.Command("git", "init", "--quiet", "--bare", bare).Run())
	return func() state.Store {
		s, err := git.Open(t.Context(), map[string]string{"repository": bare, "key": "stories/acme"}, env, t.TempDir())
		ok(t, err)
		t.Cleanup(func() { s.Close() })
		return s
	}
}

// bucket is a bucket in memory whose writes fail in a way although they took
// effect.
type bucket struct {
	fault error // of every write; nil: none

	mu      sync.Mutex
	objects map[string]object.Object
}

var errReset = errors.New("connection reset by peer")

// open returns what opens a state in the bucket.
func (b *bucket) open(t *testing.T) func() state.Store {
	b.objects = map[string]object.Object{}
	verbs := object.Bucket{Get: b.get, Put: b.put, List: b.list, Delete: b.delete}
	return func() state.Store {
		s, err := object.New(verbs, "acme", object.Options{Where: "bucket://acme", Clock: clock.Clock{Now: time.Now, Sleep: func(ctx context.Context, d time.Duration) error {
			if d > 5*time.Second {
				<-ctx.Done() // a renewal, which no test waits for
			}
			return context.Cause(ctx)
		}}})
		ok(t, err)
		return s
	}
}

func (b *bucket) get(_ context.Context, key string) (object.Object, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	o, ok := b.objects[key]
	if !ok {
		return o, object.ErrNotFound
	}
	o.Date = time.Now()
	return o, nil
}

func (b *bucket) put(_ context.Context, key string, data []byte, old string) (object.Stored, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.objects[key].Version != old {
		return object.Stored{}, object.ErrRefused
	}
	version := fmt.Sprint(old, "v")
	b.objects[key] = object.Object{Data: bytes.Clone(data), Version: version, Modified: time.Now()}
	return object.Stored{Version: version, Date: time.Now()}, b.fault
}

func (b *bucket) list(_ context.Context, prefix, after string, limit int) (object.Listing, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	l := object.Listing{Date: time.Now()}
	for _, key := range slices.Sorted(maps.Keys(b.objects)) {
		if strings.HasPrefix(key, prefix) && key > after && (limit == 0 || len(l.Items) < limit) {
			l.Items = append(l.Items, object.Item{Key: key, Modified: b.objects[key].Modified})
		}
	}
	return l, nil
}

func (b *bucket) delete(_ context.Context, key string) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	delete(b.objects, key)
	return nil
}
