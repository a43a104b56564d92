package cli

import (
	"bytes"
	"path/filepath"
	"strings"
	"testing"

	"storyform/config"
	"storyform/internal/diag"
)

// stamped is text as a CI service shows it in its log.
func stamped(text, prefix string) string {
	var b strings.Builder
	for line := range strings.Lines(text) {
		b.WriteString(prefix + line)
	}
	return b.String()
}

func TestArmor(t *testing.T) {
	for _, want := range []string{"", "{}", strings.Repeat(`{"address":"story.a"}`+"\n", 5000)} {
		text, err := armor([]byte(want))
		if err != nil {
			t.Fatal(err)
		}
		for name, log := range map[string]string{
			"alone":              string(text),
			"in a log":           "story.a: Uploading...\n\n" + string(text) + "\nApply incomplete.\n",
			"with times":         stamped("plan\n"+string(text)+"end\n", "2026-12-20T02:00:00.1234567Z "),
			"with a job's name":  stamped(string(text), "apply   | "),
			"with Windows' ends": strings.ReplaceAll(string(text), "\n", "\r\n"),
		} {
			got, err := unarmor([]byte(log))
			if err != nil || string(got) != want {
				t.Errorf("%s: got %d bytes, error %v; want %d bytes", name, len(got), err, len(want))
			}
		}
	}
	if got, err := unarmor([]byte(`{"version":1}`)); err != nil || string(got) != `{"version":1}` {
		t.Errorf("a document as it is: got %s, %v", got, err)
	}
}

// A log that was cut or changed is an error, and no document.
func TestArmorDamaged(t *testing.T) {
	whole, err := armor([]byte(strings.Repeat("state ", 1000)))
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.SplitAfter(string(whole), "\n")
	for name, text := range map[string]string{
		"cut":             string(whole[:len(whole)-20]),
		"nothing in it":   beginMark + "\n" + endMark + "\n",
		"only the marks":  beginMark + endMark,
		"a line is gone":  lines[0] + strings.Join(lines[2:], ""),
		"a line is other": lines[0] + strings.ToUpper(lines[1]) + strings.Join(lines[2:], ""),
	} {
		if got, err := unarmor([]byte(text)); err == nil {
			t.Errorf("%s: got %q and no error", name, got)
		}
	}
}

func FuzzUnarmor(f *testing.F) {
	whole, err := armor([]byte("state"))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(whole)
	f.Add([]byte(beginMark + "\n" + endMark))
	f.Add([]byte(stamped(string(whole), "x ")))
	f.Fuzz(func(t *testing.T, data []byte) {
		got, err := unarmor(data)
		if err != nil || bytes.Contains(data, []byte(beginMark)) {
			return
		}
		if !bytes.Equal(got, data) {
			t.Errorf("%q became %q", data, got)
		}
	})
}

// What is wrong with a backend block is told where it is, before anything is
// opened.
func TestCheckBackend(t *testing.T) {
	block := diag.Range{Filename: "s.story.hcl", Start: diag.Pos{Line: 2}}
	arg := diag.Range{Filename: "s.story.hcl", Start: diag.Pos{Line: 4}}
	tests := []struct {
		kind string
		args map[string]string
		want string // in the detail; "": nothing is wrong
		at   diag.Range
	}{
		{"local", map[string]string{"path": "x"}, "", block},
		{"local", map[string]string{"pth": "x"}, `did you mean "path"?`, arg},
		{"s3", map[string]string{"bucket": "b"}, `needs the argument "key"`, block},
		{"s3", map[string]string{"bucket": "b", "key": "/k"}, `argument "key": the key "/k" must be names`, arg},
		{"s3", map[string]string{"bucket": "b", "key": "k", "lease": "1s"}, `"1s" is not a duration from 3s to 1h0m0s`, arg},
		{"http", nil, "", block}, // the address may come from the environment of the run
		{"http", map[string]string{"address": "gitlab", "lock_address": "https://gitlab.example.com/lock"}, "it is not an address", arg},
		{"http", map[string]string{"password": "hunter2"}, "STORYFORM_HTTP_PASSWORD", arg},
		{"git", map[string]string{"key": "k"}, "", block},
		{"git", map[string]string{"key": "k", "repository": "ext::sh -c true"}, "it is not the address of a repository", arg},
		{"git", map[string]string{"key": "k", "repository": "https://me:hunter2@example.com/r"}, "it holds a password", arg},
		{"gti", nil, "Did you mean git?", block},
	}
	for _, test := range tests {
		b := &config.Backend{Type: test.kind, Args: test.args, Range: block, ArgRanges: map[string]diag.Range{}}
		for name := range test.args {
			b.ArgRanges[name] = arg
		}
		ds := (&app{}).checkBackend(&config.Config{Settings: config.Settings{Backend: b}}, nil)
		switch {
		case test.want == "" && len(ds) == 0:
		case len(ds) != 1 || !strings.Contains(ds[0].Detail, test.want) || test.want == "":
			t.Errorf("%s %v: got %v, want %q", test.kind, test.args, ds, test.want)
		case *ds[0].Subject != test.at:
			t.Errorf("%s %v: it is told at %v, want %v", test.kind, test.args, ds[0].Subject, test.at)
		case strings.Contains(ds[0].Detail, "hunter2"):
			t.Errorf("%s: the password is shown: %s", test.kind, ds[0].Detail)
		}
	}
}

// What can't be kept in another file is told, and never looked for for ever;
// each file has a name that the scaffold's .gitignore knows.
func TestWriteErrored(t *testing.T) {
	dir := t.TempDir()
	a := &app{Env: Env{Dir: dir}}
	for n := 1; ; n++ {
		name, err := a.writeErrored([]byte("state"))
		if err != nil {
			if n != maxErrored {
				t.Errorf("the file with number %d: %v", n, err)
			}
			break
		}
		if !strings.HasSuffix(name, ".state.json") || n == 1 && name != erroredFile {
			t.Errorf("the file with number %d is %s", n, name)
		}
	}
	a.Dir = filepath.Join(dir, erroredFile) // no folder: nothing can be looked up there
	if name, err := a.writeErrored([]byte("state")); err == nil {
		t.Errorf("it was written to %s", name)
	}
}
