package cli

import (
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"storyform/config"
	"storyform/render"
	"storyform/story"
)

// graphCommand draws which story comes after which.
func graphCommand(a *app) *cobra.Command {
	var f configFlags
	var format string
	cmd := &cobra.Command{
		Use:   "graph",
		Short: "Draw which story comes after which, by Page, as DOT or mermaid",
		Long: `Draws the stories of each Page and what they come after. Without more, the
language is DOT, for Graphviz; mermaid is drawn by GitHub and GitLab in a
comment or a file.

    storyform graph | dot -Tsvg > graph.svg`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, args []string) error {
			draw, ok := graphFormats[format]
			if !ok {
				return fail("Unknown format", "There is no format %q for graphs. The formats are dot and mermaid.", format)
			}
			cfg, err := a.loadOfflineConfig(cmd.Context(), &f)
			if err != nil {
				return err
			}
			return draw(a.Stdout, graphOf(cfg))
		},
	}
	f.register(cmd.Flags())
	cmd.Flags().StringVar(&format, "format", "dot", "the language, `dot|mermaid`")
	return cmd
}

// graphFormats maps the languages to what draws them.
var graphFormats = map[string]func(io.Writer, []graphPage) error{"dot": drawDOT, "mermaid": drawMermaid}

// graphPage is a Page with its stories, in source order.
type graphPage struct {
	page    story.Page
	stories []*story.Desired
}

// graphOf groups the stories by Page. A Page without stories is in the graph,
// too.
func graphOf(cfg *config.Config) []graphPage {
	pages := make([]graphPage, len(cfg.Pages))
	at := make(map[story.Address]int, len(cfg.Pages))
	for i, p := range cfg.Pages {
		pages[i].page, at[p.Address] = p, i
	}
	for i := range cfg.Stories {
		d := &cfg.Stories[i]
		if j, ok := at[d.Page.Address]; ok {
			pages[j].stories = append(pages[j].stories, d)
		}
	}
	return pages
}

// localTime is when a story is due, in its Page's zone.
func localTime(d *story.Desired) string {
	at := d.PublishAt.In(d.Page.Location())
	return at.Format("Mon 2 Jan 2006 15:04 ") + story.ZoneName(at)
}

// storyLabel is what is written into a story's box, line by line.
func storyLabel(d *story.Desired) []string {
	when := "at the first apply"
	if !d.PublishAt.IsZero() {
		when = localTime(d)
	}
	return []string{render.Clean(d.Address.String()), string(d.Kind) + ", " + when}
}

// drawDOT draws for Graphviz.
func drawDOT(w io.Writer, pages []graphPage) error {
	var b strings.Builder
	b.WriteString("digraph storyform {\n  rankdir = \"LR\"\n  node [shape = \"box\"]\n")
	for i, p := range pages {
		fmt.Fprintf(&b, "\n  subgraph \"cluster_%d\" {\n    label = %s\n", i, dotQuote(render.Clean(p.page.Address.String())))
		if len(p.stories) == 0 {
			fmt.Fprintf(&b, "    %s [shape = \"plaintext\"; label = \"no stories\"]\n", dotQuote(p.page.Address.String()))
		}
		for _, d := range p.stories {
			fmt.Fprintf(&b, "    %s [label = %s]\n", dotQuote(d.Address.String()), dotQuote(strings.Join(storyLabel(d), "\n")))
		}
		b.WriteString("  }\n")
	}
	b.WriteString("\n")
	for _, p := range pages {
		for _, d := range p.stories {
			for _, before := range d.After {
				fmt.Fprintf(&b, "  %s -> %s\n", dotQuote(before.String()), dotQuote(d.Address.String()))
			}
		}
	}
	b.WriteString("}\n")
	_, err := io.WriteString(w, b.String())
	return err
}

// dotQuote is a string of DOT: only quotes and backslashes are special in it,
// and line breaks are written as \n.
func dotQuote(s string) string {
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\n", `\n`).Replace(s) + `"`
}

// drawMermaid draws for mermaid.
func drawMermaid(w io.Writer, pages []graphPage) error {
	var b strings.Builder
	b.WriteString("flowchart LR\n")
	ids := map[story.Address]string{}
	for i, p := range pages {
		fmt.Fprintf(&b, "  subgraph p%d[\"%s\"]\n", i, mermaidText(p.page.Address.String()))
		if len(p.stories) == 0 {
			fmt.Fprintf(&b, "    p%dn[\"no stories\"]\n", i)
		}
		for _, d := range p.stories {
			ids[d.Address] = "s" + strconv.Itoa(len(ids))
			lines := storyLabel(d)
			fmt.Fprintf(&b, "    %s[\"%s<br>%s\"]\n", ids[d.Address], mermaidText(lines[0]), mermaidText(lines[1]))
		}
		b.WriteString("  end\n")
	}
	for _, p := range pages {
		for _, d := range p.stories {
			for _, before := range d.After {
				if ids[before] != "" {
					fmt.Fprintf(&b, "  %s --> %s\n", ids[before], ids[d.Address])
				}
			}
		}
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// mermaidText writes every character that mermaid or HTML could take for
// something else as its entity.
func mermaidText(s string) string {
	var b strings.Builder
	for _, r := range render.Clean(s) {
		if strings.ContainsRune("\"&<>#;`\\[]{}()|", r) {
			fmt.Fprintf(&b, "#%d;", r)
		} else {
			b.WriteRune(r)
		}
	}
	return b.String()
}
