package config

import (
	"context"
	"fmt"
	"net/url"
	"runtime"
	"slices"
	"strings"
	"sync"

	"github.com/hashicorp/hcl/v2"
	"github.com/zclconf/go-cty/cty"

	"storyform/story"
)

// mediaFile is a local media file that stories show. Several stories may show
// one file; it is read once.
type mediaFile struct {
	place place
	media story.Media
	err   error
	read  bool
	value cty.Value // for preconditions
}

// storyMedia evaluates photo and video and finds the file.
func (l *loader) storyMedia(s *instance) {
	before := l.reported[hcl.DiagError]
	photo, hasPhoto := l.attrString(s.addr, s.block, "photo", s.ctx)
	video, hasVideo := l.attrString(s.addr, s.block, "video", s.ctx)
	d := &s.desired
	attr, source := "photo", photo
	switch {
	case l.reported[hcl.DiagError] != before:
		return
	case hasPhoto && hasVideo:
		l.report(s.addr, errAt(s.block.expr("video").Range(), "Photo and video",
			"A story shows exactly one photo or video, and this one names both. Declare two stories; after = [story.%s] publishes one after the other.", s.block.label))
		return
	case hasVideo:
		attr, source = "video", video
	case !hasPhoto:
		s.broken = true
		if s.unset("photo") && s.unset("video") && !slices.Contains(s.block.meant, "photo") && !slices.Contains(s.block.meant, "video") {
			l.report(s.addr, errAt(s.block.header(), "Neither photo nor video", "A story shows exactly one photo or video: add photo or video with the path of a file beside this one."))
		}
		return
	}
	d.Kind = story.Kind(attr)
	d.Media.Kind = d.Kind
	d.Source = source
	expr := s.block.expr(attr)
	if strings.Contains(source, "://") {
		d.Media.Hosted = true
		l.hideUser(source)
		if problem := urlProblem(source); problem != "" {
			l.report(s.addr, errIn(expr, s.ctx, "Invalid media URL", "%s", problem))
		}
		return
	}
	l.findMedia(s, expr, source)
}

// hideUser keeps the user name and the password in a URL out of the message
// that says that they must not be there.
func (l *loader) hideUser(source string) {
	_, rest, _ := strings.Cut(source, "://")
	host, _, _ := strings.Cut(rest, "/")
	if at := strings.LastIndex(host, "@"); at > 3 {
		l.secrets = append(l.secrets, host[:at])
	}
}

// urlProblem says why media can't be taken from a URL, or "".
func urlProblem(source string) string {
	u, err := url.Parse(source)
	switch {
	case err == nil && u.Scheme != "" && !strings.EqualFold(u.Scheme, "https"):
		return fmt.Sprintf("Media are fetched over https only, and this is %s.", u.Scheme)
	case err != nil || u.Host == "" || !validText(source) || strings.ContainsAny(source, " \t\r\n"):
		return "This is not a URL. Write https://host/path, or the path of a file beside this one."
	case u.User != nil:
		return "The URL holds a user name or a password, which would be shown in every plan. Meta must be able to fetch the file without one."
	}
	return ""
}

// findMedia resolves the path of a local file.
func (l *loader) findMedia(s *instance, expr hcl.Expression, source string) {
	at, err := l.folder.file(s.block.file.dir, source)
	if err != nil {
		summary, detail := wordsOf(err, "Media file can't be read")
		l.report(s.addr, errIn(expr, s.ctx, summary, "%s", detail))
		return
	}
	s.desired.Source = at.name
	s.desired.Path = l.folder.path(l.options.Dir, at)
	m := l.media[at.real]
	if m == nil {
		m = &mediaFile{place: at}
		l.media[at.real] = m
		l.mediaList = append(l.mediaList, m)
	}
	s.media = m
}

// inspectAll reads the facts of every local media file, several at once, and
// hands them to the stories in order.
func (l *loader) inspectAll(ctx context.Context) {
	if l.options.Inspect != nil {
		l.inspectFiles(ctx)
	}
	for _, s := range l.stories {
		if s.media != nil && s.media.read {
			l.useFacts(s)
		}
	}
}

// inspectFiles reads each file once.
func (l *loader) inspectFiles(ctx context.Context) {
	queue := make(chan *mediaFile)
	var workers sync.WaitGroup
	for range min(2*runtime.GOMAXPROCS(0), len(l.mediaList)) {
		workers.Go(func() {
			for m := range queue {
				m.media, m.err = l.options.Inspect(ctx, l.folder.path(l.options.Dir, m.place))
			}
		})
	}
	for _, m := range l.mediaList {
		if ctx.Err() != nil {
			m.err = context.Cause(ctx)
		} else {
			queue <- m
		}
		m.read = true
	}
	close(queue)
	workers.Wait()
}

// useFacts gives a story the facts of its media, or reports why there are
// none.
func (l *loader) useFacts(s *instance) {
	d, m := &s.desired, s.media
	expr := s.block.expr(string(d.Kind))
	if m.err != nil {
		summary, detail := wordsOf(m.err, "Media can't be used")
		l.report(s.addr, errIn(expr, s.ctx, summary, "%s", detail))
		s.broken = true
		return
	}
	kind := d.Kind
	d.Media = m.media
	if d.Media.Kind == "" {
		d.Media.Kind = kind
	}
	if d.Media.Kind != kind {
		l.report(s.addr, errIn(expr, s.ctx, "Wrong kind of media", "%q is a %s. Write %s = … instead of %s = ….", d.Source, d.Media.Kind, d.Media.Kind, kind))
		s.broken = true
	}
}

// factsKnown reports whether the facts of a story's media are there.
func (s *instance) factsKnown() bool { return s.media != nil && s.media.read && s.media.err == nil }

// mediaValue makes self.media. Facts that aren't known are unknown, so that a
// rule about them is neither kept nor broken.
func mediaValue(s *instance) cty.Value {
	if s.factsKnown() && s.desired.Kind == s.media.media.Kind {
		if s.media.value == cty.NilVal {
			s.media.value = factsValue(s)
		}
		return s.media.value // many stories show one file
	}
	return factsValue(s)
}

// factsValue is mediaValue for the first story that shows the media.
func factsValue(s *instance) cty.Value {
	m := s.desired.Media
	number := func(f float64) cty.Value { return cty.NumberFloatVal(f) }
	text := cty.StringVal
	if !s.factsKnown() {
		number = func(float64) cty.Value { return cty.UnknownVal(cty.Number) }
		text = func(string) cty.Value { return cty.UnknownVal(cty.String) }
	}
	return cty.ObjectVal(map[string]cty.Value{
		"kind": cty.StringVal(string(s.desired.Kind)), "hosted": cty.BoolVal(m.Hosted), "format": text(m.Format),
		"bytes": number(float64(m.Bytes)), "width": number(float64(m.Width)), "height": number(float64(m.Height)),
		"duration": number(m.Duration.Seconds()), "fps": number(m.FPS),
		"codec": text(m.Codec), "audio_codec": text(m.AudioCodec), "sha256": text(m.SHA256),
	})
}
