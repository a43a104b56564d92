package media

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"storyform/internal/testmedia"
	"storyform/story"
)

// TestCheckURL checks what an address alone tells.
func TestCheckURL(t *testing.T) {
	for _, c := range []struct {
		url      string
		loopback bool
		want     []string
	}{
		{"https://cdn.example.com/a.jpg", false, nil},
		{"https://cdn.example.com:8443/a.jpg?X-Amz-Signature=abc%20d&x=1", false, nil},
		{"https://xn--bcher-kva.example.com/a.jpg", false, nil},
		{"https://8.8.8.8/a.jpg", false, nil},
		{"https://[2606:4700::1111]/a.jpg", false, nil},
		{"http://cdn.example.com/a.jpg", false, []string{"url.https"}},
		{"ftp://cdn.example.com/a.jpg", false, []string{"url.https"}},
		{"//cdn.example.com/a.jpg", false, []string{"url.https"}},
		{"cdn.example.com/a.jpg", false, []string{"url.valid"}},
		{"https:///a.jpg", false, []string{"url.valid"}},
		{"mailto:somebody@example.com", false, []string{"url.valid"}},
		{"", false, []string{"url.valid"}},
		{"https://cdn.example.com/grün.jpg", false, []string{"url.valid"}},
		{"https://cdn.example.com/a b.jpg", false, []string{"url.valid"}},
		{"https://cdn.example.com/a\nX-Evil: 1", false, []string{"url.valid"}},
		{"https://user:secret@cdn.example.com/a.jpg", false, []string{"url.credentials"}},
		{"https://cdn.example.com/a.jpg#top", false, []string{"url.fragment"}},
		{"https://cdn.example.com/a.jpg#", false, []string{"url.fragment"}},
		{"https://scontent.xx.fbcdn.net/a.jpg", false, []string{"url.fbcdn"}},
		{"https://SCONTENT.FBCDN.NET./a.jpg", false, []string{"url.fbcdn"}},
		{"https://notfbcdn.net/a.jpg", false, nil},
		{"https://localhost/a.jpg", false, []string{"url.public"}},
		{"https://sub.localhost/a.jpg", false, []string{"url.public"}},
		{"https://127.0.0.1/a.jpg", false, []string{"url.public"}},
		{"https://127.1/a.jpg", false, []string{"url.public"}},
		{"https://2130706433/a.jpg", false, []string{"url.public"}},
		{"https://0x7f.0.0.0x1/a.jpg", false, []string{"url.public"}},
		{"https://[::1]/a.jpg", false, []string{"url.public"}},
		{"https://[::ffff:10.0.0.1]/a.jpg", false, []string{"url.public"}},
		{"https://[64:ff9b::a00:1]/a.jpg", false, []string{"url.public"}},
		{"https://[fe80::1%25eth0]/a.jpg", false, []string{"url.public"}},
		{"https://10.1.2.3/a.jpg", false, []string{"url.public"}},
		{"https://172.16.0.1/a.jpg", false, []string{"url.public"}},
		{"https://192.168.1.1/a.jpg", false, []string{"url.public"}},
		{"https://169.254.169.254/latest/meta-data", false, []string{"url.public"}},
		{"https://100.64.0.1/a.jpg", false, []string{"url.public"}},
		{"https://0.0.0.0/a.jpg", false, []string{"url.public"}},
		{"https://224.0.0.1/a.jpg", false, []string{"url.public"}},
		{"https://nas/a.jpg", false, []string{"url.public"}},
		{"https://nas.local/a.jpg", false, []string{"url.public"}},
		{"http://127.0.0.1:8080/a.jpg", true, nil},
		{"http://localhost:8080/a.jpg", true, nil},
		{"http://10.0.0.1/a.jpg", true, []string{"url.https", "url.public"}},
		{"http://user:secret@10.0.0.1/a.jpg#x", false, []string{"url.https", "url.credentials", "url.fragment", "url.public"}},
	} {
		found := CheckURL(c.url, c.loopback)
		if got := broken(found, LevelError); !slices.Equal(got, c.want) || len(found) != len(c.want) {
			t.Errorf("%q: got %v, want %v", c.url, got, c.want)
		}
		if text := fmt.Sprint(found); strings.Contains(text, "secret") {
			t.Errorf("%q: got the password in %s", c.url, text)
		}
	}
}

// host is a server of hosted files for tests.
func host(t *testing.T, handlers map[string]http.HandlerFunc) *httptest.Server {
	mux := http.NewServeMux()
	for path, h := range handlers {
		mux.HandleFunc(path, h)
	}
	s := httptest.NewServer(mux)
	t.Cleanup(s.Close)
	return s
}

// serve answers with a file, and with a part of it when asked.
func serve(data []byte) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		http.ServeContent(w, r, "file", time.Time{}, strings.NewReader(string(data)))
	}
}

// status answers with a status.
func status(code int) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) { w.WriteHeader(code) }
}

// TestProbe checks what answers tell.
func TestProbe(t *testing.T) {
	jpeg, mp4 := testmedia.JPEG(1080, 1920), video(nil)
	plain := func(data []byte) http.HandlerFunc { // a server without ranges
		return func(w http.ResponseWriter, r *http.Request) { w.Write(data) }
	}
	for _, c := range []struct {
		name      string
		handlers  map[string]http.HandlerFunc
		want      story.Kind
		errors    []string
		warnings  []string
		unchecked []string
	}{
		{"photo", map[string]http.HandlerFunc{"/f": serve(jpeg)}, story.Photo, nil, nil, nil},
		{"video without ranges", map[string]http.HandlerFunc{"/f": plain(mp4)}, story.Video, nil, nil, nil},
		{"missing", nil, story.Photo, []string{"url.answer"}, nil, nil},
		{"login", map[string]http.HandlerFunc{"/f": status(401)}, story.Photo, []string{"url.answer"}, nil, nil},
		{"down", map[string]http.HandlerFunc{"/f": status(503)}, story.Photo, nil, nil, []string{"url.answer"}},
		{"throttled", map[string]http.HandlerFunc{"/f": status(429)}, story.Photo, nil, nil, []string{"url.answer"}},
		{"redirected", map[string]http.HandlerFunc{"/f": http.RedirectHandler("/g", http.StatusFound).ServeHTTP, "/g": serve(jpeg)}, story.Photo, nil, []string{"url.redirect"}, nil},
		{"redirected in a circle", map[string]http.HandlerFunc{"/f": http.RedirectHandler("/f", http.StatusFound).ServeHTTP}, story.Photo, nil, nil, []string{"url.answer"}},
		{"redirected to a private host", map[string]http.HandlerFunc{"/f": http.RedirectHandler("https://10.0.0.1/x", http.StatusFound).ServeHTTP}, story.Photo, []string{"url.public"}, nil, nil},
		{"redirected to http", map[string]http.HandlerFunc{"/f": http.RedirectHandler("http://example.com/x", http.StatusFound).ServeHTTP}, story.Photo, nil, nil, []string{"url.answer"}},
		{"page", map[string]http.HandlerFunc{"/f": plain([]byte("<!doctype html><p>sign in</p>"))}, story.Photo, []string{"url.type"}, nil, nil},
		{"other kind", map[string]http.HandlerFunc{"/f": serve(mp4)}, story.Photo, []string{"url.type"}, nil, nil},
		{"WebP", map[string]http.HandlerFunc{"/f": serve([]byte("RIFF\x24\x00\x00\x00WEBPVP8 "))}, story.Photo, []string{"url.type"}, nil, nil},
		{"PDF", map[string]http.HandlerFunc{"/f": serve([]byte("%PDF-1.7\x00"))}, story.Photo, []string{"url.type"}, nil, nil},
		{"noise", map[string]http.HandlerFunc{"/f": serve([]byte{1, 2, 3, 0})}, story.Photo, nil, nil, []string{"url.type"}},
		{"large photo", map[string]http.HandlerFunc{"/f": serve(padded(jpeg, 10<<20+1))}, story.Photo, []string{"url.length"}, nil, nil},
		{"size not told", map[string]http.HandlerFunc{"/f": func(w http.ResponseWriter, r *http.Request) { w.(http.Flusher).Flush(); w.Write(jpeg) }}, story.Photo, nil, nil, []string{"url.length"}},
		{"robots denied", map[string]http.HandlerFunc{"/f": serve(jpeg), "/robots.txt": plain([]byte("User-agent: *\nDisallow: /\n"))}, story.Photo, []string{"url.robots"}, nil, nil},
		{"robots denied to Meta", map[string]http.HandlerFunc{"/f": serve(jpeg), "/robots.txt": plain([]byte("User-agent: *\nAllow: /\n\nUser-agent: facebookexternalhit\nDisallow: /f\n"))}, story.Photo, []string{"url.robots"}, nil, nil},
		{"robots denied to others", map[string]http.HandlerFunc{"/f": serve(jpeg), "/robots.txt": plain([]byte("User-agent: *\nDisallow: /\n\nUser-agent: facebookexternalhit\nAllow: /\n"))}, story.Photo, nil, nil, nil},
		{"robots elsewhere", map[string]http.HandlerFunc{"/f": serve(jpeg), "/robots.txt": plain([]byte("User-agent: *\nDisallow: /private/\n"))}, story.Photo, nil, nil, nil},
		{"robots down", map[string]http.HandlerFunc{"/f": serve(jpeg), "/robots.txt": status(500)}, story.Photo, nil, nil, []string{"url.robots"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := host(t, c.handlers)
			f, err := Probe(t.Context(), s.URL+"/f", c.want, ProbeOptions{AllowLoopback: true})
			if err != nil {
				t.Fatal(err)
			}
			found := Judge(f, JudgeOptions{})
			got := [][]string{broken(found, LevelError), broken(found, LevelWarning), broken(found, LevelUnchecked)}
			for i, want := range [][]string{c.errors, c.warnings, c.unchecked} {
				if !slices.Equal(got[i], want) {
					t.Errorf("got %v, want %v, %v, %v; reply %+v", got, c.errors, c.warnings, c.unchecked, f.Remote.Reply)
					break
				}
			}
		})
	}
}

// TestProbeReadsLittle checks that a huge file is not downloaded, even when
// the server ignores the range, and that a stuck server is left.
func TestProbeReadsLittle(t *testing.T) {
	wrote := make(chan int, 1)
	release := make(chan struct{})
	s := host(t, map[string]http.HandlerFunc{
		"/f": func(w http.ResponseWriter, r *http.Request) {
			n := 0
			for range 100_000 {
				k, err := w.Write(append([]byte("\xff\xd8\xff\xe0"), make([]byte, 4092)...))
				if n += k; err != nil {
					break
				}
			}
			wrote <- n
		},
		"/stuck": func(w http.ResponseWriter, r *http.Request) {
			select {
			case <-release:
			case <-r.Context().Done():
			}
		},
	})
	defer close(release)
	if _, err := Probe(t.Context(), s.URL+"/f", story.Photo, ProbeOptions{AllowLoopback: true}); err != nil {
		t.Fatal(err)
	}
	if n := <-wrote; n > 16<<20 {
		t.Errorf("got %d bytes taken from the server, want a few", n)
	}
	f, err := Probe(t.Context(), s.URL+"/stuck", story.Photo, ProbeOptions{AllowLoopback: true, Timeout: 20 * time.Millisecond})
	if err != nil || f.Remote.Reply.Unreachable == "" {
		t.Errorf("stuck server: got %+v %v, want it unreachable", f.Remote.Reply, err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := Probe(ctx, s.URL+"/f", story.Photo, ProbeOptions{AllowLoopback: true}); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want %v", err, context.Canceled)
	}
}

// TestProbeRebinding checks that a public name that leads to a private address
// is never talked to, whatever else it leads to.
func TestProbeRebinding(t *testing.T) {
	asked := false
	s := host(t, map[string]http.HandlerFunc{"/": func(http.ResponseWriter, *http.Request) { asked = true }})
	u, _ := url.Parse(s.URL)
	for _, addrs := range [][]string{{"127.0.0.1"}, {"::1"}, {"10.0.0.7"}, {"169.254.169.254"}, {"::ffff:127.0.0.1"}, {"8.8.8.8", "127.0.0.1"}} {
		lookup := func(context.Context, string) (list []netip.Addr, err error) {
			for _, a := range addrs {
				list = append(list, netip.MustParseAddr(a))
			}
			return list, nil
		}
		f, err := Probe(t.Context(), "https://cdn.example.com:"+u.Port()+"/a.jpg?token=secret", story.Photo, ProbeOptions{Lookup: lookup})
		if err != nil {
			t.Fatal(err)
		}
		found := Judge(f, JudgeOptions{})
		if got := broken(found, LevelError); !slices.Equal(got, []string{"url.public"}) || asked {
			t.Errorf("%v: got %v, asked %v, want url.public and nobody asked", addrs, got, asked)
		}
		if strings.Contains(fmt.Sprint(found, f.Remote.Reply), "secret") {
			t.Errorf("%v: got the query in %v", addrs, found)
		}
	}
	gone := func(context.Context, string) ([]netip.Addr, error) {
		return nil, &net.DNSError{Err: "no such host", IsNotFound: true}
	}
	f, err := Probe(t.Context(), "https://cdn.example.com/a.jpg", story.Photo, ProbeOptions{Lookup: gone})
	if err != nil {
		t.Fatal(err)
	}
	if got := broken(Judge(f, JudgeOptions{}), LevelError); !slices.Equal(got, []string{"url.answer"}) {
		t.Errorf("no such host: got %v, want url.answer", got)
	}
}

// TestProbeTLS checks that certificates are verified.
func TestProbeTLS(t *testing.T) {
	s := httptest.NewUnstartedServer(serve(testmedia.JPEG(1080, 1920)))
	s.Config.ErrorLog = log.New(io.Discard, "", 0) // the refused handshake
	s.StartTLS()
	defer s.Close()
	o := ProbeOptions{AllowLoopback: true}
	f, err := Probe(t.Context(), s.URL, story.Photo, o)
	if err != nil || f.Remote.Reply.Unreachable == "" {
		t.Errorf("unknown authority: got %+v %v, want it unreachable", f.Remote.Reply, err)
	}
	o.Roots = s.Client().Transport.(*http.Transport).TLSClientConfig.RootCAs
	f, err = Probe(t.Context(), s.URL, story.Photo, o)
	if err != nil || f.Remote.Reply.Status/100 != 2 {
		t.Errorf("known authority: got %+v %v", f.Remote.Reply, err)
	}
}

// TestProbeAsksNobody checks that an address that breaks a rule is not asked.
func TestProbeAsksNobody(t *testing.T) {
	asked := false
	s := host(t, map[string]http.HandlerFunc{"/": func(http.ResponseWriter, *http.Request) { asked = true }})
	for _, u := range []string{s.URL, strings.Replace(s.URL, "http://", "http://u:p@", 1), "not a url"} {
		f, err := Probe(t.Context(), u, story.Photo, ProbeOptions{})
		if err != nil || f.Remote.Reply != nil || asked {
			t.Errorf("%s: got %+v %v, asked %v", u, f.Remote.Reply, err, asked)
		}
	}
}
