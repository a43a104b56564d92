// Package story holds the words that every other package shares: the address
// of a story or page, what is declared (Desired), what is on a Page
// (Observed), and the statuses a story passes through. It is a leaf: it does
// no I/O, reads no clock and knows nothing about HCL, HTTP or files.
//
// A story is a publish-once event with a finite window, not a resource that
// is kept in existence: after 24 hours it leaves the Page by itself, and
// nothing here ever concludes from its absence that it should be published.
package story
