package plan

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"storyform/story"
)

func move(from, to string) Move { return Move{From: addr(from), To: addr(to)} }

func TestMoved(t *testing.T) {
	tests := []struct {
		name                 string
		declared, remembered []string
		moves                []Move
		want, warns          string
		moved                string
	}{
		{"a scheduled story keeps its registration", []string{"b: later"}, []string{"a: scheduled later"}, []Move{move("a", "b")}, "b note", "", "a>b"},
		{"without the block it is another story, and the block is suggested", []string{"b: later"}, []string{"a: scheduled later"}, nil, "a cancel, b schedule", "Story seems to be renamed", ""},
		{"other media are no rename", []string{"b: later media=b"}, []string{"a: scheduled later"}, nil, "a cancel, b schedule", "", ""},
		{"another time is no rename", []string{"b: moved"}, []string{"a: scheduled later"}, nil, "a cancel, b schedule", "", ""},
		{"a story that is out is not published under its new name", []string{"b: due"}, []string{"a: live due sent=1h"}, []Move{move("a", "b")}, "b note", "", "a>b"},
		{"doubt moves along", []string{"b: due"}, []string{"a: unknown due tried=1m"}, []Move{move("a", "b")}, "b settle", "", "a>b"},
		{"a chain is followed", []string{"c: later"}, []string{"a: scheduled later"}, []Move{move("a", "b"), move("b", "c")}, "c note", "", "a>c"},
		{"both are there", []string{"b: later"}, []string{"a: scheduled later", "b: scheduled moved"}, []Move{move("a", "b")}, "a cancel, b change", "Moved story is already there", ""},
		{"a rename that a crash cut in half", []string{"b: later"}, []string{"a: scheduled later", "b: scheduled later"}, []Move{move("a", "b")}, "b note", "", "a>b"},
		{"nothing to move any more", []string{"b: later"}, []string{"b: scheduled later"}, []Move{move("a", "b")}, "", "", ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			in := world(t, tt.declared, tt.remembered, "empty")
			in.Views[pageID] = listing(t, "m1")
			if !strings.Contains(strings.Join(tt.remembered, ""), "live") {
				in.Views[pageID] = listing(t, "empty")
			}
			in.Moved = tt.moves
			p := Build(in)
			if got := actions(p.Changes); got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
			var moved []string
			for _, m := range p.Moves {
				moved = append(moved, m.From.Name+">"+m.To.Name)
			}
			if got := strings.Join(moved, " "); got != tt.moved {
				t.Errorf("moves: got %q, want %q", got, tt.moved)
			}
			var warns []string
			for _, d := range p.Diagnostics {
				warns = append(warns, d.Summary)
			}
			if got := strings.Join(warns, ", "); got != tt.warns {
				t.Errorf("diagnostics: got %q, want %q", got, tt.warns)
			}
			if p.HasChanges() != (tt.want != "" && tt.want != "b note" && tt.want != "c note" || tt.moved != "") {
				t.Errorf("HasChanges is %t", p.HasChanges())
			}
		})
	}
}

func TestMovedInstances(t *testing.T) {
	block := Move{From: addr("a"), To: addr("b")}
	one := Move{From: addr("a"), To: addr("a").At("x")}
	tests := []struct {
		m    Move
		from story.Address
		want string
	}{
		{block, addr("a"), "story.b"},
		{block, addr("a").At("k"), `story.b["k"]`},
		{block, addr("c"), "story.c"},
		{one, addr("a"), `story.a["x"]`},
		{one, addr("a").At("k"), `story.a["k"]`},
	}
	for _, tt := range tests {
		if got, _ := tt.m.renames(tt.from); got.String() != tt.want {
			t.Errorf("%s > %s renames %s to %s, want %s", tt.m.From, tt.m.To, tt.from, got, tt.want)
		}
	}
}

func TestMovedDoesNotChangeItsInput(t *testing.T) {
	in := world(t, []string{"b: later"}, []string{"a: scheduled later"}, "empty")
	in.Moved = []Move{move("a", "b")}
	before := in.State.Clone()
	Build(in)
	if d := cmp.Diff(before, in.State); d != "" {
		t.Errorf("Build changed the state (-before +after):\n%s", d)
	}
}

func TestMovedRevision(t *testing.T) {
	in := world(t, []string{"b: due rev=1"}, []string{"a: scheduled due rev=2 out=1"}, "empty")
	in.Moved = []Move{move("a", "b")}
	if got := actions(Build(in).Changes); got != "b cancel" {
		t.Errorf("got %q, want b cancel: revision 1 went out under its old name", got)
	}
}

func TestImport(t *testing.T) {
	tests := []struct {
		name                 string
		declared, remembered []string
		listed, want, diag   string
	}{
		{"a listed story is taken over", []string{"a: due"}, nil, "m9", "a adopt", ""},
		{"also one that was registered", []string{"a: due"}, []string{"a: scheduled due"}, "m9", "a adopt", ""},
		{"it never leads to a publication", []string{"a: due"}, nil, "empty", "", "Story to import is not on the Page"},
		{"nor without asking the Page", []string{"a: due"}, nil, "", "a note", ""},
		{"another kind", []string{"a: due"}, nil, "m9:video", "", "Story to import is of another kind"},
		{"somebody else's in the state", []string{"a: due", "b: due"}, []string{"b: live due id=m9 sent=1h"}, "m9 m1", "", "Story to import is known already"},
		{"done before", []string{"a: due"}, []string{"a: live due sent=1h"}, "m1", "", ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			in := world(t, tt.declared, tt.remembered, tt.listed)
			for i := range in.State.Stories {
				if e := &in.State.Stories[i]; e.Address == addr("b") {
					e.MediaID = "m9"
				}
			}
			in.Imports = []Import{{To: addr("a"), PostID: "post-m9"}}
			p := Build(in)
			if got := actions(p.Changes); got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
			got := ""
			for _, d := range p.Diagnostics {
				got = d.Summary
			}
			if got != tt.diag {
				t.Errorf("diagnostic: got %q, want %q", got, tt.diag)
			}
		})
	}
}
