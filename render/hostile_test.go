package render

import (
	"bytes"
	"encoding/json"
	"io"
	"regexp"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"storyform/internal/diag"
	"storyform/plan"
	"storyform/state"
	"storyform/story"
)

// payloads are texts that a stranger may put into a label, a file name, an
// address or an error message.
var payloads = []string{
	"\x1b]0;pwned\x07\x1b[31mred\x1b[2J\x9b31m",
	"\u009b31m\u202eevil\u2066\u200b\ufeff\U000e0041\u2028\u3164",
	"\n::error::pwned\n  ::add-mask::x\r\n::stop-commands::t",
	"::add-mask::secret",
	"##[error]x ##vso[task.setvariable]y ##teamcity[z]",
	`<script>alert(1)</script><img src=x onerror=alert(1)>"'><b onload=x>`,
	"</details></summary><!-- --><h1>big</h1>-->",
	"](javascript:alert(1)) [x](http://evil.example) ![x](http://evil.example/x.png) <http://evil.example>",
	"| a | b |\n| --- | --- |\n`` ` ``` | \\| \\",
	"@everyone @acme/team #1 GH-1 acme/x#2 www.evil.example http://evil.example a@evil.example",
	"# heading\n- item\n1. one\n> quote\n---\n```mermaid\nclick a href \"javascript:alert(1)\"\n```",
	"*bold* _it_ ~~gone~~ $x$ &lt;b&gt; &#64;everyone",
	"\xff\xfe broken \xc3",
	"a" + strings.Repeat("\u0301", 60),
	"%0A::error::x %25",
	"; DROP : section x\nclick a",
	`javascript:alert(1)`,
	strings.Repeat("long", 300),
	"http://evil.example/x",
	"javascript://evil.example/%0aalert(1)",
	"a,evil=1::boom",
	"one ` only",
	"}*{background:url(http://evil.example)}</style>",
}

// infested is the campaign with a payload in every text.
func infested(x string) *plan.Plan {
	p := campaign()
	p.Tool, p.Fingerprint, p.Lineage = x, x, x
	page := func(a story.Address) story.Address { return a.Block().At(x + a.Key) }
	for i := range p.Pages {
		v := &p.Pages[i]
		v.Address, v.ID, v.TokenEnv, v.Unread = page(v.Address), x, x, x
		if v.Next != nil {
			v.Next.Address = page(v.Next.Address)
		}
	}
	p.Pages[1].Timezone = x
	for i := range p.Changes {
		c := &p.Changes[i]
		c.Address, c.Page, c.PageID, c.Reason, c.Source, c.SHA256 = page(c.Address), page(c.Page), x, x, x, x
		c.Labels = map[string]string{x: x}
		c.After = []story.Address{page(c.Address)}
		c.Media.Format, c.Media.Codec, c.Media.AudioCodec = x, x, x
		c.Range = &diag.Range{Filename: x, Start: diag.Pos{Line: 1}}
		c.Diffs = []plan.Diff{{Attribute: x, Old: x, New: x + " y"}, {Attribute: "sha256", Old: x, New: x},
			{Attribute: "labels", Old: "some words to be compared: " + x, New: "other words to be compared: " + x}}
		if c.Found != nil {
			c.Found = &plan.Found{PostID: x, MediaID: x, URL: x, CreatedAt: noon}
		}
	}
	p.Changes[0].Action = plan.Action(x)
	p.Changes[1].Kind = story.Kind(x)
	p.Diagnostics = infestedDiagnostics(x)
	return p
}

// infestedDiagnostics has a payload in every text.
func infestedDiagnostics(x string) diag.Diagnostics {
	d := diag.Diagnostic{
		Severity: diag.Error, Summary: x, Detail: x + "\n\n    " + x, Address: "story.a[" + x + "]", In: x,
		Values:  []diag.Value{{Expr: x, Text: x}},
		Subject: &diag.Range{Filename: x, Start: diag.Pos{Line: 1, Byte: 2}, End: diag.Pos{Line: 1, Byte: 9}},
	}
	bare := d
	bare.Subject, bare.Severity = nil, diag.Warning
	return diag.Diagnostics{d, bare}
}

// infestedState has a payload in every text.
func infestedState(x string) *state.Document {
	doc := document()
	for i := range doc.Stories {
		e := &doc.Stories[i]
		e.Address, e.Page, e.PageID = e.Address.At(x), e.Page.At(x), x
		e.Source, e.SHA256, e.MediaID, e.PostID, e.URL = x, x, x, x, x
		e.Labels = map[string]string{x: x}
		e.Failure = &state.Failure{At: noon, Op: x, Message: x, TraceID: x}
		e.Operation = &state.Operation{Run: x, StartedAt: noon, UploadURL: x}
		e.Resolution = &state.Resolution{At: noon, Who: x, Published: true, PostID: x}
	}
	doc.Stories[0].Status = story.Failed
	doc.Stories[1].Status = story.Status(x)
	return doc
}

// infestedEvents has a payload in every text.
func infestedEvents(x string) []story.Event {
	events := append(run(), story.Event{Time: noon, Kind: story.EventKind(x)})
	for i := range events {
		e := &events[i]
		if !e.Address.IsZero() {
			e.Address = e.Address.At(x)
		}
		e.Page, e.PageID, e.Message, e.PostID, e.URL = e.Page.At(x), x, x, x, x
	}
	return events
}

// sgr matches the colours that the screens use themselves.
var sgr = regexp.MustCompile(`\x1b\[[0-9;]+m`)

// checkVisible fails when out holds anything that isn't visible text.
func checkVisible(t *testing.T, out string) {
	t.Helper()
	if !utf8.ValidString(out) {
		t.Error("the output is not UTF-8")
	}
	marks := 0
	for i, r := range out {
		if isMark(r) {
			marks++
		} else {
			marks = 0
		}
		if r != '\n' && !visible(r) || marks > maxMarks {
			t.Fatalf("%q reached the output: …%q", r, out[max(0, i-40):min(len(out), i+20)])
		}
	}
}

// checkText fails when a line of a log could be taken for a command.
func checkText(t *testing.T, out string) {
	t.Helper()
	out = sgr.ReplaceAllString(out, "")
	checkVisible(t, out)
	for line := range strings.Lines(out) {
		if strings.HasPrefix(strings.TrimSpace(line), "::") {
			t.Errorf("a line is a workflow command: %q", line)
		}
		for _, command := range []string{"##[", "##vso[", "##teamcity["} {
			if strings.Contains(line, command) {
				t.Errorf("a line is a build command: %q", line)
			}
		}
	}
}

func TestHostileText(t *testing.T) {
	sources := func(x string) map[string][]byte { return map[string][]byte{x: []byte("xx" + x + "\nmore " + x)} }
	screens := map[string]func(w io.Writer, x string, o Options) error{
		"plan": func(w io.Writer, x string, o Options) error { return Plan(w, infested(x), o) },
		"diagnostics": func(w io.Writer, x string, o Options) error {
			return Diagnostics(w, infestedDiagnostics(x), sources(x), o)
		},
		"state": func(w io.Writer, x string, o Options) error { return State(w, infestedState(x), o) },
		"stories": func(w io.Writer, x string, o Options) error {
			rows := listed()
			for i := range rows {
				rows[i].Page, rows[i].Kind, rows[i].PostID, rows[i].URL = rows[i].Page.At(x), story.Kind(x), x, x
				rows[i].Address = rows[i].Page
			}
			rows[1].Page, rows[1].PageID = story.Address{}, x
			return Stories(w, rows, o)
		},
		"lines": func(w io.Writer, x string, o Options) error {
			p := Lines(w, o)
			for _, e := range infestedEvents(x) {
				p.Event(e)
			}
			return nil
		},
	}
	for name, draw := range screens {
		for i, x := range payloads {
			for _, o := range []Options{{}, {Color: true, Boxed: true, Verbose: true, Width: 200}, {Width: 1, Verbose: true}} {
				out := drawn(t, func(b *bytes.Buffer) error { return draw(b, x, o) })
				if checkText(t, string(out)); t.Failed() {
					t.Fatalf("%s with payload %d", name, i)
				}
			}
		}
	}
}

func TestHostileBars(t *testing.T) {
	for _, x := range payloads {
		var b bytes.Buffer
		p := Bars(&b, Options{})
		for _, e := range infestedEvents(x) {
			p.Event(e)
		}
		p.Close()
		checkText(t, strings.ReplaceAll(ansi.ReplaceAllString(b.String(), ""), "\r", ""))
	}
}

// inlineCode and its rest are what GitHub does not read as markdown.
var inlineCode = regexp.MustCompile("`[^`\n]*`")

// escaped matches characters that markdown takes for themselves only.
var escaped = regexp.MustCompile("\\\\[!-/:-@\\[-`{-~]|&#\\d+;")

// tag matches an HTML tag or comment.
var tag = regexp.MustCompile(`<(!--|/?[A-Za-z!][A-Za-z0-9]*)([^>]*)>`)

func TestHostileMarkdown(t *testing.T) {
	for _, x := range payloads {
		out := string(drawn(t, func(b *bytes.Buffer) error {
			return Markdown(b, infested(x), Options{Link: func(s string) string { return "https://ok.example/" + s }})
		}))
		if len(out) > maxMarkdown {
			t.Errorf("%q: %d bytes", x, len(out))
		}
		checkMarkdown(t, x, out)
	}
}

// checkMarkdown fails when the document has a structure that Markdown did
// not give it.
func checkMarkdown(t *testing.T, x, out string) {
	t.Helper()
	checkVisible(t, out)
	body := strings.TrimPrefix(out, Marker+"\n")
	fences, folds := 0, 0
	for line := range strings.Lines(body) {
		if strings.HasPrefix(line, "```") {
			fences++
			continue
		}
		if fences%2 == 1 {
			if strings.ContainsAny(line, "\"'<>;#[]{}()") || strings.Contains(line, "javascript:") || strings.HasPrefix(strings.TrimSpace(line), "click") {
				t.Errorf("%q: mermaid line %q", x, line)
			}
			continue
		}
		bare := inlineCode.ReplaceAllString(escaped.ReplaceAllString(line, "·"), "·")
		if cells := strings.Count(line, "|"); strings.HasPrefix(line, "|") && cells != 6 {
			t.Errorf("%q: a row with %d bars: %s", x, cells, line)
		}
		for _, m := range tag.FindAllStringSubmatch(bare, -1) {
			name := strings.TrimPrefix(m[1], "/")
			if !strings.Contains(" details summary b br sub code del ins ", " "+name+" ") || m[2] != "" && m[2] != " open" {
				t.Errorf("%q: the tag %s in %s", x, m[0], line)
			}
		}
		folds += strings.Count(bare, "<details") - strings.Count(bare, "</details>")
		if strings.HasPrefix(line, "<details") {
			bare = strings.NewReplacer("`", "", "](", "", "![", "", "]:", "").Replace(bare) // in HTML, markdown is not read
		}
		bare = regexp.MustCompile(`\]\(https://ok\.example/[^()\s<>|]*\)`).ReplaceAllString(bare, "]")
		for _, bad := range []string{"@everyone", "@acme", " #1", "x#2", "GH-1", "://evil", "www.evil", "](", "![", "]:", "`"} {
			if strings.Contains(bare, bad) {
				t.Errorf("%q: %s in %s", x, bad, line)
			}
		}
		if regexp.MustCompile(`^(> )?\s*(- |\d+\. |---|> > )`).MatchString(line) {
			t.Errorf("%q: a line begins with markup: %s", x, line)
		}
	}
	if fences%2 != 0 {
		t.Errorf("%q: a fence is not closed", x)
	}
	if folds != 0 {
		t.Errorf("%q: %d folds are not closed", x, folds)
	}
}

// htmlTags are the tags of the page and what attributes they may have.
var htmlTags = regexp.MustCompile(`^(!doctype|html|head|meta|title|style|body|header|h1|h2|h3|p|section|strong|code|pre|nav|ul|li|a|input|label|main|div|span|time|article|figure|figcaption|dl|dt|dd|del|ins|details|summary|footer|br)$`)
var htmlAttrs = regexp.MustCompile(`^(?:\s+(?:(?:class|id|lang|charset|name|content|http-equiv|for|type|title|role|aria-label|datetime|data-length|style|href)="[^"]*"|checked|html))*$`)

func TestHostileHTML(t *testing.T) {
	thumbnail := func(source string) (string, []byte) { return "image/png", []byte(source) }
	for _, x := range payloads {
		for _, mime := range []string{"image/png", "text/html", x} {
			o := Options{
				Thumbnail: func(s string) (string, []byte) { _, data := thumbnail(s); return mime, data },
				Link:      func(s string) string { return s },
			}
			out := string(drawn(t, func(b *bytes.Buffer) error { return HTML(b, infested(x), o) }))
			checkVisible(t, out)
			for _, m := range tag.FindAllStringSubmatch(out, -1) {
				name := strings.TrimPrefix(m[1], "/")
				if !htmlTags.MatchString(name) || !htmlAttrs.MatchString(m[2]) {
					t.Errorf("%q: the tag %s", x, m[0])
				}
			}
			for _, bad := range []string{`href="javascript`, `href="http:`, "data:text/html", "url(http"} {
				if strings.Contains(out[strings.Index(out, "<body>"):], bad) && bad != "url(http" || strings.Contains(styleSheet(out), bad) {
					t.Errorf("%q: %s in the page", x, bad)
				}
			}
		}
	}
}

func TestHostileJSON(t *testing.T) {
	for _, x := range payloads {
		out := drawn(t, func(b *bytes.Buffer) error { return JSON(b, infested(x)) })
		if !json.Valid(out) {
			t.Errorf("%q: not JSON", x)
		}
		checkVisible(t, string(out))
		lines := drawn(t, func(b *bytes.Buffer) error {
			l := NewJSONLines(b, func() time.Time { return noon }, Options{})
			for _, e := range infestedEvents(x) {
				if err := l.Event(e); err != nil {
					return err
				}
			}
			return l.Plan(infested(x))
		})
		checkVisible(t, string(lines))
		for line := range bytes.Lines(lines) {
			if !json.Valid(line) {
				t.Errorf("%q: not JSON: %s", x, line)
			}
		}
	}
}

func TestHostileAnnotations(t *testing.T) {
	command := regexp.MustCompile(`^::(error|warning) [^\n]*::[^\n]*$`)
	for _, x := range payloads {
		out := string(drawn(t, func(b *bytes.Buffer) error { return Annotations(b, infestedDiagnostics(x), x) }))
		checkVisible(t, out)
		lines := strings.Split(strings.TrimSuffix(out, "\n"), "\n")
		if got, want := len(lines), 2; got != want {
			t.Errorf("%q: got %d lines, want %d: %s", x, got, want, out)
		}
		for _, l := range lines {
			if !command.MatchString(l) {
				t.Errorf("%q: not a command: %s", x, l)
			}
			props, _, _ := strings.Cut(strings.TrimPrefix(l, "::"), "::")
			for prop := range strings.SplitSeq(strings.SplitN(props, " ", 2)[1], ",") {
				if name, _, _ := strings.Cut(prop, "="); !strings.Contains(" file line endLine col endColumn title ", " "+name+" ") {
					t.Errorf("%q: the property %q", x, prop)
				}
			}
		}
	}
}

func TestHostileTextStaysReadable(t *testing.T) {
	for _, tt := range [][2]string{
		{"plain text, 100 %", "plain text, 100 %"},
		{"ねこ é 🎄 👩‍👧 می\u200cخواهم", "ねこ é 🎄 👩‍👧 می\u200cخواهم"},
		{"a\tb", "a b"},
		{"a\x1b[31mb", `a\x1b[31mb`},
		{"a\nb\rc", `a\nb\rc`},
		{"\u202eabc", `\u202eabc`},
		{"\xff", `\xff`},
		{"\U000e0041", `\U000e0041`},
	} {
		if got := clean(tt[0]); got != tt[1] {
			t.Errorf("clean(%q): got %q, want %q", tt[0], got, tt[1])
		}
		if once := clean(tt[0]); clean(once) != once {
			t.Errorf("clean(%q) is not clean", tt[0])
		}
	}
}

// styleSheet is the style sheet of a page.
func styleSheet(out string) string {
	_, rest, _ := strings.Cut(out, "<style>")
	sheet, _, _ := strings.Cut(rest, "</style>")
	return sheet
}
