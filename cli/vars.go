package cli

import (
	"errors"
	"strings"

	"github.com/spf13/pflag"

	"storyform/config"
)

// varFlags collects --var and --var-file in the order in which they were
// given, which decides which one wins.
type varFlags []config.Var

// values is the flag --var.
func (v *varFlags) values() pflag.Value { return &varFlag{list: v, parse: config.ParseVar} }

// files is the flag --var-file.
func (v *varFlags) files() pflag.Value {
	return &varFlag{list: v, parse: func(s string) (config.Var, error) {
		switch {
		case s == "":
			return config.Var{}, errors.New("--var-file needs the name of a file")
		case strings.HasSuffix(s, ".json"):
			return config.Var{}, errors.New("a file of variables has lines of name = value, as storyform.vars.hcl has; JSON is not read")
		}
		return config.Var{File: s}, nil
	}}
}

// varFlag appends to a list that several flags share.
type varFlag struct {
	list  *varFlags
	parse func(string) (config.Var, error)
}

// Set appends a value.
func (f *varFlag) Set(s string) error {
	v, err := f.parse(s)
	if err == nil {
		*f.list = append(*f.list, v)
	}
	return err
}

// String is empty: there is no default to show.
func (f *varFlag) String() string { return "" }

// Type is what the help calls the value.
func (f *varFlag) Type() string { return "string" }
