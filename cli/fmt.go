package cli

import (
	"bytes"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"storyform/config"
	"storyform/internal/atomicfile"
)

// fmtFlags are the flags of fmt.
type fmtFlags struct {
	check, diff, recursive, list, write bool
}

// fmtCommand brings configuration files into the canonical form.
func fmtCommand(a *app) *cobra.Command {
	var f fmtFlags
	cmd := &cobra.Command{
		Use:   "fmt [FILE|FOLDER|-]...",
		Short: "Bring configuration files into the canonical form",
		Long: `Rewrites *.story.hcl and *.vars.hcl files in the canonical form and lists those
that it changed. - formats standard input to standard output. With --write=false
and --list=false the result goes to standard output, too.

Exit codes: 0 done; 2 a file can't be read or parsed; 3 with --check, a file
would change.`,
		RunE: func(cmd *cobra.Command, args []string) error { return fmtError(a.runFmt(&f, args)) },
	}
	flags := cmd.Flags()
	flags.BoolVar(&f.check, "check", false, "change nothing; exit with 3 when a file would change")
	flags.BoolVar(&f.diff, "diff", false, "show what changes")
	flags.BoolVar(&f.recursive, "recursive", false, "also format the folders below")
	flags.BoolVar(&f.list, "list", true, "list the files that change")
	flags.BoolVar(&f.write, "write", true, "write the files; --write=false only lists them")
	return cmd
}

// The exit codes of fmt, as Terraform's.
const (
	fmtUnparsable  = 2
	fmtWouldChange = 3
)

// fmtError gives an error of fmt its exit code: 1 would not tell a file that
// can't be read from anything else that went wrong in a pipeline.
func fmtError(err error) error {
	if err == nil {
		return nil
	}
	if ee := asExit(err); ee.code == 1 {
		return &exitError{code: fmtUnparsable, diags: ee.diags}
	}
	return err
}

// runFmt is the command fmt.
func (a *app) runFmt(f *fmtFlags, args []string) error {
	if slices.Equal(args, []string{"-"}) {
		return a.fmtStdin(f)
	}
	files, err := a.fmtFiles(f, args)
	if err != nil {
		return err
	}
	changed, broken := false, false
	for _, name := range files {
		same, ok, err := a.fmtFile(f, name)
		if err != nil {
			return err
		}
		changed = changed || ok && !same
		broken = broken || !ok
	}
	switch {
	case broken:
		return exit(fmtUnparsable)
	case changed && f.check:
		return exit(fmtWouldChange)
	}
	return nil
}

// fmtStdin formats standard input.
func (a *app) fmtStdin(f *fmtFlags) error {
	src, err := io.ReadAll(io.LimitReader(a.Stdin, 16<<20))
	if err != nil {
		return fail("Standard input can't be read", "%v", err)
	}
	out, diags := config.Format(src, "<stdin>")
	if diags.HasErrors() {
		a.sources = map[string][]byte{"<stdin>": src}
		return &exitError{code: fmtUnparsable, diags: diags}
	}
	switch same := bytes.Equal(src, out); {
	case f.diff && !same:
		a.printf("%s", lineDiff("<stdin>", string(src), string(out)))
	case !f.check && !f.diff:
		if _, err := a.Stdout.Write(out); err != nil {
			return fail("Result can't be written", "%v", err)
		}
		return nil
	}
	if f.check && !bytes.Equal(src, out) {
		return exit(fmtWouldChange)
	}
	return nil
}

// fmtFiles lists what to format.
func (a *app) fmtFiles(f *fmtFlags, args []string) ([]string, error) {
	if len(args) == 0 {
		args = []string{"."}
	}
	var files []string
	for _, arg := range args {
		info, err := os.Stat(a.path(arg))
		if err != nil {
			return nil, fail("File can't be read", "%s: no such file or folder.", arg)
		}
		if !info.IsDir() {
			if !formattable(info.Name()) {
				return nil, fail("Not a configuration file", "%s: only files that end in .story.hcl or .vars.hcl are formatted.", arg)
			}
			files = append(files, arg)
			continue
		}
		err = filepath.WalkDir(a.path(arg), func(path string, d fs.DirEntry, err error) error {
			if err != nil {
				return err
			}
			if d.IsDir() && path != a.path(arg) && (!f.recursive || strings.HasPrefix(d.Name(), ".")) {
				return fs.SkipDir
			}
			if !d.IsDir() && formattable(d.Name()) {
				rel, _ := filepath.Rel(a.path(arg), path) // path is below
				files = append(files, filepath.ToSlash(filepath.Join(arg, rel)))
			}
			return nil
		})
		if err != nil {
			return nil, fail("Folder can't be read", "%v", err)
		}
	}
	slices.Sort(files)
	return slices.Compact(files), nil
}

// formattable reports whether fmt handles files of this name.
func formattable(name string) bool {
	return strings.HasSuffix(name, ".story.hcl") || strings.HasSuffix(name, ".vars.hcl")
}

// fmtFile formats one file. same: it is in the canonical form; ok: it could
// be parsed.
func (a *app) fmtFile(f *fmtFlags, name string) (same, ok bool, err error) {
	src, err := os.ReadFile(a.path(name))
	if err != nil {
		return false, false, fail("File can't be read", "%v", err)
	}
	out, diags := config.Format(src, name)
	if diags.HasErrors() {
		a.sources = map[string][]byte{name: src}
		a.diagnose(diags)
		return false, false, nil
	}
	if !f.list && !f.write && !f.diff && !f.check {
		a.printf("%s", out)
	}
	if bytes.Equal(src, out) {
		return true, true, nil
	}
	if f.list {
		a.printf("%s\n", name)
	}
	if f.diff {
		a.printf("%s", lineDiff(name, string(src), string(out)))
	}
	if f.write && !f.check {
		if err := atomicfile.Write(a.path(name), out, fileMode(a.path(name))); err != nil {
			return false, false, fail("File can't be written", "%v", err)
		}
	}
	return false, true, nil
}

// fileMode is the permission of an existing file, to be kept.
func fileMode(path string) os.FileMode {
	if info, err := os.Stat(path); err == nil {
		return info.Mode().Perm()
	}
	return 0o644
}
