package cli

import (
	"strings"

	"github.com/spf13/cobra"

	"storyform/graphapi"
	"storyform/media"
)

// explainCommand prints what is known about an error of the Graph API.
func explainCommand(a *app) *cobra.Command {
	return &cobra.Command{
		Use:     "explain CODE|RULE",
		Short:   "Explain an error code of the Graph API or a rule for media, offline",
		Example: "  storyform explain 190/463\n  storyform explain 368\n  storyform explain OffsetInvalidError\n  storyform explain video.duration",
		Args:    cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			text := strings.Join(args, " ")
			if rule, ok := media.Explain(text); ok {
				a.printf("%s", rule)
				return nil
			}
			rows := graphapi.Explain(text)
			if len(rows) == 0 {
				return fail("Unknown error code",
					"Nothing is documented about %q. Meta's own words in the message (error_user_title, error_user_msg) are the best there is; with the fbtrace_id, Meta's support can look it up for some days.", text)
			}
			for i, row := range rows {
				if i > 0 {
					a.printf("\n")
				}
				a.printf("%s  %s\n\n  %s\n\n  What to do: %s\n  Source:     %s\n", row.CodeText(), row.Name, row.Meaning, row.Do, row.Source)
			}
			return nil
		},
	}
}

// explainError is an error with what to do about it.
func explainError(err error) string {
	text := graphapi.Reason(err)
	if hint := graphapi.Hint(err); hint != "" {
		text += "\n\nWhat to do: " + hint
	}
	return text
}
