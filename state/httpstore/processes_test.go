//go:build unix

package httpstore

import (
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"
	"time"

	"storyform/internal/clock"
	"storyform/state"
	"storyform/state/fakeserver"
	"storyform/state/statetest"
)

// openAt opens the state of a server: its kind and address.
func openAt(where string) (state.Store, error) {
	number, url, _ := strings.Cut(where, " ")
	kind, err := strconv.Atoi(number)
	if err != nil {
		return nil, err
	}
	return open(arguments(fakeserver.Kind(kind), url), func(string) string { return "" }, clock.System())
}

func TestMain(m *testing.M) { statetest.Main(m, openAt) }

// Processes whose locks are broken while they are stopped write nothing that
// counts afterwards, on a server that knows serials and on one that knows the
// lock's ID only.
func TestProcesses(t *testing.T) {
	if testing.Short() {
		t.Skip("starts processes and waits for them")
	}
	for name, kind := range map[string]fakeserver.Kind{"serials": fakeserver.GitLab, "lock IDs": fakeserver.Plain} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := httptest.NewServer(&fakeserver.Terraform{Kind: kind})
			t.Cleanup(server.Close)
			where := strconv.Itoa(int(kind)) + " " + server.URL
			refused := statetest.Processes{Where: where, Stall: 4 * time.Second, Break: true, Open: func() state.Store {
				s, err := openAt(where)
				if err != nil {
					t.Fatal(err)
				}
				return s
			}}.Run(t)
			if refused == 0 {
				t.Error("no step was refused")
			}
		})
	}
}
