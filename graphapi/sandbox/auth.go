package sandbox

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

// TokenKind is whose token a Token is, in the words of debug_token.
type TokenKind string

// The kinds of tokens.
const (
	PageToken       TokenKind = "PAGE"
	UserToken       TokenKind = "USER"
	SystemUserToken TokenKind = "SYSTEM_USER"
)

// The texts of derived tokens, which need no AddToken. A Page token is
// sandbox-page-<id>, and sandbox-page-<id>-<n> after RevokePageTokens.
const (
	pagePrefix   = "sandbox-page-"
	userPrefix   = "sandbox-user"
	systemPrefix = "sandbox-system-user"
)

// The permissions that Page Stories need. Source:
// developers.facebook.com/docs/page-stories-api, 6 May 2026.
const (
	scopeManage    = "pages_manage_posts"
	scopeRead      = "pages_read_engagement"
	scopeShowList  = "pages_show_list"
	scopeBusiness  = "business_management"
	taskCreate     = "CREATE_CONTENT"
	taskCreateProf = "PROFILE_PLUS_CREATE_CONTENT"
)

// Token is an access token that the world knows. Only its SHA-256 is kept.
type Token struct {
	Value string    `json:"token,omitempty"` // given to AddToken; never kept
	Kind  TokenKind `json:"kind"`
	Page  string    `json:"page,omitempty"` // the Page of a Page token
	Name  string    `json:"name,omitempty"` // of the user; "" means "Sandbox User"
	// Pages are those that a user may manage; nil means all.
	Pages []string `json:"pages,omitempty"`
	// Scopes are the permissions; nil means all that stories need.
	Scopes []string `json:"scopes,omitempty"`
	// Tasks of a user on its Pages; nil means all. Without CREATE_CONTENT an
	// exchange brings no Page token.
	Tasks []string `json:"tasks,omitempty"`
	// Expires is when the token dies (190/463); zero means never.
	Expires time.Time `json:"expires,omitzero"`
	// Subcode makes the token invalid: 190 with this subcode, such as 460.
	// -1 means without a subcode.
	Subcode int `json:"subcode,omitempty"`
}

// may reports whether the token carries a permission.
func (t *Token) may(scope string) bool { return t.Scopes == nil || slices.Contains(t.Scopes, scope) }

// manages reports whether a user's token reaches a Page.
func (t *Token) manages(page string) bool {
	return t.Kind != PageToken && (t.Pages == nil || slices.Contains(t.Pages, page))
}

// creates reports whether the user may create content.
func (t *Token) creates() bool {
	return t.Tasks == nil || slices.ContainsFunc(t.Tasks, func(task string) bool {
		return slices.Contains([]string{taskCreate, taskCreateProf, "MANAGE", "PROFILE_PLUS_FULL_CONTROL"}, task)
	})
}

// userID is a stable id for a user's token.
func (t *Token) userID() string {
	sum := sha256.Sum256([]byte(t.Name + string(t.Kind)))
	return strconv.FormatUint(10_000_000_000_000_000+uint64(sum[0])<<24+uint64(sum[1])<<16+uint64(sum[2])<<8+uint64(sum[3]), 10)
}

// credential is the token of a request and the way it came.
type credential struct {
	token string
	// how names every place where the request carried a token, such as
	// "bearer", "oauth", "query", "form"; "" when there was none.
	how   string
	proof string // appsecret_proof
}

// credentialOf collects the token of a request. A header wins over a
// parameter.
func credentialOf(r *http.Request, p params) credential {
	var c credential
	var how []string
	scheme, token, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	if scheme = strings.ToLower(scheme); scheme == "bearer" || scheme == "oauth" {
		c.token = strings.TrimSpace(token)
		how = append(how, scheme)
	}
	if token := r.URL.Query().Get("access_token"); token != "" {
		how = append(how, "query")
	} else if p.get("access_token") != "" {
		how = append(how, "form")
	}
	if c.token == "" {
		c.token = p.get("access_token")
	}
	c.how, c.proof = strings.Join(how, "+"), p.get("appsecret_proof")
	return c
}

// hashToken is the key under which a token is known.
func hashToken(token string) string {
	sum := sha256.Sum256([]byte(token))
	return hex.EncodeToString(sum[:])
}

// lookup finds a token. auto says that Pages may come into being.
func (w *world) lookup(value string, auto bool) *Token {
	if t := w.tokens[hashToken(value)]; t != nil {
		return t
	}
	if id, ok := strings.CutPrefix(value, pagePrefix); ok {
		id, _, _ := strings.Cut(id, "-") // a generation may follow
		p, known := w.page(id, auto)
		if !known || value != p.token() {
			return nil
		}
		return &Token{Kind: PageToken, Page: id}
	}
	if !auto {
		return nil
	}
	if suffix, ok := strings.CutPrefix(value, systemPrefix); ok && (suffix == "" || suffix[0] == '-') {
		return &Token{Kind: SystemUserToken, Name: "Sandbox System User" + suffix}
	}
	if suffix, ok := strings.CutPrefix(value, userPrefix); ok && (suffix == "" || suffix[0] == '-') {
		return &Token{Kind: UserToken, Name: "Sandbox User" + suffix}
	}
	return nil
}

// token is the Page's own token that an exchange brings.
func (p *Page) token() string {
	if p.Generation == 0 {
		return pagePrefix + p.ID
	}
	return fmt.Sprintf("%s%s-%d", pagePrefix, p.ID, p.Generation)
}

// authorize finds the token of a request and refuses what is no good. secret
// is the app's, "" when there is none.
func (w *world) authorize(c credential, now time.Time, secret string, auto bool) (*Token, error) {
	if c.token == "" {
		return nil, &graphError{Code: 104, Message: "(#104) An access token is required to request this resource."}
	}
	if strings.HasPrefix(c.token, "EAA") {
		return nil, &graphError{Code: 190, Message: "Invalid OAuth access token: this is the storyform simulator and the token looks like one of the real API. Use sandbox-page-<page id> or sandbox-user here, and revoke the token if it was sent by mistake."}
	}
	if secret != "" {
		if err := checkProof(c, secret); err != nil {
			return nil, err
		}
	}
	t := w.lookup(c.token, auto)
	if t == nil {
		return nil, &graphError{Code: 190, Message: "Invalid OAuth access token - Cannot parse access token"}
	}
	return t, t.alive(now)
}

// alive refuses a token that is dead.
func (t *Token) alive(now time.Time) error {
	const layout = "Monday, 02-Jan-06 15:04:05 MST"
	switch {
	case t.Subcode != 0:
		text := tokenTexts[t.Subcode]
		if t.Subcode == 463 {
			text = fmt.Sprintf(text, now.Add(-time.Hour).UTC().Format(layout), now.UTC().Format(layout))
		}
		if text == "" {
			text = "Error validating access token"
		}
		return &graphError{Code: 190, Subcode: max(t.Subcode, 0), Message: text}
	case !t.Expires.IsZero() && !now.Before(t.Expires):
		return &graphError{Code: 190, Subcode: 463,
			Message: fmt.Sprintf(tokenTexts[463], t.Expires.UTC().Format(layout), now.UTC().Format(layout))}
	}
	return nil
}

// checkProof verifies appsecret_proof: lowercase hex of HMAC-SHA256 with the
// app secret as key over the token of this call. Source:
// developers.facebook.com/docs/graph-api/guides/secure-requests. The text of
// a wrong proof is from github.com/facebook/facebook-python-business-sdk/issues/528.
func checkProof(c credential, secret string) error {
	if c.proof == "" {
		return &graphError{Type: "GraphMethodException", Code: 100, Message: "API calls from the server require an appsecret_proof argument"}
	}
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write([]byte(c.token))
	if !hmac.Equal([]byte(hex.EncodeToString(mac.Sum(nil))), []byte(c.proof)) {
		return &graphError{Type: "GraphMethodException", Code: 100, Message: "Invalid appsecret_proof provided in the API argument"}
	}
	return nil
}

// notThisPage is what live replies say to a token of another Page: it reads
// as if a permission were missing.
func notThisPage() *graphError {
	return &graphError{Code: 10, Message: "(#10) This endpoint requires the 'pages_read_engagement' permission or the 'Page Public Content Access' feature. Refer to https://developers.facebook.com/docs/apps/review/login-permissions#manage-pages for details."}
}

// pageCall checks that a token may use an edge of a Page.
func (w *world) pageCall(t *Token, pageID, edge string, auto bool) (*Page, error) {
	if t.Kind == PageToken && t.Page != pageID {
		return nil, notThisPage()
	}
	p, known := w.page(pageID, auto)
	switch {
	case !known:
		return nil, unsupported("get", short(pageID))
	case p.MovedTo != "":
		return nil, p.moved()
	case t.Kind != PageToken && (edge == EdgeStart || edge == EdgeFinish):
		return nil, paramError("No permission to publish the video")
	case t.Kind != PageToken:
		return nil, &graphError{Code: 210, Message: "(#210) A page access token is required to request this resource."}
	case !t.may(scopeRead) && edge == EdgeStories:
		return nil, notThisPage()
	case !t.may(scopeRead), !t.may(scopeManage) && edge != EdgeStories:
		return nil, &graphError{Code: 200, Status: http.StatusForbidden, Message: "(#200) If posting to a page, requires both pages_read_engagement and pages_manage_posts as an admin with sufficient administrative permission"}
	}
	return p, nil
}

// moved refuses calls to a Page that has another id now.
func (p *Page) moved() *graphError {
	return &graphError{Code: 21, Message: fmt.Sprintf("(#21) Page ID %s was migrated to page ID %s. Please update your API calls to the new ID", p.ID, p.MovedTo)}
}
