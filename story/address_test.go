package story

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"
)

func TestParseAddress(t *testing.T) {
	a := Address{Type: "story", Name: "teaser"}
	for text, want := range map[string]Address{
		`story.teaser`:           a,
		` story.teaser ` + "\n":  a,
		`page.acme`:              {Type: "page", Name: "acme"},
		`story.a-b_c9`:           {Type: "story", Name: "a-b_c9"},
		`story._`:                {Type: "story", Name: "_"},
		`story.überraschung`:     {Type: "story", Name: "überraschung"},
		`story.teaser["id"]`:     a.At("id"),
		`story.teaser[id]`:       a.At("id"), // as a shell leaves it
		`story.teaser[2026-12]`:  a.At("2026-12"),
		`story.teaser[a b]`:      a.At("a b"),
		`story.teaser[a.b]`:      a.At("a.b"),
		`story.teaser[]`:         a.At(""), // from [""]
		`story.teaser[""]`:       a.At(""),
		`story.teaser["a\"b"]`:   a.At(`a"b`),
		`story.teaser["]["]`:     a.At("]["),
		`story.teaser["\u00e9"]`: a.At("é"),
		`story.teaser["\\"]`:     a.At(`\`),
		`story.teaser[\]`:        a.At(`\`),
	} {
		if got, err := ParseAddress(text); err != nil || got != want {
			t.Errorf("%s: got %+v, %v, want %+v", text, got, err, want)
		}
	}
}

func TestParseAddressRefuses(t *testing.T) {
	for text, why := range map[string]string{
		``:                       "looks like story.name",
		`teaser`:                 "looks like story.name",
		`.teaser`:                "looks like story.name",
		`Story.teaser`:           "looks like story.name",
		`storys.teaser`:          "looks like story.name",
		`data.story.teaser`:      "looks like story.name",
		`story.`:                 `"" is not a block name`,
		`story.9`:                `"9" is not a block name`,
		`story.-a`:               "is not a block name",
		`story.a.b`:              `"a.b" is not a block name`,
		`story.a b`:              "is not a block name",
		`story.*`:                "is not a block name",
		`story["id"]`:            "looks like story.name",
		`story.["id"]`:           `"" is not a block name`,
		`story.teaser["id"`:      "the bracket is not closed",
		`story.teaser[`:          "the bracket is not closed",
		`story.teaser["id"].x`:   "the bracket is not closed",
		`story.teaser["id"]["`:   "the bracket is not closed",
		`story.teaser["a"]["b"]`: "is not a quoted string",
		`story.teaser["id]`:      "is not a quoted string",
		`story.teaser[id"]`:      "is not a quoted string",
		`story.teaser[a][b]`:     "is not a quoted string",
		`story.teaser["\q"]`:     "is not a quoted string",
		`story.teaser]`:          "is not a block name",
	} {
		if got, err := ParseAddress(text); err == nil || !strings.Contains(err.Error(), why) || !strings.Contains(err.Error(), "is not an address") {
			t.Errorf("%s: got %+v, %v, want an error with %q", text, got, err, why)
		}
	}
}

func TestAddressText(t *testing.T) {
	a := Address{Type: "story", Name: "teaser"}
	for want, a := range map[string]Address{
		``: {}, `story.teaser`: a, `story.teaser["id"]`: a.At("id"), `story.teaser[""]`: a.At(""), `story.teaser["a\"]\n"]`: a.At("a\"]\n"),
	} {
		if got := a.String(); got != want {
			t.Errorf("got %s, want %s", got, want)
		}
		if a.IsZero() != (want == "") {
			t.Errorf("%s: IsZero is %v", want, a.IsZero())
		}
	}
	if got := a.At("id").At("sg").Block(); got != a {
		t.Errorf("got %v, want %v: no key is left", got, a)
	}
}

// Addresses are keys and values of JSON documents.
func TestAddressJSON(t *testing.T) {
	type document struct {
		One  Address          `json:"one"`
		None Address          `json:"none"`
		Many map[Address]bool `json:"many"`
	}
	want := document{One: Address{Type: "story", Name: "a"}.At(`"<é>`), Many: map[Address]bool{{Type: "page", Name: "b"}: true}}
	data, err := json.Marshal(want)
	if err != nil {
		t.Fatal(err)
	}
	var got document
	if err := json.Unmarshal(data, &got); err != nil || got.One != want.One || !got.None.IsZero() || !got.Many[Address{Type: "page", Name: "b"}] {
		t.Errorf("got %+v, %v, want %+v", got, err, want)
	}
	if err := json.Unmarshal([]byte(`{"one": "aws_instance.a"}`), &got); err == nil {
		t.Error("aws_instance.a was read")
	}
}

func TestCompareAddresses(t *testing.T) {
	sorted := []string{`page.b`, `story.a`, `story.a["1"]`, `story.a["10"]`, `story.a["2"]`, `story.a["b"]`, `story.ab`, `story.b`}
	var addresses []Address
	for _, text := range sorted {
		a, err := ParseAddress(text)
		if err != nil {
			t.Fatal(err)
		}
		addresses = append(addresses, a)
	}
	for i, a := range addresses {
		for j, b := range addresses {
			if got, want := a.Compare(b), compareInts(i, j); got != want {
				t.Errorf("%s and %s: got %d, want %d", a, b, got, want)
			}
		}
	}
	slices.Reverse(addresses)
	slices.SortFunc(addresses, Address.Compare)
	for i, a := range addresses {
		if a.String() != sorted[i] {
			t.Errorf("got %s at %d, want %s", a, i, sorted[i])
		}
	}
}

func compareInts(a, b int) int {
	switch {
	case a < b:
		return -1
	case a > b:
		return 1
	}
	return 0
}

// Keys that look the same are written differently.
func TestInvisibleKeys(t *testing.T) {
	for key, want := range map[string]string{
		"a": `"a"`, "é": `"é"`, "ねこ": `"ねこ"`, "a\u200b": `"a\u200b"`, "a\u200d": `"a\u200d"`, "a\ufe0f": `"a\ufe0f"`,
		"a\u034f": `"a\u034f"`, "\u3164": `"\u3164"`, "a\U000e0100": `"a\U000e0100"`, "\u202ea": `"\u202ea"`, `a"\`: `"a\"\\"`,
	} {
		a := Address{Type: "story", Name: "s"}.At(key)
		if got := a.String(); got != "story.s["+want+"]" {
			t.Errorf("%+q: got %s, want the key as %s", key, got, want)
		}
		if back, err := ParseAddress(a.String()); err != nil || back != a {
			t.Errorf("%+q: got %+v and %v back", key, back, err)
		}
	}
}

// What can be read is written so that it is read as the same, also after a
// shell has taken the quotes of a plain key.
func FuzzParseAddress(f *testing.F) {
	for _, seed := range []string{`story.a`, `page.a["b"]`, `story.a[b]`, `story.a["\"]"]`, `story.a["\xff"]`, "story.a[\x00]", `story.é["é"]`, `story.a[""]`, `story.a[[]]`} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		a, err := ParseAddress(text)
		if err != nil {
			if !a.IsZero() {
				t.Errorf("%q: got %+v and %v", text, a, err)
			}
			return
		}
		if a.Type != "story" && a.Type != "page" || a.Name == "" || a.Key != "" && !a.Keyed {
			t.Errorf("%q: got %+v", text, a)
		}
		if back, err := ParseAddress(a.String()); err != nil || back != a {
			t.Errorf("%q: %s reads as %+v, %v, want %+v", text, a, back, err, a)
		}
		if plain := strings.NewReplacer(`"`, "").Replace(a.String()); a.Keyed && !strings.ContainsAny(a.Key, "\"\\[]") && strings.Contains(a.String(), `["`+a.Key+`"]`) {
			if back, err := ParseAddress(plain); err != nil || back != a {
				t.Errorf("%q: %s reads as %+v, %v, want %+v", text, plain, back, err, a)
			}
		}
		if !utf8.ValidString(a.Name) {
			return
		}
		data, err := json.Marshal(a)
		var back Address
		if err != nil || json.Unmarshal(data, &back) != nil || back != a {
			t.Errorf("%q: as JSON %s, which reads as %+v", text, data, back)
		}
	})
}
