// Package media tells, offline and before anything is uploaded, what a photo
// or video is and whether Facebook's Stories API takes it.
//
//	f, err := media.Inspect(ctx, path, story.Video)
//	findings := media.Judge(f, media.JudgeOptions{})
//
// Inspect recognises a file by its content, never by its name, hashes it
// while reading it once, and measures it from its headers: a video's pictures
// are not decoded, a photo's only when Options.Decode asks for it. Judge
// holds the facts against a table of rules, each with its source and date,
// because copies of the vendor's page disagree with each other.
//
// A documented limit is an error, a recommendation is a warning, and what
// can't be told is reported as not checked: it is never passed off as good,
// and it is never an error.
//
// CheckURL and Probe look at hosted files, which Meta fetches itself. Cache
// remembers what Inspect found for files that did not change.
package media
