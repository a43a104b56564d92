package graphapi

import (
	"cmp"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"regexp"
	"strings"
	"sync"
	"time"

	"storyform/internal/clock"
)

// Where the API is when nothing else is said.
const (
	DefaultBaseURL = "https://graph.facebook.com"
	DefaultVersion = "v25.0" // as the Stories API guide of 6 May 2026 shows
)

// uploadHost is the one host that upload URLs of the real API may name.
const uploadHost = "rupload.facebook.com"

// Options are the settings of a Client. The zero value talks to the real API.
type Options struct {
	// BaseURL is the API without the version; "" means DefaultBaseURL. It must
	// be https, except on a loopback host, where uploads then go as well.
	BaseURL string
	// Version is the API version, such as "v25.0"; "" means DefaultVersion.
	Version string
	// Transport sends the requests. nil means a transport of this package that
	// honours the usual proxy variables. When it is an *http.Transport,
	// publish calls use a copy of it without connection reuse and HTTP/2.
	Transport http.RoundTripper
	// AppSecret signs every Graph call with appsecret_proof when it is set.
	AppSecret Token
	// Clock tells the time and sleeps; the zero value means the system's.
	Clock clock.Clock
	// Log gets one debug line a request, without secrets; nil means nowhere.
	Log *slog.Logger
	// Rand returns numbers in [0, 1) to spread retries; nil means math/rand.
	Rand func() float64
	// UserAgent is sent with every request; "" means "storyform".
	UserAgent string
	// Timeouts bound single requests.
	Timeouts Timeouts
}

// Timeouts bound one request of each class, from its start to the last byte
// of the answer. Zero means the default.
type Timeouts struct {
	Read    time.Duration // reads: 30 s
	Write   time.Duration // calls without a public effect: 60 s
	Publish time.Duration // publish calls: 2 min, because giving up makes doubt
	// Stall bounds an upload by the time in which no byte moves (60 s). When
	// all bytes are sent, the answer may take twice that.
	Stall time.Duration
}

// Client talks to one API. It is safe for use by several goroutines.
type Client struct {
	base     *url.URL // with the version, without a trailing slash
	loopback bool
	secret   Token
	agent    string
	clock    clock.Clock
	log      *slog.Logger
	rand     func() float64
	timeouts Timeouts

	http *http.Client
	once *http.Client // for publish calls: nothing in it can send a request twice

	app gauge // what the API said about the app's limits

	mu     sync.Mutex
	served Served
}

// Served is what the headers of the newest answer tell about the API.
type Served struct {
	// Version answered the call. A version that is gone is not refused but
	// answered by the oldest one left.
	Version string
	// Skew is the server's clock minus ours, to about a second; zero when the
	// server told no time. It is more, by Took at most, when the answer was long
	// on its way or was read late.
	Skew time.Duration
	// Took is how much time passed from the request to the answer.
	Took time.Duration
}

// Served returns what the newest answer of the Graph host told; the zero
// value before there was one.
func (c *Client) Served() Served {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.served
}

// Served is the client's, for those who have a Page only.
func (p *Page) Served() Served { return p.client.Served() }

// note takes in the headers of an answer of the Graph host to a request that
// was sent at began.
func (c *Client) note(h http.Header, began, now time.Time) {
	s := Served{Version: clean(h.Get("Facebook-Api-Version"))}
	s.Took = clock.Elapsed(began, now)
	if t, err := http.ParseTime(h.Get("Date")); err == nil {
		s.Skew = t.Sub(now)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.served = s
}

// New returns a client. It refuses a base URL that would send tokens over an
// unencrypted connection or that is none, and a version that is none.
func New(o Options) (*Client, error) {
	base, loopback, err := parseBase(cmp.Or(o.BaseURL, DefaultBaseURL))
	if err != nil {
		return nil, err
	}
	version := cmp.Or(o.Version, DefaultVersion)
	if !versionForm.MatchString(version) {
		return nil, fmt.Errorf("%q is not a version of the Graph API; versions look like v25.0", version)
	}
	if !o.AppSecret.IsZero() && !o.AppSecret.sendable() {
		return nil, errors.New("the app secret has characters that no app secret has")
	}
	c := &Client{
		base: base.JoinPath(version), loopback: loopback, secret: o.AppSecret,
		agent: cmp.Or(o.UserAgent, "storyform"), clock: o.Clock, log: o.Log, rand: o.Rand,
		timeouts: o.Timeouts.withDefaults(),
	}
	if c.clock.Now == nil || c.clock.Sleep == nil {
		c.clock = clock.System()
	}
	if c.log == nil {
		c.log = slog.New(slog.DiscardHandler)
	}
	if c.rand == nil {
		c.rand = rand.Float64
	}
	transport := o.Transport
	if transport == nil {
		transport = newTransport()
	}
	c.http, c.once = httpClient(transport), httpClient(singleUse(transport))
	return c, nil
}

// Page returns the calls of the Page with the given id, made with token: the
// Page's own, or that of a user or system user, which Prepare exchanges.
func (c *Client) Page(id string, token Token) *Page {
	return &Page{client: c, id: id, configured: token, current: token, started: map[string]time.Time{}}
}

// versionForm is what a version looks like.
var versionForm = regexp.MustCompile(`^v[0-9]{1,3}\.[0-9]{1,2}$`)

// parseBase checks a base URL. loopback says that it names this machine.
func parseBase(raw string) (u *url.URL, loopback bool, err error) {
	// The URL itself is not quoted in errors: it might hold a secret.
	const bad = "the address of the Graph API "
	u, err = url.Parse(strings.TrimRight(raw, "/"))
	if err != nil || u.Host == "" || u.Opaque != "" {
		return nil, false, errors.New(bad + "is not a URL such as " + DefaultBaseURL)
	}
	if u.User != nil || u.RawQuery != "" || u.ForceQuery || u.Fragment != "" {
		return nil, false, errors.New(bad + "must have no user, query or fragment")
	}
	loopback = isLoopback(u.Hostname())
	switch {
	case u.Scheme == "https":
	case u.Scheme == "http" && loopback:
	case u.Scheme == "http":
		return nil, false, fmt.Errorf("%smust begin with https://: plain http is for loopback hosts, and %q is none", bad, u.Hostname())
	default:
		return nil, false, fmt.Errorf("%smust begin with https://, not %q", bad, u.Scheme+"://")
	}
	return u, loopback, nil
}

// isLoopback reports whether a host name can only mean this machine.
func isLoopback(host string) bool {
	if strings.EqualFold(host, "localhost") {
		return true
	}
	addr, err := netip.ParseAddr(host)
	return err == nil && addr.Unmap().IsLoopback()
}

// uploadURL checks the URL that StartVideo was given, before a token goes
// there: https on exactly rupload.facebook.com or, with a loopback base URL,
// the same scheme, host and port as that.
func (c *Client) uploadURL(raw string) (*url.URL, error) {
	u, err := url.Parse(raw)
	switch {
	case err != nil || u.Opaque != "":
		return nil, fmt.Errorf("%w: it is not a URL", ErrUploadURL)
	case u.User != nil:
		return nil, fmt.Errorf("%w: it holds a user name", ErrUploadURL)
	case c.loopback && u.Scheme == c.base.Scheme && u.Host == c.base.Host:
	case !c.loopback && u.Scheme == "https" && u.Host == uploadHost:
	default:
		return nil, fmt.Errorf("%w: its host is %q over %q", ErrUploadURL, clean(u.Host), clean(u.Scheme))
	}
	u.Fragment = ""
	return u, nil
}

// withDefaults fills in what is zero.
func (t Timeouts) withDefaults() Timeouts {
	return Timeouts{
		Read:    cmp.Or(t.Read, 30*time.Second),
		Write:   cmp.Or(t.Write, time.Minute),
		Publish: cmp.Or(t.Publish, 2*time.Minute),
		Stall:   cmp.Or(t.Stall, time.Minute),
	}
}

// newTransport is the transport when Options has none.
func newTransport() *http.Transport {
	return &http.Transport{
		Proxy:                  http.ProxyFromEnvironment,
		DialContext:            (&net.Dialer{Timeout: 15 * time.Second, KeepAlive: 30 * time.Second}).DialContext,
		ForceAttemptHTTP2:      true,
		MaxIdleConnsPerHost:    8,
		IdleConnTimeout:        time.Minute,
		TLSHandshakeTimeout:    15 * time.Second,
		MaxResponseHeaderBytes: 256 << 10,
		WriteBufferSize:        64 << 10,
	}
}

// singleUse is t for publish calls. A connection that was idle may be dead
// already, which shows only after the request was written and leaves doubt;
// HTTP/2 adds ways to send a request again. A transport of another type is
// used as it is.
func singleUse(t http.RoundTripper) http.RoundTripper {
	shared, ok := t.(*http.Transport)
	if !ok {
		return t
	}
	single := shared.Clone()
	single.DisableKeepAlives = true
	single.ForceAttemptHTTP2 = false
	single.Protocols = new(http.Protocols)
	single.Protocols.SetHTTP1(true)
	// The copy of a transport that offers HTTP/2 would offer it, too, and then
	// not understand the server that takes it.
	single.TLSNextProto = map[string]func(string, *tls.Conn) http.RoundTripper{}
	if single.TLSClientConfig != nil {
		single.TLSClientConfig.NextProtos = []string{"http/1.1"}
	}
	return single
}

// httpClient follows no redirects: every request carries a token.
func httpClient(t http.RoundTripper) *http.Client {
	return &http.Client{Transport: t, CheckRedirect: func(*http.Request, []*http.Request) error {
		return http.ErrUseLastResponse
	}}
}
