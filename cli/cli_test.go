package cli

import (
	"image"
	"image/color"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"storyform/internal/diag"
	"storyform/plan"
	"storyform/story"
)

// addr is a story's address.
func addr(name string) story.Address { return story.Address{Type: "story", Name: name} }

// part is a plan of four stories on two Pages: c comes after b, b after a, and
// far is on another Page; and what is known besides.
func part() (*plan.Plan, []subject) {
	acme, other := story.Address{Type: "page", Name: "acme"}, story.Address{Type: "page", Name: "other"}
	change := func(name string, page story.Address, a plan.Action, after ...story.Address) plan.Change {
		return plan.Change{Address: addr(name), Page: page, PageID: page.Name, Action: a, After: after}
	}
	p := &plan.Plan{
		Settings: plan.Settings{MaxPublish: 3},
		Pages:    []plan.Page{{Address: acme, ID: "1", Live: 2, Waiting: 1}, {Address: other, ID: "2", Live: 5}},
		Changes: []plan.Change{
			change("a", acme, plan.Publish), change("b", acme, plan.Publish, addr("a")), change("c", acme, plan.Schedule, addr("b")),
			change("far", other, plan.Publish), change("gone", acme, plan.Cancel, addr("a")), change("d", other, plan.Publish),
		},
		Moves:      []plan.Move{{From: addr("old"), To: addr("far")}},
		Updates:    []plan.Update{{Address: addr("a")}, {Address: addr("far")}},
		CancelsAll: true,
		Diagnostics: diag.Diagnostics{
			diag.Errorf("Wrong", "x").For(addr("far")), diag.Warnf("About the Page", "x").For(acme),
			diag.Warnf(bulkSummary, "4 at once"), diag.Warnf("General", "x"),
		},
	}
	p.Summary = plan.Summarize(p.Changes)
	var known []subject
	for _, c := range p.Changes {
		known = append(known, subject{c.Address, c.Page, map[string]string{"acme": "1", "other": "2"}[c.Page.Name], map[string]string{"name": c.Address.Name, "all": "yes"}})
	}
	return p, known
}

func TestFilter(t *testing.T) {
	tests := []struct {
		name  string
		flags filterFlags
		want  string
	}{
		{"with what it comes after", filterFlags{targets: []string{"story.c"}}, "a b c"},
		{"two", filterFlags{targets: []string{"story.a", "story.far"}}, "a far"},
		{"a Page", filterFlags{targets: []string{"page.other"}}, "far d"},
		{"without what comes after it", filterFlags{excludes: []string{"story.a"}}, "far gone d"},
		{"all but a Page", filterFlags{excludes: []string{"page.acme"}}, "far d"},
		{"exclusion wins", filterFlags{targets: []string{"story.c"}, excludes: []string{"story.a"}}, ""},
		{"Page by label", filterFlags{pages: []string{"other"}}, "far d"},
		{"Page by id", filterFlags{pages: []string{"2"}}, "far d"},
		{"Pages", filterFlags{pages: []string{"page.acme", "2"}}, "a b c far gone d"},
		{"label", filterFlags{labels: []string{"name=far"}}, "far"},
		{"labels narrow", filterFlags{labels: []string{"all", "name=b"}}, "a b"},
		{"kinds narrow", filterFlags{pages: []string{"acme"}, labels: []string{"name=far"}}, ""},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			p, known := part()
			before := plan.FingerprintOf(p.Changes)
			got, ds := filterPlan(p, &test.flags, known)
			if ds.HasErrors() {
				t.Fatal(ds)
			}
			var names []string
			for _, c := range got.Changes {
				names = append(names, c.Address.Name)
			}
			if strings.Join(names, " ") != test.want {
				t.Errorf("got %v, want %v", names, test.want)
			}
			if got.Fingerprint != plan.FingerprintOf(got.Changes) || plan.FingerprintOf(p.Changes) != before {
				t.Error("the fingerprint is not that of what is left, or the whole plan was changed")
			}
			for _, page := range got.Pages {
				if !slices.ContainsFunc(got.Changes, func(c plan.Change) bool { return c.Page == page.Address }) {
					t.Errorf("%s has nothing in the plan", page.Address)
				}
			}
		})
	}
}

// TestFilterLeavesOut checks that nothing of what is left out remains.
func TestFilterLeavesOut(t *testing.T) {
	p, known := part()
	got, ds := filterPlan(p, &filterFlags{targets: []string{"story.b"}}, known)
	if ds.HasErrors() {
		t.Fatal(ds)
	}
	if len(got.Moves) != 0 || len(got.Updates) != 1 || got.CancelsAll {
		t.Errorf("got moves %v, updates %v, cancels all %v; want none, one, false", got.Moves, got.Updates, got.CancelsAll)
	}
	if want := (plan.Summary{Publish: 2, Live: 2, Waiting: 1}); got.Summary != want {
		t.Errorf("got %+v, want %+v", got.Summary, want)
	}
	var summaries []string
	for _, d := range got.Diagnostics {
		summaries = append(summaries, d.Summary)
	}
	if diff := cmp.Diff([]string{"About the Page", "General", "Plan is limited to a part"}, summaries); diff != "" {
		t.Errorf("diagnostics (-want +got):\n%s", diff)
	}
}

func TestFilterUnknown(t *testing.T) {
	p, known := part()
	_, ds := filterPlan(p, &filterFlags{
		targets: []string{"story.gome", "x"}, excludes: []string{"page.othr"}, pages: []string{"acne"}, labels: []string{"nane=b"},
	}, known)
	var got []string
	for _, d := range ds {
		got = append(got, d.Summary)
	}
	want := []string{"Unknown address", "Invalid address", "Unknown address", "Unknown page", "Unknown label"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	for i, like := range map[int]string{0: "story.gone?", 2: "page.other?", 3: "acme?", 4: "name=b?"} {
		if !strings.Contains(ds[i].Detail, like) {
			t.Errorf("got %q, want %q in it", ds[i].Detail, like)
		}
	}
}

// TestBulkSummaries keeps the filter's idea of package plan's messages true.
func TestBulkSummaries(t *testing.T) {
	text, err := os.ReadFile(filepath.Join("..", "plan", "rules.go"))
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range []string{bulkSummary, cancelAllSummary} {
		if !strings.Contains(string(text), `diag.Warnf("`+s+`"`) {
			t.Errorf("package plan does not warn of %q", s)
		}
	}
}

func TestSplitWords(t *testing.T) {
	for text, want := range map[string][]string{
		"": nil, "  ": nil, "-a -b=c": {"-a", "-b=c"}, `-var "x=two words"`: {"-var", "x=two words"}, `-var='x=["a"]' -y`: {`-var=x=["a"]`, "-y"}, `""`: {""}, "a\tb\nc": {"a", "b", "c"},
	} {
		if diff := cmp.Diff(want, splitWords(text)); diff != "" {
			t.Errorf("%q (-want +got):\n%s", text, diff)
		}
	}
}

func TestMask(t *testing.T) {
	a := &app{Env: Env{Environ: []string{
		"STORYFORM_TOKEN=tok-0123456789", "STORYFORM_TOKEN_ACME=tok-0123456789-longer", "ACME_PAGE=declared-token-env", "AWS_SECRET_ACCESS_KEY=aws/secret+key",
		"STORYFORM_HTTP_PASSWORD=hunter22", "HOME=/home/someone", "API_KEY=short",
	}}, tokenEnvs: []string{"ACME_PAGE"}}
	eaa := "EAA" + strings.Repeat("b", 60)
	age := "AGE-SECRET-KEY-1" + strings.Repeat("Q9", 29)
	text := age + " AGE-SECRET-KEY-PQ-1QQQQQQQQQQ AGE-SECRET-KEY-… tok-0123456789-longer tok-0123456789 declared-token-env aws/secret+key hunter22 /home/someone short " + eaa + " access_token=x&y \x1b[31m"
	got := a.mask(text)
	want := "******** ******** AGE-SECRET-KEY-… ******** ******** ******** ******** ******** /home/someone short ******** ********&y \\x1b[31m"
	if got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

// TestUpright turns a picture of 2 x 3 pixels, whose first row is red and
// green, for each orientation of EXIF: the pixel that was first must come to
// lie where the standard says.
func TestUpright(t *testing.T) {
	red, green := color.RGBA{R: 255, A: 255}, color.RGBA{G: 255, A: 255}
	src := image.NewRGBA(image.Rect(0, 0, 2, 3))
	src.SetRGBA(0, 0, red)
	src.SetRGBA(1, 0, green)
	for orientation, want := range map[int][4]int{ // red x, y, green x, y
		1: {0, 0, 1, 0}, 2: {1, 0, 0, 0}, 3: {1, 2, 0, 2}, 4: {0, 2, 1, 2},
		5: {0, 0, 0, 1}, 6: {2, 0, 2, 1}, 7: {2, 1, 2, 0}, 8: {0, 1, 0, 0},
	} {
		got := upright(src, orientation)
		if got.At(want[0], want[1]) != red || got.At(want[2], want[3]) != green {
			t.Errorf("orientation %d: red and green are not at %v", orientation, want)
		}
	}
}

func TestShrunk(t *testing.T) {
	for _, size := range [][4]int{{1080, 1920, 180, 320}, {1920, 1080, 320, 180}, {100, 50, 100, 50}, {1, 9000, 1, 320}} {
		got := shrunk(image.NewRGBA(image.Rect(0, 0, size[0], size[1]))).Bounds()
		if got.Dx() != size[2] || got.Dy() != size[3] {
			t.Errorf("%d x %d: got %v, want %d x %d", size[0], size[1], got, size[2], size[3])
		}
	}
}

// TestInProcess runs the program without a process of its own.
func TestInProcess(t *testing.T) {
	out, _, code := runIn(t, t.TempDir(), time.Date(2026, 12, 20, 2, 0, 0, 0, time.UTC), "version")
	if code != 0 || !strings.HasPrefix(out, "storyform ") {
		t.Errorf("got %d, %q", code, out)
	}
}

func TestSeldom(t *testing.T) {
	s := &seldom{last: map[story.Address]time.Time{}}
	start := time.Date(2026, 12, 20, 2, 0, 0, 0, time.UTC)
	for _, test := range []struct {
		name    string
		elapsed time.Duration
		want    bool
	}{
		{"a", time.Second, false}, {"a", 11 * time.Second, true}, {"b", 12 * time.Second, true}, {"a", 15 * time.Second, false},
		{"a", 22 * time.Second, true}, {"b", 21 * time.Second, false},
	} {
		if got := s.worth(story.Event{Address: addr(test.name), Time: start.Add(test.elapsed), Elapsed: test.elapsed}); got != test.want {
			t.Errorf("%s after %s: got %v, want %v", test.name, test.elapsed, got, test.want)
		}
	}
}
