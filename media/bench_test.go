//go:build unix

package media

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"syscall"
	"testing"
	"time"

	"storyform/internal/testmedia"
)

// fiveMB is what each file of the benchmark has.
const fiveMB = 5_000_000

// noisyPNG makes a PNG of 5 MB with data chunks as encoders write them.
func noisyPNG(noise []byte) []byte {
	p := testmedia.PNGHeader(1080, 1920)
	const head = 8 + 25
	var chunks []byte
	for part := range slices.Chunk(noise[:fiveMB-40_000], 8192) {
		chunks = append(chunks, testmedia.PNGChunk("IDAT", part)...)
	}
	return slices.Concat(p[:head], chunks, testmedia.PNGChunk("IEND", nil))
}

// noisyJPEG makes a JPEG of 5 MB.
func noisyJPEG(noise []byte) []byte {
	p := testmedia.JPEG(1080, 1920)
	scan := bytes.ReplaceAll(noise[:fiveMB-len(p)], []byte{0xff}, []byte{0xfe})
	return slices.Concat(p[:len(p)-2], scan, p[len(p)-2:])
}

// longVideo makes a video of 5 MB.
func longVideo(noise []byte) []byte {
	v := testmedia.Good()
	v.Frames, v.Trailing = 900, 0
	data := v.MP4()
	return append(data, testmedia.Box("free", noise[:fiveMB-len(data)-8])...)
}

// BenchmarkHundredFiles measures the CPU time of inspecting 100 different files
// of 5 MB in the page cache, all but hashing them: photos and videos by turns,
// and each format alone.
func BenchmarkHundredFiles(b *testing.B) {
	noise := make([]byte, fiveMB)
	rand.NewChaCha8([32]byte{}).Read(noise)
	all := map[string][]byte{"jpeg": noisyJPEG(noise), "png": noisyPNG(noise), "mp4": longVideo(noise)}
	for _, mix := range [][]string{{"jpeg", "png", "mp4"}, {"jpeg"}, {"png"}, {"mp4"}} {
		b.Run(fmt.Sprint(mix), func(b *testing.B) {
			dir := b.TempDir()
			open := make([]*os.File, 100)
			sizes := make([]int64, len(open))
			for i := range open {
				data := all[mix[i%len(mix)]]
				path := filepath.Join(dir, fmt.Sprint(i))
				if err := os.WriteFile(path, data, 0o644); err != nil {
					b.Fatal(err)
				}
				f, err := os.Open(path)
				if err != nil {
					b.Fatal(err)
				}
				defer f.Close()
				open[i], sizes[i] = f, int64(len(data))
			}
			began := cpuTime(b)
			for b.Loop() {
				for i, h := range open {
					f, err := measure(b.Context(), h, sizes[i], "", Options{})
					if err != nil {
						b.Fatal(err)
					}
					if f.Photo != nil && f.Photo.Damage != "" || f.Video != nil && f.Video.Damage != "" {
						b.Fatalf("got damage %+v %+v", f.Photo, f.Video)
					}
				}
			}
			b.ReportMetric((cpuTime(b)-began).Seconds()/float64(b.N), "cpu-s/100files")
		})
	}
}

// cpuTime is what the process has used so far.
func cpuTime(b *testing.B) time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Skip(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
