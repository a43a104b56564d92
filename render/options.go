package render

import (
	"io"
	"net/url"
	"time"

	"storyform/plan"
	"storyform/story"
)

// defaultWidth is the width of an output that did not say its own, in columns.
const defaultWidth = 80

// maxWidth bounds the layout on very wide terminals: lines that are longer
// are hard to follow with the eye.
const maxWidth = 140

// minWidth is the width below which lines are allowed to be too long.
const minWidth = 40

// Options say how to draw. The zero value is a plain log of 80 columns.
type Options struct {
	Color   bool      // use terminal colours
	Width   int       // columns; 0 means 80
	Verbose bool      // show everything that is known, not only what a reviewer needs
	Now     time.Time // for "in 3h12m"; zero: the time that the document was made
	Boxed   bool      // draw ╷│╵ around diagnostics, for a terminal

	// Zone tells the time zone of a Page where the document does not (the
	// state, events). Nil, or a nil answer, means UTC.
	Zone func(page story.Address) *time.Location
	// Sources returns the files of the configuration by name, for lines of JSON
	// whose messages show them. Nil means none.
	Sources func() map[string][]byte
	// Thumbnail returns a small picture of a source as the configuration
	// names it, and its media type, for formats that show pictures. Nil, or
	// empty data, means that there is none.
	Thumbnail func(source string) (mime string, data []byte)
	// Link returns the https address at which readers of the output can see a
	// source, such as its page in the repository. Nil, or "", means none.
	Link func(source string) string
}

// width is the number of columns to lay out for.
func (o Options) width() int {
	if o.Width <= 0 {
		return defaultWidth
	}
	return max(minWidth, min(o.Width, maxWidth))
}

// zone is the time zone of a Page, UTC when it is not known.
func (o Options) zone(page story.Address) *time.Location {
	if o.Zone != nil {
		if loc := o.Zone(page); loc != nil {
			return loc
		}
	}
	return time.UTC
}

// link is the https address of a source, "" when there is none.
func (o Options) link(source string) string {
	if o.Link == nil {
		return ""
	}
	target, err := url.Parse(o.Link(source))
	if err != nil || target.Scheme != "https" || target.Host == "" {
		return ""
	}
	return target.String()
}

// Format is one way to draw a plan.
type Format struct {
	Name      string // as --format takes it
	Extension string // of a file in this format, with the dot
	Render    func(w io.Writer, p *plan.Plan, o Options) error
}

// Formats lists every way to draw a plan, the default one first.
func Formats() []Format {
	return []Format{
		{"text", ".txt", Plan},
		{"json", ".json", func(w io.Writer, p *plan.Plan, _ Options) error { return JSON(w, p) }},
		{"markdown", ".md", Markdown},
		{"html", ".html", HTML},
	}
}

// FormatNamed returns the format of a name.
func FormatNamed(name string) (Format, bool) {
	for _, f := range Formats() {
		if f.Name == name {
			return f, true
		}
	}
	return Format{}, false
}
