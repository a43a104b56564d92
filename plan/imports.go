package plan

import (
	"fmt"

	"storyform/internal/diag"
	"storyform/state"
	"storyform/story"
)

// Import says that the story on the Page with a post_id is the one declared
// at To: it was posted by hand, or the state lost it.
type Import struct {
	To     story.Address `json:"to"`
	PostID string        `json:"id"`
	Range  *diag.Range   `json:"range,omitempty"`
}

// importOf is the import of a declared story.
func (b *builder) importOf(d *story.Desired) (Import, bool) {
	for _, im := range b.Imports {
		if im.To == d.Address {
			return im, true
		}
	}
	return Import{}, false
}

// decideImport handles a story that is to be taken over from the Page, and
// reports whether there is nothing else to decide about it. It never leads to
// a publication: what is to be imported and can't be found is an error.
func (b *builder) decideImport(d *story.Desired, e *state.Entry) bool {
	im, ok := b.importOf(d)
	if !ok || e != nil && (e.Status.Out() || e.Status.Doubtful()) {
		return false // done before, or to be settled first
	}
	view := b.Views[d.Page.ID]
	if view == nil {
		b.changes = append(b.changes, b.change(d, Note, fmt.Sprintf("to be imported as post_id %s, once %s can be asked", im.PostID, d.Page.Address)))
		return true
	}
	for _, o := range view.Stories {
		if o.PostID == im.PostID {
			b.adoptImport(d, im, o)
			return true
		}
	}
	b.importError(d, im, "Story to import is not on the Page",
		"%s lists no story with post_id %s from the last 24 hours. storyform stories shows what is there; remove the import block if it is over.", d.Page.Address, im.PostID)
	return true
}

// adoptImport takes a listed story over, if it can be the declared one.
func (b *builder) adoptImport(d *story.Desired, im Import, o story.Observed) {
	if o.Kind != d.Kind {
		b.importError(d, im, "Story to import is of another kind", "The story with post_id %s is a %s, and %s declares a %s.", im.PostID, o.Kind, d.Address, d.Kind)
		return
	}
	for i := range b.State.Stories {
		e := &b.State.Stories[i]
		if _, listed := e.ListedIn(&story.PageView{Stories: []story.Observed{o}}); listed && e.Address != d.Address {
			b.importError(d, im, "Story to import is known already", "The story with post_id %s is %s in the state.", im.PostID, e.Address)
			return
		}
	}
	c := b.change(d, Adopt, "import of post_id "+im.PostID)
	c.Found, c.ExpiresAt = foundOf(o), o.ExpiresAt()
	if b.Now.Before(c.ExpiresAt) {
		b.live[d.Page.ID]++
	}
	b.changes = append(b.changes, c)
}

// importError reports an import that can't be done.
func (b *builder) importError(d *story.Desired, im Import, summary, detail string, args ...any) {
	out := diag.Errorf(summary, detail, args...).For(d.Address)
	if im.Range != nil {
		out = out.At(*im.Range)
	}
	b.diags = append(b.diags, out)
}
