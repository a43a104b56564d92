package state

import (
	"crypto/rand"
	"fmt"
	"maps"
	"slices"
	"time"
)

// Clone returns a deep copy of d.
func (d *Document) Clone() *Document {
	c := *d
	c.Stories = slices.Clone(d.Stories)
	for i := range c.Stories {
		c.Stories[i] = c.Stories[i].Clone()
	}
	c.History = slices.Clone(d.History) // events hold no pointers
	if d.Envelope != nil {
		c.Envelope = d.Envelope.clone()
	}
	return &c
}

// Clone returns a deep copy of e.
func (e *Entry) Clone() Entry {
	c := *e
	c.After = slices.Clone(e.After)
	c.Labels = maps.Clone(e.Labels)
	c.TriedMedia = slices.Clone(e.TriedMedia)
	c.Operation = clonePointer(e.Operation)
	c.Failure = clonePointer(e.Failure)
	c.Resolution = clonePointer(e.Resolution)
	return c
}

// clonePointer copies what p points to, when it points to something.
func clonePointer[T any](p *T) *T {
	if p == nil {
		return nil
	}
	c := *p
	return &c
}

// utc puts every time of e in UTC, so that a state reads the same whichever
// machine wrote it. It may change what e points to.
func (e *Entry) utc() {
	inUTC(&e.RegisteredAt, &e.PublishAt, &e.NotAfter, &e.PublishedAt, &e.ExpiresAt)
	if o := e.Operation; o != nil {
		inUTC(&o.StartedAt, &o.UploadedAt, &o.AttemptAt)
	}
	if e.Failure != nil {
		inUTC(&e.Failure.At)
	}
	if e.Resolution != nil {
		inUTC(&e.Resolution.At)
	}
}

// utc puts every time of ev in UTC.
func (ev *Event) utc() { inUTC(&ev.At, &ev.PublishAt, &ev.PublishedAt) }

// inUTC puts times in UTC and drops their monotonic part.
func inUTC(times ...*time.Time) {
	for _, t := range times {
		*t = t.Round(0).UTC()
	}
}

// NewID returns a random identifier in the form of a UUID, for a lineage, a
// run or a lock.
func NewID() string {
	var b [16]byte
	rand.Read(b[:])
	b[6] = b[6]&0x0f | 0x40 // version 4: random
	b[8] = b[8]&0x3f | 0x80 // the variant of RFC 9562
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
}
