package media

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"storyform/internal/testmedia"
	"storyform/story"
)

// cacheTest is a folder with a photo, a cache file and a clock.
type cacheTest struct {
	t           *testing.T
	photo, path string
	now         time.Time
}

// newCacheTest makes a photo that was written ten minutes ago.
func newCacheTest(t *testing.T) *cacheTest {
	dir := t.TempDir()
	c := &cacheTest{t: t, photo: filepath.Join(dir, "photo.jpg"), path: filepath.Join(dir, "cache.json"), now: time.Now()}
	c.write(testmedia.JPEG(540, 960), c.now.Add(-10*time.Minute))
	return c
}

// write replaces the photo.
func (c *cacheTest) write(data []byte, at time.Time) {
	c.t.Helper()
	if err := os.WriteFile(c.photo, data, 0o644); err != nil {
		c.t.Fatal(err)
	}
	if err := os.Chtimes(c.photo, at, at); err != nil {
		c.t.Fatal(err)
	}
}

// load loads the cache.
func (c *cacheTest) load() *Cache { return LoadCache(c.path, func() time.Time { return c.now }) }

// inspect inspects the photo with a cache, and saves that.
func (c *cacheTest) inspect(cache *Cache, o Options) *File {
	c.t.Helper()
	o.Cache = cache
	f, err := InspectWith(c.t.Context(), c.photo, story.Photo, o)
	if err != nil {
		c.t.Fatal(err)
	}
	if err := cache.Save(); err != nil {
		c.t.Fatal(err)
	}
	return f
}

// forge changes what the cache file says about the photo, to see whether it
// is asked.
func (c *cacheTest) forge(old, new string) {
	c.t.Helper()
	data, err := os.ReadFile(c.path)
	if err != nil || !strings.Contains(string(data), old) {
		c.t.Fatalf("got cache %s %v, want it to hold %s", data, err, old)
	}
	if err := os.WriteFile(c.path, []byte(strings.ReplaceAll(string(data), old, new)), 0o600); err != nil {
		c.t.Fatal(err)
	}
}

// TestCache checks that what was found is found again, equal in every field,
// and that the file is its owner's only.
func TestCache(t *testing.T) {
	c := newCacheTest(t)
	first := c.inspect(c.load(), Options{})
	if info, err := os.Stat(c.path); err != nil || info.Mode().Perm() != 0o600 {
		t.Fatalf("got %v %v, want mode 0600", info, err)
	}
	if diff := cmp.Diff(first, c.inspect(c.load(), Options{})); diff != "" {
		t.Errorf("second time differs (-first +second):\n%s", diff)
	}
	c.forge(`"width":540`, `"width":541`)
	if f := c.inspect(c.load(), Options{}); f.Width != 541 {
		t.Errorf("got width %d, want 541 of the cache", f.Width)
	}
	if f := c.inspect(c.load(), Options{Decode: true}); f.Width != 540 || !f.Photo.Decoded {
		t.Errorf("asked for more than was found: got width %d, decoded %v, want 540, true", f.Width, f.Photo.Decoded)
	}
}

// TestCacheNotices checks what makes an entry void.
func TestCacheNotices(t *testing.T) {
	other := testmedia.JPEG(550, 960)
	for name, change := range map[string]func(c *cacheTest){
		"another mtime":       func(c *cacheTest) { c.write(testmedia.JPEG(540, 960), c.now.Add(-9*time.Minute)) },
		"another size":        func(c *cacheTest) { c.write(other, c.now.Add(-10*time.Minute)) },
		"damaged cache":       func(c *cacheTest) { c.forge(`{"version"`, `{"vers`) },
		"another version":     func(c *cacheTest) { c.forge(`"version":1`, `"version":99`) },
		"hash cut off":        func(c *cacheTest) { c.forge(`"sha256":"`, `"sha256":"0`) },
		"size in facts":       func(c *cacheTest) { c.forge(`"bytes":`, `"bytes":1`) },
		"facts missing":       func(c *cacheTest) { c.forge(`"photo":`, `"foto":`) },
		"another inode":       func(c *cacheTest) { c.forge(`"inode":`, `"inode":1`) },
		"cache file too long": func(c *cacheTest) { c.forge(`{"version"`, strings.Repeat(" ", maxCacheFile)+`{"version"`) },
	} {
		t.Run(name, func(t *testing.T) {
			c := newCacheTest(t)
			want := c.inspect(c.load(), Options{})
			if name == "another size" {
				want.Width, want.Photo.StoredWidth = 550, 550
			}
			c.forge(`"width":540`, `"width":541`)
			change(c)
			if got := c.inspect(c.load(), Options{}); got.Width != want.Width {
				t.Errorf("got width %d, want %d", got.Width, want.Width)
			}
		})
	}
}

// TestCacheIsNotRacy checks that a file that was written just before it was
// read is not remembered: a second write could leave the same mtime.
func TestCacheIsNotRacy(t *testing.T) {
	for age, want := range map[time.Duration]bool{-time.Hour: false, 0: false, 1900 * time.Millisecond: false, 2100 * time.Millisecond: true} {
		c := newCacheTest(t)
		c.write(testmedia.JPEG(540, 960), c.now.Add(-age))
		c.inspect(c.load(), Options{})
		_, err := os.Stat(c.path)
		if got := err == nil; got != want {
			t.Errorf("written %v ago: got remembered %v, want %v", age, got, want)
		}
	}
}

// TestCacheWrongKind checks that a remembered photo is still no video.
func TestCacheWrongKind(t *testing.T) {
	c := newCacheTest(t)
	cache := c.load()
	c.inspect(cache, Options{})
	if _, err := InspectWith(t.Context(), c.photo, story.Video, Options{Cache: cache}); err == nil || !strings.Contains(err.Error(), "is a photo") {
		t.Errorf("got %v, want the mistake to be told", err)
	}
}

// TestCacheShared checks that goroutines can share a cache and can't change
// each other's facts.
func TestCacheShared(t *testing.T) {
	c := newCacheTest(t)
	cache := c.load()
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			f, err := InspectWith(t.Context(), c.photo, story.Photo, Options{Cache: cache})
			if err != nil || f.Photo.StoredWidth != 540 {
				t.Errorf("got %+v %v", f, err)
				return
			}
			f.Photo.StoredWidth = 1
		})
	}
	wg.Wait()
	var none *Cache
	if err := none.Save(); err != nil {
		t.Errorf("no cache: got %v", err)
	}
}

// TestCacheTrim checks that a cache does not grow without bound, and that what
// this run used stays.
func TestCacheTrim(t *testing.T) {
	c := newCacheTest(t)
	cache := c.load()
	for i := range maxCached + 50 {
		cache.entries[fmt.Sprint("file", i)] = cacheEntry{}
	}
	c.inspect(cache, Options{})
	if n := len(cache.entries); n != maxCached {
		t.Errorf("got %d entries, want %d", n, maxCached)
	}
	if cache.lookup(c.photo, stat(t, c.photo), Options{}) == nil {
		t.Errorf("got the used entry dropped")
	}
}

func stat(t *testing.T, path string) os.FileInfo {
	t.Helper()
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	return info
}
