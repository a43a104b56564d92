// Package state is the memory of one configuration: what was registered, what
// was uploaded, what a publish call was made for, what is out. It holds the
// document, the journal of durable steps, and the Store that keeps both.
//
// # One log
//
// A state is a chain of immutable documents, numbered by serial, and after
// the newest of them a journal: numbered records, each the after-image of one
// story's entry. Reading is "newest document, then its records in order". A
// run appends one record for each durable step and at its end folds the
// records into the document of the next serial.
//
// Everything that keeps two writers from publishing one story twice follows
// from one primitive, create-if-absent at a position: record n of serial s can
// be written once, and so can document s+1. A writer whose position is taken
// has lost (ErrConflict): its lock was broken or expired, somebody else moved
// on, and it must not make the call that its record was to announce. Folding
// first seals the journal by the same primitive, so that a stalled writer
// can't append to a journal that was already folded. The lock is a courtesy
// on top: it keeps honest runs from colliding, it is not what makes them safe.
package state
