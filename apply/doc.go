// Package apply carries out a plan: it registers, uploads, publishes and
// settles, and makes each step durable in the state before the next begins.
//
// # The life of one publication
//
//	intend{sha256, page} → session / upload, saving media_id at once → uploaded{media_id}
//	  → publishing{media_id, attempt} → POST finish / photo_stories → live{post_id}
//
// Only the last call has a public effect, and it is the only one that is
// never repeated blindly. Everything before it may be lost and made again: an
// orphaned upload is invisible and dies by itself. So the rule of this
// package is short: between the record "publishing" and a record of the
// outcome there is one call, and after that call a story leaves doubt only by
// evidence (plan.Judge). A run that cannot write the record does not make
// the call; a run that made the call and cannot write the outcome leaves the
// record "publishing" behind, and the next run settles it.
//
// A story's steps stand in publish.go, in order. The crash points between
// them are listed in points.go, and the tests kill the process at each one.
//
// Pages are independent: each has a worker. The stories of one Page are a
// sequence and go out one after another.
package apply
