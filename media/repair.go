package media

import (
	"fmt"
	"math"
	"path"
	"strconv"
	"strings"
	"time"

	"storyform/story"
)

// Repair is what one ffmpeg command has to do to mend a file. The zero value
// does nothing. Repairs can be merged, so that a file with three faults is
// encoded once.
type Repair struct {
	Still   bool          // save one picture as JPEG
	Remux   bool          // copy the streams into an MP4 file
	Picture bool          // encode the picture anew
	Sound   bool          // encode the sound anew
	Filters []string      // for the picture
	FPS     int           // a fixed frame rate; 0: as it is
	Limit   time.Duration // cut off what follows; 0: nothing
}

// Filters of ffmpeg. fitFilter makes a picture no larger than a story without
// changing its shape, padFilter makes it exactly a story with black borders.
const (
	fitFilter = "scale=w=1080:h=1920:force_original_aspect_ratio=decrease:force_divisible_by=2"
	padFilter = fitFilter + ",pad=1080:1920:(ow-iw)/2:(oh-ih)/2,setsar=1"
)

// isZero reports whether there is nothing to do.
func (r Repair) isZero() bool {
	return !r.Still && !r.Remux && !r.Picture && !r.Sound && r.Limit == 0
}

// merge returns what does the work of both.
func (r Repair) merge(with Repair) Repair {
	r.Still = r.Still || with.Still
	r.Remux = r.Remux || with.Remux
	r.Picture = r.Picture || with.Picture
	r.Sound = r.Sound || with.Sound
	r.FPS = max(r.FPS, with.FPS)
	r.Limit = max(r.Limit, with.Limit)
	filters := r.Filters[:len(r.Filters):len(r.Filters)]
	for _, f := range with.Filters {
		if !strings.Contains(strings.Join(filters, ","), f) {
			filters = append(filters, f)
		}
	}
	r.Filters = filters
	return r
}

// RepairAll returns one command line that mends whatever one can mend of what
// Judge finds in f, and "" when that is nothing. name is as in JudgeOptions.
func RepairAll(f *File, name string) string {
	var all Repair
	for _, r := range Rules() {
		if !r.about(f) {
			continue
		}
		if v := r.Check(f); v.Outcome == Fail {
			all = all.merge(v.Repair)
		}
	}
	return all.Command(f, name)
}

// Command writes the command line for a POSIX shell; "" when there is nothing
// to do. The original stays as it is.
func (r Repair) Command(f *File, name string) string {
	if r.isZero() {
		return ""
	}
	if name == "" {
		name = f.Name
	}
	args := []string{"ffmpeg", "-i", argument(name)}
	stem := strings.TrimSuffix(name, path.Ext(name))
	if f.Kind == story.Photo {
		if len(r.Filters) > 0 {
			args = append(args, "-vf", strings.Join(r.Filters, ","))
		}
		args = append(args, "-frames:v", "1", "-update", "1", "-q:v", "2", argument(stem+"-story.jpg"))
		return quoteAll(args)
	}
	args = append(args, r.pictureArgs(f)...)
	args = append(args, r.soundArgs(f)...)
	if r.Limit > 0 {
		args = append(args, "-t", strconv.FormatFloat(r.Limit.Seconds(), 'f', -1, 64))
	}
	args = append(args, "-movflags", "+faststart", argument(stem+"-story.mp4"))
	return quoteAll(args)
}

// pictureArgs copies the picture, or encodes it so that it keeps every rule,
// because encoders' defaults break some. A codec that the page does not list
// may not even fit into an MP4 file.
func (r Repair) pictureArgs(f *File) []string {
	if !r.Picture && acceptedCodec(f.Codec) {
		return []string{"-c:v", "copy"}
	}
	filters := r.Filters
	fps := f.FPS
	if r.FPS > 0 {
		fps = float64(r.FPS)
		filters = append(filters[:len(filters):len(filters)], "fps="+strconv.Itoa(r.FPS))
	}
	if fps <= 0 {
		fps = 30
	}
	var args []string
	if len(filters) > 0 {
		args = append(args, "-vf", strings.Join(filters, ","))
	}
	group := fmt.Sprint(int(math.Ceil(fps * 2)))
	return append(args, "-c:v", "libx264", "-crf", "18", "-pix_fmt", "yuv420p", "-g", group, "-keyint_min", group, "-sc_threshold", "0")
}

// soundArgs copies the sound, or encodes it as the page asks for it; sound
// other than AAC may not even fit into an MP4 file.
func (r Repair) soundArgs(f *File) []string {
	switch {
	case !r.Sound && f.AudioCodec == "aac":
		return []string{"-c:a", "copy"}
	case !r.Sound && f.AudioCodec == "":
		return nil
	}
	return []string{"-c:a", "aac", "-b:a", "192k", "-ar", "48000", "-ac", "2"}
}

// argument keeps a file name from being taken for an option or a protocol.
func argument(name string) string {
	if strings.HasPrefix(name, "-") || !strings.HasPrefix(name, "/") && strings.Contains(name, ":") {
		return "./" + name
	}
	return name
}

// quoteAll joins arguments into a command line for a POSIX shell.
func quoteAll(args []string) string {
	quoted := make([]string, len(args))
	for i, a := range args {
		quoted[i] = shellQuote(a)
	}
	return strings.Join(quoted, " ")
}

// shellQuote quotes a word for a POSIX shell, unless it needs no quotes.
func shellQuote(s string) string {
	plain := func(r rune) bool {
		return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("_-+=./:,%@", r)
	}
	if s != "" && strings.TrimFunc(s, plain) == "" {
		return s
	}
	return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
}
