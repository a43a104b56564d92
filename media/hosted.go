package media

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"mime"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/temoto/robotstxt"

	"storyform/story"
)

// Remote is a file that Meta fetches itself from a URL.
type Remote struct {
	url           *url.URL // nil: not a URL
	raw           string
	allowLoopback bool
	// Reply is what the server answered, nil when it was not asked.
	Reply *Reply `json:"reply,omitempty"`
}

// Reply is what the server of a hosted file answered.
type Reply struct {
	// Unreachable says why there was no answer; Gone that this is final, as
	// for a host that does not exist.
	Unreachable string `json:"unreachable,omitempty"`
	Gone        bool   `json:"gone,omitempty"`
	// Private: the host's name leads to an address that is not on the Internet.
	Private bool `json:"private,omitempty"`
	Status  int  `json:"status,omitempty"`
	// Redirects counts how often the server pointed elsewhere.
	Redirects   int    `json:"redirects,omitempty"`
	ContentType string `json:"content_type,omitempty"`
	// Length is the size of the file in bytes, -1 when it was not told.
	Length int64 `json:"length"`
	// Format is what the first bytes say, "" when they say nothing.
	Format string `json:"format,omitempty"`
	// Robots says what robots.txt says to Meta's agent: "allowed", "denied"
	// or why it could not be told.
	Robots string `json:"robots,omitempty"`
}

// What robots.txt can say.
const (
	robotsAllowed = "allowed"
	robotsDenied  = "denied"
)

// metaAgent is the user agent with which Meta fetches hosted files.
// Source: the Stories API guide, 6 May 2026.
const metaAgent = "facebookexternalhit/1.1"

// The bounds of a probe.
const (
	probeTimeout  = 10 * time.Second
	maxRedirects  = 5
	maxRobots     = 512 << 10 // bytes of robots.txt that are read, as crawlers do
	maxHeaderSize = 64 << 10
)

// ProbeOptions says how Probe asks. The zero value asks the Internet.
type ProbeOptions struct {
	// AllowLoopback permits this machine and plain http to it, for a sandbox.
	AllowLoopback bool
	// Timeout bounds each request; 0 means 10 seconds.
	Timeout time.Duration
	// Lookup resolves host names; nil means the machine's resolver.
	Lookup func(ctx context.Context, host string) ([]netip.Addr, error)
	// Roots are the certificate authorities that are trusted; nil means the
	// machine's.
	Roots *x509.CertPool
}

// CheckURL holds the address of a hosted file against the rules, without
// asking anybody. allowLoopback permits this machine, for a sandbox.
func CheckURL(raw string, allowLoopback bool) []Finding {
	return Judge(hostedFile(raw, "", allowLoopback), JudgeOptions{})
}

// hostedFile makes a File of a URL.
func hostedFile(raw string, kind story.Kind, allowLoopback bool) *File {
	h := &Remote{raw: raw, allowLoopback: allowLoopback}
	if u, err := url.Parse(raw); err == nil && u.Hostname() != "" {
		h.url = u
	}
	return &File{Media: story.Media{Kind: kind, Hosted: true}, Remote: h}
}

// Probe asks the server of a hosted file for its first bytes and for
// robots.txt, and returns a File to judge: Judge then adds what the answers
// tell. What breaks a rule that needs no server, or leads to an address that
// is not public, is not asked. The only error is the context's.
//
// Meta fetches the file later and from elsewhere, so a good answer proves
// nothing and no answer is not a fault. Neither the URL nor the file's
// content is kept.
func Probe(ctx context.Context, raw string, want story.Kind, o ProbeOptions) (*File, error) {
	f := hostedFile(raw, want, o.AllowLoopback)
	for _, finding := range Judge(f, JudgeOptions{}) {
		if finding.Level == LevelError {
			return f, nil
		}
	}
	client := o.client()
	defer client.CloseIdleConnections()
	reply, final := fetch(ctx, client, f.Remote.url)
	if err := ctx.Err(); err != nil {
		return nil, context.Cause(ctx)
	}
	f.Remote.Reply = reply
	if reply.Unreachable == "" {
		reply.Robots = askRobots(ctx, client, f.Remote.url)
		if reply.Robots == robotsAllowed && final.Host != f.Remote.url.Host {
			reply.Robots = askRobots(ctx, client, final)
		}
	}
	if err := ctx.Err(); err != nil {
		return nil, context.Cause(ctx)
	}
	return f, nil
}

// errPrivate is why a connection is not made.
var errPrivate = errors.New("the host leads to an address that is not on the Internet")

// client makes an HTTP client that dials public addresses only. The address
// is checked after it was resolved and then dialled itself, so that a name
// can't lead elsewhere in between (DNS rebinding). No proxy is used, as
// behind one the check would mean nothing.
func (o ProbeOptions) client() *http.Client {
	lookup := o.Lookup
	if lookup == nil {
		lookup = func(ctx context.Context, host string) ([]netip.Addr, error) {
			return net.DefaultResolver.LookupNetIP(ctx, "ip", host)
		}
	}
	timeout := o.Timeout
	if timeout <= 0 {
		timeout = probeTimeout
	}
	transport := &http.Transport{
		DialContext: func(ctx context.Context, network, address string) (net.Conn, error) {
			return dialPublic(ctx, network, address, lookup, o.AllowLoopback)
		},
		DisableCompression:     true,
		TLSHandshakeTimeout:    timeout,
		ResponseHeaderTimeout:  timeout,
		MaxResponseHeaderBytes: maxHeaderSize,
		ForceAttemptHTTP2:      true,
	}
	if o.Roots != nil {
		transport.TLSClientConfig = tlsConfig(o.Roots)
	}
	return &http.Client{
		Transport: transport,
		Timeout:   timeout,
		CheckRedirect: func(r *http.Request, via []*http.Request) error {
			if len(via) > maxRedirects {
				return fmt.Errorf("more than %d redirects", maxRedirects)
			}
			if r.URL.Scheme != "https" && !(o.AllowLoopback && isLoopbackHost(r.URL)) {
				return errors.New("it redirects to an address that is not https")
			}
			r.Header.Del("Referer") // the address before may hold a signature
			return nil
		},
	}
}

// dialPublic resolves a host and connects to its first public address. One
// that is not public among them is reason enough to refuse.
func dialPublic(ctx context.Context, network, address string, lookup func(context.Context, string) ([]netip.Addr, error), allowLoopback bool) (net.Conn, error) {
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		return nil, err
	}
	var addrs []netip.Addr
	if a, err := netip.ParseAddr(host); err == nil {
		addrs = []netip.Addr{a}
	} else if addrs, err = lookup(ctx, host); err != nil {
		return nil, err
	}
	for _, a := range addrs {
		if !mayDial(a, allowLoopback) {
			return nil, errPrivate
		}
	}
	err = errors.New("the host has no address")
	for _, a := range addrs {
		var conn net.Conn
		if conn, err = new(net.Dialer).DialContext(ctx, network, net.JoinHostPort(a.Unmap().String(), port)); err == nil {
			return conn, nil
		}
	}
	return nil, err
}

// fetch asks for the first bytes of a file. final is where redirects led.
func fetch(ctx context.Context, client *http.Client, u *url.URL) (r *Reply, final *url.URL) {
	r = &Reply{Length: -1}
	res, err := get(ctx, client, u, "bytes=0-"+strconv.Itoa(sniffBytes-1))
	if err != nil {
		r.unreachable(err)
		return r, u
	}
	defer res.Body.Close()
	r.Status = res.StatusCode
	r.ContentType, _, _ = mime.ParseMediaType(res.Header.Get("Content-Type"))
	for q := res.Request; q.Response != nil; q = q.Response.Request {
		r.Redirects++
	}
	r.Length = replyLength(res)
	if res.StatusCode/100 == 2 {
		head, err := io.ReadAll(io.LimitReader(res.Body, sniffBytes))
		if err != nil {
			r.unreachable(err)
			return r, u
		}
		if f := sniff(head); f != nil {
			r.Format = f.name
		} else if isText(head) {
			r.Format = "text"
		}
	}
	return r, res.Request.URL
}

// get sends one request. It tells who asks: a server that only answers Meta's
// agent can't be judged by pretending to be it.
func get(ctx context.Context, client *http.Client, u *url.URL, span string) (*http.Response, error) {
	q, err := http.NewRequestWithContext(ctx, http.MethodGet, u.String(), nil)
	if err != nil {
		return nil, err
	}
	q.Header.Set("User-Agent", "storyform (media check)")
	if span != "" {
		q.Header.Set("Range", span)
	}
	return client.Do(q)
}

// replyLength reads the size of the whole file, -1 when it is not told.
func replyLength(res *http.Response) int64 {
	if res.StatusCode != http.StatusPartialContent {
		return res.ContentLength
	}
	_, total, _ := strings.Cut(res.Header.Get("Content-Range"), "/")
	if n, err := strconv.ParseInt(total, 10, 64); err == nil && n >= 0 {
		return n
	}
	return -1
}

// unreachable notes why there was no answer, without the URL that the
// standard library puts into its errors.
func (r *Reply) unreachable(err error) {
	r.Private = errors.Is(err, errPrivate)
	if dns, ok := errors.AsType[*net.DNSError](err); ok {
		r.Gone = dns.IsNotFound
	}
	if u, ok := errors.AsType[*url.Error](err); ok {
		err = u.Err
	}
	switch {
	case r.Gone:
		r.Unreachable = "the host does not exist"
	case errors.Is(err, context.DeadlineExceeded):
		r.Unreachable = "the server did not answer in time"
	default:
		r.Unreachable = err.Error()
	}
}

// askRobots reads robots.txt of a URL's host and tells what it says to
// Meta's agent about the URL.
func askRobots(ctx context.Context, client *http.Client, u *url.URL) string {
	res, err := get(ctx, client, &url.URL{Scheme: u.Scheme, Host: u.Host, Path: "/robots.txt"}, "")
	if err != nil {
		return "robots.txt could not be read"
	}
	defer res.Body.Close()
	body, err := io.ReadAll(io.LimitReader(res.Body, maxRobots))
	if err != nil || res.StatusCode >= 500 {
		return "robots.txt could not be read"
	}
	data, err := robotstxt.FromStatusAndBytes(res.StatusCode, body)
	if err != nil {
		return "robots.txt is not understood"
	}
	if data.TestAgent(u.RequestURI(), metaAgent) {
		return robotsAllowed
	}
	return robotsDenied
}
