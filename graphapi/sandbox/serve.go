package sandbox

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"time"
)

// stopGrace is how long Serve waits for requests that are being answered.
const stopGrace = 2 * time.Second

// Serve answers requests on l until ctx is done, and closes l. It refuses an
// address that other machines can reach: whoever reaches a simulator may do
// everything with it.
func (s *Server) Serve(ctx context.Context, l net.Listener) error {
	addr, ok := l.Addr().(*net.TCPAddr)
	if !ok || !addr.IP.IsLoopback() {
		l.Close()
		return fmt.Errorf("the simulator serves this machine only, not %s; listen on 127.0.0.1", l.Addr())
	}
	server := &http.Server{
		Handler: s, ReadHeaderTimeout: 30 * time.Second, MaxHeaderBytes: 64 << 10,
		ErrorLog: log.New(io.Discard, "", 0),
	}
	stopped := context.AfterFunc(ctx, func() {
		grace, cancel := context.WithTimeout(context.WithoutCancel(ctx), stopGrace)
		defer cancel()
		if server.Shutdown(grace) != nil {
			server.Close()
		}
	})
	defer stopped()
	if err := server.Serve(l); !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("serve the simulator: %w", err)
	}
	return nil
}

// Start serves on an address such as "127.0.0.1:0" in the background, and
// returns the base URL for clients. stop ends it and waits for requests that
// are being answered.
func (s *Server) Start(address string) (baseURL string, stop func(), err error) {
	l, err := net.Listen("tcp", address)
	if err != nil {
		return "", nil, fmt.Errorf("serve the simulator: %w", err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	if tcp, ok := l.Addr().(*net.TCPAddr); !ok || !tcp.IP.IsLoopback() {
		cancel()
		return "", nil, s.Serve(ctx, l)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		s.Serve(ctx, l) // ends without an error unless the listener breaks
	}()
	return "http://" + l.Addr().String(), func() { cancel(); <-done }, nil
}
