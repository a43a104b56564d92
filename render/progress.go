package render

import (
	"fmt"
	"io"
	"sync"
	"time"

	"github.com/vbauerster/mpb/v8"
	"github.com/vbauerster/mpb/v8/decor"

	"storyform/story"
)

// Progress shows the events of a run as they come. Event may be called by
// several goroutines; Close draws what is left and must be called at the
// end, after which no more events may come.
type Progress struct {
	Event func(story.Event)
	Close func()
}

// lineEvery is how often one story's unfinished upload is told in a log.
const lineEvery = 10 * time.Second

// Lines returns a progress that prints a line an event, for logs: steps as
// they happen, an upload under way every ten seconds.
func Lines(w io.Writer, o Options) Progress {
	l := &liner{w: w, o: o, told: map[story.Address]time.Time{}}
	return Progress{Event: l.event, Close: func() {}}
}

// liner prints events as lines.
type liner struct {
	mu   sync.Mutex
	w    io.Writer
	o    Options
	told map[story.Address]time.Time // when a story was last mentioned
}

// event prints e unless the same was told moments ago.
func (l *liner) event(e story.Event) {
	l.mu.Lock()
	defer l.mu.Unlock()
	repeats := e.Kind == story.EventUploadProgress || e.Kind == story.EventUploadWaiting
	if last, ok := l.told[e.Address]; repeats && ok && e.Time.Sub(last) < lineEvery {
		return
	}
	l.told[e.Address] = e.Time
	_, _ = io.WriteString(l.w, eventLine(&e, l.o)) // progress is a courtesy: a broken pipe must not stop a publish
}

// eventLine is an event as a line of text, in its colour.
func eventLine(e *story.Event, o Options) string {
	s := newScreen(o)
	s.line(styled(bold, subjectOf(e)+": "), styled(eventLookOf(e).style, eventLookOf(e).say(e, o)))
	return s.b.String()
}

// Bars returns a progress for a terminal: a bar for each upload under way,
// with bytes, rate and the time left, and above them a line for everything
// else. w should be the terminal itself, whose width is asked for then.
func Bars(w io.Writer, o Options) Progress {
	b := &barred{o: o, bars: map[story.Address]*bar{}}
	b.container = mpb.New(mpb.WithOutput(w), mpb.WithWidth(o.width()), mpb.WithAutoRefresh())
	return Progress{Event: b.event, Close: b.close}
}

// barred draws events as bars and lines.
type barred struct {
	mu        sync.Mutex
	o         Options
	container *mpb.Progress
	bars      map[story.Address]*bar
}

// bar is an upload under way.
type bar struct {
	*mpb.Bar
	mu   sync.Mutex
	last story.Event // the newest upload event
	from int64       // bytes that were there when this run began
}

// event draws e: upload events move a bar, everything else ends it and is
// printed.
func (b *barred) event(e story.Event) {
	b.mu.Lock()
	defer b.mu.Unlock()
	switch e.Kind {
	case story.EventUploadStarted:
		b.drop(e.Address)
		b.bars[e.Address] = b.add(e)
		return
	case story.EventUploadProgress, story.EventUploadWaiting:
		if bar := b.bars[e.Address]; bar != nil {
			bar.move(e)
			return
		}
	}
	b.drop(e.Address)
	if e.Kind == story.EventUploadProgress {
		return
	}
	_, _ = io.WriteString(b.container, eventLine(&e, b.o))
}

// add begins a bar.
func (b *barred) add(e story.Event) *bar {
	nb := &bar{last: e, from: e.Bytes}
	name := pad(truncate(clean(subjectOf(&e)), b.o.width()/3), 12)
	nb.Bar = b.container.AddBar(max(e.Total, 1),
		mpb.BarRemoveOnComplete(),
		mpb.PrependDecorators(decor.Any(func(decor.Statistics) string { return name + " " }, decor.WCSyncSpaceR)),
		mpb.AppendDecorators(decor.Any(func(decor.Statistics) string { return " " + nb.status() })),
	)
	nb.EnableTriggerComplete()
	if e.Bytes > 0 && e.Bytes < e.Total {
		nb.SetCurrent(e.Bytes)
	}
	return nb
}

// move advances a bar. It is never filled before the story's next event:
// full bars go away, and Meta may still be working on the file.
func (b *bar) move(e story.Event) {
	b.mu.Lock()
	if e.Kind == story.EventUploadWaiting {
		e.Bytes, e.Total = b.last.Total, b.last.Total
	}
	b.last = e
	b.mu.Unlock()
	if e.Total > 0 {
		b.SetCurrent(max(0, min(e.Bytes, e.Total-1)))
	}
}

// status is what stands right of a bar: "4.1 MB / 8.1 MB  1.2 MB/s  3s left".
func (b *bar) status() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	e := b.last
	if e.Kind == story.EventUploadWaiting {
		return "processing, " + Duration(e.Elapsed)
	}
	text := Bytes(e.Bytes)
	if e.Total > 0 {
		text += " / " + Bytes(e.Total)
	}
	sent := e.Bytes - b.from
	if e.Elapsed < time.Second || sent <= 0 {
		return text
	}
	rate := float64(sent) / e.Elapsed.Seconds()
	text += fmt.Sprintf("  %s/s", Bytes(int64(rate)))
	if left := e.Total - e.Bytes; left > 0 && rate > 0 {
		text += "  " + Duration(time.Duration(float64(left)/rate*float64(time.Second))) + " left"
	}
	return text
}

// drop ends a story's bar.
func (b *barred) drop(a story.Address) {
	if bar := b.bars[a]; bar != nil {
		delete(b.bars, a)
		bar.Abort(true)
	}
}

// close ends all bars and waits until the terminal shows the last line.
func (b *barred) close() {
	b.mu.Lock()
	for a := range b.bars {
		b.drop(a)
	}
	b.mu.Unlock()
	b.container.Wait()
}
