//go:build !unix

package media

import "os"

// inode identifies a file on its file system; 0 when it is not known.
func inode(os.FileInfo) uint64 { return 0 }
