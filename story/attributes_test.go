package story

import (
	"reflect"
	"strings"
	"testing"
	"time"

	"storyform/internal/diag"
)

var jakarta = time.FixedZone("WIB", 7*60*60)

func full() Spec {
	return Spec{
		PageID: "104857600000001", Kind: Photo, Source: "media/a.jpg", SHA256: "aa",
		PublishAt: time.Date(2026, 12, 20, 2, 0, 0, 0, time.UTC), NotAfter: time.Date(2026, 12, 20, 4, 0, 0, 0, time.UTC), Window: 90 * time.Minute,
		Revision: 2, After: []Address{{Type: "story", Name: "b"}, {Type: "story", Name: "a"}}, Labels: map[string]string{"y": "2", "x": "1, \"2\""},
	}
}

func TestAttributes(t *testing.T) {
	for _, test := range []struct {
		name, text, none string
		identity, pinned bool
	}{
		{"page", "104857600000001", "", true, true},
		{"kind", "photo", "", true, true},
		{"sha256", "aa", "url:", true, true},
		{"source", "media/a.jpg", "", false, false},
		{"publish_at", "2026-12-20T09:00:00+07:00", "", false, true},
		{"not_after", "2026-12-20T11:00:00+07:00", "", false, true},
		{"window", "1h30m0s", "", false, true},
		{"revision", "2", "0", false, true},
		{"after", "story.a, story.b", "", false, true},
		{"labels", `x="1, \"2\"", y="2"`, "", false, false},
	} {
		i := attribute(test.name)
		if i < 0 {
			t.Errorf("there is no %s", test.name)
			continue
		}
		a, s, none := Attributes[i], full(), Spec{}
		if got := a.Text(&s, jakarta); got != test.text {
			t.Errorf("%s: got %q, want %q", test.name, got, test.text)
		}
		if got := a.Text(&none, jakarta); got != test.none {
			t.Errorf("%s when it is not set: got %q, want %q", test.name, got, test.none)
		}
		if a.Identity != test.identity || a.Pinned != test.pinned {
			t.Errorf("%s: got identity %v, pinned %v", test.name, a.Identity, a.Pinned)
		}
	}
}

func attribute(name string) int {
	for i, a := range Attributes {
		if a.Name == name {
			return i
		}
	}
	return -1
}

// Every field of a Spec is in the table, and a change of it shows in exactly
// its row: what is in no row could be changed behind everybody's back.
func TestEveryFieldIsAnAttribute(t *testing.T) {
	rows := map[string]string{
		"PageID": "page", "Kind": "kind", "Source": "source", "SHA256": "sha256", "PublishAt": "publish_at", "NotAfter": "not_after",
		"Window": "window", "Revision": "revision", "After": "after", "Labels": "labels",
	}
	if len(rows) != len(Attributes) {
		t.Errorf("got %d attributes, want %d", len(Attributes), len(rows))
	}
	for field := range reflect.TypeFor[Spec]().Fields() {
		base, changed := full(), full()
		reflect.ValueOf(&changed).Elem().FieldByIndex(field.Index).SetZero()
		var shown []string
		for _, a := range Attributes {
			if a.Text(&base, time.UTC) != a.Text(&changed, time.UTC) {
				shown = append(shown, a.Name)
			}
		}
		if got := strings.Join(shown, " "); got != rows[field.Name] {
			t.Errorf("%s: shows in %q, want %q", field.Name, got, rows[field.Name])
		}
	}
}

// The order in which something is written means nothing.
func TestAttributesIgnoreOrder(t *testing.T) {
	a, b := full(), full()
	b.After[0], b.After[1] = b.After[1], b.After[0]
	b.PublishAt = b.PublishAt.In(jakarta)
	for _, at := range Attributes {
		if x, y := at.Text(&a, time.UTC), at.Text(&b, time.UTC); x != y {
			t.Errorf("%s: got %q and %q", at.Name, x, y)
		}
	}
	if a.After[0].Name != "b" {
		t.Error("the text of after sorted its argument")
	}
}

// A hosted file is known by its URL, a local one by its bytes alone.
func TestContentID(t *testing.T) {
	local := Desired{Source: "media/a.jpg", Media: Media{SHA256: "aa"}}
	renamed := Desired{Source: "media/b.jpg", Media: Media{SHA256: "aa"}}
	hosted := Desired{Source: "https://cdn.example/a.jpg", Media: Media{Hosted: true}}
	if local.ContentID() != renamed.ContentID() || local.ContentID() != "aa" {
		t.Errorf("got %q and %q, want the hash", local.ContentID(), renamed.ContentID())
	}
	if got, want := hosted.ContentID(), "url:https://cdn.example/a.jpg"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	if s := hosted.Spec(); s.ContentID() != hosted.ContentID() {
		t.Errorf("its Spec: got %q, want %q", s.ContentID(), hosted.ContentID())
	}
}

func TestSpecOfDesired(t *testing.T) {
	want := full()
	d := Desired{
		Page: Page{ID: want.PageID}, Kind: want.Kind, Source: want.Source, Media: Media{SHA256: want.SHA256}, PublishAt: want.PublishAt,
		NotAfter: want.NotAfter, Window: want.Window, Revision: want.Revision, After: want.After, Labels: want.Labels,
	}
	if got := d.Spec(); !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v, want %+v", got, want)
	}
}

// Every status is in exactly one group, and no group is about absence: that a
// story is not on its Page is a reason to publish it in none of them.
func TestStatuses(t *testing.T) {
	if len(Statuses) != 11 {
		t.Errorf("got %d statuses, want 11", len(Statuses))
	}
	for _, test := range []struct {
		status                            Status
		out, doubtful, pending, converged bool
	}{
		{Scheduled, false, false, true, false},
		{Uploading, false, false, true, false},
		{Uploaded, false, false, true, false},
		{Publishing, false, true, false, false},
		{Unknown, false, true, false, false},
		{Live, true, false, false, false},
		{Archived, true, false, false, true},
		{Removed, true, false, false, true},
		{Missed, false, false, false, true},
		{Failed, false, false, true, false},
		{Cancelled, false, false, false, true},
		{"", false, false, false, false},
		{"lvie", false, false, false, false},
	} {
		s := test.status
		if s.Out() != test.out || s.Doubtful() != test.doubtful || s.Pending() != test.pending || s.Converged() != test.converged {
			t.Errorf("%q: got out %v, doubtful %v, pending %v, converged %v", s, s.Out(), s.Doubtful(), s.Pending(), s.Converged())
		}
		if s.Valid() != (test.out || test.doubtful || test.pending || test.converged) {
			t.Errorf("%q: Valid is %v", s, s.Valid())
		}
	}
}

// Our story is found by its media_id alone, never because it is the newest.
func TestByMedia(t *testing.T) {
	v := &PageView{Stories: []Observed{{PostID: "new", MediaID: "2"}, {PostID: "p", MediaID: "12"}, {PostID: "none"}, {PostID: "twice", MediaID: "12"}}}
	for id, want := range map[string]string{"12": "p", "2": "new", "1": "", "": "", " 12": "", "012": ""} {
		if got, ok := v.ByMedia(id); got.PostID != want || ok != (want != "") {
			t.Errorf("%q: got %q, %v, want %q", id, got.PostID, ok, want)
		}
	}
	var none *PageView
	if _, ok := none.ByMedia("12"); ok {
		t.Error("found on a Page that was not read")
	}
}

func TestPageLocation(t *testing.T) {
	for zone, want := range map[string]string{"Asia/Jakarta": "Asia/Jakarta", "": "UTC", "no/zone": "UTC", "../../etc/passwd": "UTC"} {
		if got := (Page{Timezone: zone}).Location().String(); got != want {
			t.Errorf("%q: got %s, want %s", zone, got, want)
		}
	}
}

func TestRangeOf(t *testing.T) {
	header, attr := diag.Range{Filename: "a", Start: diag.Pos{Line: 1}}, diag.Range{Filename: "a", Start: diag.Pos{Line: 2}}
	d := Desired{Range: header, Ranges: map[string]diag.Range{"photo": attr}}
	if d.RangeOf("photo") != attr || d.RangeOf("video") != header {
		t.Errorf("got %v and %v, want the attribute's and the header's", d.RangeOf("photo"), d.RangeOf("video"))
	}
}

func TestQuietHours(t *testing.T) {
	night, noon, none := QuietHours{22 * 60, 7 * 60}, QuietHours{12 * 60, 13 * 60}, QuietHours{60, 60}
	for _, test := range []struct {
		q    QuietHours
		h, m int
		want bool
	}{
		{night, 22, 0, true}, {night, 21, 59, false}, {night, 0, 0, true}, {night, 6, 59, true}, {night, 7, 0, false},
		{noon, 12, 0, true}, {noon, 12, 59, true}, {noon, 13, 0, false}, {noon, 11, 59, false}, {none, 1, 0, false},
	} {
		if got := test.q.Contains(time.Date(2026, 12, 20, test.h, test.m, 59, 0, jakarta)); got != test.want {
			t.Errorf("%v at %02d:%02d: got %v, want %v", test.q, test.h, test.m, got, test.want)
		}
	}
}
