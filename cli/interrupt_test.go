package cli

import (
	"bytes"
	"io"
	"strings"
	"testing"
	"time"

	"storyform/internal/clock"
	"storyform/internal/testexample"
)

// interrupted runs a command with an interrupt that comes when it first waits
// for input or, without any input, before it begins.
func interruptedRun(t *testing.T, dir string, early bool, args ...string) (stdout, stderr string, code int) {
	t.Helper()
	stop := make(chan struct{})
	if early {
		close(stop)
	}
	var out, diags bytes.Buffer
	code = Main(t.Context(), Env{
		Args: append([]string{"--chdir=" + dir, "--sandbox"}, args...), Dir: dir, Stdin: &closing{stop: stop, early: early}, Stop: stop,
		Stdout: &out, Stderr: &diags, Clock: clock.NewFake(time.Date(2026, 12, 20, 2, 0, 0, 0, time.UTC)).Clock(),
	})
	return out.String(), diags.String(), code
}

// closing is an input at which an interrupt comes and nothing is ever typed.
type closing struct {
	stop  chan struct{}
	early bool
}

// Read brings about the interrupt and blocks.
func (c *closing) Read([]byte) (int, error) {
	if !c.early {
		close(c.stop)
	}
	select {}
}

var _ io.Reader = (*closing)(nil)

func TestInterruptWhileAsked(t *testing.T) {
	dir := t.TempDir()
	if err := testexample.Copy(dir, "../examples/quickstart"); err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		args []string
		want string
	}{
		{[]string{"apply"}, "Enter a value: \n\nApply cancelled.\n"},
		{[]string{"console"}, ""},
		{[]string{"fmt", "-"}, "Error: Interrupted"},
		{[]string{"state", "push", "-"}, ""},
	} {
		out, diags, code := interruptedRun(t, dir, false, test.args...)
		want := 130
		if test.args[0] == "state" {
			want = 1
		}
		if code != want || !strings.Contains(diags, test.want) || strings.Contains(out, "published") {
			t.Errorf("%v: exit code %d, want %d\n%s%s", test.args, code, want, out, diags)
		}
	}
	out, _, code := runIn(t, dir, time.Date(2026, 12, 20, 2, 0, 0, 0, time.UTC), "show", "--sandbox")
	if code != 0 || strings.Contains(out, "story.teaser") {
		t.Errorf("something was done: %d\n%s", code, out)
	}
}

// TestInterruptBefore: what only reads ends with the first interrupt, before
// it has asked a Page.
func TestInterruptBefore(t *testing.T) {
	dir := t.TempDir()
	if err := testexample.Copy(dir, "../examples/quickstart"); err != nil {
		t.Fatal(err)
	}
	for _, args := range [][]string{{"plan"}, {"apply", "--auto-approve"}, {"stories"}, {"status"}} {
		out, diags, code := interruptedRun(t, dir, true, args...)
		if code != 130 || !strings.Contains(diags, "Error: Interrupted") || !strings.Contains(diags, "Nothing was done.") {
			t.Errorf("%v: exit code %d, want 130\n%s%s", args, code, out, diags)
		}
	}
}

// TestUnstoppable checks that every name of the table is a command.
func TestUnstoppable(t *testing.T) {
	root := (&app{}).root()
	for _, name := range unstoppable {
		if cmd, _, err := root.Find(strings.Fields(name)); err != nil || cmd == root || cmd.CommandPath() != "storyform "+name {
			t.Errorf("there is no command %s", name)
		}
	}
}
