package media

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"storyform/internal/testmedia"
	"storyform/story"
)

// write puts a file into a folder and returns its path.
func write(t *testing.T, dir, name string, data []byte) string {
	t.Helper()
	path := filepath.Join(dir, name)
	if err := os.WriteFile(path, data, 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}

// TestGoodMedia checks that the media of the examples break no rule at all.
func TestGoodMedia(t *testing.T) {
	for _, path := range []string{
		"../testdata/media/good.jpg", "../testdata/media/good.png", "../testdata/media/good.mp4",
		"../examples/quickstart/media/teaser.jpg", "../examples/quickstart/media/reveal.mp4",
	} {
		f, err := InspectWith(t.Context(), path, "", Options{Decode: true, Samples: true})
		if err != nil {
			t.Fatalf("%s: %v", path, err)
		}
		if found := Judge(f, JudgeOptions{Strict: true}); len(found) > 0 {
			facts, _ := json.MarshalIndent(f, "", " ")
			t.Errorf("%s: got findings %+v\n%s", path, found, facts)
		}
	}
}

// TestInspect checks the facts of one photo and one video, and that the file's
// name and folder mean nothing.
func TestInspect(t *testing.T) {
	dir := t.TempDir()
	sum := func(data []byte) string { h := sha256.Sum256(data); return hex.EncodeToString(h[:]) }
	png, mp4 := testmedia.PNG(540, 960), video(nil)
	f, err := Inspect(t.Context(), write(t, dir, "photo.mp4", png), story.Photo)
	if err != nil {
		t.Fatal(err)
	}
	want := story.Media{Kind: story.Photo, Format: "png", SHA256: sum(png), Bytes: int64(len(png)), Width: 540, Height: 960}
	if diff := cmp.Diff(want, f.Media); diff != "" || f.Name != "photo.mp4" {
		t.Errorf("photo named %s differs (-want +got):\n%s", f.Name, diff)
	}
	f, err = InspectWith(t.Context(), write(t, dir, "video.jpg", mp4), story.Video, Options{Samples: true})
	if err != nil {
		t.Fatal(err)
	}
	want = story.Media{
		Kind: story.Video, Format: "mp4", SHA256: sum(mp4), Bytes: int64(len(mp4)), Width: 1080, Height: 1920,
		Duration: 3e9, FPS: 30, Codec: "h264", AudioCodec: "aac", SampleSHA256: f.SampleSHA256,
	}
	if diff := cmp.Diff(want, f.Media); diff != "" || len(f.SampleSHA256) != 64 {
		t.Errorf("video differs (-want +got):\n%s", diff)
	}
}

// TestInspectErrors checks the mistakes for which there is nothing to judge,
// and that no text names a path of the machine.
func TestInspectErrors(t *testing.T) {
	dir := t.TempDir()
	jpeg := write(t, dir, "photo.jpg", testmedia.JPEG(54, 96))
	mp4 := write(t, dir, "video.mp4", video(nil))
	listener, err := net.Listen("unix", filepath.Join(dir, "socket"))
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	secret := write(t, dir, "secret.jpg", testmedia.JPEG(54, 96))
	if err := os.Chmod(secret, 0); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		path    string
		want    story.Kind
		summary string
		details string // part of the detail
	}{
		{filepath.Join(dir, "none.jpg"), story.Photo, "Media file not found", "check the spelling"},
		{dir, story.Photo, "Media path is a folder", "Name the photo"},
		{filepath.Join(dir, "socket"), story.Photo, "Media path is not a regular file", "Copy the media"},
		{write(t, dir, "empty.jpg", nil), story.Photo, "Media file is empty", "make it again"},
		{write(t, dir, "lfs.mp4", testmedia.LFSPointer("1234567")), story.Video, "Media file is a Git LFS pointer", "git lfs pull"},
		{write(t, dir, "lfs2.mp4", testmedia.LFSPointer("1234567")), story.Video, "Media file is a Git LFS pointer", "lfs: true"},
		{write(t, dir, "text.mp4", []byte("<html>404 not found</html>\n")), story.Video, "Media file is text", "not a video"},
		{write(t, dir, "utf8.jpg", []byte("\xef\xbb\xbfgrüße\n")), story.Photo, "Media file is text", "not a photo"},
		{write(t, dir, "any.txt", []byte("hello")), "", "Media file is text", "photo or video"},
		{write(t, dir, "noise.jpg", []byte{1, 2, 3, 0, 0xff, 0xfe, 7}), story.Photo, "Media format not recognised", "01 02 03 00"},
		{write(t, dir, "doc.jpg", []byte("%PDF-1.7\n\x00")), story.Photo, "Media file is neither photo nor video", "PDF"},
		{write(t, dir, "song.mp4", []byte("\x00\x00\x00\x20ftypM4A \x00\x00\x00\x00")), story.Video, "Media file is neither photo nor video", "audio"},
		{jpeg, story.Video, "Media file is a photo", "Write `photo`"},
		{write(t, dir, "a.gif", testmedia.GIF(54, 96, 2)), story.Video, "Media file is a photo", "GIF"},
		{mp4, story.Photo, "Media file is a video", "Write `video`"},
	} {
		t.Run(filepath.Base(c.path)+" as "+string(c.want), func(t *testing.T) {
			_, err := Inspect(t.Context(), c.path, c.want)
			e, ok := errors.AsType[*Error](err)
			if !ok {
				t.Fatalf("got %v, want an *Error", err)
			}
			summary, detail := e.Diagnostic()
			if summary != c.summary || !strings.Contains(detail, c.details) {
				t.Errorf("got %q %q, want %q with %q", summary, detail, c.summary, c.details)
			}
			if strings.Contains(err.Error(), dir) {
				t.Errorf("got a path of the machine in %q", err)
			}
		})
	}
	if _, err := Inspect(t.Context(), filepath.Join(dir, "none.jpg"), ""); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("got %v, want it to match fs.ErrNotExist", err)
	}
	if os.Getuid() != 0 { // root reads everything
		if _, err := Inspect(t.Context(), secret, ""); !errors.Is(err, fs.ErrPermission) {
			t.Errorf("got %v, want it to match fs.ErrPermission", err)
		}
	}
}

// TestInspectStops checks that a done context ends the work with its cause.
func TestInspectStops(t *testing.T) {
	path := write(t, t.TempDir(), "photo.jpg", testmedia.JPEG(54, 96))
	stop := errors.New("stopped")
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(stop)
	if _, err := Inspect(ctx, path, ""); !errors.Is(err, stop) {
		t.Errorf("got %v, want %v", err, stop)
	}
}

// TestSniff checks how formats are told, by their first bytes.
func TestSniff(t *testing.T) {
	ts := bytes.Repeat(append([]byte{'G'}, make([]byte, 187)...), 6)
	m2ts := bytes.Repeat(append([]byte{0, 0, 0, 0, 'G'}, make([]byte, 187)...), 6)
	for want, head := range map[string]string{
		"jpeg": "\xff\xd8\xff\xe0", "png": "\x89PNG\r\n\x1a\n", "gif": "GIF89a", "tiff": "MM\x00*",
		"bmp":  "BM\x00\x00\x00\x00\x00\x00\x00\x00\x36\x00\x00\x00\x28\x00\x00\x00",
		"webp": "RIFF\x00\x00\x00\x00WEBPVP8L", "heic": "\x00\x00\x00\x18ftypheic\x00", "avif": "\x00\x00\x00\x18ftypavif\x00",
		"mp4": "\x00\x00\x00\x18ftypmp42\x00", "mov": "\x00\x00\x00\x14ftypqt  \x00", "avi": "RIFF\x00\x00\x00\x00AVI LIST",
		"webm": "\x1aE\xdf\xa3\x9fB\x82\x84webm", "mkv": "\x1aE\xdf\xa3\x9fB\x82\x88matroska",
		"mpegts": string(ts), "flv": "FLV\x01\x05", "wav": "RIFF\x00\x00\x00\x00WAVEfmt ", "jxl": "\xff\x0a\x00\x00",
	} {
		if f := sniff([]byte(head)); f == nil || f.name != want {
			t.Errorf("%q: got %v, want %s", head[:min(len(head), 16)], f, want)
		}
	}
	if f := sniff(m2ts); f == nil || f.name != "mpegts" {
		t.Errorf("M2TS: got %v", f)
	}
	for _, head := range []string{"", "B", "BM is a car maker", "G", "GIF", "ftyp", "hello"} {
		if f := sniff([]byte(head)); f != nil {
			t.Errorf("%q: got %s, want nothing", head, f.name)
		}
	}
}

// TestPhotosCutOff cuts photos at every byte: damage is told, nothing crashes.
func TestPhotosCutOff(t *testing.T) {
	bmp := testmedia.BMP(6, 10)
	for name, data := range map[string][]byte{
		"jpeg": testmedia.JPEG(6, 10), "png": testmedia.PNG(6, 10), "gif": testmedia.GIF(6, 10, 2), "bmp": bmp,
		"tiff":      testmedia.RawTIFF{Width: 6, Height: 10, Samples: 3, Photometric: 2, Planar: true, Pages: 2}.Bytes(),
		"big tiff":  testmedia.RawTIFF{Width: 6, Height: 10, Samples: 1, Photometric: 1, Big: true, Tile: 16}.Bytes(),
		"jpeg exif": testmedia.JPEGWithExif(testmedia.JPEG(6, 10), testmedia.Exif(binary.BigEndian, 6)),
		"png adam7": testmedia.InterlacedPNG(6, 10),
	} {
		for n := 30; n < len(data); n++ {
			f := inspectBytes(t, data[:n], Options{Decode: true})
			if f.Photo.Damage == "" {
				t.Fatalf("%s: %d of %d bytes: got no damage", name, n, len(data))
			}
		}
		if f := inspectBytes(t, data, Options{}); f.Photo.Damage != "" {
			t.Errorf("%s: got damage %q in the whole file", name, f.Photo.Damage)
		}
	}
}

// TestPhotosRotten flips bytes of photos: nothing crashes, and a PNG's
// checksums tell.
func TestPhotosRotten(t *testing.T) {
	png := testmedia.PNG(54, 96)
	for i := 8; i < len(png); i++ {
		rotten := slices.Clone(png)
		rotten[i] ^= 0x10
		if f := inspectBytes(t, rotten, Options{}); f.Photo.Damage == "" {
			t.Errorf("byte %d: got no damage", i)
		}
	}
	for _, data := range [][]byte{testmedia.JPEG(54, 96), testmedia.GIF(20, 30, 2), testmedia.BMP(20, 30), testmedia.TIFF(20, 30)} {
		for i := 18; i < len(data); i++ {
			rotten := slices.Clone(data)
			rotten[i] ^= 0xff
			inspectBytes(t, rotten, Options{Decode: i%8 == 0})
		}
	}
}

// TestPhotoBombs checks that a header that claims a huge picture, or a table
// that claims huge lists, costs nothing.
func TestPhotoBombs(t *testing.T) {
	gif := testmedia.GIF(54, 96, 1)
	copy(gif[6:], "\xff\xff\xff\xff")
	bmp := testmedia.BMP(54, 96)
	copy(bmp[18:], "\xff\xff\xff\x7f\xff\xff\xff\x7f")
	tiff := testmedia.RawTIFF{Width: 54, Height: 96, Samples: 3, Photometric: 2, Planar: true, BigEndian: true}.Bytes()
	for _, tag := range []string{"\x01\x11\x00\x04", "\x01\x17\x00\x04"} { // offsets and counts of strips
		at := bytes.Index(tiff, []byte(tag))
		copy(tiff[at+4:], "\x00\x0f\xff\xff")
	}
	for name, data := range map[string][]byte{
		"900 Mpx PNG": testmedia.PNGHeader(30_000, 30_000), "65535 x 65535 GIF": gif, "2^31 BMP": bmp,
		"2^31 PNG": testmedia.PNGHeader(1<<31-1, 1<<31-1), "TIFF of a million strips": tiff,
	} {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		f := inspectBytes(t, data, Options{Decode: true})
		runtime.ReadMemStats(&after)
		if took := after.TotalAlloc - before.TotalAlloc; took > 1<<20 {
			t.Errorf("%s: got %d bytes allocated, want at most 1 MB", name, took)
		}
		if f.Photo.Decoded {
			t.Errorf("%s: got it decoded", name)
		}
	}
}
