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
		Short:   "Explain an error code or a rule for media, offline",
		Example: "  storyform explain 190/463\n  storyform explain 368\n  storyform explain OffsetInvalidError\n  storyform explain video.duration",
		Long: `Explains an error as messages of storyform and answers of the Graph API name it:
by its code, its code and subcode, or its type; or a rule for photos and videos
by its id. It says what it means, what to do, and where that is from. No network
is needed.`,
		Args: cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			text := strings.Join(args, " ")
			if rule, ok := media.Explain(text); ok {
				for line := range strings.Lines(rule) {
					a.hang("", strings.TrimSuffix(line, "\n"))
				}
				return nil
			}
			rows := graphapi.Explain(text)
			if len(rows) == 0 {
				if like := meant(text, explained()); like != "" {
					return fail("Unknown error code or rule", "There is no %q to explain.%s", text, like)
				}
				return fail("Unknown error code or rule",
					"Nothing is documented about %q. Meta's own words in the message (error_user_title, error_user_msg) are the best there is; with the fbtrace_id, Meta's support can look it up for some days.", text)
			}
			for i, row := range rows {
				if i > 0 {
					a.printf("\n")
				}
				a.printf("%s  %s\n\n", row.CodeText(), row.Name)
				a.hang("  ", row.Meaning)
				a.printf("\n")
				a.hang("  What to do: ", row.Do)
				a.hang("  Source:     ", row.Source)
			}
			return nil
		},
	}
}

// explained lists what explain knows, as it is typed.
func explained() []string {
	var ids []string
	for _, r := range media.Rules() {
		ids = append(ids, r.ID)
	}
	for _, row := range graphapi.Catalogue() {
		ids = append(ids, row.CodeText())
	}
	return ids
}

// explainError is an error with what to do about it.
func explainError(err error) string {
	text := graphapi.Reason(err)
	if hint := graphapi.Hint(err); hint != "" {
		text += "\n\nWhat to do: " + hint
	}
	return text
}
