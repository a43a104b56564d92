package httpstore

import (
	"compress/gzip"
	"crypto/md5"
	"encoding/base64"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"storyform/internal/clock"
	"storyform/state"
	"storyform/state/fakeserver"
	"storyform/story"
)

// behind returns a store whose requests a proxy passes on.
func behind(t *testing.T, fake *fakeserver.Terraform, proxy func(http.Handler) http.Handler) *Store {
	t.Helper()
	server := httptest.NewServer(proxy(fake))
	t.Cleanup(server.Close)
	now := clock.NewFake(time.Date(2026, 12, 20, 2, 0, 0, 0, time.UTC))
	s, err := open(arguments(fake.Kind, server.URL), environment(fake), now.Clock())
	wantErr(t, err, nil, "")
	t.Cleanup(s.http.CloseIdleConnections)
	return s
}

// A proxy that has an older state is asked to fetch the newer: on a server that
// looks at no serial, what was recorded since would be overwritten.
func TestCachingProxy(t *testing.T) {
	fake := &fakeserver.Terraform{Kind: fakeserver.Plain}
	cached := map[string]*httptest.ResponseRecorder{}
	late := behind(t, fake, func(origin http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			answer := cached[r.URL.String()]
			if answer == nil || r.Method != http.MethodGet || r.Header.Get("Cache-Control") == "no-cache" {
				answer = httptest.NewRecorder()
				origin.ServeHTTP(answer, r)
			}
			if r.Method == http.MethodGet {
				cached[r.URL.String()] = answer
			}
			w.WriteHeader(answer.Code)
			w.Write(answer.Body.Bytes())
		})
	})
	zombie := session(t, late, "zombie")
	put(t, zombie, story.Uploaded)

	direct := behind(t, fake, func(origin http.Handler) http.Handler { return origin })
	other := session(t, direct, "other")
	put(t, other, story.Live)

	err := zombie.Put(t.Context(), "publishing", entry("reveal", story.Publishing), nil)
	wantErr(t, err, state.ErrConflict, "")
	if e, _ := session(t, direct, "a").Entry(entry("reveal", "").Address); e.Status != story.Live {
		t.Errorf("got status %s, want what the other run recorded", e.Status)
	}
}

// A proxy may pack what the server sends, and tell the checksum of that.
func TestPacked(t *testing.T) {
	fake := &fakeserver.Terraform{Kind: fakeserver.GitLab}
	store := behind(t, fake, func(origin http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			answer := httptest.NewRecorder()
			origin.ServeHTTP(answer, r)
			if !strings.Contains(r.Header.Get("Accept-Encoding"), "gzip") || answer.Body.Len() == 0 {
				w.WriteHeader(answer.Code)
				w.Write(answer.Body.Bytes())
				return
			}
			var packed strings.Builder
			zip := gzip.NewWriter(&packed)
			zip.Write(answer.Body.Bytes())
			zip.Close()
			sum := md5.Sum([]byte(packed.String()))
			w.Header().Set("Content-Encoding", "gzip")
			w.Header().Set("Content-MD5", base64.StdEncoding.EncodeToString(sum[:]))
			w.WriteHeader(answer.Code)
			w.Write([]byte(packed.String()))
		})
	})
	l, err := store.Lock(t.Context(), state.LockInfo{ID: "a"})
	wantErr(t, err, nil, "")
	s := session(t, store, "a")
	put(t, s, story.Live)
	wantErr(t, s.Close(t.Context()), nil, "")
	wantErr(t, l.Unlock(t.Context()), nil, "")
}

// What answers in place of the state is not taken for one that was never
// written, and is called what it is.
func TestInPlaceOfTheState(t *testing.T) {
	for _, test := range []struct {
		status     int
		body, want string
	}{
		{http.StatusNotFound, `{"message":"404 Project Not Found"}`, "STORYFORM_HTTP_PASSWORD"},
		{http.StatusOK, "\n<!DOCTYPE html><title>Sign in</title>", "it is a page of HTML, such as one for signing in"},
	} {
		store := behind(t, new(fakeserver.Terraform), func(http.Handler) http.Handler {
			return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				w.WriteHeader(test.status)
				w.Write([]byte(test.body))
			})
		})
		if _, _, err := store.Load(t.Context()); err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("got error %v, want one with %q", err, test.want)
		}
	}
}

// A lost answer is no verdict on the server.
func TestProbeUnlucky(t *testing.T) {
	for _, kind := range []fakeserver.Kind{fakeserver.Plain, fakeserver.GitLab, fakeserver.Gitea} {
		for _, fault := range []fakeserver.Fault{fakeserver.Lost, fakeserver.Dropped, fakeserver.Internal} {
			for n := range 10 {
				calls := 0
				fake := &fakeserver.Terraform{Kind: kind, Fault: func(*http.Request) fakeserver.Fault {
					if calls++; calls == n+1 {
						return fault
					}
					return fakeserver.None
				}}
				if err := serve(t, fake)().Probe(t.Context()); err != nil {
					t.Errorf("kind %d, fault %d at request %d: %v", kind, fault, n, err)
				}
			}
		}
	}
}
