package clock

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"
)

func TestSystemSleep(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		if err := System().Sleep(t.Context(), time.Hour); err != nil || time.Since(began) != time.Hour {
			t.Errorf("slept %s, %v; want an hour", time.Since(began), err)
		}
		reason := errors.New("stopped")
		ctx, cancel := context.WithCancelCause(t.Context())
		go func() {
			time.Sleep(time.Minute)
			cancel(reason)
		}()
		began = time.Now()
		if err := System().Sleep(ctx, time.Hour); !errors.Is(err, reason) || time.Since(began) != time.Minute {
			t.Errorf("slept %s, %v; want a minute and the cause", time.Since(began), err)
		}
		if err := System().Sleep(ctx, 0); err == nil {
			t.Error("a sleep of nothing in a context that is over: got no error")
		}
	})
}

func TestFake(t *testing.T) {
	start := time.Date(2026, 12, 20, 9, 0, 0, 0, time.UTC)
	f := NewFake(start)
	c := f.Clock()
	if err := c.Sleep(t.Context(), time.Minute); err != nil {
		t.Fatal(err)
	}
	f.Advance(time.Second)
	if got, want := c.Now(), start.Add(61*time.Second); !got.Equal(want) {
		t.Errorf("got %s, want %s", got, want)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := c.Sleep(ctx, time.Hour); err == nil || !c.Now().Equal(start.Add(61*time.Second)) {
		t.Errorf("a sleep in a context that is over: %v, and the clock shows %s", err, c.Now())
	}
}

func TestElapsed(t *testing.T) {
	from := time.Now() // both hands
	slept := from.Round(0).Add(time.Hour)
	for name, to := range map[string]time.Time{"both": from.Add(time.Hour), "a machine that slept": slept} {
		if got := Elapsed(from, to); got != time.Hour {
			t.Errorf("%s: got %v, want an hour", name, got)
		}
	}
	if got := Elapsed(from.Round(0), from.Round(0).Add(-time.Hour)); got != -time.Hour {
		t.Errorf("set back, and nothing else to go by: got %v", got)
	}
}
