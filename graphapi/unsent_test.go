package graphapi

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"
)

// listener is a server that treats its connections as it likes.
func listener(t *testing.T, serve func(net.Conn)) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			go serve(conn)
		}
	}()
	return l.Addr().String()
}

// TestUnsent checks the proof that nothing was sent, and its limits: as soon
// as there was a connection, it fails.
func TestUnsent(t *testing.T) {
	closed := listener(t, func(c net.Conn) { c.Close() })
	silent := listener(t, func(c net.Conn) { io.Copy(io.Discard, c) })
	greedy := listener(t, func(c net.Conn) { io.CopyN(io.Discard, c, 10); c.Close() })
	gone, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	gone.Close()
	short := Timeouts{Publish: 30 * time.Millisecond}
	for _, test := range []struct {
		name   string
		o      Options
		unsent bool
		text   string
	}{
		{"connection refused", Options{BaseURL: "http://" + gone.Addr().String()}, true, "refused"},
		{"no such host", Options{Transport: &http.Transport{DialContext: func(context.Context, string, string) (net.Conn, error) {
			return nil, &net.OpError{Op: "dial", Err: &net.DNSError{Err: "no such host", Name: "graph.facebook.com", IsNotFound: true}}
		}}}, true, "no such host"},
		{"name resolution takes too long", Options{Timeouts: short, Transport: &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			<-ctx.Done()
			return nil, ctx.Err()
		}}}, true, "no answer within 30ms"},
		{"TLS to a plain server", Options{BaseURL: "https://" + closed}, true, ""},
		{"TLS handshake takes too long", Options{BaseURL: "https://" + silent, Timeouts: short}, true, "no answer within 30ms"},
		{"closed before the request", Options{BaseURL: "http://" + closed}, false, ""},
		{"closed within the request", Options{BaseURL: "http://" + greedy}, false, ""},
		{"no answer", Options{BaseURL: "http://" + silent, Timeouts: short}, false, "no answer within 30ms"},
		{"another transport, no connection", Options{Transport: roundTripper(func(*http.Request) (*http.Response, error) {
			return nil, &net.OpError{Op: "dial", Err: errors.New("unreachable")}
		})}, true, "unreachable"},
		{"another transport, reset", Options{Transport: roundTripper(func(*http.Request) (*http.Response, error) {
			return nil, &net.OpError{Op: "read", Err: errors.New("reset")}
		})}, false, "reset"},
		{"another transport that echoes", Options{Transport: roundTripper(func(r *http.Request) (*http.Response, error) {
			return nil, fmt.Errorf("bad header %q for %s", r.Header, r.URL)
		})}, false, "REDACTED"},
	} {
		t.Run(test.name, func(t *testing.T) {
			c, err := New(test.o)
			if err != nil {
				t.Fatal(err)
			}
			for _, pub := range publishers {
				_, err := pub.call(t.Context(), c.Page(pageID, NewToken(tokenText)))
				if err == nil || Unsent(err) != test.unsent || (OutcomeOf(err) == NotDone) != test.unsent {
					t.Errorf("got %v, unsent %v, want unsent %v", err, Unsent(err), test.unsent)
				}
				if err != nil && !strings.Contains(err.Error(), test.text) {
					t.Errorf("got %v, want %q in it", err, test.text)
				}
				checkSecret(t, err)
				if strings.Contains(fmt.Sprint(err), "/v25.0/") {
					t.Errorf("the error shows a URL: %v", err)
				}
			}
		})
	}
}

// roundTripper makes a function a transport.
type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// TestPublishOverTLS runs calls through real handshakes with a server that
// offers HTTP/2: reads take it, publish calls each use a connection of their
// own, and a certificate that can't be checked proves that nothing was sent.
func TestPublishOverTLS(t *testing.T) {
	var mu sync.Mutex
	conns := map[string]bool{}
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == "GET" {
			if r.ProtoMajor != 2 {
				t.Errorf("a read came over %s, want HTTP/2", r.Proto)
			}
			io.WriteString(w, `{"status":{}}`)
			return
		}
		mu.Lock()
		defer mu.Unlock()
		if r.ProtoMajor != 1 || conns[r.RemoteAddr] {
			t.Errorf("a publish call came over %s, connection used before: %v", r.Proto, conns[r.RemoteAddr])
		}
		conns[r.RemoteAddr] = true
		okStory.write(w)
	}))
	server.EnableHTTP2 = true
	server.Config.ErrorLog = log.New(io.Discard, "", 0)
	server.StartTLS()
	defer server.Close()

	roots := x509.NewCertPool()
	roots.AddCert(server.Certificate())
	ours := newTransport()
	ours.TLSClientConfig = &tls.Config{RootCAs: roots}
	for name, transport := range map[string]http.RoundTripper{"ours": ours, "the test server's": server.Client().Transport} {
		c, err := New(Options{BaseURL: server.URL, Transport: transport})
		if err != nil {
			t.Fatal(err)
		}
		p := c.Page(pageID, NewToken(tokenText))
		for range 2 {
			if _, err := p.VideoStatus(t.Context(), "501"); err != nil {
				t.Errorf("with %s transport: %v", name, err)
			}
			for _, pub := range publishers {
				if _, err := pub.call(t.Context(), p); err != nil {
					t.Errorf("with %s transport: %v", name, err)
				}
			}
		}
	}
	strict, err := New(Options{BaseURL: server.URL, Transport: newTransport()})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := strict.Page(pageID, NewToken(tokenText)).PublishPhoto(t.Context(), "301"); !Unsent(err) {
		t.Errorf("got %v, want a proof that nothing was sent", err)
	}
}

// TestNothingToRepeat checks that a request that reaches the transport holds
// no means to send it again, and that its length is known.
func TestNothingToRepeat(t *testing.T) {
	for _, pub := range publishers {
		c, err := New(Options{Transport: roundTripper(func(r *http.Request) (*http.Response, error) {
			if r.GetBody != nil || r.ContentLength <= 0 || r.Header.Get("Idempotency-Key") != "" || r.Header.Get("X-Idempotency-Key") != "" {
				t.Errorf("%s: the transport may repeat the request (length %d)", pub.name, r.ContentLength)
			}
			return nil, io.ErrUnexpectedEOF
		})})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := pub.call(t.Context(), c.Page(pageID, NewToken(tokenText))); OutcomeOf(err) != Unclear {
			t.Errorf("%s: got %v, want doubt", pub.name, err)
		}
	}
}
