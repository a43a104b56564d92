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
//
// # After a crash
//
// Nobody has to recover anything. A journal that a crashed run left open is
// carried on by the next run at the next position, which shuts out the former
// one, should it still be alive, exactly as a new journal would. A seal
// determines the next document to the byte: its time, its run and the hash of
// its predecessor come from the seal and the document before, not from whoever
// writes it. So whoever comes next can finish the fold, and two who do so at
// once write the same bytes.
//
// # Versions
//
// Documents and records carry FormatVersion, and reading is strict: a field
// that this program doesn't know might be the one that keeps a story from
// going out twice. So every new field is a new version.
//
// # Encryption
//
// A document or a record may stand there as an envelope: in clear is what the
// log needs to put it in its place (lineage and serial; base, number and
// seal), all else is encrypted. To this package and to the stores an envelope
// is bytes; package encrypted, a store around another, makes and opens them.
// Nothing is ever told from one that wasn't opened: a session refuses it, and
// folding keeps it as it is. EnvelopeVersion keeps programs out that know of
// no envelopes.
package state
