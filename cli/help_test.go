package cli

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	"github.com/spf13/cobra"
)

// TestHelpWidth checks that every line of the help fits a narrow terminal, and
// that no command or flag is left out of it.
func TestHelpWidth(t *testing.T) {
	root := (&app{}).root()
	each(root, func(cmd *cobra.Command) {
		if !cmd.IsAvailableCommand() && cmd != root || cmd.HasParent() && cmd.Parent().Name() == "completion" { // cobra's own texts
			return
		}
		var b bytes.Buffer
		cmd.SetOut(&b)
		if err := cmd.Help(); err != nil {
			t.Fatal(err)
		}
		help := b.String()
		for line := range strings.Lines(help) {
			if line = strings.TrimSuffix(line, "\n"); len(line) > helpWidth || strings.TrimRight(line, " ") != line {
				t.Errorf("%s --help: %d columns, or blanks at the end: %q", cmd.CommandPath(), len(line), line)
			}
		}
		for _, sub := range cmd.Commands() {
			if sub.IsAvailableCommand() && !strings.Contains(help, "\n  "+sub.Name()+" ") {
				t.Errorf("%s --help leaves out %s", cmd.CommandPath(), sub.Name())
			}
		}
		if !strings.Contains(help, "--sandbox") {
			t.Errorf("%s --help leaves out the flags of every command", cmd.CommandPath())
		}
	})
}

// TestFlagGroups checks that cobra's complaints about groups of flags are told
// in words of ours: its own texts may change.
func TestFlagGroups(t *testing.T) {
	run := func(args ...string) error {
		cmd := &cobra.Command{Use: "x", SilenceErrors: true, SilenceUsage: true, RunE: func(*cobra.Command, []string) error { return nil }}
		cmd.Flags().Bool("one", false, "")
		cmd.Flags().Bool("other", false, "")
		cmd.MarkFlagsMutuallyExclusive("one", "other")
		cmd.MarkFlagsOneRequired("one", "other")
		cmd.SetArgs(append([]string{}, args...)) // nil would be those of the test
		return cmd.Execute()
	}
	for _, test := range []struct {
		args []string
		want string
	}{
		{nil, "error: Flag is missing; One of --one and --other is needed."},
		{[]string{"--other", "--one"}, "error: Flags exclude each other; --one and --other can't be given together."},
	} {
		if got := flagGroups(run(test.args...)).Error(); got != test.want {
			t.Errorf("%v: got %q, want %q", test.args, got, test.want)
		}
	}
	if err := errors.New("some other error"); flagGroups(err) != err {
		t.Error("another error was changed")
	}
}
