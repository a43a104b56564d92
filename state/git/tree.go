package git

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"storyform/state"
	"storyform/state/snapshot"
)

// tree is what the branch holds of this state at one commit.
type tree struct {
	commit      string // "" : there is no branch
	marked      bool   // the marker is there
	log         *snapshot.Snapshot
	lock        []byte // nil: there is none
	lockVersion string // its object's name
}

// files are the contents to be written, by their paths.
type files map[string][]byte

// read returns the branch as it is now.
func (s *Store) read(ctx context.Context) (*tree, error) {
	tip, err := s.repo.tip(ctx, s.ref)
	if err != nil {
		return nil, err
	}
	if s.tree != nil && s.tree.commit == tip {
		return s.tree, nil
	}
	if tip == "" {
		s.tree = &tree{log: snapshot.Empty()}
		return s.tree, nil
	}
	if err = s.repo.fetch(ctx, s.ref); err == nil {
		s.tree, err = s.at(ctx, tipRef)
	}
	return s.tree, err
}

// at reads the files of a commit that was fetched or made here.
func (s *Store) at(ctx context.Context, commit string) (*tree, error) {
	commit, blobs, err := s.repo.files(ctx, commit, marker, s.name("state.json"), s.name("journal"), s.name("lock"))
	if err != nil {
		return nil, err
	}
	t := &tree{commit: commit, marked: blobs[0] != nil}
	if !t.marked {
		return nil, fmt.Errorf("the branch %s exists and isn't one of storyform's, since it has no %s: name another branch, which storyform makes itself", strings.TrimPrefix(s.ref, "refs/heads/"), marker)
	}
	var document []byte
	if blobs[1] != nil {
		document = blobs[1].data
	}
	if document != nil && blobs[2] == nil {
		return nil, s.corrupt(errors.New("the document is there and its journal is missing"))
	}
	var lines []string
	if blobs[2] != nil && len(blobs[2].data) > 0 {
		text, whole := strings.CutSuffix(string(blobs[2].data), "\n")
		if !whole {
			return nil, s.corrupt(errors.New("its journal ends in the middle"))
		}
		lines = strings.Split(text, "\n")
	}
	if t.log, err = snapshot.Decode(s.where, document, lines); err != nil {
		return nil, state.Hinted(err, restoreHint)
	}
	if blobs[3] != nil {
		t.lock, t.lockVersion = blobs[3].data, blobs[3].id
	}
	return t, nil
}

// restoreHint is what to do about a damaged branch.
const restoreHint = "Somebody edited the branch by hand. Fetch it, find the last commit of storyform's with git log, and push that commit to the branch again with --force-with-lease."

func (s *Store) corrupt(err error) error {
	return &state.CorruptError{Where: s.where, Err: err, Hint: restoreHint}
}

// tries is how often an update is tried that others are faster than, and
// sameTries how often one that the server refuses although nobody was faster.
const (
	tries     = 20
	sameTries = 3
	pause     = 50 * time.Millisecond
	maxPause  = 2 * time.Second
)

// update commits what change makes of the branch and pushes it. change
// returns nothing when there is nothing to do (any more); it is called again
// with what the branch holds by then whenever a push didn't go through.
//
// It begins with what was read last: that this is still the newest is what
// the push makes sure of. Only to give up it wants to have read it now.
func (s *Store) update(ctx context.Context, message string, change func(*tree) (files, error)) error {
	t, fresh, same, wait := s.tree, false, 0, pause
	var pushErr error
	for range tries {
		if t == nil {
			var err error
			if t, err = s.read(ctx); err != nil {
				return err
			}
			fresh = true
		}
		changed, err := change(t)
		if err != nil || changed == nil {
			if !fresh {
				t = nil
				continue
			}
			return err
		}
		if !t.marked {
			changed[marker] = []byte(markerText)
		}
		commit, err := s.repo.commit(ctx, t.commit, message, s.clock.Now(), changed)
		if err != nil {
			return err
		}
		if pushErr = s.repo.push(ctx, s.ref, t.commit, commit); pushErr == nil {
			s.tree, err = s.at(ctx, commit)
			return err
		}
		before := t.commit
		if t, err = s.read(ctx); err != nil {
			return errors.Join(pushErr, err)
		}
		fresh = true
		if t.commit == commit {
			return nil // it landed, and the answer was lost
		}
		if t.commit == before {
			if same++; same == sameTries {
				return pushErr
			}
		}
		if s.clock.Sleep(ctx, wait) != nil {
			return pushErr
		}
		wait = min(2*wait, maxPause)
	}
	return fmt.Errorf("others push to the branch all the time: %w", pushErr)
}

// joinLock puts the time before the lock's data, in a line of its own.
func joinLock(now time.Time, data []byte) []byte {
	return fmt.Appendf(nil, "%s\n%s", now.UTC().Format(time.RFC3339), data)
}

// splitLock takes apart what joinLock made; the time is zero when it can't be
// read.
func splitLock(content []byte) (written time.Time, data []byte) {
	line, data, _ := bytes.Cut(content, []byte("\n"))
	written, err := time.Parse(time.RFC3339, string(line))
	if err != nil {
		return time.Time{}, content
	}
	return written, data
}

// lockMessage is the message of a commit that replaces the lock.
func lockMessage(data []byte) string {
	var body struct {
		Who, Operation string
		Beat           int
		Released       bool
	}
	switch err := json.Unmarshal(data, &body); {
	case err != nil:
		return "lock"
	case body.Released:
		return fmt.Sprintf("lock: released by %s", body.Who)
	case body.Beat > 0:
		return fmt.Sprintf("lock: renewed by %s", body.Who)
	}
	return fmt.Sprintf("lock: taken by %s (%s)", body.Who, body.Operation)
}
