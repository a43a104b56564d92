package cli

import "github.com/spf13/cobra"

// initCommand exists for fingers and scripts that begin with it: there is
// nothing to download, and the state is made by the first apply.
func initCommand(a *app) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "init",
		Short: "Check that the folder is ready; nothing needs to be initialised",
		Long: `Reads the configuration and opens the state that it names. storyform needs no
initialisation: there are no providers or modules to download, and the state is
made by the first apply.`,
		Args: cobra.NoArgs,
	}
	var f configFlags
	f.register(cmd.Flags())
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if !a.hasConfig() {
			a.printf("There is no configuration in this folder yet. Write a file such as stories.story.hcl,\nthen run storyform validate.\n")
			return nil
		}
		cfg, store, err := a.storeOf(cmd.Context(), &f)
		if err != nil {
			return err
		}
		doc, err := a.readState(cmd.Context(), store)
		if err != nil {
			return err
		}
		verdict, what, do := encryption(store, cfg)
		if verdict == broken {
			return fail("State can't be encrypted", "%s.", upperFirst(what))
		}
		a.printf("storyform is ready: the configuration is valid, and the state has %s.\n", count(len(doc.Stories), "story", "stories"))
		if what != "" {
			a.printf("\n%s.\n", upperFirst(what))
		}
		if do != "" {
			a.printf("What to do: %s.\n", do)
		}
		if !a.automated() {
			a.printf("\nNext: storyform plan shows what would be published.\n")
		}
		return nil
	}
	return cmd
}
