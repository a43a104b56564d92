package object

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"storyform/state"
	"storyform/story"
)

const (
	v1 = "stories/acme/v/00000000000000000001"
	v2 = "stories/acme/v/00000000000000000002"
	v3 = "stories/acme/v/00000000000000000003"
	j0 = "stories/acme/journal/00000000000000000000/"
	j1 = "stories/acme/journal/00000000000000000001/"
	j2 = "stories/acme/journal/00000000000000000002/"
	j3 = "stories/acme/journal/00000000000000000003/"
	r1 = "0000000001"
	r2 = "0000000002"
	r3 = "0000000003"
)

// open3 returns a bucket at serial 3 with one record after it.
func open3(t *testing.T) *memory {
	m := newMemory()
	write(t, m, 3)
	put(t, session(t, m.open(t, 0), "open"), "reveal", story.Publishing)
	return m
}

// Damage is an error that names the object and what to do, whatever it is.
func TestCorrupt(t *testing.T) {
	for _, test := range []struct {
		name   string
		damage func(o map[string]Object)
		want   string
	}{
		{"half a document", func(o map[string]Object) { cut(o, v3, 2) }, "v/00000000000000000003 can't be read: it ends in the middle"},
		{"empty document", func(o map[string]Object) { o[v3] = Object{} }, "v/00000000000000000003 can't be read: it is empty"},
		{"half a record", func(o map[string]Object) { cut(o, j3+r1, 2) }, "journal/00000000000000000003/0000000001 can't be read: it ends in the middle"},
		{"empty record", func(o map[string]Object) { o[j3+r1] = Object{} }, "journal/00000000000000000003/0000000001 can't be read: it ends in the middle"},
		{"changed record", func(o map[string]Object) {
			o[j3+r1] = Object{Data: []byte(strings.Replace(string(o[j3+r1].Data), "reveal", "rewind", 1))}
		}, "its checksum doesn't match"},
		{"document of another serial", func(o map[string]Object) { o[v3] = o[v2] }, "it holds serial 2"},
		{"record of another number", func(o map[string]Object) { o[j3+r2] = o[j3+r1] }, "0000000002 can't be read: it holds record 1 of serial 3"},
		{"record of another serial", func(o map[string]Object) { o[j3+r1] = o[j2+r1] }, "it holds record 1 of serial 2"},
		{"first record missing", func(o map[string]Object) { o[j3+r2] = o[j3+r1]; delete(o, j3+r1) }, "record 1, which goes before it, is missing"},
		{"record missing in between", func(o map[string]Object) { o[j3+r3] = o[j2+r1] }, "record 2, which goes before it, is missing"},
		{"record behind the seal", func(o map[string]Object) {
			delete(o, v3)
			o[j2+r3] = line(3, 2)
			delete(o, j3+r1)
		}, "it follows the seal of its journal"},
		{"all documents deleted", func(o map[string]Object) {
			for _, key := range []string{v1, v2, v3, j0 + r1, j0 + r2} {
				delete(o, key)
			}
		}, "it follows serial 1, and the newest document has serial 0"},
		{"a seal deleted", func(o map[string]Object) { delete(o, v3); delete(o, j2+r2) }, "the journal of serial 2 isn't sealed"},
		{"document among records", func(o map[string]Object) { o[j3+r2] = o[v3] }, "it is not a record"},
		{"document before records", func(o map[string]Object) { o[j3+r2] = o[j3+r1]; o[j3+r1] = o[v3] }, "it follows a document that moved in"},
		{"document that moves back", func(o map[string]Object) { o[j3+r1] = o[v2] }, "it follows serial 3 and has serial 2"},
		{"another lineage", func(o map[string]Object) {
			o[j3+r1] = Object{Data: []byte(line(1, 3).Data)}
		}, "belongs to another state"},
	} {
		t.Run(test.name, func(t *testing.T) {
			m := open3(t)
			test.damage(m.objects)
			_, err := state.Open(t.Context(), m.open(t, 0), state.Run{ID: "a"}, start.Local)
			corrupt, ok := errors.AsType[*state.CorruptError](err)
			if !ok || !strings.Contains(err.Error(), test.want) || !strings.HasPrefix(corrupt.Where, "memory://stories/acme") || corrupt.Hint == "" {
				t.Errorf("got error %v, want a *state.CorruptError with an address, a hint and %q", err, test.want)
			}
		})
	}
}

func cut(o map[string]Object, key string, part int) {
	o[key] = Object{Data: o[key].Data[:len(o[key].Data)/part]}
}

// line returns a record at a position of a state that isn't this one.
func line(seq int, base uint64) Object {
	e := entry("other", story.Scheduled)
	data, err := state.EncodeRecord(state.Record{Base: base, Seq: seq, Lineage: "other", At: start, Run: "x", Key: e.Address, Entry: &e})
	if err != nil {
		panic(err)
	}
	return Object{Data: data}
}

func TestNewerFormat(t *testing.T) {
	m := open3(t)
	m.objects[v3] = Object{Data: []byte(`{"version": 99, "storyform_version": "9.0.0"}`)}
	_, _, err := m.open(t, 0).Load(t.Context())
	if newer, ok := errors.AsType[*state.VersionError](err); !ok || newer.Got != 99 {
		t.Errorf("got error %v, want a *state.VersionError", err)
	}
}

// What isn't ours under the key, such as the marks of folders that consoles
// leave, changes nothing.
func TestStrangers(t *testing.T) {
	m := open3(t)
	want, wantRecords, err := m.open(t, 0).Load(t.Context())
	wantErr(t, err, nil, "")
	for _, key := range []string{"stories/acme/v/", "stories/acme/v/README", "stories/acme/v/9", "stories/acme/v/00000000000000000009/x",
		"stories/acme/journal/", j3, j3 + "x", j3 + "1", "stories/acme/journal/9/0000000001", "stories/acme", "stories/acme2/v/00000000000000000009"} {
		m.objects[key] = Object{Data: []byte("?")}
	}
	got, gotRecords, err := m.open(t, 0).Load(t.Context())
	wantErr(t, err, nil, "")
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("document (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(wantRecords, gotRecords); diff != "" {
		t.Errorf("records (-want +got):\n%s", diff)
	}
}

// Documents that were deleted are made again from the journals, so that the
// state isn't one with amnesia.
func TestRollForward(t *testing.T) {
	for _, gone := range [][]string{{v3}, {v2, v3}, {v1, v2, v3}} {
		m := open3(t)
		want := session(t, m.open(t, 0), "before").Document()
		deleted := m.objects[v3].Data
		for _, key := range gone {
			delete(m.objects, key)
		}
		s := session(t, m.open(t, 0), "after")
		if diff := cmp.Diff(want, s.Document()); diff != "" {
			t.Fatalf("without %v (-want +got):\n%s", gone, diff)
		}
		put(t, s, "reveal", story.Live)
		wantErr(t, s.Close(t.Context()), nil, "")
		if string(m.objects[v3].Data) != string(deleted) {
			t.Errorf("without %v: got document %s, want %s", gone, m.objects[v3].Data, deleted)
		}
	}
}

// A state moves in and the run dies between the two writes: it counts, and
// whoever writes next makes up for the second.
func TestMoveInCrash(t *testing.T) {
	m := open3(t)
	fresh := newMemory()
	doc := session(t, m.open(t, 0), "reader").Document()
	doc.Serial = 12
	late := session(t, fresh.open(t, 0), "late")
	fresh.fault = func(verb, key string) fault {
		if verb == "put" && strings.Contains(key, "/v/") {
			return early
		}
		return none
	}
	mover := fresh.open(t, 0)
	wantErr(t, mover.Commit(t.Context(), doc), errReset, "write serial 12 of the state memory://stories/acme")
	fresh.fault = nil
	wantErr(t, late.Put(t.Context(), "register", entry("x", story.Scheduled), nil), state.ErrConflict, "")

	s := session(t, fresh.open(t, 0), "next")
	if diff := cmp.Diff(doc, s.Document()); diff != "" {
		t.Fatalf("document (-want +got):\n%s", diff)
	}
	wantErr(t, fresh.open(t, 0).Commit(t.Context(), doc), nil, "") // the mover tries again
	put(t, s, "next", story.Scheduled)
	wantErr(t, s.Close(t.Context()), nil, "")
	serials, err := fresh.open(t, 0).History(t.Context())
	wantErr(t, err, nil, "")
	if diff := cmp.Diff([]uint64{12, 13}, serials); diff != "" {
		t.Errorf("history (-want +got):\n%s", diff)
	}
	kept, err := fresh.open(t, 0).Version(t.Context(), 12)
	wantErr(t, err, nil, "")
	if diff := cmp.Diff(doc, kept); diff != "" {
		t.Errorf("version 12 (-want +got):\n%s", diff)
	}
}

// A run that dies with its context does so at once, and doesn't spin.
func TestCancelled(t *testing.T) {
	m := open3(t)
	s := session(t, m.open(t, 0), "a")
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, _, err := m.open(t, 0).Load(ctx); err == nil {
		// the memory's listing doesn't look at ctx; its readings do
		t.Error("loaded with a context that is done")
	}
	err := s.Put(ctx, "live", entry("reveal", story.Live), nil)
	wantErr(t, err, context.Canceled, "")
}

func TestCheckKey(t *testing.T) {
	for key, want := range map[string]string{
		"acme": "", "stories/acme": "", "stories/acme.v2/été": "", "a b": "",
		"": "empty", "/acme": "must be names", "acme/": "must be names", "a//b": "must be names", "a/../b": "must be names", "./a": "must be names",
		"a\nb": "characters", "a\\b": "characters", "\xff": "characters", strings.Repeat("a", 901): "more than 900",
	} {
		got := ""
		if err := CheckKey(key); err != nil {
			got = err.Error()
		}
		if want == "" && got != "" || !strings.Contains(got, want) {
			t.Errorf("%q: got %q, want %q", key, got, want)
		}
	}
}
