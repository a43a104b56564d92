package config

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// campaign writes a configuration of n stories in files into a folder.
func campaign(tb testing.TB, n, files int) string {
	dir := tb.TempDir()
	write := func(name, text string) {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			tb.Fatal(err)
		}
	}
	write("a.jpg", "kind=photo")
	write("pages.story.hcl", `
locals {
  folder = "."
  zones  = { id = "Asia/Jakarta", sg = "Asia/Singapore", de = "Europe/Berlin" }
  ids    = { id = "104857600000001", sg = "104857600000002", de = "104857600000003" }
}
page "acme" {
  for_each  = local.ids
  id        = each.value
  timezone  = local.zones[each.key]
  token_env = "ACME_TOKEN_${upper(each.key)}"
}
`)
	for f := range files {
		var b strings.Builder
		for i := range n / files {
			fmt.Fprintf(&b, `story "s%d_%d" {
  page       = page.acme[%q]
  photo      = "${local.folder}/a.jpg"
  publish_at = "2026-12-%02d %02d:%02d"
  window     = "2h"
  labels     = { campaign = "xmas", number = %d }
`, f, i, []string{"id", "sg", "de"}[f%3], 1+f%28, 8+i, f%60, i)
			if i > 0 {
				fmt.Fprintf(&b, "  after      = [story.s%d_%d]\n", f, i-1)
			}
			b.WriteString("\n  precondition {\n    condition     = self.media.width >= 500\n    error_message = \"Too small.\"\n  }\n}\n\n")
		}
		write(fmt.Sprintf("day%03d.story.hcl", f), b.String())
	}
	return dir
}

func BenchmarkLoad(b *testing.B) {
	dir := campaign(b, 1000, 200)
	for b.Loop() {
		c, ds := Load(b.Context(), Options{Dir: dir, Inspect: inspectFake})
		if len(ds) != 0 || len(c.Stories) != 1000 {
			b.Fatalf("got %d stories and %v, want 1000 and nothing", len(c.Stories), ds)
		}
	}
}
