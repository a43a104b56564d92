package main

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// decl is a story as a commit declares it.
type decl struct {
	id, renames  int           // both are in its name
	keyed        bool          // it is an instance of a block with for_each
	page         int           // of lifePages
	media        string        // a file of the repository, by its content
	file         string        // and by its name in it
	at, notAfter time.Time     // either may be zero
	window       time.Duration // 0: notAfter
	revision     int
	campaign     int // a label
}

// name is the story's own part of its address.
func (d *decl) name() string {
	if d.renames > 0 {
		return fmt.Sprintf("n%03dr%d", d.id, d.renames)
	}
	return fmt.Sprintf("n%03d", d.id)
}

// address is the story's address.
func (d *decl) address() string {
	if d.keyed {
		return fmt.Sprintf("story.many[%q]", d.name())
	}
	return "story." + d.name()
}

// video reports whether it is one.
func (d *decl) video() bool { return strings.HasSuffix(d.file, ".mp4") }

// deadline is when it is too late for the story that was approved at a time.
func (d *decl) deadline(approved time.Time) time.Time {
	switch {
	case d.window == 0:
		return d.notAfter
	case d.at.IsZero():
		return approved.Add(d.window)
	}
	return d.at.Add(d.window)
}

// attributes are the lines of a story's block, or the fields of its element.
func (d *decl) attributes(kind string) string {
	var b strings.Builder
	line := func(name, format string, args ...any) {
		fmt.Fprintf(&b, "  %s = "+format+"\n", append([]any{name}, args...)...)
	}
	line(kind, "%q", d.file)
	if !d.at.IsZero() {
		line("publish_at", "%q", d.at.Format(time.RFC3339))
	}
	if d.window > 0 {
		line("window", "%q", d.window)
	} else {
		line("not_after", "%q", d.notAfter.Format(time.RFC3339))
	}
	line("revision", "%d", d.revision)
	return b.String()
}

// tree is what a commit declares.
type tree struct {
	stories map[int]decl
	pages   int
	moved   [][2]string
}

// clone is a copy.
func (t tree) clone() tree {
	return tree{stories: maps.Clone(t.stories), pages: t.pages, moved: slices.Clone(t.moved)}
}

// remove takes a story out, with the moved blocks that lead to it.
func (t *tree) remove(id int) {
	delete(t.stories, id)
	t.forgetMoves(id)
}

// forgetMoves takes out the moved blocks of a story.
func (t *tree) forgetMoves(id int) {
	t.moved = slices.DeleteFunc(slices.Clone(t.moved), func(m [2]string) bool { return named(id).MatchString(m[1]) })
}

// lifePages are the ids of the Pages; the last one is added later.
var lifePages = []string{"104857600000001", "104857600000002", "104857600000003"}

// config is the configuration of a tree.
func (t tree) config(backend string) string {
	var b, many strings.Builder
	fmt.Fprintf(&b, "variable \"brand\" {\n  default = \"acme\"\n}\n\nstoryform {\n%s\n}\n", backend)
	for i := range t.pages {
		fmt.Fprintf(&b, "\npage \"p%d\" {\n  id = %q\n}\n", i, lifePages[i])
	}
	for _, id := range slices.Sorted(maps.Keys(t.stories)) {
		d := t.stories[id]
		if d.keyed {
			fmt.Fprintf(&many, "%q = {\n  page = page.p%d\n%s}\n", d.name(), d.page, d.attributes("photo"))
			continue
		}
		kind := map[bool]string{false: "photo", true: "video"}[d.video()]
		fmt.Fprintf(&b, "\nstory %q {\n  page = page.p%d\n  labels = { campaign = \"c%d\" }\n%s}\n", d.name(), d.page, d.campaign, d.attributes(kind))
	}
	if many.Len() > 0 {
		fmt.Fprintf(&b, "\nstory \"many\" {\n  for_each = {\n%s}\n  page = each.value.page\n  photo = each.value.photo\n  publish_at = each.value.publish_at\n  window = each.value.window\n  revision = each.value.revision\n}\n", many.String())
	}
	for _, m := range t.moved {
		fmt.Fprintf(&b, "\nmoved {\n  from = %s\n  to = %s\n}\n", m[0], m[1])
	}
	return b.String()
}

// checkout makes a fresh clone of the repository at a tree.
func (l *life) checkout(t tree) string {
	dir, err := os.MkdirTemp(l.dir, "clone-")
	l.must(err)
	l.must(os.WriteFile(filepath.Join(dir, "s.story.hcl"), []byte(t.config(l.remote.block)), 0o600))
	for _, d := range t.stories {
		if err := os.Link(filepath.Join(l.dir, d.media), filepath.Join(dir, d.file)); !os.IsExist(err) {
			l.must(err)
		}
	}
	return dir
}

// newMedia makes media that nothing else shows.
func (l *life) newMedia(d *decl, sameName bool) {
	l.variants++
	ext := filepath.Ext(d.file)
	content, err := os.ReadFile("testdata/media/good" + ext)
	l.must(err)
	seed := fmt.Sprintf("variant %06d", l.variants)
	if ext == ".mp4" { // a box that players skip
		content = append(content, 0, 0, 0, byte(8+len(seed)), 'f', 'r', 'e', 'e')
	}
	content = append(content, seed...)
	d.media = fmt.Sprintf("media-%06d%s", l.variants, ext)
	if !sameName {
		d.file = d.media
	}
	l.must(os.WriteFile(filepath.Join(l.dir, d.media), content, 0o600))
	l.shows[shaOf(content)] = d.media
}

// edit is one thing that somebody changes in a branch. x picks the story.
type edit struct {
	name   string
	weight int
	do     func(l *life, t *tree, d *decl, y int)
}

// edits are what people change. A story that is nil is new.
var edits = []edit{
	{"add", 12, (*life).addStory},
	{"media", 3, func(l *life, t *tree, d *decl, y int) { l.newMedia(d, y%2 == 0) }},
	{"time", 3, func(l *life, t *tree, d *decl, y int) { l.retime(d, y) }},
	{"revision", 3, func(l *life, t *tree, d *decl, y int) {
		d.revision++
		if l.retime(d, y); y%3 == 0 {
			l.newMedia(d, false)
		}
	}},
	{"lower", 1, func(l *life, t *tree, d *decl, y int) { d.revision = max(1, d.revision-1) }},
	{"label", 1, func(l *life, t *tree, d *decl, y int) { d.campaign++ }},
	{"remove", 4, func(l *life, t *tree, d *decl, y int) { t.remove(d.id) }},
	{"rename", 2, func(l *life, t *tree, d *decl, y int) {
		from := d.address()
		d.renames++
		t.moved = append(t.moved, [2]string{from, d.address()})
	}},
	{"relabel", 4, func(l *life, t *tree, d *decl, y int) {
		d.renames++
		t.forgetMoves(d.id)
	}},
	{"each", 2, func(l *life, t *tree, d *decl, y int) {
		if d.video() || d.at.IsZero() || d.window == 0 {
			return
		}
		from := d.address()
		t.forgetMoves(d.id) // a move back would be a circle
		if d.keyed = !d.keyed; y%3 > 0 {
			t.moved = append(t.moved, [2]string{from, d.address()})
		}
	}},
	{"page", 1, func(l *life, t *tree, d *decl, y int) { t.pages = len(lifePages) }},
	{"back", 3, func(l *life, t *tree, d *decl, y int) {
		was, ok := l.commits[y%len(l.commits)].tree.stories[d.id] // as it once was
		switch {
		case !ok:
			t.remove(d.id)
		case was.address() != d.address():
			t.forgetMoves(d.id)
			fallthrough
		default:
			*d = was
		}
	}},
}

// addStory declares a new story.
func (l *life) addStory(t *tree, _ *decl, y int) {
	l.stories++
	d := decl{id: l.stories, page: y % t.pages, revision: 1, file: []string{"x.png", "x.mp4", "x.png"}[y/3%3]}
	l.newMedia(&d, false)
	l.retime(&d, y/7)
	d.keyed = y%11 == 0 && !d.video() && !d.at.IsZero() && d.window > 0
	t.stories[d.id] = d
}

// retime gives a story a time from now on.
func (l *life) retime(d *decl, y int) {
	now := l.clock.Now().Truncate(time.Minute)
	d.at, d.notAfter, d.window = time.Time{}, time.Time{}, 0
	switch {
	case y%7 == 0 && !d.keyed:
		d.notAfter = now.Add(time.Duration(3+y%9) * time.Hour)
	case y%7 == 1 && !d.keyed:
		d.window = time.Duration(2+y%9) * time.Hour
	default:
		d.at = now.Add(time.Duration(10+y*37%900) * time.Minute)
		d.window = time.Duration(1+y%6) * time.Hour
	}
}

// change is what a pull request changes, story by story: nil is no story.
type change struct {
	was, is map[int]*decl
	moved   [2][][2]string // blocks that go, and that come
	pages   int
}

// without are the moved blocks of a that b has not.
func without(a, b [][2]string) [][2]string {
	return slices.DeleteFunc(slices.Clone(a), func(m [2]string) bool { return slices.Contains(b, m) })
}

// between is what changes between two trees.
func between(a, b tree) change {
	c := change{was: map[int]*decl{}, is: map[int]*decl{}, pages: b.pages, moved: [2][][2]string{without(a.moved, b.moved), without(b.moved, a.moved)}}
	pick := func(t tree, id int) *decl {
		if d, ok := t.stories[id]; ok {
			return &d
		}
		return nil
	}
	for _, t := range []tree{a, b} {
		for id := range t.stories {
			if x, y := pick(a, id), pick(b, id); x == nil || y == nil || *x != *y {
				c.was[id], c.is[id] = x, y
			}
		}
	}
	return c
}

// onto makes the change in a tree; ok is false when it conflicts with what was
// merged meanwhile.
func (c change) onto(t tree) (merged tree, ok bool) {
	merged = t.clone()
	for id, want := range c.was {
		have, there := t.stories[id]
		if there != (want != nil) || there && have != *want {
			return t, false
		}
		if delete(merged.stories, id); c.is[id] != nil {
			merged.stories[id] = *c.is[id]
		}
	}
	merged.pages = max(t.pages, c.pages)
	merged.moved = append(without(merged.moved, c.moved[0]), c.moved[1]...)
	return merged, true
}

// branch makes a pull request of a few edits.
func (l *life) branch(s lifeStep) change {
	base := l.head().tree
	t := base.clone()
	var bag []edit
	for _, e := range edits {
		for range e.weight {
			bag = append(bag, e)
		}
	}
	for i := range 1 + s.x%4 {
		e := bag[(s.y+i*17)%len(bag)]
		ids := slices.Sorted(maps.Keys(t.stories))
		if len(ids) < 3 || e.name == "add" {
			l.addStory(&t, nil, s.z+i*13)
			continue
		}
		// Mostly one of the newest, about which there is something to decide.
		d := t.stories[ids[max(0, len(ids)-1-(s.z+i*5)%8)]]
		e.do(l, &t, &d, s.z+i)
		if _, there := t.stories[d.id]; there {
			t.stories[d.id] = d
		}
	}
	return between(base, t)
}

// must ends the test on an error of its own.
func (l *life) must(err error) {
	if err != nil {
		l.t.Fatalf("%v", err)
	}
}
