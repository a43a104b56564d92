// Package testmedia makes small photos and videos for tests: good ones, and
// ones with a single chosen fault. Photos come from the encoders of the
// standard library and of golang.org/x/image. Videos have a true index and
// true headers of parameter sets and slices, but no pictures: nothing that
// only reads headers can tell them from a camera's.
package testmedia
