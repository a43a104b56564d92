package media

import (
	"cmp"
	"encoding/hex"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"
)

// cacheVersion is part of the cache file: a file of another version is
// ignored. It changes with whatever Inspect measures.
const cacheVersion = 1

const (
	// racy is how old a file's mtime must be before the hash of the file is
	// remembered. A write within one tick of the file system's clock leaves
	// the mtime as it was; git calls such an entry racily clean.
	racy = 2 * time.Second
	// maxCached bounds the entries of a cache file.
	maxCached = 4096
	// maxCacheFile bounds what is read of a cache file, in bytes.
	maxCacheFile = 32 << 20
)

// Cache remembers what Inspect found, by path, size, mtime and inode. It
// makes planning faster; it proves nothing, and whoever publishes hashes the
// bytes that are sent. It is safe for use by several goroutines. A nil *Cache
// remembers nothing.
type Cache struct {
	path  string
	clock func() time.Time

	mu      sync.Mutex
	entries map[string]cacheEntry
	used    map[string]bool
	dirty   bool
}

// cacheEntry is one file as it was when it was inspected.
type cacheEntry struct {
	Size    int64  `json:"size"`
	ModTime int64  `json:"mtime_ns"`
	Inode   uint64 `json:"inode,omitempty"`
	Decode  bool   `json:"decode,omitempty"`
	Samples bool   `json:"samples,omitempty"`
	File    *File  `json:"file"`
}

// cacheFile is the document that is stored.
type cacheFile struct {
	Version int                   `json:"version"`
	Entries map[string]cacheEntry `json:"entries"`
}

// LoadCache reads the cache at path. A cache that is missing, damaged or of
// another version is empty: it is never an error. now tells the time.
func LoadCache(path string, now func() time.Time) *Cache {
	c := &Cache{path: path, clock: now, entries: map[string]cacheEntry{}, used: map[string]bool{}}
	info, err := os.Stat(path)
	if err != nil || info.Size() > maxCacheFile {
		return c
	}
	data, err := os.ReadFile(path)
	var doc cacheFile
	if err != nil || json.Unmarshal(data, &doc) != nil || doc.Version != cacheVersion || doc.Entries == nil {
		return c
	}
	c.entries = doc.Entries
	return c
}

// now tells the time; the zero time without a cache.
func (c *Cache) now() time.Time {
	if c == nil {
		return time.Time{}
	}
	return c.clock()
}

// cacheKey is the path under which a file is remembered.
func cacheKey(path string) string {
	if abs, err := filepath.Abs(path); err == nil {
		return abs
	}
	return path
}

// matches reports whether the entry is about the file as it is now and was
// inspected as thoroughly as o asks.
func (e cacheEntry) matches(info os.FileInfo, o Options) bool {
	if e.Size != info.Size() || e.ModTime != info.ModTime().UnixNano() || e.Inode != inode(info) {
		return false
	}
	if o.Decode && !e.Decode || o.Samples && !e.Samples {
		return false
	}
	f := e.File
	if f == nil || f.Bytes != e.Size || len(f.SHA256) != 64 || (f.Photo == nil) == (f.Video == nil) {
		return false
	}
	_, err := hex.DecodeString(f.SHA256)
	return err == nil
}

// lookup returns what is remembered about an unchanged file, or nil.
func (c *Cache) lookup(path string, info os.FileInfo, o Options) *File {
	if c == nil {
		return nil
	}
	key := cacheKey(path)
	c.mu.Lock()
	defer c.mu.Unlock()
	e, ok := c.entries[key]
	if !ok || !e.matches(info, o) {
		return nil
	}
	c.used[key] = true
	return e.File.clone()
}

// store remembers f, unless the file was written so shortly before it was
// read that a later write could leave the same mtime.
func (c *Cache) store(path string, info os.FileInfo, began time.Time, o Options, f *File) {
	if c == nil || began.Sub(info.ModTime()) < racy {
		return
	}
	key := cacheKey(path)
	c.mu.Lock()
	defer c.mu.Unlock()
	c.entries[key] = cacheEntry{
		Size: info.Size(), ModTime: info.ModTime().UnixNano(), Inode: inode(info),
		Decode: o.Decode, Samples: o.Samples, File: f.clone(),
	}
	c.used[key] = true
	c.dirty = true
}

// clone copies f so that nobody shares its parts.
func (f *File) clone() *File {
	copied := *f
	if f.Photo != nil {
		p := *f.Photo
		copied.Photo = &p
	}
	if f.Video != nil {
		v := *f.Video
		if v.Audio != nil {
			a := *v.Audio
			v.Audio = &a
		}
		copied.Video = &v
	}
	return &copied
}

// Save writes the cache when something was added: readable by its owner only,
// and in one step, so that a killed run leaves the old one. The folder must
// exist. Losing a cache costs time only, so a caller may ignore the error.
func (c *Cache) Save() error {
	if c == nil {
		return nil
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.dirty {
		return nil
	}
	c.trim()
	data, err := json.Marshal(cacheFile{Version: cacheVersion, Entries: c.entries})
	if err != nil {
		return err
	}
	temp, err := os.CreateTemp(filepath.Dir(c.path), ".media-cache-*") // 0600
	if err != nil {
		return err
	}
	defer os.Remove(temp.Name())
	_, err = temp.Write(data)
	if err := cmp.Or(err, temp.Sync(), temp.Close()); err != nil {
		return err
	}
	if err := os.Rename(temp.Name(), c.path); err != nil {
		return err
	}
	c.dirty = false
	return nil
}

// trim drops entries that this run did not use when there are too many.
func (c *Cache) trim() {
	if len(c.entries) <= maxCached {
		return
	}
	var old []string
	for key := range c.entries {
		if !c.used[key] {
			old = append(old, key)
		}
	}
	slices.Sort(old)
	for _, key := range old[:min(len(old), len(c.entries)-maxCached)] {
		delete(c.entries, key)
	}
}
