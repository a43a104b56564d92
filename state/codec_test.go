package state

import (
	"bytes"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"storyform/story"
)

// jakarta is a zone of a Page; what is stored is in UTC.
var jakarta = time.FixedZone("WIB", 7*60*60)

func at(hour int) time.Time { return time.Date(2026, 12, 20, hour, 0, 0, 0, jakarta) }

func addr(name string) story.Address { return story.Address{Type: "story", Name: name} }

func entry(name string, status story.Status) Entry {
	return Entry{
		Address: addr(name), Page: story.Address{Type: "page", Name: "acme"}, PageID: "104857600000001",
		Kind: story.Photo, Source: "media/" + name + ".jpg", Revision: 1, Status: status, RegisteredAt: at(9),
	}
}

func document(entries ...Entry) *Document {
	return &Document{Version: FormatVersion, Lineage: "l", Serial: 1, Stories: entries}
}

func TestEncode(t *testing.T) {
	d := document(entry("b", story.Live), entry("a", story.Scheduled))
	d.Stories[0].URL = "https://facebook.com/stories/1?a=b&c=<d>"
	d.WrittenAt, d.Tool = at(10), "0.1.0"
	d.History = []Event{{At: at(9), What: "published", Address: addr("b"), Revision: 1, Kind: story.Photo, Run: "r"}}
	got, err := Encode(d)
	if err != nil {
		t.Fatal(err)
	}
	want := `{
  "version": 1,
  "lineage": "l",
  "serial": 1,
  "written_at": "2026-12-20T03:00:00Z",
  "storyform_version": "0.1.0",
  "stories": [
    {
      "address": "story.a",
      "page": "page.acme",
      "page_id": "104857600000001",
      "kind": "photo",
      "source": "media/a.jpg",
      "revision": 1,
      "status": "scheduled",
      "registered_at": "2026-12-20T02:00:00Z"
    },
    {
      "address": "story.b",
      "page": "page.acme",
      "page_id": "104857600000001",
      "kind": "photo",
      "source": "media/b.jpg",
      "revision": 1,
      "status": "live",
      "registered_at": "2026-12-20T02:00:00Z",
      "url": "https://facebook.com/stories/1?a=b&c=<d>"
    }
  ],
  "history": [
    {
      "at": "2026-12-20T02:00:00Z",
      "what": "published",
      "address": "story.b",
      "revision": 1,
      "page_id": "",
      "kind": "photo",
      "run": "r"
    }
  ]
}
`
	if diff := cmp.Diff(want, string(got)); diff != "" {
		t.Errorf("document (-want +got):\n%s", diff)
	}
	if d.Stories[0].Address != addr("b") || d.WrittenAt.Location() != jakarta {
		t.Error("Encode changed the document")
	}
	back, err := Decode("x", got)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(sorted(d), back); diff != "" {
		t.Errorf("read back (-want +got):\n%s", diff)
	}
}

func sorted(d *Document) *Document {
	c := d.Clone()
	sortEntries(c.Stories)
	return c
}

func TestEmptyDocumentHasStories(t *testing.T) {
	data, err := Encode(document())
	if err != nil || !strings.Contains(string(data), `"stories": []`) {
		t.Errorf("got %s, %v, want an empty list of stories", data, err)
	}
}

// What Decode refuses Encode must not write.
func TestRefused(t *testing.T) {
	for _, test := range []struct {
		want   string
		change func(d *Document)
	}{
		{"its serial is 0", func(d *Document) { d.Serial = 0 }},
		{"no lineage", func(d *Document) { d.Lineage = "" }},
		{"story.a is in it twice", func(d *Document) { d.Stories = append(d.Stories, entry("a", story.Live)) }},
		{`"page.a" is not the address of a story`, func(d *Document) { d.Stories[0].Address.Type = "page" }},
		{`"" is not the address of a story`, func(d *Document) { d.Stories[0].Address = story.Address{} }},
		{`"story.x" is not the address of a page`, func(d *Document) { d.Stories[0].Page = addr("x") }},
		{`unknown status "lvie"`, func(d *Document) { d.Stories[0].Status = "lvie" }},
		{`unknown status ""`, func(d *Document) { d.Stories[0].Status = "" }},
		{`unknown kind "pohto"`, func(d *Document) { d.Stories[0].Kind = "pohto" }},
		{"revision -1 is negative", func(d *Document) { d.Stories[0].Revision = -1 }},
		{"-1 bytes is negative", func(d *Document) { d.Stories[0].Bytes = -1 }},
	} {
		d := document(entry("a", story.Scheduled), entry("b", story.Scheduled))
		test.change(d)
		if _, err := Encode(d); err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("Encode: got error %v, want %q", err, test.want)
		}
		data, err := encodeJSON(d, " ")
		if err != nil {
			t.Fatal(err)
		}
		_, err = Decode("s.json", data)
		if corrupt, ok := errors.AsType[*CorruptError](err); !ok || corrupt.Where != "s.json" || !strings.Contains(err.Error(), test.want) {
			t.Errorf("Decode: got error %v, want a *CorruptError with %q", err, test.want)
		}
	}
}

func TestTooLarge(t *testing.T) {
	if _, err := Decode("s.json", make([]byte, MaxDocument+1)); err == nil || !strings.Contains(err.Error(), "more than the") {
		t.Errorf("got %v, want an error about the size", err)
	}
	e := entry("a", story.Scheduled)
	e.Labels = map[string]string{"x": strings.Repeat("x", MaxRecord)}
	if _, err := EncodeRecord(record(1, 1, e)); err == nil || !strings.Contains(err.Error(), "more than the") {
		t.Errorf("got %v, want an error about the size", err)
	}
}

func TestDecodeVersions(t *testing.T) {
	for _, test := range []struct {
		data  string
		newer int // 0: corrupt
	}{
		{`{"version": 3, "lineage": "l", "serial": 1, "stories": []}`, 3},
		{`{"version": 2, "lineage": "l", "serial": 1, "stories": []}`, 0}, // encrypted, and it has something in clear
		{`{"version": 9, "lineage": 7, "anything": {}}`, 9},
		{`{"version": 0, "lineage": "l", "serial": 1, "stories": []}`, 0},
		{`{"version": -1}`, 0},
		{`{"version": 4, "terraform_version": "1.11.4", "serial": 1, "lineage": "l", "resources": []}`, 0}, // it says itself whose it is
		{`{"version": "2"}`, 0},
		{`[]`, 0},
	} {
		_, err := Decode("s.json", []byte(test.data))
		newer, isNewer := errors.AsType[*VersionError](err)
		_, isCorrupt := errors.AsType[*CorruptError](err)
		if test.newer == 0 && !isCorrupt || test.newer != 0 && (!isNewer || newer.Got != test.newer) {
			t.Errorf("%s: got error %v, want version %d", test.data, err, test.newer)
		}
	}
}

// fill sets everything that v can reach to something that isn't zero, times
// in a zone other than UTC.
func fill(v reflect.Value) {
	switch v.Kind() {
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		fill(v.Elem())
	case reflect.Struct:
		if v.Type() == reflect.TypeFor[time.Time]() {
			v.Set(reflect.ValueOf(at(9)))
			return
		}
		for _, f := range v.Fields() {
			fill(f)
		}
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 1, 1))
		fill(v.Index(0))
	case reflect.Map:
		v.Set(reflect.MakeMap(v.Type()))
		key, value := reflect.New(v.Type().Key()).Elem(), reflect.New(v.Type().Elem()).Elem()
		fill(key)
		fill(value)
		v.SetMapIndex(key, value)
	case reflect.String:
		v.SetString("x")
	case reflect.Bool:
		v.SetBool(true)
	case reflect.Int, reflect.Int64:
		v.SetInt(1)
	case reflect.Uint64, reflect.Uint8:
		v.SetUint(1)
	default:
		panic(fmt.Sprintf("what is a %s?", v.Type()))
	}
}

// walk calls f for everything that v can reach, with its path.
func walk(path string, v reflect.Value, f func(path string, v reflect.Value)) {
	f(path, v)
	switch v.Kind() {
	case reflect.Pointer:
		if !v.IsNil() {
			walk(path, v.Elem(), f)
		}
	case reflect.Struct:
		if v.Type() == reflect.TypeFor[time.Time]() {
			return
		}
		for name, field := range v.Fields() {
			walk(path+"."+name.Name, field, f)
		}
	case reflect.Slice:
		for i := range v.Len() {
			walk(fmt.Sprintf("%s[%d]", path, i), v.Index(i), f)
		}
	}
}

// A field that is added later must be copied deeply and stored in UTC too.
func TestCloneAndUTCCoverEveryField(t *testing.T) {
	var rec Record
	fill(reflect.ValueOf(&rec).Elem())
	var d Document
	fill(reflect.ValueOf(&d).Elem())

	checkShared(t, reflect.ValueOf(rec), reflect.ValueOf(rec.clone()))
	checkShared(t, reflect.ValueOf(d), reflect.ValueOf(*d.Clone()))
	if diff := cmp.Diff(d, *d.Clone()); diff != "" {
		t.Errorf("the clone differs:\n%s", diff)
	}

	rec.utc()
	d.Stories[0], d.Envelope = entry("a", story.Live), nil
	data, err := Encode(&d)
	if err != nil {
		t.Fatal(err)
	}
	if bytes.Contains(data, []byte("+07:00")) {
		t.Errorf("the document holds times that aren't in UTC:\n%s", data)
	}
	walk("record", reflect.ValueOf(rec), func(path string, v reflect.Value) {
		if tm, ok := v.Interface().(time.Time); ok && tm.Location() != time.UTC {
			t.Errorf("%s isn't in UTC", path)
		}
	})
}

// checkShared finds memory that a value and its copy share.
func checkShared(t *testing.T, original, clone reflect.Value) {
	t.Helper()
	pointers := map[string]uintptr{}
	collect := func(path string, v reflect.Value) {
		switch v.Kind() {
		case reflect.Pointer, reflect.Map, reflect.Slice:
			if v.Type() == reflect.TypeFor[*time.Location]() {
				return
			}
			if pointers[path] == v.Pointer() {
				t.Errorf("%s is shared with the copy", path)
			}
			pointers[path] = v.Pointer()
		}
	}
	walk(original.Type().Name(), original, collect)
	walk(clone.Type().Name(), clone, collect)
}

func TestNewID(t *testing.T) {
	a, b := NewID(), NewID()
	if a == b || len(a) != 36 || a[14] != '4' {
		t.Errorf("got %q, %q, want two random UUIDs of version 4", a, b)
	}
}

// Whatever Decode accepts it can write and read again, to the same bytes.
func FuzzDecode(f *testing.F) {
	full := entry("full", story.Unknown)
	fill(reflect.ValueOf(&full).Elem())
	full.Address, full.Page, full.Kind, full.Status = addr("full").At("k\n\"]"), story.Address{}, story.Video, story.Unknown
	full.After = []story.Address{addr("x")}
	unopened, err := Fold(document(full), []Record{record(1, 1, entry("a", story.Live)), covered(1, 2, true)})
	if err != nil {
		f.Fatal(err)
	}
	for _, d := range []*Document{document(), document(entry("a", story.Live)), document(full), envelope(3), unopened} {
		data, err := Encode(d)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
	f.Add([]byte(`{"version":1,"lineage":"l","serial":1,"stories":null,"history":[{"at":"0001-01-01T00:00:00+23:59","address":""}]}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		d, err := Decode("x", data)
		if err != nil {
			_, corrupt := errors.AsType[*CorruptError](err)
			_, version := errors.AsType[*VersionError](err)
			if !corrupt && !version {
				t.Errorf("got error %T", err)
			}
			return
		}
		first, err := Encode(d)
		if err != nil {
			t.Fatalf("Encode refuses what Decode accepted: %v", err)
		}
		again, err := Decode("x", first)
		if err != nil {
			t.Fatalf("Decode refuses what Encode wrote: %v\n%s", err, first)
		}
		second, err := Encode(again)
		if err != nil || !bytes.Equal(first, second) {
			t.Errorf("error %v; the second time differs:\n%s", err, cmp.Diff(string(first), string(second)))
		}
	})
}
