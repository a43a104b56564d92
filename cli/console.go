package cli

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"
)

// maxConsoleLine bounds what is read of one expression, in bytes.
const maxConsoleLine = 1 << 20

// consoleCommand evaluates expressions.
func consoleCommand(a *app) *cobra.Command {
	var f configFlags
	cmd := &cobra.Command{
		Use:   "console",
		Short: "Evaluate expressions with the names of the configuration",
		Long: `Reads expressions, one a line, and prints their values: var.x, local.x,
page.acme.timezone, formatdate("EEE", "2026-12-20T09:00:00Z"). A line with an
open bracket goes on in the next one. It changes nothing, and asks no Page.

    echo 'local.captions["id"]' | storyform console`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, args []string) error {
			cfg, err := a.loadOfflineConfig(cmd.Context(), &f)
			if err != nil {
				return err
			}
			return a.console(func(src string) (string, error) {
				value, diags := cfg.Eval(src)
				if diags.HasErrors() {
					a.sources = cfg.Sources
					return "", failWith(diags)
				}
				return value, nil
			})
		},
	}
	f.register(cmd.Flags())
	return cmd
}

// console evaluates what standard input holds. Every expression is evaluated,
// also after a wrong one; not on a terminal, a wrong one makes it fail.
func (a *app) console(eval func(src string) (string, error)) error {
	in := bufio.NewReaderSize(a.Stdin, 64<<10)
	bad := false
	for {
		src, err := a.expression(in)
		if err == errInterrupted {
			fmt.Fprintln(a.Stderr)
			return err
		}
		if err != nil && !errors.Is(err, io.EOF) {
			return fail("Expression can't be read", "%v.", err)
		}
		if text := strings.TrimSpace(src); text == "exit" || text == "quit" {
			break
		} else if text != "" {
			value, evalErr := eval(text)
			if evalErr != nil {
				bad = true
				a.diagnose(asExit(evalErr).diags)
			} else {
				a.printf("%s\n", value)
			}
		}
		if err != nil {
			if a.StdinTerminal {
				fmt.Fprintln(a.Stderr)
			}
			break
		}
	}
	if bad && !a.StdinTerminal {
		return exit(1)
	}
	return nil
}

// expression reads lines until no bracket is open.
func (a *app) expression(in *bufio.Reader) (string, error) {
	var src strings.Builder
	var open brackets
	for prompt := "> "; ; prompt = ": " {
		if a.StdinTerminal {
			fmt.Fprint(a.Stderr, prompt)
		}
		line, err := in.ReadString('\n')
		src.WriteString(line)
		if src.Len() > maxConsoleLine {
			return "", fmt.Errorf("it is longer than %d bytes", maxConsoleLine)
		}
		open.read(line)
		if err != nil || len(open) == 0 {
			return src.String(), err
		}
	}
}

// brackets are what is open at the end of a piece of source, innermost last: a
// bracket, a quote, or the brace of a ${ in quotes.
type brackets []byte

// read goes on with another line. What is closed without being open is for the
// parser to complain about, and so is a text that does not end with its line.
func (b *brackets) read(line string) {
	for i := 0; i < len(line); i++ {
		c, last := line[i], byte(0)
		if n := len(*b); n > 0 {
			last = (*b)[n-1]
		}
		two := line[i:min(i+2, len(line))]
		switch {
		case last == '"' && (c == '\\' || two == "$$" || two == "%%"):
			i++
		case last == '"' && (two == "${" || two == "%{"):
			*b = append(*b, '{')
			i++
		case last == '"' && c == '"', last != '"' && (c == ')' || c == ']' || c == '}') && last != 0:
			*b = (*b)[:len(*b)-1]
		case last == '"' && c == '\n':
			*b = nil
		case last == '"':
		case c == '#' || two == "//":
			return
		case c == '"' || c == '(' || c == '[' || c == '{':
			*b = append(*b, c)
		}
	}
}
