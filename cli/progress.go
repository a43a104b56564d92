package cli

import (
	"storyform/apply"
	"storyform/plan"
	"storyform/render"
	"storyform/story"
)

// progress shows a run's events: bars on a terminal, lines elsewhere.
func (a *app) progress(p *plan.Plan) render.Progress {
	o := a.renderOptions(a.StderrTerminal)
	pages := make([]story.Page, 0, len(p.Pages))
	for _, page := range p.Pages {
		pages = append(pages, story.Page{Address: page.Address, Timezone: page.Timezone})
	}
	o.Zone = zones(pages)
	if a.StderrTerminal && a.Getenv("TERM") != "dumb" && !truthy(a.Getenv("CI")) {
		return render.Bars(a.Stderr, o)
	}
	return render.Lines(a.Stderr, o)
}

// renderEvent is an event of a run as render draws it.
func renderEvent(e apply.Event) render.Event {
	return render.Event{
		Time: e.Time, Kind: render.EventKind(e.Kind), Address: e.Address, Page: e.Page, PageID: e.PageID,
		Bytes: e.Bytes, Total: e.Total, Message: e.Message, PostID: e.PostID, URL: e.URL,
		PublishAt: e.PublishAt, ExpiresAt: e.ExpiresAt, Elapsed: e.Elapsed,
	}
}
