package isobmff

import (
	"crypto/sha256"
	"encoding/hex"
)

// HashSamples hashes the samples of the picture and the sound in decode order
// and returns lowercase hex. The same clip has the same hash in whatever
// wrapper: index first or last, MP4 or MOV, fragmented, rotated. It reads
// every sample, so it costs as much as hashing the file; between reads it
// asks stop, whose error ends it. The file that was read must still be open.
// Samples that overlap, or that the file lacks, are ErrMalformed.
func (m *Movie) HashSamples(stop func() error) (string, error) {
	all := sha256.New()
	buf := make([]byte, 256<<10)
	for _, t := range []*Track{m.Picture(), m.Sound()} {
		one := sha256.New()
		if t == nil {
			all.Write(one.Sum(nil))
			continue
		}
		if t.Bytes > m.file.size || m.Missing > 0 {
			return "", malformed("samples of %d bytes in a file of %d", t.Bytes, m.file.size)
		}
		for _, e := range t.table.extents {
			for e.bytes > 0 {
				if err := stop(); err != nil {
					return "", err
				}
				part := buf[:min(int64(len(buf)), e.bytes)]
				if err := m.file.readAt(part, e.offset); err != nil {
					return "", err
				}
				one.Write(part)
				e.offset += int64(len(part))
				e.bytes -= int64(len(part))
			}
		}
		all.Write(one.Sum(nil))
	}
	return hex.EncodeToString(all.Sum(nil)), nil
}
