package cli

import (
	"net"
	"os"
	"path/filepath"
	"testing"
)

// TestListenAgain: the simulator keeps its address from run to run, unless
// the file that remembers it says something else than an address of this
// machine, or somebody has taken it.
func TestListenAgain(t *testing.T) {
	file := filepath.Join(t.TempDir(), "address")
	listen := func() string {
		t.Helper()
		l, err := listenAgain(file)
		if err != nil {
			t.Fatal(err)
		}
		defer l.Close()
		return l.Addr().String()
	}
	first := listen()
	if again := listen(); again != first {
		t.Errorf("got %s, want %s again", again, first)
	}
	taken, err := net.Listen("tcp", first)
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	if other := listen(); other == first {
		t.Errorf("got %s, which is taken", other)
	}
	for _, text := range []string{"", "nonsense", "192.0.2.1:80", "0.0.0.0:8025", "127.0.0.1:99999", "127.0.0.1"} {
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		host, _, err := net.SplitHostPort(listen())
		if err != nil || !net.ParseIP(host).IsLoopback() {
			t.Errorf("%q: got host %s, %v, want this machine", text, host, err)
		}
	}
}
