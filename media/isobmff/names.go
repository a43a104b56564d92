package isobmff

// codecNames maps types of sample entries to the names of codecs as ffprobe
// and people use them.
// Source: the registry at mp4ra.org and ffmpeg's libavformat/isom_tags.c, 2026-05.
var codecNames = map[string]string{
	"avc1": "h264", "avc2": "h264", "avc3": "h264", "avc4": "h264", "dva1": "h264", "dvav": "h264",
	"hvc1": "hevc", "hev1": "hevc", "dvh1": "hevc", "dvhe": "hevc",
	"vvc1": "vvc", "vvi1": "vvc",
	"av01": "av1", "vp08": "vp8", "vp09": "vp9",
	"mp4v": "mpeg4", "s263": "h263", "h263": "h263", "H263": "h263",
	"apco": "prores", "apcs": "prores", "apcn": "prores", "apch": "prores", "ap4h": "prores", "ap4x": "prores",
	"jpeg": "mjpeg", "mjpa": "mjpeg", "mjpb": "mjpegb", "mjp2": "jpeg2000", "png ": "png",
	"AVdn": "dnxhd", "AVdh": "dnxhd", "CFHD": "cfhd", "SVQ1": "svq1", "SVQ3": "svq3", "cvid": "cinepak",
	"rle ": "qtrle", "raw ": "rawvideo", "2vuy": "rawvideo", "yuvs": "rawvideo", "v210": "v210",
	"dvc ": "dvvideo", "dvcp": "dvvideo", "dv5n": "dvvideo", "dv5p": "dvvideo", "dvpp": "dvvideo",
	"encv": "encrypted", "drmi": "encrypted",

	"mp4a": "aac", ".mp3": "mp3", "ac-3": "ac3", "ec-3": "eac3", "ac-4": "ac4", "alac": "alac",
	"Opus": "opus", "fLaC": "flac", "samr": "amr_nb", "sawb": "amr_wb", "dtsc": "dts", "dtse": "dts",
	"dtsh": "dts", "dtsl": "dts", "mlpa": "truehd", "QDM2": "qdm2", "ulaw": "pcm_mulaw", "alaw": "pcm_alaw",
	"ima4": "adpcm_ima_qt", "sowt": "pcm_s16le", "twos": "pcm_s16be", "in24": "pcm_s24be", "in32": "pcm_s32be",
	"fl32": "pcm_f32be", "fl64": "pcm_f64be", "lpcm": "pcm", "ipcm": "pcm", "fpcm": "pcm",
	"enca": "encrypted", "drms": "encrypted",
}

// objectTypes maps the object type of an esds box to a codec.
// Source: mp4ra.org, object types, 2026-05.
var objectTypes = map[uint8]string{
	0x20: "mpeg4", 0x21: "h264", 0x23: "hevc",
	0x60: "mpeg2video", 0x61: "mpeg2video", 0x62: "mpeg2video", 0x63: "mpeg2video", 0x64: "mpeg2video", 0x65: "mpeg2video",
	0x6a: "mpeg1video", 0x6c: "mjpeg", 0x6d: "png", 0x6e: "jpeg2000",
	0x40: "aac", 0x66: "aac", 0x67: "aac", 0x68: "aac", 0x69: "mp3", 0x6b: "mp3",
	0xa3: "vc1", 0xa5: "ac3", 0xa6: "eac3", 0xa9: "dts", 0xad: "opus", 0xb1: "vp9", 0xc1: "flac", 0xdd: "vorbis",
}

// codecName names a sample entry's codec, or returns its type as it is.
func codecName(format string) string {
	if name := codecNames[format]; name != "" {
		return name
	}
	return format
}
