package config

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
)

const (
	// varsSuffix is the ending of variables files.
	varsSuffix = ".vars.hcl"
	// autoSuffix is the ending of those that are read without being named.
	autoSuffix = ".auto" + varsSuffix
	// mainVars is read without being named, before those.
	mainVars = "storyform" + varsSuffix
	// envPrefix begins the names of environment variables that give values.
	envPrefix = "STORYFORM_VAR_"
)

// gatherValues reads every source of values and returns, for each declared
// variable, the one that wins. From the weakest to the strongest:
//
//	the environment
//	storyform.vars.hcl
//	*.auto.vars.hcl, by name
//	--var and --var-file, in the order of the command line
//
// A value for a variable that isn't declared is an error on the command line,
// where it was typed for this run; a warning in a file, which several
// configurations may share; and nothing in the environment.
func (l *loader) gatherValues(declared map[string]*variable) map[string]*given {
	values := map[string]*given{}
	l.fromEnvironment(declared, values)
	names, _ := l.folder.discover("", varsSuffix)
	if slices.Contains(names, mainVars) {
		l.fromFolder(mainVars, declared, values)
	}
	for _, name := range names {
		if strings.HasSuffix(name, autoSuffix) {
			l.fromFolder(name, declared, values)
		}
	}
	for _, v := range l.options.Vars {
		if v.File != "" {
			l.fromOutside(v.File, declared, values)
		} else {
			l.fromFlag(v, declared, values)
		}
	}
	return values
}

// fromEnvironment takes values from STORYFORM_VAR_name.
func (l *loader) fromEnvironment(declared map[string]*variable, values map[string]*given) {
	for _, entry := range l.options.Env {
		name, text, _ := strings.Cut(entry, "=")
		short, ok := strings.CutPrefix(name, envPrefix)
		if ok && declared[short] != nil {
			values[short] = l.typed(declared[short], text, name)
		}
	}
}

// typed makes the given of text that is in no file. For messages it gets a
// source of its own, which holds the text.
func (l *loader) typed(v *variable, text, source string) *given {
	file := fmt.Sprintf("<value of var.%s from %s>", v.block.label, source)
	l.sources[file] = []byte(text)
	l.findTokens([]byte(text), file)
	at := rangeIn([]byte(text), file, 0, len(text))
	l.maskGiven(v, at)
	return &given{source: source, text: text, at: at}
}

// fromFlag takes the value of a --var.
func (l *loader) fromFlag(v Var, declared map[string]*variable, values map[string]*given) {
	if declared[v.Name] == nil && l.incomplete {
		return
	}
	if declared[v.Name] == nil {
		l.report(noAddress, &hcl.Diagnostic{Severity: hcl.DiagError, Summary: "Value for undeclared variable",
			Detail: fmt.Sprintf("--var gives a value to %q, but no variable of that name is declared.%s",
				v.Name, didYouMean(v.Name, slices.Collect(maps.Keys(declared))))})
		return
	}
	values[v.Name] = l.typed(declared[v.Name], v.Value, "--var")
}

// fromFolder takes the values of a variables file of the folder.
func (l *loader) fromFolder(name string, declared map[string]*variable, values map[string]*given) {
	src, err := l.readSource(name)
	if err != nil {
		l.reportFile(err)
		return
	}
	l.fromFile(src, name, declared, values)
}

// fromOutside takes the values of the file that --var-file names.
func (l *loader) fromOutside(file string, declared map[string]*variable, values map[string]*given) {
	src, name, err := l.readOutside(file)
	if err != nil {
		l.reportFile(err)
		return
	}
	l.fromFile(src, name, declared, values)
}

// reportFile reports that a variables file can't be read.
func (l *loader) reportFile(err error) {
	summary, detail := wordsOf(err, "Variables file can't be read")
	l.report(noAddress, &hcl.Diagnostic{Severity: hcl.DiagError, Summary: summary, Detail: detail})
}

// fromFile takes the values of the source of a variables file.
func (l *loader) fromFile(src []byte, name string, declared map[string]*variable, values map[string]*given) {
	body, broken := l.parse(src, name)
	if broken {
		return
	}
	l.meter.wrapBody(body)
	for _, b := range body.Blocks {
		l.report(noAddress, errAt(b.DefRange(), "Unexpected block in a variables file",
			"A variables file holds only values, as in name = \"value\". Blocks belong into a file that ends in %q.", Suffix))
	}
	for _, a := range sortedAttrs(body) {
		if declared[a.Name] == nil && l.incomplete {
			continue
		}
		if declared[a.Name] == nil {
			l.report(noAddress, warnAt(a.NameRange, "Value for undeclared variable",
				"No variable named %q is declared, so this value is not used.%s", a.Name, didYouMean(a.Name, slices.Collect(maps.Keys(declared)))))
			continue
		}
		l.maskGiven(declared[a.Name], a.Expr.Range())
		values[a.Name] = &given{source: name, expr: a.Expr, at: a.Expr.Range()}
	}
}

// parseTyped parses typed text as an expression.
func (l *loader) parseTyped(g *given) (hcl.Expression, hcl.Diagnostics) {
	src, name := []byte(g.text), g.at.Filename
	if !validText(g.text) || len(src) > maxFileBytes {
		return nil, hcl.Diagnostics{errAt(g.at, "Invalid value for input variable", "The value from %s is not UTF-8 text of at most %d MB.", g.source, maxFileBytes>>20)}
	}
	if d := checkShape(src, name, hclsyntax.LexExpression); d != nil {
		return nil, hcl.Diagnostics{d}
	}
	expr, diags := hclsyntax.ParseExpression(src, name, hcl.InitialPos)
	if diags.HasErrors() {
		return nil, tidySyntax(diags, src)
	}
	return l.meter.wrap(expr), diags
}
