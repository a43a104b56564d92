package main

import (
	"flag"
	"net/http/httptest"
	"os"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"storyform/cli"
	"storyform/graphapi/sandbox"
	"storyform/internal/clock"
)

var update = flag.Bool("update", false, "rewrite the expected output in scripts")

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"storyform": func() { os.Exit(runForTest()) }})
}

// runForTest is main with the clock and the crash points that a script asks
// for. The release binary reads none of these variables.
func runForTest() int {
	env := cli.System()
	if now, err := time.Parse(time.RFC3339, os.Getenv("STORYFORM_TEST_NOW")); err == nil {
		env.Clock = clock.NewFake(now).Clock()
	}
	if point, nth, ok := strings.Cut(os.Getenv("STORYFORM_TEST_CRASH"), "#"); ok {
		left, _ := strconv.Atoi(nth)
		env.Crash = func(at string) {
			if at != point {
				return
			}
			if left--; left == 0 {
				syscall.Kill(os.Getpid(), syscall.SIGKILL)
				select {} // until the signal arrives
			}
		}
	}
	return run(env)
}

// world is what a script's own commands work on: a simulator of its own.
type world struct {
	sim    *sandbox.Server
	server *httptest.Server
	clock  *clock.Fake
}

// scriptStart is the time at which every script begins.
var scriptStart = time.Date(2026, 12, 20, 2, 0, 0, 0, time.UTC) // 09:00 in Jakarta

func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata/script",
		UpdateScripts:       *update,
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
		Setup:               setupScript,
		Cmds:                scriptCommands,
		Condition:           nil,
	})
}
