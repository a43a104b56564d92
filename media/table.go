package media

import (
	"fmt"
	"strings"
	"time"
)

// Table lists the facts of a file as pairs of a name and a value, in the
// order of display. Facts that are not known are left out.
func (f *File) Table() [][2]string {
	t := &table{}
	t.add("file", f.Name)
	t.add("kind", string(f.Kind))
	t.add("format", formatTitle(f))
	t.add("size", fmt.Sprintf("%s bytes", group(f.Bytes)))
	t.add("sha256", f.SHA256)
	t.add("sha256 of samples", f.SampleSHA256)
	if f.Width > 0 && f.Height > 0 {
		t.add("displayed", fmt.Sprintf("%d x %d pixels (%s)", f.Width, f.Height, ratio(f.Width, f.Height)))
	}
	switch {
	case f.Photo != nil:
		f.Photo.table(t)
	case f.Video != nil:
		f.videoTable(t)
	}
	return t.rows
}

// table collects rows.
type table struct{ rows [][2]string }

// add adds a row unless its value is empty.
func (t *table) add(name, value string) {
	if value != "" {
		t.rows = append(t.rows, [2]string{name, value})
	}
}

// formatTitle names the format without its article.
func formatTitle(f *File) string {
	_, title, _ := strings.Cut(formatName(f.Format), " ")
	return title
}

// group writes a number with commas.
func group(n int64) string {
	s := fmt.Sprint(n)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}

// table adds the facts of a photo.
func (p *Photo) table(t *table) {
	if p.Orientation > 1 {
		t.add("stored", fmt.Sprintf("%d x %d pixels, EXIF orientation %d", p.StoredWidth, p.StoredHeight, p.Orientation))
	}
	color := p.Color
	if color != "" && p.BitDepth > 0 {
		color = fmt.Sprintf("%s, %d bits", color, p.BitDepth)
	}
	t.add("color", color)
	if p.Frames > 1 {
		t.add("pictures", fmt.Sprint(p.Frames))
	}
	t.add("damage", p.Damage)
	switch {
	case p.Decoded:
		t.add("pixels", "decoded without errors")
	case p.DecodeError != "":
		t.add("pixels", "decoding failed: "+p.DecodeError)
	case p.NotDecoded != "":
		t.add("pixels", "not decoded: "+p.NotDecoded)
	}
	t.add("not read", p.NotRead)
}

// videoTable adds the facts of a video.
func (f *File) videoTable(t *table) {
	v := f.Video
	t.add("not read", v.NotRead)
	t.add("damage", v.Damage)
	if v.Missing > 0 {
		t.add("damage", fmt.Sprintf("at least %s bytes are missing at the end", group(v.Missing)))
	}
	if v.NotRead != "" || v.Damage != "" {
		return
	}
	t.add("container", v.layout())
	t.add("duration", secondsText(f.Duration))
	if v.Tracks > 0 {
		f.pictureTable(t)
	}
	if a := v.Audio; a != nil {
		t.add("audio", strings.TrimSpace(codecTitle(f.AudioCodec)+" "+a.Profile))
		if a.SampleRate > 0 {
			t.add("audio format", fmt.Sprintf("%d Hz, %d channels", a.SampleRate, a.Channels))
		}
		if a.Bitrate > 0 {
			t.add("audio bitrate", fmt.Sprintf("%d kbit/s measured, %d kbit/s claimed", a.Bitrate/1000, a.Nominal/1000))
		}
	} else {
		t.add("audio", "none")
	}
}

// layout says how the container is laid out.
func (v *Video) layout() string {
	where := "index last"
	if v.IndexFirst {
		where = "index first"
	}
	if v.Fragmented {
		where = "fragmented"
	}
	if v.Brand != "" {
		where += ", brand " + strings.TrimSpace(v.Brand)
	}
	return v.Container + ", " + where
}

// pictureTable adds the facts of a video's picture.
func (f *File) pictureTable(t *table) {
	v := f.Video
	if how := sizeWords(f); strings.Contains(how, "(") {
		t.add("stored", strings.TrimSuffix(how[strings.Index(how, "stored as ")+len("stored as "):], ")"))
	}
	t.add("video", strings.TrimSpace(codecTitle(f.Codec)+" "+v.Profile))
	if v.Chroma != "" {
		t.add("chroma", fmt.Sprintf("%s, %d bits", v.Chroma, v.BitDepth))
	}
	t.add("scan", string(v.Scan))
	if f.FPS > 0 {
		rate := fmt.Sprintf("%s per second, %s", number3(f.FPS), v.Timing)
		if f.FPS >= filmFPS && f.FPS < minFPS {
			rate += ", counts as 24"
		}
		t.add("frame rate", rate)
	}
	t.add("frames", group(v.Frames))
	if v.Syncs > 0 {
		gop := fmt.Sprintf("%d, up to %s apart", v.Syncs, secondsText(v.GOPMax))
		if v.GOPMin > 0 {
			gop = fmt.Sprintf("%d, %s to %s apart", v.Syncs, secondsText(v.GOPMin), secondsText(v.GOPMax))
		}
		t.add("key frames", gop+", "+string(v.GOP)+" groups")
	}
	if v.Bitrate > 0 {
		t.add("video bitrate", fmt.Sprintf("%d kbit/s", v.Bitrate/1000))
	}
	if v.Delay > 0 {
		t.add("starts after", secondsText(v.Delay))
	}
}

// secondsText writes a duration in seconds.
func secondsText(d time.Duration) string { return number3(d.Seconds()) + " s" }

// number3 writes a number with at most three decimals.
func number3(v float64) string {
	return strings.TrimSuffix(strings.TrimRight(fmt.Sprintf("%.3f", v), "0"), ".")
}
