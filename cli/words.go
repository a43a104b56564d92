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
	{"env", "Use a folder for each environment, each with its own state. storyform -chdir=FOLDER plan works in another folder."},
	{"stacks", "A folder is what is planned and applied as a whole. storyform -chdir=FOLDER plan works in another folder; include = [\"campaigns/*\"] in the storyform block joins several into one."},
	{"push", "There is no service to push to: CI runs storyform plan and storyform apply. storyform state push writes a state document to a backend."},
	{"functions", "storyform console evaluates them: echo 'upper(\"x\")' | storyform console. A name that is unknown is answered with those that are like it."},
	{"0.12upgrade", "There is nothing to upgrade. storyform fmt brings files into the canonical form, and storyform validate checks them."},
	{"0.13upgrade", "There is nothing to upgrade. storyform fmt brings files into the canonical form, and storyform validate checks them."},
	{"state replace-provider", "There are no providers: Facebook Pages are all that storyform knows."},
	{"state identities", "storyform state show -json ADDRESS prints the post_id and media_id of a story, and storyform state list -id=POST_ID finds it."},
}

// addWords adds hidden commands that answer these words.
func addWords(root *cobra.Command) {
	for _, w := range words {
		parent, name := root, w.name
		if group, sub, ok := strings.Cut(w.name, " "); ok {
			parent, _, _ = root.Find([]string{group}) // of a group that is gone, the root
			name = sub
		}
		parent.AddCommand(&cobra.Command{
			Use: name, Hidden: true, DisableFlagParsing: true,
			RunE: func(*cobra.Command, []string) error {
				return fail("There is no storyform "+w.name, "%s", w.instead)
			},
		})
	}
}

// foreignFlag is a flag of Terraform that storyform has not. Without instead
// it is accepted and does nothing, because what it switches off or asks for is
// not there.
type foreignFlag struct {
	commands string // names, separated by commas; of a group, also those below it; "" is before any command
	name     string
	instead  string
	valued   bool // its value may be the next word
}

// foreignFlags answers Terraform's flags.
var foreignFlags = []foreignFlag{
	{name: "install-autocomplete", instead: "storyform completion bash prints the script for bash; there are zsh, fish and powershell, too. storyform completion bash --help says where it goes."},
	{name: "uninstall-autocomplete", instead: "Delete the script of storyform completion from where you have put it."},
	{commands: "plan,apply", name: "replace", instead: "What is published can't be replaced. To publish a story once more as a new one, give it a higher revision, such as revision = 2; the old one stays visible until its 24 hours are over."},
	{commands: "plan,apply", name: "destroy", instead: "Nothing that is published can be removed through the API. To cancel what is only scheduled, take its blocks out of the configuration."},
	{commands: "plan,apply", name: "refresh-only", instead: "storyform stories shows what is on the Pages, and storyform status what the state knows of it. What a plan finds without changing anything is recorded by the next apply."},
	{commands: "plan,apply", name: "generate-config-out", instead: "Write the block by hand, and then storyform import ADDRESS POST_ID, or an import block."},
	{commands: "plan,apply", name: "target-file", instead: "Give --target once for each address."},
	{commands: "plan,apply", name: "exclude-file", instead: "Give --exclude once for each address."},
	{commands: "plan,apply", name: "invoke", instead: "There are no actions. storyform apply --target=ADDRESS does what is to be done about one story."},
	{commands: "plan,apply", name: "allow-deferral", instead: "Nothing is deferred: a story is published, scheduled, or refused with the reason."},
	{commands: "plan", name: "auto-approve", instead: "A plan changes nothing and asks nothing. storyform apply --auto-approve applies without asking."},
	{commands: "apply", name: "out", instead: "storyform plan --out=FILE saves a plan, and storyform apply FILE applies it."},
	{commands: "plan,apply,show,state,output,console,import,graph", name: "state", instead: "Where the state is stands in the backend of the storyform block: backend \"local\" { path = \"…\" }."},
	{commands: "apply,import,state mv,state rm", name: "state-out", instead: "The state is written where it is read; storyform state pull prints it."},
	{commands: "apply,import,state mv,state rm", name: "backup", instead: "The former state is always kept beside the new one."},
	{commands: "state mv", name: "backup-out", instead: "The former state is always kept beside the new one."},
	{commands: locking, name: "lock", instead: "The lock is what keeps two runs from publishing one story twice, so it is always taken. --lock-timeout=5m waits for it."},
	{commands: "state push", name: "force", instead: "A state that forgets a published story would publish it again, so that nothing forces it in. The message of state push says what is in the way."},
	{commands: "import", name: "config", instead: "storyform -chdir=FOLDER import works in another folder."},
	{commands: "import", name: "provider", instead: "There are no providers: Facebook Pages are all that storyform knows."},
	{commands: "graph", name: "plan", instead: "The graph is that of the configuration. storyform show FILE shows a saved plan, by Page and time."},
	{commands: "graph", name: "type", instead: "There is one graph: which story comes after which. --format=mermaid draws it for GitHub and GitLab."},
	{commands: "console", name: "plan", instead: "Expressions are of the configuration alone, and ask no Page. storyform plan shows what would be done."},
	{commands: "init", name: "from-module", instead: "There are no modules. storyform init writes a first configuration; copy a folder for more."},
	{commands: "init", name: "json", instead: "storyform validate -json tells in JSON whether a configuration is in order."},
	{commands: "init,validate", name: "test-directory", instead: "There are no test files. storyform plan --at=TIME says what would happen then, and --sandbox rehearses it."},
	{commands: "validate", name: "query", instead: "There are no query files. storyform stories --all lists what is on the Pages."},
	{commands: "status", name: "json", instead: "For scripts, storyform show --json prints all that the state knows, and storyform stories --json what is on the Pages."},
	{commands: "plan", name: "lock"},
	{commands: "plan", name: "lock-timeout", valued: true},
	{commands: "plan,import", name: "input"},
	{commands: "plan,apply", name: "compact-warnings"},
	{commands: "graph", name: "draw-cycles"},
	{commands: "graph", name: "module-depth", valued: true},
	{commands: "import,init,state mv,state rm,state push", name: "ignore-remote-version"},
	{commands: "validate", name: "no-tests"},
	{commands: "init", name: "upgrade"},
	{commands: "init", name: "get"},
	{commands: "init", name: "plugin-dir", valued: true},
	{commands: "init", name: "lockfile", valued: true},
	{commands: "init", name: "cloud"},
	{commands: "init", name: "backend-config", valued: true, instead: "Write the arguments into the backend block: variables and locals may be used there. What is secret comes from the environment, as do TF_HTTP_ADDRESS and its like."},
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
		for name := range strings.SplitSeq(f.commands, ",") {
			cmd, _, err := root.Find(strings.Fields(name))
			if err != nil || strings.TrimPrefix(cmd.CommandPath(), root.Name()) != strings.TrimSuffix(" "+name, " ") || cmd.Flags().Lookup(f.name) != nil {
				continue
			}
			set := cmd.Flags()
			if cmd.HasSubCommands() && cmd != root {
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

// ownersOf says which other commands have a flag.
func ownersOf(root *cobra.Command, name string) string {
	var owners []string
	each(root, func(cmd *cobra.Command) {
		if f := cmd.LocalNonPersistentFlags().Lookup(name); f != nil && !f.Hidden {
			owners = append(owners, cmd.CommandPath())
		}
	})
	switch n := len(owners); {
	case n == 0 || n > 3:
		return ""
	case n == 1:
		return " It belongs to " + owners[0] + "."
	default:
		return " It belongs to " + strings.Join(owners[:n-1], ", ") + " and " + owners[n-1] + "."
	}
}

// flagError turns what pflag says about the command line into words of ours.
func flagError(cmd *cobra.Command, err error) error {
	foreign, isForeign := errors.AsType[*foreignError](err)
	value, isValue := errors.AsType[*pflag.InvalidValueError](err)
	if isForeign && isValue {
		return fail("There is no such flag", "%s has no --%s. %s", cmd.CommandPath(), value.GetFlag().Name, foreign.instead)
	}
	detail := upperFirst(err.Error()) + "."
	if isValue && value.GetFlag().Value.Type() == "duration" {
		detail = fmt.Sprintf("Invalid argument %q for %q flag: it must be a duration such as 30s, 5m or 1h30m.", value.GetValue(), "--"+value.GetFlag().Name)
	}
	if isValue && value.GetFlag().Value.Type() == "bool" {
		detail = fmt.Sprintf("Invalid argument %q for %q flag: it must be true or false.", value.GetValue(), "--"+value.GetFlag().Name)
	}
	if unknown, ok := unknownFlag(err); ok {
		detail = fmt.Sprintf("There is no flag --%s.", unknown)
		var names []string
		cmd.Flags().VisitAll(func(f *pflag.Flag) {
			if !f.Hidden {
				names = append(names, "--"+f.Name)
			}
		})
		if like := meant("--"+unknown, names); like != "" {
			detail += like
		} else {
			detail += ownersOf(cmd.Root(), unknown)
		}
	}
	if cmd.HasSubCommands() {
		detail += " The flags of a command stand behind its name."
	}
	return fail("Invalid command line", "%s %s --help lists the flags.", detail, cmd.CommandPath())
}
