package cli

import (
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// word is a command of Terraform that storyform has not, and what to do
// instead.
type word struct{ name, instead string }

// words answers what Terraform's fingers type. A command that storyform gets
// loses its row here.
var words = []word{
	{"taint", "A story can't be replaced: what is published stays published. To publish it once more as a new story, give it a higher revision, such as revision = 2, and apply."},
	{"untaint", "Nothing is ever tainted. A story whose outcome is unknown is settled by storyform apply, or by hand with storyform resolve."},
	{"workspace", "Use a folder for each environment, each with its own state, or the backend's arguments. storyform -chdir=FOLDER plan works in another folder."},
	{"destroy", "Nothing that is published can be removed through the API. To cancel what is only scheduled, take its blocks out of the configuration and apply; what is out stays until its 24 hours are over."},
	{"get", "There are no modules to fetch. To spread a configuration over folders, write include = [\"campaigns/*\"] into the storyform block."},
	{"modules", "There are no modules. To spread a configuration over folders, write include = [\"campaigns/*\"] into the storyform block."},
	{"providers", "There are no providers: Facebook Pages are all that storyform knows, and their API version is api_version in the storyform block."},
	{"login", "Tokens are never stored. Export the Page's token under the name that token_env of its page block says, or as STORYFORM_TOKEN."},
	{"logout", "Tokens are never stored: unset the environment variable."},
	{"refresh", "storyform plan asks the Pages each time, and storyform apply records what it finds. storyform stories shows what is on them now."},
	{"test", "Use storyform plan --at=TIME to see what would happen then, check and precondition blocks for rules, and --sandbox to rehearse against the simulator."},
	{"metadata", "storyform explain knows errors and media rules; storyform version --json tells the version."},
	{"query", "storyform stories --all lists what is on the Pages, managed or not."},
}

// wordCommands are the hidden commands that answer these words.
func wordCommands() []*cobra.Command {
	var out []*cobra.Command
	for _, w := range words {
		out = append(out, &cobra.Command{
			Use: w.name, Hidden: true, DisableFlagParsing: true,
			RunE: func(*cobra.Command, []string) error {
				return fail("There is no storyform "+w.name, "%s", w.instead)
			},
		})
	}
	return out
}

// foreignFlag is a flag of Terraform that storyform has not. Without instead
// it is accepted and does nothing, because what it switches off or asks for is
// not there.
type foreignFlag struct {
	commands string // names, separated by blanks
	name     string
	instead  string
	valued   bool // its value may be the next word
}

// foreignFlags answers Terraform's flags.
var foreignFlags = []foreignFlag{
	{commands: "plan apply", name: "replace", instead: "What is published can't be replaced. To publish a story once more as a new one, give it a higher revision, such as revision = 2; the old one stays visible until its 24 hours are over."},
	{commands: "plan apply", name: "destroy", instead: "Nothing that is published can be removed through the API. To cancel what is only scheduled, take its blocks out of the configuration."},
	{commands: "plan apply", name: "refresh-only", instead: "storyform stories shows what is on the Pages, and storyform status what the state knows of it. What a plan finds without changing anything is recorded by the next apply."},
	{commands: "plan apply", name: "generate-config-out", instead: "Write the block by hand, and then storyform import ADDRESS POST_ID, or an import block."},
	{commands: "plan apply", name: "target-file", instead: "Give --target once for each address."},
	{commands: "plan apply", name: "exclude-file", instead: "Give --exclude once for each address."},
	{commands: "plan apply show state", name: "state", instead: "Where the state is stands in the backend of the storyform block: backend \"local\" { path = \"…\" }."},
	{commands: "apply", name: "state-out", instead: "The state is written where it is read; storyform state pull prints it."},
	{commands: "apply", name: "backup", instead: "The former state is always kept beside the new one."},
	{commands: "apply", name: "lock", instead: "The lock is what keeps two runs from publishing one story twice, so apply always takes it. --lock-timeout=5m waits for it."},
	{commands: "plan", name: "lock"},
	{commands: "plan", name: "lock-timeout", valued: true},
	{commands: "plan", name: "input"},
	{commands: "plan apply", name: "compact-warnings"},
	{commands: "validate", name: "no-tests"},
	{commands: "init", name: "upgrade"},
	{commands: "init", name: "get"},
	{commands: "init", name: "backend-config", valued: true, instead: "Write the arguments into the backend block: variables and locals may be used there. What is secret comes from the environment, as do TF_HTTP_ADDRESS and its like."},
	{commands: "init", name: "lock", instead: "A state is only moved under both locks."},
	{commands: "init", name: "from-module", instead: "There are no modules. To begin, write a file such as stories.story.hcl."},
}

// refusal is the value of a flag that is answered with what to do instead.
type refusal struct{ instead string }

// Set refuses any value; with nothing to say, it takes it.
func (r *refusal) Set(string) error {
	if r.instead == "" {
		return nil
	}
	return &foreignError{r.instead}
}

// String is empty: there is no default to show.
func (r *refusal) String() string { return "" }

// Type is what the help calls the value.
func (r *refusal) Type() string { return "string" }

// foreignError says what to do instead of a flag.
type foreignError struct{ instead string }

// Error is what to do instead.
func (e *foreignError) Error() string { return e.instead }

// addForeignFlags adds Terraform's flags to the commands of a tree, hidden.
func addForeignFlags(root *cobra.Command) {
	for _, f := range foreignFlags {
		for name := range strings.FieldsSeq(f.commands) {
			cmd, _, err := root.Find([]string{name})
			if err != nil || cmd.Name() != name || cmd.Flags().Lookup(f.name) != nil {
				continue
			}
			set := cmd.Flags()
			if cmd.HasSubCommands() {
				set = cmd.PersistentFlags()
			}
			flag := set.VarPF(&refusal{f.instead}, f.name, "", "Terraform's flag")
			flag.Hidden = true
			if !f.valued {
				flag.NoOptDefVal = "true"
			}
		}
	}
}

// unknownFlag is the name of a flag that pflag does not know, be it with one
// dash or with two.
func unknownFlag(err error) (name string, ok bool) {
	if name, ok = strings.CutPrefix(err.Error(), "unknown flag: --"); ok {
		return name, true
	}
	_, word, ok := strings.Cut(err.Error(), "unknown shorthand flag: ")
	_, name, in := strings.Cut(word, " in -")
	name, _, _ = strings.Cut(name, "=")
	return name, ok && in && len(name) > 1
}

// flagError turns what pflag says about the command line into words of ours.
func flagError(cmd *cobra.Command, err error) error {
	foreign, isForeign := errors.AsType[*foreignError](err)
	value, isValue := errors.AsType[*pflag.InvalidValueError](err)
	if isForeign && isValue {
		return fail("There is no such flag", "storyform %s has no --%s. %s", cmd.Name(), value.GetFlag().Name, foreign.instead)
	}
	detail := upperFirst(err.Error()) + "."
	if unknown, ok := unknownFlag(err); ok {
		detail = fmt.Sprintf("There is no flag --%s.", unknown)
		var names []string
		cmd.Flags().VisitAll(func(f *pflag.Flag) {
			if !f.Hidden {
				names = append(names, "--"+f.Name)
			}
		})
		detail += meant("--"+unknown, names)
	}
	return fail("Invalid command line", "%s storyform %s --help lists the flags.", detail, strings.TrimPrefix(cmd.CommandPath(), "storyform "))
}
