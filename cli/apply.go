package cli

import (
	"context"
	"errors"
	"fmt"
	"os/user"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"storyform/apply"
	"storyform/internal/diag"
	"storyform/plan"
	"storyform/render"
	"storyform/state"
)

// applyFlags are the flags of apply.
type applyFlags struct {
	planFlags
	autoApprove bool
	expect      string
	allowBulk   bool
	allowCancel bool
	input       bool
	due         bool
	wait        time.Duration
}

// applyCommand carries out a plan.
func applyCommand(a *app) *cobra.Command {
	var f applyFlags
	cmd := &cobra.Command{
		Use:   "apply [PLANFILE]",
		Short: "Publish and register what the plan shows, exactly once",
		Long: `Makes a plan, asks for approval, and carries it out. With a PLANFILE from
plan --out it does what was reviewed, without asking.

A story can't be edited or removed through the API once it is published. Each
step is written to the state before the next begins, so that apply can be
repeated after any interruption: it settles what is in doubt, and goes on.

The first interrupt (^C) finishes the publish call in flight, saves and exits
with 130. The second leaves at once; the state is right all the same.`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := a.openEvents(&f.events); err != nil {
				return err
			}
			switch {
			case !f.refresh:
				return fail("Apply needs to ask the Pages", "--refresh=false is for plan: what is published is decided from what is on the Pages.")
			case f.due && len(args) == 1:
				return fail("Flags exclude each other", "--due makes its own plan; leave out the plan file.")
			case f.due && f.expect != "":
				return fail("Flags exclude each other", "--due publishes what was registered, whatever else there would be to do, so that --expect has nothing to hold it against.")
			case f.wait > 0 && !f.due:
				return fail("Flag is missing", "--wait belongs to --due.")
			case f.due:
				return a.applyDue(whole(cmd.Context()), &f)
			case len(args) == 1:
				return a.applyFile(cmd.Context(), &f, args[0])
			}
			return a.applyConfig(cmd.Context(), &f)
		},
	}
	f.register(a, cmd.Flags())
	flags := cmd.Flags()
	flags.BoolVar(&f.autoApprove, "auto-approve", false, "don't ask for approval")
	flags.StringVar(&f.expect, "expect", "", "refuse what is not approved by this `fingerprint` of a reviewed plan")
	flags.BoolVar(&f.allowCancel, "allow-cancel-all", false, "cancel even every scheduled story")
	flags.BoolVar(&f.allowBulk, "allow-bulk", false, "publish more stories at once than max_publish allows")
	flags.BoolVar(&f.input, "input", true, "ask for what is missing; --input=false fails instead")
	flags.BoolVar(&f.due, "due", false, "for cron: publish what is registered and due, register and ask nothing")
	flags.DurationVar(&f.wait, "wait", 0, "with --due: stay so long, and publish on the minute")
	return cmd
}

// applyConfig plans, asks and carries out.
func (a *app) applyConfig(ctx context.Context, f *applyFlags) error {
	unapproved := !f.autoApprove && f.expect == ""
	if unapproved && f.events.json {
		return fail("Plan file or auto-approve required", "Nobody can be asked for approval when --json is set: apply needs --auto-approve, --expect=FINGERPRINT, or a plan file.")
	}
	if unapproved && (!f.input || envOff(a.Getenv("STORYFORM_INPUT"))) {
		return fail("Nobody can be asked for approval", "Input is disabled, so apply needs --auto-approve, --expect=FINGERPRINT, or a plan file.")
	}
	cfg, err := a.load(ctx, &f.config)
	if err != nil {
		return a.orInterrupted(err)
	}
	d, err := a.draftPlan(ctx, cfg, draftOptions{refresh: true, adoptNone: f.adoptNone, filter: f.filter, parallelism: f.remote.parallelism})
	if err != nil {
		return a.orInterrupted(err)
	}
	if err := a.showPlan(d.plan); err != nil {
		return err
	}
	if d.plan.Diagnostics.HasErrors() {
		return exit(1)
	}
	if err := checkExpected(f, d.plan); err != nil {
		return err
	}
	if err := a.checkKept(ctx, d, f.adoptNone, true); err != nil {
		return err
	}
	if nothing := !d.plan.HasChanges() && !d.plan.HasLoudUpdates(); nothing && len(unreadable(d.plan)) > 0 {
		return a.failUnread(d.plan, true, "")
	} else if nothing && !f.adoptNone { // which is remembered
		a.showOutputs(ctx, cfg)
		return nil
	}
	if d.plan.HasChanges() && unapproved {
		if err := a.approve(d.plan); err != nil {
			return err
		}
	} else {
		a.screens.standApart()
	}
	return a.thenOutputs(ctx, cfg, a.carryOut(ctx, f, d))
}

// envOff reports whether an environment switch is explicitly off.
func envOff(value string) bool { return value != "" && !truthy(value) }

// applyFile carries out a saved plan, without asking.
func (a *app) applyFile(ctx context.Context, f *applyFlags, name string) error {
	p, err := a.loadPlan("apply", name)
	if err != nil {
		return err
	}
	if len(f.config.vars) > 0 {
		return fail("Variables can't change a saved plan", "%s was made with its own variables. Leave out --var and --var-file, or make the plan again with them.", name)
	}
	if p.Settings.Sandbox != a.sandbox {
		return fail("Plan is for other Pages", "%s was made %s --sandbox, and can only be applied in the same way.", name, map[bool]string{true: "with", false: "without"}[p.Settings.Sandbox])
	}
	if f.filter.used() {
		return fail("A saved plan is applied as a whole", "%s was made with its own choice of stories. Leave out --target, --exclude, --page and --label, or make the plan again with them.", name)
	}
	if err := checkExpected(f, p); err != nil {
		return err
	}
	d := &draft{plan: p}
	if d.store, err = a.openPlanStore(ctx, p.Settings); err != nil {
		return err
	}
	doc, err := a.readState(ctx, d.store)
	if err == nil {
		err = a.checkNotRewound(d.store, doc)
	}
	if err == nil {
		err = checkNotBared(d.store, doc, name, p)
	}
	if err == nil {
		err = a.checkKept(ctx, d, f.adoptNone, true)
	}
	if err != nil {
		return err
	}
	if d.pages, err = a.remote(ctx, p.Settings.APIVersion); err != nil {
		return err
	}
	err = a.carryOut(ctx, f, d)
	if err == nil && len(p.Changes) == 0 {
		a.finished(render.Counts{}) // else it would end without a word
	}
	return err
}

// checkExpected refuses a plan that asks for more, or for less, than what was
// approved.
func checkExpected(f *applyFlags, p *plan.Plan) error {
	if f.expect == "" || p.Approved(f.expect) {
		return nil
	}
	return fail("Plan is not the expected one",
		"The plan's fingerprint is %s and --expect says %s: what would be done is not what was approved. Since then the configuration or the state has changed, or a window has closed. Nothing was done. Review the plan that is there now and pass its fingerprint.",
		p.Fingerprint, f.expect)
}

// carryOut runs apply and tells how it went.
func (a *app) carryOut(ctx context.Context, f *applyFlags, d *draft) error {
	ctx = whole(ctx)
	if d.plan.Serial == 0 { // a new state: perhaps nobody ran init
		_, err := probe(ctx, d.store)
		if _, locked := errors.AsType[*state.LockedError](err); err != nil && !locked { // for a lock Run may wait
			return err
		}
	}
	report, closeProgress := a.progress(d.plan)
	locked := a.announceLock()
	result, err := apply.Run(ctx, d.plan, apply.Options{
		Store: d.store, Run: a.run(), Lock: a.lockInfo("apply"), LockTimeout: a.lockTimeout, Locked: locked,
		Pages: d.pages, Open: a.openMedia, Clock: a.Clock, Report: report, Parallelism: f.remote.parallelism,
		Stop: a.announceStop(ctx), AdoptNone: f.adoptNone, AllowBulk: f.allowBulk, Due: f.due, AllowCancelAll: f.allowCancel, Observed: d.observed, Crash: a.Crash,
	})
	closeProgress()
	a.noteSeen(result.Lineage, result.Serial)
	if held, ok := errors.AsType[*state.LockedError](err); ok {
		return a.locked(held)
	}
	if err != nil && result.Interrupted && len(result.Outcomes) == 0 {
		return a.interrupted()
	}
	if _, ok := errors.AsType[*state.MovedError](err); ok {
		return stateFailure(err)
	}
	a.diagnose(result.Diagnostics)
	a.diagnose(outcomeDiagnostics(result))
	if errors.Is(err, apply.ErrRefused) {
		return exit(1)
	}
	if err != nil {
		a.diagnose(diag.Diagnostics{runError(err, len(result.Outcomes) > 0, result.Unsaved != nil)})
	}
	if result.Unsaved != nil {
		a.keepUnsaved(d.store, result.Unsaved)
	}
	if len(result.Outcomes) > 0 {
		a.finished(applyCounts(result))
	}
	code := result.ExitCode(f.detailed)
	if err != nil && code != apply.ExitUnknown && code != apply.ExitPartly && code != apply.ExitInterrupted {
		code = apply.ExitError
	}
	return exit(code)
}

// runError explains why a run ended early. begun says that something was
// done before, and unsaved that a part of that is not in the state.
func runError(err error, begun, unsaved bool) diag.Diagnostic {
	switch {
	case !begun:
		return diag.Errorf("Apply could not begin", "%v. Nothing was done.", err)
	case errors.Is(err, state.ErrConflict):
		return diag.Errorf("State was changed by another run",
			"%v. This run stopped before doing anything that it could not record. Run storyform plan to see where things stand.", err)
	case errors.Is(err, state.ErrLockLost):
		return diag.Errorf("State lock was lost",
			"%v. Somebody broke the lock or it expired, so this run stopped before publishing. Run storyform plan to see where things stand.", err)
	}
	if unsaved {
		return diag.Errorf("Apply ended early", "%v. What was done last could not be recorded; see below.", err)
	}
	return diag.Errorf("Apply ended early",
		"%v. What was done before is recorded; run storyform plan to see what is left.", err)
}

// endingSummaries are the summaries for endings that are not good.
var endingSummaries = map[apply.Ending]string{
	apply.EndFailed: "Story was not published", apply.EndUnknown: "Outcome is unknown",
	apply.EndMissed: "Story missed its window", apply.EndNotAttempted: "Story was not attempted",
}

// outcomeDiagnostics says of the stories that did not come to a good end why,
// and what to do. Those of one Page with the same reason are one message, also
// with those that were not attempted because of it.
func outcomeDiagnostics(r *apply.Result) diag.Diagnostics {
	type reason struct{ page, message, hint string }
	type group struct {
		ending apply.Ending
		reason
	}
	var order []group
	members := map[group][]string{}
	caused := map[reason]bool{} // told of a story that was attempted
	for _, o := range r.Outcomes {
		if endingSummaries[o.Ending] == "" {
			continue
		}
		g := group{o.Ending, reason{o.Page.String(), strings.TrimSuffix(o.Message, "."), strings.TrimSuffix(o.Hint, ".")}}
		if members[g] == nil {
			order = append(order, g)
		}
		members[g] = append(members[g], o.Address.String())
		caused[g.reason] = caused[g.reason] || o.Ending != apply.EndNotAttempted
	}
	var ds diag.Diagnostics
	for _, g := range order {
		left := group{apply.EndNotAttempted, g.reason}
		if g == left && caused[g.reason] {
			continue
		}
		detail := fmt.Sprintf("%s on %s: %s", strings.Join(members[g], ", "), g.page, fullStop(g.message))
		if g != left && members[left] != nil {
			detail += "\n\nNot attempted because of it: " + strings.Join(members[left], ", ") + "."
		}
		if g.hint != "" {
			detail += "\n\nWhat to do: " + g.hint + "."
		}
		ds = append(ds, diag.Errorf(endingSummaries[g.ending], "%s", detail))
	}
	return ds
}

// fullStop ends a text with a full stop, unless it ends with a command on a line
// of its own.
func fullStop(text string) string {
	if i := strings.LastIndexByte(text, '\n'); strings.HasPrefix(text[i+1:], " ") {
		return text
	}
	return text + "."
}

// applyCounts counts a result for its summary line.
func applyCounts(r *apply.Result) render.Counts {
	return render.Counts{
		Published: r.Count(apply.EndPublished), Scheduled: r.Count(apply.EndScheduled), Changed: r.Count(apply.EndChanged),
		Cancelled: r.Count(apply.EndCancelled), Adopted: r.Count(apply.EndAdopted), Forgotten: r.Count(apply.EndForgotten),
		Missed: r.Count(apply.EndMissed), Failed: r.Count(apply.EndFailed), Unknown: r.Count(apply.EndUnknown),
		NotAttempted: r.Count(apply.EndNotAttempted), Skipped: r.Count(apply.EndSkipped), Uploaded: r.Count(apply.EndUploaded),
		Interrupted: r.Interrupted,
	}
}

// locked reports who holds the state lock.
func (a *app) locked(err *state.LockedError) error {
	h := err.Holder
	detail := fmt.Sprintf("Another run holds the lock of the state. Wait for it, or use --lock-timeout=5m.\n\n"+
		"Lock Info:\n    ID:        %s\n    Path:      %s\n    Operation: %s\n    Who:       %s\n    Version:   %s\n    Created:   %s\n    Info:      %s\n\n"+
		"If that run is surely dead:\n    storyform force-unlock %s",
		h.ID, h.Path, h.Operation, h.Who, h.Version, h.Created.UTC().Format(time.RFC3339), h.Info, h.ID)
	return &exitError{code: apply.ExitLocked, diags: diag.Diagnostics{diag.Errorf("Error acquiring the state lock", "%s", detail)}}
}

// announceStop says once that a stop request was understood.
func (a *app) announceStop(ctx context.Context) <-chan struct{} {
	if a.Stop == nil {
		return nil
	}
	told := make(chan struct{})
	go func() {
		select {
		case <-a.Stop:
			fmt.Fprintln(a.Stderr, "\nInterrupt received. Finishing the call in flight and saving; interrupt again to leave at once.")
			close(told)
		case <-ctx.Done():
		}
	}()
	return told
}

// run identifies this run in the state.
func (a *app) run() state.Run {
	return state.Run{ID: state.NewID(), Who: a.who(), Commit: a.commit(), URL: a.runURL(), Tool: Version()}
}

// who names the person or the CI actor.
func (a *app) who() string {
	for _, name := range []string{"GITHUB_ACTOR", "GITLAB_USER_LOGIN"} {
		if v := a.Getenv(name); v != "" {
			return v
		}
	}
	name := a.Getenv("USER")
	if u, err := user.Current(); name == "" && err == nil {
		name = u.Username
	}
	if host := hostname(); host != "" {
		name += "@" + host
	}
	return name
}

// commit is the commit that CI checked out.
func (a *app) commit() string {
	for _, name := range []string{"GITHUB_SHA", "CI_COMMIT_SHA"} {
		if v := a.Getenv(name); v != "" {
			return v
		}
	}
	return ""
}

// runURL is the address of the CI run.
func (a *app) runURL() string {
	if repo, id := a.Getenv("GITHUB_REPOSITORY"), a.Getenv("GITHUB_RUN_ID"); repo != "" && id != "" {
		return a.Getenv("GITHUB_SERVER_URL") + "/" + repo + "/actions/runs/" + id
	}
	return a.Getenv("CI_JOB_URL")
}

// lockInfo is what others see of this run's lock.
func (a *app) lockInfo(operation string) state.LockInfo {
	return state.LockInfo{
		ID: state.NewID(), Operation: operation, Info: a.runURL(), Who: a.who(), Version: Version(), Created: a.Clock.Now().UTC(),
	}
}
