package render

import (
	"bytes"
	"io"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"storyform/plan"
	"storyform/story"
)

func TestWrap(t *testing.T) {
	for _, tt := range []struct {
		text    string
		n, hard int
		want    []string
	}{
		{"", 10, 20, []string{""}},
		{"one two three", 10, 20, []string{"one two", "three"}},
		{"  spaces   are  joined ", 40, 80, []string{"spaces are joined"}},
		{"a path/that/is/longer stays", 10, 40, []string{"a", "path/that/is/longer", "stays"}},
		{"0123456789012345678901234", 10, 20, []string{"01234567890123456789", "01234"}},
		{"猫猫猫猫猫猫 猫", 8, 8, []string{"猫猫猫猫", "猫猫 猫"}},
		{"e\u0301e\u0301e\u0301e\u0301e\u0301e\u0301e\u0301e\u0301e\u0301", 8, 8, []string{strings.Repeat("e\u0301", 8), "e\u0301"}},
		{"\u0301 x", 8, 8, []string{"\u0301 x"}},
	} {
		if diff := cmp.Diff(tt.want, wrap(tt.text, tt.n, tt.hard)); diff != "" {
			t.Errorf("wrap(%q, %d, %d) (-want +got):\n%s", tt.text, tt.n, tt.hard, diff)
		}
	}
}

func TestTruncateAndPad(t *testing.T) {
	for _, tt := range []struct {
		text string
		n    int
		want string
	}{
		{"short", 5, "short"},
		{"longer", 5, "long…"},
		{"猫猫猫", 5, "猫猫…"},
		{"猫猫猫", 4, "猫…"},
		{"👩‍👧👩‍👧👩‍👧", 4, "👩‍👧…"},
		{"x", 0, "…"},
	} {
		if got := truncate(tt.text, tt.n); got != tt.want {
			t.Errorf("truncate(%q, %d): got %q, want %q", tt.text, tt.n, got, tt.want)
		}
	}
	if got, want := pad("猫", 4)+"|"+padLeft("é", 3)+"|"+pad("long", 2), "猫  |  é|long"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

// TestColumnsStayAligned puts names of very different scripts into a plan and
// checks that what follows them begins in one column.
func TestColumnsStayAligned(t *testing.T) {
	p := campaign()
	p.Changes = p.Changes[2:5]
	for i, key := range []string{"id", "日本語", "e\u0301\u0301 👩‍👧"} {
		p.Changes[i].Address = story.Address{Type: "story", Name: "s", Key: key, Keyed: true}
		p.Changes[i].Diffs, p.Changes[i].Reason, p.Changes[i].After = nil, "", nil
		p.Changes[i].Kind = story.Photo
	}
	out := string(drawn(t, func(b *bytes.Buffer) error { return Plan(b, p, Options{Width: 120}) }))
	var begins []int
	for line := range strings.Lines(out) {
		if i := strings.Index(line, "photo"); i >= 0 {
			begins = append(begins, columns(line[:i]))
		}
	}
	if len(begins) != 3 || begins[0] != begins[1] || begins[1] != begins[2] {
		t.Errorf("the kinds begin in columns %v:\n%s", begins, out)
	}
}

// TestWidth checks that nothing is wider than the screen, except words that
// are kept in one piece and the one line that scripts look for.
func TestWidth(t *testing.T) {
	screens := map[string]func(w io.Writer, o Options) error{
		"plan":   func(w io.Writer, o Options) error { return Plan(w, campaign(), o) },
		"state":  func(w io.Writer, o Options) error { return State(w, document(), o) },
		"status": func(w io.Writer, o Options) error { return Status(w, document(), o) },
		"diagnostics": func(w io.Writer, o Options) error {
			return Diagnostics(w, mistakes(), map[string][]byte{"xmas.story.hcl": []byte(source)}, o)
		},
		"stories": func(w io.Writer, o Options) error { return Stories(w, listed(), o) },
	}
	for name, draw := range screens {
		for _, w := range []int{60, 72, 80, 100, 140} {
			for _, o := range []Options{{Width: w, Now: noon}, {Width: w, Now: noon, Boxed: true, Color: true, Verbose: true}} {
				out := sgr.ReplaceAllString(string(drawn(t, func(b *bytes.Buffer) error { return draw(b, o) })), "")
				for line := range strings.Lines(out) {
					line = strings.TrimSuffix(line, "\n")
					if strings.HasPrefix(line, "Plan: ") || longestWord(line) > w/2 {
						continue
					}
					if got := columns(line); got > w {
						t.Errorf("%s at %d columns has a line of %d: %q", name, w, got, line)
					}
					if strings.HasSuffix(line, " ") {
						t.Errorf("%s has a line with trailing spaces: %q", name, line)
					}
				}
			}
		}
	}
}

// longestWord is the width of the longest word of a line.
func longestWord(line string) int {
	n := 0
	for w := range strings.FieldsSeq(line) {
		n = max(n, columns(w))
	}
	return n
}

func TestFormats(t *testing.T) {
	seen := map[string]bool{}
	for _, f := range Formats() {
		if seen[f.Name] || seen[f.Extension] || f.Name == "" || !strings.HasPrefix(f.Extension, ".") {
			t.Errorf("format %q with %q is not unique or has no names", f.Name, f.Extension)
		}
		seen[f.Name], seen[f.Extension] = true, true
		if got, ok := FormatNamed(f.Name); !ok || got.Extension != f.Extension {
			t.Errorf("FormatNamed(%q): got %q, %v", f.Name, got.Extension, ok)
		}
		for _, p := range []*plan.Plan{{}, quiet(), campaign()} {
			if out := drawn(t, func(b *bytes.Buffer) error { return f.Render(b, p, Options{}) }); len(out) == 0 {
				t.Errorf("format %s drew nothing", f.Name)
			}
		}
	}
	if _, ok := FormatNamed("yaml"); ok {
		t.Error("there is a format yaml")
	}
}

func FuzzClean(f *testing.F) {
	for _, x := range payloads {
		f.Add(x, 20)
	}
	f.Fuzz(func(t *testing.T, s string, n int) {
		n = max(1, min(n, 200))
		got := clean(s)
		if !utf8.ValidString(got) || clean(got) != got {
			t.Fatalf("clean(%q) is not clean: %q", s, got)
		}
		for _, r := range got {
			if !visible(r) {
				t.Fatalf("clean(%q) lets %q through", s, r)
			}
		}
		lines := wrap(got, n, n)
		if a, b := strings.Join(strings.Fields(got), ""), strings.Join(strings.Fields(strings.Join(lines, "")), ""); a != b {
			t.Fatalf("wrap loses text: %q becomes %q", got, lines)
		}
		for _, l := range lines {
			if columns(l) > max(n, 8) {
				t.Fatalf("wrap(%q, %d) has a line of %d columns: %q", got, n, columns(l), l)
			}
		}
		if columns(truncate(got, n)) > n {
			t.Fatalf("truncate(%q, %d) is too long: %q", got, n, truncate(got, n))
		}
	})
}
