package cli

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"storyform/apply"
	"storyform/config"
	"storyform/internal/diag"
	"storyform/plan"
	"storyform/render"
	"storyform/story"
)

// applyDue publishes what is registered and due and, with --wait, stays and
// publishes the rest on the minute. Between two publications it sleeps
// without the lock, and it reads the state anew before each.
func (a *app) applyDue(ctx context.Context, f *applyFlags) error {
	cfg, err := a.load(ctx, &f.config)
	if err != nil {
		return err
	}
	end := a.Clock.Now().Add(f.wait)
	code := 0
	for {
		p, err := a.dueOnce(ctx, f, cfg)
		code = worse(code, err)
		if p == nil {
			return exit(code)
		}
		next, wake, ok := nextDue(p, a.Clock.Now(), end)
		if !ok || a.stopped() {
			if code == 0 && !ok && !p.HasChanges() && len(p.Unregistered) == 0 && !a.events.alone {
				a.printf("%s\n", render.NoChanges)
			}
			return exit(code)
		}
		a.announceWait(cfg, next)
		if a.sleepUntil(ctx, wake) != nil {
			return exit(apply.ExitInterrupted)
		}
	}
}

// dueOnce makes and carries out one plan of what is due. The plan is nil when
// none could be made.
func (a *app) dueOnce(ctx context.Context, f *applyFlags, cfg *config.Config) (*plan.Plan, error) {
	d, err := a.draftPlan(ctx, cfg, draftOptions{refresh: true, adoptNone: f.adoptNone, filter: f.filter, parallelism: f.remote.parallelism, stage: f.wait > 0})
	if err != nil {
		a.diagnose(asExit(err).diags)
		return nil, err
	}
	d.plan = plan.Due(d.plan)
	problems := unregistered(d.plan)
	var problem error
	if len(d.plan.Unregistered) > 0 || len(unreadable(d.plan)) > 0 {
		problem = exit(apply.ExitError)
	}
	if !d.plan.HasChanges() {
		problems = append(problems, unreadError(d.plan, false, "")...)
		a.diagnose(append(slices.Clone(d.plan.Diagnostics), problems...))
		return d.plan, problem
	}
	if err := a.showPlan(d.plan); err != nil {
		return nil, err
	}
	a.diagnose(problems)
	a.screens.standApart()
	err = a.thenOutputs(ctx, cfg, a.carryOut(ctx, f, d))
	a.diagnose(asExitDiags(err))
	return d.plan, exit(worse(worse(0, err), problem))
}

// asExitDiags are the diagnostics of an error that was not printed yet.
func asExitDiags(err error) diag.Diagnostics {
	if err == nil {
		return nil
	}
	return asExit(err).diags
}

// unregistered tells what is due and may not be published.
func unregistered(p *plan.Plan) diag.Diagnostics {
	var ds diag.Diagnostics
	for _, u := range p.Unregistered {
		ds = append(ds, diag.Errorf("Due story is not published",
			"%s is due and is not published: %s. Run storyform apply, which shows it and asks; --due only publishes what an apply has registered, and nothing that it would refuse.", u.Address, u.Why).For(u.Address))
	}
	return ds
}

// severity orders exit codes from good to bad.
var severity = []int{apply.ExitDone, apply.ExitPublished, apply.ExitError, apply.ExitLocked, apply.ExitPartly, apply.ExitUnknown, apply.ExitInterrupted}

// worse is the worse of an exit code and that of an error.
func worse(code int, err error) int {
	if err == nil {
		return code
	}
	other := asExit(err).code
	if slices.Index(severity, other) > slices.Index(severity, code) {
		return other
	}
	return code
}

// nextDue is the waiting story because of which the run wakes up next, if it
// is due by end: to publish it or, before that, to upload its media ahead.
func nextDue(p *plan.Plan, now, end time.Time) (next plan.Next, wake time.Time, ok bool) {
	for _, n := range p.Upcoming {
		if n.PublishAt.After(end) {
			break
		}
		at := n.PublishAt
		if ahead := at.Add(-p.Settings.UploadAhead); ahead.After(now) {
			at = ahead
		}
		if !ok || at.Before(wake) {
			next, wake, ok = n, at, true
		}
	}
	return next, wake, ok
}

// announceWait says which story is waited for.
func (a *app) announceWait(cfg *config.Config, n plan.Next) {
	a.events.tell(func(l *render.JSONLines) error {
		return l.Event(story.Event{Kind: story.EventWaiting, Time: a.Clock.Now(), Address: n.Address, PublishAt: n.PublishAt})
	})
	if !a.events.alone {
		at := n.PublishAt.In(zoneOf(cfg, n))
		fmt.Fprintf(a.Stderr, "Waiting for %s, due at %s.\n", n.Address, at.Format("Mon 2 Jan 15:04:05 ")+story.ZoneName(at))
	}
}

// zoneOf is the time zone of a waiting story's Page.
func zoneOf(cfg *config.Config, n plan.Next) *time.Location {
	if d, ok := cfg.Story(n.Address); ok {
		return d.Page.Location()
	}
	return time.UTC
}

// stopped reports whether a stop was asked for.
func (a *app) stopped() bool {
	select {
	case <-a.Stop:
		return true
	default:
		return false
	}
}

// errStopped ends a sleep.
var errStopped = errors.New("stopped")

// sleepUntil waits for an instant, or until a stop is asked for.
func (a *app) sleepUntil(ctx context.Context, t time.Time) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	if a.Stop != nil {
		go func() {
			select {
			case <-a.Stop:
				cancel(errStopped)
			case <-ctx.Done():
			}
		}()
	}
	return a.Clock.Sleep(ctx, t.Sub(a.Clock.Now()))
}
