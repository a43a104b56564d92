// Package plan compares what is declared with what is remembered and what is
// on the Pages, and says what to do about each story. It is pure: no I/O, no
// clock, the same answer for the same input. Its result is a document that
// can be shown, saved, reviewed and applied.
package plan
