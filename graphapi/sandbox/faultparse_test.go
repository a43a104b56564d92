package sandbox

import (
	"encoding/json"
	"reflect"
	"strings"
	"testing"
	"time"
)

func TestParseFaults(t *testing.T) {
	tests := []struct {
		text string
		want []Fault
	}{
		{"", nil},
		{"# nothing\n\n", nil},
		{"photo_stories after reset", []Fault{{Edge: EdgePhotoStories, When: After, Do: DoReset}}},
		{"upload before cut=50000 times=2", []Fault{{Edge: EdgeUpload, When: Before, Do: DoCut, Bytes: 50000, Times: 2}}},
		{"stories before status=500 code=2", []Fault{{Edge: EdgeStories, When: Before, Do: DoError, Status: 500, Code: 2}}},
		{"stories cut=3", []Fault{{Edge: EdgeStories, When: After, Do: DoCut, Bytes: 3}}},
		{"any method=get nth=2 times=always empty", []Fault{{Method: "GET", Nth: 2, Times: Always, Do: DoEmpty}}},
		{"me delay=1m30s; page page=17 html", []Fault{{Edge: EdgeMe, Delay: Duration(90 * time.Second)}, {Edge: EdgePage, Page: "17", Do: DoHTML}}},
		{`finish code=368 message="too fast; \"stop\"" header=Retry-After:7`, []Fault{{Edge: EdgeFinish, Do: DoError, Code: 368,
			Message: `too fast; "stop"`, Header: map[string]string{"Retry-After": "7"}}}},
		{`{"edge":"finish","when":"after","do":"close","delay":"2s"}`, []Fault{{Edge: EdgeFinish, When: After, Do: DoClose, Delay: Duration(2 * time.Second)}}},
		{` [{"edge":"me"},{"times":-1,"do":"hang"}]`, []Fault{{Edge: EdgeMe}, {Times: Always, Do: DoHang}}},
	}
	for _, tt := range tests {
		got, err := ParseFaults(tt.text)
		if err != nil || !reflect.DeepEqual(got, tt.want) {
			t.Errorf("%s: got %+v (error %v), want %+v", tt.text, got, err, tt.want)
		}
	}
}

func TestParseFaultsRefuses(t *testing.T) {
	for text, want := range map[string]string{
		"photo_story after reset":          `no edge "photo_story"`,
		"me after before reset":            "said twice",
		"me reset hang":                    "said twice",
		"me reset cut=1":                   "said twice",
		"me explode":                       `no fault "explode"`,
		"me before cut=10":                 "only uploads",
		"me status=ok":                     "status=ok",
		"me status=99":                     "not a final HTTP status",
		"me times=-2":                      "negative",
		"me delay=-1s":                     "negative",
		"me when=after":                    `no key "when"`,
		"me header=Retry-After":            "not Name:Value",
		"me header=\"A:b\\nc\"":            "not a header",
		"me header=:b":                     "not a header",
		`me message="open`:                 "quotes",
		"me reset\nyou reset":              "fault 2",
		`{"edge":"me","when":"later"}`:     "before or after",
		`{"edge":"me","wen":"after"}`:      "unknown field",
		`[{"edge":"me"}] x`:                "more after",
		`{"edge":"me"`:                     "faults:",
		strings.Repeat("me reset\n", 1001): "too many",
	} {
		if got, err := ParseFaults(text); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%.60s: got %+v and the error %v, want %q in it", text, got, err, want)
		}
	}
}

// FuzzParseFaults: whatever is accepted is valid, and reads back the same
// from its text and from its JSON.
func FuzzParseFaults(f *testing.F) {
	for _, seed := range []string{
		"photo_stories after reset", "upload before cut=50000 times=2", "stories before status=500 code=2",
		`finish code=368 message="a b" header=Retry-After:7; me hang`, `[{"edge":"me","header":{"A":"b"}}]`,
		"any cut=0", `me message="\x00\u00e9"`, "me type==; me type=a=b", "me delay=1h2m3.5s backoff=5ms",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		faults, err := ParseFaults(text)
		if err != nil {
			return
		}
		var lines []string
		for _, fault := range faults {
			if err := fault.Validate(); err != nil {
				t.Fatalf("accepted an invalid fault %+v: %v", fault, err)
			}
			lines = append(lines, fault.String())
		}
		again, err := ParseFaults(strings.Join(lines, "\n"))
		if err != nil {
			t.Fatalf("%q: does not read back: %v", lines, err)
		}
		var texts []string
		for _, fault := range again {
			texts = append(texts, fault.String())
		}
		if !reflect.DeepEqual(lines, texts) {
			t.Fatalf("got %q, want %q", texts, lines)
		}
		if len(again) == 0 {
			return
		}
		encoded, err := json.Marshal(again)
		if err != nil {
			t.Fatal(err)
		}
		if decoded, err := ParseFaults(string(encoded)); err != nil || len(decoded) != len(again) {
			t.Fatalf("%s: got %d faults (error %v), want %d", encoded, len(decoded), err, len(again))
		}
	})
}

func TestParseSwitches(t *testing.T) {
	got, err := Switches{DailyCap: 3}.Parse("listing_lag=30s republish=same archive_off regain=0s throttle=4 fail_processing=\"too low\"")
	want := Switches{DailyCap: 3, ListingLag: Duration(30 * time.Second), Republish: "same", ArchiveOff: true, Throttle: 4, FailProcessing: "too low"}
	if err != nil || got != want {
		t.Errorf("got %+v (error %v), want %+v", got, err, want)
	}
	if got, err = got.Parse(`{"archive_off":false,"daily_cap":0,"throttle":0,"fail_processing":""}`); err != nil || got != (Switches{ListingLag: want.ListingLag, Republish: "same"}) {
		t.Errorf("got %+v (error %v), want the others unchanged", got, err)
	}
	for _, text := range []string{"lag=3s", "republish=twice", "listing_lag=-1s", "listing_lag=3", "daily_cap=-1", "archive_off=maybe", `fail_processing="open`, `{"archive_off"`} {
		if _, err := (Switches{}).Parse(text); err == nil {
			t.Errorf("%s: got no error", text)
		}
	}
	if _, err := (Switches{}).Parse("lag=3s"); err == nil || !strings.Contains(err.Error(), "there are listing_lag, ") || !strings.HasSuffix(err.Error(), ", regain") {
		t.Errorf("got %v, want all names", err)
	}
}
