package media

import (
	"net/netip"
	"net/url"
	"strings"
)

// Nobody but this machine or its network can reach some addresses, so Meta
// can't fetch a file from there; and a URL of a stranger's pull request must
// not make a CI runner talk to its own network. Both are answered by one
// test: is the address public?

// reserved are the networks that are not public beyond those that package
// netip has words for. Source: IANA special-purpose address registries, 2026-05.
var reserved = []netip.Prefix{
	netip.MustParsePrefix("0.0.0.0/8"),
	netip.MustParsePrefix("100.64.0.0/10"), // carrier-grade NAT
	netip.MustParsePrefix("192.0.0.0/24"),
	netip.MustParsePrefix("192.0.2.0/24"),
	netip.MustParsePrefix("192.88.99.0/24"),
	netip.MustParsePrefix("198.18.0.0/15"),
	netip.MustParsePrefix("198.51.100.0/24"),
	netip.MustParsePrefix("203.0.113.0/24"),
	netip.MustParsePrefix("240.0.0.0/4"),
	netip.MustParsePrefix("100::/64"),
	netip.MustParsePrefix("2001::/23"),
	netip.MustParsePrefix("2001:db8::/32"),
	netip.MustParsePrefix("3fff::/20"),
	netip.MustParsePrefix("5f00::/16"),
}

// embedded are networks of IPv6 whose addresses hold one of IPv4, and where.
var embedded = []struct {
	prefix netip.Prefix
	at     int
}{
	{netip.MustParsePrefix("64:ff9b::/96"), 12},
	{netip.MustParsePrefix("64:ff9b:1::/48"), 12},
	{netip.MustParsePrefix("2002::/16"), 2},
}

// isPublic reports whether an address can be reached from the Internet.
func isPublic(a netip.Addr) bool {
	a = a.Unmap()
	for _, e := range embedded {
		if e.prefix.Contains(a) {
			b := a.As16()
			return isPublic(netip.AddrFrom4([4]byte(b[e.at : e.at+4])))
		}
	}
	if !a.IsValid() || !a.IsGlobalUnicast() || a.IsPrivate() || a.Zone() != "" {
		return false
	}
	for _, p := range reserved {
		if p.Contains(a) {
			return false
		}
	}
	return true
}

// mayDial reports whether a probe may talk to an address.
func mayDial(a netip.Addr, allowLoopback bool) bool {
	return isPublic(a) || allowLoopback && a.Unmap().IsLoopback()
}

// isLoopbackHost reports whether a URL names this machine.
func isLoopbackHost(u *url.URL) bool {
	host := strings.TrimSuffix(strings.ToLower(u.Hostname()), ".")
	if a, err := netip.ParseAddr(host); err == nil {
		return a.Unmap().IsLoopback()
	}
	return host == "localhost" || strings.HasSuffix(host, ".localhost")
}

// privateHost says why the host of a URL is not public, "" when its name
// tells nothing against it. Old spellings of addresses count: 127.1,
// 0x7f000001 and 2130706433 are 127.0.0.1 to many programs.
func privateHost(u *url.URL) string {
	host := strings.TrimSuffix(strings.ToLower(u.Hostname()), ".")
	if a, err := netip.ParseAddr(host); err == nil {
		if isPublic(a) {
			return ""
		}
		return "an address that is not on the Internet"
	}
	labels := strings.Split(host, ".")
	last := labels[len(labels)-1]
	switch {
	case isNumber(last):
		return "an unusual spelling of an address"
	case host == "localhost" || last == "localhost":
		return "this machine"
	case len(labels) == 1:
		return "a name without a domain"
	case last == "local" || last == "internal" || last == "lan" || last == "home" || last == "corp" || strings.HasSuffix(host, ".home.arpa"):
		return "a name of a private network"
	}
	return ""
}

// isNumber reports whether a label is a decimal, octal or hexadecimal number.
func isNumber(label string) bool {
	if hex, ok := strings.CutPrefix(label, "0x"); ok {
		return strings.Trim(hex, "0123456789abcdef") == ""
	}
	return label != "" && strings.Trim(label, "0123456789") == ""
}
