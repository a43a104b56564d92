package apply

import (
	"context"
	"fmt"
	"sync"

	"storyform/graphapi"
	"storyform/plan"
)

// Pages connects to Pages, each once: reading for a plan and publishing in
// the apply that follows share what was learnt about a token.
type Pages struct {
	client *graphapi.Client
	token  func(plan.Page) (graphapi.Token, error)

	mu    sync.Mutex
	conns map[string]*conn // by Page id
}

// conn is one Page's connection, made when it is first needed.
type conn struct {
	mu   sync.Mutex
	page *graphapi.Page
	err  error
	done bool
}

// NewPages returns the connections of client. token gives the token of a
// Page, or an error that says where it was looked for.
func NewPages(client *graphapi.Client, token func(plan.Page) (graphapi.Token, error)) *Pages {
	return &Pages{client: client, token: token, conns: map[string]*conn{}}
}

// Served tells which version of the API answered last, and how far its clock
// is from ours.
func (p *Pages) Served() graphapi.Served { return p.client.Served() }

// Connect returns the Page after making sure, once, that the token is the
// Page's own. The error of a Page that can't be used is remembered, except
// when ctx ended.
func (p *Pages) Connect(ctx context.Context, page plan.Page) (*graphapi.Page, error) {
	p.mu.Lock()
	c := p.conns[page.ID]
	if c == nil {
		c = new(conn)
		p.conns[page.ID] = c
	}
	p.mu.Unlock()

	c.mu.Lock()
	defer c.mu.Unlock()
	if c.done {
		return c.page, c.err
	}
	connected, err := p.prepare(ctx, page)
	if err != nil && ctx.Err() != nil {
		return nil, err
	}
	c.page, c.err, c.done = connected, err, true
	return c.page, c.err
}

// prepare finds the token of a Page and checks it.
func (p *Pages) prepare(ctx context.Context, page plan.Page) (*graphapi.Page, error) {
	token, err := p.token(page)
	if err != nil {
		return nil, err
	}
	connected := p.client.Page(page.ID, token)
	if _, err := connected.Prepare(ctx); err != nil {
		return nil, fmt.Errorf("the check of its token failed: %w", err)
	}
	return connected, nil
}
