package parallel

import (
	"errors"
	"strings"
	"sync/atomic"
	"testing"
)

func TestErrors(t *testing.T) {
	g := WithLimit(2)
	want := errors.New("no")
	var ran atomic.Int32
	for i := range 10 {
		g.Go(func() error {
			ran.Add(1)
			if i == 3 {
				return want
			}
			return nil
		})
	}
	if err := g.Wait(); err != want || ran.Load() != 10 {
		t.Errorf("got %v after %d functions, want %v after 10", err, ran.Load(), want)
	}
}

func TestPanicComesBack(t *testing.T) {
	g := WithLimit(0)
	g.Go(func() error { panic("broken") })
	g.Go(func() error { return nil })
	defer func() {
		p, ok := recover().(*Panic)
		if !ok || p.Value != "broken" || !strings.Contains(p.String(), "parallel_test.go") {
			t.Errorf("got %v, want the panic with where it came from", p)
		}
	}()
	g.Wait()
	t.Error("Wait returned after a panic")
}
