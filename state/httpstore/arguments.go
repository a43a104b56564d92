package httpstore

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"net/http"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
	"time"

	"storyform/state"
)

// Arguments returns the arguments of the backend block. Those that are secret
// are none of them, so that they never get into a plan file: the password and
// the private key come from the environment only.
func Arguments() []state.Argument {
	return []state.Argument{
		{Name: "address", Required: true, Description: "where the state is read and written"},
		{Name: "update_method", Description: "the method of writing; POST by default"},
		{Name: "lock_address", Required: true, Description: "where the lock is taken; two runs at once need it"},
		{Name: "lock_method", Description: "the method of locking; LOCK by default, POST for GitLab and Gitea"},
		{Name: "unlock_address", Description: "where the lock is released; lock_address by default"},
		{Name: "unlock_method", Description: "the method of unlocking; UNLOCK by default, DELETE for GitLab and Gitea"},
		{Name: "username", Description: "the name for basic authentication; the password comes from STORYFORM_HTTP_PASSWORD"},
		{Name: "skip_cert_verification", Description: "true to take any certificate of the server"},
		{Name: "retry_max", Description: "how often a request without an answer is repeated; 2 by default"},
		{Name: "retry_wait_min", Description: "seconds before the first repetition; 1 by default"},
		{Name: "retry_wait_max", Description: "seconds before a later one at most; 30 by default"},
		{Name: "client_ca_certificate_pem", Description: "the certificates, in PEM, of those who may sign the server's"},
		{Name: "client_certificate_pem", Description: "the client's certificate in PEM; its key comes from STORYFORM_HTTP_CLIENT_PRIVATE_KEY_PEM"},
	}
}

// secrets are the names that only the environment may have.
var secrets = []string{"password", "client_private_key_pem"}

// settings are the arguments, checked.
type settings struct {
	address, lockAddress, unlockAddress    *url.URL
	updateMethod, lockMethod, unlockMethod string
	username, password                     string
	retryMax                               int
	waitMin, waitMax                       time.Duration
	tls                                    *tls.Config
}

// parser reads arguments one by one and keeps the first error.
type parser struct {
	args map[string]string
	env  func(string) string
	err  error
}

// parse checks the arguments. Its errors name the one that is wrong, and
// never show a value that may be secret.
func parse(given map[string]string, env func(string) string) (*settings, error) {
	for _, name := range secrets {
		if given[name] != "" {
			return nil, state.WrongArgument("http", name, "it would get into plan files; set STORYFORM_HTTP_%s in the environment", strings.ToUpper(name))
		}
	}
	args := map[string]string{}
	for name, value := range given {
		args[name] = value
	}
	for _, a := range Arguments() {
		if args[a.Name] == "" {
			args[a.Name] = lookup(env, a.Name)
		}
	}
	if err := state.CheckArguments("http", Arguments(), args); err != nil {
		return nil, err
	}
	p := &parser{args: args, env: env}
	set := &settings{
		address: p.address("address"), lockAddress: p.address("lock_address"), unlockAddress: p.address("unlock_address"),
		updateMethod: p.method("update_method", http.MethodPost), lockMethod: p.method("lock_method", "LOCK"), unlockMethod: p.method("unlock_method", "UNLOCK"),
		username: args["username"], password: lookup(env, "password"),
		retryMax: p.number("retry_max", 2), waitMin: p.seconds("retry_wait_min", 1), waitMax: p.seconds("retry_wait_max", 30),
		tls: p.tls(),
	}
	if set.unlockAddress == nil {
		set.unlockAddress = set.lockAddress
	}
	if p.err == nil && (set.username != "" || set.password != "") {
		for _, u := range []*url.URL{set.address, set.lockAddress, set.unlockAddress} {
			if u.Scheme == "http" && !loopback(u.Hostname()) {
				return nil, fmt.Errorf("the http backend doesn't send a password to %s: everybody on the way could read it; use https", display(u))
			}
		}
		if err := sameHost(given, env, set); err != nil {
			return nil, err
		}
	}
	return set, p.err
}

// sameHost refuses to send a password elsewhere than where the environment says
// that the state is, if it says so: a pull request can change the
// configuration, and is planned with the password of whoever reviews it.
func sameHost(given map[string]string, env func(string) string, set *settings) error {
	for name, u := range map[string]*url.URL{"address": set.address, "lock_address": set.lockAddress, "unlock_address": set.unlockAddress} {
		home, err := url.Parse(lookup(env, "address"))
		if err != nil || home.Host == "" || given[name] == "" || u.Host == home.Host {
			continue
		}
		return state.WrongArgument("http", name, "the password in the environment is for %s, which the environment gives as the address, and the configuration would send it to %s; let one of the two say where the state is", home.Host, u.Host)
	}
	return nil
}

// lookup reads an argument from the environment.
func lookup(env func(string) string, name string) string {
	if v := env("STORYFORM_HTTP_" + strings.ToUpper(name)); v != "" {
		return v
	}
	return env("TF_HTTP_" + strings.ToUpper(name))
}

// fail keeps the first error.
func (p *parser) fail(name, format string, a ...any) {
	if p.err == nil {
		p.err = state.WrongArgument("http", name, format, a...)
	}
}

// address reads the address called name; nil when there is none.
func (p *parser) address(name string) *url.URL {
	if p.args[name] == "" {
		return nil
	}
	u, err := url.Parse(p.args[name])
	switch {
	case err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "":
		p.fail(name, "it is not an address such as https://gitlab.example.com/…")
		return new(url.URL)
	case u.User != nil:
		p.fail(name, "it holds credentials; set username, and STORYFORM_HTTP_PASSWORD in the environment")
	}
	u.Fragment = ""
	return u
}

// method reads an HTTP method.
func (p *parser) method(name, otherwise string) string {
	m := p.args[name]
	if m == "" {
		return otherwise
	}
	if strings.ContainsFunc(m, func(r rune) bool { return r < 'A' || r > 'Z' }) {
		p.fail(name, "%q is not an HTTP method in capital letters", m)
	}
	return m
}

// number reads a number that isn't negative, up to 1,000.
func (p *parser) number(name string, otherwise int) int {
	if p.args[name] == "" {
		return otherwise
	}
	n, err := strconv.Atoi(p.args[name])
	if err != nil || n < 0 || n > 1000 {
		p.fail(name, "%q is not a number from 0 to 1000", p.args[name])
	}
	return n
}

// seconds reads a number of seconds.
func (p *parser) seconds(name string, otherwise int) time.Duration {
	return time.Duration(p.number(name, otherwise)) * time.Second
}

// tls reads what says whom to trust and who we are.
func (p *parser) tls() *tls.Config {
	c := &tls.Config{MinVersion: tls.VersionTLS12}
	if v := p.args["skip_cert_verification"]; v != "" {
		skip, err := strconv.ParseBool(v)
		if err != nil {
			p.fail("skip_cert_verification", "%q is neither true nor false", v)
		}
		c.InsecureSkipVerify = skip
	}
	if pem := p.args["client_ca_certificate_pem"]; pem != "" {
		c.RootCAs = x509.NewCertPool()
		if !c.RootCAs.AppendCertsFromPEM([]byte(pem)) {
			p.fail("client_ca_certificate_pem", "it holds no certificate in PEM")
		}
	}
	cert, key := p.args["client_certificate_pem"], lookup(p.env, "client_private_key_pem")
	switch {
	case cert == "" && key == "":
	case cert == "":
		p.fail("client_certificate_pem", "it is missing, and STORYFORM_HTTP_CLIENT_PRIVATE_KEY_PEM is set")
	case key == "":
		p.fail("client_certificate_pem", "its key is missing; set STORYFORM_HTTP_CLIENT_PRIVATE_KEY_PEM")
	default:
		pair, err := tls.X509KeyPair([]byte(cert), []byte(key))
		if err != nil {
			p.fail("client_certificate_pem", "it and STORYFORM_HTTP_CLIENT_PRIVATE_KEY_PEM are no pair in PEM")
		}
		c.Certificates = []tls.Certificate{pair}
	}
	return c
}

// client returns the HTTP client. It follows no redirects: a body that is
// posted to one address isn't meant for another.
func (set *settings) client() *http.Client {
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.TLSClientConfig = set.tls
	transport.ResponseHeaderTimeout = patience
	return &http.Client{
		Transport:     transport,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// loopback reports whether a host is this machine.
func loopback(host string) bool {
	ip, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && ip.IsLoopback()
}

// display is an address as people are told it: without its query, which may
// hold a secret.
func display(u *url.URL) string {
	return (&url.URL{Scheme: u.Scheme, Host: u.Host, Path: u.Path}).String()
}
