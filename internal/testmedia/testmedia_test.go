package testmedia_test

import (
	"bytes"
	"encoding/binary"
	"image"
	_ "image/gif"
	_ "image/jpeg"
	_ "image/png"
	"testing"

	_ "golang.org/x/image/bmp"
	_ "golang.org/x/image/tiff"

	"storyform/internal/testmedia"
	"storyform/media/isobmff"
)

// TestPhotosDecode checks that the photos are what they are said to be.
func TestPhotosDecode(t *testing.T) {
	photos := map[string][]byte{
		"jpeg": testmedia.JPEG(54, 96), "png": testmedia.PNG(54, 96), "gif": testmedia.GIF(54, 96, 2),
		"bmp": testmedia.BMP(54, 96), "tiff": testmedia.TIFF(54, 96),
	}
	photos["jpeg"] = testmedia.JPEGWithExif(photos["jpeg"], testmedia.Exif(binary.BigEndian, 6))
	photos["png"] = testmedia.PNGWithChunk(photos["png"], "eXIf", testmedia.Exif(binary.LittleEndian, 6))
	for want, data := range photos {
		img, got, err := image.Decode(bytes.NewReader(data))
		if err != nil || got != want || img.Bounds().Dx() != 54 || img.Bounds().Dy() != 96 {
			t.Errorf("%s: got %v %v", want, got, err)
		}
	}
}

// TestGoodIsRead checks the good video with the project's own reader.
func TestGoodIsRead(t *testing.T) {
	data := testmedia.Good().MP4()
	m, err := isobmff.Read(bytes.NewReader(data), int64(len(data)))
	if err != nil {
		t.Fatal(err)
	}
	if p := m.Picture(); p == nil || p.Samples != 90 || p.Video.FPS != 30 || m.Duration.Seconds() != 3 {
		t.Errorf("got %+v", p)
	}
}
