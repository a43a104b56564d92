package graphapi

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"strings"
	"sync/atomic"
	"time"
)

// kind is what a call does to the world, from which follows how often and
// how it is sent.
type kind int

const (
	read    kind = iota // changes nothing
	prepare             // leaves behind something invisible that dies by itself
	upload              // sends bytes; the caller decides how to go on
	publish             // has a public effect: sent once, whatever happens
)

// attempts is how often a call of each kind is made at most.
var attempts = map[kind]int{read: 5, prepare: 4, upload: 1, publish: 1}

// Bounds of repeating and of answers.
const (
	firstDelay   = 500 * time.Millisecond
	maxDelay     = 20 * time.Second
	limitedDelay = 15 * time.Second // after a throttle that told no time
	maxWait      = time.Minute      // a longer wait is the caller's business
	maxElapsed   = 2 * time.Minute  // for all attempts of one call

	maxReply = 1 << 20  // bytes of an ordinary answer
	maxList  = 16 << 20 // bytes of one page of a list
)

// errCanceled marks errors of calls that the caller's context ended.
var errCanceled = errors.New("stopped before there was an answer")

// call is one call of the API.
type call struct {
	op      string
	kind    kind
	method  string
	path    string     // below the version; for Graph calls
	params  url.Values // query of a GET, form of a POST
	upload  *url.URL   // instead of path: the checked upload URL
	headers map[string]string
	body    *body // instead of params
	limit   int64 // bytes of the answer; 0 means maxReply
	own     bool  // made with the configured token, not with the Page's
	patient bool  // a missing object may be only too new
}

// do makes a call, as often as its kind allows, and gives the body of the
// good answer to decode. An error of decode means that the answer is not what
// was asked for.
func (p *Page) do(ctx context.Context, c call, decode func(body []byte) error) error {
	if !isDigits(p.id) || len(p.id) > 64 {
		return inputError(c.op, "%q is not the id of a Page", clean(p.id))
	}
	began := p.client.clock.Now()
	for n := 1; ; n++ {
		if err := p.pause(ctx, c.op, p.spread(c.kind)); err != nil {
			err.unsent = n == 1
			return err
		}
		token, turn := p.token(c.own)
		e := p.send(ctx, c, token, decode)
		if e == nil {
			return nil
		}
		p.learn(e)
		if ctx.Err() != nil {
			return e
		}
		if (c.kind == read || c.kind == prepare) && !c.own && p.renew(ctx, e, turn) {
			continue
		}
		delay, again := p.client.again(c, e, n, began)
		if !again {
			return e
		}
		if err := p.pause(ctx, c.op, delay); err != nil {
			return err
		}
	}
}

// spread is the pause before a call when a limit is near. There is none
// before a publish call: its caller has just found that the story may go out
// now, and a pause could carry it over the end of its window.
func (p *Page) spread(k kind) time.Duration {
	if k == publish {
		return 0
	}
	return pauseAt(p.Usage().Percent)
}

// pause sleeps. Its error is that of ctx.
func (p *Page) pause(ctx context.Context, op string, d time.Duration) *Error {
	if d <= 0 && ctx.Err() == nil {
		return nil
	}
	if err := p.client.clock.Sleep(ctx, d); err != nil {
		return &Error{Op: op, Err: fmt.Errorf("%w: %w", errCanceled, err)}
	}
	return nil
}

// again says whether a call that failed is made once more, and after how long.
func (c *Client) again(what call, e *Error, n int, began time.Time) (time.Duration, bool) {
	if n >= attempts[what.kind] || !Retriable(e) && !(what.patient && NotFound(e)) {
		return 0, false
	}
	delay := min(firstDelay<<n, maxDelay)
	if what.patient && NotFound(e) {
		return time.Second << (n - 1), true // 1, 2, 4, 8 s
	}
	if Throttled(e) {
		delay = limitedDelay * time.Duration(n)
	}
	delay = delay/2 + time.Duration(c.rand()*float64(delay/2))
	if e.Wait > 0 {
		delay = e.Wait + time.Duration(c.rand()*float64(min(e.Wait, 10*time.Second))/4)
	}
	if delay > maxWait || c.clock.Now().Add(delay).Sub(began) > maxElapsed {
		return 0, false
	}
	return delay, true
}

// send makes a call once.
func (p *Page) send(ctx context.Context, c call, token Token, decode func([]byte) error) *Error {
	if !token.sendable() {
		return &Error{Op: c.op, Err: errTokenText, unsent: true}
	}
	if ctx.Err() != nil {
		return &Error{Op: c.op, Err: fmt.Errorf("%w: %w", errCanceled, context.Cause(ctx)), unsent: true}
	}
	limited, stop := p.client.deadline(ctx, &c)
	defer stop()
	var sent sentProof
	req, secrets, err := p.client.request(sent.watch(limited), c, token)
	if err != nil {
		return &Error{Op: c.op, Err: err, unsent: true}
	}
	began := p.client.clock.Now()
	hc := p.client.http
	if c.kind == publish {
		hc = p.client.once
	}
	resp, err := hc.Do(req)
	if err != nil {
		e := &Error{Op: c.op, Err: cause(ctx, limited, err, secrets), unsent: sent.unsent(err)}
		if _, readErr := c.body.sent(); readErr != nil {
			e.Err = fmt.Errorf("read media: %w", readErr)
		}
		p.logCall(ctx, c, began, nil, e)
		return e
	}
	defer resp.Body.Close()
	if c.upload == nil {
		p.client.note(resp.Header, began, p.client.clock.Now())
	}
	e := p.receive(ctx, limited, c, resp, decode, secrets)
	p.logCall(ctx, c, began, resp, e)
	return e
}

// receive reads an answer.
func (p *Page) receive(ctx, limited context.Context, c call, resp *http.Response, decode func([]byte) error, secrets []string) *Error {
	now := p.client.clock.Now()
	app, page := usageOf(resp.Header, now)
	p.observe(app, page)
	limit := c.limit
	if limit == 0 {
		limit = maxReply
	}
	body, err := io.ReadAll(io.LimitReader(resp.Body, limit+1))
	tooLong := int64(len(body)) > limit
	body = maskBytes(body, secrets)
	e := decodeError(body)
	switch {
	case e != nil && err == nil:
	case resp.StatusCode >= 300 && resp.StatusCode < 400:
		e = &Error{Err: ErrRedirect}
	case err != nil:
		e = &Error{Err: fmt.Errorf("%w: %w", ErrUnreadable, cause(ctx, limited, err, secrets))}
	case tooLong:
		e = &Error{Err: fmt.Errorf("%w: it is longer than %d bytes", ErrUnreadable, limit)}
	case resp.StatusCode < 200 || resp.StatusCode > 299:
		e = &Error{Err: ErrUnreadable}
	default:
		if err := decode(body); err != nil {
			e = &Error{Err: err}
		}
	}
	if e == nil {
		return nil
	}
	e.Op, e.Status = c.op, resp.StatusCode
	e.Wait = max(e.Wait, retryAfter(resp.Header, now))
	if Throttled(e) {
		e.Wait = max(e.Wait, app.Regain, page.Regain)
	}
	if e.TraceID == "" {
		e.TraceID = resp.Header.Get("X-Fb-Trace-Id")
	}
	e.scrub(secrets...)
	return e
}

// observe takes in what usage headers say.
func (p *Page) observe(app, page Usage) {
	if app.Of != "" {
		p.client.app.observe(app)
	}
	if page.Of != "" {
		p.limit.observe(page)
	}
}

// request builds the HTTP request of a call. secrets are the texts that must
// not come back in an error.
func (c *Client) request(ctx context.Context, what call, token Token) (req *http.Request, secrets []string, err error) {
	secrets = []string{token.text(), url.QueryEscape(token.text())}
	if what.upload != nil {
		req, err = newRequest(ctx, what.method, what.upload, what.body)
		secrets = append(secrets, what.upload.RequestURI())
	} else {
		req, secrets, err = c.graphRequest(ctx, what, token, secrets)
	}
	if err != nil {
		return nil, nil, err
	}
	scheme := "Bearer "
	if what.upload != nil {
		scheme = "OAuth "
	}
	req.Header.Set("Authorization", scheme+token.text())
	req.Header.Set("User-Agent", c.agent)
	req.Header.Set("Accept", "application/json")
	for name, value := range what.headers {
		req.Header.Set(name, value)
	}
	secrets = append(secrets, req.URL.String()) // errors show no URL, whoever made them
	// Without GetBody net/http can't send the request a second time by itself.
	req.GetBody = nil
	return req, secrets, nil
}

// graphRequest builds a request to the Graph host: parameters of a GET in the
// query, those of a POST as a form, both with appsecret_proof.
func (c *Client) graphRequest(ctx context.Context, what call, token Token, secrets []string) (*http.Request, []string, error) {
	u := c.base.JoinPath(what.path)
	params := url.Values{}
	for name, values := range what.params {
		params[name] = values
	}
	if !c.secret.IsZero() {
		signature := proof(c.secret, token)
		params.Set("appsecret_proof", signature)
		secrets = append(secrets, signature, c.secret.text())
	}
	switch {
	case what.method == http.MethodGet:
		u.RawQuery = params.Encode()
		req, err := newRequest(ctx, what.method, u, nil)
		return req, secrets, err
	case what.body != nil:
		what.body.fields(params)
	default:
		what.body = formBody(params)
	}
	req, err := newRequest(ctx, what.method, u, what.body)
	return req, secrets, err
}

// newRequest is http.NewRequest for a URL that is parsed already.
func newRequest(ctx context.Context, method string, u *url.URL, b *body) (*http.Request, error) {
	req, err := http.NewRequestWithContext(ctx, method, u.String(), nil)
	if err != nil {
		return nil, fmt.Errorf("%w: its address is not valid", ErrInput)
	}
	if b != nil {
		b.attach(req)
	}
	return req, nil
}

// deadline bounds a request: all of it, or for an upload the time in which no
// byte moves.
func (c *Client) deadline(ctx context.Context, what *call) (context.Context, context.CancelFunc) {
	limit := map[kind]time.Duration{read: c.timeouts.Read, prepare: c.timeouts.Write, publish: c.timeouts.Publish}[what.kind]
	if what.body == nil || what.body.media == nil {
		if what.kind == upload {
			limit = 2 * c.timeouts.Stall
		}
		return context.WithTimeoutCause(ctx, limit, timeoutError{limit})
	}
	limited, cancel := context.WithCancelCause(ctx)
	what.body.begin(c.timeouts.Stall, cancel)
	return limited, func() {
		what.body.end()
		cancel(nil)
	}
}

// sentProof watches a request for the one thing that proves that nothing of
// it was sent: a connection was asked for and never got.
type sentProof struct{ asked, got atomic.Bool }

// watch makes the HTTP transport report to s.
func (s *sentProof) watch(ctx context.Context) context.Context {
	return httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{
		GetConn: func(string) { s.asked.Store(true) },
		GotConn: func(httptrace.GotConnInfo) { s.got.Store(true) },
	})
}

// unsent reports whether a request that failed with err was provably not
// sent. A transport that reports nothing is believed when it says that it
// could not connect.
func (s *sentProof) unsent(err error) bool {
	if s.asked.Load() {
		return !s.got.Load()
	}
	if op, ok := errors.AsType[*net.OpError](err); ok && op.Op == "dial" {
		return true
	}
	_, ok := errors.AsType[*net.DNSError](err)
	return ok
}

// cause is err without URLs and secrets. A context that ended explains every
// error that came with it: ctx is the caller's, limited has our time limit.
func cause(ctx, limited context.Context, err error, secrets []string) error {
	if ctx.Err() != nil {
		return fmt.Errorf("%w: %w", errCanceled, context.Cause(ctx))
	}
	if limited.Err() != nil {
		return context.Cause(limited)
	}
	if ue, ok := errors.AsType[*url.Error](err); ok {
		err = ue.Err
	}
	if text := clean(mask(err.Error(), secrets...)); text != err.Error() {
		return errors.New(text)
	}
	return err
}

// inputError is an argument that was refused before anything was sent.
func inputError(op, format string, args ...any) *Error {
	return &Error{Op: op, Err: fmt.Errorf("%w: %s", ErrInput, fmt.Sprintf(format, args...)), unsent: true}
}

// logCall writes the debug line of a request.
func (p *Page) logCall(ctx context.Context, c call, began time.Time, resp *http.Response, e *Error) {
	attrs := []slog.Attr{
		slog.String("op", c.op), slog.String("method", c.method), slog.String("page", p.id),
		slog.Duration("duration", p.client.clock.Now().Sub(began)),
	}
	if sent, _ := c.body.sent(); sent > 0 {
		attrs = append(attrs, slog.Int64("bytes", sent))
	}
	if resp != nil {
		attrs = append(attrs, slog.Int("status", resp.StatusCode))
		for _, name := range []string{"X-App-Usage", "X-Page-Usage", "X-Business-Use-Case-Usage", "X-Fb-Trace-Id", "Facebook-Api-Version"} {
			if value := resp.Header.Get(name); value != "" {
				attrs = append(attrs, slog.String(strings.ToLower(name), clean(mask(value, p.secrets()...))))
			}
		}
	}
	if e != nil {
		attrs = append(attrs, slog.String("error", e.reason()))
	}
	p.client.log.LogAttrs(ctx, slog.LevelDebug, "graph call", attrs...)
}
