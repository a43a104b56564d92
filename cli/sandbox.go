package cli

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"storyform/graphapi"
	"storyform/graphapi/sandbox"
	"storyform/plan"
)

// sandboxWorldFile is the simulator's world, in the configuration's folder.
const sandboxWorldFile = sandboxFolder + "/sandbox.json"

// sandboxUserToken opens every Page of a simulator, and nothing else.
const sandboxUserToken = "sandbox-user"

// sandboxPortFile remembers the simulator's address: an upload session that an
// interrupted run has left behind is at that address, and nowhere else.
const sandboxPortFile = sandboxFolder + "/sandbox.address"

// startSandbox serves the simulator inside this process, on a loopback port
// that the system chose the first time, and returns its address. Its world
// stays in the configuration's folder between runs.
func (a *app) startSandbox(ctx context.Context) (base string, err error) {
	server, err := a.newSandbox(a.path(filepath.FromSlash(sandboxWorldFile)))
	if err != nil {
		return "", err
	}
	listener, err := listenAgain(a.path(filepath.FromSlash(sandboxPortFile)))
	if err != nil {
		return "", fail("Simulator can't be started", "%v", err)
	}
	web := &http.Server{Handler: server, ReadHeaderTimeout: 10 * time.Second}
	go web.Serve(listener)
	a.cleanup = append(a.cleanup, func() { web.Close() })
	return "http://" + listener.Addr().String(), nil
}

// listenAgain listens on the loopback address that a file remembers. If there
// is none yet, or another program has it by now, it is a new one.
func listenAgain(file string) (net.Listener, error) {
	if text, err := os.ReadFile(file); err == nil {
		if at, err := netip.ParseAddrPort(strings.TrimSpace(string(text))); err == nil && at.Addr().IsLoopback() {
			if listener, err := net.Listen("tcp", at.String()); err == nil {
				return listener, nil
			}
		}
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	return listener, os.WriteFile(file, []byte(listener.Addr().String()+"\n"), 0o600)
}

// newSandbox makes a simulator with a world file.
func (a *app) newSandbox(world string) (*sandbox.Server, error) {
	folder := filepath.Dir(world)
	if err := os.MkdirAll(folder, 0o755); err != nil {
		return nil, fail("Simulator can't be started", "%v", err)
	}
	server := sandbox.New(sandbox.Options{
		AutoPages: true, Now: a.Clock.Now, Sleep: a.Clock.Sleep, Spool: filepath.Join(folder, "photos"),
	})
	if err := server.Load(world); err != nil {
		return nil, fail("Simulator's world can't be read", "%v. Delete the file to begin with an empty one.", err)
	}
	return server, nil
}

// sandboxToken is the token of a Page on the simulator. Tokens of the
// environment are not even looked at: a real one has no business there.
func sandboxToken(page plan.Page) (graphapi.Token, error) {
	return graphapi.NewToken("sandbox-page-" + page.ID), nil
}

// sandboxFlags are the flags of sandbox.
type sandboxFlags struct {
	listen   string
	world    string
	faults   []string
	switches []string
}

// sandboxCommand serves the simulator.
func sandboxCommand(a *app) *cobra.Command {
	var f sandboxFlags
	cmd := &cobra.Command{
		Use:   "sandbox",
		Short: "Serve the simulator of the Stories API, and a page about it",
		Long: `Serves a simulator of the Stories API on this machine until it is interrupted.
Point other commands at it with the two variables that it prints; any Page id
will do. --switch changes how the API behaves, such as "listing_lag=20s".

--fault makes something go wrong: EDGE [before|after] [DO] [KEY=VALUE]...

    photo_stories after reset     it is published, and the answer is lost
    photo_stories code=368        the first one is refused
    stories status=503 times=3    the first three answers fail

EDGE is the call, or any; DO is pass, reset, close, hang, cut, empty, html or
false; keys are nth, times, page, code, subcode, status, message and delay. What
there is not is answered with what there is.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, args []string) error { return a.serveSandbox(&f) },
	}
	flags := cmd.Flags()
	flags.StringVar(&f.listen, "listen", "127.0.0.1:8025", "the loopback `address` to serve on")
	flags.StringVar(&f.world, "world", sandboxWorldFile, "the `file` that keeps the simulator's world")
	flags.StringArrayVar(&f.faults, "fault", nil, "a `fault` to play; may be repeated")
	flags.StringArrayVar(&f.switches, "switch", nil, "a `switch` of the API's behaviour; may be repeated")
	return cmd
}

// serveSandbox is the command sandbox.
func (a *app) serveSandbox(f *sandboxFlags) error {
	server, err := a.newSandbox(a.path(filepath.FromSlash(f.world)))
	if err != nil {
		return err
	}
	if err := setUpSandbox(server, f); err != nil {
		return fail("Simulator can't be set up", "%v.", err)
	}
	host, _, err := net.SplitHostPort(f.listen)
	if ip := net.ParseIP(host); err != nil || host != "localhost" && (ip == nil || !ip.IsLoopback()) {
		return fail("Simulator stays on this machine", "--listen takes a loopback address such as 127.0.0.1:8025, not %q.", f.listen)
	}
	listener, err := net.Listen("tcp", f.listen)
	if err != nil {
		return fail("Simulator can't be started", "%v. Another program may use that port; choose one with --listen.", err)
	}
	base := "http://" + listener.Addr().String()
	a.printf("The simulator serves %s\n\nIn another terminal:\n    export STORYFORM_GRAPH_URL=%s\n    export STORYFORM_TOKEN=%s\n\nWhat is published: %s/_sandbox/\nStop it with ^C.\n",
		base, base, sandboxUserToken, base)
	web := &http.Server{Handler: server, ReadHeaderTimeout: 10 * time.Second}
	go func() {
		<-a.Stop
		web.Close()
	}()
	if err := web.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
		return fail("Simulator ended", "%v", err)
	}
	return nil
}

// setUpSandbox plays faults and sets switches.
func setUpSandbox(server *sandbox.Server, f *sandboxFlags) error {
	for _, text := range f.faults {
		faults, err := sandbox.ParseFaults(text)
		if err != nil {
			return fmt.Errorf("--fault: %w", err)
		}
		if err := server.AddFaults(faults...); err != nil {
			return fmt.Errorf("--fault: %w", err)
		}
	}
	if len(f.switches) == 0 {
		return nil
	}
	s, err := server.Switches().Parse(strings.Join(f.switches, " "))
	if err != nil {
		return fmt.Errorf("--switch: %w", err)
	}
	return server.SetSwitches(s)
}
