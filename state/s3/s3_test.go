package s3

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/credentials"

	"storyform/internal/clock"
	"storyform/state"
	"storyform/state/fakeserver"
	"storyform/state/lease"
	"storyform/state/object"
	"storyform/state/statetest"
	"storyform/story"
)

// options are those of the SDK in tests: credentials that are nobody's, no
// configuration files, and retries without long waits.
func options() []func(*config.LoadOptions) error {
	return []func(*config.LoadOptions) error{
		config.WithCredentialsProvider(credentials.NewStaticCredentialsProvider("test", "test-secret", "")),
		config.WithSharedConfigFiles(nil), config.WithSharedCredentialsFiles(nil),
		config.WithRetryer(func() aws.Retryer {
			return retry.NewStandard(func(o *retry.StandardOptions) {
				o.MaxAttempts = sdkAttempts
				o.Backoff = retry.BackoffDelayerFunc(func(int, error) (time.Duration, error) { return time.Millisecond, nil })
				o.RateLimiter = unlimited{}
			})
		}),
	}
}

// unlimited lets the SDK retry as often as tests make it.
type unlimited struct{}

func (unlimited) GetToken(context.Context, uint) (func() error, error) {
	return func() error { return nil }, nil
}
func (unlimited) AddTokens(uint) error { return nil }

func noEnv(string) string { return "" }

// serve starts a fake and returns the arguments for it.
func serve(t *testing.T, s *fakeserver.S3) map[string]string {
	t.Helper()
	s.Bucket = "brand-state"
	server := httptest.NewServer(s)
	t.Cleanup(server.Close)
	return map[string]string{"bucket": s.Bucket, "key": "stories/acme", "endpoint": server.URL}
}

// open1 opens a store with a clock whose long waits never end and whose short
// ones are over at once.
func open1(t *testing.T, args map[string]string, now func() time.Time) *Store {
	t.Helper()
	s, err := open(t.Context(), args, noEnv, clock.Clock{Now: now, Sleep: func(ctx context.Context, d time.Duration) error {
		if d > 5*time.Second {
			<-ctx.Done()
		}
		return context.Cause(ctx)
	}}, options()...)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func entry(name string, status story.Status) state.Entry {
	return state.Entry{
		Address: story.Address{Type: "story", Name: name}, Kind: story.Photo, Source: name + ".jpg", Revision: 1, Status: status,
	}
}

// TestContract runs the suite over HTTP, with the faults that only a real
// client and a real connection have: the SDK's own retries among them.
func TestContract(t *testing.T) {
	// some spoils the calls of a method, for each path the first, the second
	// or both, and then none for a while.
	some := func(method string, faults ...fakeserver.Fault) func(r *http.Request) fakeserver.Fault {
		var mu sync.Mutex
		calls := map[string]int{}
		return func(r *http.Request) fakeserver.Fault {
			mu.Lock()
			defer mu.Unlock()
			if r.Method != method {
				return fakeserver.None
			}
			n := calls[r.URL.Path]
			calls[r.URL.Path] = (n + 1) % 50
			if n < len(faults) {
				return faults[n]
			}
			return fakeserver.None
		}
	}
	for name, newFault := range map[string]func() func(r *http.Request) fakeserver.Fault{
		"perfect": func() func(r *http.Request) fakeserver.Fault { return nil },
		"every answer lost": func() func(r *http.Request) fakeserver.Fault {
			return func(r *http.Request) fakeserver.Fault {
				if r.Method == http.MethodPut {
					return fakeserver.Lost
				}
				return fakeserver.None
			}
		},
		"some writes fail": func() func(r *http.Request) fakeserver.Fault {
			return some(http.MethodPut, fakeserver.Conflict, fakeserver.Internal, fakeserver.Dropped)
		},
		"some readings torn": func() func(r *http.Request) fakeserver.Fault { return some(http.MethodGet, fakeserver.Broken) },
	} {
		t.Run(name, func(t *testing.T) {
			statetest.Run(t, func(t *testing.T) statetest.Instance {
				now := clock.NewFake(time.Now())
				fake := &fakeserver.S3{Fault: newFault(), PageSize: 3, Now: now.Now}
				args := serve(t, fake)
				return statetest.Instance{
					Open:   func() state.Store { return open1(t, args, now.Now) },
					Expire: func() { now.Advance(2 * time.Minute) },
				}
			}, nil)
		})
	}
}

// TestServer runs the suite against a real server, whose address, bucket and
// credentials are in the environment; .ci/backends starts one.
func TestServer(t *testing.T) {
	endpoint := os.Getenv("STORYFORM_S3_SERVER")
	if endpoint == "" {
		t.Skip("STORYFORM_S3_SERVER names no server; see .ci/backends")
	}
	real := func(key, lease string, clk clock.Clock) *Store {
		args := map[string]string{"bucket": os.Getenv("STORYFORM_S3_BUCKET"), "key": key, "endpoint": endpoint, "lease": lease}
		s, err := open(t.Context(), args, os.Getenv, clk)
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	if err := real("probe", "", clock.System()).Probe(t.Context()); err != nil {
		t.Fatal(err)
	}
	silent := clock.System() // a runner whose renewals never come
	silent.Sleep = func(ctx context.Context, d time.Duration) error {
		if d >= lease.MinTTL/3 {
			<-ctx.Done()
			return ctx.Err()
		}
		return clock.System().Sleep(ctx, d)
	}
	statetest.Run(t, func(t *testing.T) statetest.Instance {
		key := "suite/" + state.NewID()
		return statetest.Instance{
			Open: func() state.Store { return real(key, lease.MinTTL.String(), silent) },
			// Whole seconds, cut off, and a server may tell the time a second late.
			Expire: func() { time.Sleep(lease.MinTTL + 3*time.Second) },
		}
	}, nil)
}

func TestArguments(t *testing.T) {
	good := map[string]string{"bucket": "b", "key": "k", "region": "eu-west-1"}
	for _, test := range []struct {
		name string
		with map[string]string
		env  map[string]string
		want string // of the error, or else of String
	}{
		{"good", nil, nil, "s3://b/k"},
		{"no bucket", map[string]string{"bucket": ""}, nil, `needs the argument "bucket"`},
		{"no key", map[string]string{"key": ""}, nil, `needs the argument "key"`},
		{"no region", map[string]string{"region": ""}, nil, `needs the argument "region"`},
		{"typo", map[string]string{"end_point": "x"}, nil, `no argument "end_point"; did you mean "endpoint"?`},
		{"secret", map[string]string{"secret_key": "hunter2"}, nil, `no argument "secret_key"`},
		{"prefix in bucket", map[string]string{"bucket": "b/c"}, nil, `argument "bucket": "b/c" is not the name of a bucket`},
		{"bad key", map[string]string{"key": "/k"}, nil, `argument "key": the key "/k" must be names`},
		{"endpoint", map[string]string{"endpoint": "https://minio.example.com/", "region": ""}, nil, "https://minio.example.com/b/k"},
		{"endpoint by environment", nil, map[string]string{"AWS_ENDPOINT_URL_S3": "http://127.0.0.1:9"}, "http://127.0.0.1:9/b/k"},
		{"endpoint without scheme", map[string]string{"endpoint": "minio.example.com"}, nil, `argument "endpoint": it is not an address`},
		{"password in endpoint", map[string]string{"endpoint": "https://me:hunter2@minio.example.com"}, nil, `argument "endpoint": it is not an address`},
		{"bad environment", nil, map[string]string{"AWS_ENDPOINT_URL": "x"}, `argument "AWS_ENDPOINT_URL": it is not an address`},
		{"bad style", map[string]string{"use_path_style": "maybe"}, nil, `argument "use_path_style": "maybe" is neither true nor false`},
		{"bad encryption", map[string]string{"encrypt": "AES256"}, nil, `argument "encrypt": "AES256" is neither true nor false`},
		{"bad lease", map[string]string{"lease": "1s"}, nil, `argument "lease": "1s" is not a duration from 3s to 1h0m0s`},
		{"lease", map[string]string{"lease": "90s"}, nil, "s3://b/k"},
	} {
		t.Run(test.name, func(t *testing.T) {
			args := map[string]string{}
			for _, from := range []map[string]string{good, test.with} {
				for k, v := range from {
					args[k] = v
				}
			}
			extra := append(options(), config.WithDefaultRegion(""))
			s, err := open(t.Context(), args, func(name string) string { return test.env[name] }, clock.System(), extra...)
			got := ""
			if err != nil {
				got = err.Error()
			} else {
				got = s.String()
			}
			if !strings.Contains(got, test.want) || strings.Contains(got, "hunter2") {
				t.Errorf("got %q, want %q", got, test.want)
			}
		})
	}
}

// Errors name the cause and what to do.
func TestExplain(t *testing.T) {
	now := time.Now
	args := serve(t, &fakeserver.S3{})
	args["bucket"] = "other"
	_, _, err := open1(t, args, now).Load(t.Context())
	want := "NoSuchBucket: the fake says so (HTTP status 404, request ID 1); create the bucket first, or correct bucket, region or endpoint"
	if !errors.Is(err, object.ErrDenied) || !strings.Contains(err.Error(), want) {
		t.Errorf("got error %v, want %q", err, want)
	}
}

// A server that never answers, or answers nonsense, gives an error.
func TestNonsense(t *testing.T) {
	for name, handler := range map[string]http.HandlerFunc{
		"HTML":       func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "<html>Welcome to the Wi-Fi</html>") },
		"redirect":   func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusMovedPermanently) },
		"forbidden":  func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusForbidden) },
		"always 500": func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusInternalServerError) },
		"reset":      func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) },
	} {
		t.Run(name, func(t *testing.T) {
			server := httptest.NewServer(handler)
			t.Cleanup(server.Close)
			s := open1(t, map[string]string{"bucket": "b", "key": "k", "endpoint": server.URL}, time.Now)
			if _, _, err := s.Load(t.Context()); err == nil {
				t.Error("loaded a state")
			}
			e := entry("a", story.Scheduled)
			rec := state.Record{Seq: 1, Lineage: "l", At: time.Now(), Run: "a", Key: e.Address, Entry: &e}
			if err := s.Append(t.Context(), rec); err == nil || errors.Is(err, state.ErrConflict) {
				t.Errorf("got error %v, want one that is no conflict", err)
			}
			if _, err := s.Lock(t.Context(), state.LockInfo{ID: "a"}); err == nil {
				t.Error("took the lock")
			}
		})
	}
}

// Buckets may demand of writes a checksum (with object lock) and that they ask
// for encryption (by a policy).
func TestDemandingBucket(t *testing.T) {
	bucket := &fakeserver.S3{Bucket: "brand-state"}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodPut && (r.Header.Get("Content-MD5") == "" || r.Header.Get("X-Amz-Server-Side-Encryption") != "AES256") {
			w.WriteHeader(http.StatusBadRequest)
			fmt.Fprint(w, "<Error><Code>InvalidRequest</Code><Message>Content-MD5 OR x-amz-checksum- HTTP header is required for Put Object requests with Object Lock parameters</Message></Error>")
			return
		}
		bucket.ServeHTTP(w, r)
	}))
	t.Cleanup(server.Close)
	store := open1(t, map[string]string{"bucket": "brand-state", "key": "stories/acme", "endpoint": server.URL, "encrypt": "true"}, time.Now)
	if err := store.Probe(t.Context()); err != nil {
		t.Error(err)
	}
}
