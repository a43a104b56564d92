// Package sandbox simulates the part of the Graph API that Page Stories need,
// so that a configuration can be planned, applied and rehearsed without a
// Facebook account, and so that tests can lose an answer on purpose.
//
// A Server is an http.Handler with a world behind it: Pages, tokens, uploads,
// stories that live for 24 hours. It shares no type with the client: what is
// faked is the wire. It is strict where the documentation is strict, and where
// live replies were seen to differ from the documentation it answers as they
// do; Switches.AsDocumented turns that around. Each point that only a live
// Page can settle is a switch as well, so that a client can be tried against
// both possibilities.
//
// # Use
//
//	sim := sandbox.New(sandbox.Options{AutoPages: true})
//	server := httptest.NewServer(sim)
//
// With AutoPages, Pages come into being when somebody asks for them: the token
// sandbox-page-104857600000001 is the Page token of that Page, and
// sandbox-user (or sandbox-user-anything) a user who manages every Page.
// Pages and tokens of other kinds are made with AddPage and AddToken.
//
// Load binds a world to a file. Several processes may then use it at the same
// time: every request reads what the others wrote, and what it changed is in
// the file before its answer goes out, so that a client killed after its
// request finds on the simulator what it would find on Facebook.
//
// # Time
//
// Nothing happens in the background. What the time brings about (stories
// expire, videos are processed, sessions end) is worked out from the clock
// when somebody looks, so a fake clock needs no help. Advance moves the
// world's time forward of Options.Now.
//
// # Faults
//
// A Fault spoils requests: it loses the answer after the effect, cuts an
// upload in the middle, answers with an error code or with no answer at all.
// ParseFaults reads them from text such as
//
//	photo_stories after reset
//	upload before cut=50000 times=2
//	stories before status=500 code=2
//
// # Control
//
// Below /_sandbox/ the server answers control requests, from this machine
// only: the page for people, the world and the request log as JSON, faults,
// switches, the clock, stories made and removed by hand.
package sandbox
