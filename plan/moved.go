package plan

import (
	"fmt"
	"reflect"
	"slices"

	"storyform/internal/diag"
	"storyform/state"
	"storyform/story"
)

// Move says that the story known as From is declared as To by now. Without
// it, another name would be a cancelled story and a new one.
type Move struct {
	From  story.Address `json:"from"`
	To    story.Address `json:"to"`
	Range *diag.Range   `json:"range,omitempty"`
}

// renames says what the address of an entry becomes under a move; ok is false
// when the move is about others. A move of a whole block moves its instances.
func (m Move) renames(a story.Address) (to story.Address, ok bool) {
	switch {
	case a == m.From:
		return m.To, true
	case !m.From.Keyed && !m.To.Keyed && a.Keyed && a.Block() == m.From:
		return m.To.At(a.Key), true
	}
	return a, false
}

// moveEntries returns doc with its entries renamed, and the renames that were
// made, one for each entry. doc itself is not changed. An entry whose new
// address is taken stays where it is.
func moveEntries(doc *state.Document, moves []Move) (*state.Document, []Move, diag.Diagnostics) {
	if len(moves) == 0 {
		return doc, nil, nil
	}
	moved := *doc
	moved.Stories = slices.Clone(doc.Stories)
	taken := make(map[story.Address]*state.Entry, len(doc.Stories))
	for i := range doc.Stories {
		taken[doc.Stories[i].Address] = &doc.Stories[i]
	}
	var made, halves []Move
	var diags diag.Diagnostics
	for i := range moved.Stories {
		e := &moved.Stories[i]
		from := e.Address
		for _, m := range moves { // in their order, so that a chain of moves is followed
			to, ok := m.renames(e.Address)
			if !ok || to == e.Address {
				continue
			}
			if other := taken[to]; other != nil && sameStory(other, e) {
				// A run that was to rename it ended half-way: only the old
				// entry is left to be dropped.
				halves = append(halves, Move{From: e.Address, To: to})
				e.Address = story.Address{}
				break
			} else if other != nil {
				d := diag.Warnf("Moved story is already there",
					"The state has both %s and %s, so the one can't become the other. Remove the moved block, or take one of them out of the state with storyform state rm.", e.Address, to)
				if m.Range != nil {
					d = d.At(*m.Range)
				}
				diags = append(diags, d.For(to))
				continue
			}
			delete(taken, e.Address)
			e.Address = to
			taken[to] = e
		}
		if e.Address != from && !e.Address.IsZero() {
			made = append(made, Move{From: from, To: e.Address})
		}
	}
	moved.Stories = slices.DeleteFunc(moved.Stories, func(e state.Entry) bool { return e.Address.IsZero() })
	return &moved, append(made, halves...), diags
}

// sameStory reports whether two entries differ in nothing but their address.
func sameStory(a, b *state.Entry) bool {
	x, y := a.Clone(), b.Clone()
	x.Address, y.Address = story.Address{}, story.Address{}
	return reflect.DeepEqual(x, y)
}

// suggestMoves warns when a story seems to be cancelled only because it has
// another name now: same Page, same media, same window. It writes the moved
// block that says so.
func (b *builder) suggestMoves() {
	for i := range b.changes {
		old := &b.changes[i]
		if old.Action != Cancel {
			continue
		}
		for j := range b.changes {
			if fresh := &b.changes[j]; looksRenamed(old, fresh) {
				d := diag.Warnf("Story seems to be renamed",
					"%s is cancelled and %s is new, with the same media, Page and window. If it is the same story under another name, say so, and nothing is cancelled:\n\n    moved {\n      from = %s\n      to   = %s\n    }",
					old.Address, fresh.Address, old.Address, fresh.Address)
				if fresh.Range != nil {
					d = d.At(*fresh.Range)
				}
				b.diags = append(b.diags, d.For(fresh.Address))
				break
			}
		}
	}
}

// checkRenamed refuses to publish what is out, or may be, under a name that
// does not declare it any more: with for_each added to a block, a label changed
// or taken back, or keys that are numbers and shift, every story of it that is
// still inside its window would be posted twice. What the state has under the
// new name makes no difference: it was registered for another story, or before
// this one went out. It returns the stories that it refuses.
func (b *builder) checkRenamed() map[story.Address]bool {
	refused := map[story.Address]bool{}
	out := map[string]*state.Entry{}
	for i := range b.State.Stories {
		e := &b.State.Stories[i]
		id := showingOf(e)
		if known := out[id]; b.mayBeOut(e) && !b.declares(e.Address, id) && (known == nil || known.Revision < e.Revision) {
			out[id] = e
		}
	}
	former := b.formerNames()
	for i := range b.changes {
		c := &b.changes[i]
		d, s := b.declared[c.Address], c.Spec()
		if d == nil || !slices.Contains(outgoing, c.Action) {
			continue
		}
		if former[MovedNote(d.Address)] {
			b.checkReturned(d, c)
		}
		old := out[showingID(&s)]
		if old == nil || b.onPurpose(d, old) {
			continue
		}
		again := fmt.Sprintf("revision = %d", old.Revision+1)
		if d.PublishAt.IsZero() {
			again = "allow_repeat = true"
		}
		b.diags = append(b.diags, diag.Errorf("Story is out under another name",
			"%s %s and is not declared as that any more, and %s has the same media, Page and time: it would be posted twice. If it is the same story under another name, say so:\n\n%s\n\nIf it is to be posted again, set %s.",
			old.Address, b.whenOut(old), c.Address, b.renaming(old.Address, c.Address), again).At(d.Range).For(c.Address))
		refused[c.Address] = true
	}
	return refused
}

// whenOut says since when an entry's story is out, or that nobody knows whether
// it is.
func (b *builder) whenOut(e *state.Entry) string {
	switch {
	case e.Status.Doubtful():
		return "may be out"
	case e.PublishedAt.IsZero():
		return "is " + string(e.Status)
	}
	return "went out at " + b.onPage(e.PublishedAt, e.PageID)
}

// MovedEvent is what a line of history is that tells of another name, and
// MovedNote which one the story had before.
const MovedEvent = "moved"

// MovedNote is the note of a MovedEvent.
func MovedNote(from story.Address) string { return fmt.Sprintf("known as %s before", from) }

// formerNames are the notes of the names that stories had once. Few have, so that
// the history, which grows for years, is not gone through for each change.
func (b *builder) formerNames() map[string]bool {
	names := map[string]bool{}
	for i := range b.State.History {
		if ev := &b.State.History[i]; ev.What == MovedEvent {
			names[ev.Note] = true
		}
	}
	return names
}

// checkReturned refuses a story that showed the same under the same name before
// its entry got another one: a revert that takes the moved block along would
// post it twice. Where a later revision is out, only the history tells of it.
func (b *builder) checkReturned(d *story.Desired, c *Change) {
	if d.AllowRepeat && d.PublishAt.IsZero() {
		return
	}
	out, moved := -1, false
	for i := range b.State.History {
		ev := &b.State.History[i]
		switch {
		case ev.What == MovedEvent && ev.Note == MovedNote(d.Address):
			moved = out >= 0
		case ev.Publication() && ev.Address == d.Address && ev.Revision >= d.Revision && ev.PageID == c.PageID &&
			ev.SHA256 != "" && ev.SHA256 == c.SHA256 && ev.PublishAt.Equal(d.PublishAt):
			out, moved = i, false
		}
	}
	if !moved || !b.approvedAt.IsZero() && !b.State.History[out].At.After(b.approvedAt) { // or it has passed this before
		return
	}
	ev := &b.State.History[out]
	b.diags = append(b.diags, diag.Errorf("Story was out under this name",
		"%s went out with the same media in revision %d, %s, and its story was given another name since: it would be posted twice. "+
			"If an earlier configuration was put back, take the story out, or put the moved block back as well. If it is to be posted again, set revision = %d.",
		d.Address, ev.Revision, b.onPage(ev.PublishedAt, ev.PageID), ev.Revision+1).At(d.Range).For(c.Address))
}

// onPurpose reports whether a story is to go out besides one that shows the
// same: under a higher revision, or as a repetition where no publish_at makes
// the two one. What was approved while the other one was out has passed this
// before.
func (b *builder) onPurpose(d *story.Desired, old *state.Entry) bool {
	return d.Revision > old.Revision || b.knew(old) && (!b.approvedAt.IsZero() || d.AllowRepeat && d.PublishAt.IsZero())
}

// renaming is how to say that a story has another name now. A moved block can't
// say it where both names are in use. What the state has under the new name is
// in the way, and may be forgotten if it never was to be seen.
func (b *builder) renaming(from, to story.Address) string {
	there := b.entries[to]
	if b.declared[from] == nil && there == nil {
		return fmt.Sprintf("    moved {\n      from = %s\n      to   = %s\n    }", from, to)
	}
	text := fmt.Sprintf("    storyform state mv '%s' '%s'", from, to)
	if there != nil && !there.Attempted() && there.WentOut() == 0 {
		text = fmt.Sprintf("    storyform state rm '%s'\n", to) + text
	}
	return text
}

// outgoing are the actions that bring a story out, now or later.
var outgoing = []Action{Publish, Schedule, Modify, Resume, Upload}

// mayBeOut reports whether an entry's story is out, or could be soon without
// whoever approved the plan having known of it.
func (b *builder) mayBeOut(e *state.Entry) bool {
	return e.Status.Out() || e.Status.Doubtful() || e.Status.Pending() && !b.knew(e)
}

// knew reports whether whoever approved the plan that is made anew knew what
// the state says of an entry. A plan that is made for the first time is yet to
// be approved.
func (b *builder) knew(e *state.Entry) bool {
	return b.approvedAt.IsZero() || !e.RegisteredAt.After(b.approvedAt) && !e.PublishedAt.After(b.approvedAt) && !attemptedAt(e).After(b.approvedAt)
}

// declares reports whether an address is declared to show something.
func (b *builder) declares(a story.Address, id string) bool {
	d := b.declared[a]
	if d == nil {
		return false
	}
	s := d.Spec()
	return showingID(&s) == id
}

// showingOf is showingID of an entry.
func showingOf(e *state.Entry) string {
	s := e.Spec()
	return showingID(&s)
}

// showingID is what stays the same when a story only gets another name. The
// time at which it is due tells more than until when it may go out.
func showingID(s *story.Spec) string {
	tied := "at once"
	switch {
	case !s.PublishAt.IsZero():
		tied = "at " + s.PublishAt.UTC().String()
	case !s.NotAfter.IsZero():
		tied = "until " + s.NotAfter.UTC().String()
	}
	return s.PageID + " " + s.ContentID() + " " + tied
}

// looksRenamed reports whether a new story is what a cancelled one was.
func looksRenamed(old, fresh *Change) bool {
	was, is := old.Spec(), fresh.Spec()
	return (fresh.Action == Schedule || fresh.Action == Publish) && !fresh.Registered &&
		was.PageID == is.PageID && was.ContentID() == is.ContentID() &&
		was.PublishAt.Equal(is.PublishAt) && was.NotAfter.Equal(is.NotAfter) && was.Window == is.Window
}

// noteMoves tells each rename as a note, unless something else is said about
// the story anyway.
func (b *builder) noteMoves(moves []Move) {
	for _, m := range moves {
		text := MovedNote(m.From)
		i := slices.IndexFunc(b.changes, func(c Change) bool { return c.Address == m.To })
		switch d, e := b.declared[m.To], b.entries[m.To]; {
		case i >= 0 && b.changes[i].Reason != "":
			b.changes[i].Reason += "; " + text
		case i >= 0:
			b.changes[i].Reason = text
		case d != nil:
			b.changes = append(b.changes, b.change(d, Note, text))
		case e != nil:
			b.changes = append(b.changes, b.entryChange(e, Note, text))
		}
	}
}
