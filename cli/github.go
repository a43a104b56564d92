package cli

import (
	"net/url"
	"path"
	"path/filepath"
	"strings"

	"storyform/render"
)

// annotate shows the diagnostics of the run at their lines in a pull request,
// when it is a job of GitHub Actions.
func (a *app) annotate() {
	if !truthy(a.Getenv("GITHUB_ACTIONS")) || len(a.annotations) == 0 {
		return
	}
	_ = render.Annotations(a.Stderr, a.annotations, a.repositoryFolder()) // they are on standard error already, as text
}

// repositoryFolder is the configuration's folder in the repository that CI
// checked out, slash-separated; "" for its root, and when that is not known.
func (a *app) repositoryFolder() string {
	root := a.Getenv("GITHUB_WORKSPACE")
	if root == "" {
		root = a.Dir
	}
	rel, err := filepath.Rel(root, a.dir())
	if err != nil || !filepath.IsLocal(rel) || rel == "." {
		return ""
	}
	return filepath.ToSlash(rel)
}

// repositoryLink returns what finds the page of a local media file in the
// repository on GitHub; nil when it is not known which that is.
func (a *app) repositoryLink() func(source string) string {
	server, repository, commit := a.Getenv("GITHUB_SERVER_URL"), a.Getenv("GITHUB_REPOSITORY"), a.Getenv("GITHUB_SHA")
	if server == "" || repository == "" || commit == "" {
		return nil
	}
	folder := a.repositoryFolder()
	return func(source string) string {
		if strings.Contains(source, "://") {
			return source
		}
		var escaped []string
		for segment := range strings.SplitSeq(path.Join(folder, source), "/") {
			escaped = append(escaped, url.PathEscape(segment))
		}
		return server + "/" + repository + "/blob/" + url.PathEscape(commit) + "/" + strings.Join(escaped, "/")
	}
}
