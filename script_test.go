package main

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io/fs"
	"net"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"filippo.io/age"
	"github.com/rogpeppe/go-internal/testscript"

	"storyform/graphapi/sandbox"
	"storyform/internal/clock"
	"storyform/internal/testexample"
)

// scriptStart is the time at which every script begins: 09:00 in Jakarta.
var scriptStart = time.Date(2026, 12, 20, 2, 0, 0, 0, time.UTC)

// scriptToken is the token that scripts have in their environment. Nothing
// that a script leaves behind may hold it.
const scriptToken = "tok-3f9a1c77d2e84b0690aa5d1e"

// world is what a script's own commands work on: a simulator of its own.
type world struct {
	sim    *sandbox.Server
	server *httptest.Server
	clock  *clock.Fake
	mark   int          // requests that were made before `sim mark`
	keys   []string     // secret keys that `agekeys` made
	refuse atomic.Int64 // see backendCommand
	// examples is the folder of the repository that has them.
	examples string
}

// worldKey finds a script's world among its values.
type worldKey struct{}

// worldOf is a script's world.
func worldOf(ts *testscript.TestScript) *world { return ts.Value(worldKey{}).(*world) }

// setupScript gives a script its simulator, its clock and its environment.
func setupScript(env *testscript.Env) error {
	w := &world{clock: clock.NewFake(scriptStart)}
	w.sim = sandbox.New(sandbox.Options{AutoPages: true, Now: w.clock.Now})
	if err := w.sim.AddToken(sandbox.Token{Value: scriptToken, Kind: sandbox.UserToken}); err != nil {
		return err
	}
	w.server = httptest.NewServer(w.sim)
	env.Defer(w.server.Close)
	env.Values[worldKey{}] = w
	media, err := filepath.Abs("testdata/media")
	if err != nil {
		return err
	}
	port, err := freePort()
	if err != nil {
		return err
	}
	w.examples = filepath.Join(filepath.Dir(filepath.Dir(media)), "examples")
	env.Setenv("MEDIA", media)
	env.Setenv("PORT", strconv.Itoa(port))
	env.Setenv("STORYFORM_GRAPH_URL", w.server.URL)
	env.Setenv("STORYFORM_TOKEN", scriptToken)
	env.Setenv("STORYFORM_TEST_NOW", scriptStart.Format(time.RFC3339))
	env.Setenv("USER", "someone")
	return nil
}

// freePort is a TCP port on which nothing listens right now.
func freePort() (int, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return 0, err
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port, nil
}

// scriptCommands are the verbs of scripts.
var scriptCommands = map[string]func(ts *testscript.TestScript, neg bool, args []string){
	"sim":           simCommand,
	"advance":       advanceCommand,
	"waitport":      waitPort,
	"waitfile":      waitFile,
	"secretfree":    secretFree,
	"replace":       replaceCommand,
	"exec-code":     execCode,
	"received":      receivedCommand,
	"postid":        postID,
	"count-stories": countStories,
	"append":        appendCommand,
	"example":       exampleCommand,
	"backend":       backendCommand,
	"agekeys":       ageKeys,
}

// advanceCommand moves the time of the script and of its simulator.
func advanceCommand(ts *testscript.TestScript, neg bool, args []string) {
	d, err := time.ParseDuration(strings.Join(args, ""))
	ts.Check(err)
	w := worldOf(ts)
	w.clock.Advance(d)
	ts.Setenv("STORYFORM_TEST_NOW", w.clock.Now().Format(time.RFC3339))
}

// ageKeys makes pairs of keys: the public one of OPS is $OPS then, and the
// secret one $OPS_SECRET.
func ageKeys(ts *testscript.TestScript, neg bool, args []string) {
	w := worldOf(ts)
	for _, name := range args {
		id, err := age.GenerateX25519Identity()
		ts.Check(err)
		ts.Setenv(name, id.Recipient().String())
		ts.Setenv(name+"_SECRET", id.String())
		w.keys = append(w.keys, id.String())
	}
}

// simCommand works on the script's simulator:
//
//	sim fault photo_stories after reset   make something go wrong
//	sim switch listing_lag=20s            change how the API behaves
//	sim token VALUE PAGE                  add a token of one Page
//	sim expire VALUE                      make a token invalid
//	sim hand PAGE KIND                    post a story by hand
//	sim remove PAGE FILE                  remove the story that shows a file
//	sim shows PAGE FILE...                the Page shows exactly these files, oldest first
//	sim mark; [!] sim posts               were there POSTs since the mark?
func simCommand(ts *testscript.TestScript, neg bool, args []string) {
	w := worldOf(ts)
	verb, args := args[0], args[1:]
	switch verb {
	case "fault":
		faults, err := sandbox.ParseFaults(strings.Join(args, " "))
		ts.Check(err)
		ts.Check(w.sim.AddFaults(faults...))
	case "switch":
		s, err := w.sim.Switches().Parse(strings.Join(args, " "))
		ts.Check(err)
		ts.Check(w.sim.SetSwitches(s))
	case "token":
		ts.Check(w.sim.AddToken(sandbox.Token{Value: args[0], Kind: sandbox.PageToken, Page: args[1]}))
	case "expire":
		ts.Check(w.sim.AddToken(sandbox.Token{Value: args[0], Kind: sandbox.UserToken, Subcode: 463}))
	case "hand":
		_, err := w.sim.AddStory(sandbox.Story{Page: args[0], Kind: args[1]})
		ts.Check(err)
	case "remove":
		w.remove(ts, args[0], args[1])
	case "shows":
		w.shows(ts, neg, args[0], args[1:])
	case "mark":
		w.mark = len(w.sim.Requests())
	case "posts":
		w.posts(ts, neg)
	default:
		ts.Fatalf("sim has no %s", verb)
	}
}

// fileSum is the sha256 of a file of the script.
func fileSum(ts *testscript.TestScript, name string) string {
	sum := sha256.Sum256([]byte(ts.ReadFile(name)))
	return hex.EncodeToString(sum[:])
}

// shows checks what a Page shows, by the bytes that were received.
func (w *world) shows(ts *testscript.TestScript, neg bool, page string, files []string) {
	var got, want []string
	for _, s := range w.sim.Stories(page) {
		if s.Status == "published" {
			got = append(got, s.SHA256)
		}
	}
	for _, f := range files {
		want = append(want, fileSum(ts, f))
	}
	if same := strings.Join(got, " ") == strings.Join(want, " "); same == neg {
		ts.Fatalf("page %s shows\n%s\nand these files are\n%s", page, strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

// remove takes the story that shows a file off a Page, as by hand.
func (w *world) remove(ts *testscript.TestScript, page, file string) {
	sum := fileSum(ts, file)
	for _, s := range w.sim.Stories(page) {
		if s.SHA256 == sum {
			ts.Check(w.sim.RemoveStory(s.PostID))
			return
		}
	}
	ts.Fatalf("page %s has no story that shows %s", page, file)
}

// posts checks whether anything was written to the API since the mark.
func (w *world) posts(ts *testscript.TestScript, neg bool) {
	var posts []string
	for _, r := range w.sim.Requests()[w.mark:] {
		if r.Method == "POST" && r.Edge != sandbox.EdgeDebugToken { // which is a read
			posts = append(posts, r.Edge)
		}
	}
	if neg && len(posts) > 0 {
		ts.Fatalf("there were POSTs: %s", strings.Join(posts, ", "))
	}
	if !neg && len(posts) == 0 {
		ts.Fatalf("there was no POST")
	}
}

// waitPort waits until something listens on a port of this machine.
func waitPort(ts *testscript.TestScript, neg bool, args []string) {
	for range 200 {
		conn, err := net.Dial("tcp", "127.0.0.1:"+args[0])
		if err == nil {
			conn.Close()
			return
		}
		time.Sleep(20 * time.Millisecond) // another process is starting; no clock of ours can wait for it
	}
	ts.Fatalf("nothing listens on port %s", args[0])
}

// waitFile waits until another process has made a file.
func waitFile(ts *testscript.TestScript, neg bool, args []string) {
	for range 200 {
		if info, err := os.Stat(ts.MkAbs(args[0])); err == nil && info.Size() > 0 {
			return
		}
		time.Sleep(10 * time.Millisecond) // as in waitPort
	}
	ts.Fatalf("%s does not appear", args[0])
}

// secretFree checks that no file of the script, and nothing that the last
// command printed, holds the token or an upload URL with its session.
func secretFree(ts *testscript.TestScript, neg bool, args []string) {
	check := func(where string, text []byte) {
		if bytes.Contains(text, []byte(scriptToken)) {
			ts.Fatalf("%s holds the token", where)
		}
		for _, key := range worldOf(ts).keys {
			if bytes.Contains(text, []byte(key[:30])) {
				ts.Fatalf("%s holds a secret key", where)
			}
		}
	}
	check("stdout", []byte(ts.ReadFile("stdout")))
	check("stderr", []byte(ts.ReadFile("stderr")))
	err := filepath.WalkDir(ts.Getenv("WORK"), func(path string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		text, err := os.ReadFile(path)
		check(path, text)
		return err
	})
	ts.Check(err)
}

// replaceCommand edits a file: replace OLD NEW FILE.
func replaceCommand(ts *testscript.TestScript, neg bool, args []string) {
	if len(args) != 3 {
		ts.Fatalf("usage: replace OLD NEW FILE")
	}
	text := ts.ReadFile(args[2])
	if !strings.Contains(text, args[0]) {
		ts.Fatalf("%s has no %q", args[2], args[0])
	}
	ts.Check(os.WriteFile(ts.MkAbs(args[2]), []byte(strings.ReplaceAll(text, args[0], args[1])), 0o644))
}

// execCode runs a command that must end with an exit code: exec-code CODE
// COMMAND ARG...
func execCode(ts *testscript.TestScript, neg bool, args []string) {
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	got := 0
	err = ts.Exec(args[1], args[2:]...)
	if ee, ok := errors.AsType[*exec.ExitError](err); ok {
		got = ee.ExitCode()
	} else if err != nil {
		ts.Fatalf("%v", err)
	}
	ts.Logf("[stdout]\n%s[stderr]\n%s", ts.ReadFile("stdout"), ts.ReadFile("stderr"))
	if (got == want) == neg {
		ts.Fatalf("exit code %d, want %d", got, want)
	}
}

// receivedCommand checks that a simulator's world file has the hashes of
// files among what it received: received WORLD FILE...
func receivedCommand(ts *testscript.TestScript, neg bool, args []string) {
	text := ts.ReadFile(args[0])
	for _, name := range args[1:] {
		if strings.Contains(text, fileSum(ts, name)) == neg {
			ts.Fatalf("%s: received = %t", name, neg)
		}
	}
}

// postID puts the post_id of the story that shows a file, or with - that of
// the newest one, into $POST_ID: postid PAGE FILE|-
func postID(ts *testscript.TestScript, neg bool, args []string) {
	stories := worldOf(ts).sim.Stories(args[0])
	for _, s := range slices.Backward(stories) {
		if args[1] == "-" || s.SHA256 == fileSum(ts, args[1]) {
			ts.Setenv("POST_ID", s.PostID)
			return
		}
	}
	ts.Fatalf("page %s has no such story", args[0])
}

// appendCommand adds text, with \n for line breaks, to a file: append FILE TEXT
func appendCommand(ts *testscript.TestScript, neg bool, args []string) {
	text := strings.ReplaceAll(strings.Join(args[1:], ""), `\n`, "\n")
	ts.Check(os.WriteFile(ts.MkAbs(args[0]), []byte(ts.ReadFile(args[0])+"\n"+text), 0o644))
}

// exampleCommand copies a folder of examples/ into the script's: example NAME
func exampleCommand(ts *testscript.TestScript, neg bool, args []string) {
	ts.Check(testexample.Copy(ts.MkAbs(args[0]), filepath.Join(worldOf(ts).examples, args[0])))
}

// countStories checks how many stories were ever published on a Page.
func countStories(ts *testscript.TestScript, neg bool, args []string) {
	want, err := strconv.Atoi(args[1])
	ts.Check(err)
	if got := len(worldOf(ts).sim.Stories(args[0])); (got == want) == neg {
		ts.Fatalf("%d stories were published on page %s, want %d", got, args[0], want)
	}
}
