package object

import (
	"bytes"
	"context"
	"errors"
	"fmt"

	"storyform/state"
)

// errUnfit is that the store was seen to break its word.
var errUnfit = errors.New("use another store")

// Probe finds out whether the store keeps its word: that it refuses to create
// an object twice, to replace one that was replaced meanwhile, and that it
// lists what it stored. It writes under keys of its own, which it deletes
// afterwards where it may. What may be bad luck is tried again.
func (s *Store) Probe(ctx context.Context) error {
	for try := 1; ; try++ {
		err := s.probeOnce(ctx)
		if err == nil || errors.Is(err, errUnfit) || errors.Is(err, ErrDenied) || try == tries || s.sleep(ctx, try) != nil {
			return s.wrap("probe", err)
		}
	}
}

// probeOnce probes with a new key.
func (s *Store) probeOnce(ctx context.Context) error {
	prefix := s.key + "/probe/"
	key := prefix + state.NewID()
	err := s.probe(ctx, prefix, key)
	if deleteErr := s.bucket.Delete(context.WithoutCancel(ctx), key); err == nil && deleteErr != nil && !errors.Is(deleteErr, ErrDenied) {
		err = deleteErr
	}
	return err
}

func (s *Store) probe(ctx context.Context, prefix, key string) error {
	first, second := []byte("storyform probes this store: first\n"), []byte("storyform probes this store: second\n")
	created, err := s.putProbe(ctx, key, first, "")
	if err != nil {
		return fmt.Errorf("create an object: %w", err)
	}
	if _, err := s.bucket.Put(ctx, key, second, ""); err == nil {
		return fmt.Errorf("it overwrites an object that was to be created only if there is none (If-None-Match: *): two runs could publish one story twice with it; %w", errUnfit)
	} else if !errors.Is(err, ErrRefused) {
		return fmt.Errorf("create an object that exists: %w", err)
	}
	replaced, err := s.putProbe(ctx, key, second, created)
	if err != nil {
		return fmt.Errorf("replace an object on the condition that it is unchanged (If-Match), as the lock needs it: %w", err)
	}
	if _, err := s.bucket.Put(ctx, key, first, created); err == nil {
		return fmt.Errorf("it replaces an object that was changed meanwhile in spite of the condition (If-Match), so that two runs could hold the lock; %w", errUnfit)
	} else if !errors.Is(err, ErrRefused) {
		return fmt.Errorf("replace an object that was changed: %w", err)
	}
	got, err := s.bucket.Get(ctx, key)
	if err != nil {
		return fmt.Errorf("read an object: %w", err)
	}
	if !bytes.Equal(got.Data, second) || got.Version != replaced {
		return errors.New("an object that was just stored reads differently; use another store")
	}
	if age(got) < 0 {
		return errors.New("it doesn't tell when it answers (Date) or when an object was stored (Last-Modified), so that the lock of a dead run would never expire")
	}
	listing, err := s.bucket.List(ctx, prefix, "", 0)
	if err != nil {
		return fmt.Errorf("list objects: %w", err)
	}
	for _, item := range listing.Items {
		if item.Key == key {
			return nil
		}
	}
	return errors.New("an object that was just stored isn't listed; use another store")
}

// putProbe is Put; to find one's own bytes is success, whatever was answered.
func (s *Store) putProbe(ctx context.Context, key string, data []byte, old string) (version string, err error) {
	stored, err := s.bucket.Put(ctx, key, data, old)
	if err == nil || errors.Is(err, ErrDenied) {
		return stored.Version, err
	}
	there, getErr := s.bucket.Get(ctx, key)
	if getErr == nil && bytes.Equal(there.Data, data) {
		return there.Version, nil
	}
	return "", err
}
