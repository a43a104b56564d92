package media

import (
	"fmt"
	"math"
	"strings"
	"time"

	"storyform/internal/diag"
	"storyform/media/isobmff"
	"storyform/story"
)

// The numbers of the video rules, with what is allowed on top of the page's
// own words: a container's clock and the last audio frame make a clip of
// 60 s a little longer, and 24000/1001 frames per second are sold as 24.
const (
	minDuration   = 3 * time.Second
	maxDuration   = 60 * time.Second
	durationSlack = 50 * time.Millisecond
	audioTail     = 100 * time.Millisecond
	minFPS        = 24
	filmFPS       = 23.97
	maxFPS        = 60
	fpsSlack      = 0.05
	minGOP        = 2 * time.Second
	maxGOP        = 5 * time.Second
	gopSlack      = 50 * time.Millisecond
	lateStart     = 100 * time.Millisecond
	audioRate     = 48000
	audioBitrate  = 128_000
	bitrateSlack  = 0.95 // encoders come out a little below what they were told
	hugeVideo     = 2_000_000_000
)

// videoRules is the table of rules for videos.
func videoRules() []Rule {
	const e, w = diag.Error, diag.Warning
	return []Rule{
		{"video.container", story.Video, w, "Video is not an MP4 file", "the page recommends .mp4",
			"Other containers are neither listed nor excluded. Only MP4 and MOV files are looked into here.", guide, guideDate, checkContainer},
		{"video.complete", story.Video, e, "Video file is damaged", "the file must be complete",
			"A file without its index can't be played, and samples that lie beyond the end of the file are missing from the picture.", own, ownDate, checkVideoComplete},
		{"video.picture", story.Video, e, "Video has no picture", "a video story needs a video track",
			"An MP4 file may hold sound only.", own, ownDate, checkPicture},
		{"video.codec", story.Video, e, "Video codec not accepted", "the page lists H.264 and H.265, and says that VP9 and AV1 are supported",
			"The page lists these four.", guide, guideDate, checkCodec},
		{"video.size_min", story.Video, e, "Video resolution is too low", "the minimum is 540x960",
			"This is the one rule whose refusal the page quotes: \"Resolution too low. Video must have a minimum resolution of 540p.\" The size is the one displayed, after cropping, pixel aspect and rotation.", guide, guideDate, checkSizeMin},
		{"video.aspect", story.Video, e, "Video is not 9:16", "a video story is 9 x 16",
			"The page states the ratio without \"recommended\". Whether Meta enforces it is not documented. 1 % is tolerated.", guide, guideDate, checkAspect},
		{"video.size", story.Video, w, "Video resolution is below 1080x1920", "the page recommends 1080x1920",
			"Smaller videos are enlarged on most phones.", guide, guideDate, checkSize},
		{"video.duration", story.Video, e, "Video duration is out of bounds", "a video story takes 3 to 60 seconds",
			"The page's table says 3 to 90 seconds, but its limitations say that a video story can not exceed 60 seconds. 50 ms are tolerated, and 100 ms of sound behind the picture.", guide, guideDate, checkDuration},
		{"video.fps", story.Video, e, "Video frame rate is out of bounds", "the frame rate must be 24 to 60 per second",
			"23.976 (24000/1001) passes as 24.", guide, guideDate, checkFPS},
		{"video.fps_fixed", story.Video, w, "Video frame rate varies", "the page asks for a fixed frame rate",
			"Clients report that variable frame rates cause most refusals of videos. A wobble below 25 % of the mean, as phones record it, passes; so do two odd gaps, as a cut leaves them.", guide, guideDate, checkTiming},
		{"video.gop", story.Video, w, "Video key frames are too far apart or too close", "the page asks for groups of pictures of 2 to 5 seconds",
			"Encoders' defaults break this: x264 and x265 set a key frame every 250 frames, 8.3 seconds at 30 per second. The last group may be shorter.", guide, guideDate, checkGOP},
		{"video.gop_closed", story.Video, w, "Video has open groups of pictures", "the page asks for a closed GOP",
			"x265 makes open groups unless told otherwise.", guide, guideDate, checkGOPClosed},
		{"video.chroma", story.Video, w, "Video chroma is not 4:2:0", "the page asks for chroma subsampling 4:2:0",
			"Screen recorders and editors may write 4:2:2 or 4:4:4.", guide, guideDate, checkChroma},
		{"video.progressive", story.Video, w, "Video is interlaced", "the page asks for progressive scan",
			"Combed pictures that are coded as progressive ones can't be told without decoding.", guide, guideDate, checkScan},
		{"video.start", story.Video, w, "Video starts with nothing", "the picture should start at once",
			"An empty edit at the start of the picture's track shows nothing until the picture begins.", own, ownDate, checkStart},
		{"video.filesize", story.Video, w, "Video file is very large", "the page names no limit; clients report refusals above 2 GB",
			"A clip of 60 seconds at 20 Mbit/s has 150 MB.", "clients' error tables (subcode 1363022 to 1363026)", "2026-09", checkFileSize},
		{"video.audio_codec", story.Video, e, "Audio codec not accepted", "the page asks for AAC",
			"The page lists AAC Low Complexity only. A video without sound passes.", guide, guideDate, checkAudioCodec},
		{"video.audio_profile", story.Video, w, "Audio is not AAC Low Complexity", "the page asks for AAC Low Complexity",
			"HE-AAC with implicit signalling can't be told from the headers.", guide, guideDate, checkAudioProfile},
		{"video.audio_rate", story.Video, w, "Audio sample rate is not 48 kHz", "the page asks for 48 kHz",
			"Other rates are converted.", guide, guideDate, checkAudioRate},
		{"video.audio_channels", story.Video, w, "Audio is not stereo", "the page asks for stereo",
			"Other layouts are mixed.", guide, guideDate, checkAudioChannels},
		{"video.audio_bitrate", story.Video, w, "Audio bitrate is low", "the page asks for 128 kbit/s or more",
			"The larger of the measured bitrate and the one the file claims counts, because silence takes next to nothing. 5 % are tolerated.", guide, guideDate, checkAudioBitrate},
	}
}

// unread says why nothing can be told about a video's inside. Damage and a
// missing picture have rules of their own.
func unread(f *File) (Verdict, bool) {
	switch v := f.Video; {
	case v.NotRead != "":
		return unchecked(v.NotRead), true
	case v.Damage != "", v.Tracks == 0:
		return skip(), true
	}
	return Verdict{}, false
}

func checkContainer(f *File) Verdict {
	if f.Format == "mp4" {
		return pass()
	}
	fix := "Put it into an MP4 file, which changes no picture."
	repair := Repair{Remux: true}
	switch {
	case f.Video.NotRead != "":
		fix, repair = "Convert it to MP4.", Repair{Picture: true, Sound: true}
	case f.Video.Damage != "" || f.Video.Missing > 0:
		fix, repair = "Export it anew as MP4.", Repair{}
	case !acceptedCodec(f.Codec):
		fix, repair = "Convert it to MP4.", Repair{Picture: true}
	}
	return failed("It is "+formatName(f.Format), fix, repair)
}

func checkVideoComplete(f *File) Verdict {
	switch v := f.Video; {
	case v.NotRead != "":
		return unchecked(v.NotRead)
	case v.Damage != "":
		return failed("It can't be played: "+v.Damage, "Export, download or copy it again; if it was recorded, the recording did not end properly.", Repair{})
	case v.Missing > 0:
		return failed(fmt.Sprintf("The file is cut off: at least %d bytes are missing at its end", v.Missing), "Export, download or copy it again.", Repair{})
	}
	return pass()
}

func checkPicture(f *File) Verdict {
	switch v := f.Video; {
	case v.NotRead != "":
		return unchecked(v.NotRead)
	case v.Damage != "":
		return skip()
	case v.Tracks > 0 && v.Frames > 0:
		return pass()
	}
	return failed("It has no video track with pictures", "Export it with its picture.", Repair{})
}

func checkCodec(f *File) Verdict {
	if v, ok := unread(f); ok {
		return v
	}
	switch {
	case acceptedCodec(f.Codec):
		return pass()
	case f.Codec == "encrypted":
		return failed("It is encrypted", "Export it without copy protection.", Repair{})
	}
	return failed("Its codec is "+codecTitle(f.Codec), "Encode it as H.264.", Repair{Picture: true})
}

// acceptedCodec reports whether the page names a codec.
func acceptedCodec(codec string) bool {
	return codec == "h264" || codec == "hevc" || codec == "vp9" || codec == "av1"
}

func checkSizeMin(f *File) Verdict {
	if v, ok := unread(f); ok {
		return v
	}
	switch {
	case f.Width == 0 || f.Height == 0:
		return unchecked("the file does not tell the size of its picture")
	case f.Width >= minWidth && f.Height >= minHeight:
		return pass()
	}
	return failed("It is displayed at "+sizeWords(f), "Export it at 1080x1920; this enlarges it, with borders where its shape differs.", Repair{Picture: true, Filters: []string{padFilter}})
}

// sizeWords writes the displayed size, and how it came about when that is not
// how the picture is stored.
func sizeWords(f *File) string {
	v := f.Video
	s := fmt.Sprintf("%dx%d", f.Width, f.Height)
	var how []string
	if v.PARNum != v.PARDen {
		how = append(how, fmt.Sprintf("pixels of %d:%d", v.PARNum, v.PARDen))
	}
	if v.Rotation > 0 {
		how = append(how, fmt.Sprintf("turned by %d degrees", v.Rotation))
	}
	if len(how) > 0 {
		s += fmt.Sprintf(" (stored as %dx%d, %s)", v.CodedWidth, v.CodedHeight, strings.Join(how, ", "))
	}
	return s
}

func checkAspect(f *File) Verdict {
	if v, ok := unread(f); ok {
		return v
	}
	if f.Width == 0 || f.Height == 0 {
		return unchecked("the file does not tell the size of its picture")
	}
	if math.Abs(float64(f.Width)/float64(f.Height)*16/9-1) <= aspectLeeway {
		return pass()
	}
	return failed("It is displayed at "+sizeWords(f)+", which is "+ratio(f.Width, f.Height), "Crop it, or put borders around it.",
		Repair{Picture: true, Filters: []string{padFilter}})
}

// ratio writes a shape in small numbers where they are exact, else to 1.
func ratio(w, h int) string {
	a, b := w, h
	for b != 0 {
		a, b = b, a%b
	}
	if w/a <= 64 && h/a <= 64 {
		return fmt.Sprintf("%d:%d", w/a, h/a)
	}
	return fmt.Sprintf("%.3f:1", float64(w)/float64(h))
}

func checkSize(f *File) Verdict {
	if v, ok := unread(f); ok {
		return v
	}
	if f.Width < minWidth || f.Height < minHeight || f.Width >= storyWidth && f.Height >= storyHeight {
		return pass() // too small is video.size_min's
	}
	return failed("It is displayed at "+sizeWords(f), "Export it at 1080x1920 if the original is that large.", Repair{})
}

func checkDuration(f *File) Verdict {
	if v, ok := unread(f); ok {
		return v
	}
	d := f.Duration
	if tail := d - f.Video.PictureDuration; tail > 0 && tail <= audioTail {
		d = f.Video.PictureDuration
	}
	switch {
	case d > maxDuration+durationSlack:
		return failed(fmt.Sprintf("It is %.2f s long", f.Duration.Seconds()), "Cut it.", Repair{Picture: true, Limit: maxDuration})
	case d < minDuration-durationSlack:
		return failed(fmt.Sprintf("It is %.2f s long", f.Duration.Seconds()), "Make it longer.", Repair{})
	}
	return pass()
}

func checkFPS(f *File) Verdict {
	if v, ok := unread(f); ok {
		return v
	}
	switch {
	case f.FPS == 0:
		return unchecked("a single frame has no rate")
	case f.FPS >= filmFPS && f.FPS <= maxFPS+fpsSlack:
		return pass()
	case f.FPS < filmFPS:
		return failed(fpsWords(f), "Export it at 30 frames per second; this repeats frames.", Repair{Picture: true, FPS: 30})
	}
	return failed(fpsWords(f), "Export it at 60 frames per second; this drops frames.", Repair{Picture: true, FPS: 60})
}

// fpsWords writes the frame rate.
func fpsWords(f *File) string {
	return "It has " + number3(f.FPS) + " frames per second"
}

func checkTiming(f *File) Verdict {
	if v, ok := unread(f); ok {
		return v
	}
	switch v := f.Video; v.Timing {
	case isobmff.Constant, isobmff.Jitter:
		return pass()
	case isobmff.Variable:
		return failed(fmt.Sprintf("Its frames are %.1f to %.1f ms apart", float64(v.MinGap)/1e6, float64(v.MaxGap)/1e6),
			"Encode it at a fixed rate.", Repair{Picture: true, FPS: 30})
	}
	return unchecked("a single frame has no rate")
}

func checkGOP(f *File) Verdict {
	if v, ok := unread(f); ok {
		return v
	}
	v := f.Video
	if v.Syncs == 0 {
		return unchecked("the file does not list its key frames")
	}
	long := v.GOPMax > maxGOP+gopSlack
	short := v.GOPMin > 0 && v.GOPMin < minGOP-gopSlack
	if !long && !short {
		return pass()
	}
	measured := fmt.Sprintf("Its groups of pictures take up to %.2f s", v.GOPMax.Seconds())
	if short {
		measured = fmt.Sprintf("Its groups of pictures take %.2f to %.2f s", v.GOPMin.Seconds(), v.GOPMax.Seconds())
	}
	return failed(measured, "Set a key frame every 2 seconds, and none at changes of scene.", Repair{Picture: true})
}

func checkGOPClosed(f *File) Verdict {
	if v, ok := unread(f); ok {
		return v
	}
	switch f.Video.GOP {
	case isobmff.Closed:
		return pass()
	case isobmff.Open:
		return failed("Pictures before a key frame need pictures of the group before it", "Encode it with closed groups (x264 and x265: open-gop=0).", Repair{Picture: true})
	}
	return unchecked("groups of pictures of the codec " + codecTitle(f.Codec) + " are not looked into")
}

func checkChroma(f *File) Verdict {
	if v, ok := unread(f); ok {
		return v
	}
	switch f.Video.Chroma {
	case "4:2:0":
		return pass()
	case "":
		return unchecked("the chroma of the codec " + codecTitle(f.Codec) + " is not looked into")
	}
	return failed("Its chroma is "+f.Video.Chroma, "Encode it as 4:2:0 (yuv420p).", Repair{Picture: true})
}

func checkScan(f *File) Verdict {
	if v, ok := unread(f); ok {
		return v
	}
	switch f.Video.Scan {
	case isobmff.Progressive:
		return pass()
	case isobmff.Interlaced:
		return failed("It is interlaced", "Deinterlace it.", Repair{Picture: true, Filters: []string{"bwdif=mode=send_frame"}})
	}
	return unchecked("the file does not say whether its pictures are interlaced")
}

func checkStart(f *File) Verdict {
	if v, ok := unread(f); ok {
		return v
	}
	if f.Video.Delay <= lateStart {
		return pass()
	}
	return failed(fmt.Sprintf("Its picture begins after %.2f s", f.Video.Delay.Seconds()), "Cut off what precedes the picture, or export it anew.", Repair{})
}

func checkFileSize(f *File) Verdict {
	if f.Bytes <= hugeVideo {
		return pass()
	}
	return failed("It has "+sizeText(f.Bytes), "Encode it at a lower bitrate.", Repair{Picture: true})
}

// sound says why nothing is demanded of a video's sound.
func sound(f *File) (*Audio, Verdict) {
	switch v := f.Video; {
	case v.NotRead != "":
		return nil, unchecked(v.NotRead)
	case v.Damage != "", v.Audio == nil:
		return nil, skip()
	}
	return f.Video.Audio, Verdict{}
}

func checkAudioCodec(f *File) Verdict {
	a, v := sound(f)
	if a == nil {
		return v
	}
	if f.AudioCodec == "aac" {
		return pass()
	}
	return failed("Its sound is "+codecTitle(f.AudioCodec), "Encode the sound as AAC.", Repair{Sound: true})
}

func checkAudioProfile(f *File) Verdict {
	a, v := sound(f)
	switch {
	case a == nil:
		return v
	case f.AudioCodec != "aac":
		return skip()
	case a.Profile == "":
		return unchecked("the file does not tell the kind of AAC")
	case a.Profile == "LC":
		return pass()
	}
	return failed("Its sound is AAC of the kind "+a.Profile, "Encode the sound as AAC Low Complexity.", Repair{Sound: true})
}

func checkAudioRate(f *File) Verdict {
	a, v := sound(f)
	switch {
	case a == nil:
		return v
	case a.SampleRate == 0:
		return unchecked("the file does not tell the sample rate of its sound")
	case a.SampleRate == audioRate:
		return pass()
	}
	return failed(fmt.Sprintf("Its sound has %d samples per second", a.SampleRate), "Convert the sound to 48000.", Repair{Sound: true})
}

func checkAudioChannels(f *File) Verdict {
	a, v := sound(f)
	switch {
	case a == nil:
		return v
	case a.Channels == 0:
		return unchecked("the file does not tell the channels of its sound")
	case a.Channels == 2:
		return pass()
	}
	return failed(fmt.Sprintf("Its sound has %d channels", a.Channels), "Mix the sound to stereo.", Repair{Sound: true})
}

func checkAudioBitrate(f *File) Verdict {
	a, v := sound(f)
	if a == nil {
		return v
	}
	best := max(a.Bitrate, a.Nominal)
	switch {
	case best == 0:
		return unchecked("the file does not tell the bitrate of its sound")
	case float64(best) >= audioBitrate*bitrateSlack:
		return pass()
	}
	return failed(fmt.Sprintf("Its sound has %d kbit/s", best/1000), "Encode the sound at 128 kbit/s or more, from the original.", Repair{Sound: true})
}

// codecTitle is how people write a codec's name.
func codecTitle(codec string) string {
	titles := map[string]string{
		"h264": "H.264", "hevc": "H.265", "av1": "AV1", "vp9": "VP9", "vp8": "VP8", "vvc": "H.266", "mpeg4": "MPEG-4 Part 2",
		"mpeg2video": "MPEG-2", "mpeg1video": "MPEG-1", "prores": "ProRes", "mjpeg": "Motion JPEG", "dnxhd": "DNxHD", "h263": "H.263",
		"aac": "AAC", "mp3": "MP3", "ac3": "AC-3", "eac3": "E-AC-3", "opus": "Opus", "alac": "Apple Lossless", "flac": "FLAC",
	}
	if t := titles[codec]; t != "" {
		return t
	}
	return codec
}
