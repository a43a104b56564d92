package apply

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"sync"
	"time"

	"storyform/internal/clock"
	"storyform/internal/diag"
	"storyform/internal/parallel"
	"storyform/plan"
	"storyform/state"
	"storyform/story"
)

// Options are what a run works with.
type Options struct {
	Store state.Store
	Run   state.Run
	Lock  state.LockInfo
	// LockTimeout is how long to wait for somebody else's lock.
	LockTimeout time.Duration
	// Locked is called once the lock is taken, or can't be; may be nil.
	Locked func()
	Pages  *Pages
	// Open opens a local media file by its Source.
	Open  func(source string) (*os.File, error)
	Clock clock.Clock
	// Report is told what happens, from several goroutines at once; may be nil.
	Report func(story.Event)
	// Parallelism is how many Pages are worked on at once.
	Parallelism int
	// Stop, when closed, asks the run to begin nothing new, to finish the
	// publish call in flight, and to save. Ending ctx instead leaves at once.
	Stop      <-chan struct{}
	AdoptNone bool // see plan.Input
	AllowBulk bool // publish more than max_publish
	Due       bool // the plan is one that plan.Due has reduced
	// AllowCancelAll cancels even when nothing scheduled is left.
	AllowCancelAll bool
	// Observed is the reading of the Pages that the plan was made from. It is
	// used when it is recent and the state is still at the plan's serial;
	// otherwise, and when it is nil, the Pages are read again.
	Observed *Observation
	// Crash is called at each crash point; nil outside of tests.
	Crash func(point string)
}

// The errors that end a run before or in the middle of its work.
var (
	// ErrRefused means that the plan must not be carried out as it is; the
	// result's diagnostics say why.
	ErrRefused = errors.New("the plan was refused")
	// errStopped is the cause of contexts that a stop request cancels.
	errStopped = errors.New("stopped")
)

// run is one run's shared state.
type run struct {
	Options
	ctx      context.Context // ends when the program must leave at once
	soft     context.Context // ends also on a stop request or a fatal error
	halt     context.CancelCauseFunc
	session  *state.Session
	lock     state.Lock
	plan     *plan.Plan
	result   *Result
	pageByID map[string]plan.Page
	unread   map[string]error // by Page id: why it could not be listed in this run
	wrote    sync.Once
	dirty    bool
	// adoptNoted: that --adopt-none was given is in the history.
	adoptNoted bool
}

// Run carries out an approved plan. The result is valid also with an error:
// it then says what was done before. An error that wraps *state.LockedError
// means that nothing was done.
func Run(ctx context.Context, approved *plan.Plan, o Options) (result *Result, err error) {
	result = new(Result)
	o.Lock.Operation = "apply"
	lock, err := AcquireLock(ctx, o.Store, o.Lock, o.LockTimeout, stopping(o.Clock, o.Stop))
	if o.Locked != nil {
		o.Locked()
	}
	if err != nil {
		result.Interrupted = errors.Is(err, errStopped)
		return result, fmt.Errorf("take the state lock: %w", err)
	}
	defer func() {
		if unlockErr := lock.Unlock(context.WithoutCancel(ctx)); unlockErr != nil && err == nil {
			result.warn(diag.Warnf("Lock not released", "Releasing the state lock failed: %v. Nothing else is affected.", unlockErr))
		}
	}()
	session, err := state.Open(ctx, o.Store, o.Run, o.Clock.Now)
	if err != nil {
		return result, fmt.Errorf("read the state: %w", err)
	}
	r := &run{Options: o, ctx: ctx, session: session, lock: lock, result: result, pageByID: map[string]plan.Page{}}
	stop := r.watchStop()
	defer stop()
	if err := r.rebase(approved); errors.Is(err, errStopped) {
		r.stoppedBefore(approved)
		return result, nil
	} else if err != nil {
		return result, err
	}
	err = r.execute()
	if closeErr := session.Close(context.WithoutCancel(ctx)); err == nil && closeErr != nil {
		err = fmt.Errorf("write the state: %w", closeErr)
	}
	result.Lineage, result.Serial = session.Lineage(), session.Serial()
	result.sort()
	return result, err
}

// watchStop derives the soft context, which a stop request ends.
func (r *run) watchStop() (cleanup func()) {
	r.soft, r.halt = context.WithCancelCause(r.ctx)
	done := make(chan struct{})
	go func() {
		select {
		case <-r.Stop: // nil blocks for ever
			r.halt(errStopped)
		case <-done:
		}
	}()
	return func() { close(done); r.halt(nil) }
}

// rebase makes the approved plan anew from what is true now.
func (r *run) rebase(approved *plan.Plan) error {
	doc := r.session.Document()
	if approved.Lineage != "" && approved.Lineage != doc.Lineage {
		r.result.warn(diag.Errorf("Plan belongs to another state",
			"The plan was made from the state with lineage %s, and the state here is %s. Make the plan again.",
			approved.Lineage, lineageText(doc.Lineage)))
		return ErrRefused
	}
	for _, p := range approved.Pages {
		r.pageByID[p.ID] = p
	}
	observed := r.Observed
	if !observed.recent(r.Clock.Now()) || doc.Serial != approved.Serial || r.session.Recovered() > 0 {
		var err error
		if observed, err = Observe(r.soft, r.Pages, approved.Pages, doc, r.Clock, r.Parallelism); err != nil {
			return fmt.Errorf("read the Pages: %w", err)
		}
	}
	fresh, stale := plan.Rebase(approved, plan.Input{
		Now: r.Clock.Now(), Tool: r.Run.Tool, State: doc, Refreshed: true,
		Views: observed.Views, Videos: observed.Videos, Unread: observed.UnreadText(), AdoptNone: r.AdoptNone,
	})
	r.plan, r.unread = fresh, observed.Unread
	for _, s := range stale {
		r.staleStory(approved, s)
	}
	if limit := fresh.Settings.MaxPublish; limit > 0 && fresh.Publications() > limit && !r.AllowBulk {
		r.result.warn(diag.Errorf("More stories than max_publish",
			"This plan publishes %d stories at once and max_publish in the storyform block is %d. If that is intended, apply with --allow-bulk.",
			fresh.Publications(), limit))
		return ErrRefused
	}
	if fresh.CancelsAll && !r.AllowCancelAll {
		r.result.warn(diag.Errorf("Every scheduled story would be cancelled",
			"This plan cancels all %d stories that wait to be published. Is this the right folder? If that is intended, apply with --allow-cancel-all.", fresh.Summary.Cancel))
		return ErrRefused
	}
	if fresh.Diagnostics.HasErrors() {
		r.result.Diagnostics = append(r.result.Diagnostics, fresh.Diagnostics...)
		return ErrRefused
	}
	return nil
}

// lineageText names a state for a sentence.
func lineageText(lineage string) string {
	if lineage == "" {
		return "a new one"
	}
	return "that with lineage " + lineage
}

// stoppedBefore reports that a stop was asked for before anything was begun.
func (r *run) stoppedBefore(approved *plan.Plan) {
	for i := range approved.Changes {
		c := &approved.Changes[i]
		if c.Action != plan.Note {
			r.end(Outcome{Address: c.Address, Page: c.Page, PageID: c.PageID, Action: c.Action,
				Ending: EndNotAttempted, Message: stoppedText}, state.Entry{})
		}
	}
	r.result.interrupt()
	r.result.sort()
}

// stoppedText is why a story was not attempted in a run that was to stop.
const stoppedText = "the run was stopped before it"

// staleStory reports an approved change that is not carried out.
func (r *run) staleStory(approved *plan.Plan, s plan.Stale) {
	o := Outcome{Address: s.Address, Action: s.Action, Ending: EndNotAttempted, Message: s.Why, Hint: "make the plan again and have it approved"}
	if s.Done {
		o.Ending, o.Hint = EndSkipped, ""
	}
	for i := range approved.Changes {
		if c := &approved.Changes[i]; c.Address == s.Address {
			o.Page, o.PageID = c.Page, c.PageID
		}
	}
	r.end(o, state.Entry{})
}

// execute does the work: first everything that only concerns the state, then
// the Pages at once.
func (r *run) execute() error {
	err := r.recordAll()
	if err == nil {
		err = r.noteAdoptNone()
	}
	if err != nil {
		r.unsaved()
		return err
	}
	workers := r.workers()
	group := parallel.WithLimit(r.Parallelism)
	for _, w := range workers {
		group.Go(func() error {
			err := w.work()
			if err != nil {
				r.halt(err)
			}
			return err
		})
	}
	if err := group.Wait(); err != nil {
		r.unsaved()
		r.leftovers(workers)
		return err
	}
	if context.Cause(r.soft) == errStopped && r.result.Count(EndNotAttempted) > 0 {
		r.result.interrupt()
	}
	return r.recordUpdates()
}

// unsaved keeps what could not be recorded.
func (r *run) unsaved() {
	r.result.Unsaved, _ = r.session.Unsaved() // without it, what is missing is found by settling
}

// workers makes one worker for each Page that has something to publish.
func (r *run) workers() []*worker {
	var workers []*worker
	byPage := map[string]*worker{}
	for i := range r.plan.Changes {
		c := &r.plan.Changes[i]
		if !slices.Contains([]plan.Action{plan.Publish, plan.Resume, plan.Settle, plan.Upload}, c.Action) {
			continue
		}
		w := byPage[c.PageID]
		if w == nil {
			w = &worker{run: r, id: c.PageID, address: c.Page}
			byPage[c.PageID] = w
			workers = append(workers, w)
		}
		w.changes = append(w.changes, c)
	}
	return workers
}

// leftovers reports the stories that a fatal error kept from coming to an end:
// of some of them a publish call was made, and could not be recorded.
func (r *run) leftovers(workers []*worker) {
	unsaved := map[story.Address]state.Entry{}
	if r.result.Unsaved != nil {
		for _, e := range r.result.Unsaved.Stories {
			unsaved[e.Address] = e
		}
	}
	for _, w := range workers {
		for _, c := range w.changes {
			if r.ended(c.Address) {
				continue
			}
			o := Outcome{
				Address: c.Address, Page: c.Page, PageID: c.PageID, Action: c.Action,
				Ending: EndNotAttempted, Message: "the run ended before it",
			}
			recorded, _ := r.session.Entry(c.Address)
			switch e := unsaved[c.Address]; {
			case e.Status.Out():
				o.Ending, o.PostID = EndUnknown, e.PostID
				o.Message = "it was published as post_id " + e.PostID + ", and that could not be recorded"
				o.Hint = "apply again: the Page is asked first, and nothing is published twice"
			case recorded.Status.Doubtful():
				o.Ending = EndUnknown
				o.Message = "a publish call was announced in the state, and what came of it could not be recorded"
				o.Hint = "apply again: the Page is asked first, and nothing is published twice"
			}
			r.end(o, state.Entry{})
		}
	}
}

// ended reports whether a story of a worker has a final outcome.
func (r *run) ended(addr story.Address) bool {
	r.result.mu.Lock()
	defer r.result.mu.Unlock()
	for _, o := range r.result.Outcomes {
		if o.Address == addr && o.Ending != EndScheduled && o.Ending != EndChanged {
			return true
		}
	}
	return false
}

// put makes an entry durable, with the crash points around it. An error is
// fatal for the whole run: without memory nothing may have effects.
func (r *run) put(step string, e *state.Entry, event *state.Event) error {
	r.crash(before(step))
	if err := r.session.Put(context.WithoutCancel(r.ctx), step, *e, event); err != nil {
		return fmt.Errorf("record %s of %s: %w", step, e.Address, err)
	}
	r.crash(after(step))
	r.wrote.Do(func() { r.dirty = true })
	return nil
}

// crash is a crash point.
func (r *run) crash(point string) {
	if r.Crash != nil {
		r.Crash(point)
	}
}

// report tells an event about a story.
func (r *run) report(kind story.EventKind, e *state.Entry, change func(*story.Event)) {
	if r.Report == nil {
		return
	}
	ev := story.Event{Time: r.Clock.Now(), Kind: kind, Address: e.Address, Page: e.Page, PageID: e.PageID, Total: e.Bytes, PublishAt: e.PublishAt}
	if change != nil {
		change(&ev)
	}
	r.Report(ev)
}

// endEvents maps endings to the events that tell them.
var endEvents = map[Ending]story.EventKind{
	EndPublished: story.EventPublished, EndScheduled: story.EventRegistered, EndChanged: story.EventChanged, EndCancelled: story.EventCancelled,
	EndForgotten: story.EventForgotten, EndAdopted: story.EventAdopted, EndMissed: story.EventMissed, EndFailed: story.EventFailed,
	EndUploaded: story.EventUploadDone, EndUnknown: story.EventUnknown, EndNotAttempted: story.EventNotAttempted, EndSkipped: story.EventSkipped,
}

// end records how the run ended for a story and tells it.
func (r *run) end(o Outcome, e state.Entry) {
	r.result.add(o)
	e.Address, e.Page, e.PageID = o.Address, o.Page, o.PageID
	r.report(endEvents[o.Ending], &e, func(ev *story.Event) {
		ev.Message, ev.PostID, ev.URL, ev.ExpiresAt = o.Message, o.PostID, o.URL, o.Expires
	})
}

// event is a line of history about an entry.
func (r *run) event(what string, e *state.Entry, note string) *state.Event {
	return &state.Event{
		At: r.Clock.Now().UTC(), What: what, Address: e.Address, Revision: e.Revision, PageID: e.PageID, Kind: e.Kind,
		SHA256: e.SHA256, SampleSHA256: e.SampleSHA256, MediaID: e.MediaID, PostID: e.PostID, URL: e.URL,
		PublishAt: e.PublishAt, PublishedAt: e.PublishedAt,
		Run: r.Run.ID, Who: r.Run.Who, Commit: r.Run.Commit, RunURL: r.Run.URL, Note: note,
	}
}
