package graphapi

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"sync"
	"time"
)

// Page makes the calls of one Page. It is safe for use by several goroutines.
type Page struct {
	client     *Client
	id         string
	configured Token
	limit      gauge // what the API said about the Page's limits

	preparing sync.Mutex // held while a token is exchanged

	mu      sync.Mutex
	current Token // the token of the calls: configured, or what it was exchanged for
	turn    int   // how often current was replaced
	kind    TokenKind
	renewed bool
	info    PageInfo
	started map[string]time.Time // when this client opened upload sessions, by video_id
}

// TokenKind says whose token is configured.
type TokenKind string

// The kinds of tokens.
const (
	PageToken TokenKind = "page" // the Page's own
	UserToken TokenKind = "user" // that of a user or system user, exchanged for the Page's
)

// PageInfo is what Prepare learns about a Page.
type PageInfo struct {
	ID        string
	Name      string
	TokenKind TokenKind
}

// errTokenText refuses a token before it is sent; the token is not quoted.
var errTokenText = errors.New("the token is empty or has characters that no token has")

// ID is the Page's id.
func (p *Page) ID() string { return p.id }

// Prepare makes sure that the calls of this Page carry the Page's own token.
// It asks whose token is configured; that of a user or system user it
// exchanges, once, for the Page's own. A token of another Page is a
// *WrongPageError, a user without access a *NoPageTokenError, both inside an
// *Error. Once it has succeeded, Prepare answers from memory.
// Sources: developers.facebook.com/docs/pages/access-tokens, 2026-11; that
// Page tokens can't read permissions: answers quoted in issue threads, 2026.
func (p *Page) Prepare(ctx context.Context) (PageInfo, error) {
	p.preparing.Lock()
	defer p.preparing.Unlock()
	if info := p.prepared(); info.ID != "" {
		return info, nil
	}
	me, err := p.identity(ctx)
	if err != nil {
		return PageInfo{}, err
	}
	if string(me.ID) == p.id {
		return p.adopt(p.configured, PageInfo{ID: p.id, Name: me.Name, TokenKind: PageToken}), nil
	}
	token, name, err := p.exchange(ctx)
	if err != nil {
		return PageInfo{}, p.explain(ctx, me, err)
	}
	return p.adopt(token, PageInfo{ID: p.id, Name: name, TokenKind: UserToken}), nil
}

// prepared is what an earlier Prepare learnt.
func (p *Page) prepared() PageInfo {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.info
}

// adopt makes token the one of the Page's calls.
func (p *Page) adopt(token Token, info PageInfo) PageInfo {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.current, p.kind, p.info = token, info.TokenKind, info
	p.turn++
	return info
}

// token is the token for the next call, and which one it is.
func (p *Page) token(own bool) (Token, int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if own {
		return p.configured, p.turn
	}
	return p.current, p.turn
}

// secrets are the texts of both tokens.
func (p *Page) secrets() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return []string{p.configured.text(), p.current.text()}
}

// named is an object with a name.
type named struct {
	ID   objectID `json:"id"`
	Name string   `json:"name"`
}

// identity asks whose token is configured.
func (p *Page) identity(ctx context.Context) (me named, err error) {
	err = p.do(ctx, call{
		op: "me", kind: read, method: http.MethodGet, path: "me", own: true,
		params: url.Values{"fields": {"id,name"}},
	}, func(body []byte) error {
		if err := json.Unmarshal(body, &me); err != nil || me.ID == "" {
			return fmt.Errorf("%w: it has no id", ErrUnreadable)
		}
		me.Name = clean(me.Name)
		return nil
	})
	return me, err
}

// errNoToken is the answer to an exchange that leaves the token out.
var errNoToken = errors.New("the answer has no Page token")

// exchange asks for the Page's own token with the configured one.
func (p *Page) exchange(ctx context.Context) (token Token, name string, err error) {
	err = p.do(ctx, call{
		op: "page access_token", kind: read, method: http.MethodGet, path: p.id, own: true,
		params: url.Values{"fields": {"access_token,name"}},
	}, func(body []byte) error {
		var answer struct {
			Token string `json:"access_token"`
			Name  string `json:"name"`
		}
		if err := json.Unmarshal(body, &answer); err != nil {
			return ErrUnreadable
		}
		token, name = NewToken(answer.Token), clean(mask(answer.Name, answer.Token))
		if token.IsZero() {
			return errNoToken
		}
		if !token.sendable() {
			return fmt.Errorf("%w: the Page token in it has characters that no token has", ErrUnreadable)
		}
		return nil
	})
	return token, name, err
}

// explain finds out why a token that is not the Page's got no token for it.
// The API answers a stranger's token and a user without a role alike, but it
// tells permissions to users only.
func (p *Page) explain(ctx context.Context, me named, err error) error {
	e, ok := errors.AsType[*Error](err)
	if !ok || !errors.Is(err, errNoToken) && OutcomeOf(err) != NotDone || e.unsent || classOf(err) == ClassToken {
		return err
	}
	_, permErr := p.Permissions(ctx)
	why := error(&NoPageTokenError{Page: p.id, User: me.Name, Err: err})
	switch {
	case permErr == nil:
		if errors.Is(err, errNoToken) {
			why = &NoPageTokenError{Page: p.id, User: me.Name}
		}
	case classOf(permErr) == ClassRequest:
		why = &WrongPageError{Want: p.id, Got: string(me.ID), Name: me.Name}
	default:
		return err
	}
	return &Error{Op: e.Op, Status: e.Status, TraceID: e.TraceID, Err: why}
}

// uncured are the subcodes of a dead token that a new token does not cure.
var uncured = map[int]bool{459: true, 464: true, 492: true}

// renew replaces the Page's token after e refused it, when it was made from a
// user's: once, then the user's token is taken to be dead, too. turn is the
// token that was refused; when another call has replaced it already, that is
// enough.
func (p *Page) renew(ctx context.Context, e *Error, turn int) bool {
	if classOf(e) != ClassToken || uncured[e.Subcode] {
		return false
	}
	p.preparing.Lock()
	defer p.preparing.Unlock()
	p.mu.Lock()
	replaced, may := p.turn != turn, p.kind == UserToken && !p.renewed
	p.renewed = p.renewed || may && !replaced
	info := p.info
	p.mu.Unlock()
	if replaced || !may {
		return replaced
	}
	token, _, err := p.exchange(ctx)
	if err != nil {
		return false
	}
	p.adopt(token, info)
	return true
}
