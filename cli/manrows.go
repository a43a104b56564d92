package cli

import (
	"slices"
	"strings"

	"github.com/spf13/cobra"
)

// manRow is an exit code, a variable or a file, for manual pages.
type manRow struct {
	name, text string
	// commands have it, separated by commas; "" means all, and a flag such as
	// --var all that take it. The page of storyform itself has what is not fmt's own.
	commands string
}

// of reports whether a row belongs on the page of a command.
func (r *manRow) of(cmd *cobra.Command, name string) bool {
	if !cmd.HasParent() {
		return r.commands != "fmt" // its codes mean something else there
	}
	if r.commands == "" || slices.Contains(strings.Split(r.commands, ","), name) {
		return true
	}
	flag, ok := strings.CutPrefix(r.commands, "--")
	return ok && cmd.Flags().Lookup(flag) != nil
}

// locking are the commands that take the lock of the state.
const locking = "apply,init,import,resolve,state mv,state rm,state push"

// exitRows are the exit codes.
var exitRows = []manRow{
	{"0", "Done, or nothing to do.", ""},
	{"1", "An error, a declined prompt, or a story that missed its window.", ""},
	{"2", "With --detailed-exitcode: changes are pending; for apply, something was published.", "--detailed-exitcode"},
	{"2", "A file can't be parsed.", "fmt"},
	{"3", "The plan was applied in part.", "apply"},
	{"3", "With --check: a file would change.", "fmt"},
	{"4", "The outcome of a publish call is unknown. The next apply settles it first.", "apply"},
	{"5", "Somebody else holds the lock of the state.", locking},
	{"130", "Interrupted. What was done is recorded; apply again to go on.", "plan,apply"},
}

// environmentRows are the variables that the program reads.
var environmentRows = []manRow{
	{"STORYFORM_TOKEN", "The access token of Pages that have none of their own. A page block names its own variable with token_env; without it, STORYFORM_TOKEN_LABEL_KEY and STORYFORM_TOKEN_LABEL are tried first, after the label and the key of the page.", "--parallelism"},
	{"STORYFORM_APP_SECRET", "The app's secret, for apps that demand a proof with every call.", "--parallelism"},
	{"STORYFORM_GRAPH_URL", "The address of the Graph API, for a simulator; plain http only on this machine.", "--parallelism"},
	{"STORYFORM_VAR_name", "The value of a variable of the configuration.", "--var"},
	{"STORYFORM_HTTP_ADDRESS, STORYFORM_HTTP_USERNAME, STORYFORM_HTTP_PASSWORD", "Arguments of the http backend; each of its arguments has such a variable, and Terraform's TF_HTTP_ADDRESS and its like are read, too.", "--var"},
	{"STORYFORM_AGE_IDENTITY, STORYFORM_AGE_IDENTITY_FILE", "The key of an encrypted state, or the file that it is in.", "--var"},
	{"AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_PROFILE, AWS_REGION", "What the s3 backend finds its bucket with, as all programs for Amazon S3 do.", "--var"},
	{"STORYFORM_CLI_ARGS", "More arguments for every command, behind its name.", ""},
	{"STORYFORM_CLI_ARGS_name", "More arguments for one command, such as STORYFORM_CLI_ARGS_plan or STORYFORM_CLI_ARGS_state_list.", ""},
	{"STORYFORM_INPUT", "0 or false: never ask, fail instead.", "apply"},
	{"STORYFORM_IN_AUTOMATION", "Set to anything: don't tell what to type next. TF_IN_AUTOMATION does the same.", "init,plan,apply"},
	{"STORYFORM_LOG", "A log on standard error: TRACE, DEBUG, INFO, WARN, ERROR; JSON for DEBUG as lines of JSON. It holds no token.", ""},
	{"STORYFORM_LOG_PATH", "A file that gets the log instead.", ""},
	{"NO_COLOR, CLICOLOR_FORCE, TERM", "No colours when NO_COLOR is set or TERM is dumb; colours without a terminal when CLICOLOR_FORCE is set.", ""},
	{"CI", "Progress is told in lines, without bars.", "apply"},
	{"GITHUB_ACTIONS", "Messages are annotations at their lines, too.", "validate,plan,apply"},
}

// fileRows are the files that the program reads and writes.
var fileRows = []manRow{
	{"*.story.hcl", "The configuration: all such files of a folder.", "--var"},
	{"storyform.vars.hcl, *.auto.vars.hcl", "Values of variables.", "--var"},
	{"storyform.state.json", "The state, where no backend is declared. storyform.state.json.journal holds steps that are not folded in yet, storyform.state.json.backup the state before. They belong to the machine that applies: don't commit them.", "--var"},
	{"errored.state.json", "A state that could not be written to its backend. storyform state push takes it.", "--var"},
	{".storyform/", "The simulator's world with its state, and a cache of what was measured of media. It may be deleted.", "--var"},
}
