package media

import (
	"fmt"
	"math"

	"storyform/internal/diag"
	"storyform/story"
)

// The numbers of the photo rules. MB is taken as 2^20 bytes where exceeding
// it is an error and as 10^6 where it is a warning, as the page does not say
// which it means.
const (
	maxPNGBytes   = 1_000_000
	maxOldBytes   = 4_000_000
	storyWidth    = 1080
	storyHeight   = 1920
	minWidth      = 540
	minHeight     = 960
	aspectLeeway  = 0.01 // 480x854 is 9:16, too
	croppedAtMost = 0.02 // of a photo, before it is worth a warning
)

// photoRules is the table of rules for photos.
func photoRules() []Rule {
	const e, w = diag.Error, diag.Warning
	return []Rule{
		{"photo.type", story.Photo, e, "Photo format not accepted", "a photo story takes JPEG, BMP, PNG, GIF or TIFF",
			"The page lists these five types; WebP, HEIC, AVIF and others are missing from it. Meta's answers to a photo of another type are code 324, or code 100 with subcode 1366046.", guide, guideDate, checkPhotoType},
		{"photo.size", story.Photo, e, "Photo file is too large", "a photo must not exceed 10 MB",
			"Meta refuses larger files with code 100, subcode 1366046. The page does not say whether a MB is 1,000,000 or 1,048,576 bytes; this rule uses the larger one.", guide, guideDate, checkPhotoSize},
		{"photo.size_v21", story.Photo, w, "Photo file exceeds the older limit", "copies of the page for v21.0 allow 4 MB only",
			"The page of May 2026 allows 10 MB, its copies for v21.0 allow 4 MB, and the error message of code 100, subcode 1366046 still says 4 MB.", older, olderDate, checkPhotoOldSize},
		{"photo.png_size", story.Photo, w, "PNG file is large", "a PNG should not exceed 1 MB",
			"The page warns that a larger PNG may appear pixelated.", guide, guideDate, checkPNGSize},
		{"photo.complete", story.Photo, e, "Photo file is damaged", "the file must be complete",
			"A file that is cut off or garbled is refused, or shown with a gray part. Structure is checked, for PNG also the checksums.", own, ownDate, checkPhotoComplete},
		{"photo.decode", story.Photo, w, "Photo may be damaged", "its pixels should decode without errors",
			"The decoders used here are stricter than those of browsers, so this is a reason to look at the picture, not a proof. It is checked only on request.", own, ownDate, checkPhotoDecode},
		{"photo.pixels", story.Photo, e, "Photo has too many pixels", "storyform refuses more than 50 million pixels",
			"A story shows about 2 million pixels. A small file may claim a picture that takes gigabytes to decode.", own, ownDate, checkPhotoPixels},
		{"photo.aspect", story.Photo, w, "Photo will be cropped", "a story is 9:16, so a photo of another shape is cropped or framed",
			"The page demands no shape of photos. Public clients treat a photo of another shape as cropped in the story's frame, and fit it to 9:16 first.", "code of public clients", "2026-09", checkPhotoAspect},
		{"photo.resolution", story.Photo, w, "Photo is small", "a story is shown 1080 pixels wide, and less than 540x960 looks coarse",
			"The page demands no size of photos; this is its minimum for videos.", own, ownDate, checkPhotoResolution},
		{"photo.animated", story.Photo, w, "Only one frame may show", "a photo story shows a still picture",
			"Nothing documents that a GIF or PNG moves in a story, nor that other pages of a TIFF are shown.", own, ownDate, checkPhotoAnimated},
	}
}

// sizeText writes a number of bytes in MB, exactly enough to tell it from a
// limit.
func sizeText(n int64) string {
	if n < 1_000_000 {
		return fmt.Sprintf("%.1f kB", float64(n)/1e3)
	}
	return fmt.Sprintf("%.2f MB (%d bytes)", float64(n)/1e6, n)
}

func checkPhotoType(f *File) Verdict {
	if photoReader(f.Format) != nil {
		return pass()
	}
	return failed("It is "+formatName(f.Format), "Convert it to JPEG.", Repair{Still: true})
}

func checkPhotoSize(f *File) Verdict {
	if f.Bytes <= maxPhotoBytes {
		return pass()
	}
	return failed("It has "+sizeText(f.Bytes), "Save it as a JPEG of 1080x1920.", Repair{Still: true, Filters: []string{fitFilter}})
}

func checkPhotoOldSize(f *File) Verdict {
	if f.Bytes <= maxOldBytes || f.Bytes > maxPhotoBytes {
		return pass()
	}
	return failed("It has "+sizeText(f.Bytes), "If Meta refuses it, save it as a smaller JPEG.", Repair{Still: true, Filters: []string{fitFilter}})
}

func checkPNGSize(f *File) Verdict {
	switch {
	case f.Format != "png":
		return skip()
	case f.Bytes <= maxPNGBytes:
		return pass()
	}
	return failed("It has "+sizeText(f.Bytes), "Save it as a JPEG.", Repair{Still: true})
}

func checkPhotoComplete(f *File) Verdict {
	switch {
	case f.Photo.Damage != "":
		return failed("Its content is wrong: "+f.Photo.Damage, "Export or copy it again.", Repair{})
	case f.Photo.NotRead != "":
		return unchecked(f.Photo.NotRead)
	case f.Bytes > maxPhotoBytes:
		return unchecked("the file is too large to be walked through")
	}
	return pass()
}

func checkPhotoDecode(f *File) Verdict {
	switch {
	case f.Photo.DecodeError != "":
		return failed("Decoding it ends with an error: "+f.Photo.DecodeError, "Look at it, and save it again if a part is missing.", Repair{Still: true})
	case f.Photo.NotDecoded != "":
		return unchecked("storyform does not decode this variant (" + f.Photo.NotDecoded + ")")
	case !f.Photo.Decoded:
		return skip() // was not asked for
	}
	return pass()
}

func checkPhotoPixels(f *File) Verdict {
	n := int64(f.Width) * int64(f.Height)
	switch {
	case n == 0:
		return noSize(f)
	case n <= maxPhotoPixels:
		return pass()
	}
	return failed(fmt.Sprintf("It has %dx%d = %.0f million pixels", f.Width, f.Height, float64(n)/1e6), "Scale it down to 1080x1920.",
		Repair{Still: true, Filters: []string{fitFilter}})
}

// noSize says why the size of a photo is not known. Damage is reported by
// photo.complete, a wrong format by photo.type.
func noSize(f *File) Verdict {
	if f.Photo.NotRead != "" {
		return unchecked(f.Photo.NotRead)
	}
	return skip()
}

func checkPhotoAspect(f *File) Verdict {
	if f.Width == 0 || f.Height == 0 {
		return noSize(f)
	}
	shownWidth := min(float64(f.Width), float64(f.Height)*9/16)
	shownHeight := min(float64(f.Height), float64(f.Width)*16/9)
	lost := 1 - shownWidth*shownHeight/(float64(f.Width)*float64(f.Height))
	if lost <= croppedAtMost {
		return pass()
	}
	cut := fmt.Sprintf("%d of %d columns", f.Width-int(math.Round(shownWidth)), f.Width)
	if shownHeight < float64(f.Height) {
		cut = fmt.Sprintf("%d of %d rows", f.Height-int(math.Round(shownHeight)), f.Height)
	}
	return failed(fmt.Sprintf("It is %dx%d: to fill the frame, %s of pixels are cut off (%.0f %%)", f.Width, f.Height, cut, lost*100),
		"Crop it yourself, or put a border around it.", Repair{Still: true, Filters: []string{padFilter}})
}

func checkPhotoResolution(f *File) Verdict {
	switch {
	case f.Width == 0 || f.Height == 0:
		return noSize(f)
	case f.Width >= minWidth && f.Height >= minHeight:
		return pass()
	case f.Width >= minWidth && f.Width > f.Height: // a wide photo is shown as a band
		return pass()
	}
	return failed(fmt.Sprintf("It is %dx%d", f.Width, f.Height), "Export it at 1080x1920.", Repair{})
}

func checkPhotoAnimated(f *File) Verdict {
	switch {
	case f.Photo.NotRead != "":
		return unchecked(f.Photo.NotRead)
	case f.Photo.Frames <= 1:
		return pass()
	}
	return failed(fmt.Sprintf("It holds %d pictures", f.Photo.Frames), "Save the one that should show; what should move must be a video.", Repair{Still: true})
}
