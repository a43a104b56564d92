package cli

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"storyform/internal/agekey"
	"storyform/render"
)

// minSecret is the length in bytes below which the value of a variable is not
// masked: it would be found in every word, and no token is so short.
const minSecret = 8

// tokenShape matches what looks like an access token of Facebook, or a
// parameter that carries one, wherever it is from.
var tokenShape = regexp.MustCompile(`EAA[A-Za-z0-9]{20,}|(?:access_token|appsecret_proof)=[^&\s"']+`)

// crashed tells of a mistake in the program, with what a person needs to
// report it and without any token.
func (a *app) crashed(value any, stack []byte) int {
	text := a.mask(fmt.Sprintf("%v\n\n%s", value, stack))
	fmt.Fprintf(a.Stderr, `
!!!!!!!!!!!!!!!!!!!!!!!!!!! STORYFORM CRASHED !!!!!!!!!!!!!!!!!!!!!!!!!!!!

This is a mistake in storyform, not in your configuration. Nothing is lost:
each step is written down before the next one begins. Run storyform plan to see
where things stand, and storyform apply to go on; it settles what is in doubt
before it publishes anything.

Please report what follows, with the command that you ran. The values of
variables that hold tokens are masked; look it over all the same.

storyform %s
panic: %s
`, Version(), text)
	return 1
}

// mask replaces every value of the environment that may be a secret.
func (a *app) mask(text string) string {
	var secrets []string
	for _, entry := range a.Environ {
		name, value, _ := strings.Cut(entry, "=")
		value = strings.TrimSpace(value)
		if len(value) >= minSecret && secretName(name) {
			secrets = append(secrets, value)
		}
	}
	for _, p := range a.tokenEnvs {
		if value := strings.TrimSpace(a.Getenv(p)); len(value) >= minSecret {
			secrets = append(secrets, value)
		}
	}
	slices.SortFunc(secrets, func(x, y string) int { return len(y) - len(x) }) // a longer one may hold a shorter one
	for _, s := range secrets {
		text = strings.ReplaceAll(text, s, "********")
	}
	lines := strings.Split(tokenShape.ReplaceAllString(text, "********"), "\n")
	for i, line := range lines {
		lines[i] = render.Clean(agekey.Mask(line))
	}
	return strings.Join(lines, "\n")
}

// secretName reports whether the name of a variable says that it holds a
// secret.
func secretName(name string) bool {
	for _, word := range []string{"TOKEN", "SECRET", "PASSWORD", "PASSWD", "KEY", "CREDENTIAL", "AUTH", "STORYFORM_VAR_"} {
		if strings.Contains(strings.ToUpper(name), word) {
			return true
		}
	}
	return false
}
