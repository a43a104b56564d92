package cli

import (
	"encoding/json"
	"fmt"
	"io"
	"runtime"
	"runtime/debug"
	"strings"

	"github.com/spf13/cobra"
)

// release is the version of the source tree; builds from a tagged module
// carry the tag instead.
const release = "0.1.0"

// Version is the program's version, without a leading v.
func Version() string {
	if info, ok := debug.ReadBuildInfo(); ok {
		if v := info.Main.Version; v != "" && v != "(devel)" && !strings.HasPrefix(v, "v0.0.0-") {
			return strings.TrimPrefix(v, "v")
		}
	}
	return release
}

// versionLine tells the version to people.
func versionLine() string {
	return fmt.Sprintf("storyform %s on %s_%s\n", Version(), runtime.GOOS, runtime.GOARCH)
}

// versionCommand prints the version.
func versionCommand(a *app) *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "version",
		Short: "Show the version",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, args []string) error {
			if !asJSON {
				_, err := io.WriteString(a.Stdout, versionLine())
				return err
			}
			enc := json.NewEncoder(a.Stdout)
			enc.SetIndent("", "  ")
			return enc.Encode(map[string]string{
				"storyform_version": Version(), "platform": runtime.GOOS + "_" + runtime.GOARCH, "go_version": runtime.Version(),
			})
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return cmd
}
