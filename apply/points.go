package apply

// # Crash points
//
// Every durable step and every effect has a point before and after it at
// which a process may die. They are named "before X" and "after X" with X
// from the two lists below; together these are all the places where what is
// recorded and what is true can differ. Tests set Options.Crash to die at a
// chosen point; programs leave it nil.

// steps are the durable records that Session.Put makes, in the order in which
// a story passes them.
var steps = []string{
	stepRegister, stepIntend, stepSession, stepUploaded, stepPublishing, stepLive, stepListed,
	stepUnknown, stepFailed, stepMissed, stepCancel, stepForget, stepAdopt, stepUpdate, stepMove, stepMoved,
}

// The names of the durable steps, as the journal shows them.
const (
	stepRegister   = "register"   // scheduled, with hash and window
	stepIntend     = "intend"     // uploading, nothing sent yet
	stepSession    = "session"    // a video session is open: video_id, upload_url
	stepUploaded   = "uploaded"   // the media are at Meta: media_id
	stepPublishing = "publishing" // a publish call follows
	stepLive       = "live"       // it is out: post_id
	stepListed     = "listed"     // the list told url and creation_time
	stepUnknown    = "unknown"    // doubt remains at the end of the run
	stepFailed     = "failed"     // definitely not out
	stepMissed     = "missed"     // its window closed
	stepCancel     = "cancel"     // left the configuration before it was out
	stepForget     = "forget"     // left the configuration while it was out
	stepAdopt      = "adopt"      // found on the Page
	stepUpdate     = "update"     // became true by itself
	stepMove       = "move"       // written under its new address
	stepMoved      = "moved"      // dropped under its old one
)

// effects are the calls that change something at Meta.
var effects = []string{effectStart, effectUpload, effectPhotos, effectFinish, effectPhotoStory}

// The names of the effects, after the edges of the Graph API.
const (
	effectStart      = "start"         // video_stories, upload_phase=start
	effectUpload     = "upload"        // bytes or file_url to the upload URL
	effectPhotos     = "photos"        // photos, published=false
	effectFinish     = "finish"        // video_stories, upload_phase=finish: public
	effectPhotoStory = "photo_stories" // photo_stories: public
)

// CrashPoints lists every point that Options.Crash may be called with.
func CrashPoints() []string {
	var points []string
	for _, names := range [][]string{steps, effects} {
		for _, name := range names {
			points = append(points, before(name), after(name))
		}
	}
	return points
}

// before names the point before a step or an effect.
func before(name string) string { return "before " + name }

// after names the point after a step or an effect.
func after(name string) string { return "after " + name }
