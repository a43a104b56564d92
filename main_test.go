package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"storyform/cli"
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
	if url := os.Getenv("STORYFORM_TEST_CLOCK"); url != "" {
		env.Clock = remoteClock(url)
	}
	if probe := os.Getenv("STORYFORM_TEST_DURING_SLEEP"); probe != "" {
		env.Clock.Sleep = probing(env.Clock.Sleep, probe)
	}
	for name, signal := range map[string]syscall.Signal{"STORYFORM_TEST_CRASH": syscall.SIGKILL, "STORYFORM_TEST_STOP": syscall.SIGSTOP} {
		if spot := os.Getenv(name); spot != "" {
			env.Crash = signalAt(spot, signal)
		}
	}
	if point := os.Getenv("STORYFORM_TEST_PANIC"); point != "" {
		env.Crash = func(at string) {
			if at == point {
				panic("a mistake near " + os.Getenv("STORYFORM_TOKEN") + " and access_token=" + strings.Repeat("a1", 20))
			}
		}
	}
	if point := os.Getenv("STORYFORM_TEST_INTERRUPT"); point != "" {
		env.Crash = func(at string) {
			if at == point {
				syscall.Kill(os.Getpid(), syscall.SIGINT)
				time.Sleep(100 * time.Millisecond) // for the signal to be taken in, as a slow call would
			}
		}
	}
	code := run(env)
	if name := os.Getenv("STORYFORM_TEST_STATUS"); name != "" {
		status, _ := os.ReadFile("/proc/self/status")
		os.WriteFile(name, status, 0o600)
	}
	return code
}

// signalAt sends a signal to this process when it is at a crash point for the
// nth time, as in "after uploaded#1".
func signalAt(spot string, signal syscall.Signal) func(at string) {
	point, nth, _ := strings.Cut(spot, "#")
	count, _ := strconv.Atoi(nth)
	left := int64(count)
	return func(at string) {
		if at != point || atomic.AddInt64(&left, -1) != 0 {
			return
		}
		syscall.Kill(os.Getpid(), signal)
		for signal == syscall.SIGKILL {
			time.Sleep(time.Hour) // until the signal arrives
		}
		time.Sleep(300 * time.Millisecond) // a stop arrives in here
	}
}

// probing runs a command during each long sleep, and writes what it printed
// beside it: what another process can do meanwhile.
func probing(sleep func(context.Context, time.Duration) error, probe string) func(context.Context, time.Duration) error {
	return func(ctx context.Context, d time.Duration) error {
		if d > 10*time.Second {
			cmd := exec.Command("sh", "-c", probe)
			for _, v := range os.Environ() {
				if !strings.HasPrefix(v, "STORYFORM_TEST_DURING_SLEEP=") {
					cmd.Env = append(cmd.Env, v)
				}
			}
			out, err := cmd.CombinedOutput()
			log, openErr := os.OpenFile("probe.log", os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
			if openErr == nil {
				fmt.Fprintf(log, "%s%v\n", out, err)
				log.Close()
			}
		}
		return sleep(ctx, d)
	}
}

// TestScripts runs the command line as people use it, through the real main,
// against a simulator of the Stories API that each script has for itself.
func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata/script",
		UpdateScripts:       *update,
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
		Setup:               setupScript,
		Cmds:                scriptCommands,
	})
}
