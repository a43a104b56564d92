// Package graphapi is a client of the Facebook Page Stories API: requests,
// typed errors, rate limits, and the redaction of secrets.
//
// A Client talks to one API; a Page, made by Client.Page, makes the calls of
// one Page with its token. Prepare checks the token first. A photo story is
// UploadPhoto and then PublishPhoto; a video story is StartVideo, UploadVideo,
// VideoStatus until the upload is complete, and then FinishVideo. Stories
// lists what is on the Page.
//
// # What an error proves
//
// PublishPhoto and FinishVideo have a public effect that cannot be undone, and
// they carry no idempotency key. So the question about their errors is not
// "may it be retried" but "is it certain that nothing happened". Outcome
// answers it, and it says NotDone in two cases only:
//
//   - The request provably never left: its input was refused here, or the
//     HTTP transport reports that it asked for a connection and never got one
//     (name resolution, connect, TLS handshake). A connection that existed for
//     a moment proves nothing any more.
//   - The API answered with an error that the catalogue knows as a refusal
//     that comes before any effect, such as a bad token or a missing
//     permission, with a status below 500 and without the transient flag.
//
// Everything else is Unclear, to be settled by looking at the Page:
// time-outs, resets, any 5xx, codes 1 and 2 (the same photo was published
// seven times because a client repeated each HTTP 500 with code 2,
// github.com/arsduo/koala/issues/699, August 2025), a body that is cut or is
// not JSON, error codes that nobody documented, `{"success":false}` (it says
// neither why nor how far the request came), and `{"success":true}` without a
// post_id. Throttle codes are Unclear too: they are said to come before
// processing, but one was seen with the post live
// (github.com/gitroomhq/postiz-app/pull/1681). An error speaks of its own call
// alone: a refusal of a second try says nothing about the first.
//
// The client therefore never repeats a publish, sends it on a fresh
// connection that carries nothing else, and takes away from net/http the
// means to repeat it. Reads and the uploads' first steps have no public
// effect and are repeated, with pauses, when they fail.
//
// # Secrets
//
// Tokens travel in the Authorization header only and are of type Token, which
// shows itself as REDACTED. Errors never carry a URL, and texts from the
// server are cleaned of control characters and of anything that equals a
// secret of the call. Upload URLs are treated as secrets as well.
package graphapi
