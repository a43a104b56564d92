package media

import (
	"encoding/binary"
	"fmt"
	"strings"
	"testing"

	"storyform/internal/testmedia"
	"storyform/media/isobmff"
)

// videoCase is a video that ffmpeg makes.
type videoCase struct {
	name    string
	in      string // size=WxH rate=N length=S of the test picture; defaults 180x320, 30, 3
	args    string // for ffmpeg, behind the inputs
	shell   string // in place of all that: a command line
	damaged bool
	notRead bool
	timing  isobmff.Timing // what it was made to be; "" is not compared
	gop     isobmff.GOP
	scan    isobmff.Scan
	first   bool // the index comes first
}

const (
	ffmpegQuiet = "ffmpeg -hide_banner -loglevel error -y "
	tone        = `-f lavfi -i "sine=f=330:r=48000,aformat=channel_layouts=stereo" `
	x264        = "-c:v libx264 -preset ultrafast -pix_fmt yuv420p "
	x265        = "-c:v libx265 -preset ultrafast -x265-params log-level=error"
	aacSound    = " -c:a aac -b:a 128k"
)

// command is the command line that makes the file.
func (c videoCase) command() string {
	if c.shell != "" {
		return strings.ReplaceAll(c.shell, "FFMPEG", ffmpegQuiet)
	}
	size, rate, length := "180x320", "30", "3"
	for _, word := range strings.Fields(c.in) {
		key, value, _ := strings.Cut(word, "=")
		switch key {
		case "size":
			size = value
		case "rate":
			rate = value
		case "length":
			length = value
		}
	}
	return ffmpegQuiet + fmt.Sprintf("-f lavfi -i testsrc2=s=%s:r=%s:d=%s ", size, rate, length) + tone + c.args + " -t " + length + " " + c.name
}

// own compares what ffprobe does not tell.
func (c videoCase) own(t *testing.T, f *File) {
	t.Helper()
	if c.timing != "" && f.Video.Timing != c.timing {
		t.Errorf("got timing %q, want %q", f.Video.Timing, c.timing)
	}
	if c.gop != "" && f.Video.GOP != c.gop {
		t.Errorf("got GOP %q, want %q", f.Video.GOP, c.gop)
	}
	if c.scan != "" && f.Video.Scan != c.scan {
		t.Errorf("got scan %q, want %q", f.Video.Scan, c.scan)
	}
	if c.first && !f.Video.IndexFirst {
		t.Errorf("got index last, want first")
	}
}

const (
	constant = isobmff.Constant
	closed   = isobmff.Closed
	opened   = isobmff.Open
)

var probeVideos = []videoCase{
	{name: "h264.mp4", args: x264 + aacSound, timing: constant, gop: closed, scan: isobmff.Progressive},
	{name: "h264_1080.mp4", in: "size=1080x1920", args: x264 + "-g 60" + aacSound, timing: constant, gop: closed},
	{name: "h264_faststart.mp4", args: x264 + "-movflags +faststart" + aacSound, first: true},
	{name: "h264_baseline.mp4", args: x264 + "-profile:v baseline" + aacSound},
	{name: "h264_main.mp4", args: x264 + "-preset fast -profile:v main" + aacSound},
	{name: "h264_high.mp4", args: x264 + "-preset fast -profile:v high" + aacSound, gop: closed},
	{name: "h264_10bit.mp4", args: "-c:v libx264 -preset ultrafast -pix_fmt yuv420p10le" + aacSound},
	{name: "h264_422.mp4", args: "-c:v libx264 -preset ultrafast -pix_fmt yuv422p" + aacSound},
	{name: "h264_422_10bit.mp4", args: "-c:v libx264 -preset ultrafast -pix_fmt yuv422p10le" + aacSound},
	{name: "h264_444.mp4", args: "-c:v libx264 -preset ultrafast -pix_fmt yuv444p" + aacSound},
	{name: "h264_gray.mp4", args: "-c:v libx264 -preset ultrafast -pix_fmt gray" + aacSound},
	{name: "h264_lossless.mp4", args: x264 + "-qp 0" + aacSound},
	{name: "h264_matrix.mp4", args: x264 + "-preset fast -x264-params cqm=jvt" + aacSound},
	{name: "h264_sar43.mp4", args: x264 + "-vf setsar=4/3" + aacSound},
	{name: "h264_sar_odd.mp4", args: x264 + "-vf setsar=64/45" + aacSound},
	{name: "h264_crop.mp4", in: "size=182x322", args: x264 + aacSound},
	{name: "h264_odd_444.mp4", in: "size=181x321", args: "-c:v libx264 -preset ultrafast -pix_fmt yuv444p" + aacSound},
	{name: "h264_480x854.mp4", in: "size=480x854", args: x264 + aacSound},
	{name: "h264_landscape.mp4", in: "size=320x180", args: x264 + aacSound},
	{name: "h264_square.mp4", in: "size=240x240", args: x264 + aacSound},
	{name: "turned_90.mp4", shell: "FFMPEG -i h264.mp4 -c copy -metadata:s:v rotate=90 turned_90.mp4"},
	{name: "turned_180.mp4", shell: "FFMPEG -i h264.mp4 -c copy -metadata:s:v rotate=180 turned_180.mp4"},
	{name: "turned_270.mov", shell: "FFMPEG -i h264.mp4 -c copy -metadata:s:v rotate=270 turned_270.mov"},
	{name: "fps_15.mp4", in: "rate=15", args: x264 + aacSound, timing: constant},
	{name: "fps_23976.mp4", in: "rate=24000/1001", args: x264 + aacSound, timing: constant},
	{name: "fps_24.mp4", in: "rate=24", args: x264 + aacSound, timing: constant},
	{name: "fps_25.mp4", in: "rate=25", args: x264 + aacSound, timing: constant},
	{name: "fps_2997.mp4", in: "rate=30000/1001", args: x264 + aacSound, timing: constant},
	{name: "fps_5994.mp4", in: "rate=60000/1001", args: x264 + aacSound, timing: constant},
	{name: "fps_60.mp4", in: "rate=60", args: x264 + aacSound, timing: constant},
	{name: "fps_120.mp4", in: "rate=120", args: x264 + aacSound, timing: constant},
	{name: "fps_ms_clock.mp4", args: x264 + "-video_track_timescale 1000" + aacSound, timing: constant},
	{name: "fps_jitter.mp4", args: x264 + `-vf "settb=1/90000,setpts=N*3000+600*random(0)" -vsync passthrough -enc_time_base 1/90000 -video_track_timescale 90000` + aacSound, timing: isobmff.Jitter},
	{name: "fps_variable.mp4", args: x264 + `-vf "select=not(mod(n\,5)*mod(n\,7))+not(mod(n\,3))" -vsync vfr` + aacSound, timing: isobmff.Variable},
	{name: "gop_250.mp4", in: "length=10", args: x264 + aacSound, gop: closed},
	{name: "gop_60.mp4", in: "length=7", args: x264 + "-g 60 -keyint_min 60 -sc_threshold 0" + aacSound, gop: closed},
	{name: "gop_intra.mp4", args: x264 + "-g 1" + aacSound, gop: closed},
	{name: "gop_no_b.mp4", args: x264 + "-preset fast -bf 0 -g 30" + aacSound, gop: closed},
	{name: "gop_open.mp4", in: "length=5", args: x264 + "-preset fast -bf 3 -g 45 -x264-params open-gop=1:scenecut=0" + aacSound, gop: opened},
	{name: "gop_pyramid.mp4", in: "length=5", args: x264 + "-preset fast -bf 5 -g 45 -x264-params b-pyramid=normal:scenecut=0" + aacSound, gop: closed},
	{name: "interlaced_tff.mp4", args: x264 + "-preset fast -flags +ildct+ilme -x264-params tff=1 -g 30" + aacSound, scan: isobmff.Interlaced},
	{name: "interlaced_bff.mp4", args: x264 + "-preset fast -flags +ildct+ilme -x264-params bff=1 -g 30" + aacSound, scan: isobmff.Interlaced},
	{name: "interlaced_fake.mp4", args: x264 + "-preset fast -x264-params fake-interlaced=1 -g 30" + aacSound},
	{name: "interlaced_hrd.mp4", args: x264 + "-preset fast -flags +ildct+ilme -x264-params tff=1:nal-hrd=cbr:vbv-maxrate=800:vbv-bufsize=800:bitrate=800 -g 30" + aacSound, scan: isobmff.Interlaced},
	{name: "fragment_key.mp4", args: x264 + "-g 30 -movflags +frag_keyframe+empty_moov" + aacSound, gop: closed},
	{name: "fragment_base.mp4", args: x264 + "-preset fast -g 30 -movflags +frag_keyframe+empty_moov+default_base_moof" + aacSound, gop: closed},
	{name: "fragment_frames.mp4", args: x264 + "-g 30 -movflags +frag_every_frame" + aacSound},
	{name: "fragment_moov.mp4", args: x264 + "-g 30 -movflags +frag_keyframe" + aacSound},
	{name: "fragment_sidx.mp4", args: x264 + "-g 30 -movflags +dash+global_sidx" + aacSound},
	{name: "fragment_offsets.mp4", args: x264 + "-preset fast -bf 2 -g 30 -movflags +frag_keyframe+negative_cts_offsets" + aacSound},
	{name: "fragment_open.mp4", in: "length=5", args: x264 + "-preset fast -bf 3 -g 45 -x264-params open-gop=1:scenecut=0 -movflags +frag_keyframe+empty_moov" + aacSound, gop: opened},
	{name: "h264.mov", args: x264 + aacSound},
	{name: "prores.mov", args: "-c:v prores_ks -profile:v 0 -c:a pcm_s16le"},
	{name: "prores4444.mov", args: "-c:v prores_ks -profile:v 4 -pix_fmt yuva444p10le -c:a pcm_s24le"},
	{name: "mjpeg.mov", args: "-c:v mjpeg -pix_fmt yuvj420p -c:a pcm_s16be"},
	{name: "alac.mov", args: x264 + "-c:a alac"},
	{name: "aac_wave.mov", args: x264 + "-c:a aac -ar 44100 -ac 1"},
	{name: "mpeg4.mp4", args: "-c:v mpeg4 -q:v 5" + aacSound},
	{name: "mpeg2.mp4", args: "-c:v mpeg2video -q:v 5" + aacSound},
	{name: "hevc_hvc1.mp4", args: x265 + ":bframes=3 -tag:v hvc1 -pix_fmt yuv420p" + aacSound, gop: closed},
	{name: "hevc_hev1.mp4", args: x265 + " -tag:v hev1 -pix_fmt yuv420p" + aacSound},
	{name: "hevc_10bit.mp4", args: x265 + " -pix_fmt yuv420p10le" + aacSound},
	{name: "hevc_444.mp4", args: x265 + " -pix_fmt yuv444p" + aacSound},
	{name: "hevc_open.mp4", in: "length=5", args: x265 + ":keyint=45:min-keyint=45:bframes=4:b-adapt=0:open-gop=1:scenecut=0 -pix_fmt yuv420p" + aacSound, gop: opened},
	{name: "hevc_closed.mp4", in: "length=5", args: x265 + ":keyint=45:min-keyint=45:bframes=4:b-adapt=0:open-gop=0:scenecut=0 -pix_fmt yuv420p" + aacSound, gop: closed},
	{name: "hevc_sar.mp4", in: "size=182x322", args: x265 + " -vf setsar=4/3 -pix_fmt yuv420p" + aacSound},
	{name: "hevc_medium.mp4", args: "-c:v libx265 -preset medium -x265-params log-level=error:scaling-list=default:ref=5:amp=1:rect=1 -vf setsar=10/11 -pix_fmt yuv420p" + aacSound},
	{name: "hevc_field.mp4", args: x265 + ":interlace=tff -pix_fmt yuv420p" + aacSound},
	{name: "vp9.mp4", args: "-c:v libvpx-vp9 -deadline realtime -cpu-used 8 -b:v 300k -pix_fmt yuv420p" + aacSound},
	{name: "vp9_444.mp4", args: "-c:v libvpx-vp9 -deadline realtime -cpu-used 8 -b:v 300k -pix_fmt yuv444p" + aacSound},
	{name: "av1.mp4", args: "-c:v libaom-av1 -cpu-used 8 -usage realtime -b:v 300k -pix_fmt yuv420p" + aacSound},
	{name: "av1_10bit.mp4", in: "length=1", args: "-c:v libaom-av1 -cpu-used 8 -usage realtime -b:v 300k -pix_fmt yuv420p10le" + aacSound},
	{name: "av1_crop.mp4", in: "size=182x322 length=1", args: "-c:v libsvtav1 -preset 12 -pix_fmt yuv420p" + aacSound},
	{name: "audio_mono.mp4", args: x264 + "-c:a aac -ac 1 -b:a 64k"},
	{name: "audio_441.mp4", args: x264 + "-c:a aac -ar 44100"},
	{name: "audio_96k.mp4", args: x264 + "-c:a aac -ar 96000 -b:a 256k"},
	{name: "audio_51.mp4", args: x264 + "-c:a aac -ac 6 -b:a 256k"},
	{name: "audio_71.mp4", args: x264 + "-c:a aac -ac 8 -b:a 256k"},
	{name: "audio_main.mp4", args: x264 + "-c:a aac -profile:a aac_main -b:a 96k"},
	{name: "audio_mp3.mp4", args: x264 + "-c:a libmp3lame -b:a 128k"},
	{name: "audio_opus.mp4", args: x264 + "-c:a libopus -b:a 128k"},
	{name: "audio_ac3.mp4", args: x264 + "-c:a ac3 -b:a 192k"},
	{name: "audio_eac3.mp4", args: x264 + "-c:a eac3 -b:a 192k"},
	{name: "audio_flac.mp4", args: x264 + "-c:a flac -strict -2"},
	{name: "audio_none.mp4", args: x264 + "-an"},
	{name: "audio_only.mp4", args: "-vn" + aacSound},
	{name: "audio_silent.mp4", shell: "FFMPEG -f lavfi -i testsrc2=s=180x320:d=3 -f lavfi -i anullsrc=r=48000:cl=stereo -t 3 " + x264 + aacSound + " audio_silent.mp4"},
	{name: "audio_longer.mp4", shell: "FFMPEG -f lavfi -i testsrc2=s=180x320:d=3 -f lavfi -i sine=d=4 " + x264 + aacSound + " audio_longer.mp4"},
	{name: "audio_late.mp4", shell: "FFMPEG -i h264.mp4 -itsoffset 0.5 -i h264.mp4 -map 0:v -map 1:a -c copy audio_late.mp4"},
	{name: "video_late.mp4", shell: "FFMPEG -itsoffset 0.8 -i h264.mp4 -i h264.mp4 -map 0:v -map 1:a -c copy video_late.mp4"},
	{name: "cut_copy.mp4", shell: "FFMPEG -ss 2.3 -i gop_60.mp4 -t 3 -c copy cut_copy.mp4"},
	{name: "cover_art.mp4", shell: `FFMPEG -f lavfi -i color=red:s=600x600 -frames:v 1 -update 1 cover.jpg; FFMPEG -i h264.mp4 -i cover.jpg -map 0 -map 1 -c copy -disposition:v:1 attached_pic cover_art.mp4`},
	{name: "two_pictures.mp4", shell: "FFMPEG -i h264.mp4 -i gop_60.mp4 -map 1:v -map 0:v -map 0:a -c copy two_pictures.mp4"},
	{name: "subtitles.mp4", shell: `printf '1\n00:00:00,000 --> 00:00:02,000\nhello\n' > s.srt; FFMPEG -i h264.mp4 -i s.srt -map 0 -map 1 -c copy -c:s mov_text subtitles.mp4`},
	{name: "timecode.mov", shell: "FFMPEG -i h264.mp4 -c copy -timecode 01:00:00:00 timecode.mov"},
	{name: "trailing_junk.mp4", shell: "cp h264.mp4 trailing_junk.mp4; head -c 5000 /dev/zero | tr '\\0' x >> trailing_junk.mp4"},
	{name: "one_frame.mp4", shell: "FFMPEG -f lavfi -i testsrc2=s=180x320 -frames:v 1 " + x264 + " one_frame.mp4"},
	{name: "sixty_one.mp4", in: "length=61 rate=24", args: x264 + "-g 72" + aacSound},
	{name: "truncated_media.mp4", shell: "head -c $(($(stat -c %s h264_faststart.mp4)*6/10)) h264_faststart.mp4 > truncated_media.mp4", damaged: true},
	{name: "truncated_index.mp4", shell: "head -c $(($(stat -c %s h264.mp4)-900)) h264.mp4 > truncated_index.mp4", damaged: true},
	{name: "truncated_fragment.mp4", shell: "head -c $(($(stat -c %s fragment_key.mp4)*7/10)) fragment_key.mp4 > truncated_fragment.mp4", damaged: true},
	{name: "other.webm", args: "-c:v libvpx-vp9 -deadline realtime -cpu-used 8 -c:a libopus", notRead: true},
	{name: "other.mkv", args: x264 + aacSound, notRead: true},
	{name: "other.avi", args: "-c:v mpeg4 -c:a libmp3lame", notRead: true},
	{name: "other.ts", args: x264 + aacSound, notRead: true},
	{name: "other.flv", args: x264 + aacSound, notRead: true},
	{name: "other.wmv", args: "-c:v msmpeg4 -c:a wmav2", notRead: true},
	{name: "other.mpg", args: "-c:v mpeg2video -r 25 -c:a mp2", notRead: true},
}

// photoCase is a photo that ffmpeg makes, or package testmedia what ffmpeg can't.
type photoCase struct {
	name        string
	args        string // for ffmpeg, behind a test picture of 90x160
	shell       string
	data        []byte // in place of a command
	damaged     bool
	notDecoded  bool
	frames      int
	orientation int
}

// command is the command line that makes the file.
func (c photoCase) command() string {
	if c.shell != "" {
		return strings.ReplaceAll(c.shell, "FFMPEG", ffmpegQuiet)
	}
	return ffmpegQuiet + "-f lavfi -i testsrc2=s=90x160:d=1 -frames:v 1 -update 1 " + c.args + " " + c.name
}

// format is the format that the name ends in.
func (c photoCase) format() string {
	_, ext, _ := strings.Cut(c.name, ".")
	return map[string]string{"jpg": "jpeg", "tif": "tiff", "apng": "png"}[ext] + map[string]string{"png": "png", "gif": "gif", "bmp": "bmp", "webp": "webp"}[ext]
}

var probePhotos = []photoCase{
	{name: "420.jpg", args: "-pix_fmt yuvj420p"},
	{name: "422.jpg", args: "-pix_fmt yuvj422p"},
	{name: "444.jpg", args: "-pix_fmt yuvj444p"},
	{name: "gray.jpg", args: "-pix_fmt gray"},
	{name: "odd.jpg", args: "-vf crop=89:157:exact=1 -pix_fmt yuvj444p"},
	{name: "progressive.jpg", data: testmedia.RawJPEG{Width: 90, Height: 160, Components: 3, Frame: 0xc2, Precision: 8}.Bytes()},
	{name: "cmyk.jpg", data: testmedia.RawJPEG{Width: 90, Height: 160, Components: 4, Frame: 0xc0, Precision: 8}.Bytes()},
	{name: "arithmetic.jpg", data: testmedia.RawJPEG{Width: 90, Height: 160, Components: 3, Frame: 0xc9, Precision: 8}.Bytes(), notDecoded: true},
	{name: "12bit.jpg", data: testmedia.RawJPEG{Width: 90, Height: 160, Components: 1, Frame: 0xc1, Precision: 12}.Bytes(), notDecoded: true},
	{name: "restart.jpg", data: testmedia.RawJPEG{Width: 90, Height: 160, Components: 3, Frame: 0xc0, Precision: 8, Restart: 7}.Bytes()},
	{name: "trailer.jpg", shell: "cat 420.jpg <(head -c 200000 /dev/zero) > trailer.jpg"},
	{name: "film_behind.jpg", shell: "cat 420.jpg h264.mp4 > film_behind.jpg"},
	{name: "truncated.jpg", shell: "head -c $(($(stat -c %s 420.jpg)*7/10)) 420.jpg > truncated.jpg", damaged: true},
	{name: "stray.jpg", shell: "printf '\\n' | cat - 420.jpg > stray.jpg", damaged: true},
	{name: "turned_3.jpg", shell: "cp 420.jpg turned_3.jpg; " + exifInto("turned_3.jpg", 3), orientation: 3},
	{name: "turned_6.jpg", shell: "cp 420.jpg turned_6.jpg; " + exifInto("turned_6.jpg", 6), orientation: 6},
	{name: "turned_8.jpg", shell: "cp 420.jpg turned_8.jpg; " + exifInto("turned_8.jpg", 8), orientation: 8},
	{name: "rgb.png", args: "-pix_fmt rgb24"},
	{name: "rgba.png", args: "-pix_fmt rgba"},
	{name: "gray.png", args: "-pix_fmt gray"},
	{name: "gray_alpha.png", args: "-pix_fmt ya8"},
	{name: "16bit.png", args: "-pix_fmt rgb48be"},
	{name: "palette.png", args: "-pix_fmt pal8"},
	{name: "mono.png", args: "-pix_fmt monob"},
	{name: "interlaced.png", data: testmedia.InterlacedPNG(90, 160)},
	{name: "turned_5.png", data: testmedia.PNGWithChunk(testmedia.PNG(90, 160), "eXIf", testmedia.Exif(binary.LittleEndian, 5)), orientation: 5},
	{name: "animated.png", shell: "FFMPEG -f lavfi -i testsrc2=s=90x160:d=1:r=5 -f apng animated.png", frames: 5},
	{name: "truncated.png", shell: "head -c $(($(stat -c %s rgb.png)-300)) rgb.png > truncated.png", damaged: true},
	{name: "still.gif", args: "", frames: 1},
	{name: "animated.gif", shell: "FFMPEG -f lavfi -i testsrc2=s=90x160:d=2:r=15 animated.gif", frames: 30},
	{name: "truncated.gif", shell: "head -c $(($(stat -c %s animated.gif)/2)) animated.gif > truncated.gif", damaged: true},
	{name: "24bit.bmp", args: "-pix_fmt bgr24"},
	{name: "32bit.bmp", args: "-pix_fmt bgra"},
	{name: "8bit.bmp", args: "-pix_fmt pal8"},
	{name: "565.bmp", args: "-pix_fmt rgb565le", notDecoded: true},
	{name: "rle.bmp", data: testmedia.RLEBMP(90, 160), notDecoded: true},
	{name: "gray.bmp", args: "-pix_fmt gray"},
	{name: "555.bmp", args: "-pix_fmt rgb555le", notDecoded: true},
	{name: "truncated.bmp", shell: "head -c 9000 24bit.bmp > truncated.bmp", damaged: true},
	{name: "rgb.tif", args: "-pix_fmt rgb24 -compression_algo raw"},
	{name: "lzw.tif", args: "-pix_fmt rgb24 -compression_algo lzw"},
	{name: "deflate.tif", args: "-pix_fmt rgb24 -compression_algo deflate"},
	{name: "packbits.tif", args: "-pix_fmt rgb24"},
	{name: "gray.tif", args: "-pix_fmt gray"},
	{name: "16bit.tif", args: "-pix_fmt rgb48le"},
	{name: "big_endian.tif", data: testmedia.RawTIFF{Width: 90, Height: 160, Samples: 1, Photometric: 1, BigEndian: true}.Bytes()},
	{name: "cmyk.tif", data: testmedia.RawTIFF{Width: 90, Height: 160, Samples: 4, Photometric: 5}.Bytes(), notDecoded: true},
	{name: "jpeg_in.tif", data: testmedia.RawTIFF{Width: 90, Height: 160, Samples: 1, Photometric: 1, Compression: 7}.Bytes(), notDecoded: true},
	{name: "planar.tif", data: testmedia.RawTIFF{Width: 90, Height: 160, Samples: 3, Photometric: 2, Planar: true}.Bytes(), notDecoded: true},
	{name: "big.tif", data: testmedia.RawTIFF{Width: 90, Height: 160, Samples: 1, Photometric: 1, Big: true}.Bytes(), notDecoded: true},
	{name: "tiled.tif", data: testmedia.RawTIFF{Width: 90, Height: 160, Samples: 1, Photometric: 1, Tile: 64}.Bytes()},
	{name: "pages.tif", data: testmedia.RawTIFF{Width: 90, Height: 160, Samples: 1, Photometric: 1, Pages: 2}.Bytes(), frames: 2},
	{name: "turned_6.tif", data: testmedia.RawTIFF{Width: 90, Height: 160, Samples: 1, Photometric: 1, Orientation: 6}.Bytes(), orientation: 6},
	{name: "truncated.tif", shell: "head -c 9000 rgb.tif > truncated.tif", damaged: true},
	{name: "other.webp", args: "-c:v libwebp", notDecoded: true},
}

// exifInto is a command line that puts an orientation into a JPEG file.
func exifInto(name string, orientation int) string {
	return fmt.Sprintf(`{ printf '\xff\xd8\xff\xe1\x00\x22Exif\x00\x00MM\x00*\x00\x00\x00\x08\x00\x01\x01\x12\x00\x03\x00\x00\x00\x01\x00\x%02x\x00\x00\x00\x00\x00\x00'; tail -c +3 %s; } > exif.tmp && mv exif.tmp %s`, orientation, name, name)
}

// reasons explains differences, by file and field; "" matches every one.
var reasons = []struct{ file, field, reason string }{
	{"h264_gray.mp4", "chroma", "the stream is monochrome (chroma_format_idc 0); ffprobe names the format that it decodes into"},
	{"fps_variable.mp4", "fps", "the mean of the gaps between frames; ffprobe also counts the last frame's length, which is the muxer's guess"},
	{"fragment_key.mp4", "fps", oneLongFrame}, {"fragment_frames.mp4", "fps", oneLongFrame}, {"fragment_moov.mp4", "fps", oneLongFrame}, {"fragment_sidx.mp4", "fps", "ffprobe counts the first fragment only, which has a frame that the muxer made longer; a single odd gap is forgiven"},
	{"fragment_frames.mp4", "frames", firstFragment}, {"fragment_moov.mp4", "frames", firstFragment}, {"fragment_offsets.mp4", "frames", firstFragment},
	{"fragment_frames.mp4", "bitrate of the picture", "ffprobe leaves the first frame, which stands in moov, out"},
	{"fragment_sidx.mp4", "bitrate of the picture", sidxBitrate}, {"fragment_sidx.mp4", "audio bitrate", sidxBitrate},
	{"fragment_offsets.mp4", "longest group", "30 frames at 30 per second take 1 s; ffprobe shifts the fragments by a frame, but not what stands in moov"},
	{"audio_late.mp4", "audio duration", "counted from the start of the movie, the empty edit of 0.48 s included"},
	{"arithmetic.jpg", "size", "ffprobe does not know arithmetic coding; the header has the size"},
	{"big.tif", "size", "ffprobe does not know BigTIFF; the header has the size"},
	{"turned_5.png", "orientation", "ffprobe does not read eXIf"},
	{"turned_6.tif", "orientation", "ffprobe does not read the tag Orientation of TIFF"},
}

const (
	oneLongFrame  = "ffmpeg's muxer made one frame longer than the others; a single odd gap is forgiven"
	firstFragment = "ffprobe counts what stands in moov, not the fragments"
	sidxBitrate   = "ffprobe counts the bytes of the first fragment and the time of all; the same clip in one piece has this bitrate"
)

// reasonFor returns why a difference is right or harmless, "" for none.
func reasonFor(d difference) string {
	for _, r := range reasons {
		if (r.file == "" || r.file == d.file) && (r.field == "" || r.field == d.field) {
			return r.reason
		}
	}
	return ""
}
