//go:build unix

package media

import (
	"os"
	"syscall"
)

// inode identifies a file on its file system; 0 when it is not known.
func inode(info os.FileInfo) uint64 {
	if st, ok := info.Sys().(*syscall.Stat_t); ok {
		return uint64(st.Ino)
	}
	return 0
}
