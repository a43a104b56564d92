package plan

import (
	"time"

	"storyform/internal/diag"
	"storyform/story"
)

// showing is a story that shows certain media on a Page.
type showing struct {
	address story.Address
	order   int // of a declared story
	when    string
}

// checkRepeats warns of a story whose media were or will be on the same Page
// in another one: usually the wrong file was copied. Every story is uploaded
// anew, so Meta's rule that media of a published post can't be used again is
// kept; whether it also compares bytes, nobody says. A video is the same when
// its samples are, whatever the file around them. Of those in refused more was
// said already.
func (b *builder) checkRepeats(refused map[story.Address]bool) {
	shown := b.shown()
	for i := range b.changes {
		c := &b.changes[i]
		d := b.declared[c.Address]
		if d == nil || d.AllowRepeat || refused[c.Address] || c.Registered && len(c.Diffs) == 0 || c.Action != Publish && c.Action != Schedule && c.Action != Modify {
			continue
		}
		for _, key := range mediaKeys(c.PageID, c.SHA256, d.Media.SampleSHA256) {
			if s, ok := earlier(shown[key], d); ok {
				b.diags = append(b.diags, diag.Warnf("Same media as another story",
					"%s shows the same %s as %s on %s, %s. If that is intended, set allow_repeat = true.", c.Address, c.Kind, s.address, c.Page, s.when).
					At(d.RangeOf(string(d.Kind))).For(c.Address))
				break
			}
		}
	}
}

// mediaKeys are the names under which media are the same on a Page.
func mediaKeys(pageID, sha256, samples string) []string {
	var keys []string
	if sha256 != "" {
		keys = append(keys, pageID+" "+sha256)
	}
	if samples != "" {
		keys = append(keys, pageID+" samples "+samples)
	}
	return keys
}

// shown lists what was on the Pages and what is declared to be, by media.
func (b *builder) shown() map[string][]showing {
	shown := map[string][]showing{}
	add := func(keys []string, s showing) {
		for _, key := range keys {
			shown[key] = append(shown[key], s)
		}
	}
	for i := range b.State.History {
		if ev := &b.State.History[i]; ev.Publication() && !ev.PublishedAt.IsZero() {
			add(mediaKeys(ev.PageID, ev.SHA256, ev.SampleSHA256), showing{ev.Address, -1, "published " + b.onPage(ev.PublishedAt, ev.PageID)})
		}
	}
	for i := range b.State.Stories {
		if e := &b.State.Stories[i]; e.Status.Out() {
			add(mediaKeys(e.PageID, e.SHA256, e.SampleSHA256), showing{e.Address, -1, "published " + b.onPage(e.PublishedAt, e.PageID)})
		}
	}
	for i := range b.Stories {
		d := &b.Stories[i]
		if e := b.entries[d.Address]; e != nil && e.Status.Out() && e.Revision >= d.Revision {
			continue // it showed what its entry says, whatever its block says now
		}
		when := "which goes out with this configuration, too"
		if !d.PublishAt.IsZero() {
			when = "due " + local(d.PublishAt, d.Page.Location())
		}
		add(mediaKeys(d.Page.ID, d.Media.SHA256, d.Media.SampleSHA256), showing{d.Address, d.Order, when})
	}
	return shown
}

// onPage renders an instant in the zone of a Page.
func (b *builder) onPage(t time.Time, pageID string) string {
	for i := range b.Pages {
		if b.Pages[i].ID == pageID {
			return local(t, b.Pages[i].Location())
		}
	}
	return local(t, time.UTC)
}

// earlier finds the first story that shows the same and comes before d: one
// that was out, or one that stands before it in the configuration.
func earlier(same []showing, d *story.Desired) (showing, bool) {
	for _, s := range same {
		if s.address != d.Address && (s.order < 0 || s.order < d.Order) {
			return s, true
		}
	}
	return showing{}, false
}
