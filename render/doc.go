// Package render draws what storyform knows: a plan, diagnostics, the state,
// lists of stories and the progress of an apply, for a terminal, for the log
// of a CI job, as JSON, as markdown for a pull request and as a page of HTML.
//
// A plan is first turned into a timeline (timeline.go): which Page, which day
// in that Page's zone, what happens, what differs. The formats only draw that
// timeline, so that they cannot disagree. A new format is one function and
// one row in Formats.
//
// # Hostile text
//
// Labels, file names, addresses, error texts of the API and URLs come from
// strangers: a plan is made of a pull request before anybody trusts it. So no
// string reaches an output as it came. For text, every piece passes through
// clean when it becomes a span, and a line that a CI runner would take for a
// command is defused on its way out (screen.flush). Markdown, HTML and JSON
// each have their own escape on top, in the one place where they write text.
package render
