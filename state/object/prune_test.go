package object

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"storyform/state"
)

type ctx = context.Context

func TestPrunable(t *testing.T) {
	const day = 24 * time.Hour
	now := start.Add(365 * day)
	for _, test := range []struct {
		name  string
		count int
		every time.Duration // how far the documents are apart; the last is of now
		want  int
	}{
		{"none", 0, day, 0},
		{"few and old", 100, 7 * day, 0},
		{"one more", 101, 7 * day, 1},
		{"daily: those of the last 30 days and 100 at least", 200, day, 100},
		{"hourly: those of the last 30 days", 800, time.Hour, 79},
		{"every minute: one page, but never the last two days", 2000, time.Minute, 0},
		{"every ten minutes", 2000, 10 * time.Minute, 1100},
		{"of one moment", 500, 0, 0},
	} {
		var docs []Item
		for i := range test.count {
			docs = append(docs, Item{fmt.Sprint(i), now.Add(-time.Duration(test.count-1-i) * test.every)})
		}
		if got := prunable(docs, now); got != test.want {
			t.Errorf("%s: got %d, want %d", test.name, got, test.want)
		}
	}
	if got := prunable(make([]Item, 500), now); got != 0 {
		t.Errorf("without times: got %d, want 0", got)
	}
}

// Pruning keeps what Load needs, goes on where it left off, and hurts nobody
// who may not delete.
func TestPrune(t *testing.T) {
	m := newMemory()
	write(t, m, 250)
	m.objects["stories/acme/orphan/1-x"] = Object{Modified: m.date()}
	m.clock.Advance(maxAge + time.Hour)
	m.fault = always("delete", early)
	write(t, m, 251)
	before := len(m.keys())
	m.fault = nil
	write(t, m, 260)
	doc := session(t, m.open(t, 0), "reader").Document()
	if doc.Serial != 260 || len(doc.Stories) != 260 {
		t.Errorf("got serial %d with %d stories, want 260, 260", doc.Serial, len(doc.Stories))
	}
	serials, err := m.open(t, 0).History(t.Context())
	wantErr(t, err, nil, "")
	if len(serials) > 120 || len(serials) < minVersions || len(m.keys()) >= before {
		t.Errorf("got %d documents in %d objects, want %d or a few more", len(serials), len(m.keys()), minVersions)
	}
	for _, key := range m.keys() {
		if base, ok := number(key, "stories/acme/journal/"); ok && base < serials[0]-1 {
			t.Errorf("%s is left behind", key)
		}
	}
	if m.objects["stories/acme/orphan/1-x"].Modified.IsZero() {
		t.Error("a young orphan was deleted")
	}
	m.clock.Advance(orphanAge)
	write(t, m, 280)
	if !m.objects["stories/acme/orphan/1-x"].Modified.IsZero() {
		t.Error("an old orphan was kept")
	}
	previous := ""
	for n := serials[len(serials)-1] - 50; n < 260; n++ {
		kept, err := m.open(t, 0).Version(t.Context(), n)
		wantErr(t, err, nil, "")
		if previous != "" && kept.PrevSHA256 != previous {
			t.Errorf("serial %d names %s as the hash of the one before, want %s", n, kept.PrevSHA256, previous)
		}
		if previous, err = state.Hash(kept); err != nil {
			t.Fatal(err)
		}
	}
}

// Stores that don't keep their word are found out.
func TestProbe(t *testing.T) {
	for _, test := range []struct {
		name  string
		spoil func(b *Bucket)
		want  string
	}{
		{"good", func(*Bucket) {}, ""},
		{"creates twice", func(b *Bucket) {
			p := b.Put
			b.Put = func(ctx ctx, key string, data []byte, old string) (Stored, error) {
				stored, err := p(ctx, key, data, old)
				if old == "" && err == ErrRefused {
					return stored, nil
				}
				return stored, err
			}
		}, "two runs could publish one story twice"},
		{"ignores If-Match", func(b *Bucket) {
			p := b.Put
			b.Put = func(ctx ctx, key string, data []byte, old string) (Stored, error) {
				stored, err := p(ctx, key, data, old)
				if old != "" && err == ErrRefused {
					return stored, nil
				}
				return stored, err
			}
		}, "two runs could hold the lock"},
		{"doesn't know If-Match", func(b *Bucket) {
			p := b.Put
			b.Put = func(ctx ctx, key string, data []byte, old string) (Stored, error) {
				if old != "" {
					return Stored{}, fmt.Errorf("%w: NotImplemented", ErrDenied)
				}
				return p(ctx, key, data, old)
			}
		}, "(If-Match), as the lock needs it: the store refused the request: NotImplemented"},
		{"reads old bytes", func(b *Bucket) {
			b.Get = func(ctx, string) (Object, error) { return Object{Data: []byte("old")}, nil }
		}, "reads differently"},
		{"without dates", func(b *Bucket) {
			g := b.Get
			b.Get = func(ctx ctx, key string) (Object, error) {
				o, err := g(ctx, key)
				o.Date = time.Time{}
				return o, err
			}
		}, "the lock of a dead run would never expire"},
		{"lists nothing", func(b *Bucket) {
			b.List = func(ctx, string, string, int) (Listing, error) { return Listing{}, nil }
		}, "isn't listed"},
		{"no access", func(b *Bucket) {
			b.Put = func(ctx, string, []byte, string) (Stored, error) {
				return Stored{}, fmt.Errorf("%w: AccessDenied", ErrDenied)
			}
		}, "create an object: the store refused the request: AccessDenied"},
		{"may not delete", func(b *Bucket) {
			b.Delete = func(ctx, string) error { return fmt.Errorf("%w: AccessDenied", ErrDenied) }
		}, ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			m := newMemory()
			s := m.open(t, 0)
			test.spoil(&s.bucket)
			err := s.Probe(t.Context())
			if test.want == "" {
				wantErr(t, err, nil, "")
			} else if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("got error %v, want one with %q", err, test.want)
			}
			if keys := m.keys(); len(keys) > 0 && test.name != "may not delete" {
				t.Errorf("left behind %v", keys)
			}
		})
	}
}

// What goes wrong with one call is no verdict on the store.
func TestProbeUnlucky(t *testing.T) {
	for _, f := range []fault{early, lost, again, busy, torn, dateless} {
		for n := range 10 {
			m := newMemory()
			calls := 0
			m.fault = func(string, string) fault {
				if calls++; calls == n+1 {
					return f
				}
				return none
			}
			if err := m.open(t, 0).Probe(t.Context()); err != nil {
				t.Errorf("fault %d at call %d: %v", f, n, err)
			}
		}
	}
}
