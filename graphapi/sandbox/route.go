package sandbox

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/url"
	"strings"
)

// The edges: what a request is about, in faults and in the request log.
const (
	EdgeStart        = "start"         // POST /{page}/video_stories, upload_phase=start
	EdgeUpload       = "upload"        // POST /video-upload/{version}/{video}
	EdgeStatus       = "status"        // GET /{video}
	EdgeFinish       = "finish"        // POST /{page}/video_stories, upload_phase=finish
	EdgePhotos       = "photos"        // POST /{page}/photos
	EdgePhotoStories = "photo_stories" // POST /{page}/photo_stories
	EdgeStories      = "stories"       // GET /{page}/stories
	EdgeStory        = "story"         // GET /{post}
	EdgeMe           = "me"            // GET /me
	EdgeAccounts     = "accounts"      // GET /me/accounts
	EdgePermissions  = "permissions"   // GET /me/permissions
	EdgePage         = "page"          // GET /{page}
	EdgeDebugToken   = "debug_token"   // GET /debug_token
	EdgeDelete       = "delete"        // DELETE /{id}
	EdgeOther        = "other"         // anything else
)

// edges are all names of edges.
var edges = []string{
	EdgeStart, EdgeUpload, EdgeStatus, EdgeFinish, EdgePhotos, EdgePhotoStories, EdgeStories, EdgeStory,
	EdgeMe, EdgeAccounts, EdgePermissions, EdgePage, EdgeDebugToken, EdgeDelete, EdgeOther,
}

// Limits of what a request may bring besides media.
const (
	maxForm  = 1 << 20  // bytes of a form or JSON body
	maxParts = 64       // parts of a multipart body
	maxValue = 64 << 10 // bytes of one value in a multipart body
)

// route is what the path of a request says.
type route struct {
	version string // such as "v25.0"; "" when the path had none
	node    string // the id, or a word such as "me"
	edge    string // below the node; "" for the node itself
	upload  bool   // the upload host
	extra   bool   // the path goes on
}

// routeOf splits a path.
func routeOf(path string) route {
	parts := strings.Split(strings.Trim(path, "/"), "/")
	var rt route
	if parts[0] == "video-upload" {
		rt.upload = true
		parts = parts[1:]
	}
	if len(parts) > 0 && isVersion(parts[0]) {
		rt.version, parts = parts[0], parts[1:]
	}
	if len(parts) > 0 {
		rt.node = parts[0]
	}
	if len(parts) > 1 {
		rt.edge = parts[1]
	}
	rt.extra = len(parts) > 2
	return rt
}

// isVersion reports whether a path segment looks like v25.0.
func isVersion(text string) bool {
	major, minor, ok := strings.Cut(strings.TrimPrefix(text, "v"), ".")
	return ok && strings.HasPrefix(text, "v") && len(text) <= 6 && isID(major) && isID(minor)
}

// params are the parameters of a call, from its query and its body.
type params url.Values

// get returns the first value of a parameter.
func (p params) get(name string) string { return url.Values(p).Get(name) }

// errBody says that a body could not be read to its end.
var errBody = errors.New("the request's body ended early")

// queryParams are the parameters of the URL alone.
func queryParams(r *http.Request) params { return params(r.URL.Query()) }

// bodyParams adds the parameters of a body that brings no media: a form,
// JSON, or multipart. What it doesn't understand has no parameters, as with
// the real API.
func bodyParams(r *http.Request) (params, error) {
	p := queryParams(r)
	if r.Method != http.MethodPost && r.Method != http.MethodDelete {
		return p, nil
	}
	kind, _, _ := strings.Cut(r.Header.Get("Content-Type"), ";")
	kind = strings.ToLower(strings.TrimSpace(kind))
	if kind == "multipart/form-data" {
		return p, p.addMultipart(r, func(io.Reader, string) error { return nil })
	}
	body, err := io.ReadAll(io.LimitReader(r.Body, maxForm+1))
	if err != nil {
		return p, errBody
	}
	if len(body) > maxForm {
		return p, &graphError{Status: http.StatusRequestEntityTooLarge, Code: 1, Message: "The request is too large"}
	}
	switch kind {
	case "application/json":
		p.addJSON(body)
	case "application/x-www-form-urlencoded", "":
		form, _ := url.ParseQuery(string(body))
		for name, values := range form {
			p[name] = values
		}
	}
	return p, nil
}

// addJSON adds the members of a JSON object.
func (p params) addJSON(body []byte) {
	var members map[string]json.RawMessage
	if json.Unmarshal(body, &members) != nil {
		return
	}
	for name, raw := range members {
		var text string
		if json.Unmarshal(raw, &text) != nil {
			text = string(raw)
		}
		p[name] = []string{text}
	}
}

// addMultipart reads a multipart body to its end: values become parameters,
// each part with a file name goes to file.
func (p params) addMultipart(r *http.Request, file func(body io.Reader, name string) error) error {
	reader, err := r.MultipartReader()
	if err != nil {
		return nil // no usable parameter, as with any body that isn't understood
	}
	for range maxParts {
		part, err := reader.NextPart()
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return errBody
		}
		if part.FileName() != "" {
			if err := file(part, part.FileName()); err != nil {
				return err
			}
			continue
		}
		value, err := io.ReadAll(io.LimitReader(part, maxValue))
		if err != nil {
			return errBody
		}
		p[part.FormName()] = []string{string(value)}
	}
	return paramError("Too many parts in the request")
}

// edgeOf names what a request is about. p may still be empty when the edge
// follows from the path. w tells which kind of object an id names.
func edgeOf(method string, rt route, p params, w *world) string {
	switch {
	case rt.upload:
		return EdgeUpload
	case method == http.MethodDelete:
		return EdgeDelete
	case method == http.MethodPost && readInPost(rt, p):
		return EdgeDebugToken
	case method == http.MethodPost:
		return postEdge(rt, p)
	case rt.extra || method != http.MethodGet && method != http.MethodHead:
		return EdgeOther
	}
	switch {
	case rt.node == "me" && rt.edge == "":
		return EdgeMe
	case rt.node == "me" && rt.edge == "accounts":
		return EdgeAccounts
	case rt.node == "me" && rt.edge == "permissions":
		return EdgePermissions
	case rt.node == "debug_token" && rt.edge == "":
		return EdgeDebugToken
	case rt.edge == "stories":
		return EdgeStories
	case rt.edge != "":
		return EdgeOther
	case w.videos[rt.node] != nil:
		return EdgeStatus
	case w.posts[rt.node] != nil:
		return EdgeStory
	case isID(rt.node):
		return EdgePage
	}
	return EdgeOther
}

// readInPost reports whether a POST is a read, as Meta's SDKs made it: with
// method=GET in its body, so that the token to inspect is in no URL.
func readInPost(rt route, p params) bool {
	return rt.node == "debug_token" && rt.edge == "" && strings.EqualFold(p.get("method"), http.MethodGet)
}

// postEdge names what a POST is about.
func postEdge(rt route, p params) string {
	if rt.extra {
		return EdgeOther
	}
	switch rt.edge {
	case "photos":
		return EdgePhotos
	case "photo_stories":
		return EdgePhotoStories
	case "video_stories":
		if strings.EqualFold(p.get("upload_phase"), "finish") {
			return EdgeFinish
		}
		return EdgeStart
	}
	return EdgeOther
}
