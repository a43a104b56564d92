package isobmff

import (
	"cmp"
	"math"
	"slices"
	"time"
)

// codecConfig is what a codec's parameter sets tell about the picture. Zero
// values mean that they don't.
type codecConfig struct {
	width, height int // cropped
	parNum        int
	parDen        int
	chroma        string
	bitDepth      int
	profile       string
	scan          Scan
	lengthSize    int // bytes of the length before a NAL unit; 0: not a NAL codec

	avc  *avcSPS  // to read slice headers and picture timing with
	hevc *hevcSPS // the same
}

// readVideoEntry reads a visual sample entry and the parameter sets in it.
func readVideoEntry(t *Track) *Video {
	v := &Video{PARNum: 1, PARDen: 1}
	const head = 78 // bytes of the entry before its boxes
	if len(t.sampleEntry) < head {
		return v
	}
	v.CodedWidth, v.CodedHeight = be16(t.sampleEntry[24:]), be16(t.sampleEntry[26:])
	boxed := t.sampleEntry[head:]
	v.codec = readCodecConfig(t, boxed)
	pasp := fields{b: child(boxed, "pasp")}
	if h, w := pasp.u32(), pasp.u32(); !pasp.bad && h > 0 && w > 0 && h < 1<<16 && w < 1<<16 {
		v.par = [2]int{int(h), int(w)}
	}
	if fiel := child(boxed, "fiel"); len(fiel) >= 1 {
		v.fields = fiel[0]
	}
	return v
}

// readCodecConfig reads the box that belongs to the codec.
func readCodecConfig(t *Track, boxed []byte) codecConfig {
	switch t.Codec {
	case "h264":
		return readAVCC(child(boxed, "avcC"))
	case "hevc":
		return readHVCC(child(boxed, "hvcC"))
	case "av1":
		return readAV1C(child(boxed, "av1C"))
	case "vp9", "vp8":
		return readVPCC(child(boxed, "vpcC"))
	case "mpeg4":
		if d, ok := readESDS(child(boxed, "esds")); ok && objectTypes[d.objectType] != "" {
			t.Codec = objectTypes[d.objectType]
		}
	}
	return codecConfig{}
}

// vpChromas are the chroma subsamplings of vpcC, version 1.
var vpChromas = [8]string{"4:2:0", "4:2:0", "4:2:2", "4:4:4"}

// readVPCC reads the VP codec configuration record.
// Source: webmproject.org, VP Codec ISO Media File Format Binding 1.0.
func readVPCC(b []byte) codecConfig {
	f := fields{b: b}
	version, _ := f.full()
	profile := f.u8()
	f.skip(1)
	v := f.u8()
	if f.bad || version != 1 {
		return codecConfig{}
	}
	return codecConfig{
		profile:  "Profile " + string('0'+rune(profile%10)),
		bitDepth: int(v >> 4),
		chroma:   vpChromas[v>>1&7],
	}
}

// finishVideo spells the frames out and measures their times.
func (t *Track) finishVideo(turn matrix) error {
	v := t.Video
	v.matrix = turn
	v.applyConfig()
	if t.Samples > maxFrames {
		return limit("%d frames", t.Samples)
	}
	v.pts = t.table.presentationTimes()
	v.sync = t.table.syncSamples()
	v.SyncSamples = len(v.sync)
	v.measureTimes(t.timescale)
	from, end := t.table.span()
	switch v.end = end; {
	case len(v.pts) == 1 && end > from:
		v.FPS = float64(t.timescale) / float64(end-from)
	case v.FPS > 0:
		v.end = slices.Max(v.pts) + int64(math.Round(float64(t.timescale)/v.FPS))
	}
	v.measureGroups(t.timescale)
	return nil
}

// applyConfig merges the codec's own words with those of the container and
// computes the displayed size.
func (v *Video) applyConfig() {
	c := v.codec
	if c.width > 0 && c.height > 0 {
		v.CodedWidth, v.CodedHeight = c.width, c.height
	}
	switch {
	case v.par[0] > 0:
		v.PARNum, v.PARDen = v.par[0], v.par[1]
	case c.parNum > 0 && c.parDen > 0:
		v.PARNum, v.PARDen = c.parNum, c.parDen
	}
	v.Profile, v.Chroma, v.BitDepth = c.profile, c.chroma, c.bitDepth
	v.Scan = cmp.Or(c.scan, ScanUnclear)
	switch v.fields {
	case 1:
		v.Scan = Progressive
	case 2:
		if v.Scan != Progressive {
			v.Scan = Interlaced
		}
	}
	v.GOP = GOPUnclear
	v.Width, v.Height = v.CodedWidth, v.CodedHeight
	if v.PARNum != v.PARDen {
		v.Width = int(math.Round(float64(v.Width) * float64(v.PARNum) / float64(v.PARDen)))
	}
	v.Rotation, v.Mirrored = v.matrix.rotation()
	if v.Rotation == 90 || v.Rotation == 270 {
		v.Width, v.Height = v.Height, v.Width
	}
}

// presentationTimes lists when each sample is shown, in decode order. A table
// of times that is too short is continued with its last value.
func (t *table) presentationTimes() []int64 {
	n := int64(t.sizes.count)
	pts := make([]int64, 0, t.samples())
	var dts, delta int64
	for _, r := range t.times {
		delta = max(r.value, 0)
		for range min(int64(r.count), n-int64(len(pts))) {
			pts = append(pts, dts)
			dts += delta
		}
	}
	for int64(len(pts)) < n {
		pts = append(pts, dts)
		dts += delta
	}
	i := 0
	for _, r := range t.offsets {
		for k := uint32(0); k < r.count && i < len(pts); k++ {
			pts[i] += r.value
			i++
		}
	}
	for _, r := range t.fragments {
		pts = append(pts, r.pts...)
	}
	return pts
}

// syncSamples lists the indexes of the frames at which decoding can begin.
func (t *table) syncSamples() []int {
	var sync []int
	for i := range int(t.sizes.count) {
		if !t.allSync {
			break
		}
		sync = append(sync, i)
	}
	for b := t.sync; len(b) >= 4; b = b[4:] {
		i := int(b[0])<<24 | int(b[1])<<16 | int(b[2])<<8 | int(b[3])
		if i >= 1 && i <= int(t.sizes.count) && (len(sync) == 0 || i-1 > sync[len(sync)-1]) {
			sync = append(sync, i-1)
		}
	}
	base := int(t.sizes.count)
	for _, r := range t.fragments {
		for _, i := range r.sync {
			sync = append(sync, base+int(i))
		}
		base += int(r.samples)
	}
	return sync
}

// forgiven is how many odd gaps are overlooked in a video of enough frames: a
// cut without encoding leaves one.
const forgiven, enoughFrames = 2, 24

// measureTimes computes the frame rate and how even it is, from sorted
// presentation times. Counting runs of stts would be no test: a clock of
// milliseconds or the wobble of a phone makes hundreds of runs out of one
// rate, and the flag in the parameter sets is hardly ever set.
func (v *Video) measureTimes(timescale uint32) {
	if len(v.pts) < 2 {
		return
	}
	sorted := slices.Sorted(slices.Values(v.pts))
	gaps := make([]int64, len(sorted)-1)
	for i := range gaps {
		gaps[i] = sorted[i+1] - sorted[i]
	}
	span := sorted[len(sorted)-1] - sorted[0]
	if span <= 0 {
		return
	}
	v.FPS = float64(len(gaps)) * float64(timescale) / float64(span)
	slices.Sort(gaps)
	v.MinGap, v.MaxGap = ticks(gaps[0], timescale), ticks(gaps[len(gaps)-1], timescale)
	median := gaps[len(gaps)/2]
	mean := float64(span) / float64(len(gaps))
	var uneven, wide int
	for _, g := range gaps {
		if d := g - median; d > 1 || d < -1 {
			uneven++
		}
		if math.Abs(float64(g)-mean) > mean/4 {
			wide++
		}
	}
	allowed := 0
	if len(gaps) >= enoughFrames {
		allowed = forgiven
	}
	switch {
	case uneven <= allowed:
		v.Timing = Constant
		if uneven > 0 && median > 0 { // the rate of the frames, not of the hole
			v.FPS = float64(timescale) / float64(median)
		}
	case wide <= allowed:
		v.Timing = Jitter
	default:
		v.Timing = Variable
	}
}

// measureGroups computes the lengths of the groups of pictures.
func (v *Video) measureGroups(timescale uint32) {
	if len(v.sync) == 0 {
		return
	}
	for i, s := range v.sync {
		if i+1 == len(v.sync) {
			v.GOPMax = max(v.GOPMax, ticks(v.end-v.pts[s], timescale))
			break
		}
		length := max(ticks(v.pts[v.sync[i+1]]-v.pts[s], timescale), time.Nanosecond) // 0 would say that there is none
		v.GOPMax = max(v.GOPMax, length)
		if v.GOPMin == 0 || length < v.GOPMin {
			v.GOPMin = length
		}
	}
}
