package graphapi

import (
	"slices"
	"strconv"
	"strings"
)

// Class says what kind of trouble a code means. What follows from it stands
// in classes.
type Class string

// The classes.
const (
	ClassServer     Class = "server"     // trouble at Meta, often passing
	ClassThrottle   Class = "throttle"   // too many calls
	ClassToken      Class = "token"      // the token or its signature is no good
	ClassPermission Class = "permission" // the token lacks a right
	ClassBlocked    Class = "blocked"    // the Page or account is blocked for a while
	ClassIdentity   Class = "identity"   // the id in the configuration is not the Page's
	ClassRequest    Class = "request"    // the request itself is refused
	ClassMissing    Class = "missing"    // the object does not exist, or not for this token
	ClassMedia      Class = "media"      // the file is refused
	ClassUpload     Class = "upload"     // an upload request came out of step
	ClassDuplicate  Class = "duplicate"  // the same was already posted
)

// classRule is what the client and its callers do about a class.
type classRule struct {
	refusal bool // it proves that the call had no effect
	stops   bool // no further call for this Page makes sense
	retry   bool // the same read or upload may succeed later
}

// classes is the table of consequences. A class that is not a refusal leaves
// open whether a publish took effect.
var classes = map[Class]classRule{
	ClassServer:     {retry: true},
	ClassThrottle:   {retry: true},
	ClassToken:      {refusal: true, stops: true},
	ClassPermission: {refusal: true, stops: true},
	ClassBlocked:    {refusal: true, stops: true},
	ClassIdentity:   {refusal: true, stops: true},
	ClassRequest:    {refusal: true},
	ClassMissing:    {refusal: true},
	ClassMedia:      {refusal: true},
	ClassUpload:     {refusal: true, retry: true},
	ClassDuplicate:  {},
}

// Entry is one row of the error catalogue. A row without a subcode stands for
// the code with any subcode that has no row of its own: what nobody documented
// is not explained, the API's own words for the user are printed instead.
type Entry struct {
	Code    int    // 0: the row is about Subcode under any code, or about Type
	Last    int    // the last code of a range that begins with Code; 0: only Code
	Subcode int    // 0: any
	Type    string // debug_info.type, for answers of the upload host, which have no code
	Name    string
	Meaning string
	Class   Class
	AppWide bool   // a throttle that counts for every Page of the app
	Do      string // what the user should do
	Source  string // where the meaning is documented or was seen, and when it was read
}

// Where the catalogue's facts come from, with the dates of the copies.
const (
	docErrors = "developers.facebook.com/docs/graph-api/guides/error-handling, 2026-11"
	docRates  = "developers.facebook.com/docs/graph-api/overview/rate-limiting, 2026-11"
	docPhotos = "developers.facebook.com/docs/graph-api/reference/page/photos, v26.0, 2026-11"
	docReels  = "developers.facebook.com/docs/video-api/guides/reels-publishing, 2026-11"
	docVideos = "developers.facebook.com/docs/marketing-api/reference/ad-account/advideos, 2026-11"
	srcUpload = "github.com/mapillary/mapillary_tools uploader.py, the same upload host, 2026-11"
)

// Advice that several rows share.
const (
	doWait    = "wait; calls made meanwhile prolong the block. The next run continues"
	doToken   = "make a new Page token and store it where token_env says; `storyform doctor` checks it"
	doRights  = "let someone with full control of the Page grant the app pages_manage_posts, pages_read_engagement and pages_show_list, and give the token's user the task to create content"
	doFile    = "check the file with `storyform validate`, export it again, or try another one"
	doNothing = "nothing: the upload goes on by itself; if it doesn't, apply again"
	doSettle  = "apply again: it looks at the Page before it does anything else"
)

// catalogue is the table from which the client decides, from which messages
// are written, and which `storyform explain` prints.
var catalogue = []Entry{
	{Code: 1, Name: "API Unknown", Class: ClassServer,
		Meaning: "An error without a description, possibly an outage. A parameter that the edge does not know is answered like this, too.",
		Do:      doSettle + ". If it comes back each time, suspect the request", Source: docErrors},
	{Code: 2, Name: "API Service", Class: ClassServer,
		Meaning: "The service is down for the moment. The call may have taken effect all the same.",
		Do:      doSettle, Source: docErrors},
	{Code: 3, Name: "API Method", Class: ClassPermission,
		Meaning: "The app lacks the capability for this call.",
		Do:      "check the app's products, access level and review status in the Meta app dashboard", Source: docErrors},
	{Code: 4, Name: "API Too Many Calls", Class: ClassThrottle, AppWide: true,
		Meaning: "The app made too many calls.", Do: doWait, Source: docErrors},
	{Code: 10, Name: "API Permission Denied", Class: ClassPermission,
		Meaning: "A permission is missing or was withdrawn. The token of another Page is answered like this, too.",
		Do:      "compare the token's Page with the configured one (`storyform doctor`), then " + doRights, Source: docErrors},
	{Code: 12, Name: "Deprecated call", Class: ClassRequest,
		Meaning: "The call or a parameter no longer exists in this version of the API.",
		Do:      "set api_version in the storyform block to a version in use, or update storyform",
		Source:  "answers quoted in public issue threads, 2026-11"},
	{Code: 17, Name: "API User Too Many Calls", Class: ClassThrottle,
		Meaning: "The token's user made too many calls.", Do: doWait, Source: docErrors},
	{Code: 21, Name: "Page id migrated", Class: ClassIdentity,
		Meaning: "The Page has moved to another id, which the message names.",
		Do:      "write the new id into the page block", Source: "github.com/IvanBBaev/facebook-mcp, 2026-11"},
	{Code: 32, Name: "Page request limit", Class: ClassThrottle,
		Meaning: "Too many calls were made for this Page with a user's token.", Do: doWait + ". A Page token has a limit of its own", Source: docErrors},
	{Code: 100, Name: "Invalid parameter", Class: ClassRequest,
		Meaning: "A parameter, field or id was not accepted; the message says which.",
		Do:      "read the message; if it names nothing of your configuration, report it with the fbtrace_id", Source: docErrors},
	{Code: 100, Subcode: 21, Name: "Page id migrated", Class: ClassIdentity,
		Meaning: "The Page has moved to another id, which the message names.",
		Do:      "write the new id into the page block", Source: "github.com/IvanBBaev/facebook-mcp, 2026-11"},
	{Code: 100, Subcode: 33, Name: "No such object", Class: ClassMissing,
		Meaning: "The object does not exist, this token can't see it, or it does not support the operation. Right after its creation an object can be missing for some seconds; a story is gone after 24 hours.",
		Do:      "check the id, and whether the token is the Page's own",
		Source:  "answers quoted at github.com/restfb/restfb/issues/1469 and github.com/DayMoonDevelopment/post-for-me/pull/355, 2026-11"},
	{Code: 100, Subcode: 1366046, Name: "Photo not accepted", Class: ClassMedia,
		Meaning: "The photo can't be read, is too big, or is of a type that is not accepted.", Do: doFile,
		Source: "an answer quoted at github.com/facebookarchive/php-graph-sdk/issues/711, 2026-11"},
	{Code: 102, Name: "API Session", Class: ClassToken,
		Meaning: "The token or the login behind it is no longer valid.", Do: doToken, Source: docErrors},
	{Code: 104, Name: "Bad signature", Class: ClassToken,
		Meaning: "The appsecret_proof is missing or does not belong to the token's app.",
		Do:      "set STORYFORM_APP_SECRET to the secret of the app that the token was made for", Source: docPhotos},
	{Code: 190, Name: "Access token not valid", Class: ClassToken,
		Meaning: "The access token has expired, was revoked, or is otherwise not valid.", Do: doToken, Source: docErrors},
	{Code: 190, Subcode: 458, Name: "App not installed", Class: ClassToken,
		Meaning: "The person removed the app from their account.",
		Do:      "log in to the app again and " + doToken, Source: docErrors},
	{Code: 190, Subcode: 459, Name: "User checkpointed", Class: ClassToken,
		Meaning: "Facebook wants to check the account of the token's user. A new token does not help.",
		Do:      "let that person log in at www.facebook.com and clear the check", Source: docErrors},
	{Code: 190, Subcode: 460, Name: "Password changed", Class: ClassToken,
		Meaning: "The password of the token's user was changed, which ends their tokens.", Do: doToken, Source: docErrors},
	{Code: 190, Subcode: 463, Name: "Token expired", Class: ClassToken,
		Meaning: "The token's time is over.",
		Do:      doToken + ". A Page token made from a long-lived user token does not expire", Source: docErrors},
	{Code: 190, Subcode: 464, Name: "Unconfirmed user", Class: ClassToken,
		Meaning: "The account of the token's user is not confirmed. A new token does not help.",
		Do:      "let that person log in at www.facebook.com and confirm the account", Source: docErrors},
	{Code: 190, Subcode: 467, Name: "Token invalid", Class: ClassToken,
		Meaning: "The token has expired, was revoked, or the person logged out.", Do: doToken, Source: docErrors},
	{Code: 190, Subcode: 492, Name: "No role on the Page", Class: ClassToken,
		Meaning: "The token's user no longer has the needed role on the Page. A new token alone does not help.",
		Do:      "give that person or system user a role on the Page again, then " + doToken, Source: docErrors},
	{Code: 200, Last: 299, Name: "Permission missing", Class: ClassPermission,
		Meaning: "A permission is missing or was withdrawn, or the token's user lacks the task on the Page; the message often names it.",
		Do:      doRights, Source: docErrors},
	{Code: 324, Name: "Missing or invalid image", Class: ClassMedia,
		Meaning: "There was no image in the request, or it can't be read; for a URL, it may be that Meta could not fetch it.", Do: doFile, Source: docPhotos},
	{Code: 341, Name: "Application limit reached", Class: ClassThrottle, AppWide: true,
		Meaning: "The app has reached a limit for some time.", Do: doWait, Source: docErrors},
	{Code: 351, Name: "Video file problem", Class: ClassMedia,
		Meaning: "There is a problem with the video file.", Do: doFile, Source: docVideos},
	{Code: 352, Name: "Video format not supported", Class: ClassMedia,
		Meaning: "The video's format is not supported.", Do: doFile, Source: docVideos},
	{Code: 356, Name: "Video upload problem", Class: ClassMedia,
		Meaning: "There was a problem with the upload of the video.", Do: doFile, Source: docVideos},
	{Code: 368, Name: "Temporarily blocked", Class: ClassBlocked,
		Meaning: "Meta blocks the action as abusive or as against a policy, for hours to days. It is also said when the same content is posted repeatedly.",
		Do:      "stop publishing on this Page, look at its Page Quality and Support Inbox on Facebook, and continue when the block is lifted. Trying again prolongs it", Source: docErrors},
	{Code: 382, Name: "Video too small", Class: ClassMedia,
		Meaning: "The video file is too small.", Do: doFile, Source: docVideos},
	{Code: 389, Name: "Video not fetched", Class: ClassMedia,
		Meaning: "Meta could not fetch the video from its URL.",
		Do:      "check that the URL opens without a login, that robots.txt admits facebookexternalhit, and that it is not on fbcdn; or use a local file", Source: docVideos},
	{Code: 506, Name: "Duplicate post", Class: ClassDuplicate,
		Meaning: "The same content was posted shortly before.", Do: doSettle, Source: docErrors},
	{Code: 613, Name: "Calls limited", Class: ClassThrottle,
		Meaning: "Calls of this kind came too fast, or the traffic looks odd.", Do: doWait, Source: docRates},
	{Code: 803, Name: "Alias does not exist", Class: ClassIdentity,
		Meaning: "The id or alias names nothing.", Do: "write the Page's numeric id into the page block",
		Source: "answers quoted in public issue threads, 2026-11"},
	{Code: 2500, Name: "Path or token not understood", Class: ClassRequest,
		Meaning: "The path or the API version is not known, or the call came without a token.",
		Do:      "check api_version in the storyform block",
		Source:  "answers quoted at github.com/arsduo/koala/issues/611 and github.com/jgorset/facepy/issues/135, 2026-11"},
	{Code: 6000, Name: "Video file not accepted", Class: ClassMedia,
		Meaning: "There is a problem with the video file. A video whose bytes never arrived is answered like this, too, and so are two uploads into one session.",
		Do:      "apply again, which uploads what is missing; if it stays, " + doFile,
		Source:  "answers quoted at github.com/trypostit/trypost/pull/361, 2026-11"},
	{Code: 6001, Name: "Wrong offset", Class: ClassUpload,
		Meaning: "A piece of the upload does not begin where the server's bytes end.", Do: doNothing,
		Source: "an answer quoted at github.com/restfb/restfb/issues/737, 2026-11"},
	{Code: 6001, Subcode: 1363037, Name: "Wrong offset", Class: ClassUpload,
		Meaning: "A piece of the upload does not begin where the server's bytes end.", Do: doNothing,
		Source: "an answer quoted at github.com/restfb/restfb/issues/737, 2026-11"},
	{Code: 80000, Last: 80099, Name: "Business use case limit", Class: ClassThrottle,
		Meaning: "Too many calls were made for this Page or business. Small Pages have small limits.", Do: doWait, Source: docRates},
	{Subcode: alreadyPosted, Name: "Already posted", Class: ClassDuplicate,
		Meaning: "The photos or videos were already posted: media uploaded for one story can't be used for another post.",
		Do:      doSettle, Source: "github.com/gitroomhq/postiz-app facebook.provider.ts, 2026-11"},

	{Type: "OffsetInvalidError", Name: "Wrong offset", Class: ClassUpload,
		Meaning: "The upload does not begin where the server's bytes end.", Do: doNothing, Source: docReels},
	{Type: "PartialRequestError", Name: "Wrong length", Class: ClassUpload,
		Meaning: "The bytes that came are not as many as were announced.", Do: doNothing, Source: docReels},
	{Type: "ProcessingFailedError", Name: "Bytes not taken", Class: ClassUpload,
		Meaning: "The server could not take the bytes.", Do: "apply again; if it stays, " + doFile, Source: docReels},
	{Type: "ParameterValidationError", Name: "Header missing", Class: ClassRequest,
		Meaning: "A header of the upload is missing or not understood. Some proxies drop headers whose names have underscores, as file_size and file_url do.",
		Do:      "if a proxy is in use, let it pass headers with underscores",
		Source:  "an answer quoted at github.com/trypostit/trypost/pull/32, 2026-11"},
	{Type: "RequestRateLimitedError", Name: "Upload limited", Class: ClassThrottle,
		Meaning: "Too many upload requests.", Do: doWait, Source: srcUpload},
	{Type: "NotAuthorizedError", Name: "Upload not authorized", Class: ClassToken,
		Meaning: "The token may not upload into this session.", Do: doToken, Source: srcUpload},
}

// alreadyPosted is the code for media that were used in an earlier post. It
// is found as a subcode; as clients look for it anywhere, it is believed as a
// code as well.
const alreadyPosted = 1366051

// entryOf finds the row of a code, of its subcode, or of a debug_info.type.
func entryOf(code, subcode int, typ string) (Entry, bool) {
	if code == alreadyPosted {
		code, subcode = 0, alreadyPosted
	}
	best, rank := Entry{}, 0
	for _, row := range catalogue {
		if r := row.match(code, subcode, typ); r > rank {
			best, rank = row, r
		}
	}
	return best, rank > 0
}

// match says how closely a row fits: 0 not at all, more for a closer fit.
func (row *Entry) match(code, subcode int, typ string) int {
	switch {
	case row.Type != "":
		if code == 0 && subcode == 0 && row.Type == typ {
			return 4
		}
	case row.Code == 0:
		if subcode == row.Subcode {
			return 4
		}
	case row.Subcode != 0:
		if code == row.Code && subcode == row.Subcode {
			return 3
		}
	case code == row.Code:
		return 2
	case row.Last != 0 && code > row.Code && code <= row.Last:
		return 1
	}
	return 0
}

// Catalogue returns every row of the error catalogue: codes in order, then
// the answers of the upload host.
func Catalogue() []Entry { return slices.Clone(catalogue) }

// Explain finds the rows that a person means by text: a code ("190", "#190"),
// a code with its subcode ("190/463", "190 463"), a subcode alone ("463"), or
// the type of an upload error in any casing. For a code it returns the rows
// of its subcodes as well. Nothing found means that it isn't documented.
func Explain(text string) []Entry {
	parts := strings.FieldsFunc(text, func(r rune) bool { return strings.ContainsRune("#()/., :", r) })
	if len(parts) == 0 || len(parts) > 2 {
		return nil
	}
	code, err := strconv.Atoi(parts[0])
	if err != nil {
		return explainWhere(func(row *Entry) bool {
			return len(parts) == 1 && row.Type != "" && strings.EqualFold(row.Type, parts[0])
		})
	}
	if len(parts) == 2 {
		subcode, err := strconv.Atoi(parts[1])
		if row, ok := entryOf(code, subcode, ""); ok && err == nil && code > 0 {
			return []Entry{row}
		}
		return nil
	}
	rows := explainWhere(func(row *Entry) bool {
		return row.Code != 0 && (row.Code == code || code > row.Code && code <= row.Last)
	})
	if len(rows) > 0 {
		return rows
	}
	return explainWhere(func(row *Entry) bool { return code != 0 && row.Subcode == code })
}

// explainWhere returns the rows that meet a condition, in order.
func explainWhere(meets func(*Entry) bool) []Entry {
	var rows []Entry
	for i := range catalogue {
		if meets(&catalogue[i]) {
			rows = append(rows, catalogue[i])
		}
	}
	return rows
}

// CodeText is the code of a row as people write it: "190/463", "200-299",
// "*/1366051" for a subcode under any code, or the type of an upload error.
func (row Entry) CodeText() string {
	switch {
	case row.Type != "":
		return row.Type
	case row.Code == 0:
		return "*/" + strconv.Itoa(row.Subcode)
	case row.Last != 0:
		return strconv.Itoa(row.Code) + "-" + strconv.Itoa(row.Last)
	}
	return codeText(row.Code, row.Subcode)
}
