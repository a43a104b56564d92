package main

import (
	"bytes"
	"encoding/binary"
	"errors"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"storyform/graphapi/sandbox"
)

// oneVideo is a configuration with one story that is due.
const oneVideo = `
page "acme" {
  id = "104857600000001"
}

story "a" {
  page   = page.acme
  video  = "a.mp4"
  window = "2h"
}
`

// project is a folder with a configuration, and a simulator for it.
type project struct {
	dir string
	sim *sandbox.Server
	url string
}

// newProject makes a folder with a configuration and a good video of about
// size bytes: padding in a free box does not change what it shows.
func newProject(t *testing.T, dir string, size int) *project {
	t.Helper()
	video, err := os.ReadFile("testdata/media/good.mp4")
	if err != nil {
		t.Fatal(err)
	}
	if pad := size - len(video); pad > 8 {
		box := make([]byte, pad)
		binary.BigEndian.PutUint32(box, uint32(pad))
		copy(box[4:], "free")
		video = append(video, box...)
	}
	for name, text := range map[string][]byte{"s.story.hcl": []byte(oneVideo), "a.mp4": video} {
		if err := os.WriteFile(filepath.Join(dir, name), text, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	p := &project{dir: dir, sim: sandbox.New(sandbox.Options{AutoPages: true})}
	server := httptest.NewServer(p.sim)
	t.Cleanup(server.Close)
	p.url = server.URL
	return p
}

// run runs storyform in the project's folder.
func (p *project) run(t *testing.T, args ...string) (output string, code int, peak int64) {
	t.Helper()
	cmd := exec.Command("storyform", args...)
	cmd.Dir = p.dir
	status := filepath.Join(t.TempDir(), "status")
	cmd.Env = append(os.Environ(), "STORYFORM_GRAPH_URL="+p.url, "STORYFORM_TOKEN=sandbox-user", "STORYFORM_TEST_STATUS="+status)
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	err := cmd.Run()
	if ee, ok := errors.AsType[*exec.ExitError](err); err != nil && !ok {
		t.Fatal(err)
	} else if ok {
		code = ee.ExitCode()
	}
	return out.String(), code, peakOf(status)
}

// peakOf is the peak memory of a process that left its status, in kB; 0 where
// the system has no such file. (The maximum that wait4 reports would be that
// of the parent before exec, too.)
func peakOf(status string) int64 {
	text, _ := os.ReadFile(status)
	for line := range strings.Lines(string(text)) {
		if rest, ok := strings.CutPrefix(line, "VmHWM:"); ok {
			n, _ := strconv.ParseInt(strings.Fields(rest)[0], 10, 64)
			return n
		}
	}
	return 0
}

// TestUploadMemory uploads 6 MB and 60 MB: the peak memory must not grow with
// the file.
func TestUploadMemory(t *testing.T) {
	peak := func(size int) int64 {
		p := newProject(t, t.TempDir(), size)
		out, code, peak := p.run(t, "apply", "-auto-approve")
		if code != 0 || !strings.Contains(out, "1 published") {
			t.Fatalf("exit code %d, output:\n%s", code, out)
		}
		if got := p.sim.Stories("104857600000001"); len(got) != 1 || got[0].Bytes != int64(size) {
			t.Fatalf("the Page shows %+v, want one story of %d bytes", got, size)
		}
		return peak
	}
	small, large := peak(6<<20), peak(60<<20)
	t.Logf("peak memory: %d kB for 6 MB, %d kB for 60 MB", small, large)
	if large > small+20<<10 { // Maxrss is in kB; the heap's own swing is a few MB
		t.Errorf("peak memory grew from %d kB to %d kB with the file", small, large)
	}
}

// TestUnwritableFolder applies in a read-only folder and on a full disk: a
// clear error, nothing published that isn't recorded, and a good run once
// there is room.
func TestUnwritableFolder(t *testing.T) {
	dir := t.TempDir()
	mount := func(options string) {
		if out, err := exec.Command("mount", "-t", "tmpfs", "-o", options, "none", dir).CombinedOutput(); err != nil {
			t.Skipf("a small file system can't be mounted here: %s", out)
		}
	}
	mount("size=1m")
	t.Cleanup(func() { exec.Command("umount", dir).Run() })
	p := newProject(t, dir, 0)

	filler := filepath.Join(dir, "filler")
	fill, err := os.Create(filler)
	if err != nil {
		t.Fatal(err)
	}
	for err == nil {
		_, err = fill.Write(make([]byte, 512))
	}
	fill.Close()
	checkRefused(t, p, "no space left on device")

	os.Remove(filler)
	mount("remount,ro")
	checkRefused(t, p, "read-only file system")

	mount("remount,rw")
	out, code, _ := p.run(t, "apply", "-auto-approve")
	if code != 0 || len(p.sim.Stories("104857600000001")) != 1 {
		t.Fatalf("exit code %d, output:\n%s", code, out)
	}
	if out, code, _ := p.run(t, "plan", "-detailed-exitcode"); code != 0 {
		t.Errorf("a second plan: exit code %d, output:\n%s", code, out)
	}
}

// checkRefused checks that an apply fails with a reason and publishes nothing.
func checkRefused(t *testing.T, p *project, reason string) {
	t.Helper()
	out, code, _ := p.run(t, "apply", "-auto-approve")
	out = strings.Join(strings.Fields(out), " ") // messages are wrapped
	if code != 1 || !strings.Contains(out, reason) || !strings.Contains(out, "storyform.state.json") {
		t.Errorf("exit code %d, want 1 and %q and the file's name in:\n%s", code, reason, out)
	}
	if got := p.sim.Stories("104857600000001"); len(got) != 0 {
		t.Errorf("%d stories were published that the state can't know", len(got))
	}
}
