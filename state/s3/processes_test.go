//go:build unix

package s3

import (
	"context"
	"net/http/httptest"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"storyform/internal/clock"
	"storyform/state"
	"storyform/state/fakeserver"
	"storyform/state/lease"
	"storyform/state/statetest"
)

// openShort opens the state of an endpoint with the shortest lease.
func openShort(endpoint string) (state.Store, error) {
	endpoint, key, _ := strings.Cut(endpoint, " ")
	args := map[string]string{"bucket": "brand-state", "key": key, "endpoint": endpoint, "lease": lease.MinTTL.String()}
	if bucket := os.Getenv("STORYFORM_S3_BUCKET"); bucket != "" {
		args["bucket"] = bucket
	}
	if os.Getenv("STORYFORM_S3_SERVER") != "" {
		return open(context.Background(), args, os.Getenv, clock.System())
	}
	return open(context.Background(), args, noEnv, clock.System(), options()...)
}

func TestMain(m *testing.M) { statetest.Main(m, openShort) }

// run is the test with a state that it names.
func run(t *testing.T, where string) (refused int) {
	return statetest.Processes{Where: where, Stall: lease.MinTTL + 4*time.Second, Open: func() state.Store {
		s, err := openShort(where)
		if err != nil {
			t.Fatal(err)
		}
		return s
	}}.Run(t)
}

// Processes that are stopped for longer than their lease write nothing that
// counts afterwards, and what they wanted to write is kept.
func TestProcesses(t *testing.T) {
	if testing.Short() {
		t.Skip("starts processes and waits for leases")
	}
	t.Parallel()
	fake := &fakeserver.S3{Bucket: "brand-state"}
	server := httptest.NewServer(fake)
	t.Cleanup(server.Close)
	refused := run(t, server.URL+" stories/acme")
	orphans := slices.DeleteFunc(fake.Keys(), func(key string) bool { return !strings.Contains(key, "/orphan/") })
	if refused == 0 || len(orphans) < refused {
		t.Errorf("got %d steps refused and orphans %v, want some, and one for each", refused, orphans)
	}
}

// The same with a real server.
func TestServerProcesses(t *testing.T) {
	endpoint := os.Getenv("STORYFORM_S3_SERVER")
	if endpoint == "" {
		t.Skip("STORYFORM_S3_SERVER names no server; see .ci/backends")
	}
	t.Parallel()
	if run(t, endpoint+" processes/"+state.NewID()) == 0 {
		t.Error("no step was refused")
	}
}
