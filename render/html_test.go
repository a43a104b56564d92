package render

import (
	"bytes"
	"testing"
)

func TestHTML(t *testing.T) {
	thumbnail := func(source string) (string, []byte) {
		switch source {
		case "media/outage.png", "media/xmas/promo.jpg", "media/xmas/promo-v2.jpg":
			return "image/png", []byte("\x89PNG\r\n\x1a\n" + source)
		case "media/dawn.jpg":
			return "image/svg+xml", []byte("<svg onload=alert(1)>")
		}
		return "", nil
	}
	o := Options{Thumbnail: thumbnail, Link: func(s string) string { return "https://example.com/blob/" + s }}
	got := drawn(t, func(b *bytes.Buffer) error { return HTML(b, campaign(), o) })
	golden(t, "campaign.html", got)
}
