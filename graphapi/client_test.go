package graphapi

import (
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"
)

func TestNewRefuses(t *testing.T) {
	for _, test := range []struct{ base, version, want string }{
		{"http://graph.facebook.com", "", "loopback"},
		{"http://192.168.0.1:8080", "", "loopback"},
		{"http://localhost.evil.example", "", "loopback"},
		{"http://127.0.0.1.evil.example", "", "loopback"},
		{"ftp://127.0.0.1", "", "https://"},
		{"//graph.facebook.com", "", "https://"},
		{"graph.facebook.com", "", "not a URL"},
		{"https:graph.facebook.com", "", "not a URL"},
		{"https://", "", "not a URL"},
		{"https://user:" + tokenText + "@graph.facebook.com", "", "no user"},
		{"https://graph.facebook.com/?access_token=" + tokenText, "", "no user, query"},
		{"https://graph.facebook.com/#x", "", "fragment"},
		{"https://graph.face book.com/" + tokenText, "", "not a URL"},
		{"", "25.0", "version"},
		{"", "v25", "version"},
		{"", "v25.0/../x", "version"},
		{"", "latest", "version"},
	} {
		_, err := New(Options{BaseURL: test.base, Version: test.version})
		if err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("New(%q, %q): got %v, want an error with %q", test.base, test.version, err, test.want)
			continue
		}
		checkSecret(t, err)
	}
	if _, err := New(Options{AppSecret: NewToken("line\nend")}); err == nil {
		t.Error("an app secret with a line end is accepted")
	}
}

func TestNewAccepts(t *testing.T) {
	for base, want := range map[string]string{
		"":                               "https://graph.facebook.com/v25.0",
		"https://gateway.example/meta/":  "https://gateway.example/meta/v25.0",
		"http://127.0.0.1:8080":          "http://127.0.0.1:8080/v25.0",
		"http://127.8.9.1/x":             "http://127.8.9.1/x/v25.0",
		"http://[::1]:8080/":             "http://[::1]:8080/v25.0",
		"http://localhost:8080":          "http://localhost:8080/v25.0",
		"http://[::ffff:127.0.0.1]:8080": "http://[::ffff:127.0.0.1]:8080/v25.0",
	} {
		c, err := New(Options{BaseURL: base})
		if err != nil {
			t.Errorf("New(%q): %v", base, err)
		} else if got := c.base.String(); got != want {
			t.Errorf("New(%q): base %s, want %s", base, got, want)
		}
	}
}

func TestUploadURL(t *testing.T) {
	const production, loopback = "", "http://127.0.0.1:8080/base"
	for _, test := range []struct {
		base, url string
		ok        bool
	}{
		{production, "https://rupload.facebook.com/video-upload/v25.0/1", true},
		{production, "https://rupload.facebook.com/video-upload/1?x=y", true},
		{production, "http://rupload.facebook.com/video-upload/1", false},
		{production, "https://rupload.facebook.com.evil.example/1", false},
		{production, "https://evil.example/rupload.facebook.com", false},
		{production, "https://rupload.facebook.com:8443/1", false},
		{production, "https://rupload.facebook.com@evil.example/1", false},
		{production, "https://x@rupload.facebook.com/1", false},
		{production, "https://RUPLOAD.facebook.com/1", false},
		{production, "//rupload.facebook.com/1", false},
		{production, "https:rupload.facebook.com/1", false},
		{production, "http://127.0.0.1:8080/1", false},
		{production, "", false},
		{production, "https://rupload.facebook.com\\@evil.example/", false},
		{loopback, "http://127.0.0.1:8080/video-upload/1", true},
		{loopback, "http://127.0.0.1:8081/video-upload/1", false},
		{loopback, "https://127.0.0.1:8080/video-upload/1", false},
		{loopback, "http://localhost:8080/video-upload/1", false},
		{loopback, "https://rupload.facebook.com/video-upload/1", false},
		{"https://gateway.example", "https://rupload.facebook.com/1", true},
		{"https://gateway.example", "https://gateway.example/1", false},
	} {
		c, err := New(Options{BaseURL: test.base})
		if err != nil {
			t.Fatal(err)
		}
		_, err = c.uploadURL(test.url)
		if ok := err == nil; ok != test.ok {
			t.Errorf("with base %q, %q: got %v, want ok %v", test.base, test.url, err, test.ok)
		}
		if err != nil && !errors.Is(err, ErrUploadURL) {
			t.Errorf("%q: got %v, want ErrUploadURL", test.url, err)
		}
	}
}

func TestServed(t *testing.T) {
	p, a := setup(t)
	if got := p.client.Served(); got != (Served{}) {
		t.Errorf("before any answer: got %+v", got)
	}
	a.replies("GET", "/501", reply{body: `{"status":{}}`, header: map[string]string{
		"Facebook-Api-Version": "v26.0", "Date": start.Add(-90 * time.Second).Format(http.TimeFormat),
	}})
	if _, err := p.VideoStatus(t.Context(), "501"); err != nil {
		t.Fatal(err)
	}
	if got, want := p.client.Served(), (Served{Version: "v26.0", Skew: -90 * time.Second}); got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
}
