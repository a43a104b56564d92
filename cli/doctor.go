package cli

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"storyform/apply"
	"storyform/config"
	"storyform/graphapi"
	"storyform/plan"
	"storyform/render"
)

// doctorFlags are the flags of doctor.
type doctorFlags struct {
	config    configFlags
	remote    remoteFlags
	checkURLs bool
}

// doctorCommand checks everything that an apply will need.
func doctorCommand(a *app) *cobra.Command {
	var f doctorFlags
	cmd := &cobra.Command{
		Use:   "doctor",
		Short: "Check tokens, Pages, permissions, clock, API version and state",
		Long: `Checks everything that an apply will need, and says for each thing what to do.
It publishes nothing. Exits with 1 when something would keep an apply from
working; run it every night in CI to learn of a dying token before it is dead.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, args []string) error { return a.runDoctor(cmd.Context(), &f) },
	}
	f.config.register(cmd.Flags())
	f.remote.register(cmd.Flags())
	cmd.Flags().BoolVar(&f.checkURLs, "check-urls", true, "ask the servers of hosted files whether Meta could fetch them")
	return cmd
}

// checkup collects what doctor finds.
type checkup struct {
	a      *app
	failed bool
}

// The verdicts of a check.
const (
	healthy = "ok"
	warned  = "warning"
	broken  = "error"
)

// tell prints one verdict, with what to do when there is something.
func (c *checkup) tell(verdict, what, do string) {
	c.failed = c.failed || verdict == broken
	c.a.hang(fmt.Sprintf("%-8s ", verdict), what)
	if do != "" {
		c.a.hang("         What to do: ", do)
	}
}

// runDoctor is the command doctor.
func (a *app) runDoctor(ctx context.Context, f *doctorFlags) error {
	c := &checkup{a: a}
	cfg, err := a.load(ctx, &f.config)
	if err != nil {
		return err
	}
	c.tell(healthy, fmt.Sprintf("the configuration is valid: %s on %s", count(len(cfg.Stories), "story", "stories"), count(len(cfg.Pages), "Page", "Pages")), "")
	c.state(ctx, cfg)
	pages, err := a.remote(ctx, cfg.Settings.APIVersion)
	if err != nil {
		return err
	}
	for _, p := range planPages(cfg.Pages) {
		c.page(ctx, pages, p)
	}
	c.served(pages.Served(), cfg.Settings.APIVersion)
	if f.checkURLs {
		a.diagnose(a.checkURLs(ctx, cfg))
	}
	if c.failed {
		return exit(apply.ExitError)
	}
	return nil
}

// state checks that the state can be read.
func (c *checkup) state(ctx context.Context, cfg *config.Config) {
	store, err := c.a.openStore(ctx, cfg)
	if err == nil {
		doc, readErr := c.a.readState(ctx, store)
		if readErr == nil {
			readErr = cmp.Or(c.a.checkNotRewound(store, doc), c.a.checkNotGone(store, doc))
		}
		if readErr == nil {
			c.tell(healthy, fmt.Sprintf("the state %s can be read: %s, serial %d", store, count(len(doc.Stories), "story", "stories"), doc.Serial), "")
			if verdict, what, do := encryption(store, cfg); what != "" {
				c.tell(verdict, what, do)
			}
			return
		}
		err = readErr
	}
	for _, d := range asExit(err).diags {
		c.tell(broken, d.Summary+": "+d.Detail, "")
	}
}

// page checks the token of a Page, its permissions, and that it can be read.
func (c *checkup) page(ctx context.Context, pages *apply.Pages, p plan.Page) {
	name := p.Address.String()
	page, err := pages.Connect(ctx, p)
	if err != nil {
		c.tell(broken, name+": "+withoutHint(err), graphapi.Hint(err))
		return
	}
	info, _ := page.Prepare(ctx) // answers from memory by now
	c.tell(healthy, fmt.Sprintf("%s is %q, and the token is that of a %s", name, info.Name, info.TokenKind), "")
	c.token(ctx, page, name)
	if info.TokenKind == graphapi.UserToken {
		c.permissions(ctx, page, name)
	}
	stories, err := page.Stories(ctx, graphapi.ListOptions{Since: c.a.Clock.Now().Add(-25 * time.Hour)})
	if err != nil {
		c.tell(broken, name+": its stories can't be listed: "+withoutHint(err), graphapi.Hint(err))
		return
	}
	archived := slices.ContainsFunc(stories, func(s graphapi.Story) bool { return !s.Published() })
	text := fmt.Sprintf("%s lists %s of the last 25 hours", name, count(len(stories), "story", "stories"))
	if archived {
		text += ", archived ones among them: its archive is on"
	}
	c.tell(healthy, text, "")
}

// expiresSoon is when doctor begins to warn of a token's end.
const expiresSoon = 14 * 24 * time.Hour

// token checks how long the configured token is good for. Meta does not tell
// that to every token, which proves nothing.
func (c *checkup) token(ctx context.Context, page *graphapi.Page, name string) {
	info, err := page.DebugToken(ctx)
	now := c.a.Clock.Now()
	switch {
	case err != nil:
		c.tell(warned, name+": when its token ends can't be told: "+withoutHint(err), "")
		return
	case !info.Valid:
		c.tell(broken, name+": its token is not valid: "+info.Problem, "make a new Page token and store it where token_env says")
		return
	}
	for _, end := range []struct {
		at   time.Time
		what string
	}{{info.ExpiresAt, "its token expires"}, {info.DataUntil, "its token's access to data ends"}} {
		if !end.at.IsZero() && end.at.Sub(now) < expiresSoon {
			c.tell(warned, fmt.Sprintf("%s: %s on %s, in %s", name, end.what, end.at.UTC().Format("2 Jan 2006 15:04 MST"), render.Duration(end.at.Sub(now))),
				"let its person use the app again, or make a new token; a Page token made from a long-lived user token does not expire")
		}
	}
	if info.ExpiresAt.IsZero() {
		c.tell(healthy, name+": its token does not expire by itself", "")
	}
}

// permissions checks what a user's token is allowed.
func (c *checkup) permissions(ctx context.Context, page *graphapi.Page, name string) {
	granted, err := page.Permissions(ctx)
	if err != nil {
		c.tell(warned, name+": the token's permissions can't be told: "+withoutHint(err), "")
		return
	}
	var missing []string
	for _, p := range []string{"pages_manage_posts", "pages_read_engagement", "pages_show_list"} {
		if granted[p] != "granted" {
			missing = append(missing, p)
		}
	}
	if len(missing) > 0 {
		c.tell(broken, name+": the token lacks "+strings.Join(missing, ", "), "grant the app these permissions and make a new token")
		return
	}
	c.tell(healthy, name+": the token has all permissions that stories need", "")
}

// maxSkew is how far the clocks may be apart before it matters.
const maxSkew = time.Minute

// served checks the version that answered, and the clock.
func (c *checkup) served(s graphapi.Served, want string) {
	switch {
	case s.Version == "":
	case s.Version != want:
		c.tell(warned, fmt.Sprintf("the API answered with %s, and api_version is %s: that version is gone", s.Version, want), "set api_version to a version that is still served")
	default:
		c.tell(healthy, "the API answers with "+s.Version, "")
	}
	if skew := s.Skew.Abs(); skew > maxSkew {
		c.tell(warned, fmt.Sprintf("this machine's clock is %s apart from Meta's", render.Duration(skew)), "synchronise the clock: stories go out by it")
	}
}

// withoutHint is an error's text without what to do about it.
func withoutHint(err error) string {
	return strings.TrimSuffix(err.Error(), "; what to do: "+graphapi.Hint(err))
}
