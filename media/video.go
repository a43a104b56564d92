package media

import (
	"context"
	"errors"
	"io"
	"time"

	"storyform/media/isobmff"
)

// Video has what was measured of a video beyond story.Media. Texts that are
// empty and numbers that are 0 are not known.
type Video struct {
	// Container is "MP4", "MOV" or the name of a format that is not looked
	// into, such as "WebM".
	Container string `json:"container"`
	Brand     string `json:"brand,omitempty"`
	// NotRead says why nothing inside the container was measured; the file
	// may be valid.
	NotRead string `json:"not_read,omitempty"`
	// Damage says why nothing can play the file.
	Damage     string `json:"damage,omitempty"`
	IndexFirst bool   `json:"index_first"`
	Fragmented bool   `json:"fragmented"`
	// Missing is how many bytes the file lacks at its end.
	Missing int64 `json:"missing_bytes,omitempty"`
	// Tracks counts picture tracks; 0: there is nothing to see.
	Tracks int `json:"picture_tracks"`

	CodedWidth  int    `json:"coded_width,omitempty"`
	CodedHeight int    `json:"coded_height,omitempty"`
	PARNum      int    `json:"par_num,omitempty"`
	PARDen      int    `json:"par_den,omitempty"`
	Rotation    int    `json:"rotation"` // clockwise degrees; -1: odd angle
	Profile     string `json:"profile,omitempty"`
	Chroma      string `json:"chroma,omitempty"` // "4:2:0", …
	BitDepth    int    `json:"bit_depth,omitempty"`

	Scan   isobmff.Scan   `json:"scan,omitempty"`
	Timing isobmff.Timing `json:"timing,omitempty"`
	GOP    isobmff.GOP    `json:"gop,omitempty"`

	Frames  int64         `json:"frames,omitempty"`
	MinGap  time.Duration `json:"min_gap,omitempty"`
	MaxGap  time.Duration `json:"max_gap,omitempty"`
	Syncs   int           `json:"sync_samples,omitempty"`
	GOPMin  time.Duration `json:"gop_min,omitempty"`
	GOPMax  time.Duration `json:"gop_max,omitempty"`
	Bitrate int64         `json:"bitrate,omitempty"` // of the picture, bits per second
	// Delay is how long nothing is shown at the start.
	Delay time.Duration `json:"delay,omitempty"`
	// PictureDuration is how long there is a picture; Media.Duration is how
	// long the longest track is.
	PictureDuration time.Duration `json:"picture_duration,omitempty"`

	Audio *Audio `json:"audio,omitempty"`
}

// Audio has what was measured of a video's sound. Media.AudioCodec names its
// codec.
type Audio struct {
	Profile    string        `json:"profile,omitempty"` // "LC", "HE-AAC", …
	SampleRate int           `json:"sample_rate,omitempty"`
	Channels   int           `json:"channels,omitempty"`
	Bitrate    int64         `json:"bitrate,omitempty"`         // measured, bits per second
	Nominal    int64         `json:"nominal_bitrate,omitempty"` // what the file claims, at most
	Duration   time.Duration `json:"duration,omitempty"`
}

// readVideo measures an MP4 or MOV file and names any other.
func (f *File) readVideo(ctx context.Context, r io.ReaderAt, size int64, o Options) error {
	v := &Video{Container: containerNames[f.Format]}
	f.Video = v
	if f.Format != "mp4" && f.Format != "mov" {
		v.NotRead = v.Container + " files are not looked into"
		return nil
	}
	m, err := isobmff.Read(r, size)
	switch {
	case errors.Is(err, isobmff.ErrLimit):
		v.NotRead = err.Error()
		return nil
	case errors.Is(err, isobmff.ErrTruncated), errors.Is(err, isobmff.ErrMalformed), errors.Is(err, isobmff.ErrNotISO):
		v.Damage = err.Error()
		return nil
	case err != nil:
		return err
	}
	f.fillVideo(m)
	if o.Samples && v.Missing == 0 {
		f.SampleSHA256, err = m.HashSamples(func() error { return ctx.Err() })
	}
	return err
}

// containerNames has the words for formats of videos.
var containerNames = map[string]string{
	"mp4": "MP4", "mov": "MOV", "webm": "WebM", "mkv": "Matroska", "avi": "AVI",
	"mpegts": "MPEG-TS", "mpeg": "MPEG-PS", "flv": "FLV", "asf": "WMV",
}

// fillVideo copies the facts of a movie.
func (f *File) fillVideo(m *isobmff.Movie) {
	v := f.Video
	v.Brand, v.IndexFirst, v.Fragmented, v.Missing = m.Brand, m.IndexFirst, m.Fragmented, m.Missing
	f.Duration = m.Duration
	for _, t := range m.Tracks {
		if t.Video != nil {
			v.Tracks++
		}
	}
	if t := m.Picture(); t != nil && t.Video != nil {
		p := t.Video
		f.Codec, f.FPS, f.Width, f.Height = t.Codec, p.FPS, p.Width, p.Height
		v.CodedWidth, v.CodedHeight, v.PARNum, v.PARDen = p.CodedWidth, p.CodedHeight, p.PARNum, p.PARDen
		v.Rotation, v.Profile, v.Chroma, v.BitDepth = p.Rotation, p.Profile, p.Chroma, p.BitDepth
		v.Scan, v.Timing, v.GOP = p.Scan, p.Timing, p.GOP
		v.MinGap, v.MaxGap = p.MinGap, p.MaxGap
		v.Syncs, v.GOPMin, v.GOPMax = p.SyncSamples, p.GOPMin, p.GOPMax
		v.Frames, v.Bitrate, v.Delay, v.PictureDuration = t.Samples, t.Bitrate, t.Delay, t.Duration
	}
	if t := m.Sound(); t != nil && t.Audio != nil {
		f.AudioCodec = t.Codec
		v.Audio = &Audio{
			Profile: t.Audio.Profile, SampleRate: t.Audio.SampleRate, Channels: t.Audio.Channels,
			Bitrate: t.Bitrate, Nominal: max(t.Audio.MaxBitrate, t.Audio.AvgBitrate), Duration: t.Duration,
		}
	}
}
