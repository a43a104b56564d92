package config

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/hashicorp/hcl/v2/hclsyntax"

	"storyform/internal/diag"
	"storyform/story"
)

// Options say what to load and with which values. Nothing else goes in: no
// clock, no environment but Env, no network.
type Options struct {
	// Dir is the folder of the configuration; empty means ".".
	Dir string
	// Name is what messages call the folder, such as what --chdir said; empty
	// means the one where the program was started.
	Name string
	// Vars are the values of --var and --var-file, in the order in which
	// they were given: later ones win.
	Vars []Var
	// Env is the environment of the process as "NAME=value". Only
	// STORYFORM_VAR_name is used.
	Env []string
	// Version is this program's version, such as "0.3.1", to be checked against
	// required_version. A version that is not a number is not checked.
	Version string
	// Inspect reads the facts of the local media file at path. It is called
	// once for each file of a Load, by several goroutines at once. Where it is
	// nil, only the kind of the media is known and preconditions that ask for
	// more are not checked. An error that has a method
	// Diagnostic() (summary, detail string) is shown in these words.
	Inspect func(ctx context.Context, path string) (story.Media, error)
}

// Var is one --var or --var-file of the command line.
type Var struct {
	Name, Value string
	// File is the path given to --var-file, relative to Options.Dir when it
	// isn't absolute; Name and Value are then empty.
	File string
}

// ParseVar reads the argument of --var, which is name=value.
func ParseVar(s string) (Var, error) {
	name, value, ok := strings.Cut(s, "=")
	name = strings.TrimSpace(name)
	if !ok || !hclsyntax.ValidIdentifier(name) {
		return Var{}, fmt.Errorf("--var needs name=value, such as --var 'campaign=xmas'")
	}
	return Var{Name: name, Value: value}, nil
}

// Config is what a folder declares, evaluated.
type Config struct {
	Dir   string
	Files []string // what was read, in the order in which it counts, relative to Dir

	Settings Settings
	Pages    []story.Page    // in file-name, source and key order
	Stories  []story.Desired // in the same order
	Outputs  []Output
	Checks   []Check
	Moved    []Move
	Imports  []Import
	// Variables are the declared input variables by name.
	Variables []Variable
	// Sources has the bytes of every file that a diagnostic may point into,
	// by the name that its range carries, for snippets. Access tokens and
	// sensitive values are masked with asterisks, byte for byte.
	Sources map[string][]byte

	eval *evaluator // for Eval
}

// Settings are the values of the storyform block, with defaults filled in.
type Settings struct {
	RequiredVersion string        // a version constraint such as ">= 0.1"; empty: any
	APIVersion      string        // of the Graph API, such as "v25.0"
	MaxPublish      int           // how many stories one apply may publish; 0: no limit
	UploadAhead     time.Duration // how long before its time a story's media are uploaded by apply --due --wait; 0: not ahead
	SettleAfter     time.Duration // how long after an attempt an absent photo may be tried again
	MediaRules      string        // "default" or "strict"
	Include         []string      // patterns of subfolders, as written
	Backend         *Backend      // nil: the local state file
	Encryption      *Encryption   // nil: the state is written in clear
	Range           diag.Range    // of the block's header; zero without a block
}

// Backend is the state store that the storyform block names. What the
// arguments mean is for the store to say.
type Backend struct {
	Type      string
	Args      map[string]string // every value as a string
	Range     diag.Range
	ArgRanges map[string]diag.Range
}

// Output is a named value that a configuration shows to people and scripts.
type Output struct {
	Name        string
	Description string
	Sensitive   bool
	Value       json.RawMessage // for scripts, sensitive or not
	Text        string          // for people: a string as it is, anything else as an expression
	// Type is the value's type as Terraform writes it in JSON, such as
	// "string" or ["list","string"], and Expression the value as it would be
	// written in a configuration.
	Type       json.RawMessage
	Expression string
	// Stories are the stories that the value tells about; a block stands for
	// all of its instances.
	Stories []story.Address
	// Pending says that the value depends on what became of them and is not
	// known yet: see ResolveOutputs.
	Pending bool
	Range   diag.Range
}

// Check is the outcome of one check block. Its failures are warnings, which
// Load returns too.
type Check struct {
	Name   string     `json:"name"`
	Status string     `json:"status"` // "pass", "fail" or "unknown"
	Failed []string   `json:"failed,omitempty"`
	Range  diag.Range `json:"range"`
}

// Move says that the story known as From is now declared as To.
type Move struct {
	From, To story.Address
	Range    diag.Range
}

// Import says that the story on the Page with this post id is To.
type Import struct {
	To    story.Address
	ID    string
	Range diag.Range
}

// Variable is an input variable with the value that it got.
type Variable struct {
	Name        string
	Type        string // a type constraint such as "map(string)", "any" without one
	Description string
	Sensitive   bool
	Source      string // where the value is from: "default", "--var", "STORYFORM_VAR_x" or a file name
	Text        string // the value as an expression; "(sensitive value)" for a sensitive one
	Range       diag.Range
}

// Story returns the story instance at an address.
func (c *Config) Story(a story.Address) (*story.Desired, bool) {
	for i := range c.Stories {
		if c.Stories[i].Address == a {
			return &c.Stories[i], true
		}
	}
	return nil, false
}
