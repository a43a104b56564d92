package cli

import (
	"bytes"
	"embed"
	"errors"
	"image"
	"image/color"
	"image/jpeg"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"strings"

	"github.com/spf13/pflag"
)

//go:embed scaffold
var scaffoldFiles embed.FS

// scaffoldFlags say what init writes into a folder without configuration.
type scaffoldFlags struct{ ci string }

// register adds the flags.
func (f *scaffoldFlags) register(flags *pflag.FlagSet) {
	flags.StringVar(&f.ci, "ci", "", "the CI system to write a workflow for, `github|gitlab|none`; without it, what the repository uses")
}

// newFile is a file that init writes, what it is for, and its content.
type newFile struct {
	path    string // from the configuration's folder, with slashes
	purpose string
	content []byte
}

// scaffold writes a configuration that works against the simulator as it is,
// and what belongs around it. What is there already is kept.
func (a *app) scaffold(f *scaffoldFlags) error {
	ci := f.ci
	if ci == "" && (a.automated() || truthy(a.Getenv("CI"))) {
		a.printf("There is no configuration in this folder. In automation none is made, unless --ci says for what.\n")
		return nil
	}
	if ci == "" {
		ci = guessCI(a.dir())
	}
	files, err := scaffoldOf(ci, repositoryOf(a.dir()), a.dir())
	if err != nil {
		return err
	}
	made, kept, err := a.writeNew(files)
	if err != nil {
		return fail("Configuration can't be written", "%v", err)
	}
	a.printf("storyform made a configuration that works against the simulator as it is:\n\n")
	a.printFiles(made)
	if len(kept) > 0 {
		a.printf("\nThese were there before, and are kept as they are:\n\n")
		a.printFiles(kept)
	}
	a.printf("\n%s", nextSteps(a.chdir, ci))
	return nil
}

// scaffoldOf lists the files for a CI system. root is the top folder of the
// repository that dir is in.
func scaffoldOf(ci, root, dir string) ([]newFile, error) {
	workflow, err := workflowOf(ci, root, dir)
	if err != nil {
		return nil, err
	}
	photo, err := samplePhoto()
	if err != nil {
		return nil, err
	}
	return append([]newFile{
		{"stories.story.hcl", "a Page, and a photo story for it", forFolder("stories.story.hcl", ci, below(root, dir))},
		{"media/hello.jpg", "the photo, to be replaced by yours", photo},
		{".gitignore", "keeps state, plans and tokens out of the repository", scaffoldFile("gitignore")},
	}, workflow...), nil
}

// workflowOf lists the files of a workflow.
func workflowOf(ci, root, dir string) ([]newFile, error) {
	folder, up := below(root, dir), below(dir, root)
	if ci != "none" && plainFolder.FindString(folder) != folder {
		return nil, fail("Folder can't stand in a workflow", "The folder %q has characters that mean something in YAML or in a shell. Rename it, or use --ci=none.", folder)
	}
	switch ci {
	case "github":
		return []newFile{{up + ".github/workflows/storyform.yml", "plans pull requests, applies what is merged, publishes by the clock", forFolder("github.yml", ci, folder)}}, nil
	case "gitlab":
		return []newFile{
			{up + ".gitlab/storyform.yml", "plans merge requests, applies what is merged, publishes by the clock", forFolder("gitlab.yml", ci, folder)},
			{up + ".gitlab-ci.yml", "includes .gitlab/storyform.yml", scaffoldFile("gitlab-ci.yml")}}, nil
	case "none":
		return nil, nil
	}
	return nil, fail("Unknown CI system", "storyform init writes workflows for github and gitlab, and with --ci=none no workflow, but knows no %q.", ci)
}

// below is the way from one folder to another, with slashes and one at the
// end; "" when they are one.
func below(from, to string) string {
	rel, err := filepath.Rel(from, to)
	if err != nil || rel == "." {
		return ""
	}
	return filepath.ToSlash(rel) + "/"
}

// writeWorkflow writes the workflow for a configuration that is there.
func (a *app) writeWorkflow(ci string) error {
	files, err := workflowOf(ci, repositoryOf(a.dir()), a.dir())
	if err != nil {
		return err
	}
	made, kept, err := a.writeNew(files)
	if err != nil {
		return fail("Workflow can't be written", "%v", err)
	}
	if len(made) > 0 {
		a.printf("storyform made a workflow; what it needs stands at its head:\n\n")
		a.printFiles(made)
		a.printf("\n")
	}
	if len(kept) > 0 {
		a.printf("These were there before, and are kept as they are:\n\n")
		a.printFiles(kept)
		a.printf("\n")
	}
	return nil
}

// plainFolder matches names that mean themselves in YAML and in a shell, once
// quoted.
var plainFolder = regexp.MustCompile(`^[\pL\pN._/ -]*`)

// scaffoldFile is an embedded file.
func scaffoldFile(name string) []byte {
	data, err := scaffoldFiles.ReadFile("scaffold/" + name)
	if err != nil {
		panic(err) // it is part of the program
	}
	return data
}

// backendHints are, for each CI system, a backend that needs nothing besides,
// as a comment of the configuration.
var backendHints = map[string]string{
	"gitlab": "  # backend \"http\" {} # in the project; its address is in .gitlab/storyform.yml\n",
	"github": "  # backend \"git\" { # on a branch of this repository\n  #   key = \"@KEY@\"\n  # }\n",
	"none":   "  # backend \"git\" { # on a branch of this repository\n  #   key = \"@KEY@\"\n  # }\n",
}

// forFolder fills a file in: folder is the configuration's, from the top of
// the repository, with a slash at the end, or "".
func forFolder(name, ci, folder string) []byte {
	chdir := ""
	if folder != "" {
		chdir = " -chdir=" + shellQuote(strings.TrimSuffix(folder, "/"))
	}
	quoted := folder
	if folder != "" {
		quoted = shellQuote(folder)
	}
	key := "stories"
	if folder != "" {
		key = regexp.MustCompile(`[^A-Za-z0-9_-]+`).ReplaceAllString(strings.TrimSuffix(folder, "/"), "-")
	}
	text := strings.NewReplacer(
		"@PREPARE@", string(scaffoldFile("github-prepare.yml")), "@BACKEND@", backendHints[ci],
		"@CHDIR@", chdir, "@FOLDER@", quoted, "@PATH@", folder,
	).Replace(string(scaffoldFile(name)))
	return []byte(strings.ReplaceAll(text, "@KEY@", key))
}

// samplePhoto is a photo that keeps every rule for stories: a sky with a sun.
func samplePhoto() ([]byte, error) {
	const width, height, radius = 1080, 1920, 260
	img := image.NewRGBA(image.Rect(0, 0, width, height))
	for y := range height {
		for x := range width {
			c := color.RGBA{uint8(40 + 180*y/height), uint8(60 + 90*y/height), uint8(150 - 60*y/height), 255}
			if dx, dy := x-width/2, y-height/2; dx*dx+dy*dy < radius*radius {
				c = color.RGBA{255, 214, 140, 255}
			}
			img.SetRGBA(x, y, c)
		}
	}
	var b bytes.Buffer
	err := jpeg.Encode(&b, img, &jpeg.Options{Quality: 85})
	return b.Bytes(), err
}

// writeNew writes the files that are not there yet, and none that is.
func (a *app) writeNew(files []newFile) (made, kept []newFile, err error) {
	if _, err := os.Stat(a.dir()); err != nil {
		return nil, nil, err // a folder that was mistyped is not made
	}
	for _, f := range files {
		name := filepath.Join(a.dir(), filepath.FromSlash(f.path))
		if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
			return made, kept, err
		}
		file, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
		if errors.Is(err, fs.ErrExist) {
			kept = append(kept, f)
			continue
		}
		if err != nil {
			return made, kept, err
		}
		_, err = file.Write(f.content)
		if closeErr := file.Close(); err == nil {
			err = closeErr
		}
		if err != nil {
			return made, kept, err
		}
		made = append(made, f)
	}
	return made, kept, nil
}

// printFiles lists files with their purposes, below each other.
func (a *app) printFiles(files []newFile) {
	width := 0
	for _, f := range files {
		width = max(width, len(f.path))
	}
	for _, f := range files {
		a.printf("  %s%s  %s\n", f.path, strings.Repeat(" ", width-len(f.path)), f.purpose)
	}
}

// nextSteps says what to type after init.
func nextSteps(chdir, ci string) string {
	program := "storyform"
	if chdir != "" {
		program += " -chdir=" + shellQuote(chdir)
	}
	steps := []string{
		"Rehearse it; nothing leaves this machine, and no token is needed:\n       " + program + " plan -sandbox\n       " + program + " apply -sandbox",
		"Put your Page's id and your photo into the configuration, and the Page's\n     token into the environment, as STORYFORM_TOKEN. Then see what is missing:\n       " + program + " doctor",
		"See what would be published, and publish it:\n       " + program + " plan\n       " + program + " apply",
	}
	if ci != "none" {
		steps = append(steps, "For CI: declare a backend for the state, as the configuration shows, and do\n     what stands at the head of the workflow.")
	}
	var b strings.Builder
	b.WriteString("Next:\n")
	for i, s := range steps {
		b.WriteString("\n  " + string(rune('1'+i)) + ". " + s + "\n")
	}
	return b.String()
}

// repositoryOf is the top folder of the repository that a folder is in; the
// folder itself when there is none.
func repositoryOf(dir string) string {
	for at := dir; ; at = filepath.Dir(at) {
		if _, err := os.Stat(filepath.Join(at, ".git")); err == nil {
			return at
		}
		if at == filepath.Dir(at) {
			return dir
		}
	}
}

// guessCI is the CI system that a repository uses, by its files or by where
// it is pushed to; github when nothing tells.
func guessCI(dir string) string {
	root := repositoryOf(dir)
	for _, sign := range []struct{ file, ci string }{{".gitlab-ci.yml", "gitlab"}, {".github", "github"}} {
		if _, err := os.Stat(filepath.Join(root, sign.file)); err == nil {
			return sign.ci
		}
	}
	config, err := os.ReadFile(filepath.Join(root, ".git", "config"))
	if err != nil {
		return "github"
	}
	for line := range strings.Lines(string(config)) {
		key, value, _ := strings.Cut(line, "=")
		if strings.TrimSpace(key) == "url" && strings.Contains(path.Dir(value), "gitlab") {
			return "gitlab"
		}
	}
	return "github"
}
