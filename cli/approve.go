package cli

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"strings"

	"storyform/plan"
)

// approve asks for the word yes.
func (a *app) approve(p *plan.Plan) error {
	bold, plain := "", ""
	if a.color(a.StderrTerminal) {
		bold, plain = "\x1b[1m", "\x1b[0m"
	}
	fmt.Fprintf(a.Stderr, "\n%sDo you want to perform these actions?%s\n%s  Only 'yes' will be accepted to approve.\n\n  %sEnter a value:%s ",
		bold, plain, consequences(p), bold, plain)
	return a.saysYes("Apply cancelled.", "Apply needs --auto-approve, --expect=FINGERPRINT, or a plan file.")
}

// saysYes reads an answer from standard input; any other than yes ends the
// program with what is said then. needs says what to do where nobody answers.
func (a *app) saysYes(cancelled, needs string) error {
	answer, err := bufio.NewReader(a.Stdin).ReadString('\n')
	switch {
	case errors.Is(err, io.EOF) && answer == "":
		fmt.Fprintln(a.Stderr)
		return fail("Nobody can be asked for approval", "Standard input ended without an answer. %s", needs)
	case err == errInterrupted:
		fmt.Fprintf(a.Stderr, "\n\n%s\n", cancelled)
		return err
	case err != nil && !errors.Is(err, io.EOF):
		return fail("Approval can't be read", "%v", err)
	}
	fmt.Fprintln(a.Stderr)
	if strings.TrimSpace(answer) != "yes" {
		fmt.Fprintln(a.Stderr, cancelled)
		return exit(1)
	}
	return nil
}

// consequences says what yes means.
func consequences(p *plan.Plan) string {
	if s := p.Summary; s.Publish+s.Schedule+s.Change+s.Resume+s.Settle == 0 {
		return "  storyform will do what is described above. It publishes nothing.\n"
	}
	return "  storyform will publish and schedule the stories described above.\n  Published stories cannot be edited or removed through the API.\n"
}
