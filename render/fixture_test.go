package render

import (
	"bytes"
	"flag"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"storyform/internal/diag"
	"storyform/plan"
	"storyform/state"
	"storyform/story"
)

var update = flag.Bool("update", false, "write the golden files anew")

// golden compares got with a file of testdata.
func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	file := filepath.Join("testdata", name)
	if *update {
		if err := os.MkdirAll("testdata", 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, got, 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), string(got)); diff != "" {
		t.Errorf("%s differs (-want +got); run go test ./render -update and review it:\n%s", name, diff)
	}
}

// drawn returns what draw writes.
func drawn(t *testing.T, draw func(b *bytes.Buffer) error) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := draw(&b); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// at reads an instant.
func at(s string) time.Time {
	t, err := time.Parse(time.RFC3339, s)
	if err != nil {
		panic(err)
	}
	return t.UTC()
}

// addr reads an address.
func addr(s string) story.Address {
	a, err := story.ParseAddress(s)
	if err != nil {
		panic(err)
	}
	return a
}

const (
	pageID = "104857600000001"
	pageSG = "104857600000002"
	sha1st = "3f2a91c04b7e5d1186a0c9e2f4b3d7a85162738495a6b7c8d9e0f1a2b3c4d5e6"
	sha2nd = "77bc02de11804c5f9a3b6e8d7c2f1a0b9e8d7c6b5a493827160f5e4d3c2b1a09"
)

// noon is the time of the fixtures: 09:14 in Jakarta.
var noon = at("2026-12-20T09:14:00+07:00")

// photo and video are the media of the fixtures.
func photo(w, h int, n int64) story.Media {
	return story.Media{Kind: story.Photo, Format: "jpeg", Bytes: n, Width: w, Height: h}
}

func video(d time.Duration, n int64) story.Media {
	return story.Media{Kind: story.Video, Format: "mp4", Bytes: n, Width: 1080, Height: 1920, Duration: d, FPS: 30, Codec: "h264", AudioCodec: "aac"}
}

// campaign is a plan with every action in it, on two Pages and a third that
// is not in the configuration.
func campaign() *plan.Plan {
	id, sg := addr(`page.acme["id"]`), addr(`page.acme["sg"]`)
	p := &plan.Plan{
		FormatVersion: plan.FormatVersion, Tool: "0.1.0", CreatedAt: noon, Fingerprint: "p2-7f3a9c",
		Lineage: "b2f1c3", Serial: 12, Refreshed: true,
		Settings: plan.Settings{APIVersion: "v25.0", SettleAfter: 5 * time.Minute, MaxPublish: 20},
		Pages: []plan.Page{
			{Address: id, ID: pageID, Timezone: "Asia/Jakarta", Live: 2, Unmanaged: 2, Waiting: 8,
				Next: &plan.Next{Address: addr(`story.gift["id"]`), PublishAt: at("2026-12-21T12:26:00+07:00")}},
			{Address: sg, ID: pageSG, Timezone: "Asia/Singapore", Live: 1, Waiting: 1},
		},
	}
	change := func(a plan.Action, name string, page story.Address, pageID string, m story.Media, src, when, reason string) plan.Change {
		c := plan.Change{
			Address: addr(name), Action: a, Reason: reason, Page: page, PageID: pageID, Kind: m.Kind, Source: src,
			SHA256: sha1st, Bytes: m.Bytes, Media: m, Revision: 1, Declared: true, Order: len(p.Changes),
			Range: &diag.Range{Filename: "xmas.story.hcl", Start: diag.Pos{Line: 10 + len(p.Changes), Column: 1}},
		}
		if when != "" {
			c.PublishAt = at(when)
			c.NotAfter = c.PublishAt.Add(story.DefaultWindow)
		}
		return c
	}
	add := func(c plan.Change, more ...func(*plan.Change)) {
		for _, f := range more {
			f(&c)
		}
		p.Changes = append(p.Changes, c)
	}
	add(change(plan.Publish, `story.outage["id"]`, id, pageID, photo(1080, 1920, 388_112), "media/outage.png", "", ""),
		func(c *plan.Change) { c.NotAfter = at("2026-12-20T18:00:00+07:00"); c.Revision = 2 })
	add(change(plan.Missed, `story.dawn["id"]`, id, pageID, photo(1080, 1920, 388_112), "media/dawn.jpg", "2026-12-20T05:00:00+07:00",
		"its window closed at Sun 20 Dec 07:00 WIB, 2h14m ago, and it is not published any more"))
	add(change(plan.Publish, `story.teaser["id"]`, id, pageID, photo(1080, 1920, 412_334), "media/xmas/teaser-id.jpg", "2026-12-20T09:00:00+07:00",
		"+14m late, inside its window"), func(c *plan.Change) { c.Labels = map[string]string{"campaign": "xmas"} })
	add(change(plan.Schedule, `story.reveal["id"]`, id, pageID, video(14200*time.Millisecond, 8_123_456), "media/xmas/reveal.mp4", "2026-12-20T09:20:00+07:00", ""),
		func(c *plan.Change) { c.After = []story.Address{addr(`story.teaser["id"]`)} })
	add(change(plan.Modify, `story.promo["id"]`, id, pageID, photo(1080, 1920, 1_204_000), "media/xmas/promo-v2.jpg", "2026-12-20T19:30:00+07:00", ""),
		func(c *plan.Change) {
			c.SHA256 = sha2nd
			c.Diffs = []plan.Diff{
				{Attribute: "sha256", Old: sha1st, New: sha2nd},
				{Attribute: "source", Old: "media/xmas/promo.jpg", New: "media/xmas/promo-v2.jpg"},
				{Attribute: "publish_at", Old: "2026-12-20T18:00:00+07:00", New: "2026-12-20T19:30:00+07:00"},
				{Attribute: "labels", Old: `note="20% off everything until Sunday"`, New: `note="30% off shoes until Sunday"`},
			}
		})
	add(change(plan.Cancel, `story.old["id"]`, id, pageID, photo(0, 0, 0), "media/old.jpg", "2026-12-20T20:00:00+07:00", "its block is gone; nothing was published"),
		func(c *plan.Change) { c.Declared = false; c.Range = nil })
	add(change(plan.Note, `story.hello["id"]`, id, pageID, photo(1080, 1920, 400_000), "media/hello.jpg", "2026-12-19T20:00:00+07:00",
		"it went out at Sat 19 Dec 20:00 WIB and can't be edited; it stays visible until Sun 20 Dec 20:00 WIB. Set revision = 2 to publish the new version as well"),
		func(c *plan.Change) {
			c.ExpiresAt = at("2026-12-20T20:00:00+07:00")
			c.Diffs = []plan.Diff{{Attribute: "sha256", Old: sha1st, New: sha2nd}}
		})
	add(change(plan.Settle, `story.teaser["sg"]`, sg, pageSG, photo(1080, 1920, 409_000), "media/xmas/teaser-sg.jpg", "2026-12-20T09:00:00+08:00",
		"a publish call was made and its answer was lost; the Page does not list it yet"))
	add(change(plan.Resume, `story.reveal["sg"]`, sg, pageSG, video(65*time.Second, 48_000_000), "media/xmas/reveal.mp4", "2026-12-20T09:05:00+08:00",
		"the upload was interrupted; the server holds 20000000 of 48000000 bytes"),
		func(c *plan.Change) { c.Offset = 20_000_000; c.After = []story.Address{addr(`story.teaser["sg"]`)} })
	add(change(plan.Adopt, `story.gift["sg"]`, sg, pageSG, photo(0, 0, 300_000), "media/xmas/gift.jpg", "2026-12-20T08:00:00+08:00",
		"the Page lists our media_id 120000000000003: it was published, and its answer was lost"),
		func(c *plan.Change) {
			c.Found = &plan.Found{PostID: "122000000000003", MediaID: "120000000000003", URL: "https://facebook.com/stories/1/abc", CreatedAt: at("2026-12-20T08:00:07+08:00")}
			c.ExpiresAt = c.Found.CreatedAt.Add(story.Lifetime)
		})
	add(change(plan.Forget, `story.bye`, addr("page.former"), "104857600000009", photo(0, 0, 200_000), "media/bye.jpg", "2026-12-20T01:00:00Z",
		"its block is gone; the story stays visible until Mon 21 Dec 01:00 UTC and can't be removed through the API"),
		func(c *plan.Change) { c.ExpiresAt = at("2026-12-21T01:00:04Z"); c.Declared = false; c.Range = nil })
	p.Summary = plan.Summarize(p.Changes)
	p.Summary.Waiting, p.Summary.Live = 9, 3
	p.Diagnostics = diag.Diagnostics{
		diag.Warnf("Same file twice on one Page", "%s shows the same file as %s.", `story.outage["id"]`, `story.dawn["id"]`).
			At(diag.Range{Filename: "xmas.story.hcl", Start: diag.Pos{Line: 10, Column: 1}, End: diag.Pos{Line: 10, Column: 10}}),
	}
	return p
}

// quiet is a plan without changes.
func quiet() *plan.Plan {
	p := campaign()
	p.Changes, p.Diagnostics = nil, nil
	p.Summary = plan.Summary{Waiting: 9, Live: 3}
	return p
}

// document is a state with entries in several statuses.
func document() *state.Document {
	id := addr(`page.acme["id"]`)
	entry := func(name string, st story.Status, when string) state.Entry {
		e := state.Entry{
			Address: addr(name), Page: id, PageID: pageID, Kind: story.Photo, Source: "media/" + addr(name).Name + ".jpg",
			SHA256: sha1st, Bytes: 412_334, Revision: 1, Status: st, RegisteredAt: at("2026-12-18T10:00:00Z"),
			PublishAt: at(when), NotAfter: at(when).Add(story.DefaultWindow),
		}
		if st.Out() {
			e.MediaID, e.PostID, e.URL = "120000000000001", "122000000000001", "https://facebook.com/stories/1/abc"
			e.PublishedAt = e.PublishAt.Add(3 * time.Second)
			e.ExpiresAt = e.PublishedAt.Add(story.Lifetime)
		}
		return e
	}
	doc := &state.Document{Version: 1, Lineage: "b2f1c3", Serial: 12}
	doc.Stories = append(doc.Stories,
		entry(`story.gift["id"]`, story.Scheduled, "2026-12-21T12:26:00+07:00"),
		entry(`story.hello["id"]`, story.Live, "2026-12-19T20:00:00+07:00"),
		entry(`story.teaser["id"]`, story.Unknown, "2026-12-20T09:00:00+07:00"),
		entry(`story.xmas["id"]`, story.Archived, "2026-12-10T09:00:00+07:00"),
	)
	doubt := &doc.Stories[2]
	doubt.MediaID = "120000000000002"
	doubt.Operation = &state.Operation{
		Run: "run-42", StartedAt: at("2026-12-20T02:00:01Z"), UploadedAt: at("2026-12-20T02:00:03Z"), Attempt: 1, AttemptAt: at("2026-12-20T02:00:04Z"),
	}
	doubt.Failure = &state.Failure{At: at("2026-12-20T02:00:34Z"), Op: "photo_stories", Code: 1, Message: "An unknown error occurred", TraceID: "AbCdEf"}
	return doc
}

// jakarta is a Zone for the fixtures of the state.
func jakarta(story.Address) *time.Location {
	loc, err := time.LoadLocation("Asia/Jakarta")
	if err != nil {
		panic(err)
	}
	return loc
}
