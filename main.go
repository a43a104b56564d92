// Command storyform publishes Facebook Page Stories that are declared in
// files: exactly once, and nothing else.
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"
	_ "time/tzdata" // Page time zones must work in a bare container

	"storyform/cli"
)

func main() { os.Exit(run(cli.System())) }

// run turns the first interrupt into a request to stop and the second into
// the end of the context. A third one kills the process.
func run(env cli.Env) int {
	ctx, leave := context.WithCancel(context.Background())
	defer leave()
	signals := make(chan os.Signal, 2)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	stop := make(chan struct{})
	env.Stop = stop
	go func() {
		<-signals
		close(stop)
		<-signals
		leave()
		signal.Stop(signals)
	}()
	return cli.Main(ctx, env)
}
