package isobmff

import (
	"bytes"
	"testing"

	"storyform/internal/testmedia"
)

// FuzzRead reads any bytes as a file. Nothing may crash, and no number that
// comes out may contradict another.
func FuzzRead(f *testing.F) {
	zero := 0
	for _, change := range []func(*testmedia.Video){
		func(*testmedia.Video) {},
		func(v *testmedia.Video) { v.IndexLast, v.OpenGOP = true, true },
		func(v *testmedia.Video) { v.Fragmented = true },
		func(v *testmedia.Video) { v.Codec, v.OpenGOP = "hvc1", true },
		func(v *testmedia.Video) { v.Codec = "hev1" },
		func(v *testmedia.Video) { v.Codec, v.PicStruct = "avc3", &zero },
		func(v *testmedia.Video) { v.Codec, v.DelayMillis = "av01", 40 },
		func(v *testmedia.Video) { v.Codec, v.PAR = "vp09", [2]int{4, 3} },
		func(v *testmedia.Video) { v.Codec, v.Brand, v.Audio.Wave = "mp4v", "qt  ", true },
	} {
		v := testmedia.Good()
		v.Frames, v.GOP = 4, 2
		change(&v)
		f.Add(v.MP4())
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		m, err := Read(bytes.NewReader(data), int64(len(data)))
		if err != nil {
			return
		}
		for _, track := range m.Tracks {
			if track.Samples < 0 || track.Bytes < 0 || track.Duration < 0 || track.MediaDuration < 0 || track.Bitrate < 0 {
				t.Errorf("got negative facts %+v", track)
			}
			if v := track.Video; v != nil {
				if v.Width < 0 || v.Height < 0 || v.FPS < 0 || v.GOPMin > v.GOPMax || v.MinGap > v.MaxGap {
					t.Errorf("got contradictory facts %+v", v)
				}
			}
		}
		if h, err := m.HashSamples(func() error { return nil }); err == nil && len(h) != 64 {
			t.Errorf("got hash %q", h)
		}
	})
}

// FuzzParameterSets reads any bytes as the configuration of each codec.
func FuzzParameterSets(f *testing.F) {
	for _, codec := range []string{"avc1", "hvc1", "av01", "vp09"} {
		v := testmedia.Good()
		v.Codec, v.CodecPAR = codec, [2]int{4, 3}
		data := v.MP4()
		for kind, entry := range map[string]string{"avc1": "avcC", "hvc1": "hvcC", "av01": "av1C", "vp09": "vpcC"} {
			if at := testmedia.Find(data, entry); kind == codec && at >= 0 {
				f.Add(data[at+8 : at+100])
			}
		}
	}
	f.Add([]byte{0x67, 100, 0, 40, 0xac, 0xd9, 0x40, 0x78, 0x02, 0x27, 0xe5})
	f.Fuzz(func(t *testing.T, data []byte) {
		configs := []codecConfig{readAVCC(data), readHVCC(data), readAV1C(data), readVPCC(data)}
		var sets codecConfig
		sets.addAVC(data)
		configs = append(configs, sets)
		sets = codecConfig{}
		sets.addHEVC(data)
		configs = append(configs, sets)
		for i, c := range configs {
			if c.width < 0 || c.height < 0 || c.width > 1<<17 || c.height > 1<<17 || c.bitDepth < 0 || c.bitDepth > 16 {
				t.Errorf("configuration %d: got impossible %+v", i, c)
			}
		}
		var a Audio
		readASC(data, &a)
		readESDS(data)
		seiHeader(data)
		unescape(data)
	})
}
