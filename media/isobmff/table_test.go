package isobmff

import (
	"errors"
	"slices"
	"testing"
)

// TestSizes checks the widths of sample sizes, compact ones included.
func TestSizes(t *testing.T) {
	for _, c := range []struct {
		name    string
		compact bool
		box     []byte
		want    []int64
	}{
		{"fixed", false, []byte{0, 0, 0, 0, 0, 0, 0, 7, 0, 0, 0, 3}, []int64{7, 7, 7}},
		{"32 bits", false, []byte{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2, 0, 0, 1, 0, 0, 0, 0, 9}, []int64{256, 9}},
		{"16 bits", true, []byte{0, 0, 0, 0, 0, 0, 0, 16, 0, 0, 0, 2, 1, 0, 0, 9}, []int64{256, 9}},
		{"8 bits", true, []byte{0, 0, 0, 0, 0, 0, 0, 8, 0, 0, 0, 2, 200, 9}, []int64{200, 9}},
		{"4 bits", true, []byte{0, 0, 0, 0, 0, 0, 0, 4, 0, 0, 0, 3, 0x5a, 0x70}, []int64{5, 10, 7}},
	} {
		var s sizes
		if err := s.read(&fields{b: c.box}, c.compact); err != nil {
			t.Errorf("%s: got error %v", c.name, err)
			continue
		}
		var got []int64
		for i := range s.count {
			got = append(got, s.at(i))
		}
		if !slices.Equal(got, c.want) {
			t.Errorf("%s: got %v, want %v", c.name, got, c.want)
		}
	}
	for name, box := range map[string][]byte{
		"4 bits, too few bytes": {0, 0, 0, 0, 0, 0, 0, 4, 0, 0, 0, 3, 0x5a},
		"5 bits":                {0, 0, 0, 0, 0, 0, 0, 5, 0, 0, 0, 1, 0},
		"short":                 {0, 0, 0},
	} {
		var s sizes
		if err := s.read(&fields{b: box}, true); err == nil {
			t.Errorf("%s: got no error", name)
		}
	}
}

// TestGolomb checks the codes of ITU-T H.264, Table 9-2.
func TestGolomb(t *testing.T) {
	r := bits{b: []byte{0b10100110, 0b01000010, 0b10011000, 0b11100010, 0b00000000}}
	var got []uint32
	for range 7 {
		got = append(got, r.ue())
	}
	if want := []uint32{0, 1, 2, 3, 4, 5, 6}; !slices.Equal(got, want) || r.bad {
		t.Errorf("got %v, want %v", got, want)
	}
	signed := bits{b: []byte{0b10100110, 0b01000010, 0b10000000}}
	for _, want := range []int32{0, 1, -1, 2, -2} {
		if got := signed.se(); got != want {
			t.Errorf("got %d, want %d", got, want)
		}
	}
	long := bits{b: make([]byte, 10)}
	if long.ue(); !long.bad {
		t.Errorf("a code without an end: got no fault")
	}
	if got := unescape([]byte{1, 0, 0, 3, 1, 0, 0, 3}); !slices.Equal(got, []byte{1, 0, 0, 1, 0, 0}) {
		t.Errorf("got %v", got)
	}
}

// TestQuickTimeSound checks version 2 of QuickTime's sound description, whose
// rate is a floating-point number.
func TestQuickTimeSound(t *testing.T) {
	entry := make([]byte, 64)
	entry[9] = 2
	copy(entry[28+4:], []byte{0x40, 0xf7, 0x70, 0, 0, 0, 0, 0}) // 96000
	entry[28+4+8+3] = 6
	a := readAudioEntry(&Track{sampleEntry: entry, Format: "lpcm", Codec: "pcm"})
	if a.SampleRate != 96000 || a.Channels != 6 {
		t.Errorf("got %d Hz, %d channels, want 96000, 6", a.SampleRate, a.Channels)
	}
}

// TestPick checks that many sync samples are looked at in part, the first and
// late ones included.
func TestPick(t *testing.T) {
	sync := make([]int, 3600)
	for i := range sync {
		sync[i] = i
	}
	got := pick(sync)
	if len(got) != maxLooks || got[0] != 0 || got[len(got)-1] < 3000 || !slices.IsSorted(got) {
		t.Errorf("got %v", got)
	}
}

// TestProfiles checks the names of profiles, which people compare with those
// of other tools.
func TestProfiles(t *testing.T) {
	for want, s := range map[string]avcSPS{
		"Constrained Baseline": {profile: 66, constraints: 0x40}, "Baseline": {profile: 66}, "Main": {profile: 77},
		"High 10 Intra": {profile: 110, constraints: 0x10}, "High 4:2:2": {profile: 122}, "": {profile: 1},
	} {
		if got := s.profileName(); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
	if got := hevcProfile(2); got != "Main 10" {
		t.Errorf("got %q", got)
	}
}

// TestManyChunks checks that a table with more chunks than are looked at is
// refused before it is spelled out.
func TestManyChunks(t *testing.T) {
	const n = maxExtents + 1
	tab := table{
		chunks:  make([]byte, 4*n),
		toChunk: []byte{0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 1},
		sizes:   sizes{count: n, fixed: 1},
	}
	if err := tab.locate(); !errors.Is(err, ErrLimit) || tab.extents != nil {
		t.Errorf("got %v and %d extents, want %v and none", err, len(tab.extents), ErrLimit)
	}
}
