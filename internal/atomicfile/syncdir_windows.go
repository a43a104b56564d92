package atomicfile

import "os"

// syncDir does nothing: a folder can't be flushed, and NTFS journals renames.
func syncDir(*os.File) error { return nil }
