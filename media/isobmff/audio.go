package isobmff

import (
	"encoding/binary"
	"math"
	"strings"
)

// Audio has the facts of an audio track.
type Audio struct {
	// Profile is the kind of AAC: "LC", "HE-AAC", "HE-AACv2", "Main", …;
	// empty for other codecs and when it is not told.
	Profile string
	// ObjectType is the AAC audio object type, 2 for Low Complexity; 0 when unknown.
	ObjectType int
	SampleRate int // per second, as it is played
	Channels   int // as they are played
	// MaxBitrate and AvgBitrate are what esds claims, in bits per second; 0
	// when it claims nothing.
	MaxBitrate, AvgBitrate int64
}

// readAudioEntry reads an audio sample entry and its esds.
func readAudioEntry(t *Track) *Audio {
	a := &Audio{}
	f := fields{b: t.sampleEntry}
	f.skip(8)
	version := f.u16()
	f.skip(6)
	a.Channels = int(f.u16())
	f.skip(6)
	a.SampleRate = int(f.u32() >> 16)
	switch {
	case version == 1 && t.quickTime:
		f.skip(16)
	case version == 2:
		f.skip(4)
		a.SampleRate = wholeRate(f.u64())
		a.Channels = int(min(f.u32(), math.MaxUint16))
		f.skip(20)
	}
	wave := child(f.b, "wave")
	if enda := child(wave, "enda"); len(enda) >= 2 && enda[1] == 1 && strings.HasSuffix(t.Codec, "be") {
		t.Codec = strings.TrimSuffix(t.Codec, "be") + "le"
	}
	esds := child(f.b, "esds")
	if esds == nil {
		esds = child(wave, "esds")
	}
	if esds != nil {
		readAudioESDS(esds, t, a)
	} else if t.Format == "mp4a" {
		t.Codec = "aac" // without its configuration
	}
	return a
}

// wholeRate reads a sample rate that is stored as a 64-bit float.
func wholeRate(raw uint64) int {
	if r := math.Float64frombits(raw); r >= 1 && r <= 1<<24 {
		return int(math.Round(r))
	}
	return 0
}

// readAudioESDS reads the decoder configuration and, for AAC, its object type.
func readAudioESDS(box []byte, t *Track, a *Audio) {
	d, ok := readESDS(box)
	if !ok {
		return
	}
	a.MaxBitrate, a.AvgBitrate = int64(d.maxBitrate), int64(d.avgBitrate)
	if name := objectTypes[d.objectType]; name != "" {
		t.Codec = name
	}
	switch {
	case t.Codec != "aac":
	case len(d.specific) > 0:
		readASC(d.specific, a)
	case d.objectType >= 0x66 && d.objectType <= 0x68: // MPEG-2 AAC without a configuration
		a.ObjectType = int(d.objectType) - 0x65
		a.Profile = aacProfiles[a.ObjectType]
	}
}

// esds is a decoder configuration descriptor.
type esds struct {
	objectType uint8
	maxBitrate uint32
	avgBitrate uint32
	specific   []byte
}

// readESDS walks the descriptors of an esds box (ISO/IEC 14496-1, 7.2.6).
func readESDS(box []byte) (d esds, ok bool) {
	f := fields{b: box}
	f.full()
	tag, body := f.descriptor()
	if tag == 3 {
		body.skip(2)
		flags := body.u8()
		if flags&0x80 != 0 {
			body.skip(2)
		}
		if flags&0x40 != 0 {
			body.skip(int(body.u8()))
		}
		if flags&0x20 != 0 {
			body.skip(2)
		}
		tag, body = body.descriptor()
	}
	if tag != 4 {
		return d, false
	}
	d.objectType = body.u8()
	body.skip(4)
	d.maxBitrate, d.avgBitrate = body.u32(), body.u32()
	if body.bad {
		return d, false
	}
	if tag, specific := body.descriptor(); tag == 5 {
		d.specific = specific.b
	}
	return d, true
}

// descriptor reads a tag, a length in groups of seven bits, and that many
// bytes, or what there is of them.
func (f *fields) descriptor() (tag uint8, body fields) {
	tag = f.u8()
	n := 0
	for range 4 {
		b := f.u8()
		n = n<<7 | int(b&0x7f)
		if b&0x80 == 0 {
			break
		}
	}
	return tag, fields{b: f.take(min(n, len(f.b))), bad: f.bad}
}

// aacProfiles names audio object types as ffprobe does.
var aacProfiles = map[int]string{
	1: "Main", 2: "LC", 3: "SSR", 4: "LTP", 5: "HE-AAC", 23: "LD", 29: "HE-AACv2", 39: "ELD", 42: "xHE-AAC",
}

// aacRates is the table of sampling frequency indexes (ISO/IEC 14496-3, 1.6.3.4).
var aacRates = [...]int{96000, 88200, 64000, 48000, 44100, 32000, 24000, 22050, 16000, 12000, 11025, 8000, 7350}

// readASC reads an AudioSpecificConfig (ISO/IEC 14496-3, 1.6.2.1) with its
// two ways of telling spectral band replication and parametric stereo.
func readASC(b []byte, a *Audio) {
	r := bits{b: b}
	object := ascObject(&r)
	rate := ascRate(&r)
	channels := int(r.u(4))
	profile := object
	if object == 5 || object == 29 {
		rate = ascRate(&r)
		object = ascObject(&r)
	}
	if r.bad {
		return
	}
	a.ObjectType, a.Profile = profile, aacProfiles[profile]
	if rate > 0 {
		a.SampleRate = rate
	}
	switch {
	case channels == 7:
		a.Channels = 8
	case channels > 0 && channels < 7:
		a.Channels = channels
	}
	if object == 2 && profile == 2 {
		readASCExtension(b, &r, a)
	}
	if a.ObjectType == 29 && a.Channels == 1 {
		a.Channels = 2
	}
}

// readASCExtension looks for the backward-compatible extension 0x2b7 behind
// the configuration of plain AAC-LC.
func readASCExtension(b []byte, r *bits, a *Audio) {
	r.u(1) // frameLengthFlag
	if r.flag() {
		r.u(14)
	}
	r.u(1)
	if r.bad || len(b)*8-r.pos < 16 || r.u(11) != 0x2b7 || ascObject(r) != 5 || !r.flag() {
		return
	}
	rate := ascRate(r)
	if r.bad {
		return
	}
	a.ObjectType, a.Profile, a.SampleRate = 5, aacProfiles[5], rate
	if len(b)*8-r.pos >= 12 && r.u(11) == 0x548 && r.flag() {
		a.ObjectType, a.Profile = 29, aacProfiles[29]
	}
}

// ascObject reads an audio object type with its escape.
func ascObject(r *bits) int {
	if t := int(r.u(5)); t != 31 {
		return t
	}
	return 32 + int(r.u(6))
}

// ascRate reads a sampling frequency, by index or spelled out.
func ascRate(r *bits) int {
	i := int(r.u(4))
	switch {
	case i == 15:
		return int(r.u(24))
	case i < len(aacRates):
		return aacRates[i]
	}
	return 0
}

// be16 reads a big-endian number; the caller checked the length.
func be16(b []byte) int { return int(binary.BigEndian.Uint16(b)) }
