package plan

import (
	"time"

	"storyform/internal/diag"
	"storyform/story"
)

// FormatVersion is the version of the plan document, as `show --json` and the
// plan file carry it. The minor number rises with additions, the major one
// with changes that a reader of the old format would misread.
const FormatVersion = "1.0"

// Action is what will be done about one story.
type Action string

// The actions, in the order in which a summary counts them.
const (
	Publish  Action = "publish"  // declared, not out, due now
	Schedule Action = "schedule" // declared, due later: register it, publish nothing
	Modify   Action = "change"   // not out yet, and got other media, time or attributes
	Cancel   Action = "cancel"   // a story that is not out left the configuration
	Resume   Action = "resume"   // an upload was interrupted: go on where the server is
	Adopt    Action = "adopt"    // our media_id is on the Page: record what is true
	Forget   Action = "forget"   // a story that is out left the configuration
	Settle   Action = "settle"   // the outcome of a publish call is open: ask again first
	Upload   Action = "upload"   // due soon: upload its media ahead (only with --wait)
	Missed   Action = "missed"   // its window closed unpublished
	Note     Action = "note"     // nothing to do, something to say
)

// Plan is a document: what was found and what will be done, with everything
// that apply needs except media, tokens and state. It is the same thing on
// the screen, in the plan file and in `show --json`.
type Plan struct {
	FormatVersion string    `json:"format_version"`
	Tool          string    `json:"storyform_version"`
	CreatedAt     time.Time `json:"created_at"`
	// Fingerprint identifies what was approved: see Fingerprint.
	Fingerprint string `json:"fingerprint"`
	// Lineage is the state that the plan was made from; empty for a new one.
	Lineage string `json:"lineage,omitempty"`
	Serial  uint64 `json:"serial"`
	// Refreshed is false when the Pages were not asked (--refresh=false).
	Refreshed bool     `json:"refreshed"`
	Settings  Settings `json:"settings"`
	Pages     []Page   `json:"pages"`
	Summary   Summary  `json:"summary"`
	Changes   []Change `json:"changes"`
	// Moves are the stories that the state knows under another address.
	Moves []Move `json:"moves,omitempty"`
	// Imports are the import blocks of the configuration.
	Imports []Import `json:"imports,omitempty"`
	// Unregistered lists, in a plan reduced by Due, what is due and was never
	// registered as it is declared now.
	Unregistered []Unregistered `json:"unregistered,omitempty"`
	// Updates are facts to be recorded that need nobody's approval.
	Updates     []Update         `json:"updates,omitempty"`
	Diagnostics diag.Diagnostics `json:"diagnostics"`
	// CancelsAll: every story that waits to be published is cancelled.
	CancelsAll bool `json:"cancels_all,omitempty"`
	// Upcoming lists the waiting stories by time. It is for the run that made
	// the plan, and not saved.
	Upcoming []Next `json:"-"`
	// Unchanged lists, as notes, the stories that wait or are live as declared,
	// for who wants to see everything. It is not saved either.
	Unchanged []Change `json:"-"`
}

// Settings are the values of the storyform block that apply acts on.
type Settings struct {
	APIVersion  string            `json:"api_version"`
	SettleAfter time.Duration     `json:"settle_after"`
	MaxPublish  int               `json:"max_publish"` // 0: no limit
	UploadAhead time.Duration     `json:"upload_ahead,omitempty"`
	Backend     string            `json:"backend,omitempty"`
	BackendArgs map[string]string `json:"backend_args,omitempty"` // no secrets: those come from the environment
	Recipients  []string          `json:"recipients,omitempty"`   // public keys for which the state is encrypted
	// Sandbox: the plan was made against the simulator, and is good for nothing else.
	Sandbox bool `json:"sandbox,omitempty"`
}

// Page is a Page as the plan knows it, with what is visible on it.
type Page struct {
	Address   story.Address `json:"address"`
	ID        string        `json:"id"`
	Timezone  string        `json:"timezone,omitempty"`
	TokenEnv  string        `json:"token_env,omitempty"`
	Guard     *story.Guard  `json:"guard,omitempty"`
	Live      int           `json:"live"`      // visible stories that storyform published
	Unmanaged int           `json:"unmanaged"` // visible stories that it did not
	Waiting   int           `json:"waiting"`   // registered, unchanged, due later
	// Next is when the first waiting story is due.
	Next *Next `json:"next,omitempty"`
	// Unread says why the Page could not be read, when it could not.
	Unread string `json:"unread,omitempty"`
}

// Next is a waiting story.
type Next struct {
	Address   story.Address `json:"address"`
	PublishAt time.Time     `json:"publish_at"`
}

// Change is what will be done about one story, and why.
type Change struct {
	Address story.Address `json:"address"`
	Action  Action        `json:"action"`
	Reason  string        `json:"reason,omitempty"`
	Page    story.Address `json:"page"`
	PageID  string        `json:"page_id"`
	Kind    story.Kind    `json:"kind"`
	Source  string        `json:"source"`
	SHA256  string        `json:"sha256,omitempty"`
	Bytes   int64         `json:"bytes,omitempty"`
	// Media has the facts of a local file, for people.
	Media story.Media `json:"media,omitzero"`

	PublishAt time.Time         `json:"publish_at,omitzero"` // zero: at the first apply
	NotAfter  time.Time         `json:"not_after,omitzero"`
	Window    time.Duration     `json:"window,omitempty"` // bounds a story without publish_at from its registration
	Revision  int               `json:"revision"`
	After     []story.Address   `json:"after,omitempty"`
	Labels    map[string]string `json:"labels,omitempty"`
	Order     int               `json:"order"`

	// Diffs is what differs from what was registered, for publish and change.
	Diffs []Diff `json:"diffs,omitempty"`
	// Found is our story as the Page lists it, for adopt.
	Found *Found `json:"found,omitempty"`
	// ExpiresAt is when a story that is out leaves the Page.
	ExpiresAt time.Time `json:"expires_at,omitzero"`
	// Offset is how many bytes of the upload the server holds, for resume.
	Offset int64 `json:"offset,omitempty"`
	// Registered: the story is in the state, waiting to be published.
	Registered bool `json:"registered,omitempty"`
	// Withdrawn, for settle: what was attempted is not what is declared now, so
	// no other publish call may be made for it. See Evidence.
	Withdrawn bool `json:"withdrawn,omitempty"`
	// Prior identifies what the state remembered of the story when the plan
	// was made; empty for nothing. See Rebase.
	Prior string `json:"prior,omitempty"`
	// Declared is false when the story's block is not in the configuration.
	Declared bool        `json:"declared"`
	Range    *diag.Range `json:"range,omitempty"`
}

// Spec returns what the change's story declares.
func (c *Change) Spec() story.Spec {
	return story.Spec{
		PageID: c.PageID, Kind: c.Kind, Source: c.Source, SHA256: c.SHA256,
		PublishAt: c.PublishAt, NotAfter: c.NotAfter, Window: c.Window,
		Revision: c.Revision, After: c.After, Labels: c.Labels,
	}
}

// Update is something that became true by itself and only needs to be
// remembered: a story's 24 hours are over, or the list told its url.
type Update struct {
	Address story.Address `json:"address"`
	Status  story.Status  `json:"status,omitempty"`
	Found   *Found        `json:"found,omitempty"`
	// Loud: worth a state write of its own, so that it is told only once, or
	// not lost.
	Loud bool `json:"loud,omitempty"`
}

// Diff is one attribute that differs from what was registered.
type Diff struct {
	Attribute string `json:"attribute"`
	Old       string `json:"old"`
	New       string `json:"new"`
}

// Found is a story as the Page lists it.
type Found struct {
	PostID    string    `json:"post_id"`
	MediaID   string    `json:"media_id"`
	URL       string    `json:"url,omitempty"`
	CreatedAt time.Time `json:"created_at"`
}

// Summary counts the changes by action, and what needs nothing.
type Summary struct {
	Publish  int `json:"publish"`
	Schedule int `json:"schedule"`
	Change   int `json:"change"`
	Cancel   int `json:"cancel"`
	Resume   int `json:"resume"`
	Adopt    int `json:"adopt"`
	Forget   int `json:"forget"`
	Settle   int `json:"settle"`
	Upload   int `json:"upload,omitempty"`
	Missed   int `json:"missed"`
	Waiting  int `json:"waiting"`
	Live     int `json:"live"`
}
