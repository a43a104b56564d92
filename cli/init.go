package cli

import "github.com/spf13/cobra"

// initCommand makes a first configuration. Where there is one it exists for
// fingers and scripts that begin with it: there is nothing to download.
func initCommand(a *app) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "init",
		Short: "Make a first configuration, or check that the one that is there is ready",
		Long: `In a folder without a configuration, writes one that works against the simulator
as it is, with a photo, a .gitignore and a workflow for CI. It never overwrites
a file.

Else it reads the configuration and opens the state that it names. There are no
providers or modules to download, and the state is made by the first apply.`,
		Args: cobra.NoArgs,
	}
	var f configFlags
	var sf scaffoldFlags
	f.register(cmd.Flags())
	sf.register(cmd.Flags())
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if !a.hasConfig() {
			return a.scaffold(&sf)
		}
		_, doc, err := a.stateOf(cmd.Context(), &f)
		if err != nil {
			return err
		}
		a.printf("storyform is ready: the configuration is valid, and the state has %s.\n", count(len(doc.Stories), "story", "stories"))
		if !a.automated() {
			a.printf("\nNext: storyform plan shows what would be published.\n")
		}
		return nil
	}
	return cmd
}
