package plan

import "storyform/story"

// unchanged lists, as notes, the stories for which there is nothing to do:
// those that wait for their time, and those that are live as declared.
func (b *builder) unchanged() []Change {
	told := make(map[story.Address]bool, len(b.changes))
	for i := range b.changes {
		told[b.changes[i].Address] = true
	}
	var out []Change
	for _, d := range b.waiting {
		if !told[d.Address] {
			out = append(out, b.change(d, Note, "unchanged; it waits for its time"))
		}
	}
	for i := range b.Stories {
		d := &b.Stories[i]
		e := b.entries[d.Address]
		if e == nil || told[d.Address] || e.Revision != d.Revision {
			continue
		}
		if now, _ := b.standing(e); now != story.Live {
			continue
		}
		c := b.change(d, Note, "unchanged; live until "+local(e.ExpiresAt, d.Page.Location()))
		c.PublishAt, c.ExpiresAt = utc(e.PublishedAt), utc(e.ExpiresAt) // when it went out, not when it was due
		out = append(out, c)
	}
	sortChanges(out)
	return out
}
