package sandbox

import (
	"crypto/hmac"
	"net/http"
	"slices"
	"strings"
	"time"
)

// handle carries out a request and returns its answer; one without a status
// means that the connection is gone.
func (s *Server) handle(c *call) reply {
	switch c.edge {
	case EdgeUpload:
		return s.upload(c)
	case EdgePhotos:
		return s.photos(c)
	}
	return s.finish(c, func(w *world) (any, error) {
		if c.edge == EdgeDebugToken {
			return w.debugToken(c)
		}
		t, err := w.enter(c)
		if err != nil {
			return nil, err
		}
		return w.dispatch(c, t)
	})
}

// enter admits a call and finds its token.
func (w *world) enter(c *call) (*Token, error) {
	if err := w.admit(c); err != nil {
		return nil, err
	}
	return w.authorize(c.cred, c.now, c.server.opts.AppSecret, c.server.opts.AutoPages)
}

// dispatch carries out a call with a good token.
func (w *world) dispatch(c *call, t *Token) (any, error) {
	switch c.edge {
	case EdgeStart:
		return w.start(c, t)
	case EdgeFinish:
		return w.finishVideo(c, t)
	case EdgePhotoStories:
		return w.photoStory(c, t)
	case EdgeStories:
		return w.listStories(c, t)
	case EdgeStatus:
		return w.readVideo(c, t)
	case EdgeStory:
		return w.readStory(c, t)
	case EdgeMe:
		return w.me(c, t)
	case EdgeAccounts:
		return w.accounts(c, t)
	case EdgePermissions:
		return w.permissions(t)
	case EdgePage:
		return w.readPage(c, t)
	case EdgeDelete:
		return w.remove(c, t)
	}
	if c.http.Method == http.MethodPost {
		return nil, unsupported("post", short(c.rt.node))
	}
	return nil, &graphError{Code: 2500, Message: "Unknown path components: /" + short(c.rt.edge)}
}

// sees reports whether a token may read what belongs to a Page.
func (t *Token) sees(page string) bool {
	if t.Kind == PageToken {
		return t.Page == page && t.may(scopeRead)
	}
	return t.manages(page) && t.may(scopeRead)
}

// readStory answers GET /{post}.
func (w *world) readStory(c *call, t *Token) (any, error) {
	s := w.posts[c.rt.node]
	if !t.sees(s.Page) || !w.listed(s, c.now) || w.status(s, c.now) == "archived" && !w.switches.ReadArchived {
		return nil, unsupported("get", s.PostID)
	}
	fields, err := fieldsOf(c.p, storyFields, "Stories", append([]string{"id"}, storyFields...)...)
	if err != nil {
		return nil, err
	}
	return choose(w.storyObject(s, c.now), fields), nil
}

// readPage answers GET /{page}, the exchange of a user's token for the Page's
// own among it, and GET /{photo}.
func (w *world) readPage(c *call, t *Token) (any, error) {
	id := c.rt.node
	if ph := w.photos[id]; ph != nil && t.sees(ph.Page) {
		fields, err := fieldsOf(c.p, []string{"id", "created_time"}, "Photo", "id", "created_time")
		if err != nil {
			return nil, err
		}
		return choose(object{"id": ph.ID, "created_time": ph.Uploaded.Format("2006-01-02T15:04:05-0700")}, append(fields, "id")), nil
	}
	p, known := w.page(id, c.server.opts.AutoPages && t.Kind != PageToken && t.manages(id))
	switch {
	case !known:
		return nil, unsupported("get", id)
	case p.MovedTo != "":
		return nil, p.moved()
	case t.Kind == PageToken && t.Page != id:
		return nil, notThisPage()
	case t.Kind != PageToken && !t.manages(id):
		return nil, unsupported("get", id)
	}
	return w.pageObject(c, t, p, []string{"name", "id"})
}

// pageObject shows a Page to a token that may see it.
func (w *world) pageObject(c *call, t *Token, p *Page, otherwise []string) (any, error) {
	fields, err := fieldsOf(c.p, otherwise, "Page", "id", "name", "access_token", "category", "link")
	if err != nil {
		return nil, err
	}
	all := object{"id": p.ID, "name": p.Name, "category": "Brand", "link": "https://www.facebook.com/" + p.ID}
	if t.Kind == PageToken {
		all["access_token"] = c.cred.token
	} else if t.creates() && t.may(scopeShowList) {
		all["access_token"] = p.token()
	}
	return choose(all, append(fields, "id")), nil
}

// me answers GET /me.
func (w *world) me(c *call, t *Token) (any, error) {
	if t.Kind == PageToken {
		p, _ := w.page(t.Page, true)
		return w.pageObject(c, t, p, []string{"name", "id"})
	}
	fields, err := fieldsOf(c.p, []string{"name", "id"}, "User", "id", "name")
	if err != nil {
		return nil, err
	}
	return choose(object{"id": t.userID(), "name": t.name()}, append(fields, "id")), nil
}

// name is the name of a user.
func (t *Token) name() string {
	if t.Name == "" {
		return "Sandbox User"
	}
	return t.Name
}

// accounts answers GET /me/accounts.
func (w *world) accounts(c *call, t *Token) (any, error) {
	if t.Kind == PageToken {
		return nil, missingField("accounts", "Page")
	}
	fields, err := fieldsOf(c.p, []string{"access_token", "category", "name", "id", "tasks"}, "Page",
		"id", "name", "access_token", "category", "tasks")
	if err != nil {
		return nil, err
	}
	tasks := t.Tasks
	if tasks == nil {
		tasks = []string{"ADVERTISE", "ANALYZE", taskCreate, "MESSAGING", "MODERATE", "MANAGE"}
	}
	data := []object{}
	for _, p := range w.sortedPages() {
		if !t.manages(p.ID) || !t.may(scopeShowList) || p.Portfolio && !t.may(scopeBusiness) {
			continue
		}
		all := object{"id": p.ID, "name": p.Name, "category": "Brand", "tasks": tasks}
		if t.creates() {
			all["access_token"] = p.token()
		}
		data = append(data, choose(all, append(fields, "id")))
	}
	return object{"data": data}, nil
}

// sortedPages are the Pages in the order of their ids.
func (w *world) sortedPages() []*Page {
	var out []*Page
	for _, p := range w.pages {
		out = append(out, p)
	}
	slices.SortFunc(out, func(a, b *Page) int { return strings.Compare(a.ID, b.ID) })
	return out
}

// scopes are the permissions of a token.
func (t *Token) scopes() []string {
	if t.Scopes != nil {
		return t.Scopes
	}
	return []string{scopeShowList, scopeBusiness, scopeRead, scopeManage}
}

// permissions answers GET /me/permissions, which only users have.
func (w *world) permissions(t *Token) (any, error) {
	if t.Kind == PageToken {
		return nil, missingField("permissions", "Page")
	}
	data := []object{}
	for _, scope := range t.scopes() {
		data = append(data, object{"permission": scope, "status": "granted"})
	}
	return object{"data": data}, nil
}

// debugToken answers GET /debug_token. The caller identifies itself with the
// app's id and secret, joined by a bar, or with any good token.
func (w *world) debugToken(c *call) (any, error) {
	if err := w.admit(c); err != nil {
		return nil, err
	}
	secret := c.server.opts.AppSecret
	if id, given, isApp := strings.Cut(c.cred.token, "|"); isApp {
		if id == "" || secret != "" && !hmac.Equal([]byte(given), []byte(secret)) {
			return nil, &graphError{Code: 190, Message: "Invalid OAuth access token signature."}
		}
	} else if _, err := w.authorize(c.cred, c.now, secret, c.server.opts.AutoPages); err != nil {
		return nil, err
	}
	input := c.p.get("input_token")
	if input == "" {
		return nil, paramError("The parameter input_token is required")
	}
	data := object{"app_id": "1", "application": "storyform simulator", "is_valid": false, "scopes": []string{}}
	t, err := w.authorize(credential{token: input}, c.now, "", c.server.opts.AutoPages)
	if e, ok := err.(*graphError); ok {
		data["error"] = object{"code": e.Code, "message": e.Message, "subcode": e.Subcode}
	}
	if t == nil {
		return object{"data": data}, nil
	}
	data["type"], data["is_valid"], data["scopes"] = t.Kind, err == nil, t.scopes()
	data["expires_at"], data["data_access_expires_at"] = int64(0), c.now.Add(90*24*time.Hour).Unix()
	if !t.Expires.IsZero() {
		data["expires_at"] = t.Expires.Unix()
	}
	data["user_id"] = t.userID()
	if t.Kind == PageToken {
		data["profile_id"] = t.Page
	}
	granular := []object{}
	for _, scope := range t.scopes() {
		row := object{"scope": scope}
		if t.Pages != nil {
			row["target_ids"] = t.Pages
		}
		granular = append(granular, row)
	}
	data["granular_scopes"] = granular
	return object{"data": data}, nil
}

// remove answers DELETE. Stories can't be deleted: the answers are those of
// live replies (github.com/restfb/restfb/issues/1469).
func (w *world) remove(c *call, t *Token) (any, error) {
	id := c.rt.node
	if ph := w.photos[id]; ph != nil && t.sees(ph.Page) {
		return object{"success": false}, nil
	}
	v := w.videos[id]
	if v == nil || !t.sees(v.Page) || !w.switches.DeleteVideo || c.rt.edge != "" {
		return nil, unsupported("delete", short(id))
	}
	for _, s := range w.posts {
		if s.MediaID == id {
			s.Removed = true
			c.entry.Public, c.entry.PostID = true, s.PostID
		}
	}
	return object{"success": true}, nil
}
