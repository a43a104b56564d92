package cli

import (
	"bytes"
	"fmt"
	"io"
	"testing"
)

// TestScreens checks that messages stand apart, and that standard output stays
// as it was written.
func TestScreens(t *testing.T) {
	type step struct{ to, text string } // "message" stands apart
	tests := []struct {
		name        string
		steps       []step
		want, plain string
	}{
		{"a message alone", []step{{"message", "Error\n"}}, "Error\n", ""},
		{"behind text", []step{{"out", "Plan\n"}, {"message", "Error\n"}}, "Plan\n\nError\n", "Plan\n"},
		{"before text", []step{{"message", "Warning\n"}, {"out", "Plan\n"}}, "Warning\n\nPlan\n", "Plan\n"},
		{"before text that begins apart", []step{{"message", "Warning\n"}, {"out", "\nApply complete\n"}}, "Warning\n\nApply complete\n", "\nApply complete\n"},
		{"behind text that ends apart", []step{{"out", "Timeline\n"}, {"out", "\n"}, {"message", "Warning\n"}}, "Timeline\n\nWarning\n", "Timeline\n\n"},
		{"two messages", []step{{"message", "Warning\n"}, {"message", "Error\n"}}, "Warning\n\nError\n", ""},
		{"between progress", []step{{"err", "Uploading\n"}, {"message", "Warning\n"}, {"err", ""}, {"err", "Uploaded\n"}}, "Uploading\n\nWarning\n\nUploaded\n", ""},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			var terminal, plain bytes.Buffer
			env := Env{Stdout: io.MultiWriter(&terminal, &plain), Stderr: &terminal}
			s := env.share()
			for _, step := range test.steps {
				switch step.to {
				case "out":
					fmt.Fprint(env.Stdout, step.text)
				case "err":
					fmt.Fprint(env.Stderr, step.text)
				default:
					s.standApart()
					fmt.Fprint(env.Stderr, step.text)
					s.standApart()
				}
			}
			if terminal.String() != test.want || plain.String() != test.plain {
				t.Errorf("got %q, and %q on standard output; want %q and %q", &terminal, &plain, test.want, test.plain)
			}
		})
	}
}
