package state_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"storyform/state"
	"storyform/state/statetest"
	"storyform/story"
)

// slow is a store whose writes take a second, and that takes several records
// at once.
type slow struct {
	*statetest.Memory
	batches *[]int
	fail    error
}

func (s slow) Append(ctx context.Context, rec state.Record) error {
	return s.AppendAll(ctx, []state.Record{rec})
}

func (s slow) AppendAll(ctx context.Context, recs []state.Record) error {
	time.Sleep(time.Second)
	*s.batches = append(*s.batches, len(recs))
	if s.fail != nil && len(recs) > 1 {
		return s.fail
	}
	for _, rec := range recs {
		if err := s.Memory.Append(ctx, rec); err != nil {
			return err
		}
	}
	return nil
}

// putAll writes n entries from as many goroutines, one of them first.
func putAll(t *testing.T, s *state.Session, n int) []error {
	errs := make([]error, n)
	var wg sync.WaitGroup
	for i := range n {
		wg.Go(func() {
			errs[i] = s.Put(t.Context(), "register", entry(fmt.Sprint("s", i), story.Scheduled), &state.Event{What: "test"})
		})
		synctest.Wait() // it has begun to write, or waits for its turn
	}
	wg.Wait()
	return errs
}

// What comes in while a write is under way is written at once after it.
func TestRecordsAreWrittenTogether(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m, batches := new(statetest.Memory), new([]int)
		s := open(t, slow{m, batches, nil})
		began := time.Now()
		for _, err := range putAll(t, s, 100) {
			ok(t, err)
		}
		if diff := cmp.Diff([]int{1, 64, 35}, *batches); diff != "" {
			t.Errorf("records at once (-want +got):\n%s", diff)
		}
		if took := time.Since(began); took != 3*time.Second {
			t.Errorf("took %v, want 3s", took)
		}
		ok(t, s.Close(t.Context()))
		if got := open(t, m).Document(); len(got.Stories) != 100 || len(got.History) != 100 || got.Serial != 1 {
			t.Errorf("got %d stories, %d events at serial %d, want 100, 100 at 1", len(got.Stories), len(got.History), got.Serial)
		}
	})
}

// All of a batch fail together, and what comes later fails with them.
func TestBatchFails(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		errDown := errors.New("down")
		m, batches := new(statetest.Memory), new([]int)
		s := open(t, slow{m, batches, errDown})
		errs := putAll(t, s, 4)
		ok(t, errs[0])
		for _, err := range errs[1:] {
			if !errors.Is(err, errDown) {
				t.Errorf("got error %v, want %v", err, errDown)
			}
		}
		if err := s.Close(t.Context()); !errors.Is(err, errDown) {
			t.Errorf("got error %v, want %v", err, errDown)
		}
		if got := len(m.Records()); got != 1 {
			t.Errorf("got %d records, want 1", got)
		}
	})
}

// A store that takes one record at a time acknowledges each by itself.
func TestOneByOne(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		errDown := errors.New("down")
		m := &statetest.Memory{Before: func(c statetest.Call) error {
			time.Sleep(time.Second)
			if c.Op == statetest.OpAppend && c.Record.Seq == 3 {
				return errDown
			}
			return nil
		}}
		s := open(t, m)
		var failed int
		for _, err := range putAll(t, s, 5) {
			if err != nil {
				failed++
			}
		}
		if failed != 3 || len(m.Records()) != 2 {
			t.Errorf("got %d failures and %d records, want 3 and 2", failed, len(m.Records()))
		}
	})
}

// Steps that belong together are one write, up to the size of a batch, and none
// of them is there when it fails.
func TestStepsAreWrittenTogether(t *testing.T) {
	steps := func(n int) []state.Step {
		out := make([]state.Step, n)
		for i := range out {
			out[i] = state.Step{Name: "register", Entry: entry(fmt.Sprint("s", i), story.Scheduled)}
		}
		return out
	}
	synctest.Test(t, func(t *testing.T) {
		var batches []int
		store := slow{Memory: new(statetest.Memory), batches: &batches}
		s, err := state.Open(t.Context(), store, state.Run{ID: "r"}, time.Now)
		if err != nil {
			t.Fatal(err)
		}
		if err := s.PutAll(t.Context(), steps(100)); err != nil || len(s.Document().Stories) != 100 {
			t.Errorf("%v, %d stories", err, len(s.Document().Stories))
		}
		if diff := cmp.Diff([]int{64, 36}, batches); diff != "" {
			t.Errorf("sizes of the writes (-want +got):\n%s", diff)
		}
		store.fail = errors.New("no space left")
		s, err = state.Open(t.Context(), store, state.Run{ID: "r2"}, time.Now)
		if err != nil {
			t.Fatal(err)
		}
		more := steps(200)[100:]
		if err := s.PutAll(t.Context(), more); !errors.Is(err, store.fail) {
			t.Errorf("got %v", err)
		}
		if unsaved, err := s.Unsaved(); err != nil || unsaved == nil || len(unsaved.Stories) != 200 {
			t.Errorf("what was not written is not kept whole: %v", err)
		}
		if err := s.PutAll(t.Context(), more[:1]); !errors.Is(err, store.fail) {
			t.Errorf("a session that failed takes writes: %v", err)
		}
		if n := len(s.Document().Stories); n != 100 {
			t.Errorf("%d stories, want those of before", n)
		}
	})
}
