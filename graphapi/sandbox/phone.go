package sandbox

import (
	"bytes"
	"fmt"
	"html/template"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"time"
)

// How much the page for people shows.
const (
	phonesShown   = 24 // stories a Page
	requestsShown = 25
)

// phone is one story on the page for people.
type phone struct {
	Story
	Published string // UTC
	Left      string // time left, or what became of it
	Photo     bool   // its picture is in the spool
}

// shelf is one Page on the page for people.
type shelf struct {
	Page
	Live, All int
	Phones    []phone
}

// servePhones draws each Page's stories as a phone shows them.
func (s *Server) servePhones(w http.ResponseWriter, _ *http.Request) {
	now := s.Now()
	var shelves []shelf
	for _, p := range s.Pages() {
		shelves = append(shelves, s.shelf(p, now))
	}
	requests := s.Requests()
	requests = requests[max(0, len(requests)-requestsShown):]
	slices.Reverse(requests)
	var buf bytes.Buffer
	err := phonePage.Execute(&buf, map[string]any{
		"Now": now.UTC().Format("2006-01-02 15:04:05 UTC"), "Shelves": shelves, "Requests": requests, "Faults": s.Faults(),
	})
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Content-Security-Policy", "default-src 'none'; img-src 'self'; style-src 'unsafe-inline'; form-action 'self'; frame-ancestors 'none'")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("Cache-Control", "no-store")
	w.Write(buf.Bytes())
}

// shelf collects the newest stories of a Page.
func (s *Server) shelf(p Page, now time.Time) shelf {
	out := shelf{Page: p}
	stories := s.Stories(p.ID)
	slices.Reverse(stories)
	out.All = len(stories)
	for _, st := range stories {
		if st.Status == "published" {
			out.Live++
		}
		if len(out.Phones) < phonesShown {
			out.Phones = append(out.Phones, phone{
				Story: st, Published: st.CreatedAt.UTC().Format("2006-01-02 15:04:05"), Left: left(st, now),
				Photo: st.Kind == "photo" && s.spooled(st.SHA256),
			})
		}
	}
	return out
}

// spooled reports whether the spool holds a photo.
func (s *Server) spooled(sha string) bool {
	if s.opts.Spool == "" || !isSHA256(sha) {
		return false
	}
	_, err := os.Stat(filepath.Join(s.opts.Spool, sha))
	return err == nil
}

// left says how long a story will still be visible, or what became of it.
func left(st Story, now time.Time) string {
	if st.Status != "published" {
		return st.Status
	}
	d := st.CreatedAt.Add(storyLifetime).Sub(now).Round(time.Minute)
	return fmt.Sprintf("%d h %02d min left", d/time.Hour, d%time.Hour/time.Minute)
}

// phonePage is the page for people. It needs no script and nothing from
// elsewhere.
var phonePage = template.Must(template.New("phones").Parse(`<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="refresh" content="10"><title>storyform simulator</title>
<style>
:root { color-scheme: light dark; font: 15px/1.45 system-ui, sans-serif; }
body { margin: 2rem auto; max-width: 76rem; padding: 0 1rem; }
h1 { font-size: 1.4rem; margin-bottom: 0; } h2 { font-size: 1.1rem; margin: 2rem 0 .75rem; }
.quiet { opacity: .7; } code { font-size: .85em; }
.shelf { display: grid; grid-template-columns: repeat(auto-fill, minmax(9.5rem, 1fr)); gap: 1rem; list-style: none; padding: 0; }
.phone { aspect-ratio: 9 / 16; border: .35rem solid #222; border-radius: 1.1rem; overflow: hidden; position: relative; background: linear-gradient(160deg, #3b5998, #16213e); color: #fff; }
.phone img { width: 100%; height: 100%; object-fit: cover; display: block; }
.phone .kind { position: absolute; inset: 0; display: grid; place-items: center; font-size: 1.1rem; }
.phone .left { position: absolute; left: 0; right: 0; bottom: 0; padding: .3rem .5rem; font-size: .8rem; background: rgb(0 0 0 / .55); }
.gone .phone { filter: grayscale(1); opacity: .5; }
.facts { font-size: .8rem; overflow-wrap: anywhere; margin: .3rem 0 0; }
.scroll { overflow-x: auto; } table { border-collapse: collapse; font-size: .85rem; }
td, th { text-align: left; padding: .15rem .6rem .15rem 0; white-space: nowrap; }
</style></head><body>
<h1>storyform simulator</h1>
<p class="quiet">{{.Now}}. Nothing here is on Facebook.</p>
<form method="post" action="/_sandbox/advance"><button name="by" value="1h">1 hour on</button> <button name="by" value="24h">24 hours on</button></form>
{{range .Shelves}}<h2>{{.Name}} <span class="quiet">{{.ID}}: {{.Live}} live, {{.All}} in all{{if .ArchiveOff}}, archive off{{end}}</span></h2>
<ul class="shelf">{{range .Phones}}<li class="{{if ne .Status "published"}}gone{{end}}">
<div class="phone">{{if .Photo}}<img src="/_sandbox/photos/{{.SHA256}}" alt="photo {{.MediaID}}">{{else}}<div class="kind">{{.Kind}}</div>{{end}}<div class="left">{{.Left}}</div></div>
<p class="facts">{{.Kind}}{{if .ByHand}}, made by hand{{end}}<br><time>{{.Published}}</time> UTC<br>media <code>{{.MediaID}}</code><br>post <code>{{.PostID}}</code></p></li>
{{else}}<li class="quiet">No stories yet.</li>{{end}}</ul>
{{else}}<p>No Pages yet. They appear when somebody asks for them.</p>{{end}}
{{with .Faults}}<h2>Faults</h2><ul>{{range .}}<li><code>{{.String}}</code> <span class="quiet">{{.Hits}} hits, {{.Seen}} seen</span></li>{{end}}</ul>{{end}}
{{with .Requests}}<h2>Requests</h2><div class="scroll"><table><tr><th>#</th><th>time</th><th>edge</th><th>page</th><th>status</th><th>outcome</th><th>media</th><th>fault</th></tr>
{{range .}}<tr><td>{{.N}}</td><td>{{.Time.Format "15:04:05"}}</td><td>{{.Edge}}</td><td>{{.Page}}</td><td>{{if .Status}}{{.Status}}{{else}}none{{end}}</td><td>{{.Outcome}}{{if .Public}}, public{{end}}{{if .Code}} #{{.Code}}{{if .Subcode}}/{{.Subcode}}{{end}}{{end}}{{if .Type}} {{.Type}}{{end}}</td><td>{{.Media}}</td><td>{{.Fault}}</td></tr>
{{end}}</table></div>{{end}}
</body></html>
`))
