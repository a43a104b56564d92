package media

import (
	"bytes"
	"encoding/binary"
	"testing"

	"storyform/internal/testmedia"
)

// FuzzExif reads any bytes as EXIF.
func FuzzExif(f *testing.F) {
	f.Add(testmedia.Exif(binary.BigEndian, 6))
	f.Add(testmedia.Exif(binary.LittleEndian, 8))
	f.Add(testmedia.RawTIFF{Width: 4, Height: 4, Samples: 1, Photometric: 1, Orientation: 3, Big: true}.Bytes())
	f.Fuzz(func(t *testing.T, data []byte) {
		if o := orientation(data); o < 1 || o > 8 {
			t.Errorf("got orientation %d", o)
		}
	})
}

// FuzzPhoto reads any bytes as each format, and as the one that they look like.
func FuzzPhoto(f *testing.F) {
	for _, data := range [][]byte{
		testmedia.JPEGWithExif(testmedia.RawJPEG{Width: 9, Height: 16, Components: 4, Frame: 0xc0, Precision: 8, Restart: 2}.Bytes(), testmedia.Exif(binary.BigEndian, 6)),
		testmedia.PNGWithChunk(testmedia.PNG(9, 16), "acTL", []byte{0, 0, 0, 2, 0, 0, 0, 0}),
		testmedia.GIF(9, 16, 2), testmedia.BMP(9, 16), testmedia.RLEBMP(9, 16),
		testmedia.RawTIFF{Width: 9, Height: 16, Samples: 3, Photometric: 2, Planar: true, Pages: 2}.Bytes(),
		testmedia.RawTIFF{Width: 9, Height: 16, Samples: 1, Photometric: 1, Big: true, Tile: 16}.Bytes(),
	} {
		f.Add(data)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		for _, format := range []string{"", "jpeg", "png", "gif", "bmp", "tiff"} {
			name := format
			if seen := sniff(data); format == "" && seen != nil {
				name = seen.name
			}
			p, err := readPhoto(t.Context(), bytes.NewReader(data), int64(len(data)), name, 0, Options{})
			if err != nil {
				t.Fatalf("%s: got error %v", name, err)
			}
			if p.StoredWidth < 0 || p.StoredHeight < 0 || p.Frames < 1 || p.Orientation < 1 || p.Orientation > 8 {
				t.Errorf("%s: got impossible %+v", name, p)
			}
			file := &File{Photo: p}
			file.Kind, file.Format, file.Bytes = "photo", name, int64(len(data))
			file.Width, file.Height = p.displayed()
			Judge(file, JudgeOptions{})
			file.Table()
		}
	})
}
