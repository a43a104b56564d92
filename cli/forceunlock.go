package cli

import (
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"storyform/apply"
	"storyform/internal/diag"
	"storyform/state"
)

// forceUnlockCommand breaks a lock.
func forceUnlockCommand(a *app) *cobra.Command {
	var f configFlags
	cmd := &cobra.Command{
		Use:   "force-unlock LOCK_ID",
		Short: "Release a state lock that a dead run left behind",
		Long: `Releases the state lock that has this ID. A run that still lives can't publish
afterwards what another run has begun: each publish call is announced in the
state first, and the announcement of the one that comes late is refused.`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			_, store, err := a.storeOf(cmd.Context(), &f)
			if err != nil {
				return err
			}
			err = store.ForceUnlock(cmd.Context(), args[0])
			if locked, ok := errors.AsType[*state.LockedError](err); ok {
				detail := fmt.Sprintf("The lock's ID is %s, not %s. It is held by %s since %s.", locked.Holder.ID, args[0], locked.Holder.Who, locked.Holder.Created.UTC())
				return &exitError{code: apply.ExitError, diags: diag.Diagnostics{diag.Errorf("Lock ID does not match", "%s", detail)}}
			}
			if errors.Is(err, state.ErrNotLocked) {
				if !a.hasConfig() {
					return fail("State is not locked", "There is no lock to release, and no configuration in this folder. If it is another one, name it with --chdir.")
				}
				return fail("State is not locked", "There is no lock to release.")
			}
			if err != nil {
				return stateFailure(err)
			}
			a.printf("The state has been unlocked.\n")
			return nil
		},
	}
	f.register(cmd.Flags())
	// Terraform asks for a confirmation unless -force is given; the ID is
	// confirmation enough, and scripts keep working.
	cmd.Flags().Bool("force", false, "accepted for scripts; the lock ID is confirmation enough")
	return cmd
}
