package config

import (
	"fmt"
	"strings"

	"storyform/internal/suggest"
)

// didYouMean is the sentence for suggest.Nearest, with a space in front, or "".
func didYouMean(given string, candidates []string) string {
	if s := suggest.Nearest(given, candidates); s != "" {
		return fmt.Sprintf(" Did you mean %q?", s)
	}
	return ""
}

// list joins names as prose: `"a", "b" and "c"`. After limit names it counts
// the rest.
func list(names []string, limit int) string {
	quoted := make([]string, 0, len(names))
	for i, n := range names {
		if i == limit && len(names) > limit+1 {
			quoted = append(quoted, fmt.Sprintf("%d more", len(names)-limit))
			break
		}
		quoted = append(quoted, fmt.Sprintf("%q", n))
	}
	switch n := len(quoted); n {
	case 0:
		return ""
	case 1:
		return quoted[0]
	default:
		return strings.Join(quoted[:n-1], ", ") + " and " + quoted[n-1]
	}
}
