package media

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"strings"

	"storyform/internal/diag"
	"storyform/story"
)

// tlsConfig trusts other certificate authorities than the machine's.
func tlsConfig(roots *x509.CertPool) *tls.Config { return &tls.Config{RootCAs: roots} }

// hostedRules is the table of rules for hosted files. Those from url.answer
// on need the server's answers.
func hostedRules() []Rule {
	const e, w = diag.Error, diag.Warning
	return []Rule{
		{"url.valid", "", e, "Media URL is not valid", "it must be a complete URL of ASCII characters",
			"The URL travels in an HTTP header. Other characters must be percent-encoded, and names of hosts written in their xn-- form.", own, ownDate, checkURLValid},
		{"url.https", "", e, "Media URL is not https", "storyform accepts https only",
			"Meta accepts http, too; but then anybody on the way can change what is published.", own, ownDate, checkURLScheme},
		{"url.credentials", "", e, "Media URL holds a password", "a URL must not hold credentials",
			"Meta does not accept URLs that need a login, and the password would be public with the configuration.", guide, guideDate, checkURLCredentials},
		{"url.fragment", "", e, "Media URL has a fragment", "a URL must not have a part behind #",
			"A server never sees that part, so it can't choose the file.", own, ownDate, checkURLFragment},
		{"url.fbcdn", "", e, "Media URL is on Meta's own servers", "files on Meta's CDN are rejected",
			"The page says so and points to crossposting.", guide, guideDate, checkURLMeta},
		{"url.public", "", e, "Media URL is not public", "Meta must be able to reach the host from the Internet",
			"Addresses of this machine and of private networks are refused, also when a host's name leads there.", guide, guideDate, checkURLPublic},
		{"url.answer", "", e, "Media URL does not answer", "the file must be there for everybody",
			"Meta can't log in. A server that is down for a moment is not a fault, but it is not checked then.", guide, guideDate, checkAnswer},
		{"url.redirect", "", w, "Media URL redirects", "a direct URL is safer",
			"Whether Meta follows redirects is not documented.", own, ownDate, checkRedirect},
		{"url.type", "", e, "Media URL leads to something else", "it must lead to a file of the declared kind",
			"The first bytes of the file count, not its name or Content-Type.", own, ownDate, checkReplyType},
		{"url.length", "", e, "Hosted photo is too large", "a photo must not exceed 10 MB",
			"The same limit as for local photos.", guide, guideDate, checkReplyLength},
		{"url.robots", "", e, "robots.txt keeps Meta out", "robots.txt must allow the agent " + metaAgent,
			"The page says that files on sites that restrict access by robots.txt are rejected.", guide, guideDate, checkRobots},
	}
}

// needsURL passes rules over when there is no URL to look at.
func needsURL(f *File, broken func(h *Remote) string, fix string) Verdict {
	if f.Remote.url == nil {
		return skip()
	}
	if measured := broken(f.Remote); measured != "" {
		return failed(measured, fix, Repair{})
	}
	return pass()
}

func checkURLValid(f *File) Verdict {
	h := f.Remote
	for _, c := range h.raw {
		if c <= ' ' || c > '~' {
			return failed(fmt.Sprintf("It holds the character %q", c), "Percent-encode it.", Repair{})
		}
	}
	if h.url == nil || h.url.Opaque != "" {
		return failed("It can't be read as a URL with a host", "Write it as https://host/path.", Repair{})
	}
	return pass()
}

func checkURLScheme(f *File) Verdict {
	return needsURL(f, func(h *Remote) string {
		if s := h.url.Scheme; s != "https" && !(s == "http" && h.allowLoopback && isLoopbackHost(h.url)) {
			return "It begins with " + s + ":"
		}
		return ""
	}, "Serve the file by https, or put it beside the configuration.")
}

func checkURLCredentials(f *File) Verdict {
	return needsURL(f, func(h *Remote) string {
		if h.url.User != nil {
			return "It has a user name in front of the host"
		}
		return ""
	}, "Use a URL that needs no login, such as a signed one, or a local file. Change the password.")
}

func checkURLFragment(f *File) Verdict {
	return needsURL(f, func(h *Remote) string {
		if strings.Contains(h.raw, "#") {
			return "It has a part behind #"
		}
		return ""
	}, "Remove that part.")
}

func checkURLMeta(f *File) Verdict {
	return needsURL(f, func(h *Remote) string {
		host := "." + strings.TrimSuffix(strings.ToLower(h.url.Hostname()), ".")
		for _, cdn := range []string{".fbcdn.net", ".fbcdn.com", ".cdninstagram.com"} {
			if strings.HasSuffix(host, cdn) {
				return "Its host belongs to " + cdn[1:]
			}
		}
		return ""
	}, "Use a local file, or a copy elsewhere.")
}

func checkURLPublic(f *File) Verdict {
	return needsURL(f, func(h *Remote) string {
		if h.Reply != nil && h.Reply.Private {
			return "It leads to an address that is not on the Internet"
		}
		if h.allowLoopback && isLoopbackHost(h.url) {
			return ""
		}
		if why := privateHost(h.url); why != "" {
			return "Its host is " + why
		}
		return ""
	}, "Use a local file, or a public host.")
}

// answered passes rules over that need an answer when there is none.
func answered(f *File, check func(r *Reply) Verdict) Verdict {
	r := f.Remote.Reply
	if r == nil || r.Unreachable != "" || r.Status/100 != 2 {
		return skip()
	}
	return check(r)
}

func checkAnswer(f *File) Verdict {
	r := f.Remote.Reply
	switch {
	case r == nil || r.Private:
		return skip()
	case r.Gone:
		return failed("Its host does not exist", "Check the spelling.", Repair{})
	case r.Unreachable != "":
		return unchecked("the server could not be asked from here: " + r.Unreachable)
	case r.Status == 429 || r.Status >= 500:
		return unchecked(fmt.Sprintf("the server answered with status %d", r.Status))
	case r.Status/100 != 2:
		return failed(fmt.Sprintf("The server answered with status %d", r.Status), "Open the URL in a private window of a browser: it must show the file.", Repair{})
	}
	return pass()
}

func checkRedirect(f *File) Verdict {
	return answered(f, func(r *Reply) Verdict {
		if r.Redirects == 0 {
			return pass()
		}
		return failed(fmt.Sprintf("The server redirects %d times", r.Redirects), "Use the URL at which the redirects end.", Repair{})
	})
}

func checkReplyType(f *File) Verdict {
	return answered(f, func(r *Reply) Verdict {
		switch kind := kindOf(r.Format); {
		case r.Format == "text":
			return failed("It leads to text ("+contentType(r)+")", "Use the URL of the file itself, not of a page that shows it.", Repair{})
		case r.Format == "":
			return unchecked("the first bytes of the file are of no format known here")
		case kind == "":
			return failed("It leads to "+formatName(r.Format), "Use a photo or a video.", Repair{})
		case f.Kind != "" && kind != f.Kind:
			return failed("It leads to "+formatName(r.Format)+", which is a "+string(kind), "Write `"+string(kind)+"` in place of `"+string(f.Kind)+"`, or change the URL.", Repair{})
		case kind == story.Photo && photoReader(r.Format) == nil:
			return failed("It leads to "+formatName(r.Format), "A photo story takes JPEG, BMP, PNG, GIF or TIFF.", Repair{})
		}
		return pass()
	})
}

// contentType is what the server says about the type, in words.
func contentType(r *Reply) string {
	if r.ContentType == "" {
		return "no Content-Type"
	}
	return r.ContentType
}

// kindOf is the kind of story that a format can be.
func kindOf(name string) story.Kind {
	for _, f := range formats {
		if f.name == name {
			return f.kind
		}
	}
	return ""
}

func checkReplyLength(f *File) Verdict {
	return answered(f, func(r *Reply) Verdict {
		switch {
		case kindOf(r.Format) != story.Photo:
			return skip()
		case r.Length < 0:
			return unchecked("the server does not tell the size of the file")
		case r.Length <= maxPhotoBytes:
			return pass()
		}
		return failed("It has "+sizeText(r.Length), "Use a smaller file.", Repair{})
	})
}

func checkRobots(f *File) Verdict {
	return answered(f, func(r *Reply) Verdict {
		switch r.Robots {
		case robotsAllowed:
			return pass()
		case robotsDenied:
			return failed("The site's robots.txt forbids this URL to "+metaAgent, "Add to robots.txt: User-agent: facebookexternalhit, Allow: /. Or use a local file.", Repair{})
		}
		return unchecked(r.Robots)
	})
}
