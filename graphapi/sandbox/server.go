package sandbox

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"sync"
	"time"
)

// Options are the settings of a Server. The zero value is an empty world that
// runs on the machine's clock.
type Options struct {
	// Now tells the time; nil means time.Now. Advance adds to it.
	Now func() time.Time
	// Sleep waits, for faults that delay; nil means real time.
	Sleep func(ctx context.Context, d time.Duration) error
	// AutoPages makes a Page when somebody first asks for it with one of the
	// derived tokens; see the package comment.
	AutoPages bool
	// Switches are those of a new world. A world read by Load brings its own.
	Switches Switches
	// AppSecret, when it is set, makes appsecret_proof obligatory. It is not
	// persisted.
	AppSecret string
	// Fetch gets hosted files. Without it only files given to Host exist, and
	// no network is used.
	Fetch func(ctx context.Context, url string) (io.ReadCloser, error)
	// Spool is a folder where uploaded photos are kept for the page for
	// people; "" keeps none. It is made when it is missing.
	Spool string
	// Log is called after each request; nil means nobody listens. It must not
	// call the Server.
	Log func(Request)
}

// Server is the simulator, an http.Handler. It is safe for use by several
// goroutines; make it with New.
type Server struct {
	opts    Options
	control http.Handler

	mu     sync.Mutex // guards all below
	world  *world
	store  *store // nil until Load
	hosted map[string][]byte
	busy   map[string]chan struct{} // uploads in progress, by video id
}

// New returns a simulator with an empty world, kept in memory until Load
// binds it to a file.
func New(o Options) *Server {
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Sleep == nil {
		o.Sleep = sleep
	}
	s := &Server{opts: o, hosted: map[string][]byte{}, busy: map[string]chan struct{}{}}
	s.world = s.fresh()
	s.control = s.controlHandler()
	return s
}

// fresh is an empty world.
func (s *Server) fresh() *world {
	w := newWorld(s.opts.Now())
	w.switches = s.opts.Switches
	return w
}

// sleep waits for d or until ctx is done.
func sleep(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// call is one request on its way through the server.
type call struct {
	server *Server
	http   *http.Request
	out    http.ResponseWriter
	rt     route
	p      params
	cred   credential
	edge   string
	fault  *Fault
	now    time.Time // of the world
	entry  Request
	number int64 // for the fbtrace_id
}

// trace is the fbtrace_id of the answer.
func (c *call) trace() string { return fmt.Sprintf("SANDBOX%06d", c.number) }

// streams reports whether the request's body brings media, which are not read
// before it is known what happens to them.
func (c *call) streams() bool {
	return c.rt.upload || c.http.Method == http.MethodPost && c.rt.edge == "photos"
}

// ServeHTTP answers a request to the API or, below /_sandbox/, to the
// simulator itself.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if isControl(r.URL.Path) {
		s.control.ServeHTTP(w, r)
		return
	}
	c := &call{server: s, http: r, out: w, rt: routeOf(r.URL.Path), p: queryParams(r)}
	var err error
	if !c.streams() {
		c.p, err = bodyParams(r)
	}
	if meetErr := s.meet(c); err == nil {
		err = meetErr
	}
	f := c.fault
	if f.strikes(Before) && f.Delay > 0 && s.opts.Sleep(r.Context(), time.Duration(f.Delay)) != nil {
		panic(http.ErrAbortHandler)
	}
	switch {
	case err == errBody:
		s.broken(c)
		panic(http.ErrAbortHandler) // the client is gone
	case err != nil:
		s.answer(c, s.finish(c, func(*world) (any, error) { return nil, err }))
	case f.strikes(Before) && f.silences():
		s.drop(c, 0)
		f.lose(w, reply{})
	default:
		s.answer(c, s.carryOut(c))
	}
}

// carryOut does what a request asks for, or what a fault does instead.
func (s *Server) carryOut(c *call) reply {
	if c.fault.strikes(Before) {
		if instead, answers := c.fault.substitute(c); answers {
			// A client that is still sending shall get the answer.
			io.Copy(io.Discard, c.http.Body)
			s.drop(c, instead.status)
			return instead
		}
	}
	return s.handle(c)
}

// answer sends an answer, unless a fault spoils it.
func (s *Server) answer(c *call, rep reply) {
	f := c.fault
	if rep.status == 0 {
		return // the connection is gone
	}
	c.out.Header().Set("Date", s.Now().UTC().Format(http.TimeFormat)) // the world's time, not the machine's
	if f != nil {
		for name, value := range f.Header {
			if rep.header == nil {
				rep.header = map[string]string{}
			}
			rep.header[name] = value
		}
	}
	if f.strikes(After) {
		if f.Delay > 0 && s.opts.Sleep(c.http.Context(), time.Duration(f.Delay)) != nil {
			panic(http.ErrAbortHandler)
		}
		if f.silences() || f.Do == DoCut {
			f.lose(c.out, rep)
			return
		}
		if instead, answers := f.substitute(c); answers {
			instead.header = rep.header
			rep = instead
		}
	}
	rep.write(c.out)
}

// meet names what a request is about and finds the fault that it suffers.
func (s *Server) meet(c *call) error {
	c.cred = credentialOf(c.http, c.p)
	return s.update(func(w *world) bool {
		c.now, c.number = s.timeOf(w), w.serial+1
		c.edge = edgeOf(c.http.Method, c.rt, c.p, w)
		page := w.pageOf(c.rt)
		c.entry = Request{
			Method: c.http.Method, Path: cleanPath(c.http.URL.Path), Edge: c.edge, Page: page, Token: c.cred.how,
		}
		var counted bool
		c.fault, counted = w.meet(c.edge, c.http.Method, page)
		if c.fault != nil {
			c.entry.Fault = c.fault.String()
		}
		return counted
	})
}

// pageOf is the id of the Page that a request is about; "" when it is about
// none.
func (w *world) pageOf(rt route) string {
	switch id := rt.node; {
	case w.videos[id] != nil:
		return w.videos[id].Page
	case w.posts[id] != nil:
		return w.posts[id].Page
	case w.photos[id] != nil:
		return w.photos[id].Page
	case isID(id):
		return id
	}
	return ""
}

// drop records a request that a fault kept from having any effect.
func (s *Server) drop(c *call, status int) {
	s.update(func(w *world) bool {
		c.entry.Status, c.entry.Outcome = status, OutcomeDropped
		s.log(w, c)
		return true
	})
}

// broken records a request whose body did not arrive whole.
func (s *Server) broken(c *call) {
	s.update(func(w *world) bool {
		c.entry.Status, c.entry.Outcome = 0, OutcomeBroken
		s.log(w, c)
		return true
	})
}

// finish carries out what a request does, in one step that is durable before
// it returns, and records it.
func (s *Server) finish(c *call, effect func(w *world) (any, error)) reply {
	var rep reply
	err := s.update(func(w *world) bool {
		c.now = s.timeOf(w)
		body, err := effect(w)
		rep = ok(body)
		c.entry.Outcome = OutcomeDone
		if err != nil {
			rep = refuse(err, c.trace())
			c.entry.refused(err)
		}
		c.entry.Status = rep.status
		if c.fault.strikes(After) && c.fault.Do != DoPass && c.fault.Do != "" {
			if err == nil {
				c.entry.Outcome = OutcomeLost
			}
			if c.fault.silences() {
				c.entry.Status = 0
			}
		}
		rep.header = w.headers(c)
		s.log(w, c)
		return true
	})
	if err != nil {
		return refuse(err, c.trace())
	}
	return rep
}

// refused notes a refusal.
func (e *Request) refused(err error) {
	e.Outcome = OutcomeRefused
	switch err := err.(type) {
	case *graphError:
		e.Code, e.Subcode = err.Code, err.Subcode
	case *uploadError:
		e.Type = err.Type
	}
}

// log numbers a request and appends it to the log.
func (s *Server) log(w *world, c *call) {
	w.serial++
	c.entry.N, c.entry.Time = w.serial, c.now.UTC()
	w.record(c.entry)
	if s.opts.Log != nil {
		s.opts.Log(c.entry)
	}
}

// timeOf is the time in a world.
func (s *Server) timeOf(w *world) time.Time { return s.opts.Now().Add(w.offset) }

// update changes the world. change reports whether it did; then the world is
// durable when update returns without an error.
func (s *Server) update(change func(w *world) bool) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.store == nil {
		change(s.world)
		return nil
	}
	release, err := s.store.lock()
	if err != nil {
		return err
	}
	defer release()
	if s.world, err = s.store.refresh(s.world); err != nil {
		return err
	}
	if !change(s.world) {
		return nil
	}
	return s.store.save(s.world)
}

// view reads the world. When its file can't be read, what is in memory is the
// best that is known.
func (s *Server) view(read func(w *world)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.store != nil {
		if release, err := s.store.lock(); err == nil {
			defer release()
			s.world, _ = s.store.refresh(s.world)
		}
	}
	read(s.world)
}
