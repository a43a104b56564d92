package main

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/rogpeppe/go-internal/testscript"

	"storyform/state/fakeserver"
)

// backendCommand gives a script a place for states elsewhere, and makes it
// fail:
//
//	backend http            $HTTP_STATE is the address of a server that speaks Terraform's protocol, as GitLab does
//	backend careless        the same, by a server that keeps nobody out
//	backend s3              $S3_STATE is the endpoint of a server with the bucket brand-state
//	backend git             $GIT_STATE is a bare repository
//	backend refuse N        http takes no state once the Page 104857600000001 shows N stories
//	backend refuse nothing
func backendCommand(ts *testscript.TestScript, neg bool, args []string) {
	w := worldOf(ts)
	serve := func(env string, h http.Handler) {
		server := httptest.NewServer(h)
		ts.Defer(server.Close)
		ts.Setenv(env, server.URL)
	}
	switch args[0] {
	case "http":
		serve("HTTP_STATE", &fakeserver.Terraform{Kind: fakeserver.GitLab, Fault: w.stateFault})
	case "careless":
		serve("HTTP_STATE", &fakeserver.Terraform{Kind: fakeserver.Careless})
	case "s3":
		serve("S3_STATE", &fakeserver.S3{Bucket: "brand-state"})
		for _, v := range s3Env {
			name, value, _ := strings.Cut(v, "=")
			ts.Setenv(name, value)
		}
	case "git":
		dir := ts.MkAbs("state.git")
		ts.Check(makeRepository(dir))
		ts.Setenv("GIT_STATE", dir)
	case "refuse":
		n, _ := strconv.Atoi(args[1]) // 0: nothing
		w.refuse.Store(int64(n))
	default:
		ts.Fatalf("there is no backend %s", args[0])
	}
}

// s3Env is the environment in which the AWS SDK finds credentials, and asks
// nobody else for them.
var s3Env = []string{
	"AWS_ACCESS_KEY_ID=test", "AWS_SECRET_ACCESS_KEY=test", "AWS_REGION=us-east-1", "AWS_EC2_METADATA_DISABLED=true",
	"AWS_CONFIG_FILE=" + os.DevNull, "AWS_SHARED_CREDENTIALS_FILE=" + os.DevNull,
}

// makeRepository makes a bare git repository.
func makeRepository(dir string) error {
	out, err := exec.Command("git", "init", "--quiet", "--bare", filepath.Clean(dir)).CombinedOutput()
	if err != nil {
		return fmt.Errorf("git init: %w: %s", err, out)
	}
	return nil
}

// stateFault makes the server of a state fail once enough is published.
func (w *world) stateFault(r *http.Request) fakeserver.Fault {
	n := int(w.refuse.Load())
	if n > 0 && r.URL.Path == "/state" && r.Method == http.MethodPost && len(w.sim.Stories("104857600000001")) >= n {
		return fakeserver.Internal
	}
	return fakeserver.None
}
