package isobmff_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"testing"
	"time"

	"storyform/internal/testmedia"
	"storyform/media/isobmff"
)

// countingReader counts what is read of a file.
type countingReader struct {
	r     io.ReaderAt
	bytes int64
	calls int
}

func (c *countingReader) ReadAt(p []byte, off int64) (int, error) {
	n, err := c.r.ReadAt(p, off)
	c.bytes += int64(n)
	c.calls++
	return n, err
}

// sparse is a file of size bytes that is all zeros but for its pieces.
type sparse struct {
	size   int64
	pieces map[int64][]byte
}

func (s *sparse) ReadAt(p []byte, off int64) (int, error) {
	if off >= s.size {
		return 0, io.EOF
	}
	n := int(min(int64(len(p)), s.size-off))
	clear(p[:n])
	for at, b := range s.pieces {
		if lo, hi := max(at, off), min(at+int64(len(b)), off+int64(n)); lo < hi {
			copy(p[lo-off:hi-off], b[lo-at:hi-at])
		}
	}
	if n < len(p) {
		return n, io.EOF
	}
	return n, nil
}

// huge turns a file into one of a gigabyte, by a mdat that claims it.
func huge(indexLast bool) (*sparse, int64) {
	v := testmedia.Good()
	v.Wide, v.IndexLast = true, indexLast
	v.Frames, v.GOP = 3600, 120
	data := v.MP4()
	at := bytes.Index(data, []byte("mdat")) - 4
	end := at + int(binary.BigEndian.Uint64(data[at+8:]))
	const gigabyte = 1 << 30
	head := slices.Clone(data[:end])
	binary.BigEndian.PutUint64(head[at+8:], gigabyte)
	s := &sparse{size: int64(at) + gigabyte + int64(len(data)-end), pieces: map[int64][]byte{0: head}}
	if end < len(data) {
		s.pieces[int64(at)+gigabyte] = data[end:]
	}
	moov := bytes.Index(data, []byte("moov")) - 4
	return s, int64(binary.BigEndian.Uint32(data[moov:]))
}

// TestHugeFile reads a file of 1 GB in under 10 ms and with no more than 64
// KB of reads beyond its index.
func TestHugeFile(t *testing.T) {
	for _, last := range []bool{false, true} {
		s, moov := huge(last)
		best := time.Hour
		for range 5 {
			c := &countingReader{r: s}
			began := time.Now()
			m, err := isobmff.Read(c, s.size)
			best = min(best, time.Since(began))
			if err != nil || m.Missing > 0 || m.Picture().Samples != 3600 {
				t.Fatalf("index last %v: got %v %+v", last, err, m)
			}
			if beyond := c.bytes - moov; beyond > 64<<10 {
				t.Errorf("index last %v: got %d bytes read beyond an index of %d, want at most 64 KB", last, beyond, moov)
			}
		}
		if best > 10*time.Millisecond {
			t.Errorf("index last %v: got %v, want at most 10 ms", last, best)
		}
		t.Logf("index last %v: %v", last, best)
	}
}

// TestSparseFile does the same with a file on disk.
func TestSparseFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "huge.mp4")
	s, _ := huge(true)
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for at, b := range s.pieces {
		if _, err := f.WriteAt(b, at); err != nil {
			t.Fatal(err)
		}
	}
	if m, err := isobmff.Read(f, s.size); err != nil || m.Missing > 0 {
		t.Errorf("got %v %+v", err, m)
	}
}

// allocated tells how many bytes a call allocates.
func allocated(f func()) uint64 {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	f()
	runtime.ReadMemStats(&after)
	return after.TotalAlloc - before.TotalAlloc
}

// TestBombs reads small files that claim to be huge. None may take memory or
// time for what it only claims.
func TestBombs(t *testing.T) {
	good := testmedia.Good().MP4()
	table := func(kind string, entry int, count uint32) []byte { // claims count entries
		return testmedia.Patch(good, testmedia.Find(good, kind)+entry, count)
	}
	nest := []byte{}
	for range 2000 {
		nest = testmedia.Box("moov", nest)
	}
	empties := bytes.Repeat(testmedia.Box("free"), 200_000)
	run := slices.Clone(good) // one run of stts that says 2^32-1 samples
	binary.BigEndian.PutUint32(run[testmedia.Find(run, "stts")+16:], 1<<32-1)
	fixed := testmedia.Patch(table("stsz", 16, 1<<32-1), testmedia.Find(good, "stsz")+12, 1)
	fixed = testmedia.Patch(fixed, testmedia.Find(good, "stsc")+20, 1<<32-1)
	wide := slices.Clone(good)
	at := testmedia.Find(wide, "mdat")
	wide = slices.Concat(wide[:at], []byte{0, 0, 0, 1}, []byte("mdat"), []byte{0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff}, wide[at+8:])
	elst := func() []byte {
		v := testmedia.Good()
		v.DelayMillis = 500
		b := v.MP4()
		return testmedia.Patch(b, testmedia.Find(b, "elst")+12, 1<<32-1)
	}
	fragment := func() []byte {
		v := testmedia.Good()
		v.Fragmented = true
		return v.MP4()
	}()
	trun := testmedia.Find(fragment, "trun")
	unbacked := testmedia.Patch(testmedia.Patch(fragment, trun+8, 0x1), trun+12, 1<<32-1) // samples without fields
	for _, c := range []struct {
		name string
		data []byte
		want error // nil: is read
	}{
		{"2^32 entries in stts", table("stts", 12, 1<<32-1), isobmff.ErrMalformed},
		{"2^32 samples in one run", run, nil},
		{"2^32 entries in stss", table("stss", 12, 1<<32-1), isobmff.ErrMalformed},
		{"2^32 entries in stsc", table("stsc", 12, 1<<32-1), isobmff.ErrMalformed},
		{"2^32 entries in stco", table("stco", 12, 1<<32-1), isobmff.ErrMalformed},
		{"2^32 sizes in stsz", table("stsz", 16, 1<<32-1), isobmff.ErrMalformed},
		{"2^32 samples of one size", fixed, isobmff.ErrLimit},
		{"2^32 chunks with 2^32 samples", table("stsc", 20, 1<<32-1), nil},
		{"64-bit box of 2^64-1 bytes", wide, nil},
		{"nest of boxes", nest, nil},
		{"empty boxes", append(testmedia.Box("ftyp", []byte("isom")), empties...), isobmff.ErrLimit},
		{"2^32 edits", elst(), nil},
		{"2^32 samples in trun", testmedia.Patch(fragment, trun+12, 1<<32-1), isobmff.ErrMalformed},
		{"2^32 samples in trun, without fields", unbacked, isobmff.ErrLimit},
		{"index of 4 GB", testmedia.Patch(good, testmedia.Find(good, "moov"), 1<<32-1), isobmff.ErrLimit},
		{"1000 tracks", slices.Concat(testmedia.Box("ftyp", []byte("isom")), testmedia.Box("moov", bytes.Repeat(testmedia.Box("trak"), 1000))), isobmff.ErrLimit},
	} {
		t.Run(c.name, func(t *testing.T) {
			began := time.Now()
			var err error
			took := allocated(func() { _, err = isobmff.Read(bytes.NewReader(c.data), int64(len(c.data))) })
			if !errors.Is(err, c.want) {
				t.Errorf("got %v, want %v", err, c.want)
			}
			if limit := uint64(8<<20 + 4*len(c.data)); took > limit {
				t.Errorf("got %d bytes allocated for a file of %d, want at most %d", took, len(c.data), limit)
			}
			if d := time.Since(began); d > time.Second {
				t.Errorf("got %v, want less than a second", d)
			}
		})
	}
}

// TestReadErrors checks what is said about files that are none.
func TestReadErrors(t *testing.T) {
	good := testmedia.Good().MP4()
	broken := errors.New("the disk is on fire")
	for _, c := range []struct {
		name string
		r    io.ReaderAt
		size int64
		want error
	}{
		{"text", bytes.NewReader([]byte("<html><body>not found</body></html>")), 35, isobmff.ErrNotISO},
		{"empty", bytes.NewReader(nil), 0, isobmff.ErrTruncated},
		{"no index", bytes.NewReader(good[:testmedia.Find(good, "moov")]), int64(testmedia.Find(good, "moov")), isobmff.ErrTruncated},
		{"shrank", bytes.NewReader(good[:100]), int64(len(good)), isobmff.ErrTruncated},
		{"failing disk", failing{broken}, 1000, broken},
	} {
		if _, err := isobmff.Read(c.r, c.size); !errors.Is(err, c.want) {
			t.Errorf("%s: got %v, want %v", c.name, err, c.want)
		}
	}
}

// failing is a file that can't be read.
type failing struct{ err error }

func (f failing) ReadAt([]byte, int64) (int, error) { return 0, f.err }

// TestDamagedEverywhere flips each byte of the index: no crash, no hang.
func TestDamagedEverywhere(t *testing.T) {
	for _, change := range []func(*testmedia.Video){
		nil,
		func(v *testmedia.Video) { v.Codec, v.CodecPAR, v.OpenGOP = "hvc1", [2]int{4, 3}, true },
		func(v *testmedia.Video) { v.Fragmented, v.Codec, v.DelayMillis = true, "avc3", 100 },
		func(v *testmedia.Video) { v.Codec, v.Brand, v.Audio.Wave = "av01", "qt  ", true },
	} {
		v := testmedia.Good()
		v.Frames, v.GOP = 12, 6
		if change != nil {
			change(&v)
		}
		data := v.MP4()
		for i := range data {
			for _, b := range []byte{0, 0xff, data[i] ^ 1, data[i] ^ 0x80} {
				damaged := slices.Clone(data)
				damaged[i] = b
				isobmff.Read(bytes.NewReader(damaged), int64(len(damaged)))
			}
		}
	}
}
