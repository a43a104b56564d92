package object

import (
	"context"
	"errors"
	"time"
)

// Bucket is what this package needs of an object store: four verbs. They may
// be called by several goroutines, and retry by themselves what is worth it.
type Bucket struct {
	// Get returns an object, or ErrNotFound. It reads MaxObject bytes and one
	// more at most.
	Get func(ctx context.Context, key string) (Object, error)
	// Put stores an object on a condition: that its version is old or, when
	// old is empty, that there is none. It fails with ErrRefused when the
	// condition doesn't hold, with ErrBusy when the store had too much to do
	// to tell, and with ErrDenied when it did nothing and won't at a second
	// try. After any other error the object may have been stored or not.
	Put func(ctx context.Context, key string, data []byte, old string) (Stored, error)
	// List returns the objects whose keys begin with prefix and sort behind
	// after, in the order of their keys: limit of them, or all when it is 0.
	List func(ctx context.Context, prefix, after string, limit int) (Listing, error)
	// Delete removes an object. One that isn't there is no error.
	Delete func(ctx context.Context, key string) error
}

// Object is what Get returns.
type Object struct {
	Data    []byte
	Version string // opaque: an ETag
	// Modified is when it was stored and Date when the store answered, both by
	// the store's clock. Zero: it didn't say.
	Modified, Date time.Time
}

// Stored is what Put returns.
type Stored struct {
	Version string
	Date    time.Time // of the answer, by the store's clock; zero: it didn't say
}

// Listing is what List returns.
type Listing struct {
	Items []Item
	Date  time.Time // as in Stored; that of the first page
}

// Item is one object of a Listing.
type Item struct {
	Key      string
	Modified time.Time
}

// MaxObject is the size in bytes of the largest object that is read or
// written.
const MaxObject = 256 << 20

// The errors that a Bucket tells apart.
var (
	ErrNotFound = errors.New("there is no such object")
	ErrRefused  = errors.New("the condition of the write doesn't hold")
	ErrBusy     = errors.New("another write of the same object is under way")
	ErrDenied   = errors.New("the store refused the request")
)
